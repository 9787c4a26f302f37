//! `ingress` and `clsact`: places for filters, which queue nothing. `man 8 tc`, `net/sched/sch_ingress.c`

use super::{Kind, Setting};
use crate::text::{Hear, Page, WordError, Words};
use crate::units::Handle;
use crate::wire::Table;
use std::fmt::{self, Display, Formatter};

pub(super) fn tables() -> Vec<Table> {
    vec![Table::of::<Ingress>(), Table::of::<Clsact>()]
}

attrs! {
    /// A place for filters on what arrives. Attach it with [`Qdisc::ingress`](super::Qdisc::ingress).
    pub wordless struct Ingress {
    }
}

attrs! {
    /// Places for filters on what arrives and on what is sent. Attach it with [`Qdisc::ingress`](super::Qdisc::ingress).
    pub struct Clsact {
    }
}

impl Display for Ingress {
    fn fmt(&self, _f: &mut Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

/// `tc` takes a handle here and does nothing with it: there is only one.
impl Hear for Ingress {
    fn hear(&mut self, words: &mut Words<'_>) -> Result<bool, WordError> {
        let heard = words.take_if("handle");
        if heard {
            words.read("a qdisc's handle such as ffff:", Handle::parse_qdisc)?;
        }
        Ok(heard)
    }
}

/// Nothing is to be said in a request; kernels answer with an empty TCA_OPTIONS.
impl Kind for Ingress {
    const NAME: &'static str = "ingress";
    fn has_options(&self) -> bool {
        !self.unknown.is_empty()
    }
    fn settle(&mut self, _: &Setting) {
        self.unknown.clear();
    }
    /// The line is all that `tc` has ever shown of it.
    fn show(&self, page: &mut Page) {
        page.text("---------------- ");
    }
}

impl Kind for Clsact {
    const NAME: &'static str = "clsact";
    fn has_options(&self) -> bool {
        !self.unknown.is_empty()
    }
    fn settle(&mut self, _: &Setting) {
        self.unknown.clear();
    }
    fn show(&self, _: &mut Page) {}
}

//! The parameters that all actions have: number, verdict, holders, times.

use super::Control;
use crate::text::{Page, WordError, Words};
use std::fmt::{self, Formatter};

layout! {
    /// The parameters that every action has. `tc_gen` of `include/uapi/linux/pkt_cls.h`
    pub struct ActionParms = "tc_gen" {
        /// The action's number within its kind; 0 lets the kernel choose. Filters that name the same one share it.
        pub index: u32,
        /// Capabilities, unused.
        pub capab: u32,
        /// What becomes of the packet.
        pub control: Control,
        /// How many hold it. Kernels report it.
        pub references: i32,
        /// How many filters use it. Kernels report it.
        pub bindings: i32,
    }
}

/// The number of an action within its kind.
#[derive(Debug)]
pub struct ActionNumber<'a> {
    /// The kernel's name of the kind.
    pub kind: &'static str,
    /// The number; 0 where none was said.
    pub index: &'a mut u32,
    /// How many hold the action: one that came with a filter and that nothing else uses is held once. 0 where no kernel said it.
    pub references: i32,
}

/// What kinds of actions do alike whose `times` are [`Times`] and whose `parms` are [`ActionParms`], or have some in the field that is
/// said: a part of their implementation of [`Kind`](super::Kind).
macro_rules! has_parms {
    ($($field:ident)?) => {
        fn forget(&mut self) {
            self.times = None;
            self.parms.iter_mut().for_each(|parms| parms$(.$field)?.forget());
        }

        fn number(&mut self, see: &mut dyn FnMut($crate::tc::ActionNumber<'_>)) {
            self.parms.iter_mut().for_each(|parms| see(parms$(.$field)?.number(Self::NAME)));
        }

        fn handle(&self) -> Option<u32> {
            self.parms.map(|parms| parms$(.$field)?.index)
        }
    };
}
pub(super) use has_parms;

impl ActionParms {
    /// The parameters of an action with this verdict.
    pub fn new(control: Control) -> Self {
        ActionParms { control, ..Self::default() }
    }

    /// Drops who holds it.
    pub(super) fn forget(&mut self) {
        (self.references, self.bindings) = (0, 0);
    }

    /// Drops what kernels do not look at.
    pub(super) fn settle(&mut self) {
        self.capab = 0;
    }

    /// Its number, as that of an action of this kind.
    pub(super) fn number(&mut self, kind: &'static str) -> ActionNumber<'_> {
        ActionNumber { kind, index: &mut self.index, references: self.references }
    }

    /// Takes an index, if one comes.
    pub(super) fn hear_index(&mut self, words: &mut Words<'_>) -> Result<bool, WordError> {
        let heard = words.take_if_short("index");
        if heard {
            self.index = words.number(10)?;
        }
        Ok(heard)
    }

    /// Shows the index and who holds it.
    pub(super) fn show_index(&self, page: &mut Page) {
        page.field("index", self.index, format_args!("index {} ", self.index));
        show_holders(self.references, self.bindings, page);
    }

    /// The words for an index that was chosen.
    pub(super) fn say_index(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.index {
            0 => Ok(()),
            index => write!(f, " index {index}"),
        }
    }
}

layout! {
    /// When an action was installed and used, in hundredths of a second before now. Kernels report it.
    /// `struct tcf_t` of `include/uapi/linux/pkt_cls.h`
    pub struct Times = "tcf_t" {
        /// Since it was installed.
        pub installed: u64,
        /// Since it was last used.
        pub last_used: u64,
        /// Until it expires, unused.
        pub expires: u64,
        /// Since it was first used; 0 if it never was.
        pub first_used: u64,
    }
}

/// Shows how many hold an action, and how many of them are filters.
pub(super) fn show_holders(references: i32, bindings: i32, page: &mut Page) {
    page.field("ref", references, format_args!("ref {references}"));
    page.field("bind", bindings, format_args!(" bind {bindings}"));
}

impl Times {
    /// Shows the times in seconds, where statistics are shown.
    pub(super) fn show(times: Option<&Times>, page: &mut Page) {
        let Some(times) = times.filter(|_| page.layout().stats > 0) else { return };
        let fields = [
            ("installed", "installed", times.installed),
            ("last_used", "used", times.last_used),
            ("first_used", "firstused", times.first_used),
            ("expires", "expires", times.expires),
        ];
        for (key, word, ticks) in fields.into_iter().filter(|(.., ticks)| *ticks != 0) {
            let seconds = ticks / 100;
            page.field(key, seconds, format_args!(" {word} {seconds} sec"));
        }
    }
}

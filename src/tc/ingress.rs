//! `ingress` and `clsact`: places for filters, which queue nothing. `man 8 tc`, `net/sched/sch_ingress.c`

use super::Kind;

attrs! {
    /// A place for filters on what arrives. Attach it with [`Qdisc::ingress`](super::Qdisc::ingress).
    pub struct Ingress {
    }
}

attrs! {
    /// Places for filters on what arrives and on what is sent. Attach it with [`Qdisc::ingress`](super::Qdisc::ingress).
    pub struct Clsact {
    }
}

/// Nothing is to be said in a request; kernels answer with an empty TCA_OPTIONS.
impl Kind for Ingress {
    const NAME: &'static str = "ingress";
    fn has_options(&self) -> bool {
        !self.unknown.is_empty()
    }
}

impl Kind for Clsact {
    const NAME: &'static str = "clsact";
    fn has_options(&self) -> bool {
        !self.unknown.is_empty()
    }
}

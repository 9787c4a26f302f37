use super::{ask, h, hand, ByHand, IFB0, V0};
use tcnl::request::Verb::{Add, Change, Delete, Replace};
use tcnl::tc::fifo::{Bfifo, Pfifo, PfifoHeadDrop};
use tcnl::tc::htb::Htb;
use tcnl::tc::{Estimator, Qdisc, QdiscKind};
use tcnl::units::{Packets, Size};

/// A root qdisc on v0 with the handle `1:`.
fn root(kind: impl Into<QdiscKind>) -> Qdisc {
    Qdisc::root(V0).handle(h("1:")).kind(kind)
}

pub fn commands() -> Vec<ByHand> {
    let htb = Htb::new;
    let estimator = Estimator::from_micros(1_000_000, 8_000_000).expect("an estimator");
    vec![
        hand("htb_qdisc-003", Add, root(htb().default_class(0x10))),
        hand("htb_qdisc-004", Add, root(htb().default_class(0x30))),
        hand("htb_qdisc-010", Add, root(htb().r2q(10).direct_qlen(Packets(0)))),
        hand("htb_qdisc-011", Add, root(htb().r2q(10).direct_qlen(Packets(1024)))),
        hand("htb_qdisc-013", Add, Qdisc::root(V0).handle(h("ffff:")).kind(htb().default_class(1))),
        hand("htb_qdisc-015", Add, root(htb().r2q(10).offload(true))),
        hand("htb_qdisc-020", Add, root(htb().default_class(0x10)).estimator(estimator)),
        hand("htb_qdisc-022", Add, Qdisc::root(IFB0).handle(h("1:")).kind(htb().default_class(0x10))),
        hand("htb_qdisc-025", Delete, Qdisc::root(V0)),
        hand("htb_qdisc-027", Change, root(htb().default_class(0x20))),
        hand("htb_qdisc-029", Replace, Qdisc::root(V0).handle(h("2:")).kind(htb().default_class(0x20))),
        hand("htb_qdisc-032", Delete, Qdisc::at(V0, h("1:10"))),
        ask("htb_qdisc-033", Qdisc::of(V0)),
        ask("htb_qdisc-034", Qdisc::all()),
        hand("fifo_prio_misc-007", Add, root(Pfifo::new())),
        hand("fifo_prio_misc-008", Add, root(Pfifo::new().limit(Packets(100)))),
        hand("fifo_prio_misc-009", Add, root(Pfifo::new().limit(Packets(0)))),
        hand("fifo_prio_misc-012", Add, root(Bfifo::new().limit(Size::bytes(3000)))),
        hand("fifo_prio_misc-013", Add, root(PfifoHeadDrop::new().limit(Packets(50)))),
        ask("sfq-035", Qdisc::of(V0)),
    ]
}

use super::{h, hand, ByHand, V0};
use tcnl::request::Verb::{Add, Delete, Replace};
use tcnl::tc::ingress::{Clsact, Ingress};
use tcnl::tc::sfq::{Red, Sfq};
use tcnl::tc::tbf::Tbf;
use tcnl::tc::{Framing, LinkLayer, Qdisc, QdiscKind};
use tcnl::units::{Micros, Packets, Rate, Size};

/// An SFQ at v0's root with the handle `10:`.
fn sfq(sfq: Sfq) -> Qdisc {
    Qdisc::root(V0).handle(h("10:")).kind(sfq)
}

/// A TBF at v0's root with the handle `1:`, with the tables that iproute2 sends.
fn tbf(tbf: Tbf) -> Qdisc {
    Qdisc::root(V0).handle(h("1:")).kind(tbf.with_tables())
}

fn place(kind: impl Into<QdiscKind>) -> Qdisc {
    Qdisc::ingress(V0).kind(kind)
}

fn fair() -> Vec<ByHand> {
    let new = Sfq::new;
    let under = |parent| Qdisc::at(V0, h(parent));
    let red = Red::new(100_000).thresholds(8000, 60_000).probability(0.2).ecn();
    let tuned = Red::new(50_000).thresholds(5000, 15_000).tuned(500, 20).ecn();
    vec![
        hand("sfq-002", Add, sfq(new())),
        hand("sfq-005", Add, sfq(new().quantum(1514))),
        hand("sfq-006", Add, sfq(new().quantum(3000).perturb(60))),
        hand("sfq-007", Add, sfq(new().limit(Packets(127)))),
        hand("sfq-008", Add, sfq(new().limit(Packets(3000)))),
        hand("sfq-013", Add, sfq(new().divisor(65_536))),
        hand("sfq-015", Add, sfq(new().flows(64))),
        hand("sfq-017", Add, sfq(new().depth(64))),
        hand("sfq-018", Add, sfq(new().depth(127).flows(1024).limit(Packets(10_000)))),
        hand("sfq-019", Add, sfq(new().headdrop(true))),
        hand("sfq-021", Add, sfq(new().red(red).headdrop(true))),
        hand(
            "sfq-022",
            Add,
            sfq(new().limit(Packets(3000)).flows(512).divisor(16_384).red(red).headdrop(true)),
        ),
        hand("sfq-024", Add, sfq(new().red(tuned))),
        hand(
            "sfq-025",
            Add,
            sfq(new()
                .perturb(10)
                .quantum(1514)
                .limit(Packets(1000))
                .depth(100)
                .flows(200)
                .divisor(1024)
                .headdrop(true)),
        ),
        hand("sfq-028", Add, under("1:20").kind(new())),
        hand("sfq-029", Add, under("1:99").handle(h("99:")).kind(new())),
        hand("sfq-030", Replace, under("1:10").handle(h("10:")).kind(new().perturb(10))),
        hand("sfq-033", Replace, under("1:10").handle(h("10:")).kind(new().limit(Packets(50)))),
        hand("sfq-034", Delete, under("1:10").handle(h("10:"))),
    ]
}

fn buckets() -> Vec<ByHand> {
    let (kib, mib, millis) = (Size::kib, Size::mib, Micros::millis);
    let mbit = || Tbf::rate(Rate::mbit(1));
    let fast = || Tbf::rate(Rate::gbit(40)).burst(mib(10));
    let atm = Framing { overhead: 24, mpu: 0, linklayer: LinkLayer::Atm };
    vec![
        hand("tbf-001", Add, tbf(mbit().burst(kib(4)).latency(millis(400)))),
        hand(
            "tbf-005",
            Add,
            tbf(mbit().burst(kib(10)).latency(millis(50)).peak(Rate::mbit(2), Size::bytes(1540))),
        ),
        hand("tbf-008", Add, tbf(fast().latency(millis(10)))),
        hand("tbf-009", Add, tbf(fast().limit(mib(100)).peak(Rate::gbit(100), Size::bytes(9000)))),
        hand("tbf-011", Add, tbf(mbit().burst(kib(10)).latency(millis(50)).framing(atm))),
    ]
}

fn places() -> Vec<ByHand> {
    vec![
        hand("ingress-001", Add, place(Ingress::new())),
        hand("ingress-005", Add, place(Clsact::new())),
        hand("ingress-006", Add, place(Clsact::new()).ingress_block(22).egress_block(23)),
        hand("ingress-007", Replace, place(Clsact::new())),
        hand("ingress-008", Delete, place(Ingress::new())),
        hand("ingress-009", Delete, place(Clsact::new())),
        hand("ingress-010", Add, place(Clsact::new())),
    ]
}

pub fn commands() -> Vec<ByHand> {
    [fair(), buckets(), places()].into_iter().flatten().collect()
}

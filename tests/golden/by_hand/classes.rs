use super::{ask, h, hand, ByHand, V0};
use tcnl::request::Verb::{Add, Change, Delete, Replace};
use tcnl::tc::htb::HtbClass;
use tcnl::tc::{Class, Estimator, Framing, LinkLayer};
use tcnl::units::{Rate, Size};

/// The class 1:1 right below 1:.
fn top(kind: HtbClass) -> Class {
    Class::under(V0, h("1:")).id(h("1:1")).kind(kind.with_tables())
}

/// A class below 1:1.
fn inner(id: &str, kind: HtbClass) -> Class {
    Class::under(V0, h("1:1")).id(h(id)).kind(kind.with_tables())
}

/// A class of 1 Mbit/s.
fn mbit() -> HtbClass {
    HtbClass::rate(Rate::mbit(1))
}

fn framing(overhead: u16, mpu: u16, linklayer: LinkLayer) -> Framing {
    Framing { overhead, mpu, linklayer }
}

pub fn commands() -> Vec<ByHand> {
    let five = || HtbClass::rate(Rate::mbit(5));
    let kib = Size::kib;
    let estimator = Estimator::from_micros(250_000, 1_000_000).expect("an estimator");
    vec![
        hand("htb_class-001", Add, top(mbit())),
        hand("htb_class-002", Add, top(HtbClass::rate(Rate::bit(8)))),
        hand("htb_class-003", Add, top(HtbClass::rate(Rate::kbit(1)))),
        hand("htb_class-004", Add, top(HtbClass::rate(Rate::kbit(64)))),
        hand("htb_class-005", Add, top(HtbClass::rate(Rate::bytes_per_second(1)))),
        hand("htb_class-006", Add, top(HtbClass::rate(Rate::bytes_per_second(125_000)))),
        hand("htb_class-010", Add, top(HtbClass::rate(Rate::bit(1 << 30)))),
        hand("htb_class-014", Add, top(HtbClass::rate(Rate::gbit(10)).ceil(Rate::gbit(10)))),
        hand("htb_class-016", Add, top(HtbClass::rate(Rate::bit(34_359_738_352)))),
        hand("htb_class-017", Add, top(HtbClass::rate(Rate::bit(34_359_738_360)))),
        hand("htb_class-018", Add, top(HtbClass::rate(Rate::bit(34_359_738_368)))),
        hand("htb_class-020", Add, top(HtbClass::rate(Rate::gbit(10)).ceil(Rate::gbit(40)))),
        hand("htb_class-022", Add, top(HtbClass::rate(Rate::gbit(100)).ceil(Rate::gbit(100)))),
        hand(
            "htb_class-023",
            Add,
            top(HtbClass::rate(Rate::gbit(100)).burst(Size::mib(1)).cburst(Size::mib(1))),
        ),
        hand("htb_class-025", Add, top(HtbClass::rate(Rate::tbit(1)))),
        hand("htb_class-027", Add, top(mbit().ceil(Rate::kbit(512)))),
        hand("htb_class-028", Add, top(mbit().burst(kib(15)))),
        hand("htb_class-029", Add, top(mbit().burst(kib(15)).cburst(kib(30)))),
        hand("htb_class-031", Add, top(mbit().burst(kib(15)))),
        hand("htb_class-034", Add, top(mbit().burst(kib(20)).cburst(kib(40)))),
        hand(
            "htb_class-038",
            Add,
            top(mbit().ceil(Rate::mbit(2)).burst(kib(15)).cburst(kib(20)).prio(1).quantum(3000)),
        ),
        hand("htb_class-040", Add, top(mbit().prio(7))),
        hand("htb_class-042", Add, top(mbit().quantum(1000))),
        hand("htb_class-043", Add, top(mbit().quantum(1514))),
        hand("htb_class-045", Add, top(HtbClass::rate(Rate::gbit(1)).quantum(200_000))),
        hand("htb_class-047", Add, top(mbit().mtu(1500))),
        hand("htb_class-049", Add, top(mbit().mtu(65_535))),
        hand("htb_class-050", Add, top(mbit().framing(framing(0, 64, LinkLayer::Ethernet)))),
        hand("htb_class-051", Add, top(mbit().framing(framing(14, 0, LinkLayer::Ethernet)))),
        hand("htb_class-053", Add, top(mbit().framing(framing(44, 0, LinkLayer::Atm)))),
        hand("htb_class-054", Add, top(mbit().framing(framing(44, 53, LinkLayer::Atm)))),
        hand(
            "htb_class-056",
            Add,
            top(mbit()
                .framing(framing(18, 64, LinkLayer::Ethernet))
                .mtu(2000)
                .burst(kib(20))
                .cburst(kib(20))
                .prio(3)
                .quantum(2000)),
        ),
        hand("htb_class-065", Add, inner("1:30", five().ceil(Rate::mbit(50)).prio(2))),
        // The rate tables left out, as the crate does unless asked.
        hand("htb_class-067", Add, Class::under(V0, h("1:")).id(h("1:2")).kind(five())),
        hand("htb_class-068", Add, inner("1:fffe", five())),
        hand("htb_class-069", Add, inner("1:ffff", five())),
        hand("htb_class-072", Add, inner("2:30", five())),
        hand("htb_class-073", Add, Class::under(V0, h("1:99")).id(h("1:30")).kind(five().with_tables())),
        hand("htb_class-075", Add, inner("1:30", five()).estimator(estimator)),
        hand(
            "htb_class-077",
            Change,
            Class::with_id(V0, h("1:10")).kind(HtbClass::rate(Rate::mbit(30)).with_tables()),
        ),
        hand(
            "htb_class-079",
            Replace,
            inner("1:10", HtbClass::rate(Rate::mbit(30)).ceil(Rate::mbit(40)).burst(kib(30))),
        ),
        hand("htb_class-081", Delete, Class::with_id(V0, h("1:10"))),
        hand("htb_class-083", Delete, Class::with_id(V0, h("1:77"))),
        ask("htb_qdisc-035", Class::of(V0)),
        ask("htb_qdisc-036", Class::of(V0)),
        ask("htb_qdisc-037", Class::of(V0).under(h("1:1"))),
    ]
}

use super::{ask, h, hand, ByHand, IFB0, V0};
use tcnl::request::Verb::{Add, Change, Delete, Get, Replace};
use tcnl::tc::fw::Fw;
use tcnl::tc::gact::Gact;
use tcnl::tc::mirred::Mirred;
use tcnl::tc::police::Police;
use tcnl::tc::skbedit::Skbedit;
use tcnl::tc::u32::{Match, U32};
use tcnl::tc::{Chain, Control, Estimator, Filter, FilterFlags, FilterKind, Place, Protocol};
use tcnl::units::{Name, Rate, Size};

/// A filter for IPv4 at `1:`.
fn ip(prio: u16, kind: impl Into<FilterKind>) -> Filter {
    Filter::on(V0, h("1:")).protocol(Protocol::Ip).prio(prio).kind(kind)
}

/// A u32 filter of everything.
fn everything() -> U32 {
    U32::new().matching(Match::any())
}

/// 1 Mbit/s.
fn police() -> Police {
    Police::new().rate(Rate::mbit(1)).burst(Size::kib(10))
}

fn marks() -> Vec<ByHand> {
    let to = |mark, class| Fw::mark(mark).class(h(class));
    let v1 = Name::new("v1").expect("a name");
    let at = || Filter::on(V0, h("1:"));
    vec![
        hand("fw-001", Add, ip(2, to(5, "1:10"))),
        hand("fw-003", Add, ip(2, to(0x10, "1:10"))),
        hand("fw-005", Add, ip(2, to(16, "1:10").mask(255))),
        hand("fw-006", Add, ip(2, to(u32::MAX, "1:10"))),
        hand("fw-008", Add, ip(2, Fw::legacy())),
        hand("fw-010", Add, ip(2, to(6, "1:10").indev(v1))),
        hand("fw-011", Add, ip(2, to(6, "1:10").police(police().exceed(Control::Drop)))),
        hand("fw-013", Add, ip(2, to(6, "1:10").action(Gact::drop()))),
        hand("fw-014", Add, ip(2, Fw::mark(6).action(Mirred::egress_redirect(IFB0)))),
        hand("fw-015", Add, ip(2, to(6, "1:10").action(Skbedit::piped().mark(7)))),
        hand("fw-016", Add, ip(2, to(6, "1:99"))),
        hand("fw-019", Add, ip(2, to(1, "1:20").mask(0xff))),
        hand("fw-020", Add, at().kind(to(100, "1:20"))),
        hand("fw-021", Add, at().protocol(Protocol::Ipv6).prio(3).kind(to(100, "1:20"))),
        hand("fw-024", Delete, ip(2, Fw::mark(7))),
        hand("fw-026", Delete, at().prio(2)),
        hand("fw-027", Replace, ip(2, to(5, "1:20"))),
        hand("fw-028", Change, ip(2, to(5, "1:20"))),
        hand("fw-031", Get, ip(2, Fw::mark(5))),
        ask("fw-032", Filter::of(V0).parent(h("1:"))),
    ]
}

fn policers() -> Vec<ByHand> {
    let policed = |police: Police| ip(1, everything().police(police).class(h("1:10")));
    let framing = |overhead, mpu| tcnl::tc::Framing { overhead, mpu, ..Default::default() };
    let fast = Police::new().rate(Rate::gbit(40)).burst(Size::mib(1));
    let drop = || police().exceed(Control::Drop);
    vec![
        hand("u32_police_act-003", Add, policed(police().exceed(Control::Ok))),
        hand("u32_police_act-004", Add, policed(police())),
        hand("u32_police_act-005", Add, policed(police().exceed(Control::Pipe))),
        hand("u32_police_act-006", Add, policed(drop().mtu(1500))),
        hand("u32_police_act-007", Add, policed(drop().framing(framing(14, 64)))),
        hand("u32_police_act-008", Add, policed(drop().peak(Rate::mbit(2)).mtu(2000))),
        hand("u32_police_act-009", Add, policed(fast.clone().exceed(Control::Drop))),
        hand(
            "u32_police_act-010",
            Add,
            policed(fast.peak(Rate::gbit(100)).mtu(9000).exceed(Control::Drop).conform(Control::Pipe)),
        ),
        hand("u32_police_act-013", Add, policed(drop().index(5))),
        hand("u32_police_act-014", Add, ip(1, everything().action(drop()))),
        hand(
            "ingress-021",
            Add,
            Filter::on(V0, h("ffff:")).protocol(Protocol::Ip).prio(50).kind(
                U32::new()
                    .matching(Match::ip_src([0, 0, 0, 0].into(), 0).expect("a prefix"))
                    .police(drop())
                    .class(h(":1")),
            ),
        ),
    ]
}

fn actions() -> Vec<ByHand> {
    let does = |action: tcnl::tc::Action| ip(1, everything().action(action));
    let edit = Skbedit::piped;
    vec![
        hand("u32_police_act-016", Add, does(Gact::drop().into())),
        hand("u32_police_act-017", Add, does(Gact::ok().into())),
        hand("u32_police_act-019", Add, does(Gact::pipe().into())),
        hand("u32_police_act-020", Add, does(Gact::continue_().into())),
        hand("u32_police_act-022", Add, does(Gact::trap().into())),
        hand("u32_police_act-024", Add, does(Gact::ok().netrand(Control::Drop, 10).into())),
        hand("u32_police_act-025", Add, does(Gact::ok().determ(Control::Drop, 5).into())),
        hand("u32_police_act-031", Add, does(Mirred::egress_mirror(IFB0).into())),
        hand("u32_police_act-033", Add, does(Mirred::ingress_mirror(IFB0).into())),
        hand("u32_police_act-035", Add, does(Mirred::egress_redirect(IFB0).index(9).into())),
        hand("u32_police_act-037", Add, does(edit().priority(h("1:5")).into())),
        hand("u32_police_act-038", Add, does(edit().mark(0x10).into())),
        hand("u32_police_act-039", Add, does(edit().mark(0x10).mask(0xf0).into())),
        hand("u32_police_act-040", Add, does(edit().queue(1).into())),
        hand("u32_police_act-041", Add, does(edit().packet_type(0).into())),
        hand("u32_police_act-059", Add, ip(1, everything().class(h("1:10")).action(Gact::ok()))),
        hand("u32_life-020", Add, ip(3, everything().action(Gact::goto_chain(4)))),
        hand(
            "ingress-011",
            Add,
            Filter::ingress(V0).protocol(Protocol::Ip).prio(1).kind(everything().action(Gact::drop())),
        ),
        hand("ingress-012", Add, Filter::egress(V0).prio(1).kind(everything().action(Gact::ok()))),
        hand(
            "ingress-013",
            Add,
            Filter::ingress(V0).prio(1).kind(everything().action(Mirred::egress_redirect(IFB0))),
        ),
    ]
}

fn life() -> Vec<ByHand> {
    let at = || Filter::on(V0, h("1:"));
    let to = |class| everything().class(h(class));
    let node = |handle: &str| handle.parse::<tcnl::tc::u32::U32Handle>().expect("a handle");
    let host = |last| Match::ip_src([10, 0, 0, last].into(), 32).expect("a prefix");
    let host_to = |last| ip(1, U32::new().matching(host(last)).class(h("1:20")));
    let estimator = Estimator::from_micros(1_000_000, 4_000_000).expect("an estimator");
    let lldp = Protocol::from_ethertype(0x88cc);
    vec![
        hand("u32_life-002", Delete, ip(1, U32::new()).handle(node("800::801"))),
        hand("u32_life-003", Delete, at().prio(1).kind(U32::new()).handle(node("800::900"))),
        hand("u32_life-006", Delete, Filter::on(V0, tcnl::units::Handle::UNSPEC)),
        hand("u32_life-008", Replace, host_to(1).handle(node("800::800"))),
        hand("u32_life-009", Replace, host_to(9)),
        hand("u32_life-010", Get, ip(1, U32::new()).handle(node("800::800"))),
        hand("u32_life-014", Add, at().protocol(lldp).prio(8).kind(to("1:10"))),
        hand(
            "u32_life-017",
            Add,
            Filter::on(V0, tcnl::units::Handle::UNSPEC).protocol(Protocol::Ip).kind(to("1:10")),
        ),
        hand("u32_life-019", Add, ip(3, to("1:10")).chain(4)),
        hand("u32_life-021", Add, ip(3, to("1:10").flags(FilterFlags::SKIP_HW))),
        hand("u32_life-024", Add, Filter::on(V0, h("1:1")).protocol(Protocol::Ip).prio(3).kind(to("1:10"))),
        hand("u32_life-025", Add, ip(3, to("1:99"))),
        hand("u32_life-028", Add, ip(3, to("1:10")).estimator(estimator)),
        ask("u32_life-030", Chain::of(Place::on(V0, h("1:")))),
        ask("ingress-015", Filter::of(V0).ingress()),
        ask("ingress-016", Filter::of(V0).egress()),
        ask("htb_qdisc-039", Filter::of(V0).parent(h("1:"))),
        ask("u32_ht-036", Filter::of(V0).parent(h("1:")).prio(5)),
    ]
}

pub fn commands() -> Vec<ByHand> {
    [marks(), policers(), actions(), life()].into_iter().flatten().collect()
}

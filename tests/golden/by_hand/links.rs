use super::{ask, hand, ByHand, V0};
use tcnl::request::Verb::{Add, Change};
use tcnl::route::{Bridge, HardwareAddress, Link, LinkFlags, LinkKind, Veth};

fn named(name: &str) -> Link {
    Link::named(name).expect("a name")
}

pub fn commands() -> Vec<ByHand> {
    let v0 = || Link::of(V0);
    let address = HardwareAddress::from_bytes(&[2, 0, 0, 0, 0, 5]).expect("an address");
    vec![
        hand("link-003", Add, named("d1").index(77).kind(LinkKind::Dummy)),
        hand("link-006", Add, named("a0").mtu(1400u32).kind(Veth::peer(named("a1").mtu(1300u32)))),
        hand("link-013", Change, v0().up()),
        hand("link-017", Change, v0().address(address)),
        hand("link-018", Change, v0().alias("hello")),
        hand("link-019", Change, v0().down().rename("w0").expect("a name")),
        hand("link-021", Change, v0().flags(LinkFlags::ALLMULTI, true)),
        hand("link-023", Change, v0().flags(LinkFlags::NOARP, true)),
        hand("link-026", Change, v0().gso_max_size(32_768u32)),
        hand("link-027", Change, v0().nomaster()),
        ask("link-032", Link::all()),
        ask("link-033", Link::all().of_kind("veth")),
        hand("link-039", Change, v0().master(2)),
        hand("link-040", Change, Link::of(2).kind(Bridge::new().stp_state(1))),
    ]
}

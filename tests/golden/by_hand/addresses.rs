use super::{ask, hand, ByHand, V0};
use std::net::Ipv4Addr;
use tcnl::request::Verb::{Add, Change, Delete, Replace};
use tcnl::route::{Address, AddressFlags, Lifetime, Scope};

/// An address of v0.
fn on_v0(address: &str) -> Address {
    Address::new(address.parse().expect("an address")).on(V0)
}

pub fn commands() -> Vec<ByHand> {
    let v4 = || on_v0("10.9.0.1/24");
    let v6 = || on_v0("2001:db8::1/64");
    let seconds = |valid, preferred| v4().lifetime(Lifetime::Seconds(valid), Lifetime::Seconds(preferred));
    vec![
        hand("addr-001", Add, v4()),
        hand("addr-003", Add, v4().broadcast_of_prefix()),
        hand("addr-005", Add, v4().scope(Scope::LINK)),
        hand("addr-006", Add, v4().noprefixroute()),
        hand("addr-007", Add, v4().metric(300)),
        hand("addr-008", Add, seconds(100, 50)),
        hand("addr-009", Add, v4().protocol(5)),
        hand("addr-010", Add, on_v0("10.9.0.1/32").peer(Ipv4Addr::new(10, 9, 0, 2))),
        hand("addr-011", Add, v6()),
        hand("addr-012", Add, v6().nodad()),
        hand("addr-013", Add, v6().flags(AddressFlags::HOMEADDRESS)),
        hand("addr-014", Add, v6().flags(AddressFlags::MANAGETEMPADDR)),
        hand("addr-017", Change, v4()),
        hand("addr-018", Delete, v4()),
        ask("addr-019", Address::of(V0)),
        hand("addr-023", Replace, seconds(1000, 1000)),
    ]
}

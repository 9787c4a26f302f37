use super::*;
use crate::request::{Object, Request, Verb};
use crate::route::Family;
use crate::units::Name;
use crate::wire::generate::{Generate, Source};
use crate::wire::{EncodeError, Writer};
use netlink_packet_route::address::AddressMessage;
use proptest::prelude::*;

fn encode(address: &Address) -> Result<Vec<u8>, EncodeError> {
    let mut w = Writer::default();
    address.encode(Verb::Add, &mut w)?;
    Ok(w.bytes().to_vec())
}

fn address(g: &mut Source<'_>) -> Address {
    let v6 = g.flip();
    let mut ip = || match v6 {
        true => IpAddr::from(<[u8; 16]>::generate(g)),
        false => IpAddr::from(<[u8; 4]>::generate(g)),
    };
    let (local, peer) = (ip(), ip());
    let prefix_len = g.below(if v6 { 129 } else { 33 }) as u8;
    Address {
        dev: Dev::index(u32::generate(g).max(1)),
        local: IfAddr::new(local, prefix_len).unwrap(),
        peer: Some(peer).filter(|peer| g.flip() && *peer != local),
        broadcast: (!v6 && g.flip()).then(|| Ipv4Addr::from(<[u8; 4]>::generate(g))),
        label: g.flip().then(|| g.pick(&["", "eth0", "eth0:1"]).to_owned()),
        scope: Scope(g.byte()),
        flags: AddressFlags::from_bits_retain(u32::generate(g)),
        lifetime: Option::generate(g),
        metric: Option::generate(g),
        protocol: Option::generate(g),
        netnsid: Option::generate(g),
        unknown: g.list(2).into(),
    }
}

proptest! {
    #[test]
    fn an_address_decodes_to_what_was_encoded(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let address = address(&mut Source::new(&bytes));
        let _ = Request::new(Verb::Add, &address).to_string();
        prop_assert_eq!(&Address::decode(&encode(&address).unwrap()).unwrap(), &address);
        prop_assert_eq!(Address::try_from(AddressMessage::from(&address)).unwrap(), address);
    }

    #[test]
    fn no_bytes_panic_and_what_they_decode_to_is_a_fixpoint(
        family in prop_oneof![Just(2u8), Just(10u8), any::<u8>()],
        header in proptest::array::uniform7(any::<u8>()),
        attrs in proptest::collection::vec((0u16..14, proptest::collection::vec(any::<u8>(), 0..24)), 0..6),
        tail in proptest::collection::vec(any::<u8>(), 0..8),
    ) {
        let mut w = Writer::default();
        w.put(&[family]);
        w.put(&header);
        for (ty, payload) in &attrs {
            w.attr_with(*ty, |w| w.put(payload));
        }
        w.put(&tail);
        for at in 0..w.len() {
            Address::attribute_at(w.bytes(), at);
        }
        if let Ok(mut once) = Address::decode(w.bytes()) {
            // netlink-packet-route cannot say both at once, and they exclude each other.
            for attr in once.unknown.iter_mut().filter(|attr| attr.flags == 0xc000) {
                attr.flags = 0x8000;
            }
            let _ = (Request::new(Verb::Delete, &once).to_string(), encode(&once));
            crate::route::link::tests::shown_in_every_layout(&once)?;
            prop_assert_eq!(Address::try_from(AddressMessage::from(&once)).unwrap(), once);
        }
    }
}

fn query(g: &mut Source<'_>) -> Addresses {
    let mut query = Address::all().on_links(crate::route::link::tests::query(g));
    for bit in 0..12 {
        match g.below(3) {
            0 => query = query.flags(AddressFlags::from_bits_retain(1 << bit), true),
            1 => query = query.flags(AddressFlags::from_bits_retain(1 << bit), false),
            _ => (),
        }
    }
    match g.below(4) {
        0 => query = query.v4().to("10.9.0.1/32".parse().unwrap()),
        1 => query = query.v6(),
        2 => query = query.to("2001:db8::/32".parse().unwrap()),
        _ => (),
    }
    if g.flip() {
        query = query.scope(Scope(g.byte())).label(g.pick(&["eth0", "eth0:1"])).protocol(g.byte());
    }
    query
}

proptest! {
    #[test]
    fn every_query_for_addresses_hears_what_it_says(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        use crate::route::link::tests::hears_what_it_says;
        let query = query(&mut Source::new(&bytes));
        match query.family {
            None => hears_what_it_says(&query, "ip address show", |words| words)?,
            Some(Family::V4) => hears_what_it_says(&query, "ip -4 address show", |words| words.with_family(Family::V4))?,
            Some(Family::V6) => hears_what_it_says(&query, "ip -6 address show", |words| words.with_family(Family::V6))?,
        }
    }
}

#[test]
fn a_link_is_shown_if_it_has_no_address_at_all_or_one_that_is_asked_for() {
    let link = |index| crate::route::Link::of(index).index(index);
    let on = |address: &str, index: u32| Address::new(address.parse().unwrap()).on(index);
    let shown = |query: Addresses| {
        let links = vec![link(1), link(2), link(3)];
        let addresses =
            vec![on("127.0.0.1/8", 1), on("10.0.0.1/24", 2), on("fe80::1/64", 2).scope(Scope::LINK)];
        let found = query.with_links(links, addresses);
        found.iter().map(|found| (found.link.dev.index, found.addresses.len())).collect::<Vec<_>>()
    };
    assert_eq!(shown(Address::all()), [(1, 1), (2, 2), (3, 0)]);
    assert_eq!(shown(Address::all().scope(Scope::LINK)), [(2, 1), (3, 0)]);
    assert_eq!(shown(Address::all().to("10.0.0.0/8".parse().unwrap())), [(2, 1)]);
    assert_eq!(shown(Address::of(3)), [(3, 0)]);
}

#[test]
fn mixed_families_and_missing_links_are_errors() {
    let v4 = || Address::new("10.0.0.1/24".parse().unwrap());
    assert_eq!(encode(&v4()), Err(EncodeError::Missing("the address's link")));
    assert!(encode(&v4().on(1).peer("::1".parse::<IpAddr>().unwrap())).is_err());
    assert!(encode(&v4().on(1).label("sixteen-bytes-xx")).is_err());
    let v6 = Address::new("2001:db8::1/64".parse().unwrap()).on(1).broadcast(Ipv4Addr::BROADCAST);
    assert!(encode(&v6).is_err());
}

#[test]
fn a_prefix_longer_than_the_address_does_not_decode() {
    let mut body = encode(&Address::new("10.0.0.1/24".parse().unwrap()).on(1)).unwrap();
    body[1] = 33;
    assert!(Address::decode(&body).is_err());
}

#[test]
fn addresses_print_as_the_command_that_does_the_same() {
    let v0 = Dev::named(10, Name::new("v0").unwrap());
    let on = |address: &str| Address::new(address.parse().unwrap()).on(v0);
    for (address, verb, command) in [
        (on("10.9.0.1/24"), Verb::Add, "ip address add 10.9.0.1/24 dev v0"),
        (on("10.9.0.1/24").scope(Scope::LINK), Verb::Change, "ip address change 10.9.0.1/24 dev v0 scope link"),
        (on("127.0.0.2/8"), Verb::Delete, "ip address del 127.0.0.2/8 dev v0"),
        (on("10.9.0.1").peer([10, 9, 0, 2]), Verb::Add, "ip address add 10.9.0.1 peer 10.9.0.2/32 dev v0"),
        (
            on("2001:db8::1/64").nodad().lifetime(Lifetime::Forever, 50.into()).metric(5).protocol(7),
            Verb::Replace,
            "ip address replace 2001:db8::1/64 dev v0 metric 5 proto 7 nodad valid_lft forever preferred_lft 50",
        ),
        (on("10.9.0.1/24"), Verb::Get, "ip address show dev v0 to 10.9.0.1/24"),
    ] {
        assert_eq!(Request::new(verb, &address).to_string(), command);
    }
}

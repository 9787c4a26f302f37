use super::*;
use crate::command::{AnyObject, Command, Tool};
use crate::text::Words;
use crate::uplink::{Leg, Via};

const UP: LinkFlags = LinkFlags::UP.union(LinkFlags::LOWER_UP);

fn link(flags: LinkFlags) -> Link {
    Link { flags, ..Link::of(3) }
}

fn object(words: &str) -> AnyObject {
    let words: Vec<&str> = words.split(' ').collect();
    match Command::hear(Tool::Ip, &mut Words::new(&words)).unwrap() {
        Command::Do { object, .. } => object,
        other => panic!("{other:?}"),
    }
}

fn address(words: &str) -> Address {
    match object(&format!("address add {words} dev if3")) {
        AnyObject::Address(address) => address,
        other => panic!("{other:?}"),
    }
}

fn route(words: &str) -> Route {
    match object(&format!("route add {words}")) {
        AnyObject::Route(route) => route,
        other => panic!("{other:?}"),
    }
}

fn find(via: Via, addresses: &[&str], routes: &[&str]) -> Result<Way, Lack> {
    let own: Vec<Address> = addresses.iter().map(|words| address(words)).collect();
    let main: Vec<Route> = routes.iter().map(|words| route(words)).collect();
    way::find(&Leg::new(via), Some(&link(UP)), &own.iter().collect::<Vec<_>>(), &main)
}

fn router(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn a_way_needs_a_device_that_is_up_with_a_carrier_and_an_address() {
    let own = address("192.0.2.2/24");
    let leg = Leg::new(Via::Link);
    let find = |link: Option<Link>, own: &[&Address]| way::find(&leg, link.as_ref(), own, &[]);
    assert_eq!(find(None, &[&own]), Err(Lack::Device));
    assert_eq!(find(Some(link(LinkFlags::LOWER_UP)), &[&own]), Err(Lack::Down));
    assert_eq!(find(Some(link(LinkFlags::UP)), &[&own]), Err(Lack::Carrier));
    assert_eq!(find(Some(link(UP)), &[]), Err(Lack::Address));
    assert_eq!(find(Some(link(UP)), &[&own]), Ok(Way::Link));
}

#[test]
fn a_router_is_in_reach_by_an_address_or_by_a_route() {
    for (said, addresses, routes, expected) in [
        ("192.0.2.1", vec!["192.0.2.2/24"], vec![], true),
        ("192.0.3.1", vec!["192.0.2.2/24"], vec![], false),
        ("192.0.3.1", vec!["192.0.2.2/24", "192.0.3.2/30"], vec![], true),
        ("198.51.100.1", vec!["192.0.2.2 peer 198.51.100.1"], vec![], true),
        ("192.0.2.2", vec!["192.0.2.2 peer 198.51.100.1"], vec![], false),
        ("203.0.113.1", vec!["192.0.2.2/32"], vec!["203.0.113.1 dev if3"], true),
        ("203.0.113.1", vec!["192.0.2.2/32"], vec!["203.0.113.1 dev if4"], false),
        ("203.0.113.1", vec!["192.0.2.2/32"], vec!["203.0.113.0/24 via 192.0.2.9 dev if3"], false),
        ("fe80::1", vec!["2001:db8::2/128"], vec![], true),
        ("2001:db8::1", vec!["2001:db8::2/64"], vec![], true),
        ("2001:db8:1::1", vec!["2001:db8::2/64"], vec![], false),
    ] {
        let said = router(said);
        let expected = if expected { Ok(Way::Router(said)) } else { Err(Lack::OutOfReach) };
        assert_eq!(find(Via::Router(said), &addresses, &routes), expected, "{said} {addresses:?} {routes:?}");
    }
}

#[test]
fn a_router_is_learned_from_the_default_route_with_the_lowest_metric() {
    let own = ["192.0.2.2/24"];
    let learned = |routes: &[&str]| find(Via::Learned, &own, routes);
    assert_eq!(learned(&[]), Err(Lack::Router));
    assert_eq!(learned(&["default via 192.0.2.1 dev if4", "192.0.2.0/24 dev if3"]), Err(Lack::Router));
    let way =
        learned(&["default via 192.0.2.9 dev if3 metric 200", "default via 192.0.2.1 dev if3 metric 100"]);
    assert_eq!(way, Ok(Way::Router(router("192.0.2.1"))));
    assert_eq!(learned(&["default dev if3"]), Ok(Way::Link));
    let several = "default nexthop via 198.51.100.1 dev if4 nexthop via 192.0.2.1 dev if3";
    assert_eq!(learned(&[several]), Ok(Way::Router(router("192.0.2.1"))));
}

#[test]
fn the_main_table_is_asked_only_where_it_knows_more() {
    let own = address("192.0.2.2/24");
    let asks = |via| way::asks_main(&Leg::new(via), &[&own]);
    assert!(!asks(Via::Link));
    assert!(!asks(Via::Router(router("192.0.2.1"))));
    assert!(asks(Via::Router(router("203.0.113.1"))));
    assert!(asks(Via::Learned));
}

#[test]
fn addresses_that_nobody_can_use_yet_are_none_and_old_ones_are_kept_apart() {
    let with = |words: &str, flags| address(words).flags(flags);
    let all = [
        address("2001:db8::1/64"),
        with("2001:db8::2/64", AddressFlags::TENTATIVE),
        with("2001:db8::3/64", AddressFlags::DADFAILED),
        with("2001:db8::4/64", AddressFlags::DEPRECATED),
        address("fe80::1/64").scope(Scope::LINK),
        with("2001:db8::5/64", AddressFlags::SECONDARY),
    ];
    let (new, old) = usable(&all.iter().collect::<Vec<_>>());
    assert_eq!(new, [router("2001:db8::1"), router("2001:db8::5")]);
    assert_eq!(old, [router("2001:db8::4")]);
}

#[test]
fn what_is_lacking_is_said_in_words() {
    assert_eq!(Lack::OutOfReach.to_string(), "its router is in no network of its device");
}

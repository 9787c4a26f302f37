use super::same::{self, Differs};
use super::{route_key, rule_text, Policy};
use crate::command::{AnyObject, Command, Script};
use crate::route::{Address, Nexthop, Route, Rule};
use crate::units::{Dev, Name};

/// The objects that the commands are about; `v0` is the device 2 and `v1` 3.
fn objects(commands: &str) -> Vec<AnyObject> {
    let find = |name: Name| (&*name == "v0").then(|| Dev::named(2, name)).or(Some(Dev::named(3, name)));
    let mut script = Script::parse(commands).unwrap();
    let lines = script.lines.iter_mut().map(|line| {
        line.resolve(&find).unwrap();
        match &line.command {
            Command::Do { object, .. } => object.clone(),
            other => panic!("{other:?} makes nothing"),
        }
    });
    lines.collect()
}

fn route(words: &str) -> Route {
    match objects(&format!("ip route add {words}")).pop() {
        Some(AnyObject::Route(route)) => route,
        other => panic!("{other:?}"),
    }
}

fn rule(words: &str) -> Rule {
    match objects(&format!("ip rule add {words}")).pop() {
        Some(AnyObject::Rule(rule)) => rule,
        other => panic!("{other:?}"),
    }
}

fn nexthop(words: &str) -> Nexthop {
    match objects(&format!("ip nexthop add {words}")).pop() {
        Some(AnyObject::Nexthop(nexthop)) => nexthop,
        other => panic!("{other:?}"),
    }
}

fn address(words: &str) -> Address {
    match objects(&format!("ip address add {words}")).pop() {
        Some(AnyObject::Address(address)) => address,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_kernels_fill_in_of_routes_is_no_difference() {
    for (there, wanted) in [
        ("10.0.0.0/8 via 10.9.0.1 dev v0 scope global", "10.0.0.0/8 via 10.9.0.1"),
        ("10.0.0.0/8 dev v0 scope link", "unicast 10.0.0.0/8 dev v0 metric 0"),
        ("2001:db8::/32 via fe80::1 dev v0 metric 1024 pref medium", "2001:db8::/32 via fe80::1 dev v0"),
        ("unreachable 2001:db8::/32 dev lo metric 1024 pref medium", "unreachable 2001:db8::/32"),
        ("2001:db8::/32 dev v0 expires 55", "2001:db8::/32 dev v0 expires 60"),
        ("10.0.0.0/8 via 10.9.0.1 dev v0 nhid 5 scope global", "10.0.0.0/8 nhid 5"),
        ("10.0.0.0/8 via 10.9.0.1 dev v0", "10.0.0.0/8 nexthop via 10.9.0.1 weight 7"),
        (
            "10.0.0.0/8 nexthop via 10.9.0.2 dev v0 weight 3 nexthop via 10.9.0.1 dev v0",
            "10.0.0.0/8 nexthop via 10.9.0.1 nexthop via 10.9.0.2 weight 3",
        ),
        ("10.0.0.0/8 dev v0 mtu 65520", "10.0.0.0/8 dev v0 mtu 70000"),
    ] {
        assert!(same::route(&route(there), &route(wanted)), "{there} | {wanted}");
        assert_eq!(route_key(&route(there)), route_key(&route(wanted)));
    }
}

#[test]
fn what_was_said_of_routes_is_a_difference() {
    for (there, wanted) in [
        ("10.0.0.0/8 via 10.9.0.1 dev v0", "10.0.0.0/8 via 10.9.0.1 dev v1"),
        ("10.0.0.0/8 via 10.9.0.1 dev v0", "10.0.0.0/8 via 10.9.0.2"),
        ("10.0.0.0/8 dev v0", "10.0.0.0/8 dev v0 mtu 1400"),
        ("10.0.0.0/8 dev v0 mtu lock 1400", "10.0.0.0/8 dev v0 mtu 1400"),
        ("10.0.0.0/8 dev v0 src 10.9.0.1", "10.0.0.0/8 dev v0"),
        ("10.0.0.0/8 via 10.9.0.1 dev v0", "10.0.0.0/8 via 10.9.0.1 onlink dev v0"),
        ("2001:db8::/32 dev v0 expires 65", "2001:db8::/32 dev v0 expires 60"),
        ("2001:db8::/32 dev v0 expires 55", "2001:db8::/32 dev v0"),
        ("2001:db8::/32 dev v0 pref high", "2001:db8::/32 dev v0"),
        ("10.0.0.0/8 nhid 5", "10.0.0.0/8 nhid 6"),
        (
            "10.0.0.0/8 nexthop via 10.9.0.2 dev v0 weight 3 nexthop via 10.9.0.1 dev v0",
            "10.0.0.0/8 nexthop via 10.9.0.1 weight 3 nexthop via 10.9.0.2",
        ),
    ] {
        assert!(!same::route(&route(there), &route(wanted)), "{there} | {wanted}");
    }
}

#[test]
fn rules_are_what_they_mean() {
    for (there, wanted) in [
        ("from all fwmark 0xa/0xffffffff lookup 101 pref 5 protocol 9", "fwmark 10 table 101 pref 5"),
        ("lookup main pref 5", "from all pref 5"),
        ("sport 80/0xffff lookup 7 pref 5", "sport 80 lookup 7 pref 5"),
        ("dscp 3/0x3f lookup 7 pref 5", "dscp 3 lookup 7 pref 5"),
    ] {
        assert_eq!(rule_text(&rule(there)), rule_text(&rule(wanted)), "{there} | {wanted}");
    }
    for (there, wanted) in [
        ("fwmark 0xa/0xff lookup 101 pref 5", "fwmark 10 table 101 pref 5"),
        ("not from 10.0.0.0/8 lookup 7 pref 5", "from 10.0.0.0/8 lookup 7 pref 5"),
        ("fwmark 0/0xff lookup 7 pref 5", "lookup 7 pref 5"),
        ("lookup 7 pref 5", "lookup 7 pref 6"),
    ] {
        assert_ne!(rule_text(&rule(there)), rule_text(&rule(wanted)), "{there} | {wanted}");
    }
}

#[test]
fn nexthops_are_the_same_whatever_the_order_of_a_group() {
    let same = |there: &str, wanted: &str| same::nexthop(&nexthop(there), &nexthop(wanted));
    assert!(same("id 5 group 2/1,3 type mpath", "id 5 group 1,3/2"));
    assert!(!same("id 5 group 2/1,3", "id 5 group 1/2"));
    assert!(same(
        "id 5 group 2 type resilient buckets 8 idle_timer 120 unbalanced_timer 0",
        "id 5 group 2 type resilient buckets 8"
    ));
    assert!(!same("id 5 group 2 type resilient buckets 8", "id 5 group 2 type resilient buckets 16"));
    assert!(!same("id 5 via 10.0.0.1 dev v0", "id 5 via 10.0.0.1 dev v0 onlink"));
}

#[test]
fn addresses_are_changed_in_place_where_kernels_can() {
    let differs = |there: &str, wanted: &str| same::address(&address(there), &address(wanted));
    for (there, wanted, expected) in [
        ("10.0.0.1/24 dev v0 label v0", "10.0.0.1/24 dev v0", Differs::Not),
        ("10.0.0.1/24 dev v0", "10.0.0.1/24 dev v0 valid_lft forever preferred_lft forever", Differs::Not),
        (
            "10.0.0.1/24 dev v0 valid_lft 50 preferred_lft 40",
            "10.0.0.1/24 dev v0 valid_lft 60 preferred_lft 60",
            Differs::Not,
        ),
        ("10.0.0.1/24 dev v0", "10.0.0.1/24 dev v0 valid_lft 60 preferred_lft 60", Differs::InPlace),
        ("10.0.0.1/24 dev v0", "10.0.0.1/24 dev v0 metric 5", Differs::InPlace),
        ("10.0.0.1/24 dev v0", "10.0.0.1/24 dev v0 noprefixroute", Differs::Anew),
        ("10.0.0.1/24 dev v0", "10.0.0.1/24 broadcast 10.0.0.255 dev v0", Differs::Anew),
        ("10.0.0.1/24 dev v0", "10.0.0.1/24 dev v0 label v0:1", Differs::Anew),
        ("2001:db8::1/64 dev v0", "2001:db8::1/64 dev v0 nodad", Differs::Not),
        ("2001:db8::1/64 dev v0", "2001:db8::1/64 dev v0 noprefixroute", Differs::InPlace),
        ("2001:db8::1/64 dev v0", "2001:db8::1/65 dev v0", Differs::Anew),
    ] {
        assert_eq!(differs(there, wanted), expected, "{there} | {wanted}");
    }
}

#[test]
fn only_the_protocol_and_the_ranges_make_objects_own() {
    let policy = Policy::new(Policy::PROTOCOL).tables(100..=199).priorities(10..=19).nexthop_ids(1..=9);
    assert!(policy.owns_route(&route("10.0.0.0/8 dev v0 table 100 proto 116")));
    assert!(!policy.owns_route(&route("10.0.0.0/8 dev v0 table 200 proto 116")));
    assert!(!policy.owns_route(&route("10.0.0.0/8 dev v0 table 100 proto static")));
    assert!(policy.owns_rule(&rule("lookup 7 pref 10 protocol 116")));
    assert!(!policy.owns_rule(&rule("lookup 7 pref 20 protocol 116")));
    assert!(!policy.owns_nexthop(&nexthop("id 1 dev v0")));
    assert!(policy.owns_nexthop(&nexthop("id 9 dev v0 proto 116")));
    assert!(policy.owns_address(&address("10.0.0.1/24 dev v0 proto 116")));
    assert!(!policy.owns_address(&address("10.0.0.1/24 dev v0")));
}

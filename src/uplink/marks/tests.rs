use super::*;
use crate::units::Rate;
use crate::uplink::{Lack, Leg, SeenLeg, SeenUplink, Uplink, Via, Way};

/// Two uplinks, of which the second has IPv4 only.
fn gateway(forced: impl IntoIterator<Item = Forced>) -> Gateway {
    let uplinks = [("a", "wan0"), ("b", "wan1")].map(|(name, dev)| {
        Uplink::new(name, dev.parse().unwrap(), Rate::mbit(20), Rate::mbit(5)).v4(Leg::new(Via::Link))
    });
    let [first, second] = uplinks;
    let gateway = Gateway::new([first.v6(Leg::new(Via::Link)), second], ["lan".parse().unwrap()]);
    forced.into_iter().fold(gateway, Gateway::force)
}

fn seen(gateway: &Gateway) -> Seen {
    let leg = |leg: &Leg| SeenLeg { addresses: leg.addresses.clone(), old: Vec::new(), way: Ok(Way::Link) };
    let uplink = |uplink: &Uplink| SeenUplink {
        v4: uplink.v4.as_ref().map(leg),
        v6: uplink.v6.as_ref().map(leg),
        ..SeenUplink::default()
    };
    let mut seen = Seen::default();
    seen.uplinks.extend(gateway.uplinks.iter().map(uplink));
    seen
}

/// The rules about what is forced, chain by chain: all others have to do with devices or known connections only.
fn forced(gateway: &Gateway, seen: &Seen, usable: [bool; 2]) -> Vec<String> {
    let transaction = ruleset(gateway, seen, &usable, &[]);
    let commands = transaction.commands().iter().map(ToString::to_string);
    let about = commands.filter(|command| command.contains("meta mark and 0x3f00 == 0x0"));
    let behind_table =
        |command: String| command.trim_end_matches('\'').split("tcnl_uplink ").nth(1).map(str::to_owned);
    let short = |rule: String| rule.replace("ct state new meta mark and 0x3f00 == 0x0 ", "");
    let mut rules: Vec<_> = about.filter_map(behind_table).map(short).collect();
    rules.sort();
    rules
}

const FIRST: &str = "meta mark set meta mark and 0xffffc0ff or 0x100";
const SECOND: &str = "meta mark set meta mark and 0xffffc0ff or 0x200";

#[test]
fn what_is_forced_to_an_uplink_that_works_has_its_mark() {
    let gateway = gateway([Forced::by("a").ports(Transport::Tcp, 25..=25)]);
    let rules = forced(&gateway, &seen(&gateway), [true, false]);
    assert_eq!(
        rules,
        [format!("arrive iifname \"lan\" tcp dport 25 {FIRST}"), format!("own tcp dport 25 {FIRST}")]
    );
}

#[test]
fn what_is_forced_to_one_that_does_not_work_is_refused_behind_routing_and_has_no_mark() {
    let gateway = gateway([Forced::by("a").ports(Transport::Tcp, 25..=25)]);
    let wanted = [
        "arrive iifname \"lan\" tcp dport 25 return",
        "own tcp dport 25 jump refuse",
        "pass iifname \"lan\" tcp dport 25 jump refuse",
    ];
    assert_eq!(forced(&gateway, &seen(&gateway), [false, true]), wanted);
}

#[test]
fn what_may_fall_back_is_forced_to_nothing_while_its_uplink_does_not_work() {
    let gateway = gateway([Forced::by("a").fallback()]);
    assert_eq!(forced(&gateway, &seen(&gateway), [false, true]), [""; 0]);
    assert_eq!(forced(&gateway, &seen(&gateway), [true, true]).len(), 2);
}

#[test]
fn an_uplink_works_for_the_families_that_it_has() {
    let one = gateway([Forced::by("b")]);
    let wanted = [
        format!("arrive iifname \"lan\" meta nfproto ipv4 {SECOND}"),
        "arrive iifname \"lan\" meta nfproto ipv6 return".into(),
        format!("own meta nfproto ipv4 {SECOND}"),
        "own meta nfproto ipv6 jump refuse".into(),
        "pass iifname \"lan\" meta nfproto ipv6 jump refuse".into(),
    ];
    assert_eq!(forced(&one, &seen(&one), [true, true]), wanted);
    let other = gateway([Forced::by("a").fallback()]);
    let mut seen = seen(&other);
    seen.uplinks[0].v4.as_mut().unwrap().way = Err(Lack::Address);
    let wanted = [
        format!("arrive iifname \"lan\" meta nfproto ipv6 {FIRST}"),
        format!("own meta nfproto ipv6 {FIRST}"),
    ];
    assert_eq!(forced(&other, &seen, [true, true]), wanted);
}

#[test]
fn a_prefix_says_which_family_is_meant() {
    let to: Prefix = "2001:db8::/32".parse().unwrap();
    let gateway = gateway([Forced::by("b").to(to)]);
    let wanted = [
        "arrive iifname \"lan\" ip6 daddr 2001:db8::/32 return",
        "own ip6 daddr 2001:db8::/32 jump refuse",
        "pass iifname \"lan\" ip6 daddr 2001:db8::/32 jump refuse",
    ];
    assert_eq!(forced(&gateway, &seen(&gateway), [true, true]), wanted);
}

#[test]
fn the_gateways_own_connections_by_a_dead_uplink_are_reset_while_another_one_works() {
    let gateway = gateway([]);
    let reset = |usable: [bool; 2]| {
        let commands = ruleset(&gateway, &seen(&gateway), &usable, &[]).to_string();
        let goes_on = "ct state new tcp flags ! syn";
        let has = |dev| {
            let leaves = commands.contains(&format!("own oifname \"{dev}\" {goes_on} reject with tcp reset"));
            let arrives = commands.contains(&format!("arrive iifname \"{dev}\" {goes_on} drop"));
            assert_eq!(leaves, arrives);
            leaves
        };
        ["wan0", "wan1"].map(has)
    };
    assert_eq!(reset([true, true]), [false, false]);
    assert_eq!(reset([false, true]), [true, false]);
    assert_eq!(reset([true, false]), [false, true]);
    assert_eq!(reset([false, false]), [false, false]);
}

#[test]
fn without_anything_forced_nothing_is_refused() {
    let gateway = gateway([]);
    let transaction = ruleset(&gateway, &seen(&gateway), &[true; 2], &[]).to_string();
    assert!(!transaction.contains("refuse") && !transaction.contains("pass"), "{transaction}");
}

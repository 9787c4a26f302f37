//! Routes, rules and nexthops: what the crate adds, `ip` shows, and what `ip` adds, the crate reads.

use std::net::IpAddr;

use libtest_mimic::Trial;
use serde_json::Value;
use tcnl::netlink::Connection;
use tcnl::request::{Request, Verb};
use tcnl::route::{Group, Hop, Metrics, Nexthop, Prefix, Route, RouteType, Rule};
use tcnl::units::Dev;
use tcnl::Error;

use crate::common::{ip, trial, Outcome, Stop};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("ip shows the routes that the crate adds", ip_shows_our_routes),
        trial("the crate reads the routes that ip adds", we_read_routes),
        trial("ip shows the rules that the crate adds", ip_shows_our_rules),
        trial("the crate reads the rules that ip adds, and deletes them as read", we_read_rules),
        trial("a group of nexthops carries a route", nexthops),
        trial("the kernel accepts every command that a route or rule prints as", printed),
        trial("a refused route says the kernel's words and the attribute", refused),
    ]
}

const GATEWAY: [u8; 4] = [10, 9, 0, 2];

/// A connection, and a link with addresses.
fn setup() -> Result<(Connection, Dev), Stop> {
    ip("link add v0 type veth peer name v1")?;
    ip("address add 10.9.0.1/24 dev v0")?;
    ip("address add 2001:db8:9::1/64 dev v0 nodad")?;
    ip("link set v0 up")?;
    ip("link set v1 up")?;
    let links: Value = serde_json::from_str(&ip("-j link show v0")?)?;
    let index = links[0]["ifindex"].as_u64().and_then(|index| u32::try_from(index).ok());
    let index = index.ok_or_else(|| Stop::Fail("ip shows no index".to_owned()))?;
    Ok((Connection::open()?, Dev::named(index, "v0".parse()?)))
}

fn json(words: &str) -> Result<Value, Stop> {
    Ok(serde_json::from_str(&ip(words)?)?)
}

fn ip_shows_our_routes() -> Outcome {
    let (mut nl, v0) = setup()?;
    nl.add(&Route::default_v4().via(GATEWAY).dev(v0).table(1001).metric(7))?;
    let shown = json("-j route show table 1001")?;
    assert_eq!(shown[0]["dst"], "default");
    assert_eq!(shown[0]["gateway"], "10.9.0.2");
    assert_eq!(shown[0]["metric"], 7);

    let locked = Metrics::new().mtu(1400).fix(Metrics::MTU);
    nl.replace(&Route::default_v4().via([10, 9, 0, 3]).dev(v0).table(1001).metric(7).metrics(locked))?;
    let shown = ip("route show table 1001")?;
    assert_eq!(shown.trim(), "default via 10.9.0.3 dev v0 metric 7 mtu lock 1400");

    let ways = Hop::via(GATEWAY).dev(v0).weight(5);
    nl.add(&Route::to("10.50.0.0/16".parse::<Prefix>()?).hop(ways).hop(Hop::via([10, 9, 0, 3]).weight(2)))?;
    let shown = json("-j route show 10.50.0.0/16")?;
    assert_eq!(shown[0]["nexthops"][0]["weight"], 5);
    assert_eq!(shown[0]["nexthops"][1]["gateway"], "10.9.0.3");

    nl.add(&Route::default_v6().via("2001:db8:9::2".parse::<IpAddr>()?).table(102))?;
    assert!(ip("-6 route show table 102")?.starts_with("default via 2001:db8:9::2 dev v0"));

    nl.delete(&Route::default_v4().table(1001))?;
    assert_eq!(ip("route show table all")?.matches("1001").count(), 0);
    Ok(())
}

fn we_read_routes() -> Outcome {
    let (mut nl, v0) = setup()?;
    ip("route add 10.60.0.0/16 via 10.9.0.2 metric 50 src 10.9.0.1 proto static table 300")?;
    ip("route add blackhole 10.61.0.0/16 table 300")?;
    let routes = nl.snapshot(Route::all_v4().table(300))?;
    assert_eq!(routes.len(), 2);
    let route = &routes[0];
    assert_eq!(route.to, "10.60.0.0/16".parse()?);
    assert_eq!(route.gateway, Some(IpAddr::from(GATEWAY)));
    assert_eq!((route.dev, route.table, route.metric), (Some(v0), 300, Some(50)));
    assert_eq!(route.source, Some(IpAddr::from([10, 9, 0, 1])));
    assert_eq!(routes[1].kind, Some(RouteType::BLACKHOLE));
    assert!(routes.iter().all(|route| route.unknown.is_empty()), "{routes:?}");

    // What was read can be deleted and put back.
    for route in &routes {
        nl.delete(route)?;
        nl.add(route)?;
    }
    assert_eq!(nl.snapshot(Route::all_v4().table(300))?, routes);

    let answer = nl.get(&Route::lookup([10, 9, 0, 77]))?;
    assert_eq!((answer.dev, answer.source), (Some(v0), Some(IpAddr::from([10, 9, 0, 1]))));
    assert_eq!(answer.table, Route::MAIN);
    Ok(())
}

fn ip_shows_our_rules() -> Outcome {
    let mut nl = Connection::open()?;
    nl.add(&Rule::v4().fwmark_mask(10, 0xff).table(101).priority(100))?;
    nl.add(&Rule::v4().fwmark_mask(10, 0xff).unreachable().priority(101))?;
    nl.add(&Rule::v4().table(Route::MAIN).suppress_prefixlength(0).priority(50))?;
    nl.add(
        &Rule::v4().from("192.0.2.0/24".parse::<Prefix>()?)?.iif("lo".parse()?).table(1000).priority(102),
    )?;
    nl.add(&Rule::v6().not().fwmark(3).table(9).priority(103))?;
    let rules = ip("rule show")?;
    for line in [
        "50:\tfrom all lookup main suppress_prefixlength 0",
        "100:\tfrom all fwmark 0xa/0xff lookup 101",
        "101:\tfrom all fwmark 0xa/0xff unreachable",
        "102:\tfrom 192.0.2.0/24 iif lo lookup 1000",
    ] {
        assert!(rules.lines().any(|shown| shown.trim_end() == line), "{line} is not in\n{rules}");
    }
    assert!(ip("-6 rule show")?.contains("103:\tnot from all fwmark 0x3 lookup 9"));
    Ok(())
}

fn we_read_rules() -> Outcome {
    let mut nl = Connection::open()?;
    ip("rule add from 10.0.0.0/8 to 192.0.2.1 ipproto tcp dport 80-90 uidrange 0-0 table 300 pref 77 protocol static")?;
    ip("rule add goto 32766 pref 78")?;
    let rules = nl.snapshot(Rule::all_v4())?;
    assert!(rules.iter().all(|rule| rule.unknown.is_empty()), "{rules:?}");
    let read = rules.iter().find(|rule| rule.priority == Some(77)).ok_or("no rule at 77")?;
    assert_eq!(read.from, Some("10.0.0.0/8".parse()?));
    assert_eq!(read.to, Some("192.0.2.1".parse()?));
    assert_eq!((read.ip_proto, read.table), (Some(6), Some(300)));
    for rule in rules.iter().filter(|rule| matches!(rule.priority, Some(77 | 78))) {
        nl.delete(rule)?;
        nl.add(rule)?;
        nl.delete(rule)?;
    }
    assert_eq!(nl.snapshot(Rule::all_v4())?.len(), rules.len() - 2);
    Ok(())
}

fn nexthops() -> Outcome {
    let (mut nl, v0) = setup()?;
    nl.add(&Nexthop::id(1).via(GATEWAY).dev(v0))?;
    nl.add(&Nexthop::id(2).via([10, 9, 0, 3]).dev(v0))?;
    nl.add(&Nexthop::id(5).group(Group::new().member(1, 5).member(2, 1)))?;
    nl.add(&Route::to("10.50.0.0/16".parse::<Prefix>()?).nexthop_id(5))?;
    assert_eq!(json("-j nexthop show id 5")?[0]["group"][0]["weight"], 5);
    assert!(ip("route show 10.50.0.0/16")?.starts_with("10.50.0.0/16 nhid 5"));

    let read = nl.get(&Nexthop::id(5))?;
    let members: Vec<_> =
        read.group.iter().flat_map(|group| &group.members).map(|it| (it.id, it.weight)).collect();
    assert_eq!(members, [(1, 5), (2, 1)]);
    nl.replace(&Nexthop::id(5).group(Group::new().member(2, 1)))?;
    let routes = nl.snapshot(Route::all_v4().table(Route::MAIN))?;
    let route = routes.iter().find(|route| route.nexthop_id == Some(5)).ok_or("no route over the group")?;
    nl.delete(route)?;
    nl.add(route)?;
    nl.delete(&Nexthop::id(5))?;
    assert_eq!(nl.snapshot(Nexthop::all())?.len(), 2);
    Ok(())
}

fn printed() -> Outcome {
    let (_, v0) = setup()?;
    let metrics = Metrics::new().mtu(1400).rtt(80).features(1).hoplimit(9).fix(Metrics::MTU);
    let routes = [
        Route::default_v4().via(GATEWAY).dev(v0).table(101).metrics(metrics),
        Route::to("10.50.0.0/16".parse::<Prefix>()?)
            .hop(Hop::via(GATEWAY).dev(v0).onlink())
            .hop(Hop::link(v0)),
        Route::throw("10.51.0.0/16".parse::<Prefix>()?),
        Route::default_v6().via("2001:db8:9::2".parse::<IpAddr>()?).dev(v0).table(4000).expires(60),
        Route::default_v4().via("2001:db8:9::2".parse::<IpAddr>()?).dev(v0),
    ];
    for route in &routes {
        for verb in [Verb::Add, Verb::Replace, Verb::Delete] {
            run(&Request::new(verb, route).to_string())?;
        }
    }
    let rules = [
        Rule::v4(),
        Rule::v4().fwmark(10).table(101),
        Rule::v6().ip_proto(6).dport(80..=90).uids(0..=0).tos(8).table(500),
        Rule::v4().not().to(Prefix::host(GATEWAY))?.prohibit().priority(9),
    ];
    for rule in &rules {
        run(&Request::new(Verb::Add, rule).to_string())?;
    }
    Ok(())
}

fn run(command: &str) -> Outcome {
    ip(command.strip_prefix("ip ").ok_or("not an ip command")?).map(drop)
}

fn refused() -> Outcome {
    let (mut nl, v0) = setup()?;
    let far = Route::to("10.50.0.0/16".parse::<Prefix>()?).via([10, 77, 0, 2]).dev(v0);
    match nl.add(&far) {
        Err(Error::Refused(refusal)) => {
            assert_eq!(refusal.message.as_deref(), Some("Nexthop has invalid gateway"));
            assert_eq!(refusal.request, "ip route add 10.50.0.0/16 via 10.77.0.2 dev v0");
        }
        other => return Err(Stop::Fail(format!("{other:?}"))),
    }
    let mixed = Route::default_v6().via(GATEWAY);
    assert!(matches!(nl.add(&mixed), Err(Error::Encode { .. })));
    assert!(matches!(nl.delete(&Rule::v4()), Err(Error::Encode { .. })));
    Ok(())
}

use super::{ask, hand, ByHand, V0};
use std::net::{IpAddr, Ipv6Addr};
use tcnl::request::Verb::{Add, Append, Change, Delete, Get, Replace};
use tcnl::route::{
    Group, Hop, Metrics, Nexthop, Preference, Prefix, Realms, Resilient, Route, RouteProtocol, RouteType,
    Scope,
};
use tcnl::units::Dev;

const V1: Dev = Dev::index(11);
const GATEWAY: [u8; 4] = [10, 9, 0, 2];
const OTHER: [u8; 4] = [10, 8, 0, 2];

fn net(words: &str) -> Prefix {
    words.parse().expect("a prefix")
}

fn gateway6(last: u16) -> Ipv6Addr {
    Ipv6Addr::new(0x2001, 0xdb8, 9, 0, 0, 0, 0, last)
}

pub fn commands() -> Vec<ByHand> {
    let to = || Route::to(net("10.50.0.0/16"));
    let via = || to().via(GATEWAY);
    let six = || Route::to(net("2001:db8:50::/48"));
    let sixty = || Route::to(net("10.60.0.0/16"));
    let resilient = Resilient::new().buckets(32).idle_timer(6_000).unbalanced_timer(30_000);
    vec![
        hand("route-001", Add, via()),
        hand("route-002", Add, to().dev(V0)),
        hand("route-004", Add, Route::to(IpAddr::from([10, 50, 0, 1])).via(GATEWAY)),
        hand("route-007", Add, Route::default_v4().via(GATEWAY).table(100)),
        hand("route-008", Add, Route::default_v4().via(GATEWAY).table(300)),
        hand("route-009", Add, Route::default_v4().via(GATEWAY).table(256)),
        hand("route-012", Add, via().metric(100)),
        hand("route-015", Add, to().dev(V0).scope(Scope::HOST)),
        hand("route-022", Add, via().metrics(Metrics::new().mtu(1400).fix(Metrics::MTU))),
        hand("route-025", Add, via().metrics(Metrics::new().features(1))),
        hand("route-029", Add, to().hop(Hop::via(GATEWAY)).hop(Hop::via(OTHER).weight(2))),
        hand("route-030", Add, to().hop(Hop::via(GATEWAY).dev(V0).weight(256)).hop(Hop::link(V1))),
        hand("route-031", Add, Route::default_v4().hop(Hop::via(GATEWAY)).hop(Hop::via(OTHER))),
        hand(
            "route-032",
            Add,
            to().hop(Hop::via(GATEWAY).dev(V0).onlink().weight(5)).hop(Hop::via(OTHER).realms(Realms::to(3))),
        ),
        hand("route-033", Add, Route::blackhole(net("10.51.0.0/16"))),
        hand("route-034", Add, Route::unreachable(net("10.51.0.0/16"))),
        hand(
            "route-038",
            Add,
            Route::to(IpAddr::from([10, 52, 0, 255])).kind(RouteType::BROADCAST).dev(V0).table(Route::LOCAL),
        ),
        hand(
            "route-040",
            Add,
            Route::to(net("10.52.0.0/16")).kind(RouteType::NAT).via(GATEWAY).table(Route::LOCAL),
        ),
        hand("route-041", Replace, to().via([10, 9, 0, 3])),
        hand("route-045", Delete, to()),
        hand("route-046", Add, to().via(gateway6(2)).dev(V0)),
        hand("route-047", Add, six().via(gateway6(2))),
        hand("route-048", Add, six().via(gateway6(2)).dev(V0).metric(512)),
        hand("route-049", Add, six().dev(V0)),
        hand("route-050", Add, Route::default_v6().via(gateway6(2)).table(100)),
        hand(
            "route-051",
            Add,
            Route::default_v6().via(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1)).dev(V0).table(300),
        ),
        hand("route-053", Add, six().via(gateway6(2)).preference(Preference::LOW).expires(100)),
        hand(
            "route-055",
            Add,
            six().hop(Hop::via(gateway6(2)).dev(V0)).hop(Hop::via(gateway6(3)).dev(V0).weight(3)),
        ),
        hand("route-056", Add, Route::blackhole(net("2001:db8:51::/48"))),
        hand("route-059", Add, Route::throw(net("2001:db8:51::/48")).table(100)),
        hand("route-060", Add, six().from(net("2001:db8:1::/64")).expect("one family").via(gateway6(2))),
        ask("route-062", Route::all_v4().table(100)),
        ask("route-063", Route::all_v4()),
        ask("route-083", Route::all_v4().table(100)),
        ask("route-064", Route::all_v6().table(Route::MAIN)),
        hand("route-065", Get, Route::lookup([10, 9, 0, 5])),
        hand("route-066", Get, Route::lookup([10, 9, 0, 5]).mark(5)),
        hand(
            "route-067",
            Get,
            Route::lookup([10, 9, 0, 5]).from(IpAddr::from([10, 9, 0, 1])).expect("one family").iif(V1),
        ),
        hand("route-068", Add, via().ttl_propagate(true)),
        hand("route-071", Add, to().nexthop_id(10)),
        hand("route-073", Replace, Route::default_v4().nexthop_id(10).table(100)),
        hand("route-074", Delete, sixty().metric(50)),
        hand("route-075", Delete, sixty().via(GATEWAY)),
        hand("route-077", Replace, sixty().via([10, 9, 0, 7]).metric(50)),
        hand("route-078", Change, sixty().via([10, 9, 0, 7]).metric(50)),
        hand("route-079", Append, sixty().via([10, 9, 0, 8]).metric(50)),
        hand("route-081", Delete, Route::default_v4().table(100)),
        hand("route-086", Add, Nexthop::id(5).blackhole()),
        hand("route-088", Add, Nexthop::id(7).via(gateway6(2)).dev(V0)),
        hand("route-089", Add, Nexthop::id(11).group(Group::new().member(1, 5).member(2, 3))),
        hand("route-090", Add, Nexthop::id(12).group(Group::resilient(resilient).member(1, 1).member(2, 1))),
        hand("route-091", Add, Nexthop::id(13).via([10, 9, 0, 3]).dev(V0).protocol(RouteProtocol::STATIC)),
        hand("route-093", Delete, Nexthop::id(1)),
        ask("route-094", Nexthop::all()),
    ]
}

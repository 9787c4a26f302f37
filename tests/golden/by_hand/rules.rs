use super::{ask, hand, ByHand};
use tcnl::request::Verb::{Add, Delete};
use tcnl::route::{Prefix, Route, RouteProtocol, Rule};

fn from(words: &str) -> Rule {
    let prefix: Prefix = words.parse().expect("a prefix");
    Rule::of(prefix.family()).from(prefix).expect("one family")
}

pub fn commands() -> Vec<ByHand> {
    let table = || Rule::v4().table(100);
    let ten = || from("10.0.0.0/8");
    vec![
        hand("rule-002", Add, ten().table(100)),
        hand("rule-003", Add, from("10.0.0.1").table(100)),
        hand("rule-006", Add, table().priority(500)),
        hand("rule-007", Add, table().fwmark(1)),
        hand("rule-009", Add, table().fwmark(u32::MAX)),
        hand("rule-010", Add, table().fwmark(0)),
        hand("rule-012", Add, table().oif("v1".parse().expect("a name"))),
        hand("rule-015", Add, Rule::v4()),
        hand("rule-016", Add, Rule::v4().table(Route::MAIN).priority(40_000)),
        hand("rule-018", Add, Rule::v4().table(300)),
        hand("rule-019", Add, Rule::v4().table(256)),
        hand("rule-020", Add, Rule::v4().table(Route::LOCAL)),
        hand("rule-021", Add, ten().blackhole()),
        hand("rule-022", Add, ten().unreachable()),
        hand("rule-023", Add, ten().prohibit()),
        hand("rule-024", Add, ten().priority(100).goto(32_766)),
        hand("rule-027", Add, table().tos(8)),
        hand("rule-029", Add, table().ip_proto(6)),
        hand("rule-030", Add, table().ip_proto(17).sport(53)),
        hand("rule-031", Add, table().ip_proto(6).dport(80..=90)),
        hand("rule-032", Add, table().ip_proto(6).sport(1000..=2000).dport(443)),
        hand("rule-033", Add, table().sport(53)),
        hand("rule-034", Add, table().uids(1000..=2000)),
        hand("rule-037", Add, Rule::v4().table(Route::MAIN).suppress_prefixlength(24)),
        hand("rule-038", Add, Rule::v4().table(Route::MAIN).suppress_ifgroup(5)),
        hand("rule-040", Add, Rule::v4().l3mdev().priority(1000)),
        hand("rule-041", Add, ten().not().table(100)),
        hand("rule-042", Add, table().not().fwmark(5)),
        hand("rule-044", Add, ten().protocol(RouteProtocol(99)).table(100)),
        hand("rule-051", Add, from("2001:db8::/32").flowlabel(0x12345).table(100)),
        hand("rule-053", Add, Rule::v6().blackhole()),
        hand("rule-054", Delete, Rule::v4().priority(32_766)),
        hand("rule-055", Delete, table()),
        ask("rule-056", Rule::all_v4()),
        ask("rule-066", Rule::all_v4()),
        ask("rule-057", Rule::all_v6()),
        hand("rule-061", Delete, ten().table(100)),
        hand("rule-063", Delete, Rule::v4().fwmark(9).table(300)),
        hand("rule-064", Add, ten().fwmark_mask(5, 0xff).table(100).priority(1000)),
    ]
}

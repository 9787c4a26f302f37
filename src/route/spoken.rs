//! What prints reads again, for all objects of this layer, and what `ip` would take otherwise.

use super::*;
use crate::request::{Asked, Query, Request, Spoken, Verb};
use crate::text::{WordError, Words};
use crate::wire::generate::{Generate, Source};
use crate::wire::{Unknown, Writer};
use proptest::collection::vec;
use proptest::prelude::*;

/// Reads a whole command.
fn hear<O: Spoken>(verb: Verb, command: &str) -> Result<O, WordError> {
    let all: Vec<&str> = command.split_whitespace().skip(1).collect();
    let (family, rest) = match all.split_first() {
        Some((&"-4", rest)) => (Some(Family::V4), rest),
        Some((&"-6", rest)) => (Some(Family::V6), rest),
        _ => (None, &all[..]),
    };
    let words = Words::new(&rest[2..]);
    O::hear(verb, &mut family.map_or(words, |family| words.with_family(family)))
}

fn sent<O: Spoken>(verb: Verb, object: &O) -> Result<Vec<u8>, String> {
    let mut w = Writer::default();
    object.encode(verb, &mut w).map_err(|error| error.to_string())?;
    w.finish().map_err(|error| error.to_string())?;
    Ok(w.bytes().to_vec())
}

fn reads_as_it_prints<O: Spoken>(verb: Verb, object: &O) -> Result<(), TestCaseError> {
    let printed = Request::new(verb, object).to_string();
    let heard = hear::<O>(verb, &printed);
    let heard = heard.map_err(|error| TestCaseError::fail(format!("{printed}\n{error}")))?;
    prop_assert_eq!(&Request::new(verb, &heard).to_string(), &printed);
    prop_assert_eq!(sent(verb, &heard), sent(verb, object), "{}", printed);
    Ok(())
}

/// Leaves of a route what words can say.
fn plain_route(g: &mut Source<'_>) -> Route {
    let mut route = Route::generate(g);
    let flags = RouteFlags::ONLINK | RouteFlags::PERVASIVE;
    route.flags &= flags;
    route.kind = route.kind.map(|kind| RouteType(kind.0 % 12));
    route.encap = None;
    route.unknown.clear();
    for hop in &mut route.hops {
        hop.encap = None;
        hop.unknown.clear();
        hop.flags &= flags;
    }
    let metrics = &mut route.metrics;
    metrics.unknown.clear();
    metrics.hoplimit = metrics.hoplimit.map(|limit| limit & 255);
    metrics.quickack = metrics.quickack.map(|on| on & 1);
    metrics.fastopen_no_cookie = metrics.fastopen_no_cookie.map(|on| on & 1);
    metrics.congctl = metrics.congctl.is_some().then(|| crate::wire::Text("bbr".into()));
    metrics.lock = [(2, metrics.mtu), (11, metrics.initcwnd)]
        .into_iter()
        .filter_map(|(bit, metric)| metric.map(|value| (value & 1) << bit))
        .chain(metrics.rto_min.map(|_| 1 << 13))
        .reduce(|all, bit| all | bit)
        .filter(|lock| *lock != 0);
    route.iif = None;
    (route.mark, route.uid, route.flowlabel) = (None, None, None);
    (route.ip_proto, route.sport, route.dport) = (None, None, None);
    route
}

fn plain_lookup(g: &mut Source<'_>) -> Route {
    let other = Route::generate(g);
    let mut route = Route::lookup(other.to.addr());
    route.from = other.from.map(|from| Prefix::host(from.addr()));
    (route.iif, route.dev, route.tos) = (other.iif, other.dev, other.tos);
    (route.mark, route.uid) = (other.mark, other.uid);
    (route.ip_proto, route.sport, route.dport) = (other.ip_proto, other.sport, other.dport);
    route.flowlabel = other.flowlabel.map(|label| label & 0xf_ffff);
    route.flags |= other.flags & RouteFlags::FIB_MATCH;
    route
}

/// Leaves of a rule what words can say.
fn plain_rule(g: &mut Source<'_>) -> Rule {
    let mut rule = Rule::generate(g);
    rule.unknown.clear();
    rule.flags &= RuleFlags::INVERT;
    let ascii = |name: &crate::units::Name| {
        name.bytes().all(|b| b.is_ascii_graphic()) && crate::units::Name::new(name).is_ok()
    };
    rule.iif = rule.iif.filter(ascii);
    rule.oif = rule.oif.filter(ascii);
    rule.action = rule.action.filter(|action| *action != RuleAction::Unspec);
    rule.table = rule.table.filter(|_| matches!(rule.action, None | Some(RuleAction::Lookup)));
    rule.dscp_mask = rule.dscp_mask.filter(|_| rule.dscp.is_some());
    rule.fwmark = rule.fwmark.or(rule.fwmask.map(|_| 0));
    let single = |range: Option<PortRange>| range.is_some_and(|range| range.start == range.end);
    rule.sport_mask = rule.sport_mask.filter(|_| single(rule.sport));
    rule.dport_mask = rule.dport_mask.filter(|_| single(rule.dport));
    rule.flowlabel_mask = rule.flowlabel.map(|_| rule.flowlabel_mask.unwrap_or(0xf_ffff));
    rule
}

/// Leaves of a nexthop what words can say.
fn plain_nexthop(g: &mut Source<'_>) -> Nexthop {
    let mut nexthop = Nexthop::generate(g);
    nexthop.encap = None;
    nexthop.unknown.clear();
    nexthop.flags &= RouteFlags::ONLINK;
    nexthop.group = nexthop.group.filter(|group| !group.members.is_empty());
    if let Some(group) = &mut nexthop.group {
        group.members.iter_mut().for_each(|member| member.id = member.id.max(1));
        group.kind = group.kind.filter(|kind| *kind != GroupType::MPATH);
        group.resilient = group.resilient.take().filter(|_| group.kind.is_some()).map(|table| Resilient {
            idle_timer: table.idle_timer.map(|ticks| ticks / 100 * 100),
            unbalanced_timer: table.unbalanced_timer.map(|ticks| ticks / 100 * 100),
            unknown: Unknown::new(),
            ..table
        });
        group.resilient = group.resilient.take().filter(|table| *table != Resilient::default());
        nexthop.dev = None;
    }
    let says = nexthop.gateway.is_some() || nexthop.dev.is_some() || nexthop.blackhole;
    nexthop.family = match says {
        true => nexthop.family.or(Some(Family::V4)),
        false => nexthop.family.filter(|family| *family == Family::V6),
    };
    nexthop
}

const VOCABULARY: &str = "to from via dev v0 10.0.0.0/8 2001:db8::1 default all table main 100 nexthop weight 5 type veth peer \
    name bridge stp_state group 1,5/2 resilient idle_timer fwmark 1/2 sport 80-90 mtu lock features ecn src inet6 valid_lft \
    forever preferred_lft broadcast + - label local id blackhole goto uidrange 1-2 dscp AF11/3 flowlabel netns alias master \
    nomaster up link index realms 1/2 rtt 1.5s tos pref metric dsfield 10/255.0.0.0 get";

proptest! {
    #[test]
    fn every_route_reads_as_it_prints(bytes in vec(any::<u8>(), 0..400), verb in 0usize..4) {
        let verb = [Verb::Add, Verb::Replace, Verb::Append, Verb::Prepend][verb];
        reads_as_it_prints(verb, &plain_route(&mut Source::new(&bytes)))?;
    }

    #[test]
    fn every_look_up_reads_as_it_prints(bytes in vec(any::<u8>(), 0..400)) {
        reads_as_it_prints(Verb::Get, &plain_lookup(&mut Source::new(&bytes)))?;
    }

    #[test]
    fn every_rule_reads_as_it_prints(bytes in vec(any::<u8>(), 0..400)) {
        reads_as_it_prints(Verb::Add, &plain_rule(&mut Source::new(&bytes)))?;
    }

    #[test]
    fn every_nexthop_reads_as_it_prints(bytes in vec(any::<u8>(), 0..400)) {
        reads_as_it_prints(Verb::Add, &plain_nexthop(&mut Source::new(&bytes)))?;
    }

    #[test]
    fn no_words_panic(picks in vec((0usize..200, ".{0,6}"), 0..12), verb in 0usize..4) {
        let known: Vec<&str> = VOCABULARY.split_whitespace().collect();
        let words: Vec<&str> = picks.iter().map(|(pick, other)| *known.get(*pick).unwrap_or(&other.as_str())).collect();
        let verb = [Verb::Add, Verb::Change, Verb::Delete, Verb::Get][verb];
        let at = |error: WordError| error.at();
        for wrong in [
            Route::hear(verb, &mut Words::new(&words)).err().map(at),
            Rule::hear(verb, &mut Words::new(&words)).err().map(at),
            Nexthop::hear(verb, &mut Words::new(&words)).err().map(at),
            Address::hear(verb, &mut Words::new(&words)).err().map(at),
            Link::hear(verb, &mut Words::new(&words)).err().map(at),
        ].into_iter().flatten() {
            prop_assert!(wrong <= words.len());
        }
    }
}

/// The command that the query prints as.
fn asks(query: &impl Query) -> String {
    struct Text<'a, Q>(&'a Q);
    impl<Q: Query> std::fmt::Display for Text<'_, Q> {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            self.0.command(f)
        }
    }
    Text(query).to_string()
}

fn ask<Q: Asked>(command: &str) -> Result<Q, WordError> {
    let all: Vec<&str> = command.split_whitespace().skip(1).collect();
    match all.split_first() {
        Some((&"-4", rest)) => Q::hear(&mut Words::new(&rest[2..]).with_family(Family::V4)),
        Some((&"-6", rest)) => Q::hear(&mut Words::new(&rest[2..]).with_family(Family::V6)),
        _ => Q::hear(&mut Words::new(&all[2..])),
    }
}

/// Heard or refused; and what was heard prints as what means the same.
fn asks_as_it_prints<Q: Asked>(command: &str) -> Result<(), TestCaseError> {
    if let Ok(query) = ask::<Q>(command) {
        let printed = asks(&query);
        let again = ask::<Q>(&printed);
        let again = again.map_err(|error| TestCaseError::fail(format!("{command}\n{printed}\n{error}")))?;
        prop_assert_eq!(asks(&again), printed, "{}", command);
    }
    Ok(())
}

const ASKED: &str = "to from root match exact default all any 10.0.0.0/8 10.1/16 10.9.0.1 2001:db8::/32 ::/0 0/0 via inet inet6 \
    src table all cache main 100 7 dev if3 oif iif if4 proto static 9 scope link type unicast blackhole tos 10 AF11 metric 5 \
    priority preference mark realms 3/4 3/ 4 cached not fwmark 1/2 pref lookup uidrange 0-9 ipproto tcp sport 80-90 dport 22 l3mdev \
    suppress_prefixlength 0 tun_id dscp AF11/3 flowlabel 5 dst id groups master vrf fdb";

proptest! {
    #[test]
    fn every_question_is_heard_as_it_prints(
        option in prop::sample::select(&["", "-4 ", "-6 "]),
        picks in vec(any::<prop::sample::Index>(), 0..10),
    ) {
        let known: Vec<&str> = ASKED.split_whitespace().collect();
        let words: Vec<&str> = picks.iter().map(|pick| *pick.get(&known)).collect();
        let words = words.join(" ");
        asks_as_it_prints::<Routes>(&format!("ip {option}route show {words}"))?;
        asks_as_it_prints::<Rules>(&format!("ip {option}rule show {words}"))?;
        asks_as_it_prints::<Nexthops>(&format!("ip {option}nexthop show {words}"))?;
    }
}

#[test]
fn questions_are_heard_as_ip_hears_them() {
    fn same<Q: Asked>(command: &str, as_said: &str) {
        let query = ask::<Q>(&format!("ip {command}")).unwrap_or_else(|error| panic!("{command}\n{error}"));
        assert_eq!(asks(&query), format!("ip {as_said}"));
    }
    same::<Routes>("route show", "route show table 254");
    same::<Routes>("-6 route show", "-6 route show table 254");
    same::<Routes>("route show table all", "route show table all");
    same::<Routes>("-4 route show t all default", "-4 route show to default table all");
    // Only IPv4 routes can be in it.
    same::<Routes>("route show 10/8 table all", "-4 route show to 10.0.0.0/8 table all");
    same::<Routes>(
        "route show root 10/8 match 10.1/16 oif if3 t 5 p static src 10.1.2.3 via inet6 fe80::1",
        "route show to root 10.0.0.0/8 to match 10.1.0.0/16 table 5 dev if3 via inet6 fe80::1 src 10.1.2.3 proto static",
    );
    same::<Routes>(
        "-6 route show from m ::1 scope all cache proto all realm 3/",
        "-6 route show from match ::1 table 254 cached realms 3/",
    );
    same::<Routes>("route show table cache", "route show table 254 cached");
    same::<Rules>("rule show", "rule show");
    same::<Rules>("-6 rule show pref 5 l 100", "-6 rule show lookup 100 pref 5");
    same::<Rules>("rule show 10/8 src 10.1/16 proto all", "rule show from 10.1.0.0/16 to 10.0.0.0/8");
    same::<Nexthops>(
        "-6 nexthop show dev if3 g vrf if7 fdb proto bgp",
        "-6 nexthop show dev if3 groups master if7 protocol bgp fdb",
    );
    same::<Nexthops>("nexthop show id 10", "nexthop show id 10");

    let wrong = |at: usize, error: WordError| assert_eq!(error.at(), at, "{error}");
    wrong(0, ask::<Routes>("ip route show bogus").unwrap_err());
    wrong(1, ask::<Routes>("ip route show table isp1").unwrap_err());
    wrong(0, ask::<Routes>("ip route show vrf red").unwrap_err());
    wrong(3, ask::<Routes>("ip route show table all 10/8 ::/0").unwrap_err());
    wrong(0, ask::<Routes>("ip -6 route show 10/8").unwrap_err());
    wrong(0, ask::<Rules>("ip rule show prohibit").unwrap_err());
    wrong(1, ask::<Rules>("ip rule show from ::1").unwrap_err());
    wrong(0, ask::<Nexthops>("ip nexthop show via 10.0.0.1").unwrap_err());
}

fn same<O: Spoken>(verb: Verb, command: &str, as_said: &str) {
    let object = hear::<O>(verb, command).unwrap_or_else(|error| panic!("{command}\n{error}"));
    let printed = Request::new(verb, &object).to_string();
    assert_eq!(printed, as_said);
    let again = hear::<O>(verb, &printed).unwrap_or_else(|error| panic!("{printed}\n{error}"));
    assert_eq!(Request::new(verb, &again).to_string(), printed);
}

#[test]
fn addresses_are_heard_as_ip_hears_them() {
    let add = |words: &str, printed: &str| {
        same::<Address>(Verb::Add, &format!("ip address add {words}"), &format!("ip address add {printed}"));
    };
    add("10.9.0.1/24 brd + dev if10", "10.9.0.1/24 broadcast 10.9.0.255 dev if10");
    add("10.9.0.1/255.255.255.0 brd - dev if10", "10.9.0.1/24 broadcast 10.9.0.0 dev if10");
    add("local 10.9.0.1 remote 10.9.0.2/32 dev if10", "10.9.0.1 peer 10.9.0.2/32 dev if10");
    add("127.1/8 dev if1", "127.1.0.0/8 dev if1");
    add("10.1.2.3/31 broad + dev if10 label a:1", "10.1.2.3/31 dev if10 label a:1");
    add(
        "fe80::1/64 dev if10 nodad home proto kernel_ll prio 5 valid 100 preferred_lft 0x10",
        "fe80::1/64 dev if10 metric 5 proto 3 home nodad valid_lft 100 preferred_lft 16",
    );
    same::<Address>(Verb::Get, "ip address show dev if10 to ::1/128", "ip address show dev if10 to ::1/128");
}

#[test]
fn links_are_heard_as_ip_hears_them() {
    same::<Link>(
        Verb::Add,
        "ip link add a0 mtu 1400 type veth peer a1 mtu 1300 qlen 7",
        "ip link add name a0 mtu 1400 type veth peer name a1 mtu 1300 txqueuelen 7",
    );
    same::<Link>(
        Verb::Add,
        "ip link add br0 index 7 type bridge fo 200 vlan_f 1 vlan_protocol 802.1ad group_address 01:80:c2:00:00:07",
        "ip link add name br0 index 7 type bridge forward_delay 200 vlan_filtering 1 vlan_protocol 802.1ad \
            group_address 01:80:c2:00:00:07",
    );
    same::<Link>(
        Verb::Change,
        "ip link set if10 down arp off name w0 master br7 netns 12 group default",
        "ip link set dev if10 name w0 down arp off master br7 netns 12 group 0",
    );
    same::<Link>(Verb::Change, "ip link set v0 nomaster", "ip link set dev v0 nomaster");
    same::<Link>(Verb::Delete, "ip link del v0", "ip link del dev v0");
}

#[test]
fn routes_and_rules_are_heard_as_ip_hears_them() {
    let add = |words: &str, printed: &str| {
        same::<Route>(Verb::Add, &format!("ip route add {words}"), &format!("ip {printed}"));
    };
    add("10.50 via 10.9.0.2", "route add 10.50.0.0 via 10.9.0.2");
    add("10.50/255.255.0.0 dev if3", "route add 10.50.0.0/16 dev if3");
    add("default via 2001:db8::1", "-6 route add default via 2001:db8::1");
    add("to blackh 10/8", "route add blackhole 10.0.0.0/8");
    add("local 10.0.0.1 dev if1", "route add local 10.0.0.1 dev if1 table 255");
    add(
        "10/8 dev if1 rtt 1s rto_min 200ms rttvar lock 1.5ms",
        "route add 10.0.0.0/8 dev if1 rtt 8000 rttvar lock 6 rto_min 200",
    );
    same::<Route>(
        Verb::Get,
        "ip route get fibmatch to 10.1 m 5 dev if3",
        "ip route get fibmatch 10.1.0.0 oif if3 mark 5",
    );
    same::<Route>(
        Verb::Add,
        "ip -4 route add default via inet6 fe80::1 dev if3",
        "ip -4 route add default via inet6 fe80::1 dev if3",
    );
    let add = |words: &str, printed: &str| {
        same::<Rule>(Verb::Add, &format!("ip {words}"), &format!("ip {printed}"));
    };
    add("-6 rule add blackhole", "-6 rule add blackhole");
    add("rule add from all 01", "rule add unicast");
    add("rule add from ::/0 t main prio 5", "-6 rule add lookup 254 pref 5");
    add("rule add from 10.0.0.1/8 dsfield 10 type unreach", "rule add from 10.0.0.1/8 tos 0x10 unreachable");
    add(
        "rule add dscp EF ipproto udp sup_pl 0 lookup default",
        "rule add dscp 46 ipproto 17 suppress_prefixlength 0 lookup 253",
    );
}

#[test]
fn an_error_points_at_the_word_that_is_wrong() {
    fn at<O: Spoken>(verb: Verb, command: &str) -> (usize, String) {
        let error = hear::<O>(verb, command).err().unwrap_or_else(|| panic!("{command} is heard"));
        (error.at(), error.problem().to_owned())
    }
    for (command, word) in [
        ("ip route add bogus via 10.9.0.2", 0),
        ("ip route add 10.0.0.0/33", 0),
        ("ip -6 route add 10.0.0.0/8", 0),
        ("ip route add 10/8 via ::1", 2),
        ("ip route add 10/8 nexthop via 10.1.1.1 weight 257", 5),
        ("ip route add 10/8 nexthop via 10.1.1.1 mtu 5", 4),
        ("ip route add 10/8 11/8", 1),
        ("ip route add via 10.9.0.2", 2),
        ("ip route add 10/8 table isp1", 2),
        ("ip route add 10/8 encap ip id 5", 1),
    ] {
        assert_eq!(at::<Route>(Verb::Add, command).0, word, "{command}");
    }
    for (command, word) in [
        ("ip rule add", 0),
        ("ip rule add sport 9-1", 1),
        ("ip rule add frm 10/8", 0),
        ("ip rule add goto", 1),
    ] {
        assert_eq!(at::<Rule>(Verb::Add, command).0, word, "{command}");
    }
    for (command, word) in [
        ("ip address add 10.0.0.1/24", 1),
        ("ip address add dev if1", 2),
        ("ip address add 10.0.0.1/24 valid_lft 100 dev if1", 2),
        ("ip address add ::1/64 brd + dev if1", 5),
    ] {
        assert_eq!(at::<Address>(Verb::Add, command).0, word, "{command}");
    }
    let (word, problem) = at::<Link>(Verb::Add, "ip link add v0.5 type vlan id 5");
    assert_eq!((word, &problem[..]), (3, "\"id\" is not an option of vlan links that has words here"));
    let (_, problem) = at::<Route>(Verb::Add, "ip route add 10/8 table isp1");
    assert!(problem.contains("rt_tables are not looked up"), "{problem}");
}

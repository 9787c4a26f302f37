//! For every recorded state, what our programs show equals what iproute2 shows, in all layouts, on the same kernel: text to the
//! letter, JSON as values. Both are run in the same namespace, one right after the other; where the state itself moves (counters,
//! times) they are run again until they have seen the same.

use crate::common::{in_netns, is_slow, trial, Outcome, Stop};
use crate::known;
use crate::machine::{run, set_up, words, Ended, Whose};
use crate::recorded::{all, groups, Recorded};
use libtest_mimic::Trial;
use serde_json::Value;
use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::Duration;

const TC: &[&str] = &["-s -d", "-j -s -d", "", "-p", "-j", "-j -p", "-s", "-r", "-iec", "-o", "-N"];
const IP: &[&str] = &["-d", "-j -d", "", "-s -d", "-j -s -s", "-j", "-j -p", "-s -s", "-o", "-N -d"];

/// How often both are run before a difference counts.
const TRIES: u64 = 5;

/// Where programs start slowly, only some of the states are shown, unless `--include-ignored` asks for all of them.
pub fn trials() -> Vec<Trial> {
    let of = |group: &'static str| {
        let title = format!("recorded states are shown as by iproute2: {group}");
        let every = is_slow().then(|| {
            trial(&format!("{title}, every state in every layout"), move || group_is_shown(group, true))
                .with_ignored_flag(true)
        });
        [trial(&title, move || group_is_shown(group, !is_slow()))].into_iter().chain(every)
    };
    groups().into_iter().flat_map(of).chain(more()).collect()
}

/// States that nobody recorded.
fn more() -> impl Iterator<Item = Trial> {
    MORE.iter().map(|(name, commands, shows)| {
        trial(&format!("{name} is shown as by iproute2"), move || {
            let mut report = Report::default();
            let commands: Vec<String> = commands.iter().map(|one| (*one).to_owned()).collect();
            in_netns(|| {
                set_up(&commands)?;
                for show in *shows {
                    show_is_same(show, is_slow().then_some(0), &mut report)?;
                }
                Ok(())
            })?;
            report.end(name)
        })
    })
}

type State = (&'static str, &'static [&'static str], &'static [&'static str]);

const MORE: &[State] = &[
    (
        "a tree that has seen traffic",
        &[
            "ip addr add 10.9.0.1/24 dev v0",
            "ip neigh add 10.9.0.2 lladdr 02:00:00:00:00:0b dev v0",
            "tc qdisc add dev v0 root handle 1: htb default 20 r2q 5",
            "tc class add dev v0 parent 1: classid 1:1 est 1s 4s htb rate 10mbit ceil 100mbit burst 15k quantum 1514",
            "tc class add dev v0 parent 1:1 classid 1:20 htb rate 5mbit ceil 10mbit prio 3",
            "tc qdisc add dev v0 parent 1:20 handle 20: tbf rate 1mbit burst 5k latency 70ms peakrate 2mbit mtu 1514",
            "tc filter add dev v0 parent 1: protocol ip prio 3 u32 match ip dst 10.9.0.2 match ip protocol 1 0xff flowid 1:20",
            "tc qdisc add dev v1 clsact",
            "tc filter add dev v1 ingress protocol ip prio 7 u32 match u32 0 0 action mirred egress redirect dev ifb0",
            "tc qdisc add dev ifb0 root handle 5: pfifo limit 7",
        ],
        &["tc qdisc show", "tc class show dev v0", "tc filter show dev v0", "tc filter show dev v1 ingress", "tc qdisc show dev v0 root", "tc qdisc show dev v0 parent 1:20", "tc class show dev v0 root", "tc class show dev v0 parent 1:1", "tc chain show dev v1 ingress", "tc actions show action mirred", "tc filter show dev v0 root", "tc qdisc show ingress"],
    ),
    (
        "a size table, a shared block, chains",
        &[
            "tc qdisc add dev v0 root handle 1: stab overhead 24 linklayer adsl mpu 60 htb default 1",
            "tc class add dev v0 parent 1: classid 1:1 htb rate 1mbit overhead 10 mpu 64 linklayer atm",
            "tc class add dev v0 parent 1: classid 1:2 htb rate 40gbit ceil 80gbit",
            "tc qdisc add dev v1 ingress_block 5 clsact",
            "tc qdisc add dev ifb0 ingress_block 5 egress_block 6 clsact",
            "tc chain add block 5 chain 3",
            "tc filter add block 5 chain 3 protocol ipv6 prio 2 u32 match ip6 dst 2001:db8::/32 match ip6 dport 53 0xffff action mirred egress mirror dev v0",
            "tc filter add block 5 protocol all prio 1 u32 match u32 0x11223344 0xffff00ff at 40 action mirred ingress redirect dev ifb1",
        ],
        &["tc qdisc show", "tc class show dev v0", "tc filter show block 5", "tc filter show block 5 chain 3", "tc chain show block 5", "tc filter show dev v1 ingress", "tc qdisc show dev v0"],
    ),
    (
        "u32 in hash tables",
        &[
            "tc qdisc add dev v0 root handle 1: htb",
            "tc filter add dev v0 parent 1: prio 5 protocol ip u32",
            "tc filter add dev v0 parent 1: prio 5 handle 2: protocol ip u32 divisor 256",
            "tc filter add dev v0 parent 1: protocol ip prio 5 u32 ht 800:: match ip src 10.0.0.0/8 hashkey mask 0x000000ff at 12 link 2:",
            "tc filter add dev v0 parent 1: protocol ip prio 5 u32 ht 2:7b: match ip src 10.0.0.123 match tcp dport 0x50 0xffff flowid 1:10",
            "tc filter add dev v0 parent 1: protocol ip prio 5 u32 ht 2:7c: match mark 0x5 0xff match ip tos 0x10 0xff flowid 1:11",
            "tc filter add dev v0 parent 1: protocol ip prio 5 u32 match ip protocol 6 0xff match u16 0x0050 0xffff at nexthdr+2 offset at 0 mask 0x0f00 shift 6 flowid 1:12",
        ],
        &["tc filter show dev v0", "tc filter show dev v0 parent 1:", "tc filter show dev v0 parent 1: prio 5", "tc filter show dev v0 protocol ip"],
    ),
    (
        "addresses of every kind",
        &[
            "ip addr add 10.9.0.1/24 brd + dev v0 label v0:a",
            "ip addr add 10.9.0.2/24 dev v0",
            "ip addr add 10.7.0.1 peer 10.7.0.2/32 dev v0 noprefixroute metric 77",
            "ip addr add 10.6.0.1/30 dev v1 scope link valid_lft 3000 preferred_lft 2000",
            "ip -6 addr add 2001:db8:9::1/64 dev v0 nodad home mngtmpaddr",
            "ip -6 addr add 2001:db8:a::1 peer 2001:db8:a::2/128 dev v0 nodad",
            "ip link add br0 type bridge",
            "ip link set v1 master br0",
            "ip link set v0 alias outside group 5 txqueuelen 77",
            "ip link set v0 mtu 1400",
            "ip link property add dev v0 altname anothername",
        ],
        &["ip addr show", "ip addr show dev v0", "ip -4 addr show", "ip -6 addr show", "ip -4 addr show dev v1", "ip addr show up", "ip addr show master br0", "ip addr show scope link", "ip link show", "ip link show dev v1", "ip link show up", "ip link show master br0", "ip link show type bridge", "ip link show type veth", "ip addr show label v0:a", "ip addr show to 10.9.0.0/24"],
    ),
    (
        "routes of every kind",
        &[
            "ip addr add 10.9.0.1/24 dev v0",
            "ip addr add 10.8.0.1/24 dev v1",
            "ip -6 addr add 2001:db8:9::1/64 dev v0 nodad",
            "ip route add default via 10.9.0.2 metric 100 mtu 1400 advmss 1300 initcwnd 20 src 10.9.0.1 proto static",
            "ip route add 10.1.0.0/16 nexthop via 10.9.0.2 dev v0 weight 3 nexthop via 10.8.0.2 dev v1",
            "ip route add blackhole 10.2.0.0/16",
            "ip route add unreachable 10.3.0.0/16 metric 5 table 100",
            "ip route add throw 10.4.0.0/16 tos 0x10 table 100",
            "ip route add 10.5.0.0/16 dev v0 scope link onlink realm 3/4",
            "ip route add 10.5.1.1 via 10.9.0.3 mtu lock 1300 rtt 100ms rto_min 50ms quickack 1 congctl cubic",
            "ip -6 route add 2001:db8:b::/48 via 2001:db8:9::2 dev v0 expires 5000 pref high",
            "ip -6 route add 2001:db8:c::/48 nexthop via 2001:db8:9::2 nexthop via 2001:db8:9::3 weight 4",
            "ip -6 route add blackhole 2001:db8:d::/48",
            "ip route add 10.6.0.0/16 via inet6 fe80::1 dev v0",
            "ip nexthop add id 1 via 10.9.0.2 dev v0",
            "ip nexthop add id 2 via 10.8.0.2 dev v1",
            "ip nexthop add id 3 blackhole",
            "ip nexthop add id 4 dev v0 scope link proto static",
            "ip nexthop add id 10 group 1,3/2",
            "ip nexthop add id 11 group 1/2,2/3",
            "ip nexthop add id 12 group 1/2 type resilient buckets 8 idle_timer 20",
            "ip -6 nexthop add id 20 via 2001:db8:9::2 dev v0 fdb",
            "ip route add 10.10.0.0/16 nhid 11",
            "ip rule add fwmark 5 table 100",
            "ip rule add from 10.9.0.1 to 10.1.0.0/16 iif v0 oif v1 tos 0x10 table 200 pref 77",
            "ip rule add not from 10.0.0.0/8 ipproto tcp sport 1000-2000 dport 80 lookup 300 suppress_prefixlength 0",
            "ip rule add uidrange 0-1000 unreachable",
            "ip rule add pref 900 goto 1000",
            "ip rule add pref 901 iif nosuch blackhole proto static",
            "ip rule add pref 1000 lookup main suppress_ifgroup 5 realms 5/6",
            "ip -6 rule add from 2001:db8::/32 fwmark 0x1/0xff prohibit",
        ],
        &["ip route show", "ip route show table all", "ip -6 route show", "ip route show table 100", "ip route show dev v0", "ip route show default", "ip route show proto static", "ip route show type blackhole", "ip route show 10.1.0.0/16", "ip route show root 10.0.0.0/8", "ip route show match 10.5.1.1", "ip route show exact 10.5.0.0/16", "ip route show table local", "ip route show via 10.9.0.2", "ip route show scope link", "ip rule show", "ip -6 rule show", "ip rule show table 100", "ip rule show fwmark 5", "ip nexthop show", "ip nexthop show dev v0", "ip nexthop show groups", "ip nexthop show id 11", "ip nexthop get id 12", "ip nexthop get id 4", "ip route get 10.9.0.5", "ip route get 10.1.2.3 mark 5", "ip route get 10.5.1.1", "ip route get 127.0.0.1", "ip -6 route get 2001:db8:b::1", "ip route get 10.10.1.1 fibmatch", "ip route get 10.9.0.5 from 10.9.0.1 oif v0"],
    ),
];

/// Lists that are asked for in some states of each group, whatever they are about.
const STANDING: &[(&str, &[&str])] = &[
    ("tc", &["tc qdisc show", "tc class show dev v0", "tc filter show dev v0", "tc chain show dev v0"]),
    ("ip", &["ip link show", "ip addr show", "ip route show", "ip rule show", "ip nexthop show"]),
];

fn group_is_shown(group: &str, every: bool) -> Outcome {
    let mut report = Report::default();
    let states =
        all().iter().filter(|one| one.group == group && one.kernel_rc == 0 && !known::is_not_ours(&one.cmd));
    let step = if every { 1 } else { 4 };
    for (index, one) in states.enumerate().step_by(step) {
        in_netns(|| state_is_shown(one, index, every, &mut report))?;
    }
    report.end(group)
}

fn state_is_shown(one: &Recorded, index: usize, every: bool, report: &mut Report) -> Outcome {
    let commands: Vec<String> = one.setup.iter().chain([&one.cmd]).cloned().collect();
    set_up(&commands)?;
    let mut shows = one.shows.clone();
    if index.is_multiple_of(8) {
        let of_tool = STANDING.iter().filter(|(tool, _)| one.cmd.starts_with(tool));
        shows.extend(of_tool.flat_map(|(_, shows)| shows.iter().map(|show| (*show).to_owned())));
    }
    shows.sort();
    shows.dedup();
    shows.iter().try_for_each(|show| show_is_same(show, (!every).then_some(index / 4), report))
}

/// Compares one list in all layouts; where states take turns, in three of them.
fn show_is_same(show: &str, turn: Option<usize>, report: &mut Report) -> Outcome {
    if known::is_not_ours(show) {
        report.known("an object that the crate does not have");
        return Ok(());
    }
    let layouts = if show.starts_with("tc") { TC } else { IP };
    for (at, layout) in layouts.iter().enumerate() {
        if turn.is_some_and(|turn| at >= 2 && at - 2 != turn % (layouts.len() - 2)) {
            continue;
        }
        let (tool, rest) = show.split_once(' ').ok_or("a tool and its words")?;
        let command = format!("{tool} {layout} {rest}");
        let all = words(&command);
        let mut difference = None;
        for again in 0..TRIES {
            sleep(Duration::from_millis(50 * again));
            let (theirs, ours) = (run(Whose::Theirs, &all)?, run(Whose::Ours, &all)?);
            let theirs = known::tidy(&all, &theirs);
            let json = layout.contains("-j");
            difference = compare(json, &theirs, &ours);
            if difference.is_none() {
                break;
            }
            let (older, reason) = known::older(&all, &ours);
            difference = compare(json, &theirs, &older);
            let reason = match difference {
                None => reason,
                Some(_) => known::incomparable(&all, &theirs, &older),
            };
            if let Some(reason) = reason {
                report.known(reason);
                difference = None;
                break;
            }
        }
        report.compared += 1;
        if let Some(difference) = difference {
            report.differs(&command, difference);
        }
    }
    Ok(())
}

/// The first difference.
fn compare(json: bool, theirs: &Ended, ours: &Ended) -> Option<(String, String)> {
    if theirs.status != ours.status {
        let end = |ended: &Ended| format!("exit {}: {}", ended.status, ended.stderr.trim());
        return Some((end(theirs), end(ours)));
    }
    if theirs.stdout == ours.stdout {
        return None;
    }
    if json {
        let value = |text: &str| serde_json::from_str::<Value>(text).map_err(|error| error.to_string());
        return match (value(&theirs.stdout), value(&ours.stdout)) {
            (Ok(theirs), Ok(ours)) => first("", &theirs, &ours),
            (Err(_), Err(_)) if theirs.stdout.trim().is_empty() && ours.stdout.trim().is_empty() => None,
            (theirs, ours) => {
                let say = |value: Result<Value, String>| {
                    value.map_or_else(|error| error, |value| value.to_string())
                };
                Some((say(theirs), say(ours)))
            }
        };
    }
    let (mut a, mut b) = (theirs.stdout.lines(), ours.stdout.lines());
    loop {
        match (a.next(), b.next()) {
            (None, None) => return Some((format!("{:?}", theirs.stdout), format!("{:?}", ours.stdout))),
            (a, b) if a == b => (),
            (a, b) => return Some((format!("{a:?}"), format!("{b:?}"))),
        }
    }
}

/// Where two values differ first.
fn first(path: &str, theirs: &Value, ours: &Value) -> Option<(String, String)> {
    match (theirs, ours) {
        (Value::Object(a), Value::Object(b)) => {
            let inside = |key: &String| {
                let here = |object: &serde_json::Map<String, Value>| {
                    object.get(key).cloned().unwrap_or(Value::String("(none)".into()))
                };
                first(&format!("{path}.{key}"), &here(a), &here(b))
            };
            a.keys().chain(b.keys().filter(|key| !a.contains_key(*key))).find_map(inside)
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().find_map(|(index, (a, b))| first(&format!("{path}[{index}]"), a, b))
        }
        (a, b) if a == b => None,
        (a, b) => Some((format!("{path}: {a}"), format!("{path}: {b}"))),
    }
}

#[derive(Default)]
struct Report {
    compared: usize,
    known: BTreeMap<&'static str, usize>,
    /// By the difference: where it was seen first, and how often.
    differences: BTreeMap<(String, String), (String, usize)>,
}

impl Report {
    fn known(&mut self, reason: &'static str) {
        *self.known.entry(reason).or_default() += 1;
    }

    fn differs(&mut self, command: &str, difference: (String, String)) {
        self.differences.entry(difference).or_insert_with(|| (command.to_owned(), 0)).1 += 1;
    }

    fn end(self, what: &str) -> Outcome {
        let Report { compared, known, differences } = self;
        for (reason, count) in known {
            println!("{what}: {count} of {compared}: {reason}");
        }
        let total: usize = differences.values().map(|(_, count)| count).sum();
        let lines: Vec<String> = differences
            .into_iter()
            .map(|((theirs, ours), (command, count))| {
                format!("{count} × {command}\n  theirs {theirs}\n  ours   {ours}")
            })
            .collect();
        match lines.len() {
            0 => Ok(()),
            _ => Err(Stop::Fail(format!("{total} of {compared} differ\n{}", lines.join("\n")))),
        }
    }
}

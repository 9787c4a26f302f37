//! Random pairs of policies: what is made of the one by a plan is what is made of nothing, and what fails is undone.

use super::{compared, open, policy};
use crate::common::Outcome;
use crate::planning::World;
use proptest::prelude::*;

/// Lines of which one form at a time can be chosen: they have one key.
const LINES: [&[&str]; 18] = [
    &["address add 10.9.0.1/24 dev d0", "address add 10.9.0.1/24 dev d0 metric 9", "address add 10.9.0.1/24 broadcast 10.9.0.255 dev d0"],
    &["address add 10.9.0.2/24 dev d0", "address add 10.9.0.2/24 dev d0 label d0:2"],
    &["address add 10.8.0.1/24 dev d1", "address add 10.8.0.1/25 dev d1"],
    &["address add 2001:db8:8::1/64 dev d1", "address add 2001:db8:8::1/65 dev d1", "address add 2001:db8:8::1/64 dev d1 noprefixroute"],
    &["nexthop add id 1 via 10.9.0.7 dev d0", "nexthop add id 1 via 10.9.0.8 dev d0", "nexthop add id 1 dev d1", "-6 nexthop add id 1 dev d0"],
    &["nexthop add id 3 via 10.9.0.7 dev d0", "nexthop add id 3 blackhole", "nexthop add id 3 group 2"],
    &["nexthop add id 10 group 2/4", "nexthop add id 10 group 2,5", "nexthop add id 10 group 2 type resilient buckets 8"],
    &["route add 10.50.0.0/16 via 10.9.0.7 table 101", "route add 10.50.0.0/16 dev d1 table 101", "route add blackhole 10.50.0.0/16 table 101", "route add 10.50.0.0/16 nhid 2 table 101"],
    &["route add 10.51.0.0/16 nhid 10 table 101", "route add 10.51.0.0/16 nhid 2 table 101", "route add 10.51.0.0/16 dev d1 table 101 src 10.9.0.3"],
    &["route add 10.52.0.0/16 metric 5 nexthop via 10.9.0.7 nexthop via 10.9.0.8", "route add 10.52.0.0/16 metric 5 nexthop via 10.9.0.7 weight 3 nexthop dev d1", "route add 10.52.0.0/16 metric 5 via 10.9.0.7 mtu 1400"],
    &["route add 10.52.0.0/16 dev d1 metric 6", "route add unreachable 10.52.0.0/16 metric 6"],
    &["-6 route add 2001:db8:50::/48 via 2001:db8:9::7 table 102", "-6 route add 2001:db8:50::/48 dev d1 table 102", "-6 route add blackhole 2001:db8:50::/48 table 102", "-6 route add 2001:db8:50::/48 table 102 nexthop via 2001:db8:9::7 nexthop via 2001:db8:9::8", "-6 route add 2001:db8:50::/48 table 102 nexthop via 2001:db8:9::8 nexthop via 2001:db8:9::6 weight 2"],
    &["-6 route add default via 2001:db8:9::7 metric 7 pref high", "-6 route add default dev d1 metric 7", "-6 route add default nhid 4097 metric 7"],
    &["rule add fwmark 1 lookup 101 pref 100", "rule add fwmark 1/1 lookup 101 pref 100", "rule add fwmark 1 lookup main pref 100"],
    &["rule add from 10.0.0.0/8 lookup 101 pref 100", "rule add from 10.0.0.0/8 unreachable pref 100"],
    &["rule add not from 10.0.0.0/8 iif lo lookup 101 pref 100", "rule add ipproto tcp dport 80-90 lookup 101 pref 200"],
    &["-6 rule add to 2001:db8::/32 lookup 102 pref 100", "-6 rule add to 2001:db8::/32 goto 32766 pref 100"],
    &["rule add suppress_prefixlength 0 lookup main pref 50", "rule add tos 0x10 lookup 101 pref 50"],
];

/// The lines that are chosen, in the forms that are.
fn words(choice: &Vec<u8>) -> String {
    let mut text = String::new();
    for (line, choice) in LINES.iter().zip(choice) {
        // One more than there are forms is none.
        let form = line.get(usize::from(*choice) % (line.len() + 1));
        text.extend(form.map(|form| format!("ip {form}\n")));
    }
    // What the others need, behind them: this address may be the first of its network or not.
    text.push_str(
        "ip address add 10.9.0.3/24 dev d0\nip address add 2001:db8:9::1/64 dev d0\n\
         ip nexthop add id 2 via 10.9.0.6 dev d0\nip nexthop add id 4 via 10.9.0.5 dev d0\n\
         ip nexthop add id 4097 via 2001:db8:9::6 dev d0\n",
    );
    // Groups may be left out; the routes over them not then.
    match text.contains(" id 10 ") {
        true => text,
        false => text.replace("nhid 10", "nhid 4"),
    }
}

pub(super) fn any_to_any() -> Outcome {
    let world = World {
        open,
        desired: |nl, words| Ok(policy(nl, words)?.into()),
        state: compared,
        refused: "ip rule add l3mdev lookup 7 pref 500",
    };
    world.any_to_any(|| prop::collection::vec(any::<u8>(), LINES.len()), words)
}

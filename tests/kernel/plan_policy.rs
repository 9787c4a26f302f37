//! Plans of rules, routes, nexthop objects and addresses, on the running kernel.

#[path = "plan_policy/random.rs"]
mod random;

use crate::common::{in_netns, ip, is_slow, trial, Outcome, Stop};
use crate::planning::apply;
use libtest_mimic::Trial;
use std::thread;
use std::time::Duration;
use tcnl::command::Script;
use tcnl::netlink::Connection;
use tcnl::plan::{Desired, Effect, Plan, Policy, Severity};
use tcnl::route::{Address, Family, Nexthop, Prefix, Route, RouteProtocol, Routes, Rules};
use tcnl::units::{Dev, Name};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("a policy is made, and is then as it shall be", made),
        trial("what the kernel fills in is no difference", filled_in),
        trial("what differs in a policy is changed where it stands", changed),
        trial("what others added is not touched", foreign),
        trial("what others added and is in the way is named", conflicts),
        trial("a policy that fails is undone", undone),
        trial("a nexthop object that cannot be replaced is made anew with its routes", nexthop_anew),
        trial("the first address of a network goes, and the others stay", first_address),
        trial("the kernel deletes the rule that was meant", rules_hit),
        trial("what the kernel would refuse of a policy is found before", found_before),
        trial("a policy is shown with marks", shown),
        trial("from any policy to any other, as if it had been made afresh", random::any_to_any),
    ]
}

fn open() -> Result<Connection, Stop> {
    ip("link set lo up")?;
    for (number, dev) in ["d0", "d1"].into_iter().enumerate() {
        // With addresses of their own, so that those of their links are the same each time.
        ip(&format!("link add name {dev} address 02:00:00:00:00:0{number} type ifb"))?;
        ip(&format!("link set {dev} up"))?;
    }
    // The routes of their link-local addresses come a moment later: not between two looks at what there is.
    for _ in 0..100 {
        if ip("-6 route show table local")?.matches("local fe80::").count() == 2 {
            break;
        }
        thread::sleep(Duration::from_millis(10));
    }
    Ok(Connection::open()?)
}

/// The policy that these commands make.
fn policy(nl: &mut Connection, commands: &str) -> Result<Policy, Stop> {
    let devs = [nl.link("d0")?.dev, nl.link("d1")?.dev];
    let devs = [Dev { name: "d0".parse().ok(), ..devs[0] }, Dev { name: "d1".parse().ok(), ..devs[1] }];
    let script: Script = Script::parse(commands)?;
    let find = |name: Name| devs.iter().copied().find(|dev| dev.name == Some(name));
    let desired = Desired::from_script(&script, &find)?;
    let policy = desired.policy.unwrap_or_else(|| Policy::new(Policy::PROTOCOL));
    Ok(policy.addresses_of(devs[0]).addresses_of(devs[1]))
}

fn apply_words(nl: &mut Connection, commands: &str) -> Result<Plan, Stop> {
    let policy = policy(nl, commands)?;
    apply(nl, &policy)
}

/// What there is, as commands: everything that the kernel lists.
fn state(nl: &mut Connection) -> Result<Vec<String>, Stop> {
    let mut all = Vec::new();
    for family in [Family::V4, Family::V6] {
        all.extend(nl.snapshot(Rules::of(family))?.iter().map(ToString::to_string));
        all.extend(nl.snapshot(Routes::of(family))?.iter().map(ToString::to_string));
    }
    all.extend(nl.snapshot(Nexthop::all())?.iter().map(ToString::to_string));
    all.extend(nl.snapshot(Address::all())?.iter().map(ToString::to_string));
    all.sort();
    Ok(all)
}

const BASE: &str = "
    ip address add 10.9.0.1/24 dev d0
    ip address add 2001:db8:9::1/64 dev d0
    ip nexthop add id 1 via 10.9.0.2 dev d0
    ip nexthop add id 2 via 10.9.0.3 dev d0
    ip nexthop add id 10 group 1/2,3
    ip route add default via 10.9.0.2 table 101
    ip route add 10.50.0.0/16 nhid 10 table 101
    ip route add 10.51.0.0/16 table 101 nexthop via 10.9.0.2 dev d0 weight 2 nexthop via 10.9.0.3
    ip route add blackhole 10.52.0.0/16 table 101
    ip route add 2001:db8:50::/48 via 2001:db8:9::2 table 102 mtu 1400
    ip route add 2001:db8:51::/48 table 102 nexthop via 2001:db8:9::2 nexthop via 2001:db8:9::3
    ip -6 route add unreachable default table 102 metric 4000
    ip rule add fwmark 0xa lookup 101 pref 100
    ip rule add from 10.9.0.1 lookup 101 pref 101
    ip -6 rule add from 2001:db8:9::1 to all lookup 102 pref 100
    ip rule add goto 101 pref 99
    ";

fn made() -> Outcome {
    let mut nl = open()?;
    let empty = state(&mut nl)?;
    let plan = apply_words(&mut nl, BASE)?;
    assert_eq!(plan.steps().len(), 16, "{plan}");
    assert_eq!(plan.effect(), Effect::InPlace);
    assert_eq!(plan.findings(), []);
    let plan = apply_words(&mut nl, "")?;
    assert_eq!(plan.steps().len(), 16, "{plan}");
    assert_eq!(state(&mut nl)?, empty);
    Ok(())
}

/// The same in other words.
fn filled_in() -> Outcome {
    let mut nl = open()?;
    apply_words(&mut nl, BASE)?;
    let other = BASE
        .replace("via 10.9.0.2 table 101", "via 10.9.0.2 dev d0 table 101 scope global metric 0")
        .replace("via 2001:db8:9::2 table 102", "via 2001:db8:9::2 dev d0 metric 1024 pref medium table 102")
        .replace("weight 2 nexthop via 10.9.0.3", "weight 2 nexthop via 10.9.0.3 dev d0 weight 1")
        .replace("fwmark 0xa", "from all fwmark 0xa/0xffffffff")
        .replace("to all", "")
        .replace("group 1/2,3", "group 2,3/1 type mpath");
    let other = policy(&mut nl, &other)?;
    let plan = Plan::new(&mut nl, other)?;
    assert_eq!(plan.to_string(), "");
    Ok(())
}

fn changed() -> Outcome {
    let mut nl = open()?;
    apply_words(&mut nl, BASE)?;
    let other = BASE
        .replace("default via 10.9.0.2", "default via 10.9.0.4")
        .replace("id 1 via 10.9.0.2", "id 1 via 10.9.0.5")
        .replace("group 1/2,3", "group 1/2")
        .replace("2001:db8:9::1/64 dev d0", "2001:db8:9::1/64 dev d0 metric 50")
        .replace("nexthop via 2001:db8:9::3", "nexthop via 2001:db8:9::4")
        .replace("fwmark 0xa lookup", "fwmark 0xb lookup");
    let plan = apply_words(&mut nl, &other)?;
    assert_eq!(
        plan.to_string(),
        "ip address replace 2001:db8:9::1/64 dev d0 metric 50 proto 116\n\
         ip nexthop replace id 1 via 10.9.0.5 dev d0 proto 116\n\
         ip nexthop replace id 10 group 1/2 proto 116\n\
         ip route replace default via 10.9.0.4 table 101 proto 116\n\
         ip -6 route replace 2001:db8:51::/48 table 102 proto 116 nexthop via 2001:db8:9::2 weight 1 nexthop via 2001:db8:9::4 weight 1\n\
         ip rule add fwmark 0xb lookup 101 pref 100 protocol 116\n\
         ip rule del fwmark 0xa/0xffffffff lookup 101 pref 100 protocol 116\n"
    );
    // Of IPv6 the ways change one by one.
    assert_eq!(plan.effect(), Effect::Disruptive);
    assert_eq!(plan.steps().iter().filter(|step| step.effect != Effect::InPlace).count(), 1);
    Ok(())
}

const FOREIGN: [&str; 8] = [
    "address add 10.8.0.1/24 dev lo",
    "route add 10.60.0.0/16 dev d1 proto static",
    "route add 10.60.0.0/16 dev d1 table 101 proto 50",
    "route add 10.61.0.0/16 dev d1 table 300 proto 116",
    "-6 route add 2001:db8:60::/48 dev d1 table 102 proto bird",
    "rule add fwmark 0xa lookup 300 pref 100",
    "rule add fwmark 0xc lookup 300 pref 9000 protocol 116",
    "nexthop add id 1001 dev d1 proto 116",
];

fn foreign() -> Outcome {
    let mut nl = open()?;
    FOREIGN.into_iter().try_for_each(|words| ip(words).map(drop))?;
    let others = state(&mut nl)?;
    let scoped = |policy: Policy| policy.tables(100..=200).priorities(0..=1000).nexthop_ids(1..=100);
    let base = scoped(policy(&mut nl, BASE)?);
    let plan = apply(&mut nl, &base)?;
    assert_eq!(plan.steps().len(), 16, "{plan}");
    let with = state(&mut nl)?;
    assert!(others.iter().all(|other| with.contains(other)), "{with:#?} lacks some of {others:#?}");
    let nothing = scoped(policy(&mut nl, "")?);
    apply(&mut nl, &nothing)?;
    assert_eq!(state(&mut nl)?, others);
    Ok(())
}

fn conflicts() -> Outcome {
    let mut nl = open()?;
    ip("address add 10.9.0.1/24 dev d0")?;
    for words in [
        "nexthop add id 1 via 10.9.0.9 dev d0",
        "route add default via 10.9.0.9 table 101",
        "-6 route add 2001:db8:50::/48 dev d0 table 102",
        "rule add fwmark 0xa lookup 101 pref 100",
    ] {
        ip(words)?;
    }
    let before = state(&mut nl)?;
    let wanted = policy(&mut nl, BASE)?;
    let plan = Plan::new(&mut nl, wanted)?;
    let errors: Vec<String> = plan.findings().iter().map(ToString::to_string).collect();
    assert_eq!(
        errors,
        [
            "error: ip nexthop add id 1 via 10.9.0.2 dev d0 proto 116: another's has its id: \
             `ip nexthop add id 1 via 10.9.0.9 dev d0`",
            "error: ip route add default via 10.9.0.2 table 101 proto 116: another's is in its place: \
             `ip route add default via 10.9.0.9 dev if2 table 101`",
            "error: ip -6 route add 2001:db8:50::/48 via 2001:db8:9::2 table 102 proto 116 mtu 1400: another's is in \
             its place: `ip -6 route add 2001:db8:50::/48 dev if2 table 102 metric 1024 pref medium`",
            "error: ip rule add fwmark 0xa lookup 101 pref 100 protocol 116: another's is there already: \
             `ip rule add fwmark 0xa/0xffffffff lookup 101 pref 100 protocol unspec`",
        ]
        .map(str::to_owned)
    );
    let error = plan.apply(&mut nl, |_| ()).expect_err("there are errors among the findings");
    assert!(error.step.is_none());
    assert_eq!(state(&mut nl)?, before);
    // What goes may be needed by others.
    ip("route add 10.70.0.0/16 dev d0 src 10.9.0.1 proto static")?;
    let nothing = policy(&mut nl, "")?;
    let plan = Plan::new(&mut nl, nothing)?;
    assert!(plan.findings().iter().any(|finding| finding.object.contains("10.70.0.0/16")), "{plan:#?}");
    Ok(())
}

fn undone() -> Outcome {
    // Refused by the kernel at the end of what comes: routes, and rules behind them.
    for refused in
        ["ip route add 10.99.0.0/16 via 10.77.0.1 table 101", "ip rule add l3mdev lookup 7 pref 500"]
    {
        in_netns(|| {
            let mut nl = open()?;
            FOREIGN.into_iter().try_for_each(|words| ip(words).map(drop))?;
            let scoped = |policy: Policy| policy.tables(100..=200).priorities(0..=1000).nexthop_ids(1..=100);
            let base = scoped(policy(&mut nl, BASE)?);
            apply(&mut nl, &base)?;
            let before = compared(&mut nl)?;
            let other = BASE
                .replace("default via 10.9.0.2", "default via 10.9.0.4")
                .replace("id 1 via 10.9.0.2 dev d0", "id 1 blackhole")
                .replace("group 1/2,3", "group 2")
                .replace("10.52.0.0/16", "10.53.0.0/16")
                .replace(
                    "address add 10.9.0.1/24 dev d0",
                    "address add 10.9.0.1/24 broadcast 10.9.0.255 dev d0",
                )
                .replace("pref 101", "pref 103")
                .replace("goto 101", "goto 103")
                .replace("nexthop via 2001:db8:9::3", "nexthop via 2001:db8:9::4");
            let other = scoped(policy(&mut nl, &format!("{other}\n{refused}"))?);
            let plan = Plan::new(&mut nl, other)?;
            let error = plan.apply(&mut nl, |_| ()).expect_err("the kernel refuses the last");
            assert!(error.to_string().ends_with("all is as it was before"), "{error}\n{plan}");
            assert!(error.step.is_some(), "{error}");
            assert_eq!(compared(&mut nl)?, before);
            Ok(())
        })?;
    }
    Ok(())
}

fn nexthop_anew() -> Outcome {
    let mut nl = open()?;
    apply_words(&mut nl, BASE)?;
    let other = BASE.replace("id 1 via 10.9.0.2 dev d0", "id 1 blackhole").replace("1/2,3", "2,3");
    let plan = apply_words(&mut nl, &other)?;
    assert_eq!(
        plan.to_string(),
        "ip nexthop del id 1\n\
         ip nexthop add id 1 blackhole proto 116\n\
         ip nexthop replace id 10 group 2,3 proto 116\n\
         ip route replace 10.50.0.0/16 nhid 10 table 101 proto 116\n"
    );
    assert_eq!(plan.effect(), Effect::Disruptive);
    Ok(())
}

fn first_address() -> Outcome {
    let mut nl = open()?;
    let both = "ip address add 10.9.0.1/24 dev d0\nip address add 10.9.0.2/24 dev d0\n\
                ip route add 10.50.0.0/16 via 10.9.0.9 table 101 src 10.9.0.2\n\
                ip route add 10.51.0.0/16 dev d0 table 101\n";
    apply_words(&mut nl, both)?;
    let second = &both[both.find('\n').unwrap() + 1..];
    let plan = apply_words(&mut nl, second)?;
    assert_eq!(plan.effect(), Effect::Disruptive);
    assert_eq!(plan.steps().len(), 4, "{plan}");
    // The last one goes, and a route that does not need it stays.
    let plan = apply_words(&mut nl, "ip route add 10.51.0.0/16 dev d0 table 101\n")?;
    assert!(!ip("-4 address show dev d0")?.contains("10.9."), "{plan}");
    assert_eq!(nl.snapshot(Route::all_v4().table(101))?.len(), 1, "{plan}");
    Ok(())
}

/// Rules of one priority, of which one says more than the other.
fn rules_hit() -> Outcome {
    let rules = "ip rule add from 10.0.0.0/8 fwmark 1 lookup 101 pref 100\n\
                 ip rule add not from 10.0.0.0/8 iif lo lookup 101 pref 100\n\
                 ip rule add from 10.0.0.0/8 lookup 101 pref 100\n\
                 ip rule add fwmark 1 lookup 101 pref 100\n";
    let lines: Vec<&str> = rules.lines().collect();
    let some = |of: usize| -> Vec<&str> {
        (0..4).filter(|bit| of >> bit & 1 == 1).filter_map(|bit| lines.get(bit).copied()).collect()
    };
    // An emulated machine takes a part of a second for each namespace.
    let step = if is_slow() { 11 } else { 1 };
    for both in (0..256).step_by(step) {
        in_netns(|| {
            let mut nl = open()?;
            let some = [some(both & 15), some(both >> 4)];
            apply_words(&mut nl, &some[0].join("\n"))?;
            let some = &some[1];
            apply_words(&mut nl, &some.join("\n"))?;
            // What is inverted is told from what is not.
            apply_words(&mut nl, &some.join("\n").replace("not from", "from"))?;
            assert_eq!(nl.snapshot(Rules::of(Family::V4).priority(100))?.len(), some.len());
            Ok(())
        })?;
    }
    Ok(())
}

fn found_before() -> Outcome {
    let mut nl = open()?;
    let wanted = policy(
        &mut nl,
        "ip rule add fwmark 1 lookup 101\n\
         ip rule add fwmark 2 goto 5 pref 7\n\
         ip rule add fwmark 3 goto 500 pref 8\n\
         ip rule add fwmark 4 lookup 77 pref 2000\n\
         ip rule add fwmark 5 lookup 77 pref 9 protocol 50\n\
         ip route add 10.0.0.0/8 nhid 4 table 999\n\
         ip nexthop add via 10.9.0.1 dev d0\n\
         ip nexthop add id 3 group 4",
    )?;
    let wanted = Policy::new(RouteProtocol(77))
        .tables(1..=200)
        .priorities(1..=1000)
        .route(Route::to("10.1.0.0/16".parse::<Prefix>()?).dev(Dev::index(4000)).table(3))
        .pushed(wanted);
    let plan = Plan::new(&mut nl, wanted)?;
    let all = plan.findings().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    for problem in [
        "it has no priority",
        "it jumps backwards",
        "warning: ip rule add fwmark 0x3 goto 500 pref 8 protocol 77: there is no rule at its target 500",
        "its priority 2000 is outside of its policy's range, 1 to 1000",
        "warning: ip rule add fwmark 0x4 lookup 77 pref 2000 protocol 77: its table 77 is empty",
        "its protocol is 50, and its policy's is 77",
        "its table 999 is outside of its policy's range, 1 to 200",
        "there is no nexthop object 4",
        "it has no id",
        "its device is not there",
    ] {
        assert!(all.contains(problem), "{problem} is not in\n{all}");
    }
    let kernel = Plan::new(&mut nl, Policy::new(RouteProtocol::KERNEL))?;
    assert!(kernel.findings().iter().any(|finding| finding.severity == Severity::Error), "{kernel:#?}");
    Ok(())
}

trait Pushed {
    fn pushed(self, other: Policy) -> Policy;
}

impl Pushed for Policy {
    /// With all objects of another one.
    fn pushed(mut self, other: Policy) -> Policy {
        other.rules().iter().for_each(|rule| drop(self.push(rule.clone())));
        other.routes().iter().for_each(|route| drop(self.push(route.clone())));
        other.nexthops().iter().for_each(|nexthop| drop(self.push(nexthop.clone())));
        self
    }
}

fn shown() -> Outcome {
    let mut nl = open()?;
    apply_words(&mut nl, "ip address add 10.9.0.1/24 dev d0\nip route add default via 10.9.0.2 table 101")?;
    let other = policy(
        &mut nl,
        "ip address add 10.9.0.1/24 dev d0\nip route add default via 10.9.0.3 table 101\n\
         ip route add default dev d0 table 102\nip rule add fwmark 1 lookup 101 pref 5",
    )?;
    let plan = Plan::new(&mut nl, other)?;
    assert_eq!(
        plan.tree().to_string(),
        "  policy\n\
         +   route default dev d0 table 102 proto 116  (it is not there)\n\
         ~   route default via 10.9.0.3 table 101 proto 116  (it differs, and the kernel can replace it)\n\
         +   rule fwmark 0x1 lookup 101 pref 5 protocol 116  (it is not there)\n"
    );
    Ok(())
}

/// All but the kernel's own routes, whose source is the first address that a network had, and some of which come when a test for
/// duplicates has ended.
fn compared(nl: &mut Connection) -> Result<Vec<String>, Stop> {
    let all = state(nl)?;
    Ok(all.into_iter().filter(|text| !text.contains("proto kernel")).collect())
}

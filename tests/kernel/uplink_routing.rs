//! What the kernel is told for several uplinks: rules, routes, nexthop groups and queues, on the running kernel.

use crate::common::{ip, tc, trial, trial_on_fast_machines, Outcome, Stop};
use crate::planning::apply;
use libtest_mimic::Trial;
use std::thread::sleep;
use std::time::{Duration, Instant};
use tcnl::netlink::Connection;
use tcnl::plan::{Desired, Effect, Plan, Severity};
use tcnl::route::Family;
use tcnl::tc::fifo::Pfifo;
use tcnl::tc::QdiscKind;
use tcnl::units::{Packets, Rate};
use tcnl::uplink::{desired, nothing, Gateway, Lack, Leg, Seen, Uplink, Via, Way};

pub fn trials() -> Vec<Trial> {
    vec![
        trial_on_fast_machines("what two uplinks need is made, and is then as it shall be", || {
            made(2, false)
        }),
        trial("what three uplinks of both families need is made, and is then as it shall be", || {
            made(3, true)
        }),
        trial_on_fast_machines("what eight uplinks need is made, and is then as it shall be", || {
            made(8, true)
        }),
        trial("a decision is one step for each family", decision),
        trial_on_fast_machines("a link that goes down and comes back is repaired", repaired),
        trial_on_fast_machines(
            "a lost carrier, address or router is seen and left out, and comes back",
            lost,
        ),
        trial_on_fast_machines("the last uplink goes, and nothing leaks", last_one),
        trial_on_fast_machines("a router is learned from the main table, and changes with it", learned),
        trial("links with two ends need no router", links),
        trial("packets go where rules and groups say", steered),
        trial_on_fast_machines(
            "others' rules, routes and nexthops survive, and what is in the way is named",
            others,
        ),
    ]
}

/// Uplinks eth0, eth1 ... whose other ends are p0, p1 ..., and a LAN.
pub fn open(count: u8, both: bool) -> Result<(Connection, Gateway), Stop> {
    ip("link set lo up")?;
    // Everything that the kernel makes by itself is there at once.
    std::fs::write("/proc/sys/net/ipv6/conf/default/accept_dad", "0")?;
    let mut all: Vec<(String, String)> = (0..count).map(|n| (format!("eth{n}"), format!("p{n}"))).collect();
    all.push(("lan".into(), "host".into()));
    for (dev, peer) in &all {
        ip(&format!("link add {dev} type veth peer name {peer}"))?;
        ip(&format!("link set {peer} up"))?;
        ip(&format!("link set {dev} up"))?;
    }
    for n in 0..count {
        addresses(n, both)?;
    }
    ip("address add 10.0.0.1/24 dev lan")?;
    let uplink = |n: u8| {
        let dev = format!("eth{n}").parse()?;
        let uplink =
            Uplink::new(format!("u{n}"), dev, Rate::mbit(20), Rate::mbit(10)).v4(Leg::via([192, 0, n, 1]));
        Ok::<_, Stop>(if both { uplink.v6(Leg::via(router(n))) } else { uplink })
    };
    let uplinks = (0..count).map(uplink).collect::<Result<Vec<_>, _>>()?;
    let gateway = Gateway::new(uplinks, ["lan".parse()?]);
    gateway.check().map_err(|problems| Stop::Fail(format!("{problems:?}")))?;
    Ok((Connection::open()?, gateway))
}

fn addresses(n: u8, both: bool) -> Outcome {
    ip(&format!("address add 192.0.{n}.2/24 dev eth{n}"))?;
    if both {
        ip(&format!("address add 2001:db8:{n}::2/64 dev eth{n} nodad"))?;
    }
    Ok(())
}

fn router(n: u8) -> std::net::IpAddr {
    std::net::Ipv6Addr::new(0x2001, 0xdb8, n.into(), 0, 0, 0, 0, 1).into()
}

fn leaf() -> QdiscKind {
    Pfifo::new().limit(Packets(50)).into()
}

pub fn wanted(nl: &mut Connection, gateway: &Gateway, weights: &[u16]) -> Result<Desired, Stop> {
    let seen = Seen::read(nl, gateway)?;
    let usable: Vec<bool> = weights.iter().map(|weight| *weight != 0).collect();
    Ok(desired(gateway, &seen, weights, &usable, &leaf()))
}

/// Brings it about with these weights, and sees that nothing is left to do.
pub fn steer(nl: &mut Connection, gateway: &Gateway, weights: &[u16]) -> Result<Plan, Stop> {
    let desired = wanted(nl, gateway, weights)?;
    apply(nl, &desired)
}

pub fn clear(nl: &mut Connection, gateway: &Gateway) -> Result<Plan, Stop> {
    let seen = Seen::read(nl, gateway)?;
    apply(nl, &nothing(gateway, &seen))
}

/// Nothing of what is shown has changed.
pub fn unchanged(before: &str) -> Outcome {
    let now = dumps()?;
    let only = |some: &str, other: &str| -> Vec<String> {
        some.lines().filter(|line| !other.lines().any(|there| there == *line)).map(str::to_owned).collect()
    };
    match now == before {
        true => Ok(()),
        false => Err(Stop::Fail(format!("gone: {:#?}, new: {:#?}", only(before, &now), only(&now, before)))),
    }
}

/// All that `ip` and `tc` show of what we may change, but for what kernels make by themselves, some of it late.
pub fn dumps() -> Result<String, Stop> {
    let mut all = String::new();
    for words in
        ["-4 rule", "-6 rule", "-4 route show table all", "-6 route show table all", "nexthop", "-4 address"]
    {
        let lines = ip(words)?;
        let made = lines.lines().filter(|line| !line.contains("proto kernel"));
        made.for_each(|line| all += &format!("{line}\n"));
    }
    for words in ["qdisc show", "filter show dev eth0 ingress", "filter show dev eth1 ingress"] {
        all += &tc(words).unwrap_or_default();
    }
    Ok(all)
}

fn made(count: u8, both: bool) -> Outcome {
    let (mut nl, gateway) = open(count, both)?;
    let before = dumps()?;
    let weights = vec![4; count.into()];
    let plan = steer(&mut nl, &gateway, &weights)?;
    assert_eq!(plan.effect(), Effect::InPlace);
    assert_eq!(plan.findings(), []);
    let families = if both { 2 } else { 1 };
    let count = usize::from(count);
    // Rules, routes and nexthops: those of all, and those of each.
    assert_eq!(plan.steps().len(), families * (5 + 2 + count * (4 + 2)), "{plan}");
    // Another run adopts what this one left.
    let mut nl = Connection::open()?;
    let desired = wanted(&mut nl, &gateway, &weights)?;
    assert!(Plan::new(&mut nl, desired)?.is_empty());
    clear(&mut nl, &gateway)?;
    unchanged(&before)?;
    Ok(())
}

fn decision() -> Outcome {
    let (mut nl, gateway) = open(3, true)?;
    steer(&mut nl, &gateway, &[4, 3, 2])?;
    let plan = steer(&mut nl, &gateway, &[2, 4, 3])?;
    assert_eq!(
        plan.to_string(),
        "ip nexthop replace id 7700 group 7702,2/7704,4/7706,3 proto 116\n\
         ip nexthop replace id 7701 group 7703,2/7705,4/7707,3 proto 116\n"
    );
    assert_eq!(plan.effect(), Effect::InPlace);
    // Who gets nothing any more leaves the group first.
    let plan = steer(&mut nl, &gateway, &[0, 4, 3])?;
    assert_eq!(plan.effect(), Effect::InPlace);
    assert_eq!(
        plan.to_string(),
        "ip nexthop replace id 7700 group 7704,4/7706,3 proto 116\n\
         ip nexthop replace id 7701 group 7705,4/7707,3 proto 116\n\
         ip nexthop del id 7702\n\
         ip nexthop del id 7703\n"
    );
    let plan = steer(&mut nl, &gateway, &[1, 0, 0])?;
    assert_eq!(plan.effect(), Effect::InPlace, "{plan}");
    Ok(())
}

fn repaired() -> Outcome {
    let (mut nl, gateway) = open(3, true)?;
    steer(&mut nl, &gateway, &[1, 1, 1])?;
    let before = dumps()?;
    ip("link set eth1 down")?;
    assert_ne!(dumps()?, before);
    let seen = Seen::read(&mut nl, &gateway)?;
    assert_eq!(seen.way(1, Family::V4), Some(Err(Lack::Down)));
    steer(&mut nl, &gateway, &[1, 1, 1])?;
    ip("link set eth1 up")?;
    // The kernel does not bring the addresses of IPv6 back.
    ip("address add 2001:db8:1::2/64 dev eth1 nodad")?;
    settled(|| {
        Ok(Seen::read(&mut Connection::open()?, &gateway)?.way(1, Family::V6).is_some_and(|way| way.is_ok()))
    })?;
    steer(&mut nl, &gateway, &[1, 1, 1])?;
    // Down and up again before anybody looked.
    ip("link set eth1 down")?;
    ip("link set eth1 up")?;
    ip("address add 2001:db8:1::2/64 dev eth1 nodad")?;
    settled(|| {
        Ok(Seen::read(&mut Connection::open()?, &gateway)?.way(1, Family::V6).is_some_and(|way| way.is_ok()))
    })?;
    let plan = steer(&mut nl, &gateway, &[1, 1, 1])?;
    assert!(
        plan.to_string().contains("ip nexthop add id 7704 via 192.0.1.1 dev eth1 onlink proto 116"),
        "{plan}"
    );
    assert!(
        plan.to_string().contains("ip route add default via 192.0.1.1 dev eth1 table 7702 proto 116 onlink"),
        "{plan}"
    );
    // The whole device is made anew.
    ip("link del eth1")?;
    assert_eq!(Seen::read(&mut nl, &gateway)?.way(1, Family::V4), Some(Err(Lack::Device)));
    ip("link add eth1 type veth peer name p1")?;
    ip("link set p1 up")?;
    ip("link set eth1 up")?;
    addresses(1, true)?;
    steer(&mut nl, &gateway, &[1, 1, 1])?;
    Ok(())
}

/// Waits until it is so.
fn settled(mut is: impl FnMut() -> Result<bool, Stop>) -> Outcome {
    let end = Instant::now() + Duration::from_secs(10);
    while !is()? {
        if Instant::now() > end {
            return Err(Stop::Fail("it is still not so".into()));
        }
        sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn lost() -> Outcome {
    let (mut nl, mut gateway) = open(2, true)?;
    steer(&mut nl, &gateway, &[1, 1])?;
    let first = Seen::read(&mut nl, &gateway)?;
    assert_eq!(first, Seen::read(&mut nl, &gateway)?);
    ip("link set p1 down")?;
    settled(|| Ok(!Seen::read(&mut Connection::open()?, &gateway)?.uplinks[1].carrier))?;
    assert_eq!(Seen::read(&mut nl, &gateway)?.way(1, Family::V4), Some(Err(Lack::Carrier)));
    steer(&mut nl, &gateway, &[1, 1])?;
    ip("link set p1 up")?;
    settled(|| Ok(Seen::read(&mut Connection::open()?, &gateway)? == first))?;
    steer(&mut nl, &gateway, &[1, 1])?;
    ip("address del 192.0.1.2/24 dev eth1")?;
    let seen = Seen::read(&mut nl, &gateway)?;
    assert_eq!(seen.way(1, Family::V4), Some(Err(Lack::Address)));
    assert!(seen.way(1, Family::V6).is_some_and(|way| way.is_ok()));
    let plan = steer(&mut nl, &gateway, &[1, 1])?;
    assert!(!plan.to_string().contains("-6"), "{plan}");
    ip("address add 198.51.100.2/24 dev eth1")?;
    assert_eq!(Seen::read(&mut nl, &gateway)?.way(1, Family::V4), Some(Err(Lack::OutOfReach)));
    steer(&mut nl, &gateway, &[1, 1])?;
    // A route leads to the router.
    ip("route add 192.0.1.1 dev eth1")?;
    assert!(Seen::read(&mut nl, &gateway)?.way(1, Family::V4).is_some_and(|way| way.is_ok()));
    steer(&mut nl, &gateway, &[1, 1])?;
    // Another router is one step for each object that names it.
    gateway.uplinks[1].v4 = Some(Leg::via([198, 51, 100, 9]));
    let plan = steer(&mut nl, &gateway, &[1, 1])?;
    assert_eq!(
        plan.to_string(),
        "ip nexthop replace id 7704 via 198.51.100.9 dev eth1 onlink proto 116\n\
         ip route replace default via 198.51.100.9 dev eth1 table 7702 proto 116 onlink\n"
    );
    Ok(())
}

fn last_one() -> Outcome {
    let (mut nl, gateway) = open(2, true)?;
    ip("route add default via 192.0.0.9 dev eth0")?;
    steer(&mut nl, &gateway, &[1, 0])?;
    let refused = |words: &str| match ip(&format!("route get {words}")) {
        Err(Stop::Fail(why)) if why.contains("unreachable") || why.contains("RTNETLINK") => Ok(()),
        other => Err(Stop::Fail(format!("{words}: {other:?}"))),
    };
    assert!(ip("route get 203.0.113.7")?.contains("via 192.0.0.1 dev eth0"));
    let plan = steer(&mut nl, &gateway, &[0, 0])?;
    assert!(plan.to_string().contains("ip nexthop del id 7700"), "{plan}");
    refused("203.0.113.7")?;
    refused("2001:db8:f00::1")?;
    refused("203.0.113.7 mark 0x300")?;
    // What is connected is reached, and what belongs to an uplink as well.
    assert!(ip("route get 10.0.0.9")?.contains("dev lan"));
    assert!(ip("route get 203.0.113.7 mark 0x200")?.contains("via 192.0.1.1 dev eth1"));
    steer(&mut nl, &gateway, &[0, 1])?;
    assert!(ip("route get 203.0.113.7")?.contains("via 192.0.1.1 dev eth1"));
    // The kernel takes everything with the device: nothing leaks before anybody has looked.
    ip("link set eth1 down")?;
    refused("203.0.113.7")?;
    refused("203.0.113.7 mark 0x200")?;
    Ok(())
}

fn learned() -> Outcome {
    let (mut nl, mut gateway) = open(2, true)?;
    for uplink in &mut gateway.uplinks {
        (uplink.v4, uplink.v6) = (Some(Leg::new(Via::Learned)), Some(Leg::new(Via::Learned)));
    }
    assert_eq!(Seen::read(&mut nl, &gateway)?.way(0, Family::V4), Some(Err(Lack::Router)));
    steer(&mut nl, &gateway, &[1, 1])?;
    for words in [
        "route add default via 192.0.0.1 dev eth0 metric 100",
        "route add default via 192.0.1.1 dev eth1 metric 200",
        "-6 route add default via fe80::1 dev eth0",
        "-6 route add default via 2001:db8:1::1 dev eth1 metric 2000",
    ] {
        ip(words)?;
    }
    let seen = Seen::read(&mut nl, &gateway)?;
    assert_eq!(seen.way(0, Family::V6), Some(Ok(Way::Router("fe80::1".parse()?))));
    assert_eq!(seen.way(1, Family::V4), Some(Ok(Way::Router([192, 0, 1, 1].into()))));
    steer(&mut nl, &gateway, &[1, 1])?;
    ip("route add default via 192.0.1.9 dev eth1 metric 50")?;
    let plan = steer(&mut nl, &gateway, &[1, 1])?;
    assert_eq!(plan.steps().len(), 2, "{plan}");
    assert!(ip("nexthop")?.contains("via 192.0.1.9"));
    ip("route del default via 192.0.0.1 dev eth0")?;
    steer(&mut nl, &gateway, &[1, 1])?;
    assert!(ip("route show table 7701").map_or(true, |routes| routes.is_empty()));
    Ok(())
}

fn links() -> Outcome {
    let (mut nl, mut gateway) = open(2, true)?;
    let before = dumps()?;
    for uplink in &mut gateway.uplinks {
        (uplink.v4, uplink.v6) = (Some(Leg::new(Via::Link)), Some(Leg::new(Via::Link)));
    }
    steer(&mut nl, &gateway, &[4, 2])?;
    let plan = steer(&mut nl, &gateway, &[2, 4])?;
    assert_eq!(plan.steps().len(), 2, "{plan}");
    clear(&mut nl, &gateway)?;
    unchanged(&before)?;
    Ok(())
}

fn steered() -> Outcome {
    let (mut nl, gateway) = open(2, true)?;
    ip("route add default via 192.0.0.9 dev eth0")?;
    std::fs::write("/proc/sys/net/ipv4/ip_forward", "1")?;
    std::fs::write("/proc/sys/net/ipv6/conf/all/forwarding", "1")?;
    steer(&mut nl, &gateway, &[0, 1])?;
    for (words, way) in [
        ("203.0.113.7", "via 192.0.1.1 dev eth1 table 7700"),
        ("203.0.113.7 from 10.0.0.9 iif lan", "via 192.0.1.1 dev eth1 table 7700"),
        ("203.0.113.7 from 10.0.0.9 iif lan mark 0x100", "via 192.0.0.1 dev eth0 table 7701"),
        ("203.0.113.7 from 192.0.0.2", "via 192.0.0.1 dev eth0 table 7701"),
        ("203.0.113.7 oif eth0", "via 192.0.0.1 dev eth0 table 7701"),
        // Other bits of the mark are others'.
        ("203.0.113.7 mark 0x8001", "via 192.0.1.1 dev eth1 table 7700"),
        ("10.0.0.9 mark 0x100", "dev lan"),
        ("2001:db8:f00::1", "via 2001:db8:1::1 dev eth1 table 7700"),
        ("2001:db8:f00::1 mark 0x100", "via 2001:db8::1 dev eth0 table 7701"),
        ("2001:db8:f00::1 from 2001:db8::2", "via 2001:db8::1 dev eth0 table 7701"),
    ] {
        let answer = ip(&format!("route get {words}"))?;
        assert!(answer.contains(way), "{words}: {answer}");
    }
    let mut gateway = gateway;
    gateway.own = false;
    steer(&mut nl, &gateway, &[0, 1])?;
    assert!(ip("route get 203.0.113.7")?.contains("via 192.0.0.9 dev eth0"));
    Ok(())
}

fn others() -> Outcome {
    let (mut nl, gateway) = open(2, false)?;
    for words in [
        "rule add fwmark 0x100/0x3f00 lookup 99 pref 1010",
        "rule add from 192.0.1.2 lookup 99 pref 5",
        "rule add iif lan lookup 7700 pref 3000 protocol 116",
        "nexthop add id 99 via 192.0.1.9 dev eth1",
        "nexthop add id 8000 via 192.0.1.9 dev eth1 proto 116",
        "route add 10.60.0.0/16 via 192.0.1.9 table 7701",
        "route add default via 192.0.1.9 table 99 proto 116",
        "route add default via 192.0.0.1 dev eth0 metric 7 proto dhcp",
    ] {
        ip(words)?;
    }
    let before = dumps()?;
    steer(&mut nl, &gateway, &[1, 1])?;
    let with = dumps()?;
    assert!(before.lines().all(|line| with.contains(line)), "{with}\nlacks some of\n{before}");
    steer(&mut nl, &gateway, &[1, 0])?;
    clear(&mut nl, &gateway)?;
    unchanged(&before)?;
    for (words, undo, name) in [
        ("rule add iif lan lookup 7700 pref 1500", "rule del pref 1500", "iif lan lookup 7700"),
        ("nexthop add id 7700 blackhole", "nexthop del id 7700", "id 7700"),
        ("route add default via 192.0.1.9 table 7701", "route del default table 7701", "table 7701"),
    ] {
        ip(words)?;
        let there = dumps()?;
        let desired = wanted(&mut nl, &gateway, &[1, 1])?;
        let plan = Plan::new(&mut nl, desired)?;
        let named = |finding: &tcnl::plan::Finding| {
            finding.severity == Severity::Error && finding.to_string().contains(name)
        };
        assert!(plan.findings().iter().any(named), "{words}: {:?}", plan.findings());
        assert!(plan.apply(&mut nl, |_| ()).is_err());
        unchanged(&there)?;
        ip(undo)?;
    }
    Ok(())
}

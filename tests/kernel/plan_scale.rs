//! What is for thousands, on the running kernel: tables of prefixes find real packets' classes, and a line of subscribers is made,
//! is as it shall be, and changes by what changed.

use crate::common::{ip, trial, Outcome, Stop};
use crate::planning;
use crate::traffic::{class, filter, send, send_on, Lab, REST};
use crate::twice::skip_what_is_not_there;
use libtest_mimic::Trial;
use std::net::UdpSocket;
use std::thread;
use std::time::{Duration, Instant};
use tcnl::netlink::{Capabilities, Connection};
use tcnl::plan::{Direction, Effect, Layout, Plan, PrefixTable, Steering, Subscriber, Subscribers, Tree};
use tcnl::route::Prefix;
use tcnl::tc::sfq::Sfq;
use tcnl::tc::u32::U32;
use tcnl::tc::{Class, Place};
use tcnl::units::{Handle, Rate};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("tables of prefixes find the longest one of a packet's destination", destinations),
        trial("tables of prefixes find the longest one of a packet's source", sources),
        trial("a line of 200 subscribers is made, and one that changes is one step", line),
        trial("packets of subscribers are counted in their classes, in the queue of each", steered),
        trial("without skbedit the filters of each HTB find the subscribers that it has", classified),
    ]
}

/// A table at the root of `v0`, with many prefixes around those that count, which are for other classes.
fn table(
    prio: u16,
    direction: Direction,
    layout: &str,
    first: u16,
    wanted: &[(&str, u16)],
) -> Result<PrefixTable, Stop> {
    let layout: Layout = layout.parse()?;
    let is_v4 = layout.family() == tcnl::units::Family::V4;
    let place = match filter().place {
        Place::Dev { dev, parent } => Place::on(dev, parent),
        place => place,
    };
    let mut table = PrefixTable::new(place, prio, direction, layout)?.first_table(first)?;
    for number in 0..300 {
        let noise: Prefix = match is_v4 {
            true => format!("10.{}.{}.{}", number % 7 + 1, number % 50, number % 100 + 100),
            false => format!("fd00:{}:{:x}::/48", number % 7 + 10, number),
        }
        .parse()?;
        table.insert(noise, U32::new().class(class(4)))?;
    }
    for (prefix, minor) in wanted {
        table.insert(prefix.parse()?, U32::new().class(class(*minor)))?;
    }
    Ok(table)
}

fn destinations() -> Outcome {
    let mut lab = Lab::new()?;
    let four =
        [("10.0.0.0/8", 3), ("10.1.0.0/16", 1), ("10.1.2.0/23", 2), ("10.1.2.3", 3), ("10.1.2.4/30", 1)];
    let six = [("fd00:1::/32", 1), ("fd00:1:2::/47", 2), ("fd00:1:2:3::/64", 3), ("fd00:1:2:3::7", 1)];
    for (at, (layout4, layout6)) in
        [("ip 24+8", "ipv6 40+8 lengths 47"), ("ip 16+8 24+8", "ipv6 40+8 120+8 lengths 47")]
            .into_iter()
            .enumerate()
    {
        let prio = 10 * at as u16 + 1;
        lab.filter(table(prio, Direction::Destination, layout4, 1, &four)?.filters())?;
        lab.filter(table(prio + 1, Direction::Destination, layout6, 0x300, &six)?.filters())?;
        send(1, "10.1.2.3:1000")?;
        send(2, "10.1.3.3:1000")?;
        send(4, "10.1.2.6:1000")?;
        send(8, "10.1.9.9:1000")?;
        send(16, "10.200.1.1:1000")?;
        send(32, "10.3.2.102:1000")?;
        send(64, "11.1.2.3:1000")?;
        send(128, "[fd00:1:9::1]:1000")?;
        send(256, "[fd00:1:3::1]:1000")?;
        send(512, "[fd00:1:2:3::8]:1000")?;
        send(1024, "[fd00:1:2:3::7]:1000")?;
        send(2048, "[fd00:2::1]:1000")?;
        // One after the other: the second way must find the same, behind filters that are deleted.
        let times = at as u64 + 1;
        let expected = [(1, 4 + 8 + 128 + 1024), (2, 2 + 256), (3, 1 + 16 + 512), (4, 32), (REST, 64 + 2048)];
        lab.counted(&expected.map(|(minor, count)| (minor, count * times)))?;
        // A prio goes with its tables.
        lab.nl.delete(&filter().protocol(tcnl::tc::Protocol::Ip).prio(prio))?;
        lab.nl.delete(&filter().protocol(tcnl::tc::Protocol::Ipv6).prio(prio + 1))?;
    }
    Ok(())
}

fn sources() -> Outcome {
    let mut lab = Lab::new()?;
    ip("address add 10.8.0.1/32 dev lo")?;
    ip("-6 address add fd00:8::1/128 dev lo nodad")?;
    lab.filter(
        table(1, Direction::Source, "ip 16+8 24+8", 1, &[("10.8.0.0/16", 1), ("10.8.0.1", 2)])?.filters(),
    )?;
    lab.filter(
        table(
            2,
            Direction::Source,
            "ipv6 40+8 lengths 65",
            0x300,
            &[("fd00:8::/64", 1), ("fd00:8::/65", 3)],
        )?
        .filters(),
    )?;
    send_on(&UdpSocket::bind("10.8.0.1:0")?, 3, 100, "10.1.0.1:1000".parse()?)?;
    send_on(&UdpSocket::bind("10.9.0.1:0")?, 4, 100, "10.1.0.1:1000".parse()?)?;
    send_on(&UdpSocket::bind("[fd00:8::1]:0")?, 2, 100, "[fd00:1::1]:1000".parse()?)?;
    send_on(&UdpSocket::bind("[fd00:9::1]:0")?, 1, 100, "[fd00:1::1]:1000".parse()?)?;
    lab.counted(&[(2, 3), (3, 2), (REST, 5)])
}

/// A way out with so many queues.
fn way_out(queues: u16) -> Result<Connection, Stop> {
    for command in [
        "link set lo up",
        &format!("link add d0 index 10 numtxqueues {queues} numrxqueues {queues} type veth peer name d1 numtxqueues {queues} numrxqueues {queues}"),
        "link set d0 addrgenmode none",
        "link set d1 addrgenmode none",
        "link set d0 arp off",
        "link set d1 up",
        "link set d0 up",
        "address add 10.9.0.1/32 dev lo",
        "route add default dev d0 src 10.9.0.1",
        "-6 address add fd00:9::1/128 dev lo nodad",
        "-6 route add default dev d0",
    ] {
        ip(command)?;
    }
    Ok(Connection::open()?)
}

fn subscribers(nl: &mut Connection, count: u32, steering: Steering) -> Result<Subscribers<u32>, Stop> {
    let link = nl.link("d0")?;
    let queues = u16::try_from(link.tx_queues.unwrap_or(1))?;
    let mut line = Subscribers::new(link.dev, queues, Rate::gbit(10))?.steering(steering);
    if Capabilities::probe()?.has_qdisc("sfq") {
        line = line.leaf(Sfq::new().perturb(10));
    }
    (0..count).try_for_each(|number| subscriber(&mut line, number, Rate::mbit(50)).map(drop))?;
    Ok(line)
}

fn subscriber(line: &mut Subscribers<u32>, number: u32, ceil: Rate) -> Result<Handle, Stop> {
    let four: Prefix = format!("10.1.{}.{}", number / 100, number % 100).parse()?;
    let six: Prefix = format!("fd00:1:{number:x}::/48").parse()?;
    Ok(line.insert(number, Subscriber::new(Rate::mbit(10), ceil).prefix(four).prefix(six))?)
}

fn way(kernel: &Capabilities) -> Steering {
    if kernel.has_action("skbedit") {
        Steering::Skbedit
    } else {
        Steering::Filters
    }
}

/// Applies it; nothing was to be said of it.
fn apply(nl: &mut Connection, tree: &Tree) -> Result<Plan, Stop> {
    let plan = planning::apply(nl, tree)?;
    assert_eq!(plan.findings(), []);
    Ok(plan)
}

fn line() -> Outcome {
    let mut nl = way_out(4)?;
    let mut line = subscribers(&mut nl, 200, way(&Capabilities::probe()?))?;
    let tree = line.tree()?;
    let plan = apply(&mut nl, &tree)?;
    assert_eq!(plan.steps().len(), tree.len(), "{plan}");
    let class = subscriber(&mut line, 77, Rate::mbit(70))?;
    let plan = apply(&mut nl, &line.tree()?)?;
    let parent = Handle::new(class.major(), 1);
    assert_eq!(
        plan.to_string(),
        format!("tc class change dev d0 parent {parent} classid {class} htb rate 10Mbit ceil 70Mbit\n")
    );
    assert_eq!(plan.effect(), Effect::InPlace);
    // One that goes: its class, queue and filters, and whatever tables were only for it.
    line.remove(&78);
    let plan = apply(&mut nl, &line.tree()?)?;
    assert!((3..=3 + 2 * 2).contains(&plan.steps().len()), "{plan}");
    // A restart without a file, but with the kernel.
    let mut later = subscribers(&mut nl, 0, way(&Capabilities::probe()?))?;
    later.restore(&line.to_string())?;
    for number in (0..200).rev().filter(|number| *number != 78) {
        subscriber(&mut later, number, if number == 77 { Rate::mbit(70) } else { Rate::mbit(50) })?;
    }
    let plan = Plan::new(&mut nl, later.tree()?)?;
    assert!(plan.is_empty(), "{plan}");
    Ok(())
}

/// Puts everything of a tree on the device.
fn put(nl: &mut Connection, tree: &Tree) -> Outcome {
    apply(nl, tree).map(drop).map_err(skip_what_is_not_there)
}

/// The classes have counted so many packets, each asked for by itself.
fn counted(nl: &mut Connection, expected: &[(Handle, u64)]) -> Outcome {
    let end = Instant::now() + Duration::from_secs(5);
    loop {
        let mut seen = Vec::new();
        for (id, _) in expected {
            let stats = nl.get(&Class::with_id(10, *id))?.stats;
            seen.push((*id, stats.map_or(0, |stats| stats.packets)));
        }
        if seen == expected {
            return Ok(());
        }
        if Instant::now() > end {
            return Err(Stop::Fail(format!("counted {seen:?}, not {expected:?}")));
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// Sends to two subscribers and somebody unknown, and counts.
fn send_and_count(nl: &mut Connection, line: &Subscribers<u32>) -> Result<(), Stop> {
    let class = |number: u32| line.class(&number).ok_or("no such subscriber");
    send(3, "10.1.0.7:1000")?;
    send(2, "[fd00:1:7::1]:1000")?;
    send(4, "10.1.1.99:1000")?;
    send(1, "[fd00:1:c7:1::5]:1000")?;
    send(8, "10.2.1.99:1000")?;
    counted(nl, &[(class(7)?, 5), (class(199)?, 5), (class(8)?, 0)])
}

fn steered() -> Outcome {
    let mut nl = way_out(4)?;
    let mut line = subscribers(&mut nl, 200, Steering::Skbedit)?;
    // Of different queues, or it would say less.
    assert_ne!(line.class(&7).map(Handle::major), line.class(&199).map(Handle::major));
    let tree = line.tree()?;
    put(&mut nl, &tree)?;
    send_and_count(&mut nl, &line)
}

fn classified() -> Outcome {
    let mut nl = way_out(2)?;
    let mut line = subscribers(&mut nl, 200, Steering::Filters)?;
    let tree = line.tree()?;
    put(&mut nl, &tree)?;
    // Nobody chooses the queue of the subscriber: each has the packet's class or that for the rest.
    send(40, "10.1.0.7:1000")?;
    let class = line.class(&7).ok_or("no such subscriber")?;
    let rest = Handle::new(3 - class.major(), 2);
    let end = Instant::now() + Duration::from_secs(5);
    loop {
        let packets = |stats: Option<tcnl::tc::Stats>| stats.map_or(0, |stats| stats.packets);
        let mine = packets(nl.get(&Class::with_id(10, class))?.stats);
        let others = packets(nl.get(&Class::with_id(10, rest))?.stats);
        if mine + others == 40 {
            return Ok(());
        }
        assert!(Instant::now() < end, "{mine} + {others}");
        thread::sleep(Duration::from_millis(10));
    }
}

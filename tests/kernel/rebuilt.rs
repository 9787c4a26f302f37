//! A live state, exported as a script, and the script run in a fresh namespace by the crate and by `sh`: the same state.

use crate::common::{in_netns, ip, trial, Outcome, Stop};
use crate::twice::{run, skip_what_is_not_there};
use libtest_mimic::Trial;
use std::process::Command as Process;
use tcnl::command::{AnyObject, Command, Line, Script, VisitObject};
use tcnl::netlink::Connection;
use tcnl::request::{Spoken, Verb};
use tcnl::route::{Address, Family, Link, Nexthop, Routes, Rules};
use tcnl::tc::{Chain, Class, Filter, Qdisc};
use tcnl::text::Show;
use tcnl::units::{Handle, Name};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("links, addresses, nexthops, routes and rules are rebuilt by their script", network),
        trial("qdiscs, classes and filters are rebuilt by their script", queues),
        trial("shared actions and chains are rebuilt by their script", actions),
    ]
}

fn network() -> Outcome {
    rebuilt(
        &[
            "ip link set lo up",
            "ip link add name d0 index 40 type ifb",
            "ip link add name v0 index 30 mtu 1400 address 02:00:00:00:00:0a type veth peer name v1 address 02:00:00:00:00:0b",
            "ip link add name br0 index 50 type bridge",
            "ip link add name i0 numtxqueues 2 type ifb",
            "ip link set dev v0 master br0 up",
            "ip link set dev v1 up promisc on alias a-pair",
            "ip link set dev d0 arp on up gso_max_size 30000 gso_max_segs 64 gro_max_size 40000",
            "ip link set dev br0 up",
            "ip address add 192.0.2.1/24 dev v1",
            "ip address add 192.0.2.2/24 dev v1",
            "ip address add 2001:db8::1/64 dev d0 nodad",
            "ip address add 198.51.100.1 peer 198.51.100.2 dev d0",
            "ip nexthop add id 7 via 192.0.2.9 dev v1",
            "ip nexthop add id 8 blackhole",
            "ip nexthop add id 5 group 7",
            "ip route add 203.0.113.0/24 nhid 5",
            "ip route add default via 192.0.2.3 dev v1 metric 20",
            "ip route add 10.0.0.0/8 nexthop via 192.0.2.4 dev v1 weight 2 nexthop via 198.51.100.2 dev d0",
            "ip route add 192.0.2.128/25 dev d0 table 101",
            "ip route add unreachable 10.9.0.0/16",
            "ip -6 route add 2001:db8:1::/48 via 2001:db8::2 dev d0",
            "ip rule add fwmark 0xa/0xff lookup 101 pref 100",
            "ip rule add from 192.0.2.1 iif lo lookup 101 pref 0",
            "ip -6 rule add to 2001:db8:2::/48 blackhole pref 50",
        ],
        &[
            "ip link add name v0 mtu 1400 ",
            "ip link add name br0 txqueuelen 1000 numtxqueues 1 numrxqueues 1 type bridge\n",
            "ip link set dev v0 up master br0",
            "ip link set dev d0 up arp on gso_max_size 30000 gso_max_segs 64 gro_max_size 40000\n",
            "ip nexthop add id 5 group 7",
            "ip route add default via 192.0.2.3 dev v1 metric 20",
            "ip rule add from 192.0.2.1 iif lo lookup 101 pref 0\n",
        ],
    )
}

fn queues() -> Outcome {
    rebuilt(
        &[
            "ip link add name d0 type ifb",
            "ip link add name i0 type ifb",
            "ip link set dev d0 up",
            "ip link set dev i0 up",
            "tc qdisc add dev d0 root handle 1: htb default 0x20",
            "tc class add dev d0 parent 1: classid 1:1 htb rate 10mbit",
            // The smaller number stands below the larger one.
            "tc class add dev d0 parent 1: classid 1:f htb rate 5mbit ceil 10mbit burst 15k",
            "tc class add dev d0 parent 1:f classid 1:2 htb rate 1mbit ceil 10mbit prio 1",
            "tc qdisc add dev d0 parent 1:2 handle 20: tbf rate 1mbit burst 10k latency 50ms",
            "tc qdisc add dev d0 parent 1:1 handle 10: pfifo limit 5",
            "tc qdisc add dev d0 ingress",
            "tc filter add dev d0 parent 1: prio 5 protocol ip u32 match ip dst 192.0.2.1/32 classid 1:2",
            "tc filter add dev d0 parent 1: prio 3 protocol ip handle 7: u32 divisor 256",
            "tc filter add dev d0 parent 1: prio 3 protocol ip u32 ht 7:5: match ip src 192.0.2.5 classid 1:1",
            "tc filter add dev d0 parent 1: prio 3 protocol ip u32 match ip protocol 6 0xff link 7: hashkey mask 0xff at 12",
        ],
        &[
            "tc qdisc add dev d0 root handle 1: htb default 0x20",
            "tc qdisc add dev d0 parent 1:2 handle 20: tbf rate 1Mbit",
            "tc filter add dev d0 parent 1: protocol ip prio 3 handle 7: u32 divisor 256",
        ],
    )
}

fn actions() -> Outcome {
    rebuilt(
        &[
            "ip link add name d0 type ifb",
            "ip link add name i0 type ifb",
            "tc qdisc add dev d0 clsact",
            "tc filter add dev d0 ingress prio 1 protocol all u32 match u32 0 0 action mirred egress redirect dev i0",
            "tc filter add dev d0 egress prio 3 protocol ip chain 3 u32 match u32 0 0 action mirred egress mirror dev i0 index 9",
            "tc filter add dev d0 egress prio 2 protocol ip chain 3 u32 match u32 0 0 action mirred egress mirror dev i0 index 9",
            "tc chain add dev d0 egress chain 4",
        ],
        &["redirect dev i0", "mirror dev i0 index 9", "tc chain add dev d0 egress chain 4"],
    )
}

/// Runs the commands, exports what is there then, and rebuilds it from the script in two other namespaces.
fn rebuilt(commands: &[&str], expected: &[&str]) -> Outcome {
    for command in commands {
        run(command).map_err(skip_what_is_not_there)?;
    }
    let script = export()?;
    assert_eq!(script.others, [], "{script}");
    let text = script.to_string();
    for words in expected {
        assert!(text.contains(words), "no {words:?} in\n{text}");
    }
    let by_us = in_netns(|| {
        carry_out(&text)?;
        Ok(export()?.to_string())
    })?;
    assert_eq!(by_us, text, "after the crate (left) ran the script");
    let by_sh = in_netns(|| {
        ip("link")?;
        let output = Process::new("sh").arg("-c").arg(&text).env("PATH", path()).output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}\n{text}");
        Ok(export()?.to_string())
    })?;
    assert_eq!(by_sh, text, "after sh (left) ran the script");
    Ok(())
}

/// An ordinary user's PATH often lacks the directories that tc and ip are in.
fn path() -> String {
    format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default())
}

/// Everything that is there.
fn export() -> Result<Script, Stop> {
    let mut nl = Connection::open()?;
    let links: Vec<Link> = nl.snapshot(Link::all())?;
    let mut objects: Vec<AnyObject> = Vec::new();
    for link in &links {
        let dev = link.dev;
        objects.extend(nl.snapshot(Class::of(dev))?.into_iter().map(AnyObject::from));
        let mut parents =
            vec![Handle::UNSPEC, Handle::MIN_INGRESS, Handle::MIN_EGRESS, Handle::new(0xffff, 0)];
        let qdiscs = nl.snapshot(Qdisc::of(dev))?;
        let ingress = qdiscs.iter().filter_map(|qdisc| Some(qdisc.kind.as_ref()?.name()));
        let ingress: Vec<&str> = ingress.filter(|kind| ["ingress", "clsact"].contains(kind)).collect();
        match &ingress[..] {
            ["clsact"] => parents.truncate(3),
            ["ingress"] => drop(parents.drain(1..3)),
            _ => parents.truncate(1),
        }
        if !qdiscs.iter().any(|qdisc| qdisc.parent == Handle::ROOT && qdisc.handle != Handle::UNSPEC) {
            parents.remove(0);
        }
        objects.extend(qdiscs.into_iter().map(AnyObject::from));
        for parent in parents {
            objects.extend(nl.snapshot(Filter::of(dev).parent(parent))?.into_iter().map(AnyObject::from));
            let place = tcnl::tc::Place::on(dev, parent);
            objects.extend(nl.snapshot(Chain::of(place))?.into_iter().map(AnyObject::from));
        }
    }
    objects.extend(links.into_iter().map(AnyObject::from));
    objects.extend(nl.snapshot(Address::all())?.into_iter().map(AnyObject::from));
    objects.extend(nl.snapshot(Nexthop::all())?.into_iter().map(AnyObject::from));
    for family in [Family::V4, Family::V6] {
        objects.extend(nl.snapshot(Routes::of(family))?.into_iter().map(AnyObject::from));
        objects.extend(nl.snapshot(Rules::of(family))?.into_iter().map(AnyObject::from));
    }
    // In any order, but that of the kernel within one kind.
    objects.sort_by_key(|object| std::cmp::Reverse(object.message_type()));
    Ok(Script::rebuilding(objects))
}

/// Runs a script with the crate: each line is resolved when its turn has come.
fn carry_out(text: &str) -> Outcome {
    let mut nl = Connection::open()?;
    for mut line in Script::parse(text)?.lines {
        let links: Vec<Link> = nl.snapshot(Link::all())?;
        let devices = |name: Name| links.iter().find(|link| link.name == Some(name)).map(|link| link.dev);
        line.resolve(&devices)?;
        request(&mut nl, &line).map_err(|stop| match stop {
            Stop::Fail(why) => Stop::Fail(format!("{line}: {why}")),
            skip => skip,
        })?;
    }
    Ok(())
}

fn request(nl: &mut Connection, line: &Line) -> Outcome {
    struct Send<'a>(&'a mut Connection, Verb);
    impl VisitObject for Send<'_> {
        type Out = tcnl::Result<()>;
        fn object<O: Spoken + Show>(self, object: &O) -> Self::Out {
            self.0.request(self.1, object).map(drop)
        }
    }
    match &line.command {
        Command::Do { verb, object } => Ok(object.visit(Send(nl, *verb))?),
        other => Err(Stop::Fail(format!("`{other}` in a script that rebuilds"))),
    }
}

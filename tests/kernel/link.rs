//! Links and addresses: what the crate makes, `ip` shows; what `ip` makes, the crate reads.

use libtest_mimic::Trial;
use serde_json::{json, Value};
use std::fs::File;
use std::net::Ipv4Addr;
use std::thread;
use std::time::Duration;
use tcnl::netlink::{Connection, Namespace};
use tcnl::request::{Request, Verb};
use tcnl::route::{
    Address, AddressFlags, Bridge, IfAddr, Lifetime, Link, LinkFlags, LinkKind, OperState, Scope, Veth,
};
use tcnl::units::Dev;

use crate::common::{in_netns, ip, trial, Outcome, Stop};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("a pair of links is what was asked for", pair),
        trial("links of each kind are made, listed and deleted", kinds),
        trial("a link is changed in every way that the crate knows", changes),
        trial("a link's other end is made in another namespace, and a link is moved there", namespaces),
        trial("the crate reads of links what ip shows", links_read),
        trial("a link that is not there is an error that names it", not_there),
        trial("addresses are what was asked for, of both families", addresses),
        trial("the crate reads of addresses what ip shows", addresses_read),
        trial("the commands that requests print do the same", printed),
    ]
}

fn listed(words: &str) -> Result<Vec<Value>, Stop> {
    // Without anything to show, ip prints nothing at all.
    let text = ip(words)?;
    Ok(if text.trim().is_empty() { Vec::new() } else { serde_json::from_str(&text)? })
}

/// What `ip` shows of one link.
fn shown(name: &str) -> Result<Value, Stop> {
    listed(&format!("-j -d -s link show dev {name}"))?.pop().ok_or(Stop::Fail(format!("no {name}")))
}

/// The values of these names.
fn pick<const N: usize>(seen: &Value, names: [&str; N]) -> Value {
    json!(names.map(|name| seen[name].clone()).to_vec())
}

fn find(nl: &mut Connection, name: &str) -> Result<Link, Stop> {
    Ok(nl.get(&Link::named(name)?)?)
}

fn pair() -> Outcome {
    let mut nl = Connection::open()?;
    let peer = Link::named("v1")?.mtu(1300).address([2, 0, 0, 0, 0, 11]);
    nl.add(
        &Link::named("v0")?.mtu(1400).txqueuelen(77).address([2, 0, 0, 0, 0, 10]).kind(Veth::peer(peer)).up(),
    )?;
    let (v0, v1) = (shown("v0")?, shown("v1")?);
    let names = ["mtu", "txqlen", "address", "link"];
    assert_eq!(pick(&v0, names), json!([1400, 77, "02:00:00:00:00:0a", "v1"]));
    assert_eq!(pick(&v1, names), json!([1300, 1000, "02:00:00:00:00:0b", "v0"]));
    assert!(v0["flags"].as_array().is_some_and(|flags| flags.contains(&json!("UP"))), "{v0}");
    Ok(())
}

fn kinds() -> Outcome {
    let mut nl = Connection::open()?;
    nl.add(&Link::named("i0")?.kind(LinkKind::Ifb))?;
    nl.add(&Link::named("br0")?.kind(Bridge::new().stp_state(1).ageing_time(12_300)))?;
    nl.add(&Link::named("i1")?.index(77).kind(LinkKind::Ifb))?;
    assert_eq!(shown("br0")?["linkinfo"]["info_data"]["ageing_time"], 12_300);
    assert_eq!(shown("i1")?["ifindex"], 77);
    let bridge = find(&mut nl, "br0")?;
    let Some(LinkKind::Bridge(options)) = &bridge.kind else { return Err(Stop::Fail(format!("{bridge:?}"))) };
    assert_eq!((options.stp_state, options.ageing_time), (Some(1), Some(12_300)));
    let ifbs = nl.snapshot(Link::all().of_kind("ifb"))?;
    assert_eq!(ifbs.len(), 2, "{ifbs:?}");
    for link in ifbs {
        nl.delete(&Link::of(&link))?;
    }
    nl.delete(&Link::named("br0")?)?;
    assert_eq!(nl.snapshot(Link::all())?.len(), 1);
    Ok(())
}

fn changes() -> Outcome {
    let mut nl = Connection::open()?;
    ip("link add v0 type veth peer name v1")?;
    ip("link add name br0 type bridge")?;
    let (v0, br0) = (find(&mut nl, "v0")?, find(&mut nl, "br0")?);
    nl.change(
        &Link::of(&v0)
            .mtu(1280)
            .txqueuelen(9)
            .address([2, 0, 0, 0, 0, 5])
            .alias("two words")
            .master(&br0)
            .group(4)
            .flags(LinkFlags::ALLMULTI, true)
            .flags(LinkFlags::NOARP, true)
            .up(),
    )?;
    let seen = shown("v0")?;
    let names = ["mtu", "txqlen", "address", "ifalias", "master", "group"];
    assert_eq!(pick(&seen, names), json!([1280, 9, "02:00:00:00:00:05", "two words", "br0", "4"]));
    let read = find(&mut nl, "v0")?;
    assert!(read.flags.contains(LinkFlags::UP | LinkFlags::ALLMULTI | LinkFlags::NOARP), "{:?}", read.flags);
    assert_eq!(nl.snapshot(Link::all().of_master(&br0))?, [read]);

    // Kernels before 6.2 rename only what is down, and look at the name first.
    nl.change(&Link::of(&v0).down())?;
    nl.change(&Link::of(&v0).rename("w0")?.nomaster().alias("").flags(LinkFlags::NOARP, false))?;
    let read: Link = nl.get(&Link::of(&v0))?;
    assert_eq!((read.name.as_deref(), read.is_up(), read.master), (Some("w0"), false, None));
    assert!(!read.flags.contains(LinkFlags::NOARP));
    assert_eq!(shown("w0")?["ifalias"], Value::Null);
    Ok(())
}

fn namespaces() -> Outcome {
    let mut nl = Connection::open()?;
    let there = in_netns(|| Ok(File::open("/proc/thread-self/ns/net")?))?;
    let mut over_there = Connection::open_in(Namespace::Fd(std::os::fd::AsFd::as_fd(&there)))?;
    nl.add(&Link::named("v0")?.kind(Veth::peer(Link::named("wan")?.mtu(1300).netns_fd(&there))))?;
    let wan = find(&mut over_there, "wan")?;
    assert_eq!(wan.mtu, Some(1300));
    assert!(find(&mut nl, "v0")?.link_netnsid.is_some());
    assert!(nl.get(&Link::named("wan")?).is_err());

    nl.add(&Link::named("i0")?.kind(LinkKind::Ifb))?;
    nl.change(&Link::named("i0")?.netns_fd(&there))?;
    find(&mut over_there, "i0")?;
    // The process is in the namespace that it left the machine's network for, this thread in one of its own.
    over_there.change(&Link::named("i0")?.netns_pid(std::process::id()))?;
    assert!(nl.get(&Link::named("i0")?).is_err() && over_there.get(&Link::named("i0")?).is_err());
    Ok(())
}

fn links_read() -> Outcome {
    for command in [
        "link add v0 index 10 mtu 1400 type veth peer name v1 index 11",
        "link add name br0 index 12 numtxqueues 3 type bridge",
        "link add name i0 index 13 type ifb",
        "link set v0 master br0 alias hello up",
        "link set v1 up promisc on",
    ] {
        ip(command)?;
    }
    let mut nl = Connection::open()?;
    // The kernel notices carriers in its own time: up to a second later.
    for _ in 0..100 {
        let up = |link: Link| link.operstate == Some(OperState::Up);
        if up(find(&mut nl, "v0")?) && up(find(&mut nl, "v1")?) {
            break;
        }
        thread::sleep(Duration::from_millis(20));
    }
    let ours = nl.snapshot(Link::all())?;
    let theirs = listed("-j -d -s link show")?;
    assert_eq!(ours.len(), theirs.len());
    let name = |dev: Option<Dev>| -> Option<Value> {
        let found = ours.iter().find(|link| Some(link.dev) == dev)?;
        Some(found.name.as_deref()?.into())
    };
    for theirs in &theirs {
        let index = theirs["ifindex"].as_u64();
        let link =
            ours.iter().find(|link| Some(link.dev.index.into()) == index).ok_or(format!("no {theirs}"))?;
        let text = |value: Option<String>| value.map(Value::from);
        let fields = [
            ("ifname", link.name.as_deref().map(Value::from)),
            ("mtu", link.mtu.map(Value::from)),
            ("min_mtu", link.min_mtu.map(Value::from)),
            ("max_mtu", link.max_mtu.map(Value::from)),
            ("txqlen", link.txqueuelen.map(Value::from)),
            ("num_tx_queues", link.tx_queues.map(Value::from)),
            ("num_rx_queues", link.rx_queues.map(Value::from)),
            ("promiscuity", link.promiscuity.map(Value::from)),
            ("address", text(link.address.map(|address| address.to_string()))),
            ("broadcast", text(link.broadcast.map(|address| address.to_string()))),
            ("qdisc", text(link.qdisc.clone())),
            ("operstate", text(link.operstate.map(|state| state.to_string()))),
            ("ifalias", text(link.alias.clone())),
            ("master", name(link.master)),
            ("link", name(link.link)),
            ("gso_max_size", link.gso_max_size.map(Value::from)),
        ];
        for (field, ours) in fields {
            assert_eq!(ours.as_ref(), theirs.get(field), "{field} of {theirs}");
        }
        let kind = link.kind.as_ref().map(|kind| Value::from(kind.name()));
        assert_eq!(kind.as_ref(), theirs["linkinfo"].get("info_kind"), "{theirs}");
        let up = theirs["flags"].as_array().is_some_and(|flags| flags.contains(&json!("UP")));
        assert_eq!(link.is_up(), up, "{theirs}");
        assert!(link.stats.is_some(), "{theirs}");
    }
    Ok(())
}

fn not_there() -> Outcome {
    let mut nl = Connection::open()?;
    let Err(error) = nl.change(&Link::named("nowhere")?.up()) else { return Err("it was changed".into()) };
    assert!(error.to_string().contains("ip link set dev nowhere up"), "{error}");
    let Err(error) = nl.add(&Link::named("x")?.kind(LinkKind::named("nonsense"))) else {
        return Err("made".into());
    };
    assert!(error.to_string().contains("Unknown device type"), "{error}");
    Ok(())
}

fn address(words: &str) -> Result<Address, Stop> {
    Ok(Address::new(words.parse()?))
}

/// What `ip` shows of the addresses of a link.
fn addresses_of(name: &str) -> Result<Vec<Value>, Stop> {
    let link = listed(&format!("-j -d addr show dev {name}"))?.pop();
    Ok(link.and_then(|link| link["addr_info"].as_array().cloned()).unwrap_or_default())
}

fn addresses() -> Outcome {
    let mut nl = Connection::open()?;
    ip("link add v0 type veth peer name v1")?;
    let v0 = find(&mut nl, "v0")?;
    nl.add(
        &address("10.9.0.1/24")?.on(&v0).broadcast_of_prefix().label("v0:x").scope(Scope::LINK).metric(300),
    )?;
    nl.add(&address("10.8.0.1")?.on(&v0).peer(Ipv4Addr::new(10, 8, 0, 2)))?;
    nl.add(&address("2001:db8::1/64")?.on(&v0).nodad().noprefixroute())?;
    nl.replace(&address("2001:db8::1/64")?.on(&v0).lifetime(1000.into(), 500.into()))?;
    let seen = addresses_of("v0")?;
    let first = seen.iter().find(|seen| seen["local"] == "10.9.0.1").ok_or("no 10.9.0.1")?;
    assert_eq!(
        pick(first, ["prefixlen", "broadcast", "label", "scope", "metric"]),
        json!([24, "10.9.0.255", "v0:x", "link", 300])
    );
    let pair = seen.iter().find(|seen| seen["local"] == "10.8.0.1").ok_or("no 10.8.0.1")?;
    assert_eq!(pick(pair, ["address", "prefixlen"]), json!(["10.8.0.2", 32]));
    let six = seen.iter().find(|seen| seen["local"] == "2001:db8::1").ok_or("no 2001:db8::1")?;
    assert!(six["valid_life_time"].as_u64().is_some_and(|seconds| (990..=1000).contains(&seconds)), "{six}");

    let single: Address = nl.get(&address("2001:db8::1/64")?.on(&v0))?;
    assert_eq!(single.local, "2001:db8::1/64".parse()?);
    for address in nl.snapshot(Address::of(&v0))? {
        nl.delete(&address)?;
    }
    assert_eq!(addresses_of("v0")?, Vec::<Value>::new());
    Ok(())
}

fn addresses_read() -> Outcome {
    for command in [
        "link add v0 index 10 type veth peer name v1",
        "addr add 127.0.0.1/8 dev lo",
        "addr add 10.9.0.1/24 broadcast + dev v0 noprefixroute metric 7",
        "addr add 10.9.0.2/24 dev v0 valid_lft 100 preferred_lft 50",
        "addr add 10.8.0.1 peer 10.8.0.2/31 dev v0",
        "addr add 2001:db8::1/64 dev v0 nodad home",
    ] {
        ip(command)?;
    }
    let mut nl = Connection::open()?;
    assert_eq!(nl.snapshot(Address::all().v6())?.len(), 1);
    let mut all = 0;
    for name in ["lo", "v0"] {
        let link = find(&mut nl, name)?;
        let ours = nl.snapshot(Address::of(&link))?;
        let theirs = addresses_of(name)?;
        assert_eq!(ours.len(), theirs.len());
        all += ours.len();
        for (ours, theirs) in ours.iter().zip(&theirs) {
            let local = format!("{}/{}", theirs["local"].as_str().unwrap_or_default(), theirs["prefixlen"]);
            assert_eq!(ours.local, local.parse::<IfAddr>()?);
            let text = |value: Option<String>| value.map(Value::from);
            let valid = ours.lifetime.map(|lifetime| u64::from(u32::from(lifetime.valid)));
            // On a slow machine some seconds go by.
            let difference =
                valid.zip(theirs["valid_life_time"].as_u64()).map(|(ours, theirs)| ours - theirs);
            assert!(difference.is_some_and(|seconds| seconds < 20), "{valid:?} in {theirs}");
            let fields = [
                ("scope", text(Some(ours.scope.to_string()))),
                ("address", text(ours.peer.map(|peer| peer.to_string()))),
                ("broadcast", text(ours.broadcast.map(|broadcast| broadcast.to_string()))),
                ("label", ours.label.as_deref().map(Value::from)),
                ("metric", ours.metric.map(Value::from)),
                ("noprefixroute", ours.flags.contains(AddressFlags::NOPREFIXROUTE).then(|| true.into())),
                ("home", ours.flags.contains(AddressFlags::HOMEADDRESS).then(|| true.into())),
            ];
            for (field, ours) in fields {
                assert_eq!(ours.as_ref(), theirs.get(field), "{field} of {theirs}");
            }
        }
    }
    assert_eq!(nl.snapshot(Address::all())?.len(), all);
    Ok(())
}

/// Of each request, once through the crate and once as the command it prints, in namespaces of their own.
fn printed() -> Outcome {
    type Step =
        fn(&mut dyn FnMut(Verb, Link) -> Outcome, &mut dyn FnMut(Verb, Address) -> Outcome) -> Outcome;
    let steps: Step = |link, addr| {
        let mac = |last| [2, 0, 0, 0, 0, last];
        let peer = Link::named("v1")?.index(11).mtu(1300).address(mac(11));
        link(Verb::Add, Link::named("v0")?.index(10).mtu(1400).address(mac(10)).kind(Veth::peer(peer)))?;
        link(
            Verb::Add,
            Link::named("b")?.index(12).address(mac(12)).kind(Bridge::new().ageing_time(500).priority(7)),
        )?;
        link(
            Verb::Add,
            Link::named("i0")?.index(13).address(mac(13)).tx_queues(2).kind(LinkKind::Ifb).txqueuelen(5),
        )?;
        link(
            Verb::Change,
            Link::of(10).master(12).alias("it").group(3).flags(LinkFlags::MULTICAST, false).up(),
        )?;
        link(Verb::Change, Link::of(13).rename("down")?.broadcast(mac(1)))?;
        link(Verb::Change, Link::named("b")?.kind(Bridge::new().stp_state(1).mcast_snooping(0)))?;
        addr(Verb::Add, address("10.9.0.1/24")?.on(10).broadcast_of_prefix().noprefixroute())?;
        addr(Verb::Add, address("10.8.0.1")?.on(10).peer(Ipv4Addr::new(10, 8, 0, 2)).scope(Scope::HOST))?;
        addr(Verb::Add, address("2001:db8::1/64")?.on(10).nodad().flags(AddressFlags::HOMEADDRESS))?;
        addr(
            Verb::Change,
            address("10.9.0.1/24")?.on(10).broadcast_of_prefix().lifetime(Lifetime::Forever, 0.into()),
        )?;
        addr(Verb::Add, address("127.9.0.1/8")?.on(1))?;
        addr(Verb::Delete, address("127.9.0.1/8")?.on(1))
    };
    let show = || -> Result<Vec<Value>, Stop> {
        let mut all = [listed("-j -d link show")?, listed("-j -d addr show")?].concat();
        all.iter_mut().for_each(without_what_changes_by_itself);
        Ok(all)
    };
    let ours = in_netns(|| {
        let nl = std::cell::RefCell::new(Connection::open()?);
        let link = &mut |verb, link: Link| Ok(nl.borrow_mut().request(verb, &link).map(drop)?);
        let addr = &mut |verb, address: Address| Ok(nl.borrow_mut().request(verb, &address).map(drop)?);
        steps(link, addr)?;
        show()
    })?;
    let theirs = in_netns(|| {
        fn run(command: String) -> Outcome {
            ip(command.strip_prefix("ip ").ok_or("no command of ip's")?).map(drop)
        }
        let link = &mut |verb, link: Link| run(Request::new(verb, &link).to_string());
        let addr = &mut |verb, address: Address| run(Request::new(verb, &address).to_string());
        steps(link, addr)?;
        show()
    })?;
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert_eq!(ours, theirs);
    }
    assert_eq!(ours.len(), theirs.len());
    Ok(())
}

/// Leaves out timers, and what follows from a carrier, which the kernel looks at in its own time.
fn without_what_changes_by_itself(value: &mut Value) {
    match value {
        Value::Array(list) => {
            list.retain(|flag| !["NO-CARRIER", "LOWER_UP", "M-DOWN"].map(Value::from).contains(flag));
            list.iter_mut().for_each(without_what_changes_by_itself);
        }
        Value::Object(map) => {
            map.retain(|name, _| {
                !name.ends_with("_timer") && !["operstate", "state"].contains(&name.as_str())
            });
            map.values_mut().for_each(without_what_changes_by_itself);
        }
        _ => (),
    }
}

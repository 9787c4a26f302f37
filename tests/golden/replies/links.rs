use super::{bridges, Json, Reply, Shown};
use serde_json::Value;
use std::collections::BTreeMap;
use tcnl::route::{Link, LinkFlags, LinkKind, LinkStats};

pub fn shown(all: &mut Shown, reply: &Reply) -> Vec<Value> {
    let links = all.objects(reply, &Link::all());
    let name = |link: &Link| (link.dev.index, link.name.expect("a link in a dump has a name").to_string());
    let names = links.iter().map(name).collect();
    let up = |index: u32| links.iter().any(|link| link.dev.index == index && link.is_up());
    links.iter().map(|it| link(it, &names, it.link.is_none_or(|below| up(below.index)))).collect()
}

fn link(link: &Link, names: &BTreeMap<u32, String>, below_is_up: bool) -> Value {
    let mut json = Json::default();
    json.put("ifindex", link.dev.index);
    json.some("link", link.link.map(|below| names[&below.index].clone()));
    json.put("ifname", names[&link.dev.index].clone());
    json.put("flags", flags(link.flags, below_is_up));
    json.some("mtu", link.mtu);
    json.some("qdisc", link.qdisc.clone());
    json.some("master", link.master.map(|master| names[&master.index].clone()));
    json.some("operstate", link.operstate.map(|state| state.to_string()));
    json.some(
        "group",
        link.group.map(|group| if group == 0 { "default".to_owned() } else { group.to_string() }),
    );
    json.some("txqlen", link.txqueuelen);
    json.put("link_type", if link.hardware == 772 { "loopback" } else { "ether" });
    json.some("address", link.address.map(|address| address.to_string()));
    json.some("broadcast", link.broadcast.map(|address| address.to_string()));
    json.some("ifalias", link.alias.clone());
    json.some("promiscuity", link.promiscuity);
    json.some("min_mtu", link.min_mtu);
    json.some("max_mtu", link.max_mtu);
    if let Some(kind) = &link.kind {
        let mut info = Json::default();
        info.put("info_kind", kind.name());
        match kind {
            LinkKind::Bridge(bridge) => info.put("info_data", bridges::data(bridge)),
            LinkKind::Other(other) => info.not_yet(&other.name),
            _ => (),
        }
        json.put("linkinfo", info.done());
    }
    json.some("num_tx_queues", link.tx_queues);
    json.some("num_rx_queues", link.rx_queues);
    json.some("gso_max_size", link.gso_max_size);
    json.some("gso_max_segs", link.gso_max_segs);
    json.some("gro_max_size", link.gro_max_size);
    json.some("gso_ipv4_max_size", link.gso_ipv4_max_size);
    json.some("gro_ipv4_max_size", link.gro_ipv4_max_size);
    if let Some(stats) = &link.stats {
        json.put("stats64", counters(stats));
    }
    json.done()
}

/// In iproute2's order.
fn flags(flags: LinkFlags, below_is_up: bool) -> Vec<&'static str> {
    let names = [
        (LinkFlags::LOOPBACK, "LOOPBACK"),
        (LinkFlags::BROADCAST, "BROADCAST"),
        (LinkFlags::POINTOPOINT, "POINTOPOINT"),
        (LinkFlags::MULTICAST, "MULTICAST"),
        (LinkFlags::NOARP, "NOARP"),
        (LinkFlags::ALLMULTI, "ALLMULTI"),
        (LinkFlags::PROMISC, "PROMISC"),
        (LinkFlags::MASTER, "MASTER"),
        (LinkFlags::UP, "UP"),
        (LinkFlags::LOWER_UP, "LOWER_UP"),
    ];
    let no_carrier = flags.contains(LinkFlags::UP) && !flags.contains(LinkFlags::RUNNING);
    let set = names.into_iter().filter(|(flag, _)| flags.contains(*flag)).map(|(_, name)| name);
    let down = (!below_is_up).then_some("M-DOWN");
    no_carrier.then_some("NO-CARRIER").into_iter().chain(set).chain(down).collect()
}

fn counters(stats: &LinkStats) -> Value {
    let (mut rx, mut tx, mut json) = (Json::default(), Json::default(), Json::default());
    rx.put("bytes", stats.rx_bytes);
    rx.put("packets", stats.rx_packets);
    rx.put("errors", stats.rx_errors);
    rx.put("dropped", stats.rx_dropped);
    rx.put("over_errors", stats.rx_over_errors);
    rx.put("multicast", stats.multicast);
    tx.put("bytes", stats.tx_bytes);
    tx.put("packets", stats.tx_packets);
    tx.put("errors", stats.tx_errors);
    tx.put("dropped", stats.tx_dropped);
    tx.put("carrier_errors", stats.tx_carrier_errors);
    tx.put("collisions", stats.collisions);
    json.put("rx", rx.done());
    json.put("tx", tx.done());
    json.done()
}

use super::bridge::unusual;
use super::Devices;
use crate::request::Verb;
use crate::route::{Link, LinkFlags, LinkKind, Veth};
use crate::units::Dev;
use std::collections::BTreeSet;

/// The commands that make the links, those below others first, and then put them to work.
pub(super) fn links(links: &[Link], devices: &Devices<'_>) -> Vec<(Verb, Link)> {
    let order = order(links);
    let made = order.iter().filter_map(|link| make(link, devices).map(|link| (Verb::Add, link)));
    let set = order.iter().filter_map(|link| set(link, devices).map(|link| (Verb::Change, link)));
    made.chain(set).collect()
}

/// Those on top of others behind these. Both ends of a pair name each other: the first is made first.
fn order(links: &[Link]) -> Vec<&Link> {
    let mut waiting: Vec<&Link> = links.iter().collect();
    waiting.sort_by_key(|link| link.dev.index);
    let mut order = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let open: BTreeSet<u32> = waiting.iter().map(|link| link.dev.index).collect();
        let ready = |link: &&Link| is_pair(link) || below(link).is_none_or(|dev| !open.contains(&dev.index));
        let (mut now, later): (Vec<&Link>, Vec<&Link>) = waiting.iter().partition(|link| ready(link));
        // What stands on itself in a circle is left to the kernel to refuse.
        let stuck = now.is_empty();
        if stuck {
            now.extend(&later);
        }
        order.extend(now);
        waiting = if stuck { Vec::new() } else { later };
    }
    order
}

fn is_pair(link: &Link) -> bool {
    matches!(link.kind, Some(LinkKind::Veth(_)))
}

/// The link below, if it is in this namespace and another.
fn below(link: &Link) -> Option<Dev> {
    link.link.filter(|dev| link.link_netnsid.is_none() && dev.index != 0 && *dev != link.dev)
}

/// The command that makes a link; none for hardware, the loopback, and the second end of a pair.
fn make(link: &Link, devices: &Devices<'_>) -> Option<Link> {
    let kind = link.kind.clone()?;
    let below = below(link);
    let kind = match kind {
        LinkKind::Bridge(bridge) => unusual(&bridge).into(),
        kind => kind,
    };
    let mut made = Link { kind: Some(kind), ..described(link) };
    if let Some(LinkKind::Bridge(_)) = &made.kind {
        // It takes these from its ports.
        let ports = || devices.ports(link.dev);
        made.mtu = made.mtu.filter(|mtu| ports().filter_map(|port| port.mtu).min() != Some(*mtu));
        made.address = made.address.filter(|address| !ports().any(|port| port.address == Some(*address)));
    }
    if !is_pair(link) {
        made.link = below.map(|dev| devices.name(dev));
        return Some(made);
    }
    match below.and_then(|dev| devices.link(dev)) {
        Some(other) if other.dev.index < link.dev.index => None,
        // The kernel makes the peer first: it was the one with the smaller index.
        Some(other) => Some(Link { kind: Some(Veth::peer(described(link)).into()), ..described(other) }),
        None => Some(made),
    }
}

/// What can be said of a new link.
fn described(link: &Link) -> Link {
    Link {
        name: link.name,
        mtu: link.mtu,
        txqueuelen: link.txqueuelen,
        tx_queues: link.tx_queues,
        rx_queues: link.rx_queues,
        address: link.address.filter(|address| !address.as_bytes().is_empty()),
        group: link.group.filter(|group| *group != 0),
        ..Link::default()
    }
}

/// The command that enslaves a link, describes it and sets it up, as far as there is need.
fn set(link: &Link, devices: &Devices<'_>) -> Option<Link> {
    let name = link.name?;
    let mut set = Link { alias: link.alias.clone(), ..Link::default() };
    set.master = link.master.filter(|master| master.index != 0).map(|master| devices.name(master));
    if link.kind.is_none() && !link.flags.contains(LinkFlags::LOOPBACK) {
        // Hardware is there, and was set to this.
        (set.mtu, set.txqueuelen) = (link.mtu, link.txqueuelen);
        set.group = link.group.filter(|group| *group != 0);
        set.address =
            link.address.filter(|_| link.permanent_address.is_some_and(|own| link.address != Some(own)));
    }
    segments(link, &mut set);
    let on = LinkFlags::UP | LinkFlags::PROMISC | LinkFlags::ALLMULTI;
    set.change = link.flags & on;
    set.flags = set.change;
    // These kinds ask for no addresses unless told.
    let usual = match link.kind {
        None | Some(LinkKind::Veth(_) | LinkKind::Bridge(_)) => Some(false),
        Some(LinkKind::Ifb | LinkKind::Dummy) => Some(true),
        Some(LinkKind::Other(_)) => None,
    };
    let noarp = link.flags.contains(LinkFlags::NOARP);
    if usual.is_some_and(|usual| usual != noarp) {
        set.change |= LinkFlags::NOARP;
        set.flags.set(LinkFlags::NOARP, noarp);
    }
    (set != Link::default()).then_some(Link { name: Some(name), ..set })
}

/// GSO_LEGACY_MAX_SIZE (and GRO_) and GSO_MAX_SEGS of `include/linux/netdevice.h`: what links have unless their hardware can do less.
const USUAL_SIZE: u32 = 65_536;
const USUAL_SEGMENTS: u32 = 65_535;

/// How large packets may be before they are cut up and after they were put together, as far as it is unusual.
fn segments(link: &Link, set: &mut Link) {
    let able = |usual: u32, most: Option<u32>| usual.min(most.filter(|most| *most != 0).unwrap_or(usual));
    let gso = able(USUAL_SIZE, link.tso_max_size);
    set.gso_max_size = link.gso_max_size.filter(|is| *is != gso);
    set.gso_max_segs = link.gso_max_segs.filter(|is| *is != able(USUAL_SEGMENTS, link.tso_max_segs));
    set.gro_max_size = link.gro_max_size.filter(|is| *is != USUAL_SIZE);
    // What is set for all families is set for IPv4 as well, as far as its packets can be as large.
    let follows = |all: Option<u32>, usual: u32| all.unwrap_or(usual).min(USUAL_SIZE);
    set.gso_ipv4_max_size = link.gso_ipv4_max_size.filter(|is| *is != follows(link.gso_max_size, gso));
    set.gro_ipv4_max_size = link.gro_ipv4_max_size.filter(|is| *is != follows(link.gro_max_size, USUAL_SIZE));
}

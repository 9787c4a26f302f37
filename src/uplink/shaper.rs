//! The queues of uplinks, as trees.

use super::seen::{Hook, Seen, SeenUplink};
use super::{Gateway, Shaping, Share, Uplink};
use crate::netlink::Capabilities;
use crate::plan::{Scope, Tree};
use crate::tc::fifo::Pfifo;
use crate::tc::htb::{Htb, HtbClass};
use crate::tc::ingress::Ingress;
use crate::tc::mirred::Mirred;
use crate::tc::sfq::Sfq;
use crate::tc::u32::{Match, U32};
use crate::tc::{Class, Filter, Protocol, Qdisc, QdiscKind};
use crate::units::{Dev, Handle, Packets, Rate, Size};
use std::ops::RangeInclusive;

/// Our handles: one for the root qdisc, and one for each leaf. A root qdisc with another one is somebody else's.
const HANDLES: RangeInclusive<u16> = 0x7700..=0x77ff;
/// The handle of our root qdiscs.
pub(super) const ROOT: Handle = Handle::qdisc(0x7700);
/// The class that all others lend from.
const TOP: Handle = Handle::new(0x7700, 1);
/// The minor number of the first share's class.
const FIRST: u16 = 0x10;
/// As many shares as there are DSCPs.
pub(super) const MOST_SHARES: usize = 64;
/// The prios of our filters: for IPv4, for IPv6, and for all that comes in, behind what others have there.
pub(super) const PRIOS: RangeInclusive<u16> = PRIO_V4..=PRIO_IN;
const PRIO_V4: u16 = 65000;
const PRIO_V6: u16 = 65001;
const PRIO_IN: u16 = 65002;
/// The least that a class may send at once: two packets.
const LEAST_BURST: u64 = 3200;
/// What a class sends before the next one has its turn: a packet at least, and no more than makes the others wait long.
const QUANTUM: RangeInclusive<u64> = 1600..=60_000;

/// The queue below a class, for kernels like this: SFQ shares it between its connections; one without it gets a short queue.
pub fn leaf(kernel: &Capabilities) -> QdiscKind {
    match kernel.has_qdisc("sfq") {
        true => Sfq::new().into(),
        false => Pfifo::new().limit(Packets(50)).into(),
    }
}

/// What the queues of the uplinks' devices shall be: below each class stands a `leaf`.
///
/// A device whose uplink is not shaped, and on which nothing of ours is left, has no tree. What comes in is shaped only while the device
/// of our own that it is sent to is there and up: nothing is lost for want of it. Others' qdiscs at the root are in the way, and the
/// plan says so; a place for filters that others have made (`ingress`, `clsact`) is shared with them.
pub fn trees(gateway: &Gateway, seen: &Seen, leaf: &QdiscKind) -> Vec<Tree> {
    let each = gateway.uplinks.iter().zip(&seen.uplinks);
    each.flat_map(|(uplink, seen)| of_device(Some(uplink), seen, leaf)).collect()
}

/// Devices with nothing of ours.
pub(super) fn cleared<'a>(seen: impl IntoIterator<Item = &'a SeenUplink>) -> Vec<Tree> {
    seen.into_iter().flat_map(|seen| of_device(None, seen, &Pfifo::new().into())).collect()
}

fn of_device(uplink: Option<&Uplink>, seen: &SeenUplink, leaf: &QdiscKind) -> Vec<Tree> {
    let shaped = uplink.and_then(|uplink| Some((uplink, uplink.shaping.as_ref()?)));
    let Some(dev) = seen.dev else { return Vec::new() };
    let ifb = seen.ifb.filter(|_| shaped.is_some_and(|(_, shaping)| shaping.ingress));
    let hook = seen.queues.hook.as_ref();
    let scope = Scope {
        root: shaped.is_some() || seen.queues.root,
        ingress: ifb.is_some() || hook.is_some_and(|hook| hook.ours),
        ..Scope::default().handles(HANDLES).prios(PRIOS)
    };
    let mut trees = Vec::new();
    if scope.root || scope.ingress {
        let mut tree = Tree::new(dev).scope(scope.clone());
        if let Some((uplink, shaping)) = shaped {
            tree = queues(tree, shaping, uplink.up, leaf);
        }
        if scope.ingress {
            tree = arriving(tree, hook, ifb);
        }
        trees.push(tree);
    }
    if let (Some(ifb), Some((uplink, shaping))) = (ifb, shaped) {
        let tree = Tree::new(ifb).scope(Scope { root: true, ingress: false, ..scope });
        trees.push(queues(tree, shaping, uplink.down, leaf));
    }
    trees
}

/// HTB a little below the capacity: a class for each share, which lend each other what they do not need.
fn queues(tree: Tree, shaping: &Shaping, capacity: Rate, leaf: &QdiscKind) -> Tree {
    let dev = tree.dev();
    let full = at_least_one(capacity.of_percent(shaping.part));
    // What is sent at once when the kernel comes late to its timer: 20 ms.
    let burst = Size((full.as_bytes_per_second() / 50).max(LEAST_BURST));
    let class = |rate| HtbClass::rate(rate).ceil(full).burst(burst).cburst(burst);
    let shares = || (FIRST..).zip(shaping.shares.iter().take(MOST_SHARES));
    let last = shares().last().map_or(0, |(minor, _)| minor);
    let mut tree = tree
        .qdisc(Qdisc::root(dev).handle(ROOT).kind(Htb::new().default_class(last)))
        .class(Class::under(dev, ROOT).id(TOP).kind(class(full)));
    for (minor, share) in shares() {
        let rate = at_least_one(full.of_percent(share.part));
        let quantum = (rate.as_bytes_per_second() / 10).clamp(*QUANTUM.start(), *QUANTUM.end()) as u32;
        let id = class_of(minor);
        tree = tree
            .class(Class::under(dev, TOP).id(id).kind(class(rate).prio(share.prio).quantum(quantum)))
            .qdisc(Qdisc::at(dev, id).handle(Handle::qdisc(leaf_of(minor))).kind(leaf.clone()));
        tree = filters(tree, dev, share, id);
    }
    tree
}

/// Packets belong to a class by their DSCP, the upper six bits of the type of service or of the traffic class.
fn filters(mut tree: Tree, dev: Dev, share: &Share, class: Handle) -> Tree {
    for dscp in &share.dscps {
        let bits = (dscp << 2, 0xfc);
        for (prio, protocol, what) in [
            (PRIO_V4, Protocol::Ip, Match::ip_tos(bits)),
            (PRIO_V6, Protocol::Ipv6, Match::ip6_priority(bits)),
        ] {
            let kind = U32::new().matching(what).class(class);
            tree = tree.filter(Filter::on(dev, ROOT).protocol(protocol).prio(prio).kind(kind));
        }
    }
    tree
}

/// All that comes in is sent to the ifb; without one, nothing is.
fn arriving(mut tree: Tree, hook: Option<&Hook>, ifb: Option<Dev>) -> Tree {
    let dev = tree.dev();
    match (hook, ifb) {
        (Some(hook), ifb) if hook.others || ifb.is_some() => tree = tree.qdisc(hook.qdisc.clone()),
        (None, Some(_)) => tree = tree.qdisc(Qdisc::ingress(dev).kind(Ingress::new())),
        _ => (),
    }
    if let Some(ifb) = ifb {
        let kind = U32::new().matching(Match::any()).action(Mirred::egress_redirect(ifb));
        tree = tree.filter(Filter::ingress(dev).protocol(Protocol::All).prio(PRIO_IN).kind(kind));
    }
    tree
}

fn class_of(minor: u16) -> Handle {
    Handle::new(ROOT.major(), minor)
}

/// The leaf's handle has the number of its class.
fn leaf_of(minor: u16) -> u16 {
    ROOT.major() | minor
}

/// The kernel refuses a rate of 0.
fn at_least_one(rate: Rate) -> Rate {
    rate.max(Rate::bytes_per_second(1))
}

#[cfg(test)]
mod tests;

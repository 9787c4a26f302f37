//! What is there: the trees of the devices that somebody has a wish about, as far as their scopes go and as far as it would be lost
//! with what is in them.

mod parted;

use super::settle::{distinct, Numbers};
use super::{policy, settle, Desired, Tree};
use crate::error::{Error, Result};
use crate::netlink::Connection;
use crate::request::Query;
use crate::route::Link;
use crate::tc::{Chain, Class, ClassKind, Filter, Filters, Place, Qdisc, QdiscKind, Setting};
use crate::units::{Dev, Handle};
use std::collections::BTreeSet;

/// The hardware types with Ethernet's header: ARPHRD_ETHER and ARPHRD_LOOPBACK of `linux/if_arp.h`.
const WITH_ETHERNET_HEADER: [u16; 2] = [1, 772];
const ETHERNET_HEADER: u32 = 14;

/// What was there when the kernel was read, in the order of the desired trees.
#[derive(Clone, Debug, Default)]
pub(super) struct Snapshot {
    pub devices: Vec<Device>,
    /// If somebody has a wish about it.
    pub policy: Option<policy::State>,
}

/// A device with its tree.
#[derive(Clone, Debug)]
pub(super) struct Device {
    pub tree: Tree,
    pub setting: Setting,
}

impl Snapshot {
    /// Drops the numbers of actions that the kernel chose: to bring a filter back must not make it share the action that has its
    /// number by now.
    pub fn forget_numbers(&mut self, desired: &Desired) {
        let numbers = Numbers::of(&desired.trees);
        let filters = self.devices.iter_mut().flat_map(|device| &mut device.tree.filters);
        filters.filter_map(|filter| filter.kind.as_mut()).for_each(|kind| numbers.forget(kind));
    }
}

/// Gives the trees' devices their indexes.
pub(super) fn resolve(nl: &mut Connection, desired: &mut Desired) -> Result<Vec<Link>> {
    let mut links = Vec::with_capacity(desired.trees.len());
    for tree in &mut desired.trees {
        let link = link(nl, tree.dev)?;
        tree.resolve(Dev { name: link.name, ..link.dev });
        links.push(link);
    }
    if let Some(policy) = &mut desired.policy {
        policy.resolve(nl)?;
    }
    Ok(links)
}

/// The length of the link header. Devices that stand on others may add their own to that of Ethernet.
fn header(link: &Link) -> Option<u32> {
    let known = ["veth", "ifb", "bridge", "dummy"];
    let plain = link.kind.as_ref().is_none_or(|kind| known.contains(&kind.name()));
    (plain && WITH_ETHERNET_HEADER.contains(&link.hardware)).then_some(ETHERNET_HEADER)
}

fn link(nl: &mut Connection, dev: Dev) -> Result<Link> {
    match (dev.index, dev.name) {
        (0, Some(name)) => nl.link(&name),
        (0, None) => Err(Error::invalid("a tree", "it has no device")),
        _ => nl.get(&Link::of(dev)),
    }
}

/// Reads what is there of what is desired, whose devices have been resolved.
pub(super) fn read(nl: &mut Connection, desired: &Desired, links: &[Link]) -> Result<Snapshot> {
    let mut devices = Vec::with_capacity(links.len());
    for (tree, link) in desired.trees.iter().zip(links) {
        let setting = Setting {
            clock: nl.clock(),
            mtu: link.mtu.unwrap_or_default(),
            header: header(link),
            queue_len: link.txqueuelen.unwrap_or_default(),
            r2q: 10,
            inner: false,
        };
        devices.push(Device { tree: tree_of(nl, tree, &[&tree.filters])?, setting });
    }
    let policy = desired.policy.as_ref().map(|policy| policy::read(nl, policy)).transpose()?;
    Ok(Snapshot { devices, policy })
}

/// Reads a device again. Filters may stand where they stood, and where they were to stand.
pub(super) fn device_again(nl: &mut Connection, before: &Device, wanted: &Tree) -> Result<Device> {
    let tree = tree_of(nl, &before.tree, &[&before.tree.filters, &wanted.filters])?;
    Ok(Device { tree, setting: before.setting })
}

/// The tree that the device has now, which may be much like another. Filters are looked for where some of these stand, too.
fn tree_of(nl: &mut Connection, like: &Tree, filters: &[&[Filter]]) -> Result<Tree> {
    let dev = like.dev;
    let mut tree = Tree::new(dev);
    tree.qdiscs.reserve(like.qdiscs.len());
    gather(nl, Qdisc::of(dev).without_stats(), &mut tree.qdiscs, |qdisc| {
        qdisc.kind.iter_mut().for_each(QdiscKind::forget);
        is_made(qdisc)
    })?;
    // The kernel lists classes of qdiscs that have none at no cost, but not the qdiscs'.
    if tree.qdiscs.iter().any(|qdisc| qdisc.parent != Handle::INGRESS) {
        tree.classes.reserve(like.classes.len());
        gather(nl, Class::of(dev).without_stats(), &mut tree.classes, |class| {
            class.kind.iter_mut().for_each(ClassKind::forget);
            has_made_classes(class)
        })?;
    }
    let places = places(&tree, filters);
    // Beside what somebody made there are the classifier's own line and the table that packets enter.
    tree.filters.reserve(like.filters.len() + 2 * places.len());
    for place in places {
        let chains = tree.chains.len();
        gather(nl, Chain::of(place), &mut tree.chains, |_| true)?;
        // Without a chain there are no filters: inner classes, of which there may be thousands, rarely have some.
        if tree.chains.len() > chains {
            gather(nl, Filters::at(place), &mut tree.filters, |filter| {
                filter.stats = None;
                true
            })?;
        }
    }
    parted::part(nl, &mut tree.filters, settle::root(like), filters)?;
    Ok(tree)
}

/// Lists objects, and keeps some of them. They are large, and moved once.
fn gather<Q: Query>(
    nl: &mut Connection,
    query: Q,
    all: &mut Vec<Q::Object>,
    mut is_kept: impl FnMut(&mut Q::Object) -> bool,
) -> Result<()> {
    for mut object in nl.list(query)? {
        if object.as_mut().map_or(true, &mut is_kept) {
            all.push(object?);
        }
    }
    Ok(())
}

/// Whether it is not one that the kernel made by itself: those have no handle.
fn is_made(qdisc: &Qdisc) -> bool {
    qdisc.handle.major() != 0 && !qdisc.invisible && qdisc.kind.is_some()
}

/// Whether somebody made the class. Those of other qdiscs are there with the qdisc.
pub(super) fn has_made_classes(class: &Class) -> bool {
    const KINDS: [&str; 4] = ["htb", "hfsc", "drr", "qfq"];
    class.kind.as_ref().is_some_and(|kind| KINDS.contains(&kind.name()))
}

/// Where filters may stand: at qdiscs that have classes, at inner classes, at the hooks of ingress and clsact, and wherever some are
/// wanted and can be.
pub(super) fn places(now: &Tree, wanted: &[&[Filter]]) -> BTreeSet<Place> {
    let mut parents = distinct(now.classes.iter().map(settle::parent));
    let mut at = |parent: Handle| {
        parents.insert(parent);
    };
    for qdisc in &now.qdiscs {
        // Filters in blocks are listed there.
        let sides = [(Handle::MIN_INGRESS, qdisc.ingress_block), (Handle::MIN_EGRESS, qdisc.egress_block)];
        let own = sides.into_iter().filter(|(_, block)| block.is_none()).map(|(side, _)| side);
        match &qdisc.kind {
            Some(QdiscKind::Ingress(_)) => {
                own.take_while(|side| *side == Handle::MIN_INGRESS).for_each(&mut at)
            }
            Some(QdiscKind::Clsact(_)) => own.for_each(&mut at),
            _ if qdisc.parent == Handle::ROOT => at(qdisc.handle),
            _ => (),
        }
    }
    // The parents of classes are qdiscs with classes, and inner classes. So are those of other qdiscs below qdiscs.
    let below = now.qdiscs.iter().map(|qdisc| qdisc.parent);
    let below = below.filter(|parent| parent.minor() != 0 && parent.major() < 0xffff);
    distinct(below.map(|parent| Handle::qdisc(parent.major()))).into_iter().for_each(&mut at);
    let mut wanted = distinct(wanted.iter().copied().flatten().filter_map(parent_of));
    wanted.retain(|place| !parents.contains(place));
    let there = now.qdiscs.iter().map(|qdisc| qdisc.handle).chain(now.classes.iter().map(|class| class.id));
    // The hooks of ingress go by several names.
    parents.extend(there.filter(|handle| handle.major() != 0xffff && wanted.contains(handle)));
    let blocks = now.qdiscs.iter().flat_map(|qdisc| [qdisc.ingress_block, qdisc.egress_block]).flatten();
    parents.into_iter().map(|parent| Place::on(now.dev, parent)).chain(blocks.map(Place::Block)).collect()
}

fn parent_of(filter: &Filter) -> Option<Handle> {
    match filter.place {
        Place::Dev { parent, .. } => Some(parent),
        Place::Block(_) => None,
    }
}

//! The filters of one u32 bucket, which the kernel tries in the order of their nodes.

use super::super::super::settle::Entry;
use super::super::super::step::Effect;
use super::align::{self, can_become, is_same, Fate};
use super::requests::{delete, Lists};
use super::{DIFFERS, NOT_THERE, NOT_WANTED, OUT_OF_ORDER};
use crate::tc::Filter;
use std::collections::{BTreeMap, BTreeSet};

/// The kernel chooses nodes from here on, and lower ones only when these are taken.
const AUTOMATIC: u16 = 0x800;
const NODES: u16 = 0x1000;

type Leaves<'a, 'b> = &'b [&'b Entry<'a, Filter>];

fn node(filter: &Entry<'_, Filter>) -> u16 {
    (filter.settled.handle & 0xfff) as u16
}

/// The steps from the filters of a bucket to the wanted ones. The bucket is there, and each of `again` that is wanted has been
/// taken out of it.
pub(super) fn bucket(old: Leaves<'_, '_>, new: Leaves<'_, '_>, prio: u16, again: bool, lists: &mut Lists) {
    let fits = |(old, new): (&&Entry<'_, Filter>, &&Entry<'_, Filter>)| {
        (node(new) == 0 || node(new) == node(old)) && is_same(old, new)
    };
    if old.len() == new.len() && old.iter().zip(new).all(fits) {
        return;
    }
    let mut bucket = Bucket { prio, taken: old.iter().map(|old| node(old)).collect(), again, lists };
    let there: BTreeMap<u16, &Entry<'_, Filter>> = old.iter().map(|old| (node(old), *old)).collect();
    let said: BTreeSet<u16> = new.iter().map(|new| node(new)).filter(|node| *node != 0).collect();
    let mut lowest = 0;
    let mut among = Vec::new();
    for (at, new) in in_order(new, &said) {
        if node(new) == 0 {
            among.push(new);
            continue;
        }
        bucket.between(&there, &said, (lowest, at), &among);
        bucket.named(there.get(&at).copied(), new);
        among.clear();
        lowest = at;
    }
    bucket.between(&there, &said, (lowest, NODES), &among);
}

/// The steps that fill a bucket in which nothing is.
pub(super) fn fill(new: Leaves<'_, '_>, prio: u16, effect: Effect, reason: &'static str, lists: &mut Lists) {
    let said = new.iter().map(|new| node(new)).filter(|node| *node != 0).collect();
    for (_, new) in in_order(new, &said) {
        lists.add(new, prio, new.settled.handle, effect, reason.into());
    }
}

/// The wanted ones by the nodes that they would have in a bucket without others.
fn in_order<'a, 'b>(new: Leaves<'a, 'b>, said: &BTreeSet<u16>) -> Vec<(u16, &'b Entry<'a, Filter>)> {
    let mut free = (AUTOMATIC..NODES).chain(1..AUTOMATIC).filter(|node| !said.contains(node));
    let mut order: Vec<_> = new
        .iter()
        .map(|new| match node(new) {
            0 => (free.next().unwrap_or(NODES), *new),
            node => (node, *new),
        })
        .collect();
    order.sort_by_key(|(node, _)| *node);
    order
}

struct Bucket<'b> {
    prio: u16,
    /// The nodes of what is there, also of what goes.
    taken: BTreeSet<u16>,
    again: bool,
    lists: &'b mut Lists,
}

impl Bucket<'_> {
    fn add(&mut self, new: &Entry<'_, Filter>, node: u16) {
        let (effect, reason) = match self.again {
            true => (Effect::Disruptive, "it had to make room"),
            false => (Effect::InPlace, NOT_THERE),
        };
        let handle = new.settled.handle & 0xffff_f000 | u32::from(node);
        self.lists.add(new, self.prio, handle, effect, reason.into());
    }

    /// A wanted filter with a node of its own.
    fn named(&mut self, old: Option<&Entry<'_, Filter>>, new: &Entry<'_, Filter>) {
        match old {
            None => self.add(new, node(new)),
            Some(old) if is_same(old, new) => (),
            Some(old) if can_become(old, new) => self.lists.change(old, new),
            Some(old) => {
                self.lists.early.push(delete(old, Effect::Disruptive, DIFFERS));
                self.lists.add(new, self.prio, new.settled.handle, Effect::Disruptive, DIFFERS.into());
            }
        }
    }

    /// Wanted filters without a node of their own, between two nodes (neither of them included).
    fn between(
        &mut self,
        there: &BTreeMap<u16, &Entry<'_, Filter>>,
        said: &BTreeSet<u16>,
        (low, high): (u16, u16),
        new: Leaves<'_, '_>,
    ) {
        let from = low.saturating_add(1).min(high);
        let old: Vec<&Entry<'_, Filter>> =
            there.range(from..high).filter(|(node, _)| !said.contains(node)).map(|(_, old)| *old).collect();
        let fates = align::anywhere(&old, new);
        let mut stay: BTreeSet<usize> = BTreeSet::new();
        let (mut below, mut at) = (low, 0);
        while at < new.len() {
            let rest = fates.get(at..).unwrap_or_default();
            let come = rest.iter().take_while(|fate| **fate == Fate::Add).count();
            let next = rest.get(come).and_then(|fate| fate.there());
            let above = next.and_then(|next| old.get(next)).map_or(high, |next| node(next));
            let Some(nodes) = self.free(below, above, come, said) else {
                self.again_from(&old, &stay, new.get(at..).unwrap_or_default(), (below, high), said);
                return;
            };
            for (new, node) in new.iter().skip(at).zip(nodes) {
                self.add(new, node);
            }
            at += come;
            let Some(index) = next else { break };
            stay.insert(index);
            if let (Some(Fate::Change(_)), Some(old), Some(new)) =
                (rest.get(come), old.get(index), new.get(at))
            {
                self.lists.change(old, new);
            }
            (below, at) = (above, at + 1);
        }
        let goes = old.iter().enumerate().filter(|(index, _)| !stay.contains(index));
        self.lists.late.extend(goes.map(|(_, old)| delete(old, Effect::InPlace, NOT_WANTED)));
    }

    /// So many free nodes between two. None are named if the bucket is empty: the kernel will choose them in the same order.
    fn free(&mut self, below: u16, above: u16, count: usize, said: &BTreeSet<u16>) -> Option<Vec<u16>> {
        if self.taken.is_empty() || count == 0 {
            return Some(vec![0; count]);
        }
        let is_free = |node: &u16| !self.taken.contains(node) && !said.contains(node);
        let from = below.saturating_add(1);
        let mut nodes: Vec<u16> = (from.max(AUTOMATIC)..above).filter(is_free).take(count).collect();
        if nodes.len() < count {
            // The highest of the lower ones.
            let lower = (from..above.min(AUTOMATIC)).rev().filter(is_free).take(count - nodes.len());
            nodes.extend(lower);
            nodes.sort_unstable();
        }
        (nodes.len() == count).then(|| {
            self.taken.extend(&nodes);
            nodes
        })
    }

    /// There is no room among those that stay: the rest is made anew.
    fn again_from(
        &mut self,
        old: Leaves<'_, '_>,
        stay: &BTreeSet<usize>,
        new: Leaves<'_, '_>,
        (below, above): (u16, u16),
        said: &BTreeSet<u16>,
    ) {
        for (_, old) in old.iter().enumerate().filter(|(index, _)| !stay.contains(index)) {
            self.taken.remove(&node(old));
            self.lists.early.push(delete(old, Effect::Disruptive, OUT_OF_ORDER));
        }
        let none = vec![0; new.len()];
        let nodes = self.free(below, above, new.len(), said).unwrap_or(none);
        for (new, node) in new.iter().zip(nodes) {
            let handle = new.settled.handle & 0xffff_f000 | u32::from(node);
            self.lists.add(new, self.prio, handle, Effect::Disruptive, OUT_OF_ORDER.into());
        }
    }
}

//! Qdiscs and classes by the qdiscs that they belong to.

use super::super::super::settle::{Entry, Named, Settled};
use crate::tc::{Class, Qdisc};
use crate::units::Handle;
use std::collections::{BTreeMap, BTreeSet};

/// A tree, and the parts of it that belong to one qdisc each, by its major number.
pub(super) struct Families<'a> {
    pub all: &'a Settled<'a>,
    classes: BTreeMap<u16, &'a [Entry<'a, Class>]>,
    qdiscs: BTreeMap<u16, &'a [Entry<'a, Qdisc>]>,
}

impl<'a> Families<'a> {
    pub fn of(all: &'a Settled<'a>) -> Self {
        Families {
            all,
            classes: parts(&all.classes, |class| class.id),
            qdiscs: parts(&all.qdiscs, |qdisc| qdisc.parent),
        }
    }

    /// The classes of a qdisc, by handle.
    pub fn classes(&self, qdisc: Handle) -> &'a [Entry<'a, Class>] {
        self.classes.get(&qdisc.major()).copied().unwrap_or_default()
    }

    /// The qdiscs at the classes of a qdisc, by place.
    pub fn qdiscs(&self, qdisc: Handle) -> &'a [Entry<'a, Qdisc>] {
        self.qdiscs.get(&qdisc.major()).copied().unwrap_or_default()
    }
}

/// The parts of what is sorted by classes that have the same qdisc. That of ingress has no classes: its number is also that of the
/// places where roots stand.
fn parts<'a, T: Named>(
    entries: &'a [Entry<'a, T>],
    key: fn(&T::Names) -> Handle,
) -> BTreeMap<u16, &'a [Entry<'a, T>]> {
    let of = |entry: &Entry<'_, T>| (key(&entry.settled).major(), key(&entry.settled).minor() != 0);
    let parts = entries.chunk_by(|one, other| of(one) == of(other));
    let parts = parts.filter_map(|part| Some((of(part.first()?), part)));
    let of_classes = parts.filter(|((major, is_class), _)| *is_class && *major != Handle::INGRESS.major());
    of_classes.map(|((major, _), part)| (major, part)).collect()
}

/// The classes of one qdisc.
pub(super) struct Family<'a, 'b> {
    pub classes: &'b [Entry<'a, Class>],
    children: BTreeMap<Handle, Vec<Handle>>,
}

impl<'a, 'b> Family<'a, 'b> {
    pub fn of(classes: &'b [Entry<'a, Class>]) -> Self {
        let mut children: BTreeMap<Handle, Vec<Handle>> = BTreeMap::new();
        for class in classes {
            children.entry(class.settled.parent).or_default().push(class.settled.id);
        }
        Family { classes, children }
    }

    pub fn get(&self, id: Handle) -> Option<&'b Entry<'a, Class>> {
        let index = self.classes.binary_search_by_key(&id, |class| class.settled.id).ok()?;
        self.classes.get(index)
    }

    pub fn children(&self, id: Handle) -> impl Iterator<Item = Handle> + '_ {
        self.children.get(&id).into_iter().flatten().copied()
    }

    /// The class and all below it.
    pub fn subtree(&self, id: Handle) -> BTreeSet<Handle> {
        let (mut all, mut open) = (BTreeSet::new(), vec![id]);
        while let Some(id) = open.pop() {
            if all.insert(id) {
                open.extend(self.children(id));
            }
        }
        all
    }

    /// How many classes there are above it.
    pub fn depth(&self, id: Handle) -> usize {
        let mut class = self.get(id);
        for depth in 0..DEEPEST {
            match class.and_then(|class| self.get(class.settled.parent)) {
                Some(above) => class = Some(above),
                None => return depth,
            }
        }
        DEEPEST
    }
}

/// Kernels refuse more than 8 levels; this bounds what nonsense costs.
const DEEPEST: usize = 64;

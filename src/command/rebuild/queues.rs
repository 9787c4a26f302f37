use super::{Devices, State};
use crate::command::AnyObject;
use crate::tc::{Class, ClassKind, Qdisc, QdiscKind};
use crate::units::Handle;
use crate::wire::Unknown;
use std::collections::BTreeMap;

/// Classes that are made by commands. Other qdiscs make theirs by themselves.
const CLASSES: [&str; 5] = ["htb", "hfsc", "drr", "qfq", "cbq"];

/// The kernel refuses qdiscs that are deeper than 8 classes.
const DEEPEST: usize = 64;

/// What stands where: the parents of a device's qdiscs and classes.
type Parents = BTreeMap<(u32, Handle), Handle>;

/// The qdiscs and classes that somebody made, parents first, without what the kernel reports of them.
pub(super) fn queues(state: &State, devices: &Devices<'_>) -> Vec<AnyObject> {
    let qdiscs = state.qdiscs.iter().filter(|qdisc| is_made(qdisc)).map(|qdisc| Qdisc {
        dev: devices.name(qdisc.dev),
        references: 0,
        offloaded: false,
        invisible: false,
        stats: None,
        unknown: Unknown::new(),
        kind: qdisc.kind.clone().map(forgotten(QdiscKind::forget)),
        ..qdisc.clone()
    });
    let made = |class: &&Class| class.kind.as_ref().is_some_and(|kind| CLASSES.contains(&kind.name()));
    let classes = state.classes.iter().filter(made).map(|class| Class {
        dev: devices.name(class.dev),
        parent: match class.parent {
            Handle::ROOT => Handle::qdisc(class.id.major()),
            parent => parent,
        },
        leaf: None,
        stats: None,
        unknown: Unknown::new(),
        kind: class.kind.clone().map(forgotten(ClassKind::forget)),
        ..class.clone()
    });
    let (qdiscs, classes): (Vec<Qdisc>, Vec<Class>) = (qdiscs.collect(), classes.collect());
    let parents: Parents = qdiscs
        .iter()
        .map(|qdisc| ((qdisc.dev.index, qdisc.handle), qdisc.parent))
        .chain(classes.iter().map(|class| ((class.dev.index, class.id), class.parent)))
        .collect();
    let mut all: Vec<((u32, usize, Handle), AnyObject)> = Vec::with_capacity(qdiscs.len() + classes.len());
    all.extend(qdiscs.into_iter().map(|qdisc| {
        let dev = qdisc.dev.index;
        ((dev, depth(&parents, dev, qdisc.parent), qdisc.handle), qdisc.into())
    }));
    all.extend(classes.into_iter().map(|class| {
        let dev = class.dev.index;
        ((dev, depth(&parents, dev, class.parent), class.id), class.into())
    }));
    all.sort_by_key(|(key, _)| *key);
    all.into_iter().map(|(_, object)| object).collect()
}

/// The options without what only kernels say.
fn forgotten<K>(forget: fn(&mut K)) -> impl Fn(K) -> K {
    move |mut kind| {
        forget(&mut kind);
        kind
    }
}

/// Whether it is not one that the kernel makes by itself: those have no handle.
fn is_made(qdisc: &Qdisc) -> bool {
    qdisc.handle.major() != 0 && !qdisc.invisible && qdisc.kind.is_some()
}

/// How many there are above what stands at `parent`.
fn depth(parents: &Parents, dev: u32, parent: Handle) -> usize {
    let mut at = parent;
    for depth in 0..DEEPEST {
        if matches!(at, Handle::ROOT | Handle::INGRESS | Handle::UNSPEC) {
            return depth;
        }
        at = match parents.get(&(dev, at)) {
            Some(above) => *above,
            // A class that its qdisc made.
            None if at.minor() != 0 => Handle::qdisc(at.major()),
            None => return depth,
        };
    }
    DEEPEST
}

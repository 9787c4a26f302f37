//! Trees in which two objects that mean the same are equal.

use super::Tree;
use crate::tc::u32::U32Handle;
use crate::tc::{
    ActionNumber, Chain, Class, Filter, FilterKind, Place, Protocol, Qdisc, QdiscKind, Rows, Setting,
    SizeTable,
};
use crate::units::Handle;
use std::collections::{BTreeMap, BTreeSet};

/// An object as it was said, and as it is compared.
#[derive(Debug)]
pub(super) struct Entry<'a, T> {
    pub said: &'a T,
    pub settled: T,
}

/// A tree, settled, in an order in which it can be compared.
#[derive(Debug)]
pub(super) struct Settled<'a> {
    /// By place.
    pub qdiscs: Vec<Entry<'a, Qdisc>>,
    /// By handle.
    pub classes: Vec<Entry<'a, Class>>,
    /// By place and number.
    pub chains: Vec<Entry<'a, Chain>>,
    /// By place, chain and prio; filters of one prio in their order, and those without a prio of their own as they were said. u32's
    /// handles say all of where a filter stands; the tables that packets enter are not among them.
    pub filters: Vec<Entry<'a, Filter>>,
}

/// Settles what is there and what is wanted: what the kernel would make of an object depends on what is wanted to be below it.
pub(super) fn settle<'a>(now: &'a Tree, wanted: &'a Tree, setting: Setting) -> (Settled<'a>, Settled<'a>) {
    let inner: BTreeSet<Handle> = wanted.classes.iter().map(parent).collect();
    let mut new = settled(wanted, &inner, setting, &mut |_| ());
    let mut said = BTreeSet::new();
    for kind in new.filters.iter_mut().filter_map(|filter| filter.settled.kind.as_mut()) {
        kind.number(&mut |number| said.extend([(number.kind, *number.index)]));
    }
    // The number of an action that only its filter has is the kernel's choice, unless somebody says it.
    let mut unsaid = |number: ActionNumber<'_>| {
        if number.references < 2 && !said.contains(&(number.kind, *number.index)) {
            *number.index = 0;
        }
    };
    (settled(now, &inner, setting, &mut unsaid), new)
}

fn settled<'a>(
    tree: &'a Tree,
    inner: &BTreeSet<Handle>,
    setting: Setting,
    number: &mut dyn FnMut(ActionNumber<'_>),
) -> Settled<'a> {
    let root = root(tree);
    let qdiscs = sorted(&tree.qdiscs, place_of, |said| qdisc(said, &setting));
    let r2q: BTreeMap<u16, u32> = qdiscs.iter().filter_map(|qdisc| r2q(&qdisc.settled)).collect();
    let of_class = |class: &Class| Setting {
        inner: inner.contains(&class.id),
        r2q: r2q.get(&class.id.major()).copied().unwrap_or_default(),
        ..setting
    };
    let classes = sorted(&tree.classes, |class| class.id, |said| class(said, &of_class(said)));
    let chain_at = |chain: &Chain| (place(chain.place, root), chain.index);
    let chains = sorted(&tree.chains, chain_at, |said| chain(said, root, &setting));
    let rows = Rows::of(&tree.filters);
    let made = tree.filters.iter().filter(|filter| !rows.is_root(filter));
    let filter_at = |filter: &Filter| (place(filter.place, root), in_chain(filter), filter.prio);
    let filters = sorted(made, filter_at, |said| filter(said, root, &rows, &setting, number));
    Settled { qdiscs, classes, chains, filters }
}

/// In the order of a key. What is sorted is references: the objects are large.
fn sorted<'a, T, K: Ord>(
    said: impl IntoIterator<Item = &'a T>,
    key: impl Fn(&T) -> K,
    mut settle: impl FnMut(&T) -> T,
) -> Vec<Entry<'a, T>> {
    let mut said: Vec<&T> = said.into_iter().collect();
    said.sort_by_key(|said| key(said));
    said.into_iter().map(|said| Entry { said, settled: settle(said) }).collect()
}

fn r2q(qdisc: &Qdisc) -> Option<(u16, u32)> {
    match &qdisc.kind {
        Some(QdiscKind::Htb(htb)) => Some((qdisc.handle.major(), htb.r2q)),
        _ => None,
    }
}

/// The class's parent: the kernel calls the qdisc by another name.
pub(super) fn parent(class: &Class) -> Handle {
    match class.parent {
        Handle::ROOT | Handle::UNSPEC => Handle::qdisc(class.id.major()),
        parent => parent,
    }
}

fn qdisc(said: &Qdisc, setting: &Setting) -> Qdisc {
    let mut qdisc =
        Qdisc { estimator: None, stats: None, references: 0, unknown: Vec::new(), ..said.clone() };
    (qdisc.offloaded, qdisc.invisible) = (false, false);
    qdisc.stab.iter_mut().for_each(SizeTable::settle);
    qdisc.parent = place_of(said);
    if qdisc.parent == Handle::INGRESS {
        qdisc.handle = Handle::qdisc(0xffff);
    }
    qdisc.kind.iter_mut().for_each(|kind| kind.settle(setting));
    qdisc
}

fn place_of(qdisc: &Qdisc) -> Handle {
    match qdisc.kind {
        Some(QdiscKind::Ingress(_) | QdiscKind::Clsact(_)) => Handle::INGRESS,
        _ => qdisc.parent,
    }
}

fn class(said: &Class, setting: &Setting) -> Class {
    let mut class = Class { estimator: None, stats: None, leaf: None, unknown: Vec::new(), ..said.clone() };
    class.parent = parent(said);
    class.kind.iter_mut().for_each(|kind| kind.settle(setting));
    class
}

/// The handle of the root qdisc.
pub(super) fn root(tree: &Tree) -> Handle {
    let root = tree.qdiscs.iter().find(|qdisc| qdisc.parent == Handle::ROOT);
    root.map_or(Handle::UNSPEC, |root| root.handle)
}

/// The place by the one name that is used here: the root qdisc by its handle, what arrives by ingress's hook.
pub(super) fn place(said: Place, root: Handle) -> Place {
    match said {
        Place::Dev { dev, parent: Handle::UNSPEC } => Place::on(dev, root),
        Place::Dev { dev, parent } if parent.major() == 0xffff && parent != Handle::MIN_EGRESS => {
            Place::on(dev, Handle::MIN_INGRESS)
        }
        place => place,
    }
}

fn chain(said: &Chain, root: Handle, setting: &Setting) -> Chain {
    let mut chain = Chain { unknown: Vec::new(), ..said.clone() };
    chain.place = place(said.place, root);
    chain.template.iter_mut().for_each(|template| template.settle(setting));
    chain
}

/// The chain that a filter stands in, if it is not the one that packets enter.
fn in_chain(filter: &Filter) -> Option<u32> {
    filter.chain.filter(|chain| *chain != 0)
}

fn filter(
    said: &Filter,
    root: Handle,
    rows: &Rows,
    setting: &Setting,
    number: &mut dyn FnMut(ActionNumber<'_>),
) -> Filter {
    let mut filter = Filter { estimator: None, stats: None, unknown: Vec::new(), ..said.clone() };
    filter.place = place(said.place, root);
    filter.chain = in_chain(said);
    filter.protocol.get_or_insert(Protocol::All);
    if let Some(kind) = &mut filter.kind {
        kind.number(number);
        kind.settle(setting);
    }
    if let (Some(said_u32), Some(FilterKind::U32(u32))) = (said.u32(), &mut filter.kind) {
        filter.handle = u32_handle(said, said_u32.ht, rows);
        u32.ht = None;
    }
    filter
}

/// All that a u32 handle and `ht` say, in one: the table, the bucket, and the node, each 0 if the kernel chooses. So is the table
/// that packets enter: the kernel numbers these in the order in which they are made, and which it was does not matter.
fn u32_handle(said: &Filter, ht: Option<U32Handle>, rows: &Rows) -> u32 {
    let handle = U32Handle::from_raw(said.handle);
    if said.is_table() {
        return u32::from(handle.table()) << 20;
    }
    match ht.filter(|ht| !rows.is_in_root(&said.row(), ht.table())) {
        Some(ht) => ht.raw() & 0xffff_f000 | u32::from(handle.node()),
        None => handle.node().into(),
    }
}

//! What objects mean: two that mean the same are equal here, whatever was said.

use super::Tree;
use crate::tc::u32::U32Handle;
use crate::tc::{
    by_row, Chain, Class, ClassKind, Filter, FilterKind, Place, Protocol, Qdisc, QdiscKind, Row, Rows,
    Setting, SizeTable,
};
use crate::units::Handle;
use crate::wire::Unknown;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

/// An object as it was said, and the names that it goes by. What its options mean is found when it is asked for, and not kept: there
/// are many thousands of objects, and most are looked at once.
#[derive(Clone, Debug)]
pub(super) struct Entry<'a, T: Named> {
    pub said: &'a T,
    pub settled: T::Names,
    around: &'a Around<'a>,
}

/// What the meanings of a tree's objects depend on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Around<'a> {
    pub setting: Setting,
    /// What will have classes, in order: what the kernel makes of an object depends on what is wanted to be below it.
    pub inner: &'a [Handle],
    /// The numbers of actions, for filters that the kernel listed.
    pub numbers: Option<&'a Numbers<'a>>,
}

/// What has names.
pub(super) trait Named {
    type Names: Clone + std::fmt::Debug;
}

impl Named for Qdisc {
    type Names = QdiscNames;
}

impl Named for Class {
    type Names = ClassNames;
}

impl Named for Filter {
    type Names = FilterNames;
}

/// Few have a template: they are kept as they are settled.
impl Named for Chain {
    type Names = Chain;
}

#[derive(Clone, Copy, Debug)]
pub(super) struct QdiscNames {
    pub parent: Handle,
    pub handle: Handle,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct ClassNames {
    pub id: Handle,
    pub parent: Handle,
    /// What divides the rates of its qdisc's classes.
    r2q: u32,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct FilterNames {
    pub row: Row,
    /// u32's say all of where a filter stands.
    pub handle: u32,
    pub protocol: Protocol,
}

/// A tree, in an order in which it can be compared.
#[derive(Debug)]
pub(super) struct Settled<'a> {
    /// By place.
    pub qdiscs: Vec<Entry<'a, Qdisc>>,
    /// By handle.
    pub classes: Vec<Entry<'a, Class>>,
    /// By place and number.
    pub chains: Vec<Entry<'a, Chain>>,
    /// By place, chain and prio; filters of one prio in their order, and those without a prio of their own as they were said. The
    /// tables of u32 that packets enter are not among them.
    pub filters: Vec<Entry<'a, Filter>>,
}

/// Puts a tree in order, by the names that its objects mean.
pub(super) fn settle<'a>(tree: &'a Tree, around: &'a Around<'a>) -> Settled<'a> {
    let root = root(tree);
    let qdiscs = tree.qdiscs.iter().map(|said| Entry { said, settled: qdisc(said), around });
    let mut qdiscs: Vec<_> = qdiscs.collect();
    qdiscs.sort_by_key(|qdisc| qdisc.settled.parent);
    let r2q: BTreeMap<u16, u32> = tree.qdiscs.iter().filter_map(r2q).collect();
    let mut classes = Vec::with_capacity(tree.classes.len());
    for same in tree.classes.chunk_by(|one, other| one.id.major() == other.id.major()) {
        let r2q = same.first().and_then(|class| r2q.get(&class.id.major()).copied()).unwrap_or_default();
        let names = |class: &Class| ClassNames { id: class.id, parent: parent(class), r2q };
        classes.extend(same.iter().map(|said| Entry { said, settled: names(said), around }));
    }
    classes.sort_by_key(|class| class.settled.id);
    let chains = tree.chains.iter();
    let chains = chains.map(|said| Entry { said, settled: chain(said, root, &around.setting), around });
    let mut chains: Vec<_> = chains.collect();
    chains.sort_by_key(|chain| (chain.settled.place, chain.settled.index));
    let rows = Rows::of(&tree.filters);
    let mut filters = Vec::with_capacity(tree.filters.len());
    for (row, same) in by_row(&tree.filters) {
        let settled = (place(row.0, root), row.1, row.2);
        let is_in_root = rows.in_root(row);
        let made = same.iter().filter(|filter| !rows.is_root(filter));
        let named = made.map(|said| Entry { said, settled: filter(said, settled, &is_in_root), around });
        filters.extend(named);
    }
    filters.sort_by_key(|filter| filter.settled.row);
    Settled { qdiscs, classes, chains, filters }
}

/// The different ones of many that mostly are as the one before.
pub(super) fn distinct<K: Copy + Ord>(all: impl IntoIterator<Item = K>) -> BTreeSet<K> {
    let mut last = None;
    all.into_iter().filter(|one| last.replace(*one) != Some(*one)).collect()
}

/// The numbers of actions that somebody says. One that nobody says, and only its filter has, is the kernel's choice.
#[derive(Debug)]
pub(super) struct Numbers<'a> {
    wanted: &'a [Tree],
    /// Once somebody asked.
    said: OnceCell<BTreeSet<(&'static str, u32)>>,
}

impl<'a> Numbers<'a> {
    pub fn of(wanted: &'a [Tree]) -> Self {
        Numbers { wanted, said: OnceCell::new() }
    }

    /// Drops the numbers that the kernel chose from a filter that it listed.
    pub fn forget(&self, kind: &mut FilterKind) {
        kind.number(&mut |number| {
            let is_said = || self.said.get_or_init(|| self.said()).contains(&(number.kind, *number.index));
            if number.references < 2 && !is_said() {
                *number.index = 0;
            }
        });
    }

    fn said(&self) -> BTreeSet<(&'static str, u32)> {
        let mut said = BTreeSet::new();
        let filters = self.wanted.iter().flat_map(|tree| &tree.filters);
        for mut kind in filters.filter_map(|filter| filter.kind.clone()) {
            kind.number(&mut |number| _ = said.insert((number.kind, *number.index)));
        }
        said
    }
}

impl Entry<'_, Qdisc> {
    /// The options, settled.
    pub fn kind(&self) -> Option<QdiscKind> {
        let mut kind = self.said.kind.clone();
        kind.iter_mut().for_each(|kind| kind.settle(&self.around.setting));
        kind
    }

    /// What there is beside the options, settled.
    pub fn rest(&self) -> (Option<SizeTable>, [Option<u32>; 2]) {
        let mut stab = self.said.stab.clone();
        stab.iter_mut().for_each(SizeTable::settle);
        (stab, [self.said.ingress_block, self.said.egress_block])
    }
}

impl Entry<'_, Class> {
    /// The options, settled.
    pub fn kind(&self) -> Option<ClassKind> {
        let Around { setting, inner, .. } = self.around;
        let ClassNames { id, r2q, .. } = self.settled;
        let mut kind = self.said.kind.clone();
        if let Some(kind) = &mut kind {
            kind.settle(&Setting { inner: inner.binary_search(&id).is_ok(), r2q, ..*setting });
        }
        kind
    }
}

impl Entry<'_, Filter> {
    /// The options, settled; where u32's filters stand is said by the handle.
    pub fn kind(&self) -> Option<FilterKind> {
        let mut said = self.said.kind.clone();
        if let Some(kind) = &mut said {
            if let Some(numbers) = self.around.numbers {
                numbers.forget(kind);
            }
            kind.settle(&self.around.setting);
            if let FilterKind::U32(u32) = kind {
                u32.ht = None;
            }
        }
        said
    }
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

fn qdisc(said: &Qdisc) -> QdiscNames {
    match said.kind {
        Some(QdiscKind::Ingress(_) | QdiscKind::Clsact(_)) => {
            QdiscNames { parent: Handle::INGRESS, handle: Handle::qdisc(0xffff) }
        }
        _ => QdiscNames { parent: said.parent, handle: said.handle },
    }
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
    let mut chain = Chain { unknown: Unknown::new(), ..said.clone() };
    chain.place = place(said.place, root);
    chain.template.iter_mut().for_each(|template| template.settle(setting));
    chain
}

fn filter(said: &Filter, row: Row, is_in_root: &impl Fn(u16) -> bool) -> FilterNames {
    FilterNames {
        row,
        handle: said.u32().map_or(said.handle, |u32| u32_handle(said, u32.ht, is_in_root)),
        protocol: said.protocol.unwrap_or(Protocol::All),
    }
}

/// All that a u32 handle and `ht` say, in one: the table, the bucket, and the node, each 0 if the kernel chooses. So is the table
/// that packets enter: the kernel numbers these in the order in which they are made, and which it was does not matter.
fn u32_handle(said: &Filter, ht: Option<U32Handle>, is_in_root: &impl Fn(u16) -> bool) -> u32 {
    let handle = U32Handle::from_raw(said.handle);
    if said.is_table() {
        return u32::from(handle.table()) << 20;
    }
    match ht.filter(|ht| !is_in_root(ht.table())) {
        Some(ht) => ht.raw() & 0xffff_f000 | u32::from(handle.node()),
        None => handle.node().into(),
    }
}

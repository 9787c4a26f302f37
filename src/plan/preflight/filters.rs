//! Filters.

use super::super::read::Device;
use super::super::settle::{place, root};
use super::super::{Finding, Tree};
use crate::tc::u32::{U32Handle, U32};
use crate::tc::{Filter, FilterKind, Place, Protocol, QdiscKind};
use crate::units::Handle;
use std::collections::{BTreeMap, BTreeSet};

/// The nodes that the kernel chooses for filters of one bucket: 800 to fff. `gen_new_kid` of `net/sched/cls_u32.c`
const CHOSEN_NODES: usize = 0x800;

/// The bits of a handle that say the table and the bucket.
const BUCKET: u32 = 0xffff_f000;

/// A place, a chain and a prio, at which all filters are alike.
type Row = (Place, u32, u16);

pub(super) fn check(now: &Device, wanted: &Tree, findings: &mut Vec<Finding>) {
    let mut rows: Numbered<Row> = Numbered::new();
    let mut firsts: Vec<&Filter> = Vec::new();
    let mut handles: Vec<(usize, u32, usize)> = Vec::new();
    let classes = Classes::of(wanted);
    let root = root(wanted);
    for (index, filter) in wanted.filters().iter().enumerate() {
        let Some(kind) = &filter.kind else {
            findings.push(Finding::error(filter, "it has no kind"));
            continue;
        };
        if let Some(class) = kind.class().filter(|class| !classes.has(*class, filter.place)) {
            findings.push(Finding::warning(
                filter,
                format!("there is no class {class}: packets go to the default class"),
            ));
        }
        if filter.prio == 0 {
            continue;
        }
        let row = (place(filter.place, root), filter.chain.unwrap_or(0), filter.prio);
        let row = rows.number(row);
        match firsts.get(row) {
            Some(first) => alike(first, filter, findings),
            None => firsts.push(filter),
        }
        if filter.handle != 0 {
            handles.push((row, filter.handle, index));
        }
    }
    // In runs, mostly.
    handles.sort();
    for same in handles.chunk_by(|one, other| (one.0, one.1) == (other.0, other.1)) {
        let mut same = same.iter().filter_map(|(.., index)| wanted.filters().get(*index));
        let Some(first) = same.next() else { continue };
        same.for_each(|other| findings.push(Finding::error(other, format!("`{first}` has the same handle"))));
    }
    tables(now, wanted, findings);
}

/// Numbers for what filters have in common, from 0 on: those that follow each other mostly have the same.
struct Numbered<K> {
    all: BTreeMap<K, usize>,
    last: Option<(K, usize)>,
}

impl<K: Copy + Ord> Numbered<K> {
    fn new() -> Self {
        Numbered { all: BTreeMap::new(), last: None }
    }

    fn number(&mut self, key: K) -> usize {
        if let Some((_, number)) = self.last.filter(|(last, _)| *last == key) {
            return number;
        }
        let next = self.all.len();
        let number = *self.all.entry(key).or_insert(next);
        self.last = Some((key, number));
        number
    }
}

/// Filters of one prio have one kind and one protocol, and fw's one mask.
fn alike(first: &Filter, filter: &Filter, findings: &mut Vec<Finding>) {
    let protocol = |filter: &Filter| filter.protocol.unwrap_or(Protocol::All);
    if protocol(first) != protocol(filter) {
        let problem = format!("`{first}` has the same prio and another protocol");
        findings.push(Finding::error(filter, problem));
    } else if first.kind.as_ref().map(FilterKind::name) != filter.kind.as_ref().map(FilterKind::name) {
        findings.push(Finding::error(filter, format!("`{first}` has the same prio and is of another kind")));
    } else if let (Some(FilterKind::Fw(one)), Some(FilterKind::Fw(other))) = (&first.kind, &filter.kind) {
        if one.mask.unwrap_or(u32::MAX) != other.mask.unwrap_or(u32::MAX) {
            findings.push(Finding::error(filter, format!("`{first}` has the same prio and another mask")));
        }
    }
}

/// Which classes there will be, as far as commands make them.
struct Classes {
    /// Sorted.
    ids: Vec<Handle>,
    /// The qdiscs that have no others.
    qdiscs: BTreeSet<u16>,
}

impl Classes {
    fn of(wanted: &Tree) -> Self {
        let mut ids: Vec<Handle> = wanted.classes().iter().map(|class| class.id).collect();
        ids.sort_unstable();
        let htb = wanted.qdiscs().iter().filter(|qdisc| matches!(qdisc.kind, Some(QdiscKind::Htb(_))));
        Classes { ids, qdiscs: htb.map(|qdisc| qdisc.handle.major()).collect() }
    }

    /// Whether there is such a class, as far as the tree knows: other qdiscs make theirs by themselves, and what arrives has none.
    fn has(&self, class: Handle, place: Place) -> bool {
        let made_by_commands = matches!(place, Place::Dev { parent, .. } if parent.major() != 0xffff)
            && class.minor() != 0
            && self.qdiscs.contains(&class.major());
        !made_by_commands || self.ids.binary_search(&class).is_ok()
    }
}

/// u32's tables and their buckets.
fn tables(now: &Device, wanted: &Tree, findings: &mut Vec<Finding>) {
    let mut divisors: BTreeMap<(Place, u16), u32> = BTreeMap::new();
    // A table may be foreign, and stay.
    for filter in now.tree.filters().iter().chain(wanted.filters()) {
        if let Some(divisor) = u32_of(filter).and_then(|u32| u32.divisor) {
            divisors.insert((spot(filter.place), U32Handle::from_raw(filter.handle).table()), divisor.0);
        }
    }
    let mut chosen: Vec<(usize, u16, u32, usize)> = Vec::new();
    let mut places: Numbered<Place> = Numbered::new();
    // The table that was asked for before, which mostly is the same.
    let mut last = None;
    for (index, filter) in wanted.filters().iter().enumerate() {
        let Some(u32) = u32_of(filter) else { continue };
        let place = spot(filter.place);
        let table = u32.ht.filter(|ht| ht.table() != 0 && *ht != U32Handle::ROOT);
        if let Some(ht) = table {
            if last.is_none_or(|(known, _)| known != (place, ht.table())) {
                last = Some(((place, ht.table()), divisors.get(&(place, ht.table())).copied()));
            }
            match last.and_then(|(_, divisor)| divisor) {
                None => findings.push(Finding::error(filter, format!("there is no table {:x}:", ht.table()))),
                Some(divisor) if u32::from(ht.bucket()) >= divisor => {
                    let problem = format!("table {:x}: has {divisor} buckets", ht.table());
                    findings.push(Finding::error(filter, problem));
                }
                Some(_) => (),
            }
        }
        if let Some(link) = u32.link.filter(|link| link.table() != 0) {
            if !divisors.contains_key(&(place, link.table())) {
                findings.push(Finding::error(
                    filter,
                    format!("there is no table {:x}: to link to", link.table()),
                ));
            }
        }
        let handle = U32Handle::from_raw(filter.handle);
        if u32.divisor.is_none() && handle.node() == 0 {
            let ht = table.unwrap_or(U32Handle::ROOT);
            chosen.push((places.number(place), filter.prio, ht.raw() & BUCKET, index));
        }
    }
    if chosen.len() <= CHOSEN_NODES {
        return;
    }
    chosen.sort_unstable();
    for bucket in chosen.chunk_by(|one, other| (one.0, one.1, one.2) == (other.0, other.1, other.2)) {
        if let Some(filter) = bucket.get(CHOSEN_NODES).and_then(|(.., index)| wanted.filters().get(*index)) {
            let problem = format!(
                "the kernel has {CHOSEN_NODES} handles for the filters of one bucket, and there are more"
            );
            findings.push(Finding::error(filter, problem));
        }
    }
}

/// u32's tables belong to the qdisc, whichever of its classes or sides a filter stands at.
fn spot(place: Place) -> Place {
    match place {
        Place::Dev { dev, parent } => Place::on(dev, Handle::qdisc(parent.major())),
        block => block,
    }
}

fn u32_of(filter: &Filter) -> Option<&U32> {
    match &filter.kind {
        Some(FilterKind::U32(u32)) => Some(u32),
        _ => None,
    }
}

//! Filters.

use super::super::read::Device;
use super::super::settle::{place, root};
use super::super::{Finding, Tree};
use crate::tc::u32::{U32Handle, U32};
use crate::tc::{Filter, FilterKind, Place, Protocol, QdiscKind};
use crate::units::Handle;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

/// The nodes that the kernel chooses for filters of one bucket: 800 to fff. `gen_new_kid` of `net/sched/cls_u32.c`
const CHOSEN_NODES: usize = 0x800;

/// A place, a chain and a prio, at which all filters are alike.
type Row = (Place, u32, u16);

pub(super) fn check(now: &Device, wanted: &Tree, findings: &mut Vec<Finding>) {
    let mut rows: HashMap<Row, &Filter> = HashMap::new();
    let mut handles: HashMap<(Row, u32), &Filter> = HashMap::new();
    let classes = Classes::of(wanted);
    let root = root(wanted);
    for filter in wanted.filters() {
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
        match rows.entry(row) {
            Entry::Occupied(first) => alike(first.get(), filter, findings),
            Entry::Vacant(entry) => {
                entry.insert(filter);
            }
        }
        if filter.handle != 0 {
            if let Some(other) = handles.insert((row, filter.handle), filter) {
                findings.push(Finding::error(filter, format!("`{other}` has the same handle")));
            }
        }
    }
    tables(now, wanted, findings);
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

/// Which classes there will be.
struct Classes<'a>(&'a Tree, HashSet<Handle>);

impl<'a> Classes<'a> {
    fn of(wanted: &'a Tree) -> Self {
        Classes(wanted, wanted.classes().iter().map(|class| class.id).collect())
    }

    /// Whether there is such a class, as far as the tree knows: other qdiscs make theirs by themselves, and what arrives has none.
    fn has(&self, class: Handle, place: Place) -> bool {
        let made_by_commands = matches!(place, Place::Dev { parent, .. } if parent.major() != 0xffff)
            && class.minor() != 0
            && self.0.qdiscs().iter().any(|qdisc| {
                qdisc.handle.major() == class.major() && matches!(qdisc.kind, Some(QdiscKind::Htb(_)))
            });
        !made_by_commands || self.1.contains(&class)
    }
}

/// u32's tables and their buckets.
fn tables(now: &Device, wanted: &Tree, findings: &mut Vec<Finding>) {
    let mut divisors: HashMap<(Place, u16), u32> = HashMap::new();
    // A table may be foreign, and stay.
    for filter in now.tree.filters().iter().chain(wanted.filters()) {
        if let Some(divisor) = u32_of(filter).and_then(|u32| u32.divisor) {
            divisors.insert((spot(filter.place), U32Handle::from_raw(filter.handle).table()), divisor.0);
        }
    }
    let mut chosen: HashMap<(Place, u16, u16, u8), usize> = HashMap::new();
    for filter in wanted.filters() {
        let Some(u32) = u32_of(filter) else { continue };
        let place = spot(filter.place);
        let table = u32.ht.filter(|ht| ht.table() != 0 && *ht != U32Handle::ROOT);
        if let Some(ht) = table {
            match divisors.get(&(place, ht.table())) {
                None => findings.push(Finding::error(filter, format!("there is no table {:x}:", ht.table()))),
                Some(divisor) if u32::from(ht.bucket()) >= *divisor => {
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
            let count = chosen.entry((place, filter.prio, ht.table(), ht.bucket())).or_default();
            *count += 1;
            if *count == CHOSEN_NODES + 1 {
                let problem = format!(
                    "the kernel has {CHOSEN_NODES} handles for the filters of one bucket, and there are more"
                );
                findings.push(Finding::error(filter, problem));
            }
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

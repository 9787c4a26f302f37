use super::{Devices, State};
use crate::command::AnyObject;
use crate::tc::u32::{U32Handle, U32};
use crate::tc::{Action, ActionKind, ActionNumber, ActionTable, Actions, Chain, Filter, FilterKind, Place};
use std::collections::{BTreeMap, BTreeSet};

/// A place: the device and the parent, or a block.
type Spot = (u32, u32);
/// A place, a chain and a prio: all filters of one kind.
type Row = (Spot, u32, u16);

/// How often an action is used by filters, by kind and index.
type Uses = BTreeMap<(&'static str, u32), usize>;

fn spot(place: Place) -> Spot {
    match place {
        Place::Dev { dev, parent } => (dev.index, parent.raw()),
        Place::Block(block) => (u32::MAX, block),
    }
}

fn row(filter: &Filter) -> Row {
    (spot(filter.place), filter.chain.unwrap_or(0), filter.prio)
}

/// The qdisc that the filter stands at, at whichever of its classes or sides, and its prio.
fn qdisc(filter: &Filter) -> (Spot, u16) {
    let spot = match filter.place {
        Place::Dev { dev, parent } => (dev.index, u32::from(parent.major()) << 16),
        place => spot(place),
    };
    (spot, filter.prio)
}

/// The actions that stand by themselves, the chains that stand without filters, and the filters; u32's tables first. Also what
/// cannot be made again, because it is not known where it stands.
pub(super) fn filters(state: &State, devices: &Devices<'_>) -> (Vec<AnyObject>, Vec<Filter>) {
    let rows = Rows::of(&state.filters);
    let mut seen = BTreeSet::new();
    let mut filters: Vec<Filter> = state
        .filters
        .iter()
        .filter(|filter| rows.is_made(filter))
        // A block is listed once for each of its devices.
        .filter(|filter| seen.insert((row(filter), filter.handle)))
        .cloned()
        .collect();
    let uses = uses(&mut filters);
    for filter in &mut filters {
        clean(filter, &rows, devices);
        actions_of(filter).for_each(|action| name_device(action, devices));
        numbers(filter, &mut |number| {
            // Where only one filter uses it, the kernel can choose another.
            if uses.get(&(number.kind, *number.index)).is_none_or(|uses| *uses < 2) {
                *number.index = 0;
            }
        });
    }
    filters.sort_by_key(|filter| (!is_table(filter), row(filter)));
    let (lost, filters): (Vec<Filter>, Vec<Filter>) =
        filters.into_iter().partition(|filter| rows.is_shared(filter));
    let actions = standing(state, &uses, devices);
    let chains = chains(state, devices);
    (actions.chain(chains).chain(filters.into_iter().map(AnyObject::from)).collect(), lost)
}

/// What there is at each prio.
struct Rows {
    /// The u32 table that packets enter, which the kernel made together with the prio's first filter.
    roots: BTreeMap<Row, u16>,
    /// The rows of u32 with the same prio at one qdisc: the kernel lists the filters of each of them in all of them, because their
    /// tables know the prio only (`u32_walk` in `net/sched/cls_u32.c`).
    shared: BTreeMap<(Spot, u16), BTreeSet<Row>>,
    /// Prios that have more than the classifier's own line.
    filled: BTreeSet<Row>,
}

impl Rows {
    fn of(filters: &[Filter]) -> Self {
        let mut rows = Rows { roots: BTreeMap::new(), shared: BTreeMap::new(), filled: BTreeSet::new() };
        for filter in filters.iter().filter(|filter| filter.handle != 0) {
            rows.filled.insert(row(filter));
            if u32_of(filter).is_some() {
                rows.shared.entry(qdisc(filter)).or_default().insert(row(filter));
            }
            let table = U32Handle::from_raw(filter.handle).table();
            let single = u32_of(filter).and_then(|u32| u32.divisor).is_some_and(|divisor| divisor.0 == 1);
            if single && table >= U32Handle::ROOT.table() {
                let root = rows.roots.entry(row(filter)).or_insert(table);
                *root = table.min(*root);
            }
        }
        rows
    }

    /// Whether somebody made it: not the classifier's own line, nor the table that packets enter.
    fn is_made(&self, filter: &Filter) -> bool {
        match (&filter.kind, filter.handle) {
            (None, _) => false,
            // In this mode, it has nothing but its own line.
            (Some(FilterKind::Fw(_)), 0) => !self.filled.contains(&row(filter)),
            (_, 0) => false,
            _ => !(is_table(filter) && self.is_in_root(filter)),
        }
    }

    /// Whether it may stand in another row as well.
    fn is_shared(&self, filter: &Filter) -> bool {
        u32_of(filter).is_some() && self.shared.get(&qdisc(filter)).is_some_and(|rows| rows.len() > 1)
    }

    fn is_in_root(&self, filter: &Filter) -> bool {
        let table = U32Handle::from_raw(filter.handle).table();
        match self.roots.get(&row(filter)) {
            Some(root) => table == *root,
            None => table >= U32Handle::ROOT.table(),
        }
    }
}

fn u32_of(filter: &Filter) -> Option<&U32> {
    match &filter.kind {
        Some(FilterKind::U32(u32)) => Some(u32),
        _ => None,
    }
}

fn is_table(filter: &Filter) -> bool {
    u32_of(filter).is_some_and(|u32| u32.divisor.is_some())
}

/// Takes away what the kernel reports.
fn clean(filter: &mut Filter, rows: &Rows, devices: &Devices<'_>) {
    let in_root = rows.is_in_root(filter);
    if let Place::Dev { dev, .. } = &mut filter.place {
        *dev = devices.name(*dev);
    }
    filter.chain = filter.chain.filter(|chain| *chain != 0);
    (filter.stats, filter.estimator) = (None, None);
    filter.unknown.clear();
    filter.kind.iter_mut().for_each(FilterKind::forget);
    if let Some(FilterKind::U32(u32)) = &mut filter.kind {
        if in_root && u32.divisor.is_none() {
            // The kernel numbers these tables in the order in which they are made: which it was does not matter.
            filter.handle = U32Handle::from_raw(filter.handle).node().into();
            u32.ht = None;
        }
    }
}

fn actions_of(filter: &mut Filter) -> impl Iterator<Item = &mut Action> {
    let actions: Option<&mut Actions> = match &mut filter.kind {
        Some(FilterKind::U32(u32)) => u32.actions.as_mut(),
        Some(FilterKind::Fw(fw)) => fw.actions.as_mut(),
        _ => None,
    };
    actions.into_iter().flat_map(|actions| &mut actions.0).map(|(_, action)| action)
}

/// The numbers of the filter's actions, and of its own policer.
fn numbers(filter: &mut Filter, see: &mut dyn FnMut(ActionNumber<'_>)) {
    filter.kind.iter_mut().for_each(|kind| kind.number(see));
}

fn uses(filters: &mut [Filter]) -> Uses {
    let mut uses = Uses::new();
    for filter in filters {
        numbers(filter, &mut |number| *uses.entry((number.kind, *number.index)).or_default() += 1);
    }
    uses
}

/// The actions that no filter uses. The others come with their filters.
fn standing<'a>(
    state: &'a State,
    uses: &'a Uses,
    devices: &'a Devices<'_>,
) -> impl Iterator<Item = AnyObject> + 'a {
    let all = state.actions.iter().flat_map(|table| &table.actions).cloned();
    all.filter_map(|mut action| {
        let mut used = false;
        action.kind.number(&mut |number| used |= uses.contains_key(&(number.kind, *number.index)));
        action.forget();
        action.index = None;
        name_device(&mut action, devices);
        (!used).then(|| ActionTable::of([action]).into())
    })
}

/// Gives the device that packets are sent to its name.
fn name_device(action: &mut Action, devices: &Devices<'_>) {
    if let ActionKind::Mirred(mirred) = &mut action.kind {
        mirred.parms.iter_mut().for_each(|parms| parms.dev = devices.name(parms.dev));
    }
}

/// Chains with a template, and those without filters: the others come with their filters.
fn chains<'a>(state: &'a State, devices: &'a Devices<'_>) -> impl Iterator<Item = AnyObject> + 'a {
    let filled: BTreeSet<(Spot, u32)> =
        state.filters.iter().map(|filter| (spot(filter.place), filter.chain.unwrap_or(0))).collect();
    let wanted = move |chain: &&Chain| {
        chain.template.is_some() || chain.index != 0 && !filled.contains(&(spot(chain.place), chain.index))
    };
    state.chains.iter().filter(wanted).map(|chain| {
        let mut chain = chain.clone();
        if let Place::Dev { dev, .. } = &mut chain.place {
            *dev = devices.name(*dev);
        }
        chain.unknown.clear();
        chain.into()
    })
}

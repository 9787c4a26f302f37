use super::{Devices, State};
use crate::command::AnyObject;
use crate::tc::u32::U32Handle;
use crate::tc::{
    Action, ActionKind, ActionNumber, ActionTable, Actions, Chain, Filter, FilterKind, Place, Rows,
};
use std::collections::{BTreeMap, BTreeSet};

/// How often an action is used by filters, by kind and index.
type Uses = BTreeMap<(&'static str, u32), usize>;

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
        .filter(|filter| seen.insert((filter.row(), filter.handle)))
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
    filters.sort_by_key(|filter| (!filter.is_table(), filter.row()));
    let (lost, filters): (Vec<Filter>, Vec<Filter>) =
        filters.into_iter().partition(|filter| rows.is_shared(filter));
    let actions = standing(state, &uses, devices);
    let chains = chains(state, devices);
    (actions.chain(chains).chain(filters.into_iter().map(AnyObject::from)).collect(), lost)
}

/// Takes away what the kernel reports.
fn clean(filter: &mut Filter, rows: &Rows, devices: &Devices<'_>) {
    let in_root = rows.in_root(filter.row())(U32Handle::from_raw(filter.handle).table());
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
    let filled: BTreeSet<(Place, u32)> =
        state.filters.iter().map(|filter| (filter.place, filter.chain.unwrap_or(0))).collect();
    let wanted = move |chain: &&Chain| {
        chain.template.is_some() || chain.index != 0 && !filled.contains(&(chain.place, chain.index))
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

use super::{Devices, State};
use crate::command::AnyObject;
use crate::tc::police::Police;
use crate::tc::u32::U32Handle;
use crate::tc::{Action, ActionKind, ActionTable, Actions, Chain, Filter, FilterKind, Place, Rows};
use std::collections::{BTreeMap, BTreeSet};

/// How often an action is used by filters, by kind and index.
type Uses = BTreeMap<(String, u32), usize>;

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
    let kept = |kind: &ActionKind, index: u32| {
        uses.get(&(kind.name().to_owned(), index)).is_some_and(|uses| *uses > 1)
    };
    for filter in &mut filters {
        clean(filter, &rows, devices);
        for action in actions_of(filter) {
            clean_action(action, &kept, devices);
        }
        if let Some(police) = police_of(filter) {
            clean_police(police, &|index| {
                uses.get(&("police".to_owned(), index)).is_some_and(|uses| *uses > 1)
            });
        }
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
    let in_root = rows.is_in_root(&filter.row(), U32Handle::from_raw(filter.handle).table());
    if let Place::Dev { dev, .. } = &mut filter.place {
        *dev = devices.name(*dev);
    }
    filter.chain = filter.chain.filter(|chain| *chain != 0);
    (filter.stats, filter.estimator) = (None, None);
    filter.unknown.clear();
    if let Some(FilterKind::U32(u32)) = &mut filter.kind {
        u32.counters = None;
        u32.mark.iter_mut().for_each(|mark| mark.success = 0);
        u32.unknown.clear();
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

fn police_of(filter: &mut Filter) -> Option<&mut Police> {
    match &mut filter.kind {
        Some(FilterKind::U32(u32)) => u32.police.as_mut(),
        Some(FilterKind::Fw(fw)) => fw.police.as_mut(),
        _ => None,
    }
}

fn uses(filters: &mut [Filter]) -> Uses {
    let mut uses = Uses::new();
    for filter in filters {
        for action in actions_of(filter) {
            *uses.entry((action.kind.name().to_owned(), action.named_index())).or_default() += 1;
        }
        if let Some(police) = police_of(filter) {
            *uses.entry(("police".to_owned(), police.index)).or_default() += 1;
        }
    }
    uses
}

/// The actions that no filter uses. The others come with their filters.
fn standing<'a>(
    state: &'a State,
    uses: &'a Uses,
    devices: &'a Devices<'_>,
) -> impl Iterator<Item = AnyObject> + 'a {
    let all = state.actions.iter().flat_map(|table| &table.actions);
    all.filter(|action| !uses.contains_key(&(action.kind.name().to_owned(), action.named_index()))).map(
        |action| {
            let mut action = action.clone();
            clean_action(&mut action, &|_, _| true, devices);
            ActionTable::of([action]).into()
        },
    )
}

/// Takes away what the kernel reports, and the index where only one filter uses it.
fn clean_action(action: &mut Action, kept: &dyn Fn(&ActionKind, u32) -> bool, devices: &Devices<'_>) {
    let index = Some(action.named_index()).filter(|index| kept(&action.kind, *index)).unwrap_or(0);
    (action.stats, action.used_hw_stats, action.in_hw_count, action.index) = (None, None, None, None);
    action.unknown.clear();
    let parms = match &mut action.kind {
        ActionKind::Gact(gact) => {
            gact.times = None;
            gact.parms.as_mut()
        }
        ActionKind::Mirred(mirred) => {
            mirred.times = None;
            mirred.parms.as_mut().map(|parms| {
                parms.dev = devices.name(parms.dev);
                &mut parms.action
            })
        }
        ActionKind::Skbedit(skbedit) => {
            skbedit.times = None;
            skbedit.parms.as_mut()
        }
        ActionKind::Police(police) => return clean_police(police, &|_| index != 0),
        ActionKind::Other(_) => None,
    };
    if let Some(parms) = parms {
        (parms.index, parms.references, parms.bindings) = (index, 0, 0);
    }
}

fn clean_police(police: &mut Police, kept: &dyn Fn(u32) -> bool) {
    if !kept(police.index) {
        police.index = 0;
    }
    (police.references, police.bindings, police.times) = (0, 0, None);
    police.unknown.clear();
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

//! u32's groups: tables, and filters in their buckets.
//!
//! Tables belong to the qdisc and know their prio by its number only: they outlive the prio's other filters as long as the qdisc
//! has others of u32, unseen, and keep their number and the classes that their filters hold (`u32_destroy` in
//! `net/sched/cls_u32.c`). So they are deleted by name there. Where there are no others, all goes with the last filter, tables too.

use super::super::super::settle::Entry;
use super::super::super::step::{Effect, Step};
use super::super::pairs;
use super::buckets;
use super::group::{link, table, Group};
use super::requests::{delete, Lists};
use super::{DIFFERS, NOT_THERE, NOT_WANTED};
use crate::tc::{Filter, Row};
use std::collections::{BTreeMap, BTreeSet};

/// What becomes of the tables of a group.
struct Tables<'a, 'b> {
    /// Those that are made anew, which takes everything in them and every link to them.
    remade: &'b BTreeSet<u16>,
    /// Those that are not wanted.
    late: BTreeMap<u16, &'a Entry<'a, Filter>>,
}

/// The steps from one group to another of the same prio, chain and protocol. `None` if too much would go at once: with its last
/// filter, the kernel deletes the prio and all its tables.
pub(super) fn steps<'a>(
    row: Row,
    old: &Group<'a>,
    new: &Group<'a>,
    remade: &BTreeSet<u16>,
    again: bool,
    is_alone: bool,
) -> Option<Lists> {
    let mut lists = Lists::default();
    let (_, _, prio) = row;
    let tables = tables(old, new, remade, prio, &mut lists);
    let is_dead = |number: u16| tables.remade.contains(&number) || tables.late.contains_key(&number);
    let mut there = Vec::with_capacity(old.items.len());
    let mut loosened = BTreeSet::new();
    let (mut leaves, mut remade_with_table) = (0_usize, 0);
    for filter in old.leaves() {
        leaves += 1;
        if is_dead(table(filter)) {
            remade_with_table += usize::from(tables.remade.contains(&table(filter)));
            continue;
        }
        if link(filter).is_some_and(|link| tables.remade.contains(&link)) {
            loosened.insert(bucket(filter));
            lists.early.push(delete(filter, Effect::Disruptive, "it leads to a table that is made anew"));
            continue;
        }
        there.push(filter);
    }
    let mut wanted: Vec<_> = new.leaves().collect();
    [&mut there, &mut wanted].into_iter().for_each(|filters| filters.sort_by_key(|filter| bucket(filter)));
    let same_bucket = |one: &&Entry<'_, Filter>, other: &&Entry<'_, Filter>| bucket(one) == bucket(other);
    let (old_buckets, new_buckets) = (there.chunk_by(same_bucket), wanted.chunk_by(same_bucket));
    let number = |filters: &&[&Entry<'_, Filter>]| filters.first().map_or(0, |first| bucket(first));
    for (number, old, new) in pairs(old_buckets, new_buckets, number) {
        let again = again || loosened.contains(&number) || tables.remade.contains(&((number >> 20) as u16));
        buckets::bucket(old.unwrap_or_default(), new.unwrap_or_default(), prio, again, &mut lists);
    }
    let late: Vec<_> = tables.late.into_iter().collect();
    lists.late_tables = in_order(&late, old, Effect::InPlace);
    let stay = leaves.saturating_sub(remade_with_table + lists.early.len());
    let emptied =
        leaves > 0 && (stay == 0 && !(lists.early.is_empty() && remade_with_table == 0) || wanted.is_empty());
    (!is_alone || !emptied).then_some(lists)
}

fn bucket(filter: &Entry<'_, Filter>) -> u32 {
    filter.settled.handle & 0xffff_f000
}

fn tables<'a, 'b>(
    old: &Group<'a>,
    new: &Group<'a>,
    remade: &'b BTreeSet<u16>,
    prio: u16,
    lists: &mut Lists,
) -> Tables<'a, 'b> {
    let mut late: BTreeMap<u16, &Entry<'_, Filter>> =
        old.tables().map(|filter| (table(filter), filter)).collect();
    let mut automatic = Vec::new();
    for wanted in new.tables() {
        let number = table(wanted);
        if number == 0 {
            automatic.push(wanted);
            continue;
        }
        let there = late.remove(&number);
        if remade.contains(&number) {
            if let Some(there) = there {
                lists.early_tables.push(delete(there, Effect::Disruptive, "its number of buckets differs"));
            }
            lists.add(wanted, prio, wanted.settled.handle, Effect::Disruptive, DIFFERS.into());
        } else if there.is_none() {
            lists.add(wanted, prio, wanted.settled.handle, Effect::InPlace, NOT_THERE.into());
        }
    }
    for wanted in automatic {
        let same = late.iter().find(|(_, there)| there.kind() == wanted.kind());
        match same.map(|(number, _)| *number) {
            Some(number) => drop(late.remove(&number)),
            None => lists.add(wanted, prio, 0, Effect::InPlace, NOT_THERE.into()),
        }
    }
    late.retain(|number, _| !remade.contains(number));
    Tables { remade, late }
}

/// Takes the tables of a group out of it, with what leads to them, before the rest goes in one step.
pub(super) fn wipe(old: &Group<'_>, is_early: bool, lists: &mut Lists) {
    let tables: Vec<_> = old.tables().map(|filter| (table(filter), filter)).collect();
    if tables.is_empty() {
        return;
    }
    let effect = if is_early { Effect::Disruptive } else { Effect::InPlace };
    let numbers: BTreeSet<u16> = tables.iter().map(|(number, _)| *number).collect();
    let outside = old.leaves().filter(|leaf| !numbers.contains(&table(leaf)) && link(leaf).is_some());
    let links = outside.map(|leaf| delete(leaf, effect, NOT_WANTED));
    let steps = in_order(&tables, old, effect);
    if is_early {
        lists.early.extend(links);
        lists.early_tables.extend(steps);
    } else {
        lists.late.extend(links);
        lists.late_tables.extend(steps);
    }
}

/// The steps that delete tables: those that lead to others go before these.
fn in_order(tables: &[(u16, &Entry<'_, Filter>)], group: &Group<'_>, effect: Effect) -> Vec<Step> {
    let going: BTreeMap<u16, &Entry<'_, Filter>> = tables.iter().copied().collect();
    let mut leads: BTreeMap<u16, BTreeSet<u16>> = BTreeMap::new();
    for leaf in group.leaves().filter(|leaf| going.contains_key(&table(leaf))) {
        if let Some(link) = link(leaf).filter(|link| going.contains_key(link)) {
            leads.entry(table(leaf)).or_default().insert(link);
        }
    }
    let mut linked: BTreeMap<u16, usize> = BTreeMap::new();
    leads.values().flatten().for_each(|link| *linked.entry(*link).or_default() += 1);
    let mut free: Vec<u16> = going.keys().copied().filter(|number| !linked.contains_key(number)).collect();
    let mut order = Vec::with_capacity(going.len());
    while let Some(number) = free.pop() {
        order.push(number);
        for link in leads.get(&number).into_iter().flatten() {
            let left = linked.entry(*link).or_default();
            *left = left.saturating_sub(1);
            if *left == 0 {
                free.push(*link);
            }
        }
    }
    let done: BTreeSet<u16> = order.iter().copied().collect();
    // Tables that lead to each other in a circle cannot go in any order.
    order.extend(going.keys().filter(|number| !done.contains(number)));
    order
        .iter()
        .filter_map(|number| going.get(number))
        .map(|filter| delete(filter, effect, NOT_WANTED))
        .collect()
}

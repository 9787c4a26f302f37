//! Chains and filters.

mod align;
mod buckets;
mod chains;
mod ground;
mod group;
mod requests;
mod sort;
mod tables;
#[cfg(test)]
mod tests;

use super::super::settle::{Entry, Settled};
use super::super::step::Effect;
use super::super::Scope;
use super::{Gone, Steps};
use crate::tc::{Chain, Filter, FilterKind, Place, Row};
use align::{can_become, is_same, Fate};
use ground::Ground;
use group::{table, Group};
use requests::{delete, delete_row, Lists};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

const NOT_THERE: &str = "it is not there";
const NOT_WANTED: &str = "it is not wanted";
const DIFFERS: &str = "its options differ, and the kernel cannot change them";
const OUT_OF_ORDER: &str = "the kernel has no room for it in its place among the others";
const OUT_OF_SCOPE: &str = "it is outside of the scope of its tree";
const NO_PLACE: &str = "what it stands at is not there, and not wanted";

/// The prios that the kernel chooses, downwards from 49152. They count as chosen by it where no wanted filter says them.
const AUTOMATIC: RangeInclusive<u16> = 0x8000..=u16::MAX;

/// A place and a chain.
type Chained = (Place, u32);

fn rows_of((place, chain): Chained) -> RangeInclusive<Row> {
    (place, chain, 0)..=(place, chain, u16::MAX)
}

pub(super) fn diff(old: &Settled<'_>, new: &Settled<'_>, scope: &Scope, gone: &Gone, steps: &mut Steps) {
    let mut diff = Diff {
        ground: Ground::new(old, new, gone),
        scope,
        old_chains: &old.chains,
        new_chains: &new.chains,
        old: BTreeMap::new(),
        foreign: BTreeMap::new(),
        new: BTreeMap::new(),
        automatic: BTreeMap::new(),
        remade: BTreeMap::new(),
        old_u32: BTreeMap::new(),
        new_u32: BTreeMap::new(),
        released: BTreeSet::new(),
        lists: Lists::default(),
        steps,
    };
    diff.sort(&old.filters, &new.filters);
    diff.release();
    diff.chains();
    diff.automatic();
    diff.rows();
    let Diff { lists, steps, .. } = diff;
    steps.filters.append(&mut lists.all());
}

struct Diff<'a> {
    ground: Ground<'a>,
    scope: &'a Scope,
    old_chains: &'a [Entry<'a, Chain>],
    new_chains: &'a [Entry<'a, Chain>],
    /// What is there and stays unless it is not wanted.
    old: BTreeMap<Row, Group<'a>>,
    /// What is there and belongs to others.
    foreign: BTreeMap<Row, Group<'a>>,
    /// What is wanted and says its prio.
    new: BTreeMap<Row, Group<'a>>,
    /// What is wanted and does not.
    automatic: BTreeMap<Chained, Vec<&'a Entry<'a, Filter>>>,
    /// The tables of u32 that are made anew, by qdisc.
    remade: BTreeMap<Place, BTreeSet<u16>>,
    /// The rows of u32 that are there, and those that will be, by qdisc.
    old_u32: BTreeMap<Place, BTreeSet<Row>>,
    new_u32: BTreeMap<Place, BTreeSet<Row>>,
    /// Where filters went so that a class could go.
    released: BTreeSet<Row>,
    lists: Lists,
    steps: &'a mut Steps,
}

impl<'a> Diff<'a> {
    /// Deletes the filters that hold a class which must go before others can come.
    fn release(&mut self) {
        let reason = "it holds a class that must go first";
        let Diff { old, ground, released, steps, old_u32, .. } = self;
        let holds = |item: &Entry<'_, Filter>| {
            item.said.kind.as_ref().and_then(FilterKind::class).is_some_and(|class| ground.goes_early(class))
        };
        old.retain(|row, group| {
            let holding = group.items.iter().filter(|item| holds(item)).count();
            if holding == 0 {
                return true;
            }
            released.insert(*row);
            // With its last filter the prio goes, and if it is u32's only one, its tables too.
            let all = holding == group.leaves().count()
                && (group.tables().next().is_none() || is_alone(old_u32, row));
            if let Some(first) = group.first().filter(|_| all) {
                steps.release.push(delete_row(first, Effect::Disruptive, reason));
                return false;
            }
            let (gone, stay) = group.items.iter().partition(|item| holds(item));
            group.items = stay;
            let gone: Vec<&Entry<'_, Filter>> = gone;
            steps.release.extend(gone.iter().map(|item| delete(item, Effect::Disruptive, reason)));
            true
        });
    }

    /// The filters without a prio of their own: newer ones come first, each with a prio of its own.
    fn automatic(&mut self) {
        for (key, wanted) in std::mem::take(&mut self.automatic) {
            let rows =
                self.old.range((key.0, key.1, *AUTOMATIC.start())..=(key.0, key.1, *AUTOMATIC.end())).rev();
            let single = rows.filter(|(row, _)| !self.new.contains_key(*row)).filter_map(|(row, group)| {
                match group.items[..] {
                    [only] => Some((*row, only)),
                    [] => Some((*row, group.own.filter(|_| group.is_legacy())?)),
                    _ => None,
                }
            });
            let (rows, there): (Vec<Row>, Vec<&Entry<'_, Filter>>) = single.unzip();
            for (fate, new) in align::behind(&there, &wanted).into_iter().zip(&wanted) {
                let Some(index) = fate.there() else {
                    self.lists.add(new, 0, new.settled.handle, Effect::InPlace, NOT_THERE.into());
                    continue;
                };
                if let (Fate::Change(_), Some(old)) = (fate, there.get(index)) {
                    self.lists.change(old, new);
                }
                rows.get(index).and_then(|row| self.old.remove(row));
            }
        }
    }

    fn rows(&mut self) {
        for (row, new) in std::mem::take(&mut self.new) {
            let old = self.old.remove(&row);
            self.row(row, old, &new);
        }
        for (row, old) in std::mem::take(&mut self.old) {
            let is_early = self.makes_room(&row) && self.has_remade(&row, &old);
            self.wipe(row, &old, is_early);
            if let Some(first) = old.first() {
                match is_early {
                    true => self.lists.early_rows.push(delete_row(first, Effect::Disruptive, NOT_WANTED)),
                    false => self.lists.late_rows.push(delete_row(first, Effect::InPlace, NOT_WANTED)),
                }
            }
        }
    }

    fn row(&mut self, row: Row, old: Option<Group<'a>>, new: &Group<'a>) {
        let again = self.released.contains(&row);
        let Some(old) = old else {
            return self.come(row, new, again.then_some("it held a class that had to go first"));
        };
        let lists = match old.takes(new) {
            false => None,
            true if new.is_u32() => {
                let none = BTreeSet::new();
                let remade = self.remade.get(&row.0.common()).unwrap_or(&none);
                tables::steps(row, &old, new, remade, again, is_alone(&self.old_u32, &row))
            }
            true => Some(by_handle(row, &old, new, again)),
        };
        match lists {
            Some(lists) => self.lists.append(lists),
            None => {
                self.wipe(row, &old, true);
                let reason = "all of its prio must go first";
                let first = old.first().into_iter();
                self.lists
                    .early_rows
                    .extend(first.map(|first| delete_row(first, Effect::Disruptive, reason)));
                self.come(row, new, Some(reason));
            }
        }
    }

    /// A group comes where none is, or none is any more for the reason that is given.
    fn come(&mut self, (_, _, prio): Row, new: &Group<'a>, reason: Option<&'static str>) {
        let (effect, reason) = match reason {
            Some(reason) => (Effect::Disruptive, reason),
            None => (Effect::InPlace, NOT_THERE),
        };
        // A classifier of its own is all that there is of fw's legacy mode.
        let items = if new.items.is_empty() { new.own.as_slice() } else { &new.items };
        let mut buckets: BTreeMap<u32, Vec<&Entry<'_, Filter>>> = BTreeMap::new();
        for item in items {
            match item.said.u32() {
                Some(_) if !item.said.is_table() => {
                    buckets.entry(item.settled.handle & 0xffff_f000).or_default().push(item);
                }
                _ => self.lists.add(item, prio, item.settled.handle, effect, reason.into()),
            }
        }
        for filters in buckets.values() {
            buckets::fill(filters, prio, effect, reason, &mut self.lists);
        }
    }

    /// Takes out what would not go with the row.
    fn wipe(&mut self, row: Row, group: &Group<'_>, is_early: bool) {
        let others = if is_early { &self.old_u32 } else { &self.new_u32 };
        if !is_alone(others, &row) {
            tables::wipe(group, is_early, &mut self.lists);
        }
    }

    /// Whether a table at the row's qdisc is made anew.
    fn makes_room(&self, row: &Row) -> bool {
        self.remade.contains_key(&row.0.common())
    }

    fn has_remade(&self, row: &Row, group: &Group<'_>) -> bool {
        let remade = self.remade.get(&row.0.common());
        remade.is_some_and(|remade| group.tables().any(|filter| remade.contains(&table(filter))))
    }
}

/// Whether its qdisc has no other rows of u32 among these.
fn is_alone(rows: &BTreeMap<Place, BTreeSet<Row>>, row: &Row) -> bool {
    rows.get(&row.0.common()).is_none_or(|rows| rows.iter().all(|other| other == row))
}

/// Filters whose handles name them, and stand in no order.
fn by_handle(row: Row, old: &Group<'_>, new: &Group<'_>, again: bool) -> Lists {
    let (mut lists, (_, _, prio)) = (Lists::default(), row);
    let comes = if again { Effect::Disruptive } else { Effect::InPlace };
    let mut there: BTreeMap<u32, &Entry<'_, Filter>> =
        old.items.iter().map(|item| (item.settled.handle, *item)).collect();
    let mut unnamed = Vec::new();
    for item in &new.items {
        match there.remove(&item.settled.handle) {
            _ if item.settled.handle == 0 => unnamed.push(*item),
            None => lists.add(item, prio, item.settled.handle, comes, NOT_THERE.into()),
            Some(old) if is_same(old, item) => (),
            Some(old) if can_become(old, item) => lists.change(old, item),
            Some(old) => {
                lists.early.push(delete(old, Effect::Disruptive, DIFFERS));
                lists.add(item, prio, item.settled.handle, Effect::Disruptive, DIFFERS.into());
            }
        }
    }
    let left: Vec<&Entry<'_, Filter>> = there.into_values().collect();
    let fates = align::anywhere(&left, &unnamed);
    for (fate, item) in fates.iter().zip(&unnamed) {
        match (fate, fate.there().and_then(|index| left.get(index))) {
            (Fate::Keep(_), _) => (),
            (Fate::Change(_), Some(old)) => lists.change(old, item),
            _ => lists.add(item, prio, 0, comes, NOT_THERE.into()),
        }
    }
    let stay: BTreeSet<usize> = fates.iter().filter_map(|fate| fate.there()).collect();
    let goes = left.iter().enumerate().filter(|(index, _)| !stay.contains(index));
    lists.late.extend(goes.map(|(_, old)| delete(old, Effect::InPlace, NOT_WANTED)));
    lists
}

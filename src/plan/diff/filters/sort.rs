//! What is there and what is wanted, by rows, and what of it cannot be.

use super::group::{link, table, Group};
use super::{Diff, NO_PLACE, OUT_OF_SCOPE};
use crate::plan::settle::Entry;
use crate::plan::Finding;
use crate::tc::{Filter, FilterKind, Place, Row};
use std::collections::BTreeMap;

/// u32's tables by qdisc and number, with the rows that they belong to.
type Tables<'a> = BTreeMap<(Place, u16), (Row, &'a Entry<'a, Filter>)>;

impl<'a> Diff<'a> {
    pub(super) fn sort(&mut self, old: &'a [Entry<'a, Filter>], new: &'a [Entry<'a, Filter>]) {
        let there = self.sort_old(old);
        let wanted = self.tables(new);
        for ((common, number), (row, filter)) in &wanted {
            match there.get(&(*common, *number)) {
                Some((there, _)) if self.foreign.contains_key(there) => {
                    self.error(filter, "a table with this number is there, and outside of the tree's scope");
                }
                Some((there, other)) if there != row || other.kind() != filter.kind() => {
                    self.remade.entry(*common).or_default().insert(*number);
                }
                _ => (),
            }
        }
        for filters in by_row(new) {
            let Some(row) = self.common_row(filters) else { continue };
            // Those of one table mostly follow each other.
            for filters in filters.chunk_by(|one, other| stands_in(one) == stands_in(other)) {
                let filters = filters.iter().filter(|filter| self.is_sound(filter, row, &wanted));
                let filters: Vec<_> = filters.collect();
                if let Some(row) = self.row_of(&filters, row, &wanted) {
                    self.take(row, filters);
                }
            }
        }
    }

    fn sort_old(&mut self, old: &'a [Entry<'a, Filter>]) -> Tables<'a> {
        let mut tables = Tables::new();
        for filters in by_row(old) {
            let Some(first) = filters.first() else { continue };
            let (row, is_ours) = (first.settled.row, self.scope.has_filter(first.settled.row));
            let is_lost = self.ground.is_lost(row.0);
            if !is_ours {
                filters.iter().for_each(|filter| self.foreign(filter, is_lost));
            }
            if is_lost {
                continue;
            }
            if first.said.u32().is_some() {
                self.old_u32.entry(row.0.common()).or_default().insert(row);
                if !is_ours {
                    self.new_u32.entry(row.0.common()).or_default().insert(row);
                }
            }
            let found = filters.iter().filter(|filter| filter.said.is_table());
            tables.extend(found.map(|filter| ((row.0.common(), table(filter)), (row, filter))));
            let rows = if is_ours { &mut self.old } else { &mut self.foreign };
            let group = rows.entry(row).or_default();
            filters.iter().for_each(|filter| group.push(filter));
        }
        tables
    }

    /// What is wrong with a filter of others, if anything.
    fn foreign(&mut self, filter: &Entry<'_, Filter>, is_lost: bool) {
        let class = filter.said.kind.as_ref().and_then(FilterKind::class);
        let goes = class.is_some_and(|class| self.ground.goes_early(class) || self.ground.goes_late(class));
        if is_lost && !filter.said.is_own_line() {
            self.error(filter, "it is outside of the tree's scope, and would go with what it stands at");
        } else if goes && !is_lost {
            self.error(filter, "it is outside of the tree's scope, and holds a class that must go");
        }
    }

    fn tables(&self, new: &'a [Entry<'a, Filter>]) -> Tables<'a> {
        let ours = new.iter().filter(|filter| self.scope.has_filter(filter.settled.row));
        let tables = ours.filter(|filter| filter.said.is_table() && table(filter) != 0);
        let row = |filter: &Entry<'_, Filter>| {
            let (place, chain, prio) = filter.settled.row;
            (self.ground.name(place), chain, prio)
        };
        tables
            .map(|filter| {
                let row = row(filter);
                ((row.0.common(), table(filter)), (row, filter))
            })
            .collect()
    }

    /// Where wanted filters that say the same row are to stand, if they can.
    fn common_row(&mut self, filters: &'a [Entry<'a, Filter>]) -> Option<Row> {
        let said = filters.first()?.settled.row;
        let (place, chain, prio) = said;
        let row = (self.ground.name(place), chain, prio);
        let problem = match self.scope.has_filter(said) {
            false => OUT_OF_SCOPE,
            true if !self.ground.has(row.0) => NO_PLACE,
            true => return Some(row),
        };
        filters.iter().for_each(|filter| self.error(filter, problem));
        None
    }

    /// Whether a filter can be where it shall be, as far as it does not depend on its table.
    fn is_sound(&mut self, filter: &Entry<'_, Filter>, row: Row, tables: &Tables<'a>) -> bool {
        let class = filter.said.kind.as_ref().and_then(FilterKind::class);
        if class.is_some_and(|class| self.ground.goes_late(class)) && !self.ground.is_lost(row.0) {
            self.error(filter, "it sends packets to a class that goes");
            return false;
        }
        if link(filter).is_some_and(|link| !tables.contains_key(&(row.0.common(), link))) {
            self.error(filter, "it leads to a table that is not wanted");
            return false;
        }
        true
    }

    /// Where filters that stand in the same table, or in none, are to stand, if they can.
    fn row_of(&mut self, filters: &[&Entry<'_, Filter>], row: Row, tables: &Tables<'a>) -> Option<Row> {
        let Some(table) = stands_in(filters.first()?) else { return Some(row) };
        let problem = match tables.get(&(row.0.common(), table)) {
            None => "the table in which it stands is not wanted",
            Some(((_, _, 0), _)) => "the table in which it stands must say its prio",
            // The kernel lists it there, too.
            Some((row, _)) => return Some(*row),
        };
        filters.iter().for_each(|filter| self.error(filter, problem));
        None
    }

    fn take(&mut self, row: Row, filters: Vec<&'a Entry<'a, Filter>>) {
        if filters.iter().any(|filter| filter.said.u32().is_some()) {
            self.new_u32.entry(row.0.common()).or_default().insert(row);
        }
        if row.2 == 0 {
            self.automatic.entry((row.0, row.1)).or_default().extend(filters);
            return;
        }
        let mut group = self.new.remove(&row).unwrap_or_default();
        for filter in filters {
            // A filter in a table stands in the table's row, whatever protocol it says itself.
            if group.first().is_none() || is_of_table(filter) || group.takes(&Group::of(filter)) {
                group.push(filter);
            } else {
                self.error(filter, "another of its prio differs in kind, protocol or mask");
            }
        }
        self.new.insert(row, group);
    }

    fn error(&mut self, filter: &Entry<'_, Filter>, problem: &str) {
        self.steps.findings.push(Finding::error(filter.said, problem));
    }
}

/// The filters of each place, chain and prio, in their order.
fn by_row<'a>(filters: &'a [Entry<'a, Filter>]) -> impl Iterator<Item = &'a [Entry<'a, Filter>]> {
    filters.chunk_by(|one, other| one.settled.row == other.settled.row)
}

/// The table that a filter of u32 stands in, if it is not the one that packets enter.
fn stands_in(filter: &Entry<'_, Filter>) -> Option<u16> {
    (is_of_table(filter) && !filter.said.is_table()).then(|| table(filter))
}

/// Whether it is a table of u32 that says its number, or stands in one.
fn is_of_table(filter: &Entry<'_, Filter>) -> bool {
    filter.said.u32().is_some() && table(filter) != 0
}

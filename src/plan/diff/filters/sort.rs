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
                Some((there, other)) if there != row || other.settled.kind != filter.settled.kind => {
                    self.remade.entry(*common).or_default().insert(*number);
                }
                _ => (),
            }
        }
        for filter in new {
            if let Some(row) = self.row_of(filter, &wanted) {
                self.take(row, filter);
            }
        }
    }

    fn sort_old(&mut self, old: &'a [Entry<'a, Filter>]) -> Tables<'a> {
        let mut tables = Tables::new();
        for filter in old {
            let is_ours = self.scope.has_filter(&filter.settled);
            let row = filter.settled.row();
            if self.ground.is_lost(row.0) {
                if !is_ours && !filter.said.is_own_line() {
                    self.error(
                        filter,
                        "it is outside of the tree's scope, and would go with what it stands at",
                    );
                }
                continue;
            }
            let class = filter.settled.kind.as_ref().and_then(FilterKind::class);
            let goes =
                class.is_some_and(|class| self.ground.goes_early(class) || self.ground.goes_late(class));
            if !is_ours && goes {
                self.error(filter, "it is outside of the tree's scope, and holds a class that must go");
            }
            if filter.settled.u32().is_some() {
                self.old_u32.entry(row.0.common()).or_default().insert(row);
                if !is_ours {
                    self.new_u32.entry(row.0.common()).or_default().insert(row);
                }
            }
            if filter.settled.is_table() {
                tables.insert((row.0.common(), table(filter)), (row, filter));
            }
            let rows = if is_ours { &mut self.old } else { &mut self.foreign };
            rows.entry(row).or_default().push(filter);
        }
        tables
    }

    fn tables(&self, new: &'a [Entry<'a, Filter>]) -> Tables<'a> {
        let ours = new.iter().filter(|filter| self.scope.has_filter(&filter.settled));
        let tables = ours.filter(|filter| filter.settled.is_table() && table(filter) != 0);
        let row = |filter: &Entry<'_, Filter>| {
            let (place, chain, prio) = filter.settled.row();
            (self.ground.name(place), chain, prio)
        };
        tables
            .map(|filter| {
                let row = row(filter);
                ((row.0.common(), table(filter)), (row, filter))
            })
            .collect()
    }

    /// Where a wanted filter is to stand, if it can.
    fn row_of(&mut self, filter: &'a Entry<'a, Filter>, tables: &Tables<'a>) -> Option<Row> {
        let (place, chain, prio) = filter.settled.row();
        let row = (self.ground.name(place), chain, prio);
        if !self.scope.has_filter(&filter.settled) {
            self.error(filter, OUT_OF_SCOPE);
            return None;
        }
        if !self.ground.has(row.0) {
            self.error(filter, NO_PLACE);
            return None;
        }
        let class = filter.settled.kind.as_ref().and_then(FilterKind::class);
        if class.is_some_and(|class| self.ground.goes_late(class)) && !self.ground.is_lost(row.0) {
            self.error(filter, "it sends packets to a class that goes");
            return None;
        }
        if filter.settled.u32().is_none() {
            return Some(row);
        }
        if filter.settled.u32().is_none() {
            return Some(row);
        }
        let named = |number: u16| tables.get(&(row.0.common(), number));
        if link(filter).is_some_and(|link| named(link).is_none()) {
            self.error(filter, "it leads to a table that is not wanted");
            return None;
        }
        if filter.settled.is_table() || table(filter) == 0 {
            return Some(row);
        }
        match named(table(filter)) {
            None => {
                self.error(filter, "the table in which it stands is not wanted");
                None
            }
            Some(((_, _, 0), _)) => {
                self.error(filter, "the table in which it stands must say its prio");
                None
            }
            // The kernel lists it there, too.
            Some((row, _)) => Some(*row),
        }
    }

    fn take(&mut self, row: Row, filter: &'a Entry<'a, Filter>) {
        if filter.settled.u32().is_some() {
            self.new_u32.entry(row.0.common()).or_default().insert(row);
        }
        if row.2 == 0 {
            self.automatic.entry((row.0, row.1)).or_default().push(filter);
            return;
        }
        let group = self.new.entry(row).or_default();
        let mut with = Group::default();
        with.push(filter);
        // A filter in a table stands in the table's row, whatever protocol it says itself.
        if group.first().is_none() || group.takes(&with) || table_of_u32(filter) {
            group.push(filter);
        } else {
            self.error(filter, "another of its prio differs in kind, protocol or mask");
        }
    }

    fn error(&mut self, filter: &Entry<'_, Filter>, problem: &str) {
        self.steps.findings.push(Finding::error(filter.said, problem));
    }
}

fn table_of_u32(filter: &Entry<'_, Filter>) -> bool {
    filter.settled.u32().is_some() && table(filter) != 0
}

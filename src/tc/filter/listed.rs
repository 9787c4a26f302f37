//! What lists of filters contain beside the filters that somebody made.

use super::Filter;
use crate::tc::u32::{U32Handle, U32};
use crate::tc::{FilterKind, Place};
use std::collections::{BTreeMap, BTreeSet};

/// A place, a chain and a prio: all its filters are of one kind.
pub(crate) type Row = (Place, u32, u16);

impl Filter {
    /// Where it stands among others.
    pub(crate) fn row(&self) -> Row {
        (self.place, self.chain.unwrap_or(0), self.prio)
    }

    /// Its options, if it is one of u32's filters or tables.
    pub(crate) fn u32(&self) -> Option<&U32> {
        match &self.kind {
            Some(FilterKind::U32(u32)) => Some(u32),
            _ => None,
        }
    }

    /// Whether it is one of u32's tables.
    pub(crate) fn is_table(&self) -> bool {
        self.u32().is_some_and(|u32| u32.divisor.is_some())
    }

    /// Whether it is a classifier's own line, which lists have once for each row. fw in its legacy mode has nothing else.
    pub(crate) fn is_own_line(&self) -> bool {
        self.handle == 0 && self.kind.as_ref().is_some_and(|kind| !kind.has_options())
    }
}

/// The filters of each row, as far as they follow each other.
pub(crate) fn by_row(filters: &[Filter]) -> impl Iterator<Item = (Row, &[Filter])> {
    let rows = filters.chunk_by(|one, other| one.row() == other.row());
    rows.filter_map(|same| Some((same.first()?.row(), same)))
}

/// What there is in each row.
pub(crate) struct Rows {
    /// The u32 table that packets enter, which the kernel made together with the row's first filter.
    roots: BTreeMap<Row, u16>,
    /// The other tables.
    tables: BTreeSet<(Row, u16)>,
    /// The rows of u32 with the same prio at one qdisc: the kernel lists the filters of each of them in all of them, because their
    /// tables know the prio only (`u32_walk` in `net/sched/cls_u32.c`).
    shared: BTreeMap<(Place, u16), BTreeSet<Row>>,
    /// Rows that have more than the classifier's own line.
    filled: BTreeSet<Row>,
}

impl Rows {
    pub(crate) fn of(filters: &[Filter]) -> Self {
        let mut rows = Rows {
            roots: BTreeMap::new(),
            tables: BTreeSet::new(),
            shared: BTreeMap::new(),
            filled: BTreeSet::new(),
        };
        // Whoever says what shall be does not say these lines: the tables there are all meant.
        let listed: BTreeSet<Row> =
            filters.iter().filter(|filter| filter.is_own_line()).map(Filter::row).collect();
        for (row, same) in by_row(filters) {
            let mut made = same.iter().filter(|filter| filter.handle != 0).peekable();
            let Some(first) = made.peek() else { continue };
            if rows.filled.insert(row) && first.u32().is_some() {
                rows.shared.entry((row.0.common(), row.2)).or_default().insert(row);
            }
            let is_listed = listed.contains(&row);
            for filter in made {
                let Some(divisor) = filter.u32().and_then(|u32| u32.divisor) else { continue };
                let table = U32Handle::from_raw(filter.handle).table();
                if divisor.0 == 1 && table >= U32Handle::ROOT.table() && is_listed {
                    let root = rows.roots.entry(row).or_insert(table);
                    *root = table.min(*root);
                }
                rows.tables.insert((row, table));
            }
        }
        rows
    }

    /// Whether somebody made it: not the classifier's own line, nor the table that packets enter.
    pub(crate) fn is_made(&self, filter: &Filter) -> bool {
        match (&filter.kind, filter.handle) {
            (None, _) => false,
            // In this mode, it has nothing but its own line.
            (Some(FilterKind::Fw(_)), 0) => !self.filled.contains(&filter.row()),
            (_, 0) => !filter.is_own_line(),
            _ => !self.is_root(filter),
        }
    }

    /// Whether it is the table that packets enter.
    pub(crate) fn is_root(&self, filter: &Filter) -> bool {
        filter.is_table()
            && self.roots.get(&filter.row()) == Some(&U32Handle::from_raw(filter.handle).table())
    }

    /// Whether it may stand in another row as well.
    pub(crate) fn is_shared(&self, filter: &Filter) -> bool {
        let rows = || self.shared.get(&(filter.place.common(), filter.prio));
        filter.u32().is_some() && rows().is_some_and(|rows| rows.len() > 1)
    }

    /// The rows that list the same filters, those of one qdisc and prio together.
    pub(crate) fn shared(&self) -> impl Iterator<Item = &BTreeSet<Row>> {
        self.shared.values().filter(|rows| rows.len() > 1)
    }

    /// Whether a table is the one that packets enter in this row: its own number, or where the list does not say, any that the
    /// kernel chose.
    pub(crate) fn in_root(&self, row: Row) -> impl Fn(u16) -> bool + '_ {
        let root = self.roots.get(&row).copied();
        move |table| match root {
            Some(root) => table == root,
            None => table >= U32Handle::ROOT.table() && !self.tables.contains(&(row, table)),
        }
    }
}

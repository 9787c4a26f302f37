//! Filters that the kernel lists several times.

use super::super::settle;
use crate::error::Result;
use crate::netlink::Connection;
use crate::tc::u32::U32Handle;
use crate::tc::{Filter, Place, Row, Rows};
use crate::units::Handle;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

/// The handle that means the table which packets enter, whatever its number. TC_U32_ROOT of `net/sched/cls_u32.c`
const U32_ROOT: u32 = 0xfff0_0000;

/// A table of u32: where it stands, and its number.
type Table = (Place, u16);

/// Parts the filters that the kernel lists in several rows: each stays in the row that it is in, which is known of the table that
/// packets enter. What stands in another table stays in the first row that leads to it, and where nothing does, in the row where such a
/// table is wanted.
pub(super) fn part(
    nl: &mut Connection,
    filters: &mut Vec<Filter>,
    root: Handle,
    wanted: &[&[Filter]],
) -> Result<()> {
    let rows = Rows::of(filters);
    if rows.shared().next().is_none() {
        return Ok(());
    }
    let mut roots: BTreeMap<Row, u16> = BTreeMap::new();
    for line in filters.iter().filter(|filter| filter.is_own_line()) {
        if rows.shared().any(|shared| shared.contains(&line.row())) {
            let root = nl.get(&Filter { handle: U32_ROOT, ..line.clone() })?;
            roots.insert(line.row(), U32Handle::from_raw(root.handle).table());
        }
    }
    let of_row = |row: &Row| roots.get(row).copied();
    let all: BTreeSet<(Place, u16, u16)> =
        roots.iter().map(|((place, _, prio), root)| (place.common(), *prio, *root)).collect();
    // The tables that are reached from each row: first by its own filters, then by those in its tables.
    let mut owner: BTreeMap<Table, Row> = BTreeMap::new();
    let key = |filter: &Filter, table: U32Handle| (filter.place.common(), table.table());
    let links: Vec<(Row, Table, Table)> = filters
        .iter()
        .filter(|filter| roots.contains_key(&filter.row()))
        .filter_map(|filter| {
            let link = filter.u32()?.link?;
            Some((filter.row(), key(filter, U32Handle::from_raw(filter.handle)), key(filter, link)))
        })
        .collect();
    let mut leads: BTreeMap<(Row, Table), Vec<Table>> = BTreeMap::new();
    links.into_iter().for_each(|(row, from, to)| leads.entry((row, from)).or_default().push(to));
    reach(
        roots.iter().rev().map(|(row, root)| (*row, (row.0.common(), *root))).collect(),
        &leads,
        &mut owner,
    );
    for filter in wanted.iter().copied().flatten().filter(|filter| filter.is_table()) {
        let (place, chain, prio) = filter.row();
        let row = (settle::place(place, root), chain, prio);
        let table = (row.0.common(), U32Handle::from_raw(filter.handle).table());
        if let (Entry::Vacant(entry), true) = (owner.entry(table), roots.contains_key(&row)) {
            entry.insert(row);
            reach(vec![(row, table)], &leads, &mut owner);
        }
    }
    filters.retain(|filter| {
        let row = filter.row();
        let Some(root) = of_row(&row).filter(|_| filter.handle != 0) else { return true };
        let table = U32Handle::from_raw(filter.handle).table();
        if all.contains(&(row.0.common(), row.2, table)) {
            return table == root;
        }
        match owner.get(&(row.0.common(), table)) {
            Some(owner) => *owner == row,
            // Nothing leads to it, and nobody wants it: the first row has it.
            None => {
                roots.keys().find(|other| other.0.common() == row.0.common() && other.2 == row.2)
                    == Some(&row)
            }
        }
    });
    Ok(())
}

/// Gives what these tables of rows lead to to the rows, where it belongs to none.
fn reach(
    mut open: Vec<(Row, Table)>,
    leads: &BTreeMap<(Row, Table), Vec<Table>>,
    owner: &mut BTreeMap<Table, Row>,
) {
    while let Some((row, from)) = open.pop() {
        for to in leads.get(&(row, from)).into_iter().flatten() {
            if let Entry::Vacant(entry) = owner.entry(*to) {
                entry.insert(row);
                open.push((row, *to));
            }
        }
    }
}

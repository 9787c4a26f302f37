//! The requests about filters, and the order in which they are sent.

use super::super::super::settle::Entry;
use super::super::super::step::{Effect, Step};
use crate::request::Verb;
use crate::tc::u32::U32Handle;
use crate::tc::{Chain, Filter, FilterKind};
use std::borrow::Cow;

/// Steps by the time at which they can be made. What comes does so before what is not wanted goes, so that in between packets are
/// classified as before or as wanted; what must make room for others goes first.
#[derive(Debug, Default)]
pub(super) struct Lists {
    pub early: Vec<Step>,
    pub early_tables: Vec<Step>,
    pub early_rows: Vec<Step>,
    pub early_chains: Vec<Step>,
    pub chains: Vec<Step>,
    pub tables: Vec<Step>,
    /// Filters in tables.
    pub inner: Vec<Step>,
    /// Filters that packets enter by, which may lead to tables.
    pub outer: Vec<Step>,
    pub late: Vec<Step>,
    pub late_tables: Vec<Step>,
    pub late_rows: Vec<Step>,
    pub late_chains: Vec<Step>,
}

impl Lists {
    fn each(&mut self) -> [&mut Vec<Step>; 12] {
        let Lists { early, early_tables, early_rows, early_chains, chains, tables, .. } = self;
        let Lists { inner, outer, late, late_tables, late_rows, late_chains, .. } = self;
        [
            early,
            early_tables,
            early_rows,
            early_chains,
            chains,
            tables,
            inner,
            outer,
            late,
            late_tables,
            late_rows,
            late_chains,
        ]
    }

    /// All of them, in their order.
    pub fn all(mut self) -> Vec<Step> {
        let mut all = Vec::new();
        self.each().into_iter().for_each(|list| all.append(list));
        all
    }

    /// Takes over all of another's.
    pub fn append(&mut self, mut other: Lists) {
        self.each().into_iter().zip(other.each()).for_each(|(list, other)| list.append(other));
    }

    /// Adds a wanted filter, in the row that it has come to stand in, with this handle.
    pub fn add(&mut self, new: &Entry<'_, Filter>, prio: u16, handle: u32, effect: Effect, reason: Reason) {
        let step = Step::new(Verb::Add, wanted(new, prio, handle), effect, reason);
        let table = U32Handle::from_raw(handle).table();
        match (new.said.is_table(), new.said.u32()) {
            (true, _) => self.tables.push(step),
            (false, Some(_)) if table != 0 => self.inner.push(step),
            _ => self.outer.push(step),
        }
    }

    /// Makes of a filter what is wanted.
    pub fn change(&mut self, old: &Entry<'_, Filter>, new: &Entry<'_, Filter>) {
        let mut filter = wanted(new, old.said.prio, new.settled.handle);
        filter.handle = old.said.handle;
        let reason = "its options differ, and the kernel can change them";
        let step = Step::new(Verb::Change, filter, Effect::InPlace, reason);
        match U32Handle::from_raw(old.settled.handle).table() {
            table if table != 0 && old.said.u32().is_some() => self.inner.push(step),
            _ => self.outer.push(step),
        }
    }
}

pub(super) type Reason = Cow<'static, str>;

/// The filter as it is sent: u32's in the table that packets enter do not name it, because the kernel gives it its number.
fn wanted(new: &Entry<'_, Filter>, prio: u16, handle: u32) -> Filter {
    let mut filter = Filter { prio, stats: None, ..new.said.clone() };
    filter.chain = filter.chain.filter(|chain| *chain != 0);
    filter.kind.iter_mut().for_each(FilterKind::forget);
    match &mut filter.kind {
        Some(FilterKind::U32(u32)) if u32.divisor.is_none() => {
            let full = U32Handle::from_raw(handle);
            u32.ht = (full.table() != 0).then(|| U32Handle::from_raw(handle & 0xffff_f000));
            filter.handle = if full.node() == 0 { 0 } else { handle };
        }
        _ => filter.handle = handle,
    }
    filter
}

/// A filter by its names, as requests to delete it say it.
pub(super) fn named(old: &Entry<'_, Filter>) -> Filter {
    let mut filter = row(old);
    filter.handle = old.said.handle;
    filter.kind = old.said.kind.as_ref().and_then(|kind| Some(FilterKind::named(kind.name().parse().ok()?)));
    if let Some(FilterKind::Fw(fw)) = &mut filter.kind {
        fw.mark = Some(filter.handle);
    }
    filter
}

/// All filters of a prio, as requests to delete them say it.
pub(super) fn row(of: &Entry<'_, Filter>) -> Filter {
    let said = of.said;
    let chain = said.chain.filter(|chain| *chain != 0);
    Filter { prio: said.prio, protocol: said.protocol, chain, ..Filter::at(said.place) }
}

pub(super) fn delete(old: &Entry<'_, Filter>, effect: Effect, reason: impl Into<Reason>) -> Step {
    Step::new(Verb::Delete, named(old), effect, reason)
}

pub(super) fn delete_row(of: &Entry<'_, Filter>, effect: Effect, reason: impl Into<Reason>) -> Step {
    Step::new(Verb::Delete, row(of), effect, reason)
}

pub(super) fn delete_chain(chain: &Chain, effect: Effect, reason: impl Into<Reason>) -> Step {
    Step::new(Verb::Delete, Chain::at(chain.place, chain.index), effect, reason)
}

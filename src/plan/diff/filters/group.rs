//! The filters of one place, chain and prio, all of one kind and protocol.

use super::super::super::settle::Entry;
use crate::tc::u32::U32Handle;
use crate::tc::{Filter, FilterKind, Protocol};

#[derive(Clone, Debug, Default)]
pub(super) struct Group<'a> {
    /// The classifier's own line.
    pub own: Option<&'a Entry<'a, Filter>>,
    /// What somebody made.
    pub items: Vec<&'a Entry<'a, Filter>>,
}

impl<'a> Group<'a> {
    pub fn of(filter: &'a Entry<'a, Filter>) -> Self {
        let mut group = Group::default();
        group.push(filter);
        group
    }

    pub fn push(&mut self, filter: &'a Entry<'a, Filter>) {
        match filter.said.is_own_line() {
            true => self.own = Some(filter),
            false => self.items.push(filter),
        }
    }

    /// Any of its lines: all have the same kind and protocol.
    pub fn first(&self) -> Option<&'a Entry<'a, Filter>> {
        self.own.or_else(|| self.items.first().copied())
    }

    fn kind(&self) -> Option<&'a str> {
        self.first()?.said.kind.as_ref().map(FilterKind::name)
    }

    fn protocol(&self) -> Option<Protocol> {
        Some(self.first()?.settled.protocol)
    }

    pub fn is_u32(&self) -> bool {
        self.first().is_some_and(|first| first.said.u32().is_some())
    }

    /// fw's mode in which the mark is the class.
    pub fn is_legacy(&self) -> bool {
        self.items.is_empty() && self.kind() == Some("fw")
    }

    /// The bits that count of marks: the same for all of a group, once the first has come.
    fn mask(&self) -> Option<u32> {
        self.items.iter().find_map(|item| match item.kind() {
            Some(FilterKind::Fw(fw))
                if fw.class.is_some() || fw.actions.is_some() || fw.police.is_some() || fw.mask.is_some() =>
            {
                Some(fw.mask.unwrap_or(u32::MAX))
            }
            _ => None,
        })
    }

    /// Whether the other's filters can be put among these.
    pub fn takes(&self, other: &Group<'_>) -> bool {
        let same_mask = || match (self.mask(), other.mask()) {
            (Some(one), Some(other)) => one == other,
            _ => true,
        };
        self.kind() == other.kind()
            && self.protocol() == other.protocol()
            && (self.kind() != Some("fw") || same_mask())
            // Marks turn the old mode into the new one; there is no way back.
            && (!other.is_legacy() || self.is_legacy())
    }

    pub fn tables(&self) -> impl Iterator<Item = &'a Entry<'a, Filter>> + use<'_, 'a> {
        self.items.iter().copied().filter(|item| item.said.is_table())
    }

    /// u32's filters.
    pub fn leaves(&self) -> impl Iterator<Item = &'a Entry<'a, Filter>> + use<'_, 'a> {
        self.items.iter().copied().filter(|item| !item.said.is_table())
    }
}

/// The table that a u32 filter stands in, or whose line it is; 0 if it is the one that packets enter.
pub(super) fn table(filter: &Entry<'_, Filter>) -> u16 {
    U32Handle::from_raw(filter.settled.handle).table()
}

/// The table that a u32 filter leads to.
pub(super) fn link(filter: &Entry<'_, Filter>) -> Option<u16> {
    let link = filter.said.u32()?.link?;
    Some(link.table()).filter(|table| *table != 0)
}

//! Which of the filters that are there in an order stand for which that are wanted in an order.

use super::super::super::settle::Entry;
use crate::tc::Filter;
use std::collections::BTreeMap;

/// What becomes of a wanted filter: it is there as the one with this index, that one is changed into it, or it is added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Keep(usize),
    Change(usize),
    Add,
}

impl Fate {
    pub fn there(self) -> Option<usize> {
        match self {
            Fate::Keep(index) | Fate::Change(index) => Some(index),
            Fate::Add => None,
        }
    }
}

type Entries<'a, 'b> = &'b [&'b Entry<'a, Filter>];

pub(super) fn is_same(old: &Entry<'_, Filter>, new: &Entry<'_, Filter>) -> bool {
    old.settled.protocol == new.settled.protocol && old.kind() == new.kind()
}

pub(super) fn can_become(old: &Entry<'_, Filter>, new: &Entry<'_, Filter>) -> bool {
    match (old.kind(), new.kind()) {
        (Some(before), Some(after)) => {
            old.settled.protocol == new.settled.protocol
                && old.said.is_table() == new.said.is_table()
                && before.can_become(&after)
        }
        _ => false,
    }
}

/// Filters that may come to stand anywhere among those that stay: as many as can stay where they stand.
pub(super) fn anywhere(old: Entries<'_, '_>, new: Entries<'_, '_>) -> Vec<Fate> {
    let start = old.iter().zip(new).take_while(|(old, new)| is_same(old, new)).count();
    let rest = old.len().min(new.len()) - start;
    let pairs = old.iter().rev().zip(new.iter().rev()).take(rest);
    let end = pairs.take_while(|(old, new)| is_same(old, new)).count();
    let mut fates: Vec<Fate> = (0..start).map(Fate::Keep).collect();
    fates.resize(new.len() - end, Fate::Add);
    fates.extend((old.len() - end..old.len()).map(Fate::Keep));
    let mut there = Meanings::of(old.iter().take(old.len() - end).skip(start));
    // What means the same, each once; the longest part of them that is in order stays.
    let pairs: Vec<(usize, usize)> = (start..new.len() - end)
        .filter_map(|at| there.take(new.get(at)?).map(|found| (at, found + start)))
        .filter(|(at, found)| matches!((old.get(*found), new.get(*at)), (Some(old), Some(new)) if is_same(old, new)))
        .collect();
    for (at, found) in longest_in_order(&pairs) {
        fates.iter_mut().skip(at).take(1).for_each(|fate| *fate = Fate::Keep(found));
    }
    change(&mut fates, old, new);
    fates
}

/// Between those that stay, those that go may become those that come.
fn change(fates: &mut [Fate], old: Entries<'_, '_>, new: Entries<'_, '_>) {
    let mut bounds = vec![old.len(); fates.len()];
    let mut next = old.len();
    for (fate, bound) in fates.iter().zip(&mut bounds).rev() {
        next = fate.there().unwrap_or(next);
        *bound = next;
    }
    let mut free = 0;
    for ((fate, bound), new) in fates.iter_mut().zip(bounds).zip(new) {
        if let Some(index) = fate.there() {
            free = index + 1;
            continue;
        }
        let among = old.iter().enumerate().take(bound).skip(free);
        // Each is looked at once or a few times: what cannot become one is not tried for many.
        let found = among.take(TRIES).find(|(_, old)| can_become(old, new)).map(|(index, _)| index);
        if let Some(index) = found {
            *fate = Fate::Change(index);
            free = index + 1;
        }
    }
}

/// How many filters are asked whether they can become a wanted one.
const TRIES: usize = 16;

/// Filters that can only come to stand behind all that stay.
pub(super) fn behind(old: Entries<'_, '_>, new: Entries<'_, '_>) -> Vec<Fate> {
    let start = old.iter().zip(new).take_while(|(old, new)| is_same(old, new)).count();
    let mut fates: Vec<Fate> = (0..start).map(Fate::Keep).collect();
    fates.resize(new.len(), Fate::Add);
    let mut there = Meanings::of(old.iter().skip(start));
    let mut wanted = Meanings::of(new.iter().skip(start));
    let mut free = start;
    for (fate, new) in fates.iter_mut().zip(new).skip(start) {
        wanted.take(new);
        let found = std::iter::from_fn(|| there.take(new)).map(|found| found + start);
        let found = { found }.find(|found| *found >= free);
        let found = found.filter(|found| old.get(*found).is_some_and(|old| is_same(old, new)));
        let other = || old.get(free).filter(|old| !wanted.has(old) && can_become(old, new)).map(|_| free);
        *fate = match found {
            Some(found) => Fate::Keep(found),
            None => match other() {
                Some(other) => Fate::Change(other),
                None => break,
            },
        };
        free = fate.there().map_or(free, |index| index + 1);
    }
    fates
}

/// The places of filters by what they mean.
struct Meanings(BTreeMap<String, std::collections::VecDeque<usize>>);

impl Meanings {
    fn of<'a: 'b, 'b>(filters: impl Iterator<Item = &'b &'b Entry<'a, Filter>>) -> Self {
        let mut all: BTreeMap<_, std::collections::VecDeque<usize>> = BTreeMap::new();
        filters
            .enumerate()
            .for_each(|(index, filter)| all.entry(meaning(filter)).or_default().push_back(index));
        Meanings(all)
    }

    /// The first that means this and was not taken before.
    fn take(&mut self, filter: &Entry<'_, Filter>) -> Option<usize> {
        // Where none is left, nothing has to be said.
        if self.0.is_empty() {
            return None;
        }
        self.0.get_mut(&meaning(filter))?.pop_front()
    }

    fn has(&self, filter: &Entry<'_, Filter>) -> bool {
        self.0.get(&meaning(filter)).is_some_and(|left| !left.is_empty())
    }
}

fn meaning(filter: &Entry<'_, Filter>) -> String {
    filter.kind().as_ref().map(ToString::to_string).unwrap_or_default()
}

/// The longest part of the pairs, which are in the order of the first number, that is in the order of the second too.
fn longest_in_order(pairs: &[(usize, usize)]) -> Vec<(usize, usize)> {
    // For each length, the pair that ends it with the lowest number; and the pair before each.
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(pairs.len());
    let second = |index: &usize| pairs.get(*index).map(|pair| pair.1);
    for (index, pair) in pairs.iter().enumerate() {
        let length = ends.partition_point(|end| second(end) < Some(pair.1));
        before.push(length.checked_sub(1).and_then(|shorter| ends.get(shorter).copied()));
        match ends.get_mut(length) {
            Some(end) => *end = index,
            None => ends.push(index),
        }
    }
    let mut longest = Vec::with_capacity(ends.len());
    let mut at = ends.last().copied();
    while let Some(index) = at {
        longest.extend(pairs.get(index));
        at = before.get(index).copied().flatten();
    }
    longest.reverse();
    longest
}

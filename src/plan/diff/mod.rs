//! The steps from one tree to another.

mod filters;
mod queues;

use super::read::Device;
use super::settle::{distinct, parent, settle, Around, Numbers};
use super::step::Step;
use super::{Finding, Tree};
use crate::units::Handle;
use std::collections::BTreeSet;
use std::{iter, slice};

/// Steps in the order in which they can be made.
#[derive(Debug, Default)]
pub(super) struct Steps {
    /// Filters that hold classes which must go before others can come.
    release: Vec<Step>,
    /// Queues that must go before others can come, the deepest first.
    make_room: Vec<Step>,
    /// Queues that come, parents first.
    queues: Vec<Step>,
    /// Chains and filters: what comes, what changes and what goes.
    filters: Vec<Step>,
    /// Queues that go, the deepest first.
    leave: Vec<Step>,
    /// Queues that change where they stand.
    change: Vec<Step>,
    /// What cannot be done.
    pub findings: Vec<Finding>,
}

impl Steps {
    /// All of them, in their order.
    pub fn all(self) -> impl Iterator<Item = Step> {
        let Steps { release, make_room, queues, filters, leave, change, findings: _ } = self;
        [release, make_room, queues, filters, leave, change].into_iter().flatten()
    }
}

/// What is there of the old tree and will not be when the filters' turn comes, or will have been made anew.
#[derive(Debug, Default)]
struct Gone {
    /// Qdiscs and classes that are not there any more, or were made anew. The filters at them have gone with them.
    all: BTreeSet<Handle>,
    /// Classes that go before others can come: no filter may hold them.
    early: BTreeSet<Handle>,
}

/// The steps from what is there to what is wanted of a device.
pub(super) fn steps(now: &Device, wanted: &Tree) -> Steps {
    let numbers = Numbers::of(slice::from_ref(wanted));
    let inner: Vec<Handle> = distinct(wanted.classes.iter().map(parent)).into_iter().collect();
    let then = Around { setting: now.setting, inner: &inner, numbers: None };
    let there = Around { numbers: Some(&numbers), ..then };
    let (old, new) = (settle(&now.tree, &there), settle(wanted, &then));
    let mut steps = Steps::default();
    let gone = queues::diff(&old, &new, &wanted.scope, &mut steps);
    filters::diff(&old, &new, &wanted.scope, &gone, &mut steps);
    steps
}

/// What has the same key, side by side. Both are in the order of the key.
fn pairs<I, K: Copy + Ord>(
    old: impl IntoIterator<Item = I>,
    new: impl IntoIterator<Item = I>,
    key: impl Fn(&I) -> K,
) -> impl Iterator<Item = (K, Option<I>, Option<I>)> {
    let (mut old, mut new) = (old.into_iter().peekable(), new.into_iter().peekable());
    iter::from_fn(move || {
        let first = match (old.peek().map(&key), new.peek().map(&key)) {
            (Some(old), Some(new)) => old.min(new),
            (old, new) => old.or(new)?,
        };
        Some((first, old.next_if(|old| key(old) == first), new.next_if(|new| key(new) == first)))
    })
}

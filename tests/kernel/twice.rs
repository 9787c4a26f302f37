//! One thing said twice: the crate configures it in one namespace, `tc` or `ip` in another. What the tools show of both must
//! be the same, and so must what the crate reads of both.

use crate::common::{in_netns, ip, tc, Stop};
use std::fmt::Debug;
use tcnl::netlink::Connection;
use tcnl::request::Query;
use tcnl::route::{Nexthop, Route, Rule};
use tcnl::tc::{Action, ActionKind, ActionTable, Class, Filter, FilterKind, Qdisc};

/// What there was to be seen: the same in both namespaces.
pub struct Seen<O> {
    pub shown: String,
    pub objects: Vec<O>,
}

/// Prepares two namespaces with `setup`, adds `ours` in one and runs the commands `theirs` in the other, and compares what the
/// command `show` prints and what `query` reads. It is a skip, with the kernel's words, where the kernel does not have it.
pub fn twice<Q: Query + Copy + Sync>(
    setup: &[&str],
    ours: &[Q::Object],
    theirs: &[&str],
    show: &str,
    query: Q,
) -> Result<Seen<Q::Object>, Stop>
where
    Q::Object: Lasting + Debug + PartialEq + Send,
{
    let see = |nl: &mut Connection| -> Result<Seen<Q::Object>, Stop> {
        let shown = run(show)?;
        let mut objects = nl.snapshot(query)?;
        objects.iter_mut().for_each(Lasting::forget_what_changes);
        Ok(Seen { shown, objects })
    };
    let configured = by_us(setup, ours, see).map_err(skip_what_is_not_there)?;
    let given = by_them(setup, theirs, see).map_err(skip_what_is_not_there)?;
    assert_eq!(
        configured.shown, given.shown,
        "`{show}` on what the crate made (left) and on what {theirs:?} did"
    );
    assert_eq!(configured.objects, given.objects, "read after the crate (left) and after {theirs:?}");
    Ok(configured)
}

fn by_us<O: tcnl::request::Object, T>(
    setup: &[&str],
    ours: &[O],
    see: impl Fn(&mut Connection) -> Result<T, Stop>,
) -> Result<T, Stop> {
    // The test's own namespace.
    setup.iter().try_for_each(|command| run(command).map(drop))?;
    let mut nl = Connection::open()?;
    for object in ours {
        nl.add(object)?;
    }
    see(&mut nl)
}

fn by_them<T: Send>(
    setup: &[&str],
    theirs: &[&str],
    see: impl Fn(&mut Connection) -> Result<T, Stop> + Sync,
) -> Result<T, Stop> {
    in_netns(|| {
        setup.iter().chain(theirs).try_for_each(|command| run(command).map(drop))?;
        see(&mut Connection::open()?)
    })
}

/// Runs a command of `tc` or `ip`.
pub fn run(command: &str) -> Result<String, Stop> {
    match command.split_once(' ') {
        Some(("tc", words)) => tc(words),
        Some(("ip", words)) => ip(words),
        _ => Err(Stop::Fail(format!("`{command}` is for neither tc nor ip"))),
    }
}

/// A failure with one of the kernel's words for what it does not have is a skip.
pub fn skip_what_is_not_there(stop: Stop) -> Stop {
    let words = [
        "qdisc kind is unknown",
        "TC classifier not found",
        "Failed to load TC action module",
        // Found by a plan.
        "the kernel has no ",
    ];
    words.into_iter().fold(stop, Stop::skip_if)
}

impl<O> Seen<O> {
    /// All of these stand in what the tool shows.
    pub fn shows(self, words: &[&str]) -> Self {
        for words in words {
            assert!(self.shown.contains(words), "no {words:?} in\n{}", self.shown);
        }
        self
    }

    /// What is read, each object in words.
    pub fn reads(self, text: impl Fn(&O) -> String, expected: &[&str]) -> Self {
        assert_eq!(self.objects.iter().map(text).collect::<Vec<_>>(), expected);
        self
    }
}

/// What an object has beside what changes by itself.
pub trait Lasting {
    fn forget_what_changes(&mut self);
}

impl Lasting for Qdisc {
    fn forget_what_changes(&mut self) {
        assert!(self.stats.take().is_some(), "no statistics of {self:?}");
    }
}

impl Lasting for Class {
    fn forget_what_changes(&mut self) {
        assert!(self.stats.take().is_some(), "no statistics of {self:?}");
    }
}

impl Lasting for Rule {
    fn forget_what_changes(&mut self) {}
}

impl Lasting for Route {
    fn forget_what_changes(&mut self) {
        self.cache = None;
    }
}

impl Lasting for Nexthop {
    fn forget_what_changes(&mut self) {}
}

impl Lasting for Filter {
    fn forget_what_changes(&mut self) {
        self.stats = None;
        let (actions, police) = match &mut self.kind {
            Some(FilterKind::U32(u32)) => (&mut u32.actions, &mut u32.police),
            Some(FilterKind::Fw(fw)) => (&mut fw.actions, &mut fw.police),
            _ => return,
        };
        police.iter_mut().for_each(|police| police.times = None);
        actions.iter_mut().flat_map(|actions| &mut actions.0).for_each(|(_, action)| forget_times(action));
    }
}

impl Lasting for ActionTable {
    fn forget_what_changes(&mut self) {
        self.actions.iter_mut().for_each(forget_times);
    }
}

fn forget_times(action: &mut Action) {
    assert!(action.stats.take().is_some(), "no statistics of {action:?}");
    match &mut action.kind {
        ActionKind::Gact(gact) => gact.times = None,
        ActionKind::Mirred(mirred) => mirred.times = None,
        ActionKind::Police(police) => police.times = None,
        ActionKind::Skbedit(skbedit) => skbedit.times = None,
        _ => (),
    }
}

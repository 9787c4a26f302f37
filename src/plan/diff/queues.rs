//! Qdiscs and classes, from the root on.

mod families;

use super::super::settle::{distinct, Entry, Settled};
use super::super::step::{Effect, Step};
use super::super::{Finding, Scope};
use super::{pairs, Gone, Steps};
use crate::request::Verb;
use crate::tc::{Class, Qdisc, QdiscKind};
use crate::units::Handle;
use families::{Families, Family};
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

const NOT_THERE: &str = "it is not there";
const NOT_WANTED: &str = "it is not wanted";
const WITH_ITS_PARENT: &str = "what it stands in is new";

pub(super) fn diff(old: &Settled<'_>, new: &Settled<'_>, scope: &Scope, steps: &mut Steps) -> Gone {
    let mut claimed = BTreeMap::new();
    for qdisc in new.qdiscs.iter().filter(|qdisc| qdisc.settled.handle != Handle::UNSPEC) {
        claimed.insert(qdisc.settled.handle, qdisc.settled.parent);
    }
    let mut diff = Diff {
        old: Families::of(old),
        new: Families::of(new),
        parents: distinct(new.classes.iter().map(|class| class.settled.parent)),
        held: OnceCell::new(),
        scope,
        claimed,
        steps,
        gone: Gone::default(),
    };
    let spot =
        |place| Spot { place, is_there: true, old: at(&old.qdiscs, place), new: at(&new.qdiscs, place) };
    let mut spots = vec![spot(Handle::ROOT), spot(Handle::INGRESS)];
    while let Some(spot) = spots.pop() {
        if let Some((handle, is_there)) = diff.place(spot) {
            diff.classes(handle, is_there);
            spots.extend(diff.below(handle, is_there));
        }
    }
    diff.gone
}

struct Diff<'a> {
    old: Families<'a>,
    new: Families<'a>,
    /// What will have classes.
    parents: BTreeSet<Handle>,
    /// Where the handles are now, if somebody asked.
    held: OnceCell<BTreeMap<Handle, Handle>>,
    scope: &'a Scope,
    /// Where the handles that are wanted shall be.
    claimed: BTreeMap<Handle, Handle>,
    steps: &'a mut Steps,
    gone: Gone,
}

/// Where a qdisc stands or shall stand.
struct Spot<'a> {
    place: Handle,
    /// Whether what it stands in is there, and stays.
    is_there: bool,
    old: Option<&'a Entry<'a, Qdisc>>,
    new: Option<&'a Entry<'a, Qdisc>>,
}

impl<'a> Diff<'a> {
    /// What to do with the qdisc at a place. Gives the handle of the one that will be there, and whether it is there already.
    fn place(&mut self, spot: Spot<'a>) -> Option<(Handle, bool)> {
        let Spot { place, is_there, old, new } = spot;
        let Some(new) = new else {
            if let Some(old) = old.filter(|old| self.scope.has_qdisc(place, old.settled.handle)) {
                let effect = if place == Handle::ROOT { Effect::Disruptive } else { Effect::Replacing };
                self.steps.leave.push(Step::new(Verb::Delete, named(old.said), effect, NOT_WANTED));
                self.goes(old.settled.handle);
            }
            return None;
        };
        if !self.scope.has_qdisc(place, new.settled.handle) {
            let problem = "it is outside of the scope of its tree";
            self.steps.findings.push(Finding::error(new.said, problem));
            return None;
        }
        let wanted = new.settled.handle;
        let Some(old) = old else {
            let reason = if is_there { NOT_THERE } else { WITH_ITS_PARENT };
            self.steps.queues.push(Step::new(Verb::Add, new.said.clone(), Effect::InPlace, reason));
            return Some((wanted, false));
        };
        let handle = old.settled.handle;
        if !self.scope.has_qdisc(place, old.settled.handle) {
            let problem = format!("`{}` stands in its place, and is outside of the tree's scope", old.said);
            self.steps.findings.push(Finding::error(new.said, problem));
            return None;
        }
        // A handle that another qdisc shall have cannot stay here.
        let taken = self.claimed.get(&handle).is_some_and(|claimed| *claimed != place);
        let same_handle = wanted == handle || wanted == Handle::UNSPEC && !taken;
        if same_handle && is_same(old, new) {
            return Some((handle, true));
        }
        if same_handle && can_become(old, new) {
            // A change that says nothing changes nothing: the kernel's defaults are said.
            let says = new.said.kind.as_ref().is_some_and(QdiscKind::has_options);
            let kind = if says { new.said.kind.clone() } else { new.kind() };
            let changed = Qdisc { handle, kind, ..new.said.clone() };
            self.steps.change.push(Step::new(
                Verb::Change,
                changed,
                Effect::InPlace,
                "its options differ, and the kernel can change them",
            ));
            return Some((handle, true));
        }
        self.goes(handle);
        let effect = match place {
            Handle::ROOT | Handle::INGRESS => Effect::Disruptive,
            _ => Effect::Replacing,
        };
        let kinds = (&old.said.kind, &new.said.kind);
        let same_kind = matches!(kinds, (Some(old), Some(new)) if old.name() == new.name());
        // The kernel puts another handle in place in one step; with this one, or with none, it would try to change what is there.
        let at_once = place != Handle::INGRESS
            && !taken
            && wanted != handle
            && (wanted != Handle::UNSPEC || !same_kind)
            && !self.is_elsewhere(wanted, place);
        if at_once {
            let reason = "another one is there";
            self.steps.queues.push(Step::new(Verb::Replace, new.said.clone(), effect, reason));
        } else {
            let reason = match same_kind {
                true => "its options differ, and the kernel cannot change them",
                false => "another one is there, which must go first",
            };
            self.steps.make_room.push(Step::new(Verb::Delete, named(old.said), effect, reason));
            self.steps.queues.push(Step::new(Verb::Add, new.said.clone(), effect, reason));
        }
        Some((wanted, false))
    }

    /// Whether a qdisc with this handle is now at another place.
    fn is_elsewhere(&self, handle: Handle, place: Handle) -> bool {
        let all = || self.old.all.qdiscs.iter().map(|qdisc| (qdisc.settled.handle, qdisc.settled.parent));
        let held = self.held.get_or_init(|| all().collect());
        handle != Handle::UNSPEC && held.get(&handle).is_some_and(|held| *held != place)
    }

    /// What to do with the classes of a qdisc.
    fn classes(&mut self, qdisc: Handle, is_there: bool) {
        let new = self.new.classes(qdisc);
        let old = if is_there { self.old.classes(qdisc) } else { &[] };
        if old.len() == new.len() && old.iter().zip(new).all(|(old, new)| is_same_class(old, new)) {
            return;
        }
        let (old, new) = (Family::of(old), Family::of(new));
        let mut early = BTreeSet::new();
        for class in new.classes {
            let Some(there) = old.get(class.settled.id) else { continue };
            let stays = there.settled.parent == class.settled.parent
                && (there.kind() == class.kind() || class_can_become(there, class));
            if !stays {
                early.extend(old.subtree(class.settled.id));
            }
            // A qdisc can only stand at a class without classes.
            let becomes_leaf = at(&self.new.all.qdiscs, class.settled.id).is_some()
                && !self.parents.contains(&class.settled.id);
            if becomes_leaf {
                old.children(class.settled.id).for_each(|child| early.extend(old.subtree(child)));
            }
        }
        let (mut go_early, mut go_late) = (Vec::new(), Vec::new());
        for class in old.classes {
            let id = class.settled.id;
            match (early.contains(&id), new.get(id)) {
                (true, _) => go_early.push(class),
                (false, None) => go_late.push(class),
                (false, Some(_)) => continue,
            }
            self.gone.all.insert(id);
        }
        for (classes, list) in [(go_early, &mut self.steps.make_room), (go_late, &mut self.steps.leave)] {
            let mut classes = classes;
            classes.sort_by_key(|class| std::cmp::Reverse(old.depth(class.settled.id)));
            for class in classes {
                let id = class.settled.id;
                let (effect, reason) = match new.get(id) {
                    Some(_) => (Effect::Disruptive, "the kernel cannot move it or what it stands in"),
                    None => (Effect::Replacing, NOT_WANTED),
                };
                let gone = Class::with_id(class.said.dev, id);
                list.push(Step::new(Verb::Delete, gone, effect, reason));
            }
        }
        let mut come: Vec<&Entry<'_, Class>> = Vec::new();
        for class in new.classes {
            match old.get(class.settled.id).filter(|there| !early.contains(&there.settled.id)) {
                None => come.push(class),
                Some(there) if there.kind() != class.kind() => {
                    self.steps.change.push(Step::new(
                        Verb::Change,
                        class.said.clone(),
                        Effect::InPlace,
                        "its options differ",
                    ));
                }
                Some(_) => (),
            }
        }
        come.sort_by_key(|class| (new.depth(class.settled.id), class.settled.id));
        for class in come {
            let parent = class.settled.parent;
            let leaf = at(&self.old.all.qdiscs, parent).filter(|_| is_there && !early.contains(&parent));
            let (effect, reason) = match (is_there, leaf, old.get(class.settled.id)) {
                (_, Some(_), _) => (Effect::Replacing, "it is not there; the queue at its parent goes"),
                (_, _, Some(_)) => (Effect::Disruptive, "it was made room for, or what it stands in is new"),
                (false, ..) => (Effect::InPlace, WITH_ITS_PARENT),
                (true, ..) => (Effect::InPlace, NOT_THERE),
            };
            self.steps.queues.push(Step::new(Verb::Add, class.said.clone(), effect, reason));
        }
        self.gone.early.append(&mut early);
    }

    /// The places below a qdisc, of which the last is the first to be looked at.
    fn below(&mut self, qdisc: Handle, is_there: bool) -> Vec<Spot<'a>> {
        let mut spots = Vec::new();
        if qdisc == Handle::UNSPEC {
            return spots;
        }
        let old = if is_there { self.old.qdiscs(qdisc) } else { &[] };
        for (place, old, new) in pairs(old, self.new.qdiscs(qdisc), |qdisc| qdisc.settled.parent) {
            // A class that gets classes loses its qdisc.
            let becomes_inner = new.is_none() && self.parents.contains(&place);
            let lost = old.filter(|_| becomes_inner || self.gone.all.contains(&place));
            // What goes with its class must not take a handle away that is wanted elsewhere.
            let gone = lost.or(old.filter(|old| self.gone.all.contains(&old.settled.handle)));
            gone.into_iter().for_each(|gone| self.goes(gone.settled.handle));
            if gone.is_none() || new.is_some() {
                let stays = lost.is_none();
                spots.push(Spot { place, is_there: is_there && stays, old: old.filter(|_| stays), new });
            }
        }
        spots.reverse();
        spots
    }

    /// A qdisc goes, and with it all that is in it.
    fn goes(&mut self, qdisc: Handle) {
        let mut going = vec![qdisc];
        while let Some(qdisc) = going.pop() {
            if qdisc == Handle::UNSPEC || !self.gone.all.insert(qdisc) {
                continue;
            }
            self.gone.all.extend(self.old.classes(qdisc).iter().map(|class| class.settled.id));
            going.extend(self.old.qdiscs(qdisc).iter().map(|qdisc| qdisc.settled.handle));
        }
    }
}

/// A qdisc by its place and handle, as requests to delete it say it.
fn named(qdisc: &Qdisc) -> Qdisc {
    Qdisc::at(qdisc.dev, qdisc.parent).handle(qdisc.handle)
}

fn is_same(old: &Entry<'_, Qdisc>, new: &Entry<'_, Qdisc>) -> bool {
    old.kind() == new.kind() && old.rest() == new.rest()
}

fn can_become(old: &Entry<'_, Qdisc>, new: &Entry<'_, Qdisc>) -> bool {
    let kinds = matches!((old.kind(), new.kind()), (Some(old), Some(new)) if old.can_become(&new));
    kinds && old.rest() == new.rest()
}

fn class_can_become(old: &Entry<'_, Class>, new: &Entry<'_, Class>) -> bool {
    matches!((old.kind(), new.kind()), (Some(old), Some(new)) if old.can_become(&new))
}

fn is_same_class(old: &Entry<'_, Class>, new: &Entry<'_, Class>) -> bool {
    let (one, other) = (old.settled, new.settled);
    (one.id, one.parent) == (other.id, other.parent) && old.kind() == new.kind()
}

/// The qdisc at a place.
fn at<'a>(qdiscs: &'a [Entry<'a, Qdisc>], place: Handle) -> Option<&'a Entry<'a, Qdisc>> {
    let index = qdiscs.binary_search_by_key(&place, |qdisc| qdisc.settled.parent).ok()?;
    qdiscs.get(index)
}

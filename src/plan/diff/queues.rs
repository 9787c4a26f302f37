//! Qdiscs and classes, from the root on.

use super::super::settle::{Entry, Settled};
use super::super::step::{Effect, Step};
use super::super::{Finding, Scope};
use super::{Gone, Steps};
use crate::request::Verb;
use crate::tc::{Class, Qdisc, QdiscKind};
use crate::units::Handle;
use std::collections::{BTreeMap, BTreeSet};

const NOT_THERE: &str = "it is not there";
const NOT_WANTED: &str = "it is not wanted";
const WITH_ITS_PARENT: &str = "what it stands in is made anew";

pub(super) fn diff(old: &Settled<'_>, new: &Settled<'_>, scope: &Scope, steps: &mut Steps) -> Gone {
    let mut claimed = BTreeMap::new();
    for qdisc in new.qdiscs.iter().filter(|qdisc| qdisc.settled.handle != Handle::UNSPEC) {
        claimed.insert(qdisc.settled.handle, qdisc.settled.parent);
    }
    let mut diff = Diff { old, new, scope, claimed, steps, gone: Gone::default() };
    let mut places = vec![(Handle::ROOT, true), (Handle::INGRESS, true)];
    while let Some((place, is_there)) = places.pop() {
        if let Some((handle, is_there)) = diff.place(place, is_there) {
            diff.classes(handle, is_there);
            places.extend(diff.below(handle, is_there));
        }
    }
    diff.gone
}

struct Diff<'a> {
    old: &'a Settled<'a>,
    new: &'a Settled<'a>,
    scope: &'a Scope,
    /// Where the handles that are wanted shall be.
    claimed: BTreeMap<Handle, Handle>,
    steps: &'a mut Steps,
    gone: Gone,
}

impl Diff<'_> {
    /// What to do with the qdisc at a place. Gives the handle of the one that will be there, and whether it is there already.
    fn place(&mut self, place: Handle, is_there: bool) -> Option<(Handle, bool)> {
        let old = at(&self.old.qdiscs, place).filter(|_| is_there);
        let Some(new) = at(&self.new.qdiscs, place) else {
            if let Some(old) = old.filter(|old| self.scope.has_qdisc(&old.settled)) {
                let effect = if place == Handle::ROOT { Effect::Disruptive } else { Effect::Replacing };
                self.steps.leave.push(Step::new(Verb::Delete, named(old.said), effect, NOT_WANTED));
                self.goes(old.settled.handle);
            }
            return None;
        };
        if !self.scope.has_qdisc(&new.settled) {
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
        if !self.scope.has_qdisc(&old.settled) {
            let problem = format!("`{}` stands in its place, and is outside of the tree's scope", old.said);
            self.steps.findings.push(Finding::error(new.said, problem));
            return None;
        }
        // A handle that another qdisc shall have cannot stay here.
        let taken = self.claimed.get(&handle).is_some_and(|claimed| *claimed != place);
        let same_handle = wanted == handle || wanted == Handle::UNSPEC && !taken;
        if same_handle && is_same(&old.settled, &new.settled) {
            return Some((handle, true));
        }
        if same_handle && can_become(&old.settled, &new.settled) {
            // A change that says nothing changes nothing: the kernel's defaults are said.
            let says = new.said.kind.as_ref().is_some_and(QdiscKind::has_options);
            let kind = if says { &new.said.kind } else { &new.settled.kind };
            let changed = Qdisc { handle, kind: kind.clone(), ..new.said.clone() };
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
        let kinds = (&old.settled.kind, &new.settled.kind);
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
        let holds =
            |qdisc: &Entry<'_, Qdisc>| qdisc.settled.handle == handle && qdisc.settled.parent != place;
        handle != Handle::UNSPEC && self.old.qdiscs.iter().any(holds)
    }

    /// What to do with the classes of a qdisc.
    fn classes(&mut self, qdisc: Handle, is_there: bool) {
        let new = range(&self.new.classes, qdisc, |class| class.id);
        let old = match is_there {
            true => range(&self.old.classes, qdisc, |class| class.id),
            false => &[],
        };
        let (old, new) = (Family::of(old), Family::of(new));
        let mut early = BTreeSet::new();
        for class in new.classes {
            let Some(there) = old.get(class.settled.id) else { continue };
            let stays = there.settled.parent == class.settled.parent
                && (there.settled.kind == class.settled.kind
                    || class_can_become(&there.settled, &class.settled));
            if !stays {
                early.extend(old.subtree(class.settled.id));
            }
            // A qdisc can only stand at a class without classes.
            let becomes_leaf =
                at(&self.new.qdiscs, class.settled.id).is_some() && !new.has_children(class.settled.id);
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
                Some(there) if there.settled.kind != class.settled.kind => {
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
            let leaf = at(&self.old.qdiscs, parent).filter(|_| is_there && !early.contains(&parent));
            let (effect, reason) = match (is_there, leaf, old.get(class.settled.id)) {
                (_, Some(_), _) => (Effect::Replacing, "it is not there; the queue at its parent goes"),
                (_, _, Some(_)) => {
                    (Effect::Disruptive, "it was made room for, or what it stands in is made anew")
                }
                (false, ..) => (Effect::InPlace, WITH_ITS_PARENT),
                (true, ..) => (Effect::InPlace, NOT_THERE),
            };
            self.steps.queues.push(Step::new(Verb::Add, class.said.clone(), effect, reason));
        }
        self.gone.early.append(&mut early);
    }

    /// The places below a qdisc, and whether what is at them now will still be there.
    fn below(&mut self, qdisc: Handle, is_there: bool) -> Vec<(Handle, bool)> {
        if qdisc == Handle::UNSPEC {
            return Vec::new();
        }
        let old = range(&self.old.qdiscs, qdisc, |qdisc| qdisc.parent);
        let new = range(&self.new.qdiscs, qdisc, |qdisc| qdisc.parent);
        let mut places: BTreeMap<Handle, bool> =
            new.iter().map(|qdisc| (qdisc.settled.parent, is_there)).collect();
        let lost: Vec<(Handle, Handle)> = match is_there {
            false => Vec::new(),
            true => old
                .iter()
                .map(|qdisc| (qdisc.settled.parent, qdisc.settled.handle))
                .filter(|(place, handle)| {
                    let lost = self.gone.all.contains(place) || self.becomes_inner(*place);
                    places.insert(*place, !lost);
                    lost
                        // What goes with its class must not take a handle away that is wanted elsewhere.
                        || self.gone.all.contains(handle)
                })
                .collect(),
        };
        for (place, handle) in lost {
            self.goes(handle);
            if at(&self.new.qdiscs, place).is_none() {
                places.remove(&place);
            }
        }
        // The last is the first to be looked at.
        places.into_iter().rev().collect()
    }

    /// Whether a class gets classes, with which its qdisc goes.
    fn becomes_inner(&self, class: Handle) -> bool {
        let among = range(&self.new.classes, Handle::qdisc(class.major()), |class| class.id);
        // Classes that have a qdisc now rarely get classes: it is looked for only where the qdisc is not wanted any more.
        at(&self.new.qdiscs, class).is_none() && among.iter().any(|child| child.settled.parent == class)
    }

    /// A qdisc goes, and with it all that is in it.
    fn goes(&mut self, qdisc: Handle) {
        let mut going = vec![qdisc];
        while let Some(qdisc) = going.pop() {
            if qdisc == Handle::UNSPEC || !self.gone.all.insert(qdisc) {
                continue;
            }
            let classes = range(&self.old.classes, qdisc, |class| class.id);
            self.gone.all.extend(classes.iter().map(|class| class.settled.id));
            let below = range(&self.old.qdiscs, qdisc, |qdisc| qdisc.parent);
            going.extend(below.iter().map(|qdisc| qdisc.settled.handle));
        }
    }
}

/// A qdisc by its place and handle, as requests to delete it say it.
fn named(qdisc: &Qdisc) -> Qdisc {
    Qdisc::at(qdisc.dev, qdisc.parent).handle(qdisc.handle)
}

fn is_same(old: &Qdisc, new: &Qdisc) -> bool {
    old.kind == new.kind && has_same_rest(old, new)
}

fn has_same_rest(old: &Qdisc, new: &Qdisc) -> bool {
    (&old.stab, old.ingress_block, old.egress_block) == (&new.stab, new.ingress_block, new.egress_block)
}

fn can_become(old: &Qdisc, new: &Qdisc) -> bool {
    let kinds = matches!((&old.kind, &new.kind), (Some(old), Some(new)) if old.can_become(new));
    kinds && has_same_rest(old, new)
}

fn class_can_become(old: &Class, new: &Class) -> bool {
    matches!((&old.kind, &new.kind), (Some(old), Some(new)) if old.can_become(new))
}

/// The qdisc at a place.
fn at<'a, 'b>(qdiscs: &'b [Entry<'a, Qdisc>], place: Handle) -> Option<&'b Entry<'a, Qdisc>> {
    let index = qdiscs.binary_search_by_key(&place, |qdisc| qdisc.settled.parent).ok()?;
    qdiscs.get(index)
}

/// Those whose key is a class of this qdisc. That of ingress has none: its number is also that of the places where roots stand.
fn range<'a, 'b, T>(
    entries: &'b [Entry<'a, T>],
    qdisc: Handle,
    key: impl Fn(&T) -> Handle,
) -> &'b [Entry<'a, T>] {
    if qdisc.major() == Handle::INGRESS.major() {
        return &[];
    }
    let start = entries.partition_point(|entry| key(&entry.settled) <= Handle::qdisc(qdisc.major()));
    let rest = entries.get(start..).unwrap_or_default();
    let end = rest.partition_point(|entry| key(&entry.settled).major() <= qdisc.major());
    rest.get(..end).unwrap_or_default()
}

/// The classes of one qdisc.
struct Family<'a, 'b> {
    classes: &'b [Entry<'a, Class>],
    children: BTreeMap<Handle, Vec<Handle>>,
}

impl<'a, 'b> Family<'a, 'b> {
    fn of(classes: &'b [Entry<'a, Class>]) -> Self {
        let mut children: BTreeMap<Handle, Vec<Handle>> = BTreeMap::new();
        for class in classes {
            children.entry(class.settled.parent).or_default().push(class.settled.id);
        }
        Family { classes, children }
    }

    fn get(&self, id: Handle) -> Option<&'b Entry<'a, Class>> {
        let index = self.classes.binary_search_by_key(&id, |class| class.settled.id).ok()?;
        self.classes.get(index)
    }

    fn has_children(&self, id: Handle) -> bool {
        self.children.contains_key(&id)
    }

    fn children(&self, id: Handle) -> impl Iterator<Item = Handle> + '_ {
        self.children.get(&id).into_iter().flatten().copied()
    }

    /// The class and all below it.
    fn subtree(&self, id: Handle) -> BTreeSet<Handle> {
        let (mut all, mut open) = (BTreeSet::new(), vec![id]);
        while let Some(id) = open.pop() {
            if all.insert(id) {
                open.extend(self.children(id));
            }
        }
        all
    }

    /// How many classes there are above it.
    fn depth(&self, id: Handle) -> usize {
        let mut class = self.get(id);
        for depth in 0..DEEPEST {
            match class.and_then(|class| self.get(class.settled.parent)) {
                Some(above) => class = Some(above),
                None => return depth,
            }
        }
        DEEPEST
    }
}

/// Kernels refuse more than 8 levels; this bounds what nonsense costs.
const DEEPEST: usize = 64;

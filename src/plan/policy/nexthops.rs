//! The steps from nexthop objects to nexthop objects.

use super::super::{Effect, Finding, Step};
use super::diff::{Risk, Steps, NOT_THERE, NOT_WANTED};
use super::{same, Policy, State};
use crate::request::Verb;
use crate::route::Nexthop;
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn diff(now: &State, wanted: &Policy, risk: &mut Risk, steps: &mut Steps) {
    let there: BTreeMap<u32, &Nexthop> = now.nexthops.iter().map(|nexthop| (nexthop.id, nexthop)).collect();
    let own = |id: &u32| there.get(id).copied().filter(|nexthop| wanted.owns_nexthop(nexthop));
    let is_wanted: BTreeSet<u32> = wanted.nexthops.iter().map(|nexthop| nexthop.id).collect();
    let grouped: BTreeSet<u32> = now.nexthops.iter().flat_map(members).collect();
    let anew: BTreeSet<u32> = (wanted.nexthops.iter())
        .filter(|new| {
            own(&new.id).is_some_and(|old| !same::nexthop(old, new) && !can_become(old, new, &grouped))
        })
        .map(|new| new.id)
        .collect();
    let goes = |id: &u32| anew.contains(id) || own(id).is_some() && !is_wanted.contains(id);
    // Groups that lose a member, and may end with their last one.
    let shrunk: BTreeSet<u32> = (now.nexthops.iter())
        .filter(|group| members(group).any(|id| anew.contains(&id)))
        .map(|group| group.id)
        .collect();
    risk.nexthops.extend(anew.iter().chain(&shrunk));
    for group in now.nexthops.iter().filter(|group| !wanted.owns_nexthop(group)) {
        for member in members(group).filter(goes) {
            if let Some(member) = there.get(&member) {
                steps.findings.push(Finding::error(member, format!("another's group needs it: `{group}`")));
            }
        }
    }
    for route in &now.foreign {
        if let Some(used) = route.nexthop_id.filter(|id| goes(id) || shrunk.contains(id)) {
            if let Some(used) = there.get(&used) {
                steps.findings.push(Finding::error(used, format!("another's route needs it: `{route}`")));
            }
        }
    }
    for nexthop in &wanted.nexthops {
        let (verb, effect, reason) = match (own(&nexthop.id), there.get(&nexthop.id)) {
            (None, None) => (Verb::Add, Effect::InPlace, NOT_THERE),
            (None, Some(other)) => {
                let problem = format!("another's has its id: `{other}`");
                steps.findings.push(Finding::error(nexthop, problem));
                continue;
            }
            (Some(_), _) if anew.contains(&nexthop.id) => (Verb::Add, Effect::Disruptive, ANEW),
            (Some(_), _) if shrunk.contains(&nexthop.id) => {
                (Verb::Replace, Effect::Disruptive, "one of its members is made anew")
            }
            (Some(old), _) if same::nexthop(old, nexthop) => continue,
            (Some(_), _) => (Verb::Replace, Effect::InPlace, "it differs, and the kernel can replace it"),
        };
        let step = Step::new(verb, nexthop.clone(), effect, reason);
        if nexthop.group.is_some() { &mut steps.groups } else { &mut steps.nexthops }.push(step);
    }
    for nexthop in there.values().filter(|nexthop| goes(&nexthop.id)) {
        let is_group = nexthop.group.is_some();
        let early = anew.contains(&nexthop.id) || shrunk.contains(&nexthop.id);
        let stage = match (early, is_group) {
            (true, true) => &mut steps.early_groups,
            (true, false) => &mut steps.early_nexthops,
            (false, true) => &mut steps.old_groups,
            (false, false) => &mut steps.old_nexthops,
        };
        let (effect, reason) = match anew.contains(&nexthop.id) {
            true => (Effect::Disruptive, ANEW),
            false => (Effect::InPlace, NOT_WANTED),
        };
        stage.push(Step::new(Verb::Delete, (*nexthop).clone(), effect, reason));
    }
}

const ANEW: &str = "it differs, and the kernel cannot replace it; the routes that use it go with it";

fn members(nexthop: &Nexthop) -> impl Iterator<Item = u32> + '_ {
    nexthop.group.iter().flat_map(|group| group.members.iter().map(|member| member.id))
}

/// Whether the kernel replaces the one by the other. `replace_nexthop()` of `net/ipv4/nexthop.c`
fn can_become(old: &Nexthop, new: &Nexthop, grouped: &BTreeSet<u32>) -> bool {
    match (&old.group, &new.group) {
        (Some(old), Some(new)) => {
            let buckets =
                |group: &crate::route::Group| group.resilient.as_ref().and_then(|table| table.buckets);
            old.kind.unwrap_or_default() == new.kind.unwrap_or_default()
                && (buckets(new).is_none() || buckets(old) == buckets(new))
        }
        (None, None) => {
            // Routes of the one family cannot use a way of the other, and some groups no way that drops.
            let drops = new.blackhole && !old.blackhole && grouped.contains(&old.id);
            old.family == new.family && old.fdb == new.fdb && !drops
        }
        _ => false,
    }
}

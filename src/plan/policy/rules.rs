//! The steps from rules to rules.

use super::super::{Effect, Finding, Step};
use super::diff::{Steps, NOT_THERE, NOT_WANTED};
use super::same::settled_rule;
use super::{Policy, State};
use crate::command::AnyObject;
use crate::request::Verb;
use crate::route::{Family, Rule};
use std::collections::BTreeMap;

/// What the rule says, whoever added it: rules that mean the same have the same text.
pub(in crate::plan) fn text(rule: &Rule) -> String {
    settled_rule(rule).to_string()
}

/// Where rules stand: the kernel tells those of one place apart by what they say.
type Place = (Family, Option<u32>);

/// A rule, and what it means.
struct Entry<'a> {
    said: &'a Rule,
    settled: Rule,
}

/// What becomes of the rules of one place.
#[derive(Default)]
struct Changes<'a> {
    /// In the kernel's order, with whether they stay.
    own: Vec<(Entry<'a>, bool)>,
    coming: Vec<Entry<'a>>,
}

pub(super) fn diff(now: &State, wanted: &Policy, steps: &mut Steps) {
    let mut places: BTreeMap<Place, Changes<'_>> = BTreeMap::new();
    let mut own: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut foreign: BTreeMap<String, &Rule> = BTreeMap::new();
    for said in &now.rules {
        if wanted.owns_rule(said) {
            let place = &mut places.entry((said.family, said.priority)).or_default().own;
            own.entry(text(said)).or_default().push(place.len());
            place.push((Entry { said, settled: settled_rule(said) }, false));
        } else {
            foreign.insert(text(said), said);
        }
    }
    for said in &wanted.rules {
        let text = text(said);
        let place = places.entry((said.family, said.priority)).or_default();
        if let Some(other) = foreign.get(&text) {
            steps.findings.push(Finding::error(said, format!("another's is there already: `{other}`")));
        } else if let Some(at) = own.get_mut(&text).and_then(Vec::pop) {
            place.own.get_mut(at).into_iter().for_each(|(_, stays)| *stays = true);
        } else {
            place.coming.push(Entry { said, settled: settled_rule(said) });
        }
    }
    places.into_values().for_each(|place| place.steps(steps));
    // What says less can be added only before what says more.
    steps.rules.sort_by_key(|step| match &step.object {
        AnyObject::Rule(rule) => says(&settled_rule(rule)),
        _ => 0,
    });
}

impl Changes<'_> {
    fn steps(self, steps: &mut Steps) {
        let Changes { mut own, coming } = self;
        // Those that have to go and come again, because the kernel takes others for them.
        let mut moved: Vec<usize> = Vec::new();
        let mut going: Vec<usize> =
            own.iter().enumerate().filter(|(_, (_, stays))| !stays).map(|(at, _)| at).collect();
        let refused = |new: &Rule, own: &[(Entry<'_>, bool)], stays: bool| -> Vec<usize> {
            let there = own.iter().enumerate().filter(|(_, (_, is))| *is == stays);
            there.filter(|(_, (there, _))| refuses(new, &there.settled)).map(|(at, _)| at).collect()
        };
        let in_the_way = coming.iter().any(|new| !refused(&new.settled, &own, false).is_empty());
        let mut open: Vec<usize> = coming.iter().flat_map(|new| refused(&new.settled, &own, true)).collect();
        open.extend(going.iter().flat_map(|at| hit(&own, *at)));
        while let Some(at) = open.pop() {
            let Some((entry, stays)) = own.get_mut(at).filter(|(_, stays)| *stays) else { continue };
            *stays = false;
            let settled = entry.settled.clone();
            moved.push(at);
            going.push(at);
            open.extend(refused(&settled, &own, true));
            open.extend(hit(&own, at));
        }
        let first = in_the_way || !moved.is_empty();
        let (effect, gone) = match first {
            true => (Effect::Disruptive, HIT),
            false => (Effect::InPlace, NOT_WANTED),
        };
        let mut going: Vec<&Entry<'_>> =
            going.iter().filter_map(|at| own.get(*at)).map(|(rule, _)| rule).collect();
        // Those that say most first: what they delete is what they say.
        going.sort_by_key(|rule| std::cmp::Reverse(says(&rule.settled)));
        let stage = if first { &mut steps.early_rules } else { &mut steps.old_rules };
        stage.extend(going.iter().map(|rule| Step::new(Verb::Delete, rule.said.clone(), effect, gone)));
        let again = moved.iter().filter_map(|at| own.get(*at)).map(|(rule, _)| (rule, HIT));
        for (rule, reason) in coming.iter().map(|rule| (rule, NOT_THERE)).chain(again) {
            steps.rules.push(Step::new(Verb::Add, rule.said.clone(), effect, reason));
        }
    }
}

/// Which rules that stay the kernel would delete instead of the one: it takes the first that says as much, and maybe more.
fn hit(own: &[(Entry<'_>, bool)], at: usize) -> Vec<usize> {
    let Some((request, _)) = own.get(at) else { return Vec::new() };
    let before = own.iter().enumerate().take(at).filter(|(_, (_, stays))| *stays);
    before.filter(|(_, (is, _))| would_delete(&request.settled, &is.settled)).map(|(at, _)| at).collect()
}

const HIT: &str =
    "the kernel takes rules of its priority that say less for it, or those for it that say more";

/// What a rule says beside its place.
fn parts(rule: &Rule) -> [Option<u64>; 14] {
    let number = |number: Option<u32>| number.map(u64::from);
    [
        number(rule.fwmark.filter(|mark| *mark != 0)),
        number(rule.fwmask.filter(|mask| *mask != 0)),
        number(rule.table),
        number(rule.suppress_ifgroup),
        number(rule.suppress_prefixlength),
        rule.tun_id,
        rule.ip_proto.map(u64::from),
        rule.uids.map(|uids| u64::from(uids.start) << 32 | u64::from(uids.end)),
        rule.sport.map(|ports| u64::from(ports.start) << 16 | u64::from(ports.end)),
        rule.dport.map(|ports| u64::from(ports.start) << 16 | u64::from(ports.end)),
        rule.dscp.map(u64::from),
        number(rule.flowlabel),
        rule.l3mdev.then_some(1),
        Some(u64::from(rule.tos)).filter(|tos| *tos != 0),
    ]
}

fn says(rule: &Rule) -> usize {
    let names = rule.iif.iter().chain(&rule.oif).count();
    let nets = rule.from.iter().chain(&rule.to).count();
    parts(rule).iter().flatten().count() + names + nets + usize::from(rule.realms.is_some())
}

/// Whether the request to delete the one rule may delete the other. `rule_find()` of `net/core/fib_rules.c`
fn would_delete(request: &Rule, other: &Rule) -> bool {
    fn open<T: PartialEq>(said: &Option<T>, is: &Option<T>) -> bool {
        said.is_none() || said == is
    }
    // Whether a rule is inverted is not asked.
    open(&request.from, &other.from)
        && open(&request.to, &other.to)
        && open(&request.iif, &other.iif)
        && open(&request.oif, &other.oif)
        && open(&request.realms, &other.realms)
        && open(&request.action, &other.action)
        && parts(request).iter().zip(&parts(other)).all(|(said, is)| open(said, is))
}

/// Whether the kernel takes the new rule for the one that is there: it does not ask whether they are inverted, and of the
/// selectors of a family only for those that the new one has. `rule_exists()` of `net/core/fib_rules.c`
fn refuses(new: &Rule, there: &Rule) -> bool {
    fn plain(rule: &Rule) -> Rule {
        let mut rule = Rule { from: None, to: None, tos: 0, realms: None, ..rule.clone() };
        rule.flags = Default::default();
        (rule.dscp, rule.dscp_mask, rule.flowlabel, rule.flowlabel_mask) = (None, None, None, None);
        rule
    }
    would_delete(new, there) && {
        let mut there = plain(there);
        // A rule that looks nowhere is taken for any.
        there.table = there.table.filter(|_| new.table.is_some());
        plain(new) == there
    }
}

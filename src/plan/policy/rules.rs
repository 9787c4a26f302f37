//! The steps from rules to rules.

use super::super::{Effect, Finding, Step};
use super::diff::{Steps, NOT_THERE, NOT_WANTED};
use super::same::settled_rule;
use super::{Policy, State};
use crate::request::Verb;
use crate::route::{Family, Rule, RuleFlags};
use std::collections::{BTreeMap, BTreeSet};

/// What the rule says, whoever added it: rules that mean the same have the same text.
pub(in crate::plan) fn text(rule: &Rule) -> String {
    settled_rule(rule).to_string()
}

pub(super) fn diff(now: &State, wanted: &Policy, steps: &mut Steps) {
    let mut own: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut foreign: BTreeMap<String, &Rule> = BTreeMap::new();
    for (at, rule) in now.rules.iter().enumerate() {
        match wanted.owns_rule(rule) {
            true => own.entry(text(rule)).or_default().push(at),
            false => drop(foreign.insert(text(rule), rule)),
        }
    }
    for rule in &wanted.rules {
        let text = text(rule);
        if let Some(other) = foreign.get(&text) {
            steps.findings.push(Finding::error(rule, format!("another's is there already: `{other}`")));
        } else if own.get_mut(&text).and_then(Vec::pop).is_none() {
            steps.rules.push(Step::new(Verb::Add, rule.clone(), Effect::InPlace, NOT_THERE));
        }
    }
    let going: BTreeSet<usize> = own.into_values().flatten().collect();
    delete(&now.rules, going, wanted, steps);
}

/// Deletes rules. The kernel deletes the first one that says all that the request says, and maybe more: if that one shall stay,
/// it must be added again.
fn delete(all: &[Rule], mut going: BTreeSet<usize>, wanted: &Policy, steps: &mut Steps) {
    let mut places: BTreeMap<(Family, Option<u32>), Vec<(usize, Rule)>> = BTreeMap::new();
    for (at, rule) in all.iter().enumerate().filter(|(_, rule)| wanted.owns_rule(rule)) {
        places.entry((rule.family, rule.priority)).or_default().push((at, settled_rule(rule)));
    }
    let mut again = Vec::new();
    let mut requests = Vec::new();
    for rules in places.values() {
        let mut open: Vec<&(usize, Rule)> = rules.iter().filter(|(at, _)| going.contains(at)).collect();
        while let Some((at, rule)) = open.pop() {
            requests.push((says(rule), *at));
            let hit = rules.iter().take_while(|(other, _)| other != at);
            for other in hit.filter(|(other, is)| !going.contains(other) && would_delete(rule, is)) {
                again.push(other.0);
                open.push(other);
            }
            going.extend(again.iter().copied());
        }
    }
    // Those that say most first: what they delete is what they say.
    requests.sort_by(|(says, at), (other_says, other)| other_says.cmp(says).then(at.cmp(other)));
    for (_, at) in requests {
        let Some(rule) = all.get(at) else { continue };
        let (effect, reason) = match again.contains(&at) {
            true => (Effect::Disruptive, HIT),
            false => (Effect::InPlace, NOT_WANTED),
        };
        steps.old_rules.push(Step::new(Verb::Delete, rule.clone(), effect, reason));
    }
    for rule in again.iter().filter_map(|at| all.get(*at)) {
        steps.old_rules.push(Step::new(Verb::Add, rule.clone(), Effect::Disruptive, HIT));
    }
}

const HIT: &str = "the kernel takes it for another one, which shall go and says less";

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
    debug_assert!((request.flags | other.flags) - RuleFlags::INVERT == RuleFlags::empty());
    open(&request.from, &other.from)
        && open(&request.to, &other.to)
        && open(&request.iif, &other.iif)
        && open(&request.oif, &other.oif)
        && open(&request.realms, &other.realms)
        && open(&request.action, &other.action)
        && parts(request).iter().zip(&parts(other)).all(|(said, is)| open(said, is))
}

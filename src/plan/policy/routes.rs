//! The steps from routes to routes.

use super::super::{Effect, Finding, Step};
use super::diff::{Risk, Steps, NOT_THERE, NOT_WANTED};
use super::{same, Policy, State};
use crate::request::Verb;
use crate::route::{Family, Prefix, Route};
use std::collections::BTreeMap;

/// What a table tells routes apart by: table, destination, source, type of service, metric. The destination has the family.
pub(in crate::plan) type Key = (u32, Prefix, Prefix, u8, u32);

/// The route's key.
pub(in crate::plan) fn key(route: &Route) -> Key {
    let tos = if route.family() == Family::V4 { route.tos } else { 0 };
    let from = route.from.unwrap_or(Prefix::any(route.family()));
    (route.table, route.to, from, tos, same::metric(route))
}

pub(super) fn diff(now: &State, wanted: &Policy, risk: &Risk, steps: &mut Steps) {
    let mut own: BTreeMap<Key, Vec<&Route>> = BTreeMap::new();
    for route in now.routes.iter().filter(|route| wanted.owns_route(route)) {
        own.entry(key(route)).or_default().push(route);
    }
    let foreign: BTreeMap<Key, &Route> = now.foreign.iter().map(|route| (key(route), route)).collect();
    // Gateways are looked for on links that other routes lead to.
    let mut routes: Vec<&Route> = wanted.routes.iter().collect();
    routes.sort_by_key(|route| route.gateway.is_some() || !route.hops.is_empty());
    for route in routes {
        let key = key(route);
        let mut there = own.remove(&key).unwrap_or_default();
        match there.iter().position(|there| same::route(there, route)) {
            Some(at) => {
                let same = there.remove(at);
                if risk.has(same) {
                    let reason = "it may be gone with what it uses";
                    steps.routes.push(Step::new(Verb::Replace, route.clone(), Effect::Disruptive, reason));
                }
            }
            None => match foreign.get(&key) {
                Some(other) => {
                    let problem = format!("another's is in its place: `{other}`");
                    steps.findings.push(Finding::error(route, problem));
                    continue;
                }
                None => {
                    steps.routes.push(step(route, !there.is_empty()));
                    // The kernel replaces the first.
                    there = there.into_iter().skip(1).collect();
                }
            },
        }
        steps.old_routes.extend(there.into_iter().map(delete));
    }
    for route in own.into_values().flatten() {
        // What may go by itself must go before.
        let when = if risk.has(route) { &mut steps.early_routes } else { &mut steps.old_routes };
        when.push(delete(route));
    }
}

fn step(route: &Route, is_there: bool) -> Step {
    let is_split = route.family() == Family::V6 && route.hops.len() > 1 && route.nexthop_id.is_none();
    let (verb, effect, reason) = match (is_there, is_split) {
        (false, _) => (Verb::Add, Effect::InPlace, NOT_THERE),
        (true, false) => (Verb::Replace, Effect::InPlace, "it differs, and the kernel can replace it"),
        (true, true) => (
            Verb::Replace,
            Effect::Disruptive,
            "it differs, and the kernel replaces IPv6 multipath routes way by way (a nexthop group changes at once)",
        ),
    };
    Step::new(verb, route.clone(), effect, reason)
}

fn delete(route: &Route) -> Step {
    Step::new(Verb::Delete, route.clone(), Effect::InPlace, NOT_WANTED)
}

//! The steps from what is to a policy, in an order in which they can be made.

use super::super::{Effect, Finding, Step};
use super::{addresses, nexthops, route_key, routes, rules, Policy, State};
use crate::request::Verb;
use crate::route::{Family, Route};
use crate::units::Dev;
use std::collections::BTreeSet;
use std::net::IpAddr;

pub(super) const NOT_THERE: &str = "it is not there";
pub(super) const NOT_WANTED: &str = "it is not wanted";

/// The steps, by when they are made.
#[derive(Debug, Default)]
pub(in crate::plan) struct Steps {
    /// What goes before others can come.
    pub(super) early_rules: Vec<Step>,
    pub(super) early_routes: Vec<Step>,
    pub(super) early_groups: Vec<Step>,
    pub(super) early_nexthops: Vec<Step>,
    pub(super) early_addresses: Vec<Step>,
    /// What comes or changes, each before what needs it.
    pub(super) addresses: Vec<Step>,
    pub(super) nexthops: Vec<Step>,
    pub(super) groups: Vec<Step>,
    pub(super) routes: Vec<Step>,
    pub(super) rules: Vec<Step>,
    /// What goes, each before what it needs.
    pub(super) old_rules: Vec<Step>,
    pub(super) old_routes: Vec<Step>,
    pub(super) old_groups: Vec<Step>,
    pub(super) old_nexthops: Vec<Step>,
    pub(super) old_addresses: Vec<Step>,
    /// What cannot be done.
    pub findings: Vec<Finding>,
}

impl Steps {
    /// All of them, in their order.
    pub fn all(self) -> impl Iterator<Item = Step> {
        let early = [self.early_routes, self.early_groups, self.early_nexthops, self.early_addresses];
        let come = [self.addresses, self.nexthops, self.groups, self.routes, self.early_rules, self.rules];
        let go = [self.old_rules, self.old_routes, self.old_groups, self.old_nexthops, self.old_addresses];
        early.into_iter().chain(come).chain(go).flatten()
    }
}

/// What the kernel deletes with something else: routes that use it may be gone, and come again.
#[derive(Debug, Default)]
pub(super) struct Risk {
    /// Nexthop objects that are made anew.
    pub nexthops: BTreeSet<u32>,
    /// Devices that are without an IPv4 address for a moment.
    pub devs: BTreeSet<u32>,
    /// Addresses that are not there for a moment.
    pub sources: BTreeSet<IpAddr>,
}

impl Risk {
    pub fn has(&self, route: &Route) -> bool {
        route.nexthop_id.is_some_and(|id| self.nexthops.contains(&id))
            || route.source.is_some_and(|source| self.sources.contains(&source))
            || self.devs.iter().any(|dev| uses(route, *dev))
    }
}

/// Whether it is an IPv4 route that itself leaves by the device.
pub(super) fn uses(route: &Route, dev: u32) -> bool {
    let is_it = |used: Option<Dev>| used.is_some_and(|used| used.index == dev);
    route.family() == Family::V4
        && route.nexthop_id.is_none()
        && (is_it(route.dev) || route.hops.iter().any(|hop| is_it(hop.dev)))
}

/// The steps from what is there to what is wanted.
pub(in crate::plan) fn steps(now: &State, wanted: &Policy) -> Steps {
    let (mut steps, mut risk) = (Steps::default(), Risk::default());
    addresses::diff(now, wanted, &mut risk, &mut steps);
    nexthops::diff(now, wanted, &mut risk, &mut steps);
    routes::diff(now, wanted, &risk, &mut steps);
    rules::diff(now, wanted, &mut steps);
    steps
}

/// The steps back to what was there: what is in the policy's range as it was, and what others lost.
pub(in crate::plan) fn undo(now: &State, before: &State, wanted: &Policy) -> impl Iterator<Item = Step> {
    let mut steps = steps(now, &before.as_wanted(wanted));
    let lost = "it was deleted with something else";
    let add = |object: crate::command::AnyObject| Step::new(Verb::Add, object, Effect::InPlace, lost);
    let routes: BTreeSet<_> = now.foreign.iter().map(route_key).collect();
    let missing = before.foreign.iter().filter(|route| before.looked && !routes.contains(&route_key(route)));
    steps.routes.extend(missing.map(|route| add(route.clone().into())));
    let ids: BTreeSet<u32> = now.nexthops.iter().map(|nexthop| nexthop.id).collect();
    let missing =
        before.nexthops.iter().filter(|nexthop| !wanted.owns_nexthop(nexthop) && !ids.contains(&nexthop.id));
    steps.groups.extend(missing.map(|nexthop| add(nexthop.clone().into())));
    let keys: BTreeSet<_> = now.addresses.iter().map(addresses::key).collect();
    let planned: BTreeSet<_> = before.as_wanted(wanted).addresses.iter().map(addresses::key).collect();
    let missing = before.addresses.iter().filter(|address| {
        let key = addresses::key(address);
        !keys.contains(&key) && !planned.contains(&key) && before.looked
    });
    steps.addresses.extend(missing.map(|address| add(address.clone().into())));
    steps.all()
}

//! What is there of a policy, and of others where it is in the way.

use super::diff::{steps, uses, Steps};
use super::routes::{key, Key};
use super::{addresses, Policy};
use crate::command::AnyObject;
use crate::error::{Error, Result};
use crate::netlink::Connection;
use crate::request::{Query, Verb};
use crate::route::{
    Address, Family, Link, Nexthop, Route, RouteFlags, RouteProtocol, Routes, Rule, RuleAction, Rules,
};
use crate::units::Dev;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// What was there when the kernel was read.
#[derive(Clone, Debug, Default)]
pub(in crate::plan) struct State {
    /// All rules, in the kernel's order.
    pub rules: Vec<Rule>,
    /// All nexthop objects.
    pub nexthops: Vec<Nexthop>,
    /// The routes of the policy's protocol.
    pub routes: Vec<Route>,
    /// All addresses.
    pub addresses: Vec<Address>,
    /// Others' routes: those with the keys of routes that are to come, and those that may go with what goes.
    pub foreign: Vec<Route>,
    /// Whether others' routes were looked for in all tables: something goes that they may go with.
    pub looked: bool,
    /// Which of the tables that rules look into, and for which nothing is wanted, have routes.
    pub filled: BTreeSet<(Family, u32)>,
}

const FAMILIES: [Family; 2] = [Family::V4, Family::V6];
/// ENOENT: no such table. EOPNOTSUPP, EPFNOSUPPORT and EAFNOSUPPORT: kernels without IPv6, or without nexthop objects.
const NOTHING: [i32; 4] = [2, 95, 96, 97];

/// Reads what is there. The routes of others are read only where something is to be done: the kernel lists those of one protocol,
/// or of one table, without the others.
pub(in crate::plan) fn read(nl: &mut Connection, policy: &Policy) -> Result<State> {
    let mut state = own(nl, policy)?;
    let planned = steps(&state, policy);
    state.look(nl, policy, &Goes::of(&planned), &coming(&planned), &BTreeSet::new())?;
    let has_routes: BTreeSet<(Family, u32)> =
        policy.routes.iter().map(|route| (route.family(), route.table)).collect();
    for rule in &policy.rules {
        let looks = matches!(rule.action, None | Some(RuleAction::Lookup));
        let Some(table) = rule.table.filter(|table| looks && !(253..=255).contains(table)) else { continue };
        if !has_routes.contains(&(rule.family, table)) && !state.filled.contains(&(rule.family, table)) {
            let any = !all(nl, Routes::of(rule.family).table(table), |_| true)?.is_empty();
            state.filled.extend(any.then_some((rule.family, table)));
        }
    }
    Ok(state)
}

/// Reads again what was read before.
pub(in crate::plan) fn read_again(nl: &mut Connection, before: &State, policy: &Policy) -> Result<State> {
    let wanted = before.as_wanted(policy);
    let mut state = own(nl, &wanted)?;
    let planned = steps(&state, &wanted);
    let mut goes = Goes::of(&planned);
    goes.any |= before.looked;
    let lost = before.foreign.iter().map(key).collect();
    state.look(nl, &wanted, &goes, &coming(&planned), &lost)?;
    Ok(state)
}

fn own(nl: &mut Connection, policy: &Policy) -> Result<State> {
    let mut state = State::default();
    for family in FAMILIES {
        state.rules.extend(all(nl, Rules::of(family), |_| true)?);
        let routes = Routes::of(family).protocol(policy.protocol);
        state.routes.extend(all(nl, routes, is_route)?);
    }
    state.nexthops = all(nl, Nexthop::all(), |_| true)?;
    state.addresses = all(nl, Address::all(), |_| true)?;
    state.name(nl, policy)?;
    Ok(state)
}

/// The keys of routes that come or change.
fn coming(steps: &Steps) -> BTreeSet<Key> {
    let routes = steps.routes.iter().filter_map(|step| match &step.object {
        AnyObject::Route(route) => Some(key(route)),
        _ => None,
    });
    routes.collect()
}

/// What goes that routes may need.
#[derive(Debug, Default)]
struct Goes {
    any: bool,
    nexthops: bool,
    sources: BTreeSet<IpAddr>,
    devs: BTreeSet<u32>,
}

impl Goes {
    fn of(steps: &Steps) -> Goes {
        let mut goes = Goes::default();
        let nexthops = [&steps.early_groups, &steps.early_nexthops, &steps.old_groups, &steps.old_nexthops];
        goes.nexthops = nexthops.iter().any(|steps| !steps.is_empty());
        for step in steps.early_addresses.iter().chain(&steps.old_addresses).chain(&steps.addresses) {
            if let (AnyObject::Address(address), Verb::Delete | Verb::Replace) = (&step.object, step.verb) {
                goes.sources.insert(address.local.address());
                goes.devs.insert(address.dev.index);
            }
        }
        goes.any = goes.nexthops || !goes.sources.is_empty();
        goes
    }

    /// Whether the route may go with it, and is not the kernel's own.
    fn takes(&self, route: &Route) -> bool {
        const BY_ITSELF: [RouteProtocol; 3] =
            [RouteProtocol::KERNEL, RouteProtocol::RA, RouteProtocol::REDIRECT];
        !route.protocol.is_some_and(|protocol| BY_ITSELF.contains(&protocol))
            && (self.nexthops && route.nexthop_id.is_some()
                || route.source.is_some_and(|source| self.sources.contains(&source))
                || self.devs.iter().any(|dev| uses(route, *dev)))
    }
}

impl State {
    /// The policy whose objects are those that were there.
    pub(super) fn as_wanted(&self, policy: &Policy) -> Policy {
        let mut wanted = policy.emptied();
        let is_wanted: BTreeSet<_> = policy.addresses.iter().map(addresses::key).collect();
        wanted.rules = self.rules.iter().filter(|rule| policy.owns_rule(rule)).cloned().collect();
        wanted.routes = self.routes.iter().filter(|route| policy.owns_route(route)).cloned().collect();
        wanted.nexthops =
            self.nexthops.iter().filter(|nexthop| policy.owns_nexthop(nexthop)).cloned().collect();
        let own = |address: &&Address| {
            policy.owns_address(address)
                || policy.has_addresses_of(address.dev) && is_wanted.contains(&addresses::key(address))
        };
        wanted.addresses = self.addresses.iter().filter(own).cloned().collect();
        wanted
    }

    /// Looks for others' routes.
    fn look(
        &mut self,
        nl: &mut Connection,
        policy: &Policy,
        goes: &Goes,
        coming: &BTreeSet<Key>,
        lost: &BTreeSet<Key>,
    ) -> Result<()> {
        self.looked = goes.any;
        let keep = |route: &Route| {
            let key = key(route);
            is_route(route)
                && !policy.owns_route(route)
                && (coming.contains(&key) || lost.contains(&key) || goes.takes(route))
        };
        let whole = FAMILIES.map(Routes::of).to_vec();
        let tables: BTreeSet<(Family, u32)> = coming.iter().map(|key| (key.1.family(), key.0)).collect();
        let tables = tables.iter().map(|(family, table)| Routes::of(*family).table(*table)).collect();
        for routes in if goes.any { whole } else { tables } {
            self.foreign.extend(all(nl, routes, keep)?);
        }
        self.filled
            .extend(self.routes.iter().chain(&self.foreign).map(|route| (route.family(), route.table)));
        Ok(())
    }

    /// Gives the devices of what may be deleted their names.
    fn name(&mut self, nl: &mut Connection, policy: &Policy) -> Result<()> {
        let mut known: BTreeMap<u32, Dev> = policy.clone().devs().map(|dev| (dev.index, *dev)).collect();
        let of_routes = self.routes.iter_mut().flat_map(|route| {
            let hops = route.hops.iter_mut().filter_map(|hop| hop.dev.as_mut());
            route.dev.as_mut().into_iter().chain(hops)
        });
        let of_nexthops = self.nexthops.iter_mut().filter_map(|nexthop| nexthop.dev.as_mut());
        let of_addresses = self.addresses.iter_mut().map(|address| &mut address.dev);
        for dev in of_routes.chain(of_nexthops).chain(of_addresses) {
            let found = match known.get(&dev.index) {
                Some(found) => *found,
                // One that is gone in the meantime has no name.
                None => nl.get(&Link::of(*dev)).map_or(*dev, |link| Dev { name: link.name, ..link.dev }),
            };
            known.insert(dev.index, found);
            *dev = found;
        }
        Ok(())
    }
}

fn is_route(route: &Route) -> bool {
    !route.flags.contains(RouteFlags::CLONED)
}

/// All that are to be kept; of what the kernel does not know, none.
pub(crate) fn all<Q: Query + Clone>(
    nl: &mut Connection,
    query: Q,
    keep: impl Fn(&Q::Object) -> bool,
) -> Result<Vec<Q::Object>> {
    let mut tries = Connection::TRIES;
    loop {
        tries = tries.saturating_sub(1);
        let mut found = Vec::new();
        let listed = nl
            .list(query.clone())?
            .try_for_each(|object| object.map(|object| found.extend(Some(object).filter(&keep))));
        match listed {
            Ok(()) => return Ok(found),
            Err(error) if error.errno().is_some_and(|errno| NOTHING.contains(&errno)) => {
                return Ok(Vec::new())
            }
            Err(Error::Interrupted { .. }) if tries > 0 => (),
            Err(error) => return Err(error),
        }
    }
}

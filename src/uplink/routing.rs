//! Rules, routes and nexthop objects.
//!
//! The priorities, counted from the first of [`Owned::priorities`](super::Owned::priorities), the same for both families; uplinks are
//! counted from 0, so that one uplink's changes do not move another one's rules:
//!
//! | priority | rule |
//! | --- | --- |
//! | 0 | `lookup main suppress_prefixlength 0`: what is connected stays, also for what has a mark |
//! | 10 + 2 n | `fwmark N/mask lookup tableN`: connections that belong to uplink n |
//! | 11 + 2 n | `fwmark N/mask unreachable`: they do not leak out of another one while theirs has no way |
//! | 300 + n | `from ADDRESS lookup tableN`, for each of its addresses: servers that are bound to one |
//! | 400 + n | `oif DEVICE lookup tableN`: sockets that are bound to its device |
//! | 500 | `iif LAN lookup new`, for each LAN, and `iif lo lookup new` for the gateway itself |
//! | 501 | `iif … unreachable` for the same: new connections are refused while no uplink takes them |
//!
//! The table of an uplink has its default route and nothing else. That of new connections has one default route over a group of
//! nexthop objects, so that a decision is one message for each family, which replaces the group at once. Of
//! [`Owned::nexthops`](super::Owned::nexthops), the first two are the groups (IPv4, IPv6), behind them two for each uplink.
//!
//! Kernels delete the routes, the nexthops and, with its last member, the group of a device that goes down: what is refused then is
//! refused by rules, which stay. The next plan makes them again.

use super::seen::{Seen, Way};
use super::{shaper, Gateway, Leg, Uplink};
use crate::plan::{Desired, Policy};
use crate::route::{Family, Group, Nexthop, Route, Rule};
use crate::tc::QdiscKind;
use crate::units::Dev;
use std::collections::BTreeSet;
use std::net::IpAddr;

const MARKS: u32 = 10;
const SOURCES: u32 = 300;
const DEVICES: u32 = 400;
const NEW: u32 = 500;
const REFUSED: u32 = 501;
/// How many priorities there must be.
pub(super) const PRIORITIES: u32 = REFUSED + 1;
const MOST_WEIGHT: u16 = 256;

/// How many nexthop objects there must be for so many uplinks.
pub(super) const fn nexthops(uplinks: u32) -> u32 {
    2 + 2 * uplinks
}

/// All that the kernel shall be told: [`policy`] and [`trees`](shaper::trees).
pub fn desired(
    gateway: &Gateway,
    seen: &Seen,
    weights: &[u16],
    usable: &[bool],
    leaf: &QdiscKind,
) -> Desired {
    let trees = shaper::trees(gateway, seen, leaf);
    trees.into_iter().fold(policy(gateway, seen, weights, usable).into(), Desired::tree)
}

/// What is desired where nothing of ours is: for cleaning up.
pub fn nothing(gateway: &Gateway, seen: &Seen) -> Desired {
    shaper::cleared(&seen.uplinks).into_iter().fold(empty(gateway).into(), Desired::tree)
}

/// The rules, routes and nexthop objects for these weights, one for each uplink in the model's order; those that are missing are 0.
///
/// Uplinks without a device, a carrier or a next hop are left out, and so are those of weight 0 for new connections. Where that leaves an
/// address family without any uplink although one that has the family works (`usable`, in the model's order), that one takes its new
/// connections: an uplink that is chosen for its room may have IPv4 only. Where none works, new connections are refused (ICMP
/// unreachable, or ENETUNREACH): better than leaking out of an uplink that somebody ruled out.
pub fn policy(gateway: &Gateway, seen: &Seen, weights: &[u16], usable: &[bool]) -> Policy {
    let mut policy = empty(gateway);
    for family in gateway.families() {
        let routing = Routing { gateway, seen, family };
        for rule in routing.rules() {
            policy = policy.rule(rule);
        }
        policy = routing.tables(policy);
        policy = routing.choice(policy, weights, usable);
    }
    policy
}

fn empty(gateway: &Gateway) -> Policy {
    let owned = &gateway.owned;
    Policy::new(owned.protocol)
        .tables(owned.tables.clone())
        .priorities(owned.priorities.clone())
        .nexthop_ids(owned.nexthops.clone())
}

struct Routing<'a> {
    gateway: &'a Gateway,
    seen: &'a Seen,
    family: Family,
}

impl<'a> Routing<'a> {
    fn rule(&self, offset: u32) -> Rule {
        Rule::of(self.family).priority(self.gateway.owned.priorities.start().saturating_add(offset))
    }

    fn rules(&self) -> Vec<Rule> {
        let mut rules = vec![self.rule(0).table(Route::MAIN).suppress_prefixlength(0)];
        for (index, uplink) in self.gateway.uplinks.iter().enumerate() {
            self.of_uplink(index, uplink, &mut rules);
        }
        let table = self.gateway.owned.table_of_new();
        let own = "lo".parse().ok().filter(|_| self.gateway.own);
        let sides: BTreeSet<_> = self.gateway.lans.iter().chain(&own).map(|name| name.as_str()).collect();
        for name in sides.into_iter().filter_map(|name| name.parse().ok()) {
            rules.push(self.rule(NEW).iif(name).table(table));
            rules.push(self.rule(REFUSED).iif(name).unreachable());
        }
        rules
    }

    fn of_uplink(&self, index: usize, uplink: &Uplink, rules: &mut Vec<Rule>) {
        let owned = &self.gateway.owned;
        let (n, table) = (u32::try_from(index).unwrap_or(u32::MAX), owned.table_of(index));
        let marked = |offset: u32| {
            let rule = self.rule(MARKS.saturating_add(n.saturating_mul(2)).saturating_add(offset));
            rule.fwmark_mask(owned.mark_of(index), owned.mark_bits)
        };
        // Of a family that it does not have, what was forced to it is refused.
        let leg = uplink.leg(self.family);
        if leg.is_some() {
            rules.push(marked(0).table(table));
        }
        rules.push(marked(1).unreachable());
        if let Some(leg) = leg {
            let sources = self.addresses(index, leg).into_iter();
            let from = |address| self.rule(SOURCES.saturating_add(n)).from(address).ok();
            rules.extend(sources.filter_map(from).map(|rule| rule.table(table)));
            rules.push(self.rule(DEVICES.saturating_add(n)).oif(uplink.dev).table(table));
        }
    }

    /// The addresses whose packets leave by the uplink.
    fn addresses(&self, index: usize, leg: &Leg) -> BTreeSet<IpAddr> {
        if !leg.addresses.is_empty() {
            return leg.addresses.iter().copied().collect();
        }
        let seen = self.seen.uplinks.get(index).and_then(|uplink| uplink.leg(self.family));
        seen.into_iter().flat_map(|leg| leg.addresses.iter().chain(&leg.old)).copied().collect()
    }

    /// The uplinks whose packets can be handed on: by number, with device and way.
    fn ready(&self) -> impl Iterator<Item = (usize, Dev, Way)> + use<'a> {
        let family = self.family;
        let each = self.seen.uplinks.iter().take(self.gateway.uplinks.len()).enumerate();
        each.filter_map(move |(index, uplink)| Some((index, uplink.dev?, uplink.leg(family)?.way.ok()?)))
    }

    /// The uplinks' own tables.
    fn tables(&self, mut policy: Policy) -> Policy {
        for (index, dev, way) in self.ready() {
            let route = Route::default_of(self.family).dev(dev).table(self.gateway.owned.table_of(index));
            policy = policy.route(match way {
                // It has been seen that the router is at the device. The kernel would ask the rules, of which some may be missing.
                Way::Router(router) => route.via(router).onlink(),
                Way::Link => route,
            });
        }
        policy
    }

    /// The table of new connections.
    fn choice(&self, mut policy: Policy, weights: &[u16], usable: &[bool]) -> Policy {
        let mut group = Group::new();
        for (index, weight) in self.chosen(weights, usable) {
            group = group.member(self.nexthop_of(index), weight.min(MOST_WEIGHT));
        }
        for (index, dev, way) in self.ready() {
            let id = self.nexthop_of(index);
            if group.members.iter().any(|member| member.id == id) {
                let nexthop = Nexthop::id(id).family(self.family).dev(dev);
                policy = policy.nexthop(match way {
                    Way::Router(router) => nexthop.via(router).onlink(),
                    Way::Link => nexthop,
                });
            }
        }
        if group.members.is_empty() {
            return policy;
        }
        let id = self.gateway.owned.nexthops.start().saturating_add(self.number());
        let route = Route::default_of(self.family).table(self.gateway.owned.table_of_new()).nexthop_id(id);
        policy.nexthop(Nexthop::id(id).group(group)).route(route)
    }

    /// Who gets new connections, in which proportions.
    fn chosen(&self, weights: &[u16], usable: &[bool]) -> Vec<(usize, u16)> {
        let weight = |index: usize| weights.get(index).copied().unwrap_or(0);
        let ready: Vec<usize> = self.ready().map(|(index, ..)| index).collect();
        let chosen = ready.iter().map(|index| (*index, weight(*index)));
        let chosen: Vec<(usize, u16)> = chosen.filter(|(_, weight)| *weight != 0).collect();
        if !chosen.is_empty() {
            return chosen;
        }
        let rank =
            |index: &usize| self.gateway.uplinks.get(*index).map(|uplink| (uplink.metered, uplink.tier));
        let works = |index: &&usize| usable.get(**index) == Some(&true);
        let best = ready.iter().filter(works).map(rank).min();
        ready
            .iter()
            .filter(works)
            .filter(|index| Some(rank(index)) == best)
            .map(|index| (*index, 1))
            .collect()
    }

    fn nexthop_of(&self, index: usize) -> u32 {
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        let offset = nexthops(0).saturating_add(index.saturating_mul(2)).saturating_add(self.number());
        self.gateway.owned.nexthops.start().saturating_add(offset)
    }

    fn number(&self) -> u32 {
        u32::from(self.family == Family::V6)
    }
}

#[cfg(test)]
mod tests;

//! What of a policy the kernel would refuse, or silently take for something else.

use super::super::policy::{route_key, rule_text, Policy, State};
use super::super::Finding;
use crate::route::{Nexthop, Route, RouteProtocol, Rule, RuleAction};
use crate::units::Dev;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::ops::RangeInclusive;

/// What is to be said of a policy, as far as it can be told for sure.
pub(in crate::plan) fn check(now: &State, wanted: &Policy, findings: &mut Vec<Finding>) {
    const OTHERS: [RouteProtocol; 4] =
        [RouteProtocol::UNSPEC, RouteProtocol::REDIRECT, RouteProtocol::KERNEL, RouteProtocol::RA];
    let mut check = Check { now, wanted, findings };
    if OTHERS.contains(&wanted.protocol) {
        let problem = "what the kernel added by itself has this protocol: a policy needs one of its own";
        check.error(&format!("the protocol {}", wanted.protocol), problem);
    }
    check.rules();
    check.routes();
    check.nexthops();
    check.addresses();
}

struct Check<'a> {
    now: &'a State,
    wanted: &'a Policy,
    findings: &'a mut Vec<Finding>,
}

impl Check<'_> {
    fn error(&mut self, object: &dyn Display, problem: impl Into<String>) {
        self.findings.push(Finding::error(object, problem));
    }

    fn warning(&mut self, object: &dyn Display, problem: impl Into<String>) {
        self.findings.push(Finding::warning(object, problem));
    }

    fn protocol(&mut self, object: &dyn Display, protocol: Option<RouteProtocol>) {
        if let Some(protocol) = protocol.filter(|protocol| *protocol != self.wanted.protocol) {
            self.error(
                object,
                format!("its protocol is {protocol}, and its policy's is {}", self.wanted.protocol),
            );
        }
    }

    fn range(&mut self, object: &dyn Display, what: &str, number: u32, range: &RangeInclusive<u32>) {
        if !range.contains(&number) {
            let (start, end) = (range.start(), range.end());
            self.error(
                object,
                format!("its {what} {number} is outside of its policy's range, {start} to {end}"),
            );
        }
    }

    fn dev(&mut self, object: &dyn Display, dev: Option<Dev>) {
        if dev.is_some_and(|dev| dev.index == 0) {
            self.error(object, "its device is not there");
        }
    }

    fn rules(&mut self) {
        let wanted = self.wanted;
        let places: BTreeSet<_> = self.places();
        let tables: BTreeSet<_> = wanted.routes.iter().map(|route| (route.family(), route.table)).collect();
        let mut texts = BTreeSet::new();
        let mut selectors: BTreeMap<String, &Rule> = BTreeMap::new();
        for rule in &wanted.rules {
            self.protocol(rule, rule.protocol);
            let Some(priority) = rule.priority else {
                self.error(rule, "it has no priority: the kernel would choose another one each time");
                continue;
            };
            self.range(rule, "priority", priority, &wanted.priorities);
            let selector = Rule { action: None, table: None, ..rule.clone() };
            let plain = Rule { flags: Default::default(), ..rule.clone() };
            if !texts.insert(rule_text(&plain)) {
                let problem = "it is wanted twice (with and without `not` is the same to the kernel)";
                self.error(rule, problem);
            } else if let Some(other) = selectors.insert(rule_text(&selector), rule) {
                let problem = format!("it matches the same as `{other}`: which one is tried is not told");
                self.warning(rule, problem);
            }
            match rule.action {
                Some(RuleAction::Goto(target)) if target <= priority => {
                    self.error(rule, "it jumps backwards, which the kernel refuses");
                }
                Some(RuleAction::Goto(target)) if !places.contains(&(rule.family, target)) => {
                    self.warning(rule, format!("there is no rule at its target {target}: it does nothing"));
                }
                None | Some(RuleAction::Lookup) => {
                    let table = rule.table.filter(|table| !(253..=255).contains(table));
                    if let Some(table) = table.map(|table| (rule.family, table)) {
                        if !tables.contains(&table) && !self.now.filled.contains(&table) {
                            self.warning(rule, format!("its table {} is empty", table.1));
                        }
                    }
                }
                _ => (),
            }
        }
    }

    /// Where rules will be.
    fn places(&self) -> BTreeSet<(crate::route::Family, u32)> {
        let place = |rule: &Rule| Some((rule.family, rule.priority.unwrap_or(0)));
        let others = self.now.rules.iter().filter(|rule| !self.wanted.owns_rule(rule));
        others.chain(&self.wanted.rules).filter_map(place).collect()
    }

    fn routes(&mut self) {
        let wanted = self.wanted;
        let ids = self.nexthop_ids();
        let mut keys = BTreeMap::new();
        for route in &wanted.routes {
            self.protocol(route, route.protocol);
            self.range(route, "table", route.table, &wanted.tables);
            if let Some(other) = keys.insert(route_key(route), route) {
                let problem = format!("it has the table, destination and metric of `{other}`");
                self.error(route, problem);
            }
            self.dev(route, route.dev);
            route.hops.iter().for_each(|hop| self.dev(route, hop.dev));
            self.nexthop(route, route.nexthop_id, &ids);
            self.source(route);
        }
    }

    fn nexthop(&mut self, object: &dyn Display, id: Option<u32>, ids: &BTreeSet<u32>) {
        if let Some(id) = id.filter(|id| !ids.contains(id)) {
            self.error(object, format!("there is no nexthop object {id}"));
        }
    }

    /// The kernel takes no source that it may still have to give up. `ip6_route_info_create()` of `net/ipv6/route.c`
    fn source(&mut self, route: &Route) {
        use crate::route::AddressFlags as Flags;
        let is_it = |address: &&crate::route::Address| {
            Some(address.local.address()) == route.source && address.local.address().is_ipv6()
        };
        let there = self.now.addresses.iter().any(|address| is_it(&address));
        let new = self.wanted.addresses.iter().find(is_it).filter(|_| !there);
        if new.is_some_and(|address| !address.flags.contains(Flags::NODAD)) {
            self.warning(
                route,
                "its source is a new address, which is tested for duplicates first (nodad saves that)",
            );
        }
    }

    /// The nexthop objects that there will be.
    fn nexthop_ids(&self) -> BTreeSet<u32> {
        let others = self.now.nexthops.iter().filter(|nexthop| !self.wanted.owns_nexthop(nexthop));
        others.chain(&self.wanted.nexthops).map(|nexthop| nexthop.id).collect()
    }

    fn nexthops(&mut self) {
        let wanted = self.wanted;
        let ids = self.nexthop_ids();
        let mut seen = BTreeSet::new();
        for nexthop in &wanted.nexthops {
            self.protocol(nexthop, Some(nexthop.protocol));
            match nexthop.id {
                0 => self.error(nexthop, "it has no id: the kernel would choose another one each time"),
                id => self.range(nexthop, "id", id, &wanted.nexthop_ids),
            }
            if !seen.insert(nexthop.id) {
                self.error(nexthop, "its id is wanted twice");
            }
            self.dev(nexthop, nexthop.dev);
            self.members(nexthop, &ids);
        }
    }

    fn members(&mut self, nexthop: &Nexthop, ids: &BTreeSet<u32>) {
        let Some(group) = &nexthop.group else {
            if nexthop.dev.is_none() && !nexthop.blackhole && !nexthop.fdb {
                self.error(nexthop, "it has no device, and the kernel looks for none");
            }
            return;
        };
        if group.members.is_empty() {
            self.error(nexthop, "its group has no members");
        }
        let mut seen = BTreeSet::new();
        for member in &group.members {
            self.nexthop(nexthop, Some(member.id), ids);
            if !seen.insert(member.id) {
                self.error(nexthop, format!("{} is twice in its group", member.id));
            }
        }
    }

    fn addresses(&mut self) {
        let mut seen = BTreeSet::new();
        for address in &self.wanted.addresses {
            self.dev(address, Some(address.dev));
            if !seen.insert((address.dev, address.local, address.peer)) {
                self.error(address, "it is wanted twice");
            }
        }
    }
}

//! What the rules, routes, nexthop objects and addresses of a script leave behind.

use super::super::script::{IS_MADE, NOT_MADE};
use super::{addresses, route_key, rule_text, Policy};
use crate::command::AnyObject;
use crate::request::{Query, Verb};
use crate::route::{Address, Family, Hop, Nexthop, Route, RouteProtocol, Rule, RuleAction, Rules};

type Taken = Result<(), &'static str>;

impl Policy {
    /// Takes what a command does.
    pub(in crate::plan) fn take(&mut self, verb: Verb, object: &AnyObject) -> Taken {
        let said = match object {
            AnyObject::Rule(rule) => rule.protocol,
            AnyObject::Route(route) => route.protocol,
            AnyObject::Nexthop(nexthop) => {
                Some(nexthop.protocol).filter(|said| *said != RouteProtocol::UNSPEC)
            }
            _ => None,
        };
        if let Some(said) = said.filter(|_| verb != Verb::Delete && self.protocol == Policy::PROTOCOL) {
            self.protocol = said;
        }
        match object {
            AnyObject::Rule(rule) => self.take_rule(verb, rule),
            AnyObject::Route(route) => self.take_route(verb, route),
            AnyObject::Nexthop(nexthop) => self.take_nexthop(verb, nexthop),
            AnyObject::Address(address) => self.take_address(verb, address),
            _ => Err("this is not a part of a policy"),
        }
    }

    fn take_rule(&mut self, verb: Verb, rule: &Rule) -> Taken {
        if verb == Verb::Delete {
            let like = Rules::like(rule.clone());
            let is_it = |there: &Rule| {
                // What rules leave out may be said of them.
                let mut there = there.clone();
                let action = *there.action.get_or_insert(RuleAction::Lookup);
                if action == RuleAction::Lookup {
                    there.table.get_or_insert(Route::MAIN);
                }
                like.take(&mut there)
            };
            let at = self.rules.iter().position(is_it).ok_or(NOT_MADE)?;
            self.rules.remove(at);
            return Ok(());
        }
        let text = rule_text(rule);
        if self.rules.iter().any(|there| rule_text(there) == text) {
            return Err(IS_MADE);
        }
        self.rules.push(rule.clone());
        Ok(())
    }

    fn take_route(&mut self, verb: Verb, route: &Route) -> Taken {
        let key = route_key(route);
        if verb == Verb::Delete {
            let is_it = |there: &Route| {
                let other = Route { metric: route.metric.or(there.metric), ..route.clone() };
                route_key(there) == route_key(&other)
                    && (route.gateway.is_none() || route.gateway == there.gateway)
                    && (route.dev.is_none() || route.dev == there.dev)
            };
            let at = self.routes.iter().position(is_it).ok_or(NOT_MADE)?;
            self.routes.remove(at);
            return Ok(());
        }
        let there = self.routes.iter_mut().find(|there| route_key(there) == key);
        match (verb, there) {
            (Verb::Add, Some(_)) => return Err(IS_MADE),
            (Verb::Change, None) => return Err(NOT_MADE),
            (Verb::Append, Some(there)) => return append(there, route),
            (Verb::Prepend, Some(_)) => {
                return Err("two routes to one destination of one metric cannot be planned")
            }
            (_, Some(there)) => *there = route.clone(),
            (_, None) => self.routes.push(route.clone()),
        }
        Ok(())
    }

    fn take_nexthop(&mut self, verb: Verb, nexthop: &Nexthop) -> Taken {
        let at = self.nexthops.iter().position(|there| there.id == nexthop.id);
        match (verb, at) {
            (Verb::Add, Some(_)) if nexthop.id != 0 => return Err(IS_MADE),
            (Verb::Delete, None) => return Err(NOT_MADE),
            (Verb::Delete, Some(at)) => drop(self.nexthops.remove(at)),
            (Verb::Replace, Some(at)) => {
                self.nexthops.get_mut(at).into_iter().for_each(|there| *there = nexthop.clone());
            }
            _ => self.nexthops.push(nexthop.clone()),
        }
        Ok(())
    }

    fn take_address(&mut self, verb: Verb, address: &Address) -> Taken {
        let key = addresses::key(address);
        let at = self.addresses.iter().position(|there| addresses::key(there) == key);
        match (verb, at) {
            (Verb::Add, Some(_)) => return Err(IS_MADE),
            (Verb::Delete | Verb::Change, None) => return Err(NOT_MADE),
            (Verb::Delete, Some(at)) => drop(self.addresses.remove(at)),
            (_, Some(at)) => {
                self.addresses.get_mut(at).into_iter().for_each(|there| *there = address.clone());
            }
            (_, None) => self.addresses.push(address.clone()),
        }
        Ok(())
    }
}

/// Of IPv6, routes to one destination are ways of one.
fn append(there: &mut Route, route: &Route) -> Taken {
    let is_way =
        |route: &Route| route.nexthop_id.is_none() && (route.gateway.is_some() || !route.hops.is_empty());
    if route.family() == Family::V4 || !is_way(there) || !is_way(route) {
        return Err("two routes to one destination of one metric cannot be planned");
    }
    let mut more = ways(route);
    let mut all = ways(there);
    all.append(&mut more);
    (there.hops, there.gateway, there.dev, there.encap) = (all, None, None, None);
    Ok(())
}

fn ways(route: &Route) -> Vec<Hop> {
    match route.hops.is_empty() {
        false => route.hops.clone(),
        true => vec![Hop {
            gateway: route.gateway,
            dev: route.dev,
            flags: route.flags,
            encap: route.encap.clone(),
            ..Hop::default()
        }],
    }
}

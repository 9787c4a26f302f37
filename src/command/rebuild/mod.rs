//! A live state as a script that makes it again.
//!
//! What the kernel made by itself is left out, and so is what it only reports. What is left is put into the order in which it can
//! be made: links, addresses, nexthops, routes, rules, qdiscs and classes from the root on, chains, u32's tables before the
//! filters that lead to them.

mod bridge;
mod filters;
mod links;
mod queues;
mod routes;
#[cfg(test)]
mod tests;

use super::{AnyObject, Command, Line, Other, Script};
use crate::request::Verb;
use crate::route::{Address, Link, Nexthop, Route, Rule};
use crate::tc::{ActionTable, Chain, Class, Filter, Qdisc};
use crate::units::Dev;
use std::collections::BTreeMap;

/// The number of the first command's line: behind those with which a script begins.
const FIRST: usize = 3;

/// What was read of the kernel, by object.
#[derive(Default)]
struct State {
    links: Vec<Link>,
    addresses: Vec<Address>,
    nexthops: Vec<Nexthop>,
    routes: Vec<Route>,
    rules: Vec<Rule>,
    qdiscs: Vec<Qdisc>,
    classes: Vec<Class>,
    actions: Vec<ActionTable>,
    chains: Vec<Chain>,
    filters: Vec<Filter>,
}

/// The links by their indexes.
struct Devices<'a>(BTreeMap<u32, &'a Link>);

impl<'a> Devices<'a> {
    fn link(&self, dev: Dev) -> Option<&'a Link> {
        self.0.get(&dev.index).copied()
    }

    /// The links that this one is the master of.
    fn ports(&self, dev: Dev) -> impl Iterator<Item = &'a Link> + use<'_, 'a> {
        self.0.values().copied().filter(move |link| link.master == Some(dev))
    }

    /// The device with its name, as far as one is known.
    fn name(&self, dev: Dev) -> Dev {
        Dev { index: dev.index, name: dev.name.or_else(|| self.link(dev)?.name) }
    }
}

pub(super) fn script(objects: impl IntoIterator<Item = AnyObject>) -> Script {
    let mut state = State::default();
    objects.into_iter().for_each(|object| state.take(object));
    let devices = Devices(state.links.iter().map(|link| (link.dev.index, link)).collect());
    let mut script = Script::default();
    let (filters, lost) = filters::filters(&state, &devices);
    let adds = |object: AnyObject| (Verb::Add, object);
    let commands = links::links(&state.links, &devices)
        .into_iter()
        .map(|(verb, link)| (verb, link.into()))
        .chain(routes::addresses(&state, &devices).map(|address| adds(address.into())))
        .chain(routes::nexthops(&state, &devices).into_iter().map(|nexthop| adds(nexthop.into())))
        .chain(routes::routes(&state, &devices).into_iter().map(|route| adds(route.into())))
        .chain(routes::rules(&state).map(|rule| adds(rule.into())))
        .chain(queues::queues(&state, &devices).into_iter().map(adds))
        .chain(filters.into_iter().map(adds));
    for (verb, object) in commands {
        add(&mut script, verb, object);
    }
    let number = FIRST + script.lines.len();
    script.others.extend(lost.into_iter().map(|filter| Other { number, text: filter.to_string() }));
    script
}

impl State {
    fn take(&mut self, object: AnyObject) {
        match object {
            AnyObject::Link(link) => self.links.push(link),
            AnyObject::Address(address) => self.addresses.push(address),
            AnyObject::Nexthop(nexthop) => self.nexthops.push(nexthop),
            AnyObject::Route(route) => self.routes.push(route),
            AnyObject::Rule(rule) => self.rules.push(rule),
            AnyObject::Qdisc(qdisc) => self.qdiscs.push(qdisc),
            AnyObject::Class(class) => self.classes.push(class),
            AnyObject::Actions(actions) => self.actions.push(actions),
            AnyObject::Chain(chain) => self.chains.push(chain),
            AnyObject::Filter(filter) => self.filters.push(filter),
        }
    }
}

/// Adds a command, if its words say all of it.
fn add(script: &mut Script, verb: Verb, object: AnyObject) {
    let whole = !has_tunnel(&object);
    let command = Command::Do { verb, object };
    let text = command.to_string();
    let number = FIRST + script.lines.len();
    match text.parse::<Command>() {
        Ok(heard) if whole && heard.to_string() == text => script.lines.push(Line::of(number, command)),
        _ => script.others.push(Other { number, text }),
    }
}

/// Lightweight tunnels have no words.
fn has_tunnel(object: &AnyObject) -> bool {
    match object {
        AnyObject::Route(route) => route.encap.is_some() || route.hops.iter().any(|hop| hop.encap.is_some()),
        AnyObject::Nexthop(nexthop) => nexthop.encap.is_some(),
        _ => false,
    }
}

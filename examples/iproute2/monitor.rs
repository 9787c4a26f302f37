//! `tc monitor`, `ip monitor`.

use super::failure::Failure;
use super::print;
use super::session::{in_namespace, Session};
use jiff::Zoned;
use std::collections::BTreeMap;
use tcnl::command::{AnyObject, Monitor, Noun, Timestamp};
use tcnl::netlink::{Builder, Connection, Group};
use tcnl::route::Link;
use tcnl::text::Show;
use tcnl::units::{Dev, Family};
use tcnl::Error;

/// Shows events as they happen, until nobody reads any more.
pub fn run(session: &mut Session, what: &Monitor) -> Result<(), Failure> {
    let options = session.options().clone();
    let groups: Vec<Group> = GROUPS
        .into_iter()
        .filter(|(_, family, nouns)| {
            let of_family = family.is_none() || options.family.is_none() || *family == options.family;
            of_family && nouns.iter().any(|noun| what.watches(*noun))
        })
        .map(|(group, ..)| group)
        .chain([Group::Link])
        .collect();
    let builder = Connection::builder().timeout(None).receive_buffer(1 << 20);
    let open = |builder: &Builder| builder.events(&groups);
    let mut events =
        in_namespace(&options, builder, open, |builder, there| builder.events_in(there, &groups))?;
    // Listed after the events were subscribed to, so that no name is missed.
    let links = session.links()?;
    let mut names: BTreeMap<_, _> =
        links.iter().filter_map(|link| Some((link.dev.index, link.name?))).collect();
    let mut page = session.page(&links);
    // What happens to links is shown with less than what they are.
    page.say("monitor");
    if what.dev.is_some() {
        page.say("dev");
    }
    page.begin();
    loop {
        let event = match events.next() {
            Ok(Some(event)) => event,
            Ok(None) => continue,
            Err(error @ (Error::Overrun { .. } | Error::Decode { .. } | Error::Truncated { .. })) => {
                eprintln!("{error}");
                continue;
            }
            Err(error) => return Err(Failure::new(1, error.to_string())),
        };
        if let Some(Ok(Link { dev, name: Some(name), .. })) = event.object::<Link>() {
            names.insert(dev.index, name);
            page = page.with_links(names.clone());
        }
        let object = match AnyObject::decode(event.object_type(), event.body) {
            Some(Ok(object)) => object,
            Some(Err(error)) => {
                eprintln!("An event cannot be read: {error}");
                continue;
            }
            None => continue,
        };
        if !what.watches(object.noun()) || what.dev.is_some_and(|dev| is_elsewhere(&object, dev)) {
            continue;
        }
        if let Some((key, text)) = object.noun().happened(event.ty, event.flags) {
            page.happened(key, text);
        }
        object.show(&mut page);
        let mut text = String::new();
        if !page.is_json() {
            text += &options.timestamp.map(timestamp).unwrap_or_default();
            text += if what.label { label(object.noun()) } else { "" };
        }
        print(&(text + &page.take()))?;
        match object {
            // A port that leaves its bridge is told of in the bridge's family: the link stays.
            AnyObject::Link(link) if event.is_deletion() && event.body.first() == Some(&AF_UNSPEC) => {
                names.remove(&link.dev.index);
            }
            _ => (),
        }
    }
}

const AF_UNSPEC: u8 = 0;

/// The groups, and what they are about.
const GROUPS: [(Group, Option<Family>, &[Noun]); 8] = [
    (Group::Tc, None, &[Noun::Qdisc, Noun::Class, Noun::Filter, Noun::Chain, Noun::Actions]),
    (Group::AddressV4, Some(Family::V4), &[Noun::Address]),
    (Group::AddressV6, Some(Family::V6), &[Noun::Address]),
    (Group::RouteV4, Some(Family::V4), &[Noun::Route]),
    (Group::RouteV6, Some(Family::V6), &[Noun::Route]),
    (Group::RuleV4, Some(Family::V4), &[Noun::Rule]),
    (Group::RuleV6, Some(Family::V6), &[Noun::Rule]),
    (Group::Nexthop, None, &[Noun::Nexthop]),
];

fn label(noun: Noun) -> &'static str {
    match noun {
        Noun::Link => "[LINK]",
        Noun::Address => "[ADDR]",
        Noun::Route => "[ROUTE]",
        Noun::Rule => "[RULE]",
        Noun::Nexthop => "[NEXTHOP]",
        _ => "",
    }
}

/// Whether it belongs to another device.
fn is_elsewhere(object: &AnyObject, dev: Dev) -> bool {
    match object {
        AnyObject::Link(link) => link.dev != dev,
        AnyObject::Address(address) => address.dev != dev,
        AnyObject::Route(route) => route.dev.is_some_and(|of| of != dev),
        AnyObject::Nexthop(nexthop) => nexthop.dev.is_some_and(|of| of != dev),
        _ => false,
    }
}

/// The time of now, where the machine is.
fn timestamp(form: Timestamp) -> String {
    let now = Zoned::now();
    match form {
        Timestamp::Short => now.strftime("[%Y-%m-%dT%H:%M:%S.%6f] ").to_string(),
        Timestamp::Long => {
            let micros = now.subsec_nanosecond() / 1000;
            now.strftime("Timestamp: %a %b %e %H:%M:%S %Y ").to_string() + &format!("{micros} usec\n")
        }
    }
}

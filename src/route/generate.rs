//! Routes, rules and nexthops as requests can carry them, for property tests and fuzz targets.

use super::*;
use crate::wire::generate::{Generate, Source};
use crate::wire::Unknown;
use std::net::IpAddr;

/// What a decoded object has in place of "the default of the verb".
fn said<T: Generate>(g: &mut Source<'_>) -> Option<T> {
    Some(T::generate(g))
}

fn address(family: Family, g: &mut Source<'_>) -> IpAddr {
    let bits = g.number();
    match family {
        Family::V4 => IpAddr::from((bits as u32).to_be_bytes()),
        Family::V6 => IpAddr::from((u128::from(bits) << 64 | u128::from(g.number())).to_be_bytes()),
    }
}

/// IPv4 routes may have a gateway of either family.
fn gateway(family: Family, g: &mut Source<'_>) -> IpAddr {
    let other = family == Family::V4 && g.flip();
    address(if other { Family::V6 } else { family }, g)
}

fn some<T>(g: &mut Source<'_>, make: impl FnOnce(&mut Source<'_>) -> T) -> Option<T> {
    g.flip().then(|| make(g))
}

fn dev(g: &mut Source<'_>) -> crate::units::Dev {
    crate::units::Dev::index((g.number() as u32).max(1))
}

fn family(g: &mut Source<'_>) -> Family {
    if g.flip() {
        Family::V6
    } else {
        Family::V4
    }
}

fn unknown(g: &mut Source<'_>) -> Unknown {
    if g.byte() > 200 {
        g.list(2).into()
    } else {
        Unknown::new()
    }
}

impl Generate for Scope {
    fn generate(g: &mut Source<'_>) -> Self {
        Scope(g.byte())
    }
}

impl Generate for Encap {
    fn generate(g: &mut Source<'_>) -> Self {
        Encap { kind: u16::generate(g), payload: g.list(20) }
    }
}

fn hop(family: Family, g: &mut Source<'_>) -> Hop {
    Hop {
        dev: some(g, dev),
        gateway: some(g, |g| gateway(family, g)),
        weight: u16::from(g.byte()) + 1,
        flags: RouteFlags::from_bits_retain(g.byte().into()) - RouteFlags::STATUS,
        realms: Option::generate(g),
        encap: Option::generate(g),
        unknown: unknown(g),
    }
}

impl Generate for Route {
    fn generate(g: &mut Source<'_>) -> Self {
        let family = family(g);
        let mut route = Route::to(Prefix::generate_in(family, g)).table(u32::generate(g));
        route.from = some(g, |g| Prefix::generate_in(family, g));
        route.kind = said(g);
        route.protocol = said(g);
        route.scope = said(g);
        route.tos = g.byte();
        route.source = some(g, |g| address(family, g));
        route.metric = Option::generate(g);
        route.metrics = if g.flip() { Metrics::generate(g) } else { Metrics::new() };
        if g.flip() {
            route.nexthop_id = said(g);
        } else {
            route.gateway = some(g, |g| gateway(family, g));
            route.dev = some(g, dev);
            route.hops = (0..g.below(3)).map(|_| hop(family, g)).collect();
            route.encap = Option::generate(g);
        }
        route.preference = Option::generate(g);
        route.expires = Option::generate(g);
        route.realms = Option::generate(g);
        route.ttl_propagate = Option::generate(g);
        route.flags = RouteFlags::from_bits_retain(u32::generate(g)) - RouteFlags::STATUS;
        route.iif = some(g, dev);
        route.mark = Option::generate(g);
        route.uid = Option::generate(g);
        route.ip_proto = Option::generate(g);
        route.sport = Option::generate(g);
        route.dport = Option::generate(g);
        route.flowlabel = Option::generate(g);
        route.unknown = unknown(g);
        route
    }
}

impl Generate for PortRange {
    fn generate(g: &mut Source<'_>) -> Self {
        let start = u16::generate(g);
        PortRange { start, end: start.saturating_add(u16::generate(g)) }
    }
}

impl Generate for UidRange {
    fn generate(g: &mut Source<'_>) -> Self {
        let start = u32::generate(g);
        UidRange { start, end: start.saturating_add(u32::generate(g)) }
    }
}

impl Generate for RuleAction {
    fn generate(g: &mut Source<'_>) -> Self {
        match g.byte() % 8 {
            0 => RuleAction::Lookup,
            6 => RuleAction::Unspec,
            1 => RuleAction::Goto(u32::generate(g)),
            2 => RuleAction::Nop,
            3 => RuleAction::Blackhole,
            4 => RuleAction::Unreachable,
            5 => RuleAction::Prohibit,
            _ => RuleAction::Other(g.byte() | 16),
        }
    }
}

impl Generate for Rule {
    fn generate(g: &mut Source<'_>) -> Self {
        let family = family(g);
        let prefix = |g: &mut Source<'_>| Prefix::generate_in(family, g);
        // A prefix of every address is none.
        let selector = |prefix: &Prefix| !prefix.is_any();
        let mut rule = Rule::of(family);
        rule.priority = Option::generate(g);
        rule.flags = RuleFlags::from_bits_retain(u32::generate(g)) - RuleFlags::STATUS;
        rule.from = some(g, prefix).filter(selector);
        rule.to = some(g, prefix).filter(selector);
        rule.tos = g.byte();
        rule.dscp = some(g, |g| g.byte() & 63);
        rule.dscp_mask = some(g, |g| g.byte() & 63);
        rule.fwmark = Option::generate(g);
        rule.fwmask = Option::generate(g);
        rule.iif = Option::generate(g);
        rule.oif = Option::generate(g);
        rule.l3mdev = g.flip();
        rule.tun_id = Option::generate(g);
        rule.uids = Option::generate(g);
        rule.ip_proto = Option::generate(g);
        rule.sport = Option::generate(g);
        rule.sport_mask = Option::generate(g);
        rule.dport = Option::generate(g);
        rule.dport_mask = Option::generate(g);
        rule.flowlabel = some(g, |g| u32::generate(g) & 0xf_ffff);
        rule.flowlabel_mask = some(g, |g| u32::generate(g) & 0xf_ffff);
        rule.action = said(g);
        rule.table = Some(u32::generate(g).max(1));
        // All ones is none.
        rule.suppress_prefixlength = some(g, |g| u32::generate(g) >> 1);
        rule.suppress_ifgroup = some(g, |g| u32::generate(g) >> 1);
        rule.realms = Option::generate(g);
        rule.protocol = Option::generate(g);
        rule.unknown = unknown(g);
        rule
    }
}

impl Generate for Nexthop {
    fn generate(g: &mut Source<'_>) -> Self {
        let mut nexthop = Nexthop::id(u32::generate(g)).protocol(RouteProtocol(g.byte()));
        nexthop.flags = RouteFlags::from_bits_retain(u32::generate(g)) - RouteFlags::STATUS;
        match g.byte() % 4 {
            0 => {
                let members =
                    (0..g.below(4)).map(|_| Member { id: u32::generate(g), weight: u16::generate(g).max(1) });
                nexthop.group = Some(Group {
                    members: members.collect(),
                    kind: some(g, |g| GroupType(u16::generate(g))),
                    resilient: some(g, |g| Resilient { unbalanced_time: None, ..Resilient::generate(g) }),
                });
            }
            1 => nexthop = nexthop.blackhole(),
            2 => nexthop.family = Some(family(g)),
            _ => nexthop = nexthop.via(address(family(g), g)),
        }
        nexthop.dev = some(g, dev);
        nexthop.fdb = g.flip();
        nexthop.encap = Option::generate(g);
        nexthop.unknown = unknown(g);
        nexthop
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::{Object, Verb};
    use crate::wire::Writer;
    use netlink_packet_core::{Emitable, Parseable};
    use netlink_packet_route::{route::RouteMessage, rule::RuleMessage};
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn sent<O: Object>(object: &O) -> Option<Vec<u8>> {
        let mut w = Writer::default();
        object.encode(Verb::Add, &mut w).ok()?;
        w.finish().ok()?;
        Some(w.bytes().to_vec())
    }

    fn emitted(message: &impl Emitable) -> Vec<u8> {
        let mut bytes = vec![0; message.buffer_len()];
        message.emit(&mut bytes);
        bytes
    }

    proptest! {
        #[test]
        fn every_route_decodes_as_it_was_encoded(bytes in vec(any::<u8>(), 0..400)) {
            let route = Route::generate(&mut Source::new(&bytes));
            let sent = sent(&route).expect("a route as it can be sent");
            prop_assert_eq!(Route::decode(&sent), Ok(route));
        }

        #[test]
        fn every_rule_decodes_as_it_was_encoded(bytes in vec(any::<u8>(), 0..400)) {
            let rule = Rule::generate(&mut Source::new(&bytes));
            let sent = sent(&rule).expect("a rule as it can be sent");
            prop_assert_eq!(Rule::decode(&sent), Ok(rule));
        }

        #[test]
        fn every_nexthop_decodes_as_it_was_encoded(bytes in vec(any::<u8>(), 0..400)) {
            let nexthop = Nexthop::generate(&mut Source::new(&bytes));
            let sent = sent(&nexthop).expect("a nexthop as it can be sent");
            prop_assert_eq!(Nexthop::decode(&sent), Ok(nexthop));
        }

        #[test]
        fn routes_go_through_the_messages_of_netlink_packet_route(bytes in vec(any::<u8>(), 0..400)) {
            let mut route = Route::generate(&mut Source::new(&bytes));
            let message = RouteMessage::from(&route);
            prop_assert_eq!(Route::try_from(message).map(|route| flagless(&route)), Ok(flagless(&route)));
            // That crate knows the lifetime of multicast routes in the form of multicast routers' tables only.
            route.kind = route.kind.filter(|kind| *kind != RouteType::MULTICAST).or(Some(RouteType::UNICAST));
            // What that crate reads of our bytes is what it is given by the conversion, tunnels and the unknown apart.
            route.encap = None;
            route.unknown.clear();
            route.metrics.unknown.clear();
            route.hops.iter_mut().for_each(|hop| {
                hop.encap = None;
                hop.unknown.clear();
            });
            let sent = sent(&route).expect("a route as it can be sent");
            let read = RouteMessage::parse(&sent[..]).expect("bytes that crate understands");
            prop_assert_eq!(Route::decode(&emitted(&read)), Ok(route));
        }

        #[test]
        fn rules_go_through_the_messages_of_netlink_packet_route(bytes in vec(any::<u8>(), 0..400)) {
            let rule = Rule::generate(&mut Source::new(&bytes));
            prop_assert_eq!(Rule::try_from(RuleMessage::from(&rule)), Ok(rule.clone()));
            let sent = sent(&rule).expect("a rule as it can be sent");
            let read = RuleMessage::parse(&sent[..]).expect("bytes that crate understands");
            prop_assert_eq!(Rule::try_from(read), Ok(rule));
        }
    }

    /// That crate drops the flags of attributes that it does not know.
    fn flagless(route: &Route) -> Route {
        let mut route = route.clone();
        let clear = |unknown: &mut Unknown| unknown.iter_mut().for_each(|attr| attr.flags = 0);
        clear(&mut route.unknown);
        clear(&mut route.metrics.unknown);
        route.hops.iter_mut().for_each(|hop| clear(&mut hop.unknown));
        route
    }
}

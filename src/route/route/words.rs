use super::{Route, RouteFlags};
use crate::request::Verb;
use crate::route::hop::Via;
use crate::route::{Family, Prefix, RouteProtocol, RouteType};
use crate::text::Say;
use std::fmt::{Display, Formatter, Result};

/// Writes the `ip route` command. A lightweight tunnel has no words here: its parameters are kept as bytes.
pub(super) fn command(route: &Route, verb: Verb, f: &mut Formatter<'_>) -> Result {
    write!(f, "ip {}route {verb}", option(route))?;
    if verb == Verb::Get {
        return lookup(route, f);
    }
    let kind = route.kind.unwrap_or(RouteType::UNICAST);
    if verb == Verb::Delete {
        route
            .kind
            .iter()
            .filter(|kind| **kind != RouteType::UNSPEC)
            .try_for_each(|kind| write!(f, " {kind}"))?;
    } else if kind != RouteType::UNICAST {
        write!(f, " {kind}")?;
    }
    write!(f, " {}", Destination(route.to))?;
    route.from.say("from", f)?;
    if route.tos != 0 {
        write!(f, " tos {:#x}", route.tos)?;
    }
    match (route.gateway, route.nexthop_id) {
        (_, Some(id)) => write!(f, " nhid {id}")?,
        (Some(gateway), None) if Family::of(gateway) != route.family() => write!(f, " via {}", Via(gateway))?,
        (gateway, None) => gateway.say("via", f)?,
    }
    if route.nexthop_id.is_none() {
        route.dev.say("dev", f)?;
    }
    // ip puts these types into the local table unless told.
    let local = [RouteType::LOCAL, RouteType::BROADCAST, RouteType::NAT, RouteType::ANYCAST].contains(&kind);
    if local || route.table != Route::MAIN {
        write!(f, " table {}", route.table)?;
    }
    route.metric.say("metric", f)?;
    let usual = match verb {
        Verb::Delete => RouteProtocol::UNSPEC,
        _ => RouteProtocol::BOOT,
    };
    route.protocol.filter(|protocol| *protocol != usual).say("proto", f)?;
    route.scope.filter(|scope| *scope != route.default_scope(verb)).say("scope", f)?;
    route.source.say("src", f)?;
    route.realms.say("realm", f)?;
    route.metrics.fmt(f)?;
    route.preference.say("pref", f)?;
    route.expires.say("expires", f)?;
    route.ttl_propagate.map(|on| if on { "enabled" } else { "disabled" }).say("ttl-propagate", f)?;
    route.flags.contains(RouteFlags::ONLINK).say("onlink", f)?;
    route.flags.contains(RouteFlags::PERVASIVE).say("pervasive", f)?;
    if route.nexthop_id.is_none() {
        route.hops.iter().try_for_each(|hop| {
            f.write_str(" ")?;
            hop.words(route.family(), f)
        })?;
    }
    Ok(())
}

/// The option that says the family. IPv4 is what ip takes in any case, unless the first address that it reads is an IPv6 gateway.
fn option(route: &Route) -> &'static str {
    let gateways = route.hops.iter().filter_map(|hop| hop.gateway).chain(route.gateway);
    let misleading = route.to == Prefix::ANY_V4
        && route.nexthop_id.is_none()
        && gateways.map(Family::of).any(|family| family == Family::V6);
    match misleading {
        true => "-4 ",
        false => route.family().option(),
    }
}

fn lookup(route: &Route, f: &mut Formatter<'_>) -> Result {
    route.flags.contains(RouteFlags::FIB_MATCH).say("fibmatch", f)?;
    write!(f, " {}", route.to.addr())?;
    route.from.map(Prefix::addr).say("from", f)?;
    route.iif.say("iif", f)?;
    route.dev.say("oif", f)?;
    if route.tos != 0 {
        write!(f, " tos {:#x}", route.tos)?;
    }
    route.mark.say("mark", f)?;
    route.uid.say("uid", f)?;
    route.ip_proto.say("ipproto", f)?;
    route.sport.say("sport", f)?;
    route.dport.say("dport", f)?;
    route.flowlabel.say("flowlabel", f)
}

/// A destination in the words of `ip`.
pub(super) struct Destination(pub Prefix);

impl Display for Destination {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self.0 {
            Prefix::ANY_V4 | Prefix::ANY_V6 => f.write_str("default"),
            prefix => prefix.fmt(f),
        }
    }
}

//! When two objects mean the same: what the kernel fills in is no difference, nor is what it only reports.

use crate::request::Verb;
use crate::route::{
    Address, AddressFlags, CacheInfo, Encap, Family, Group, GroupType, Hop, Lifetime, Metrics, Nexthop,
    Preference, Prefix, Realms, Resilient, Route, RouteFlags, RouteType, Rule, RuleAction, RuleFlags, Scope,
};
use crate::units::Dev;
use crate::wire::{Reader, Unknown};

/// IP6_RT_PRIO_USER of `linux/ipv6_route.h`: the metric of IPv6 routes that say none.
const METRIC_V6: u32 = 1024;
/// What of a way's flags is not only reported.
const WAY: RouteFlags = RouteFlags::ONLINK.union(RouteFlags::PERVASIVE);

/// The metric that the kernel gives the route.
pub(super) fn metric(route: &Route) -> u32 {
    match (route.family(), route.metric.unwrap_or(0)) {
        (Family::V6, 0) => METRIC_V6,
        (_, metric) => metric,
    }
}

/// The route with all that is left out filled in, and nothing that is only reported.
fn settled(said: &Route) -> Route {
    let family = said.family();
    let kind = said.kind.unwrap_or(RouteType::UNICAST);
    let mut route = Route::to(said.to).table(said.table).kind(kind).metric(metric(said));
    route.from = said.from.filter(|from| *from != Prefix::any(family));
    route.protocol = said.protocol;
    route.source = said.source;
    route.metrics = metrics(&said.metrics);
    route.nexthop_id = said.nexthop_id;
    match family {
        Family::V4 => {
            route.tos = said.tos;
            route.scope = Some(said.scope.unwrap_or_else(|| said.default_scope(Verb::Add)));
            route.realms = said.realms.filter(|realms| *realms != Realms::default());
        }
        Family::V6 => {
            route.preference = Some(said.preference.unwrap_or(Preference::MEDIUM));
            route.expires = said.expires.filter(|expires| *expires != 0);
        }
    }
    // A nexthop object has ways of its own, which are reported.
    if said.nexthop_id.is_none() {
        route.hops = said.hops.clone();
        match said.hops.as_slice() {
            [] => {
                route.flags = said.flags & WAY;
                (route.gateway, route.dev, route.encap) = (said.gateway, said.dev, said.encap.clone());
            }
            // One way is no multipath route.
            [only] => {
                route.hops.clear();
                route.flags = only.flags & WAY;
                (route.gateway, route.dev, route.encap) = (only.gateway, only.dev, only.encap.clone());
                route.realms = only.realms.filter(|_| family == Family::V4).or(route.realms);
            }
            _ => (),
        }
    }
    // What does not forward leaves by no device; of IPv6 kernels report the loopback.
    if [RouteType::BLACKHOLE, RouteType::UNREACHABLE, RouteType::PROHIBIT, RouteType::THROW].contains(&kind) {
        route.dev = None;
    }
    route
}

/// The metrics as kernels keep them: those of 0 are none, and some have a largest value.
fn metrics(said: &Metrics) -> Metrics {
    let mut metrics = Metrics { unknown: Unknown::new(), ..said.clone() };
    let Metrics { mtu, advmss, hoplimit, .. } = &mut metrics;
    for (metric, largest) in [(mtu, 65535 - 15), (advmss, 65535 - 40), (hoplimit, 255)] {
        *metric = metric.map(|metric| metric.min(largest));
    }
    let Metrics { lock, mtu, window, rtt, rttvar, ssthresh, cwnd, advmss, .. } = &mut metrics;
    for metric in [lock, mtu, window, rtt, rttvar, ssthresh, cwnd, advmss] {
        *metric = metric.filter(|metric| *metric != 0);
    }
    let Metrics { reordering, hoplimit, initcwnd, features, rto_min, initrwnd, quickack, .. } = &mut metrics;
    for metric in [reordering, hoplimit, initcwnd, features, rto_min, initrwnd, quickack] {
        *metric = metric.filter(|metric| *metric != 0);
    }
    metrics.fastopen_no_cookie = metrics.fastopen_no_cookie.filter(|metric| *metric != 0);
    metrics
}

/// Whether the route that is there is what is wanted.
pub(super) fn route(there: &Route, wanted: &Route) -> bool {
    let (mut there, mut wanted) = (settled(there), settled(wanted));
    there.dev = found(there.dev, wanted.dev, wanted.gateway.is_some());
    if there.expires.is_some_and(|left| wanted.expires.is_some_and(|all| left <= all)) {
        there.expires = wanted.expires;
    }
    let ways = std::mem::take(&mut there.hops);
    let tunnel = there.encap.take();
    same_ways(&ways, &std::mem::take(&mut wanted.hops))
        && same_tunnel(tunnel.as_ref(), wanted.encap.take().as_ref())
        && there == wanted
}

/// The device, but for one that the kernel found by the gateway.
fn found(there: Option<Dev>, wanted: Option<Dev>, has_gateway: bool) -> Option<Dev> {
    there.filter(|_| wanted.is_some() || !has_gateway)
}

/// The order of ways means nothing.
fn same_ways(there: &[Hop], wanted: &[Hop]) -> bool {
    let mut left: Vec<&Hop> = there.iter().collect();
    let (say, open): (Vec<&Hop>, Vec<&Hop>) = wanted.iter().partition(|hop| hop.dev.is_some());
    let mut takes = |wanted: &&Hop| {
        let at = left.iter().position(|there| same_way(there, wanted));
        at.map(|at| left.swap_remove(at)).is_some()
    };
    say.iter().all(&mut takes) && open.iter().all(&mut takes) && left.is_empty()
}

fn same_way(there: &Hop, wanted: &Hop) -> bool {
    found(there.dev, wanted.dev, wanted.gateway.is_some()) == wanted.dev
        && there.gateway == wanted.gateway
        && there.weight == wanted.weight
        && there.flags & WAY == wanted.flags & WAY
        && there.realms.unwrap_or_default() == wanted.realms.unwrap_or_default()
        && same_tunnel(there.encap.as_ref(), wanted.encap.as_ref())
}

/// Kernels report more of a tunnel than was said.
fn same_tunnel(there: Option<&Encap>, wanted: Option<&Encap>) -> bool {
    let (Some(there), Some(wanted)) = (there, wanted) else { return there.is_none() && wanted.is_none() };
    let attrs = |encap: &Encap| -> Option<Vec<(u16, Vec<u8>)>> {
        let attrs = Reader::new(&encap.payload).attrs();
        attrs.map(|attr| attr.ok().map(|attr| (attr.ty, attr.payload.to_vec()))).collect()
    };
    let said = match (attrs(there), attrs(wanted)) {
        (Some(there), Some(wanted)) => wanted.iter().all(|attr| there.contains(attr)),
        _ => there.payload == wanted.payload,
    };
    there.kind == wanted.kind && said
}

/// The rule with all that is left out filled in, and nothing that is only reported, nor who added it.
pub(super) fn settled_rule(said: &Rule) -> Rule {
    let mut rule = Rule { unknown: Unknown::new(), protocol: None, ..said.clone() };
    let any = Prefix::any(rule.family);
    rule.flags &= RuleFlags::INVERT;
    (rule.from, rule.to) = (rule.from.filter(|net| *net != any), rule.to.filter(|net| *net != any));
    let mark = rule.fwmark.unwrap_or(0);
    let mask = rule.fwmask.unwrap_or(if mark == 0 { 0 } else { u32::MAX });
    let marks = (mark, mask) != (0, 0);
    (rule.fwmark, rule.fwmask) = (marks.then_some(mark), marks.then_some(mask));
    rule.dscp_mask = rule.dscp.map(|_| rule.dscp_mask.unwrap_or(0x3f));
    rule.flowlabel_mask = rule.flowlabel.map(|_| rule.flowlabel_mask.unwrap_or(0xf_ffff));
    for (ports, mask) in [(rule.sport, &mut rule.sport_mask), (rule.dport, &mut rule.dport_mask)] {
        *mask = ports.filter(|ports| ports.start == ports.end).map(|_| mask.unwrap_or(u16::MAX));
    }
    rule.tun_id = rule.tun_id.filter(|id| *id != 0);
    rule.ip_proto = rule.ip_proto.filter(|number| *number != 0);
    let action = *rule.action.get_or_insert(RuleAction::Lookup);
    if action == RuleAction::Lookup && !rule.l3mdev {
        rule.table.get_or_insert(Route::MAIN);
    }
    let accounts = rule.family == Family::V4;
    rule.realms = rule.realms.filter(|realms| accounts && *realms != Realms::default());
    rule
}

/// Whether the nexthop object that is there is what is wanted.
pub(super) fn nexthop(there: &Nexthop, wanted: &Nexthop) -> bool {
    let mut there = settled_nexthop(there);
    let mut wanted = settled_nexthop(wanted);
    // What a table of buckets leaves open stays as it is.
    let table = |nexthop: &mut Nexthop| nexthop.group.as_mut().and_then(|group| group.resilient.take());
    let (is, said) = (table(&mut there).unwrap_or_default(), table(&mut wanted).unwrap_or_default());
    let open = |said: Option<u32>, is: Option<u32>| said.is_none() || said == is;
    let same_table = (said.buckets.is_none() || said.buckets == is.buckets)
        && open(said.idle_timer, is.idle_timer)
        && open(said.unbalanced_timer, is.unbalanced_timer);
    let (is, said) = (there.encap.take(), wanted.encap.take());
    same_table && same_tunnel(is.as_ref(), said.as_ref()) && there == wanted
}

fn settled_nexthop(said: &Nexthop) -> Nexthop {
    let mut nexthop =
        Nexthop { unknown: Unknown::new(), op_flags: None, scope: Scope::GLOBAL, ..said.clone() };
    nexthop.flags &= WAY;
    if let Some(Group { members, kind, resilient }) = &mut nexthop.group {
        members.sort_by_key(|member| (member.id, member.weight));
        kind.get_or_insert(GroupType::MPATH);
        *resilient = resilient.take().filter(|table| *table != Resilient::default());
        nexthop.family = None;
    }
    if nexthop.blackhole {
        nexthop.dev = None;
    }
    nexthop
}

/// The flags of an address that somebody wants, beside those that matter only while it is added.
fn wanted_flags(address: &Address) -> AddressFlags {
    let of_v6 = match address.local.address().is_ipv6() {
        true => AddressFlags::HOMEADDRESS | AddressFlags::MANAGETEMPADDR,
        false => AddressFlags::empty(),
    };
    address.flags & (of_v6 | AddressFlags::NOPREFIXROUTE | AddressFlags::MCAUTOJOIN)
}

/// What differs between two addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Differs {
    Not,
    /// In what `replace` can change.
    InPlace,
    /// In what is settled once it is there.
    Anew,
}

/// Whether the address that is there is what is wanted. Both are of one key. `inet_rtm_newaddr()` and `inet6_addr_modify()`
pub(super) fn address(there: &Address, wanted: &Address) -> Differs {
    let is_v6 = wanted.local.address().is_ipv6();
    let name =
        |address: &Address| wanted.dev.name.map(|name| address.label.as_deref().unwrap_or(&name) == &*name);
    let label = |address: &Address| address.label.clone().filter(|_| name(address) != Some(true));
    let peer = |address: &Address| address.peer.filter(|peer| *peer != address.local.address());
    let flags = wanted_flags(there) == wanted_flags(wanted);
    let other_v4 = || {
        there.broadcast == wanted.broadcast
            && (label(there) == label(wanted) || wanted.label.is_none() && wanted.dev.name.is_none())
            && there.scope == wanted.scope
            && peer(there) == peer(wanted)
            && flags
    };
    let other_v6 = || {
        let joins = |address: &Address| address.flags & AddressFlags::MCAUTOJOIN;
        there.local == wanted.local && joins(there) == joins(wanted)
    };
    let stays = if is_v6 { other_v6() } else { other_v4() };
    let changes = !lasts_as(there.lifetime, wanted.lifetime)
        || there.metric.unwrap_or(0) != wanted.metric.unwrap_or(0)
        || is_v6 && (!flags || peer(there) != peer(wanted));
    match (stays, changes) {
        (false, _) => Differs::Anew,
        (true, true) => Differs::InPlace,
        (true, false) => Differs::Not,
    }
}

/// Whether what is left of a lifetime may be of the wanted one.
fn lasts_as(there: Option<CacheInfo>, wanted: Option<CacheInfo>) -> bool {
    let lifetimes =
        |info: Option<CacheInfo>| info.map_or([Lifetime::Forever; 2], |info| [info.valid, info.preferred]);
    lifetimes(there).iter().zip(lifetimes(wanted)).all(|(left, all)| match (left, all) {
        (Lifetime::Seconds(left), Lifetime::Seconds(all)) => *left <= all,
        (left, all) => *left == all,
    })
}

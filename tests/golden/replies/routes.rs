use super::rules::table;
use super::{Json, Reply, Shown};
use crate::data::replies;
use serde_json::Value;
use std::net::IpAddr;
use tcnl::route::{Family, Group, GroupType, Hop, Metrics, Nexthop, Prefix, Route, RouteFlags};
use tcnl::units::Dev;

/// Of both families unless one was asked for; the kernel sends IPv4 first.
pub fn shown(all: &mut Shown, reply: &Reply) -> Vec<Value> {
    let mut routes = Vec::new();
    if !reply.show.contains(" -6 ") {
        routes.extend(all.objects(reply, &Route::all_v4()));
    }
    routes.extend(all.objects(reply, &Route::all_v6()));
    routes.iter().map(route).collect()
}

/// Where iproute2 asks for nexthops as well, the JSON stands with their reply; the one with the routes comes before it.
pub fn shown_with_nexthops(all: &mut Shown, nexthops: &Reply) -> Vec<Value> {
    let routes =
        |reply: &Reply| reply.id == nexthops.id && reply.show == nexthops.show && reply.json.is_none();
    shown(all, &replies().into_iter().find(routes).expect("the routes before their nexthops"))
}

fn route(route: &Route) -> Value {
    let mut json = Json::default();
    json.some("type", route.kind.map(|kind| kind.to_string()));
    json.put("dst", prefix(route.to));
    json.some("from", route.from.map(prefix));
    json.some("nhid", route.nexthop_id);
    gateway(&mut json, route.family(), route.gateway);
    json.some("dev", route.dev.map(name));
    json.put("table", table(route.table));
    json.some("protocol", route.protocol.map(|protocol| protocol.to_string()));
    json.some("scope", route.scope.map(|scope| scope.to_string()));
    json.some("prefsrc", route.source.map(|source| source.to_string()));
    json.some("metric", route.metric);
    json.put("flags", flags(route.flags));
    json.some("expires", route.expires);
    json.some("ttl-propogate", route.ttl_propagate);
    if !route.metrics.is_empty() {
        json.put("metrics", vec![metrics(&route.metrics)]);
    }
    json.some("pref", route.preference.map(|preference| preference.to_string()));
    if !route.hops.is_empty() {
        json.put("nexthops", route.hops.iter().map(|it| hop(route.family(), it)).collect::<Vec<_>>());
    }
    json.done()
}

fn hop(family: Family, hop: &Hop) -> Value {
    let mut json = Json::default();
    gateway(&mut json, family, hop.gateway);
    if let Some(realms) = hop.realms {
        let mut flow = Json::default();
        flow.put("to", realms.to.to_string());
        json.put("flow", flow.done());
    }
    json.some("dev", hop.dev.map(name));
    json.put("weight", hop.weight);
    json.put("flags", flags(hop.flags));
    json.done()
}

fn metrics(metrics: &Metrics) -> Value {
    let mut json = Json::default();
    json.some("mtu", metrics.mtu);
    if metrics.features.is_some_and(|features| features & 1 == 1) {
        json.put("ecn", Value::Null);
    }
    json.done()
}

fn gateway(json: &mut Json, family: Family, gateway: Option<IpAddr>) {
    match gateway {
        Some(IpAddr::V6(gateway)) if family == Family::V4 => {
            let mut via = Json::default();
            via.put("family", "inet6");
            via.put("host", gateway.to_string());
            json.put("via", via.done());
        }
        gateway => json.some("gateway", gateway.map(|gateway| gateway.to_string())),
    }
}

pub fn nexthops(all: &mut Shown, reply: &Reply) -> Vec<Value> {
    all.objects(reply, &Nexthop::all()).iter().map(nexthop).collect()
}

fn nexthop(nexthop: &Nexthop) -> Value {
    let mut json = Json::default();
    json.put("id", nexthop.id);
    if let Some(group) = &nexthop.group {
        put_group(&mut json, group);
    }
    json.some("gateway", nexthop.gateway.map(|gateway| gateway.to_string()));
    json.some("dev", nexthop.dev.map(name));
    json.put("scope", nexthop.scope.to_string());
    if nexthop.blackhole {
        json.put("blackhole", Value::Null);
    }
    json.put("protocol", nexthop.protocol.to_string());
    json.put("flags", flags(nexthop.flags));
    json.done()
}

fn put_group(json: &mut Json, group: &Group) {
    let member = |member: &tcnl::route::Member| {
        let mut json = Json::default();
        json.put("id", member.id);
        json.some("weight", Some(member.weight).filter(|weight| *weight != 1));
        json.done()
    };
    json.put("group", group.members.iter().map(member).collect::<Vec<_>>());
    json.some("type", group.kind.filter(|kind| *kind == GroupType::RESILIENT).map(|_| "resilient"));
    if let Some(table) = &group.resilient {
        let mut args = Json::default();
        args.some("buckets", table.buckets);
        args.some("idle_timer", table.idle_timer.map(|ticks| ticks / 100));
        args.some("unbalanced_timer", table.unbalanced_timer.map(|ticks| ticks / 100));
        args.some("unbalanced_time", table.unbalanced_time.map(|ticks| ticks / 100));
        json.put("resilient_args", args.done());
    }
}

fn prefix(prefix: Prefix) -> String {
    if prefix.is_any() {
        "default".to_owned()
    } else {
        prefix.to_string()
    }
}

/// The devices of the recordings.
fn name(dev: Dev) -> String {
    match dev.index {
        1 => "lo".to_owned(),
        10 => "v0".to_owned(),
        11 => "v1".to_owned(),
        20 => "ifb0".to_owned(),
        21 => "ifb1".to_owned(),
        index => format!("if{index}"),
    }
}

fn flags(flags: RouteFlags) -> Vec<&'static str> {
    let names = [
        (RouteFlags::DEAD, "dead"),
        (RouteFlags::ONLINK, "onlink"),
        (RouteFlags::PERVASIVE, "pervasive"),
        (RouteFlags::LINKDOWN, "linkdown"),
    ];
    names.into_iter().filter(|(flag, _)| flags.contains(*flag)).map(|(_, name)| name).collect()
}

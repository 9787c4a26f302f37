use super::{Json, Reply, Shown};
use serde_json::Value;
use tcnl::route::{PortRange, Prefix, RouteProtocol, Rule, RuleAction, RuleFlags};

pub fn shown(all: &mut Shown, reply: &Reply) -> Vec<Value> {
    let query = if reply.show.contains(" -6 ") { Rule::all_v6() } else { Rule::all_v4() };
    all.objects(reply, &query).iter().map(rule).collect()
}

fn rule(rule: &Rule) -> Value {
    let mut json = Json::default();
    json.put("priority", rule.priority.unwrap_or(0));
    if rule.flags.contains(RuleFlags::INVERT) {
        json.put("not", Value::Null);
    }
    match rule.from {
        None => json.put("src", "all"),
        Some(prefix) => selector(&mut json, "src", prefix),
    }
    if let Some(prefix) = rule.to {
        selector(&mut json, "dst", prefix);
    }
    if rule.tos != 0 {
        json.put("tos", format!("{:#04x}", rule.tos));
    }
    if rule.fwmark.is_some() || rule.fwmask.is_some() {
        json.put("fwmark", format!("{:#x}", rule.fwmark.unwrap_or(0)));
        json.some("fwmask", rule.fwmask.filter(|mask| *mask != u32::MAX).map(|mask| format!("{mask:#x}")));
    }
    json.some("iif", rule.iif.map(|name| name.to_string()));
    json.some("oif", rule.oif.map(|name| name.to_string()));
    if rule.l3mdev {
        json.put("l3mdev", Value::Null);
    }
    if let Some(uids) = rule.uids {
        json.put("uid_start", uids.start);
        json.put("uid_end", uids.end);
    }
    json.some("ipproto", rule.ip_proto.map(|number| if number == 6 { "tcp" } else { "udp" }));
    ports(&mut json, "sport", rule.sport);
    ports(&mut json, "dport", rule.dport);
    json.some("suppress_prefixlen", rule.suppress_prefixlength);
    json.some("suppress_ifgroup", rule.suppress_ifgroup.map(|group| group.to_string()));
    match rule.action.expect("a decoded rule has an action") {
        RuleAction::Lookup => json.some("table", rule.table.map(table)),
        RuleAction::Goto(target) => json.put("goto", target),
        RuleAction::Nop => json.put("nop", Value::Null),
        RuleAction::Blackhole => json.put("action", "blackhole"),
        RuleAction::Unreachable => json.put("action", "unreachable"),
        RuleAction::Prohibit => json.put("action", "prohibit"),
        other => json.put("action", format!("{other:?}")),
    }
    // A name of /etc/iproute2/rt_protos.
    let protocol =
        |protocol: RouteProtocol| if protocol.0 == 99 { "openr".to_owned() } else { protocol.to_string() };
    json.some("protocol", rule.protocol.map(protocol));
    json.done()
}

fn selector(json: &mut Json, word: &str, prefix: Prefix) {
    json.put(word, prefix.addr().to_string());
    let whole = prefix.len() == prefix.family().bits();
    json.some(&format!("{word}len"), Some(prefix.len()).filter(|_| !whole));
}

fn ports(json: &mut Json, word: &str, range: Option<PortRange>) {
    match range {
        Some(range) if range.start == range.end => json.put(word, range.start),
        Some(range) => {
            json.put(&format!("{word}_start"), range.start);
            json.put(&format!("{word}_end"), range.end);
        }
        None => (),
    }
}

/// As /etc/iproute2/rt_tables names them.
pub fn table(table: u32) -> String {
    match table {
        253 => "default".to_owned(),
        254 => "main".to_owned(),
        255 => "local".to_owned(),
        number => number.to_string(),
    }
}

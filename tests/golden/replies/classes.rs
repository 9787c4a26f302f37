use super::{stats, Json, Reply, Shown};
use serde_json::Value;
use tcnl::clock::Clock;
use tcnl::tc::htb::HtbClass;
use tcnl::tc::{AppStats, Class, ClassKind};
use tcnl::units::{Dev, Handle};

pub fn shown(all: &mut Shown, reply: &Reply) -> Vec<Value> {
    all.objects(reply, &Class::of(Dev::index(10))).iter().map(class).collect()
}

fn class(class: &Class) -> Value {
    let mut json = Json::default();
    let kind = class.kind.as_ref().expect("a class in a dump has a kind");
    json.put("class", kind.name());
    json.put("handle", class.id.to_string());
    match class.parent {
        Handle::ROOT => json.put("root", true),
        parent => json.put("parent", parent.to_string()),
    }
    json.some("leaf", class.leaf.map(|leaf| leaf.to_string()));
    if let ClassKind::Htb(htb) = kind {
        put_htb(&mut json, htb);
    }
    if let Some(counted) = &class.stats {
        let mut inner = Json::default();
        stats::put(&mut inner, counted);
        if let Some(AppStats::HtbClass(htb)) = &counted.app {
            inner.put("lended", htb.lends);
            inner.put("borrowed", htb.borrows);
            inner.put("giants", htb.giants);
            inner.put("tokens", htb.tokens);
            inner.put("ctokens", htb.ctokens);
        }
        json.put("stats", inner.done());
    }
    json.done()
}

fn put_htb(json: &mut Json, class: &HtbClass) {
    let clock = Clock::default();
    let ceil = class.ceil_or_rate();
    if class.level == 0 {
        json.put("prio", class.prio);
        json.put("quantum", class.quantum);
    }
    json.put("rate", class.rate.as_bytes_per_second());
    json.put("ceil", ceil.as_bytes_per_second());
    json.put("linklayer", class.framing.linklayer.to_string());
    json.some("overhead", Some(class.framing.overhead).filter(|overhead| *overhead != 0));
    json.some("burst", class.burst.map(|burst| burst.size(&clock, class.rate).as_bytes()));
    json.put("burst_cell", 1);
    json.put("mpu_rate", class.framing.mpu);
    json.some("cburst", class.cburst.map(|burst| burst.size(&clock, ceil).as_bytes()));
    json.put("cburst_cell", 1);
    json.put("mpu_ceil", class.ceil_framing.unwrap_or(class.framing).mpu);
    json.put("level", class.level);
}

use super::{actions, Json, Reply, Shown};
use serde_json::Value;
use tcnl::tc::fw::Fw;
use tcnl::tc::police::Police;
use tcnl::tc::u32::{Selector, SelectorFlags, U32Handle, U32};
use tcnl::tc::{Actions, Filter, FilterFlags, FilterKind, Kind, Place, Protocol};
use tcnl::units::{Dev, Handle};

pub fn shown(all: &mut Shown, reply: &Reply) -> Vec<Value> {
    let filters = all.objects(reply, &Filter::of(Dev::index(10)));
    // iproute2 says the parent only where it did not ask for one.
    let asked = !reply.show.ends_with("dev v0");
    filters.iter().map(|it| filter(it, asked)).collect()
}

fn filter(filter: &Filter, parent_is_known: bool) -> Value {
    let mut json = Json::default();
    match filter.place {
        Place::Dev { parent, .. } if !parent_is_known => json.put("parent", parent.to_string()),
        _ => (),
    }
    json.some("protocol", filter.protocol.map(protocol));
    json.put("pref", filter.prio);
    let kind = filter.kind.as_ref().expect("a filter in a dump has a kind");
    json.put("kind", kind.name());
    json.some("chain", filter.chain);
    let mut options = Json::default();
    match kind {
        FilterKind::U32(u32) if u32.has_options() => put_u32(&mut options, u32, filter.handle),
        FilterKind::Fw(fw) if fw.has_options() => put_fw(&mut options, fw),
        FilterKind::Other(other) => json.not_yet(&other.name),
        _ => (),
    }
    if !options.0.is_empty() {
        json.put("options", options.done());
    }
    if let Some(stats) = &filter.stats {
        json.put("bytes", stats.bytes);
        json.put("packets", stats.packets);
        json.put("dropped", stats.queue.drops);
        json.put("overlimits", stats.queue.overlimits);
    }
    json.done()
}

fn protocol(protocol: Protocol) -> String {
    match protocol.ethertype() {
        0x88cc => "LLDP".to_owned(),
        _ => protocol.to_string(),
    }
}

fn put_u32(json: &mut Json, filter: &U32, handle: u32) {
    let handle = U32Handle::from_raw(handle);
    json.put("fh", handle.to_string());
    json.some("order", Some(handle.node()).filter(|node| *node != 0));
    json.some("ht_divisor", filter.divisor.map(|divisor| divisor.0));
    json.some("key_ht", filter.ht.map(|ht| format!("{:x}", ht.table())));
    json.some("bkt", filter.ht.map(|ht| format!("{:x}", ht.bucket())));
    json.some("flowid", filter.class.map(class));
    json.some("link", filter.link.map(|link| link.to_string()));
    if let Some(flags) = filter.flags {
        json.flag("skip_hw", flags.contains(FilterFlags::SKIP_HW));
        json.flag("not_in_hw", flags.contains(FilterFlags::NOT_IN_HW));
    }
    if let Some(counters) = &filter.counters {
        json.put("rule_hit", counters.tried);
        // iproute2 shows the filter's and each key's under one name: the last one stands.
        let keys = filter.selector.as_ref().map_or(0, |selector| selector.keys.len());
        json.put("success", counters.keys[..keys].last().copied().unwrap_or(counters.hit));
    }
    if let Some(selector) = &filter.selector {
        put_selector(json, selector);
    }
    if let Some(mark) = filter.mark {
        json.put("fwmark_value", format!("{:#x}", mark.value));
        json.put("fwmark_mask", format!("{:#x}", mark.mask));
        json.put("fwmark_success", mark.success);
    }
    put_what_is_done(json, filter.police.as_ref(), filter.actions.as_ref());
}

fn put_selector(json: &mut Json, selector: &Selector) {
    // Of several keys the last one stands, for all are called `match`.
    if let Some(key) = selector.keys.last() {
        let mut inner = Json::default();
        inner.put("value", format!("{:x}", key.val.0));
        inner.put("mask", format!("{:x}", key.mask.0));
        inner.put("offmask", if key.offmask == 0 { "" } else { "nexthdr+" });
        inner.put("off", key.off);
        json.put("match", inner.done());
    }
    if selector.flags.contains(SelectorFlags::VAROFFSET) {
        json.put("offset_mask", format!("{:x}", selector.offset_mask));
        json.put("offset_shift", selector.shift);
        json.put("offset_off", selector.offset_at);
    }
    if selector.flags.contains(SelectorFlags::OFFSET) {
        json.put("plus", selector.plus);
    }
    if selector.hash_mask != 0 {
        json.put("hash_mask", format!("{:x}", selector.hash_mask));
        json.put("hash_off", selector.hash_at);
    }
}

fn put_fw(json: &mut Json, filter: &Fw) {
    let mut mark = Json::default();
    mark.some("mark", filter.mark.map(|mark| format!("{mark:#x}")));
    mark.put("mask", format!("{:#x}", filter.mask.unwrap_or(u32::MAX)));
    json.put("fw", mark.done());
    json.some("classid", filter.class.map(class));
    json.some("indev", filter.indev.map(|indev| indev.to_string()));
    put_what_is_done(json, filter.police.as_ref(), filter.actions.as_ref());
}

fn put_what_is_done(json: &mut Json, police: Option<&Police>, list: Option<&Actions>) {
    if let Some(police) = police {
        json.put("kind", "police");
        let times = actions::put_police(json, police);
        actions::put_times(json, times);
    }
    if let Some(list) = list {
        let shown = |(order, action): &(u16, _)| actions::action(usize::from(*order), action);
        json.put("actions", list.0.iter().map(shown).collect::<Vec<_>>());
    }
}

/// iproute2 leaves out a major number of 0.
fn class(class: Handle) -> String {
    match class.major() {
        0 => format!(":{:x}", class.minor()),
        _ => class.to_string(),
    }
}

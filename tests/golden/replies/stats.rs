use super::Json;
use tcnl::tc::Stats;

/// The counters that qdiscs, classes and actions have in common.
pub fn put(json: &mut Json, stats: &Stats) {
    json.put("bytes", stats.bytes);
    json.put("packets", stats.packets);
    json.put("drops", stats.queue.drops);
    json.put("overlimits", stats.queue.overlimits);
    json.put("requeues", stats.queue.requeues);
    json.some("rate", stats.rate.map(|(bytes, _)| bytes));
    json.some("pps", stats.rate.map(|(_, packets)| packets));
    json.put("backlog", stats.queue.backlog);
    json.put("qlen", stats.queue.qlen);
}

use super::{Reply, Shown, NOT_YET, NOT_YET_BELOW};
use serde_json::Value;
use tcnl::tc::Qdisc;
use tcnl::units::Dev;

pub fn shown(all: &mut Shown, reply: &Reply) -> Vec<Value> {
    let dev = if reply.show.ends_with("dev ifb0") { 20 } else { 10 };
    let mut qdiscs = all.json(reply, &Qdisc::of(Dev::index(dev)));
    for qdisc in qdiscs.iter_mut().filter_map(Value::as_object_mut) {
        // What iproute2 shows of the options of a kind that the crate does not have yet is not compared.
        if NOT_YET.iter().any(|kind| qdisc["kind"] == *kind) {
            qdisc.remove("options");
            qdisc.insert(NOT_YET_BELOW[1..].to_owned(), true.into());
        }
    }
    qdiscs
}

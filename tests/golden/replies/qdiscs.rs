use super::{Reply, Shown};
use serde_json::Value;
use tcnl::tc::Qdisc;
use tcnl::units::Dev;

pub fn shown(all: &mut Shown, reply: &Reply) -> Vec<Value> {
    let dev = if reply.show.ends_with("dev ifb0") { 20 } else { 10 };
    all.json(reply, &Qdisc::of(Dev::index(dev)))
}

use super::{Reply, Shown};
use serde_json::Value;
use tcnl::tc::Class;
use tcnl::units::Dev;

pub fn shown(all: &mut Shown, reply: &Reply) -> Vec<Value> {
    all.json(reply, &Class::of(Dev::index(10)))
}

use super::{Reply, Shown};
use serde_json::Value;
use tcnl::tc::Action;
use tcnl::units::Name;

/// What `tc actions ls` shows.
pub fn shown(all: &mut Shown, reply: &Reply) -> Vec<Value> {
    let kind = reply.show.rsplit(' ').next().expect("the kind is the last word");
    all.json(reply, &Action::of_kind(Name::new(kind).expect("a kind")))
}

use super::{Reply, Shown};
use serde_json::Value;
use tcnl::request::Asked;
use tcnl::tc::Filters;
use tcnl::text::Words;
use tcnl::units::{Dev, Name};

/// What `tc filter show` shows.
pub fn shown(all: &mut Shown, reply: &Reply) -> Vec<Value> {
    let words: Vec<_> = reply.show.split(' ').skip_while(|word| *word != "show").skip(1).collect();
    let devices = |name: Name| (name.as_str() == "v0").then(|| Dev::named(10, name));
    let query = Filters::hear(&mut Words::new(&words).with_devices(&devices)).expect("a question");
    all.json(reply, &query)
}

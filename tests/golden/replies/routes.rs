//! Routes, rules and nexthops: the command that was recorded is heard, and what the crate shows in JSON is compared.

use super::{device, Reply, Shown};
use crate::data::{body, kind, replies};
use serde_json::Value;
use tcnl::request::{Asked, Object};
use tcnl::route::{Nexthop, Route, Routes};
use tcnl::text::{Layout, Page, Show, Words};
use tcnl::units::{Family, Name};

/// What the crate shows for the objects that the recorded command asks for.
pub fn shown<Q: Asked>(all: &mut Shown, reply: &Reply) -> Vec<Value>
where
    Q::Object: Show + std::fmt::Debug,
{
    shown_by::<Q>(all, reply, |object, page| object.show(page))
}

/// Where iproute2 asks for nexthops as well, the JSON stands with their reply; the one with the routes comes before it.
pub fn shown_with_nexthops(all: &mut Shown, nexthops: &Reply) -> Vec<Value> {
    let recorded = replies();
    let same = |reply: &&Reply| reply.id == nexthops.id && reply.show == nexthops.show;
    let objects: Vec<Nexthop> = recorded
        .iter()
        .filter(same)
        .flat_map(|reply| &reply.messages)
        .filter(|message| kind(message) == Nexthop::NEW)
        .map(|message| Nexthop::decode(body(message)).expect("a nexthop"))
        .collect();
    let routes = recorded.iter().find(|reply| same(reply) && reply.json.is_none());
    shown_by::<Routes>(all, routes.expect("the routes before their nexthops"), |route: &Route, page| {
        route.show_with(objects.iter().find(|nexthop| Some(nexthop.id) == route.nexthop_id), page);
    })
}

fn shown_by<Q: Asked>(all: &mut Shown, reply: &Reply, show: impl Fn(&Q::Object, &mut Page)) -> Vec<Value>
where
    Q::Object: std::fmt::Debug,
{
    let words: Vec<&str> = reply.show.split_whitespace().collect();
    let options = words.iter().skip(1).take_while(|word| word.starts_with('-')).count();
    let (options, asked) = (&words[1..1 + options], &words[3 + options..]);
    let has = |option: &str| options.contains(&option);
    let asked = match (has("-4"), has("-6")) {
        (true, _) => Words::new(asked).with_family(Family::V4),
        (_, true) => Words::new(asked).with_family(Family::V6),
        _ => Words::new(asked),
    };
    let query = Q::hear(&mut asked.clone()).expect("a recorded command is heard");
    let layout = Layout { json: true, details: has("-d"), stats: u8::from(has("-s")), ..Layout::default() };
    let links = [1, 10, 11, 20, 21].map(|index| (index, Name::new(device(index)).expect("a name")));
    let mut page = Page::new(layout).with_links(links);
    query.said(&mut page);
    page.begin();
    all.objects(reply, &query).iter().for_each(|object| show(object, &mut page));
    page.end();
    serde_json::from_str(&page.take()).expect("a list in JSON")
}

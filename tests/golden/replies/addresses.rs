use super::{links, Reply, Shown};
use serde_json::Value;
use tcnl::route::{Address, Link};

/// The links with their addresses. iproute2 asked for the links first, in the recording before this one.
pub fn shown(all: &mut Shown, of_links: &Reply, reply: &Reply) -> Vec<Value> {
    assert_eq!((&of_links.id, &of_links.show), (&reply.id, &reply.show));
    let links = all.objects(of_links, &Link::all());
    let query = Address::all();
    let addresses = all.objects(reply, &query);
    links::parsed(&query.with_links(links.clone(), addresses), &links, reply)
}

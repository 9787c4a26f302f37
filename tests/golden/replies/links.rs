use super::{Reply, Shown, NOT_YET};
use serde_json::Value;
use tcnl::route::Link;
use tcnl::text::{Layout, Page, Show};

pub fn shown(all: &mut Shown, reply: &Reply) -> Vec<Value> {
    let links = all.objects(reply, &Link::all());
    let mut shown = parsed(&links, &links, reply);
    for link in &mut shown {
        let info = &mut link["linkinfo"];
        if info["info_kind"].as_str().is_some_and(|kind| NOT_YET.contains(&kind)) {
            // The kind's own options.
            info["*"] = true.into();
        } else if info.is_null() {
            // Asking made it.
            link.as_object_mut().expect("a link").remove("linkinfo");
        }
    }
    shown
}

/// What the crate shows of objects with the command's options.
pub fn parsed(objects: &[impl Show], links: &[Link], reply: &Reply) -> Vec<Value> {
    let has = |option| reply.show.split_whitespace().any(|word| word == option);
    let layout = Layout { json: true, details: has("-d"), stats: u8::from(has("-s")), ..Layout::default() };
    let names = links.iter().filter_map(|link| Some((link.dev.index, link.name?)));
    let down = links.iter().filter(|link| !link.is_up()).map(|link| link.dev.index);
    let mut page = Page::new(layout).with_links(names).with_down(down);
    page.begin();
    objects.iter().for_each(|object| object.show(&mut page));
    page.end();
    serde_json::from_str(&page.take()).expect("JSON")
}

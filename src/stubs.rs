//! Until each object has its own: to be deleted line by line.
use crate::request::Asked;
use crate::text::{Page, Show, WordError, Words};
use crate::{route, tc};

macro_rules! stub {
    ($($object:ty, $query:ty;)*) => { $(
        impl Show for $object {
            fn show(&self, page: &mut Page) {
                page.text(self);
                page.line();
            }
        }
        impl Asked for $query {
            fn hear(words: &mut Words<'_>) -> Result<Self, WordError> {
                Err(words.error("read yet"))
            }
        }
    )* };
}

stub! {
    tc::Qdisc, tc::Qdiscs;
    tc::Class, tc::Classes;
    route::Link, route::Links;
    route::Address, route::Addresses;
    route::Route, route::Routes;
    route::Rule, route::Rules;
    route::Nexthop, route::Nexthops;
}

impl Show for tc::htb::HtbStats {
    fn show(&self, _: &mut Page) {}
}
impl Show for tc::sfq::SfqStats {
    fn show(&self, _: &mut Page) {}
}

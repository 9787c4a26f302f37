//! Until each object has its own: to be deleted line by line.
use crate::request::Asked;
use crate::tc;
use crate::text::{Page, Show, WordError, Words};

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
    tc::Filter, tc::Filters;
    tc::Chain, tc::Chains;
    tc::ActionTable, tc::ActionTables;
}

//! What is made of whatever nfnetlink answers, for the fuzz target `netfilter`.

use super::{
    attribute_at, described, flowtables, Chain, ChainKind, FoundTable, Hook, Listed, Listing, Mark, NftRule,
    Table, Transaction,
};
use crate::wire::{align, Messages, HEADER_LEN};
use std::sync::LazyLock;

/// Takes messages as answers to the questions for a table, and for connections and flowtables. The first bytes say where in our own request an
/// error is.
///
/// # Panics
/// If what is found of a table is more than there are messages, or the table is not as it was found.
pub fn answers(data: &[u8]) {
    let Some(([at, offset], data)) = data.split_first_chunk::<2>() else { return };
    let (made, bytes) = &*MADE;
    if let Some(Ok((header, body))) = Messages::new(bytes).nth(usize::from(*at) % 8) {
        attribute_at(header.ty, body, usize::from(*offset));
    }
    let mut listing = Listing::new(TABLE);
    let (mut rest, mut count) = (data, 0);
    while let Some(Ok((_, body))) = Messages::new(rest).next() {
        let (message, others) = rest.split_at(align(HEADER_LEN + body.len()).min(rest.len()));
        rest = others;
        count += 1;
        listing.take(message);
        described(message);
        flowtables::is_one(message);
    }
    if let Ok(Listed::Table(found)) = listing.finish() {
        let rules =
            |table: &FoundTable| table.chains.values().map(|chain| 1 + chain.rules.len()).sum::<usize>();
        assert!(found.as_ref().map_or(0, rules) <= count, "more chains and rules than messages");
        made.drift(found.as_ref());
    }
}

const TABLE: &str = "t";

/// What was sent before.
static MADE: LazyLock<(Transaction, Vec<u8>)> = LazyLock::new(|| {
    let made = transaction();
    let bytes = made.to_bytes().unwrap_or_default();
    (made, bytes)
});

/// A table with a chain of each sort, and rules of every expression.
fn transaction() -> Transaction {
    let mut t = Transaction::new();
    t.add_table(&Table::inet(TABLE).comment("ours"));
    t.add_chain(&Chain::base("c", ChainKind::Filter, Hook::Forward, -10));
    t.add_chain(&Chain::new("r"));
    t.add_rule("c", NftRule::new().ct_state_new().set_mark(Mark::Connection, 0x100, 0x3f00).comment("ours"));
    t.add_rule("c", NftRule::new().tcp_dport(1..=2).counter().jump("r"));
    t.add_rule("r", NftRule::new().l4proto(6).reset());
    t
}

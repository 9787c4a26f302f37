//! What recordings do not show; those are compared in tests/golden.

use super::*;
use crate::request::Request;
use crate::tc::fw::Fw;
use crate::tc::u32::{Match, U32};
use crate::units::Name;

fn encode(filter: &Filter, verb: Verb) -> Vec<u8> {
    let mut w = Writer::default();
    filter.encode(verb, &mut w).unwrap();
    assert_eq!(w.finish(), Ok(()), "{}", Request::new(verb, filter));
    w.bytes().to_vec()
}

fn handle(word: &str) -> Handle {
    word.parse().unwrap()
}

/// `tc filter ... dev v0 parent 1: protocol ip prio N`.
fn on(prio: u16) -> Filter {
    Filter::on(10, handle("1:")).protocol(Protocol::Ip).prio(prio)
}

/// A filter to class 1:10.
fn matching(what: Match) -> U32 {
    U32::new().matching(what).class(handle("1:10"))
}

fn ip(prio: u16, what: Match) -> Filter {
    on(prio).kind(matching(what))
}

fn shown(query: &Filters) -> String {
    struct Shown<'a>(&'a Filters);
    impl fmt::Display for Shown<'_> {
        fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
            self.0.command(f)
        }
    }
    Shown(query).to_string()
}

/// Recorded from iproute2 6.1: `tc filter show dev v0 ingress chain 5 protocol ip`.
#[test]
fn a_query_for_a_protocol_and_a_chain_asks_as_tc_asks() {
    let query = Filter::of(3).ingress().chain(5).protocol(Protocol::Ip);
    let mut w = Writer::default();
    query.encode(&mut w).unwrap();
    // struct tcmsg with the protocol in network order in the lower half of its info, and TCA_CHAIN.
    let info = u32::from(0x0800u16.to_be());
    let header = [8u16.to_ne_bytes(), 11u16.to_ne_bytes()].concat();
    let words = [0, 3, 0, 0xffff_fff2, info].map(u32::to_ne_bytes).concat();
    assert_eq!(w.bytes(), [words, header, 5u32.to_ne_bytes().to_vec()].concat());
    assert_eq!(shown(&query), "tc filter show dev if3 ingress protocol ip chain 5");
}

#[test]
fn a_query_gives_the_names_of_its_device_to_what_is_found() {
    let v0 = Dev::named(10, Name::new("v0").unwrap());
    let mut found = Filter::on(10, handle("1:"));
    assert!(Filter::of(v0).take(&mut found));
    assert_eq!(found.place.to_string(), "dev v0 parent 1:");
    // A device whose qdisc is in a shared block answers for the block.
    let mut found = Filter::on_block(22);
    Filter::of(v0).take(&mut found);
    assert_eq!(found, Filter::on_block(22));
}

#[test]
fn a_filter_without_a_kind_cannot_be_added() {
    let mut w = Writer::default();
    let error = on(1).encode(Verb::Add, &mut w).unwrap_err();
    assert_eq!(error.to_string(), "the kind of the filter is missing");
}

#[test]
fn the_mark_is_the_handle_in_whatever_order_they_are_given() {
    for filter in
        [on(1).kind(Fw::mark(7)), on(1).handle(3u32).kind(Fw::mark(7)), on(1).kind(Fw::mark(3)).handle(7u32)]
    {
        assert_eq!(filter, on(1).kind(Fw::mark(7)));
        assert_eq!(filter.handle, 7);
    }
}

#[test]
fn attributes_that_the_kernel_refuses_have_names() {
    let body = encode(&ip(1, Match::any()), Verb::Add);
    let named = |ty: u16| {
        let at = (20..body.len()).step_by(4).find(|&at| body[at + 2..at + 4] == ty.to_ne_bytes());
        Filter::attribute_at(&body, at.unwrap())
    };
    assert_eq!(named(5), Some("TCA_U32_SEL"));
    assert_eq!(Filter::attribute_at(&body, 20), Some("TCA_KIND"));
}

#[test]
fn what_kernels_would_pass_over_without_a_word_is_refused() {
    let refused = |kind: FilterKind| {
        let mut w = Writer::default();
        kind.encode(2, &mut w);
        w.finish().unwrap_err().to_string()
    };
    let many = (0..33).fold(U32::new(), |u32, _| u32.action(crate::tc::gact::Gact::ok()));
    assert_eq!(refused(many.into()), "number of actions of a filter is out of range: 33 (allowed: 0 to 32)");
    let many = (0..33).fold(Fw::mark(1), |fw, _| fw.action(crate::tc::gact::Gact::ok()));
    assert_eq!(refused(many.into()), "number of actions of a filter is out of range: 33 (allowed: 0 to 32)");
    let table = U32::table(256).matching(Match::ip_protocol(6));
    assert_eq!(refused(table.into()), "a u32 hash table has no keys and no class: its filters have");
}

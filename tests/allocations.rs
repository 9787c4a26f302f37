//! What thousands of requests and of listed objects go through takes no memory of its own.

use allocation_counter::measure;
use std::hint::black_box;
use tcnl::netlink::Batch;
use tcnl::request::{Object, Verb};
use tcnl::tc::fw::Fw;
use tcnl::tc::htb::HtbClass;
use tcnl::tc::mirred::Mirred;
use tcnl::tc::u32::{Match, U32};
use tcnl::tc::{Class, Filter, Protocol};
use tcnl::units::{Handle, Rate};
use tcnl::wire::Writer;

/// An HTB class as Linux 6.18 lists it: TCA_KIND, TCA_OPTIONS, TCA_STATS2, TCA_STATS and TCA_XSTATS.
const LISTED: &str = concat!(
    "000000000a00000001000100ffffffff0000000008000100687462003400020030000100000100000000000048e801000001000000000000d0121300",
    "400d0300204e0000d4300000000000000000000048000700140001000000000000000000000000000000000018000300000000000000000000000000",
    "000000000000000018000400000000000000000000000000400d0300204e00002c000300000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000018000400000000000000000000000000400d0300204e0000",
);

fn allocations(f: impl FnOnce()) -> u64 {
    measure(f).count_total
}

/// How many allocations encoding takes where the writer has room.
fn encoding<O: Object>(object: &O) -> u64 {
    let mut w = Writer::default();
    object.encode(Verb::Add, &mut w).unwrap();
    w.clear();
    allocations(|| {
        object.encode(Verb::Add, &mut w).unwrap();
        w.finish().unwrap();
        assert!(w.len() >= 40);
    })
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|n| u8::from_str_radix(&hex[2 * n..2 * n + 2], 16).unwrap()).collect()
}

#[test]
fn classes_are_encoded_without_allocation() {
    let kind = HtbClass::rate(Rate::mbit(1)).ceil(Rate::mbit(10));
    assert_eq!(encoding(&Class::under(10, Handle::new(1, 0)).id(Handle::new(1, 2)).kind(kind)), 0);
}

#[test]
fn filters_are_encoded_without_allocation() {
    let class = Handle::new(1, 2);
    let on = || Filter::on(10, Handle::new(1, 0)).prio(5).protocol(Protocol::Ip);
    let host = Match::ip_dst([10, 0, 0, 1].into(), 32).unwrap();
    assert_eq!(encoding(&on().kind(U32::new().matching(host).class(class))), 0);
    assert_eq!(encoding(&on().kind(Fw::mark(7).class(class))), 0);
    let redirect = Mirred::egress_redirect(11u32);
    assert_eq!(encoding(&on().kind(Fw::mark(7).action(redirect))), 0);
}

#[test]
fn a_batch_with_room_grows_no_more() {
    const REQUESTS: u16 = 1000;
    let mut batch = Batch::default();
    // What cannot be had is only not had.
    batch.reserve(usize::MAX);
    batch.reserve(REQUESTS.into());
    let fill = |batch: &mut Batch| {
        for minor in 1..=REQUESTS {
            let kind = HtbClass::rate(Rate::mbit(1)).ceil(Rate::mbit(10));
            let class = Class::under(10, Handle::new(1, 0)).id(Handle::new(1, minor)).kind(kind);
            batch.add(&class).map(drop).unwrap();
        }
    };
    // What requests in a row have in common is written down once.
    assert_eq!(allocations(|| fill(&mut batch)), 1);
    batch.clear();
    assert_eq!(allocations(|| fill(&mut batch)), 0);
    assert_eq!(batch.len(), usize::from(REQUESTS));
}

#[test]
fn classes_with_statistics_are_decoded_without_allocation() {
    // Only little-endian machines send these bytes.
    if cfg!(target_endian = "big") {
        return;
    }
    let body = bytes(LISTED);
    assert!(Class::decode(&body).unwrap().stats.is_some_and(|stats| stats.app.is_some()));
    assert_eq!(allocations(|| drop(black_box(Class::decode(&body)))), 0);
}

/// A u32 filter with one key as Linux 6.18 lists it.
const LISTED_FILTER: &str = concat!(
    "000000000a000000007810000000010008000500080001007533320008000b0000000000400002002400050001000100000000000000000000000000",
    "ffffffff0a00000710000000000000000800020000701000080001000700010008000b0008000000",
);

#[test]
fn filters_with_one_key_are_built_and_decoded_without_allocation() {
    let build = || {
        let host = Match::ip_dst([10, 0, 0, 1].into(), 32).unwrap();
        Filter::on(10, Handle::new(1, 0)).prio(5).kind(U32::new().matching(host).class(Handle::new(1, 2)))
    };
    assert_eq!(allocations(|| drop(black_box(build()))), 0);
    if cfg!(target_endian = "big") {
        return;
    }
    let body = bytes(LISTED_FILTER);
    assert!(Filter::decode(&body).is_ok_and(|filter| filter.handle == 0x0010_7800));
    assert_eq!(allocations(|| drop(black_box(Filter::decode(&body)))), 0);
}

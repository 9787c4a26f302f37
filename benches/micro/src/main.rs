//! Encoding and decoding without the kernel: nanoseconds of each step, tab-separated. `micro NAME COUNT` does one step that
//! often and nothing else, for callgrind.

use netlink_packet_core::{DefaultNla, Emitable, Parseable};
use netlink_packet_route::tc::{TcAttribute, TcMessage, TcOption};
use nlink::netlink::FromNetlink;
use std::env;
use std::hint::black_box;
use std::time::Instant;
use tcnl::netlink::Batch;
use tcnl::request::{Object, Query, Verb};
use tcnl::tc::htb::HtbClass;
use tcnl::tc::u32::{Match, U32, U32Handle};
use tcnl::tc::{Class, Filter, Protocol};
use tcnl::units::{Handle, Rate};
use tcnl::wire::Writer;

/// An HTB class with its statistics, as Linux 6.18 on x86-64 lists it.
const LISTED: &str = concat!(
    "000000000a00000001000100ffffffff0000000008000100687462003400020030000100000100000000000048e801000001",
    "000000000000d0121300400d0300204e0000d430000000000000000000004800070014000100000000000000000000000000",
    "0000000018000300000000000000000000000000000000000000000018000400000000000000000000000000400d0300204e",
    "00002c0003000000000000000000000000000000000000000000000000000000000000000000000000000000000018000400",
    "000000000000000000000000400d0300204e0000",
);

/// A u32 filter, as Linux 6.18 on x86-64 lists it.
const LISTED_FILTER: &str = concat!(
    "000000000a000000007810000000010008000500080001007533320008000b00000000004000020024000500010001000000",
    "00000000000000000000ffffffff0a00000710000000000000000800020000701000080001000700010008000b0008000000",
);

fn class() -> Class {
    let kind = HtbClass::rate(Rate::mbit(1)).ceil(Rate::mbit(10));
    Class::under(10, Handle::new(1, 0)).id(Handle::new(1, 7)).kind(kind)
}

fn filter() -> Filter {
    let host = Match::ip_dst([10, 0, 0, 7].into(), 32).unwrap();
    let kind = U32::new().ht(U32Handle::from_raw(0x0010_7000)).matching(host).class(Handle::new(1, 7));
    Filter::on(10, Handle::new(1, 0)).prio(5).protocol(Protocol::Ip).kind(kind)
}

fn encode<O: Object>(object: &O, w: &mut Writer) {
    w.clear();
    black_box(object).encode(Verb::Add, w).unwrap();
    w.finish().unwrap();
    black_box(w.bytes());
}

/// The class as netlink-packet-route has it: it knows no HTB, so the parameters are bytes.
fn packet_class() -> TcMessage {
    let mut message = TcMessage::default();
    message.header.index = 10;
    message.header.handle = 0x10007.into();
    message.header.parent = 0x10000.into();
    message.attributes.push(TcAttribute::Kind("htb".into()));
    message.attributes.push(TcAttribute::Options(vec![TcOption::Other(DefaultNla::new(1, vec![0; 44]))]));
    message
}

fn emit(message: &TcMessage, buffer: &mut Vec<u8>) {
    buffer.clear();
    buffer.resize(message.buffer_len(), 0);
    black_box(message).emit(buffer);
    black_box(&buffer);
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|n| u8::from_str_radix(&hex[2 * n..2 * n + 2], 16).unwrap()).collect()
}

fn main() {
    let (listed, listed_filter) = (bytes(LISTED), bytes(LISTED_FILTER));
    let (mut w4, mut batch) = (Writer::default(), Batch::default());
    let (mut w, mut buffer) = (Writer::default(), Vec::new());
    let (mut w2, mut w3, mut buffer2) = (Writer::default(), Writer::default(), Vec::new());
    let (built, packet, one_filter) = (class(), packet_class(), filter());
    let (mut place, all) = (None, Class::of(10));
    let (mut filter_place, all_filters) = (None, Filter::of(10));
    let mut steps: Vec<(&str, Box<dyn FnMut() + '_>)> = vec![
        ("encode a class: tcnl", Box::new(|| encode(&built, &mut w))),
        ("encode a class: netlink-packet-route", Box::new(|| emit(&packet, &mut buffer))),
        ("build and encode a class: tcnl", Box::new(|| encode(&class(), &mut w2))),
        ("build and encode a class: netlink-packet-route", Box::new(|| emit(&packet_class(), &mut buffer2))),
        ("encode a u32 filter: tcnl", Box::new(|| encode(&one_filter, &mut w3))),
        ("build and encode a u32 filter: tcnl", Box::new(|| encode(&filter(), &mut w4))),
        (
            "put a class into a batch: tcnl",
            Box::new(|| {
                batch.clear();
                batch.change(black_box(&built)).unwrap();
            }),
        ),
        (
            "decode a u32 filter: tcnl",
            Box::new(|| drop(black_box(Filter::decode(black_box(&listed_filter)).unwrap()))),
        ),
        (
            "decode a u32 filter in place: tcnl",
            Box::new(|| {
                all_filters.read(black_box(&listed_filter), &mut filter_place).unwrap();
                black_box(&filter_place);
            }),
        ),
        (
            "decode a class with statistics: tcnl",
            Box::new(|| drop(black_box(Class::decode(black_box(&listed)).unwrap()))),
        ),
        (
            // Where a list lends it, and the one before it was.
            "decode a class with statistics in place: tcnl",
            Box::new(|| {
                all.read(black_box(&listed), &mut place).unwrap();
                black_box(&place);
            }),
        ),
        (
            "decode a class with statistics: netlink-packet-route",
            Box::new(|| drop(black_box(TcMessage::parse(black_box(&listed[..])).unwrap()))),
        ),
        (
            "decode a class with statistics: nlink",
            Box::new(|| {
                let message = nlink::netlink::messages::TcMessage::from_bytes(black_box(&listed)).unwrap();
                black_box(
                    message.raw_options().and_then(nlink::netlink::tc_options::parse_htb_class_options),
                );
                black_box((message.bytes(), message));
            }),
        ),
    ];
    if let [only, count] = &env::args().skip(1).collect::<Vec<_>>()[..] {
        for (name, step) in &mut steps {
            if name == only {
                (0..count.parse().unwrap()).for_each(|_| step());
            }
        }
        return;
    }
    // In turns, so that what else the machine does falls on all alike.
    let mut times = vec![Vec::new(); steps.len()];
    for _ in 0..301 {
        for ((_, step), times) in steps.iter_mut().zip(&mut times) {
            let start = Instant::now();
            (0..1000).for_each(|_| step());
            times.push(start.elapsed().as_nanos() as f64 / 1000.0);
        }
    }
    for ((name, _), times) in steps.iter().zip(&mut times) {
        // The lower quartile: for whole seconds the machine may be half as fast.
        times.sort_by(f64::total_cmp);
        println!("{name}\t{:.1}", times[times.len() / 4]);
    }
}

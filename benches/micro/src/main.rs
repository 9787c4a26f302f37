use std::hint::black_box;
use std::time::Instant;
use tcnl::request::{Object, Verb};
use tcnl::tc::htb::HtbClass;
use tcnl::tc::u32::{Match, U32, U32Handle};
use tcnl::tc::{Class, Filter, Protocol};
use tcnl::units::{Handle, Rate};
use tcnl::wire::Writer;

fn class(i: u16) -> Class {
    Class::under(10, Handle::new(1, 0)).id(Handle::new(1, i)).kind(HtbClass::rate(Rate::mbit(1)).ceil(Rate::mbit(10)))
}
fn filter(i: u32) -> Filter {
    let ht = U32Handle::from_raw(0x0010_0000 | (i & 255) << 12);
    let u = U32::new().ht(ht).matching(Match::ip_dst((0x0a00_0000 | i).into(), 32).unwrap()).class(Handle::from_raw(0x10000 | i));
    Filter::on(10, Handle::new(1, 0)).prio(5).protocol(Protocol::Ip).kind(u)
}
fn time(name: &str, mut f: impl FnMut(u32)) {
    let only = std::env::args().nth(1);
    if let Some(only) = only { if only == name { for i in 0..std::env::args().nth(2).unwrap().parse().unwrap() { f(i) } } return; }
    let mut all: Vec<f64> = (0..301).map(|_| { let t = Instant::now(); for i in 0..1000 { f(i) } t.elapsed().as_nanos() as f64 / 1000.0 }).collect();
    all.sort_by(f64::total_cmp);
    println!("{name} {:.1} ns  (min {:.1})", all[150], all[0]);
}
fn main() {
    println!("Class {} Filter {} Result<Ack> {}", size_of::<Class>(), size_of::<Filter>(), size_of::<tcnl::Result<tcnl::netlink::Ack>>());
    println!("Error {} Stats {} ClassKind {} FilterKind {} DecodeError {}", size_of::<tcnl::Error>(), size_of::<tcnl::tc::Stats>(), size_of::<tcnl::tc::ClassKind>(), size_of::<tcnl::tc::FilterKind>(), size_of::<tcnl::wire::DecodeError>());
    let mut w = Writer::default();
    time("build-class", |i| { black_box(class(i as u16)); });
    let c = class(7);
    time("encode-class", |_| { w.clear(); black_box(&c).encode(Verb::Add, &mut w).unwrap(); w.finish().unwrap(); black_box(w.bytes()); });
    time("build-encode-class", |i| { w.clear(); class(i as u16).encode(Verb::Add, &mut w).unwrap(); w.finish().unwrap(); black_box(w.bytes()); });
    time("build-filter", |i| { black_box(filter(i)); });
    let f = filter(7);
    time("encode-filter", |_| { w.clear(); black_box(&f).encode(Verb::Add, &mut w).unwrap(); w.finish().unwrap(); black_box(w.bytes()); });
    let bytes = |hex: &str| -> Vec<u8> { (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect() };
    let _ = bytes;
    if let Ok(path) = std::env::var("CLASS") { let b = std::fs::read(path).unwrap();
      time("decode-class", |_| { black_box(Class::decode(black_box(&b)).unwrap()); }); }
    if let Ok(path) = std::env::var("FILTER") { let b = std::fs::read(path).unwrap();
      time("decode-filter", |_| { black_box(Filter::decode(black_box(&b)).unwrap()); }); }
}

//! The workload of benches/limit/limit.c through the blocking connection: objects are built, encoded, sent, and lists decoded,
//! inside the time that is measured.
//!
//! `tcnl-bench LAYOUT N`; `tcnl-bench lists N` lists N classes that are there; `tcnl-bench memory` says what a list takes; `tcnl-bench subscribers N` makes the tree of N subscribers, and
//! `tcnl-bench plan N` plans it again.

mod plan;

use nix::time::{clock_gettime, ClockId};
use std::env;
use tcnl::netlink::{Batch, Connection};
use tcnl::tc::htb::HtbClass;
use tcnl::tc::u32::{Match, U32Handle, U32};
use tcnl::tc::{Class, ClassKind, Filter, FilterKind, Protocol};
use tcnl::units::{Handle, Rate};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const DEV: u32 = 10;
const QUEUES: u32 = 16;
const SINGLE: u32 = 1000;
const ROOT: Handle = Handle::new(1, 0);

struct Layout {
    mq: bool,
}

impl Layout {
    fn parent(&self, i: u32) -> Handle {
        if self.mq {
            Handle::new((0x10 + i % QUEUES) as u16, 0)
        } else {
            ROOT
        }
    }

    fn id(&self, i: u32) -> Handle {
        let minor = if self.mq { i / QUEUES + 1 } else { i + 1 };
        Handle::from_raw(self.parent(i).raw() | minor)
    }

    fn class(&self, i: u32, mbit: u64) -> Class {
        // What follows from the rate by default is for the kernel to warn of.
        let kind = HtbClass::rate(Rate::mbit(mbit)).ceil(Rate::mbit(10));
        Class::under(DEV, self.parent(i)).id(self.id(i)).kind(kind)
    }

    fn filter(&self, i: u32) -> Result<Filter> {
        let bucket = U32Handle::from_raw(0x0010_0000 | ((i + 1) & 255) << 12);
        let host = Match::ip_dst((0x0a00_0000 | (i + 1)).into(), 32)?;
        let kind = U32::new().ht(bucket).matching(host).class(self.id(i));
        Ok(Filter::on(DEV, ROOT).prio(5).protocol(Protocol::Ip).kind(kind))
    }
}

/// Milliseconds; with BENCH_CPU set, of the processor and not of the clock.
fn now() -> Result<f64> {
    let cpu = env::var_os("BENCH_CPU").is_some();
    let time = clock_gettime(if cpu { ClockId::CLOCK_PROCESS_CPUTIME_ID } else { ClockId::CLOCK_MONOTONIC })?;
    Ok(time.tv_sec() as f64 * 1e3 + time.tv_nsec() as f64 * 1e-6)
}

/// Fills a batch and runs it. Like the limit's, its memory has been used before.
fn run(nl: &mut Connection, batch: &mut Batch, n: u32, mut push: impl FnMut(&mut Batch, u32) -> Result<()>) -> Result<f64> {
    let start = now()?;
    batch.clear();
    for i in 0..n {
        push(batch, i)?;
    }
    for result in nl.run(batch) {
        result?;
    }
    Ok(now()? - start)
}

/// Lists all classes, decoded; the best of three.
fn list_classes(nl: &mut Connection, n: u32) -> Result<f64> {
    let mut best = f64::MAX;
    for _ in 0..3 {
        let start = now()?;
        let (mut count, mut sum) = (0, 0u64);
        let mut classes = nl.list(Class::of(DEV))?;
        while let Some(class) = classes.lend() {
            let class = class?;
            if let Some(ClassKind::Htb(htb)) = &class.kind {
                let bytes = class.stats.as_ref().map_or(0, |stats| stats.bytes);
                sum = sum.wrapping_add(htb.rate.as_bytes_per_second() + bytes);
            }
            count += 1;
        }
        best = best.min(now()? - start);
        assert!(count >= n && sum >= u64::from(n), "{count} classes");
    }
    Ok(best)
}

fn list_filters(nl: &mut Connection, n: u32) -> Result<f64> {
    let mut best = f64::MAX;
    for _ in 0..3 {
        let start = now()?;
        let mut count = 0;
        let mut filters = nl.list(Filter::of(DEV).parent(ROOT))?;
        while let Some(filter) = filters.lend() {
            count += u32::from(matches!(&filter?.kind, Some(FilterKind::U32(u32)) if u32.class.is_some()));
        }
        best = best.min(now()? - start);
        assert_eq!(count, n);
    }
    Ok(best)
}

/// Lists the classes that are there, below an mq, and asks for single ones.
fn lists(n: u32) -> Result<()> {
    let (mut nl, layout) = (Connection::open()?, Layout { mq: true });
    print!("dump={:.3}", list_classes(&mut nl, n)?);
    let start = now()?;
    for i in 0..SINGLE {
        let class = nl.get(&Class::with_id(DEV, layout.id(i.wrapping_mul(7919) % n)))?;
        assert!(class.stats.is_some());
    }
    println!(" statistics={:.3}", now()? - start);
    Ok(())
}

fn workload(layout: &Layout, n: u32) -> Result<()> {
    let mut nl = Connection::open()?;
    let mut batch = nl.batch();
    batch.reserve(n as usize);
    let (nl, batch) = (&mut nl, &mut batch);
    print!("add={:.3}", run(nl, batch, n, |batch, i| Ok(batch.add(&layout.class(i, 1)).map(drop)?))?);
    print!(" dump={:.3}", list_classes(nl, n)?);
    print!(" change={:.3}", run(nl, batch, n, |batch, i| Ok(batch.change(&layout.class(i, 2)).map(drop)?))?);
    if layout.mq {
        let start = now()?;
        for i in 0..SINGLE.min(n) {
            nl.change(&layout.class(i, 3))?;
        }
        print!(" one={:.3}", now()? - start);
    } else {
        print!(" filters={:.3}", run(nl, batch, n, |batch, i| Ok(batch.add(&layout.filter(i)?).map(drop)?))?);
        print!(" filterdump={:.3}", list_filters(nl, n)?);
        nl.delete(&Filter::on(DEV, ROOT))?;
    }
    let delete = |batch: &mut Batch, i| Ok(batch.delete(&Class::with_id(DEV, layout.id(i))).map(drop)?);
    println!(" del={:.3}", run(nl, batch, n, delete)?);
    Ok(())
}

/// The most memory that the process ever held, in KiB.
fn peak() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

fn main() -> Result<()> {
    let words: Vec<_> = env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["memory"] => {
            let mut nl = Connection::open()?;
            let count = nl.list(Class::of(DEV))?.filter(|class| class.is_ok()).count();
            println!("classes={count} kib={}", peak()?);
            Ok(())
        }
        ["lists", n] => lists(n.parse()?),
        ["subscribers", n] => plan::make(n.parse()?),
        ["plan", n] => plan::again(n.parse()?),
        [layout, n] => workload(&Layout { mq: layout == "mq" }, n.parse()?),
        _ => Err("tcnl-bench flat|mq|lists|subscribers|plan N, or tcnl-bench memory".into()),
    }
}

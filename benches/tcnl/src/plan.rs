//! Subscribers over mq: for each a class, its queue and a filter.

use crate::{now, Result, DEV, QUEUES};
use std::net::Ipv4Addr;
use tcnl::netlink::Connection;
use tcnl::plan::{Effect, Plan, Steering, Subscriber, Subscribers, Tree};
use tcnl::request::Verb;
use tcnl::tc::fifo::Pfifo;
use tcnl::units::{Packets, Rate};

/// Filters without actions, and plain queues, are what every kernel has.
fn line(n: u32) -> Result<Subscribers<u32>> {
    let mut line = Subscribers::new(DEV, QUEUES as u16, Rate::gbit(100))?
        .steering(Steering::Filters)
        .leaf(Pfifo::new().limit(Packets(100)));
    for i in 0..n {
        line.insert(i, subscriber(i, 10))?;
    }
    Ok(line)
}

fn subscriber(i: u32, mbit: u64) -> Subscriber {
    Subscriber::new(Rate::mbit(1), Rate::mbit(mbit)).prefix(Ipv4Addr::from_bits(0x0a00_0000 | i))
}

pub fn make(n: u32) -> Result<()> {
    let mut nl = Connection::open()?;
    let start = now()?;
    let plan = Plan::new(&mut nl, line(n)?.tree()?)?;
    print!("steps={} plan={:.3}", plan.steps().len(), now()? - start);
    let start = now()?;
    plan.apply(&mut nl, |_| ())?;
    println!(" apply={:.3}", now()? - start);
    Ok(())
}

pub fn again(n: u32) -> Result<()> {
    let mut nl = Connection::open()?;
    let mut line = line(n)?;
    let (took, none) = best(&mut nl, &line.tree()?)?;
    assert!(none.is_empty(), "{} steps, such as {}", none.steps().len(), none.steps()[0]);
    print!("noop={took:.3}");
    line.insert(n / 2, subscriber(n / 2, 20))?;
    let (took, one) = best(&mut nl, &line.tree()?)?;
    assert_eq!(one.steps().len(), 1, "{one}");
    let step = &one.steps()[0];
    assert_eq!((step.verb, step.effect), (Verb::Change, Effect::InPlace), "{step}");
    println!(" changed={took:.3}");
    Ok(())
}

/// Plans three times; the best.
fn best(nl: &mut Connection, tree: &Tree) -> Result<(f64, Plan)> {
    let mut best: Option<(f64, Plan)> = None;
    for _ in 0..3 {
        let tree = tree.clone();
        let start = now()?;
        let plan = Plan::new(nl, tree)?;
        let took = now()? - start;
        best = Some(best.filter(|(least, _)| *least < took).unwrap_or((took, plan)));
    }
    best.ok_or_else(|| "no time".into())
}

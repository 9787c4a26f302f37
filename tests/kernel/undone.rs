//! What undoing a plan leaves alone.

use crate::common::{ip, tc, trial, Outcome, Stop};
use libtest_mimic::Trial;
use tcnl::netlink::Connection;
use tcnl::plan::{Desired, Plan, Tree, Undone};
use tcnl::tc::fifo::Pfifo;
use tcnl::tc::htb::{Htb, HtbClass};
use tcnl::tc::{Class, Qdisc};
use tcnl::units::{Handle, Packets, Rate};

pub fn trials() -> Vec<Trial> {
    vec![trial("undoing does not look at a device that no step was tried on", other_devices)]
}

/// An HTB with more classes than are sent at a time.
fn big(nl: &mut Connection) -> Result<Tree, Stop> {
    let root = Handle::qdisc(1);
    let mut tree = Tree::new(nl.link("d0")?).qdisc(Qdisc::root(0).handle(root).kind(Htb::new()));
    for minor in 1..=400 {
        let kind = HtbClass::rate(Rate::mbit(1));
        tree.push(Class::under(0, root).id(Handle::new(1, minor)).kind(kind));
    }
    Ok(tree)
}

fn other_devices() -> Outcome {
    ["d0", "d1"].iter().try_for_each(|name| ip(&format!("link add name {name} type ifb")).map(drop))?;
    let mut nl = Connection::open()?;
    let first = big(&mut nl)?;
    let second = Tree::new(nl.link("d1")?)
        .qdisc(Qdisc::root(0).handle(Handle::qdisc(2)).kind(Pfifo::new().limit(Packets(10))));
    let plan = Plan::new(&mut nl, Desired::new().tree(first).tree(second))?;
    assert_eq!(plan.steps().len(), 402);
    // The first device is taken meanwhile, and somebody does something to the second.
    tc("qdisc add dev d0 root handle 1: htb")?;
    tc("qdisc add dev d1 root handle 7: pfifo limit 77")?;
    let failed = plan.apply(&mut nl, |_| ()).expect_err("the handle was taken");
    assert!(matches!(failed.undone, Undone::All), "{failed}");
    assert!(!tc("qdisc show dev d0")?.contains("htb"));
    assert!(tc("qdisc show dev d1")?.contains("pfifo 7: root"), "{failed}");
    Ok(())
}

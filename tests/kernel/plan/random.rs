//! Random pairs of trees of qdiscs and classes.

use super::{desired, open, plain, state};
use crate::common::Outcome;
use crate::planning::World;
use proptest::prelude::*;
use std::fmt::Write;

/// The kernel has no blocks of filters for what arrives at a pfifo. The device's turn comes behind that of `d0`.
pub const REFUSED: &str = "tc qdisc add dev d1 ingress_block 7 root handle 1: pfifo";

pub(super) fn any_to_any() -> Outcome {
    let world = World { open, desired, state: |nl| Ok(plain(&state(nl)?)), refused: REFUSED };
    world.any_to_any(trees, words)
}

/// A class below the one of this number (0 is the qdisc), with some options and perhaps a queue.
type Node = (u8, u8, u8, Option<u8>);

/// Which qdisc it is, and its classes.
pub type Drawn = (u8, Vec<Node>);

pub fn trees() -> impl Strategy<Value = Drawn> {
    (any::<u8>(), prop::collection::vec((any::<u8>(), 0..4u8, 0..3u8, prop::option::of(0..4u8)), 0..9))
}

/// The major number of the qdisc, if there is one.
pub fn major((root, _): &Drawn) -> Option<u16> {
    match root % 4 {
        0 => None,
        1 | 2 => Some(1),
        _ => Some(2),
    }
}

pub fn words(drawn: &Drawn) -> String {
    let (root, nodes) = drawn;
    let Some(major) = major(drawn) else { return String::new() };
    let mut text = match root % 4 {
        1 => "tc qdisc add dev d0 root handle 1: htb\n".to_owned(),
        2 => "tc qdisc add dev d0 root handle 1: htb default 0x2 r2q 5\n".to_owned(),
        _ => "tc qdisc add dev d0 root handle 2: htb\n".to_owned(),
    };
    let parents: Vec<usize> =
        nodes.iter().enumerate().map(|(i, node)| usize::from(node.0) % (i.min(5) + 1)).collect();
    for (i, (_, rate, prio, queue)) in nodes.iter().enumerate() {
        let (parent, id) = (parents[i], i + 1);
        let rate = ["1mbit", "10mbit", "1gbit", "40gbit"][usize::from(*rate)];
        writeln!(text, "tc class add dev d0 parent {major}:{parent:x} classid {major}:{id:x} htb rate {rate} prio {prio}").unwrap();
        let is_leaf = !parents.contains(&id);
        if let Some(queue) = queue.filter(|_| is_leaf) {
            let handle = if queue % 2 == 0 { String::new() } else { format!("handle {:x}: ", 0x10 + id) };
            let kind = ["pfifo limit 7", "bfifo limit 9000", "pfifo", "tbf rate 1mbit burst 10k limit 20k"]
                [usize::from(queue)];
            writeln!(text, "tc qdisc add dev d0 parent {major}:{id:x} {handle}{kind}").unwrap();
        }
    }
    text
}

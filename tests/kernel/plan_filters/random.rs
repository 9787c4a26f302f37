//! Random pairs of trees of queues with filters.

use super::told;
use crate::common::{Outcome, Stop};
use crate::plan::{desired, open, plain, queues, random};
use crate::planning::World;
use proptest::prelude::*;
use std::fmt::Write;
use tcnl::netlink::{Capabilities, Connection};

pub(super) fn any_to_any() -> Outcome {
    let kernel = Capabilities::probe()?;
    let world = World { open, desired, state: compared, refused: random::REFUSED };
    world.any_to_any(
        || (random::trees(), any::<u8>(), prop::collection::vec(any::<Row>(), ROWS.len())),
        |(queues, hooks, rows)| words(queues, *hooks, rows, &kernel),
    )
}

/// What there is, without what need not be the same each time.
pub fn compared(nl: &mut Connection) -> Result<Vec<String>, Stop> {
    let dev = nl.link("d0")?.dev;
    let mut all = plain(&queues(nl, dev)?);
    // A plan too may choose a number, for a filter that comes between others.
    all.extend(told(nl, |node| node != NAMED)?);
    Ok(all)
}

/// The number of filters that have one of their own.
const NAMED: u32 = 7;

/// Of which kind and protocol the filters of a prio are, and which of them are there in which form.
type Row = (u8, [u8; 7]);

/// Where filters can stand: the qdisc or the hook, the chain, and the prio, which may be the kernel's choice.
const ROWS: [(&str, u32, Option<u16>); 8] = [
    ("root", 0, Some(1)),
    ("root", 0, Some(2)),
    ("root", 3, Some(1)),
    ("root", 0, None),
    ("egress", 0, Some(1)),
    ("ingress", 0, Some(1)),
    ("ingress", 2, Some(1)),
    ("ingress", 0, Some(4)),
];

fn words(queues: &random::Drawn, hooks: u8, rows: &[Row], kernel: &Capabilities) -> String {
    let mut text = random::words(queues);
    let root = random::major(queues);
    // A class that is not there may be there before, and cannot go while a filter leads to it.
    let classes: Vec<String> = root
        .iter()
        .flat_map(|major| (1..=queues.1.len().min(3)).map(move |minor| format!("{major}:{minor}")))
        .collect();
    let hooks: &[&str] = match hooks % 4 {
        0 => &[],
        1 => &["ingress"],
        _ => &["ingress", "egress"],
    };
    match hooks.len() {
        0 => (),
        1 => text.push_str("tc qdisc add dev d0 ingress\n"),
        _ => text.push_str("tc qdisc add dev d0 clsact\n"),
    }
    for (number, ((place, chain, prio), row)) in ROWS.iter().zip(rows).enumerate() {
        let place = match (*place, root) {
            ("root", Some(major)) => format!("parent {major}:"),
            (hook, _) if hooks.contains(&hook) => hook.to_owned(),
            _ => continue,
        };
        let does = match place.starts_with("parent") {
            true => consequences(&classes, kernel),
            false => consequences(&[], kernel),
        };
        let mut head = format!("tc filter add dev d0 {place} chain {chain}");
        prio.iter().for_each(|prio| write!(head, " prio {prio}").unwrap());
        match row.0 % 8 {
            0 => (),
            1 if kernel.has_filter("fw") && prio.is_some() => marks(&mut text, &head, *row, &does),
            // A table belongs to a prio that is said.
            _ => keys(&mut text, &head, prio.map(|_| number + 1), *row, &does),
        }
    }
    text
}

/// What filters do with packets.
fn consequences(classes: &[String], kernel: &Capabilities) -> Vec<String> {
    let mut all: Vec<String> = classes.iter().map(|class| format!("classid {class}")).collect();
    let actions = [
        ("mirred", "action mirred egress redirect dev d1"),
        ("mirred", "action mirred egress mirror dev d1"),
        ("gact", "action drop"),
        ("gact", "action continue action drop"),
        ("skbedit", "action skbedit mark 5 pipe action mirred egress mirror dev d1"),
        ("police", "action police rate 1mbit burst 10k conform-exceed drop"),
    ];
    all.extend(
        actions.into_iter().filter(|(kind, _)| kernel.has_action(kind)).map(|(_, words)| words.to_owned()),
    );
    all
}

/// A filter of fw for each of some marks.
fn marks(text: &mut String, head: &str, (form, entries): Row, does: &[String]) {
    let mask = if form & 0x80 == 0 { "" } else { "/0xff" };
    for (mark, entry) in (1..).zip(&entries[..4]) {
        if let Some(what) = picked(*entry, does) {
            writeln!(text, "{head} protocol all handle {mark}{mask} fw {what}").unwrap();
        }
    }
}

/// Filters of u32: a table with one in it and one that leads to it, and others.
fn keys(text: &mut String, head: &str, table: Option<usize>, (form, entries): Row, does: &[String]) {
    let [buckets, inside, link, named, others @ ..] = entries;
    let head = format!("{head} protocol {}", ["ip", "ipv6", "all"][usize::from(form / 8) % 3]);
    let key = |key: u8| format!("match u32 {key} 0xff at 12");
    if let Some((table, buckets)) = table.zip([None, Some(1), Some(16)][usize::from(buckets) % 3]) {
        writeln!(text, "{head} handle {table}: u32 divisor {buckets}").unwrap();
        if let Some(what) = picked(inside, does) {
            writeln!(text, "{head} u32 ht {table}:0: {} {what}", key(9)).unwrap();
        }
        if link % 2 == 0 {
            writeln!(text, "{head} u32 match u8 6 0xff at 9 link {table}: hashkey mask 0xf at 12").unwrap();
        }
    }
    if let Some(what) = picked(named, does) {
        writeln!(text, "{head} handle ::{NAMED} u32 {} {what}", key(8)).unwrap();
    }
    for (number, other) in (0..).zip(others) {
        if let Some(what) = picked(other, does) {
            writeln!(text, "{head} u32 {} {what}", key(number)).unwrap();
        }
    }
}

/// None of them, in a third of the cases.
fn picked(form: u8, does: &[String]) -> Option<&str> {
    let form = usize::from(form);
    (form % 3 != 0).then(|| does.get(form / 3 % does.len().max(1)))?.map(String::as_str)
}

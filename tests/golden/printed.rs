//! Every recorded request prints as a command, and iproute2 sends for that command what was recorded.
//!
//! iproute2 need not be here: `record-printed` ran the printed commands and kept what they sent in `printed.jsonl`.
//! The script takes the commands as they print now from the file that `TCNL_PRINTED` names.

use super::compare::{like, Comparison, Intended};
use super::data::{body, bytes, kind, lines, requests, text, BIG_ENDIAN};
use super::meaning::{Field, Meaning};
use super::objects::{is_dump, verb, with_object};
use super::requests::NOT_YET;
use std::collections::BTreeMap;
use std::fmt::Write;
use tcnl::request::{Object, Request};

const CELLS: &str = "the size of a rate table's cells is not printed: no kernel since 3.8 reads the table";
const TINY: &str = "iproute2 lets the burst of 1600 bytes at 8 bit/s wrap to a time in which no whole number of bytes passes: \
    it prints as 225 bytes";

const FLUSHED: &str =
    "`ip route flush` sends back what it read, the table in the header and again in an attribute";

/// Commands that iproute2 6.1 does not know yet.
const NEWER: &[&str] = &["rule-051"];

const INTENDED: &[Intended] = &[
    Intended { ids: &["route-082"], path: "15", like: |ours, _| ours.is_none(), why: FLUSHED },
    Intended {
        ids: &["rule-006"],
        path: "2",
        like: |ours, theirs| ours.is_none() && theirs == Some(&[]),
        why: "`from all` is an address without bytes: it matches everything, as no address does",
    },
    Intended {
        ids: &["htb_class-035", "htb_class-049"],
        path: "2/1",
        // cell_log of both rates.
        like: |ours, theirs| like::but_bytes(ours, theirs, &[0, 12]),
        why: CELLS,
    },
    Intended { ids: &["htb_class-035", "htb_class-049"], path: "2/3", like: larger_cells, why: CELLS },
    Intended { ids: &["htb_class-049"], path: "2/4", like: larger_cells, why: CELLS },
    Intended {
        ids: &["htb_class-002", "htb_class-005"],
        path: "2/1",
        // A byte takes 15625000 ticks.
        like: |ours, theirs| {
            like::every_word(ours, theirs, |ours, theirs| theirs.wrapping_sub(ours) < 15_625_000)
        },
        why: TINY,
    },
];

/// Words that iproute2 6.1 does not know: what prints is what iproute2 6.15 was given for the recording.
const NOT_IN_6_1: &[(&str, &str)] = &[
    ("addr-009", "ip address add 10.9.0.1/24 dev if10 proto 5"),
    ("rule-051", "ip -6 rule add from 2001:db8::/32 flowlabel 0x12345 lookup 100"),
];

/// A rate table that reaches further, of the same length.
fn larger_cells(ours: Field<'_>, theirs: Field<'_>) -> bool {
    ours.map(<[u8]>::len) == theirs.map(<[u8]>::len)
        && like::every_word(ours, theirs, |ours, theirs| theirs > ours)
}

#[test]
fn every_recorded_request_prints_as_a_command_for_which_iproute2_sends_the_same() {
    let recorded: BTreeMap<String, (String, Vec<Vec<u8>>)> = lines(include_str!("printed.jsonl"))
        .map(|line| (text(&line["id"]), (text(&line["command"]), bytes(&line["hex"]))))
        .collect();
    let mut all = Comparison::new(&[INTENDED]);
    let mut commands = String::new();
    for request in requests() {
        // They are printed from what the newer iproute2 sent, and were run by iproute2 6.1.
        let older = request.older.as_ref().unwrap_or(&request.messages);
        for (number, message) in request.messages.iter().enumerate().filter(|(_, message)| !is_dump(message))
        {
            let meaning = Meaning::of(message);
            if meaning.kinds().any(|kind| NOT_YET.contains(&kind.as_str())) {
                continue;
            }
            if NEWER.contains(&request.id.as_str()) {
                continue;
            }
            let Some(command) = with_object!(kind(message), print(message)) else { continue };
            let id = if number == 0 { request.id.clone() } else { format!("{}/{}", request.id, number + 1) };
            writeln!(commands, "{id}\t{command}").expect("a string takes everything");
            let Some(older) = older.get(number) else {
                let known = NOT_IN_6_1.iter().any(|known| *known == (&id, &command));
                if !known {
                    all.wrong(&id, format!("`{command}` is not what iproute2 6.1 cannot say"));
                }
                continue;
            };
            match recorded.get(&id) {
                // What iproute2 sends for it is shown where it was recorded.
                Some((known, _)) if BIG_ENDIAN && *known == command => all.count += 1,
                Some((known, sent)) if *known == command => match &sent[..] {
                    [sent] => all.messages(&id, &format!("{}\n    {command}", request.cmd), sent, older),
                    _ => all.wrong(&id, format!("`{command}` made iproute2 send {} messages", sent.len())),
                },
                _ => all.wrong(&id, format!("`{command}` is new: run tests/golden/record-printed")),
            }
        }
    }
    if let Some(path) = std::env::var_os("TCNL_PRINTED") {
        std::fs::write(path, commands).expect("the file can be written");
    }
    all.finish();
}

fn print<O: Object>(message: &[u8]) -> String {
    match O::decode(body(message)) {
        Ok(object) => Request::new(verb(message), &object).to_string(),
        Err(error) => error.to_string(),
    }
}

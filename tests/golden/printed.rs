//! Every recorded request prints as a command, and iproute2 sends for that command what was recorded.
//!
//! iproute2 need not be here: `record-printed` ran the printed commands and kept what they sent in `printed.jsonl`.
//! The commands as they print now are written to `target/tmp/printed`, from where the script takes them.

use super::compare::{Comparison, Intended};
use super::data::{body, bytes, kind, lines, requests, text};
use super::meaning::Meaning;
use super::objects::{is_dump, verb, with_object};
use super::requests::NOT_YET;
use std::collections::BTreeMap;
use std::fmt::Write;
use tcnl::request::{Object, Request};

const INTENDED: &[Intended] = &[];

#[test]
fn every_recorded_request_prints_as_a_command_for_which_iproute2_sends_the_same() {
    let recorded: BTreeMap<String, (String, Vec<Vec<u8>>)> = lines(include_str!("printed.jsonl"))
        .map(|line| (text(&line["id"]), (text(&line["command"]), bytes(&line["hex"]))))
        .collect();
    let mut all = Comparison::new(INTENDED);
    let mut commands = String::new();
    for request in requests() {
        // They are printed from what the newer iproute2 sent, and were run by iproute2 6.1.
        let older = request.older.as_ref().unwrap_or(&request.messages);
        for (number, message) in request.messages.iter().enumerate().filter(|(_, message)| !is_dump(message)) {
            let meaning = Meaning::of(message);
            if meaning.kinds().any(|kind| NOT_YET.contains(&kind.as_str())) {
                continue;
            }
            let Some(command) = with_object!(kind(message), print(message)) else { continue };
            let id = if number == 0 { request.id.clone() } else { format!("{}/{}", request.id, number + 1) };
            writeln!(commands, "{id}\t{command}").expect("a string takes everything");
            match recorded.get(&id) {
                Some((known, sent)) if *known == command => match &sent[..] {
                    [sent] => all.messages(&id, &format!("{}\n    {command}", request.cmd), sent, &older[number]),
                    _ => all.wrong(&id, format!("`{command}` made iproute2 send {} messages", sent.len())),
                },
                _ => all.wrong(&id, format!("`{command}` is new: run tests/golden/record-printed")),
            }
        }
    }
    std::fs::write(concat!(env!("CARGO_TARGET_TMPDIR"), "/printed"), commands).expect("target/tmp can be written");
    all.finish();
}

fn print<O: Object>(message: &[u8]) -> String {
    match O::decode(body(message)) {
        Ok(object) => Request::new(verb(message), &object).to_string(),
        Err(error) => error.to_string(),
    }
}

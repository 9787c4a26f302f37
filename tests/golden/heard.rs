//! Every recorded command is heard, and what was heard encodes to what iproute2 sent for it; what iproute2 refused is refused.

use super::compare::{like, Comparison, Intended, POLICE_TABLES};
use super::data::{lines, replies, requests, text, Recorded};
use super::language;
use super::meaning::Field;
use super::meaning::Meaning;
use super::objects::{any_message, is_dump};
use super::requests::NOT_YET;
use proptest::prelude::*;
use std::sync::LazyLock;
use tcnl::command::{Command, Noun, Options, Tool};
use tcnl::request::Verb;
use tcnl::text::{CommandError, Words};
use tcnl::units::{Dev, Name};

/// The message, and the command that prints for it.
struct Heard {
    message: Vec<u8>,
    printed: String,
}

/// What iproute2 sends and the crate refuses, and why.
const REFUSED: &[(&str, &str)] =
    &[("sfq-014", "kernels refuse a divisor that is no power of two with nothing but `Invalid argument`")];

const NO_TABLES: &str =
    "kernels since 3.8 read the rate tables of htb and tbf only to guess the link layer, which is said: \
    the crate leaves them out unless asked";
const WRAPPED: &str = "at 8 bit/s a burst of 1600 bytes takes more ticks than 32 bits hold: iproute2 lets the number wrap, the \
    crate takes the largest";

const INTENDED: &[Intended] = &[
    Intended {
        ids: &["rule-006"],
        path: "2",
        like: |ours, theirs| ours.is_none() && theirs == Some(&[]),
        why: "`from all` is sent as an address without bytes: it matches everything, as no address does",
    },
    Intended {
        ids: &["route-095"],
        path: "14",
        like: |ours, theirs| ours.is_none() && theirs == Some(&[0, 0, 0, 0]),
        why: "no flags of what to report: without the attribute they are 0, and kernels before 6.9 do not know it",
    },
    Intended { ids: &["htb_class-*", "tbf-*"], path: "2/1", like: but_cells, why: NO_TABLES },
    Intended { ids: &["htb_class-*", "tbf-*"], path: "2/3", like: like::left_out, why: NO_TABLES },
    Intended { ids: &["htb_class-*"], path: "2/4", like: like::left_out, why: NO_TABLES },
    Intended { ids: &["tbf-*"], path: "2/2", like: like::left_out, why: NO_TABLES },
    Intended {
        ids: &["htb_class-002", "htb_class-005"],
        path: "2/1",
        like: |ours, theirs| {
            ours.is_some_and(|ours| ours[24..32] == [0xff; 8]) && but_cells_and(ours, theirs, 24..32)
        },
        why: WRAPPED,
    },
    Intended {
        ids: &["tbf-008", "tbf-009"],
        path: "2/1",
        like: |ours, theirs| but_cells_and(ours, theirs, 28..36),
        why: like::TBF_TICKS,
    },
];

/// The same but for cell_log and cell_align of both rates, which describe the tables.
fn but_cells(ours: Field<'_>, theirs: Field<'_>) -> bool {
    but_cells_and(ours, theirs, 0..0)
}

fn but_cells_and(ours: Field<'_>, theirs: Field<'_>, others: std::ops::Range<usize>) -> bool {
    let at: Vec<usize> = [0, 4, 5, 12, 16, 17].into_iter().chain(others).collect();
    like::but_bytes(ours, theirs, &at)
}

/// The devices of the recordings.
fn device(name: Name) -> Option<Dev> {
    let index = match name.as_str() {
        // The second link of a namespace.
        "br0" => 2,
        "v0" => 10,
        "v1" => 11,
        "ifb0" => 20,
        "ifb1" => 21,
        "d0" => 30,
        _ => return None,
    };
    Some(Dev::named(index, name))
}

/// The command that these words say; `None` if it is about an object that the crate does not have.
fn command(all: &[&str]) -> Option<Result<Command, String>> {
    let word = all.iter().skip(1).find(|word| !word.starts_with('-'))?;
    let known = Noun::ALL.iter().any(|noun| noun.word().starts_with(word));
    let mut words = Words::new(all).with_devices(&device);
    let mut hear = || {
        let program = words.read("a program", |word| Tool::of_program(word).ok_or("is neither tc nor ip"))?;
        Options::hear(program, &mut words)?;
        Command::hear(program, &mut words)
    };
    known.then(|| hear().map_err(|error| CommandError::new(all, error).to_string()))
}

/// The message of a command; `None` if it is a question, or about an object that the crate does not have.
fn heard(all: &[&str]) -> Option<Result<Heard, String>> {
    let command = match command(all)? {
        Ok(command) => command,
        Err(error) => return Some(Err(error)),
    };
    let Command::Do { verb, object } = &command else { return None };
    let printed = command.to_string();
    let message = any_message(*verb, object).map_err(|error| format!("{}\n{error}", all.join(" ")));
    Some(message.map(|message| Heard { message, printed }))
}

#[test]
fn every_recorded_command_is_heard_as_iproute2_hears_it() {
    let mut all = Comparison::new(&[INTENDED, POLICE_TABLES]);
    for Recorded { id, cmd, messages, client_error, .. } in requests() {
        let command: Vec<&str> = cmd.split_whitespace().collect();
        let not_yet = |message: &Vec<u8>| {
            is_dump(message) || Meaning::of(message).kinds().any(|kind| NOT_YET.contains(&kind.as_str()))
        };
        if messages.iter().any(not_yet) {
            continue;
        }
        let Some(heard) = heard(&command) else { continue };
        match (heard, &messages[..]) {
            (Err(_), []) if client_error => all.count += 1,
            (Err(_), _) if REFUSED.iter().any(|(refused, _)| *refused == id) => (),
            (Ok(ours), [theirs]) => all.messages(&id, &cmd, &ours.message, theirs),
            (Err(error), _) => all.wrong(&id, format!("is refused:\n{error}")),
            (Ok(_), theirs) => {
                all.wrong(&id, format!("`{cmd}` is heard; iproute2 sent {} messages", theirs.len()))
            }
        }
    }
    all.finish();
}

#[test]
fn every_recorded_question_is_heard_as_it_prints() {
    let lists =
        requests().into_iter().filter(|request| request.messages.first().is_some_and(|first| is_dump(first)));
    let mut questions: Vec<String> =
        replies().into_iter().map(|reply| reply.show).chain(lists.map(|request| request.cmd)).collect();
    questions.sort();
    questions.dedup();
    let mut count = 0;
    let mut wrong = String::new();
    for question in questions {
        match command(&question.split_whitespace().collect::<Vec<_>>()) {
            Some(Ok(heard @ (Command::Show(_) | Command::Do { verb: Verb::Get, .. }))) => {
                let printed = heard.to_string();
                match command(&printed.split_whitespace().collect::<Vec<_>>()) {
                    Some(Ok(again)) if again.to_string() == printed => count += 1,
                    Some(Ok(again)) => wrong += &format!("{question}: {printed}: {again}\n"),
                    again => wrong += &format!("{question}: {printed}: {again:?}\n"),
                }
            }
            Some(Ok(_)) => wrong += &format!("{question}: is no question\n"),
            Some(Err(error)) => wrong += &format!("{error}\n"),
            None => (),
        }
    }
    assert!(wrong.is_empty(), "{count} are right\n{wrong}");
    assert!(count >= 10, "only {count} questions");
}

#[test]
fn every_recorded_request_is_heard_as_it_prints() {
    let mut count = 0;
    let mut wrong = String::new();
    for line in lines(include_str!("printed.jsonl")) {
        let (id, command) = (text(&line["id"]), text(&line["command"]));
        if REFUSED.iter().any(|(refused, _)| *refused == id) {
            continue;
        }
        let words: Vec<&str> = command.split_whitespace().collect();
        match heard(&words) {
            Some(Ok(heard)) if heard.printed == command => count += 1,
            Some(Ok(heard)) => wrong += &format!("{command}\n{}\n\n", heard.printed),
            Some(Err(error)) => wrong += &format!("{error}\n\n"),
            None => (),
        }
    }
    assert!(wrong.is_empty(), "{count} are right\n{wrong}");
    assert!(count >= 80, "only {count} commands");
}

const UNKNOWN_TO_6_1: &str = "iproute2 6.1 does not know it yet, iproute2 6.15 does";
const ANY_ORDER: &str = "what can be said in one order can be said in any";
const PRINTED: &str = "tc prints the word, or a value that has no other words, and cannot read it";
const NAMED: &str = "what is deleted is named by its place; tc wants options that it then does not need";
const NO_SENSE: &str = "tc sends it, and the kernel refuses it or takes something else than was said";

/// Commands that are heard otherwise than by iproute2, and why.
const HEARD_OTHERWISE: &[(&str, &str)] = &[
    ("tc class add dev v0 parent 1: classid 1:1 sfq", "kinds that are not known are left to the kernel"),
    ("tc class del dev v0 classid 1:1 htb", NAMED),
    ("tc qdisc del dev v0 root tbf", NAMED),
    ("tc qdisc add dev v0 root pfifo limit 10p", PRINTED),
    ("tc actions add action stolen", PRINTED),
    ("tc actions add action drop hw_stats any", PRINTED),
    ("tc actions add action drop random determ pass 20000", "the kernel takes 16 bits, and prints them"),
    ("tc actions add action drop skip_hw no_percpu", ANY_ORDER),
    ("tc actions add action skbedit queue_mapping skbhash 1 5", UNKNOWN_TO_6_1),
    ("tc actions add action mirred egress redirect blockid 5", UNKNOWN_TO_6_1),
    ("tc qdisc add dev v0 root tbf rate 1mbit b 10k la 10ms mpu 64 mpu 64", "the last counts, as in htb"),
    (
        "tc qdisc add dev v0 root tbf rate 1mbit b 10k la 10ms overhead 4 overhead 4",
        "the last counts, as in htb",
    ),
    ("tc class add dev v0 parent 1: classid 1:1", NO_SENSE),
    ("tc class add parent 1: classid 1:1 htb rate 1mbit", NO_SENSE),
    ("tc qdisc add dev v0 root", NO_SENSE),
    ("tc qdisc add dev v0", NO_SENSE),
    ("tc qdisc add root pfifo", NO_SENSE),
    ("tc qdisc add dev v0 ingress handle ffff: handle foo", NO_SENSE),
    ("tc qdisc add dev v0 root tbf rate 2mbit buffer 10k la 10ms peakrate 1mbit mtu 1600", NO_SENSE),
    ("tc actions add action police rate 1mbit burst 1k mpu 100kb", NO_SENSE),
    ("tc actions add action drop skip_sw skip_hw", NO_SENSE),
    ("tc actions add action drop cookie aabb index 5", NO_SENSE),
    ("tc actions add action mirred egress redirect action drop", NO_SENSE),
    ("tc actions add action mirred egress action drop", NO_SENSE),
    ("tc actions get action gact index 0", NO_SENSE),
    ("tc qdisc add dev v0 root sfq perturb -5", NO_SENSE),
    ("tc qdisc add dev v0 root sfq divisor 1000", NO_SENSE),
    ("tc qdisc add dev v0 root sfq redflowlimit 100000 probability 0.5x", NO_SENSE),
    ("tc qdisc add dev v0 root sfq redflowlimit 100000 probability 2", NO_SENSE),
];

/// Abbreviations, bases of numbers, repetitions and orders: what iproute2 6.1 sent and what it refused.
#[test]
fn words_are_taken_and_refused_as_iproute2_does() {
    let mut wrong = String::new();
    for line in include_str!("spoken.txt").lines() {
        let (sent, command) = line.split_at(8);
        let words: Vec<&str> = command.split_whitespace().collect();
        let ours = match heard(&words) {
            Some(Ok(_)) => "is heard".to_owned(),
            Some(Err(error)) => format!("is refused:\n{error}"),
            None => "is not looked at".to_owned(),
        };
        let same = (ours == "is heard") == (sent.trim() == "sent");
        if same == HEARD_OTHERWISE.iter().any(|(known, _)| *known == command) {
            wrong += &format!("{line}: {ours}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// What was recorded, read once for all cases.
static COMMANDS: LazyLock<Vec<String>> =
    LazyLock::new(|| requests().into_iter().map(|request| request.cmd).collect());
static VOCABULARY: LazyLock<Vec<&str>> =
    LazyLock::new(|| COMMANDS.iter().flat_map(|command| command.split_whitespace()).collect());

proptest! {
    /// Whatever the order of words, they are heard or refused.
    #[test]
    fn no_words_panic(
        noun in prop::sample::select(Noun::ALL),
        verb in prop::sample::select(&["add", "change", "del", "get", "show", "flush"]),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        start in any::<prop::sample::Index>(),
        junk in ".{0,5}",
    ) {
        let mut command = vec![noun.tool().name(), noun.word(), verb];
        // A command as it should be, and words from anywhere.
        command.extend(start.get::<String>(&COMMANDS).split_whitespace().skip(3));
        command.extend(picks.iter().map(|pick| *pick.get::<&str>(&VOCABULARY)));
        command.push(&junk);
        let _ = heard(&command);
    }

    /// What the fuzz target `language` asks of any text, of recorded commands with something else in them.
    #[test]
    fn what_is_read_prints_and_reads_as_it_was_printed(
        picks in prop::collection::vec(
            (any::<prop::sample::Index>(), 0..80_usize, prop::sample::select(MANGLES)),
            1..4,
        ),
    ) {
        let mut text = String::new();
        for (pick, at, mangle) in picks {
            let command = pick.get::<String>(&COMMANDS);
            let (front, back) = command.split_at(at.min(command.len()));
            text += &format!("{front}{mangle}{back}\n");
        }
        prop_assert_eq!(language::check(text.trim_end()), Ok(()));
        let batch = text.replace("tc ", "").replace("ip ", "");
        prop_assert_eq!(language::check(&batch), Ok(()));
    }
}

/// What is put into commands.
const MANGLES: &[&str] = &[
    "",
    " ",
    "'",
    "\"",
    "a'b",
    " '' ",
    " 'a b' ",
    "$x",
    "\\",
    "\\\n",
    "#",
    " 0x",
    "-1",
    ";",
    " || true ",
    "\u{e9}",
];

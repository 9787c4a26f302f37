//! Every recorded command is heard, and what was heard encodes to what iproute2 sent for it; what iproute2 refused is refused.

use super::compare::{like, Comparison, Intended};
use super::data::{requests, Recorded};
use super::meaning::Meaning;
use super::objects::{is_dump, message};
use super::requests::NOT_YET;
use tcnl::request::{Spoken, Verb};
use tcnl::text::{CommandError, Words};
use tcnl::units::{Dev, Name};

/// Reads the words behind the verb and encodes what they say.
type Hearer = fn(Verb, Words<'_>) -> Result<Vec<u8>, Refused>;

/// The objects that are heard: program, noun and type.
const OBJECTS: &[(&str, &[&str], Hearer)] = &[
    ("tc", &["qdisc"], hear::<tcnl::tc::Qdisc>),
    ("tc", &["class"], hear::<tcnl::tc::Class>),
    ("tc", &["filter"], hear::<tcnl::tc::Filter>),
    ("tc", &["chain"], hear::<tcnl::tc::Chain>),
    ("tc", &["action", "actions"], hear::<tcnl::tc::ActionTable>),
];

/// What iproute2 sends and the crate refuses, and why.
const REFUSED: &[(&str, &str)] = &[];

const ROUNDED: &str =
    "iproute2 6.15 rounds the times of a rate table up where the crate does as 6.1 did: kernels look only whether it is there";

const INTENDED: &[Intended] = &[
    Intended {
        ids: &["ingress-021", "u32_police_act-0*"],
        path: "2/6/2",
        like: like::ours_or_one_more,
        why: ROUNDED,
    },
    Intended { ids: &["u32_police_act-008"], path: "2/6/3", like: like::ours_or_one_more, why: ROUNDED },
    Intended { ids: &["u32_police_act-014"], path: "2/7/1/2/2", like: like::ours_or_one_more, why: ROUNDED },
    Intended { ids: &["fw-011"], path: "2/2/2", like: like::ours_or_one_more, why: ROUNDED },
];

/// Why a command was refused.
enum Refused {
    Words(tcnl::text::WordError),
    Encoding(tcnl::wire::EncodeError),
}

fn hear<O: Spoken>(verb: Verb, mut words: Words<'_>) -> Result<Vec<u8>, Refused> {
    let object = O::hear(verb, &mut words).map_err(Refused::Words)?;
    if !words.is_empty() {
        return Err(Refused::Words(words.error("the end of the command")));
    }
    message(verb, &object).map_err(Refused::Encoding)
}

/// The verb of this word; `None` for what lists objects.
fn verb(word: &str) -> Option<Verb> {
    Some(match word {
        "add" => Verb::Add,
        "change" => Verb::Change,
        "replace" => Verb::Replace,
        "append" => Verb::Append,
        "prepend" => Verb::Prepend,
        "del" | "delete" => Verb::Delete,
        "get" => Verb::Get,
        _ => return None,
    })
}

/// The devices of the recordings.
fn device(name: Name) -> Option<Dev> {
    let index = match name.as_str() {
        "v0" => 10,
        "v1" => 11,
        "ifb0" => 20,
        "ifb1" => 21,
        "d0" => 30,
        _ => return None,
    };
    Some(Dev::named(index, name))
}

/// The message of a command; `None` if its object is not heard or the command is about no object.
fn heard(command: &[&str]) -> Option<Result<Vec<u8>, String>> {
    let options = command.iter().skip(1).take_while(|word| word.starts_with('-')).count();
    let (noun, word) = (command.get(1 + options)?, command.get(2 + options)?);
    let (.., hear) =
        OBJECTS.iter().find(|(program, nouns, _)| *program == command[0] && nouns.contains(noun))?;
    let verb = verb(word)?;
    let mut words = Words::new(command).with_devices(&device);
    for _ in 0..3 + options {
        words.take("a word").expect("they were counted");
    }
    Some(hear(verb, words).map_err(|refused| match refused {
        Refused::Words(error) => CommandError::new(command, error).to_string(),
        Refused::Encoding(error) => format!("{}\n{error}", command.join(" ")),
    }))
}

#[test]
fn every_recorded_command_is_heard_as_iproute2_hears_it() {
    let mut all = Comparison::new(INTENDED);
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
            (Ok(ours), [theirs]) => all.messages(&id, &cmd, &ours, theirs),
            (Err(error), _) => all.wrong(&id, format!("is refused:\n{error}")),
            (Ok(_), theirs) => {
                all.wrong(&id, format!("`{cmd}` is heard; iproute2 sent {} messages", theirs.len()))
            }
        }
    }
    all.finish();
}

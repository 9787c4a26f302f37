//! The recordings, read.

use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{stderr, Write};

/// One command and what iproute2 sent for it.
pub struct Recorded {
    pub id: String,
    pub cmd: String,
    /// The requests, with the netlink header.
    pub messages: Vec<Vec<u8>>,
    /// What iproute2 6.1 sent, where that differs.
    pub older: Option<Vec<Vec<u8>>>,
    /// iproute2 refused the words itself, and sent nothing.
    pub client_error: bool,
}

/// One dump.
pub struct Reply {
    pub id: String,
    pub show: String,
    /// The objects' messages, with the netlink header.
    pub messages: Vec<Vec<u8>>,
    /// What iproute2 printed for them with `-j`.
    pub json: Option<Value>,
}

/// Whether this machine's numbers are not those of the machine that most recordings were made on.
pub const BIG_ENDIAN: bool = cfg!(target_endian = "big");

/// The recorded commands, with the bytes that this machine's iproute2 sends. A few have none on big-endian machines: they are
/// left out there (`tests/endian/record` says why).
pub fn requests() -> Vec<Recorded> {
    let big: BTreeMap<_, _> = lines(include_str!("big-endian.jsonl"))
        .map(|line| (text(&line["id"]), bytes(&line["hex"])))
        .collect();
    lines(include_str!("requests.jsonl"))
        .map(|line| Recorded {
            id: text(&line["id"]),
            cmd: text(&line["cmd"]),
            messages: bytes(&line["hex"]),
            // With an empty RTM_NEWLINK, ip 6.1 finds out whether the kernel can make links.
            older: line.get("hex_6.1").map(bytes).map(|mut older| {
                older.retain(|message| body(message).iter().any(|byte| *byte != 0));
                older
            }),
            client_error: line["client_error"] == true,
        })
        .filter_map(|request| match BIG_ENDIAN && !request.messages.is_empty() {
            true => big.get(&request.id).map(|messages| Recorded {
                messages: messages.clone(),
                older: None,
                ..request
            }),
            false => Some(request),
        })
        .collect()
}

/// Whether recordings of which there are none of a big-endian machine can be used; if not, the test `name` is skipped aloud.
pub fn readable_here(name: &str) -> bool {
    if BIG_ENDIAN {
        writeln!(stderr(), "SKIP {name}: recorded on a little-endian machine")
            .expect("stderr can be written");
    }
    !BIG_ENDIAN
}

pub fn replies() -> Vec<Reply> {
    lines(include_str!("replies.jsonl"))
        .map(|line| Reply {
            id: text(&line["id"]),
            show: text(&line["show"]),
            messages: bytes(&line["replies"])
                .into_iter()
                .filter(|message| kind(message) != NLMSG_DONE)
                .collect(),
            json: Some(line["json"].clone()).filter(|json| !json.is_null()),
        })
        .collect()
}

/// The message type, such as RTM_NEWQDISC.
pub fn kind(message: &[u8]) -> u16 {
    u16::from_ne_bytes([message[4], message[5]])
}

/// The NLM_F_ flags.
pub fn flags(message: &[u8]) -> u16 {
    u16::from_ne_bytes([message[6], message[7]])
}

/// What follows the netlink header.
pub fn body(message: &[u8]) -> &[u8] {
    &message[16..]
}

pub const NLMSG_DONE: u16 = 3;

pub fn lines(jsonl: &str) -> impl Iterator<Item = Value> + '_ {
    jsonl.lines().map(|line| serde_json::from_str(line).expect("a line of JSON"))
}

pub fn bytes(value: &Value) -> Vec<Vec<u8>> {
    value.as_array().expect("a list of messages").iter().map(|hex| from_hex(&text(hex))).collect()
}

pub fn text(value: &Value) -> String {
    value.as_str().expect("a string").to_owned()
}

fn from_hex(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect()
}

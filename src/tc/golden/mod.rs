//! The recorded requests and replies of tests/golden, for the tests of the kinds.

mod actions;
mod replies;
mod requests;

use super::{AppStats, Stats};
use crate::wire::{Header, Messages, Reader};
use serde_json::Value as Json;
use std::path::Path;

fn lines(file: &str) -> Vec<Json> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(file);
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn bytes(hex: &Json) -> Vec<u8> {
    let hex = hex.as_str().unwrap();
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn messages(hex: &Json) -> Vec<(Header, Vec<u8>)> {
    let of = |hex| {
        Messages::new(&bytes(hex)).map(|m| m.unwrap()).map(|(h, b)| (h, b.to_vec())).collect::<Vec<_>>()
    };
    hex.as_array().unwrap().iter().flat_map(of).collect()
}

/// One recorded command with the messages that iproute2 sent for it.
pub struct Sent {
    pub id: String,
    pub cmd: String,
    pub messages: Vec<(Header, Vec<u8>)>,
}

/// The recorded commands of a group that iproute2 itself did not refuse.
pub fn sent(group: &str) -> Vec<Sent> {
    let text = |json: &Json| json.as_str().unwrap().to_owned();
    lines("requests.jsonl")
        .iter()
        .filter(|line| line["group"] == group)
        .map(|line| Sent { id: text(&line["id"]), cmd: text(&line["cmd"]), messages: messages(&line["hex"]) })
        .filter(|sent| !sent.messages.is_empty())
        .collect()
}

/// Header and body of the first request of a recorded command.
pub fn request(id: &str) -> (Header, Vec<u8>) {
    let lines = lines("requests.jsonl");
    let line = lines.iter().find(|line| line["id"] == id).unwrap();
    messages(&line["hex"]).swap_remove(0)
}

/// One recorded dump: what was asked, what came, and what iproute2 showed.
pub struct Dump {
    pub id: String,
    pub show: String,
    pub request: Vec<u8>,
    pub replies: Vec<(Header, Vec<u8>)>,
    pub json: Vec<Json>,
}

/// The dumps recorded after the commands of a group, NLMSG_DONE left out.
pub fn dumps(group: &str) -> Vec<Dump> {
    lines("replies.jsonl")
        .iter()
        .filter(|line| line["id"].as_str().unwrap().starts_with(group))
        .map(|line| Dump {
            id: line["id"].as_str().unwrap().to_owned(),
            show: line["show"].as_str().unwrap().to_owned(),
            request: bytes(&line["request"])[16..].to_vec(),
            replies: messages(&line["replies"]).into_iter().filter(|(header, _)| header.ty >= 16).collect(),
            json: line["json"].as_array().cloned().unwrap_or_default(),
        })
        .collect()
}

/// An attribute: its number, and its payload or what is nested in it.
#[derive(Debug, PartialEq, PartialOrd)]
pub enum Meaning {
    /// Not a nest.
    Bytes(u16, Vec<u8>),
    /// A nest, in which the order means nothing.
    Nest(u16, Vec<Meaning>),
}

/// The attributes behind `header` bytes of a body, without what means nothing: their order, NLA_F_NESTED and the
/// contents of rate tables.
pub fn meaning(body: &[u8], header: usize) -> (Vec<u8>, Vec<Meaning>) {
    (body[..header].to_vec(), nest(&body[header..]).unwrap_or_default())
}

fn nest(payload: &[u8]) -> Option<Vec<Meaning>> {
    let attrs: Vec<_> = Reader::new(payload).attrs().collect::<Result<_, _>>().ok()?;
    if attrs.is_empty() || attrs.iter().any(|attr| attr.ty == 0 || attr.ty > 40) {
        return None;
    }
    let mut all: Vec<Meaning> = attrs
        .iter()
        .map(|attr| match nest(attr.payload) {
            Some(inner) => Meaning::Nest(attr.ty, inner),
            // Rate tables: kernels look whether they are there. What they hold is compared elsewhere.
            None if attr.payload.len() == 1024 => Meaning::Bytes(attr.ty, b"table".to_vec()),
            None => Meaning::Bytes(attr.ty, attr.payload.to_vec()),
        })
        .collect();
    all.sort_by(|a, b| a.partial_cmp(b).unwrap());
    Some(all)
}

/// Compares statistics with what iproute2 showed of them.
pub fn assert_stats(stats: &Stats, json: &Json) {
    let queue = &stats.queue;
    for (name, value) in [
        ("bytes", stats.bytes),
        ("packets", stats.packets),
        ("drops", queue.drops.into()),
        ("overlimits", queue.overlimits.into()),
        ("requeues", queue.requeues.into()),
        ("backlog", queue.backlog.into()),
        ("qlen", queue.qlen.into()),
    ] {
        assert_eq!(json[name].as_u64(), Some(value), "{name} of {json}");
    }
    if let Some(rate) = json.get("rate").and_then(Json::as_u64).filter(|_| json.get("pps").is_some()) {
        let pps = json["pps"].as_u64().unwrap();
        assert_eq!(stats.rate.unwrap_or_default(), (rate, pps));
    }
    if let Some(AppStats::HtbClass(htb)) = &stats.app {
        for (name, value) in [
            ("lended", i64::from(htb.lends)),
            ("borrowed", htb.borrows.into()),
            ("giants", htb.giants.into()),
            ("tokens", htb.tokens.into()),
            ("ctokens", htb.ctokens.into()),
        ] {
            assert_eq!(json[name].as_i64(), Some(value), "{name} of {json}");
        }
    }
}

//! Every recorded request decodes with nothing left unknown and encodes again to the same meaning.

use super::compare::{like, Comparison, Intended, POLICE_TABLES};
use super::data::{body, kind, requests};
use super::meaning::Meaning;
use super::objects::{is_dump, message, verb, with_object};
use std::fmt::Debug;
use tcnl::request::Object;

/// Kinds of which there are recordings, but which the crate does not have yet: they are kept as they came.
pub const NOT_YET: &[&str] = &[
    // qdiscs; noqueue has no options
    "noqueue",
    "ets",
    "fq",
    "fq_codel",
    "netem",
    "prio",
    "red",
    // filters
    "basic",
    "bpf",
    "cgroup",
    "flow",
    "flower",
    "matchall",
    "route",
    // actions, where the name is not a filter's
    "connmark",
    "csum",
    "ctinfo",
    "nat",
    "pedit",
    "sample",
    "simple",
    "tunnel_key",
    "vlan",
    // links
    "macvlan",
    "vrf",
];

const INTENDED: &[Intended] = &[
    Intended { ids: &["tbf-008", "tbf-009"], path: "2/1", like: like::but_tbf_ticks, why: like::TBF_TICKS },
    Intended {
        ids: &["rule-006"],
        path: "2",
        like: |ours, theirs| ours.is_none() && theirs == Some(&[]),
        why: "`from all` is sent as an address without bytes: it matches everything, as no address does",
    },
    Intended {
        ids: &["route-082"],
        path: "15",
        like: |ours, theirs| ours.is_none() && theirs == Some(&[100, 0, 0, 0]),
        why: "`ip route flush` sends back what it read, the table in the header and again in an attribute",
    },
];

/// What iproute2 sends and the kernel refuses: the crate does not send it.
const REFUSED: &[(&str, &str)] =
    &[("sfq-014", "divisor of sfq is out of range: 1000 (allowed: a power of two up to 65536)")];

#[test]
fn every_recorded_request_decodes_with_nothing_unknown_and_encodes_to_the_same_meaning() {
    let mut all = Comparison::new(&[INTENDED, POLICE_TABLES]);
    for request in requests() {
        for recorded in request.messages.iter().filter(|message| !is_dump(message)) {
            with_object!(kind(recorded), check(&mut all, &request.id, &request.cmd, recorded));
        }
    }
    all.finish();
}

fn check<O: Object + Debug>(all: &mut Comparison, id: &str, cmd: &str, recorded: &[u8]) {
    let object = match O::decode(body(recorded)) {
        Ok(object) => object,
        Err(error) => return all.wrong(id, format!("`{cmd}` does not decode: {error}")),
    };
    let shown = format!("{object:?}");
    let not_yet = Meaning::of(recorded).kinds().any(|kind| NOT_YET.contains(&kind.as_str()));
    if !not_yet && (shown.contains("RawAttr {") || shown.contains("Other")) {
        all.wrong(id, format!("`{cmd}` decodes with something unknown: {shown}"));
    }
    match message(verb(recorded), &object) {
        Ok(ours) => all.messages(id, cmd, &ours, recorded),
        Err(error) if REFUSED.contains(&(id, &error.to_string())) => (),
        Err(error) => all.wrong(id, format!("`{cmd}` does not encode: {error}")),
    }
}

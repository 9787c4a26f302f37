//! Commands built through the public API, as a user would, equal what iproute2 sent for them.

mod actions;
mod addresses;
mod classes;
mod filters;
mod links;
mod qdiscs;
mod queues;
mod routes;
mod rules;
mod u32s;

use super::compare::{like, Comparison, Intended, POLICE_TABLES};
use super::data::{kind, requests, Recorded, BIG_ENDIAN};
use super::meaning::Field;
use super::objects;
use std::collections::BTreeMap;
use tcnl::request::{Object, Query, Request, Verb};
use tcnl::units::{Dev, Handle};
use tcnl::wire::EncodeError;

/// A request built by hand and the recording it is to equal.
struct ByHand {
    id: &'static str,
    message: Result<Vec<u8>, EncodeError>,
    command: String,
}

fn hand<O: Object>(id: &'static str, verb: Verb, object: O) -> ByHand {
    let command = Request::new(verb, &object).to_string();
    ByHand { id, message: objects::message(verb, &object), command }
}

fn ask<Q: Query>(id: &'static str, query: Q) -> ByHand {
    struct Shown<'a, Q>(&'a Q);
    impl<Q: Query> std::fmt::Display for Shown<'_, Q> {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            self.0.command(f)
        }
    }
    ByHand { id, message: objects::dump(&query), command: Shown(&query).to_string() }
}

/// The devices of the recordings.
const V0: Dev = Dev::index(10);
const IFB0: Dev = Dev::index(20);

/// The handle of these words, such as `1:10`.
fn h(words: &str) -> Handle {
    words.parse().expect("a handle")
}

const WRAPPED: &str =
    "at 8 bit/s a burst of 1600 bytes takes more ticks than 32 bits hold: iproute2 lets the number wrap \
    (a burst of 225 bytes), the crate takes the largest";
const NO_TABLES: &str = "kernels since 3.8 read rate tables only to guess the link layer, which is said: \
    the crate leaves out 2 KiB a class unless asked";

const ALL_LINKS: &str = "iproute2 asks for the links of AF_PACKET, the kernel ignores the family";
const FAMILIES: &str = "a list is of one family: `ip route show table all` asks for all of them";
const FUNCTIONS: &str = "iproute2 asks for the virtual functions of network cards (RTEXT_FILTER_VF); the crate asks never for them \
    and always for no counters of IPv6 (RTEXT_FILTER_SKIP_STATS), as iproute2 does without -s";
const NARROW: &str = "iproute2 computes the rate tables of htb and tbf from the 32-bit rate, which is saturated: the crate from the rate";

const ZERO: &str =
    "iproute2 sends an address without bytes for `from all`: it matches everything, as no address does";
const MARK: &str = "the kernel takes mark 0 without a mask for any mark: the crate sends a full mask";

const INTENDED: &[Intended] = &[
    Intended {
        ids: &["rule-006"],
        path: "2",
        like: |ours, theirs| ours.is_none() && theirs == Some(&[]),
        why: ZERO,
    },
    Intended {
        ids: &["rule-010"],
        path: "16",
        like: |ours, theirs| ours == Some(&[0xff; 4]) && theirs.is_none(),
        why: MARK,
    },
    Intended {
        ids: &["htb_class-022", "htb_class-023", "htb_class-025"],
        path: "2/3",
        like: theirs_at_the_largest_32_bit_rate,
        why: NARROW,
    },
    Intended {
        ids: &["htb_class-020", "htb_class-022", "htb_class-023", "htb_class-025"],
        path: "2/4",
        like: theirs_at_the_largest_32_bit_rate,
        why: NARROW,
    },
    Intended {
        ids: &["tbf-008", "tbf-009"],
        path: "2/2",
        like: theirs_at_the_largest_32_bit_rate,
        why: NARROW,
    },
    Intended { ids: &["tbf-009"], path: "2/3", like: theirs_at_the_largest_32_bit_rate, why: NARROW },
    Intended { ids: &["tbf-008", "tbf-009"], path: "2/1", like: like::but_tbf_ticks, why: like::TBF_TICKS },
    Intended {
        ids: &["htb_class-*", "tbf-*"],
        path: "2/3",
        like: like::ours_or_one_more,
        why: like::FLOATING,
    },
    Intended { ids: &["htb_class-*"], path: "2/4", like: like::ours_or_one_more, why: like::FLOATING },
    Intended { ids: &["tbf-*"], path: "2/2", like: like::ours_or_one_more, why: like::FLOATING },
    Intended {
        ids: &["htb_class-002", "htb_class-005"],
        path: "2/1",
        like: like::saturated_where_they_wrap,
        why: WRAPPED,
    },
    Intended {
        ids: &["htb_class-002", "htb_class-005"],
        path: "2/3",
        like: like::saturated_where_they_wrap,
        why: WRAPPED,
    },
    Intended {
        ids: &["htb_class-002", "htb_class-005"],
        path: "2/4",
        like: like::saturated_where_they_wrap,
        why: WRAPPED,
    },
    Intended {
        ids: &["link-032", "link-033"],
        path: "family",
        like: |ours, _| ours == Some(&[0]),
        why: ALL_LINKS,
    },
    Intended { ids: &["link-032", "link-033"], path: "29", like: only_without_counters, why: FUNCTIONS },
    Intended {
        ids: &["route-063"],
        path: "family",
        like: |ours, theirs| (ours, theirs) == (Some(&[2]), Some(&[0])),
        why: FAMILIES,
    },
    Intended { ids: &["htb_class-067"], path: "2/3", like: like::left_out, why: NO_TABLES },
    Intended { ids: &["htb_class-067"], path: "2/4", like: like::left_out, why: NO_TABLES },
    Intended {
        ids: &["htb_class-067"],
        path: "2/1",
        // cell_log and cell_align of both rates describe the tables.
        like: |ours, theirs| like::but_bytes(ours, theirs, &[0, 4, 5, 12, 16, 17]),
        why: NO_TABLES,
    },
];

/// Ours are smaller, and theirs are what one, two, three... cells of 8 or of 64 bytes cost at 2^32 - 1 bytes a second.
fn theirs_at_the_largest_32_bit_rate(ours: Field<'_>, theirs: Field<'_>) -> bool {
    const TICKS_A_SECOND: u64 = 15_625_000;
    let cost = |bytes: u64| ((bytes * TICKS_A_SECOND).div_ceil(u32::MAX.into()) as u32).to_ne_bytes();
    let table = |cell: u64| (1..=256).flat_map(|cells| cost(cells * cell)).collect::<Vec<u8>>();
    [8, 64].into_iter().any(|cell| theirs == Some(&table(cell)))
        && like::every_word(ours, theirs, |ours, theirs| ours <= theirs)
}

fn only_without_counters(ours: Field<'_>, theirs: Field<'_>) -> bool {
    const RTEXT_FILTER_SKIP_STATS: u32 = 8;
    ours == Some(&RTEXT_FILTER_SKIP_STATS.to_ne_bytes()) && theirs.is_some()
}

/// There is no object for neighbours.
const RTM_GETNEIGH: u16 = 30;

#[test]
fn commands_built_by_hand_equal_what_iproute2_sent() {
    let recorded: BTreeMap<String, Recorded> =
        requests().into_iter().map(|request| (request.id.clone(), request)).collect();
    let mut all = Comparison::new(&[INTENDED, POLICE_TABLES]);
    let mut built = Vec::new();
    let tables = [
        qdiscs::commands(),
        queues::commands(),
        classes::commands(),
        filters::commands(),
        u32s::commands(),
        actions::commands(),
        links::commands(),
        addresses::commands(),
        routes::commands(),
        rules::commands(),
    ];
    for ByHand { id, message, command } in tables.into_iter().flatten() {
        built.push(id);
        let request = match recorded.get(id) {
            Some(request) => request,
            None if BIG_ENDIAN => continue,
            None => panic!("there is no recording {id}"),
        };
        let what = format!("{}\n    {command}", request.cmd);
        match (message, &request.messages[..]) {
            (Ok(ours), [theirs]) => all.messages(id, &what, &ours, theirs),
            (Err(error), _) => all.wrong(id, format!("{what}\n    {error}")),
            (Ok(_), theirs) => all.wrong(id, format!("{what}\n    iproute2 sent {} messages", theirs.len())),
        }
    }
    let dumps = recorded.values().filter(|request| {
        request.messages.iter().any(|message| objects::is_dump(message) && kind(message) != RTM_GETNEIGH)
    });
    for request in dumps.filter(|request| !built.contains(&request.id.as_str())) {
        all.wrong(&request.id, format!("`{}` is not built by hand", request.cmd));
    }
    let count = all.count;
    all.finish();
    assert!(count >= 80, "only {count} commands");
}

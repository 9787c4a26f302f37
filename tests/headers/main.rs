//! The numbers that the crate declares, against the kernel's headers.
//!
//! Two sources: the headers installed on this machine, and what was read from those of Linux 6.12 (`*-6.12.txt`), so that
//! numbers, layouts and completeness are checked everywhere.

mod absent;
mod c;
mod numbers;
mod structs;

use c::Headers;
use std::collections::BTreeMap;
use std::io::{stderr, Write};
use std::path::PathBuf;
use std::{env, fs};
use tcnl::wire::Table;

/// Attributes that are newer than Linux 6.12, with a version in whose headers they are.
const NEWER: &[(&str, i64, (i64, i64))] = &[
    ("IFLA_MAX_PACING_OFFLOAD_HORIZON", 66, (6, 13)),
    ("RTA_FLOWLABEL", 31, (6, 14)),
    ("FRA_FLOWLABEL", 26, (6, 14)),
    ("FRA_FLOWLABEL_MASK", 27, (6, 14)),
    ("FRA_SPORT_MASK", 28, (6, 15)),
    ("FRA_DPORT_MASK", 29, (6, 15)),
    ("FRA_DSCP_MASK", 30, (6, 15)),
    ("IFLA_NETNS_IMMUTABLE", 67, (6, 15)),
    ("IFLA_HEADROOM", 68, (6, 19)),
    ("IFLA_TAILROOM", 69, (6, 19)),
];

/// The headers that declare what the crate speaks, each behind those it needs.
const HEADERS: &[&str] = &[
    "netlink.h",
    "rtnetlink.h",
    "gen_stats.h",
    "pkt_sched.h",
    "pkt_cls.h",
    "tc_act/tc_bpf.h",
    "tc_act/tc_connmark.h",
    "tc_act/tc_csum.h",
    "tc_act/tc_ct.h",
    "tc_act/tc_ctinfo.h",
    "tc_act/tc_defact.h",
    "tc_act/tc_gact.h",
    "tc_act/tc_gate.h",
    "tc_act/tc_ife.h",
    "tc_act/tc_mirred.h",
    "tc_act/tc_mpls.h",
    "tc_act/tc_nat.h",
    "tc_act/tc_pedit.h",
    "tc_act/tc_sample.h",
    "tc_act/tc_skbedit.h",
    "tc_act/tc_skbmod.h",
    "tc_act/tc_tunnel_key.h",
    "tc_act/tc_vlan.h",
    "if.h",
    "if_link.h",
    "if_bridge.h",
    "if_addr.h",
    "nexthop.h",
    "fib_rules.h",
    "veth.h",
    "netfilter.h",
    "netfilter/nfnetlink.h",
    "netfilter/nfnetlink_conntrack.h",
    "netfilter/nf_tables.h",
];

/// The enums whose attributes the crate knows, by their first constants.
const SETS: &[&str] = &[
    "TCA_UNSPEC",
    "TCA_STAB_UNSPEC",
    "TCA_HTB_UNSPEC",
    "TCA_TBF_UNSPEC",
    "TCA_U32_UNSPEC",
    "TCA_FW_UNSPEC",
    "TCA_ACT_UNSPEC",
    "TCA_POLICE_UNSPEC",
    "TCA_GACT_UNSPEC",
    "TCA_MIRRED_UNSPEC",
    "TCA_SKBEDIT_UNSPEC",
    "TCA_ROOT_UNSPEC",
    "TCA_STATS_UNSPEC",
    "IFLA_UNSPEC",
    "IFLA_INFO_UNSPEC",
    "IFLA_BR_UNSPEC",
    "IFLA_BRPORT_UNSPEC",
    "VETH_INFO_UNSPEC",
    "IFA_UNSPEC",
    "RTA_UNSPEC",
    "RTAX_UNSPEC",
    "NHA_UNSPEC",
    "NHA_RES_GROUP_UNSPEC",
    "FRA_UNSPEC",
];

/// Constants of these enums that are no attributes.
fn is_attribute(name: &str) -> bool {
    !name.starts_with("__") && !name.ends_with("_UNSPEC") && !name.contains("_UNUSED")
}

fn read(directory: &str, more: &[&str]) -> Option<Headers> {
    let mut headers = Headers::default();
    for name in HEADERS.iter().chain(more) {
        headers.read(&fs::read_to_string(format!("{directory}/{name}")).ok()?);
    }
    Some(headers)
}

/// The headers of this machine, or those in HEADERS; without them the test `name` is skipped aloud.
fn installed(name: &str) -> Option<Headers> {
    let headers = read(&directory(), &["version.h"]);
    if headers.is_none() {
        say(&format!(
            "SKIP {name}: the kernel's headers are not in {} (Debian: linux-libc-dev)",
            directory()
        ));
    }
    headers
}

/// Where the headers are, unless HEADERS names those of another kernel.
fn directory() -> String {
    env::var("HEADERS").unwrap_or_else(|_| "/usr/include/linux".to_owned())
}

/// The crate's own source, file by file.
fn sources() -> Vec<(PathBuf, String)> {
    let (mut found, mut left) = (Vec::new(), vec![PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src")]);
    while let Some(path) = left.pop() {
        if path.is_dir() {
            let entries = fs::read_dir(&path).expect("src can be read");
            left.extend(entries.map(|entry| entry.expect("src can be read").path()));
        } else if path.extension().is_some_and(|end| end == "rs") {
            let text = fs::read_to_string(&path).expect("the source can be read");
            found.push((path, text));
        }
    }
    found
}

/// A line on the terminal, whatever the test runner does with what tests print.
fn say(line: &str) {
    writeln!(stderr(), "{line}").expect("stderr can be written");
}

/// Every set and struct that the crate declares.
fn tables() -> Vec<Table> {
    [tcnl::wire::tables(), tcnl::tc::tables(), tcnl::route::tables(), tcnl::netfilter::tables()].concat()
}

/// Every attribute that the crate declares, but for those of netfilter.
fn declared() -> BTreeMap<&'static str, i64> {
    let tables = [tcnl::tc::tables(), tcnl::route::tables()].concat();
    tables.iter().flat_map(|table| table.names).map(|(number, name)| (*name, i64::from(*number))).collect()
}

/// The lines of a list, without the first one, which says what it is.
fn lines(list: &'static str) -> impl Iterator<Item = &'static str> {
    list.lines().filter(|line| !line.starts_with('#'))
}

/// The attributes of Linux 6.12.
fn of_6_12() -> BTreeMap<&'static str, i64> {
    let pair = |line: &'static str| line.split_once(' ').expect("a name and a number");
    lines(include_str!("attributes-6.12.txt"))
        .map(pair)
        .map(|(name, number)| (name, number.parse().expect("a number")))
        .collect()
}

#[test]
fn every_attribute_has_the_number_that_the_installed_headers_give_it() {
    let name = "every_attribute_has_the_number_that_the_installed_headers_give_it";
    let Some(headers) = installed(name) else { return };
    let (major, minor) = headers.version();
    let known = of_6_12();
    let mut wrong = Vec::new();
    let mut absent = Vec::new();
    for (name, number) in declared() {
        let since = NEWER.iter().find(|(newer, ..)| *newer == name).map(|(.., since)| *since);
        match headers.constants.get(name) {
            Some(theirs) if *theirs == number => (),
            Some(theirs) => wrong.push(format!("{name} is {theirs}, the crate says {number}")),
            None if since.is_some_and(|since| since > (major, minor)) => absent.push(name),
            None if known.contains_key(name) && (major, minor) < (6, 12) => absent.push(name),
            None => wrong.push(format!("{name} is in no header")),
        }
    }
    if !absent.is_empty() {
        say(&format!(
            "newer than the installed headers ({major}.{minor}), not checked: {}",
            absent.join(" ")
        ));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Of netfilter the crate declares what it uses: its sets are not complete, and nothing of them is new.
#[test]
fn every_number_of_netfilter_is_that_of_the_installed_headers() {
    let Some(headers) = installed("every_number_of_netfilter_is_that_of_the_installed_headers") else {
        return;
    };
    let tables = tcnl::netfilter::tables();
    let attributes =
        tables.iter().flat_map(|table| table.names).map(|(number, name)| (*name, i64::from(*number)));
    let wrong: Vec<_> = attributes
        .chain(tcnl::netfilter::numbers().iter().copied())
        .map(|(name, number)| (name, number, headers.constants.get(name)))
        .filter(|(_, number, theirs)| *theirs != Some(number))
        .collect();
    assert!(wrong.is_empty(), "the name, the crate's number, the headers': {wrong:?}");
}

#[test]
fn every_attribute_of_linux_6_12_is_declared() {
    let (ours, theirs) = (declared(), of_6_12());
    let mut wrong = Vec::new();
    for (name, number) in &theirs {
        match ours.get(name) {
            Some(ours) if ours == number => (),
            Some(ours) => wrong.push(format!("{name} is {number}, the crate says {ours}")),
            None => wrong.push(format!("{name} ({number}) is not declared")),
        }
    }
    let newer: BTreeMap<_, _> = NEWER.iter().map(|(name, number, _)| (*name, *number)).collect();
    for (name, number) in &ours {
        match newer.get(name) {
            Some(theirs) if theirs != number => {
                wrong.push(format!("{name} is {theirs}, the crate says {number}"))
            }
            None if !theirs.contains_key(name) => {
                wrong.push(format!("{name} ({number}) is not in Linux 6.12"))
            }
            _ => (),
        }
    }
    wrong.extend(
        newer.keys().filter(|name| !ours.contains_key(*name)).map(|name| format!("{name} is not declared")),
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Writes the `*-6.12.txt`: `HEADERS=linux/include/uapi/linux cargo test --test headers -- --ignored`.
#[test]
#[ignore = "needs the headers of Linux 6.12"]
fn what_linux_6_12_declares_is_written() {
    let headers = read(&directory(), &[]).expect("the headers can be read");
    let attributes = SETS.iter().flat_map(|set| {
        let names = headers.enums.iter().find(|names| names.first().is_some_and(|first| first == set));
        // Where a number has two names, the newer one counts.
        let names: BTreeMap<_, _> = names
            .expect(set)
            .iter()
            .filter(|name| is_attribute(name))
            .map(|name| (headers.constants[name], name))
            .collect();
        names.into_iter().map(|(number, name)| format!("{name} {number}\n"))
    });
    write("attributes", "Attribute numbers", attributes);
    write("structs", "The fields of structs, with their offsets and lengths", structs::lines(&headers));
    write(
        "declared",
        "The sets of attributes, by their first constants, and structs",
        absent::lines(&headers),
    );
}

fn write(name: &str, what: &str, lines: impl Iterator<Item = String>) {
    let path = format!("{}/tests/headers/{name}-6.12.txt", env!("CARGO_MANIFEST_DIR"));
    let head = format!("# {what} of Linux 6.12, written by tests/headers/main.rs.\n");
    fs::write(path, head + &lines.collect::<String>()).expect("it can be written");
}

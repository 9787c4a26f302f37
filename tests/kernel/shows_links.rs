//! Links and addresses as the crate shows them, beside what the installed `ip` prints of the same kernel.

use libtest_mimic::Trial;
use serde_json::Value;
use std::fs::File;
use std::net::UdpSocket;
use tcnl::netlink::Connection;
use tcnl::request::{Asked, Query};
use tcnl::route::{Addresses, Family, Link, Links, Veth};
use tcnl::text::{Layout, Page, Show, Words};
use tcnl::units::{Dev, Name};

use crate::common::{in_netns, ip, trial_on_fast_machines, Outcome, Stop};

pub fn trials() -> Vec<Trial> {
    vec![
        trial_on_fast_machines("links are shown as ip shows them", || compared(&LINKS)),
        trial_on_fast_machines("addresses are shown as ip shows them", || compared(&ADDRESSES)),
    ]
}

const LINKS: [&str; 24] = [
    "link show",
    "-d link show",
    "-s link show",
    "-s -s link show",
    "-d -s -s link show",
    "-o link show",
    "-o -d -s link show",
    "-N link show",
    "-N -d link show",
    "-br link show",
    "-br -d link show",
    "link show dev v0",
    "-d link show v0",
    "-d link show br0",
    "-s -s link show dev w1",
    "link show up",
    "-d link show master br0",
    "link show nomaster",
    "link show type bridge",
    "-d link show type bridge_slave",
    "link show group 7",
    "link show group default up",
    "-6 link show",
    "link show dev v0 up",
];

const ADDRESSES: [&str; 34] = [
    "addr show",
    "-d addr show",
    "-s addr show",
    "-s -s -d addr show",
    "-o addr show",
    "-o -s addr show dev i0",
    "-N addr show",
    "-br addr show",
    "-br -4 addr show",
    "-br addr show dev i0",
    "-4 addr show",
    "-4 -d addr show",
    "-4 -o addr show",
    "-6 addr show",
    "-6 -d addr show",
    "-6 addr show dev i0",
    "-6 -d addr show dev i0",
    "addr show dev i0",
    "addr show v0",
    "addr show up",
    "addr show scope link",
    "addr show scope all",
    "addr show to 10.9.0.0/24",
    "addr show to fe80::/10",
    "addr show label i0:*",
    "-s addr show label i0",
    "addr show primary",
    "addr show secondary",
    "addr show dynamic",
    "addr show permanent -noprefixroute",
    "addr show deprecated",
    "addr show -tentative",
    "addr show master br0",
    "addr show type ifb scope global",
];

/// What newer versions of `ip` show and older ones do not know: in JSON, in text, and since when.
const NEWER: [(&str, &str, &str); 9] = [
    ("protocol", "proto", "6.2: IFA_PROTO"),
    ("gso_ipv4_max_size", "gso_ipv4_max_size", "6.3"),
    ("gro_ipv4_max_size", "gro_ipv4_max_size", "6.3"),
    ("mab", "mab", "6.2"),
    ("neigh_vlan_suppress", "neigh_vlan_suppress", "6.4"),
    ("backup_nhid", "backup_nhid", "6.6"),
    ("fdb_n_learned", "fdb_n_learned", "6.7"),
    ("fdb_max_learned", "fdb_max_learned", "6.7"),
    ("mst_enabled", "mst_enabled", "6.9"),
];

/// How often both are asked before a difference counts.
const TRIES: u32 = 20;

fn compared(commands: &[&str]) -> Outcome {
    let there = in_netns(|| Ok(File::open("/proc/thread-self/ns/net")?))?;
    lab(&there)?;
    let mut wrong = String::new();
    for words in commands {
        for json in [false, true] {
            wrong += &difference(words, json)?;
        }
    }
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(Stop::Fail(wrong)),
    }
}

/// What differs for longer than a time that runs does.
fn difference(words: &str, json: bool) -> Result<String, Stop> {
    let command = if json { format!("-j {words}") } else { words.to_owned() };
    let mut difference = String::new();
    for _ in 0..TRIES {
        let (ours, theirs) = (shown(&command)?, ip(&command)?);
        let same = match json {
            false => without_newer(ours.clone(), &theirs) == theirs,
            true => {
                let (mut ours, mut theirs) = (parsed(&ours)?, parsed(&theirs)?);
                without_the_unasked(&mut theirs);
                keys_without_newer(&mut ours, &theirs.to_string());
                ours == theirs
            }
        };
        if same {
            return Ok(String::new());
        }
        difference = format!("ip {command}\nours:\n{ours}\ntheirs:\n{theirs}\n");
    }
    Ok(difference)
}

/// What the crate shows for `ip` with these words.
fn shown(words: &str) -> Result<String, Stop> {
    let all: Vec<&str> = words.split_whitespace().collect();
    let options = all.iter().take_while(|word| word.starts_with('-')).count();
    let (options, words) = all.split_at(options);
    let has = |option| options.contains(&option);
    let layout = Layout {
        json: has("-j"),
        details: has("-d"),
        numeric: has("-N"),
        one_line: has("-o"),
        brief: has("-br"),
        stats: options.iter().filter(|option| **option == "-s").count().try_into()?,
        ..Layout::default()
    };
    let mut nl = Connection::open()?;
    let links = nl.snapshot(Link::all())?;
    let named = |name: Name| links.iter().find(|link| link.name == Some(name)).map(Dev::from);
    let mut heard = Words::new(&words[2..]).with_devices(&named);
    for (option, family) in [("-4", Family::V4), ("-6", Family::V6)] {
        if has(option) {
            heard = heard.with_family(family);
        }
    }
    let mut page = Page::new(layout)
        .with_links(links.iter().filter_map(|link| Some((link.dev.index, link.name?))))
        .with_down(links.iter().filter(|link| !link.is_up()).map(|link| link.dev.index));
    match words[0] {
        "link" => {
            let query = Links::hear(&mut heard)?;
            let mut found = match query.one() {
                Some(one) => vec![nl.get(&one)?],
                None => nl.snapshot(&query)?,
            };
            found.retain_mut(|link| query.take(link));
            write(&query, &found, &mut page);
        }
        _ => {
            let query = Addresses::hear(&mut heard)?;
            let (links, addresses) = (nl.snapshot(query.links())?, nl.snapshot(query.unfiltered())?);
            write(&query, &query.with_links(links, addresses), &mut page);
        }
    }
    Ok(page.take())
}

fn write(query: &impl Asked, found: &[impl Show], page: &mut Page) {
    query.said(page);
    page.begin();
    found.iter().for_each(|object| object.show(page));
    page.end();
}

/// Links of all kinds that there are, in many states.
fn lab(there: &File) -> Outcome {
    ip("link add br0 index 12 address 02:00:00:00:00:0c type bridge")
        .map_err(|stop| stop.skip_if("Unknown device type"))?;
    for command in [
        "link set lo up",
        "link add v0 index 10 address 02:00:00:00:00:0a type veth peer name v1 index 11 address 02:00:00:00:00:0b",
        "link add w0 index 20 address 02:00:00:00:00:14 type veth peer name w1 index 21 address 02:00:00:00:00:15",
        "link add i0 index 13 address 02:00:00:00:00:0d type ifb",
        "link property add dev i0 altname other altname another",
        "link set i0 alias hello group 7",
        "link set v0 master br0",
        "link set v0 type bridge_slave isolated on hairpin on cost 7 group_fwd_mask 28",
        "link set v1 master br0",
        "link set v0 type bridge_slave backup_port v1",
        "link set v0 up",
        "link set w0 up mtu 1400",
        "link set w1 up arp off promisc on mode dormant",
        "link set i0 up qlen 0",
        "addr add 10.9.7.1/24 dev w0",
        "neigh add 10.9.7.9 lladdr 02:00:00:00:00:99 dev w0",
        "addr add 10.9.0.1/24 brd + dev i0 label i0:x",
        "addr add 10.9.0.2/24 brd + dev i0 noprefixroute metric 7",
        "addr add 10.9.1.2 peer 10.9.1.3/32 dev i0",
        "addr add 10.9.4.2/24 dev i0 valid_lft 100000 preferred_lft 0",
        "addr add 2001:db8::1/64 dev i0 nodad home",
        "addr add 2001:db8:1::1/64 dev i0 mngtmpaddr noprefixroute valid_lft 100000 preferred_lft 1000",
        "addr add 2001:db8::5 peer 2001:db8::6/128 dev i0 preferred_lft 0",
    ] {
        ip(command)?;
    }
    // Not every kernel has it.
    let _ = ip("link add d0 index 30 address 02:00:00:00:00:1e type dummy");
    let mut nl = Connection::open()?;
    nl.add(&Link::named("far")?.index(40).kind(Veth::peer(Link::named("away")?.index(10).netns_fd(there))))?;
    // To a station that nobody is.
    let socket = UdpSocket::bind("10.9.7.1:0")?;
    for _ in 0..12 {
        socket.send_to(&[0; 1000], "10.9.7.9:9")?;
    }
    Ok(())
}

fn parsed(json: &str) -> Result<Value, Stop> {
    // Without anything to show, some versions print nothing at all.
    Ok(if json.trim().is_empty() { Value::Array(Vec::new()) } else { serde_json::from_str(json)? })
}

/// Leaves out the empty objects that `ip` prints in the place of what it was not asked for.
fn without_the_unasked(value: &mut Value) {
    match value {
        Value::Array(list) => {
            list.iter_mut().for_each(without_the_unasked);
            list.retain(|value| value.as_object().is_none_or(|object| !object.is_empty()));
        }
        Value::Object(map) => map.values_mut().for_each(without_the_unasked),
        _ => (),
    }
}

fn keys_without_newer(ours: &mut Value, theirs: &str) {
    match ours {
        Value::Array(list) => list.iter_mut().for_each(|value| keys_without_newer(value, theirs)),
        Value::Object(map) => {
            let newer = |key: &str| {
                NEWER.iter().any(|(newer, ..)| *newer == key) && !theirs.contains(&format!("\"{key}\""))
            };
            map.retain(|key, _| !newer(key));
            map.values_mut().for_each(|value| keys_without_newer(value, theirs));
        }
        _ => (),
    }
}

/// Leaves out words with their values that the other text does not have at all.
fn without_newer(mut ours: String, theirs: &str) -> String {
    for (_, word, _) in NEWER {
        let word = format!(" {word} ");
        while let Some(at) = ours.find(&word).filter(|_| !theirs.contains(&word)) {
            let value = at + word.len();
            let end = ours[value..].find(' ').map_or(ours.len(), |len| value + len);
            ours.replace_range(at..end, "");
        }
    }
    ours
}

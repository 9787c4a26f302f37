//! Where our programs differ from iproute2, and why. They follow 6.15, which the recordings are of; installed is often an older
//! one.

use crate::machine::Ended;
use serde_json::Value;

/// What the crate does not have: other kinds, and neighbours.
const OTHERS: &[&str] = &[
    ": prio bands",
    " fq_codel ",
    " netem ",
    ": fq",
    ": red ",
    ": ets ",
    " flower ",
    " matchall ",
    " basic match ",
    " bpf bytecode ",
    " flow hash ",
    " route from ",
    " cgroup",
    " action nat ",
    " action vlan ",
    " action csum ",
    " action pedit ",
    " action connmark",
    " action ctinfo ",
    " action simple ",
    " action sample ",
    " action tunnel_key ",
    " type vlan ",
    " type macvlan ",
    " type vrf ",
    "ip neigh ",
];

/// Whether a command is about what the crate does not have.
pub fn is_not_ours(command: &str) -> bool {
    OTHERS.iter().any(|words| command.contains(words))
}

/// Why a recorded command ends otherwise than with iproute2.
pub fn status(id: &str) -> Option<&'static str> {
    match id {
        "sfq-014" => Some("what the kernel would refuse without words is refused here, with words"),
        "htb_qdisc-022" => Some("here ifb0 has a qdisc already, which it had not where this was recorded"),
        _ => None,
    }
}

/// Something that iproute2 shows since a release.
struct Newer {
    reason: &'static str,
    /// Of which objects.
    nouns: &'static [&'static str],
    /// The words in front of the values that older ones do not show, and the fields of JSON.
    words: &'static [&'static str],
    keys: &'static [&'static str],
}

const NEWER: &[Newer] = &[
    Newer {
        reason: "the protocol of an address is shown since iproute2 6.2",
        nouns: &["addr"],
        words: &["proto"],
        keys: &["protocol"],
    },
    Newer {
        reason: "the sizes of IPv4's segments are shown since iproute2 6.3",
        nouns: &["addr", "link"],
        words: &["gso_ipv4_max_size", "gro_ipv4_max_size"],
        keys: &["gso_ipv4_max_size", "gro_ipv4_max_size"],
    },
    Newer {
        reason: "what bridges learn and how they lock their ports is shown since iproute2 6.2 to 6.14",
        nouns: &["addr", "link"],
        words: &["fdb_n_learned", "fdb_max_learned", "mst_enabled", "mab", "neigh_vlan_suppress"],
        keys: &["fdb_n_learned", "fdb_max_learned", "mst_enabled", "mab", "neigh_vlan_suppress"],
    },
    Newer {
        reason: "the masks of ports, which newer kernels have for all of them, are shown since iproute2 6.15",
        nouns: &["rule"],
        words: &[],
        keys: &["sport_mask", "dport_mask"],
    },
];

/// What an older iproute2 would have shown in place of ours, and why it differs.
pub fn older(words: &[String], ours: &Ended) -> (Ended, Option<&'static str>) {
    let mut older = ours.clone();
    let mut reason = None;
    let noun = words.iter().skip(1).find(|word| !word.starts_with('-')).map_or("", String::as_str);
    let json = words.iter().any(|word| word == "-j");
    for newer in NEWER.iter().filter(|newer| newer.nouns.contains(&noun)) {
        let without = match json {
            true => without_keys(&older.stdout, newer.keys),
            false => newer.words.iter().fold(older.stdout.clone(), |text, word| without_pair(&text, word)),
        };
        if without != older.stdout {
            reason = Some(newer.reason);
            older.stdout = without;
        }
    }
    if noun == "class" && words.iter().any(|word| word == "-o") && older.stdout.contains('\\') {
        reason = Some("iproute2 6.1 gives each class a line of its own, whatever is asked for");
        older.stdout = older.stdout.replace('\\', "\n");
    }
    if noun == "filter" && words.iter().any(|word| word == "-o") && older.stdout.contains(" fw ") {
        let broken = older.stdout.replace("\\\\\taction order 1:", "\n\\\taction order 1:");
        if broken != older.stdout {
            reason = Some("iproute2 6.1 breaks the line in front of fw's actions, whatever is asked for");
            older.stdout = broken;
        }
    }
    (older, reason)
}

/// What the installed iproute2 would have shown without what is wrong with it.
pub fn tidy(words: &[String], theirs: &Ended) -> Ended {
    let mut tidy = theirs.clone();
    let has = |word: &str| words.iter().any(|one| one == word);
    if has("-j") && (has("addr") || has("link")) {
        // An empty object stands for each link or address that was not asked for.
        tidy.stdout = tidy.stdout.replace("{},", "").replace(",{}", "");
    }
    // A star at a class that is not there; nor was it to 6.1 where it is.
    tidy.stdout = tidy.stdout.replace(" *flowid ", " flowid ");
    tidy
}

/// Why something cannot be compared with what the installed iproute2 shows.
pub fn incomparable(words: &[String], theirs: &Ended, ours: &Ended) -> Option<&'static str> {
    let has = |word: &str| words.iter().any(|one| one == word);
    if has("-j") && has("class") && !theirs.stdout.starts_with('[') {
        return Some("iproute2 6.1 has no JSON for classes");
    }
    if has("-j") && serde_json::from_str::<Value>(&theirs.stdout).is_err() {
        return Some("iproute2 6.1 fails to write its own JSON");
    }
    let times = ["installed", "used", "last_used", "first_used", "expires"];
    if masked(&theirs.stdout, &times) == masked(&ours.stdout, &times) {
        return Some("a second has passed between the two");
    }
    let bursts = ["burst", "cburst", "minburst", "mtu", "installed", "used", "last_used"];
    if masked(&theirs.stdout, &bursts) == masked(&ours.stdout, &bursts) {
        return Some("iproute2 6.1 truncates the time that a burst takes at high rates");
    }
    if has("class") && has("-s") && theirs.stdout.contains("class tbf ") {
        return Some("a class that counts nothing, such as tbf's, is shown with zeros");
    }
    if has("-6") && has("addr") && has("-s") {
        return Some("iproute2 shows with -6 what IPv6 itself has counted on a link");
    }
    None
}

/// The text without the values behind these words, and without what is in front of them in JSON.
fn masked(text: &str, words: &[&str]) -> String {
    let mut masked = String::new();
    let mut is_value = false;
    for word in text.split_inclusive([' ', ',', ':', '}', '\n']) {
        let bare = word.trim_matches(['"', ' ', ':', ',', '}', '\n']);
        masked += if is_value { "_ " } else { word };
        is_value = words.contains(&bare) || is_value && bare.is_empty();
    }
    masked
}

/// The text without `word VALUE `.
fn without_pair(text: &str, word: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    let pattern = format!(" {word} ");
    while let Some((before, after)) = rest.split_once(&pattern) {
        out += before;
        out.push(' ');
        rest = after.split_once(' ').map_or("", |(_, rest)| rest);
    }
    out + rest
}

fn without_keys(text: &str, keys: &[&str]) -> String {
    fn remove(value: &mut Value, keys: &[&str]) {
        match value {
            Value::Object(object) => {
                object.retain(|key, _| !keys.contains(&key.as_str()));
                object.values_mut().for_each(|value| remove(value, keys));
            }
            Value::Array(all) => all.iter_mut().for_each(|value| remove(value, keys)),
            _ => (),
        }
    }
    match serde_json::from_str::<Value>(text) {
        Ok(value) => {
            let mut without = value.clone();
            remove(&mut without, keys);
            if without == value {
                text.to_owned()
            } else {
                without.to_string()
            }
        }
        Err(_) => text.to_owned(),
    }
}

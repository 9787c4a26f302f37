//! Objects show themselves as tc prints them: the same bytes, for the same replies of the kernel.
//!
//! What tc printed is recorded by `record-shown`: for the recorded replies, and for some that the script makes up, which
//! are in the file. Time has no part in it. Of qdiscs and classes it is tc 6.1, in `shown.jsonl`; of filters, chains and
//! actions tc 6.15, in `shown_filters.jsonl`: 6.1 makes no JSON of what u32 matches, and differs in what it means by `*`.

use super::data::{body, bytes, flags, kind, lines, readable_here, replies, text};
use super::meaning::Meaning;
use super::requests::NOT_YET;
use std::collections::BTreeMap;
use std::fmt::Write;
use tcnl::command::Noun;
use tcnl::request::{Asked, Object};
use tcnl::tc::{ActionTables, Chains, Classes, Filters, Qdiscs};
use tcnl::text::{Layout, Page, Show, Words};
use tcnl::units::{Dev, Name};

/// Where ours differs: in the shows of what, for which words of the command, what is alike still, and why.
struct Differs {
    of: &'static str,
    within: &'static str,
    alike: fn(&str) -> String,
    why: &'static str,
}

const TICKS: &str =
    "iproute2 6.1 cuts off the fractions of a microsecond that a burst takes, iproute2 6.15 does not";

const DIFFERS: &[Differs] = &[
    Differs { of: "htb_class-", within: "", alike: but_bursts, why: TICKS },
    Differs { of: "tbf-0", within: "", alike: but_bursts, why: TICKS },
    Differs {
        of: "class",
        within: " -o ",
        alike: |text| text.replace('\n', "\\"),
        why: "iproute2 6.1 breaks the lines of classes even with -o, iproute2 6.15 does not",
    },
    Differs {
        of: "stats-hardware",
        within: " -s ",
        alike: but_digits,
        why: "iproute2 6.1 knows only the lower 32 bits of how many packets hardware sent",
    },
    Differs {
        of: "filter-unknown",
        within: " -j ",
        alike: but_unknown_filters,
        why: "iproute2 writes words where they make its JSON none",
    },
    Differs {
        of: "filter-u32",
        within: " -j ",
        alike: |text| text.replace(",\" eat \"", ""),
        why: "iproute2 writes a word without a name, which makes its JSON none",
    },
    Differs {
        of: "unknown",
        within: " -j ",
        alike: |text| text.replace("[Unknown qdisc, optlen=12] ", ""),
        why: "iproute2 writes these words where they make its JSON none",
    },
    Differs {
        of: "tbf-late",
        within: "",
        alike: but_digits,
        why: "iproute2 lets a latency beyond 4294 seconds wrap; ours is the largest",
    },
];

fn but_bursts(text: &str) -> String {
    let mut bursts = false;
    let words = text.split(' ').map(|word| {
        let shown = if bursts { word.find('/').map_or("", |cell| &word[cell..]) } else { word };
        bursts = word.ends_with("burst") || word == "mtu";
        shown
    });
    words.collect::<Vec<_>>().join(" ")
}

fn but_unknown_filters(text: &str) -> String {
    text.replace("fh 0000001f [Unknown filter, optlen=8] ", "")
        .replace("fh 00000000 [Unknown filter, optlen=12] ", "")
}

fn but_digits(text: &str) -> String {
    text.chars().filter(|char| !char.is_ascii_digit()).collect()
}

#[test]
fn objects_show_themselves_as_tc_prints_them() {
    if !readable_here("objects_show_themselves_as_tc_prints_them") {
        return;
    }
    let mut known: BTreeMap<String, Vec<Vec<u8>>> =
        replies().into_iter().map(|reply| (reply.id, reply.messages)).collect();
    let (mut wrong, mut count, mut used) = (String::new(), 0, [false; DIFFERS.len()]);
    let recorded = [include_str!("shown.jsonl"), include_str!("shown_filters.jsonl")];
    for line in recorded.into_iter().flat_map(lines) {
        let (id, command, theirs) = (text(&line["id"]), text(&line["command"]), text(&line["stdout"]));
        if let Some(hex) = line.get("hex") {
            known.insert(id.clone(), bytes(hex));
        }
        let ours = shown(&command, &known[&id]);
        if ours == theirs {
            count += 1;
            continue;
        }
        let differs = |Differs { of, within, alike, .. }: &Differs| {
            id.starts_with(of) && command.contains(within) && alike(&ours) == alike(&theirs)
        };
        let not_yet =
            |message: &Vec<u8>| Meaning::of(message).kinds().any(|kind| NOT_YET.contains(&kind.as_str()));
        match DIFFERS.iter().position(differs) {
            None if known[&id].iter().any(not_yet) => (),
            Some(found) => used[found] = true,
            None => {
                writeln!(wrong, "{id} `{command}`\nours   {ours:?}\ntheirs {theirs:?}").expect("a string")
            }
        }
    }
    for (Differs { of, within, why, .. }, used) in DIFFERS.iter().zip(used) {
        if !used {
            writeln!(wrong, "nothing of {of} with `{within}` differs ({why})").expect("a string");
        }
    }
    assert!(wrong.is_empty(), "{count} are the same\n{wrong}");
}

/// What a program prints that does no more than the library.
fn shown(command: &str, messages: &[Vec<u8>]) -> String {
    let (mut layout, mut words) = (Layout::default(), Vec::new());
    for word in command.split(' ').skip(1) {
        match word {
            "-s" => layout.stats += 1,
            "-d" => layout.details = true,
            "-r" => layout.raw = true,
            "-j" => layout.json = true,
            "-p" => layout.pretty = true,
            "-o" => layout.one_line = true,
            "-N" => layout.numeric = true,
            "-iec" => layout.iec = true,
            word => words.push(word),
        }
    }
    let links = [("lo", 1), ("v0", 10), ("v1", 11), ("ifb0", 20), ("ifb1", 21), ("d0", 30)];
    let links = links.map(|(name, index)| (index, Name::new(name).expect("a name")));
    let devices = |name: Name| links.iter().find(|link| link.1 == name).map(|link| Dev::named(link.0, name));
    let rest = words.split_off(2);
    let words = Words::new(&rest).with_devices(&devices);
    let mut page = Page::new(layout).with_links(links);
    page.begin();
    match kind(&messages[0]) / 4 * 4 {
        36 => list::<Qdiscs>(words, messages, &mut page),
        40 => list::<Classes>(words, messages, &mut page),
        44 => list::<Filters>(words, messages, &mut page),
        100 => list::<Chains>(words, messages, &mut page),
        // RTM_GETACTION is 50, the type of all answers.
        _ => list::<ActionTables>(words, messages, &mut page),
    }
    page.end();
    let end = if layout.json { "\n" } else { "" };
    page.take() + end
}

fn list<Q: Asked>(mut words: Words<'_>, messages: &[Vec<u8>], page: &mut Page)
where
    Q::Object: Show,
{
    let query = Q::hear(&mut words).expect("words of tc");
    query.said(page);
    for message in messages {
        let mut object = Q::Object::decode(body(message)).expect("a reply");
        if query.take(&mut object) {
            let noun =
                Noun::ALL.iter().find(|noun| noun.message_type() == kind(message) / 4 * 4).expect("a noun");
            let event = noun.happened(kind(message), flags(message));
            event.into_iter().for_each(|(key, text)| page.happened(key, text));
            object.show(page);
        }
    }
}

//! Objects show themselves as tc prints them: the same bytes, for the same replies of the kernel.
//!
//! What tc 6.1 printed is in `shown.jsonl`, recorded by `record-shown`: for the recorded replies, and for some that the
//! script makes up, which are in the file. Time has no part in it.

use super::data::{body, bytes, flags, kind, lines, replies, text};
use std::collections::BTreeMap;
use std::fmt::Write;
use tcnl::request::{Asked, Object};
use tcnl::tc::{Classes, Qdiscs};
use tcnl::text::{Layout, Page, Show, Words};
use tcnl::units::{Dev, Name};

const ONE_LINE: &str = "iproute2 6.1 breaks the lines of classes even with -o";
const HARDWARE: &str = "iproute2 6.1 knows the lower 32 bits only of what hardware sent";
const WRAPPED: &str = "iproute2 lets a latency beyond 4294 seconds wrap; here it is the largest";

/// Where ours differs: in the shows of what, for which words of the command, and why.
const DIFFERS: &[(&str, &str, &str)] = &[
    ("class", " -o ", ONE_LINE),
    ("stats-hardware", " -s ", HARDWARE),
    ("tbf-late", "tc qdisc", WRAPPED),
    ("tbf-late", "tc -s", WRAPPED),
    ("tbf-late", "tc -d", WRAPPED),
];

#[test]
fn objects_show_themselves_as_tc_prints_them() {
    let mut known: BTreeMap<String, Vec<Vec<u8>>> =
        replies().into_iter().map(|reply| (reply.id, reply.messages)).collect();
    let (mut wrong, mut count, mut used) = (String::new(), 0, [false; DIFFERS.len()]);
    for line in lines(include_str!("shown.jsonl")) {
        let (id, command, theirs) = (text(&line["id"]), text(&line["command"]), text(&line["stdout"]));
        if let Some(hex) = line.get("hex") {
            known.insert(id.clone(), bytes(hex));
        }
        let ours = shown(&command, &known[&id]);
        let differs =
            DIFFERS.iter().position(|(start, within, _)| id.starts_with(start) && command.contains(within));
        match differs {
            Some(found) if ours != theirs => used[found] = true,
            _ if ours == theirs => count += 1,
            _ => writeln!(wrong, "{id} `{command}`\nours   {ours:?}\ntheirs {theirs:?}").expect("a string"),
        }
    }
    for ((start, within, why), used) in DIFFERS.iter().zip(used) {
        if !used {
            writeln!(wrong, "nothing of {start} with `{within}` differs ({why})").expect("a string");
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
    let devices = |name: Name| {
        let index =
            [("v0", 10), ("v1", 11), ("ifb0", 20)].iter().find(|(known, _)| *known == name.as_str())?.1;
        Some(Dev::named(index, name))
    };
    let rest = words.split_off(2);
    let words = Words::new(&rest).with_devices(&devices);
    let mut page = Page::new(layout).with_links([(10, Name::new("v0").expect("a name"))]);
    page.begin();
    match kind(&messages[0]) / 4 * 4 {
        36 => list::<Qdiscs>(words, messages, &mut page),
        _ => list::<Classes>(words, messages, &mut page),
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
            let event = event(message);
            event.into_iter().for_each(|event| page.say(event));
            object.show(page);
            event.into_iter().for_each(|event| page.forget(event));
        }
    }
}

/// What a monitor says of the object of this message.
fn event(message: &[u8]) -> Option<&'static str> {
    const REPLACE: u16 = 0x100;
    const EXCL: u16 = 0x200;
    const CREATE: u16 = 0x400;
    match (kind(message) % 4, flags(message)) {
        (1, _) => Some("deleted"),
        (0, flags) if flags & (CREATE | REPLACE) == CREATE | REPLACE => Some("replaced"),
        (0, flags) if flags & (CREATE | EXCL) == CREATE | EXCL => Some("added"),
        _ => None,
    }
}

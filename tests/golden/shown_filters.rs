//! Filters, chains and actions show themselves as iproute2 shows them: `shown_filters.jsonl` has what it printed for the
//! recorded replies.

use super::data::{body, bytes, kind, lines, replies, text};
use super::meaning::Meaning;
use super::requests::NOT_YET;
use std::collections::BTreeMap;
use std::fmt::Write;
use tcnl::request::{Asked, Object};
use tcnl::tc::{ActionTables, Chains, Filters};
use tcnl::text::{Layout, Page, Show, Words};
use tcnl::units::{Dev, Name};

#[test]
fn filters_chains_and_actions_are_shown_as_iproute2_shows_them() {
    let mut messages: BTreeMap<String, Vec<Vec<u8>>> =
        replies().into_iter().map(|reply| (reply.id, reply.messages)).collect();
    let mut wrong = String::new();
    for line in lines(include_str!("shown_filters.jsonl")) {
        let (id, command, theirs) = (text(&line["id"]), text(&line["command"]), text(&line["stdout"]));
        if line["hex"].is_array() {
            messages.insert(id.clone(), bytes(&line["hex"]));
        }
        let messages = &messages[&id];
        let not_yet =
            |message: &Vec<u8>| Meaning::of(message).kinds().any(|kind| NOT_YET.contains(&kind.as_str()));
        if messages.iter().any(not_yet) {
            continue;
        }
        let ours = shown(&command, messages);
        let same = match theirs.starts_with('[') {
            true => json(&ours) == json(&theirs),
            false => ours == theirs,
        };
        if !same {
            writeln!(wrong, "{id} `{command}`\n{ours:?}\n{theirs:?}").expect("a string takes everything");
        }
    }
    assert!(wrong.is_empty(), "ours, theirs:\n{wrong}");
}

/// JSON without its blanks and line breaks. Fields of the same name are compared, too: iproute2 has one for each key of u32.
fn json(text: &str) -> String {
    // iproute2 writes this word of u32 without a name: that is no JSON.
    let text: String = text.replace("\" eat \"", "").chars().filter(|char| !char.is_whitespace()).collect();
    let text = text.replace(",}", "}").replace(",,", ",");
    let _: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    text
}

/// What the command prints if these are the kernel's answers.
fn shown(command: &str, messages: &[Vec<u8>]) -> String {
    let words: Vec<_> = command.split(' ').skip(1).collect();
    let options = words.iter().take_while(|word| word.starts_with('-')).count();
    let (options, words) = words.split_at(options);
    let has = |option| options.contains(&option);
    let layout = Layout {
        json: has("-j"),
        pretty: has("-p"),
        stats: has("-s").into(),
        details: has("-d"),
        raw: has("-r"),
        iec: has("-iec"),
        numeric: has("-N"),
        one_line: has("-o"),
    };
    let [noun, _, words @ ..] = words else { panic!("{command} is too short") };
    match *noun {
        "filter" => all::<Filters>(layout, words, messages),
        "chain" => all::<Chains>(layout, words, messages),
        _ => all::<ActionTables>(layout, words, messages),
    }
}

fn all<Q: Asked>(layout: Layout, words: &[&str], messages: &[Vec<u8>]) -> String
where
    Q::Object: Show,
{
    let devices = [(10, "v0"), (11, "v1"), (20, "ifb0"), (21, "ifb1"), (30, "d0")]
        .map(|(index, name)| (index, Name::new(name).expect("a name")));
    let of_name =
        |name: Name| devices.iter().find(|(_, known)| *known == name).map(|(index, _)| Dev::index(*index));
    let query = Q::hear(&mut Words::new(words).with_devices(&of_name)).expect("a question");
    let mut page = Page::new(layout).with_links(devices);
    query.said(&mut page);
    page.begin();
    for message in messages {
        let mut object = Q::Object::decode(body(message)).expect("an object");
        assert!(matches!(kind(message), 50 | 100 | 44), "{}", Q::Object::NOUN);
        if query.take(&mut object) {
            object.show(&mut page);
        }
    }
    page.end();
    page.take()
}

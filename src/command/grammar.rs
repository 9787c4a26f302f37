//! The objects and verbs of `tc` and `ip`, and how far each may be cut short.

use super::{Noun, Tool};
use crate::request::Verb;
use crate::text::{WordError, Words};

/// What a command is about.
#[derive(Clone, Copy)]
pub(super) enum Subject {
    Noun(Noun),
    Monitor,
    Help,
}

/// What is to be done with it.
#[derive(Clone, Copy)]
pub(super) enum Act {
    Do(Verb),
    Show,
    Flush,
    Help,
}

/// The objects of a tool, in the order in which it asks for them: a word that was cut short is the first that it begins.
fn subjects(tool: Tool) -> &'static [&'static str] {
    match tool {
        Tool::Tc => &["qdisc", "class", "filter", "chain", "actions", "monitor", "exec", "help"],
        Tool::Ip => &[
            "address",
            "addrlabel",
            "maddress",
            "route",
            "rule",
            "neighbor",
            "neighbour",
            "ntable",
            "ntbl",
            "link",
            "l2tp",
            "fou",
            "ila",
            "macsec",
            "tunnel",
            "tunl",
            "tuntap",
            "tap",
            "token",
            "tcpmetrics",
            "tcp_metrics",
            "monitor",
            "xfrm",
            "mroute",
            "mrule",
            "netns",
            "netconf",
            "vrf",
            "sr",
            "nexthop",
            "mptcp",
            "ioam",
            "help",
            "stats",
        ],
    }
}

/// `None` for what the crate does not have.
fn subject(word: &str) -> Option<Subject> {
    Some(match word {
        "monitor" => Subject::Monitor,
        "help" => Subject::Help,
        _ => Subject::Noun(*Noun::ALL.iter().find(|noun| noun.word() == word)?),
    })
}

/// The verbs of an object, in the order in which iproute2 asks for them.
fn acts(noun: Noun) -> &'static [&'static str] {
    match noun {
        Noun::Qdisc => &["add", "change", "replace", "link", "delete", "list", "show", "lst", "help"],
        Noun::Class => &["add", "change", "replace", "delete", "list", "show", "lst", "help"],
        Noun::Filter => &["add", "change", "replace", "delete", "get", "list", "show", "lst", "help"],
        Noun::Chain => &["add", "delete", "get", "list", "show", "lst", "help"],
        Noun::Actions => {
            &["add", "change", "replace", "delete", "get", "list", "show", "lst", "flush", "help"]
        }
        Noun::Link => &[
            "add", "set", "change", "replace", "delete", "show", "lst", "list", "xstats", "afstats",
            "property", "help",
        ],
        Noun::Address => &[
            "add", "change", "chg", "replace", "delete", "show", "lst", "list", "flush", "save", "showdump",
            "restore", "help",
        ],
        Noun::Route => &[
            "list", "show", "lst", "get", "add", "change", "chg", "replace", "prepend", "append", "test",
            "delete", "flush", "save", "restore", "showdump", "help",
        ],
        Noun::Rule => &["list", "lst", "show", "save", "restore", "add", "delete", "flush", "help"],
        Noun::Nexthop => {
            &["add", "replace", "delete", "list", "show", "lst", "get", "bucket", "flush", "help"]
        }
    }
}

/// `None` for what the crate does not have.
fn act(word: &str) -> Option<Act> {
    Some(match word {
        "add" => Act::Do(Verb::Add),
        "replace" => Act::Do(Verb::Replace),
        "change" | "chg" | "set" => Act::Do(Verb::Change),
        "link" => Act::Do(Verb::Link),
        "append" => Act::Do(Verb::Append),
        "prepend" => Act::Do(Verb::Prepend),
        "delete" => Act::Do(Verb::Delete),
        "get" => Act::Do(Verb::Get),
        "show" | "list" | "lst" => Act::Show,
        "flush" => Act::Flush,
        "help" => Act::Help,
        _ => return None,
    })
}

impl Noun {
    /// The program that it is an object of.
    pub fn tool(self) -> Tool {
        match self {
            Noun::Qdisc | Noun::Class | Noun::Filter | Noun::Chain | Noun::Actions => Tool::Tc,
            Noun::Link | Noun::Address | Noun::Route | Noun::Rule | Noun::Nexthop => Tool::Ip,
        }
    }

    /// What it is called in commands: `qdisc`, `actions`, `route`.
    pub fn word(self) -> &'static str {
        match self {
            Noun::Qdisc => "qdisc",
            Noun::Class => "class",
            Noun::Filter => "filter",
            Noun::Chain => "chain",
            Noun::Actions => "actions",
            Noun::Link => "link",
            Noun::Address => "address",
            Noun::Route => "route",
            Noun::Rule => "rule",
            Noun::Nexthop => "nexthop",
        }
    }
}

/// The first of these that a word is or begins.
fn find(all: &'static [&'static str], word: &str) -> Option<&'static str> {
    all.iter().find(|name| !word.is_empty() && name.starts_with(word)).copied()
}

/// Whether a tool calls an object by this word, one that the crate has or another.
pub(super) fn is_subject(tool: Tool, word: &str) -> bool {
    find(subjects(tool), word).is_some()
}

/// Takes the object.
pub(super) fn hear_subject(tool: Tool, words: &mut Words<'_>) -> Result<Subject, WordError> {
    let found = words.peek().and_then(|word| find(subjects(tool), word));
    let Some(subject) = found.and_then(subject) else {
        let here: Vec<&str> = subjects(tool).iter().filter(|word| subject(word).is_some()).copied().collect();
        return Err(match found {
            Some(word) => words.error(&format!("here: {tool} {word} is none of {}", here.join(", "))),
            None => words.error(&format!("an object of {tool}: expected one of {}", here.join(", "))),
        });
    };
    words.take("an object")?;
    Ok(subject)
}

/// Takes the verb; without one, it is show.
pub(super) fn hear_act(noun: Noun, words: &mut Words<'_>) -> Result<Act, WordError> {
    let Some(word) = words.peek() else { return Ok(Act::Show) };
    let found = match word {
        // tc has no words for it, and the kernel no objection.
        "get" => Some("get"),
        _ => find(acts(noun), word),
    };
    let Some(act) = found.and_then(act) else {
        let here: Vec<&str> = acts(noun).iter().filter(|word| act(word).is_some()).copied().collect();
        return Err(words.error(&format!(
            "a verb of {} {} that is here: expected one of {}",
            noun.tool(),
            noun.word(),
            here.join(", ")
        )));
    };
    words.take("a verb")?;
    Ok(act)
}

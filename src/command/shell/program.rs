//! Which program a simple command calls.

use super::token::Word;
use crate::command::{grammar, Tool};

/// A call of `tc` or `ip`.
pub(super) struct Program {
    pub tool: Tool,
    /// Where its name stands.
    pub at: usize,
    /// The namespace that `ip netns exec` calls it in.
    pub netns: Option<String>,
}

/// Programs that call another with the words behind them, and change nothing that would be of interest here.
const THROUGH: [&str; 5] = ["sudo", "doas", "command", "exec", "nohup"];

/// Programs that only say what stands there.
const TALK: [&str; 7] = ["echo", "printf", "logger", "test", "[", "[[", "export"];

/// What `tc` and `ip` are mostly asked for: behind a variable, one of these tells that it means one of them.
const ASKED: [&str; 12] = [
    "qdisc", "class", "filter", "chain", "actions", "action", "link", "addr", "address", "route", "rule",
    "nexthop",
];

/// The call, if the command is one of `tc` or `ip`.
///
/// # Errors
/// It cannot be told, or another program makes the call.
pub(super) fn find(words: &[Word]) -> Result<Option<Program>, String> {
    let mut at = words.iter().take_while(|word| is_assignment(word)).count();
    let mut netns = None;
    loop {
        let Some(word) = words.get(at) else { return Ok(None) };
        let next = words.get(at + 1);
        if THROUGH.contains(&word.text.as_str()) && next.is_some_and(|next| !next.text.starts_with('-')) {
            at += 1;
        } else if let Some(tool) = Tool::of_program(&word.text) {
            let Some(name) = namespace(tool, words.get(at..).unwrap_or_default()) else {
                return match &word.expands {
                    Some(what) => Err(format!("`{what}` stands for something else: variables are not read")),
                    None => Ok(Some(Program { tool, at, netns })),
                };
            };
            if let Some(what) = &name.expands {
                return Err(format!("`{what}` stands for something else: variables are not read"));
            }
            netns = Some(name.text.clone());
            at += 4;
        } else {
            return hidden(words.get(at..).unwrap_or_default()).map(|()| None);
        }
    }
}

/// The name in `ip netns exec NAME`.
fn namespace(tool: Tool, words: &[Word]) -> Option<&Word> {
    match words {
        [_, netns, exec, name, ..] if tool == Tool::Ip && netns.text == "netns" && exec.text == "exec" => {
            Some(name)
        }
        _ => None,
    }
}

/// `NAME=value`.
fn is_assignment(word: &Word) -> bool {
    let name = word.text.split_once('=').map_or("", |(name, _)| name);
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Refuses a call of tc or ip that another program makes, or a program that a variable names.
fn hidden(words: &[Word]) -> Result<(), String> {
    let Some(program) = words.first() else { return Ok(()) };
    if TALK.contains(&program.text.as_str()) {
        return Ok(());
    }
    if let Some(what) = &program.expands {
        let asked = words.iter().skip(1).find(|word| !word.text.starts_with('-'));
        if asked.is_some_and(|word| ASKED.contains(&word.text.as_str())) {
            return Err(format!("`{what}` may be tc or ip: variables are not read"));
        }
    }
    let cut = |c: char| c.is_whitespace() || ";&|(){}'\"`".contains(c);
    let mut pieces =
        words.iter().flat_map(|word| word.text.split(cut)).filter(|piece| !piece.is_empty()).peekable();
    while let Some(piece) = pieces.next() {
        let Some(tool) = Tool::of_program(piece) else { continue };
        let asked = pieces.find(|piece| !piece.starts_with('-'));
        if asked.is_some_and(|word| grammar::is_subject(tool, word)) {
            return Err(format!(
                "`{}` calls {tool} here: only what the script itself calls is read",
                program.text
            ));
        }
    }
    Ok(())
}

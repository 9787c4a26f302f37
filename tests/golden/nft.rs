//! What `nft` 1.0.6 sends for every command that a transaction prints: the same bytes.
//!
//! `nft` need not be here: `record-nft` ran the printed commands and kept what they sent in `nft.jsonl`. The script takes the
//! commands as they print now from the file that `TCNL_NFT` names.

use super::data::{body, bytes, flags, kind, lines, readable_here, text};
use super::nft_words::every_word;
use std::collections::BTreeMap;
use tcnl::wire::Messages;

#[test]
fn nft_sends_for_each_printed_command_what_is_sent() {
    if !readable_here("nft_sends_for_each_printed_command_what_is_sent") {
        return;
    }
    let t = every_word();
    let commands: Vec<String> = t.commands().iter().map(ToString::to_string).collect();
    if let Ok(path) = std::env::var("TCNL_NFT") {
        std::fs::write(path, commands.join("\n") + "\n").expect("it can be written");
    }
    let recorded: BTreeMap<String, Vec<Vec<u8>>> =
        lines(include_str!("nft.jsonl")).map(|line| (text(&line["command"]), bytes(&line["hex"]))).collect();
    let sent = t.to_bytes().expect("it can be encoded");
    let mut rest = &sent[..];
    let mut messages = Vec::new();
    while let Some(message) = Messages::new(rest).next() {
        let len = 16 + message.expect("a message").1.len();
        messages.push(&rest[..len]);
        rest = &rest[len.next_multiple_of(4).min(rest.len())..];
    }
    let [_begin, messages @ .., _end] = messages.as_slice() else { panic!("no transaction") };
    let mut wrong = Vec::new();
    for (command, ours) in commands.iter().zip(messages) {
        match recorded.get(command).map(Vec::as_slice) {
            Some([theirs]) if like(ours, theirs) => (),
            Some(theirs) => wrong.push(format!("{command}\n  ours {ours:02x?}\n  nft  {theirs:02x?}")),
            None => wrong.push(format!("{command} was not recorded: run tests/golden/record-nft")),
        }
    }
    wrong.extend(
        recorded
            .keys()
            .filter(|command| !commands.contains(command))
            .map(|command| format!("{command} is no more")),
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(messages.len(), commands.len());
}

/// Type, flags but for those that ask for answers, and the body, byte by byte.
fn like(ours: &[u8], theirs: &[u8]) -> bool {
    const NLM_F_ACK_ECHO: u16 = 0x4 | 0x8;
    kind(ours) == kind(theirs)
        && (flags(ours) ^ flags(theirs)) & !NLM_F_ACK_ECHO == 0
        && body(ours) == body(theirs)
}

//! One request.

use super::peer::*;
use super::{connection, seen};
use crate::netlink::connection::NLM_F_ACK;
use crate::netlink::Connection;
use crate::route::Link;
use crate::wire::{Header, Writer};
use nix::errno::Errno::{self, EAGAIN, ECONNREFUSED, EINTR, ENOBUFS, ENOMEM};

const EEXIST: i32 = 17;
const ENOENT: i32 = 2;

/// What is said of a request with this number.
type Script = fn(u32) -> Said;

/// A peer that says this of the first request. In front of its answer to the next one it says that the first one was carried out.
fn answers(script: Script) -> impl FnMut(&[Header]) -> Said + Send {
    let mut first = None;
    move |asked| match first {
        None => script(*first.insert(asked[0].seq)),
        Some(first) => Ok(vec![kernel(&[answer(first, 0)]), kernel(&[answer(asked[0].seq, EEXIST)])]),
    }
}

#[test]
fn a_request_has_its_own_answer_or_an_error_that_says_why_not_and_so_has_the_next_one() {
    let rows: [(&str, Script, &str); 23] = [
        ("it is carried out", |seq| Ok(vec![kernel(&[answer(seq, 0)])]), "done"),
        ("it is refused", |seq| Ok(vec![kernel(&[answer(seq, ENOENT)])]), "refused 2"),
        (
            "a stranger says that it was carried out, and the kernel refuses it",
            |seq| Ok(vec![stranger(answer(seq, 0)), kernel(&[answer(seq, ENOENT)])]),
            "refused 2",
        ),
        ("only a stranger answers", |seq| Ok(vec![stranger(answer(seq, 0))]), "no answer"),
        (
            "a stranger sends what is none, and what does not fit",
            |seq| Ok(vec![stranger(vec![0; 7]), stranger(vec![0; 9000]), kernel(&[answer(seq, 0)])]),
            "done",
        ),
        ("another request is answered", |seq| Ok(vec![kernel(&[answer(seq + 1, 0)])]), "no answer"),
        (
            "an answer to an earlier one, and one to a later one, stand before its own",
            |seq| Ok(vec![kernel(&[answer(seq - 1, 0), answer(seq + 1, 0), answer(seq, ENOENT)])]),
            "refused 2",
        ),
        ("another port is answered", |seq| Ok(vec![kernel(&[elsewhere(answer(seq, 0))])]), "no answer"),
        (
            "the answer comes twice",
            |seq| Ok(vec![kernel(&[answer(seq, ENOENT), answer(seq, 0)]), kernel(&[answer(seq, 0)])]),
            "refused 2",
        ),
        ("nothing comes", |_| Ok(vec![]), "no answer"),
        ("a datagram comes in which nothing is", |_| Ok(vec![kernel(&[])]), "no answer"),
        (
            "control messages come that mean nothing",
            |seq| Ok(vec![kernel(&[message(NLMSG_NOOP, 0, seq, &[]), answer(seq, 0)])]),
            "done",
        ),
        ("the answer does not fit", |seq| Ok(vec![too_long(NLMSG_ERROR, seq)]), "cut off"),
        (
            "an earlier one's answer does not fit",
            |seq| Ok(vec![too_long(NLMSG_ERROR, seq - 1), kernel(&[answer(seq, 0)])]),
            "done",
        ),
        (
            "the answer ends too early",
            |seq| Ok(vec![kernel(&[answer(seq, 0)[..18].to_vec()])]),
            "not understood",
        ),
        (
            "the answer has no code",
            |seq| Ok(vec![kernel(&[message(NLMSG_ERROR, 0, seq, &[0])])]),
            "not understood",
        ),
        ("the kernel says OVERRUN", |seq| Ok(vec![kernel(&[message(NLMSG_OVERRUN, 0, seq, &[])])]), "lost"),
        (
            "the kernel says OVERRUN of nothing in particular",
            |seq| Ok(vec![kernel(&[message(NLMSG_OVERRUN, 0, 0, &[])]), kernel(&[answer(seq, 0)])]),
            "lost",
        ),
        (
            "the receive buffer overflows",
            |seq| Ok(vec![Step::Fails(ENOBUFS), kernel(&[answer(seq, 0)])]),
            "lost",
        ),
        (
            "signals come, and waits end for nothing",
            |seq| {
                let mut steps = [EINTR, EAGAIN].repeat(50).into_iter().map(Step::Fails).collect::<Vec<_>>();
                steps.push(kernel(&[answer(seq, 0)]));
                Ok(steps)
            },
            "done",
        ),
        ("receiving fails", |_| Ok(vec![Step::Fails(ENOMEM)]), "io 12"),
        ("sending fails", |_| Err(ECONNREFUSED), "io 111"),
        ("the kernel has no memory for what is sent", |_| Err(ENOBUFS), "io 105"),
    ];
    for (happens, script, sees) in rows {
        let mut nl = connection(answers(script));
        // So that there are earlier ones.
        nl.core.begin(1);
        assert_eq!(seen(&nl.delete(&Link::of(7))), sees, "{happens}");
        assert_eq!(seen(&nl.delete(&Link::of(7))), "refused 17", "the next one, after this: {happens}");
    }
}

#[test]
fn a_signal_while_it_is_sent_does_not_send_it_twice() {
    let mut calls = 0;
    let mut nl = connection(move |asked| {
        calls += 1;
        match calls {
            1 | 2 => Err(EINTR),
            3 => Ok(vec![kernel(&[answer(asked[0].seq, 0)])]),
            _ => panic!("sent again"),
        }
    });
    assert_eq!(seen(&nl.delete(&Link::of(7))), "done");
}

#[test]
fn an_object_is_read_from_its_own_answer_alone() {
    let rows: [(&str, Script, &str); 6] = [
        ("it comes", |seq| Ok(vec![kernel(&[link(seq, 0, 7), answer(seq, 0)])]), "7"),
        (
            "a stranger sends another one, and so does an answer to another request",
            |seq| {
                Ok(vec![
                    stranger(link(seq, 0, 5)),
                    kernel(&[link(seq - 1, 0, 6), link(seq, 0, 7)]),
                    kernel(&[answer(seq, 0)]),
                ])
            },
            "7",
        ),
        ("it comes twice", |seq| Ok(vec![kernel(&[link(seq, 0, 7), link(seq, 0, 8), answer(seq, 0)])]), "7"),
        ("it comes, but not the end", |seq| Ok(vec![kernel(&[link(seq, 0, 7)])]), "no answer"),
        ("the end comes, but not the object", |seq| Ok(vec![kernel(&[answer(seq, 0)])]), "not found"),
        (
            "it makes no sense",
            |seq| Ok(vec![kernel(&[message(NEW_LINK, 0, seq, &[7]), answer(seq, 0)])]),
            "not understood",
        ),
    ];
    for (happens, script, sees) in rows {
        let mut nl = connection(move |asked| script(asked[0].seq));
        nl.core.begin(1);
        let result = nl.get(&Link::of(7));
        let index = result.as_ref().map(|link| link.dev.index.to_string());
        assert_eq!(index.unwrap_or_else(|_| seen(&result)), sees, "{happens}");
    }
}

/// Messages of somebody else's making: the first and the last ask for an answer.
fn transaction() -> Vec<u8> {
    let mut w = Writer::default();
    for flags in [NLM_F_ACK, 0, NLM_F_ACK] {
        w.message(Header { ty: NEW_LINK, flags, ..Header::default() }, |w| w.put(&[0; 16])).unwrap();
    }
    w.bytes().to_vec()
}

#[test]
fn each_message_of_a_transaction_has_its_own_answer_in_whatever_order_they_come() {
    let rows: [(&str, Script, &[&str]); 7] = [
        ("all goes well", |seq| Ok(vec![kernel(&[answer(seq, 0), answer(seq + 2, 0)])]), &["done"; 3]),
        (
            "the answers come in the wrong order, and one comes twice",
            |seq| {
                Ok(vec![
                    kernel(&[answer(seq + 2, 0), answer(seq + 2, ENOENT)]),
                    kernel(&[answer(seq, EEXIST)]),
                ])
            },
            &["refused 17", "done", "done"],
        ),
        ("the silent one is refused", |seq| Ok(vec![kernel(&[answer(seq + 1, ENOENT)])]), &["refused 2"]),
        ("one is not answered", |seq| Ok(vec![kernel(&[answer(seq + 2, 0)])]), &["no answer"]),
        (
            "a stranger answers one of them",
            |seq| Ok(vec![stranger(answer(seq, 0)), kernel(&[answer(seq + 2, 0)])]),
            &["no answer"],
        ),
        ("an answer is lost", |seq| Ok(vec![kernel(&[answer(seq, 0)]), Step::Fails(ENOBUFS)]), &["lost"]),
        ("an answer does not fit", |seq| Ok(vec![too_long(NLMSG_ERROR, seq + 2)]), &["cut off"]),
    ];
    for (happens, script, sees) in rows {
        let mut nl = connection(answers(script));
        let results = nl.transact(&transaction(), |_| ());
        let words = match &results {
            Ok(results) => results.iter().map(seen).collect(),
            Err(_) => vec![seen(&results)],
        };
        assert_eq!(words, sees, "{happens}");
        assert_eq!(seen(&nl.delete(&Link::of(7))), "refused 17", "the next one, after this: {happens}");
    }
}

#[test]
fn a_socket_that_only_fails_ends_in_an_error_and_not_in_a_loop() {
    for errno in [EINTR, EAGAIN, ENOBUFS] {
        let mut nl: Connection = connection(move |_| Ok(vec![Step::Fails(errno); 100_000]));
        let sees = if errno == Errno::ENOBUFS { "lost" } else { "no answer" };
        assert_eq!(seen(&nl.delete(&Link::of(7))), sees, "{errno}");
    }
}

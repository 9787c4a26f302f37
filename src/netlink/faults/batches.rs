//! Batches: each request has its own result.

use super::peer::*;
use super::{connection, seen};
use crate::netlink::{Batch, Connection};
use crate::request::Verb;
use crate::route::Link;
use crate::wire::Header;
use nix::errno::Errno::{EAGAIN, ECONNREFUSED, EINTR, ENOBUFS};

const ENOENT: i32 = 2;

/// What is said of requests whose first one has this number.
type Script = fn(u32) -> Said;

fn batch(nl: &Connection, count: u32) -> Batch {
    let mut batch = nl.batch();
    for index in 1..=count {
        batch.push(Verb::Delete, &Link::of(index)).unwrap();
    }
    batch
}

/// The results of three requests, of which this is said; all that is sent behind them is carried out.
fn three(script: Script, warnings: bool) -> Vec<String> {
    let mut sent = 0;
    let mut nl = connection(move |asked: &[Header]| {
        sent += 1;
        match sent {
            1 => script(asked[0].seq),
            _ => Ok(vec![kernel(&[answer(asked[0].seq, 0)])]),
        }
    });
    nl.core.begin(1);
    let batch = batch(&nl, 3);
    let results = nl.run(&if warnings { batch.with_warnings() } else { batch });
    assert_eq!(seen(&nl.delete(&Link::of(7))), "done", "the next request");
    results.iter().map(seen).collect()
}

#[test]
fn the_answer_to_the_last_request_says_that_those_before_it_were_carried_out_if_nothing_else_was_said() {
    let rows: [(&str, Script, [&str; 3]); 14] = [
        ("all goes well", |seq| Ok(vec![kernel(&[answer(seq + 2, 0)])]), ["done"; 3]),
        (
            "the second is refused",
            |seq| Ok(vec![kernel(&[answer(seq + 1, ENOENT), answer(seq + 2, 0)])]),
            ["done", "refused 2", "done"],
        ),
        (
            "all are refused, in three datagrams, with signals between",
            |seq| {
                let one =
                    |index| [Step::Fails(EINTR), Step::Fails(EAGAIN), kernel(&[answer(seq + index, ENOENT)])];
                Ok((0..3).flat_map(one).collect())
            },
            ["refused 2"; 3],
        ),
        (
            "a stranger refuses the first and acknowledges the last, which the kernel refuses",
            |seq| {
                let forged = [stranger(answer(seq, 1)), stranger(answer(seq + 2, 0))];
                Ok(forged.into_iter().chain([kernel(&[answer(seq + 2, ENOENT)])]).collect())
            },
            ["done", "done", "refused 2"],
        ),
        (
            "only a stranger acknowledges the last",
            |seq| Ok(vec![stranger(answer(seq + 2, 0))]),
            ["no answer"; 3],
        ),
        (
            "the first refusal comes twice, then as a success",
            |seq| {
                let first = [answer(seq, ENOENT), answer(seq, 1), answer(seq, 0)];
                Ok(vec![kernel(&first), kernel(&[answer(seq + 2, 0)])])
            },
            ["refused 2", "done", "done"],
        ),
        (
            "an answer to an earlier request and one to another port stand before the last",
            |seq| {
                Ok(vec![kernel(&[
                    answer(seq - 1, ENOENT),
                    elsewhere(answer(seq, ENOENT)),
                    answer(seq + 2, 0),
                ])])
            },
            ["done"; 3],
        ),
        ("nothing comes", |_| Ok(vec![]), ["no answer"; 3]),
        (
            "a refusal comes, and then nothing",
            |seq| Ok(vec![kernel(&[answer(seq + 1, ENOENT)])]),
            ["no answer", "refused 2", "no answer"],
        ),
        (
            "the receive buffer overflows behind a refusal, and the last answer is still there",
            |seq| {
                Ok(vec![kernel(&[answer(seq, ENOENT)]), Step::Fails(ENOBUFS), kernel(&[answer(seq + 2, 0)])])
            },
            ["refused 2", "lost", "lost"],
        ),
        (
            "the kernel says OVERRUN of nothing in particular",
            |seq| Ok(vec![kernel(&[message(NLMSG_OVERRUN, 0, 0, &[]), answer(seq + 2, 0)])]),
            ["lost"; 3],
        ),
        (
            "a refusal does not fit",
            |seq| Ok(vec![too_long(NLMSG_ERROR, seq + 1), kernel(&[answer(seq + 2, 0)])]),
            ["cut off"; 3],
        ),
        (
            "a refusal ends too early",
            |seq| Ok(vec![kernel(&[answer(seq, ENOENT)[..18].to_vec()]), kernel(&[answer(seq + 2, 0)])]),
            ["not understood"; 3],
        ),
        ("sending fails", |_| Err(ECONNREFUSED), ["io 111"; 3]),
    ];
    for (happens, script, sees) in rows {
        assert_eq!(three(script, false), sees, "{happens}");
    }
}

#[test]
fn where_each_request_is_acknowledged_the_order_of_the_answers_does_not_matter() {
    let rows: [(&str, Script, [&str; 3]); 3] = [
        (
            "in the wrong order",
            |seq| Ok(vec![kernel(&[answer(seq + 2, 0), answer(seq, ENOENT)]), kernel(&[answer(seq + 1, 0)])]),
            ["refused 2", "done", "done"],
        ),
        (
            "the second is not answered",
            |seq| Ok(vec![kernel(&[answer(seq, 0), answer(seq + 2, ENOENT)])]),
            ["done", "no answer", "refused 2"],
        ),
        (
            "the first one twice in place of the second",
            |seq| Ok(vec![kernel(&[answer(seq, 0), answer(seq, 0), answer(seq + 2, 0)])]),
            ["done", "no answer", "done"],
        ),
    ];
    for (happens, script, sees) in rows {
        assert_eq!(three(script, true), sees, "{happens}");
    }
}

#[test]
fn behind_a_piece_without_an_answer_nothing_is_sent() {
    let mut sent = 0;
    let mut nl = connection(move |asked| {
        sent += 1;
        let last = asked.last().unwrap().seq;
        match sent {
            1 => Ok(vec![kernel(&[answer(last, 0)])]),
            2 => Ok(vec![kernel(&[answer(asked[3].seq, ENOENT)])]),
            _ => panic!("sent behind it"),
        }
    });
    let results = nl.run(&batch(&nl, 1000));
    let words: Vec<_> = results.iter().map(seen).collect();
    let piece = words.iter().position(|word| word != "done").unwrap();
    assert_eq!(
        (words.len(), words[piece].as_str(), words[piece + 3].as_str()),
        (1000, "no answer", "refused 2")
    );
    let open = words.iter().skip(piece).filter(|word| *word == "no answer").count();
    assert_eq!(open, piece - 1, "the pieces are of one size");
    assert!(words.iter().skip(2 * piece).all(|word| word == "not sent"), "{words:?}");
}

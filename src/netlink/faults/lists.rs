//! Lists and snapshots.

use super::peer::*;
use super::{connection, seen};
use crate::netlink::Connection;
use crate::route::Link;
use crate::wire::Header;
use nix::errno::Errno::{EAGAIN, EINTR, ENOBUFS, ENOMEM};

const ENOENT: i32 = 2;

/// What is said of a list with this number.
type Script = fn(u32) -> Said;

fn indexes(nl: &mut Connection) -> Vec<String> {
    match nl.list(Link::all()) {
        Ok(list) => list.map(|link| index(link.as_ref().map_err(|_| seen(&link)))).collect(),
        Err(error) => vec![seen(&Err::<(), _>(error))],
    }
}

/// The same of objects that stay in the list.
fn lent_indexes(nl: &mut Connection) -> Vec<String> {
    let mut list = match nl.list(Link::all()) {
        Ok(list) => list,
        Err(error) => return vec![seen(&Err::<(), _>(error))],
    };
    let mut indexes = Vec::new();
    while let Some(link) = list.lend() {
        indexes.push(index(link.map_err(|error| seen(&Err::<(), _>(error)))));
    }
    assert!(list.lend().is_none() && list.next().is_none());
    indexes
}

fn index(link: Result<&Link, String>) -> String {
    link.map_or_else(|error| error, |link| link.dev.index.to_string())
}

/// A peer that says this of the first list. Of the next one it says that of links there is only the ninth, behind a link and an end that
/// belong to the first.
fn answers(script: Script) -> impl FnMut(&[Header]) -> Said + Send {
    let mut first = None;
    move |asked| {
        let seq = asked[0].seq;
        match first {
            None => script(*first.insert(seq)),
            Some(first) => {
                Ok(vec![kernel(&[link(first, 0, 8), done(first, 0), link(seq, 0, 9), done(seq, 0)])])
            }
        }
    }
}

#[test]
fn a_list_yields_its_own_objects_and_then_its_end_or_an_error() {
    let rows: [(&str, Script, &[&str]); 19] = [
        (
            "there are two",
            |seq| Ok(vec![kernel(&[link(seq, 0, 1), link(seq, 0, 2)]), kernel(&[done(seq, 0)])]),
            &["1", "2"],
        ),
        ("there is none", |seq| Ok(vec![kernel(&[done(seq, 0)])]), &[]),
        ("it is refused", |seq| Ok(vec![kernel(&[answer(seq, ENOENT)])]), &["refused 2"]),
        (
            "it is refused at its end",
            |seq| {
                Ok(vec![kernel(&[
                    link(seq, 0, 1),
                    message(NLMSG_DONE, NLM_F_MULTI, seq, &(-ENOENT).to_ne_bytes()),
                ])])
            },
            &["1", "refused 2"],
        ),
        (
            "a stranger sends objects and an end",
            |seq| {
                let forged = [stranger(link(seq, 0, 5)), stranger(done(seq, 0))];
                Ok(forged.into_iter().chain([kernel(&[link(seq, 0, 1)]), kernel(&[done(seq, 0)])]).collect())
            },
            &["1"],
        ),
        (
            "objects and ends of other lists and other ports stand between",
            |seq| {
                let foreign =
                    [link(seq - 1, 0, 5), done(seq - 1, 0), elsewhere(done(seq, 0)), link(seq + 1, 0, 6)];
                Ok(vec![kernel(&foreign), kernel(&[link(seq, 0, 1), done(seq, 0)])])
            },
            &["1"],
        ),
        (
            "the end comes twice, and an object behind it",
            |seq| Ok(vec![kernel(&[link(seq, 0, 1), done(seq, 0), link(seq, 0, 2), done(seq, 0)])]),
            &["1"],
        ),
        (
            "messages of other types stand between",
            |seq| Ok(vec![kernel(&[message(NEW_LINK + 4, 0, seq, &[0; 16]), link(seq, 0, 1), done(seq, 0)])]),
            &["1"],
        ),
        (
            "one object makes no sense",
            |seq| {
                Ok(vec![kernel(&[
                    link(seq, 0, 1),
                    message(NEW_LINK, 0, seq, &[0; 3]),
                    link(seq, 0, 2),
                    done(seq, 0),
                ])])
            },
            &["1", "not understood", "2"],
        ),
        (
            "signals come, and waits end for nothing",
            |seq| {
                let one = |message| [Step::Fails(EINTR), Step::Fails(EAGAIN), kernel(&[message])];
                Ok([link(seq, 0, 1), link(seq, 0, 2), done(seq, 0)].into_iter().flat_map(one).collect())
            },
            &["1", "2"],
        ),
        ("the end does not come", |seq| Ok(vec![kernel(&[link(seq, 0, 1)])]), &["1", "no answer"]),
        (
            "a datagram does not fit",
            |seq| Ok(vec![kernel(&[link(seq, 0, 1)]), too_long(NEW_LINK, seq), kernel(&[done(seq, 0)])]),
            &["1", "cut off"],
        ),
        (
            "a datagram ends too early",
            |seq| {
                Ok(vec![kernel(&[link(seq, 0, 1), link(seq, 0, 2)[..20].to_vec()]), kernel(&[done(seq, 0)])])
            },
            &["1", "not understood"],
        ),
        (
            "the receive buffer overflows",
            |seq| {
                Ok(vec![
                    kernel(&[link(seq, 0, 1)]),
                    Step::Fails(ENOBUFS),
                    kernel(&[link(seq, 0, 3), done(seq, 0)]),
                ])
            },
            &["1", "lost"],
        ),
        (
            "the kernel says OVERRUN",
            |seq| Ok(vec![kernel(&[link(seq, 0, 1), message(NLMSG_OVERRUN, 0, seq, &[])])]),
            &["1", "lost"],
        ),
        (
            "the kernel runs out of memory",
            |seq| Ok(vec![kernel(&[link(seq, 0, 1)]), Step::Fails(ENOMEM)]),
            &["1", "io 12"],
        ),
        (
            "an object says that what is listed changed",
            |seq| Ok(vec![kernel(&[link(seq, 0, 1), link(seq, NLM_F_DUMP_INTR, 2), done(seq, 0)])]),
            &["1", "2", "interrupted"],
        ),
        (
            "the end says that what is listed changed",
            |seq| Ok(vec![kernel(&[link(seq, 0, 1)]), kernel(&[done(seq, NLM_F_DUMP_INTR)])]),
            &["1", "interrupted"],
        ),
        ("sending fails", |_| Err(ENOBUFS), &["io 105"]),
    ];
    for (happens, script, sees) in rows {
        for read in [indexes, lent_indexes] {
            let mut nl = connection(answers(script));
            nl.core.begin(1);
            assert_eq!(read(&mut nl), sees, "{happens}");
            assert_eq!(read(&mut nl), ["9"], "the next one, after this: {happens}");
        }
    }
}

#[test]
fn a_list_that_is_dropped_half_read_is_not_taken_for_the_next_answer() {
    let mut nl = connection(|asked| {
        let seq = asked[0].seq;
        let more = [kernel(&[link(seq, 0, 2), link(seq, 0, 3)]), kernel(&[done(seq, 0)])];
        Ok([kernel(&[link(seq, 0, 1), link(seq, 0, 4)])].into_iter().chain(more).collect())
    });
    for _ in 0..3 {
        assert_eq!(
            nl.list(Link::all()).unwrap().take(1).map(|link| link.unwrap().dev.index).collect::<Vec<_>>(),
            [1]
        );
    }
    assert_eq!(indexes(&mut nl), ["1", "4", "2", "3"]);
}

/// A peer whose lists change so often before one is whole.
fn changing(times: u32) -> impl FnMut(&[Header]) -> Said + Send {
    let mut left = times;
    move |asked| {
        let (seq, flags) = (asked[0].seq, if left > 0 { NLM_F_DUMP_INTR } else { 0 });
        left = left.saturating_sub(1);
        // What is there changes with every try.
        Ok(vec![kernel(&[link(seq, flags, left as u8 + 1)]), Step::Fails(EINTR), kernel(&[done(seq, flags)])])
    }
}

#[test]
fn a_storm_of_changes_ends_in_what_was_there_at_one_moment_or_in_an_error() {
    let indexes = |links: Vec<Link>| links.into_iter().map(|link| link.dev.index).collect::<Vec<_>>();
    for times in 0..Connection::TRIES {
        assert_eq!(connection(changing(times)).snapshot(Link::all()).map(indexes).unwrap(), [1], "{times}");
    }
    let error = connection(changing(Connection::TRIES)).snapshot(Link::all()).unwrap_err();
    assert!(matches!(error, crate::Error::Interrupted { tries: Connection::TRIES, .. }), "{error}");
    // One that only looks like the end of the storm.
    let error = connection(|_| Err(ENOMEM)).snapshot(Link::all()).unwrap_err();
    assert_eq!(error.errno(), Some(12));
}

#[test]
fn a_list_of_bytes_says_the_same() {
    let ask = message(18, 0, 0, &[0; 16]);
    let rows: [(&str, Script, usize, &str); 5] = [
        (
            "there are two",
            |seq| Ok(vec![kernel(&[link(seq, 0, 1), link(seq, 0, 2), done(seq, 0)])]),
            2,
            "done",
        ),
        (
            "a stranger ends it",
            |seq| Ok(vec![kernel(&[link(seq, 0, 1)]), stranger(done(seq, 0))]),
            1,
            "no answer",
        ),
        (
            "it changes",
            |seq| Ok(vec![kernel(&[link(seq, NLM_F_DUMP_INTR, 1), done(seq, 0)])]),
            1,
            "interrupted",
        ),
        ("the receive buffer overflows", |_| Ok(vec![Step::Fails(ENOBUFS)]), 0, "lost"),
        ("it is refused", |seq| Ok(vec![kernel(&[answer(seq, ENOENT)])]), 0, "refused 2"),
    ];
    for (happens, script, count, sees) in rows {
        let mut nl = connection(answers(script));
        let mut listed = 0;
        assert_eq!(seen(&nl.dump(&ask, |_| listed += 1)), sees, "{happens}");
        assert_eq!(listed, count, "{happens}");
        assert_eq!(indexes(&mut nl), ["9"], "the next one, after this: {happens}");
    }
}

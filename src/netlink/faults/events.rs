//! Events: what was lost is said where the gap is.

use super::peer::*;
use super::{hearing, seen, RECEIVE_BUFFER};
use nix::errno::Errno::{EAGAIN, EBADF, EINTR, ENOBUFS};

/// All that is heard until nothing is: the links' indexes, and the errors.
fn heard(said: Vec<Step>) -> Vec<String> {
    let mut events = hearing(Ok(said));
    let mut heard = Vec::new();
    loop {
        let word = match events.next() {
            Ok(None) => return heard,
            Ok(Some(event)) => index_of(event.body).to_string(),
            Err(error) => seen(&Err::<(), _>(error)),
        };
        assert!(heard.len() < 1000, "{heard:?}");
        heard.push(word);
    }
}

/// A link that somebody with another port and another sequence number made.
fn event(index: u8) -> Step {
    kernel(&[elsewhere(link(77, 0, index))])
}

#[test]
fn events_are_heard_once_and_in_order_and_what_was_lost_is_said_behind_what_was_before_it() {
    let rows: [(&str, Vec<Step>, &[&str]); 12] = [
        ("two come", vec![event(1), event(2)], &["1", "2"]),
        ("nothing comes", vec![], &[]),
        ("a stranger tells of one", vec![event(1), stranger(link(77, 0, 5)), event(2)], &["1", "2"]),
        (
            "answers and control messages stand between",
            vec![kernel(&[
                answer(1, 0),
                link(0, 0, 1),
                message(NLMSG_NOOP, 0, 0, &[]),
                done(1, 0),
                link(0, 0, 2),
            ])],
            &["1", "2"],
        ),
        (
            "signals come, and waits end for nothing",
            vec![Step::Fails(EINTR), Step::Fails(EAGAIN), event(1), Step::Fails(EINTR), event(2)],
            &["1", "2"],
        ),
        ("one does not fit", vec![event(1), too_long(NEW_LINK, 0), event(3)], &["1", "cut off", "3"]),
        (
            "one ends too early",
            vec![kernel(&[link(0, 0, 1), link(0, 0, 2)[..20].to_vec()]), event(3)],
            &["1", "not understood", "3"],
        ),
        (
            "the kernel says OVERRUN",
            vec![event(1), kernel(&[message(NLMSG_OVERRUN, 0, 0, &[])]), event(3)],
            &["1", "lost", "3"],
        ),
        // The kernel says it at once, in front of all that waits to be read, and keeps to itself what happens until that has been.
        ("the receive buffer overflows", vec![Step::Fails(ENOBUFS), event(1), event(2)], &["1", "2", "lost"]),
        (
            "it overflows, and more happens when what was there has been read",
            vec![Step::Fails(ENOBUFS), event(1), event(2), Step::Fails(EAGAIN), event(4)],
            &["1", "2", "lost", "4"],
        ),
        (
            "it overflows again and again",
            vec![
                Step::Fails(ENOBUFS),
                event(1),
                Step::Fails(ENOBUFS),
                event(3),
                Step::Fails(ENOBUFS),
                event(5),
            ],
            &["1", "lost", "3", "lost", "5", "lost"],
        ),
        ("it overflows with nothing in it", vec![Step::Fails(ENOBUFS)], &["lost"]),
    ];
    for (happens, said, sees) in rows {
        assert_eq!(heard(said), sees, "{happens}");
    }
}

#[test]
fn a_storm_that_never_pauses_cannot_keep_back_that_something_was_lost() {
    let storm = [Step::Fails(ENOBUFS)].into_iter().chain(std::iter::repeat_n(event(1), 2000));
    let mut events = hearing(Ok(storm.collect()));
    let before = (0..2000).position(|_| events.next().is_err());
    // More than the receive buffer can hold: what came in front of the gap has been read.
    let before = before.expect("nothing was said");
    assert!((RECEIVE_BUFFER as usize / 1024..2000).contains(&before), "{before}");
}

#[test]
fn a_socket_that_fails_is_an_error() {
    assert_eq!(seen(&hearing(Ok(vec![Step::Fails(EBADF)])).next()), "io 9");
}

//! Anything may happen, in any order: no result is lost, none is invented.

use super::peer::*;
use super::{connection, hearing, seen};
use crate::request::Verb;
use crate::route::Link;
use crate::Error;
use nix::errno::Errno::{EAGAIN, EINTR, ENOBUFS};
use proptest::prelude::*;

/// What may come between, and means nothing to who waits. The numbers are chosen so that they are near those of what is waited for.
#[derive(Clone, Debug)]
enum Noise {
    Forged {
        near: u32,
        errno: i32,
    },
    /// An answer to a request that was given up, or to none.
    Late {
        before: u32,
        errno: i32,
    },
    Elsewhere {
        near: u32,
        errno: i32,
    },
    /// What was said before is said again.
    Again,
    Control(u16),
    Empty,
    Signal,
    Nothing,
}

/// What takes away something that is waited for: from there on it is not said any more.
#[derive(Clone, Copy, Debug)]
enum Loss {
    Overflow,
    Overrun,
    CutOff,
    Malformed,
    Silence,
}

fn noise() -> impl Strategy<Value = Noise> {
    let errno = || 0..3i32;
    prop_oneof![
        (0..9u32, errno()).prop_map(|(near, errno)| Noise::Forged { near, errno }),
        (1..9u32, errno()).prop_map(|(before, errno)| Noise::Late { before, errno }),
        (0..9u32, errno()).prop_map(|(near, errno)| Noise::Elsewhere { near, errno }),
        Just(Noise::Again),
        prop_oneof![Just(0), Just(1u16), 5..16u16].prop_map(Noise::Control),
        Just(Noise::Empty),
        Just(Noise::Signal),
        Just(Noise::Nothing),
    ]
}

fn loss() -> impl Strategy<Value = Loss> {
    prop::sample::select(vec![Loss::Overflow, Loss::Overrun, Loss::CutOff, Loss::Malformed, Loss::Silence])
}

/// What shall be said, with noise in front of each of the messages, and perhaps a loss in front of one.
#[derive(Clone, Debug)]
struct Course {
    noise: Vec<(prop::sample::Index, Noise)>,
    loss: Option<(prop::sample::Index, Loss)>,
}

fn course() -> impl Strategy<Value = Course> {
    let noise = prop::collection::vec((any::<prop::sample::Index>(), noise()), 0..12);
    let loss = prop::option::of((any::<prop::sample::Index>(), loss()));
    (noise, loss).prop_map(|(noise, loss)| Course { noise, loss })
}

impl Course {
    /// The steps in which the kernel says this of requests whose first one has the number `first`.
    fn steps(&self, first: u32, messages: &[Vec<u8>]) -> Vec<Step> {
        let mut steps = Vec::new();
        let loss = self.loss.map(|(place, loss)| (place.index(messages.len()), loss));
        for (place, message) in messages.iter().enumerate() {
            let here = self.noise.iter().filter(|(index, _)| index.index(messages.len()) == place);
            for (_, noise) in here {
                steps.push(match noise {
                    Noise::Forged { near, errno } => stranger(answer(first + near, *errno)),
                    Noise::Late { before, errno } => kernel(&[answer(first.saturating_sub(*before), *errno)]),
                    Noise::Elsewhere { near, errno } => kernel(&[elsewhere(answer(first + near, *errno))]),
                    // Objects may well come twice.
                    Noise::Again => match place.checked_sub(1).map(|before| &messages[before]) {
                        Some(before) if before[4..6] == NLMSG_ERROR.to_ne_bytes() => {
                            kernel(std::slice::from_ref(before))
                        }
                        _ => continue,
                    },
                    Noise::Control(ty) => kernel(&[super::peer::message(*ty, 0, first, &[0; 4])]),
                    Noise::Empty => kernel(&[]),
                    Noise::Signal => Step::Fails(EINTR),
                    Noise::Nothing => Step::Fails(EAGAIN),
                });
            }
            if let Some((at, loss)) = loss.filter(|(at, _)| *at == place) {
                let seq = u32::from_ne_bytes(message[8..12].try_into().unwrap());
                steps.extend(match loss {
                    Loss::Overflow => Some(Step::Fails(ENOBUFS)),
                    Loss::Overrun => Some(kernel(&[super::peer::message(NLMSG_OVERRUN, 0, seq, &[])])),
                    Loss::CutOff => Some(too_long(NLMSG_ERROR, seq)),
                    Loss::Malformed => Some(kernel(&[message[..18].to_vec()])),
                    Loss::Silence => None,
                });
                // The rest comes too late, or never.
                steps.extend(messages.iter().skip(at + 1).map(|_| Step::Fails(EAGAIN)));
                return steps;
            }
            steps.push(kernel(std::slice::from_ref(message)));
        }
        steps
    }

    /// How many of so many messages are said before the loss.
    fn said(&self, messages: usize) -> usize {
        self.loss.map_or(messages, |(place, _)| place.index(messages))
    }

    fn word(&self) -> &'static str {
        match self.loss {
            Some((_, Loss::Overflow | Loss::Overrun)) => "lost",
            Some((_, Loss::CutOff)) => "cut off",
            Some((_, Loss::Malformed)) => "not understood",
            Some((_, Loss::Silence)) => "no answer",
            None => "nothing is lost",
        }
    }
}

fn word(errno: i32) -> String {
    if errno == 0 {
        "done".into()
    } else {
        format!("refused {errno}")
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn each_request_of_a_batch_has_its_own_result_or_an_error_that_says_why_it_is_not_known(
        errnos in prop::collection::vec(0..3i32, 1..8),
        warnings: bool,
        course in course(),
    ) {
        // The kernel speaks of refusals, and of the last request, or of all.
        let last = errnos.len() - 1;
        let spoken: Vec<_> = (0..errnos.len()).filter(|at| warnings || *at == last || errnos[*at] != 0).collect();
        let (told, script, results) = (spoken.clone(), course.clone(), errnos.clone());
        let mut first = None;
        let mut nl = connection(move |asked| {
            let seq = asked[0].seq;
            Ok(match first {
                None => {
                    first = Some(seq);
                    let messages: Vec<_> = told.iter().map(|at| answer(seq + *at as u32, results[*at])).collect();
                    script.steps(seq, &messages)
                }
                // All that was asked before is answered again, and otherwise.
                Some(first) => (first..seq).map(|old| kernel(&[answer(old, 5)])).chain([kernel(&[answer(seq, 17)])]).collect(),
            })
        });
        nl.core.begin(10);
        let mut batch = nl.batch();
        for index in 1..=errnos.len() {
            batch.push(Verb::Delete, &Link::of(index as u32)).unwrap();
        }
        let words: Vec<_> = nl.run(&if warnings { batch.with_warnings() } else { batch }).iter().map(seen).collect();
        let known = &spoken[..course.said(spoken.len())];
        let all = course.loss.is_none();
        let wanted = errnos.iter().enumerate().map(|(at, errno)| {
            if all || known.contains(&at) { word(*errno) } else { course.word().into() }
        });
        prop_assert_eq!(words, wanted.collect::<Vec<_>>());
        prop_assert_eq!(seen(&nl.delete(&Link::of(1))), "refused 17");
    }

    #[test]
    fn a_list_is_its_objects_in_their_order_and_whole_unless_it_ends_in_an_error(count in 0..8u8, course in course()) {
        let script = course.clone();
        let mut nl = connection(move |asked| {
            let seq = asked[0].seq;
            let messages: Vec<_> = (0..count).map(|index| link(seq, 0, index)).chain([done(seq, 0)]).collect();
            Ok(script.steps(seq, &messages))
        });
        nl.core.begin(10);
        let mut listed = Vec::new();
        let mut end = "nothing is lost".to_owned();
        for item in nl.list(Link::all()).unwrap() {
            match item {
                Ok(link) => listed.push(link.dev.index),
                Err(error) => end = seen(&Err::<(), Error>(error)),
            }
        }
        let said = course.said(usize::from(count) + 1).min(count.into());
        prop_assert_eq!(listed, (0..said as u32).collect::<Vec<_>>());
        prop_assert_eq!(end, course.word());
    }

    #[test]
    fn every_event_is_heard_once_or_a_loss_is_said(count in 1..8u8, course in course()) {
        let messages: Vec<_> = (0..count).map(|index| link(0, 0, index)).collect();
        let mut events = hearing(Ok(course.steps(1, &messages)));
        let (mut heard, mut losses) = (Vec::new(), 0);
        loop {
            match events.next() {
                Ok(None) => break,
                Ok(Some(event)) => heard.push(index_of(event.body)),
                Err(_) => losses += 1,
            }
        }
        prop_assert_eq!(heard, (0..course.said(count.into()) as u32).collect::<Vec<_>>());
        let is_said = course.loss.is_some_and(|(_, loss)| !matches!(loss, Loss::Silence));
        prop_assert_eq!(losses, u32::from(is_said));
    }
}

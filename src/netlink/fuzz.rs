//! What the core makes of whatever arrives, for the fuzz target `replies`.

use super::core::{Core, KERNEL};
use super::reply::Reply;
use crate::clock::Clock;
use crate::wire::HEADER_LEN;

/// Receives datagrams and looks for replies to three requests and a dump in each, and for events. The first two bytes of a datagram are its
/// length and where it comes from.
///
/// # Panics
/// If more replies are found than can be in the datagram.
pub fn replies(mut data: &[u8]) {
    let mut core = Core::new(1, Clock::KERNEL, 128);
    let mut hearing = Core::new(2, Clock::KERNEL, 128);
    let awaited = core.begin(3);
    core.dump_begins(awaited);
    while let Some(([len, from], rest)) = data.split_first_chunk::<2>().map(|(head, rest)| (*head, rest)) {
        let (datagram, rest) = rest.split_at(usize::from(len).min(rest.len()));
        data = rest;
        for core in [&mut core, &mut hearing] {
            let space = core.space();
            for (place, byte) in space.iter_mut().zip(datagram) {
                *place = *byte;
            }
            core.received(datagram.len(), if from < 200 { KERNEL } else { from.into() });
        }
        let mut told = 0;
        while let Ok(Some(event)) = hearing.seek_event() {
            told += HEADER_LEN + hearing.event(&event).body.len();
            assert!(told <= datagram.len(), "more events than the datagram has room for");
        }
        let mut found = 0;
        while let Ok(Some(reply)) = core.seek(awaited) {
            found += HEADER_LEN;
            assert!(found <= datagram.len(), "more replies than the datagram has room for");
            match core.reply(&reply) {
                Reply::Object { message, .. } => assert!(message.len() >= HEADER_LEN),
                Reply::Done(report) => drop(report.ack(|_| None)),
                Reply::Refused { errno, report } => {
                    assert!(errno > 0);
                    let _ = report.refusal(errno, String::new(), |_| None).to_string();
                }
            }
        }
    }
}

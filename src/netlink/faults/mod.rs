//! The connection under faults: [`Peer`] answers in the kernel's place, with whatever a socket can give. What the real kernel does of it
//! is shown in `tests/kernel/faults.rs`.
//!
//! A test is a table: what happens, and what the caller sees. Whatever it was, the next request has its own answer.

mod batches;
mod events;
mod lists;
mod mixed;
pub(super) mod peer;
mod requests;

pub(super) use peer::Peer;

use super::core::Core;
use super::socket::Socket;
use super::{Connection, Events, Protocol};
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::wire::Header;
use peer::{Said, OURS};

/// The longest datagram that is taken whole.
const BUFFER: usize = 4096;
/// What the socket says of itself, so that nothing depends on the machine.
const RECEIVE_BUFFER: u32 = 1 << 16;

/// A connection to a peer that says this of what it is asked.
fn connection(answer: impl FnMut(&[Header]) -> Said + Send + 'static) -> Connection {
    let (socket, core) = ends(answer);
    Connection::new(socket, core, Protocol::Route)
}

/// Events that a peer tells of.
fn hearing(said: Said) -> Events {
    let (socket, core) = ends(|_| Ok(Vec::new()));
    socket.peer.iter().for_each(|peer| peer.will_say(&said));
    Events::new(socket, core)
}

fn ends(answer: impl FnMut(&[Header]) -> Said + Send + 'static) -> (Socket, Core) {
    let mut socket = Socket::open(netlink_sys::protocols::NETLINK_ROUTE, None, RECEIVE_BUFFER).unwrap();
    socket.peer = Some(Peer::new(answer));
    (socket, Core::new(OURS, Clock::KERNEL, BUFFER))
}

/// What the caller sees, in a word or two.
fn seen<T>(result: &Result<T>) -> String {
    let word = match result {
        Ok(_) => "done",
        Err(Error::Refused(refusal)) => return format!("refused {}", refusal.errno),
        Err(Error::Io { source, .. }) => return format!("io {}", source.raw_os_error().unwrap_or_default()),
        Err(Error::Timeout { .. }) => "no answer",
        Err(Error::Overrun { .. }) => "lost",
        Err(Error::Truncated { .. }) => "cut off",
        Err(Error::Decode { .. }) => "not understood",
        Err(Error::Interrupted { .. }) => "interrupted",
        Err(Error::NotSent { .. }) => "not sent",
        Err(Error::NotFound { .. }) => "not found",
        Err(other) => panic!("{other}"),
    };
    word.to_owned()
}

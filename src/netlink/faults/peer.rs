//! Whoever is at the other end of a socket, and what it says.

use crate::netlink::core::KERNEL;
use crate::wire::{Header, Messages, Writer};
use nix::errno::Errno;
use std::collections::VecDeque;
use std::fmt::{self, Debug, Formatter};
use std::io;
use std::sync::{Mutex, MutexGuard};

/// The port of the tests' connections.
pub const OURS: u32 = 4711;
/// Who is not the kernel.
pub const STRANGER: u32 = 99;

pub const NLMSG_NOOP: u16 = 1;
pub const NLMSG_ERROR: u16 = 2;
pub const NLMSG_DONE: u16 = 3;
pub const NLMSG_OVERRUN: u16 = 4;
pub const NEW_LINK: u16 = 16;
pub const NLM_F_MULTI: u16 = 0x2;
pub const NLM_F_DUMP_INTR: u16 = 0x10;

/// What one call to receive gives.
#[derive(Clone, Debug)]
pub enum Step {
    /// A datagram that this port sent.
    From(u32, Vec<u8>),
    Fails(Errno),
}

/// What is received from now on, or why nothing could be sent.
pub type Said = Result<Vec<Step>, Errno>;

type Answer = Box<dyn FnMut(&[Header]) -> Said + Send>;

/// Says what a test has written down. When that has been said it says nothing, and time is up for whoever waits: no test depends on how
/// fast it runs.
pub struct Peer {
    answer: Mutex<Answer>,
    steps: Mutex<VecDeque<Step>>,
}

impl Peer {
    pub fn new(answer: impl FnMut(&[Header]) -> Said + Send + 'static) -> Self {
        Peer { answer: Mutex::new(Box::new(answer)), steps: Mutex::default() }
    }

    /// This is received behind all that was said before.
    pub fn will_say(&self, said: &Said) {
        self.steps().extend(said.iter().flatten().cloned());
    }

    /// Takes what is sent to it.
    pub fn hear(&self, bytes: &[u8]) -> io::Result<usize> {
        let asked: Vec<_> = Messages::new(bytes).map(|message| message.unwrap().0).collect();
        let said = (self.answer.lock().unwrap())(&asked);
        self.will_say(&said);
        said.map(|_| bytes.len()).map_err(io::Error::from)
    }

    /// Gives the next datagram, as far as it fits: how long it was, and who sent it.
    pub fn say(&self, space: &mut [u8]) -> io::Result<(usize, u32)> {
        match self.steps().pop_front() {
            Some(Step::From(sender, datagram)) => {
                space.iter_mut().zip(&datagram).for_each(|(place, byte)| *place = *byte);
                Ok((datagram.len(), sender))
            }
            Some(Step::Fails(errno)) => Err(errno.into()),
            None => Err(Errno::EAGAIN.into()),
        }
    }

    /// Whether it has nothing more to say.
    pub fn is_silent(&self) -> bool {
        self.steps().is_empty()
    }

    fn steps(&self) -> MutexGuard<'_, VecDeque<Step>> {
        self.steps.lock().unwrap()
    }
}

impl Debug for Peer {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("Peer")
    }
}

/// A message to the connection.
pub fn message(ty: u16, flags: u16, seq: u32, body: &[u8]) -> Vec<u8> {
    let mut w = Writer::default();
    w.message(Header { ty, flags, seq, port: OURS }, |w| w.put(body)).unwrap();
    w.bytes().to_vec()
}

/// The body of NLMSG_ERROR: the code, the echo of a request of `echoed` bytes of which `shown` are there, and attributes.
pub fn error(code: i32, echoed: u32, shown: usize, attributes: &[(u16, &[u8])]) -> Vec<u8> {
    let mut w = Writer::default();
    w.put(&code.to_ne_bytes());
    w.put_u32(echoed);
    // Were the echo read as attributes, this would end the reading.
    w.put(&vec![0xff; shown - 4]);
    for (ty, payload) in attributes {
        w.attr_with(*ty, |w| w.put(payload));
    }
    w.bytes().to_vec()
}

/// The answer to a request: it was carried out if `errno` is 0.
pub fn answer(seq: u32, errno: i32) -> Vec<u8> {
    message(NLMSG_ERROR, 0, seq, &error(-errno, 36, 16, &[]))
}

/// The link with this index, in a list.
pub fn link(seq: u32, flags: u16, index: u8) -> Vec<u8> {
    let mut body = [0; 16];
    body[4..8].copy_from_slice(&u32::from(index).to_ne_bytes());
    message(NEW_LINK, NLM_F_MULTI | flags, seq, &body)
}

/// The index of the link that a body describes.
pub fn index_of(body: &[u8]) -> u32 {
    u32::from_ne_bytes(body[4..8].try_into().unwrap())
}

/// The end of a list.
pub fn done(seq: u32, flags: u16) -> Vec<u8> {
    message(NLMSG_DONE, NLM_F_MULTI | flags, seq, &[0; 4])
}

/// The same, to another port.
pub fn elsewhere(mut message: Vec<u8>) -> Vec<u8> {
    message[12..16].copy_from_slice(&STRANGER.to_ne_bytes());
    message
}

/// The kernel sends this in one datagram.
pub fn kernel(messages: &[Vec<u8>]) -> Step {
    Step::From(KERNEL, messages.concat())
}

/// Somebody else sends it.
pub fn stranger(message: Vec<u8>) -> Step {
    Step::From(STRANGER, message)
}

/// A message that is longer than what the connection takes.
pub fn too_long(ty: u16, seq: u32) -> Step {
    kernel(&[message(ty, 0, seq, &[0; super::BUFFER])])
}

//! The protocol without a socket: frames requests, takes datagrams, and finds in them the replies to what was asked.

use super::events::Event;
use super::failure::Failure;
use super::reply::Reply;
use crate::clock::Clock;
use crate::wire::{align, DecodeError, EncodeError, Header, Messages, Reader, Writer, HEADER_LEN};
use std::ops::Range;

const NLMSG_NOOP: u16 = 1;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const NLMSG_OVERRUN: u16 = 4;
/// Types below this one are the protocol's own.
const NLMSG_MIN_TYPE: u16 = 16;
const NLM_F_DUMP_INTR: u16 = 0x10;

/// The netlink port that the kernel sends from.
pub(crate) const KERNEL: u32 = 0;

/// One connection's side of the protocol.
///
/// A driver sends [`outgoing`](Core::outgoing), puts what it receives into [`space`](Core::space), tells
/// [`received`](Core::received), and asks [`seek`](Core::seek) for replies until it needs more datagrams.
#[derive(Debug)]
pub(crate) struct Core {
    requests: Writer,
    next: u32,
    port: u32,
    datagram: Vec<u8>,
    unread: Range<usize>,
    /// The length and the sequence number of a datagram that did not fit.
    cut: Option<(usize, Option<u32>)>,
    /// The dump that is under way.
    dump: Option<Awaited>,
}

/// The sequence numbers of requests that have to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Awaited {
    first: u32,
    count: u32,
}

impl Awaited {
    /// Which of the requests has this sequence number, counted from 0.
    fn index(self, seq: u32) -> Option<usize> {
        let index = seq.wrapping_sub(self.first);
        (index < self.count).then_some(index as usize)
    }

    /// The sequence number of the request with this index.
    pub fn seq(self, index: usize) -> u32 {
        self.first.wrapping_add(index as u32)
    }
}

/// Where a reply stands.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// Which of the awaited requests it belongs to, counted from 0.
    pub index: usize,
    /// Whether the objects changed while the kernel was listing them.
    pub interrupted: bool,
    header: Header,
    place: Range<usize>,
}

/// Where an event stands.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    header: Header,
    place: Range<usize>,
}

impl Core {
    /// The side of the socket that has this port, with a receive buffer of `buffer` bytes.
    pub fn new(port: u32, clock: Clock, buffer: usize) -> Self {
        Core {
            requests: Writer::new(clock),
            next: 1,
            port,
            datagram: vec![0; buffer],
            unread: 0..0,
            cut: None,
            dump: None,
        }
    }

    pub fn clock(&self) -> Clock {
        self.requests.clock()
    }

    /// Forgets the requests that were framed before and reserves the sequence numbers of `count` new ones.
    pub fn begin(&mut self, count: u32) -> Awaited {
        self.requests.clear();
        // 0 is left to what nobody asked for.
        let first = if self.next.checked_add(count).is_some() { self.next } else { 1 };
        self.next = first.saturating_add(count);
        Awaited { first, count }
    }

    /// Frames one request behind those that were framed since [`begin`](Core::begin).
    pub fn frame(
        &mut self,
        ty: u16,
        flags: u16,
        seq: u32,
        fill: impl FnOnce(&mut Writer) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        self.requests.message(Header { ty, flags, seq, port: KERNEL }, |w| {
            if let Err(error) = fill(w) {
                w.fail(error);
            }
        })
    }

    /// Puts requests that were framed elsewhere behind those that were framed since [`begin`](Core::begin).
    pub fn frame_again(&mut self, messages: &[u8]) {
        self.requests.put(messages);
    }

    /// Adds flags to the request at `start` and gives it its number.
    #[inline]
    pub fn stamp(&mut self, start: usize, flags: u16, seq: u32) {
        self.requests.stamp(start, flags, seq);
    }

    /// The bytes to send.
    pub fn outgoing(&self) -> &[u8] {
        self.requests.bytes()
    }

    /// The body of the only request that is framed.
    pub fn body(&self) -> &[u8] {
        self.requests.bytes().get(HEADER_LEN..).unwrap_or_default()
    }

    /// Room for the next datagram. What was unread is gone.
    pub fn space(&mut self) -> &mut [u8] {
        self.unread = 0..0;
        self.cut = None;
        &mut self.datagram
    }

    /// Takes the datagram of `len` bytes that `sender` sent; it is in [`space`](Core::space) as far as it fits.
    ///
    /// Whoever is allowed to can send to any netlink socket: only the kernel is listened to.
    pub fn received(&mut self, len: usize, sender: u32) {
        if sender != KERNEL {
            return;
        }
        let fits = len.min(self.datagram.len());
        self.unread = 0..fits;
        if fits < len {
            let first = self.datagram.get(8..12).and_then(|seq| Reader::new(seq).u32().ok());
            self.cut = Some((len, first));
        }
    }

    /// The type and the body of the next message if it describes an object and nothing about it is special, as of nearly all
    /// that a long list consists of. Otherwise `None`, and [`seek`](Core::seek) goes on where this would have.
    #[inline(always)]
    pub fn object(&mut self, awaited: Awaited) -> Option<(u16, &[u8])> {
        let rest = self.datagram.get(self.unread.clone())?;
        let (Header { ty, flags, seq, port }, body) = Messages::first(rest)?;
        let plain = ty >= NLMSG_MIN_TYPE && flags & NLM_F_DUMP_INTR == 0;
        if !plain || port != self.port || awaited.index(seq).is_none() {
            return None;
        }
        self.unread.start = (self.unread.start + align(HEADER_LEN + body.len())).min(self.unread.end);
        Some((ty, body))
    }

    /// Finds the next reply to what is awaited; `None` if another datagram is needed. What belongs to nothing awaited is
    /// passed over: it answers a request that was given up.
    #[inline]
    pub fn seek(&mut self, awaited: Awaited) -> Result<Option<Found>, Failure> {
        while let Some((header, place)) = self.message()? {
            let body = place.len() - HEADER_LEN;
            // The kernel fills in the port that it answers to; some of its parts leave it 0.
            if header.port != self.port && header.port != 0 {
                continue;
            }
            let ends = matches!(header.ty, NLMSG_DONE | NLMSG_ERROR);
            if ends && self.dump.is_some_and(|dump| dump.index(header.seq).is_some()) {
                self.dump_ends();
            }
            let Some(index) = awaited.index(header.seq) else {
                // Who says that something was lost may not know whose it was.
                if header.ty == NLMSG_OVERRUN && header.seq == 0 {
                    return Err(Failure::Overrun);
                }
                continue;
            };
            match header.ty {
                NLMSG_OVERRUN => return Err(Failure::Overrun),
                NLMSG_ERROR if body < 4 => {
                    return Err(Failure::Malformed(DecodeError::short(body, 4).inside("nlmsgerr")))
                }
                NLMSG_ERROR | NLMSG_DONE | NLMSG_MIN_TYPE.. => {
                    let interrupted = header.ty != NLMSG_ERROR && header.flags & NLM_F_DUMP_INTR != 0;
                    return Ok(Some(Found { index, interrupted, header, place }));
                }
                NLMSG_NOOP | 0 | 5.. => (),
            }
        }
        self.cut_off(|seq| awaited.index(seq).is_some()).map(|()| None)
    }

    /// Finds the next message that tells of an event; `None` if another datagram is needed. Events carry the port and the
    /// sequence number of whoever caused them.
    pub fn seek_event(&mut self) -> Result<Option<Told>, Failure> {
        while let Some((header, place)) = self.message()? {
            match header.ty {
                NLMSG_OVERRUN => return Err(Failure::Overrun),
                NLMSG_MIN_TYPE.. => return Ok(Some(Told { header, place })),
                _ => (),
            }
        }
        self.cut_off(|_| true).map(|()| None)
    }

    /// The header and the place of the next message; `None` behind the last one that is whole.
    #[inline]
    fn message(&mut self) -> Result<Option<(Header, Range<usize>)>, Failure> {
        let unread = self.datagram.get(self.unread.clone()).unwrap_or_default();
        match Messages::new(unread).next() {
            None => Ok(None),
            Some(Ok((header, body))) => {
                let start = self.unread.start;
                let place = start..start + HEADER_LEN + body.len();
                self.unread.start = place.end.next_multiple_of(4).min(self.unread.end);
                Ok(Some((header, place)))
            }
            Some(Err(error)) => self.malformed(error).map(|()| None),
        }
    }

    /// There is no further message: where the datagram was cut off that is no wonder.
    #[cold]
    fn malformed(&mut self, error: DecodeError) -> Result<(), Failure> {
        self.unread = 0..0;
        match self.cut {
            Some(_) => Ok(()),
            None => Err(Failure::Malformed(error)),
        }
    }

    /// The event that was found, until the next datagram comes.
    pub fn event(&self, told: &Told) -> Event<'_> {
        let message = self.datagram.get(told.place.clone()).unwrap_or_default();
        let Header { ty, flags, .. } = told.header;
        Event { ty, flags, body: message.get(HEADER_LEN..).unwrap_or_default() }
    }

    /// The reply that was found, until the next datagram comes.
    #[inline]
    pub fn reply(&self, found: &Found) -> Reply<'_> {
        let message = self.datagram.get(found.place.clone()).unwrap_or_default();
        let body = message.get(HEADER_LEN..).unwrap_or_default();
        let object = Reply::Object { ty: found.header.ty, message };
        match found.header.ty {
            NLMSG_DONE => Reply::done(found.header.flags, body),
            NLMSG_ERROR => Reply::error(found.header.flags, body).unwrap_or(object),
            _ => object,
        }
    }

    /// A dump begins. The kernel runs one at a time on a socket, and it goes on only while it is read: the next one has to wait
    /// until this one has been read to its end, even if nobody wants the rest.
    pub fn dump_begins(&mut self, awaited: Awaited) {
        self.dump = Some(awaited);
    }

    /// Whether the end of a dump has not come yet.
    pub fn is_dumping(&self) -> bool {
        self.dump.is_some()
    }

    /// No more will come of the dump.
    pub fn dump_ends(&mut self) {
        self.dump = None;
    }

    /// Passes over all that was received.
    pub fn discard(&mut self) {
        // What is wrong with bytes that nobody wants does not matter.
        let _ = self.seek(Awaited { first: 0, count: 0 });
    }

    /// Reports, once, that the end of the datagram is missing, if its sequence number is one that is awaited.
    fn cut_off(&mut self, is_awaited: impl FnOnce(u32) -> bool) -> Result<(), Failure> {
        match self.cut.take() {
            Some((len, seq)) if seq.is_none_or(is_awaited) => {
                Err(Failure::Truncated { len, buffer: self.datagram.len() })
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;

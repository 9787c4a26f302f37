use super::core::{Awaited, Core};
use super::failure::Failure;
use super::reply::{describes, Reply};
use super::socket::Socket;
use super::{Ack, Builder, Namespace, Protocol};
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::request::{Object, Request, Verb};
use crate::wire::{EncodeError, Writer, HEADER_LEN};
use std::os::fd::{AsFd, BorrowedFd};

pub(super) const NLM_F_REQUEST: u16 = 0x1;
pub(super) const NLM_F_ACK: u16 = 0x4;

/// A connection to the kernel.
///
/// It blocks. Requests go one after the other, or many at once with [`run`](Connection::run). After any error the connection
/// can be used again: late answers to a request that was given up are recognised and passed over.
#[derive(Debug)]
pub struct Connection {
    pub(super) core: Core,
    pub(super) socket: Socket,
    protocol: Protocol,
}

impl Connection {
    pub(super) fn new(socket: Socket, core: Core, protocol: Protocol) -> Self {
        Connection { core, socket, protocol }
    }

    /// Opens a connection in the calling thread's network namespace.
    ///
    /// # Errors
    /// See [`Builder::open`].
    pub fn open() -> Result<Self> {
        Builder::default().open()
    }

    /// Opens a connection in another network namespace.
    ///
    /// # Errors
    /// See [`Builder::open_in`].
    pub fn open_in(namespace: Namespace<'_>) -> Result<Self> {
        Builder::default().open_in(namespace)
    }

    /// What can be chosen before opening.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The packet scheduler's clock by which requests are encoded.
    pub fn clock(&self) -> Clock {
        self.core.clock()
    }

    /// Creates the object; it must not be there.
    ///
    /// # Errors
    /// See [`request`](Connection::request).
    pub fn add<O: Object>(&mut self, object: &O) -> Result<Ack> {
        self.request(Verb::Add, object)
    }

    /// Creates the object, or puts it in the place of the one that is there.
    ///
    /// # Errors
    /// See [`request`](Connection::request).
    pub fn replace<O: Object>(&mut self, object: &O) -> Result<Ack> {
        self.request(Verb::Replace, object)
    }

    /// Changes the object that is there.
    ///
    /// # Errors
    /// See [`request`](Connection::request).
    pub fn change<O: Object>(&mut self, object: &O) -> Result<Ack> {
        self.request(Verb::Change, object)
    }

    /// Creates the object behind others with the same key (routes).
    ///
    /// # Errors
    /// See [`request`](Connection::request).
    pub fn append<O: Object>(&mut self, object: &O) -> Result<Ack> {
        self.request(Verb::Append, object)
    }

    /// Creates the object in front of others with the same key (routes).
    ///
    /// # Errors
    /// See [`request`](Connection::request).
    pub fn prepend<O: Object>(&mut self, object: &O) -> Result<Ack> {
        self.request(Verb::Prepend, object)
    }

    /// Deletes the object.
    ///
    /// # Errors
    /// See [`request`](Connection::request).
    pub fn delete<O: Object>(&mut self, object: &O) -> Result<Ack> {
        self.request(Verb::Delete, object)
    }

    /// Does `verb` with the object and waits for the kernel's answer.
    ///
    /// # Errors
    /// [`Error::Encode`] if the request makes no sense: nothing was sent. [`Error::Refused`] if the kernel refused it.
    /// [`Error::Timeout`], [`Error::Overrun`], [`Error::Truncated`], [`Error::Decode`] and [`Error::Io`] if the answer did not
    /// come or could not be read: whether the request was carried out is then not known.
    pub fn request<O: Object>(&mut self, verb: Verb, object: &O) -> Result<Ack> {
        self.exchange(verb, object, |_, _| ())
    }

    /// Reads one object. It is named as in a request to delete it.
    ///
    /// Much faster than finding it in a list. Not every kernel has it for every object: rules and IPv4 addresses can only be
    /// listed.
    ///
    /// # Errors
    /// [`Error::Refused`] if there is none, or if the kernel cannot read this kind of object by itself;
    /// [`Error::NotFound`] if the kernel agreed but sent none; [`Error::Decode`] if it cannot be understood; and see
    /// [`request`](Connection::request).
    pub fn get<O: Object>(&mut self, object: &O) -> Result<O> {
        let mut found = None;
        self.exchange(Verb::Get, object, |ty, body| {
            if describes::<O>(ty) && found.is_none() {
                found = Some(O::decode(body));
            }
        })?;
        match found {
            Some(Ok(object)) => Ok(object),
            Some(Err(source)) => Err(Error::Decode { object: O::NOUN, source }),
            None => Err(Error::NotFound {
                what: format!("{} in the answer to `{}`", O::NOUN, Request::new(Verb::Get, object)),
            }),
        }
    }

    /// Sends one request, gives the type and the body of each object in the answer to `each`, and ends with the
    /// acknowledgement.
    fn exchange<O: Object>(
        &mut self,
        verb: Verb,
        object: &O,
        mut each: impl FnMut(u16, &[u8]),
    ) -> Result<Ack> {
        let text = || Request::new(verb, object).to_string();
        let flags = object.flags(verb) | NLM_F_ACK;
        let awaited = self.ask(verb.message(O::NEW), flags, text, |w| object.encode(verb, w))?;
        loop {
            let found = self.socket.answer(&mut self.core, awaited).map_err(|failure| failure.error(text))?;
            match self.core.reply(&found) {
                Reply::Object { ty, message } => each(ty, message.get(HEADER_LEN..).unwrap_or_default()),
                Reply::Done(report) => {
                    return Ok(report.ack(|offset| O::attribute_at(self.core.body(), offset)))
                }
                Reply::Refused { errno, report } => {
                    return Err(
                        report.refusal(errno, text(), |offset| O::attribute_at(self.core.body(), offset))
                    )
                }
            }
        }
    }

    /// Encodes and sends one request to the routing part of the kernel; `text` names it in errors.
    pub(super) fn ask(
        &mut self,
        ty: u16,
        flags: u16,
        text: impl Fn() -> String,
        fill: impl FnOnce(&mut Writer) -> Result<(), EncodeError>,
    ) -> Result<Awaited> {
        let ask = || {
            self.speaks(Protocol::Route)?;
            let awaited = self.core.begin(1);
            self.core.frame(ty, flags | NLM_F_REQUEST, awaited.seq(0), fill).map_err(Failure::Encode)?;
            self.socket.send(&self.core)?;
            Ok(awaited)
        };
        ask().map_err(|failure: Failure| failure.error(text))
    }

    /// The numbers of typed requests mean something else to other parts of the kernel.
    pub(super) fn speaks(&self, needs: Protocol) -> Result<(), Failure> {
        match self.protocol == needs {
            true => Ok(()),
            false => Err(Failure::Protocol { is: self.protocol, needs }),
        }
    }
}

/// For programs that wait for several things at once. Nothing but the connection may read from it.
impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

use super::core::Core;
use super::socket::Socket;
use super::{Connection, Events, Group, Namespace};
use crate::clock::Clock;
use crate::error::{Error, Result};
use std::time::Duration;

/// Which part of the kernel a connection speaks to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Protocol {
    /// Traffic control, links, addresses, routes and rules: what the typed verbs are for.
    #[default]
    #[doc(alias = "NETLINK_ROUTE")]
    Route,
    /// nf_tables and connection tracking: [`Connection::commit`] and the others of [`netfilter`](crate::netfilter), and messages that
    /// other crates have built, see [`Connection::transact`].
    #[doc(alias = "NETLINK_NETFILTER")]
    Netfilter,
}

/// How to open a [`Connection`].
#[derive(Clone, Debug)]
pub struct Builder {
    protocol: Protocol,
    timeout: Option<Duration>,
    receive_buffer: u32,
    clock: Option<Clock>,
}

impl Default for Builder {
    fn default() -> Self {
        Builder {
            protocol: Protocol::Route,
            timeout: Some(Builder::TIMEOUT),
            receive_buffer: Builder::RECEIVE_BUFFER,
            clock: None,
        }
    }
}

impl Builder {
    /// How long a connection waits for an answer unless told otherwise.
    pub const TIMEOUT: Duration = Duration::from_secs(5);

    /// How many bytes of messages can wait in the socket unless told otherwise: doubled, the answers to as many requests as go
    /// out together. Sockets have less by default; where `net.core.rmem_max` allows less, fewer requests go out together.
    pub const RECEIVE_BUFFER: u32 = 256 * 1024;

    /// Kernels put at most 32 KiB of a dump into a datagram; a single message can be longer, where a link has hundreds of
    /// virtual functions.
    const DATAGRAM: usize = 64 * 1024;

    /// Sets the part of the kernel to speak to.
    #[must_use]
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = protocol;
        self
    }

    /// Sets how long to wait for the next message of an answer, [`Builder::TIMEOUT`] if not set; `None` waits for ever.
    ///
    /// The kernel answers at once, but it may have to load a module first.
    #[must_use]
    pub fn timeout(mut self, timeout: Option<Duration>) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets how many bytes of messages can wait in the socket (SO_RCVBUF), [`Builder::RECEIVE_BUFFER`] if not set. The kernel
    /// doubles it and limits it to `net.core.rmem_max`. It is a limit: memory is taken by what waits.
    ///
    /// Batches fit themselves to it; who listens to events that come in storms may want more.
    #[must_use]
    pub fn receive_buffer(mut self, bytes: u32) -> Self {
        // The kernel reads it as a signed number.
        self.receive_buffer = bytes.min(i32::MAX as u32);
        self
    }

    /// Sets the packet scheduler's clock, so that encoding does not depend on the machine. If it is not set it is read from
    /// the kernel; where it cannot be read it is [`Clock::KERNEL`].
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Opens a connection in the calling thread's network namespace.
    ///
    /// # Errors
    /// [`Error::Io`] if there is no socket to be had: no netlink of this protocol in the kernel, too many open files.
    pub fn open(&self) -> Result<Connection> {
        let (socket, core) = self.bind()?;
        Ok(Connection::new(socket, core, self.protocol))
    }

    /// Opens a connection in another network namespace. The calling thread stays in its own.
    ///
    /// # Errors
    /// [`Error::Io`] if the namespace does not exist or may not be entered, which takes CAP_SYS_ADMIN; what
    /// [`open`](Builder::open) says. [`Error::Invalid`] for a name that no namespace can have.
    pub fn open_in(&self, namespace: Namespace<'_>) -> Result<Connection> {
        namespace.run(|| self.open())
    }

    /// Begins to hear what happens in the calling thread's network namespace to the objects of these groups. The timeout is
    /// how long [`Events::next`] waits.
    ///
    /// # Errors
    /// [`Error::Io`] if there is no socket to be had, or if the kernel does not have one of the groups;
    /// [`Error::Invalid`] if the builder is not for [`Protocol::Route`], whose groups these are.
    pub fn events(&self, groups: &[Group]) -> Result<Events> {
        if self.protocol != Protocol::Route {
            return Err(Error::invalid("groups of events", "they are of Protocol::Route"));
        }
        let (socket, core) = self.bind()?;
        for group in groups {
            let cannot = |error| Error::io(format!("hear the events of {group:?}"), error);
            socket.join(group.number()).map_err(cannot)?;
        }
        Ok(Events::new(socket, core))
    }

    /// Begins to hear what happens in another network namespace. The calling thread stays in its own.
    ///
    /// # Errors
    /// See [`events`](Builder::events) and [`open_in`](Builder::open_in).
    pub fn events_in(&self, namespace: Namespace<'_>, groups: &[Group]) -> Result<Events> {
        namespace.run(|| self.events(groups))
    }

    fn bind(&self) -> Result<(Socket, Core)> {
        let protocol = match self.protocol {
            Protocol::Route => netlink_sys::protocols::NETLINK_ROUTE,
            Protocol::Netfilter => netlink_sys::protocols::NETLINK_NETFILTER,
        };
        let cannot = |error| Error::io(format!("open a netlink socket ({:?})", self.protocol), error);
        let mut socket = Socket::open(protocol, self.timeout, self.receive_buffer).map_err(cannot)?;
        let port = socket.bind().map_err(cannot)?;
        let clock = self.clock.or_else(|| Clock::read().ok()).unwrap_or_default();
        Ok((socket, Core::new(port, clock, Self::DATAGRAM)))
    }
}

use super::core::Core;
use super::socket::Socket;
use crate::error::{Error, Result};
use crate::request::Object;
use std::os::fd::{AsFd, BorrowedFd};

/// Whose events to hear: the multicast groups of rtnetlink. `include/uapi/linux/rtnetlink.h`, `enum rtnetlink_groups`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Group {
    /// Links.
    #[doc(alias = "RTNLGRP_LINK")]
    Link = 1,
    /// Qdiscs, classes, filters, chains and actions.
    #[doc(alias = "RTNLGRP_TC")]
    Tc = 4,
    /// IPv4 addresses.
    #[doc(alias = "RTNLGRP_IPV4_IFADDR")]
    AddressV4 = 5,
    /// IPv4 routes.
    #[doc(alias = "RTNLGRP_IPV4_ROUTE")]
    RouteV4 = 7,
    /// IPv4 rules.
    #[doc(alias = "RTNLGRP_IPV4_RULE")]
    RuleV4 = 8,
    /// IPv6 addresses.
    #[doc(alias = "RTNLGRP_IPV6_IFADDR")]
    AddressV6 = 9,
    /// IPv6 routes.
    #[doc(alias = "RTNLGRP_IPV6_ROUTE")]
    RouteV6 = 11,
    /// IPv6 rules.
    #[doc(alias = "RTNLGRP_IPV6_RULE")]
    RuleV6 = 19,
    /// Nexthops. Linux 5.3.
    #[doc(alias = "RTNLGRP_NEXTHOP")]
    Nexthop = 32,
}

impl Group {
    pub(super) fn number(self) -> u32 {
        self as u32
    }
}

/// What happens to the kernel's objects, told as it happens.
///
/// Opened with [`Builder::events`](super::Builder::events). To miss nothing, open it first and list the objects then.
#[derive(Debug)]
pub struct Events {
    socket: Socket,
    core: Core,
    /// See [`Socket::event`].
    gap: Option<usize>,
}

/// Something happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event<'a> {
    /// The message's type, such as RTM_NEWQDISC.
    pub ty: u16,
    /// The NLM_F_ flags, where the kernel hands on those of the request that caused it.
    pub flags: u16,
    /// The family's header and the attributes.
    pub body: &'a [u8],
}

impl Event<'_> {
    /// The RTM_NEW type of the object, whatever happened to it: rtnetlink numbers NEW, DEL, GET and SET in a row.
    pub fn object_type(&self) -> u16 {
        self.ty & !3
    }

    /// Whether the object is gone.
    pub fn is_deletion(&self) -> bool {
        self.ty & 3 == 1
    }

    /// The object, if it is one of this type.
    ///
    /// # Errors
    /// [`Error::Decode`] if the message makes no sense.
    pub fn object<O: Object>(&self) -> Option<Result<O>> {
        let decoded = || O::decode(self.body).map_err(|source| Error::Decode { object: O::NOUN, source });
        (self.object_type() == O::NEW).then(decoded)
    }
}

impl Events {
    pub(super) fn new(socket: Socket, core: Core) -> Self {
        Events { socket, core, gap: None }
    }

    /// Waits for the next event, for as long as the [`Builder`](super::Builder) was told; `None` if nothing happened until then.
    ///
    /// # Errors
    /// [`Error::Overrun`] if events were lost, because they came faster than they were read: whoever keeps track of objects
    /// has to list them anew, and misses nothing then. It comes behind the events that were there before. [`Error::Truncated`] and [`Error::Decode`] if one could not be read, [`Error::Io`] if the
    /// socket fails. Except for the last, the events behind it can be read as before.
    #[allow(
        clippy::should_implement_trait,
        reason = "an event lies in the receive buffer, which iterators cannot lend"
    )]
    pub fn next(&mut self) -> Result<Option<Event<'_>>> {
        let told = self.socket.event(&mut self.core, &mut self.gap);
        let told = told.map_err(|failure| failure.error(|| "monitor".into()))?;
        Ok(told.map(|told| self.core.event(&told)))
    }
}

/// For programs that wait for several things at once: readable when there are events. Nothing else may read from it.
impl AsFd for Events {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

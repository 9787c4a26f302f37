use super::attributes::{Flow, Header};
use super::numbers;
use super::numbers::*;
use super::transaction::{NLM_F_ACK, NLM_F_REQUEST};
use crate::error::{Error, Result};
use crate::units::Family;
use crate::wire::{self, Be, Fixed, Messages, Reader, Value, Writer};
use std::fmt::{self, Display, Formatter};

/// The connections that connection tracking knows and that carry a mark. `net/netfilter/nf_conntrack_netlink.c`
///
/// ```
/// use tcnl::netfilter::Flows;
/// let flows = Flows::marked(0x100, 0x3f00)?;
/// assert_eq!(flows.to_string(), "--mark 0x100/0x3f00");
/// assert!(Flows::marked(0, 0).is_err(), "that would be all of them");
/// # Ok::<(), tcnl::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Flows {
    mark: u32,
    mask: u32,
    family: Option<Family>,
}

impl Flows {
    /// Those whose mark has this value in the bits of `mask`, of IPv4 and IPv6.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the mask has no bits, or the value has some outside it.
    pub fn marked(mark: u32, mask: u32) -> Result<Self> {
        let wrong = |why| Err(Error::invalid(format_args!("{mark:#x}/{mask:#x}"), why));
        match (mask, mark & !mask) {
            (0, _) => wrong("a mask without bits would be that of all connections"),
            (_, 0) => Ok(Flows { mark, mask, family: None }),
            _ => wrong("the mark has bits outside its mask"),
        }
    }

    /// Only those of this family. Kernels before 5.1 delete those of both all the same.
    #[must_use]
    pub fn family(mut self, family: Family) -> Self {
        self.family = Some(family);
        self
    }

    /// Whether a connection of this family and with this mark is one of them.
    pub fn has(&self, family: Family, mark: u32) -> bool {
        mark & self.mask == self.mark && self.family.is_none_or(|wanted| wanted == family)
    }

    /// The message that deletes them.
    pub(crate) fn delete(&self) -> Vec<u8> {
        self.message(IPCTNL_MSG_CT_DELETE, NLM_F_REQUEST | NLM_F_ACK)
    }

    /// The message that lists them, as a dump.
    pub(crate) fn list(&self) -> Vec<u8> {
        self.message(IPCTNL_MSG_CT_GET, NLM_F_REQUEST)
    }

    /// Without a tuple that names one connection, the kernel goes through all and looks at the mark: the attribute must never be missing.
    fn message(&self, number: u16, flags: u16) -> Vec<u8> {
        let mut w = Writer::default();
        let ty = numbers::message(NFNL_SUBSYS_CTNETLINK, number);
        let header = wire::Header { ty, flags, ..wire::Header::default() };
        let written = w.message(header, |w| {
            // Version 0 is from the time when deleting did not look at the family.
            let version = u8::from(self.family.is_some());
            let family = self.family.map_or(0, Family::number);
            Header { family, version, ..Header::default() }.encode(w);
            Flow { mark: Some(Be(self.mark)), mask: Some(Be(self.mask)), ..Flow::default() }.encode(w);
        });
        debug_assert!(written.is_ok(), "there is nothing in it that could be too long");
        w.bytes().to_vec()
    }

    /// The message that lists all connections, as a dump. Never to delete them.
    pub(crate) fn list_all() -> Vec<u8> {
        Flows { mark: 0, mask: 0, family: None }.list()
    }

    /// Whether the connection that this message of the answer describes is one of them. Old kernels list others as well.
    pub(crate) fn includes(&self, message: &[u8]) -> bool {
        described(message).is_some_and(|(family, mark)| self.has(family, mark))
    }
}

/// Family and mark of the connection that this message of an answer describes.
pub(crate) fn described(message: &[u8]) -> Option<(Family, u32)> {
    let (header, body) = Messages::new(message).next()?.ok()?;
    let mut r = Reader::new(body);
    let Header { family, .. } = Fixed::read(&mut r).ok()?;
    // A connection without a mark has none in its message. The other attributes are not kept: there may be millions.
    let mut marks = r.attrs().map_while(Result::ok).filter(|attr| attr.ty == CTA_MARK);
    let mark = marks.next().and_then(|attr| Be::<u32>::decode(attr.payload).ok());
    let is_connection = header.ty == numbers::message(NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_NEW);
    let family = Family::from_number(family).ok().filter(|_| is_connection)?;
    Some((family, mark.map_or(0, |mark| mark.0)))
}

/// The words that choose them in a command of `conntrack`. `man 8 conntrack`
impl Display for Flows {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.family {
            Some(Family::V4) => write!(f, "--family ipv4 ")?,
            Some(Family::V6) => write!(f, "--family ipv6 ")?,
            None => (),
        }
        write!(f, "--mark {:#x}/{:#x}", self.mark, self.mask)
    }
}

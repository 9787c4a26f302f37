use super::{Bridge, Link};
use crate::route::message;
use crate::wire::{DecodeError, Reader, Value, Writer};
use netlink_packet_route::link::{InfoData, InfoVeth, LinkMessage};
use std::fmt::{self, Display, Formatter};

pub(super) const VETH_INFO_PEER: u16 = 1;

/// What kind of link it is, with the kind's options. Hardware and the loopback have none.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[doc(alias = "IFLA_LINKINFO")]
pub enum LinkKind {
    /// A pair of links, each of which receives what the other sends. `man 4 veth`
    Veth(Veth),
    /// A link to which packets are redirected, to queue those that arrive. `drivers/net/ifb.c`
    Ifb,
    /// A switch. `net/bridge`
    Bridge(Box<Bridge>),
    /// A link that drops all it is given. `drivers/net/dummy.c`
    Dummy,
    /// Another kind.
    Other(OtherKind),
}

/// The options of a pair of links.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Veth {
    /// What the other end shall be. Only in requests: kernels do not report it.
    #[doc(alias = "VETH_INFO_PEER")]
    pub peer: Option<Box<Link>>,
}

impl Veth {
    /// A pair whose other end is `peer`. Its name, index, MTU, addresses and namespace count. It cannot be made up: the kernel
    /// refuses that with ENOTCONN, because the first end is not there yet.
    pub fn peer(peer: Link) -> Self {
        Veth { peer: Some(Box::new(peer)) }
    }
}

/// A kind of link that the crate does not know: its name, and its options as they came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherKind {
    /// The kernel's name of the kind, such as `macvlan`.
    pub name: String,
    /// The payload of IFLA_INFO_DATA, if there is one.
    pub data: Option<Vec<u8>>,
}

impl LinkKind {
    /// The kind of this name with its default options.
    pub fn named(name: impl Into<String>) -> Self {
        match name.into() {
            name if name == "veth" => LinkKind::Veth(Veth::default()),
            name if name == "bridge" => LinkKind::Bridge(Box::default()),
            name if name == "ifb" => LinkKind::Ifb,
            name if name == "dummy" => LinkKind::Dummy,
            name => LinkKind::Other(OtherKind { name, data: None }),
        }
    }

    /// The kernel's name of the kind.
    pub fn name(&self) -> &str {
        match self {
            LinkKind::Veth(_) => "veth",
            LinkKind::Ifb => "ifb",
            LinkKind::Bridge(_) => "bridge",
            LinkKind::Dummy => "dummy",
            LinkKind::Other(other) => &other.name,
        }
    }

    /// Reads the options (IFLA_INFO_DATA) of the kind of this name. The end of a pair has no peer of its own (`end`).
    pub(super) fn decode(name: String, data: Option<&[u8]>, end: bool) -> Result<Self, DecodeError> {
        let Some(data) = data else { return Ok(LinkKind::named(name)) };
        match LinkKind::named(name) {
            LinkKind::Veth(_) if !end => {
                if let Some(peer) = lone_peer(data) {
                    let peer = Link::decode_end(peer).map_err(|e| e.inside("VETH_INFO_PEER"))?;
                    return Ok(Veth::peer(peer).into());
                }
                Ok(LinkKind::other("veth", data))
            }
            LinkKind::Bridge(_) => Bridge::decode(data).map(LinkKind::from),
            // These have no options: whatever stands there belongs to a kernel that knows more.
            kind => Ok(LinkKind::other(kind.name(), data)),
        }
    }

    fn other(name: &str, data: &[u8]) -> Self {
        LinkKind::Other(OtherKind { name: name.to_owned(), data: Some(data.to_vec()) })
    }

    /// The options as `netlink-packet-route` carries them.
    pub(super) fn info_data(&self) -> Option<InfoData> {
        match self {
            LinkKind::Veth(veth) => {
                let peer = veth.peer.as_ref()?;
                Some(InfoData::Veth(InfoVeth::Peer(LinkMessage::from(peer.as_ref()))))
            }
            // The crate's own table of the bridge's attributes is the one that is checked against the kernel's header.
            LinkKind::Bridge(bridge) if **bridge == Bridge::default() => None,
            LinkKind::Bridge(bridge) => {
                let mut w = Writer::default();
                bridge.encode(&mut w);
                Some(InfoData::Other(w.bytes().to_vec()))
            }
            LinkKind::Ifb | LinkKind::Dummy => None,
            LinkKind::Other(other) => other.data.clone().map(InfoData::Other),
        }
    }
}

/// The end of a pair that is described, if nothing else stands there. `netlink-packet-route` has room for nothing else.
fn lone_peer(data: &[u8]) -> Option<&[u8]> {
    let mut attrs = Reader::new(data).attrs();
    let first = attrs.next()?.ok()?;
    (first.ty == VETH_INFO_PEER && attrs.next().is_none()).then_some(first.payload)
}

impl From<Veth> for LinkKind {
    fn from(veth: Veth) -> Self {
        LinkKind::Veth(veth)
    }
}

impl From<Bridge> for LinkKind {
    fn from(bridge: Bridge) -> Self {
        LinkKind::Bridge(Box::new(bridge))
    }
}

/// The kind's name and its words, as they stand behind `type`. Options of another kind print as hexadecimal bytes, which
/// no `ip` reads: there are no words for them.
impl Display for LinkKind {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&message::quoted(self.name()))?;
        match self {
            LinkKind::Veth(Veth { peer: Some(peer) }) => {
                f.write_str(" peer")?;
                peer.new_words(f)
            }
            LinkKind::Bridge(bridge) => bridge.fmt(f),
            LinkKind::Other(other) => {
                other.data.iter().flatten().try_for_each(|byte| write!(f, " {byte:02x}"))
            }
            LinkKind::Veth(_) | LinkKind::Ifb | LinkKind::Dummy => Ok(()),
        }
    }
}

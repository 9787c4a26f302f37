//! Network devices. `man 8 ip-link`, `net/core/rtnetlink.c`

mod bridge;
mod command;
mod decode;
mod hardware;
mod hear;
mod kind;
mod message;
mod query;
mod show;
mod state;
#[cfg(test)]
pub(super) mod tests;

pub use bridge::{Bridge, BridgePort};
pub use hardware::HardwareAddress;
pub use kind::{LinkKind, OtherKind, Veth};
pub(super) use message::tables;
pub use query::Links;
pub(super) use show::{show_link, Form};
pub use state::{AddrGenMode, LinkFlags, LinkMode, LinkStats, OperState};

use crate::units::{Dev, Name, ParseError};
use crate::wire::{RawAttr, Reader, Unknown, Value};
use std::os::fd::{AsRawFd, RawFd};

/// A network device, real or virtual; in requests, what to make of it.
///
/// A request names the device and says what shall be different; what it does not say stays as it is.
///
/// ```
/// use tcnl::request::{Request, Verb};
/// use tcnl::route::{Link, Veth};
/// let pair = Link::named("v0")?.kind(Veth::peer(Link::named("v1")?.mtu(1300))).mtu(1400);
/// assert_eq!(
///     Request::new(Verb::Add, &pair).to_string(),
///     "ip link add name v0 mtu 1400 type veth peer name v1 mtu 1300"
/// );
/// let up = Link::named("v0")?.up();
/// assert_eq!(Request::new(Verb::Change, &up).to_string(), "ip link set dev v0 up");
/// # Ok::<(), tcnl::units::ParseError>(())
/// ```
///
/// To change a link that was read, start from [`Link::of`] and not from what was read: everything in a request counts, and
/// kernels before 6.2 refuse a name, even the same one, for a link that is up.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
#[doc(alias = "RTM_NEWLINK")]
pub struct Link {
    /// The device by its index; 0 in requests that name it, or that leave the index of a new one to the kernel.
    pub dev: Dev,
    /// The name. In a request with an index it is the new name.
    #[doc(alias = "IFLA_IFNAME")]
    pub name: Option<Name>,
    /// Other names it goes by, up to 127 bytes long. Kernels report them.
    #[doc(alias = "IFLA_ALT_IFNAME")]
    pub alternative_names: Vec<String>,
    /// The kind; none for hardware and the loopback.
    pub kind: Option<LinkKind>,
    /// What else IFLA_LINKINFO said, such as the kind of port it is (IFLA_INFO_SLAVE_KIND).
    pub info: Vec<RawAttr>,
    /// The flags. Of a request, those in `change` count.
    #[doc(alias = "ifi_flags")]
    pub flags: LinkFlags,
    /// The flags that a request sets or clears.
    #[doc(alias = "ifi_change")]
    pub change: LinkFlags,
    /// The hardware type, such as 1 for Ethernet (ARPHRD_ in `linux/if_arp.h`). Kernels report it.
    #[doc(alias = "ifi_type")]
    pub hardware: u16,
    /// The largest packet, in bytes, without the link-layer header.
    #[doc(alias = "IFLA_MTU")]
    pub mtu: Option<u32>,
    /// The smallest MTU it can have. Kernels report it.
    #[doc(alias = "IFLA_MIN_MTU")]
    pub min_mtu: Option<u32>,
    /// The largest MTU it can have, 0 for no limit. Kernels report it.
    #[doc(alias = "IFLA_MAX_MTU")]
    pub max_mtu: Option<u32>,
    /// How many packets its queue holds, for qdiscs that have no limit of their own.
    #[doc(alias = "IFLA_TXQLEN")]
    pub txqueuelen: Option<u32>,
    /// How many queues it sends from. Set when it is made.
    #[doc(alias = "IFLA_NUM_TX_QUEUES")]
    pub tx_queues: Option<u32>,
    /// How many queues it receives to. Set when it is made.
    #[doc(alias = "IFLA_NUM_RX_QUEUES")]
    pub rx_queues: Option<u32>,
    /// Its link-layer address.
    #[doc(alias = "IFLA_ADDRESS")]
    pub address: Option<HardwareAddress>,
    /// The link-layer address of all on the link, or of the far end.
    #[doc(alias = "IFLA_BROADCAST")]
    pub broadcast: Option<HardwareAddress>,
    /// The bridge, bond or VRF it belongs to. Index 0 in a request takes it out.
    #[doc(alias = "IFLA_MASTER")]
    pub master: Option<Dev>,
    /// The link below, or the other end of a pair.
    #[doc(alias = "IFLA_LINK")]
    pub link: Option<Dev>,
    /// The namespace, by the number it has here, in which `link` is.
    #[doc(alias = "IFLA_LINK_NETNSID")]
    pub link_netnsid: Option<i32>,
    /// The namespace to make it in or to move it to. Only in requests.
    pub netns: Option<Netns>,
    /// The name of its root qdisc. Kernels report it.
    #[doc(alias = "IFLA_QDISC")]
    pub qdisc: Option<String>,
    /// The operational state. Kernels report it.
    #[doc(alias = "IFLA_OPERSTATE")]
    pub operstate: Option<OperState>,
    /// The group it belongs to; 0 is `default`.
    #[doc(alias = "IFLA_GROUP")]
    pub group: Option<u32>,
    /// A text for people, up to 254 bytes.
    #[doc(alias = "IFLA_IFALIAS")]
    pub alias: Option<String>,
    /// How many want to receive all packets. Kernels report it.
    #[doc(alias = "IFLA_PROMISCUITY")]
    pub promiscuity: Option<u32>,
    /// How many want to receive all multicast packets. Kernels from 6.0 on report it.
    #[doc(alias = "IFLA_ALLMULTI")]
    pub allmulti: Option<u32>,
    /// What its operational state follows.
    #[doc(alias = "IFLA_LINKMODE")]
    pub mode: Option<LinkMode>,
    /// The link-layer address that the hardware came with. Kernels report it.
    #[doc(alias = "IFLA_PERM_ADDRESS")]
    pub permanent_address: Option<HardwareAddress>,
    /// How often its carrier came or went. Kernels report it.
    #[doc(alias = "IFLA_CARRIER_CHANGES")]
    pub carrier_changes: Option<u32>,
    /// The largest packet, in bytes, that the hardware can cut up. Kernels from 6.0 on report it.
    #[doc(alias = "IFLA_TSO_MAX_SIZE")]
    pub tso_max_size: Option<u32>,
    /// Into how many segments the hardware can cut a packet at most. Kernels from 6.0 on report it.
    #[doc(alias = "IFLA_TSO_MAX_SEGS")]
    pub tso_max_segs: Option<u32>,
    /// The largest packet, in bytes, that is handed to it to be cut up.
    #[doc(alias = "IFLA_GSO_MAX_SIZE")]
    pub gso_max_size: Option<u32>,
    /// Into how many segments it cuts a packet at most.
    #[doc(alias = "IFLA_GSO_MAX_SEGS")]
    pub gso_max_segs: Option<u32>,
    /// The largest packet, in bytes, that received ones are put together to.
    #[doc(alias = "IFLA_GRO_MAX_SIZE")]
    pub gro_max_size: Option<u32>,
    /// The same as `gso_max_size` for IPv4.
    #[doc(alias = "IFLA_GSO_IPV4_MAX_SIZE")]
    pub gso_ipv4_max_size: Option<u32>,
    /// The same as `gro_max_size` for IPv4.
    #[doc(alias = "IFLA_GRO_IPV4_MAX_SIZE")]
    pub gro_ipv4_max_size: Option<u32>,
    /// What it has sent and received. Kernels report it.
    #[doc(alias = "IFLA_STATS64")]
    pub stats: Option<LinkStats>,
    /// Attributes that the crate does not know: kept, and sent back unchanged.
    pub unknown: Unknown,
}

/// A network namespace, as one names it to the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Netns {
    /// That of the process with this id.
    #[doc(alias = "IFLA_NET_NS_PID")]
    Pid(u32),
    /// The one that this open file descriptor of ours stands for.
    #[doc(alias = "IFLA_NET_NS_FD")]
    Fd(RawFd),
}

/// A setter for each field that is simply set: to a number, or to what converts into its type.
macro_rules! setters {
    ($($(#[$meta:meta])* $field:ident($arg:ty),)*) => { $(
        $(#[$meta])*
        #[must_use]
        pub fn $field(mut self, $field: $arg) -> Self {
            self.$field = Some($field.into());
            self
        }
    )* };
}

impl Link {
    /// The link of this name: to find it, to change it, to make or to delete it.
    ///
    /// # Errors
    /// What is no name of a device.
    pub fn named(name: &str) -> Result<Self, ParseError> {
        Ok(Link { name: Some(Name::new(name)?), ..Link::default() })
    }

    /// The link with this index: to find it, to change it or to delete it.
    pub fn of(dev: impl Into<Dev>) -> Self {
        Link { dev: dev.into(), ..Link::default() }
    }

    /// All links.
    pub fn all() -> Links {
        Links::default()
    }

    /// Asks for this index when the link is made.
    #[must_use]
    pub fn index(mut self, index: u32) -> Self {
        self.dev.index = index;
        self
    }

    /// Gives it a new name. The link itself must be given by its index ([`Link::of`]).
    ///
    /// # Errors
    /// What is no name of a device.
    pub fn rename(mut self, name: &str) -> Result<Self, ParseError> {
        self.name = Some(Name::new(name)?);
        Ok(self)
    }

    setters! {
        /// Sets the kind with its options.
        kind(impl Into<LinkKind>),
        /// Sets the largest packet, in bytes, without the link-layer header.
        mtu(u32),
        /// Sets how many packets its queue holds.
        txqueuelen(u32),
        /// Sets how many queues it sends from. Only when it is made.
        tx_queues(u32),
        /// Sets how many queues it receives to. Only when it is made.
        rx_queues(u32),
        /// Sets its link-layer address.
        address(impl Into<HardwareAddress>),
        /// Sets the link-layer address of all on the link.
        broadcast(impl Into<HardwareAddress>),
        /// Puts it into a bridge, bond or VRF.
        master(impl Into<Dev>),
        /// Sets the link below.
        link(impl Into<Dev>),
        /// Sets the group it belongs to.
        group(u32),
        /// Sets the text for people, up to 254 bytes; an empty one takes it away.
        alias(impl Into<String>),
        /// Sets the largest packet, in bytes, that is handed to it to be cut up.
        gso_max_size(u32),
    }

    /// Takes it out of its bridge, bond or VRF.
    #[must_use]
    pub fn nomaster(self) -> Self {
        self.master(0)
    }

    /// Makes it in the namespace of a process, or moves it there.
    #[must_use]
    pub fn netns_pid(mut self, pid: u32) -> Self {
        self.netns = Some(Netns::Pid(pid));
        self
    }

    /// Makes it in the namespace of an open file, or moves it there. The file must be open when the request is sent.
    #[must_use]
    pub fn netns_fd(mut self, fd: &impl AsRawFd) -> Self {
        self.netns = Some(Netns::Fd(fd.as_raw_fd()));
        self
    }

    /// Sets or clears flags.
    #[must_use]
    pub fn flags(mut self, flags: LinkFlags, on: bool) -> Self {
        self.flags.set(flags, on);
        self.change |= flags;
        self
    }

    /// Takes it up.
    #[must_use]
    pub fn up(self) -> Self {
        self.flags(LinkFlags::UP, true)
    }

    /// Takes it down.
    #[must_use]
    pub fn down(self) -> Self {
        self.flags(LinkFlags::UP, false)
    }

    /// The options and the state it has as a port of a bridge, which are kept in `info`; none if it is no such port, or if
    /// they make no sense.
    pub fn bridge_port(&self) -> Option<BridgePort> {
        let data = self.info.iter().find(|attr| attr.ty == message::IFLA_INFO_SLAVE_DATA)?;
        BridgePort::decode(&data.payload).ok().filter(|_| self.port_kind().as_deref() == Some("bridge"))
    }

    /// The kind of port that it is of its master, such as `bridge` or `bond`.
    pub fn port_kind(&self) -> Option<String> {
        let kind = self.info.iter().find(|attr| attr.ty == message::IFLA_INFO_SLAVE_KIND)?;
        crate::route::message::text(&kind.payload)
    }

    /// How it makes its own IPv6 addresses. Kept in `unknown` (IFLA_AF_SPEC, of which kernels take only parts).
    pub fn addr_gen_mode(&self) -> Option<AddrGenMode> {
        const AF_INET6: u16 = 10;
        const IFLA_INET6_ADDR_GEN_MODE: u16 = 8;
        let inner = |payload, ty| {
            let mut attrs = Reader::new(payload).attrs().map_while(Result::ok);
            attrs.find(|attr| attr.ty == ty).map(|attr| attr.payload)
        };
        let spec = &self.unknown.iter().find(|attr| attr.ty == message::IFLA_AF_SPEC)?.payload;
        let mode = inner(inner(spec, AF_INET6)?, IFLA_INET6_ADDR_GEN_MODE)?;
        u8::decode(mode).ok().map(AddrGenMode)
    }

    /// Whether it is administratively up.
    pub fn is_up(&self) -> bool {
        self.flags.contains(LinkFlags::UP)
    }
}

impl From<&Link> for Dev {
    fn from(link: &Link) -> Dev {
        Dev { index: link.dev.index, name: link.name.or(link.dev.name) }
    }
}

impl From<Link> for Dev {
    fn from(link: Link) -> Dev {
        Dev::from(&link)
    }
}

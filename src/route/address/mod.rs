//! Addresses of links. `man 8 ip-address`, `net/ipv4/devinet.c`, `net/ipv6/addrconf.c`

mod hear;
mod ifaddr;
mod lifetime;
mod message;
mod query;
mod show;
#[cfg(test)]
mod tests;

pub use ifaddr::IfAddr;
pub use lifetime::{CacheInfo, Lifetime};
pub(super) use message::tables;
pub use query::Addresses;
pub use show::LinkWithAddresses;

use super::Scope;
use crate::units::Dev;
use crate::wire::Unknown;
use std::net::{IpAddr, Ipv4Addr};

bitflags::bitflags! {
    /// The flags of an address. `IFA_F_` in `include/uapi/linux/if_addr.h`; unknown bits are kept.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct AddressFlags: u32 {
        /// IPv4: not the first of its network. IPv6: temporary.
        #[doc(alias = "IFA_F_TEMPORARY")]
        const SECONDARY = 1;
        /// Used without a test for duplicates.
        const NODAD = 1 << 1;
        /// Used while it is tested for duplicates.
        const OPTIMISTIC = 1 << 2;
        /// Somebody else has it.
        const DADFAILED = 1 << 3;
        /// The home address of Mobile IPv6.
        const HOMEADDRESS = 1 << 4;
        /// Not for new connections: its preferred lifetime is over.
        const DEPRECATED = 1 << 5;
        /// Being tested for duplicates.
        const TENTATIVE = 1 << 6;
        /// Lasts until it is deleted.
        const PERMANENT = 1 << 7;
        /// A template for temporary addresses.
        const MANAGETEMPADDR = 1 << 8;
        /// Makes no route to its network.
        const NOPREFIXROUTE = 1 << 9;
        /// Joins the multicast group that it is.
        const MCAUTOJOIN = 1 << 10;
        /// Made by a stable, private scheme (RFC 7217).
        const STABLE_PRIVACY = 1 << 11;
        const _ = !0;
    }
}

/// An address of a link.
///
/// ```
/// use tcnl::request::{Request, Verb};
/// use tcnl::route::Address;
/// use tcnl::units::{Dev, Name};
/// let wan = Dev::named(10, Name::new("eth1")?);
/// let address = Address::new("192.0.2.1/24".parse()?).on(wan).broadcast_of_prefix();
/// assert_eq!(
///     Request::new(Verb::Add, &address).to_string(),
///     "ip address add 192.0.2.1/24 broadcast 192.0.2.255 dev eth1"
/// );
/// # Ok::<(), tcnl::units::ParseError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[doc(alias = "RTM_NEWADDR")]
pub struct Address {
    /// The link.
    pub dev: Dev,
    /// The link's own address. The prefix is its network's, or that of the `peer`'s, where there is one.
    #[doc(alias = "IFA_LOCAL")]
    pub local: IfAddr,
    /// The other end's address, of a link with two ends. Of the same family.
    #[doc(alias = "IFA_ADDRESS")]
    pub peer: Option<IpAddr>,
    /// The address of all hosts of the network.
    #[doc(alias = "IFA_BROADCAST")]
    pub broadcast: Option<Ipv4Addr>,
    /// A name for the address, such as `eth0:1`, of at most 15 bytes; it should begin with the link's. IPv4 only.
    #[doc(alias = "IFA_LABEL")]
    pub label: Option<String>,
    /// How far it is valid. IPv6 works it out from the address.
    #[doc(alias = "ifa_scope")]
    pub scope: Scope,
    /// The flags.
    #[doc(alias = "IFA_FLAGS")]
    pub flags: AddressFlags,
    /// How long it lasts; for ever without.
    #[doc(alias = "IFA_CACHEINFO")]
    pub lifetime: Option<CacheInfo>,
    /// The metric of the route to its network.
    #[doc(alias = "IFA_RT_PRIORITY")]
    pub metric: Option<u32>,
    /// Who made it: 1 the kernel for the loopback, 2 router advertisements, 3 the kernel for link-local addresses; others by
    /// agreement. Kernels know it since 5.18.
    #[doc(alias = "IFA_PROTO")]
    pub protocol: Option<u8>,
    /// The namespace, by the number it has here, that the link is in. Kernels report it when asked across namespaces.
    #[doc(alias = "IFA_TARGET_NETNSID")]
    pub netnsid: Option<i32>,
    /// Attributes that the crate does not know: kept, and sent back unchanged.
    pub unknown: Unknown,
}

impl Address {
    /// This address, of no link yet: say which with [`on`](Address::on). The scope is `host` for IPv4's loopback addresses
    /// and global otherwise, as `ip` has it.
    pub fn new(local: IfAddr) -> Self {
        let loopback = matches!(local.address(), IpAddr::V4(v4) if v4.is_loopback());
        Address {
            dev: Dev::default(),
            local,
            peer: None,
            broadcast: None,
            label: None,
            scope: if loopback { Scope::HOST } else { Scope::GLOBAL },
            flags: AddressFlags::empty(),
            lifetime: None,
            metric: None,
            protocol: None,
            netnsid: None,
            unknown: Unknown::new(),
        }
    }

    /// All addresses of a link.
    pub fn of(dev: impl Into<Dev>) -> Addresses {
        Addresses::of(dev.into())
    }

    /// All addresses of all links.
    pub fn all() -> Addresses {
        Addresses::default()
    }

    /// Says which link's address it is.
    #[must_use]
    pub fn on(mut self, dev: impl Into<Dev>) -> Self {
        self.dev = dev.into();
        self
    }

    /// Sets the other end's address. The prefix of the local address then says how much of this one the link leads to:
    /// usually all of it.
    #[must_use]
    pub fn peer(mut self, peer: impl Into<IpAddr>) -> Self {
        self.peer = Some(peer.into());
        self
    }

    /// Sets the address of all hosts of the network.
    #[must_use]
    pub fn broadcast(mut self, broadcast: Ipv4Addr) -> Self {
        self.broadcast = Some(broadcast);
        self
    }

    /// Sets the address of all hosts to the one with all host bits set, like `broadcast +`; to none, where there is none
    /// ([`IfAddr::broadcast`]).
    #[must_use]
    pub fn broadcast_of_prefix(mut self) -> Self {
        self.broadcast = self.local.broadcast();
        self
    }

    /// Sets the label, such as `eth0:1`, of at most 15 bytes.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Sets how far it is valid.
    #[must_use]
    pub fn scope(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// Sets flags, in addition to those that are set.
    #[must_use]
    pub fn flags(mut self, flags: AddressFlags) -> Self {
        self.flags |= flags;
        self
    }

    /// Makes no route to the network.
    #[must_use]
    pub fn noprefixroute(self) -> Self {
        self.flags(AddressFlags::NOPREFIXROUTE)
    }

    /// Uses it without a test for duplicates.
    #[must_use]
    pub fn nodad(self) -> Self {
        self.flags(AddressFlags::NODAD)
    }

    /// Sets how long it is there, and how long new connections may use it.
    #[must_use]
    pub fn lifetime(mut self, valid: Lifetime, preferred: Lifetime) -> Self {
        self.lifetime = Some(CacheInfo { preferred, valid, created: 0, updated: 0 });
        self
    }

    /// Sets the metric of the route to the network.
    #[must_use]
    pub fn metric(mut self, metric: u32) -> Self {
        self.metric = Some(metric);
        self
    }

    /// Says who made it.
    #[must_use]
    pub fn protocol(mut self, protocol: u8) -> Self {
        self.protocol = Some(protocol);
        self
    }
}

mod codec;
mod group;
mod hear;
mod list;
mod show;

pub(super) use codec::tables;
pub use group::{Group, GroupType, Member, Resilient};
pub use list::Nexthops;

use super::{Encap, Family, RouteFlags, RouteProtocol, Scope};
use crate::units::Dev;
use crate::wire::Unknown;
use std::net::IpAddr;

/// A nexthop object: a way, or a group of ways, that routes refer to by its id. `man 8 ip-nexthop`, `net/ipv4/nexthop.c`
///
/// Replacing one changes all routes that use it at once.
///
/// ```
/// use tcnl::request::{Request, Verb};
/// use tcnl::route::{Group, Nexthop};
/// let way = Nexthop::id(1).via([192, 0, 2, 1]).dev(3);
/// let both = Nexthop::id(5).group(Group::new().member(1, 5).member(2, 1));
/// assert_eq!(Request::new(Verb::Add, &way).to_string(), "ip nexthop add id 1 via 192.0.2.1 dev if3");
/// assert_eq!(Request::new(Verb::Replace, &both).to_string(), "ip nexthop replace id 5 group 1,5/2");
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[doc(alias = "RTM_NEWNEXTHOP")]
pub struct Nexthop {
    /// Its id; 0 lets the kernel choose.
    #[doc(alias = "NHA_ID")]
    pub id: u32,
    /// The family of the routes that can use it; groups have none.
    pub family: Option<Family>,
    /// The next router, of the same family.
    #[doc(alias = "NHA_GATEWAY")]
    pub gateway: Option<IpAddr>,
    /// The device packets leave by.
    #[doc(alias = "NHA_OIF")]
    pub dev: Option<Dev>,
    /// Whether it drops.
    #[doc(alias = "NHA_BLACKHOLE")]
    pub blackhole: bool,
    /// Whether it is for a bridge's or VXLAN's forwarding entries instead of routes.
    #[doc(alias = "NHA_FDB")]
    pub fdb: bool,
    /// A group of other nexthops.
    #[doc(alias = "NHA_GROUP")]
    pub group: Option<Group>,
    /// A lightweight tunnel.
    #[doc(alias = "NHA_ENCAP")]
    pub encap: Option<Encap>,
    /// What added it.
    pub protocol: RouteProtocol,
    /// Flags; only [`RouteFlags::ONLINK`] is for requests.
    pub flags: RouteFlags,
    /// How far away the gateway is. Kernels report it.
    pub scope: Scope,
    /// What to report of it: NHA_OP_FLAG_ of `include/uapi/linux/nexthop.h`. Sent with the verb get.
    #[doc(alias = "NHA_OP_FLAGS")]
    pub op_flags: Option<u32>,
    /// Attributes that the crate does not know: kept, and sent back unchanged.
    pub unknown: Unknown,
}

impl Nexthop {
    /// The nexthop with this id; 0 lets the kernel choose.
    pub fn id(id: u32) -> Self {
        Nexthop {
            id,
            family: None,
            gateway: None,
            dev: None,
            blackhole: false,
            fdb: false,
            group: None,
            encap: None,
            protocol: RouteProtocol::UNSPEC,
            flags: RouteFlags::empty(),
            scope: Scope::GLOBAL,
            op_flags: None,
            unknown: Unknown::new(),
        }
    }

    /// All nexthops.
    pub fn all() -> Nexthops {
        Nexthops::default()
    }

    /// Sets the gateway, and with it the family.
    #[must_use]
    pub fn via(mut self, gateway: impl Into<IpAddr>) -> Self {
        let gateway = gateway.into();
        self.family = Some(Family::of(gateway));
        self.gateway = Some(gateway);
        self
    }

    /// Sets the device. Without a gateway the family is IPv4 unless said.
    #[must_use]
    pub fn dev(mut self, dev: impl Into<Dev>) -> Self {
        self.family.get_or_insert(Family::V4);
        self.dev = Some(dev.into());
        self
    }

    /// Makes it drop. The family is IPv4 unless said.
    #[must_use]
    pub fn blackhole(mut self) -> Self {
        self.family.get_or_insert(Family::V4);
        self.blackhole = true;
        self
    }

    /// Sets the family, where no gateway says it.
    #[must_use]
    pub fn family(mut self, family: Family) -> Self {
        self.family = Some(family);
        self
    }

    /// Makes it a group of other nexthops.
    #[must_use]
    pub fn group(mut self, group: Group) -> Self {
        self.group = Some(group);
        self
    }

    /// Takes the gateway to be on the link whatever the addresses say.
    #[must_use]
    pub fn onlink(mut self) -> Self {
        self.flags |= RouteFlags::ONLINK;
        self
    }

    /// Makes it one for a bridge's or VXLAN's forwarding entries.
    #[must_use]
    pub fn fdb(mut self) -> Self {
        self.fdb = true;
        self
    }

    /// Sends packets through a lightweight tunnel.
    #[must_use]
    pub fn encap(mut self, encap: Encap) -> Self {
        self.encap = Some(encap);
        self
    }

    /// Says what adds it.
    #[must_use]
    pub fn protocol(mut self, protocol: RouteProtocol) -> Self {
        self.protocol = protocol;
        self
    }
}

mod asked;
mod codec;
mod flags;
mod hear;
mod list;
mod lookup;
mod show;
mod words;

pub(super) use codec::tables;
pub use flags::{RouteCache, RouteFlags};
pub use list::Routes;

use super::{Encap, Family, Hop, Metrics, Preference, Prefix, Realms, RouteProtocol, RouteType, Scope};
use crate::units::Dev;
use crate::wire::Unknown;
use crate::Error;
use std::net::IpAddr;

/// A route: where packets to a destination go. `man 8 ip-route`, `net/ipv4/fib_frontend.c`, `net/ipv6/route.c`
///
/// ```
/// use tcnl::request::{Request, Verb};
/// use tcnl::route::Route;
/// let route = Route::default_v4().via([192, 0, 2, 1]).dev(3).table(101);
/// assert_eq!(
///     Request::new(Verb::Replace, &route).to_string(),
///     "ip route replace default via 192.0.2.1 dev if3 table 101"
/// );
/// ```
///
/// With [`Verb::Get`](crate::request::Verb::Get) it is the question which way a packet takes: see [`Route::lookup`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[doc(alias = "RTM_NEWROUTE")]
pub struct Route {
    /// The destination; its family is the route's.
    #[doc(alias = "RTA_DST")]
    pub to: Prefix,
    /// Only packets from here (IPv6). In a look-up: the packet's source.
    #[doc(alias = "RTA_SRC")]
    pub from: Option<Prefix>,
    /// What it does. `None` is unicast; in a deletion it is any.
    #[doc(alias = "rtm_type")]
    pub kind: Option<RouteType>,
    /// The table: [`Route::MAIN`] unless said.
    #[doc(alias = "RTA_TABLE")]
    pub table: u32,
    /// What added it. `None` is [`RouteProtocol::BOOT`]; in a deletion it is any.
    #[doc(alias = "rtm_protocol")]
    pub protocol: Option<RouteProtocol>,
    /// How far away the destination is. `None` is what `ip` would choose: link without a gateway, host for local
    /// routes, global otherwise; in a deletion it is any.
    #[doc(alias = "rtm_scope")]
    pub scope: Option<Scope>,
    /// Only packets with this type of service (IPv4); 0 is any.
    #[doc(alias = "rtm_tos")]
    pub tos: u8,
    /// The next router. An IPv4 route may have an IPv6 one, not the other way round.
    #[doc(alias = "RTA_GATEWAY")]
    #[doc(alias = "RTA_VIA")]
    pub gateway: Option<IpAddr>,
    /// The device packets leave by.
    #[doc(alias = "RTA_OIF")]
    pub dev: Option<Dev>,
    /// The source address that the host's own packets get.
    #[doc(alias = "RTA_PREFSRC")]
    pub source: Option<IpAddr>,
    /// The preference among routes to one destination: the lowest wins.
    #[doc(alias = "RTA_PRIORITY")]
    pub metric: Option<u32>,
    /// What TCP and IP assume of the path.
    #[doc(alias = "RTA_METRICS")]
    pub metrics: Metrics,
    /// Several ways with shares.
    #[doc(alias = "RTA_MULTIPATH")]
    pub hops: Vec<Hop>,
    /// The nexthop object it uses. Kernels report its ways in `gateway`, `dev` and `hops`; they are not sent with it.
    #[doc(alias = "RTA_NH_ID")]
    pub nexthop_id: Option<u32>,
    /// How much the router is preferred (IPv6).
    #[doc(alias = "RTA_PREF")]
    pub preference: Option<Preference>,
    /// Seconds until it is removed (IPv6).
    #[doc(alias = "RTA_EXPIRES")]
    pub expires: Option<u32>,
    /// Realms for accounting and classifying (IPv4).
    #[doc(alias = "RTA_FLOW")]
    pub realms: Option<Realms>,
    /// A lightweight tunnel.
    pub encap: Option<Encap>,
    /// Whether the TTL is carried over at the end of an MPLS path.
    #[doc(alias = "RTA_TTL_PROPAGATE")]
    pub ttl_propagate: Option<bool>,
    /// Flags; those that only report are not sent.
    #[doc(alias = "rtm_flags")]
    pub flags: RouteFlags,
    /// In a look-up: the device the packet came by.
    #[doc(alias = "RTA_IIF")]
    pub iif: Option<Dev>,
    /// In a look-up: the packet's mark.
    #[doc(alias = "RTA_MARK")]
    pub mark: Option<u32>,
    /// In a look-up: the sender's user.
    #[doc(alias = "RTA_UID")]
    pub uid: Option<u32>,
    /// In a look-up: the IP protocol's number.
    #[doc(alias = "RTA_IP_PROTO")]
    pub ip_proto: Option<u8>,
    /// In a look-up: the source port.
    #[doc(alias = "RTA_SPORT")]
    pub sport: Option<u16>,
    /// In a look-up: the destination port.
    #[doc(alias = "RTA_DPORT")]
    pub dport: Option<u16>,
    /// In a look-up: the flow label (IPv6).
    #[doc(alias = "RTA_FLOWLABEL")]
    pub flowlabel: Option<u32>,
    /// What the kernel knows of its use. Kernels report it.
    #[doc(alias = "RTA_CACHEINFO")]
    pub cache: Option<RouteCache>,
    /// Attributes that the crate does not know: kept, and sent back unchanged.
    pub unknown: Unknown,
}

/// Declares setters that put a value into the option of the same name.
macro_rules! options {
    ($($(#[$doc:meta])* $field:ident: $ty:ty;)*) => { $(
        $(#[$doc])*
        #[must_use]
        pub fn $field(mut self, $field: $ty) -> Self {
            self.$field = Some($field);
            self
        }
    )* };
}
pub(super) use options;

impl Route {
    /// The table where routes go unless said otherwise.
    #[doc(alias = "RT_TABLE_MAIN")]
    pub const MAIN: u32 = 254;
    /// The table of local and broadcast addresses.
    #[doc(alias = "RT_TABLE_LOCAL")]
    pub const LOCAL: u32 = 255;

    /// A unicast route to a destination, in the main table.
    pub fn to(to: impl Into<Prefix>) -> Self {
        Route {
            to: to.into(),
            from: None,
            kind: None,
            table: Self::MAIN,
            protocol: None,
            scope: None,
            tos: 0,
            gateway: None,
            dev: None,
            source: None,
            metric: None,
            metrics: Metrics::default(),
            hops: Vec::new(),
            nexthop_id: None,
            preference: None,
            expires: None,
            realms: None,
            encap: None,
            ttl_propagate: None,
            flags: RouteFlags::empty(),
            iif: None,
            mark: None,
            uid: None,
            ip_proto: None,
            sport: None,
            dport: None,
            flowlabel: None,
            cache: None,
            unknown: Unknown::new(),
        }
    }

    /// The IPv4 default route of the main table.
    pub fn default_v4() -> Self {
        Self::to(Prefix::ANY_V4)
    }

    /// The IPv6 default route of the main table.
    pub fn default_v6() -> Self {
        Self::to(Prefix::ANY_V6)
    }

    /// The default route of a family in the main table.
    pub fn default_of(family: Family) -> Self {
        Self::to(Prefix::any(family))
    }

    /// A route that drops silently.
    pub fn blackhole(to: impl Into<Prefix>) -> Self {
        Self::to(to).kind(RouteType::BLACKHOLE)
    }

    /// A route that answers "host unreachable".
    pub fn unreachable(to: impl Into<Prefix>) -> Self {
        Self::to(to).kind(RouteType::UNREACHABLE)
    }

    /// A route that answers "administratively prohibited".
    pub fn prohibit(to: impl Into<Prefix>) -> Self {
        Self::to(to).kind(RouteType::PROHIBIT)
    }

    /// A route that ends the look-up in its table.
    pub fn throw(to: impl Into<Prefix>) -> Self {
        Self::to(to).kind(RouteType::THROW)
    }

    /// The question which way a packet to `addr` takes, for the verb get. The answer is the route with
    /// `gateway`, `dev`, `source` and `table` filled in.
    #[doc(alias = "ip route get")]
    pub fn lookup(addr: impl Into<IpAddr>) -> Self {
        let mut route = Self::to(addr.into()).table(0);
        // Of IPv6 the kernel tells the table unasked, and refuses the flag. `net/ipv6/route.c`
        if route.family() == Family::V4 {
            route.flags = RouteFlags::LOOKUP_TABLE;
        }
        route
    }

    /// The routes of all IPv4 tables.
    pub fn all_v4() -> Routes {
        Routes::of(Family::V4)
    }

    /// The routes of all IPv6 tables.
    pub fn all_v6() -> Routes {
        Routes::of(Family::V6)
    }

    /// The address family.
    pub fn family(&self) -> Family {
        self.to.family()
    }

    /// Restricts it to packets from a prefix; in a look-up, says the packet's source. See [`Route::from`](Self#structfield.from).
    ///
    /// # Errors
    /// If the prefix is of the other family.
    pub fn from(mut self, from: impl Into<Prefix>) -> Result<Self, Error> {
        let from = from.into();
        same_family("from", self.family(), from.addr())?;
        self.from = Some(from);
        Ok(self)
    }

    /// Sets the source address that the host's own packets get.
    ///
    /// # Errors
    /// If the address is of the other family.
    pub fn source(mut self, source: impl Into<IpAddr>) -> Result<Self, Error> {
        let source = source.into();
        same_family("src", self.family(), source)?;
        self.source = Some(source);
        Ok(self)
    }

    /// Sets the gateway. An IPv4 gateway of an IPv6 route is an error when the request is encoded.
    #[must_use]
    pub fn via(mut self, gateway: impl Into<IpAddr>) -> Self {
        self.gateway = Some(gateway.into());
        self
    }

    /// Sets the device; in a look-up, the one the packet is to leave by.
    #[must_use]
    pub fn dev(mut self, dev: impl Into<Dev>) -> Self {
        self.dev = Some(dev.into());
        self
    }

    /// Sets the device that the packet of a look-up came by.
    #[must_use]
    pub fn iif(mut self, dev: impl Into<Dev>) -> Self {
        self.iif = Some(dev.into());
        self
    }

    /// Sets the table. Numbers over 255 are fine.
    #[must_use]
    pub fn table(mut self, table: u32) -> Self {
        self.table = table;
        self
    }

    /// Sets the type of service (IPv4).
    #[must_use]
    pub fn tos(mut self, tos: u8) -> Self {
        self.tos = tos;
        self
    }

    /// Sets what TCP and IP assume of the path.
    #[must_use]
    pub fn metrics(mut self, metrics: Metrics) -> Self {
        self.metrics = metrics;
        self
    }

    /// Adds a way of a multipath route.
    #[must_use]
    pub fn hop(mut self, hop: Hop) -> Self {
        self.hops.push(hop);
        self
    }

    /// Takes the gateway to be on the link whatever the addresses say.
    #[must_use]
    pub fn onlink(mut self) -> Self {
        self.flags |= RouteFlags::ONLINK;
        self
    }

    /// Asks a look-up for the route that matches instead of its answer.
    #[must_use]
    pub fn fib_match(mut self) -> Self {
        self.flags |= RouteFlags::FIB_MATCH;
        self
    }

    options! {
        /// Sets what it does. The table stays: `ip` would put a local or broadcast route into [`Route::LOCAL`].
        kind: RouteType;
        /// Says what adds it.
        protocol: RouteProtocol;
        /// Sets how far away the destination is.
        scope: Scope;
        /// Sets the preference among routes to one destination: the lowest wins.
        metric: u32;
        /// Uses a nexthop object.
        nexthop_id: u32;
        /// Sets how much the router is preferred (IPv6).
        preference: Preference;
        /// Removes it after so many seconds (IPv6).
        expires: u32;
        /// Sets the realms (IPv4).
        realms: Realms;
        /// Sends packets through a lightweight tunnel.
        encap: Encap;
        /// Whether the TTL is carried over at the end of an MPLS path.
        ttl_propagate: bool;
        /// Sets the mark of a look-up's packet.
        mark: u32;
        /// Sets the sending user of a look-up's packet.
        uid: u32;
        /// Sets the IP protocol of a look-up's packet.
        ip_proto: u8;
        /// Sets the source port of a look-up's packet.
        sport: u16;
        /// Sets the destination port of a look-up's packet.
        dport: u16;
        /// Sets the flow label of a look-up's packet (IPv6), at most 20 bits.
        flowlabel: u32;
    }
}

pub(super) fn same_family(what: &str, family: Family, addr: IpAddr) -> Result<(), Error> {
    match Family::of(addr) == family {
        true => Ok(()),
        false => Err(Error::invalid(format_args!("{what} {addr}"), "the address is of the other family")),
    }
}

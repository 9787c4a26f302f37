//! The small numbers of routing that have names: what adds a route, what it does, how much it is preferred.

use crate::units::ParseError;
use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

/// Declares a number of one byte some of whose values have names. It prints as the name, or as the number where there is
/// none, and reads both: `ip` does the same.
macro_rules! named {
    ($(#[$meta:meta])* $name:ident, $expected:literal { $($(#[$m:meta])* $constant:ident = $number:literal $word:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u8);

        impl $name {
            $($(#[$m])* pub const $constant: $name = $name($number);)*
        }

        impl Display for $name {
            fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
                match self.0 {
                    $($number => f.write_str($word),)*
                    number => number.fmt(f),
                }
            }
        }

        impl FromStr for $name {
            type Err = ParseError;

            fn from_str(word: &str) -> Result<Self, ParseError> {
                match word {
                    $($word => Ok($name($number)),)*
                    _ => word.parse().map($name).map_err(|_| ParseError::new(word, $expected)),
                }
            }
        }

        #[cfg(any(test, feature = "generate"))]
        impl crate::wire::generate::Generate for $name {
            fn generate(g: &mut crate::wire::generate::Source<'_>) -> Self {
                $name(g.byte())
            }
        }
    };
}

named! {
    /// What added a route, rule or nexthop: RTPROT_ of `include/uapi/linux/rtnetlink.h`. Numbers from 5 on are free to use.
    #[doc(alias = "rtm_protocol")]
    RouteProtocol, "a protocol: expected a name such as static, or 0 to 255" {
        /// Not known.
        UNSPEC = 0 "unspec",
        /// An ICMP redirect.
        REDIRECT = 1 "redirect",
        /// The kernel by itself.
        KERNEL = 2 "kernel",
        /// A command: what `ip` says of itself.
        BOOT = 3 "boot",
        /// The administrator.
        STATIC = 4 "static",
        /// GateD.
        GATED = 8 "gated",
        /// A router advertisement.
        RA = 9 "ra",
        /// Merit MRT.
        MRT = 10 "mrt",
        /// Zebra, FRR.
        ZEBRA = 11 "zebra",
        /// BIRD.
        BIRD = 12 "bird",
        /// DECnet.
        DNROUTED = 13 "dnrouted",
        /// XORP.
        XORP = 14 "xorp",
        /// Netsukuku.
        NTK = 15 "ntk",
        /// A DHCP client.
        DHCP = 16 "dhcp",
        /// keepalived.
        KEEPALIVED = 18 "keepalived",
        /// Babel.
        BABEL = 42 "babel",
        /// Open/R.
        OPENR = 99 "openr",
        /// BGP.
        BGP = 186 "bgp",
        /// IS-IS.
        ISIS = 187 "isis",
        /// OSPF.
        OSPF = 188 "ospf",
        /// RIP.
        RIP = 189 "rip",
        /// EIGRP.
        EIGRP = 192 "eigrp",
    }
}

named! {
    /// What a route does: RTN_ of `include/uapi/linux/rtnetlink.h`.
    #[doc(alias = "rtm_type")]
    RouteType, "a route type: expected a name such as unicast or blackhole, or 0 to 255" {
        /// None; in deletions: any.
        UNSPEC = 0 "unspec",
        /// Forwards to a gateway or a link.
        UNICAST = 1 "unicast",
        /// Delivers to this host.
        LOCAL = 2 "local",
        /// Delivers here and sends as a link broadcast.
        BROADCAST = 3 "broadcast",
        /// Delivers here, sends as unicast.
        ANYCAST = 4 "anycast",
        /// A multicast route.
        MULTICAST = 5 "multicast",
        /// Drops silently (EINVAL to local senders).
        BLACKHOLE = 6 "blackhole",
        /// Drops with ICMP host unreachable (EHOSTUNREACH).
        UNREACHABLE = 7 "unreachable",
        /// Drops with ICMP administratively prohibited (EACCES).
        PROHIBIT = 8 "prohibit",
        /// Ends the look-up in this table; the rules go on.
        THROW = 9 "throw",
        /// Translates; no current kernel does it.
        NAT = 10 "nat",
        /// Asks a resolver outside; no current kernel does it.
        XRESOLVE = 11 "xresolve",
    }
}

named! {
    /// How much a router is preferred (RFC 4191). IPv6 only.
    #[doc(alias = "RTA_PREF")]
    Preference, "a preference: expected low, medium or high" {
        /// The usual.
        MEDIUM = 0 "medium",
        /// Before the others.
        HIGH = 1 "high",
        /// After the others.
        LOW = 3 "low",
    }
}

/// Where traffic comes from and goes to, for accounting and the `route` classifier. IPv4 only. `man 8 ip-route`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[doc(alias = "RTA_FLOW")]
pub struct Realms {
    /// The realm of the source; 0 if none is given.
    pub from: u16,
    /// The realm of the destination.
    pub to: u16,
}

impl Realms {
    /// The destination's realm alone.
    pub const fn to(to: u16) -> Realms {
        Realms { from: 0, to }
    }
}

impl From<u32> for Realms {
    fn from(raw: u32) -> Realms {
        Realms { from: (raw >> 16) as u16, to: raw as u16 }
    }
}

impl From<Realms> for u32 {
    fn from(realms: Realms) -> u32 {
        u32::from(realms.from) << 16 | u32::from(realms.to)
    }
}

impl Display for Realms {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.from {
            0 => self.to.fmt(f),
            from => write!(f, "{from}/{}", self.to),
        }
    }
}

#[cfg(any(test, feature = "generate"))]
impl crate::wire::generate::Generate for Realms {
    fn generate(g: &mut crate::wire::generate::Source<'_>) -> Self {
        Realms::from(u32::generate(g))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_reads_as_it_was_printed() {
        for number in 0..=255 {
            assert_eq!(RouteProtocol(number).to_string().parse(), Ok(RouteProtocol(number)));
            assert_eq!(RouteType(number).to_string().parse(), Ok(RouteType(number)));
        }
        assert_eq!(RouteProtocol::STATIC.to_string(), "static");
        assert!("256".parse::<RouteType>().is_err());
    }
}

//! Links, addresses, routes, nexthops and rules: typed objects of ours, encoded through `netlink-packet-route` where it can.
//!
//! `From` and `TryFrom` convert to and from that crate's messages, so that users of it can mix. What the kernel sends is read with
//! the crate's own [`wire`](crate::wire) reader: `netlink-packet-route` gives up a whole message for one attribute
//! that it does not expect, follows nests to any depth, and drops the flags of attributes that it does not know.
//!
//! Prefixes are right once they exist ([`Prefix`]). A setter that could mix the address families of a selector returns a
//! `Result`; a gateway that does not fit its route, which `via` cannot refuse, is an error when the request is encoded, and
//! nothing is sent. So is what was written to a public field.

mod address;
#[cfg(any(test, feature = "generate"))]
mod generate;
mod hear;
mod hop;
mod link;
mod message;
mod metrics;
mod names;
mod nexthop;
mod prefix;
#[expect(clippy::module_inception, reason = "one object, one file; this one is the route")]
mod route;
mod rule;
mod scope;
mod show;
#[cfg(test)]
mod spoken;

pub use crate::units::Family;
pub use address::{Address, AddressFlags, Addresses, CacheInfo, IfAddr, Lifetime, LinkWithAddresses};
pub use hop::{Encap, Hop};
pub use link::{
    AddrGenMode, Bridge, BridgePort, HardwareAddress, Link, LinkFlags, LinkKind, LinkMode, LinkStats, Links,
    Netns, OperState, OtherKind, Veth,
};
pub use metrics::Metrics;
pub use names::{Preference, Realms, RouteProtocol, RouteType};
pub use nexthop::{Group, GroupType, Member, Nexthop, Nexthops, Resilient};
pub use prefix::Prefix;
pub use route::{Route, RouteCache, RouteFlags, Routes};
pub use rule::{PortRange, Rule, RuleAction, RuleFlags, Rules, UidRange};
pub use scope::Scope;

/// The attribute tables of all sets, for checks against the kernel's headers.
#[doc(hidden)]
pub fn tables() -> Vec<crate::wire::Table> {
    [link::tables(), address::tables(), route::tables(), nexthop::tables(), rule::tables()].concat()
}

crate::request::print_as_command! { Link Address Route Nexthop Rule }

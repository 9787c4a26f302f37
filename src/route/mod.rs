//! Links, addresses, routes, nexthops and rules: typed objects of ours, encoded through `netlink-packet-route` where it can.
//!
//! `From` and `TryFrom` convert to and from that crate's messages, so that users of it can mix. What the kernel sends is read with
//! the crate's own [`wire`](crate::wire) reader: `netlink-packet-route` gives up a whole message for one attribute
//! that it does not expect, and follows nests to any depth.

mod link;
mod message;
mod scope;

pub use link::{
    Bridge, HardwareAddress, Link, LinkFlags, LinkKind, LinkStats, Links, Netns, OperState, OtherKind, Veth,
};
pub use scope::Scope;

//! Links, addresses, routes, nexthops and rules.
//!
//! Prefixes are right once they exist ([`Prefix`]). A setter that could mix the address families of a selector returns a
//! `Result`; a gateway that does not fit its route, which `via` cannot know yet, is an error when the request is encoded,
//! and nothing is sent. So is what was written to a public field.
//!
//! Requests are encoded through `netlink-packet-route`, and `From`/`TryFrom` lead to its messages and back. Replies are
//! read with the crate's own reader, because that crate's parsers refuse a whole message for one attribute they find odd,
//! rewrite tunnel parameters, and drop the flags of unknown attributes.

mod hop;
mod metrics;
mod names;
mod nexthop;
mod prefix;
#[expect(clippy::module_inception, reason = "one object, one file; this one is the route")]
mod route;
mod rule;

pub use hop::{Encap, Hop};
pub use metrics::Metrics;
pub use names::{Preference, Realms, RouteProtocol, RouteType, Scope};
pub use nexthop::{Group, GroupType, Member, Nexthop, Nexthops, Resilient};
pub use prefix::{Family, Prefix};
pub use route::{CacheInfo, Route, RouteFlags, Routes};
pub use rule::{PortRange, Rule, RuleAction, RuleFlags, Rules, UidRange};

use crate::wire::{EncodeError, RawAttr, Writer};
use netlink_packet_core::{DefaultNla, Emitable, Nla};

/// An attribute as it came, for `netlink-packet-route`.
fn other(attr: &RawAttr) -> DefaultNla {
    DefaultNla::new(attr.ty | attr.flags, attr.payload.clone())
}

/// Appends what `netlink-packet-route` makes of a header and attributes. It panics over an attribute of 64 KiB or more, so
/// that is found out before.
fn emit<H: Emitable, A: Nla>(header: &H, attributes: &[A], w: &mut Writer) {
    const MAX: usize = u16::MAX as usize;
    for attribute in attributes {
        let len = attribute.value_len().saturating_add(4);
        if len > MAX {
            w.fail(EncodeError::TooLong { attribute: attribute.kind() & 0x3fff, len, max: MAX });
            return;
        }
    }
    let mut bytes = vec![0; header.buffer_len() + attributes.buffer_len()];
    let (head, tail) = bytes.split_at_mut(header.buffer_len());
    header.emit(head);
    attributes.emit(tail);
    w.put(&bytes);
}

//! Where an uplink's packets are handed to.

use super::has_carrier;
use crate::route::{Address, Link, Prefix, Route};
use crate::units::Dev;
use crate::uplink::{Leg, Via};
use std::fmt::{self, Display, Formatter};
use std::net::IpAddr;

/// Where packets are handed to, as it is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Way {
    /// To the link.
    Link,
    /// To this router.
    Router(IpAddr),
}

/// Why an uplink has no way at the moment. Prints as a sentence about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lack {
    /// Its device is not there.
    Device,
    /// Its device is administratively down.
    Down,
    /// Its device has no carrier.
    Carrier,
    /// Its device has no address of the family, not even a link-local one: kernels take no way over it.
    Address,
    /// The main table has no default route over its device, from which the router is to be learned.
    Router,
    /// Its router is neither in a network of its device nor on a route of the main table that leaves by it: kernels take no such way.
    OutOfReach,
}

impl Display for Lack {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Lack::Device => "its device is not there",
            Lack::Down => "its device is down",
            Lack::Carrier => "its device has no carrier",
            Lack::Address => "its device has no address",
            Lack::Router => "the main table has no default route over its device",
            Lack::OutOfReach => "its router is in no network of its device",
        })
    }
}

/// Whether the main table must be asked.
pub(super) fn asks_main(leg: &Leg, own: &[&Address]) -> bool {
    match leg.via {
        Via::Link => false,
        Via::Router(router) => !is_near(router, own),
        Via::Learned => true,
    }
}

/// The way, by what there is: the link, its addresses of the family, and of the main table's routes of the family the default ones and
/// those that leave by it without a router.
pub(super) fn find(leg: &Leg, link: Option<&Link>, own: &[&Address], main: &[Route]) -> Result<Way, Lack> {
    let link = link.ok_or(Lack::Device)?;
    if !link.is_up() {
        return Err(Lack::Down);
    }
    if !has_carrier(link) {
        return Err(Lack::Carrier);
    }
    if own.is_empty() {
        return Err(Lack::Address);
    }
    match leg.via {
        Via::Link => Ok(Way::Link),
        Via::Router(router) => {
            let leads = |route: &Route| {
                let is_plain = route.gateway.is_none() && route.hops.is_empty();
                is_plain && route.dev == Some(link.dev) && route.to.contains(router)
            };
            let is_reached = is_near(router, own) || main.iter().any(leads);
            is_reached.then_some(Way::Router(router)).ok_or(Lack::OutOfReach)
        }
        Via::Learned => learned(link.dev, main).ok_or(Lack::Router),
    }
}

/// Whether the router is in a network of one of the device's addresses, or is the other end.
fn is_near(router: IpAddr, own: &[&Address]) -> bool {
    let is_local = matches!(router, IpAddr::V6(router) if router.is_unicast_link_local());
    let network = |address: &&Address| {
        Prefix::reported(address.peer.unwrap_or(address.local.address()), address.local.prefix_len()).ok()
    };
    is_local || own.iter().filter_map(network).any(|network| network.contains(router))
}

/// Where the default route over the device leads that has the lowest metric.
fn learned(dev: Dev, main: &[Route]) -> Option<Way> {
    let defaults = main.iter().filter(|route| route.to.is_any());
    let ways = defaults.flat_map(|route| {
        let own = route.hops.is_empty().then_some((route.dev, route.gateway));
        let hops = route.hops.iter().map(|hop| (hop.dev, hop.gateway));
        let metric = route.metric.unwrap_or(0);
        own.into_iter().chain(hops).map(move |(dev, router)| (metric, dev, router))
    });
    let over = ways.filter(|(_, over, _)| *over == Some(dev));
    over.min_by_key(|(metric, ..)| *metric).map(|(_, _, router)| router.map_or(Way::Link, Way::Router))
}

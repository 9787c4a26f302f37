//! What the machine has, as far as the uplinks are concerned.

pub(super) mod queues;
mod way;

pub use queues::{Hook, Queues};
pub use way::{Lack, Way};

use super::{Gateway, Sources, Uplink};
use crate::error::{Error, Result};
use crate::netlink::Connection;
use crate::plan;
use crate::route::{Address, AddressFlags, Family, Link, LinkFlags, Prefix, Route, RouteType, Routes, Scope};
use crate::units::Dev;
use std::net::IpAddr;

/// What the machine has now of a [`Gateway`]. Two are equal if nothing has changed in between that matters.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Seen {
    /// The uplinks, in the model's order.
    pub uplinks: Vec<SeenUplink>,
    /// The devices of the LAN, in the model's order; `None` for those that are not there.
    pub lans: Vec<Option<Dev>>,
}

/// What the machine has of an uplink.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct SeenUplink {
    /// Its device, if it is there.
    pub dev: Option<Dev>,
    /// Whether the device is administratively up.
    pub up: bool,
    /// Whether it has a carrier; not while it is down.
    pub carrier: bool,
    /// IPv4 over it, if the model has that.
    pub v4: Option<SeenLeg>,
    /// IPv6 over it, if the model has that.
    pub v6: Option<SeenLeg>,
    /// The device of our own (ifb) that what comes in is shaped on, if that is wanted, and it is there and up.
    pub ifb: Option<Dev>,
    /// Which queues of the device are ours.
    pub queues: Queues,
}

/// What the machine has of an address family over an uplink.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SeenLeg {
    /// The device's addresses of global scope, in the kernel's order: those that new connections can use.
    pub addresses: Vec<IpAddr>,
    /// Those that only old connections may still use: their preferred lifetime is over.
    pub old: Vec<IpAddr>,
    /// Where packets are handed to, or why they cannot be.
    pub way: Result<Way, Lack>,
}

impl Seen {
    /// Asks the kernel: for each device by name, for its addresses in one list, and for the main table's routes only where they say
    /// what the model does not. Kernels without IPv6 have none of it.
    ///
    /// # Errors
    /// The kernel cannot be read. That a device is not there is none.
    pub fn read(nl: &mut Connection, gateway: &Gateway) -> Result<Seen> {
        let mut links = Vec::with_capacity(gateway.uplinks.len());
        for uplink in &gateway.uplinks {
            links.push(link(nl, &uplink.dev)?);
        }
        let is_ours = |address: &Address| links.iter().flatten().any(|link| link.dev == address.dev);
        let addresses = plan::all(nl, Address::all(), is_ours)?;
        let routes = [
            routes(nl, gateway, &links, &addresses, Family::V4)?,
            routes(nl, gateway, &links, &addresses, Family::V6)?,
        ];
        let mut seen = Seen::default();
        for (uplink, link) in gateway.uplinks.iter().zip(&links) {
            seen.uplinks.push(SeenUplink::of(nl, gateway, uplink, link.as_ref(), &addresses, &routes)?);
        }
        for lan in &gateway.lans {
            seen.lans.push(link(nl, lan)?.map(Dev::from));
        }
        Ok(seen)
    }

    /// An uplink's device, if it is there.
    pub(super) fn dev(&self, uplink: usize) -> Option<Dev> {
        self.uplinks.get(uplink)?.dev
    }

    /// Whether packets of any family can leave by an uplink.
    pub(super) fn is_ready(&self, uplink: usize) -> bool {
        self.uplinks.get(uplink).is_some_and(SeenUplink::is_ready)
    }

    /// All addresses of an uplink, of both families.
    pub(super) fn addresses(&self, uplink: usize) -> impl Iterator<Item = IpAddr> + '_ {
        let legs = self.uplinks.get(uplink).into_iter().flat_map(|seen| [&seen.v4, &seen.v6]).flatten();
        legs.flat_map(|leg| leg.addresses.iter().chain(&leg.old)).copied()
    }

    /// The addresses that probes over an uplink are sent from.
    pub(super) fn sources(&self, uplink: usize) -> Sources {
        let mut sources = Sources::default();
        for address in self.uplinks.get(uplink).into_iter().flat_map(|seen| [&seen.v4, &seen.v6]).flatten() {
            match address.addresses.first() {
                Some(IpAddr::V4(v4)) => sources.v4 = Some(*v4),
                Some(IpAddr::V6(v6)) => sources.v6 = Some(*v6),
                None => (),
            }
        }
        sources
    }

    /// Where an uplink's packets of a family are handed to; `None` for what the model does not have.
    pub fn way(&self, uplink: usize, family: Family) -> Option<Result<Way, Lack>> {
        self.uplinks.get(uplink)?.leg(family).map(|leg| leg.way)
    }
}

impl SeenUplink {
    /// This address family over it.
    pub fn leg(&self, family: Family) -> Option<&SeenLeg> {
        match family {
            Family::V4 => self.v4.as_ref(),
            Family::V6 => self.v6.as_ref(),
        }
    }

    /// Whether packets of any family can leave by it.
    pub fn is_ready(&self) -> bool {
        [&self.v4, &self.v6].into_iter().flatten().any(|leg| leg.way.is_ok())
    }

    fn of(
        nl: &mut Connection,
        gateway: &Gateway,
        uplink: &Uplink,
        link: Option<&Link>,
        addresses: &[Address],
        routes: &[Vec<Route>; 2],
    ) -> Result<Self> {
        let [v4, v6] = [Family::V4, Family::V6];
        let [main_v4, main_v6] = routes;
        let leg = |family: Family, main: &[Route]| {
            let leg = uplink.leg(family)?;
            let own: Vec<&Address> = of_link(addresses, link, family).collect();
            let (addresses, old) = usable(&own);
            Some(SeenLeg { addresses, old, way: way::find(leg, link, &own, main) })
        };
        let mut seen = SeenUplink {
            dev: link.map(Dev::from),
            up: link.is_some_and(Link::is_up),
            carrier: link.is_some_and(has_carrier),
            v4: leg(v4, main_v4),
            v6: leg(v6, main_v6),
            ..SeenUplink::default()
        };
        if uplink.shaping.as_ref().is_some_and(|shaping| shaping.ingress) {
            let name = gateway.owned.ifb_of(uplink.dev);
            let is_ifb = |link: &Link| link.kind.as_ref().is_some_and(|kind| kind.name() == "ifb");
            // One that is down would drop all that it is sent.
            let ifb = self::link(nl, &name)?.filter(|link| is_ifb(link) && link.is_up());
            seen.ifb = ifb.map(Dev::from);
        }
        if let Some(dev) = seen.dev {
            seen.queues = queues::read(nl, dev)?;
        }
        Ok(seen)
    }
}

/// The link of this name, if there is one.
pub(super) fn link(nl: &mut Connection, name: &str) -> Result<Option<Link>> {
    match nl.link(name) {
        Ok(link) => Ok(Some(link)),
        Err(Error::NotFound { .. } | Error::Parse(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What the kernel asks of the device of a way: `nh_create_ipv4()` of `net/ipv4/nexthop.c`
fn has_carrier(link: &Link) -> bool {
    link.flags.contains(LinkFlags::LOWER_UP)
}

fn of_link<'a>(
    addresses: &'a [Address],
    link: Option<&'a Link>,
    family: Family,
) -> impl Iterator<Item = &'a Address> {
    addresses.iter().filter(move |address| {
        link.is_some_and(|link| link.dev == address.dev) && Family::of(address.local.address()) == family
    })
}

/// The addresses that new and that only old connections can use.
fn usable(own: &[&Address]) -> (Vec<IpAddr>, Vec<IpAddr>) {
    let global = own.iter().filter(|address| {
        let untested = AddressFlags::TENTATIVE | AddressFlags::DADFAILED;
        address.scope == Scope::GLOBAL && !address.flags.intersects(untested)
    });
    let (old, new): (Vec<_>, Vec<_>) =
        global.partition(|address| address.flags.contains(AddressFlags::DEPRECATED));
    let addresses = |all: Vec<&&Address>| all.into_iter().map(|address| address.local.address()).collect();
    (addresses(new), addresses(old))
}

/// What the main table knows of the ways of uplinks, if any uplink needs it.
fn routes(
    nl: &mut Connection,
    gateway: &Gateway,
    links: &[Option<Link>],
    addresses: &[Address],
    family: Family,
) -> Result<Vec<Route>> {
    let asks = |(uplink, link): (&Uplink, &Option<Link>)| {
        let own: Vec<&Address> = of_link(addresses, link.as_ref(), family).collect();
        link.is_some() && uplink.leg(family).is_some_and(|leg| way::asks_main(leg, &own))
    };
    if !gateway.uplinks.iter().zip(links).any(asks) {
        return Ok(Vec::new());
    }
    let leaves = |dev: Option<Dev>| links.iter().flatten().any(|link| Some(link.dev) == dev);
    let keep = |route: &Route| {
        let is_default = route.to == Prefix::any(family);
        route.kind.is_none_or(|kind| kind == RouteType::UNICAST)
            && (is_default || route.gateway.is_none() && leaves(route.dev))
    };
    plan::all(nl, Routes::of(family).table(Route::MAIN), keep)
}

#[cfg(test)]
mod tests;

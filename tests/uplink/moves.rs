//! Uplinks whose router or address changes under way.

use crate::common::{trial, Outcome};
use crate::lab::{Lab, Result, SERVER};
use crate::running::Running;
use crate::traffic::{serve, tcp_seen_as, until};
use crate::watching::{by_line, judge, works_again, Old, BY_EVENT};
use libtest_mimic::Trial;
use std::net::IpAddr;
use std::time::Duration;
use tcnl::netlink::Connection;
use tcnl::route::{Address, IfAddr, Link, Route};
use tcnl::units::{Dev, Rate};
use tcnl::uplink::{Failover, Gateway, Leg, Via};

pub fn trials() -> Vec<Trial> {
    vec![
        trial(
            "an uplink's router that is learned may change: new connections use the new one, old ones live",
            router,
        ),
        trial(
            "an uplink's addresses may change: new connections have the new ones, old ones are reset",
            renumbered,
        ),
    ]
}

const FAST: (Rate, Rate) = (Rate::mbit(100), Rate::mbit(100));
const LENGTHS: [u8; 2] = [24, 64];

/// The same address with this last number.
fn numbered(address: IpAddr, last: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            [a, b, c, last].into()
        }
        IpAddr::V6(v6) => {
            let mut octets = v6.octets();
            octets[15] = last;
            octets.into()
        }
    }
}

fn default_over(dev: Dev, router: IpAddr) -> Route {
    let default = if router.is_ipv4() { Route::default_v4() } else { Route::default_v6() };
    default.via(router).dev(dev)
}

fn addresses(dev: Dev, addresses: [IpAddr; 2]) -> Result<Vec<Address>> {
    let both = addresses.into_iter().zip(LENGTHS);
    both.map(|(address, length)| Ok(Address::new(IfAddr::new(address, length)?).on(dev))).collect()
}

/// Two uplinks whose routers are where the main table says, as where DHCP clients set routes with metrics; the first one is used.
fn learned(lab: &Lab) -> Result<(Gateway, Connection)> {
    let mut gateway = lab.model(&[FAST; 2]);
    let mut nl = lab.gateway.connection()?;
    for (uplink, line) in gateway.uplinks.iter_mut().zip(&lab.lines) {
        (uplink.v4, uplink.v6) = (Some(Leg::new(Via::Learned)), Some(Leg::new(Via::Learned)));
        let dev = nl.link(&line.device)?.into();
        for router in line.router {
            let mut route = default_over(dev, router);
            route.metric = Some(2000 + dev.index);
            nl.add(&route)?;
        }
    }
    let first = nl.link(&lab.lines[0].device)?.into();
    for router in lab.lines[0].router {
        nl.delete(&default_over(first, router))?;
    }
    gateway.uplinks[1].tier = 1;
    Ok((gateway, nl))
}

fn uses(lab: &Lab, line: usize) -> bool {
    let seen_as = |family: usize| tcp_seen_as(&lab.lan, SERVER[family]);
    (0..2).all(|family| seen_as(family).is_ok_and(|seen| seen == lab.lines[line].address[family]))
}

fn started(lab: &Lab, gateway: Gateway) -> Result<Running> {
    SERVER.into_iter().try_for_each(|address| serve(&lab.internet, address))?;
    let selector = Box::new(Failover::new(&gateway.uplinks, Duration::from_secs(1)));
    let running = Running::start(lab, gateway, selector)?;
    until(Duration::from_secs(3), || uses(lab, 0)).map_err(|_| format!("{:#?}", running.told()))?;
    Ok(running)
}

fn router() -> Outcome {
    let lab = Lab::build(&[FAST; 2])?;
    let (gateway, mut nl) = learned(&lab)?;
    let running = started(&lab, gateway)?;
    let old = Old::open(&lab, 0)?;
    // The provider's router has another number and another card from now on: the old one does not answer any more.
    let (line, mut provider) = (&lab.lines[0], lab.routers[0].connection()?);
    let wan: Dev = provider.link("wan")?.into();
    let successor = line.router.map(|router| numbered(router, 9));
    for (new, gone) in addresses(wan, successor)?.iter().zip(addresses(wan, line.router)?) {
        // In this order: IPv4 addresses of one network go with their first.
        provider.delete(&gone)?;
        provider.add(new)?;
    }
    provider.change(&Link::of(wan).address([2, 0, 0, 0, 0, 9]))?;
    assert!(!uses(&lab, 0), "the old router still answers");
    let dev: Dev = nl.link(&line.device)?.into();
    for (before, after) in line.router.into_iter().zip(successor) {
        let [before, mut after] = [before, after].map(|router| default_over(dev, router));
        after.metric = Some(2000 + dev.index);
        nl.delete(&before)?;
        nl.add(&after)?;
    }
    judge("another router", &works_again(&lab, &by_line(&lab, 0))?, BY_EVENT);
    old.live_or_end().map_err(|why| format!("{why:?}, {:#?}", running.told()))?;
    Ok(())
}

fn renumbered() -> Outcome {
    let mut lab = Lab::build(&[FAST; 2])?;
    let (gateway, mut nl) = learned(&lab)?;
    let running = started(&lab, gateway)?;
    let old = Old::open(&lab, 0)?;
    let dev: Dev = nl.link(&lab.lines[0].device)?.into();
    let now = lab.lines[0].address.map(|address| numbered(address, 3));
    for (gone, new) in addresses(dev, lab.lines[0].address)?.iter().zip(addresses(dev, now)?) {
        nl.delete(gone)?;
        nl.add(&new)?;
    }
    for router in lab.lines[0].router {
        // The kernel took the route with the last address of its network.
        let mut route = default_over(dev, router);
        route.metric = Some(2000 + dev.index);
        nl.replace(&route)?;
    }
    lab.lines[0].address = now;
    judge("other addresses", &works_again(&lab, &by_line(&lab, 0))?, BY_EVENT);
    old.end(&lab, 0).map_err(|why| format!("{why:?}, {:#?}", running.told()))?;
    Ok(())
}

//! A lab of network namespaces of this process: the Internet, any number of providers, a gateway and a LAN, in IPv4 and IPv6. Nothing
//! outside of them is touched, and the kernel takes them down with the process, however it ends. The example and the tests
//! (`tests/uplink`) share it.
//!
//! ```text
//!   internet 203.0.113.100, 2001:db8:ffff::100
//!      |  one cable to each provider
//!   router-N, provider N        drops what has not its customer's source address (BCP 38)
//!      |  100.64.N.0/24, 2001:db8:N::/64: the router is .1, the gateway .2
//!   gateway                     device wN for provider N
//!      |  192.168.7.0/24, fd00:7::/64
//!   lan                         192.168.7.2, fd00:7::2
//! ```

#![allow(dead_code, reason = "not every program uses all of it")]

mod host;

pub use host::{families, has_ipv6, Host};

use crate::Failure;
use host::{cable, wait_for};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use tcnl::route::{Prefix, Route, Rule};
use tcnl::units::{Family, Micros, Name, Rate};
use tcnl::uplink::{Gateway, Leg, Uplink};

/// A program of the lab says what its `Failure` is: any error must become one.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// The server on the Internet.
pub const SERVER: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(203, 0, 113, 100)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, 0x100)),
];
/// The gateway's addresses in the LAN, and the host's there.
const LAN: [[IpAddr; 2]; 2] = [
    [IpAddr::V4(Ipv4Addr::new(192, 168, 7, 1)), IpAddr::V6(Ipv6Addr::new(0xfd00, 7, 0, 0, 0, 0, 0, 1))],
    [IpAddr::V4(Ipv4Addr::new(192, 168, 7, 2)), IpAddr::V6(Ipv6Addr::new(0xfd00, 7, 0, 0, 0, 0, 0, 2))],
];

/// What a provider, counted from 0, gives the gateway: its network, its router's address and the gateway's.
pub struct Line {
    pub device: Name,
    network: [IpAddr; 2],
    pub router: [IpAddr; 2],
    pub address: [IpAddr; 2],
}

impl Line {
    pub fn nth(n: usize) -> Line {
        let number = u8::try_from(n + 1).unwrap();
        let both = |host: u8| -> [IpAddr; 2] {
            [
                Ipv4Addr::new(100, 64, number, host).into(),
                Ipv6Addr::new(0x2001, 0xdb8, number.into(), 0, 0, 0, 0, host.into()).into(),
            ]
        };
        let device = Name::new(&format!("w{number}")).unwrap();
        Line { device, network: both(0), router: both(1), address: both(2) }
    }
}

/// All hosts.
pub struct Lab {
    pub internet: Host,
    pub routers: Vec<Host>,
    pub gateway: Host,
    pub lan: Host,
    pub lines: Vec<Line>,
}

impl Lab {
    /// Builds the lab with these capacities, down and up. The gateway is what it would be with one uplink: it has its
    /// addresses, forwards, and knows one default route.
    pub fn build(capacities: &[(Rate, Rate)]) -> Result<Lab> {
        let hosts = capacities.iter().map(|_| Host::new());
        let lab = Lab {
            internet: Host::new()?,
            routers: hosts.collect::<Result<_>>()?,
            gateway: Host::new()?,
            lan: Host::new()?,
            lines: (0..capacities.len()).map(Line::nth).collect(),
        };
        lab.internet.plug("lo", &[(SERVER[0], 32), (SERVER[1], 128)])?;
        for (n, capacity) in capacities.iter().enumerate() {
            lab.provide(n, *capacity)?;
        }
        cable((&lab.gateway, "lan"), (&lab.lan, "eth0"))?;
        for (host, device, [v4, v6]) in [(&lab.gateway, "lan", LAN[0]), (&lab.lan, "eth0", LAN[1])] {
            host.plug(device, &[(v4, 24), (v6, 64)])?;
        }
        for family in families() {
            lab.lan.route(&default(family).via(LAN[0][family]))?;
            lab.gateway.route(&default(family).via(lab.lines[0].router[family]))?;
        }
        lab.settle()?;
        Ok(lab)
    }

    /// Waits until neighbours know each other: IPv6 takes a second or two for that behind a new cable.
    fn settle(&self) -> Result<()> {
        for family in families() {
            wait_for(&self.lan, LAN[0][family])?;
            for (line, router) in self.lines.iter().zip(&self.routers) {
                wait_for(&self.gateway, line.router[family])?;
                wait_for(router, SERVER[family])?;
                wait_for(&self.internet, line.router[family])?;
            }
        }
        Ok(())
    }

    /// A provider: a router between the Internet and the gateway that limits both directions, and drops packets whose source is
    /// not its customer's.
    fn provide(&self, n: usize, (down, up): (Rate, Rate)) -> Result<()> {
        let (router, line, number) = (&self.routers[n], &self.lines[n], u8::try_from(n + 1).unwrap());
        let inner = |host: u8| -> [(IpAddr, u8); 2] {
            let v4 = Ipv4Addr::new(198, 18, number, host);
            let v6 = Ipv6Addr::new(0x2001, 0xdb8, 0xf000 | u16::from(number), 0, 0, 0, 0, host.into());
            [(v4.into(), 24), (v6.into(), 64)]
        };
        let port = format!("p{number}");
        cable((&self.internet, &port), (router, "net"))?;
        cable((router, "wan"), (&self.gateway, &line.device))?;
        self.internet.plug(&port, &inner(1))?;
        let net = router.plug("net", &inner(2))?;
        let with_lengths = |addresses: [IpAddr; 2]| [(addresses[0], LENGTHS[0]), (addresses[1], LENGTHS[1])];
        let wan = router.plug("wan", &with_lengths(line.router))?;
        self.gateway.plug(&line.device, &with_lengths(line.address))?;
        for family in families() {
            let customers = Prefix::new(line.network[family], LENGTHS[family])?;
            let back = Route::to(customers).via(inner(2)[family].0).source(SERVER[family])?;
            self.internet.route(&back)?;
            router.route(&default(family).via(inner(1)[family].0))?;
            filter(router, family, customers)?;
        }
        router.limit(wan, down, Micros(100_000))?;
        router.limit(net, up, Micros(200_000))
    }

    /// The gateway's uplinks as their providers describe them, with a leg for each family that the lab has.
    pub fn model(&self, capacities: &[(Rate, Rate)]) -> Gateway {
        let uplinks = self.lines.iter().zip(capacities).enumerate().map(|(n, (line, (down, up)))| {
            let uplink = Uplink::new(format!("isp-{}", n + 1), line.device, *down, *up);
            let uplink = uplink.v4(Leg::via(line.router[0]));
            if has_ipv6() {
                uplink.v6(Leg::via(line.router[1]))
            } else {
                uplink
            }
        });
        Gateway::new(uplinks, [Name::new("lan").unwrap()])
    }
}

const FAMILIES: [Family; 2] = [Family::V4, Family::V6];
/// The lengths of the networks' prefixes.
const LENGTHS: [u8; 2] = [24, 64];

fn default(family: usize) -> Route {
    Route::default_of(FAMILIES[family])
}

/// Drops what comes from a customer and has not his source address.
fn filter(router: &Host, family: usize, customers: Prefix) -> Result<()> {
    let mut nl = router.connection()?;
    let rule = || Ok::<_, tcnl::Error>(Rule::of(FAMILIES[family]).iif(Name::new("wan")?));
    nl.add(&rule()?.from(customers)?.priority(100).table(Route::MAIN))?;
    if FAMILIES[family] == Family::V6 {
        // Neighbours are found from link-local addresses.
        let local: Prefix = "fe80::/10".parse()?;
        nl.add(&rule()?.from(local)?.priority(101).table(Route::MAIN))?;
    }
    nl.add(&rule()?.priority(102).blackhole())?;
    Ok(())
}

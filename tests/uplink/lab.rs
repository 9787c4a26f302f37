//! A lab of network namespaces: the Internet, any number of providers, a gateway and a LAN, in IPv4 and IPv6.
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

use crate::common::Stop;
use nix::sched::{setns, unshare, CloneFlags};
use std::fs::{self, File};
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpStream};
use std::os::fd::AsFd;
use std::thread;
use std::time::Duration;
use tcnl::netlink::{Connection, Namespace};
use tcnl::route::{Address, IfAddr, Link, Prefix, Route, Rule, Veth};
use tcnl::tc::tbf::Tbf;
use tcnl::tc::Qdisc;
use tcnl::units::{Dev, Micros, Name, Rate, Size};
use tcnl::uplink::{Gateway, Leg, Uplink};

pub type Result<T, E = Stop> = std::result::Result<T, E>;

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

/// A host: a network namespace, alive as long as its descriptor.
pub struct Host {
    namespace: File,
}

impl Host {
    fn new() -> Result<Host> {
        let inside = thread::spawn(|| -> Result<File> {
            unshare(CloneFlags::CLONE_NEWNET)?;
            Ok(File::open("/proc/thread-self/ns/net")?)
        });
        let host = Host { namespace: inside.join().map_err(|_| "a thread of the lab panicked")?? };
        for (key, value) in [
            ("ipv4/ip_forward", "1"),
            ("ipv6/conf/all/forwarding", "1"),
            ("ipv4/conf/all/rp_filter", "0"),
            ("ipv4/conf/default/rp_filter", "0"),
            // Addresses count at once.
            ("ipv6/conf/default/accept_dad", "0"),
            ("ipv4/tcp_congestion_control", "reno"),
        ] {
            host.sysctl(key, value)?;
        }
        host.plug("lo", &[])?;
        Ok(host)
    }

    /// A connection to the kernel in this host.
    pub fn connection(&self) -> Result<Connection> {
        Ok(Connection::open_in(Namespace::Fd(self.namespace.as_fd()))?)
    }

    /// Moves the calling thread into this host.
    pub fn enter(&self) -> Result<()> {
        Ok(setns(&self.namespace, CloneFlags::CLONE_NEWNET)?)
    }

    /// Another handle of the same host.
    pub fn again(&self) -> Result<Host> {
        Ok(Host { namespace: self.namespace.try_clone()? })
    }

    /// Does `work` in this host. Sockets opened there belong to the host for good.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        thread::scope(|scope| {
            let inside = scope.spawn(|| {
                self.enter()?;
                work()
            });
            inside.join().unwrap_or_else(|_| Err("a thread of the lab panicked".into()))
        })
    }

    /// Sets a variable below `net`. /proc/sys/net is that of the thread that opens it.
    pub fn sysctl(&self, key: &str, value: &str) -> Result<()> {
        self.run(|| Ok(fs::write(format!("/proc/sys/net/{key}"), value)?))
    }

    /// Makes it drop all that it would forward, without a word; its links stay as they are.
    pub fn silence(&self, silent: bool) -> Result<()> {
        let mut nl = self.connection()?;
        for rule in [Rule::v4(), Rule::v6()] {
            let rule = rule.iif(Name::new("wan")?).priority(1).blackhole();
            if silent {
                nl.add(&rule)?
            } else {
                nl.delete(&rule)?
            };
        }
        Ok(())
    }

    /// Gives a device its addresses and takes it up.
    fn plug(&self, device: &str, addresses: &[(IpAddr, u8)]) -> Result<Dev> {
        let mut nl = self.connection()?;
        let dev = Dev::from(nl.link(device)?);
        for (address, length) in addresses {
            nl.add(&Address::new(IfAddr::new(*address, *length)?).on(dev))?;
        }
        nl.change(&Link::of(dev).up())?;
        Ok(dev)
    }

    fn route(&self, route: &Route) -> Result<()> {
        self.connection()?.add(route)?;
        Ok(())
    }

    /// Limits what leaves by a device, with a queue as long as `patience` at this rate.
    fn limit(&self, dev: Dev, rate: Rate, patience: Micros) -> Result<()> {
        let burst = Size((rate.as_bytes_per_second() / 20).max(5000));
        self.connection()?.add(&Qdisc::root(dev).kind(Tbf::rate(rate).burst(burst).latency(patience)))?;
        Ok(())
    }
}

/// Lays a cable between two hosts.
fn cable(one: (&Host, &str), other: (&Host, &str)) -> Result<()> {
    let peer = Link::named(other.1)?.netns_fd(&other.0.namespace);
    one.0.connection()?.add(&Link::named(one.1)?.kind(Veth::peer(peer)))?;
    Ok(())
}

/// Waits until a host can be reached: nobody listens at this port, and that it says so is enough.
fn wait_for(from: &Host, to: IpAddr) -> Result<()> {
    from.run(|| {
        for _ in 0..20 {
            let error = TcpStream::connect_timeout(&(to, 1).into(), Duration::from_millis(500)).map(drop);
            if error.is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused) {
                return Ok(());
            }
        }
        Err(format!("{to} is not reached in the lab").into())
    })
}

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
        for (family, to) in [Route::default_v4(), Route::default_v6()].into_iter().enumerate() {
            lab.lan.route(&to.clone().via(LAN[0][family]))?;
            lab.gateway.route(&to.via(lab.lines[0].router[family]))?;
        }
        lab.settle()?;
        Ok(lab)
    }

    /// Waits until neighbours know each other: IPv6 takes a second or two for that behind a new cable.
    fn settle(&self) -> Result<()> {
        for family in 0..2 {
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
        let lengths = [24, 64];
        let with_lengths = |addresses: [IpAddr; 2]| [(addresses[0], lengths[0]), (addresses[1], lengths[1])];
        let wan = router.plug("wan", &with_lengths(line.router))?;
        self.gateway.plug(&line.device, &with_lengths(line.address))?;
        for (family, length) in lengths.into_iter().enumerate() {
            let customers = Prefix::new(line.network[family], length)?;
            let back = Route::to(customers).via(inner(2)[family].0).source(SERVER[family])?;
            self.internet.route(&back)?;
            let default = if family == 0 { Route::default_v4() } else { Route::default_v6() };
            router.route(&default.via(inner(1)[family].0))?;
            let rule = if family == 0 { Rule::v4() } else { Rule::v6() };
            let mut nl = router.connection()?;
            let from_customer = rule.clone().iif(Name::new("wan")?).from(customers)?;
            nl.add(&from_customer.priority(100).table(Route::MAIN))?;
            if family == 1 {
                // Neighbours are found from link-local addresses.
                let local: Prefix = "fe80::/10".parse()?;
                nl.add(&rule.clone().iif(Name::new("wan")?).from(local)?.priority(101).table(Route::MAIN))?;
            }
            nl.add(&rule.iif(Name::new("wan")?).priority(102).blackhole())?;
        }
        router.limit(wan, down, Micros(100_000))?;
        router.limit(net, up, Micros(200_000))
    }

    /// The gateway's uplinks as their providers describe them, with what both families need.
    pub fn model(&self, capacities: &[(Rate, Rate)]) -> Gateway {
        let uplinks = self.lines.iter().zip(capacities).enumerate().map(|(n, (line, (down, up)))| {
            Uplink::new(format!("isp-{}", n + 1), line.device, *down, *up)
                .v4(Leg::via(line.router[0]))
                .v6(Leg::via(line.router[1]))
        });
        Gateway::new(uplinks, [Name::new("lan").unwrap()])
    }
}

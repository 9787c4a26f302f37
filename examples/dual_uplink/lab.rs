//! The lab: hosts in network namespaces of this process, joined by virtual cables. Nothing outside of them is touched, and the
//! kernel takes them down with the process, however it ends.
//!
//! ```text
//!                         internet 203.0.113.100
//!                  to-a /                        \ to-b
//!                  net /                          \ net
//!   router-a, provider A                        router-b, provider B
//!   wan 198.51.100.1 |                            | wan 192.0.2.1
//!                    |                            |
//! wan-a 198.51.100.2 +--------- gateway ----------+ wan-b 192.0.2.2
//!                                  | lan 192.168.7.1
//!                                  |
//!                              lan-host 192.168.7.2
//! ```

use crate::gateway::{Uplink, LAN};
use crate::{Failure, Result};
use nix::sched::{setns, unshare, CloneFlags};
use nix::unistd::{getegid, geteuid};
use std::fs::{self, File};
use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::thread;
use tcnl::netlink::{Builder, Capabilities, Connection, Feature, Namespace, Protocol};
use tcnl::route::{Address, IfAddr, Link, Prefix, Route, Veth};
use tcnl::tc::tbf::Tbf;
use tcnl::tc::Qdisc;
use tcnl::units::{Dev, Micros, Rate, Size};

/// The server's address on the Internet.
pub const SERVER: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 100);

/// Moves this process, which has one thread yet, out of the machine's network: as root just so, and otherwise as the root of a
/// user namespace of its own.
pub fn leave_the_machine() -> Result<()> {
    let (uid, gid) = (geteuid(), getegid());
    if unshare(CloneFlags::CLONE_NEWNET).is_ok() {
        return Ok(());
    }
    unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNET)
        .map_err(|error| format!("the kernel gives this user no namespaces of its own: {error}"))?;
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("0 {uid} 1"))?;
    fs::write("/proc/self/gid_map", format!("0 {gid} 1"))?;
    Ok(())
}

/// What the lab needs and this kernel lacks. What only makes it better has a substitute in the gateway.
pub fn missing(kernel: &Capabilities) -> Vec<String> {
    let qdiscs = ["htb", "tbf"].into_iter().filter(|kind| !kernel.has_qdisc(kind)).map(String::from);
    let filters = ["u32"].into_iter().filter(|kind| !kernel.has_filter(kind)).map(String::from);
    let features = [Feature::Rules, Feature::Multipath, Feature::NfTables];
    let features = features.iter().filter(|feature| !kernel.has(**feature)).map(Feature::to_string);
    qdiscs.chain(filters).chain(features).collect()
}

/// A host of the lab: a network namespace, alive as long as its descriptor.
pub struct Host {
    name: &'static str,
    namespace: File,
}

impl Host {
    fn new(name: &'static str) -> Result<Host> {
        let inside = thread::spawn(|| -> Result<File> {
            unshare(CloneFlags::CLONE_NEWNET)?;
            Ok(File::open("/proc/thread-self/ns/net")?)
        });
        let host = Host { name, namespace: joined(inside.join())? };
        for (key, value) in [
            ("ipv4/ip_forward", "1"),
            // New namespaces inherit these from the machine: the lab is to be the same everywhere.
            ("ipv4/conf/all/rp_filter", "0"),
            ("ipv4/conf/default/rp_filter", "0"),
            ("ipv4/tcp_congestion_control", "reno"),
        ] {
            host.sysctl(key, value)?;
        }
        // No chatter of IPv6 between the packets that are counted; a kernel without IPv6 has nothing to turn off.
        let _ = host.sysctl("ipv6/conf/default/disable_ipv6", "1");
        host.plug("lo", &[])?;
        Ok(host)
    }

    /// A connection to the kernel in this host.
    pub fn connection(&self, protocol: Protocol) -> Result<Connection> {
        Ok(Builder::default().protocol(protocol).open_in(Namespace::Fd(self.namespace.as_fd()))?)
    }

    /// Does `work` in this host. Sockets opened there belong to the host for good.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        thread::scope(|scope| {
            let inside = scope.spawn(|| {
                setns(&self.namespace, CloneFlags::CLONE_NEWNET)?;
                work()
            });
            joined(inside.join())
        })
    }

    /// Sets a variable below `net`. /proc/sys/net is that of the thread that opens it.
    pub fn sysctl(&self, key: &str, value: &str) -> Result<()> {
        self.run(|| Ok(fs::write(format!("/proc/sys/net/{key}"), value)?))
            .map_err(|error| format!("{}: cannot set net/{key}: {error}", self.name).into())
    }

    /// Gives a device its addresses and takes it up.
    fn plug(&self, device: &str, addresses: &[(Ipv4Addr, u8)]) -> Result<Dev> {
        let mut nl = self.connection(Protocol::Route)?;
        let dev = Dev::from(nl.link(device)?);
        for (address, length) in addresses {
            nl.add(&Address::new(IfAddr::new(*address, *length)?).on(dev))?;
        }
        nl.change(&Link::of(dev).up())?;
        Ok(dev)
    }

    fn route(&self, route: &Route) -> Result<()> {
        self.connection(Protocol::Route)?.add(route)?;
        Ok(())
    }

    /// Limits what leaves by a device, with a queue as long as `patience` at this rate.
    fn limit(&self, dev: Dev, rate: Rate, patience: Micros) -> Result<()> {
        // 50 ms: a busy machine comes late to its timers, and what it misses shall not be missing from the uplink.
        let burst = Size((rate.as_bytes_per_second() / 20).max(5000));
        let tbf = Tbf::rate(rate).burst(burst).latency(patience);
        self.connection(Protocol::Route)?.add(&Qdisc::root(dev).kind(tbf))?;
        Ok(())
    }
}

fn joined<T>(result: thread::Result<Result<T>>) -> Result<T> {
    result.unwrap_or_else(|_| Err(Failure::from("a thread of the lab panicked")))
}

/// Lays a cable between two hosts.
fn cable(one: (&Host, &str), other: (&Host, &str)) -> Result<()> {
    let peer = Link::named(other.1)?.netns_fd(&other.0.namespace);
    one.0.connection(Protocol::Route)?.add(&Link::named(one.1)?.kind(Veth::peer(peer)))?;
    Ok(())
}

/// All hosts.
pub struct Lab {
    pub internet: Host,
    pub routers: [Host; 2],
    pub gateway: Host,
    pub lan: Host,
}

impl Lab {
    /// Builds the lab. The gateway is what it would be with one uplink: it has its addresses, forwards, and knows one default route.
    pub fn build(uplinks: &[Uplink; 2]) -> Result<Lab> {
        let lab = Lab {
            internet: Host::new("internet")?,
            routers: [Host::new("router-a")?, Host::new("router-b")?],
            gateway: Host::new("gateway")?,
            lan: Host::new("lan-host")?,
        };
        lab.internet.plug("lo", &[(SERVER, 32)])?;
        for ((uplink, router), (port, subnet)) in
            uplinks.iter().zip(&lab.routers).zip([("to-a", 0), ("to-b", 4)])
        {
            lab.provide(uplink, router, port, subnet)?;
        }
        let (gateway, lan_host) = (Ipv4Addr::new(192, 168, 7, 1), Ipv4Addr::new(192, 168, 7, 2));
        cable((&lab.gateway, LAN), (&lab.lan, "eth0"))?;
        lab.gateway.plug(LAN, &[(gateway, 24)])?;
        lab.lan.plug("eth0", &[(lan_host, 24)])?;
        lab.lan.route(&Route::default_v4().via(gateway))?;
        let [first, _] = uplinks;
        lab.gateway.route(&Route::default_v4().via(first.gateway))?;
        Ok(lab)
    }

    /// A provider: a router between the Internet and the gateway that limits both directions, with queues as providers have them, and
    /// drops packets whose source address is not its customer's (BCP 38).
    fn provide(&self, uplink: &Uplink, router: &Host, port: &'static str, subnet: u8) -> Result<()> {
        let (server_side, router_side) =
            (Ipv4Addr::new(203, 0, 113, subnet + 1), Ipv4Addr::new(203, 0, 113, subnet + 2));
        cable((&self.internet, port), (router, "net"))?;
        cable((router, "wan"), (&self.gateway, uplink.device))?;
        self.internet.plug(port, &[(server_side, 30)])?;
        let net = router.plug("net", &[(router_side, 30)])?;
        let wan = router.plug("wan", &[(uplink.gateway, 24)])?;
        self.gateway.plug(uplink.device, &[(uplink.address, 24)])?;
        let [a, b, c, _] = uplink.gateway.octets();
        self.internet.route(&Route::to(Prefix::new([a, b, c, 0], 24)?).via(router_side).source(SERVER)?)?;
        router.route(&Route::default_v4().via(server_side))?;
        router.limit(wan, uplink.down, Micros(100_000))?;
        router.limit(net, uplink.up, Micros(200_000))?;
        // Strict: a packet's source must be reachable over the device it came in by.
        router.sysctl("ipv4/conf/wan/rp_filter", "1")
    }
}

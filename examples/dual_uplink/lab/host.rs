//! A host of the lab.

use super::Result;
use nix::sched::{setns, unshare, CloneFlags};
use std::fs::{self, File};
use std::io::ErrorKind;
use std::net::{IpAddr, TcpStream};
use std::ops::Range;
use std::os::fd::AsFd;
use std::path::Path;
use std::thread;
use std::time::Duration;
use tcnl::netlink::{Connection, Namespace};
use tcnl::route::{Address, IfAddr, Link, Route, Rule, Veth};
use tcnl::tc::tbf::Tbf;
use tcnl::tc::Qdisc;
use tcnl::units::{Dev, Micros, Name, Rate, Size};

/// The address families that the lab has, as places in pairs of addresses: a kernel without IPv6 has but the first.
pub fn families() -> Range<usize> {
    0..1 + usize::from(has_ipv6())
}

/// Whether this kernel has IPv6, and was not booted with `ipv6.disable=1`.
pub fn has_ipv6() -> bool {
    Path::new("/proc/sys/net/ipv6/conf").is_dir()
}

/// A host: a network namespace, alive as long as its descriptor.
pub struct Host {
    namespace: File,
}

impl Host {
    pub(super) fn new() -> Result<Host> {
        let inside = thread::spawn(|| -> Result<File> {
            unshare(CloneFlags::CLONE_NEWNET)?;
            Ok(File::open("/proc/thread-self/ns/net")?)
        });
        let host = Host { namespace: inside.join().map_err(|_| "a thread of the lab panicked")?? };
        // New namespaces inherit some of these from the machine: the lab is to be the same everywhere.
        for (key, value) in [
            ("ipv4/ip_forward", "1"),
            ("ipv4/conf/all/rp_filter", "0"),
            ("ipv4/conf/default/rp_filter", "0"),
            ("ipv4/tcp_congestion_control", "reno"),
            ("ipv6/conf/all/disable_ipv6", "0"),
            ("ipv6/conf/all/forwarding", "1"),
            // Addresses count at once.
            ("ipv6/conf/default/accept_dad", "0"),
        ] {
            if has_ipv6() || !key.starts_with("ipv6") {
                host.sysctl(key, value)?;
            }
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
        let file = format!("/proc/sys/net/{key}");
        self.run(|| Ok(fs::write(&file, value).map_err(|error| format!("{file} = {value}: {error}"))?))
    }

    /// Makes it drop all that it would forward, without a word; its links stay as they are.
    pub fn silence(&self, silent: bool) -> Result<()> {
        let mut nl = self.connection()?;
        for rule in [Rule::v4(), Rule::v6()].into_iter().take(families().len()) {
            let rule = rule.iif(Name::new("wan")?).priority(1).blackhole();
            if silent {
                nl.add(&rule)?
            } else {
                nl.delete(&rule)?
            };
        }
        Ok(())
    }

    /// Gives a device its addresses, those of the families that the lab has, and takes it up.
    pub(super) fn plug(&self, device: &str, addresses: &[(IpAddr, u8)]) -> Result<Dev> {
        let mut nl = self.connection()?;
        let dev = Dev::from(nl.link(device)?);
        for (address, length) in addresses {
            if address.is_ipv4() || has_ipv6() {
                // Nobody else has it: without being looked for, it counts at once.
                let address = Address::new(IfAddr::new(*address, *length)?).nodad();
                nl.add(&address.on(dev))?;
            }
        }
        nl.change(&Link::of(dev).up())?;
        Ok(dev)
    }

    pub(super) fn route(&self, route: &Route) -> Result<()> {
        self.connection()?.add(route)?;
        Ok(())
    }

    /// Limits what leaves by a device, with a queue as long as `patience` at this rate.
    pub(super) fn limit(&self, dev: Dev, rate: Rate, patience: Micros) -> Result<()> {
        // 50 ms: a busy machine comes late to its timers, and what it misses shall not be missing from the uplink.
        let burst = Size((rate.as_bytes_per_second() / 20).max(5000));
        self.connection()?.add(&Qdisc::root(dev).kind(Tbf::rate(rate).burst(burst).latency(patience)))?;
        Ok(())
    }
}

/// Lays a cable between two hosts.
pub(super) fn cable(one: (&Host, &str), other: (&Host, &str)) -> Result<()> {
    let peer = Link::named(other.1)?.netns_fd(&other.0.namespace);
    one.0.connection()?.add(&Link::named(one.1)?.kind(Veth::peer(peer)))?;
    Ok(())
}

/// Waits until a host can be reached: nobody listens at this port, and that it says so is enough.
pub(super) fn wait_for(from: &Host, to: IpAddr) -> Result<()> {
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

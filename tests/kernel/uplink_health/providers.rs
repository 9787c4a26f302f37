//! Two providers, each in a namespace of its own; this namespace is their customer. Both have the servers, so that the wrong one
//! would answer as well.

use super::B;
use crate::common::{in_netns, ip, Stop};
use nix::sched::{setns, CloneFlags};
use std::fs::{self, File};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::AsRawFd;
use std::process::id;
use std::thread;
use tcnl::uplink::Sources;

/// The servers' addresses.
pub const V4: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 9);
pub const V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xf, 0, 0, 0, 0, 9);
pub const BOTH: [IpAddr; 2] = [IpAddr::V4(V4), IpAddr::V6(V6)];
/// There is nobody in here but the servers.
pub const SILENT_NET: &str = "203.0.113.0/24";

pub struct Providers {
    a: File,
    b: File,
}

impl Providers {
    /// The main table goes by provider A, packets with the mark [`B`] by provider B.
    pub fn build() -> Result<Self, Stop> {
        let new = || in_netns(|| Ok(File::open("/proc/thread-self/ns/net")?));
        let providers = Providers { a: new()?, b: new()? };
        ip("link set lo up")?;
        providers.connect(&providers.a, "a", "192.0.2")?;
        providers.connect(&providers.b, "b", "198.51.100")?;
        for command in [
            "-4 route add default via 192.0.2.254".to_owned(),
            "-6 route add default via 2001:db8:a::fe".to_owned(),
            "-4 route add default via 198.51.100.254 table 102".to_owned(),
            "-6 route add default via 2001:db8:b::fe table 102".to_owned(),
            format!("-4 rule add fwmark {B:#x}/0x3f00 table 102 priority 1000"),
            format!("-6 rule add fwmark {B:#x}/0x3f00 table 102 priority 1000"),
        ] {
            ip(&command)?;
        }
        Ok(providers)
    }

    fn connect(&self, provider: &File, dev: &str, net: &str) -> Result<(), Stop> {
        let namespace = format!("/proc/{}/fd/{}", id(), provider.as_raw_fd());
        ip(&format!("link add name {dev} type veth peer name wan netns {namespace}"))?;
        // What a customer gets by the other uplink must not be dropped here for its source.
        let loose = |dev: &str| fs::write(format!("/proc/sys/net/ipv4/conf/{dev}/rp_filter"), "2");
        loose(dev)?;
        ip(&format!("address add {net}.1/24 dev {dev}"))?;
        ip(&format!("address add 2001:db8:{dev}::1/64 dev {dev} nodad"))?;
        inside(provider, || {
            // Or else it would say that it cannot pass on what is not for the servers.
            for switch in ["ipv4/ip_forward", "ipv6/conf/all/forwarding"] {
                fs::write(format!("/proc/sys/net/{switch}"), "0")?;
            }
            loose("wan")?;
            for command in [
                "link set lo up".to_owned(),
                format!("address add {V4}/32 dev lo"),
                format!("address add {V6}/128 dev lo nodad"),
                format!("address add {net}.254/24 dev wan"),
                format!("address add 2001:db8:{dev}::fe/64 dev wan nodad"),
                "link set wan up".to_owned(),
            ] {
                ip(&command)?;
            }
            // Each answer counts.
            for limit in ["ipv4/icmp_ratelimit", "ipv6/icmp/ratelimit"] {
                fs::write(format!("/proc/sys/net/{limit}"), "0")?;
            }
            Ok(())
        })?;
        ip(&format!("link set dev {dev} up")).map(drop)
    }

    /// Does this at provider B. Sockets that are opened there stay there.
    pub fn in_b<T: Send>(&self, work: impl FnOnce() -> Result<T, Stop> + Send) -> Result<T, Stop> {
        inside(&self.b, work)
    }

    /// What the two providers have counted under this name.
    pub fn counters(&self, name: &str) -> Result<[u64; 2], Stop> {
        Ok([inside(&self.a, || counter(name))?, inside(&self.b, || counter(name))?])
    }

    /// The customer's addresses at provider B.
    pub fn sources_of_b() -> Sources {
        let v6 = Ipv6Addr::new(0x2001, 0xdb8, 0xb, 0, 0, 0, 0, 1);
        Sources { v4: Some(Ipv4Addr::new(198, 51, 100, 1)), v6: Some(v6) }
    }

    /// Whether it is one of them.
    pub fn is_b(address: IpAddr) -> bool {
        let Sources { v4, v6 } = Self::sources_of_b();
        v4.map(IpAddr::V4) == Some(address) || v6.map(IpAddr::V6) == Some(address)
    }
}

fn inside<T: Send>(namespace: &File, work: impl FnOnce() -> Result<T, Stop> + Send) -> Result<T, Stop> {
    let own_thread = || {
        setns(namespace, CloneFlags::CLONE_NEWNET)?;
        work()
    };
    thread::scope(|scope| scope.spawn(own_thread).join().unwrap_or_else(|_| Err("a thread panicked".into())))
}

/// In this namespace: a name of the heads in `net/snmp` with the number below it, or a name with its number in `net/snmp6`.
fn counter(name: &str) -> Result<u64, Stop> {
    let v4 = fs::read_to_string("/proc/thread-self/net/snmp")?;
    let lines: Vec<_> = v4.lines().collect();
    let below = lines.chunks(2).find_map(|pair| {
        let [names, numbers] = pair else { return None };
        let mut both = names.split_whitespace().zip(numbers.split_whitespace());
        both.find(|(is, _)| *is == name).map(|(_, number)| number.to_owned())
    });
    let v6 = fs::read_to_string("/proc/thread-self/net/snmp6")?;
    let beside = || v6.lines().find_map(|line| Some(line.strip_prefix(name)?.trim().to_owned()));
    Ok(below.or_else(beside).ok_or("no such counter")?.parse()?)
}

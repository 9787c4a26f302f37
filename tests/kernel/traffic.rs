//! A way out on which packets are counted: `v0` has an htb with classes 1:1 to 1:4 for what filters find, and 1:f for the rest.
//! Nobody is behind it, so that nothing answers: what is counted is what was sent.

use crate::common::{ip, Outcome, Stop};
use std::collections::BTreeMap;
use std::net::{SocketAddr, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};
use tcnl::netlink::Connection;
use tcnl::tc::htb::{Htb, HtbClass};
use tcnl::tc::{Class, Filter, Qdisc};
use tcnl::units::{Handle, Rate};

/// `v0`, through which everything leaves.
pub const OUT: u32 = 10;
/// `v1`, at which it arrives.
pub const IN: u32 = 11;
pub const ROOT: Handle = Handle::new(1, 0);
/// For what no filter finds.
pub const REST: u16 = 0xf;

/// A class of `v0`.
pub fn class(minor: u16) -> Handle {
    Handle::new(1, minor)
}

pub struct Lab {
    pub nl: Connection,
}

impl Lab {
    pub fn new() -> Result<Self, Stop> {
        for command in [
            "link set lo up",
            "link add v0 index 10 type veth peer name v1 index 11",
            // Nobody asks for addresses, and the kernel has nothing to say of its own.
            "link set v0 addrgenmode none",
            "link set v1 addrgenmode none",
            "link set v0 arp off",
            "link set v1 up",
            "link set v0 up",
            "address add 10.9.0.1/32 dev lo",
            "route add default dev v0 src 10.9.0.1",
            "-6 address add fd00:9::1/128 dev lo nodad",
            "-6 route add default dev v0",
        ] {
            ip(command)?;
        }
        let mut lab = Lab { nl: Connection::open()? };
        lab.count_on(OUT)?;
        Ok(lab)
    }

    /// Puts an htb with the classes on a device.
    pub fn count_on(&mut self, dev: u32) -> Outcome {
        self.nl.add(&Qdisc::root(dev).handle(ROOT).kind(Htb::new().default_class(REST)))?;
        for minor in [1, 2, 3, 4, REST] {
            let kind = HtbClass::rate(Rate::gbit(10)).quantum(60_000);
            self.nl.add(&Class::under(dev, ROOT).id(class(minor)).kind(kind))?;
        }
        Ok(())
    }

    /// Adds filters to the root of `v0`.
    pub fn filter(&mut self, filters: impl IntoIterator<Item = Filter>) -> Outcome {
        filters.into_iter().try_for_each(|filter| Ok(self.nl.add(&filter).map(drop)?))
    }

    /// The classes of `v0` counted so many packets, and the others none.
    pub fn counted(&mut self, expected: &[(u16, u64)]) -> Outcome {
        self.counted_on(OUT, expected)
    }

    /// The classes of a device counted so many packets, and the others none.
    pub fn counted_on(&mut self, dev: u32, expected: &[(u16, u64)]) -> Outcome {
        let expected: BTreeMap<_, _> = expected.iter().copied().collect();
        // A packet may still wait for a token.
        let end = Instant::now() + Duration::from_secs(5);
        loop {
            let seen = self.counts(dev)?;
            if seen == expected {
                return Ok(());
            }
            if Instant::now() > end {
                return Err(Stop::Fail(format!("counted {seen:x?}, not {expected:x?}")));
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// The packets of each class that has some.
    fn counts(&mut self, dev: u32) -> Result<BTreeMap<u16, u64>, Stop> {
        let packets = |class: &Class| class.stats.as_ref().map_or(0, |stats| stats.packets);
        let classes = self.nl.snapshot(Class::of(dev))?;
        Ok(classes
            .iter()
            .map(|class| (class.id.minor(), packets(class)))
            .filter(|(_, packets)| *packets != 0)
            .collect())
    }
}

/// A filter at the root of `v0`.
pub fn filter() -> Filter {
    Filter::on(OUT, ROOT)
}

/// Sends so many datagrams.
pub fn send(count: usize, to: &str) -> Outcome {
    send_from(count, to, |_| Ok(()))
}

/// Sends so many datagrams from a socket that was prepared.
pub fn send_from(count: usize, to: &str, prepare: impl FnOnce(&UdpSocket) -> Outcome) -> Outcome {
    let to: SocketAddr = to.parse()?;
    let socket = UdpSocket::bind(if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" })?;
    prepare(&socket)?;
    send_on(&socket, count, 100, to)
}

/// Sends so many datagrams of so many bytes.
pub fn send_on(socket: &UdpSocket, count: usize, len: usize, to: SocketAddr) -> Outcome {
    (0..count).try_for_each(|_| Ok(socket.send_to(&vec![0; len], to).map(drop)?))
}

/// Sends so many datagrams with this firewall mark.
pub fn send_marked(count: usize, to: &str, mark: u32) -> Outcome {
    send_from(count, to, |socket| {
        Ok(nix::sys::socket::setsockopt(socket, nix::sys::socket::sockopt::Mark, &mark)?)
    })
}

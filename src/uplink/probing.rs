use crate::units::Percent;
use std::fmt::{self, Display, Formatter};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// How to find out whether an uplink works.
///
/// In each round all targets are asked over the uplink; the round is good if one of them answers in time. A silent loss is found within
/// [`fall`](Probing::fall) intervals and one timeout, 1.7 s unless said otherwise, so that new connections work again within 2 s.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Probing {
    /// Whom to ask. Empty: an uplink works if its device does.
    pub targets: Vec<Target>,
    /// From one round to the next. 0.3 s unless said; 10 ms to an hour. Each probe is about 84 bytes there and back: 24 MB a day and target each
    /// way.
    pub interval: Duration,
    /// How long to wait for an answer, an hour at most. 0.8 s unless said: lines by satellite take 0.6 s, and what is full and not shaped longer.
    pub timeout: Duration,
    /// So many good rounds in a row and an uplink works again. 3 unless said; at least 1.
    pub rise: u32,
    /// So many bad rounds in a row and it does not work any more. 3 unless said; at least 1.
    pub fall: u32,
    /// It works only while no more than this part of the last [`window`](Probing::window) rounds was bad.
    pub max_loss: Option<Percent>,
    /// It works only while the answers of the last [`window`](Probing::window) rounds took no longer than this in the middle (median).
    pub max_round_trip: Option<Duration>,
    /// How many rounds the two gates look back. 20 unless said; 1 to 1000.
    pub window: usize,
}

/// Somebody to ask whether an uplink works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Target {
    /// Answers an ICMP echo request.
    Icmp(IpAddr),
    /// Takes or refuses a TCP connection: either is an answer.
    Tcp(SocketAddr),
}

impl Default for Probing {
    fn default() -> Self {
        Probing {
            targets: Vec::new(),
            interval: Duration::from_millis(300),
            timeout: Duration::from_millis(800),
            rise: 3,
            fall: 3,
            max_loss: None,
            max_round_trip: None,
            window: 20,
        }
    }
}

impl Target {
    /// Whom it asks.
    pub fn address(&self) -> IpAddr {
        match self {
            Target::Icmp(address) => *address,
            Target::Tcp(address) => address.ip(),
        }
    }
}

impl Display for Target {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Target::Icmp(address) => write!(f, "icmp {address}"),
            Target::Tcp(address) => write!(f, "tcp {address}"),
        }
    }
}

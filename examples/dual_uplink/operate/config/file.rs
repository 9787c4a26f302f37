//! What stands in the file, key by key, and the model that it describes.

use super::words::{Asked, Next, Ports, Said, Span};
use super::{Choice, Config};
use serde::Deserialize;
use std::net::IpAddr;
use std::time::Duration;
use tcnl::route::{Prefix, RouteProtocol};
use tcnl::units::{Name, Percent, Rate};
use tcnl::uplink::{Forced, Gateway, Leg, Owned, Probing, Shaping, Share, Target, Transport, Uplink};

/// How long a better uplink must have worked until `failover` returns to it.
const HOLD: Duration = Duration::from_secs(10);
/// How full an uplink is, in percent, when `overflow` takes the next.
const FULL: f64 = 80.0;

/// How new connections are spread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    #[default]
    Emptier,
    Failover,
    Weighted,
    Overflow,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    lans: Vec<Said<Name>>,
    #[serde(default)]
    selector: Way,
    failover_hold: Option<Said<Span>>,
    overflow_at: Option<Said<Percent>>,
    #[serde(default = "yes")]
    own: bool,
    uplink: Vec<Line>,
    #[serde(default)]
    force: Vec<Force>,
    #[serde(default)]
    probing: Probes,
    #[serde(default)]
    owned: Numbers,
}

fn yes() -> bool {
    true
}

/// `[[uplink]]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    name: String,
    dev: Said<Name>,
    down: Said<Rate>,
    up: Said<Rate>,
    v4: Option<Over>,
    v6: Option<Over>,
    #[serde(default)]
    tier: u8,
    weight: Option<u16>,
    #[serde(default)]
    metered: bool,
    #[serde(default)]
    drained: bool,
    #[serde(default = "yes")]
    masquerade: bool,
    shaping: Option<Shape>,
    #[serde(default)]
    targets: Vec<Said<Asked>>,
}

/// `{ via = "192.0.2.1", addresses = ["192.0.2.7"] }`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Over {
    via: Said<Next>,
    #[serde(default)]
    addresses: Vec<Said<IpAddr>>,
}

/// `[uplink.shaping]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shape {
    part: Option<Said<Percent>>,
    #[serde(default)]
    ingress: bool,
    #[serde(default)]
    share: Vec<Class>,
}

/// `[[uplink.shaping.share]]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Class {
    name: String,
    part: Said<Percent>,
    prio: u32,
    #[serde(default)]
    dscps: Vec<u8>,
}

/// `[[force]]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Force {
    uplink: String,
    from: Option<Said<Prefix>>,
    to: Option<Said<Prefix>>,
    transport: Option<Protocol>,
    ports: Option<Said<Ports>>,
    #[serde(default)]
    fallback: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Protocol {
    Tcp,
    Udp,
}

/// `[probing]`
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Probes {
    targets: Vec<Said<Asked>>,
    interval: Option<Said<Span>>,
    timeout: Option<Said<Span>>,
    rise: Option<u32>,
    fall: Option<u32>,
    max_loss: Option<Said<Percent>>,
    max_round_trip: Option<Said<Span>>,
    window: Option<usize>,
}

/// `[owned]`
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Numbers {
    protocol: Option<u8>,
    tables: Option<[u32; 2]>,
    priorities: Option<[u32; 2]>,
    nexthops: Option<[u32; 2]>,
    mark_bits: Option<u32>,
    table: Option<String>,
    device_prefix: Option<String>,
}

impl File {
    pub fn config(self) -> Config {
        let lans = self.lans.into_iter().map(|Said(name)| name);
        let drained = self.uplink.iter().filter(|line| line.drained).map(|line| line.name.clone()).collect();
        let uplinks: Vec<_> = self.uplink.into_iter().map(Line::uplink).collect();
        let gateway = Gateway::new(uplinks, lans).own(self.own).probing(self.probing.probing());
        let choice = Choice {
            way: self.selector,
            hold: self.failover_hold.map_or(HOLD, |Said(Span(time))| time),
            full: self.overflow_at.map_or(Percent::new(FULL), |Said(part)| part),
        };
        let forced = self.force.into_iter().map(Force::forced);
        Config { gateway: forced.fold(gateway.owned(self.owned.owned()), Gateway::force), choice, drained }
    }
}

impl Line {
    fn uplink(self) -> Uplink {
        let mut uplink = Uplink::new(self.name, self.dev.0, self.down.0, self.up.0);
        uplink.v4 = self.v4.map(Over::leg);
        uplink.v6 = self.v6.map(Over::leg);
        uplink.tier = self.tier;
        uplink.weight = self.weight.unwrap_or(uplink.weight);
        uplink.metered = self.metered;
        uplink.masquerade = self.masquerade;
        uplink.shaping = self.shaping.map(Shape::shaping);
        uplink.targets = targets(self.targets);
        uplink
    }
}

fn targets(said: Vec<Said<Asked>>) -> Vec<Target> {
    said.into_iter().map(|Said(Asked(target))| target).collect()
}

impl Over {
    fn leg(self) -> Leg {
        let addresses = self.addresses.into_iter().map(|Said(address)| address);
        addresses.fold(Leg::new(self.via.0 .0), Leg::address)
    }
}

impl Shape {
    fn shaping(self) -> Shaping {
        let mut shaping = Shaping::default();
        shaping.part = self.part.map_or(shaping.part, |Said(part)| part);
        shaping.ingress = self.ingress;
        let share = |class: Class| Share::new(class.name, class.part.0, class.prio).dscps(class.dscps);
        if !self.share.is_empty() {
            shaping.shares = self.share.into_iter().map(share).collect();
        }
        shaping
    }
}

impl Force {
    fn forced(self) -> Forced {
        let mut forced = Forced::by(self.uplink);
        forced.from = self.from.map(|Said(prefix)| prefix);
        forced.to = self.to.map(|Said(prefix)| prefix);
        forced.transport = self.transport.map(|protocol| match protocol {
            Protocol::Tcp => Transport::Tcp,
            Protocol::Udp => Transport::Udp,
        });
        forced.ports = self.ports.map(|Said(Ports(ports))| ports);
        forced.fallback = self.fallback;
        forced
    }
}

impl Probes {
    fn probing(self) -> Probing {
        let mut probing = Probing::default();
        let or = |said: Option<Said<Span>>, unsaid| said.map_or(unsaid, |Said(Span(time))| time);
        probing.targets = targets(self.targets);
        probing.interval = or(self.interval, probing.interval);
        probing.timeout = or(self.timeout, probing.timeout);
        probing.rise = self.rise.unwrap_or(probing.rise);
        probing.fall = self.fall.unwrap_or(probing.fall);
        probing.max_loss = self.max_loss.map(|Said(part)| part);
        probing.max_round_trip = self.max_round_trip.map(|Said(Span(time))| time);
        probing.window = self.window.unwrap_or(probing.window);
        probing
    }
}

impl Numbers {
    fn owned(self) -> Owned {
        let mut owned = Owned::default();
        let or = |said: Option<[u32; 2]>, unsaid| said.map_or(unsaid, |[first, last]| first..=last);
        owned.protocol = self.protocol.map_or(owned.protocol, RouteProtocol);
        owned.tables = or(self.tables, owned.tables);
        owned.priorities = or(self.priorities, owned.priorities);
        owned.nexthops = or(self.nexthops, owned.nexthops);
        owned.mark_bits = self.mark_bits.unwrap_or(owned.mark_bits);
        owned.table = self.table.unwrap_or(owned.table);
        owned.device_prefix = self.device_prefix.unwrap_or(owned.device_prefix);
        owned
    }
}

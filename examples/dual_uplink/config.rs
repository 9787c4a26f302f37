//! The configuration file: TOML, with errors that name line and key. `examples/dual_uplink/gateway.toml` shows all of it.

use crate::{Failure, Result};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use std::fmt::{self, Display, Formatter};
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::ops::{Range, RangeInclusive};
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;
use tcnl::route::Prefix;
use tcnl::units::{Name, Percent, Rate};
use tcnl::uplink::{
    EmptierUplink, Failover, Forced, Gateway, Leg, Overflow, Owned, Probing, Selector, Shaping, Share, Target, Transport,
    Uplink, Via, Weighted,
};
use toml::de::{DeTable, DeValue};
use toml::Spanned;

/// What the file says.
pub struct Config {
    pub gateway: Gateway,
    pub selector: Choice,
}

/// How new connections are spread.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Choice {
    #[default]
    Emptier,
    Failover,
    Weighted,
    Overflow,
}

impl Choice {
    pub fn selector(self, gateway: &Gateway) -> Box<dyn Selector> {
        match self {
            Choice::Emptier => Box::new(EmptierUplink::new(gateway)),
            Choice::Failover => Box::new(Failover::new(gateway)),
            Choice::Weighted => Box::new(Weighted::new(gateway)),
            Choice::Overflow => Box::new(Overflow::new(gateway)),
        }
    }
}

impl Config {
    /// Reads and checks the file.
    pub fn read(path: &Path) -> Result<Config> {
        let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Config::parse(&text).map_err(|errors| Failure::from(errors.in_file(path)))
    }

    pub fn parse(text: &str) -> Result<Config, Errors> {
        let file: File = toml::from_str(text).map_err(|error| Errors::syntax(text, &error))?;
        let selector = file.selector;
        let gateway = file.gateway();
        match gateway.check() {
            Ok(()) => Ok(Config { gateway, selector }),
            Err(problems) => {
                let of = |path: &str, what: String| Wrong { line: line_of(text, path), what };
                Err(Errors(problems.iter().map(|problem| of(&problem.path, problem.to_string())).collect()))
            }
        }
    }
}

/// What is wrong with a file, each with its line.
#[derive(Debug)]
pub struct Errors(Vec<Wrong>);

#[derive(Debug)]
struct Wrong {
    line: Option<usize>,
    what: String,
}

impl Errors {
    fn syntax(text: &str, error: &toml::de::Error) -> Errors {
        let line = error.span().map(|Range { start, .. }| line_at(text, start));
        Errors(vec![Wrong { line, what: error.message().to_owned() }])
    }

    fn in_file(&self, path: &Path) -> String {
        let lines = self.0.iter().map(|wrong| match wrong.line {
            Some(line) => format!("{}:{line}: {}", path.display(), wrong.what),
            None => format!("{}: {}", path.display(), wrong.what),
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

fn line_at(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}

/// The line of a value by its path, such as `uplinks[1].weight`; that of what is around it, if it is not said.
fn line_of(text: &str, path: &str) -> Option<usize> {
    let table = DeTable::parse(text).ok()?;
    let mut value: Option<&Spanned<DeValue<'_>>> = None;
    let mut span = None;
    for step in path.split(['.', '[', ']']).filter(|step| !step.is_empty()) {
        // The file says `uplink` for each of the uplinks, and `force` for what is forced.
        let key = match step {
            "uplinks" => "uplink",
            "lans" => "lan",
            "probing" => "probes",
            "forced" => "force",
            step => step,
        };
        let inner = match value.map(Spanned::get_ref) {
            None => table.get_ref().get(key),
            Some(DeValue::Table(table)) => table.get(key),
            Some(DeValue::Array(array)) => key.parse().ok().and_then(|index: usize| array.get(index)),
            Some(_) => None,
        };
        let Some(inner) = inner else { break };
        span = Some(inner.span());
        value = Some(inner);
    }
    span.map(|span| line_at(text, span.start))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    lan: Vec<Said<Name>>,
    #[serde(default)]
    selector: Choice,
    #[serde(default = "yes")]
    own: bool,
    uplink: Vec<Line>,
    #[serde(default)]
    force: Vec<Force>,
    #[serde(default)]
    probes: Probes,
    #[serde(default)]
    owned: Numbers,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    name: String,
    dev: Said<Name>,
    down: Said<Rate>,
    up: Said<Rate>,
    v4: Option<Way>,
    v6: Option<Way>,
    #[serde(default)]
    tier: u8,
    weight: Option<u16>,
    #[serde(default)]
    metered: bool,
    #[serde(default = "yes")]
    masquerade: bool,
    shaping: Option<Shape>,
    #[serde(default)]
    targets: Vec<Said<Asked>>,
}

/// `{ via = "192.0.2.1", addresses = ["192.0.2.7"] }`; `via` is a router, `learned` or, for links with two ends, `link`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Way {
    via: Said<Next>,
    #[serde(default)]
    addresses: Vec<IpAddr>,
}

struct Next(Via);

impl FromStr for Next {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "learned" => Ok(Next(Via::Learned)),
            "link" => Ok(Next(Via::Link)),
            router => router
                .parse()
                .map(|router| Next(Via::Router(router)))
                .map_err(|_| format!("{text:?} is neither the address of a router nor `learned` nor `link`")),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shape {
    part: Option<Said<Percent>>,
    #[serde(default)]
    ingress: bool,
    #[serde(default)]
    share: Vec<Class>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Class {
    name: String,
    part: Said<Percent>,
    prio: u32,
    #[serde(default)]
    dscp: Vec<u8>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Force {
    uplink: String,
    from: Option<Said<Prefix>>,
    to: Option<Said<Prefix>>,
    tcp: Option<Said<Ports>>,
    udp: Option<Said<Ports>>,
    #[serde(default)]
    fallback: bool,
}

/// `25` or `1000-1999`.
struct Ports(RangeInclusive<u16>);

impl FromStr for Ports {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        match (first.parse(), last.parse()) {
            (Ok(first), Ok(last)) if first <= last => Ok(Ports(first..=last)),
            _ => Err(format!("{text:?} is neither a port nor a range such as 1000-1999")),
        }
    }
}

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

/// `icmp 192.0.2.1` or `tcp 192.0.2.1:443`.
struct Asked(Target);

impl FromStr for Asked {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let target = match text.split_once(' ') {
            Some(("icmp", address)) => address.parse::<IpAddr>().ok().map(Target::Icmp),
            Some(("tcp", address)) => address.parse::<SocketAddr>().ok().map(Target::Tcp),
            _ => None,
        };
        target.map(Asked).ok_or_else(|| format!("{text:?} is neither `icmp ADDRESS` nor `tcp ADDRESS:PORT`"))
    }
}

/// `500ms` or `2s`.
struct Span(Duration);

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let milliseconds = |number: &str| number.parse().map(Duration::from_millis).ok();
        let seconds = |number: &str| number.parse().map(Duration::from_secs).ok();
        let span = text.strip_suffix("ms").map_or_else(|| text.strip_suffix('s').and_then(seconds), milliseconds);
        span.map(Span).ok_or_else(|| format!("{text:?} is no time such as 500ms or 2s"))
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Numbers {
    protocol: Option<u8>,
    tables: Option<[u32; 2]>,
    priorities: Option<[u32; 2]>,
    nexthops: Option<[u32; 2]>,
    mark_bits: Option<u32>,
    table: Option<String>,
}

/// A value that is said as a text.
struct Said<T>(T);

impl<'de, T: FromStr<Err: Display>> Deserialize<'de> for Said<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Said).map_err(D::Error::custom)
    }
}

impl File {
    fn gateway(self) -> Gateway {
        let lans = self.lan.into_iter().map(|Said(name)| name);
        let uplinks: Vec<_> = self.uplink.into_iter().map(Line::uplink).collect();
        let gateway = Gateway::new(uplinks, lans).own(self.own).probing(self.probes.probing()).owned(self.owned.owned());
        self.force.into_iter().flat_map(Force::forced).fold(gateway, Gateway::force)
    }
}

impl Line {
    fn uplink(self) -> Uplink {
        let mut uplink = Uplink::new(self.name, self.dev.0, self.down.0, self.up.0);
        uplink.v4 = self.v4.map(Way::leg);
        uplink.v6 = self.v6.map(Way::leg);
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

impl Way {
    fn leg(self) -> Leg {
        self.addresses.into_iter().fold(Leg::new(self.via.0 .0), Leg::address)
    }
}

impl Shape {
    fn shaping(self) -> Shaping {
        let mut shaping = Shaping::default();
        shaping.part = self.part.map_or(shaping.part, |Said(part)| part);
        shaping.ingress = self.ingress;
        let share = |class: Class| Share::new(class.name, class.part.0, class.prio).dscps(class.dscp);
        if !self.share.is_empty() {
            shaping.shares = self.share.into_iter().map(share).collect();
        }
        shaping
    }
}

impl Force {
    /// One for each protocol with ports; one for all if there is none.
    fn forced(self) -> Vec<Forced> {
        let mut forced = Forced::by(self.uplink);
        forced.from = self.from.map(|Said(prefix)| prefix);
        forced.to = self.to.map(|Said(prefix)| prefix);
        forced.fallback = self.fallback;
        let said = [(Transport::Tcp, self.tcp), (Transport::Udp, self.udp)];
        let with_ports: Vec<_> = said
            .into_iter()
            .filter_map(|(transport, ports)| Some(forced.clone().ports(transport, ports?.0 .0)))
            .collect();
        if with_ports.is_empty() {
            vec![forced]
        } else {
            with_ports
        }
    }
}

impl Probes {
    fn probing(self) -> Probing {
        let mut probing = Probing::default();
        probing.targets = targets(self.targets);
        let or = |said: Option<Said<Span>>, unsaid| said.map_or(unsaid, |Said(Span(time))| time);
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
        owned.protocol = self.protocol.map_or(owned.protocol, tcnl::route::RouteProtocol);
        owned.tables = or(self.tables, owned.tables);
        owned.priorities = or(self.priorities, owned.priorities);
        owned.nexthops = or(self.nexthops, owned.nexthops);
        owned.mark_bits = self.mark_bits.unwrap_or(owned.mark_bits);
        owned.table = self.table.unwrap_or(owned.table);
        owned
    }
}

impl Display for Errors {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.in_file(Path::new("configuration")))
    }
}

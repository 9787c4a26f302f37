//! Values that are said as texts.

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt::{self, Display, Formatter};
use std::marker::PhantomData;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;
use tcnl::uplink::{Target, Via};

/// A value that is said as a text.
pub struct Said<T>(pub T);

impl<'de, T: FromStr<Err: Display>> Deserialize<'de> for Said<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Hears(PhantomData))
    }
}

/// Reads the text while its place in the file is known.
struct Hears<T>(PhantomData<T>);

impl<T: FromStr<Err: Display>> Visitor<'_> for Hears<T> {
    type Value = Said<T>;

    fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("a text in quotes")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Said<T>, E> {
        text.parse().map(Said).map_err(E::custom)
    }
}

/// The address of a router, `learned` or `link`.
pub struct Next(pub Via);

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

/// `25` or `1000-1999`.
pub struct Ports(pub RangeInclusive<u16>);

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

/// `icmp 192.0.2.1` or `tcp 192.0.2.1:443`.
pub struct Asked(pub Target);

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

/// `500ms`, `2s` or `1.5s`, no more than an hour.
pub struct Span(pub Duration);

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (number, unit) = match text.strip_suffix("ms") {
            Some(number) => (number, 1e-3),
            None => (text.strip_suffix('s').unwrap_or_default(), 1.0),
        };
        let seconds = number.parse::<f64>().ok().map(|number| number * unit);
        let span = seconds.filter(|seconds| (0.0..=3600.0).contains(seconds)).map(Duration::from_secs_f64);
        span.map(Span).ok_or_else(|| format!("{text:?} is no time such as 500ms or 2s, up to 3600s"))
    }
}

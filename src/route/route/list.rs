use super::{Route, RouteFlags};
use crate::request::{Asked, Query};
use crate::route::{Family, Prefix, Realms, RouteProtocol, RouteType, Scope};
use crate::text::{Page, Say, WordError, Words};
use crate::units::Dev;
use crate::wire::{EncodeError, Writer};
use std::fmt::{self, Formatter};

/// Which routes to list. Kernels since 4.20 filter by table, device, protocol and type themselves; everything else is passed
/// over here.
///
/// A kernel that filters by itself answers a table that does not exist with an error (ENOENT), not with an empty list.
///
/// `man 8 ip-route` has the words. `ip route flush` takes the same ones, but not none at all.
#[derive(Clone, Copy, Debug)]
pub struct Routes {
    /// `None` is both, which is asked only of all tables.
    pub(super) family: Option<Family>,
    pub(super) table: Option<u32>,
    pub(super) cloned: bool,
    pub(super) to: Near,
    pub(super) from: Near,
    pub(super) dev: Option<Dev>,
    pub(super) iif: Option<Dev>,
    pub(super) via: Option<Prefix>,
    pub(super) source: Option<Prefix>,
    pub(super) protocol: Option<RouteProtocol>,
    pub(super) kind: Option<RouteType>,
    pub(super) scope: Option<Scope>,
    pub(super) tos: Option<u8>,
    pub(super) metric: Option<u32>,
    pub(super) mark: Option<u32>,
    /// The realms of source and destination.
    pub(super) realms: [Option<u16>; 2],
}

impl Routes {
    /// All routes of a family.
    pub fn of(family: Family) -> Self {
        Routes {
            family: Some(family),
            table: None,
            cloned: false,
            to: Near::default(),
            from: Near::default(),
            dev: None,
            iif: None,
            via: None,
            source: None,
            protocol: None,
            kind: None,
            scope: None,
            tos: None,
            metric: None,
            mark: None,
            realms: [None; 2],
        }
    }

    /// Only those that leave by this device. As in `ip`, those with several ways are not among them.
    #[must_use]
    pub fn dev(mut self, dev: impl Into<Dev>) -> Self {
        self.dev = Some(dev.into());
        self
    }

    /// Only the one to exactly this destination.
    #[must_use]
    pub fn exact(mut self, to: impl Into<Prefix>) -> Self {
        self.to = Near::exact(Some(to.into()));
        self
    }

    /// Only those to destinations within this prefix: `root` in the words of `ip`.
    #[must_use]
    pub fn within(mut self, prefix: impl Into<Prefix>) -> Self {
        self.to.root = Some(prefix.into());
        self
    }

    /// Only those that would take packets to all of this prefix: `match` in the words of `ip`.
    #[must_use]
    pub fn covering(mut self, prefix: impl Into<Prefix>) -> Self {
        self.to.covers = Some(prefix.into());
        self
    }

    /// Only those over gateways in this prefix.
    #[must_use]
    pub fn via(mut self, gateways: impl Into<Prefix>) -> Self {
        self.via = Some(gateways.into());
        self
    }

    /// Only those that give packets a source address in this prefix.
    #[must_use]
    pub fn source(mut self, sources: impl Into<Prefix>) -> Self {
        self.source = Some(sources.into());
        self
    }

    super::options! {
        /// Only those in this table.
        table: u32;
        /// Only those that this added.
        protocol: RouteProtocol;
        /// Only those of this type.
        kind: RouteType;
        /// Only those whose destination is this far away.
        scope: Scope;
        /// Only those for this type of service (IPv4).
        tos: u8;
        /// Only those with this metric.
        metric: u32;
    }

    /// Where both families are asked for, a prefix of every address is one of both.
    fn is_near(&self, near: Near, prefix: Prefix) -> bool {
        let any = |other: Prefix| other.is_any() && self.family.is_none();
        near.root.is_none_or(|root| any(root) || root.len() <= prefix.len() && root.contains(prefix.addr()))
            && near.covers.is_none_or(|inner| {
                prefix.len() <= inner.len() && (any(inner) || prefix.contains(inner.addr()))
            })
    }
}

/// Prefixes by where they lie.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Near {
    /// They lie in this one.
    pub root: Option<Prefix>,
    /// This one lies in them.
    pub covers: Option<Prefix>,
}

impl Near {
    pub(super) fn exact(prefix: Option<Prefix>) -> Near {
        Near { root: prefix, covers: prefix }
    }

    fn say(self, word: &str, f: &mut Formatter<'_>) -> fmt::Result {
        if self.root == self.covers {
            return self.root.map(super::words::Destination).say(word, f);
        }
        for (how, prefix) in [("root", self.root), ("match", self.covers)] {
            if let Some(prefix) = prefix {
                write!(f, " {word} {how} {}", super::words::Destination(prefix))?;
            }
        }
        Ok(())
    }
}

impl Query for Routes {
    type Object = Route;

    fn encode(&self, w: &mut Writer) -> Result<(), EncodeError> {
        let protocol = self.protocol.unwrap_or_default().0;
        let kind = self.kind.unwrap_or_default().0;
        let flags = if self.cloned { RouteFlags::CLONED } else { RouteFlags::empty() };
        w.put(&[self.family.map_or(0, Family::number), 0, 0, 0, 0, protocol, 0, kind]);
        w.put_u32(flags.bits());
        self.table.iter().for_each(|table| w.attr(15, table));
        self.dev.iter().for_each(|dev| w.attr(crate::route::hop::RTA_OIF, &dev.index));
        Ok(())
    }

    fn take(&self, route: &mut Route) -> bool {
        let wanted = self.family.is_none_or(|family| family == route.family())
            && self.table.is_none_or(|table| table == route.table)
            && self.cloned == route.flags.contains(RouteFlags::CLONED)
            && self.is_near(self.to, route.to)
            && self.is_near(self.from, route.from.unwrap_or(Prefix::any(route.family())))
            && self.dev.is_none_or(|dev| route.dev == Some(dev))
            && self.iif.is_none_or(|dev| route.iif == Some(dev))
            && self.via.is_none_or(|net| route.gateway.is_some_and(|gateway| net.contains(gateway)))
            && self.source.is_none_or(|net| route.source.is_some_and(|source| net.contains(source)))
            && self.protocol.is_none_or(|protocol| Some(protocol) == route.protocol)
            && self.kind.is_none_or(|kind| Some(kind) == route.kind)
            && self.scope.is_none_or(|scope| Some(scope) == route.scope)
            && self.tos.is_none_or(|tos| tos == route.tos)
            && self.metric.is_none_or(|metric| metric == route.metric.unwrap_or(0))
            && self.mark.is_none_or(|mark| mark == route.mark.unwrap_or(0))
            && self.has_realms(route.realms.unwrap_or_default());
        if wanted && self.dev.is_some() {
            route.dev = self.dev;
        }
        wanted
    }

    fn command(&self, f: &mut Formatter<'_>) -> fmt::Result {
        // Of all tables, ip shows the routes of all families unless told otherwise.
        let option = match (self.table, self.family) {
            (None, Some(Family::V4)) => "-4 ",
            (_, family) => family.map_or("", Family::option),
        };
        write!(f, "ip {option}route show")?;
        self.to.say("to", f)?;
        self.from.say("from", f)?;
        match self.table {
            Some(table) => write!(f, " table {table}")?,
            None => f.write_str(" table all")?,
        }
        self.cloned.say("cached", f)?;
        self.dev.say("dev", f)?;
        self.iif.say("iif", f)?;
        match self.via {
            Some(via) if self.family != Some(via.family()) => {
                let word = if via.family() == Family::V4 { "inet" } else { "inet6" };
                write!(f, " via {word} {via}")?;
            }
            via => via.say("via", f)?,
        }
        self.source.say("src", f)?;
        self.protocol.say("proto", f)?;
        self.kind.say("type", f)?;
        self.scope.say("scope", f)?;
        self.tos.iter().try_for_each(|tos| write!(f, " tos {tos:#x}"))?;
        self.metric.say("metric", f)?;
        self.mark.say("mark", f)?;
        match self.realms {
            [Some(from), Some(to)] => write!(f, " realms {from}/{to}"),
            [Some(from), None] => write!(f, " realms {from}/"),
            [None, to] => to.say("realms", f),
        }
    }
}

impl Routes {
    fn has_realms(&self, Realms { from, to }: Realms) -> bool {
        let [source, destination] = self.realms;
        source.is_none_or(|realm| realm == from) && destination.is_none_or(|realm| realm == to)
    }
}

impl Asked for Routes {
    fn hear(words: &mut Words<'_>) -> Result<Self, WordError> {
        super::asked::hear(words)
    }

    fn said(&self, page: &mut Page) {
        let host = |net: Option<Prefix>| net.is_some_and(|net| net.len() == net.family().bits());
        for (what, said) in [
            ("table", self.table.is_some()),
            ("dev", self.dev.is_some()),
            ("iif", self.iif.is_some()),
            ("via", host(self.via)),
            ("src", host(self.source)),
            ("protocol", self.protocol.is_some()),
            ("scope", self.scope.is_some()),
            ("tos", self.tos.is_some()),
            ("metric", self.metric.is_some()),
            ("realms", self.realms.iter().all(Option::is_some)),
        ] {
            if said {
                page.say(what);
            }
        }
    }
}

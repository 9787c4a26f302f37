use super::Route;
use crate::request::Query;
use crate::route::{Family, RouteProtocol, RouteType};
use crate::units::Dev;
use crate::wire::{EncodeError, Writer};
use std::fmt::{self, Formatter};

/// Which routes to list. Kernels since 4.20 filter by themselves; what older ones send is passed over.
///
/// A kernel that filters by itself answers a table that does not exist with an error (ENOENT), not with an empty list.
#[derive(Clone, Copy, Debug)]
pub struct Routes {
    family: Family,
    table: Option<u32>,
    dev: Option<Dev>,
    protocol: Option<RouteProtocol>,
    kind: Option<RouteType>,
}

impl Routes {
    /// All routes of a family.
    pub fn of(family: Family) -> Self {
        Routes { family, table: None, dev: None, protocol: None, kind: None }
    }

    /// Only those that leave by this device.
    #[must_use]
    pub fn dev(mut self, dev: impl Into<Dev>) -> Self {
        self.dev = Some(dev.into());
        self
    }

    super::options! {
        /// Only those in this table.
        table: u32;
        /// Only those that this added.
        protocol: RouteProtocol;
        /// Only those of this type.
        kind: RouteType;
    }
}

impl Query for Routes {
    type Object = Route;

    fn encode(&self, w: &mut Writer) -> Result<(), EncodeError> {
        let protocol = self.protocol.unwrap_or_default().0;
        let kind = self.kind.unwrap_or_default().0;
        w.put(&[self.family.number(), 0, 0, 0, 0, protocol, 0, kind]);
        w.put_u32(0);
        self.table.iter().for_each(|table| w.attr(15, table));
        self.dev.iter().for_each(|dev| w.attr(crate::route::hop::RTA_OIF, &dev.index));
        Ok(())
    }

    fn take(&self, route: &mut Route) -> bool {
        let on = |dev: Dev| route.dev == Some(dev) || route.hops.iter().any(|hop| hop.dev == Some(dev));
        let wanted = route.family() == self.family
            && self.table.is_none_or(|table| table == route.table)
            && self.protocol.is_none_or(|protocol| Some(protocol) == route.protocol)
            && self.kind.is_none_or(|kind| Some(kind) == route.kind)
            && self.dev.is_none_or(on);
        if wanted && self.dev == route.dev && self.dev.is_some() {
            route.dev = self.dev;
        }
        wanted
    }

    fn command(&self, f: &mut Formatter<'_>) -> fmt::Result {
        // Of all tables, ip shows the routes of all families unless told otherwise.
        let option = match (self.table, self.family) {
            (None, Family::V4) => "-4 ",
            (_, family) => family.option(),
        };
        write!(f, "ip {option}route show")?;
        match self.table {
            Some(table) => write!(f, " table {table}")?,
            None => f.write_str(" table all")?,
        }
        self.dev.iter().try_for_each(|dev| write!(f, " dev {dev}"))?;
        self.protocol.iter().try_for_each(|protocol| write!(f, " proto {protocol}"))?;
        self.kind.iter().try_for_each(|kind| write!(f, " type {kind}"))
    }
}

use super::Rule;
use crate::request::Query;
use crate::route::{Family, RouteProtocol};
use crate::wire::{EncodeError, Writer};
use std::fmt::{self, Formatter};

/// Which rules to list. The kernel sends all of a family; the rest is passed over.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    family: Family,
    table: Option<u32>,
    priority: Option<u32>,
    protocol: Option<RouteProtocol>,
}

impl Rules {
    /// All rules of a family.
    pub fn of(family: Family) -> Self {
        Rules { family, table: None, priority: None, protocol: None }
    }

    crate::route::route::options! {
        /// Only those that look into this table.
        table: u32;
        /// Only those at this place.
        priority: u32;
        /// Only those that this added.
        protocol: RouteProtocol;
    }
}

impl Query for Rules {
    type Object = Rule;

    fn encode(&self, w: &mut Writer) -> Result<(), EncodeError> {
        w.put(&[self.family.number(), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        Ok(())
    }

    fn take(&self, rule: &mut Rule) -> bool {
        rule.family == self.family
            && self.table.is_none_or(|table| Some(table) == rule.table)
            && self.priority.is_none_or(|priority| priority == rule.priority.unwrap_or(0))
            && self.protocol.is_none_or(|protocol| Some(protocol) == rule.protocol)
    }

    fn command(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "ip {}rule show", self.family.option())?;
        self.priority.iter().try_for_each(|priority| write!(f, " pref {priority}"))?;
        self.protocol.iter().try_for_each(|protocol| write!(f, " protocol {protocol}"))?;
        self.table.iter().try_for_each(|table| write!(f, " table {table}"))
    }
}

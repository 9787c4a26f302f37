use crate::plan::Policy;
use crate::route::RouteProtocol;
use crate::units::Name;
use std::ops::RangeInclusive;

/// Which numbers and names in the kernel are ours. What has others is not touched; what others have of these is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Owned {
    /// Who added our rules, routes and nexthops. [`Policy::PROTOCOL`] unless said.
    pub protocol: RouteProtocol,
    /// Our routing tables: the first for new connections, then one for each uplink. 7700 to 7762 unless said.
    pub tables: RangeInclusive<u32>,
    /// The priorities of our rules: behind that of the local table (0), before that of the main table (32766). 1000 to 1999 unless said.
    pub priorities: RangeInclusive<u32>,
    /// The ids of our nexthops. 7700 to 7999 unless said.
    pub nexthops: RangeInclusive<u32>,
    /// Our bits of the marks of packets and connections, all in a row: uplink n (from 1) has n there. `0x3f00` unless said, which is
    /// enough for 62 uplinks.
    pub mark_bits: u32,
    /// Our nf_tables table, of the family inet. `tcnl_uplink` unless said.
    pub table: String,
    /// What the names of our devices (ifb) begin with. `ifb-` unless said.
    pub device_prefix: String,
}

impl Default for Owned {
    fn default() -> Self {
        Owned {
            protocol: Policy::PROTOCOL,
            tables: 7700..=7762,
            priorities: 1000..=1999,
            nexthops: 7700..=7999,
            mark_bits: 0x3f00,
            table: "tcnl_uplink".into(),
            device_prefix: "ifb-".into(),
        }
    }
}

impl Owned {
    /// The table that new connections look into.
    pub fn table_of_new(&self) -> u32 {
        *self.tables.start()
    }

    /// The table of an uplink, counted from 0.
    pub fn table_of(&self, uplink: usize) -> u32 {
        self.tables.start().saturating_add(1).saturating_add(number(uplink))
    }

    /// The mark of an uplink, counted from 0, within [`mark_bits`](Owned::mark_bits).
    pub fn mark_of(&self, uplink: usize) -> u32 {
        number(uplink).saturating_add(1).checked_shl(self.mark_bits.trailing_zeros()).unwrap_or(0)
            & self.mark_bits
    }

    /// The uplink, counted from 0, that a packet or a connection with this mark belongs to.
    pub fn uplink_of(&self, mark: u32) -> Option<usize> {
        let number = (mark & self.mark_bits).checked_shr(self.mark_bits.trailing_zeros())?;
        usize::try_from(number.checked_sub(1)?).ok()
    }

    /// How many uplinks there are marks, tables and priorities for.
    pub fn capacity(&self) -> usize {
        let marks = self.mark_bits.checked_shr(self.mark_bits.trailing_zeros()).unwrap_or(0);
        // As many as there are priorities for: see `routing.rs`.
        let tables = self.tables.end().saturating_sub(*self.tables.start());
        marks.saturating_sub(1).min(tables).min(99) as usize
    }

    /// The device that what comes in by an uplink's device is shaped on.
    pub fn ifb_of(&self, dev: Name) -> String {
        let mut name = format!("{}{}", self.device_prefix, dev.as_str());
        // Characters are not cut in two.
        while name.len() > LONGEST_NAME {
            name.pop();
        }
        name
    }
}

/// IFNAMSIZ of `linux/if.h`, without the end.
const LONGEST_NAME: usize = 15;

fn number(uplink: usize) -> u32 {
    u32::try_from(uplink).unwrap_or(u32::MAX)
}

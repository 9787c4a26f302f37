//! Which numbers and names are ours.

use super::Check;
use crate::route::{Route, RouteProtocol};
use crate::units::Name;
use crate::uplink::{routing, Owned};
use std::ops::RangeInclusive;

/// Protocols of what kernels add by themselves.
const KERNELS: [RouteProtocol; 4] =
    [RouteProtocol::UNSPEC, RouteProtocol::REDIRECT, RouteProtocol::KERNEL, RouteProtocol::RA];
/// The tables that every machine has: default, main, local.
const COMMON: RangeInclusive<u32> = 253..=Route::LOCAL;
/// The priority of the main table's rule.
const MAIN: u32 = 32766;
/// The longest name of a table: NFT_NAME_MAXLEN of `linux/netfilter/nf_tables.h`, with its end.
const LONGEST: usize = 255;

pub(super) fn check(check: &mut Check<'_>) {
    let Owned { protocol, tables, priorities, nexthops, mark_bits, table, device_prefix } =
        &check.gateway.owned;
    let uplinks = u32::try_from(check.gateway.uplinks.len()).unwrap_or(u32::MAX);
    check.expect(!KERNELS.contains(protocol), "owned.protocol", || {
        format!("{protocol} is the protocol of what the kernel adds by itself")
    });
    let needed = uplinks.saturating_add(1);
    check.expect(size(tables) >= needed, "owned.tables", || too_small(tables, needed, "tables"));
    let is_free = *tables.start() > 0 && (tables.end() < COMMON.start() || tables.start() > COMMON.end());
    check.expect(is_free, "owned.tables", || {
        format!("{} to {} has tables that every machine has: 0, 253, 254, 255", tables.start(), tables.end())
    });
    let needed = routing::PRIORITIES;
    check.expect(size(priorities) >= needed, "owned.priorities", || {
        too_small(priorities, needed, "priorities")
    });
    check.expect(*priorities.start() > 0 && *priorities.end() < MAIN, "owned.priorities", || {
        let (start, end) = (priorities.start(), priorities.end());
        format!(
            "{start} to {end} is not between the rules of the local table (0) and of the main table ({MAIN})"
        )
    });
    let needed = routing::nexthops(uplinks.min(u32::from(u16::MAX)));
    check.expect(size(nexthops) >= needed, "owned.nexthops", || too_small(nexthops, needed, "nexthop ids"));
    check.expect(*nexthops.start() > 0, "owned.nexthops", || "0 is no id of a nexthop".into());
    marks(check, *mark_bits);
    let is_letter = |letter: u8| letter.is_ascii_alphanumeric() || b"_-.".contains(&letter);
    let is_name = (1..=LONGEST).contains(&table.len())
        && table.bytes().all(is_letter)
        && table.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    check.expect(is_name, "owned.table", || format!("{table:?} is no name of a table of nf_tables"));
    let is_prefix = Name::new(device_prefix).is_ok() && device_prefix.len() <= 10;
    check.expect(is_prefix, "owned.device_prefix", || {
        format!(
            "{device_prefix:?} cannot begin the name of a device: 1 to 10 letters of those that names have"
        )
    });
}

fn marks(check: &mut Check<'_>, bits: u32) {
    let path = "owned.mark_bits";
    let plain = bits.checked_shr(bits.trailing_zeros()).unwrap_or(0);
    let is_row = bits != 0 && (plain & plain.wrapping_add(1)) == 0;
    check.expect(is_row, path, || format!("{bits:#x} is not one row of bits"));
    let (uplinks, capacity) = (check.gateway.uplinks.len(), check.gateway.owned.capacity());
    // Where tables are too few, that has been said.
    let has_tables = size(&check.gateway.owned.tables) > u32::try_from(uplinks).unwrap_or(u32::MAX);
    let enough = uplinks <= capacity || !is_row || !has_tables;
    check.expect(enough, path, || {
        format!("{uplinks} uplinks are too many: there are marks and priorities for {capacity}")
    });
}

fn size(range: &RangeInclusive<u32>) -> u32 {
    match range.is_empty() {
        true => 0,
        false => (range.end() - range.start()).saturating_add(1),
    }
}

fn too_small(range: &RangeInclusive<u32>, needed: u32, what: &str) -> String {
    format!("{} to {} is {}: {needed} {what} are needed", range.start(), range.end(), size(range))
}

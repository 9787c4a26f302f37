use super::hash::Fnv;
use super::layout::{Layout, Level, Spot};
use crate::error::{Error, Result};
use crate::route::Prefix;
use crate::tc::u32::{Match, Selector, SelectorFlags, U32Handle, U32};
use crate::tc::{Filter, FilterKind, Place, Protocol};
use crate::units::Family;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::ops::RangeInclusive;

/// Which address of a packet a [`PrefixTable`] looks up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The source: where the packets come from.
    Source,
    /// The destination: where they go.
    Destination,
}

impl Direction {
    /// Where the address begins in the header.
    fn offset(self, family: Family) -> u8 {
        match (family, self) {
            (Family::V4, Direction::Source) => 12,
            (Family::V4, Direction::Destination) => 16,
            (Family::V6, Direction::Source) => 8,
            (Family::V6, Direction::Destination) => 24,
        }
    }

    fn matching(self, prefix: Prefix) -> Result<Match> {
        match (prefix.addr(), self) {
            (IpAddr::V4(address), Direction::Source) => Match::ip_src(address, prefix.len()),
            (IpAddr::V4(address), Direction::Destination) => Match::ip_dst(address, prefix.len()),
            (IpAddr::V6(address), Direction::Source) => Match::ip6_src(address, prefix.len()),
            (IpAddr::V6(address), Direction::Destination) => Match::ip6_dst(address, prefix.len()),
        }
    }
}

/// Thousands of prefixes of one family as u32 hash tables: the filters of the longest prefix of a packet's address are found in a few
/// look-ups, however many prefixes there are.
///
/// A filter that packets enter by (the only one, if no prefix is shorter than its [`Layout`] can spread) leads into a hash table; with
/// two levels each of its buckets leads to one more. Every filter has a handle of its own, in which the prefix's length and hash are:
/// longer prefixes come first, and other prefixes that come and go do not move it. After a restart without [`adopt`](Self::adopt) that
/// holds for nearly all: those whose first choice is another's are a few in a hundred.
///
/// ```
/// use tcnl::plan::{Direction, Layout, PrefixTable, Tree};
/// use tcnl::tc::u32::U32;
/// use tcnl::tc::Place;
/// use tcnl::units::{Dev, Family, Handle};
/// let place = Place::on(Dev::default(), Handle::qdisc(1));
/// let mut table = PrefixTable::new(place, 10, Direction::Destination, Layout::for_prefixes(Family::V4, &[]))?;
/// table.insert("10.0.0.7".parse()?, U32::new().class(Handle::new(1, 7)))?;
/// let mut tree = Tree::new(3);
/// for filter in table.filters() {
///     tree.push(filter);
/// }
/// let last = tree.filters().last().map(ToString::to_string);
/// assert_eq!(last.unwrap(), "tc filter add dev if3 parent 1: protocol ip prio 10 handle 0::1 u32 match u32 0x00000000 0x00000000 at 0 \
///     link 1: hashkey mask 0x000000ff at 16");
/// # Ok::<(), tcnl::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct PrefixTable {
    place: Place,
    prio: u16,
    direction: Direction,
    layout: Layout,
    /// The number of the first table.
    first: u16,
    entries: BTreeMap<Prefix, Entry>,
    /// Whose the nodes of each bucket are or were.
    nodes: BTreeMap<Spot, BTreeMap<u16, Prefix>>,
}

#[derive(Clone, Debug)]
struct Entry {
    options: U32,
    /// The buckets and nodes.
    at: Vec<(Spot, u16)>,
}

/// The highest table: those above are the kernel's to choose. `gen_new_htid` of `net/sched/cls_u32.c`
const LAST_TABLE: u16 = 0x7ff;
/// In front of all other filters of a bucket.
const LINK: u16 = 1;

impl PrefixTable {
    /// A table without prefixes, at a place and prio at which nothing else stands. Its hash tables have the numbers from 1 on.
    ///
    /// # Errors
    /// The prio is 0: the kernel cannot choose it for several filters.
    pub fn new(place: Place, prio: u16, direction: Direction, layout: Layout) -> Result<Self> {
        if prio == 0 {
            return Err(Error::invalid("prio 0 of a table of prefixes", "it is 1 to 65535"));
        }
        Ok(PrefixTable {
            place,
            prio,
            direction,
            layout,
            first: 1,
            entries: BTreeMap::new(),
            nodes: BTreeMap::new(),
        })
    }

    /// Sets the number of the first hash table. All tables of one qdisc, whatever prio and side, need numbers of their own: another
    /// one can begin behind this one's [`tables`](Self::tables).
    ///
    /// # Errors
    /// The numbers go beyond 1 to 0x7ff.
    pub fn first_table(mut self, first: u16) -> Result<Self> {
        if first == 0 || first > LAST_TABLE || first + self.layout.tables() - 1 > LAST_TABLE {
            let what = format!("{} hash tables from {first:x} on", self.layout.tables());
            return Err(Error::invalid(what, "u32's tables have the numbers 1 to 7ff"));
        }
        self.first = first;
        Ok(self)
    }

    /// The numbers of its hash tables, as far as it may have them.
    pub fn tables(&self) -> RangeInclusive<u16> {
        self.first..=self.first + self.layout.tables() - 1
    }

    /// How the prefixes are spread.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Adds a prefix, or changes what is done with its packets: a filter's options with a class or actions, and what packets must have
    /// besides the address, if anything (then those that do not have it go on to the next longest prefix).
    ///
    /// # Errors
    /// The prefix is of another family, the layout has no room for its length, or too many of this length fall into one bucket; the
    /// options decide nothing, or say a place of their own.
    pub fn insert(&mut self, prefix: Prefix, options: U32) -> Result<()> {
        if options.link.is_some() || options.ht.is_some() || options.divisor.is_some() {
            return Err(Error::invalid(prefix, "its options say a table, link or divisor of their own"));
        }
        let decides = |selector: &Selector| selector.flags.contains(SelectorFlags::TERMINAL);
        if !options.selector.as_ref().is_some_and(decides) {
            return Err(Error::invalid(prefix, "its options have no class and no action"));
        }
        if let Some(entry) = self.entries.get_mut(&prefix) {
            entry.options = options;
            return Ok(());
        }
        if prefix.family() != self.layout.family() {
            return Err(Error::invalid(prefix, "the table is of the other family"));
        }
        let mut at = Vec::new();
        for spot in self.layout.spots(prefix) {
            let node = self.node(prefix, spot)?;
            at.push((spot, node));
        }
        for (spot, node) in &at {
            self.nodes.entry(*spot).or_default().insert(*node, prefix);
        }
        self.entries.insert(prefix, Entry { options, at });
        Ok(())
    }

    /// Removes a prefix. Its handles go to another one only when no others are left.
    pub fn remove(&mut self, prefix: Prefix) -> Option<U32> {
        self.entries.remove(&prefix).map(|entry| entry.options)
    }

    /// The prefixes, and what is done with their packets.
    pub fn iter(&self) -> impl Iterator<Item = (Prefix, &U32)> {
        self.entries.iter().map(|(prefix, entry)| (*prefix, &entry.options))
    }

    /// How many prefixes there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Keeps the handles that filters have, such as those that the kernel lists after a restart, for the prefixes that they are about,
    /// if the layout is the same. What is no filter of this table is passed over.
    pub fn adopt<'a>(&mut self, filters: impl IntoIterator<Item = &'a Filter>) {
        for filter in filters {
            let Some((prefix, spot, node)) = self.found(filter) else { continue };
            let fits = self.layout.nodes(prefix.len()).is_some_and(|nodes| nodes.contains(&node));
            if fits && self.layout.spots(prefix).contains(&spot) {
                self.nodes.entry(spot).or_default().entry(node).or_insert(prefix);
            }
        }
    }

    /// The filters, in an order in which they can be added and no packet finds half of them.
    pub fn filters(&self) -> Vec<Filter> {
        let mut all = Vec::new();
        let mut leaves = Vec::new();
        let mut entering = Vec::new();
        let mut used = BTreeSet::from([1]);
        let entries = self.entries.iter();
        let mut places: Vec<_> = entries
            .flat_map(|(prefix, entry)| entry.at.iter().map(move |at| (*at, *prefix, entry)))
            .collect();
        // In the order of their handles: so they are compared.
        places.sort_by_key(|(at, ..)| *at);
        for ((spot, node), prefix, entry) in places {
            used.insert(spot.0);
            if let Ok(filter) = self.leaf(prefix, &entry.options, spot, node) {
                if spot.0 == 0 { &mut entering } else { &mut leaves }.push(filter);
            }
        }
        used.remove(&0);
        for table in &used {
            let level = if *table == 1 { self.layout.levels().first() } else { self.layout.levels().get(1) };
            let divisor = level.map_or(1, |level| level.divisor());
            all.push(self.filter().handle(self.handle((*table, 0), 0)).kind(U32::table(divisor)));
        }
        all.append(&mut leaves);
        let below = used.iter().filter(|table| **table > 1);
        all.extend(below.filter_map(|table| self.link((1, (table - 2) as u8), *table, 1)));
        all.extend(self.link((0, 0), 1, 0));
        all.append(&mut entering);
        all
    }

    /// How many filters stand in the fullest bucket.
    pub fn largest_bucket(&self) -> usize {
        self.counts()
            .into_iter()
            .filter(|(spot, _)| spot.0 != 0)
            .map(|(_, count)| count)
            .max()
            .unwrap_or_default()
    }

    /// With how many filters a packet is compared at most, links included.
    pub fn lookups(&self) -> usize {
        let counts = self.counts();
        let count = |spot: Spot| counts.get(&spot).copied().unwrap_or_default();
        let below = |bucket: u8| {
            let table = 2 + u16::from(bucket);
            let deepest = counts.range((table, 0)..=(table, u8::MAX)).map(|(_, count)| 1 + count).max();
            deepest.unwrap_or_default()
        };
        let first = (0..=u8::MAX).map(|bucket| count((1, bucket)) + below(bucket)).max();
        1 + count((0, 0)) + first.unwrap_or_default()
    }

    fn counts(&self) -> BTreeMap<Spot, usize> {
        let mut counts = BTreeMap::new();
        let spots = self.entries.values().flat_map(|entry| &entry.at);
        spots.for_each(|(spot, _)| *counts.entry(*spot).or_default() += 1);
        counts
    }

    /// A node for a prefix in a bucket: what it had, or the first free one from its first choice on, or else one whose prefix is gone.
    fn node(&self, prefix: Prefix, spot: Spot) -> Result<u16> {
        let nodes = self.layout.nodes(prefix.len()).ok_or_else(|| {
            Error::invalid(
                prefix,
                "the layout has no room for prefixes of this length: say it with Layout::lengths",
            )
        })?;
        let taken = self.nodes.get(&spot);
        let of = |node: &u16| taken.and_then(|taken| taken.get(node));
        let first = nodes.start + (Fnv::text(&prefix) % u64::from(nodes.end - nodes.start)) as u16;
        let all = || (first..nodes.end).chain(nodes.start..first);
        let same = taken
            .and_then(|taken| taken.range(nodes.clone()).find(|(_, of)| **of == prefix))
            .map(|(node, _)| *node);
        let free = same.or_else(|| all().find(|node| of(node).is_none()));
        let gone = || all().find(|node| of(node).is_some_and(|old| !self.entries.contains_key(old)));
        free.or_else(gone).ok_or_else(|| {
            Error::invalid(
                prefix,
                "too many prefixes of this length fall into one bucket: choose another layout",
            )
        })
    }

    fn filter(&self) -> Filter {
        let protocol = match self.layout.family() {
            Family::V4 => Protocol::Ip,
            Family::V6 => Protocol::Ipv6,
        };
        Filter::at(self.place).prio(self.prio).protocol(protocol)
    }

    /// The table that packets enter is named by none: its number is the kernel's affair.
    fn handle(&self, (table, bucket): Spot, node: u16) -> U32Handle {
        let table = if table == 0 { 0 } else { u32::from(self.first + table - 1) };
        U32Handle::from_raw(table << 20 | u32::from(bucket) << 12 | u32::from(node))
    }

    fn at(&self, spot: Spot, node: u16, kind: U32) -> Filter {
        let kind = if spot.0 == 0 { kind } else { kind.ht(self.handle(spot, 0)) };
        self.filter().handle(self.handle(spot, node)).kind(kind)
    }

    fn leaf(&self, prefix: Prefix, options: &U32, spot: Spot, node: u16) -> Result<Filter> {
        Ok(self.at(spot, node, options.clone().matching(self.direction.matching(prefix)?)))
    }

    /// Leads from a bucket to a table that is hashed as the level says.
    fn link(&self, from: Spot, to: u16, level: usize) -> Option<Filter> {
        let (word, mask) = self.layout.levels().get(level).copied().map(Level::word)?;
        let at = i16::from(self.direction.offset(self.layout.family()) + 4 * word);
        let kind = U32::new().matching(Match::any()).link(self.handle((to, 0), 0)).hashkey(mask, at);
        Some(self.at(from, LINK, kind))
    }

    /// The prefix, bucket and node of a filter.
    fn found(&self, filter: &Filter) -> Option<(Prefix, Spot, u16)> {
        let Some(FilterKind::U32(kind)) = &filter.kind else { return None };
        let handle = U32Handle::from_raw(filter.handle);
        if (filter.prio, filter.protocol) != (self.prio, self.filter().protocol) || kind.link.is_some() {
            return None;
        }
        let table = match handle.table() {
            table if self.tables().contains(&table) => table - self.first + 1,
            // Kernels number the tables that packets enter from 800 on.
            0 | 0x800.. => 0,
            _ => return None,
        };
        let prefix = prefix_of(kind, self.direction, self.layout.family())?;
        Some((prefix, (table, handle.bucket()), handle.node()))
    }
}

/// The prefix that a filter asks for.
pub(super) fn prefix_of(kind: &U32, direction: Direction, family: Family) -> Option<Prefix> {
    let start = i32::from(direction.offset(family));
    let bits = u32::from(family.bits());
    let (mut address, mut mask) = (0u128, 0u128);
    for key in kind.selector.iter().flat_map(|selector| &selector.keys) {
        let word = key.off.checked_sub(start).and_then(|at| u32::try_from(at).ok());
        let (Some(at), 0) = (word.filter(|at| at % 4 == 0 && *at < bits / 8), key.offmask) else { continue };
        address |= u128::from(key.val.0 & key.mask.0) << (96 - 8 * at);
        mask |= u128::from(key.mask.0) << (96 - 8 * at);
    }
    let address = match family {
        Family::V4 => IpAddr::V4(((address >> 96) as u32).into()),
        Family::V6 => IpAddr::V6(address.into()),
    };
    let is_prefix = mask.count_ones() == mask.leading_ones();
    is_prefix.then(|| Prefix::new(address, mask.leading_ones() as u8).ok())?
}

#[cfg(test)]
mod tests;

use crate::error::{Error, Result};
use crate::route::Prefix;
use crate::units::{Family, ParseError};
use std::fmt::{self, Display, Formatter};
use std::net::IpAddr;
use std::str::FromStr;

mod choice;

/// Which bits of an address choose the bucket of a u32 hash table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Level {
    at: u8,
    bits: u8,
}

impl Level {
    /// The `bits` bits (1 to 8) from bit `at` on, which are counted from 0 at the start of the address: `Level::new(24, 8)` is the
    /// last byte of an IPv4 address. They lie within four bytes that begin at a multiple of four.
    ///
    /// # Errors
    /// They do not, or are none or too many.
    pub fn new(at: u8, bits: u8) -> Result<Self> {
        let fits = (1..=8).contains(&bits) && at < 128 && at % 32 + bits <= 32;
        let why = "1 to 8 bits within four bytes of an address choose a bucket";
        fits.then_some(Level { at, bits })
            .ok_or_else(|| Error::invalid(format_args!("bits {at}+{bits}"), why))
    }

    /// The number of buckets.
    pub fn divisor(self) -> u32 {
        1 << self.bits
    }

    /// The word of the address, counted from 0, and the mask under which the kernel hashes it.
    pub(super) fn word(self) -> (u8, u32) {
        let shift = 32 - u32::from(self.at % 32) - u32::from(self.bits);
        (self.at / 32, (self.divisor() - 1) << shift)
    }

    fn end(self) -> u8 {
        self.at + self.bits
    }

    /// The bucket of an address, which begins at the highest bit.
    fn bucket(self, address: u128) -> usize {
        (address >> (128 - u32::from(self.end()))) as usize & (self.divisor() as usize - 1)
    }

    /// How many of the bits a prefix of this length leaves open.
    fn open(self, len: u8) -> u32 {
        u32::from(self.end() - len.clamp(self.at, self.end()))
    }

    /// The buckets of a prefix.
    fn buckets(self, (address, len): (u128, u8)) -> std::ops::Range<usize> {
        let first = self.bucket(address);
        first..first + (1 << self.open(len))
    }

    fn overlaps(self, other: Level) -> bool {
        self.at < other.end() && other.at < self.end()
    }
}

/// How the prefixes of a [`PrefixTable`](super::PrefixTable) are spread over u32 hash tables: which bits of the address are hashed,
/// in one or two levels.
///
/// A prefix stands in each bucket that it covers, if these are at most [`copies`](Layout::copies); one that covers more stands a level
/// above, behind the link to the tables in which the longer ones are.
///
/// It prints as a line that it reads again (`ip 16+8 24+8 copies 16`), so that it can be kept: with another layout every filter has
/// another place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    family: Family,
    levels: Vec<Level>,
    copies: u16,
    /// The longest first.
    lengths: Vec<u8>,
}

/// A bucket of a layout: the table, of which 0 is the one that packets enter, 1 that of the first level, and `2 + b` that of the second
/// level behind bucket `b` of the first; and the bucket in it.
pub(super) type Spot = (u16, u8);

impl Layout {
    const COPIES: u16 = 16;

    /// Tables for the prefixes of a family in one or two levels, the first one first.
    ///
    /// # Errors
    /// There are none or more than two levels, they overlap, or the addresses have no such bits.
    pub fn new(family: Family, levels: impl IntoIterator<Item = Level>) -> Result<Self> {
        let levels: Vec<Level> = levels.into_iter().collect();
        let why = match levels.as_slice() {
            _ if levels.iter().any(|level| level.end() > family.bits()) => "the addresses are shorter",
            [_] => return Ok(Self::made(family, levels)),
            [one, other] if one.overlaps(*other) => "the levels have bits in common",
            [_, _] => return Ok(Self::made(family, levels)),
            _ => "there are one or two levels",
        };
        Err(Error::invalid("a layout of hash tables", why))
    }

    fn made(family: Family, levels: Vec<Level>) -> Self {
        // Every length where there are few, otherwise those in use.
        let lengths = (0..=family.bits()).rev().filter(|len| family == Family::V4 || len % 4 == 0);
        Layout { family, levels, copies: Self::COPIES, lengths: lengths.collect() }
    }

    /// The layout of the fewest look-ups for these prefixes of a family: one level of 256 buckets if these are at most about eight deep
    /// with it, and otherwise two if that is better. With the same prefixes it is the same.
    pub fn for_prefixes(family: Family, prefixes: &[Prefix]) -> Self {
        let of_family = prefixes.iter().filter(|prefix| prefix.family() == family);
        let plain: Vec<(u128, u8)> = of_family.map(|prefix| plain(*prefix)).collect();
        let mut layout = Self::made(family, choice::levels(family, &plain));
        layout = layout.lengths(plain.iter().map(|(_, len)| *len));
        layout
    }

    /// Lets a prefix stand in so many buckets, 1 to 256, before it is put a level above instead; 16 unless said.
    #[must_use]
    pub fn copies(mut self, copies: u16) -> Self {
        self.copies = copies.clamp(1, 256);
        self
    }

    /// Has room for prefixes of these lengths, too. IPv4 has it for all, IPv6 for the multiples of 4.
    #[must_use]
    pub fn lengths(mut self, lengths: impl IntoIterator<Item = u8>) -> Self {
        let bits = self.family.bits();
        self.lengths.extend(lengths.into_iter().filter(|len| *len <= bits));
        self.lengths.sort_unstable_by(|a, b| b.cmp(a));
        self.lengths.dedup();
        self
    }

    /// The family of the prefixes.
    pub fn family(&self) -> Family {
        self.family
    }

    /// The levels, the first one first.
    pub fn levels(&self) -> &[Level] {
        &self.levels
    }

    /// How many numbers it takes for tables.
    pub fn tables(&self) -> u16 {
        match self.levels.as_slice() {
            [first, _] => 1 + first.divisor() as u16,
            _ => 1,
        }
    }

    /// The nodes of prefixes of a length within a bucket: longer ones come first. The node in front of all is for a link.
    pub(super) fn nodes(&self, len: u8) -> Option<std::ops::Range<u16>> {
        let rank = self.lengths.iter().position(|length| *length == len)?;
        let each = (0xfff - 1) / self.lengths.len();
        let start = 2 + rank * each;
        Some(u16::try_from(start).ok()?..u16::try_from(start + each).ok()?)
    }

    /// Where a prefix stands.
    pub(super) fn spots(&self, prefix: Prefix) -> Vec<Spot> {
        let mut spots = Vec::new();
        place(&self.levels, self.copies, plain(prefix), |spot| spots.push(spot));
        spots
    }
}

/// Tells each bucket in which a prefix stands. Longer prefixes stand at least as deep as shorter ones.
fn place(levels: &[Level], copies: u16, prefix: (u128, u8), mut at: impl FnMut(Spot)) {
    let bits = u32::from(copies).ilog2();
    let open = |levels: &[Level]| levels.iter().map(|level| level.open(prefix.1)).sum::<u32>();
    match levels {
        [first, second] if open(levels) <= bits => {
            for above in first.buckets(prefix) {
                second.buckets(prefix).for_each(|bucket| at((2 + above as u16, bucket as u8)));
            }
        }
        [first, ..] if open(&[*first]) <= bits => {
            first.buckets(prefix).for_each(|bucket| at((1, bucket as u8)))
        }
        _ => at((0, 0)),
    }
}

/// The address from the highest bit on, and the length.
fn plain(prefix: Prefix) -> (u128, u8) {
    let address = match prefix.addr() {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    };
    (address, prefix.len())
}

impl Display for Layout {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self.family {
            Family::V4 => "ip",
            Family::V6 => "ipv6",
        })?;
        self.levels.iter().try_for_each(|level| write!(f, " {}+{}", level.at, level.bits))?;
        write!(f, " copies {}", self.copies)?;
        let usual = Self::made(self.family, Vec::new()).lengths;
        let mut more = self.lengths.iter().filter(|len| !usual.contains(len)).peekable();
        if more.peek().is_some() {
            f.write_str(" lengths")?;
        }
        more.try_for_each(|len| write!(f, " {len}"))
    }
}

impl FromStr for Layout {
    type Err = ParseError;

    fn from_str(line: &str) -> Result<Self, ParseError> {
        let parsed = || {
            let mut words = line.split_ascii_whitespace();
            let family = match words.next()? {
                "ip" => Family::V4,
                "ipv6" => Family::V6,
                _ => return None,
            };
            let mut levels = Vec::new();
            let mut words = words.peekable();
            while let Some((at, bits)) = words.peek().and_then(|word| word.split_once('+')) {
                levels.push(Level::new(at.parse().ok()?, bits.parse().ok()?).ok()?);
                words.next();
            }
            let mut layout = Layout::new(family, levels).ok()?;
            if words.next_if_eq(&"copies").is_some() {
                layout = layout.copies(words.next()?.parse().ok()?);
            }
            if words.next_if_eq(&"lengths").is_some() {
                let lengths: Option<Vec<u8>> = words.by_ref().map(|word| word.parse().ok()).collect();
                layout = layout.lengths(lengths?);
            }
            words.next().is_none().then_some(layout)
        };
        parsed().ok_or_else(|| {
            ParseError::new(line, "a layout of hash tables: expected `ip 16+8 24+8 copies 16`")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(word: &str) -> Prefix {
        word.parse().unwrap()
    }

    fn layout(line: &str) -> Layout {
        line.parse().unwrap()
    }

    #[test]
    fn a_layout_reads_as_it_was_printed_and_nonsense_is_refused() {
        for line in ["ip 24+8 copies 16", "ip 16+8 24+8 copies 1", "ipv6 32+8 40+8 copies 16 lengths 63 57"] {
            assert_eq!(layout(line).to_string(), line);
        }
        for wrong in [
            "",
            "ip",
            "ip 28+8",
            "ip 32+1",
            "ip 24+0",
            "ip 24+9",
            "ip 16+8 20+8",
            "ip 0+8 8+8 16+8",
            "ipx 0+1",
            "ip 24+8 copies",
            "ip 24+8 more",
        ] {
            assert!(wrong.parse::<Layout>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_level_is_the_mask_that_the_kernel_hashes() {
        assert_eq!(Level::new(24, 8).unwrap().word(), (0, 0xff));
        assert_eq!(Level::new(16, 4).unwrap().word(), (0, 0xf000));
        assert_eq!(Level::new(40, 8).unwrap().word(), (1, 0x00ff_0000));
    }

    #[test]
    fn a_prefix_stands_in_the_buckets_that_it_covers_or_a_level_above() {
        let two = layout("ip 16+8 24+8 copies 16");
        assert_eq!(two.spots(prefix("10.0.3.7")), [(5, 7)]);
        assert_eq!(two.spots(prefix("10.0.3.8/30")), [(5, 8), (5, 9), (5, 10), (5, 11)]);
        assert_eq!(two.spots(prefix("10.0.3.0/24")), [(1, 3)]);
        assert_eq!(two.spots(prefix("10.0.2.0/23")), [(1, 2), (1, 3)]);
        assert_eq!(two.spots(prefix("10.0.0.0/16")), [(0, 0)]);
        assert_eq!(two.spots(prefix("0.0.0.0/0")), [(0, 0)]);
        assert_eq!(two.tables(), 257);
    }

    #[test]
    fn longer_prefixes_have_lower_nodes_and_there_is_room_for_a_link_in_front() {
        let one = layout("ip 24+8");
        let nodes: Vec<_> = (0..=32).rev().map(|len| one.nodes(len).unwrap()).collect();
        assert_eq!(nodes[0], 2..126);
        assert!(nodes.windows(2).all(|pair| pair[0].end == pair[1].start));
        assert!(nodes.last().unwrap().end <= 0x1000);
        let six = layout("ipv6 48+8 lengths 57");
        assert_eq!(six.nodes(59), None);
        assert!(six.nodes(60).unwrap().end <= six.nodes(57).unwrap().start);
    }

    #[test]
    fn the_bits_in_which_prefixes_differ_are_chosen() {
        let hosts: Vec<Prefix> = (0..200u32)
            .map(|host| Prefix::host(std::net::Ipv4Addr::from_bits(0x0a00_0000 | host << 8)))
            .collect();
        assert_eq!(Layout::for_prefixes(Family::V4, &hosts).to_string(), "ip 16+8 copies 16");
        let many: Vec<Prefix> = (0..20_000u32)
            .map(|host| Prefix::host(std::net::Ipv4Addr::from_bits(0x0a00_0000 | host)))
            .collect();
        assert_eq!(Layout::for_prefixes(Family::V4, &many).to_string(), "ip 16+8 24+8 copies 16");
        let six: Vec<Prefix> = (0..20_000u128)
            .map(|net| Prefix::new(std::net::Ipv6Addr::from_bits(0x2001_0db8 << 96 | net << 72), 56).unwrap())
            .collect();
        assert_eq!(Layout::for_prefixes(Family::V6, &six).to_string(), "ipv6 40+8 48+8 copies 16");
        // With nothing to choose by, the usual.
        assert_eq!(Layout::for_prefixes(Family::V4, &[]).to_string(), "ip 24+8 copies 16");
        assert_eq!(Layout::for_prefixes(Family::V6, &hosts).to_string(), "ipv6 56+8 copies 16");
    }
}

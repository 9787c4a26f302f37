use super::{At, Masked, Match};
use crate::text::{Digits, FromWord, WordError, Words};
use crate::units::ParseError;
use std::net::{Ipv4Addr, Ipv6Addr};

/// How the words behind a field's name become keys.
#[derive(Clone, Copy)]
enum Field {
    /// Value and mask of one byte.
    Byte(fn(Masked<u8>) -> Match),
    /// Value and mask of two bytes.
    Short(fn(Masked<u16>) -> Match),
    /// Value and mask of the four bytes at the start of the header.
    Word,
    /// No words.
    Bits(fn() -> Match),
    /// The traffic class: value and mask, which stand across two bytes and cannot be looked for elsewhere.
    Class,
    /// An IPv4 prefix, where it is.
    Ipv4(i32),
    /// An IPv6 prefix, where it is.
    Ipv6(i32),
    /// An Ethernet address, where it is.
    Ether(i32),
}

type Fields = &'static [(&'static str, Field)];

const IP: Fields = &[
    ("src", Field::Ipv4(12)),
    ("dst", Field::Ipv4(16)),
    ("tos", Field::Byte(Match::ip_tos)),
    ("dsfield", Field::Byte(Match::ip_tos)),
    // Not the number from 0 to 7: the byte, with a mask.
    ("precedence", Field::Byte(Match::ip_tos)),
    ("ihl", Field::Byte(|masked| Match::u8(masked, 0))),
    ("protocol", Field::Byte(Match::ip_protocol)),
    ("nofrag", Field::Bits(Match::ip_nofrag)),
    // tc means whatever is not a later fragment: whole packets too.
    ("firstfrag", Field::Bits(|| Match::part(0, 0x1fff, 2, At::Network(6)))),
    ("df", Field::Bits(Match::ip_df)),
    ("mf", Field::Bits(Match::ip_mf)),
    ("sport", Field::Short(Match::ip_sport)),
    ("dport", Field::Short(Match::ip_dport)),
    ("icmp_type", Field::Byte(Match::ip_icmp_type)),
    // iproute2 looks for the code where the type is.
    ("icmp_code", Field::Byte(Match::ip_icmp_code)),
];

const IP6: Fields = &[
    ("src", Field::Ipv6(8)),
    ("dst", Field::Ipv6(24)),
    ("priority", Field::Class),
    ("protocol", Field::Byte(Match::ip6_protocol)),
    ("flowlabel", Field::Word),
    ("sport", Field::Short(Match::ip6_sport)),
    ("dport", Field::Short(Match::ip6_dport)),
    ("icmp_type", Field::Byte(Match::ip6_icmp_type)),
    ("icmp_code", Field::Byte(Match::ip6_icmp_code)),
];

/// The words behind `match` and `sample`: a layer, or the width of a part of the packet. A mark is no part of the packet.
const LAYERS: &[(&str, Fields)] = &[
    ("u32", &[("", Field::Word)]),
    (
        "u16",
        &[(
            "",
            Field::Short(|masked| Match::part(masked.value.into(), masked.mask.into(), 2, At::Network(0))),
        )],
    ),
    ("u8", &[("", Field::Byte(|masked| Match::u8(masked, 0)))]),
    ("ip", IP),
    ("ip6", IP6),
    ("udp", &[("src", Field::Short(Match::udp_src)), ("dst", Field::Short(Match::udp_dst))]),
    ("tcp", &[("src", Field::Short(Match::tcp_src)), ("dst", Field::Short(Match::tcp_dst))]),
    ("icmp", &[("type", Field::Byte(Match::icmp_type)), ("code", Field::Byte(Match::icmp_code))]),
    ("ether", &[("src", Field::Ether(-8)), ("dst", Field::Ether(-14))]),
];

impl Match {
    /// Reads the words behind `match`, such as `ip dport 80 0xffff`.
    ///
    /// As in iproute2, masks are hexadecimal with or without `0x`, the bits behind a prefix are dropped, `at` moves a field to
    /// another place, and `any` is every address. What it takes without meaning it is refused: a `u16` at an odd place.
    pub(super) fn hear(words: &mut Words<'_>) -> Result<Match, WordError> {
        for (layer, fields) in LAYERS {
            if !words.take_if_short(layer) {
                continue;
            }
            for (name, field) in *fields {
                let short = matches!(*name, "dsfield" | "precedence");
                if name.is_empty() || words.take_if(name) || short && words.take_if_short(name) {
                    return field.hear(words);
                }
            }
            let names: Vec<_> = fields.iter().map(|(name, _)| *name).collect();
            return Err(words.error(&format!("a field of {layer}: expected {}", names.join(", "))));
        }
        let names: Vec<_> = LAYERS.iter().map(|(layer, _)| *layer).collect();
        Err(words.error(&format!("what u32 can match: expected {} or mark", names.join(", "))))
    }
}

impl Field {
    fn hear(self, words: &mut Words<'_>) -> Result<Match, WordError> {
        match self {
            Field::Bits(make) => Ok(make()),
            Field::Byte(make) => {
                let masked = masked(words)?;
                moved(words, make(masked), |at| Ok(Match::u8(masked, at)))
            }
            Field::Short(make) => {
                let masked = masked(words)?;
                moved(words, make(masked), |at| Match::u16(masked, at))
            }
            Field::Word => {
                let masked: Masked<u32> = masked(words)?;
                moved(words, Match::part(masked.value, masked.mask, 4, At::Network(0)), |at| {
                    Match::u32(masked, at)
                })
            }
            Field::Class => Ok(Match::ip6_priority(masked::<u8>(words)?)),
            Field::Ipv4(off) => {
                let V4(prefix) = words.value()?;
                let make = |at| Match::u32(prefix, at);
                let usual = refused(words, make(At::Network(off)))?;
                moved(words, usual, make)
            }
            Field::Ipv6(off) => {
                let V6(address, prefix) = words.value()?;
                let make = |at| Match::ipv6(address, prefix, at);
                let usual = refused(words, make(At::Network(off)))?;
                moved(words, usual, make)
            }
            Field::Ether(off) => {
                let Mac(address) = words.value()?;
                let make = |at| Match::ether(address, at);
                let usual = refused(words, make(At::Network(off)))?;
                moved(words, usual, make)
            }
        }
    }
}

/// A value and its mask.
fn masked<T: Digits>(words: &mut Words<'_>) -> Result<Masked<T>, WordError> {
    Ok(Masked { value: words.value()?, mask: words.number(16)? })
}

/// What was `made` of the words before, as an error that points at the last of them.
fn refused<T>(words: &Words<'_>, made: crate::Result<T>) -> Result<T, WordError> {
    made.map_err(|error| words.error_before(error.to_string()))
}

/// The field where it usually is, or where `at` says: there it is made again. `at nexthdr+4` may also be two words.
fn moved(
    words: &mut Words<'_>,
    usual: Match,
    make: impl FnOnce(At) -> crate::Result<Match>,
) -> Result<Match, WordError> {
    const NEXT: &str = "nexthdr+";
    if !words.take_if("at") {
        return Ok(usual);
    }
    let glued = words.peek().is_some_and(|word| word.len() > NEXT.len() && word.starts_with(NEXT));
    // A plain number keeps the header that the field belongs to.
    let next = glued || words.take_if_short(NEXT) || usual.keys().iter().any(|key| key.offmask != 0);
    let Integer(off) =
        words.read(Integer::WHAT, |word| Integer::from_word(word.strip_prefix(NEXT).unwrap_or(word)))?;
    let at = if next { At::NextHeader(off) } else { At::Network(off) };
    refused(words, make(at))
}

/// A number that may be negative.
pub(super) struct Integer(pub(super) i32);

impl FromWord for Integer {
    const WHAT: &'static str = "an offset: expected a number of bytes such as 12 or -14";
    fn from_word(word: &str) -> Result<Self, ParseError> {
        let number = match word.strip_prefix('-') {
            Some(digits) => u32::from_word(digits).ok().map(|number| -i64::from(number)),
            None => u32::from_word(word).ok().map(i64::from),
        };
        let integer = number.and_then(|number| i32::try_from(number).ok());
        integer.map(Integer).ok_or_else(|| ParseError::new(word, Self::WHAT))
    }
}

/// Every address has these names too.
fn is_any(word: &str) -> bool {
    matches!(word, "any" | "all" | "default")
}

/// An IPv4 address and the mask that its prefix length, which may be a mask itself, stands for. `10/8` is `10.0.0.0/8`.
struct V4(Masked<u32>);

impl FromWord for V4 {
    const WHAT: &'static str = "an IPv4 prefix: expected an address such as 10.0.0.1 or 10.0.0.0/8";
    fn from_word(word: &str) -> Result<Self, ParseError> {
        let parsed = || {
            if is_any(word) {
                return Some((0, 0));
            }
            let (address, len) =
                word.split_once('/').map_or((word, None), |(address, len)| (address, Some(len)));
            let mut bytes = [0; 4];
            let mut parts = address.split('.');
            for (byte, part) in bytes.iter_mut().zip(&mut parts) {
                *byte = u8::from_word(part).ok()?;
            }
            if address.split('.').nth(4).is_some() {
                return None;
            }
            let mask = match len {
                Some(mask) if mask.contains('.') => mask.parse::<Ipv4Addr>().ok()?.to_bits(),
                Some(len) => prefix_mask(u8::from_word(len).ok().filter(|len| *len <= 32)?),
                None => u32::MAX,
            };
            (mask.leading_ones() + mask.trailing_zeros() == 32).then_some((u32::from_be_bytes(bytes), mask))
        };
        let masked = parsed().map(|(value, mask)| Masked { value, mask });
        masked.map(V4).ok_or_else(|| ParseError::new(word, Self::WHAT))
    }
}

fn prefix_mask(len: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(len)).unwrap_or(0)
}

/// An IPv6 address without the bits behind its prefix.
struct V6(Ipv6Addr, u8);

impl FromWord for V6 {
    const WHAT: &'static str = "an IPv6 prefix: expected an address such as 2001:db8::1 or 2001:db8::/32";
    fn from_word(word: &str) -> Result<Self, ParseError> {
        let parsed = || {
            if is_any(word) {
                return Some(V6(Ipv6Addr::UNSPECIFIED, 0));
            }
            let (address, len) = word.split_once('/').unwrap_or((word, "128"));
            let len = u8::from_word(len).ok().filter(|len| *len <= 128)?;
            let mask = u128::MAX.checked_shl(128 - u32::from(len)).unwrap_or(0);
            let address: Ipv6Addr = address.parse().ok()?;
            Some(V6(Ipv6Addr::from_bits(address.to_bits() & mask), len))
        };
        parsed().ok_or_else(|| ParseError::new(word, Self::WHAT))
    }
}

/// An Ethernet address.
struct Mac([u8; 6]);

impl FromWord for Mac {
    const WHAT: &'static str = "an Ethernet address such as 00:11:22:33:44:55";
    fn from_word(word: &str) -> Result<Self, ParseError> {
        let parsed = || {
            let mut bytes = [0; 6];
            let mut parts = word.split(':');
            for byte in &mut bytes {
                let part = parts.next().filter(|part| part.len() <= 2 && !part.starts_with('+'))?;
                *byte = u8::from_str_radix(part, 16).ok()?;
            }
            parts.next().is_none().then_some(Mac(bytes))
        };
        parsed().ok_or_else(|| ParseError::new(word, Self::WHAT))
    }
}

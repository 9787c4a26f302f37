//! Values that the grammars of `ip` share.
//!
//! `ip` reads names of tables, protocols, realms and groups from files below `/etc/iproute2`. This layer does no I/O: it knows
//! the names that those files come with, and says so of others.

mod protocols;

pub(super) use protocols::IP_PROTOCOLS;

use super::{Family, Prefix, Realms, RouteProtocol, RouteType, Scope};
use crate::text::{Fault, FromWord, WordError, Words};
use crate::units::ParseError;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

const ADDRESS: &str = "an address such as 192.0.2.1 or 2001:db8::1";

/// Reads an address, of the family if there is one. IPv4 addresses may be cut short: `10.1` is 10.1.0.0.
pub(super) fn address(words: &mut Words<'_>, family: Option<Family>) -> Result<IpAddr, WordError> {
    words.read(ADDRESS, |word| parse_address(word, family, word)).map_err(no_address)
}

/// Reads an address and settles the family by it, if that is still open.
pub(super) fn address_in(words: &mut Words<'_>, family: &mut Option<Family>) -> Result<IpAddr, WordError> {
    let address = address(words, *family)?;
    family.get_or_insert(Family::of(address));
    Ok(address)
}

/// Reads a gateway: `via [ inet | inet6 ] ADDRESS` behind `via`. It settles the family if that is still open.
pub(super) fn gateway(words: &mut Words<'_>, family: &mut Option<Family>) -> Result<IpAddr, WordError> {
    let said = match () {
        () if words.take_if("inet") => Some(Family::V4),
        () if words.take_if("inet6") => Some(Family::V6),
        () => None,
    };
    let gateway = address(words, said.or(*family))?;
    family.get_or_insert(Family::of(gateway));
    Ok(gateway)
}

/// Reads a prefix, and settles the family by it if that is still open; `None` for `default`, `all` and `any`, which are of any
/// family. Bits behind the length are kept, as `ip` keeps them: some kernels' tables take them.
pub(super) fn prefix(
    words: &mut Words<'_>,
    family: &mut Option<Family>,
) -> Result<Option<Prefix>, WordError> {
    if words.take_if_any(&["default", "all", "any"]) {
        return Ok(None);
    }
    let prefix = words.read("a prefix such as 10.0.0.0/8 or 2001:db8::/32", |word| {
        let (addr, len) = match word.split_once('/') {
            Some((addr, len)) => (addr, Some(len)),
            None => (word, None),
        };
        let addr = parse_address(addr, *family, word)?;
        let wrong = || {
            ParseError::new(
                word,
                "a prefix: expected a length of at most 32 (IPv4) or 128 (IPv6), or a netmask, behind the slash",
            )
        };
        let bits = Family::of(addr).bits();
        let len = len.map_or(Some(bits), |len| u8::from_word(len).ok().or_else(|| netmask(len)));
        len.and_then(|len| Prefix::reported(addr, len).ok()).ok_or_else(wrong)
    });
    let prefix = prefix.map_err(no_address)?;
    family.get_or_insert(prefix.family());
    Ok(Some(prefix))
}

/// A word that is there and is wrong is no address.
pub(super) fn no_address(error: WordError) -> WordError {
    match error.fault() {
        Fault::Wrong => error.with_fault(Fault::Address),
        _ => error,
    }
}

/// `whole` is the word that the address is a part of, for errors.
fn parse_address(word: &str, family: Option<Family>, whole: &str) -> Result<IpAddr, ParseError> {
    let v6 = word.contains(':');
    match family {
        Some(Family::V4) if v6 => {
            Err(ParseError::new(whole, "an IPv4 address, as the command speaks of IPv4"))
        }
        Some(Family::V6) if !v6 => {
            Err(ParseError::new(whole, "an IPv6 address, as the command speaks of IPv6"))
        }
        _ if v6 => word.parse::<Ipv6Addr>().ok().map(IpAddr::from).ok_or(ParseError::new(whole, ADDRESS)),
        _ => ipv4(word).map(IpAddr::from).ok_or(ParseError::new(whole, ADDRESS)),
    }
}

/// Up to four numbers in any base; those that are not said are 0.
fn ipv4(word: &str) -> Option<Ipv4Addr> {
    let mut bytes = [0; 4];
    let mut parts = word.split('.');
    for (byte, part) in bytes.iter_mut().zip(&mut parts) {
        *byte = u8::from_word(part).ok()?;
    }
    parts.next().is_none().then(|| bytes.into())
}

fn netmask(word: &str) -> Option<u8> {
    let mask = word.parse::<Ipv4Addr>().ok()?.to_bits();
    (mask.leading_ones() + mask.trailing_zeros() >= 32).then_some(mask.leading_ones() as u8)
}

/// Reads a number that may have a name.
fn named<T: FromWord + Copy>(
    words: &mut Words<'_>,
    what: &'static str,
    names: &[(&str, T)],
) -> Result<T, WordError> {
    words.read(what, |word| number_or(word, names).ok_or_else(|| ParseError::new(word, what)))
}

fn number_or<T: FromWord + Copy>(word: &str, names: &[(&str, T)]) -> Option<T> {
    let known = names.iter().find(|(name, _)| *name == word).map(|(_, number)| *number);
    known.or_else(|| T::from_word(word).ok())
}

/// Reads a routing table.
pub(super) fn table(words: &mut Words<'_>) -> Result<u32, WordError> {
    const NAMES: [(&str, u32); 4] = [("main", 254), ("local", 255), ("default", 253), ("unspec", 0)];
    named(
        words,
        "a table: expected a number, or main, local or default (names from rt_tables are not looked up)",
        &NAMES,
    )
}

/// Reads a group of devices.
pub(super) fn group(words: &mut Words<'_>) -> Result<u32, WordError> {
    named(
        words,
        "a group: expected a number or default (names from the file group are not looked up)",
        &[("default", 0)],
    )
}

/// Reads what added a route.
pub(super) fn protocol(words: &mut Words<'_>) -> Result<RouteProtocol, WordError> {
    words.read("a protocol such as static", |word| {
        let number = u8::from_word(word).map(RouteProtocol);
        number.or_else(|_| RouteProtocol::from_str(word))
    })
}

/// Reads a scope.
pub(super) fn scope(words: &mut Words<'_>) -> Result<Scope, WordError> {
    words.read("a scope such as link", |word| {
        u8::from_word(word).map(Scope).or_else(|_| Scope::from_str(word))
    })
}

/// Reads realms: `[FROM/]TO`.
pub(super) fn realms(words: &mut Words<'_>) -> Result<Realms, WordError> {
    const WHAT: &str = "realms: expected [FROM/]TO in numbers (names from rt_realms are not looked up)";
    words.read(WHAT, |word| {
        let realm = |word| number_or::<u16>(word, &[("cosmos", 0)]);
        let realms = match word.split_once('/') {
            Some((from, "")) => realm(from).map(|from| Realms { from, to: 0 }),
            Some((from, to)) => realm(from).zip(realm(to)).map(|(from, to)| Realms { from, to }),
            None => realm(word).map(Realms::to),
        };
        realms.ok_or_else(|| ParseError::new(word, WHAT))
    })
}

/// DiffServ code points by name.
pub(super) const DSCPS: [(&str, u8); 21] = [
    ("default", 0),
    ("AF11", 10),
    ("AF12", 12),
    ("AF13", 14),
    ("AF21", 18),
    ("AF22", 20),
    ("AF23", 22),
    ("AF31", 26),
    ("AF32", 28),
    ("AF33", 30),
    ("AF41", 34),
    ("AF42", 36),
    ("AF43", 38),
    ("CS1", 8),
    ("CS2", 16),
    ("CS3", 24),
    ("CS4", 32),
    ("CS5", 40),
    ("CS6", 48),
    ("CS7", 56),
    ("EF", 46),
];

/// Reads a type of service. `ip` takes its digits as hexadecimal, with or without `0x`.
pub(super) fn tos(words: &mut Words<'_>) -> Result<u8, WordError> {
    const WHAT: &str = "a type of service: expected a hexadecimal number up to ff, or a name such as AF11";
    words.read(WHAT, |word| {
        let digits = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")).unwrap_or(word);
        let known = DSCPS.iter().find(|(name, _)| *name == word).map(|(_, dscp)| dscp << 2);
        let number = || u8::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'));
        known.or_else(number).ok_or_else(|| ParseError::new(word, WHAT))
    })
}

/// Reads a DSCP: `DSCP[/MASK]`.
pub(super) fn dscp(words: &mut Words<'_>) -> Result<(u8, Option<u8>), WordError> {
    masked(words, "a DSCP: expected [0 to 63](/MASK) or a name such as AF11", |word| {
        number_or(word, &DSCPS).filter(|dscp| *dscp < 64)
    })
}

/// Reads a value that may have a mask: `VALUE[/MASK]`.
pub(super) fn masked<T>(
    words: &mut Words<'_>,
    what: &'static str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<(T, Option<T>), WordError> {
    words.read(what, |word| {
        let both = match word.split_once('/') {
            Some((value, mask)) => read(value).zip(read(mask)).map(|(value, mask)| (value, Some(mask))),
            None => read(word).map(|value| (value, None)),
        };
        both.ok_or_else(|| ParseError::new(word, what))
    })
}

/// Reads an IP protocol.
pub(super) fn ip_proto(words: &mut Words<'_>) -> Result<u8, WordError> {
    named(
        words,
        "an IP protocol: expected a number up to 255 or a name such as tcp (/etc/protocols is not looked up)",
        &IP_PROTOCOLS,
    )
}

/// Takes the type of a route, by its name or its beginning, or by number.
pub(super) fn take_route_type(words: &mut Words<'_>) -> Option<RouteType> {
    let exact = [
        ("unspec", RouteType::UNSPEC),
        ("local", RouteType::LOCAL),
        ("nat", RouteType::NAT),
        ("brd", RouteType::BROADCAST),
    ];
    let short = [
        ("broadcast", RouteType::BROADCAST),
        ("anycast", RouteType::ANYCAST),
        ("multicast", RouteType::MULTICAST),
        ("prohibit", RouteType::PROHIBIT),
        ("unreachable", RouteType::UNREACHABLE),
        ("blackhole", RouteType::BLACKHOLE),
        ("xresolve", RouteType::XRESOLVE),
        ("unicast", RouteType::UNICAST),
        ("throw", RouteType::THROW),
    ];
    let known = exact.into_iter().find(|(word, _)| words.take_if(word));
    let known = known.or_else(|| short.into_iter().find(|(word, _)| words.take_if_short(word)));
    known.map(|(_, kind)| kind)
}

/// Reads a switch.
pub(super) fn on_off(words: &mut Words<'_>) -> Result<bool, WordError> {
    match words.take("on or off")? {
        "on" => Ok(true),
        "off" => Ok(false),
        word => Err(words.error_before(format!("{word:?} is not on or off"))),
    }
}

/// Refuses what `ip` knows and the crate has no words for; the word has been taken.
pub(super) fn refuse<T>(words: &Words<'_>, why: &str) -> Result<T, WordError> {
    Err(words.error_before(why))
}

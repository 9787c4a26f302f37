//! What the objects of this room show alike, in the words of `ip`.
//!
//! Like what they hear, names are those that iproute2's files below `/etc/iproute2` come with; `/etc/protocols` likewise.

use super::hear::{DSCPS, IP_PROTOCOLS};
use super::{Family, Realms, Route, RouteFlags};
use crate::text::Page;
use crate::units::Dev;
use std::fmt::Display;
use std::net::IpAddr;

/// The name, or the number where numbers are asked for.
pub(super) fn named(name: impl Display, number: impl Display, page: &Page) -> String {
    match page.layout().numeric {
        true => number.to_string(),
        false => name.to_string(),
    }
}

/// A device's name; `*` where there is none.
pub(super) fn dev(dev: Dev, page: &Page) -> String {
    match dev.index {
        0 => "*".to_owned(),
        _ => page.dev(dev),
    }
}

/// A routing table.
pub(super) fn table(table: u32, page: &Page) -> String {
    let name = match table {
        0 => "unspec",
        253 => "default",
        Route::MAIN => "main",
        Route::LOCAL => "local",
        number => return number.to_string(),
    };
    named(name, table, page)
}

/// A group of devices.
pub(super) fn group(group: u32, page: &Page) -> String {
    match group {
        0 => named("default", 0, page),
        number => number.to_string(),
    }
}

/// A type of service: DiffServ code points have names.
pub(super) fn tos(tos: u8, page: &Page) -> String {
    let name = DSCPS.iter().find(|(_, dscp)| dscp << 2 == tos);
    match name.filter(|_| !page.layout().numeric) {
        Some((name, _)) => (*name).to_owned(),
        None => format!("{tos:#04x}"),
    }
}

/// A DiffServ code point.
pub(super) fn dscp(dscp: u8, page: &Page) -> String {
    let name = DSCPS.iter().find(|(_, number)| *number == dscp);
    named(name.map_or_else(|| dscp.to_string(), |(name, _)| (*name).to_owned()), dscp, page)
}

/// An IP protocol.
pub(super) fn ip_proto(number: u8, page: &Page) -> String {
    let name = IP_PROTOCOLS.iter().find(|(_, known)| *known == number);
    match name.filter(|_| !page.layout().numeric) {
        Some((name, _)) => (*name).to_owned(),
        None => format!("ipproto-{number}"),
    }
}

/// A realm of its own; those of sources have no names.
pub(super) fn realm(realm: u16, page: &Page) -> String {
    match realm {
        0 => named("cosmos", 0, page),
        number => number.to_string(),
    }
}

/// The realms of a route or of one of its ways.
pub(super) fn realms(realms: Realms, page: &mut Page) {
    let to = realm(realms.to, page);
    page.object_in("flow", |page| {
        page.text(if realms.from == 0 { "realm " } else { "realms " });
        if realms.from != 0 {
            page.field("from", realms.from.to_string(), format_args!("{}/", realms.from));
        }
        page.field("to", to.as_str(), format_args!("{to} "));
    });
}

/// The gateway of a route of this family, or of one of its ways.
pub(super) fn gateway(family: Family, gateway: IpAddr, page: &mut Page) {
    let address = gateway.to_string();
    if Family::of(gateway) == family {
        return page.field("gateway", address.as_str(), format_args!("via {address} "));
    }
    let other = match gateway {
        IpAddr::V4(_) => "inet",
        IpAddr::V6(_) => "inet6",
    };
    page.object_in("via", |page| {
        page.field("family", other, format_args!("via {other} "));
        page.field("host", address.as_str(), format_args!("{address} "));
    });
}

/// The flags that have words.
pub(super) fn flags(flags: RouteFlags, page: &mut Page) {
    const WORDS: [(RouteFlags, &str); 11] = [
        (RouteFlags::DEAD, "dead"),
        (RouteFlags::ONLINK, "onlink"),
        (RouteFlags::PERVASIVE, "pervasive"),
        (RouteFlags::OFFLOAD, "offload"),
        (RouteFlags::TRAP, "trap"),
        (RouteFlags::NOTIFY, "notify"),
        (RouteFlags::LINKDOWN, "linkdown"),
        (RouteFlags::UNRESOLVED, "unresolved"),
        (RouteFlags::RT_OFFLOAD, "rt_offload"),
        (RouteFlags::RT_TRAP, "rt_trap"),
        (RouteFlags::OFFLOAD_FAILED, "rt_offload_failed"),
    ];
    page.list("flags", |page| {
        for (_, word) in WORDS.into_iter().filter(|(flag, _)| flags.contains(*flag)) {
            page.item(word, format_args!("{word} "));
        }
    });
}

/// A number with six digits that count, the way `%g` prints it.
pub(super) fn six_digits(value: f64) -> String {
    let scientific = format!("{value:.5e}");
    let (digits, power) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let short = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    match power.parse::<i32>() {
        Ok(power @ -4..=5) => {
            let places = usize::try_from(5 - power).unwrap_or(0);
            short(&format!("{value:.places$}"))
        }
        Ok(power) => format!("{}e{power:+03}", short(digits)),
        Err(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_fractions_print_as_in_c() {
        for (value, text) in [
            (0.0, "0"),
            (1.5, "1.5"),
            (1.543, "1.543"),
            (12345.678, "12345.7"),
            (123456.7, "123457"),
            (999999.9, "1e+06"),
            (4294967.295, "4.29497e+06"),
            (0.01, "0.01"),
            (0.00001, "1e-05"),
        ] {
            assert_eq!(six_digits(value), text);
        }
    }
}

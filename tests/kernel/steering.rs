//! Policy routing: the rules that the crate adds choose the table, by whatever they look at, and nothing else does.

use crate::common::{ip, trial, Outcome, Stop};
use libtest_mimic::Trial;
use std::net::{IpAddr, Ipv4Addr};
use tcnl::netlink::Connection;
use tcnl::route::{Prefix, Route, Rule};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("a rule steers by mark, and by no other mark", by_mark),
        trial("a rule steers by source, and by no other source", by_source),
        trial("a rule steers by the device that packets come in by", by_device),
        trial("a rule steers by protocol and port", by_port),
        trial("a rule steers IPv6 too", ipv6),
        trial("rules have their turn by priority, and a table without a route passes on", priorities),
        trial("a rule that suppresses default routes passes on", suppressed),
    ]
}

const ASKED: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 7);

/// Two ways out, `a` and `b`: the main table has the first, table 102 the second.
fn uplinks() -> Result<Connection, Stop> {
    for command in [
        "link set lo up",
        "link add name a index 10 type veth peer name a1",
        "link add name b index 11 type veth peer name b1",
        "address add 192.0.2.1/24 dev a",
        "address add 198.51.100.1/24 dev b",
        "address add 2001:db8:a::1/64 dev a nodad",
        "address add 2001:db8:b::1/64 dev b nodad",
    ] {
        ip(command)?;
    }
    for name in ["a", "b", "a1", "b1"] {
        ip(&format!("link set dev {name} up"))?;
    }
    let mut nl = Connection::open()?;
    nl.add(&Route::default_v4().via([192, 0, 2, 254]))?;
    nl.add(&Route::default_v4().via([198, 51, 100, 254]).table(102))?;
    Ok(nl)
}

/// The device by which the kernel would send this.
fn way(nl: &mut Connection, asked: &Route) -> Result<u32, Stop> {
    Ok(nl.get(asked)?.dev.ok_or("a route without a device")?.index)
}

fn asked() -> Route {
    Route::lookup(ASKED)
}

fn by_mark() -> Outcome {
    let mut nl = uplinks()?;
    assert_eq!(way(&mut nl, &asked().mark(0x20))?, 10);
    nl.add(&Rule::v4().fwmark_mask(0x20, 0xf0).table(102).priority(100))?;
    assert_eq!(way(&mut nl, &asked().mark(0x20))?, 11);
    assert_eq!(way(&mut nl, &asked().mark(0x2f))?, 11);
    assert_eq!(way(&mut nl, &asked().mark(0x30))?, 10);
    assert_eq!(way(&mut nl, &asked())?, 10);
    nl.delete(&Rule::v4().fwmark_mask(0x20, 0xf0).table(102).priority(100))?;
    assert_eq!(way(&mut nl, &asked().mark(0x20))?, 10);
    Ok(())
}

fn by_source() -> Outcome {
    let mut nl = uplinks()?;
    nl.add(&Rule::v4().from(Ipv4Addr::new(198, 51, 100, 1))?.table(102).priority(100))?;
    assert_eq!(way(&mut nl, &asked().from(Ipv4Addr::new(198, 51, 100, 1))?)?, 11);
    assert_eq!(way(&mut nl, &asked().from(Ipv4Addr::new(192, 0, 2, 1))?)?, 10);
    assert_eq!(way(&mut nl, &asked())?, 10);
    Ok(())
}

fn by_device() -> Outcome {
    let mut nl = uplinks()?;
    ip("link add lan index 12 type veth peer name lan1")?;
    ip("link set lan up")?;
    ip("link set lan1 up")?;
    ip("address add 10.0.0.1/24 dev lan")?;
    std::fs::write("/proc/sys/net/ipv4/ip_forward", "1")?;
    nl.add(&Rule::v4().iif("lan".parse()?).table(102).priority(100))?;
    let from_lan = asked().from(Ipv4Addr::new(10, 0, 0, 9))?;
    assert_eq!(way(&mut nl, &from_lan.iif(12))?, 11);
    assert_eq!(way(&mut nl, &asked())?, 10);
    Ok(())
}

fn by_port() -> Outcome {
    const TCP: u8 = 6;
    const UDP: u8 = 17;
    let mut nl = uplinks()?;
    nl.add(&Rule::v4().ip_proto(TCP).dport(80..=90).table(102).priority(100))?;
    assert_eq!(way(&mut nl, &asked().ip_proto(TCP).dport(80))?, 11);
    assert_eq!(way(&mut nl, &asked().ip_proto(TCP).dport(90))?, 11);
    assert_eq!(way(&mut nl, &asked().ip_proto(TCP).dport(91))?, 10);
    assert_eq!(way(&mut nl, &asked().ip_proto(UDP).dport(80))?, 10);
    assert_eq!(way(&mut nl, &asked())?, 10);
    Ok(())
}

fn ipv6() -> Outcome {
    let mut nl = uplinks()?;
    let address = |text: &str| text.parse::<IpAddr>();
    nl.add(&Route::default_v6().via(address("2001:db8:a::fe")?))?;
    nl.add(&Route::default_v6().via(address("2001:db8:b::fe")?).table(102))?;
    nl.add(&Rule::v6().to("2001:db8:f00::/48".parse::<Prefix>()?)?.table(102).priority(100))?;
    nl.add(&Rule::v6().fwmark(7).table(102).priority(101))?;
    let asked = |text: &str| address(text).map(Route::lookup);
    assert_eq!(way(&mut nl, &asked("2001:db8:f00::1")?)?, 11);
    assert_eq!(nl.get(&asked("2001:db8:f00::1")?)?.table, 102);
    assert_eq!(way(&mut nl, &asked("2001:db8:f01::1")?)?, 10);
    assert_eq!(way(&mut nl, &asked("2001:db8:f01::1")?.mark(7))?, 11);
    Ok(())
}

fn priorities() -> Outcome {
    let mut nl = uplinks()?;
    nl.add(&Rule::v4().fwmark(7).table(102).priority(200))?;
    nl.add(&Rule::v4().fwmark(7).table(103).priority(100))?;
    // There is nothing in table 103.
    assert_eq!(way(&mut nl, &asked().mark(7))?, 11);
    nl.add(&Rule::v4().fwmark(7).priority(150).unreachable())?;
    let error = nl.get(&asked().mark(7)).err().ok_or("there was a way")?;
    assert_eq!(error.errno(), Some(nix::libc::ENETUNREACH), "{error}");
    assert!(error.to_string().starts_with("`ip route get 203.0.113.7"), "{error}");
    nl.add(&Route::default_v4().via([198, 51, 100, 254]).table(103))?;
    assert_eq!(way(&mut nl, &asked().mark(7))?, 11);
    assert_eq!(way(&mut nl, &asked().mark(8))?, 10);
    Ok(())
}

fn suppressed() -> Outcome {
    let mut nl = uplinks()?;
    nl.add(&Rule::v4().priority(100).table(254).suppress_prefixlength(0))?;
    nl.add(&Rule::v4().priority(200).table(102))?;
    // What main knows better than by its default route stays there.
    assert_eq!(way(&mut nl, &Route::lookup(Ipv4Addr::new(192, 0, 2, 9)))?, 10);
    assert_eq!(way(&mut nl, &asked())?, 11);
    Ok(())
}

//! What a gateway with several uplinks needs of the machine around it: settings, and servers that answer from where they were asked.

use crate::common::{ip, trial, Outcome, Stop};
use libtest_mimic::Trial;
use std::fs;
use std::net::UdpSocket;
use std::path::Path;
use tcnl::units::{Family, Rate};
use tcnl::uplink::sysctl::{settings, Changed, Sysctls};
use tcnl::uplink::{audit, warnings, Gateway, Leg, Uplink, Via, Warning};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("settings are listed, changed and restored, and a device's name may have dots", changed),
        trial("a device that goes takes its setting with it", gone),
        trial("what the kernel gives is warned of, and is no longer when it is set", warned),
        trial("UDP servers without an address are found with their process, and others are not", servers),
    ]
}

const DOTTED: &str = "b.100";

fn gateway() -> Result<Gateway, Stop> {
    ip("link set lo up")?;
    ip("link add name a type veth peer name a1")?;
    ip(&format!("link add name {DOTTED} type veth peer name b1"))?;
    let uplink = |name: &str, dev: &str| -> Result<Uplink, Stop> {
        let learned = || Leg::new(Via::Learned);
        Ok(Uplink::new(name, dev.parse()?, Rate::mbit(10), Rate::mbit(10)).v4(learned()).v6(learned()))
    };
    Ok(Gateway::new([uplink("a", "a")?, uplink("b", DOTTED)?], ["lo".parse()?]))
}

fn set(path: &str, value: &str) -> Outcome {
    let path = format!("/proc/sys/net/{path}");
    fs::write(&path, value).map_err(|error| Stop::Fail(format!("{path}: {error}")))
}

/// A machine on which nothing is as it must be.
fn strict() -> Result<Gateway, Stop> {
    let gateway = gateway()?;
    for (path, value) in [
        ("ipv4/conf/all/rp_filter", "1"),
        ("ipv4/conf/a/rp_filter", "1"),
        ("ipv4/conf/b.100/rp_filter", "0"),
        ("ipv4/conf/all/src_valid_mark", "0"),
        ("ipv4/fib_multipath_hash_policy", "0"),
        ("ipv6/fib_multipath_hash_policy", "0"),
        ("ipv6/conf/a/forwarding", "1"),
        ("ipv6/conf/a/accept_ra", "1"),
        ("ipv6/conf/b.100/forwarding", "0"),
        ("ipv6/conf/b.100/accept_ra", "1"),
    ] {
        set(path, value)?;
    }
    Ok(gateway)
}

fn changed() -> Outcome {
    let gateway = strict()?;
    let (here, settings) = (Sysctls::here(), settings(&gateway));
    let changes = here.changes(&settings)?;
    let lines: Vec<_> = changes.iter().map(Changed::to_string).collect();
    let expected = [
        "net/ipv4/conf/a/rp_filter 1 2",
        "net/ipv4/conf/b.100/rp_filter 0 2",
        "net/ipv4/conf/all/src_valid_mark 0 1",
        "net/ipv4/fib_multipath_hash_policy 0 1",
        "net/ipv6/fib_multipath_hash_policy 0 1",
        "net/ipv6/conf/a/accept_ra 1 2",
    ];
    assert_eq!(lines, expected);
    for change in &changes {
        here.make(change)?;
    }
    assert_eq!(here.changes(&settings)?, []);
    assert_eq!(fs::read_to_string("/proc/sys/net/ipv4/conf/b.100/rp_filter")?, "2\n");
    // As after a restart: from the lines.
    for line in &lines {
        assert!(here.restore(&line.parse()?)?, "{line}");
    }
    assert_eq!(here.changes(&settings)?, changes);
    Ok(())
}

fn gone() -> Outcome {
    let gateway = strict()?;
    let (here, settings) = (Sysctls::here(), settings(&gateway));
    let changes = here.changes(&settings)?;
    for change in &changes {
        here.make(change)?;
    }
    ip("link del dev b.100")?;
    assert_eq!(here.changes(&settings)?, []);
    let restored: Result<Vec<_>, _> = changes.iter().map(|change| here.restore(change)).collect();
    assert_eq!(restored?, [true, false, true, true, true, true]);
    Ok(())
}

fn warned() -> Outcome {
    let gateway = strict()?;
    set("ipv4/ip_forward", "0")?;
    set("ipv6/conf/all/forwarding", "0")?;
    let found = || -> Vec<_> {
        let mut warnings = warnings(&gateway, Path::new("/"), false);
        // Whether it runs is this machine's matter.
        warnings.retain(|warning| !matches!(warning, Warning::Networkd { .. }));
        warnings
    };
    let (a, b, lo) = ("a".parse()?, DOTTED.parse()?, "lo".parse()?);
    let off = |family| Warning::NoForwarding { family, devs: vec![a, b, lo] };
    assert_eq!(found(), [Warning::Strict { devs: vec![a, b] }, off(Family::V4), off(Family::V6)]);
    set("ipv4/conf/all/src_valid_mark", "1")?;
    set("ipv4/ip_forward", "1")?;
    set("ipv6/conf/all/forwarding", "1")?;
    assert_eq!(found(), []);
    Ok(())
}

fn servers() -> Outcome {
    let gateway = gateway()?;
    let any = UdpSocket::bind("0.0.0.0:53")?;
    let any6 = UdpSocket::bind("[::]:5353")?;
    let bound = UdpSocket::bind("127.0.0.1:54")?;
    let client = UdpSocket::bind("0.0.0.0:55")?;
    client.connect("127.0.0.1:54")?;
    let found = audit(&gateway)?;
    let sockets: Vec<_> = found.iter().map(|socket| (socket.address.to_string(), socket.port)).collect();
    assert_eq!(sockets, [("0.0.0.0".to_owned(), 53), ("::".to_owned(), 5353)]);
    for socket in &found {
        let process = socket.process.as_ref().ok_or("no process was found")?;
        assert_eq!((process.pid, socket.uid), (std::process::id(), 0));
        assert!(!process.name.is_empty());
    }
    let line = found[0].to_string();
    assert!(line.starts_with("udp 0.0.0.0:53 of ") && line.contains("IP_PKTINFO"), "{line}");
    drop((any, any6, bound, client));
    assert_eq!(audit(&gateway)?, []);
    Ok(())
}

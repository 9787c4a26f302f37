use super::*;
use crate::units::{Percent, Rate};
use crate::uplink::{Owned, Shaping, Share};
use std::net::SocketAddr;

fn uplink(name: &str, dev: &str) -> Uplink {
    Uplink::new(name, dev.parse().unwrap(), Rate::mbit(20), Rate::mbit(5)).v4(Leg::via([192, 0, 2, 1]))
}

fn gateway() -> Gateway {
    Gateway::new([uplink("a", "eth1"), uplink("b", "eth2")], ["lan".parse().unwrap()])
}

/// A change of the gateway is found at this path, and the words are said.
fn found(path: &str, words: &str, change: impl FnOnce(&mut Gateway)) {
    let mut gateway = gateway();
    change(&mut gateway);
    let problems = gateway.check().expect_err(path);
    let all: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert!(
        all.iter().any(|line| line.starts_with(&format!("{path}: ")) && line.contains(words)),
        "{path}, {words}: {all:#?}"
    );
}

fn shaped(change: impl FnOnce(&mut Shaping)) -> impl FnOnce(&mut Gateway) {
    |gateway| {
        let mut shaping = Shaping::default();
        change(&mut shaping);
        gateway.uplinks[1].shaping = Some(shaping);
    }
}

#[test]
fn a_plain_model_makes_sense() {
    assert_eq!(gateway().check(), Ok(()));
    let mut both = gateway();
    for uplink in &mut both.uplinks {
        uplink.v6 = Some(Leg::new(Via::Learned));
        uplink.shaping = Some(Shaping { ingress: true, ..Shaping::default() });
    }
    both.probing.targets = vec![Target::Icmp([192, 0, 2, 9].into())];
    let both = both.force(Forced::by("b").ports(crate::uplink::Transport::Tcp, 25..=25).fallback());
    assert_eq!(both.check(), Ok(()));
    // As many as there are marks for.
    let many = (0..62).map(|n| uplink(&format!("u{n}"), &format!("eth{n}")));
    assert_eq!(Gateway::new(many, []).check(), Ok(()));
}

#[test]
fn devices_that_nf_tables_cannot_be_told_of_are_found() {
    for dev in ["eth*", "a\"b", "a\\b"] {
        let name: crate::units::Name = dev.parse().unwrap();
        found("uplinks[1].dev", dev, |gateway| gateway.uplinks[1].dev = name);
        found("lans[0]", dev, |gateway| gateway.lans[0] = name);
    }
}

#[test]
fn all_problems_are_told_at_once() {
    let mut gateway = gateway();
    gateway.uplinks[0].weight = 0;
    gateway.uplinks[1].up = Rate::ZERO;
    gateway.probing.rise = 0;
    let problems = gateway.check().unwrap_err();
    let paths: Vec<&str> = problems.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(paths, ["uplinks[0].weight", "uplinks[1].up", "probing.rise"]);
    assert_eq!(problems[0].to_string(), "uplinks[0].weight: the weight of a is 0: 1 to 256 can be said");
}

#[test]
fn uplinks_that_make_no_sense_are_found() {
    found("uplinks", "there is no uplink", |gateway| gateway.uplinks.clear());
    for name in ["", "a b", "sixteen-letters-", "käse"] {
        found("uplinks[1].name", "1 to 15 letters", |gateway| gateway.uplinks[1].name = name.into());
    }
    found("uplinks[1].name", "another uplink a", |gateway| gateway.uplinks[1].name = "a".into());
    found("uplinks[1].dev", "b and a have the same device eth1", |gateway| {
        gateway.uplinks[1].dev = gateway.uplinks[0].dev;
    });
    found("uplinks[0].dev", "cannot be lo", |gateway| gateway.uplinks[0].dev = "lo".parse().unwrap());
    found("uplinks[1]", "neither IPv4 nor IPv6", |gateway| gateway.uplinks[1].v4 = None);
    found("uplinks[1].down", "is 0", |gateway| gateway.uplinks[1].down = Rate::ZERO);
    found("uplinks[1].weight", "257", |gateway| gateway.uplinks[1].weight = 257);
    let v6: IpAddr = "2001:db8::1".parse().unwrap();
    found("uplinks[1].v4.via", "not of IPv4", |gateway| gateway.uplinks[1].v4 = Some(Leg::via(v6)));
    found("uplinks[1].v6.via", "not of IPv6", |gateway| {
        gateway.uplinks[1].v6 = Some(Leg::via([192, 0, 2, 1]))
    });
    found("uplinks[1].v4.via", "no address of a router", |gateway| {
        gateway.uplinks[1].v4 = Some(Leg::via([0, 0, 0, 0]));
    });
    found("uplinks[1].v4.addresses[1]", "not of IPv4", |gateway| {
        gateway.uplinks[1].v4 = Some(Leg::new(Via::Link).address([192, 0, 2, 2]).address(v6));
    });
    found("uplinks[1].targets[0]", "IPv6, which b does not have", |gateway| {
        gateway.uplinks[1].targets = vec![Target::Icmp(v6)];
    });
    found("owned.mark_bits", "63 uplinks are too many", |gateway| {
        gateway.owned.tables = 7700..=7800;
        gateway.uplinks = (0..63).map(|n| uplink(&format!("u{n}"), &format!("eth{n}"))).collect();
    });
}

#[test]
fn shaping_that_makes_no_sense_is_found() {
    let path = |rest: &str| format!("uplinks[1].shaping.{rest}");
    found(&path("part"), "1 to 100 %", shaped(|shaping| shaping.part = Percent::new(0.5)));
    found(&path("shares"), "no class", shaped(|shaping| shaping.shares.clear()));
    found(
        &path("shares"),
        "110.00 % together",
        shaped(|shaping| shaping.shares[0].part = Percent::new(30.0)),
    );
    found(
        &path("shares[0].part"),
        "guaranteed nothing",
        shaped(|shaping| shaping.shares[0].part = Percent::ZERO),
    );
    found(&path("shares[2].prio"), "0 to 7", shaped(|shaping| shaping.shares[2].prio = 8));
    found(&path("shares[2].dscps[0]"), "64 is no DSCP", shaped(|shaping| shaping.shares[2].dscps = vec![64]));
    found(
        &path("shares[2].dscps[0]"),
        "interactive of b already",
        shaped(|shaping| shaping.shares[2].dscps = vec![46]),
    );
    found(
        &path("shares"),
        "at most 64",
        shaped(|shaping| {
            shaping.shares = (0..65).map(|n| Share::new(format!("s{n}"), Percent::new(1.0), 0)).collect();
        }),
    );
    found("uplinks[1].shaping.ingress", "would share the device ifb-long-name-w", |gateway| {
        for (uplink, dev) in gateway.uplinks.iter_mut().zip(["long-name-wan1", "long-name-wan2"]) {
            uplink.dev = dev.parse().unwrap();
            uplink.shaping = Some(Shaping { ingress: true, ..Shaping::default() });
        }
    });
    found("uplinks[1].shaping.ingress", "is a device of the model", |gateway| {
        gateway.lans.push("ifb-eth2".parse().unwrap());
        gateway.uplinks[1].shaping = Some(Shaping { ingress: true, ..Shaping::default() });
    });
}

#[test]
fn the_names_of_our_devices_are_cut_between_letters() {
    let owned = Owned { device_prefix: "ifb-".into(), ..Owned::default() };
    let dev = "käääää".parse::<crate::units::Name>().or_else(|_| "kßßßßßß".parse()).unwrap();
    assert!(owned.ifb_of(dev).len() <= 15);
    assert_eq!(owned.ifb_of("eth1".parse().unwrap()), "ifb-eth1");
}

#[test]
fn the_rest_that_makes_no_sense_is_found() {
    found("lans[1]", "the device of the uplink a", |gateway| gateway.lans.push("eth1".parse().unwrap()));
    found("lans[1]", "twice", |gateway| gateway.lans.push("lan".parse().unwrap()));
    found("lans[1]", "say own", |gateway| gateway.lans.push("lo".parse().unwrap()));
    let v6: Prefix = "2001:db8::/32".parse().unwrap();
    let mail = |uplink: &str| Forced::by(uplink).ports(crate::uplink::Transport::Tcp, 25..=25);
    found("forced[0].uplink", "no uplink c", |gateway| gateway.forced.push(mail("c")));
    found("forced[0].ports", "say transport", |gateway| {
        gateway.forced.push(Forced { transport: None, ..mail("a") });
    });
    #[allow(clippy::reversed_empty_ranges, reason = "that is what is found")]
    found("forced[0].ports", "26 to 25 are no ports", |gateway| {
        gateway.forced.push(Forced { ports: Some(26..=25), ..mail("a") });
    });
    found("forced[0].to", "which a does not have", |gateway| gateway.forced.push(mail("a").to(v6)));
    found("forced[0].to", "not of one family", |gateway| {
        gateway.forced.push(mail("a").from(IpAddr::from([10, 0, 0, 1])).to(v6));
    });
    found("probing.targets[0]", "which no uplink has", |gateway| {
        gateway.probing.targets = vec![Target::Icmp("2001:db8::1".parse().unwrap())];
    });
    found("uplinks[1].targets", "none of probing.targets", |gateway| {
        gateway.uplinks[0].v6 = Some(Leg::new(Via::Link));
        gateway.probing.targets = vec![Target::Icmp("2001:db8::1".parse().unwrap())];
    });
    found("probing.targets[0]", "a port is missing", |gateway| {
        gateway.probing.targets = vec![Target::Tcp(SocketAddr::from(([192, 0, 2, 9], 0)))];
    });
    found("probing.interval", "10 ms", |gateway| gateway.probing.interval = Duration::from_millis(9));
    found("probing.timeout", "no time", |gateway| gateway.probing.timeout = Duration::ZERO);
    found("probing.fall", "at least 1", |gateway| gateway.probing.fall = 0);
    found("probing.window", "1 to 1000", |gateway| gateway.probing.window = 1001);
}

#[test]
fn numbers_that_cannot_be_ours_are_found() {
    found("owned.protocol", "the kernel adds", |gateway| {
        gateway.owned.protocol = crate::route::RouteProtocol::KERNEL;
    });
    found("owned.tables", "3 tables are needed", |gateway| gateway.owned.tables = 7700..=7701);
    found("owned.tables", "every machine has", |gateway| gateway.owned.tables = 200..=300);
    found("owned.priorities", "502 priorities are needed", |gateway| gateway.owned.priorities = 1000..=1500);
    found("owned.priorities", "not between", |gateway| gateway.owned.priorities = 32000..=33000);
    found("owned.priorities", "not between", |gateway| gateway.owned.priorities = 0..=1000);
    found("owned.nexthops", "6 nexthop ids are needed", |gateway| gateway.owned.nexthops = 1..=5);
    #[allow(clippy::reversed_empty_ranges, reason = "that is what is found")]
    found("owned.nexthops", "is 0", |gateway| gateway.owned.nexthops = 9..=5);
    for bits in [0, 0b101, 0xf0f0_0000] {
        found("owned.mark_bits", "not one row of bits", |gateway| gateway.owned.mark_bits = bits);
    }
    for table in ["", "1a", "a b", "ä"] {
        found("owned.table", "no name of a table", |gateway| gateway.owned.table = table.into());
    }
    for prefix in ["", "a/b", "eleven-long"] {
        found("owned.device_prefix", "begin the name", |gateway| gateway.owned.device_prefix = prefix.into());
    }
}

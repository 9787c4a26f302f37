use super::*;
use crate::units::{Name, Rate};
use crate::uplink::{Lack, SeenLeg, SeenUplink, Via};
use std::fmt::Display;

/// Uplink n, counted from 0: eth0 with index 10 and so on.
fn uplink(n: u8, both: bool) -> Uplink {
    let dev: Name = format!("eth{n}").parse().unwrap();
    let name = char::from(b'a' + n).to_string();
    let uplink = Uplink::new(name, dev, Rate::mbit(20), Rate::mbit(5)).v4(Leg::via([192, 0, n, 1]));
    if both {
        uplink.v6(Leg::new(Via::Learned))
    } else {
        uplink
    }
}

fn gateway(count: u8, both: bool) -> Gateway {
    Gateway::new((0..count).map(|n| uplink(n, both)), ["lan".parse().unwrap()])
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// All is there, as the model wants it.
fn seen(gateway: &Gateway) -> Seen {
    let mut seen = Seen::default();
    for (n, uplink) in gateway.uplinks.iter().enumerate() {
        let leg = |addresses: &str, router: &str| SeenLeg {
            addresses: vec![address(addresses)],
            old: Vec::new(),
            way: Ok(Way::Router(address(router))),
        };
        seen.uplinks.push(SeenUplink {
            dev: Some(Dev::named(10 + n as u32, uplink.dev)),
            up: true,
            carrier: true,
            v4: uplink.v4.as_ref().map(|_| leg(&format!("192.0.{n}.2"), &format!("192.0.{n}.1"))),
            v6: uplink.v6.as_ref().map(|_| leg(&format!("2001:db8:{n}::2"), "fe80::1")),
            ..SeenUplink::default()
        });
    }
    seen
}

/// The commands that make it.
fn commands(policy: &Policy) -> Vec<String> {
    fn all<T: Display>(objects: &[T]) -> impl Iterator<Item = String> + '_ {
        objects.iter().map(ToString::to_string)
    }
    all(policy.nexthops()).chain(all(policy.routes())).chain(all(policy.rules())).collect()
}

fn lines(policy: &Policy) -> String {
    commands(policy).join("\n")
}

#[test]
fn two_uplinks_of_ipv4() {
    let gateway = gateway(2, false);
    let policy = policy(&gateway, &seen(&gateway), &[4, 3], &[true; 2]);
    assert_eq!(
        lines(&policy),
        "ip nexthop add id 7702 via 192.0.0.1 dev eth0 onlink\n\
         ip nexthop add id 7704 via 192.0.1.1 dev eth1 onlink\n\
         ip nexthop add id 7700 group 7702,4/7704,3\n\
         ip route add default via 192.0.0.1 dev eth0 table 7701 onlink\n\
         ip route add default via 192.0.1.1 dev eth1 table 7702 onlink\n\
         ip route add default nhid 7700 table 7700\n\
         ip rule add suppress_prefixlength 0 lookup 254 pref 1000\n\
         ip rule add fwmark 0x100/0x3f00 lookup 7701 pref 1010\n\
         ip rule add fwmark 0x100/0x3f00 unreachable pref 1011\n\
         ip rule add from 192.0.0.2 lookup 7701 pref 1300\n\
         ip rule add oif eth0 lookup 7701 pref 1400\n\
         ip rule add fwmark 0x200/0x3f00 lookup 7702 pref 1012\n\
         ip rule add fwmark 0x200/0x3f00 unreachable pref 1013\n\
         ip rule add from 192.0.1.2 lookup 7702 pref 1301\n\
         ip rule add oif eth1 lookup 7702 pref 1401\n\
         ip rule add iif lan lookup 7700 pref 1500\n\
         ip rule add iif lan unreachable pref 1501\n\
         ip rule add iif lo lookup 7700 pref 1500\n\
         ip rule add iif lo unreachable pref 1501"
    );
}

#[test]
fn three_uplinks_of_both_families() {
    let gateway = gateway(3, true).own(false);
    let policy = policy(&gateway, &seen(&gateway), &[4, 0, 2], &[true; 3]);
    let (v6, v4): (Vec<String>, Vec<String>) = commands(&policy).into_iter().partition(|line| {
        line.starts_with("ip -6") || line.contains("fe80") || line.contains(" id 7701 group")
    });
    assert_eq!(
        v6.join("\n"),
        "ip nexthop add id 7703 via fe80::1 dev eth0 onlink\n\
         ip nexthop add id 7707 via fe80::1 dev eth2 onlink\n\
         ip nexthop add id 7701 group 7703,4/7707,2\n\
         ip -6 route add default via fe80::1 dev eth0 table 7701 onlink\n\
         ip -6 route add default via fe80::1 dev eth1 table 7702 onlink\n\
         ip -6 route add default via fe80::1 dev eth2 table 7703 onlink\n\
         ip -6 route add default nhid 7701 table 7700\n\
         ip -6 rule add suppress_prefixlength 0 lookup 254 pref 1000\n\
         ip -6 rule add fwmark 0x100/0x3f00 lookup 7701 pref 1010\n\
         ip -6 rule add fwmark 0x100/0x3f00 unreachable pref 1011\n\
         ip -6 rule add from 2001:db8:0::2 lookup 7701 pref 1300\n\
         ip -6 rule add oif eth0 lookup 7701 pref 1400\n\
         ip -6 rule add fwmark 0x200/0x3f00 lookup 7702 pref 1012\n\
         ip -6 rule add fwmark 0x200/0x3f00 unreachable pref 1013\n\
         ip -6 rule add from 2001:db8:1::2 lookup 7702 pref 1301\n\
         ip -6 rule add oif eth1 lookup 7702 pref 1401\n\
         ip -6 rule add fwmark 0x300/0x3f00 lookup 7703 pref 1014\n\
         ip -6 rule add fwmark 0x300/0x3f00 unreachable pref 1015\n\
         ip -6 rule add from 2001:db8:2::2 lookup 7703 pref 1302\n\
         ip -6 rule add oif eth2 lookup 7703 pref 1402\n\
         ip -6 rule add iif lan lookup 7700 pref 1500\n\
         ip -6 rule add iif lan unreachable pref 1501"
            .replace("db8:0::", "db8::")
    );
    assert_eq!(v4.len(), v6.len());
    assert!(v4.iter().any(|line| line == "ip nexthop add id 7700 group 7702,4/7706,2"), "{v4:#?}");
}

#[test]
fn eight_uplinks_each_have_numbers_of_their_own() {
    let gateway = gateway(8, true);
    gateway.check().unwrap();
    let policy = policy(&gateway, &seen(&gateway), &[1; 8], &[true; 8]);
    assert_eq!(policy.rules().len(), 2 * (1 + 8 * 4 + 4));
    assert_eq!(policy.routes().len(), 2 * 9);
    assert_eq!(policy.nexthops().len(), 2 * 9);
    let all = commands(&policy);
    let last = |words: &str| assert!(all.iter().any(|line| line == words), "{words}");
    last("ip rule add fwmark 0x800/0x3f00 lookup 7708 pref 1024");
    last("ip nexthop add id 7717 via fe80::1 dev eth7 onlink");
    last("ip nexthop add id 7700 group 7702/7704/7706/7708/7710/7712/7714/7716");
    // One uplink's changes are about its own numbers, and about the groups.
    let mut other = seen(&gateway);
    let changed = &mut other.uplinks[3];
    (changed.v4.as_mut().unwrap().addresses, changed.v6.as_mut().unwrap().way) =
        (vec![address("198.51.100.7")], Err(Lack::Router));
    let other = commands(&super::policy(&gateway, &other, &[1; 8], &[true; 8]));
    let gone: Vec<&String> = all.iter().filter(|line| !other.contains(line)).collect();
    let come: Vec<&String> = other.iter().filter(|line| !all.contains(line)).collect();
    assert_eq!(
        gone,
        [
            "ip nexthop add id 7709 via fe80::1 dev eth3 onlink",
            "ip nexthop add id 7701 group 7703/7705/7707/7709/7711/7713/7715/7717",
            "ip -6 route add default via fe80::1 dev eth3 table 7704 onlink",
            "ip rule add from 192.0.3.2 lookup 7704 pref 1303",
        ]
    );
    assert_eq!(
        come,
        [
            "ip nexthop add id 7701 group 7703/7705/7707/7711/7713/7715/7717",
            "ip rule add from 198.51.100.7 lookup 7704 pref 1303",
        ]
    );
}

#[test]
fn where_nothing_works_new_connections_are_refused_and_the_rules_stay() {
    let gateway = gateway(2, false);
    let mut seen = seen(&gateway);
    let all = policy(&gateway, &seen, &[1, 1], &[true; 2]);
    for uplink in &mut seen.uplinks {
        uplink.v4.as_mut().unwrap().way = Err(Lack::Carrier);
    }
    let none = policy(&gateway, &seen, &[0, 0], &[false; 2]);
    assert_eq!((none.nexthops().len(), none.routes().len()), (0, 0));
    assert_eq!(none.rules(), all.rules());
    assert!(lines(&none).contains("iif lan unreachable"));
    // Nor does an uplink that is wanted, but has no way.
    assert_eq!(policy(&gateway, &seen, &[1, 1], &[true; 2]).routes().len(), 0);
}

#[test]
fn a_family_that_the_chosen_uplink_lacks_goes_by_one_that_has_it_and_works() {
    let mut gateway = gateway(3, true);
    gateway.uplinks[1].v6 = None;
    gateway.uplinks[2].tier = 1;
    let seen = seen(&gateway);
    let group = |usable: [bool; 3]| {
        let policy = policy(&gateway, &seen, &[0, 4, 0], &usable);
        policy.nexthops().iter().find(|nexthop| nexthop.id == 7701).map(ToString::to_string)
    };
    assert_eq!(group([true; 3]).as_deref(), Some("ip nexthop add id 7701 group 7703"));
    assert_eq!(group([false, true, true]).as_deref(), Some("ip nexthop add id 7701 group 7707"));
    assert_eq!(group([false, true, false]), None);
    // What is forced to it is refused.
    let all = lines(&policy(&gateway, &seen, &[0, 4, 0], &[true; 3]));
    assert!(all.contains("ip -6 rule add fwmark 0x200/0x3f00 unreachable pref 1013"), "{all}");
    assert!(!all.contains("ip -6 rule add fwmark 0x200/0x3f00 lookup"), "{all}");
}

#[test]
fn addresses_of_the_model_come_before_those_of_the_machine_and_old_ones_still_count() {
    let mut gateway = gateway(2, false);
    let mut seen = seen(&gateway);
    seen.uplinks[0].v4.as_mut().unwrap().old = vec![address("192.0.0.9")];
    gateway.uplinks[1].v4 = Some(Leg::via([192, 0, 1, 1]).address([192, 0, 1, 7]).address([192, 0, 1, 7]));
    let policy = policy(&gateway, &seen, &[1, 1], &[true; 2]);
    let from: Vec<String> = commands(&policy).into_iter().filter(|line| line.contains(" from ")).collect();
    assert_eq!(
        from,
        [
            "ip rule add from 192.0.0.2 lookup 7701 pref 1300",
            "ip rule add from 192.0.0.9 lookup 7701 pref 1300",
            "ip rule add from 192.0.1.7 lookup 7702 pref 1301",
        ]
    );
}

#[test]
fn a_link_with_two_ends_has_a_way_without_a_router() {
    let mut gateway = gateway(1, true);
    gateway.uplinks[0].v4 = Some(Leg::new(Via::Link));
    let mut seen = seen(&gateway);
    let uplink = &mut seen.uplinks[0];
    for leg in [&mut uplink.v4, &mut uplink.v6] {
        leg.as_mut().unwrap().way = Ok(Way::Link);
    }
    let all = lines(&policy(&gateway, &seen, &[300], &[true]));
    for line in [
        "ip nexthop add id 7702 dev eth0",
        "ip -6 nexthop add id 7703 dev eth0",
        "ip nexthop add id 7700 group 7702,256",
        "ip route add default dev eth0 table 7701",
    ] {
        assert!(all.lines().any(|there| there == line), "{line}\n{all}");
    }
}

#[test]
fn whatever_is_said_of_more_or_fewer_uplinks_nothing_breaks() {
    let gateway = gateway(3, true);
    let seen = seen(&gateway);
    assert_eq!(policy(&gateway, &seen, &[], &[]).nexthops().len(), 0);
    assert_eq!(policy(&gateway, &seen, &[1; 9], &[true; 9]).nexthops().len(), 8);
    let rules = policy(&gateway, &Seen::default(), &[1; 3], &[true; 3]);
    assert_eq!((rules.routes().len(), rules.nexthops().len()), (0, 0));
    assert!(nothing(&gateway, &seen).policy.is_some_and(|policy| policy.is_empty()));
}

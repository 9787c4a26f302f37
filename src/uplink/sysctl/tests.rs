use super::*;
use crate::units::Rate;
use crate::uplink::testing::Root;
use crate::uplink::{Leg, Uplink};
use proptest::prelude::*;

fn uplink(dev: &str) -> Uplink {
    Uplink::new(dev, Name::new(dev).unwrap(), Rate::mbit(10), Rate::mbit(1))
}

fn gateway(uplinks: impl IntoIterator<Item = Uplink>) -> Gateway {
    Gateway::new(uplinks, [])
}

fn two() -> Gateway {
    let (a, b) = (uplink("wan"), uplink("eth0.100"));
    gateway([a.v4(Leg::new(Via::Link)), b.v4(Leg::new(Via::Link)).v6(Leg::new(Via::Learned))])
}

/// A machine on which all is strict, and IPv6 forwards.
fn strict() -> Root {
    let root = Root::new();
    for (path, value) in [
        ("ipv4/conf/all/rp_filter", "1\n"),
        ("ipv4/conf/wan/rp_filter", "0\n"),
        ("ipv4/conf/eth0.100/rp_filter", "1\n"),
        ("ipv4/conf/all/src_valid_mark", "0\n"),
        ("ipv4/fib_multipath_hash_policy", "0\n"),
        ("ipv6/fib_multipath_hash_policy", "0\n"),
        ("ipv6/conf/eth0.100/accept_ra", "1\n"),
        ("ipv6/conf/eth0.100/forwarding", "1\n"),
    ] {
        root.write(&format!("proc/sys/net/{path}"), value);
    }
    root
}

fn changes(root: &Root) -> Vec<String> {
    let changes = Sysctls::under(root.path()).changes(&settings(&two())).unwrap();
    changes.iter().map(Changed::to_string).collect()
}

#[test]
fn what_a_gateway_needs_prints_as_commands() {
    let commands: Vec<_> = settings(&two()).iter().map(Setting::to_string).collect();
    assert_eq!(
        commands,
        [
            "sysctl -w net/ipv4/conf/wan/rp_filter=2",
            "sysctl -w net/ipv4/conf/eth0.100/rp_filter=2",
            "sysctl -w net/ipv4/conf/all/src_valid_mark=1",
            "sysctl -w net/ipv4/fib_multipath_hash_policy=1",
            "sysctl -w net/ipv6/fib_multipath_hash_policy=1",
            "sysctl -w net/ipv6/conf/eth0.100/accept_ra=2",
        ]
    );
}

#[test]
fn a_gateway_without_ipv6_needs_nothing_of_it_and_a_device_counts_once() {
    let v4 = || uplink("wan").v4(Leg::new(Via::Learned));
    let settings = settings(&gateway([v4(), v4()]));
    assert_eq!(settings.len(), 3);
    assert!(settings.iter().all(|setting| setting.to_string().contains("ipv4")));
}

#[test]
fn a_name_that_is_a_path_is_left_out() {
    let evil = Uplink::new("evil", Name::from_bytes(b"../..").unwrap(), Rate::mbit(1), Rate::mbit(1));
    let settings = settings(&gateway([evil.v4(Leg::new(Via::Link)).v6(Leg::new(Via::Learned))]));
    assert!(settings.iter().all(|setting| !setting.to_string().contains("..")), "{settings:?}");
}

#[test]
fn only_what_does_not_do_is_changed() {
    let root = strict();
    assert_eq!(
        changes(&root),
        [
            "net/ipv4/conf/wan/rp_filter 0 2",
            "net/ipv4/conf/eth0.100/rp_filter 1 2",
            "net/ipv4/conf/all/src_valid_mark 0 1",
            "net/ipv4/fib_multipath_hash_policy 0 1",
            "net/ipv6/fib_multipath_hash_policy 0 1",
            "net/ipv6/conf/eth0.100/accept_ra 1 2",
        ]
    );
    // The greater value of the device and of all counts.
    root.write("proc/sys/net/ipv4/conf/all/rp_filter", "0");
    root.write("proc/sys/net/ipv4/conf/all/src_valid_mark", "1");
    root.write("proc/sys/net/ipv4/fib_multipath_hash_policy", "3");
    root.write("proc/sys/net/ipv6/conf/eth0.100/forwarding", "0");
    assert_eq!(
        changes(&root),
        ["net/ipv4/conf/eth0.100/rp_filter 1 2", "net/ipv6/fib_multipath_hash_policy 0 1"]
    );
    root.write("proc/sys/net/ipv4/conf/all/rp_filter", "2");
    assert_eq!(changes(&root), ["net/ipv6/fib_multipath_hash_policy 0 1"]);
}

#[test]
fn what_was_changed_is_restored_and_twice_is_once() {
    let root = strict();
    let here = Sysctls::under(root.path());
    let changed = here.changes(&settings(&two())).unwrap();
    changed.iter().for_each(|changed| here.make(changed).unwrap());
    assert_eq!(here.changes(&settings(&two())).unwrap(), []);
    assert_eq!(root.read("proc/sys/net/ipv4/conf/wan/rp_filter"), "2");
    // Somebody else's value stays.
    root.write("proc/sys/net/ipv4/conf/all/src_valid_mark", "7");
    let restored: Vec<_> = changed.iter().map(|changed| here.restore(changed).unwrap()).collect();
    assert_eq!(restored, [true, true, false, true, true, true]);
    assert_eq!(root.read("proc/sys/net/ipv4/conf/wan/rp_filter"), "0");
    assert_eq!(root.read("proc/sys/net/ipv4/conf/all/src_valid_mark"), "7");
    assert!(!changed.iter().any(|changed| here.restore(changed).unwrap()));
}

#[test]
fn what_the_kernel_does_not_have_is_no_error() {
    let root = Root::new();
    assert_eq!(changes(&root), Vec::<String>::new());
    let gone = "net/ipv4/conf/ppp0/rp_filter 1 2".parse().unwrap();
    assert!(!Sysctls::under(root.path()).restore(&gone).unwrap());
}

#[test]
fn what_is_not_a_number_is_an_error_that_names_it() {
    let root = strict();
    root.write("proc/sys/net/ipv4/fib_multipath_hash_policy", "much\n");
    let error = Sysctls::under(root.path()).changes(&settings(&two())).unwrap_err().to_string();
    assert_eq!(error, "net/ipv4/fib_multipath_hash_policy: the setting is not a number");
}

#[test]
fn a_line_that_means_another_path_is_refused() {
    for line in [
        "net/ipv4/conf/../rp_filter 1 2",
        "net/ipv4/conf/a/../../rp_filter 1 2",
        "net/ipv4/conf//rp_filter 1 2",
        "kernel/core_pattern 1 2",
        "/net/ipv4/conf/wan/rp_filter 1 2",
        "net/ipv4/conf/wan/rp_filter 1",
        "net/ipv4/conf/wan/rp_filter 1 2 3",
        "net/ipv4/conf/wan/rp_filter  1 2",
        "net/ipv4/conf/wan/rp_filter -1 2",
        "net/ipv4/conf/a-name-of-16-byt/rp_filter 1 2",
        "",
    ] {
        assert!(line.parse::<Changed>().is_err(), "{line}");
    }
}

proptest! {
    #[test]
    fn a_line_is_short_and_reads_as_what_it_was(name in "[^/: ]{1,15}", which in 0..5usize, was: u32, now: u32) {
        let Ok(name) = Name::new(&name) else { return Ok(()) };
        let key = [
            Key::ReversePath(name),
            Key::MarkedReverse,
            Key::HashPolicy(Family::V4),
            Key::HashPolicy(Family::V6),
            Key::Advertisements(name),
        ][which];
        let changed = Changed { key, was, now };
        prop_assert!(changed.to_string().len() <= 120);
        prop_assert_eq!(changed.to_string().parse(), Ok(changed));
    }

    #[test]
    fn any_line_is_read_or_refused(line: String) {
        let _ = line.parse::<Changed>();
    }
}

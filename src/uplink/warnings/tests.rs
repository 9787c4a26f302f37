use super::*;
use crate::units::Rate;
use crate::uplink::testing::Root;
use crate::uplink::{Leg, Uplink, Via};

const RULES: &str = "ManageForeignRoutingPolicyRules";
const ROUTES: &str = "ManageForeignRoutes";
const NEXTHOPS: &str = "ManageForeignNextHops";

fn name(name: &str) -> Name {
    name.parse().unwrap()
}

fn gateway() -> Gateway {
    let uplink =
        |dev: &str| Uplink::new(dev, name(dev), Rate::mbit(10), Rate::mbit(10)).v4(Leg::new(Via::Link));
    Gateway::new([uplink("a"), uplink("b").v6(Leg::new(Via::Learned))], [name("lan")])
}

/// A machine that has nothing to warn of.
fn machine() -> Root {
    let root = Root::new();
    for (path, value) in [
        ("ipv4/conf/all/rp_filter", "0"),
        ("ipv4/conf/all/src_valid_mark", "0"),
        ("ipv6/conf/all/forwarding", "1"),
    ] {
        root.write(&format!("proc/sys/net/{path}"), value);
    }
    for dev in ["a", "b", "lan"] {
        root.write(&format!("proc/sys/net/ipv4/conf/{dev}/rp_filter"), "2");
        root.write(&format!("proc/sys/net/ipv4/conf/{dev}/src_valid_mark"), "0");
        root.write(&format!("proc/sys/net/ipv4/conf/{dev}/forwarding"), "1");
    }
    root.write("proc/1/comm", "systemd\n");
    root
}

fn with_networkd() -> Root {
    let root = machine();
    root.write("proc/77/comm", "systemd-network\n");
    root
}

fn networkd(root: &Root) -> Vec<&'static str> {
    match warnings(&gateway(), root.path(), false).pop() {
        Some(Warning::Networkd { settings }) => settings,
        other => {
            assert_eq!(other, None);
            Vec::new()
        }
    }
}

#[test]
fn a_machine_that_is_ready_gives_no_warning() {
    assert_eq!(warnings(&gateway(), machine().path(), false), []);
    // Nothing can be found out.
    assert_eq!(warnings(&gateway(), Root::new().path(), false), []);
}

#[test]
fn a_flowtable_is_warned_of() {
    let warnings = warnings(&gateway(), machine().path(), true);
    assert_eq!(warnings, [Warning::Offload]);
    assert!(warnings[0].to_string().contains("flowtable"));
}

#[test]
fn a_strict_check_without_marks_is_warned_of_for_the_uplinks_that_have_it() {
    let root = machine();
    root.write("proc/sys/net/ipv4/conf/all/rp_filter", "1");
    root.write("proc/sys/net/ipv4/conf/b/rp_filter", "0");
    let strict = warnings(&gateway(), root.path(), false);
    assert_eq!(strict, [Warning::Strict { devs: vec![name("b")] }]);
    assert!(strict[0].to_string().contains("without marks on b: "), "{}", strict[0]);
    for scope in ["all", "b"] {
        root.write(&format!("proc/sys/net/ipv4/conf/{scope}/src_valid_mark"), "1");
        assert_eq!(warnings(&gateway(), root.path(), false), []);
        root.write(&format!("proc/sys/net/ipv4/conf/{scope}/src_valid_mark"), "0");
    }
}

#[test]
fn missing_forwarding_is_warned_of_by_family_and_device() {
    let root = machine();
    root.write("proc/sys/net/ipv4/conf/lan/forwarding", "0");
    root.write("proc/sys/net/ipv4/conf/a/forwarding", "0");
    root.write("proc/sys/net/ipv6/conf/all/forwarding", "0");
    let off = warnings(&gateway(), root.path(), false);
    let v4 = Warning::NoForwarding { family: Family::V4, devs: vec![name("a"), name("lan")] };
    let v6 = Warning::NoForwarding { family: Family::V6, devs: vec![name("b"), name("lan")] };
    assert_eq!(off, [v4, v6]);
    assert_eq!(off[0].to_string(), "IPv4 is not forwarded from a, lan: `sysctl -w net/ipv4/ip_forward=1`");
    // Without a LAN there is nothing to forward.
    let mut alone = gateway();
    alone.lans.clear();
    assert_eq!(warnings(&alone, root.path(), false), []);
}

#[test]
fn networkd_deletes_what_others_added_unless_told_otherwise() {
    assert_eq!(networkd(&machine()), [""; 0]);
    assert_eq!(networkd(&with_networkd()), [RULES, ROUTES, NEXTHOPS]);
    let warning = Warning::Networkd { settings: vec![RULES, ROUTES] }.to_string();
    assert!(
        warning.contains("set ManageForeignRoutingPolicyRules=no and ManageForeignRoutes=no in"),
        "{warning}"
    );
}

#[test]
fn a_main_file_hides_those_in_less_important_places() {
    let root = with_networkd();
    let all = "[Network]\nManageForeignRoutingPolicyRules=no\nManageForeignRoutes = off\n# x\nManageForeignNextHops=False\n";
    root.write("usr/lib/systemd/networkd.conf", all);
    assert_eq!(networkd(&root), [""; 0]);
    root.write("etc/systemd/networkd.conf", "[Network]\n#ManageForeignRoutes=no\n");
    assert_eq!(networkd(&root), [RULES, ROUTES, NEXTHOPS]);
}

#[test]
fn drop_ins_count_by_name_and_hide_each_other_by_place() {
    let root = with_networkd();
    root.write("etc/systemd/networkd.conf", "[Network]\nManageForeignRoutes=no\n");
    root.write("usr/lib/systemd/networkd.conf.d/50-a.conf", "[Network]\nManageForeignRoutes=yes\n");
    assert_eq!(networkd(&root), [RULES, ROUTES, NEXTHOPS]);
    root.write(
        "run/systemd/networkd.conf.d/60-b.conf",
        "[Network]\nManageForeignRoutes=no\nManageForeignNextHops=0\n",
    );
    root.write("run/systemd/networkd.conf.d/70-c.txt", "[Network]\nManageForeignRoutes=yes\n");
    assert_eq!(networkd(&root), [RULES]);
    root.write("etc/systemd/networkd.conf.d/60-b.conf", "");
    assert_eq!(networkd(&root), [RULES, ROUTES, NEXTHOPS]);
}

#[test]
fn other_sections_and_words_that_are_no_boolean_are_passed_over() {
    let root = with_networkd();
    let text =
        "ManageForeignRoutes=no\n[DHCPv4]\nManageForeignRoutes=no\n[Network]\nManageForeignRoutes=never\n\
                ManageForeignRoutingPolicyRules=\nManageForeignNextHops\n\u{0}=\n[";
    root.write("etc/systemd/networkd.conf", text);
    assert_eq!(networkd(&root), [RULES, ROUTES, NEXTHOPS]);
}

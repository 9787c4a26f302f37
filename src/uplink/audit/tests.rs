use super::*;
use crate::units::Rate;
use crate::uplink::testing::Root;
use crate::uplink::{Leg, Uplink, Via};
use proptest::prelude::*;
use std::os::unix::fs::symlink;

const HEADER: &str = "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n";
const DNS: &str = "  101: 00000000:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000   100        0 4711 2 0000000000000000 0\n";
const BOUND: &str = "  102: 0100007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4712 2 0000000000000000 0\n";
const CONNECTED: &str = "  103: 00000000:C001 0100007F:0035 01 00000000:00000000 00:00000000 00000000     0        0 4713 2 0000000000000000 0\n";
const DNS6: &str = "  101: 00000000000000000000000000000000:0035 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4714 2 0000000000000000 0\n";

fn uplink(v4: bool, v6: bool) -> Uplink {
    let mut uplink = Uplink::new("wan", "wan".parse().unwrap(), Rate::mbit(10), Rate::mbit(10));
    uplink.v4 = v4.then(|| Leg::new(Via::Link));
    uplink.v6 = v6.then(|| Leg::new(Via::Link));
    uplink
}

fn gateway(uplinks: &[(bool, bool)]) -> Gateway {
    Gateway::new(uplinks.iter().map(|(v4, v6)| uplink(*v4, *v6)), [])
}

fn machine() -> Root {
    let root = Root::new();
    root.write("thread-self/net/udp", &[HEADER, DNS, BOUND, CONNECTED].concat());
    root.write("thread-self/net/udp6", &[HEADER, DNS6].concat());
    root.write("812/comm", "named\n");
    root.write("812/fd/keep", "");
    symlink("socket:[4711]", root.path().join("812/fd/7")).unwrap();
    symlink("socket:[4712]", root.path().join("812/fd/8")).unwrap();
    root
}

fn ports(root: &Root, uplinks: &[(bool, bool)]) -> Vec<String> {
    let exposed = audit_below(root.path(), &gateway(uplinks)).unwrap();
    exposed.iter().map(|socket| format!("{} {}", socket.address, socket.port)).collect()
}

#[test]
fn sockets_without_an_address_and_a_peer_are_listed_with_their_process() {
    let exposed = audit_below(machine().path(), &gateway(&[(true, false), (true, false)])).unwrap();
    let process = Some(Process { pid: 812, name: "named".into() });
    let v4 = Exposed { address: Ipv4Addr::UNSPECIFIED.into(), port: 53, uid: 100, inode: 4711, process };
    let v6 = Exposed { address: Ipv6Addr::UNSPECIFIED.into(), port: 53, uid: 0, inode: 4714, process: None };
    assert_eq!(exposed, [v4, v6]);
    let lines: Vec<_> = exposed.iter().map(Exposed::to_string).collect();
    assert!(lines[0].starts_with("udp 0.0.0.0:53 of named (pid 812, uid 100): what comes in"), "{lines:?}");
    assert!(lines[1].starts_with("udp [::]:53 of uid 0: what comes in"), "{lines:?}");
    assert!(lines[0].ends_with("bind it to each address by itself, unless the program uses IP_PKTINFO"));
}

#[test]
fn a_family_with_one_uplink_has_no_wrong_one() {
    let root = machine();
    assert_eq!(ports(&root, &[(true, true)]), Vec::<String>::new());
    assert_eq!(ports(&root, &[(true, true), (false, true)]), [":: 53"]);
    // A socket of IPv6 may serve IPv4, too.
    assert_eq!(ports(&root, &[(true, true), (true, false)]), ["0.0.0.0 53", ":: 53"]);
}

#[test]
fn a_kernel_without_ipv6_is_no_error_and_one_without_a_list_is() {
    let root = Root::new();
    let two = [(true, true), (true, true)];
    let error = audit_below(root.path(), &gateway(&two)).unwrap_err().to_string();
    assert!(error.starts_with("cannot open the list of UDP sockets thread-self/net/udp: "), "{error}");
    root.write("thread-self/net/udp", HEADER);
    assert_eq!(ports(&root, &two), Vec::<String>::new());
}

#[test]
fn lines_that_make_no_sense_are_left_out() {
    let root = machine();
    let long = "x".repeat(10_000);
    root.write("thread-self/net/udp", &[HEADER, &long, "\n", "7: 0000:0035\n", "\u{e4}\n", DNS].concat());
    assert_eq!(ports(&root, &[(true, false), (true, false)]), ["0.0.0.0 53", ":: 53"]);
}

#[test]
fn a_client_of_dhcp_is_listed_and_may_stay() {
    let line = read_socket(&DNS.replace(":0035", ":0044")).unwrap().to_string();
    assert!(line.starts_with("udp 0.0.0.0:68 "), "{line}");
    assert!(line.ends_with("they may stay)"), "{line}");
}

proptest! {
    #[test]
    fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let mut exposed = Vec::new();
        read_sockets(&bytes[..], &mut exposed).unwrap();
    }

    #[test]
    fn any_line_is_read(line in "([0-9A-F: ]{0,40}){0,10}") {
        let _ = read_socket(&line);
    }
}

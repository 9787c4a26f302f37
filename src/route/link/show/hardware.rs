//! Hardware types and their addresses, as `ip` names them.

use crate::route::HardwareAddress;
use std::net::{Ipv4Addr, Ipv6Addr};

const TUNNEL: u16 = 768;
const TUNNEL6: u16 = 769;
const SIT: u16 = 776;
const GRE: u16 = 778;
const GRE6: u16 = 823;

/// ARPHRD_ of `include/uapi/linux/if_arp.h`.
const NAMES: &[(u16, &str)] = &[
    (0, "netrom"),
    (1, "ether"),
    (2, "eether"),
    (3, "ax25"),
    (4, "pronet"),
    (5, "chaos"),
    (6, "ieee802"),
    (7, "arcnet"),
    (8, "atalk"),
    (15, "dlci"),
    (19, "atm"),
    (23, "metricom"),
    (24, "ieee1394"),
    (32, "infiniband"),
    (256, "slip"),
    (257, "cslip"),
    (258, "slip6"),
    (259, "cslip6"),
    (260, "rsrvd"),
    (264, "adapt"),
    (270, "rose"),
    (271, "x25"),
    (272, "hwx25"),
    (280, "can"),
    (290, "mctp"),
    (512, "ppp"),
    (513, "hdlc"),
    (516, "lapb"),
    (517, "ddcmp"),
    (518, "rawhdlc"),
    (TUNNEL, "ipip"),
    (TUNNEL6, "tunnel6"),
    (770, "frad"),
    (771, "skip"),
    (772, "loopback"),
    (773, "ltalk"),
    (774, "fddi"),
    (775, "bif"),
    (SIT, "sit"),
    (777, "ip/ddp"),
    (GRE, "gre"),
    (779, "pimreg"),
    (780, "hippi"),
    (781, "ash"),
    (782, "econet"),
    (783, "irda"),
    (784, "fcpp"),
    (785, "fcal"),
    (786, "fcpl"),
    (800, "tr"),
    (801, "ieee802.11"),
    (802, "ieee802.11/prism"),
    (803, "ieee802.11/radiotap"),
    (804, "ieee802.15.4"),
    (805, "ieee802.15.4/monitor"),
    (820, "phonet"),
    (821, "phonet_pipe"),
    (822, "caif"),
    (GRE6, "gre6"),
    (824, "netlink"),
    (825, "6lowpan"),
    (0xfffe, "none"),
    (0xffff, "void"),
];

/// The name of a hardware type, or its number in brackets.
pub(super) fn name(hardware: u16, numeric: bool) -> String {
    let known = NAMES.iter().find(|(number, _)| *number == hardware && !numeric);
    known.map_or_else(|| format!("[{hardware}]"), |(_, name)| (*name).to_owned())
}

/// A link-layer address; on tunnels it is that of an end.
pub(super) fn address(address: HardwareAddress, hardware: u16) -> String {
    let bytes = address.as_bytes();
    let v4 = <[u8; 4]>::try_from(bytes).ok().filter(|_| [TUNNEL, SIT, GRE].contains(&hardware));
    let v6 = <[u8; 16]>::try_from(bytes).ok().filter(|_| [TUNNEL6, GRE6].contains(&hardware));
    match (v4, v6) {
        (Some(v4), _) => Ipv4Addr::from(v4).to_string(),
        (_, Some(v6)) => Ipv6Addr::from(v6).to_string(),
        _ => address.to_string(),
    }
}

//! What on this machine works against several uplinks.

pub(super) mod networkd;
#[cfg(test)]
mod tests;

use super::sysctl::Sysctls;
use super::Gateway;
use crate::units::{Family, Name};
use std::fmt::{self, Display, Formatter};
use std::path::Path;

/// Something that works against several uplinks, and that is not for us to change. Prints as what it does and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// systemd-networkd runs and deletes what it has not added itself. Source: `man 5 networkd.conf`.
    Networkd {
        /// The settings that would have to be `no`.
        settings: Vec<&'static str>,
    },
    /// An nf_tables flowtable: packets of the connections in it pass marks, rules and shaping by.
    Offload,
    /// The kernel drops what comes in by these uplinks, because it looks for the way back without the mark.
    Strict {
        /// Their devices.
        devs: Vec<Name>,
    },
    /// The kernel does not forward what comes in by these devices.
    NoForwarding {
        /// The family.
        family: Family,
        /// The devices, of the LAN and the uplinks.
        devs: Vec<Name>,
    },
}

/// What works against this gateway on the machine with this root directory (`/` but in tests), in the calling thread's network
/// namespace. Whether there is a flowtable must be said. What cannot be found out is no warning.
///
/// That of the reverse path is gone when [`settings`](super::sysctl::settings) are made; for forwarding see `net/ipv4/ip_forward` and `net/ipv6/conf/all/forwarding`.
pub fn warnings(gateway: &Gateway, root: &Path, has_flowtable: bool) -> Vec<Warning> {
    let sysctls = Sysctls::under(root);
    let mut warnings = Vec::new();
    let settings = networkd::settings(root);
    if !settings.is_empty() {
        warnings.push(Warning::Networkd { settings });
    }
    if has_flowtable {
        warnings.push(Warning::Offload);
    }
    let devs = strict(gateway, &sysctls);
    if !devs.is_empty() {
        warnings.push(Warning::Strict { devs });
    }
    for family in gateway.families().filter(|_| !gateway.lans.is_empty()) {
        let devs = still(gateway, &sysctls, family);
        if !devs.is_empty() {
            warnings.push(Warning::NoForwarding { family, devs });
        }
    }
    warnings
}

/// The uplinks' devices with a strict check that sees no marks.
fn strict(gateway: &Gateway, sysctls: &Sysctls) -> Vec<Name> {
    let blind = |dev: &Name| {
        sysctls.is_strict(dev).unwrap_or(false)
            && sysctls.number_of("src_valid_mark", dev).is_ok_and(|mark| mark == 0)
    };
    devices(gateway, Family::V4).filter(blind).collect()
}

/// The devices that do not forward. In IPv4 each one has its own say; in IPv6 the one for all, and a device's own makes it a
/// router to its neighbours only (`ip6_forward` in the kernel's `net/ipv6/ip6_output.c`).
fn still(gateway: &Gateway, sysctls: &Sysctls, family: Family) -> Vec<Name> {
    let is_off = |path: &str| matches!(sysctls.number(path), Ok(Some(0)));
    let devices = gateway.lans.iter().filter_map(safe).chain(devices(gateway, family));
    let mut still: Vec<_> = match family {
        Family::V4 => devices.filter(|dev| is_off(&format!("net/ipv4/conf/{dev}/forwarding"))).collect(),
        Family::V6 => devices.filter(|_| is_off("net/ipv6/conf/all/forwarding")).collect(),
    };
    still.sort_unstable();
    still.dedup();
    still
}

fn devices(gateway: &Gateway, family: Family) -> impl Iterator<Item = Name> + '_ {
    gateway
        .uplinks
        .iter()
        .filter(move |uplink| uplink.leg(family).is_some())
        .filter_map(|uplink| safe(&uplink.dev))
}

/// A name that is a path is none.
fn safe(dev: &Name) -> Option<Name> {
    Name::new(dev).ok()
}

impl Display for Warning {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Warning::Networkd { settings } => write!(
                f,
                "systemd-networkd is running and deletes rules, routes and nexthops that others added: \
                 set {}=no in the section [Network] of a file in /etc/systemd/networkd.conf.d and restart it",
                settings.join("=no and ")
            ),
            Warning::Offload => f.write_str(
                "an nf_tables flowtable offloads connections, which then pass our marks and queues by: \
                 keep the uplinks' devices out of it",
            ),
            Warning::Strict { devs } => write!(
                f,
                "the reverse path is checked strictly and without marks on {}: what comes in by an uplink that is not the main \
                 table's is dropped; `sysctl -w net/ipv4/conf/all/src_valid_mark=1`, and 2 instead of 1 in rp_filter",
                joined(devs)
            ),
            Warning::NoForwarding { family: Family::V4, devs } => {
                write!(f, "IPv4 is not forwarded from {}: `sysctl -w net/ipv4/ip_forward=1`", joined(devs))
            }
            Warning::NoForwarding { family: Family::V6, devs } => {
                write!(f, "IPv6 is not forwarded from {}: `sysctl -w net/ipv6/conf/all/forwarding=1`", joined(devs))
            }
        }
    }
}

fn joined(devs: &[Name]) -> String {
    devs.iter().map(Name::as_str).collect::<Vec<_>>().join(", ")
}

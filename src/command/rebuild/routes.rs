use super::{Devices, State};
use crate::route::{
    Address, AddressFlags, CacheInfo, HardwareAddress, Lifetime, Nexthop, Preference, Route, RouteFlags,
    RouteProtocol, Rule, RuleFlags,
};
use crate::units::Dev;
use crate::wire::Unknown;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Addresses that somebody gave.
pub(super) fn addresses<'a>(
    state: &'a State,
    devices: &'a Devices<'_>,
) -> impl Iterator<Item = Address> + 'a {
    state.addresses.iter().filter(|address| !is_given_by_kernel(address, devices)).map(|address| {
        let dev = devices.name(address.dev);
        let kept = AddressFlags::NODAD
            | AddressFlags::HOMEADDRESS
            | AddressFlags::MANAGETEMPADDR
            | AddressFlags::NOPREFIXROUTE
            | AddressFlags::MCAUTOJOIN;
        let lasting =
            |info: &CacheInfo| info.valid != Lifetime::Forever || info.preferred != Lifetime::Forever;
        let label = address.label.clone();
        Address {
            dev,
            flags: address.flags & kept,
            lifetime: address.lifetime.filter(lasting).map(|info| CacheInfo {
                created: 0,
                updated: 0,
                ..info
            }),
            label: label.filter(|label| dev.name.is_none_or(|name| name.as_str() != label)),
            unknown: Unknown::new(),
            ..address.clone()
        }
    })
}

/// The loopback's own, those of router advertisements, temporary ones, and the link-local address that belongs to the hardware's.
fn is_given_by_kernel(address: &Address, devices: &Devices<'_>) -> bool {
    const BY_KERNEL: [u8; 3] = [1, 2, 3];
    let local = address.local.address();
    let own = match local {
        IpAddr::V4(v4) => v4 == Ipv4Addr::LOCALHOST && address.local.prefix_len() == 8,
        IpAddr::V6(v6) => v6 == Ipv6Addr::LOCALHOST || address.flags.contains(AddressFlags::SECONDARY),
    };
    // Kernels before 5.18 do not say who gave it.
    let hardware = || devices.link(address.dev)?.address;
    let derived = || hardware().is_some_and(|hardware| Some(local) == link_local(hardware));
    own || match address.protocol {
        Some(protocol) => BY_KERNEL.contains(&protocol),
        None => derived(),
    }
}

/// The link-local address that IPv6 derives from an Ethernet address (RFC 4291, appendix A).
fn link_local(hardware: HardwareAddress) -> Option<IpAddr> {
    let [a, b, c, d, e, f] = *hardware.as_bytes() else { return None };
    let [high, low] = [[a ^ 2, b], [c, 0xff]].map(u16::from_be_bytes);
    let [middle, end] = [[0xfe, d], [e, f]].map(u16::from_be_bytes);
    Some(Ipv6Addr::new(0xfe80, 0, 0, 0, high, low, middle, end).into())
}

/// Groups behind their members.
pub(super) fn nexthops(state: &State, devices: &Devices<'_>) -> Vec<Nexthop> {
    let mut nexthops: Vec<Nexthop> = state
        .nexthops
        .iter()
        .map(|nexthop| Nexthop {
            dev: nexthop.dev.map(|dev| devices.name(dev)),
            flags: nexthop.flags & RouteFlags::ONLINK,
            unknown: Unknown::new(),
            ..nexthop.clone()
        })
        .collect();
    nexthops.sort_by_key(|nexthop| (nexthop.group.is_some(), nexthop.id));
    nexthops
}

/// Routes that somebody added; those through gateways behind those by which the gateways are reached.
pub(super) fn routes(state: &State, devices: &Devices<'_>) -> Vec<Route> {
    const BY_KERNEL: [RouteProtocol; 3] = [RouteProtocol::REDIRECT, RouteProtocol::KERNEL, RouteProtocol::RA];
    let added = |route: &&Route| {
        route.table != Route::LOCAL
            && !route.flags.contains(RouteFlags::CLONED)
            && !route.protocol.is_some_and(|protocol| BY_KERNEL.contains(&protocol))
    };
    let name = |dev: Dev| devices.name(dev);
    let mut routes: Vec<Route> = state
        .routes
        .iter()
        .filter(added)
        .map(|route| {
            let mut route = route.clone();
            route.dev = route.dev.map(name);
            for hop in &mut route.hops {
                hop.dev = hop.dev.map(name);
                hop.flags &= RouteFlags::ONLINK | RouteFlags::PERVASIVE;
                hop.unknown.clear();
            }
            route.flags &= RouteFlags::ONLINK | RouteFlags::PERVASIVE;
            route.preference = route.preference.filter(|preference| *preference != Preference::MEDIUM);
            route.cache = None;
            route.unknown.clear();
            route
        })
        .collect();
    routes.sort_by_key(|route| route.gateway.is_some() || route.hops.iter().any(|hop| hop.gateway.is_some()));
    routes
}

/// Rules that somebody added.
pub(super) fn rules(state: &State) -> impl Iterator<Item = Rule> + '_ {
    state.rules.iter().filter(|rule| !is_default(rule)).map(|rule| Rule {
        // Without one, the kernel would choose.
        priority: Some(rule.priority.unwrap_or(0)),
        protocol: rule.protocol.filter(|protocol| *protocol != RouteProtocol::UNSPEC),
        flags: rule.flags & RuleFlags::INVERT,
        unknown: Unknown::new(),
        ..rule.clone()
    })
}

/// The rules that every namespace begins with, and that of VRFs. Kernels before 4.17 do not say who made a rule.
fn is_default(rule: &Rule) -> bool {
    match rule.protocol {
        Some(protocol) => protocol == RouteProtocol::KERNEL,
        None => {
            let known = [(0, 255), (32766, 254), (32767, 253)];
            rule.from.is_none()
                && rule.to.is_none()
                && known.contains(&(rule.priority.unwrap_or(0), rule.table.unwrap_or(0)))
        }
    }
}

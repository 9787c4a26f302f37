//! Links as kernels send them.

use super::message::*;
use super::{HardwareAddress, Link, LinkFlags, LinkKind, LinkMode, LinkStats, Netns, OperState};
use crate::route::message::{self, name_in};
use crate::units::{Dev, Name};
use crate::wire::{Attr, DecodeError, Fixed, RawAttr, Reader, Value};

pub(super) fn read(body: &[u8], end: bool) -> Result<Link, DecodeError> {
    let mut r = Reader::new(body);
    let header = r.take(IfInfoMsg::SIZE).and_then(IfInfoMsg::decode).map_err(|e| e.inside("ifinfomsg"))?;
    let mut link = Link {
        dev: Dev::index(header.index),
        flags: LinkFlags::from_bits_retain(header.flags),
        change: LinkFlags::from_bits_retain(header.change),
        hardware: header.hardware,
        ..Link::default()
    };
    for attr in r.attrs() {
        let attr = attr?;
        take(&mut link, attr, end).map_err(|e| e.inside(name_in(NAMES, attr.ty).unwrap_or("IFLA")))?;
    }
    Ok(link)
}

/// Takes in one attribute. What cannot be said in our types (a name that is not UTF-8) is kept as it came.
fn take(link: &mut Link, attr: Attr<'_>, end: bool) -> Result<(), DecodeError> {
    let payload = attr.payload;
    let number = || u32::decode(payload);
    let mut known = true;
    match attr.ty {
        IFLA_IFNAME => known = put(&mut link.name, Name::from_bytes(payload)),
        IFLA_MTU => link.mtu = Some(number()?),
        IFLA_MIN_MTU => link.min_mtu = Some(number()?),
        IFLA_MAX_MTU => link.max_mtu = Some(number()?),
        IFLA_TXQLEN => link.txqueuelen = Some(number()?),
        IFLA_NUM_TX_QUEUES => link.tx_queues = Some(number()?),
        IFLA_NUM_RX_QUEUES => link.rx_queues = Some(number()?),
        IFLA_ADDRESS => known = put(&mut link.address, HardwareAddress::from_bytes(payload)),
        IFLA_BROADCAST => known = put(&mut link.broadcast, HardwareAddress::from_bytes(payload)),
        IFLA_MASTER => link.master = Some(Dev::index(number()?)),
        IFLA_LINK => link.link = Some(Dev::index(number()?)),
        IFLA_LINK_NETNSID => link.link_netnsid = Some(i32::decode(payload)?),
        IFLA_NET_NS_PID => link.netns = Some(Netns::Pid(number()?)),
        IFLA_NET_NS_FD => link.netns = Some(Netns::Fd(i32::decode(payload)?)),
        IFLA_QDISC => known = put(&mut link.qdisc, message::text(payload)),
        IFLA_OPERSTATE => link.operstate = Some(OperState::from(u8::decode(payload)?)),
        IFLA_GROUP => link.group = Some(number()?),
        IFLA_IFALIAS => known = put(&mut link.alias, message::text(payload)),
        IFLA_PROMISCUITY => link.promiscuity = Some(number()?),
        IFLA_ALLMULTI => link.allmulti = Some(number()?),
        IFLA_LINKMODE => link.mode = Some(LinkMode(u8::decode(payload)?)),
        IFLA_PERM_ADDRESS => known = put(&mut link.permanent_address, HardwareAddress::from_bytes(payload)),
        IFLA_CARRIER_CHANGES => link.carrier_changes = Some(number()?),
        IFLA_TSO_MAX_SIZE => link.tso_max_size = Some(number()?),
        IFLA_TSO_MAX_SEGS => link.tso_max_segs = Some(number()?),
        IFLA_GSO_MAX_SIZE => link.gso_max_size = Some(number()?),
        IFLA_GSO_MAX_SEGS => link.gso_max_segs = Some(number()?),
        IFLA_GRO_MAX_SIZE => link.gro_max_size = Some(number()?),
        IFLA_GSO_IPV4_MAX_SIZE => link.gso_ipv4_max_size = Some(number()?),
        IFLA_GRO_IPV4_MAX_SIZE => link.gro_ipv4_max_size = Some(number()?),
        IFLA_STATS64 => link.stats = Some(LinkStats::decode(payload)?),
        IFLA_LINKINFO => take_info(link, payload, end)?,
        IFLA_PROP_LIST => known = take_names(link, payload)?,
        IFLA_PAD => (),
        _ => known = false,
    }
    if !known {
        link.unknown.push(attr.into());
    }
    Ok(())
}

fn put<T>(field: &mut Option<T>, value: Option<T>) -> bool {
    let known = value.is_some();
    *field = value.or(field.take());
    known
}

/// Options without a kind stay among the unknown attributes, where they stood. Of two such lists the last counts, as it
/// does for the kernel.
fn take_info(link: &mut Link, payload: &[u8], end: bool) -> Result<(), DecodeError> {
    link.kind = None;
    link.info.clear();
    let (mut kind, mut data) = (None, None);
    for attr in Reader::new(payload).attrs() {
        let attr = attr?;
        match attr.ty {
            IFLA_INFO_KIND if kind.is_none() => match message::text(attr.payload) {
                Some(name) => kind = Some(name),
                None => link.info.push(attr.into()),
            },
            IFLA_INFO_DATA if data.is_none() => data = Some((link.info.len(), attr)),
            _ => link.info.push(attr.into()),
        }
    }
    match (kind, data) {
        (Some(name), data) => {
            let options = data.map(|(_, attr)| attr.payload);
            link.kind = Some(LinkKind::decode(name, options, end).map_err(|e| e.inside("IFLA_INFO_DATA"))?);
        }
        (None, Some((at, data))) => link.info.insert(at, RawAttr::from(data)),
        (None, None) => (),
    }
    Ok(())
}

/// The list of properties, if it is nothing but names.
fn take_names(link: &mut Link, payload: &[u8]) -> Result<bool, DecodeError> {
    let mut names = Vec::new();
    for attr in Reader::new(payload).attrs() {
        let attr = attr?;
        match message::text(attr.payload) {
            Some(name) if attr.ty == IFLA_ALT_IFNAME => names.push(name),
            _ => return Ok(false),
        }
    }
    link.alternative_names.extend(names);
    Ok(true)
}

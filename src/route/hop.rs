mod show;

use super::{Family, Realms, RouteFlags};
use crate::text::Say;
use crate::units::Dev;
use crate::wire::{DecodeError, EncodeError, Fixed, RawAttr, Reader, Unknown, Value, Writer};
use netlink_packet_route::route::{RouteAttribute, RouteNextHop, RouteNextHopFlags, RouteRealm, RouteVia};
use std::fmt::{self, Display, Formatter};
use std::net::IpAddr;

pub(super) const RTA_OIF: u16 = 4;
pub(super) const RTA_GATEWAY: u16 = 5;
pub(super) const RTA_FLOW: u16 = 11;
pub(super) const RTA_VIA: u16 = 18;
pub(super) const RTA_ENCAP_TYPE: u16 = 21;
pub(super) const RTA_ENCAP: u16 = 22;

layout! {
    /// What stands in front of a way's attributes.
    pub(super) struct RtNextHop = "rtnexthop" {
        len: u16,
        flags: u8,
        hops: u8,
        dev: u32,
    }
}

layout! {
    /// What stands in front of a gateway's address.
    pub(super) struct RtVia = "rtvia" {
        family: u16,
    }
}

/// A lightweight tunnel's parameters, kept as the kernel sent them. `include/uapi/linux/lwtunnel.h`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[doc(alias = "RTA_ENCAP")]
pub struct Encap {
    /// The tunnel's type: LWTUNNEL_ENCAP_.
    pub kind: u16,
    /// Its attributes.
    pub payload: Vec<u8>,
}

/// One way of a multipath route. `man 8 ip-route`
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[doc(alias = "rtnexthop")]
pub struct Hop {
    /// The device; without one the kernel finds it by the gateway.
    pub dev: Option<Dev>,
    /// The gateway. An IPv4 route may have an IPv6 one, not the other way round: that is an error when it is encoded.
    pub gateway: Option<IpAddr>,
    /// Its share among the weights of all, 1 to 256.
    #[doc(alias = "rtnh_hops")]
    pub weight: u16,
    /// [`RouteFlags::ONLINK`] and what the kernel reports of the way. Only the low 8 bits are in use here.
    pub flags: RouteFlags,
    /// Realms of this way.
    pub realms: Option<Realms>,
    /// A tunnel.
    pub encap: Option<Encap>,
    /// Attributes that the crate does not know: kept, and sent back unchanged.
    pub unknown: Unknown,
}

impl Default for Hop {
    fn default() -> Self {
        Hop {
            dev: None,
            gateway: None,
            weight: 1,
            flags: RouteFlags::empty(),
            realms: None,
            encap: None,
            unknown: Unknown::new(),
        }
    }
}

impl Hop {
    /// A way over a gateway, with weight 1.
    pub fn via(gateway: impl Into<IpAddr>) -> Self {
        Hop { gateway: Some(gateway.into()), ..Hop::default() }
    }

    /// A way to the link of a device, with weight 1.
    pub fn link(dev: impl Into<Dev>) -> Self {
        Hop::default().dev(dev)
    }

    /// Sets the device.
    #[must_use]
    pub fn dev(mut self, dev: impl Into<Dev>) -> Self {
        self.dev = Some(dev.into());
        self
    }

    /// Sets the share, 1 to 256; anything else is an error when it is encoded.
    #[must_use]
    pub fn weight(mut self, weight: u16) -> Self {
        self.weight = weight;
        self
    }

    /// Takes the gateway to be on the link whatever the addresses say.
    #[must_use]
    pub fn onlink(mut self) -> Self {
        self.flags |= RouteFlags::ONLINK;
        self
    }

    /// Sets the realms.
    #[must_use]
    pub fn realms(mut self, realms: Realms) -> Self {
        self.realms = Some(realms);
        self
    }

    pub(super) fn check(&self, family: Family) -> Result<(), EncodeError> {
        if !(1..=256).contains(&self.weight) {
            return Err(EncodeError::out_of_range("weight", self.weight, "1 to 256"));
        }
        check_gateway(family, self.gateway)
    }

    /// Writes the `struct rtnexthop` and its attributes.
    pub(super) fn encode(&self, family: Family, w: &mut Writer) {
        let mut body = Writer::new(w.clock());
        match self.gateway {
            Some(gateway) if Family::of(gateway) == family => {
                body.attr_with(RTA_GATEWAY, |w| put_ip(w, gateway))
            }
            Some(gateway) => body.attr_with(RTA_VIA, |w| put_via(w, gateway)),
            None => (),
        }
        self.realms.iter().for_each(|realms| body.attr(RTA_FLOW, &u32::from(*realms)));
        self.encap.iter().for_each(|encap| encap.encode(&mut body));
        self.unknown.encode(&mut body);
        if let Err(error) = body.finish() {
            w.fail(error);
        }
        let len = RtNextHop::SIZE + body.len();
        if len > usize::from(u16::MAX) {
            w.fail(EncodeError::TooLong { attribute: 9, len, max: u16::MAX.into() });
        }
        w.fixed(&RtNextHop {
            len: len as u16,
            flags: (self.flags - RouteFlags::STATUS).bits() as u8,
            hops: self.hops(),
            dev: self.dev.map_or(0, |dev| dev.index),
        });
        w.put(body.bytes());
    }

    /// Reads one `struct rtnexthop` from the front.
    pub(super) fn decode(family: Family, r: &mut Reader<'_>) -> Result<Hop, DecodeError> {
        let whole = r.rest();
        let head = RtNextHop::read(r)?;
        let len = usize::from(head.len);
        let inner = Reader::new(
            whole
                .get(RtNextHop::SIZE..len)
                .ok_or(crate::wire::Reason::Length { len, available: whole.len() })
                .map_err(DecodeError::from)?,
        );
        *r = Reader::new(whole.get(crate::wire::align(len)..).unwrap_or_default());
        let flags = RouteFlags::from_bits_retain(head.flags.into());
        let weight = u16::from(head.hops) + 1;
        let dev = Some(head.dev).filter(|&index| index != 0).map(Dev::index);
        let mut hop = Hop { dev, weight, flags, ..Hop::default() };
        let mut encap = (None, None);
        for attr in inner.attrs() {
            let attr = attr?;
            match attr.ty {
                RTA_GATEWAY => {
                    hop.gateway = Some(family.address(attr.payload).map_err(|e| e.inside("RTA_GATEWAY"))?)
                }
                RTA_VIA => match take_via(attr.payload).map_err(|e| e.inside("RTA_VIA"))? {
                    Some(gateway) => hop.gateway = Some(gateway),
                    None => hop.unknown.push(attr.into()),
                },
                RTA_FLOW => {
                    hop.realms = Some(u32::decode(attr.payload).map_err(|e| e.inside("RTA_FLOW"))?.into())
                }
                RTA_ENCAP_TYPE => encap.0 = Some(attr),
                RTA_ENCAP => encap.1 = Some(attr),
                _ => hop.unknown.push(attr.into()),
            }
        }
        hop.encap =
            Encap::decode(encap.0, encap.1, &mut hop.unknown).map_err(|e| e.inside("RTA_ENCAP_TYPE"))?;
        Ok(hop)
    }

    pub(super) fn message(&self, family: Family) -> RouteNextHop {
        let mut hop = RouteNextHop::default();
        hop.flags = RouteNextHopFlags::from_bits_retain((self.flags - RouteFlags::STATUS).bits() as u8);
        hop.hops = self.hops();
        hop.interface_index = self.dev.map_or(0, |dev| dev.index);
        hop.attributes.extend(self.gateway.map(|gateway| gateway_attribute(family, gateway)));
        hop.attributes.extend(self.realms.map(|realms| RouteAttribute::Realm(realm(realms))));
        hop.attributes.extend(self.encap.iter().flat_map(Encap::attributes));
        hop.attributes
            .extend(self.unknown.iter().map(|attr| RouteAttribute::Other(super::message::other(attr))));
        hop
    }

    /// The weight as the kernel counts it, from 0; out of range it was refused before.
    fn hops(&self) -> u8 {
        u8::try_from(self.weight.saturating_sub(1)).unwrap_or(u8::MAX)
    }
}

impl Hop {
    /// Writes the words of `ip route` for a way of a route of this family.
    pub(super) fn words(&self, family: Family, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("nexthop")?;
        match self.gateway {
            Some(gateway) if Family::of(gateway) != family => write!(f, " via {}", Via(gateway))?,
            gateway => gateway.say("via", f)?,
        }
        self.dev.say("dev", f)?;
        write!(f, " weight {}", self.weight)?;
        self.flags.contains(RouteFlags::ONLINK).say("onlink", f)?;
        self.flags.contains(RouteFlags::PERVASIVE).say("pervasive", f)?;
        self.realms.say("realm", f)
    }
}

/// A gateway of another family than the route's, in ip's words.
pub(super) struct Via(pub IpAddr);

impl Display for Via {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(addr) => write!(f, "inet {addr}"),
            IpAddr::V6(addr) => write!(f, "inet6 {addr}"),
        }
    }
}

impl Encap {
    pub(super) fn encode(&self, w: &mut Writer) {
        w.attr(RTA_ENCAP_TYPE, &self.kind);
        // Most tunnels are refused without the flag.
        w.nest_with(RTA_ENCAP, |w| w.put(&self.payload));
    }

    /// A type without parameters, or parameters without a type, are unknown attributes.
    pub(super) fn decode(
        kind: Option<crate::wire::Attr<'_>>,
        payload: Option<crate::wire::Attr<'_>>,
        unknown: &mut Unknown,
    ) -> Result<Option<Encap>, DecodeError> {
        match (kind, payload) {
            (Some(kind), Some(payload)) => {
                Ok(Some(Encap { kind: u16::decode(kind.payload)?, payload: payload.payload.to_vec() }))
            }
            (lone, other) => {
                unknown.extend(lone.or(other).map(RawAttr::from));
                Ok(None)
            }
        }
    }

    pub(super) fn attributes(&self) -> [RouteAttribute; 2] {
        let payload = RawAttr { ty: RTA_ENCAP, flags: 0x8000, payload: self.payload.clone() };
        [RouteAttribute::EncapType(self.kind.into()), RouteAttribute::Other(super::message::other(&payload))]
    }
}

/// An IPv6 route cannot have an IPv4 gateway.
pub(super) fn check_gateway(family: Family, gateway: Option<IpAddr>) -> Result<(), EncodeError> {
    match (family, gateway) {
        (Family::V6, Some(IpAddr::V4(_))) => {
            Err(EncodeError::Invalid("the gateway of an IPv6 route is an IPv4 address"))
        }
        _ => Ok(()),
    }
}

pub(super) fn gateway_attribute(family: Family, gateway: IpAddr) -> RouteAttribute {
    match Family::of(gateway) == family {
        true => RouteAttribute::Gateway(gateway.into()),
        false => RouteAttribute::Via(RouteVia::from(gateway)),
    }
}

pub(super) fn realm(realms: Realms) -> RouteRealm {
    RouteRealm { source: realms.from, destination: realms.to }
}

/// The gateway in a `struct rtvia`; None if it is not an IP address.
pub(super) fn take_via(payload: &[u8]) -> Result<Option<IpAddr>, DecodeError> {
    let mut r = Reader::new(payload);
    match RtVia::read(&mut r)?.family {
        2 => Family::V4.address(r.rest()).map(Some),
        10 => Family::V6.address(r.rest()).map(Some),
        _ => Ok(None),
    }
}

fn put_via(w: &mut Writer, gateway: IpAddr) {
    w.fixed(&RtVia { family: Family::of(gateway).number().into() });
    put_ip(w, gateway);
}

pub(super) fn put_ip(w: &mut Writer, addr: IpAddr) {
    match addr {
        IpAddr::V4(addr) => w.put(&addr.octets()),
        IpAddr::V6(addr) => w.put(&addr.octets()),
    }
}

use super::{Route, RouteCache, RouteFlags};
use crate::request::{Object, Spoken, Verb};
use crate::route::hop::{self, check_gateway, gateway_attribute, take_via, RtNextHop, RtVia};
use crate::route::message::{body, name_in, other, put};
use crate::route::{Encap, Family, Hop, Metrics, Prefix, Realms, RouteProtocol, RouteType, Scope};
use crate::text::{WordError, Words};
use crate::units::Dev;
use crate::wire::{Attr, DecodeError, EncodeError, Fixed, Names, Reader, Table, Value, Writer};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteMetric, RouteMplsTtlPropagation,
};
use netlink_packet_route::AddressFamily;
use std::fmt::{self, Formatter};
use std::net::IpAddr;

const RTA_DST: u16 = 1;
const RTA_SRC: u16 = 2;
const RTA_IIF: u16 = 3;
const RTA_PRIORITY: u16 = 6;
const RTA_PREFSRC: u16 = 7;
const RTA_METRICS: u16 = 8;
const RTA_MULTIPATH: u16 = 9;
const RTA_CACHEINFO: u16 = 12;
const RTA_TABLE: u16 = 15;
const RTA_MARK: u16 = 16;
const RTA_PREF: u16 = 20;
const RTA_EXPIRES: u16 = 23;
const RTA_PAD: u16 = 24;
const RTA_UID: u16 = 25;
const RTA_TTL_PROPAGATE: u16 = 26;
const RTA_IP_PROTO: u16 = 27;
const RTA_SPORT: u16 = 28;
const RTA_DPORT: u16 = 29;
const RTA_NH_ID: u16 = 30;
const RTA_FLOWLABEL: u16 = 31;

const NAMES: Names = &[
    (RTA_DST, "RTA_DST"),
    (RTA_SRC, "RTA_SRC"),
    (RTA_IIF, "RTA_IIF"),
    (hop::RTA_OIF, "RTA_OIF"),
    (hop::RTA_GATEWAY, "RTA_GATEWAY"),
    (RTA_PRIORITY, "RTA_PRIORITY"),
    (RTA_PREFSRC, "RTA_PREFSRC"),
    (RTA_METRICS, "RTA_METRICS"),
    (RTA_MULTIPATH, "RTA_MULTIPATH"),
    (10, "RTA_PROTOINFO"),
    (hop::RTA_FLOW, "RTA_FLOW"),
    (RTA_CACHEINFO, "RTA_CACHEINFO"),
    (13, "RTA_SESSION"),
    (14, "RTA_MP_ALGO"),
    (RTA_TABLE, "RTA_TABLE"),
    (RTA_MARK, "RTA_MARK"),
    (17, "RTA_MFC_STATS"),
    (hop::RTA_VIA, "RTA_VIA"),
    (19, "RTA_NEWDST"),
    (RTA_PREF, "RTA_PREF"),
    (hop::RTA_ENCAP_TYPE, "RTA_ENCAP_TYPE"),
    (hop::RTA_ENCAP, "RTA_ENCAP"),
    (RTA_EXPIRES, "RTA_EXPIRES"),
    (RTA_PAD, "RTA_PAD"),
    (RTA_UID, "RTA_UID"),
    (RTA_TTL_PROPAGATE, "RTA_TTL_PROPAGATE"),
    (RTA_IP_PROTO, "RTA_IP_PROTO"),
    (RTA_SPORT, "RTA_SPORT"),
    (RTA_DPORT, "RTA_DPORT"),
    (RTA_NH_ID, "RTA_NH_ID"),
    (RTA_FLOWLABEL, "RTA_FLOWLABEL"),
];

/// The attribute tables, for the header checks.
pub(in crate::route) fn tables() -> Vec<Table> {
    vec![
        Table::named("route", NAMES),
        Table::of::<Metrics>(),
        Table::layout::<RtMsg>(),
        Table::layout::<RtNextHop>(),
        Table::layout::<RtVia>(),
        Table::layout::<RouteCache>(),
    ]
}

fn name(ty: u16) -> Option<&'static str> {
    name_in(NAMES, ty)
}

layout! {
    /// The header of route messages. `include/uapi/linux/rtnetlink.h`
    struct RtMsg = "rtmsg" {
        family: u8,
        dst_len: u8,
        src_len: u8,
        tos: u8,
        table: u8,
        protocol: u8,
        scope: u8,
        kind: u8,
        flags: u32,
    }
}

impl Object for Route {
    const NOUN: &'static str = "route";
    const NEW: u16 = 24;
    const HEADER: usize = RtMsg::SIZE;

    fn encode(&self, verb: Verb, w: &mut Writer) -> Result<(), EncodeError> {
        self.check(verb)?;
        let message = self.message(verb);
        put(w, &message, &message.attributes)?;
        if self.sends_ways() && !self.hops.is_empty() {
            w.attr_with(RTA_MULTIPATH, |w| self.hops.iter().for_each(|hop| hop.encode(self.family(), w)));
        }
        if self.sends_ways() {
            self.encap.iter().for_each(|encap| encap.encode(w));
        }
        self.unknown.encode(w);
        Ok(())
    }

    fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(body);
        let header = RtMsg::read(&mut r)?;
        let RtMsg { dst_len, src_len, .. } = header;
        let family = Family::from_number(header.family).map_err(|e| e.inside("rtmsg"))?;
        let mut route = Route::to(Prefix::any(family)).table(header.table.into());
        route.kind = Some(RouteType(header.kind));
        route.protocol = Some(RouteProtocol(header.protocol));
        route.scope = Some(Scope(header.scope));
        route.tos = header.tos;
        route.flags = RouteFlags::from_bits_retain(header.flags);
        let mut seen = Seen::default();
        for attr in r.attrs() {
            let attr = attr?;
            route.take(family, attr, &mut seen).map_err(|e| e.inside(name(attr.ty).unwrap_or("RTA")))?;
        }
        let prefix = |addr: Option<IpAddr>, len| Prefix::reported(addr.unwrap_or(family.zero()), len);
        route.to = prefix(seen.to, dst_len).map_err(|e| e.inside("rtm_dst_len"))?;
        if seen.from.is_some() || src_len > 0 {
            route.from = Some(prefix(seen.from, src_len).map_err(|e| e.inside("rtm_src_len"))?);
        }
        route.encap = Encap::decode(seen.encap_type, seen.encap, &mut route.unknown)
            .map_err(|e| e.inside("RTA_ENCAP_TYPE"))?;
        // Kernels report the time left there alone, in USER_HZ.
        if let (None, Some(cache)) = (route.expires, route.cache.filter(|cache| cache.expires > 0)) {
            route.expires = Some(cache.expires.unsigned_abs() / 100);
        }
        Ok(route)
    }

    fn attribute_at(body: &[u8], offset: usize) -> Option<&'static str> {
        crate::request::attribute_at(body, Self::HEADER, offset, |path| match path {
            [RTA_METRICS, within @ ..] if !within.is_empty() => {
                Metrics::name_at(within).or(Some("RTA_METRICS"))
            }
            [outer, ..] => name(*outer),
            [] => None,
        })
    }

    fn command(&self, verb: Verb, f: &mut Formatter<'_>) -> fmt::Result {
        super::words::command(self, verb, f)
    }
}

impl Spoken for Route {
    fn hear(verb: Verb, words: &mut Words<'_>) -> Result<Self, WordError> {
        super::hear::hear(verb, words)
    }
}

/// Attributes that mean something only together with others.
#[derive(Default)]
struct Seen<'a> {
    to: Option<IpAddr>,
    from: Option<IpAddr>,
    encap_type: Option<Attr<'a>>,
    encap: Option<Attr<'a>>,
}

impl Route {
    fn take<'a>(&mut self, family: Family, attr: Attr<'a>, seen: &mut Seen<'a>) -> Result<(), DecodeError> {
        let payload = attr.payload;
        match attr.ty {
            RTA_DST => seen.to = Some(family.address(payload)?),
            RTA_SRC => seen.from = Some(family.address(payload)?),
            RTA_IIF => self.iif = Some(Dev::index(u32::decode(payload)?)),
            hop::RTA_OIF => self.dev = Some(Dev::index(u32::decode(payload)?)),
            hop::RTA_GATEWAY => self.gateway = Some(family.address(payload)?),
            hop::RTA_VIA => match take_via(payload)? {
                Some(gateway) => self.gateway = Some(gateway),
                None => self.unknown.push(attr.into()),
            },
            RTA_PRIORITY => self.metric = Some(u32::decode(payload)?),
            RTA_PREFSRC => self.source = Some(family.address(payload)?),
            RTA_METRICS => self.metrics = Metrics::decode(payload)?,
            RTA_MULTIPATH => self.hops = hops(family, payload)?,
            hop::RTA_FLOW => self.realms = Some(Realms::from(u32::decode(payload)?)),
            RTA_CACHEINFO => self.cache = Some(RouteCache::decode(payload)?),
            RTA_TABLE => self.table = u32::decode(payload)?,
            RTA_MARK => self.mark = Some(u32::decode(payload)?),
            RTA_PREF => self.preference = Some(crate::route::Preference(u8::decode(payload)?)),
            hop::RTA_ENCAP_TYPE => seen.encap_type = Some(attr),
            hop::RTA_ENCAP => seen.encap = Some(attr),
            RTA_EXPIRES => self.expires = Some(u32::decode(payload)?),
            RTA_PAD => (),
            RTA_UID => self.uid = Some(u32::decode(payload)?),
            RTA_TTL_PROPAGATE => self.ttl_propagate = Some(u8::decode(payload)? != 0),
            RTA_IP_PROTO => self.ip_proto = Some(u8::decode(payload)?),
            RTA_SPORT => self.sport = Some(be16(payload)?),
            RTA_DPORT => self.dport = Some(be16(payload)?),
            RTA_NH_ID => self.nexthop_id = Some(u32::decode(payload)?),
            RTA_FLOWLABEL => self.flowlabel = Some(crate::wire::Be::<u32>::decode(payload)?.0),
            _ => self.unknown.push(attr.into()),
        }
        Ok(())
    }

    /// What makes the request meaningless. Public fields can hold anything, so this is looked at again here.
    fn check(&self, verb: Verb) -> Result<(), EncodeError> {
        let family = self.family();
        if self.from.is_some_and(|from| from.family() != family) {
            return Err(EncodeError::Invalid(
                "the source prefix of the route is of the other address family",
            ));
        }
        if self.source.is_some_and(|source| Family::of(source) != family) {
            return Err(EncodeError::Invalid(
                "the source address of the route is of the other address family",
            ));
        }
        check_gateway(family, self.gateway)?;
        self.hops.iter().try_for_each(|hop| hop.check(family))?;
        if self.metrics.congctl.as_ref().is_some_and(|name| name.0.contains('\0')) {
            return Err(EncodeError::Invalid("a text may not contain a NUL character"));
        }
        if verb == Verb::Get && self.to.len() != family.bits() {
            return Err(EncodeError::Invalid("a look-up needs one address as its destination"));
        }
        Ok(())
    }

    /// Whether the ways go with the request: a nexthop object has its own.
    fn sends_ways(&self) -> bool {
        self.nexthop_id.is_none()
    }

    /// The scope that `ip` gives a route that says none.
    pub(crate) fn default_scope(&self, verb: Verb) -> Scope {
        let kind =
            self.kind.unwrap_or(if verb == Verb::Delete { RouteType::UNSPEC } else { RouteType::UNICAST });
        match kind {
            _ if verb == Verb::Get || self.family() == Family::V6 => Scope::GLOBAL,
            RouteType::LOCAL | RouteType::NAT => Scope::HOST,
            RouteType::BROADCAST | RouteType::MULTICAST | RouteType::ANYCAST => Scope::LINK,
            RouteType::UNICAST | RouteType::UNSPEC if verb == Verb::Delete => Scope::NOWHERE,
            RouteType::UNICAST | RouteType::UNSPEC
                if self.gateway.is_none() && self.hops.is_empty() && self.nexthop_id.is_none() =>
            {
                Scope::LINK
            }
            _ if verb == Verb::Delete => Scope::NOWHERE,
            _ => Scope::GLOBAL,
        }
    }

    fn header(&self, verb: Verb) -> RouteHeader {
        let creates = !matches!(verb, Verb::Delete | Verb::Get);
        let kind = self.kind.unwrap_or(if creates { RouteType::UNICAST } else { RouteType::UNSPEC });
        let protocol =
            self.protocol.unwrap_or(if creates { RouteProtocol::BOOT } else { RouteProtocol::UNSPEC });
        RouteHeader {
            address_family: AddressFamily::from(self.family().number()),
            destination_prefix_length: self.to.len(),
            source_prefix_length: self.from.map_or(0, Prefix::len),
            tos: self.tos,
            // Tables beyond a byte go into RTA_TABLE alone.
            table: u8::try_from(self.table).unwrap_or(RouteHeader::RT_TABLE_UNSPEC),
            protocol: protocol.0.into(),
            scope: self.scope.unwrap_or_else(|| self.default_scope(verb)).0.into(),
            kind: kind.0.into(),
            flags: netlink_packet_route::route::RouteFlags::from_bits_retain(
                (self.flags - RouteFlags::STATUS).bits(),
            ),
        }
    }

    fn message(&self, verb: Verb) -> RouteMessage {
        let mut message = RouteMessage::default();
        message.header = self.header(verb);
        message.attributes = self.attributes();
        message
    }

    /// All attributes but those that `netlink-packet-route` would distort: the ways, whose tunnels lose the NESTED flag that
    /// kernels insist on, and the unknown ones, which lose theirs.
    fn attributes(&self) -> Vec<RouteAttribute> {
        let mut out = Vec::with_capacity(8);
        // As ip does, an IPv6 default route says its address.
        if self.to != Prefix::ANY_V4 {
            out.push(RouteAttribute::Destination(self.to.addr().into()));
        }
        out.extend(self.from.map(|from| RouteAttribute::Source(from.addr().into())));
        out.extend((self.table > 255).then_some(RouteAttribute::Table(self.table)));
        if self.sends_ways() {
            out.extend(self.gateway.map(|gateway| gateway_attribute(self.family(), gateway)));
            out.extend(self.dev.map(|dev| RouteAttribute::Oif(dev.index)));
        }
        out.extend(self.source.map(|source| RouteAttribute::PrefSource(RouteAddress::from(source))));
        out.extend(self.metric.map(RouteAttribute::Priority));
        if !self.metrics.is_empty() {
            out.push(RouteAttribute::Metrics(Vec::<RouteMetric>::from(&self.metrics)));
        }
        out.extend(self.nexthop_id.map(RouteAttribute::NhId));
        out.extend(self.preference.map(|preference| RouteAttribute::Preference(preference.0.into())));
        out.extend(self.expires.map(RouteAttribute::Expires));
        out.extend(self.realms.map(|realms| RouteAttribute::Realm(hop::realm(realms))));
        out.extend(
            self.ttl_propagate
                .map(|on| RouteAttribute::TtlPropagate(RouteMplsTtlPropagation::from(u8::from(on)))),
        );
        out.extend(self.iif.map(|dev| RouteAttribute::Iif(dev.index)));
        out.extend(self.mark.map(RouteAttribute::Mark));
        out.extend(self.uid.map(RouteAttribute::Uid));
        out.extend(self.ip_proto.map(RouteAttribute::IpProto));
        out.extend(self.sport.map(RouteAttribute::Sport));
        out.extend(self.dport.map(RouteAttribute::Dport));
        out.extend(self.flowlabel.map(RouteAttribute::Flowlabel));
        out
    }
}

/// The message that adds the route. Tunnel parameters and unknown attributes come as `Other`.
impl From<&Route> for RouteMessage {
    fn from(route: &Route) -> RouteMessage {
        let mut message = route.message(Verb::Add);
        if route.sends_ways() {
            if !route.hops.is_empty() {
                let hops = route.hops.iter().map(|hop| hop.message(route.family())).collect();
                message.attributes.push(RouteAttribute::MultiPath(hops));
            }
            message.attributes.extend(route.encap.iter().flat_map(Encap::attributes));
        }
        message.attributes.extend(route.unknown.iter().map(|attr| RouteAttribute::Other(other(attr))));
        message
    }
}

impl TryFrom<RouteMessage> for Route {
    type Error = DecodeError;

    fn try_from(message: RouteMessage) -> Result<Route, DecodeError> {
        Route::decode(&body(&message, &message.attributes)?)
    }
}

fn hops(family: Family, payload: &[u8]) -> Result<Vec<Hop>, DecodeError> {
    let mut r = Reader::new(payload);
    let mut hops = Vec::new();
    while !r.rest().is_empty() {
        hops.push(Hop::decode(family, &mut r)?);
    }
    Ok(hops)
}

fn be16(payload: &[u8]) -> Result<u16, DecodeError> {
    crate::wire::Be::<u16>::decode(payload).map(|be| be.0)
}

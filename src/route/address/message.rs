//! Addresses on the wire and in `ip`'s words.

use super::{Address, AddressFlags, CacheInfo, IfAddr};
use crate::request::{Object, Spoken, Verb};
use crate::route::message::{self, name_in, quoted, say};
use crate::route::Scope;
use crate::text::{WordError, Words};
use crate::units::Dev;
use crate::wire::{DecodeError, EncodeError, Fixed, Reader, Table, Unknown, Value, Writer};
use netlink_packet_route::address::{
    AddressAttribute, AddressFlags as Flags, AddressHeaderFlags, AddressMessage, AddressProtocol,
    AddressScope, CacheInfo as Cache,
};
use netlink_packet_route::AddressFamily;
use std::fmt::{self, Formatter};
use std::net::{IpAddr, Ipv4Addr};

const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFA_LABEL: u16 = 3;
const IFA_BROADCAST: u16 = 4;
const IFA_CACHEINFO: u16 = 6;
const IFA_FLAGS: u16 = 8;
const IFA_RT_PRIORITY: u16 = 9;
const IFA_TARGET_NETNSID: u16 = 10;
const IFA_PROTO: u16 = 11;

const NAMES: &[(u16, &str)] = &[
    (IFA_ADDRESS, "IFA_ADDRESS"),
    (IFA_LOCAL, "IFA_LOCAL"),
    (IFA_LABEL, "IFA_LABEL"),
    (IFA_BROADCAST, "IFA_BROADCAST"),
    (5, "IFA_ANYCAST"),
    (IFA_CACHEINFO, "IFA_CACHEINFO"),
    (7, "IFA_MULTICAST"),
    (IFA_FLAGS, "IFA_FLAGS"),
    (IFA_RT_PRIORITY, "IFA_RT_PRIORITY"),
    (IFA_TARGET_NETNSID, "IFA_TARGET_NETNSID"),
    (IFA_PROTO, "IFA_PROTO"),
];

/// The attribute tables, for the header checks.
pub(in crate::route) fn tables() -> Vec<Table> {
    vec![Table::named("address", NAMES), Table::layout::<IfAddrMsg>(), Table::layout::<CacheInfo>()]
}

const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;

layout! {
    /// The header of address messages. `include/uapi/linux/if_addr.h`
    struct IfAddrMsg = "ifaddrmsg" {
        pub family: u8,
        pub prefix_len: u8,
        pub flags: u8,
        pub scope: u8,
        pub index: u32,
    }
}

/// The address as a message of `netlink-packet-route`.
impl From<&Address> for AddressMessage {
    fn from(address: &Address) -> Self {
        use AddressAttribute as A;
        let mut message = AddressMessage::default();
        let local = address.local.address();
        message.header.family = if local.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
        message.header.prefix_len = address.local.prefix_len();
        message.header.scope = AddressScope::from(address.scope.0);
        message.header.index = address.dev.index;
        // The attribute takes the header's place for flags that do not fit there.
        let low = u8::try_from(address.flags.bits()).ok();
        message.header.flags = AddressHeaderFlags::from_bits_retain(low.unwrap_or(0));
        message.attributes = [
            Some(A::Local(local)),
            Some(A::Address(address.peer.unwrap_or(local))),
            address.broadcast.map(A::Broadcast),
            address.label.clone().map(A::Label),
            low.is_none().then(|| A::Flags(Flags::from_bits_retain(address.flags.bits()))),
            address.lifetime.map(|lifetime| {
                let mut cache = Cache::default();
                cache.ifa_preferred = lifetime.preferred.into();
                cache.ifa_valid = lifetime.valid.into();
                cache.cstamp = lifetime.created;
                cache.tstamp = lifetime.updated;
                A::CacheInfo(cache)
            }),
            address.metric.map(A::RoutePriority),
            address.protocol.map(|protocol| A::Protocol(AddressProtocol::from(protocol))),
            address.netnsid.map(A::TargetNetNsId),
        ]
        .into_iter()
        .flatten()
        .chain(address.unknown.iter().map(|attr| A::Other(message::other(attr))))
        .collect();
        message
    }
}

/// # Errors
/// Messages without an address, of another family than IPv4 and IPv6, or with a prefix longer than the address.
impl TryFrom<AddressMessage> for Address {
    type Error = DecodeError;

    fn try_from(message: AddressMessage) -> Result<Self, DecodeError> {
        Address::decode(&message::body(&message, &message.attributes)?)
    }
}

impl Object for Address {
    const NOUN: &'static str = "address";
    const NEW: u16 = 20;
    const HEADER: usize = IfAddrMsg::SIZE;

    /// Linux answers [`Verb::Get`] for IPv6 only; others are found by listing.
    fn encode(&self, verb: Verb, w: &mut Writer) -> Result<(), EncodeError> {
        if matches!(verb, Verb::Append | Verb::Prepend) {
            return Err(EncodeError::Invalid(
                "addresses have no order: they cannot be appended or prepended",
            ));
        }
        if self.dev.index == 0 {
            return Err(EncodeError::Missing("the address's link"));
        }
        if self.peer.is_some_and(|peer| peer.is_ipv4() != self.local.address().is_ipv4()) {
            return Err(EncodeError::Invalid("an address and its peer must be of the same family"));
        }
        if self.broadcast.is_some() && self.local.address().is_ipv6() {
            return Err(EncodeError::Invalid("there are no broadcast addresses in IPv6"));
        }
        message::check(self.label.as_deref().unwrap_or_default(), "the length of the label", 15)?;
        let mut message = AddressMessage::from(self);
        if verb == Verb::Get {
            // Strict kernels refuse anything else.
            message.header.prefix_len = 0;
            message.header.flags = AddressHeaderFlags::empty();
            message.header.scope = AddressScope::default();
            message.attributes.retain(|attribute| {
                matches!(attribute, AddressAttribute::Local(_) | AddressAttribute::Address(_))
            });
        }
        message::put(w, &message, &message.attributes)
    }

    /// With the crate's own reader, as all of this layer: see [`route`](crate::route).
    fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(body);
        let header =
            r.take(IfAddrMsg::SIZE).and_then(IfAddrMsg::decode).map_err(|e| e.inside("ifaddrmsg"))?;
        let mut parts = Parts { flags: header.flags.into(), ..Parts::default() };
        for attr in r.attrs() {
            let attr = attr?;
            let known = parts
                .take(header.family, attr.ty, attr.payload)
                .map_err(|e| e.inside(name_in(NAMES, attr.ty).unwrap_or("IFA")))?;
            if !known {
                parts.unknown.push(attr.into());
            }
        }
        // Where there is no other end, IPv4 says its address twice and IPv6 as IFA_ADDRESS alone.
        let local = parts.local.or(parts.address).ok_or_else(|| DecodeError::missing("IFA_LOCAL"))?;
        let prefix = IfAddr::new(local, header.prefix_len)
            .map_err(|_| DecodeError::invalid("a prefix longer than the address").inside("ifaddrmsg"))?;
        Ok(Address {
            dev: Dev::index(header.index),
            local: prefix,
            peer: parts.address.filter(|address| *address != local),
            broadcast: parts.broadcast,
            label: parts.label,
            scope: Scope(header.scope),
            flags: AddressFlags::from_bits_retain(parts.flags),
            lifetime: parts.lifetime,
            metric: parts.metric,
            protocol: parts.protocol,
            netnsid: parts.netnsid,
            unknown: parts.unknown,
        })
    }

    fn attribute_at(body: &[u8], offset: usize) -> Option<&'static str> {
        crate::request::attribute_at(body, Self::HEADER, offset, |path| name_in(NAMES, *path.first()?))
    }

    fn command(&self, verb: Verb, f: &mut Formatter<'_>) -> fmt::Result {
        if verb == Verb::Get {
            return write!(f, "ip address show dev {} to {}", self.dev, self.local);
        }
        write!(f, "ip address {verb}")?;
        match self.peer {
            Some(peer) => write!(f, " {} peer {peer}/{}", self.local.address(), self.local.prefix_len())?,
            None => write!(f, " {}", self.local)?,
        }
        say(f, "broadcast", self.broadcast)?;
        write!(f, " dev {}", self.dev)?;
        say(f, "label", self.label.as_deref().map(quoted))?;
        if self.scope != Address::new(self.local).scope {
            write!(f, " scope {}", self.scope)?;
        }
        say(f, "metric", self.metric)?;
        say(f, "proto", self.protocol)?;
        for (flag, word) in FLAG_WORDS {
            if self.flags.contains(flag) {
                write!(f, " {word}")?;
            }
        }
        match self.lifetime {
            Some(lifetime) => write!(f, " valid_lft {} preferred_lft {}", lifetime.valid, lifetime.preferred),
            None => Ok(()),
        }
    }
}

impl Spoken for Address {
    fn hear(verb: Verb, words: &mut Words<'_>) -> Result<Self, WordError> {
        super::hear::hear(verb, words)
    }
}

/// The flags that can be asked for; the others are the kernel's to set.
pub(super) const FLAG_WORDS: [(AddressFlags, &str); 6] = [
    (AddressFlags::HOMEADDRESS, "home"),
    (AddressFlags::NODAD, "nodad"),
    (AddressFlags::OPTIMISTIC, "optimistic"),
    (AddressFlags::MANAGETEMPADDR, "mngtmpaddr"),
    (AddressFlags::NOPREFIXROUTE, "noprefixroute"),
    (AddressFlags::MCAUTOJOIN, "autojoin"),
];

/// The attributes of one message, in whatever order they stand.
#[derive(Default)]
struct Parts {
    local: Option<IpAddr>,
    address: Option<IpAddr>,
    broadcast: Option<Ipv4Addr>,
    label: Option<String>,
    flags: u32,
    lifetime: Option<CacheInfo>,
    metric: Option<u32>,
    protocol: Option<u8>,
    netnsid: Option<i32>,
    unknown: Unknown,
}

impl Parts {
    /// Takes in one attribute; false if it cannot be said in our types and is to be kept as it came.
    fn take(&mut self, family: u8, ty: u16, payload: &[u8]) -> Result<bool, DecodeError> {
        match ty {
            IFA_LOCAL => self.local = Some(ip(family, payload)?),
            IFA_ADDRESS => self.address = Some(ip(family, payload)?),
            IFA_BROADCAST if family == AF_INET => {
                self.broadcast = Some(Reader::new(payload).array::<4>()?.into());
            }
            IFA_LABEL => match message::text(payload) {
                Some(label) => self.label = Some(label),
                None => return Ok(false),
            },
            IFA_CACHEINFO => self.lifetime = Some(CacheInfo::decode(payload)?),
            IFA_FLAGS => self.flags = u32::decode(payload)?,
            IFA_RT_PRIORITY => self.metric = Some(u32::decode(payload)?),
            IFA_TARGET_NETNSID => self.netnsid = Some(i32::decode(payload)?),
            IFA_PROTO => self.protocol = Some(u8::decode(payload)?),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

fn ip(family: u8, payload: &[u8]) -> Result<IpAddr, DecodeError> {
    let mut r = Reader::new(payload);
    match family {
        AF_INET => r.array::<4>().map(IpAddr::from),
        AF_INET6 => r.array::<16>().map(IpAddr::from),
        _ => Err(DecodeError::invalid("an address that is neither of IPv4 nor of IPv6")),
    }
}

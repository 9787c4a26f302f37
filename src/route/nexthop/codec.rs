use super::group::{Grp, Members};
use super::{Group, GroupType, Nexthop, Resilient};
use crate::request::{Object, Spoken, Verb};
use crate::route::hop::put_ip;
use crate::route::{Encap, Family, RouteFlags, RouteProtocol, Scope};
use crate::text::{Say, WordError, Words};
use crate::units::Dev;
use crate::wire::{DecodeError, EncodeError, Fixed, Raw, Reader, Table, Value, Writer};
use std::fmt::{self, Formatter};

layout! {
    /// The header of nexthop messages. `include/uapi/linux/nexthop.h`
    pub(super) struct Header = "nhmsg" {
        pub family: u8,
        pub scope: u8,
        pub protocol: u8,
        pad _reserved: 1,
        pub flags: u32,
    }
}

attrs! {
    /// The attributes of nexthop messages, which `netlink-packet-route` does not know. `include/uapi/linux/nexthop.h`
    pub(super) wordless struct Nha {
        1 "NHA_ID" => id: u32,
        2 "NHA_GROUP" => group: Members,
        3 "NHA_GROUP_TYPE" => group_type: u16,
        4 "NHA_BLACKHOLE" => blackhole: flag,
        5 "NHA_OIF" => oif: u32,
        6 "NHA_GATEWAY" => gateway: Raw,
        7 "NHA_ENCAP_TYPE" => encap_type: u16,
        8 "NHA_ENCAP" => encap: nested Raw,
        11 "NHA_FDB" => fdb: flag,
        12 "NHA_RES_GROUP" => resilient: nested Resilient,
        14 "NHA_OP_FLAGS" => op_flags: u32,
    }
}

/// Attributes of dumps, statistics and hardware.
const MORE: crate::wire::Names = &[
    (9, "NHA_GROUPS"),
    (10, "NHA_MASTER"),
    (13, "NHA_RES_BUCKET"),
    (15, "NHA_GROUP_STATS"),
    (16, "NHA_HW_STATS_ENABLE"),
    (17, "NHA_HW_STATS_USED"),
];

/// The attribute tables, for the header checks.
pub(in crate::route) fn tables() -> Vec<Table> {
    vec![
        Table::of::<Nha>(),
        Table::named("nexthop", MORE),
        Table::of::<Resilient>(),
        Table::layout::<Header>(),
        Table::layout::<Grp>(),
    ]
}

impl Object for Nexthop {
    const NOUN: &'static str = "nexthop";
    const NEW: u16 = 104;
    const HEADER: usize = <Header as Fixed>::SIZE;

    fn encode(&self, verb: Verb, w: &mut Writer) -> Result<(), EncodeError> {
        if matches!(verb, Verb::Delete | Verb::Get) {
            if self.id == 0 {
                return Err(EncodeError::Missing("the id of the nexthop"));
            }
            Header::default().encode(w);
            let op_flags = self.op_flags.filter(|_| verb == Verb::Get);
            Nha { id: Some(self.id), op_flags, ..Nha::default() }.encode(w);
            return Ok(());
        }
        self.check(verb)?;
        Header {
            // Groups have none, whatever their members are.
            family: self.family.map_or(0, Family::number),
            // Kernels compute the scope and refuse one.
            scope: 0,
            protocol: self.protocol.0,
            flags: (self.flags - RouteFlags::STATUS).bits(),
        }
        .encode(w);
        self.attributes().encode(w);
        Ok(())
    }

    fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(body);
        let header = Header::decode(r.take(Header::SIZE).map_err(|e| e.inside("nhmsg"))?)?;
        let family = match header.family {
            0 => None,
            number => Some(Family::from_number(number).map_err(|e| e.inside("nhmsg"))?),
        };
        let nha = Nha::decode(r.rest())?;
        let mut nexthop = Nexthop::id(nha.id.unwrap_or(0));
        nexthop.family = family;
        nexthop.scope = Scope(header.scope);
        nexthop.protocol = RouteProtocol(header.protocol);
        nexthop.flags = RouteFlags::from_bits_retain(header.flags);
        nexthop.gateway = match (family, nha.gateway) {
            (_, None) => None,
            (Some(family), Some(raw)) => Some(family.address(&raw.0).map_err(|e| e.inside("NHA_GATEWAY"))?),
            (None, Some(_)) => {
                return Err(DecodeError::invalid("a gateway without a family").inside("NHA_GATEWAY"))
            }
        };
        nexthop.dev = nha.oif.map(Dev::index);
        nexthop.blackhole = nha.blackhole;
        nexthop.fdb = nha.fdb;
        // Kernels send the type with every group; the others have neither.
        if nha.group.is_some() || nha.group_type.is_some() || nha.resilient.is_some() {
            nexthop.group = Some(Group {
                members: nha.group.unwrap_or_default().0,
                kind: nha.group_type.map(GroupType),
                resilient: nha.resilient,
            });
        }
        nexthop.encap = match (nha.encap_type, nha.encap) {
            (Some(kind), payload) => Some(Encap { kind, payload: payload.unwrap_or_default().0 }),
            (None, Some(_)) => return Err(DecodeError::missing("NHA_ENCAP_TYPE")),
            (None, None) => None,
        };
        nexthop.op_flags = nha.op_flags;
        nexthop.unknown = nha.unknown;
        Ok(nexthop)
    }

    fn attribute_at(body: &[u8], offset: usize) -> Option<&'static str> {
        let more = |path: &[u16]| {
            MORE.iter().find(|(number, _)| path.first() == Some(number)).map(|(_, name)| *name)
        };
        crate::request::attribute_at(body, Self::HEADER, offset, |path| {
            Nha::name_at(path).or_else(|| more(path))
        })
    }

    /// Writes the `ip nexthop` command. A lightweight tunnel has no words here: its parameters are kept as bytes.
    fn command(&self, verb: Verb, f: &mut Formatter<'_>) -> fmt::Result {
        // Without a gateway ip takes the family from its option.
        let option = self.family.filter(|_| self.gateway.is_none()).map_or("", Family::option);
        let brief = matches!(verb, Verb::Delete | Verb::Get);
        write!(f, "ip {}nexthop {verb}", if brief { "" } else { option })?;
        // A new one may have the id that the kernel chooses; the others are named by it, be it right or not.
        let is_named = self.id != 0 || verb != Verb::Add || !self.has_words();
        Some(self.id).filter(|_| is_named).say("id", f)?;
        if brief {
            return Ok(());
        }
        self.group.say("group", f)?;
        self.blackhole.say("blackhole", f)?;
        self.gateway.say("via", f)?;
        self.dev.say("dev", f)?;
        self.flags.contains(RouteFlags::ONLINK).say("onlink", f)?;
        self.fdb.say("fdb", f)?;
        Some(self.protocol).filter(|protocol| *protocol != RouteProtocol::UNSPEC).say("proto", f)
    }
}

impl Spoken for Nexthop {
    fn hear(verb: Verb, words: &mut Words<'_>) -> Result<Self, WordError> {
        match verb {
            Verb::Delete | Verb::Get => super::hear::hear_name(words),
            _ => super::hear::hear(words),
        }
    }
}

impl Nexthop {
    /// Whether it has words behind its id.
    fn has_words(&self) -> bool {
        self.group.is_some()
            || self.blackhole
            || self.gateway.is_some()
            || self.dev.is_some()
            || self.flags.contains(RouteFlags::ONLINK)
            || self.fdb
            || self.protocol != RouteProtocol::UNSPEC
    }

    fn check(&self, verb: Verb) -> Result<(), EncodeError> {
        if matches!(verb, Verb::Append | Verb::Prepend | Verb::Change) {
            return Err(EncodeError::Invalid("nexthops can be added, replaced and deleted only"));
        }
        if self.gateway.is_some_and(|gateway| self.family != Some(Family::of(gateway))) {
            return Err(EncodeError::Invalid("the gateway of the nexthop is of another address family"));
        }
        Ok(())
    }

    fn attributes(&self) -> Nha {
        let group = self.group.as_ref();
        Nha {
            id: Some(self.id).filter(|&id| id != 0),
            group: group.map(|group| Members(group.members.clone())),
            group_type: group.and_then(|group| group.kind).map(|kind| kind.0),
            blackhole: self.blackhole,
            oif: self.dev.map(|dev| dev.index),
            gateway: self.gateway.map(|gateway| {
                let mut w = Writer::default();
                put_ip(&mut w, gateway);
                Raw(w.bytes().to_vec())
            }),
            encap_type: self.encap.as_ref().map(|encap| encap.kind),
            encap: self.encap.as_ref().map(|encap| Raw(encap.payload.clone())),
            fdb: self.fdb,
            // The time without balance is a report.
            resilient: group
                .and_then(|group| group.resilient.clone())
                .map(|table| Resilient { unbalanced_time: None, ..table }),
            op_flags: None,
            unknown: self.unknown.clone(),
        }
    }
}

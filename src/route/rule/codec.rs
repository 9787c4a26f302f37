use super::{PortRange, Rule, RuleAction, RuleFlags, UidRange};
use crate::request::{Object, Spoken, Verb};
use crate::route::hop::realm;
use crate::route::message::{body, name_in, other, put};
use crate::route::{Family, Prefix, Realms, Route, RouteProtocol};
use crate::text::{WordError, Words};
use crate::units::Name;
use crate::wire::{Attr, Be, DecodeError, EncodeError, Fixed, Names, Reader, Table, Unknown, Value, Writer};
use netlink_packet_core::DefaultNla;
use netlink_packet_route::rule::{
    RuleAction as MessageAction, RuleAttribute, RuleHeader, RuleMessage, RulePortRange, RuleUidRange,
};
use netlink_packet_route::AddressFamily;
use std::fmt::{self, Formatter};
use std::net::IpAddr;

const FRA_DST: u16 = 1;
const FRA_SRC: u16 = 2;
const FRA_IIFNAME: u16 = 3;
const FRA_GOTO: u16 = 4;
const FRA_PRIORITY: u16 = 6;
const FRA_FWMARK: u16 = 10;
const FRA_FLOW: u16 = 11;
const FRA_TUN_ID: u16 = 12;
const FRA_SUPPRESS_IFGROUP: u16 = 13;
const FRA_SUPPRESS_PREFIXLEN: u16 = 14;
const FRA_TABLE: u16 = 15;
const FRA_FWMASK: u16 = 16;
const FRA_OIFNAME: u16 = 17;
const FRA_PAD: u16 = 18;
const FRA_L3MDEV: u16 = 19;
const FRA_UID_RANGE: u16 = 20;
const FRA_PROTOCOL: u16 = 21;
const FRA_IP_PROTO: u16 = 22;
const FRA_SPORT_RANGE: u16 = 23;
const FRA_DPORT_RANGE: u16 = 24;
const FRA_DSCP: u16 = 25;
const FRA_FLOWLABEL: u16 = 26;
const FRA_FLOWLABEL_MASK: u16 = 27;
const FRA_SPORT_MASK: u16 = 28;
const FRA_DPORT_MASK: u16 = 29;
const FRA_DSCP_MASK: u16 = 30;

const NAMES: Names = &[
    (FRA_DST, "FRA_DST"),
    (FRA_SRC, "FRA_SRC"),
    (FRA_IIFNAME, "FRA_IIFNAME"),
    (FRA_GOTO, "FRA_GOTO"),
    (FRA_PRIORITY, "FRA_PRIORITY"),
    (FRA_FWMARK, "FRA_FWMARK"),
    (FRA_FLOW, "FRA_FLOW"),
    (FRA_TUN_ID, "FRA_TUN_ID"),
    (FRA_SUPPRESS_IFGROUP, "FRA_SUPPRESS_IFGROUP"),
    (FRA_SUPPRESS_PREFIXLEN, "FRA_SUPPRESS_PREFIXLEN"),
    (FRA_TABLE, "FRA_TABLE"),
    (FRA_FWMASK, "FRA_FWMASK"),
    (FRA_OIFNAME, "FRA_OIFNAME"),
    (FRA_PAD, "FRA_PAD"),
    (FRA_L3MDEV, "FRA_L3MDEV"),
    (FRA_UID_RANGE, "FRA_UID_RANGE"),
    (FRA_PROTOCOL, "FRA_PROTOCOL"),
    (FRA_IP_PROTO, "FRA_IP_PROTO"),
    (FRA_SPORT_RANGE, "FRA_SPORT_RANGE"),
    (FRA_DPORT_RANGE, "FRA_DPORT_RANGE"),
    (FRA_DSCP, "FRA_DSCP"),
    (FRA_FLOWLABEL, "FRA_FLOWLABEL"),
    (FRA_FLOWLABEL_MASK, "FRA_FLOWLABEL_MASK"),
    (FRA_SPORT_MASK, "FRA_SPORT_MASK"),
    (FRA_DPORT_MASK, "FRA_DPORT_MASK"),
    (FRA_DSCP_MASK, "FRA_DSCP_MASK"),
];

/// The attribute tables, for the header checks.
pub(in crate::route) fn tables() -> Vec<Table> {
    vec![
        Table::named("rule", NAMES),
        Table::layout::<RuleHdr>(),
        Table::layout::<Ports>(),
        Table::layout::<Uids>(),
    ]
}

fn name(ty: u16) -> Option<&'static str> {
    name_in(NAMES, ty)
}

layout! {
    /// The header of rule messages. `include/uapi/linux/fib_rules.h`
    struct RuleHdr = "fib_rule_hdr" {
        family: u8,
        dst_len: u8,
        src_len: u8,
        tos: u8,
        table: u8,
        pad _reserved: 2,
        action: u8,
        flags: u32,
    }
}

layout! {
    struct Ports = "fib_rule_port_range" {
        start: u16,
        end: u16,
    }
}

layout! {
    struct Uids = "fib_rule_uid_range" {
        start: u32,
        end: u32,
    }
}

impl Object for Rule {
    const NOUN: &'static str = "rule";
    const NEW: u16 = 32;
    const HEADER: usize = RuleHdr::SIZE;

    fn encode(&self, verb: Verb, w: &mut Writer) -> Result<(), EncodeError> {
        self.check(verb)?;
        let message = self.message(verb);
        put(w, &message, &message.attributes)?;
        self.unknown.encode(w);
        Ok(())
    }

    fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(body);
        let RuleHdr { family, dst_len, src_len, tos, table, action, flags } = RuleHdr::read(&mut r)?;
        let family = Family::from_number(family).map_err(|e| e.inside("fib_rule_hdr"))?;
        let mut rule = Rule::of(family);
        rule.flags = RuleFlags::from_bits_retain(flags);
        rule.tos = tos;
        let mut seen = Seen { table: table.into(), ..Seen::default() };
        for attr in r.attrs() {
            let attr = attr?;
            rule.take(attr, &mut seen).map_err(|e| e.inside(name(attr.ty).unwrap_or("FRA")))?;
        }
        rule.table = Some(seen.table).filter(|&table| table != 0);
        rule.to = prefix(family, seen.to, dst_len).map_err(|e| e.inside("FRA_DST"))?;
        rule.from = prefix(family, seen.from, src_len).map_err(|e| e.inside("FRA_SRC"))?;
        rule.action = Some(match (action, seen.goto) {
            (0, _) => RuleAction::Unspec,
            (1, _) => RuleAction::Lookup,
            (2, target) => RuleAction::Goto(target.ok_or_else(|| DecodeError::missing("FRA_GOTO"))?),
            (3, _) => RuleAction::Nop,
            (6, _) => RuleAction::Blackhole,
            (7, _) => RuleAction::Unreachable,
            (8, _) => RuleAction::Prohibit,
            (number, _) => RuleAction::Other(number),
        });
        Ok(rule)
    }

    fn attribute_at(body: &[u8], offset: usize) -> Option<&'static str> {
        crate::request::attribute_at(body, Self::HEADER, offset, |path| path.first().copied().and_then(name))
    }

    fn command(&self, verb: Verb, f: &mut Formatter<'_>) -> fmt::Result {
        super::words::command(self, verb, f)
    }
}

impl Spoken for Rule {
    fn hear(verb: Verb, words: &mut Words<'_>) -> Result<Self, WordError> {
        super::hear::hear(verb, words)
    }
}

/// Attributes that mean something only together with the header.
#[derive(Default)]
struct Seen {
    to: Option<IpAddr>,
    from: Option<IpAddr>,
    goto: Option<u32>,
    table: u32,
}

impl Rule {
    fn take(&mut self, attr: Attr<'_>, seen: &mut Seen) -> Result<(), DecodeError> {
        let payload = attr.payload;
        // `ip rule add from all` sends an address without bytes.
        let address = |payload: &[u8]| match payload {
            [] => Ok(None),
            payload => self.family.address(payload).map(Some),
        };
        match attr.ty {
            FRA_DST => seen.to = address(payload)?,
            FRA_SRC => seen.from = address(payload)?,
            FRA_IIFNAME => name_or_unknown(attr, &mut self.iif, &mut self.unknown),
            FRA_OIFNAME => name_or_unknown(attr, &mut self.oif, &mut self.unknown),
            FRA_GOTO => seen.goto = Some(u32::decode(payload)?),
            FRA_PRIORITY => self.priority = Some(u32::decode(payload)?),
            FRA_FWMARK => self.fwmark = Some(u32::decode(payload)?),
            FRA_FWMASK => self.fwmask = Some(u32::decode(payload)?),
            FRA_FLOW => self.realms = Some(Realms::from(u32::decode(payload)?)),
            FRA_TUN_ID => self.tun_id = Some(Be::<u64>::decode(payload)?.0),
            // Kernels report -1 where there is none.
            FRA_SUPPRESS_IFGROUP => {
                self.suppress_ifgroup = Some(u32::decode(payload)?).filter(|n| *n != u32::MAX)
            }
            FRA_SUPPRESS_PREFIXLEN => {
                self.suppress_prefixlength = Some(u32::decode(payload)?).filter(|n| *n != u32::MAX);
            }
            FRA_TABLE => seen.table = u32::decode(payload)?,
            FRA_PAD => (),
            FRA_L3MDEV => self.l3mdev = u8::decode(payload)? != 0,
            FRA_UID_RANGE => {
                self.uids = Some(Uids::decode(payload).map(|Uids { start, end }| UidRange { start, end })?)
            }
            FRA_PROTOCOL => self.protocol = Some(RouteProtocol(u8::decode(payload)?)),
            FRA_IP_PROTO => self.ip_proto = Some(u8::decode(payload)?),
            FRA_SPORT_RANGE => self.sport = Some(ports(payload)?),
            FRA_DPORT_RANGE => self.dport = Some(ports(payload)?),
            FRA_DSCP => self.dscp = Some(u8::decode(payload)?),
            FRA_FLOWLABEL => self.flowlabel = Some(Be::<u32>::decode(payload)?.0),
            FRA_FLOWLABEL_MASK => self.flowlabel_mask = Some(Be::<u32>::decode(payload)?.0),
            FRA_SPORT_MASK => self.sport_mask = Some(u16::decode(payload)?),
            FRA_DPORT_MASK => self.dport_mask = Some(u16::decode(payload)?),
            FRA_DSCP_MASK => self.dscp_mask = Some(u8::decode(payload)?),
            _ => self.unknown.push(attr.into()),
        }
        Ok(())
    }

    /// What makes the request meaningless. Public fields can hold anything, so this is looked at again here.
    fn check(&self, verb: Verb) -> Result<(), EncodeError> {
        if matches!(verb, Verb::Replace | Verb::Change | Verb::Append | Verb::Prepend) {
            return Err(EncodeError::Invalid("rules can be added and deleted only"));
        }
        // The kernel would delete its first rule, the one for local addresses.
        if verb == Verb::Delete && self.says_nothing() {
            return Err(EncodeError::Invalid("a deletion must say something of the rule"));
        }
        if [self.from, self.to].into_iter().flatten().any(|prefix| prefix.family() != self.family) {
            return Err(EncodeError::Invalid("a prefix of the rule is of the other address family"));
        }
        let backwards = |range: PortRange| range.end < range.start;
        if self.sport.is_some_and(backwards) || self.dport.is_some_and(backwards) {
            return Err(EncodeError::Invalid("a port range ends before it starts"));
        }
        if self.uids.is_some_and(|uids| uids.end < uids.start) {
            return Err(EncodeError::Invalid("a range of users ends before it starts"));
        }
        if self.dscp.into_iter().chain(self.dscp_mask).any(|dscp| dscp > 63) {
            return Err(EncodeError::Invalid("a DSCP or its mask is over 63"));
        }
        if self.flowlabel.into_iter().chain(self.flowlabel_mask).any(|label| label > 0xf_ffff) {
            return Err(EncodeError::Invalid("a flow label or its mask is longer than 20 bits"));
        }
        Ok(())
    }

    pub(super) fn says_nothing(&self) -> bool {
        *self == Rule { flags: self.flags, action: self.action, ..Rule::of(self.family) }
            && matches!(self.action, None | Some(RuleAction::Unspec))
    }

    /// The table as it is sent; 0 is none.
    fn sent_table(&self, verb: Verb) -> u32 {
        let looks = matches!(self.action, None | Some(RuleAction::Lookup));
        let implied = looks && !self.l3mdev && verb != Verb::Delete;
        self.table.unwrap_or(if implied { Route::MAIN } else { 0 })
    }

    fn header(&self, verb: Verb) -> RuleHeader {
        let deletes = verb == Verb::Delete;
        RuleHeader {
            family: AddressFamily::from(self.family.number()),
            dst_len: self.to.map_or(0, Prefix::len),
            src_len: self.from.map_or(0, Prefix::len),
            tos: self.tos,
            // Tables beyond a byte go into FRA_TABLE alone.
            table: u8::try_from(self.sent_table(verb)).unwrap_or(0),
            action: match self.action {
                None if deletes => MessageAction::Unspec,
                Some(RuleAction::Unspec) => MessageAction::Unspec,
                None | Some(RuleAction::Lookup) => MessageAction::ToTable,
                Some(RuleAction::Goto(_)) => MessageAction::Goto,
                Some(RuleAction::Nop) => MessageAction::Nop,
                Some(RuleAction::Blackhole) => MessageAction::Blackhole,
                Some(RuleAction::Unreachable) => MessageAction::Unreachable,
                Some(RuleAction::Prohibit) => MessageAction::Prohibit,
                Some(RuleAction::Other(number)) => MessageAction::from(number),
            },
            flags: netlink_packet_route::rule::RuleFlags::from_bits_retain(
                (self.flags - RuleFlags::STATUS).bits(),
            ),
        }
    }

    fn message(&self, verb: Verb) -> RuleMessage {
        let mut message = RuleMessage::default();
        message.header = self.header(verb);
        message.attributes = self.attributes();
        message
    }

    /// All attributes but the unknown ones. Those behind FRA_DPORT_RANGE are not known to `netlink-packet-route`.
    fn attributes(&self) -> Vec<RuleAttribute> {
        let byte = |ty, value: u8| RuleAttribute::Other(DefaultNla::new(ty, vec![value]));
        let port = |ty, value: u16| RuleAttribute::Other(DefaultNla::new(ty, value.to_ne_bytes().to_vec()));
        let label = |ty, value: u32| RuleAttribute::Other(DefaultNla::new(ty, value.to_be_bytes().to_vec()));
        let range = |range: PortRange| RulePortRange { start: range.start, end: range.end };
        let goto = match self.action {
            Some(RuleAction::Goto(target)) => Some(target),
            _ => None,
        };
        let addr = |prefix: &Prefix| !prefix.is_any() || !prefix.addr().is_unspecified();
        [
            self.to.filter(addr).map(|to| RuleAttribute::Destination(to.addr())),
            self.from.filter(addr).map(|from| RuleAttribute::Source(from.addr())),
            self.priority.map(RuleAttribute::Priority),
            self.iif.map(|name| RuleAttribute::Iifname(name.as_str().to_owned())),
            self.oif.map(|name| RuleAttribute::Oifname(name.as_str().to_owned())),
            goto.map(RuleAttribute::Goto),
            self.fwmark.map(RuleAttribute::FwMark),
            self.fwmask.map(RuleAttribute::FwMask),
            self.realms.map(|realms| RuleAttribute::Realm(realm(realms))),
            self.tun_id.map(RuleAttribute::TunId),
            self.suppress_ifgroup.map(RuleAttribute::SuppressIfGroup),
            self.suppress_prefixlength.map(RuleAttribute::SuppressPrefixLen),
            self.table.filter(|&table| table > 255).map(RuleAttribute::Table),
            self.l3mdev.then_some(RuleAttribute::L3MDev(true)),
            self.uids.map(|uids| RuleAttribute::UidRange(RuleUidRange { start: uids.start, end: uids.end })),
            self.protocol.map(|protocol| RuleAttribute::Protocol(protocol.0.into())),
            self.ip_proto.map(|protocol| RuleAttribute::IpProtocol(i32::from(protocol).into())),
            self.sport.map(|ports| RuleAttribute::SourcePortRange(range(ports))),
            self.dport.map(|ports| RuleAttribute::DestinationPortRange(range(ports))),
            self.dscp.map(|dscp| byte(FRA_DSCP, dscp)),
            self.flowlabel.map(|value| label(FRA_FLOWLABEL, value)),
            self.flowlabel_mask.map(|value| label(FRA_FLOWLABEL_MASK, value)),
            self.sport_mask.map(|value| port(FRA_SPORT_MASK, value)),
            self.dport_mask.map(|value| port(FRA_DPORT_MASK, value)),
            self.dscp_mask.map(|mask| byte(FRA_DSCP_MASK, mask)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// The message that adds the rule.
impl From<&Rule> for RuleMessage {
    fn from(rule: &Rule) -> RuleMessage {
        let mut message = rule.message(Verb::Add);
        message.attributes.extend(rule.unknown.iter().map(|attr| RuleAttribute::Other(other(attr))));
        message
    }
}

impl TryFrom<RuleMessage> for Rule {
    type Error = DecodeError;

    fn try_from(message: RuleMessage) -> Result<Rule, DecodeError> {
        Rule::decode(&body(&message, &message.attributes)?)
    }
}

/// A selector as the message has it: no address and no length is none, which matches everything.
fn prefix(family: Family, addr: Option<IpAddr>, len: u8) -> Result<Option<Prefix>, DecodeError> {
    match (addr, len) {
        (None, 0) => Ok(None),
        (addr, len) => Prefix::reported(addr.unwrap_or(family.zero()), len)
            .map(|prefix| Some(prefix).filter(|prefix| *prefix != Prefix::any(family))),
    }
}

/// Kernels allow device names that are not UTF-8: such a name is kept, but not understood.
fn name_or_unknown(attr: Attr<'_>, field: &mut Option<Name>, unknown: &mut Unknown) {
    match Name::from_bytes(attr.payload) {
        Some(name) => *field = Some(name),
        None => unknown.push(attr.into()),
    }
}

fn ports(payload: &[u8]) -> Result<PortRange, DecodeError> {
    Ports::decode(payload).map(|Ports { start, end }| PortRange { start, end })
}

//! Links on the wire.

use super::{HardwareAddress, Link, LinkKind, LinkStats, Netns};
use crate::request::{Object, Spoken, Verb};
use crate::route::message::{self, name_in};
use crate::text::{WordError, Words};
use crate::units::Dev;
use crate::wire::{DecodeError, EncodeError, Fixed, Set, Table, Writer};
use netlink_packet_core::Nla;
use netlink_packet_route::link::{
    InfoData, InfoKind, InfoVeth, LinkAttribute, LinkFlags as Flags, LinkInfo, LinkLayerType, LinkMessage,
    LinkMode, Prop, State, Stats64,
};
use std::fmt::{self, Formatter};

/// Declares the attributes' numbers and the table of their names.
macro_rules! numbers {
    ($($number:literal $name:ident,)*) => {
        $(#[allow(dead_code, reason = "not every attribute is looked at; all have names")]
        pub(super) const $name: u16 = $number;)*
        pub(super) const NAMES: &[(u16, &str)] = &[$(($number, stringify!($name)),)*];
    };
}

numbers! {
    1 IFLA_ADDRESS, 2 IFLA_BROADCAST, 3 IFLA_IFNAME, 4 IFLA_MTU, 5 IFLA_LINK, 6 IFLA_QDISC, 7 IFLA_STATS, 8 IFLA_COST,
    9 IFLA_PRIORITY, 10 IFLA_MASTER, 11 IFLA_WIRELESS, 12 IFLA_PROTINFO, 13 IFLA_TXQLEN, 14 IFLA_MAP, 15 IFLA_WEIGHT,
    16 IFLA_OPERSTATE, 17 IFLA_LINKMODE, 18 IFLA_LINKINFO, 19 IFLA_NET_NS_PID, 20 IFLA_IFALIAS, 21 IFLA_NUM_VF,
    22 IFLA_VFINFO_LIST, 23 IFLA_STATS64, 24 IFLA_VF_PORTS, 25 IFLA_PORT_SELF, 26 IFLA_AF_SPEC, 27 IFLA_GROUP,
    28 IFLA_NET_NS_FD, 29 IFLA_EXT_MASK, 30 IFLA_PROMISCUITY, 31 IFLA_NUM_TX_QUEUES, 32 IFLA_NUM_RX_QUEUES,
    33 IFLA_CARRIER, 34 IFLA_PHYS_PORT_ID, 35 IFLA_CARRIER_CHANGES, 36 IFLA_PHYS_SWITCH_ID, 37 IFLA_LINK_NETNSID,
    38 IFLA_PHYS_PORT_NAME, 39 IFLA_PROTO_DOWN, 40 IFLA_GSO_MAX_SEGS, 41 IFLA_GSO_MAX_SIZE, 42 IFLA_PAD, 43 IFLA_XDP,
    44 IFLA_EVENT, 45 IFLA_NEW_NETNSID, 46 IFLA_TARGET_NETNSID, 47 IFLA_CARRIER_UP_COUNT, 48 IFLA_CARRIER_DOWN_COUNT,
    49 IFLA_NEW_IFINDEX, 50 IFLA_MIN_MTU, 51 IFLA_MAX_MTU, 52 IFLA_PROP_LIST, 53 IFLA_ALT_IFNAME, 54 IFLA_PERM_ADDRESS,
    55 IFLA_PROTO_DOWN_REASON, 56 IFLA_PARENT_DEV_NAME, 57 IFLA_PARENT_DEV_BUS_NAME, 58 IFLA_GRO_MAX_SIZE,
    59 IFLA_TSO_MAX_SIZE, 60 IFLA_TSO_MAX_SEGS, 61 IFLA_ALLMULTI, 62 IFLA_DEVLINK_PORT, 63 IFLA_GSO_IPV4_MAX_SIZE,
    64 IFLA_GRO_IPV4_MAX_SIZE, 65 IFLA_DPLL_PIN, 66 IFLA_MAX_PACING_OFFLOAD_HORIZON, 67 IFLA_NETNS_IMMUTABLE,
    68 IFLA_HEADROOM, 69 IFLA_TAILROOM,
}

pub(super) const IFLA_INFO_KIND: u16 = 1;
pub(super) const IFLA_INFO_DATA: u16 = 2;
pub(super) const IFLA_INFO_SLAVE_KIND: u16 = 4;
pub(super) const IFLA_INFO_SLAVE_DATA: u16 = 5;
const INFO_NAMES: &[(u16, &str)] = &[
    (IFLA_INFO_KIND, "IFLA_INFO_KIND"),
    (IFLA_INFO_DATA, "IFLA_INFO_DATA"),
    (3, "IFLA_INFO_XSTATS"),
    (IFLA_INFO_SLAVE_KIND, "IFLA_INFO_SLAVE_KIND"),
    (IFLA_INFO_SLAVE_DATA, "IFLA_INFO_SLAVE_DATA"),
];

/// The attribute tables, for the header checks.
pub(in crate::route) fn tables() -> Vec<Table> {
    vec![
        Table::named("link", NAMES),
        Table::named("link info", INFO_NAMES),
        Table::named("veth", &[(super::kind::VETH_INFO_PEER, "VETH_INFO_PEER")]),
        Table::of::<super::Bridge>(),
        Table::of::<super::BridgePort>(),
        Table::layout::<IfInfoMsg>(),
        Table::layout::<LinkStats>(),
    ]
}

layout! {
    /// The header of link messages. `include/uapi/linux/rtnetlink.h`
    pub(super) struct IfInfoMsg = "ifinfomsg" {
        /// Address family, 0.
        pub family: u8,
        pad _pad: 1,
        pub hardware: u16,
        pub index: u32,
        pub flags: u32,
        pub change: u32,
    }
}

/// The link as a message of `netlink-packet-route`, with all that it holds: what can be asked for and what kernels report.
/// A hardware type that `netlink-packet-route` does not know becomes its `Void`.
impl From<&Link> for LinkMessage {
    fn from(link: &Link) -> Self {
        use LinkAttribute as A;
        let mut message = LinkMessage::default();
        message.header.index = link.dev.index;
        message.header.link_layer_type = LinkLayerType::from(link.hardware);
        message.header.flags = Flags::from_bits_retain(link.flags.bits());
        message.header.change_mask = Flags::from_bits_retain(link.change.bits());
        let bytes = |address: HardwareAddress| address.as_bytes().to_vec();
        let names = || link.alternative_names.iter().cloned().map(Prop::AltIfName).collect();
        let stats = |stats: &LinkStats| {
            let mut w = Writer::default();
            w.fixed(stats);
            Stats64::parse(w.bytes()).ok().map(A::Stats64)
        };
        message.attributes = [
            link.name.map(|name| A::IfName(name.to_string())),
            (!link.alternative_names.is_empty()).then(|| A::PropList(names())),
            link.mtu.map(A::Mtu),
            link.min_mtu.map(A::MinMtu),
            link.max_mtu.map(A::MaxMtu),
            link.txqueuelen.map(A::TxQueueLen),
            link.tx_queues.map(A::NumTxQueues),
            link.rx_queues.map(A::NumRxQueues),
            link.address.map(|address| A::Address(bytes(address))),
            link.broadcast.map(|address| A::Broadcast(bytes(address))),
            link.master.map(|master| A::Controller(master.index)),
            link.link.map(|below| A::Link(below.index)),
            link.link_netnsid.map(A::LinkNetNsId),
            link.netns.map(|netns| match netns {
                Netns::Pid(pid) => A::NetNsPid(pid),
                Netns::Fd(fd) => A::NetNsFd(fd),
            }),
            link.qdisc.clone().map(A::Qdisc),
            link.operstate.map(|state| A::OperState(State::from(u8::from(state)))),
            link.group.map(A::Group),
            link.alias.clone().map(A::IfAlias),
            link.promiscuity.map(A::Promiscuity),
            link.allmulti.map(A::AllMulticast),
            link.mode.map(|mode| A::Mode(LinkMode::from(mode.0))),
            link.permanent_address.map(|address| A::PermAddress(bytes(address))),
            link.carrier_changes.map(A::CarrierChanges),
            link.gso_max_size.map(A::GsoMaxSize),
            link.gso_max_segs.map(A::GsoMaxSegs),
            link.tso_max_size.map(A::TsoMaxSize),
            link.tso_max_segs.map(A::TsoMaxSegs),
            link.gro_max_size.map(A::GroMaxSize),
            link.gso_ipv4_max_size.map(A::GsoIpv4MaxSize),
            link.gro_ipv4_max_size.map(A::GroIpv4MaxSize),
            link.stats.as_ref().and_then(stats),
            info(link),
        ]
        .into_iter()
        .flatten()
        .chain(link.unknown.iter().map(|attr| A::Other(message::other(attr))))
        .collect();
        message
    }
}

/// Kind, options and what else stands in IFLA_LINKINFO.
fn info(link: &Link) -> Option<LinkAttribute> {
    let kind = link.kind.as_ref();
    let info: Vec<LinkInfo> = kind
        .map(|kind| LinkInfo::Kind(InfoKind::from(kind.name())))
        .into_iter()
        .chain(kind.and_then(LinkKind::info_data).map(LinkInfo::Data))
        .chain(link.info.iter().map(|attr| LinkInfo::Other(message::other(attr))))
        .collect();
    (!info.is_empty()).then_some(LinkAttribute::LinkInfo(info))
}

/// Leaves out what only kernels say, of the link and of the other end of a pair.
fn leave_out_reports(message: &mut LinkMessage) {
    message.header.link_layer_type = LinkLayerType::from(0);
    message.header.flags &= message.header.change_mask;
    message.attributes.retain(|attribute| {
        !matches!(
            attribute.kind() & 0x3fff,
            IFLA_QDISC
                | IFLA_OPERSTATE
                | IFLA_PROMISCUITY
                | IFLA_ALLMULTI
                | IFLA_PERM_ADDRESS
                | IFLA_CARRIER_CHANGES
                | IFLA_TSO_MAX_SIZE
                | IFLA_TSO_MAX_SEGS
                | IFLA_MIN_MTU
                | IFLA_MAX_MTU
                | IFLA_STATS64
                | IFLA_PROP_LIST
        )
    });
    for attribute in &mut message.attributes {
        let LinkAttribute::LinkInfo(info) = attribute else { continue };
        for info in info {
            if let LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(peer))) = info {
                leave_out_reports(peer);
            }
        }
    }
}

/// # Errors
/// Attributes whose bytes are not what the kernel sends, or that are longer than an attribute can be.
impl TryFrom<LinkMessage> for Link {
    type Error = DecodeError;

    fn try_from(message: LinkMessage) -> Result<Self, DecodeError> {
        Link::decode(&message::body(&message, &message.attributes)?)
    }
}

impl Object for Link {
    const NOUN: &'static str = "link";
    const NEW: u16 = 16;
    const HEADER: usize = IfInfoMsg::SIZE;

    /// A change is made without any flag: NLM_F_REPLACE would be ignored and NLM_F_CREATE would make a new link.
    fn flags(&self, verb: Verb) -> u16 {
        match verb {
            Verb::Change => 0,
            verb => verb.flags(),
        }
    }

    /// What kernels report and nobody can ask for is left out.
    fn encode(&self, verb: Verb, w: &mut Writer) -> Result<(), EncodeError> {
        self.check(verb)?;
        let mut message = LinkMessage::from(self);
        leave_out_reports(&mut message);
        if matches!(verb, Verb::Delete | Verb::Get) {
            let named = self.dev.index == 0;
            message.attributes.retain(|attribute| named && attribute.kind() == IFLA_IFNAME);
            message.header.flags = Flags::empty();
            message.header.change_mask = Flags::empty();
        }
        if verb == Verb::Get {
            message.attributes.push(super::query::brief());
        }
        message::put(w, &message, &message.attributes)
    }

    /// With the crate's own reader: `netlink-packet-route` refuses the whole link for one attribute it does not expect (a kind's
    /// options before the kind, a string that is not UTF-8) and follows the ends of pairs within pairs to any depth.
    fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        super::decode::read(body, false)
    }

    fn attribute_at(body: &[u8], offset: usize) -> Option<&'static str> {
        let kind = Link::decode(body).ok().and_then(|link| link.kind);
        let kind = kind.as_ref().map_or("", LinkKind::name);
        // Attributes of the other end stand behind a header of their own and are not followed.
        crate::request::attribute_at(body, Self::HEADER, offset, |path| match path {
            [IFLA_LINKINFO, IFLA_INFO_DATA, option, ..] => match kind {
                "bridge" => name_in(super::Bridge::NAMES, *option),
                "veth" if *option == super::kind::VETH_INFO_PEER => Some("VETH_INFO_PEER"),
                _ => Some("IFLA_INFO_DATA"),
            },
            [IFLA_LINKINFO, inner, ..] => name_in(INFO_NAMES, *inner),
            [outer, ..] => name_in(NAMES, *outer),
            [] => None,
        })
    }

    fn command(&self, verb: Verb, f: &mut Formatter<'_>) -> fmt::Result {
        self.say(verb, f)
    }
}

impl Spoken for Link {
    fn hear(verb: Verb, words: &mut Words<'_>) -> Result<Self, WordError> {
        super::hear::hear(verb, words)
    }
}

impl Link {
    /// Reads the other end of a pair.
    pub(super) fn decode_end(body: &[u8]) -> Result<Self, DecodeError> {
        super::decode::read(body, true)
    }

    fn check(&self, verb: Verb) -> Result<(), EncodeError> {
        if matches!(verb, Verb::Append | Verb::Prepend) {
            return Err(EncodeError::Invalid("links have no order: they cannot be appended or prepended"));
        }
        // Without both, the kernel takes the request to be for every link of the group.
        if verb != Verb::Add && self.dev.index == 0 && self.name.is_none() {
            return Err(EncodeError::Missing("the name or index of the link"));
        }
        if verb == Verb::Add && self.kind.is_none() {
            return Err(EncodeError::Missing("the kind of the link"));
        }
        let unresolved = |dev: Dev| dev.index == 0 && dev.name.is_some();
        if unresolved(self.dev) {
            return Err(EncodeError::Missing("the index of the link, which is to have another name"));
        }
        if self.master.is_some_and(unresolved) || self.link.is_some_and(unresolved) {
            return Err(EncodeError::Missing("the index of the master or of the link below"));
        }
        message::check(self.alias.as_deref().unwrap_or_default(), "the length of the alias", 254)?;
        let Some(kind) = &self.kind else { return Ok(()) };
        message::check(kind.name(), "the length of the kind's name", 55)?;
        let LinkKind::Veth(super::Veth { peer: Some(peer) }) = kind else { return Ok(()) };
        match &peer.kind {
            Some(LinkKind::Veth(super::Veth { peer: Some(_) })) => {
                Err(EncodeError::Invalid("the other end of a pair cannot have a peer of its own"))
            }
            _ => message::check(peer.alias.as_deref().unwrap_or_default(), "the length of the alias", 254),
        }
    }
}

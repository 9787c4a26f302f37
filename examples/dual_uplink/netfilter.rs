//! The gateway's nf_tables, built with `netlink-packet-netfilter`. Every rule is put together from its words, and each word adds
//! what it means to the message: what is printed is what is sent.
//!
//! `man 8 nft`, `include/uapi/linux/netfilter/nf_tables.h`

use netlink_packet_core::{DefaultNla, NetlinkMessage, NLM_F_ACK, NLM_F_APPEND, NLM_F_CREATE, NLM_F_REQUEST};
use netlink_packet_netfilter::nftables::{
    Bitwise, ChainAttribute, ChainMessage, Cmp, DataAttribute, Expressions, Hook, HookNumber, InetHookNumber,
    Meta, MetaKey, NfTablesMessage, Operator, Payload, Register, RuleAttribute, RuleMessage, TableAttribute,
    TableMessage,
};
use netlink_packet_netfilter::none::ControlMessage;
use netlink_packet_netfilter::{NetfilterHeader, NetfilterMessage, NetfilterProtoFamily};

/// The table that holds everything of ours.
const TABLE: &str = "dual_uplink";

/// Attributes and constants of the `ct` expression, which the crate lacks.
const NFTA_CT_DREG: u16 = 1;
const NFTA_CT_KEY: u16 = 2;
const NFTA_CT_SREG: u16 = 4;
const NFT_CT_STATE: u32 = 0;
const NFT_CT_MARK: u32 = 3;
const STATE_NEW: u32 = 8;

const TRANSPORT_HEADER: u32 = 2;

/// One request of a transaction, and the command that does the same.
pub struct Request {
    pub message: NetfilterMessage,
    pub command: String,
}

fn request(inner: NfTablesMessage, command: String) -> Request {
    let header = NetfilterHeader::new(NetfilterProtoFamily::IPv4, 0, 0);
    Request { message: NetfilterMessage::new(header, inner), command }
}

/// The bytes of a transaction of these requests: all of them take effect, or none.
pub fn transaction(requests: &[Request]) -> Vec<u8> {
    const NFNL_SUBSYS_NFTABLES: u16 = 10;
    let frame = |message| {
        let header = NetfilterHeader::new(NetfilterProtoFamily::Unspec, 0, NFNL_SUBSYS_NFTABLES);
        (NetfilterMessage::new(header, message), NLM_F_REQUEST)
    };
    let flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_APPEND;
    let mut messages = vec![frame(ControlMessage::BatchBegin)];
    messages.extend(requests.iter().map(|request| (request.message.clone(), flags)));
    messages.push(frame(ControlMessage::BatchEnd));
    let bytes = messages.into_iter().flat_map(|(message, flags)| {
        let mut message = NetlinkMessage::from(message);
        message.header.flags = flags;
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        bytes
    });
    bytes.collect()
}

/// Adds the table.
pub fn table() -> Request {
    let attributes = vec![TableAttribute::Name(TABLE.into())];
    request(NfTablesMessage::NewTable(TableMessage { attributes }), format!("nft add table ip {TABLE}"))
}

/// Adds a chain of this name and type at a hook. Lower priorities run first.
pub fn chain(name: &str, kind: &str, hook: InetHookNumber, priority: i32) -> Request {
    let attributes = vec![
        ChainAttribute::Table(TABLE.into()),
        ChainAttribute::Name(name.into()),
        ChainAttribute::Type(kind.into()),
        ChainAttribute::Hook(vec![
            Hook::Number(HookNumber::Inet(hook)),
            Hook::Priority(priority.cast_unsigned()),
        ]),
    ];
    let hook = format!("{hook:?}").to_lowercase();
    request(
        NfTablesMessage::NewChain(ChainMessage { attributes }),
        format!("nft add chain ip {TABLE} {name} '{{ type {kind} hook {hook} priority {priority}; }}'"),
    )
}

/// A rule, word by word.
#[derive(Default)]
pub struct Rule {
    words: String,
    expressions: Vec<Expressions>,
}

/// The two marks a rule can look at or set: the packet's, and that of the connection it belongs to.
#[derive(Clone, Copy)]
pub enum Mark {
    Packet,
    Connection,
}

impl Rule {
    /// Packets that leave by this device.
    pub fn oifname(self, device: &str) -> Self {
        // Names compare as the kernel keeps them: 16 bytes, filled up with zeros.
        let mut name = device.as_bytes().to_vec();
        name.resize(16, 0);
        self.says(format!("oifname {device}"))
            .does([load_meta(MetaKey::Oifname), compare(Operator::Equal, name)])
    }

    /// Packets that open a connection.
    pub fn ct_state_new(self) -> Self {
        let none = compare(Operator::NotEqual, 0u32.to_ne_bytes().into());
        self.says("ct state new".into()).does([load_ct(NFT_CT_STATE), bitwise(STATE_NEW, 0), none])
    }

    /// Packets whose `mark` has this value in the bits of `mask`.
    pub fn mark_is(self, mark: Mark, value: u32, mask: u32) -> Self {
        let equal = compare(Operator::Equal, value.to_ne_bytes().into());
        self.says(format!("{mark} and {mask:#x} == {value:#x}")).does([mark.load(), bitwise(mask, 0), equal])
    }

    /// TCP packets to this port.
    pub fn tcp_dport(self, port: u16) -> Self {
        let tcp = compare(Operator::Equal, vec![6]);
        let port_is = compare(Operator::Equal, port.to_be_bytes().into());
        self.says(format!("tcp dport {port}")).does([
            load_meta(MetaKey::L4Proto),
            tcp,
            load_payload(TRANSPORT_HEADER, 2, 2),
            port_is,
        ])
    }

    /// Sets the bits of `mask` in `mark` to this value, and leaves the others to their owners.
    pub fn set_mark(self, mark: Mark, value: u32, mask: u32) -> Self {
        self.says(format!("{mark} set {mark} and {:#x} or {value:#x}", !mask)).does([
            mark.load(),
            bitwise(!mask, value),
            mark.store(),
        ])
    }

    /// Gives the packet the address of the device it leaves by.
    pub fn masquerade(self) -> Self {
        self.says("masquerade".into()).does([other("masq", vec![])])
    }

    /// Adds the rule to a chain.
    pub fn add_to(self, chain: &str) -> Request {
        let attributes = vec![
            RuleAttribute::Table(TABLE.into()),
            RuleAttribute::Chain(chain.into()),
            RuleAttribute::Expressions(self.expressions.into_iter().map(Into::into).collect()),
        ];
        request(
            NfTablesMessage::NewRule(RuleMessage { attributes }),
            format!("nft add rule ip {TABLE} {chain}{}", self.words),
        )
    }

    fn says(mut self, words: String) -> Self {
        self.words += " ";
        self.words += &words;
        self
    }

    fn does(mut self, expressions: impl IntoIterator<Item = Expressions>) -> Self {
        self.expressions.extend(expressions);
        self
    }
}

impl Mark {
    fn load(self) -> Expressions {
        match self {
            Mark::Packet => load_meta(MetaKey::Mark),
            Mark::Connection => load_ct(NFT_CT_MARK),
        }
    }

    fn store(self) -> Expressions {
        match self {
            Mark::Packet => {
                Expressions::Meta(vec![Meta::Key(MetaKey::Mark), Meta::SourceRegister(Register::Reg1)])
            }
            Mark::Connection => ct(NFT_CT_MARK, NFTA_CT_SREG),
        }
    }
}

impl std::fmt::Display for Mark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Mark::Packet => "meta mark",
            Mark::Connection => "ct mark",
        })
    }
}

fn load_meta(key: MetaKey) -> Expressions {
    Expressions::Meta(vec![Meta::Key(key), Meta::DestinationRegister(Register::Reg1)])
}

fn load_payload(base: u32, offset: u32, length: u32) -> Expressions {
    Expressions::Payload(vec![
        Payload::DestinationRegister(Register::Reg1),
        Payload::Base(base),
        Payload::Offset(offset),
        Payload::Len(length),
    ])
}

fn load_ct(key: u32) -> Expressions {
    ct(key, NFTA_CT_DREG)
}

/// Register 1 to or from a property of the connection.
fn ct(key: u32, direction: u16) -> Expressions {
    let number = |ty, value: u32| DefaultNla::new(ty, value.to_be_bytes().into());
    other("ct", vec![number(NFTA_CT_KEY, key), number(direction, Register::Reg1.into())])
}

/// Register 1 = register 1 & mask ^ xor.
fn bitwise(mask: u32, xor: u32) -> Expressions {
    Expressions::Bitwise(vec![
        Bitwise::SourceRegister(Register::Reg1),
        Bitwise::DestinationRegister(Register::Reg1),
        Bitwise::Length(4),
        Bitwise::Mask(DataAttribute::Value(mask.to_ne_bytes().into())),
        Bitwise::Xor(DataAttribute::Value(xor.to_ne_bytes().into())),
    ])
}

/// Goes on with the rule only if register 1 compares so.
fn compare(operator: Operator, value: Vec<u8>) -> Expressions {
    Expressions::Cmp(vec![
        Cmp::SourceRegister(Register::Reg1),
        Cmp::Op(operator),
        Cmp::Data(DataAttribute::Value(value)),
    ])
}

fn other(name: &str, attributes: Vec<DefaultNla>) -> Expressions {
    Expressions::Other { expression_type: name.into(), attributes }
}

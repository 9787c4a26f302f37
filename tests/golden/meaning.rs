//! What a message means: its fields by their place, whatever order its attributes stand in.
//!
//! Attribute order, padding, the NLA_F_NESTED bit and the NUL behind a string mean nothing. Which attributes nest is
//! written down here from the kernel's headers, not asked of the crate.

use super::data::{body, flags, kind};
use std::collections::BTreeMap;
use std::fmt;

/// A message's type, flags and fields: the parts of its header by name, its attributes by their path of numbers.
#[derive(Clone, PartialEq, Eq)]
pub struct Meaning {
    pub fields: BTreeMap<String, Vec<u8>>,
}

impl Meaning {
    /// Of a whole message, netlink header included. Flags that only ask for a reply or its form are left out.
    pub fn of(message: &[u8]) -> Self {
        const NLM_F_REQUEST_ACK_ECHO: u16 = 0x1 | 0x4 | 0x8;
        let mut meaning = Meaning { fields: BTreeMap::new() };
        meaning.put("type", &kind(message).to_be_bytes());
        meaning.put("flags", &(flags(message) & !NLM_F_REQUEST_ACK_ECHO).to_be_bytes());
        let (header, set) = layout(kind(message));
        meaning.structure(header, set, "", body(message));
        meaning
    }

    /// The kinds of all that the message is about: of the object and of its actions.
    pub fn kinds(&self) -> impl Iterator<Item = String> + '_ {
        let named = |path: &str| {
            matches!(
                path.split('/').collect::<Vec<_>>()[..],
                ["1"] | ["18", "1"] | ["1", _, "1"] | ["2", _, _, "1"]
            )
        };
        let kinds = self.fields.iter().filter(move |(path, _)| named(path)).map(|(_, kind)| kind);
        kinds.map(|kind| String::from_utf8_lossy(kind).into_owned())
    }

    fn put(&mut self, path: &str, value: &[u8]) {
        let mut key = path.to_owned();
        while self.fields.contains_key(&key) {
            key.push('\'');
        }
        self.fields.insert(key, value.to_vec());
    }

    fn structure(&mut self, header: Header, set: Set, path: &str, bytes: &[u8]) {
        let mut at = 0;
        for (name, len) in header {
            self.put(&format!("{path}{name}"), &bytes[at..at + len]);
            at += len;
        }
        self.set(set, path, &bytes[at.min(bytes.len())..]);
    }

    fn set(&mut self, set: Set, path: &str, bytes: &[u8]) {
        let kind = set.kind(bytes);
        for (ty, payload) in attributes(bytes) {
            let path = format!("{path}{ty}");
            match set.shape(&kind, ty) {
                Shape::Bytes => self.put(&path, payload),
                Shape::Text => self.put(&path, string(payload)),
                Shape::Nest(inner) => {
                    self.put(&path, b"nest");
                    self.set(inner, &format!("{path}/"), payload);
                }
                Shape::Peer => self.structure(LINK, Set::Link, &format!("{path}/"), payload),
                Shape::Hops => self.hops(&path, payload),
            }
        }
    }

    /// RTA_MULTIPATH: `struct rtnexthop` with attributes, one behind the other. Their order counts.
    fn hops(&mut self, path: &str, mut bytes: &[u8]) {
        for number in 1.. {
            let Some((hop, rest)) = split_by_length(bytes) else { break };
            const HOP: Header = &[("len", 2), ("flags", 1), ("hops", 1), ("ifindex", 4)];
            let path = format!("{path}/{number}/");
            self.structure(HOP, Set::Route, &path, hop);
            // What the length says is said by the fields.
            self.fields.remove(&format!("{path}len"));
            bytes = rest;
        }
    }

    /// The paths at which the two differ, with the values.
    pub fn differences<'a>(&'a self, other: &'a Meaning) -> Vec<(&'a str, Field<'a>, Field<'a>)> {
        let paths: std::collections::BTreeSet<_> = self.fields.keys().chain(other.fields.keys()).collect();
        paths
            .into_iter()
            .map(|path| (path.as_str(), self.field(path), other.field(path)))
            .filter(|(_, one, another)| one != another)
            .collect()
    }

    fn field(&self, path: &str) -> Field<'_> {
        self.fields.get(path).map(Vec::as_slice)
    }
}

/// A field, if it is there.
pub type Field<'a> = Option<&'a [u8]>;

impl fmt::Debug for Meaning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.fields.iter().map(|(path, value)| (path, hex(Some(value))))).finish()
    }
}

pub fn hex(field: Field<'_>) -> String {
    match field {
        None => "absent".to_owned(),
        Some(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

/// The parts of a fixed header and their lengths.
pub type Header = &'static [(&'static str, usize)];

const TC: Header = &[("family", 1), ("pad", 3), ("ifindex", 4), ("handle", 4), ("parent", 4), ("info", 4)];
pub const LINK: Header =
    &[("family", 1), ("pad", 1), ("type", 2), ("ifindex", 4), ("flags", 4), ("change", 4)];
const ADDR: Header = &[("family", 1), ("prefixlen", 1), ("flags", 1), ("scope", 1), ("ifindex", 4)];
const ROUTE: Header = &[
    ("family", 1),
    ("dst_len", 1),
    ("src_len", 1),
    ("tos", 1),
    ("table", 1),
    ("protocol", 1),
    ("scope", 1),
    ("type", 1),
    ("flags", 4),
];
const NEXTHOP: Header = &[("family", 1), ("scope", 1), ("protocol", 1), ("pad", 1), ("flags", 4)];
const NEIGHBOUR: Header =
    &[("family", 1), ("pad", 3), ("ifindex", 4), ("state", 2), ("flags", 1), ("type", 1)];
const ACTION: Header = &[("family", 1), ("pad", 3)];

/// The header and the attributes of the messages of a type.
pub fn layout(ty: u16) -> (Header, Set) {
    match ty {
        16..=18 => (LINK, Set::Link),
        20..=22 => (ADDR, Set::Address),
        28..=30 => (NEIGHBOUR, Set::Flat),
        24..=26 | 32..=34 => (ROUTE, if ty < 28 { Set::Route } else { Set::Rule }),
        36..=38 => (TC, Set::Tc("qdisc")),
        40..=42 => (TC, Set::Tc("class")),
        44..=46 => (TC, Set::Tc("filter")),
        48..=50 => (ACTION, Set::ActionMessage),
        100..=102 => (TC, Set::Tc("chain")),
        104..=106 => (NEXTHOP, Set::Nexthop),
        _ => panic!("no layout for message type {ty}"),
    }
}

/// A set of attributes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Set {
    Tc(&'static str),
    U32,
    Fw,
    ActionMessage,
    Actions,
    Action,
    Stats,
    Link,
    LinkInfo,
    Veth,
    Address,
    Route,
    Rule,
    Nexthop,
    /// A set without nests.
    Flat,
}

/// What an attribute holds.
pub enum Shape {
    Bytes,
    Text,
    Nest(Set),
    /// VETH_INFO_PEER: a whole link message without the netlink header.
    Peer,
    Hops,
}

impl Set {
    /// The word in the set that decides how its options are read.
    pub fn kind(self, bytes: &[u8]) -> String {
        let number = match self {
            Set::Tc(_) | Set::Action | Set::LinkInfo => 1,
            _ => return String::new(),
        };
        let kind = attributes(bytes).find(|(ty, _)| *ty == number).map(|(_, payload)| string(payload));
        String::from_utf8_lossy(kind.unwrap_or_default()).into_owned()
    }

    /// How the attribute `ty` of the set is read, where the kind is `kind`.
    pub fn shape(self, kind: &str, ty: u16) -> Shape {
        match (self, ty) {
            (Set::Tc(_), 1) => Shape::Text,
            (Set::Tc(object), 2) => match (object, kind) {
                ("qdisc", "htb" | "tbf") | ("class", "htb") => Shape::Nest(Set::Flat),
                ("filter", "u32") => Shape::Nest(Set::U32),
                ("filter", "fw") => Shape::Nest(Set::Fw),
                _ => Shape::Bytes,
            },
            (Set::Tc(_), 7) | (Set::Action, 4) => Shape::Nest(Set::Stats),
            (Set::Tc(_), 8) => Shape::Nest(Set::Flat),
            (Set::U32, 6) | (Set::Fw, 2) => Shape::Nest(Set::Flat),
            (Set::U32, 7) | (Set::Fw, 4) | (Set::ActionMessage, 1) => Shape::Nest(Set::Actions),
            (Set::U32, 8) | (Set::Fw, 3) => Shape::Text,
            (Set::Actions, _) => Shape::Nest(Set::Action),
            (Set::Action, 1) => Shape::Text,
            (Set::Action, 2) => Shape::Nest(Set::Flat),
            // IFLA_IFNAME, IFLA_QDISC, IFLA_IFALIAS, IFLA_PHYS_PORT_NAME and the like.
            (Set::Link, 3 | 6 | 20 | 53) => Shape::Text,
            (Set::Link, 18) => Shape::Nest(Set::LinkInfo),
            (Set::LinkInfo, 1) => Shape::Text,
            (Set::LinkInfo, 2) if kind == "veth" => Shape::Nest(Set::Veth),
            (Set::LinkInfo, 2) => Shape::Nest(Set::Flat),
            (Set::Veth, 1) => Shape::Peer,
            // IFA_LABEL
            (Set::Address, 3) => Shape::Text,
            (Set::Route, 8) => Shape::Nest(Set::Flat),
            (Set::Route, 9) => Shape::Hops,
            // FRA_IIFNAME, FRA_OIFNAME
            (Set::Rule, 3 | 17) => Shape::Text,
            (Set::Nexthop, 12) => Shape::Nest(Set::Flat),
            _ => Shape::Bytes,
        }
    }
}

/// The attributes one after the other: numbers without flag bits, payloads without padding.
pub fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let (attr, rest) = split_by_length(bytes)?;
        bytes = rest;
        Some((u16::from_ne_bytes([attr[2], attr[3]]) & 0x3fff, &attr[4..]))
    })
}

/// Splits off what a 16-bit length in front of it says, and its padding.
fn split_by_length(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let len = usize::from(u16::from_ne_bytes([*bytes.first()?, *bytes.get(1)?]));
    assert!((4..=bytes.len()).contains(&len), "an attribute of {len} bytes where {} are left", bytes.len());
    Some((&bytes[..len], bytes.get(len.next_multiple_of(4)..).unwrap_or_default()))
}

/// A string without the NUL behind it.
fn string(payload: &[u8]) -> &[u8] {
    payload.strip_suffix(b"\0").unwrap_or(payload)
}

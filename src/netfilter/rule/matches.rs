//! What a rule looks at: the words with their dependencies. What nft puts in front of a word without saying so is put in here, once.

use super::{Mark, NftRule, TCP};
use crate::netfilter::expressions::Key;
use crate::netfilter::numbers::*;
use crate::route::Prefix;
use crate::units::{Family, Name};
use crate::wire::EncodeError;
use std::net::IpAddr;
use std::ops::RangeInclusive;

impl NftRule {
    /// Whether nft has a way to say the name of this device.
    pub(crate) fn can_say(dev: &Name) -> bool {
        !dev.contains(['"', '*', '\\'])
    }

    pub(super) fn device(mut self, word: &str, key: u32, is: bool, dev: Name) -> Self {
        if !Self::can_say(&dev) {
            self.fail(EncodeError::Invalid(
                "nft cannot say the name of a device that has one of \" * \\ in it",
            ));
        }
        // Names compare as the kernel keeps them: filled up with zeros.
        let mut name = [0; 16];
        name.iter_mut().zip(dev.bytes()).for_each(|(to, from)| *to = from);
        let (op, not) = if is { (NFT_CMP_EQ, "") } else { (NFT_CMP_NEQ, "!= ") };
        self.says(format_args!("{word} {not}\"{dev}\""), |does| {
            does.load(Key::Meta(key));
            does.compare(op, &name);
        })
    }

    pub(super) fn mark(mut self, mark: Mark, word: &str, op: u32, value: u32, mask: u32) -> Self {
        self.check_mark(value, mask);
        self.says(format_args!("{mark} and {mask:#x} {word} {value:#x}"), |does| {
            does.load(mark.key());
            does.bitwise(&mask.to_ne_bytes(), &[0; 4]);
            does.compare(op, &value.to_ne_bytes());
        })
    }

    pub(super) fn check_mark(&mut self, value: u32, mask: u32) {
        if mask == 0 || value & !mask != 0 {
            let bits = format_args!("{value:#x}/{mask:#x}");
            self.fail(EncodeError::out_of_range("mark", bits, "a mask with bits, and a value within them"));
        }
    }

    pub(super) fn address(mut self, word: &str, offsets: [u32; 2], prefix: Prefix) -> Self {
        let family = prefix.family();
        if prefix.is_any() {
            return self.family(family);
        }
        // nft puts in that the packet is of the family; it is not said.
        if self.family != Some(family) {
            self = self.narrow(family);
        }
        let [v4, v6] = offsets;
        let (offset, whole) = match family {
            Family::V4 => (v4, 4),
            Family::V6 => (v6, 16),
        };
        let ip = ip(family);
        let octets = octets(prefix.addr());
        let mask = mask(prefix, octets.len());
        // A prefix that was read from the kernel may have bits behind its length.
        let address: Vec<u8> = octets.iter().zip(&mask).map(|(octet, mask)| octet & mask).collect();
        self.says(format_args!("{ip} {word} {prefix}"), |does| match prefix.len() % 8 {
            // Whole bytes compare by themselves.
            0 => {
                let len = prefix.len() / 8;
                does.load_payload(NFT_PAYLOAD_NETWORK_HEADER, offset, len.into());
                does.compare(NFT_CMP_EQ, address.get(..len.into()).unwrap_or(&address));
            }
            _ => {
                does.load_payload(NFT_PAYLOAD_NETWORK_HEADER, offset, whole);
                does.mask(&mask);
                does.compare(NFT_CMP_EQ, &address);
            }
        })
    }

    pub(super) fn dport(mut self, word: &str, protocol: u8, ports: RangeInclusive<u16>) -> Self {
        if ports.is_empty() {
            self.fail(EncodeError::Invalid("a range of ports ends before it begins"));
        }
        self = self.carrying(protocol);
        let (first, last) = ports.into_inner();
        let range = if first == last { first.to_string() } else { format!("{first}-{last}") };
        self.says(format_args!("{word} dport {range}"), |does| {
            does.load_payload(NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2);
            match first == last {
                true => does.compare(NFT_CMP_EQ, &first.to_be_bytes()),
                false => {
                    does.compare(NFT_CMP_GTE, &first.to_be_bytes());
                    does.compare(NFT_CMP_LTE, &last.to_be_bytes());
                }
            }
        })
    }

    /// TCP packets that do not begin a connection, nor answer its beginning.
    #[must_use]
    pub fn tcp_without_syn(self) -> Self {
        self.carrying(TCP).says(format_args!("tcp flags ! syn"), |does| {
            // The byte of flags in the header of TCP, and SYN in it (RFC 9293).
            does.load_payload(NFT_PAYLOAD_TRANSPORT_HEADER, 13, 1);
            does.mask(&[0x02]);
            does.compare(NFT_CMP_EQ, &[0]);
        })
    }

    /// Adds what a word of the family means.
    pub(super) fn narrow(mut self, family: Family) -> Self {
        if self.family.is_some_and(|known| known != family) {
            self.fail(EncodeError::Invalid("a rule cannot look at addresses of two families"));
        }
        self.family = Some(family);
        self.expressions.load(Key::Meta(NFT_META_NFPROTO));
        self.expressions.compare(NFT_CMP_EQ, &[family.number()]);
        self
    }

    /// Adds what a word of the protocol means, once.
    pub(super) fn carrying(mut self, number: u8) -> Self {
        if self.l4proto == Some(number) {
            return self;
        }
        if self.l4proto.is_some() {
            self.fail(EncodeError::Invalid("a rule cannot look at two transport protocols"));
        }
        self.l4proto = Some(number);
        self.expressions.load(Key::Meta(NFT_META_L4PROTO));
        self.expressions.compare(NFT_CMP_EQ, &[number]);
        self
    }
}

/// What nft calls the family.
pub(super) fn word(family: Family) -> &'static str {
    match family {
        Family::V4 => "ipv4",
        Family::V6 => "ipv6",
    }
}

/// What nft calls the protocol of the family.
pub(super) fn ip(family: Family) -> &'static str {
    match family {
        Family::V4 => "ip",
        Family::V6 => "ip6",
    }
}

pub(super) fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

/// The bits of an address that count, in its bytes.
fn mask(prefix: Prefix, bytes: usize) -> Vec<u8> {
    let ones = |before: usize| usize::from(prefix.len()).saturating_sub(before).min(8);
    (0..bytes).map(|byte| !(0xff_u16 >> ones(byte * 8)) as u8).collect()
}

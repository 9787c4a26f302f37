mod matches;

use super::attributes::RuleAttrs;
use super::comment;
use super::expressions::{Expressions, Key};
use super::numbers::*;
use super::table::checked;
use crate::route::Prefix;
use crate::units::{Family, Name};
use crate::wire::{EncodeError, Raw};
use std::fmt::{self, Display, Formatter};
use std::net::IpAddr;
use std::ops::RangeInclusive;

/// A rule, word by word: each says what it means in nft's language and adds it to the message. `man 8 nft`
///
/// Words that look at the packet come first, each of them must hold for the next one to count; nothing can stand behind a verdict
/// or [`masquerade`](NftRule::masquerade). Words that make no sense (a value outside its mask, addresses of two families, text that nft
/// cannot say) are an error when the transaction is committed, and nothing is sent.
///
/// ```
/// use tcnl::netfilter::{Mark, NftRule};
/// let rule = NftRule::new().oifname("wan0".parse()?).ct_state_new().set_mark(Mark::Connection, 0x100, 0x3f00);
/// assert_eq!(
///     rule.to_string(),
///     r#"oifname "wan0" ct state new ct mark set ct mark and 0xffffc0ff or 0x100"#
/// );
/// # Ok::<(), tcnl::units::ParseError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NftRule {
    words: String,
    expressions: Expressions,
    comment: Option<String>,
    /// What the rule has been narrowed to: it need not be said twice, and cannot be said otherwise.
    family: Option<Family>,
    l4proto: Option<u8>,
    ended: bool,
    error: Option<EncodeError>,
}

/// The two marks that a rule can look at and set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mark {
    /// The packet's: what routing rules look at.
    Packet,
    /// That of the connection it belongs to: what connection tracking remembers.
    Connection,
}

/// The bit of `ct state` for packets that open a connection. `net/netfilter/nft_ct.c`, NF_CT_STATE_BIT(IP_CT_NEW)
const STATE_NEW: u32 = 8;

const TCP: u8 = 6;
const UDP: u8 = 17;

impl NftRule {
    /// A rule that holds for every packet. It needs at least one word.
    pub fn new() -> Self {
        Self::default()
    }

    /// Packets that came in by this device.
    #[must_use]
    pub fn iifname(self, dev: Name) -> Self {
        self.device("iifname", NFT_META_IIFNAME, true, dev)
    }

    /// Packets that came in by another device.
    #[must_use]
    pub fn iifname_is_not(self, dev: Name) -> Self {
        self.device("iifname", NFT_META_IIFNAME, false, dev)
    }

    /// Packets that leave by this device.
    #[must_use]
    pub fn oifname(self, dev: Name) -> Self {
        self.device("oifname", NFT_META_OIFNAME, true, dev)
    }

    /// Packets that leave by another device.
    #[must_use]
    pub fn oifname_is_not(self, dev: Name) -> Self {
        self.device("oifname", NFT_META_OIFNAME, false, dev)
    }

    /// Packets that open a connection.
    #[must_use]
    pub fn ct_state_new(self) -> Self {
        self.says(format_args!("ct state new"), |does| {
            does.load(Key::Ct(NFT_CT_STATE));
            does.mask(&STATE_NEW.to_ne_bytes());
            does.compare(NFT_CMP_NEQ, &[0; 4]);
        })
    }

    /// Packets whose mark has this value in the bits of `mask`. Bits of the value outside the mask are an error, and so is a mask
    /// without bits.
    #[must_use]
    pub fn mark_is(self, mark: Mark, value: u32, mask: u32) -> Self {
        self.mark(mark, "==", NFT_CMP_EQ, value, mask)
    }

    /// Packets whose mark has another value in the bits of `mask`: see [`mark_is`](NftRule::mark_is).
    #[must_use]
    pub fn mark_is_not(self, mark: Mark, value: u32, mask: u32) -> Self {
        self.mark(mark, "!=", NFT_CMP_NEQ, value, mask)
    }

    /// Packets of this family.
    #[must_use]
    pub fn family(self, family: Family) -> Self {
        let word = matches::word(family);
        match self.family {
            Some(known) if known == family => self,
            _ => self.says(format_args!("meta nfproto {word}"), |_| ()).narrow(family),
        }
    }

    /// Packets from these hosts.
    #[must_use]
    pub fn saddr(self, from: impl Into<Prefix>) -> Self {
        self.address("saddr", [12, 8], from.into())
    }

    /// Packets to these hosts.
    #[must_use]
    pub fn daddr(self, to: impl Into<Prefix>) -> Self {
        self.address("daddr", [16, 24], to.into())
    }

    /// Packets to an address of this machine.
    #[must_use]
    pub fn daddr_is_local(self) -> Self {
        self.says(format_args!("fib daddr type local"), |does| {
            does.load_type_of_destination();
            does.compare(NFT_CMP_EQ, &RTN_LOCAL.to_ne_bytes());
        })
    }

    /// Packets of this protocol (IPPROTO_), 6 for TCP.
    #[must_use]
    pub fn l4proto(self, number: u8) -> Self {
        match self.l4proto {
            Some(known) if known == number => self,
            _ => self.says(format_args!("meta l4proto {number}"), |_| ()).carrying(number),
        }
    }

    /// TCP packets to these ports.
    #[must_use]
    pub fn tcp_dport(self, ports: RangeInclusive<u16>) -> Self {
        self.dport("tcp", TCP, ports)
    }

    /// UDP packets to these ports.
    #[must_use]
    pub fn udp_dport(self, ports: RangeInclusive<u16>) -> Self {
        self.dport("udp", UDP, ports)
    }

    /// Counts the packets that get here.
    #[must_use]
    pub fn counter(self) -> Self {
        self.says(format_args!("counter"), |does| does.bare("counter"))
    }

    /// Sets the bits of `mask` in the mark to this value, and leaves the others to their owners. Bits of the value outside the mask are
    /// an error, and so is a mask without bits.
    #[must_use]
    pub fn set_mark(mut self, mark: Mark, value: u32, mask: u32) -> Self {
        self.check_mark(value, mask);
        self.says(format_args!("{mark} set {mark} and {:#x} or {value:#x}", !mask), |does| {
            does.load(mark.key());
            does.bitwise(&(!mask).to_ne_bytes(), &value.to_ne_bytes());
            does.store(mark.key());
        })
    }

    /// Gives the packet, and with it the connection, an address of the device it leaves by.
    #[must_use]
    pub fn masquerade(self) -> Self {
        self.ends(format_args!("masquerade"), |does| does.bare("masq"))
    }

    /// Sends the connection that begins with the packet to another host, to the same port there. For chains of the kind
    /// [`ChainKind::Nat`](super::ChainKind::Nat) at [`Hook::Prerouting`](super::Hook::Prerouting) or
    /// [`Hook::Output`](super::Hook::Output); packets of the other family pass.
    #[must_use]
    pub fn dnat(mut self, to: IpAddr) -> Self {
        let family = Family::of(to);
        if self.family.is_some_and(|known| known != family) {
            self.fail(EncodeError::Invalid("a connection cannot be sent to an address of another family"));
        }
        let ip = matches::ip(family);
        self.ends(format_args!("dnat {ip} to {to}"), |does| {
            does.translate_destination(family.number(), &matches::octets(to));
        })
    }

    /// Drops the packet of a TCP connection and resets the connection for its sender. The rule must have been narrowed to TCP.
    /// For chains at [`Hook::Input`](super::Hook::Input), [`Hook::Forward`](super::Hook::Forward) or
    /// [`Hook::Output`](super::Hook::Output).
    #[must_use]
    pub fn reset(mut self) -> Self {
        if self.l4proto != Some(TCP) {
            self.fail(EncodeError::Invalid("only what is known to be TCP can be reset"));
        }
        self.ends(format_args!("reject with tcp reset"), |does| does.reject(NFT_REJECT_TCP_RST, 0))
    }

    /// Drops the packet and tells its sender by ICMP that it is prohibited. Kernels tell it to one host a few times, then once a second
    /// (`net.ipv4.icmp_ratelimit`). For chains at the hooks of [`reset`](NftRule::reset).
    #[must_use]
    pub fn reject(self) -> Self {
        self.ends(format_args!("reject with icmpx admin-prohibited"), |does| {
            does.reject(NFT_REJECT_ICMPX_UNREACH, NFT_REJECT_ICMPX_ADMIN_PROHIBITED);
        })
    }

    /// Lets the packet pass: other chains at the hook still see it.
    #[must_use]
    pub fn accept(self) -> Self {
        self.ends(format_args!("accept"), |does| does.verdict(NF_ACCEPT, None))
    }

    /// Drops the packet.
    #[must_use]
    pub fn drop(self) -> Self {
        self.ends(format_args!("drop"), |does| does.verdict(NF_DROP, None))
    }

    /// Ends the chain: where it was jumped to, the rules behind the jump go on.
    #[must_use]
    pub fn returns(self) -> Self {
        self.ends(format_args!("return"), |does| does.verdict(NFT_RETURN, None))
    }

    /// Goes through another chain of the table and comes back.
    #[must_use]
    pub fn jump(mut self, chain: &str) -> Self {
        let name = checked("name of a chain", chain).map_err(|error| self.fail(error)).ok();
        self.ends(format_args!("jump {chain}"), |does| does.verdict(NFT_JUMP, name))
    }

    /// Notes this beside the rule. At most 128 bytes, without quotation marks and control characters.
    #[must_use]
    pub fn comment(mut self, comment: impl Into<String>) -> Self {
        self.comment = Some(comment.into());
        self
    }

    pub(super) fn attributes(&self, table: &str, chain: &str) -> Result<RuleAttrs, EncodeError> {
        if let Some(error) = &self.error {
            return Err(error.clone());
        }
        if self.words.is_empty() {
            return Err(EncodeError::Missing("a word of the rule"));
        }
        let expressions = Some(Raw(self.expressions.bytes().to_vec()));
        let userdata = self.comment.as_deref().map(comment::encode).transpose()?;
        Ok(RuleAttrs { expressions, userdata, ..place(table, chain)? })
    }

    pub(super) fn noted(&self) -> Option<&str> {
        self.comment.as_deref()
    }

    pub(super) fn expressions(&self) -> &[u8] {
        self.expressions.bytes()
    }

    fn ends(mut self, words: fmt::Arguments<'_>, does: impl FnOnce(&mut Expressions)) -> Self {
        self = self.says(words, does);
        self.ended = true;
        self
    }

    fn says(mut self, words: fmt::Arguments<'_>, does: impl FnOnce(&mut Expressions)) -> Self {
        if self.ended {
            self.fail(EncodeError::Invalid("nothing can stand behind a verdict"));
        }
        if !self.words.is_empty() {
            self.words.push(' ');
        }
        self.words += &words.to_string();
        does(&mut self.expressions);
        self
    }

    fn fail(&mut self, error: EncodeError) {
        self.error.get_or_insert(error);
    }
}

/// Where rules are.
pub(super) fn place(table: &str, chain: &str) -> Result<RuleAttrs, EncodeError> {
    let (table, chain) = (checked("name of a table", table)?, checked("name of a chain", chain)?);
    Ok(RuleAttrs { table: Some(table), chain: Some(chain), ..RuleAttrs::default() })
}

impl Mark {
    fn key(self) -> Key {
        match self {
            Mark::Packet => Key::Meta(NFT_META_MARK),
            Mark::Connection => Key::Ct(NFT_CT_MARK),
        }
    }
}

/// As nft says it.
impl Display for Mark {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Mark::Packet => "meta mark",
            Mark::Connection => "ct mark",
        })
    }
}

/// The words of the rule, as behind `add rule` and the chain.
impl Display for NftRule {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)?;
        match &self.comment {
            Some(comment) => write!(f, " comment \"{comment}\""),
            None => Ok(()),
        }
    }
}

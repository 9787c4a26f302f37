//! What rules are made of: small steps on registers. Only the first register is used, and the one for verdicts.
//!
//! Marks and states are 32-bit numbers in the machine's byte order in a register (`nft_meta.c`, `nft_ct.c`), addresses and ports are as in
//! the packet, a device's name is 16 bytes.

use super::attributes::{
    Bitwise, Cmp, Ct, Data, Element, Fib, Immediate, Meta, Nat, Payload, Reject, Verdict,
};
use super::numbers::*;
use crate::wire::{Be, Raw, Text, Value, Writer};

/// Expressions, as they stand in NFTA_RULE_EXPRESSIONS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Expressions(Vec<u8>);

/// A part of a packet or of its connection that can be loaded and stored.
#[derive(Clone, Copy, Debug)]
pub(super) enum Key {
    Meta(u32),
    Ct(u32),
}

const REGISTER: Option<Be<u32>> = Some(Be(NFT_REG_1));

impl Expressions {
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Register = this.
    pub fn load(&mut self, key: Key) {
        self.access(key, REGISTER, None);
    }

    /// This = register.
    pub fn store(&mut self, key: Key) {
        self.access(key, None, REGISTER);
    }

    fn access(&mut self, key: Key, to: Option<Be<u32>>, from: Option<Be<u32>>) {
        match key {
            Key::Meta(key) => self.push("meta", &Meta { key: Some(Be(key)), to, from, ..Meta::default() }),
            Key::Ct(key) => self.push("ct", &Ct { key: Some(Be(key)), to, from, ..Ct::default() }),
        }
    }

    /// Register = so many bytes of the packet, counted from the start of this header.
    pub fn load_payload(&mut self, base: u32, offset: u32, len: u32) {
        let (base, offset, len) = (Some(Be(base)), Some(Be(offset)), Some(Be(len)));
        self.push("payload", &Payload { to: REGISTER, base, offset, len, ..Payload::default() });
    }

    /// Register = what the destination address is to this machine: RTN_LOCAL and others.
    pub fn load_type_of_destination(&mut self) {
        let (flags, result) = (Some(Be(NFTA_FIB_F_DADDR)), Some(Be(NFT_FIB_RESULT_ADDRTYPE)));
        self.push("fib", &Fib { flags, result, to: REGISTER, ..Fib::default() });
    }

    /// Register = register & mask ^ xor. Both are of the same length.
    pub fn bitwise(&mut self, mask: &[u8], xor: &[u8]) {
        self.mask_and_xor(Some(Be(NFT_BITWISE_MASK_XOR)), mask, xor);
    }

    /// Register = register & mask. As nft has it where nobody said `and`: without the operation, which is this one unless said.
    pub fn mask(&mut self, mask: &[u8]) {
        self.mask_and_xor(None, mask, &vec![0; mask.len()]);
    }

    fn mask_and_xor(&mut self, op: Option<Be<u32>>, mask: &[u8], xor: &[u8]) {
        let len = u32::try_from(mask.len()).ok().map(Be);
        let (mask, xor) = (Some(value(mask)), Some(value(xor)));
        let bitwise = Bitwise { from: REGISTER, to: REGISTER, op, len, mask, xor, ..Bitwise::default() };
        self.push("bitwise", &bitwise);
    }

    /// Goes on with the rule only if the register compares so.
    pub fn compare(&mut self, op: u32, with: &[u8]) {
        self.push(
            "cmp",
            &Cmp { from: REGISTER, op: Some(Be(op)), data: Some(value(with)), ..Cmp::default() },
        );
    }

    /// Ends the rule so.
    pub fn verdict(&mut self, code: i32, chain: Option<Text>) {
        let verdict = Verdict { code: Some(Be(code.cast_unsigned())), chain, ..Verdict::default() };
        let data = Some(Data { verdict: Some(verdict), ..Data::default() });
        self.push("immediate", &Immediate { to: Some(Be(NFT_REG_VERDICT)), data, ..Immediate::default() });
    }

    /// Sends the packet, and with it the connection, to this address of this family.
    pub fn translate_destination(&mut self, family: u8, address: &[u8]) {
        self.push(
            "immediate",
            &Immediate { to: REGISTER, data: Some(value(address)), ..Immediate::default() },
        );
        let (kind, family) = (Some(Be(NFT_NAT_DNAT)), Some(Be(family.into())));
        self.push("nat", &Nat { kind, family, address: REGISTER, ..Nat::default() });
    }

    /// Ends the rule and drops the packet, and says so to its sender.
    pub fn reject(&mut self, kind: u32, code: u8) {
        self.push("reject", &Reject { kind: Some(Be(kind)), code: Some(code), ..Reject::default() });
    }

    /// An expression of which nothing need be said but its name.
    pub fn bare(&mut self, name: &'static str) {
        self.push(name, &Raw::default());
    }

    fn push(&mut self, name: &str, data: &impl Value) {
        let mut inner = Writer::default();
        data.encode(&mut inner);
        let data = Some(Raw(inner.bytes().to_vec()));
        let element = Element { name: Some(Text(name.to_owned())), data, ..Element::default() };
        let mut w = Writer::default();
        w.nest_with(NFTA_LIST_ELEM, |w| element.encode(w));
        self.0.extend_from_slice(w.bytes());
    }
}

fn value(bytes: &[u8]) -> Data {
    Data { value: Some(Raw(bytes.to_vec())), ..Data::default() }
}

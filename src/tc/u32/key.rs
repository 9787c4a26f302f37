use super::Few;
use crate::wire::{Be, DecodeError, EncodeError, Fixed, Reader, Value, Writer};
use std::fmt::{self, Display, Formatter};

layout! {
    /// Four bytes of a packet, the bits of them that count, and what these must be.
    pub struct Key = "tc_u32_key" {
        /// The bits that count.
        pub mask: Be<u32>,
        /// What they must be.
        pub val: Be<u32>,
        /// Where the four bytes are, from the start of the network header or of what [`offmask`](Key::offmask) says; a multiple
        /// of 4, negative for the link layer's header.
        pub off: i32,
        /// The bits of the offset found by the filter that linked here to be added to `off`: all (-1) for "from the next
        /// header", or none.
        pub offmask: i32,
    }
}

/// Where a key looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// Bytes from the start of the network header; negative for what comes before it.
    Network(i32),
    /// Bytes from the start of the next header: `tc`'s `nexthdr+`. Only a filter in a table that was linked to with an
    /// [`Offset`](super::Offset) knows where that is; elsewhere it is the network header.
    NextHeader(i32),
}

impl At {
    /// `off` and `offmask`.
    pub(super) fn parts(self) -> (i32, i32) {
        match self {
            At::Network(off) => (off, 0),
            At::NextHeader(off) => (off, -1),
        }
    }
}

impl From<i32> for At {
    fn from(off: i32) -> Self {
        At::Network(off)
    }
}

impl Display for At {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            At::Network(off) => off.fmt(f),
            At::NextHeader(off) => write!(f, "nexthdr+{off}"),
        }
    }
}

/// The words behind `match`. An offset mask other than all or nothing has none, and prints as no `tc` reads it.
impl Display for Key {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "u32 {:#010x} {:#010x} at ", self.val.0, self.mask.0)?;
        match self.offmask {
            0 => At::Network(self.off).fmt(f),
            -1 => At::NextHeader(self.off).fmt(f),
            mask => write!(f, "{} offmask {mask:#x}", self.off),
        }
    }
}

impl Key {
    #[inline]
    fn same_place(&self, other: &Key) -> bool {
        (self.off, self.offmask) == (other.off, other.offmask)
    }

    #[inline]
    fn contradicts(&self, other: &Key) -> bool {
        self.same_place(other) && (self.val.0 ^ other.val.0) & self.mask.0 & other.mask.0 != 0
    }
}

bitflags::bitflags! {
    /// What a packet that matches goes through. `TC_U32_` of `include/uapi/linux/pkt_cls.h`
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct SelectorFlags: u8 {
        /// The filter decides: class and actions apply. Without it, and for packets that match nothing in a linked table, the
        /// next filter is tried.
        const TERMINAL = 1;
        /// A fixed number of bytes is added to the offset of the next header.
        const OFFSET = 2;
        /// A field of the packet is added to the offset of the next header.
        const VAROFFSET = 4;
        /// The linked table sees the packet as if it began at the next header.
        const EAT = 8;
        /// Bits of later kernels.
        const _ = !0;
    }
}

layout! {
    /// `struct tc_u32_sel` without its keys.
    pub(super) struct Header = "tc_u32_sel" {
        flags: u8,
        shift: u8,
        nkeys: u8,
        pad _pad: 1,
        offset_mask: Be<u16>,
        plus: u16,
        offset_at: i16,
        hash_at: i16,
        hash_mask: Be<u32>,
    }
}

/// The keys, and how a linked table is entered. `struct tc_u32_sel` of `include/uapi/linux/pkt_cls.h`
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
#[doc(alias = "tc_u32_sel")]
pub struct Selector {
    /// What a packet that matches goes through.
    pub flags: SelectorFlags,
    /// Bits by which the field at `offset_at` is shifted down, 0 to 15.
    pub shift: u8,
    /// The bits of that field that count.
    pub offset_mask: u16,
    /// Where that field (two bytes) is; even.
    pub offset_at: i16,
    /// Bytes to be added to the offset of the next header.
    pub plus: u16,
    /// Where the four bytes are whose value chooses the bucket of the linked table; a multiple of 4.
    pub hash_at: i16,
    /// The bits of them that count.
    pub hash_mask: u32,
    /// At most 128 keys, of which all must match.
    pub keys: Few<Key>,
}

impl Selector {
    /// The most keys that `tc` and this crate send.
    pub const MAX_KEYS: usize = 128;
    const MAX_SHIFT: u8 = 15;

    /// Adds a key; one for bytes that another looks at becomes a part of it. Keys that contradict each other, so that nothing
    /// could match, are refused when the filter is encoded.
    #[inline]
    pub fn push(&mut self, key: Key) {
        match self.keys.iter_mut().find(|known| known.same_place(&key) && !known.contradicts(&key)) {
            Some(known) => {
                known.val.0 |= key.val.0;
                known.mask.0 |= key.mask.0;
            }
            None => self.keys.push(key),
        }
    }

    /// Whether a packet can match this key and the others.
    pub(in crate::tc) fn agrees(&self, key: &Key) -> bool {
        !self.keys.iter().any(|known| known.contradicts(key))
    }

    #[inline]
    fn header(&self) -> Header {
        Header {
            flags: self.flags.bits(),
            shift: self.shift,
            nkeys: self.keys.len() as u8,
            offset_mask: Be(self.offset_mask),
            plus: self.plus,
            offset_at: self.offset_at,
            hash_at: self.hash_at,
            hash_mask: Be(self.hash_mask),
        }
    }

    /// Whether a selector with this one key can be sent.
    #[inline]
    fn is_right_with(&self, key: &Key) -> bool {
        (key.off | i32::from(self.hash_at)) % 4 == 0
            && self.offset_at % 2 == 0
            && self.shift <= Self::MAX_SHIFT
    }

    fn check(&self) -> Result<(), EncodeError> {
        const FOURS: &str = "multiples of 4";
        if self.keys.len() > Self::MAX_KEYS {
            return Err(EncodeError::out_of_range("number of u32 keys", self.keys.len(), "0 to 128"));
        }
        if let Some(key) = self.keys.iter().find(|key| key.off % 4 != 0) {
            return Err(EncodeError::out_of_range("offset of the u32 key", key.off, FOURS));
        }
        if self.hash_at % 4 != 0 {
            return Err(EncodeError::out_of_range("offset of the u32 hashkey", self.hash_at, FOURS));
        }
        if self.offset_at % 2 != 0 {
            return Err(EncodeError::out_of_range("place of the u32 offset", self.offset_at, "even numbers"));
        }
        if self.shift > Self::MAX_SHIFT {
            return Err(EncodeError::out_of_range("shift of the u32 offset", self.shift, "0 to 15"));
        }
        match contradict(&self.keys) {
            true => Err(EncodeError::Invalid("two u32 keys want different values of the same bits")),
            false => Ok(()),
        }
    }
}

/// Whether no packet can match all of these.
fn contradict(keys: &[Key]) -> bool {
    let mut rest = keys;
    while let [key, others @ ..] = rest {
        if others.iter().any(|other| other.contradicts(key)) {
            return true;
        }
        rest = others;
    }
    false
}

impl Value for Selector {
    fn encode(&self, w: &mut Writer) {
        if let Err(error) = self.check() {
            return w.fail(error);
        }
        self.header().encode(w);
        self.keys.iter().for_each(|key| key.encode(w));
    }

    fn attr(&self, ty: u16, w: &mut Writer) {
        match &*self.keys {
            // As nearly all have it.
            [key] if self.is_right_with(key) => w.fixed_attr(ty, &(self.header(), *key)),
            _ => w.attr_with(ty, |w| self.encode(w)),
        }
    }

    fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        let mut selector = Selector::default();
        selector.fill(payload)?;
        Ok(selector)
    }

    #[inline]
    fn read_into(payload: &[u8], place: &mut Option<Self>) -> Result<(), DecodeError> {
        place.get_or_insert_default().fill(payload)
    }

    #[inline(always)]
    fn fill(&mut self, payload: &[u8]) -> Result<(), DecodeError> {
        let mut r = Reader::new(payload);
        let mut header = Header::default();
        header.fill(r.take(Header::SIZE)?)?;
        let bytes = r.take(usize::from(header.nkeys) * Key::SIZE)?;
        match header.nkeys {
            // As nearly all have it.
            1 => {
                let mut key = Key::default();
                key.fill(bytes)?;
                self.keys = Few::one(key);
            }
            _ => self.keys = keys(bytes)?,
        }
        self.flags = SelectorFlags::from_bits_retain(header.flags);
        self.shift = header.shift;
        self.offset_mask = header.offset_mask.0;
        self.offset_at = header.offset_at;
        self.plus = header.plus;
        self.hash_at = header.hash_at;
        self.hash_mask = header.hash_mask.0;
        Ok(())
    }
}

/// Several keys, one behind the other.
#[inline(never)]
fn keys(bytes: &[u8]) -> Result<Few<Key>, DecodeError> {
    bytes.chunks_exact(Key::SIZE).map(Key::decode).collect()
}

#[cfg(any(test, feature = "generate"))]
mod generate {
    use super::*;
    use crate::wire::generate::{Generate, Source};

    impl Generate for Selector {
        fn generate(g: &mut Source<'_>) -> Self {
            let mut selector = Selector {
                flags: SelectorFlags::from_bits_retain(g.byte()),
                shift: g.below(16) as u8,
                offset_mask: u16::generate(g),
                offset_at: i16::generate(g) & !1,
                plus: u16::generate(g),
                hash_at: i16::generate(g) & !3,
                hash_mask: u32::generate(g),
                keys: Few::new(),
            };
            for key in g.list::<Key>(6) {
                selector.push(Key { off: key.off & !3, offmask: g.pick(&[0, -1]), ..key });
            }
            selector
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(val: u32, mask: u32, off: i32) -> Key {
        Key { mask: Be(mask), val: Be(val), off, offmask: 0 }
    }

    fn encode(selector: &Selector) -> Result<Vec<u8>, EncodeError> {
        let mut w = Writer::default();
        selector.encode(&mut w);
        w.finish().map(|()| w.bytes().to_vec())
    }

    #[test]
    fn keys_for_the_same_bytes_become_one_and_contradictions_are_refused() {
        let mut selector = Selector::default();
        selector.push(key(0x0100_0000, 0xff00_0000, 0));
        selector.push(key(0x0002_0000, 0x00ff_0000, 0));
        selector.push(key(7, 7, 4));
        assert_eq!(selector.keys, [key(0x0102_0000, 0xffff_0000, 0), key(7, 7, 4)]);
        assert!(encode(&selector).is_ok());
        selector.push(key(0x0300_0000, 0xff00_0000, 0));
        assert!(matches!(encode(&selector), Err(EncodeError::Invalid(_))));
    }

    #[test]
    fn what_tc_and_the_kernel_refuse_is_refused() {
        let with = |change: fn(&mut Selector)| {
            let mut selector = Selector::default();
            change(&mut selector);
            encode(&selector)
        };
        assert!(with(|s| s.keys = (0..128).map(|n| key(0, 0, n * 4)).collect()).is_ok());
        for wrong in [
            with(|s| s.keys = (0..129).map(|n| key(0, 0, n * 4)).collect()),
            with(|s| s.push(key(1, 1, 3))),
            with(|s| s.hash_at = 2),
            with(|s| s.offset_at = 1),
            with(|s| s.shift = 16),
        ] {
            assert!(matches!(wrong, Err(EncodeError::OutOfRange { .. })), "{wrong:?}");
        }
    }

    #[test]
    fn the_number_of_keys_in_a_message_is_not_trusted() {
        let mut selector = Selector::default();
        selector.push(key(1, 1, 0));
        let mut bytes = encode(&selector).unwrap();
        assert_eq!(Selector::decode(&bytes), Ok(selector));
        for nkeys in [2, 128, 255] {
            bytes[2] = nkeys;
            assert_eq!(Selector::decode(&bytes), Err(DecodeError::short(16, usize::from(nkeys) * 16)));
        }
        bytes[2] = 0;
        assert_eq!(Selector::decode(&bytes), Ok(Selector::default()));
    }
}

use super::Match;
use crate::error::Error;
use crate::units::ParseError;
use crate::wire::{DecodeError, Value, Writer};
use std::{fmt, str::FromStr};

/// The handle of a u32 hash table, bucket or filter: 12 bits table, 8 bits bucket, 12 bits node.
///
/// Text is hexadecimal: `1:` is a table, `1:2:` a bucket of it, `1:2:3` a filter in that bucket, `800::801` one in bucket 0.
/// A word with `0x` and without colons is all 32 bits. Node 0 means a table. Kernels give the numbers from 800 up to tables and
/// nodes that ask for none; table 800 is the one packets enter.
///
/// The bucket of a filter comes from [`U32::ht`](super::U32::ht), not from its handle. `net/sched/cls_u32.c`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct U32Handle(u32);

impl U32Handle {
    /// The table that packets enter first, `800:`.
    #[doc(alias = "TC_U32_ROOT")]
    pub const ROOT: U32Handle = U32Handle(0x8000_0000);

    /// The handle of these parts.
    ///
    /// # Errors
    /// Where a table or a node is above 0xfff.
    pub fn new(table: u16, bucket: u8, node: u16) -> Result<Self, Error> {
        if table > 0xfff || node > 0xfff {
            let what = format!("u32 handle {table:x}:{bucket:x}:{node:x}");
            return Err(Error::invalid(what, "tables and nodes go up to fff"));
        }
        Ok(U32Handle(u32::from(table) << 20 | u32::from(bucket) << 12 | u32::from(node)))
    }

    /// The handle from the kernel's 32 bits.
    pub const fn from_raw(raw: u32) -> Self {
        U32Handle(raw)
    }

    /// The kernel's 32 bits.
    pub const fn raw(self) -> u32 {
        self.0
    }

    /// The table, 0 to 0xfff.
    #[doc(alias = "TC_U32_HTID")]
    pub const fn table(self) -> u16 {
        (self.0 >> 20) as u16
    }

    /// The bucket.
    #[doc(alias = "TC_U32_HASH")]
    pub const fn bucket(self) -> u8 {
        (self.0 >> 12) as u8
    }

    /// The node, 0 to 0xfff; 0 means the table.
    #[doc(alias = "TC_U32_NODE")]
    pub const fn node(self) -> u16 {
        (self.0 & 0xfff) as u16
    }

    /// The bucket of this handle's table for packets that look like `sample`, which is one key under the mask that the link's
    /// [`hashkey`](super::U32::hashkey) has: `tc`'s `sample`.
    ///
    /// # Errors
    /// Where the sample is not exactly one key, or the divisor no power of two up to 256.
    pub fn sample(self, sample: &Match, divisor: u32) -> Result<Self, Error> {
        let [key] = sample.keys() else {
            return Err(Error::invalid("u32 sample", "a sample is exactly one key"));
        };
        let bucket = bucket(key.val.0, key.mask.0, divisor)?;
        Ok(U32Handle(self.0 & 0xfff0_0000 | u32::from(bucket) << 12))
    }
}

/// The bucket, among `divisor`, in which the kernel looks for packets that carry `value` under the hash mask `mask`, both as the
/// packet's four bytes read as one big-endian number: what the mask selects, shifted down to its lowest bit, modulo `divisor`.
///
/// # Errors
/// Where the divisor is no power of two up to 256.
pub fn bucket(value: u32, mask: u32, divisor: u32) -> Result<u8, Error> {
    if !divisor.is_power_of_two() || divisor > 256 {
        return Err(Error::invalid(format!("u32 divisor {divisor}"), super::Divisor::ALLOWED));
    }
    let shift = if mask == 0 { 0 } else { mask.trailing_zeros() };
    Ok(((value & mask) >> shift & (divisor - 1)) as u8)
}

impl From<U32Handle> for u32 {
    fn from(handle: U32Handle) -> u32 {
        handle.0
    }
}

impl FromStr for U32Handle {
    type Err = ParseError;

    fn from_str(word: &str) -> Result<Self, ParseError> {
        let hex = |digits: &str, max: u32| match digits {
            "" => Some(0),
            _ if digits.starts_with('+') => None,
            _ => u32::from_str_radix(digits, 16).ok().filter(|number| *number <= max),
        };
        let parsed = || match (word.split_once(':'), word.strip_prefix("0x")) {
            (Some((table, rest)), _) => {
                let (bucket, node) = rest.split_once(':').unwrap_or((rest, ""));
                Some(hex(table, 0xfff)? << 20 | hex(bucket, 0xff)? << 12 | hex(node, 0xfff)?)
            }
            (None, Some(digits)) if !digits.is_empty() => hex(digits, u32::MAX),
            _ => None,
        };
        parsed().map(U32Handle).ok_or_else(|| {
            ParseError::new(word, "a u32 handle: expected hexadecimal such as 1:, 1:2: or 800::801")
        })
    }
}

/// As `tc` reads it. `tc` prints table 0 and the end of a bucket differently, in words that it would read as something else.
impl fmt::Display for U32Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}:", self.table())?;
        if self.bucket() != 0 {
            write!(f, "{:x}", self.bucket())?;
        }
        match (self.bucket(), self.node()) {
            (0, 0) => Ok(()),
            (_, 0) => f.write_str(":"),
            (_, node) => write!(f, ":{node:x}"),
        }
    }
}

impl Value for U32Handle {
    #[inline]
    fn encode(&self, w: &mut Writer) {
        w.put_u32(self.0);
    }
    #[inline]
    fn attr(&self, ty: u16, w: &mut Writer) {
        w.fixed_attr(ty, &self.0);
    }
    #[inline]
    fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        u32::decode(payload).map(U32Handle)
    }
}

#[cfg(any(test, feature = "generate"))]
impl crate::wire::generate::Generate for U32Handle {
    fn generate(g: &mut crate::wire::generate::Source<'_>) -> Self {
        U32Handle(u32::generate(g))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn handles_read_as_tc_reads_them() {
        for (word, raw, printed) in [
            ("800:", 0x8000_0000, "800:"),
            ("800::", 0x8000_0000, "800:"),
            ("1:2", 0x0010_2000, "1:2:"),
            ("1:ff:", 0x001f_f000, "1:ff:"),
            ("800::801", 0x8000_0801, "800::801"),
            ("1:2:3", 0x0010_2003, "1:2:3"),
            ("::7", 7, "0::7"),
            ("0x80000801", 0x8000_0801, "800::801"),
        ] {
            assert_eq!(word.parse(), Ok(U32Handle(raw)), "{word}");
            assert_eq!(U32Handle(raw).to_string(), printed);
        }
        for word in ["", "1", "1000:", "1:100:", "1:1:1000", "1:2:3:4", "0x", "+1:", "g:"] {
            assert!(word.parse::<U32Handle>().is_err(), "{word}");
        }
    }

    #[test]
    fn a_handle_has_three_parts() {
        let handle = U32Handle::new(0x7ff, 0x10, 0x801).unwrap();
        assert_eq!((handle.table(), handle.bucket(), handle.node()), (0x7ff, 0x10, 0x801));
        assert_eq!(u32::from(handle), 0x7ff1_0801);
        assert!(U32Handle::new(0x1000, 0, 0).is_err());
        assert!(U32Handle::new(0, 0, 0x1000).is_err());
    }

    /// The buckets that iproute2 chose for the `sample` commands u32_ht-019 to -023.
    #[test]
    fn samples_fall_into_the_buckets_that_tc_computes() {
        let table = U32Handle::new(1, 0, 0).unwrap();
        let ip = std::net::Ipv4Addr::new(10, 0, 0, 3);
        for (sample, expected) in [
            (Match::tcp_dst(80), "1:50:"),
            (Match::u32((0x0a00_0001, 0xff), 12).unwrap(), "1:1:"),
            (Match::u8(0x10, 1), "1:10:"),
            (Match::ip_src(ip, 32).unwrap(), "1:3:"),
        ] {
            assert_eq!(table.sample(&sample, 256).unwrap().to_string(), expected);
        }
        // A bucket that the table had before is replaced.
        let other: U32Handle = "1:7:".parse().unwrap();
        assert_eq!(other.sample(&Match::tcp_dst(80), 16).unwrap().to_string(), "1:");
        assert!(table.sample(&Match::ether_src([0; 6]), 256).is_err());
        for divisor in [0, 3, 512] {
            assert!(bucket(1, 1, divisor).is_err());
        }
        assert_eq!(bucket(0xffff_ffff, 0, 256).unwrap(), 0);
    }

    proptest! {
        #[test]
        fn every_handle_reads_as_it_was_printed(raw: u32) {
            prop_assert_eq!(U32Handle(raw).to_string().parse(), Ok(U32Handle(raw)));
        }

        #[test]
        fn no_word_panics(word in ".*") {
            let _ = word.parse::<U32Handle>();
        }
    }
}

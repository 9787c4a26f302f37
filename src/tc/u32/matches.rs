use super::{At, Few, Key};
use crate::error::{Error, Result};
use crate::wire::Be;
use std::fmt::{self, Display, Formatter};
use std::net::{Ipv4Addr, Ipv6Addr};

/// What a packet must look like, as a few keys. `man 8 tc-u32` (SELECTORS)
///
/// The fields of the IPv4 header and what follows it (`ip_sport` ...) are where they are in a header without options; so it is
/// with IPv6 and extension headers. The fields of `tcp_`, `udp_` and `icmp_` are where a link with an
/// [`Offset`](super::Offset) found the next header.
///
/// A plain value stands for all its bits; `(value, mask)` for the bits of the mask.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Match {
    keys: Few<Key>,
}

/// A value and the bits of it that count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Masked<T> {
    /// The value; bits outside the mask mean nothing.
    pub value: T,
    /// The bits that count.
    pub mask: T,
}

macro_rules! masked {
    ($($ty:ty)*) => { $(
        impl From<$ty> for Masked<$ty> {
            fn from(value: $ty) -> Self {
                Masked { value, mask: <$ty>::MAX }
            }
        }
        impl From<($ty, $ty)> for Masked<$ty> {
            fn from((value, mask): ($ty, $ty)) -> Self {
                Masked { value, mask }
            }
        }
    )* };
}

masked! { u8 u16 u32 }

/// Declares fields of one or two bytes at fixed places.
macro_rules! fields {
    ($($(#[$meta:meta])* $name:ident: $ty:ident at $at:expr;)*) => { $(
        $(#[$meta])*
        pub fn $name(value: impl Into<Masked<$ty>>) -> Self {
            let Masked { value, mask } = value.into();
            Self::part(value.into(), mask.into(), size_of::<$ty>(), $at)
        }
    )* };
}

impl Match {
    /// The keys.
    #[inline]
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// Any packet that is long enough to have a network header: one key that looks at no bit, `match u32 0 0`.
    pub fn any() -> Self {
        Self::part(0, 0, 4, At::Network(0))
    }

    /// Four bytes at `at`, a multiple of 4, read as one big-endian number.
    ///
    /// # Errors
    /// Where `at` is not a multiple of 4.
    pub fn u32(value: impl Into<Masked<u32>>, at: impl Into<At>) -> Result<Self> {
        let (Masked { value, mask }, at) = (value.into(), at.into());
        aligned(at, 4, "a u32 stands at a multiple of 4")?;
        Ok(Self::part(value, mask, 4, at))
    }

    /// Two bytes at `at`, an even number, read as one big-endian number.
    ///
    /// # Errors
    /// Where `at` is odd.
    pub fn u16(value: impl Into<Masked<u16>>, at: impl Into<At>) -> Result<Self> {
        let (Masked { value, mask }, at) = (value.into(), at.into());
        aligned(at, 2, "a u16 stands at an even offset")?;
        Ok(Self::part(value.into(), mask.into(), 2, at))
    }

    /// One byte at `at`.
    pub fn u8(value: impl Into<Masked<u8>>, at: impl Into<At>) -> Self {
        let Masked { value, mask } = value.into();
        Self::part(value.into(), mask.into(), 1, at.into())
    }

    /// The IPv4 source address, of which the first `prefix` bits count.
    ///
    /// # Errors
    /// Where the prefix is longer than 32 or the address has bits behind it.
    #[inline]
    pub fn ip_src(address: Ipv4Addr, prefix: u8) -> Result<Self> {
        Self::ipv4(address, prefix, 12)
    }

    /// The IPv4 destination address, of which the first `prefix` bits count.
    ///
    /// # Errors
    /// Where the prefix is longer than 32 or the address has bits behind it.
    #[inline]
    pub fn ip_dst(address: Ipv4Addr, prefix: u8) -> Result<Self> {
        Self::ipv4(address, prefix, 16)
    }

    /// The length of the IPv4 header in words of four bytes, 0 to 15.
    ///
    /// # Errors
    /// Where it is above 15.
    pub fn ip_ihl(words: u8) -> Result<Self> {
        match words {
            0..=15 => Ok(Self::u8((words, 0x0f), 0)),
            _ => Err(Error::invalid(format!("ihl {words}"), "a header is at most 15 words long")),
        }
    }

    /// The IPv4 precedence, 0 to 7: the upper three bits of the type of service. `tc`'s `precedence` takes them in their place.
    ///
    /// # Errors
    /// Where it is above 7.
    pub fn ip_precedence(precedence: u8) -> Result<Self> {
        match precedence {
            0..=7 => Ok(Self::ip_tos((precedence << 5, 0xe0))),
            _ => Err(Error::invalid(format!("precedence {precedence}"), "precedences go up to 7")),
        }
    }

    fields! {
        /// The IPv4 type of service: the DSCP is its upper six bits, `(0xb8, 0xfc)` for EF.
        #[doc(alias = "dsfield")]
        ip_tos: u8 at At::Network(1);
        /// The protocol that IPv4 carries, such as 6 for TCP.
        ip_protocol: u8 at At::Network(9);
        /// The TCP or UDP source port behind an IPv4 header without options.
        ip_sport: u16 at At::Network(20);
        /// The TCP or UDP destination port behind an IPv4 header without options.
        ip_dport: u16 at At::Network(22);
        /// The ICMP type behind an IPv4 header without options.
        ip_icmp_type: u8 at At::Network(20);
        /// The ICMP code behind an IPv4 header without options.
        ip_icmp_code: u8 at At::Network(21);
        /// The header that follows the IPv6 header, such as 6 for TCP.
        ip6_protocol: u8 at At::Network(6);
        /// The TCP or UDP source port right behind the IPv6 header.
        ip6_sport: u16 at At::Network(40);
        /// The TCP or UDP destination port right behind the IPv6 header.
        ip6_dport: u16 at At::Network(42);
        /// The ICMPv6 type right behind the IPv6 header.
        ip6_icmp_type: u8 at At::Network(40);
        /// The ICMPv6 code right behind the IPv6 header.
        ip6_icmp_code: u8 at At::Network(41);
        /// The TCP source port, in the next header.
        tcp_src: u16 at At::NextHeader(0);
        /// The TCP destination port, in the next header.
        tcp_dst: u16 at At::NextHeader(2);
        /// The UDP source port, in the next header.
        udp_src: u16 at At::NextHeader(0);
        /// The UDP destination port, in the next header.
        udp_dst: u16 at At::NextHeader(2);
        /// The ICMP type, in the next header.
        icmp_type: u8 at At::NextHeader(0);
        /// The ICMP code, in the next header.
        icmp_code: u8 at At::NextHeader(1);
    }

    /// IPv4 packets that are no fragments.
    pub fn ip_nofrag() -> Self {
        Self::part(0, 0x3fff, 2, At::Network(6))
    }

    /// First fragments of IPv4 packets: more follow, none came before.
    pub fn ip_firstfrag() -> Self {
        Self::part(0x2000, 0x3fff, 2, At::Network(6))
    }

    /// IPv4 packets that must not be fragmented.
    pub fn ip_df() -> Self {
        Self::part(0x4000, 0x4000, 2, At::Network(6))
    }

    /// Fragments of IPv4 packets that more fragments follow.
    pub fn ip_mf() -> Self {
        Self::part(0x2000, 0x2000, 2, At::Network(6))
    }

    /// The IPv6 source address, of which the first `prefix` bits count: up to four keys, none for 0.
    ///
    /// # Errors
    /// Where the prefix is longer than 128 or the address has bits behind it.
    pub fn ip6_src(address: Ipv6Addr, prefix: u8) -> Result<Self> {
        Self::ipv6(address, prefix, At::Network(8))
    }

    /// The IPv6 destination address, of which the first `prefix` bits count: up to four keys, none for 0.
    ///
    /// # Errors
    /// Where the prefix is longer than 128 or the address has bits behind it.
    pub fn ip6_dst(address: Ipv6Addr, prefix: u8) -> Result<Self> {
        Self::ipv6(address, prefix, At::Network(24))
    }

    /// The IPv6 traffic class; the DSCP is its upper six bits.
    pub fn ip6_priority(class: impl Into<Masked<u8>>) -> Self {
        let Masked { value, mask } = class.into();
        Self::part(u32::from(value) << 20, u32::from(mask) << 20, 4, At::Network(0))
    }

    /// The IPv6 flow label, up to 0xfffff.
    ///
    /// # Errors
    /// Where it is above 0xfffff.
    pub fn ip6_flowlabel(label: u32) -> Result<Self> {
        match label {
            0..=0xf_ffff => Ok(Self::part(label, 0xf_ffff, 4, At::Network(0))),
            _ => Err(Error::invalid(format!("flow label {label:#x}"), "flow labels have 20 bits")),
        }
    }

    /// The Ethernet source address, in front of the network header.
    pub fn ether_src(address: [u8; 6]) -> Self {
        let [a, b, c, d, e, f] = address.map(u32::from);
        let mut keys = Self::part(a << 24 | b << 16 | c << 8 | d, u32::MAX, 4, At::Network(-8)).keys;
        keys.extend(Self::part(e << 8 | f, 0xffff, 2, At::Network(-4)).keys);
        Match { keys }
    }

    /// The Ethernet destination address, in front of the network header.
    pub fn ether_dst(address: [u8; 6]) -> Self {
        let [a, b, c, d, e, f] = address.map(u32::from);
        let mut keys = Self::part(a << 8 | b, 0xffff, 2, At::Network(-14)).keys;
        keys.extend(Self::part(c << 24 | d << 16 | e << 8 | f, u32::MAX, 4, At::Network(-12)).keys);
        Match { keys }
    }

    /// An Ethernet address at `at`, an even number: a key for every two bytes.
    pub(super) fn ether(address: [u8; 6], at: At) -> Result<Self> {
        let [a, b, c, d, e, f] = address;
        let mut keys = Few::new();
        for (n, pair) in [(0, [a, b]), (2, [c, d]), (4, [e, f])] {
            let at = match at {
                At::Network(off) => At::Network(off.saturating_add(n)),
                At::NextHeader(off) => At::NextHeader(off.saturating_add(n)),
            };
            keys.extend(Self::u16(u16::from_be_bytes(pair), at)?.keys);
        }
        Ok(Match { keys })
    }

    /// The key for `width` bytes at `at`, a multiple of the width: they are put where they stand within their four bytes.
    #[inline]
    pub(super) fn part(value: u32, mask: u32, width: usize, at: At) -> Self {
        let (off, offmask) = at.parts();
        let shift = 8 * (4 - width as i32 - (off & 3)).max(0);
        let key = Key { mask: Be(mask << shift), val: Be((value & mask) << shift), off: off & !3, offmask };
        Match { keys: Few::one(key) }
    }

    #[inline]
    fn ipv4(address: Ipv4Addr, prefix: u8, at: i32) -> Result<Self> {
        let what = || format!("{address}/{prefix}");
        if prefix > 32 {
            return Err(Error::invalid(what(), "an IPv4 prefix has at most 32 bits"));
        }
        let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
        if address.to_bits() & !mask != 0 {
            return Err(Error::invalid(what(), "the address has bits behind the prefix"));
        }
        Ok(Self::part(address.to_bits(), mask, 4, At::Network(at)))
    }

    pub(super) fn ipv6(address: Ipv6Addr, prefix: u8, at: At) -> Result<Self> {
        aligned(at, 4, "an address stands at a multiple of 4")?;
        let what = || format!("{address}/{prefix}");
        if prefix > 128 {
            return Err(Error::invalid(what(), "an IPv6 prefix has at most 128 bits"));
        }
        let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
        if address.to_bits() & !mask != 0 {
            return Err(Error::invalid(what(), "the address has bits behind the prefix"));
        }
        let (off, offmask) = at.parts();
        let word = |n: i32| ((address.to_bits() >> (96 - 32 * n)) as u32, (mask >> (96 - 32 * n)) as u32);
        let keys =
            (0..4).map(|n| (n, word(n))).filter(|(_, (_, mask))| *mask != 0).map(|(n, (val, mask))| Key {
                mask: Be(mask),
                val: Be(val),
                off: off.saturating_add(4 * n),
                offmask,
            });
        Ok(Match { keys: keys.collect() })
    }
}

fn aligned(at: At, width: i32, why: &'static str) -> Result<()> {
    match at.parts().0 % width {
        0 => Ok(()),
        _ => Err(Error::invalid(format!("offset {at}"), why)),
    }
}

impl From<Key> for Match {
    fn from(key: Key) -> Self {
        Match { keys: Few::one(key) }
    }
}

/// The words for all keys, each with `match` in front.
impl Display for Match {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.keys.iter().try_for_each(|key| write!(f, " match {key}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_too_long_and_host_bits_are_refused() {
        let v4 = Ipv4Addr::new(10, 0, 0, 1);
        assert!(Match::ip_src(v4, 33).is_err());
        assert!(Match::ip_dst(v4, 31).is_err());
        assert!(Match::ip_src(Ipv4Addr::UNSPECIFIED, 0).is_ok());
        let v6: Ipv6Addr = "2001:db8::1".parse().unwrap();
        assert!(Match::ip6_src(v6, 129).is_err());
        assert!(Match::ip6_dst(v6, 127).is_err());
        assert!(Match::ip6_dst(Ipv6Addr::UNSPECIFIED, 0).unwrap().keys().is_empty());
        let error = Match::ip_src(v4, 8).unwrap_err().to_string();
        assert_eq!(error, "10.0.0.1/8: the address has bits behind the prefix");
    }

    #[test]
    fn values_that_their_field_cannot_hold_are_refused() {
        assert!(Match::ip_ihl(16).is_err());
        assert!(Match::ip_precedence(8).is_err());
        assert!(Match::ip6_flowlabel(0x10_0000).is_err());
        assert!(Match::u32(0, 2).is_err());
        assert!(Match::u16(0, At::NextHeader(3)).is_err());
    }

    #[test]
    fn a_prefix_may_end_within_a_word() {
        let keys = Match::ip6_src("2001:db8:8000::".parse().unwrap(), 33).unwrap();
        assert_eq!(
            keys.to_string(),
            " match u32 0x20010db8 0xffffffff at 8 match u32 0x80000000 0x80000000 at 12"
        );
    }

    /// Recorded from iproute2 6.1.
    #[test]
    fn fields_print_as_the_keys_that_tc_makes_of_them() {
        for (field, keys) in [
            (Match::ip6_priority(0x10), " match u32 0x01000000 0x0ff00000 at 0"),
            (Match::ip6_protocol(6), " match u32 0x00000600 0x0000ff00 at 4"),
            (Match::ip6_icmp_type(0x10), " match u32 0x10000000 0xff000000 at 40"),
            (Match::ip_icmp_code(2), " match u32 0x00020000 0x00ff0000 at 20"),
            (Match::ip_firstfrag(), " match u32 0x00002000 0x00003fff at 4"),
            (Match::icmp_type(1), " match u32 0x01000000 0xff000000 at nexthdr+0"),
            (Match::udp_src(5), " match u32 0x00050000 0xffff0000 at nexthdr+0"),
            (Match::ip6_sport(5), " match u32 0x00050000 0xffff0000 at 40"),
        ] {
            assert_eq!(field.to_string(), keys);
        }
    }
}

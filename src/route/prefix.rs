use crate::units::{Family, ParseError};
use crate::wire::{DecodeError, Reader};
use crate::Error;
use std::fmt::{self, Display, Formatter};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

impl Family {
    /// The AF_ number in message headers.
    pub(crate) const fn number(self) -> u8 {
        match self {
            Family::V4 => 2,
            Family::V6 => 10,
        }
    }

    /// The family with this AF_ number.
    pub(crate) fn from_number(number: u8) -> Result<Family, DecodeError> {
        match number {
            2 => Ok(Family::V4),
            10 => Ok(Family::V6),
            _ => Err(DecodeError::invalid("an address family that is neither IPv4 nor IPv6")),
        }
    }

    /// The option of `ip` that selects the family, with its blank; nothing for IPv4, which is its default.
    pub(crate) const fn option(self) -> &'static str {
        match self {
            Family::V4 => "",
            Family::V6 => "-6 ",
        }
    }

    pub(crate) const fn zero(self) -> IpAddr {
        match self {
            Family::V4 => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            Family::V6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        }
    }

    /// The address in an attribute's payload; longer payloads are accepted.
    pub(crate) fn address(self, payload: &[u8]) -> Result<IpAddr, DecodeError> {
        let mut r = Reader::new(payload);
        match self {
            Family::V4 => r.array::<4>().map(IpAddr::from),
            Family::V6 => r.array::<16>().map(IpAddr::from),
        }
    }
}

/// An IP network: an address and how many of its leading bits count.
///
/// Bits behind the prefix length and lengths beyond the address are errors, never masked or clamped silently. (Kernels
/// let other programs set such bits in rules; a prefix read from a message keeps them.)
///
/// Prints as `10.0.0.0/8`, a single address without its length, and reads what it prints.
///
/// ```
/// use tcnl::route::Prefix;
/// let lan: Prefix = "192.168.1.0/24".parse()?;
/// assert_eq!(lan, Prefix::new([192, 168, 1, 0], 24)?);
/// assert!("192.168.1.1/24".parse::<Prefix>().is_err());
/// assert!("192.168.1.0/33".parse::<Prefix>().is_err());
/// # Ok::<(), tcnl::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Prefix {
    addr: IpAddr,
    len: u8,
}

impl Prefix {
    /// Every IPv4 address: `0.0.0.0/0`, the destination of a default route.
    pub const ANY_V4: Prefix = Prefix { addr: Family::V4.zero(), len: 0 };
    /// Every IPv6 address: `::/0`, the destination of a default route.
    pub const ANY_V6: Prefix = Prefix { addr: Family::V6.zero(), len: 0 };

    /// The network of the addresses that share the first `len` bits of `addr`.
    ///
    /// # Errors
    /// If `len` is longer than the address, or if `addr` has bits set behind it.
    pub fn new(addr: impl Into<IpAddr>, len: u8) -> Result<Prefix, Error> {
        let prefix = Prefix { addr: addr.into(), len };
        match prefix.fault() {
            None => Ok(prefix),
            Some(why) => Err(Error::invalid(format_args!("{}/{len}", prefix.addr), why)),
        }
    }

    /// The one address.
    pub fn host(addr: impl Into<IpAddr>) -> Prefix {
        let addr = addr.into();
        Prefix { addr, len: Family::of(addr).bits() }
    }

    /// Every address of a family.
    pub const fn any(family: Family) -> Prefix {
        Prefix { addr: family.zero(), len: 0 }
    }

    /// The first address.
    pub const fn addr(self) -> IpAddr {
        self.addr
    }

    /// How many bits count.
    #[allow(clippy::len_without_is_empty, reason = "a prefix length, not a container's")]
    pub const fn len(self) -> u8 {
        self.len
    }

    /// IPv4 or IPv6.
    pub const fn family(self) -> Family {
        Family::of(self.addr)
    }

    /// Whether it is every address of its family.
    pub const fn is_any(self) -> bool {
        self.len == 0
    }

    /// Whether `addr` is in it.
    pub fn contains(self, addr: IpAddr) -> bool {
        match (self.addr, addr) {
            (IpAddr::V4(a), IpAddr::V4(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros() >= self.len.into(),
            (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros() >= self.len.into(),
            _ => false,
        }
    }

    /// A prefix as a message has it: host bits are the kernel's business there.
    pub(crate) fn reported(addr: IpAddr, len: u8) -> Result<Prefix, DecodeError> {
        if len > Family::of(addr).bits() {
            return Err(DecodeError::invalid("a prefix length beyond the address"));
        }
        Ok(Prefix { addr, len })
    }

    fn fault(self) -> Option<&'static str> {
        if self.len > self.family().bits() {
            return Some("the prefix length is longer than the address");
        }
        let free = match self.addr {
            IpAddr::V4(addr) => addr.to_bits().trailing_zeros(),
            IpAddr::V6(addr) => addr.to_bits().trailing_zeros(),
        };
        let host_bits = u32::from(self.family().bits() - self.len);
        (free < host_bits).then_some("bits are set behind the prefix length")
    }
}

impl From<IpAddr> for Prefix {
    fn from(addr: IpAddr) -> Prefix {
        Prefix::host(addr)
    }
}

impl From<Ipv4Addr> for Prefix {
    fn from(addr: Ipv4Addr) -> Prefix {
        Prefix::host(addr)
    }
}

impl From<Ipv6Addr> for Prefix {
    fn from(addr: Ipv6Addr) -> Prefix {
        Prefix::host(addr)
    }
}

impl FromStr for Prefix {
    type Err = ParseError;

    fn from_str(word: &str) -> Result<Self, ParseError> {
        let wrong =
            || ParseError::new(word, "a prefix: expected a network such as 10.0.0.0/8 or 2001:db8::/32");
        let (addr, len) = match word.split_once('/') {
            Some((addr, len)) => (addr, Some(len)),
            None => (word, None),
        };
        let addr: IpAddr = addr.parse().map_err(|_| wrong())?;
        let Some(len) = len else { return Ok(Prefix::host(addr)) };
        // u8's parser would take a sign.
        let digits = !len.is_empty() && len.bytes().all(|b| b.is_ascii_digit());
        let len = len.parse().ok().filter(|_| digits).ok_or_else(wrong)?;
        let prefix = Prefix { addr, len };
        match prefix.fault() {
            None => Ok(prefix),
            Some("bits are set behind the prefix length") => {
                Err(ParseError::new(word, "a prefix: expected no bits set behind its length"))
            }
            Some(_) => {
                Err(ParseError::new(word, "a prefix: expected a length of at most 32 (IPv4) or 128 (IPv6)"))
            }
        }
    }
}

impl Display for Prefix {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.len == self.family().bits() {
            true => self.addr.fmt(f),
            false => write!(f, "{}/{}", self.addr, self.len),
        }
    }
}

#[cfg(any(test, feature = "generate"))]
impl crate::wire::generate::Generate for Prefix {
    fn generate(g: &mut crate::wire::generate::Source<'_>) -> Self {
        let family = if g.flip() { Family::V6 } else { Family::V4 };
        Prefix::generate_in(family, g)
    }
}

#[cfg(any(test, feature = "generate"))]
impl Prefix {
    /// A prefix of this family.
    pub(crate) fn generate_in(family: Family, g: &mut crate::wire::generate::Source<'_>) -> Self {
        use crate::wire::generate::Generate;
        let len = g.byte() % (family.bits() + 1);
        let bits = u128::from(u64::generate(g)) << 64 | u128::from(u64::generate(g));
        let addr = match family {
            Family::V4 => IpAddr::V4(Ipv4Addr::from_bits(
                (bits as u32) & u32::MAX.checked_shl((32 - len).into()).unwrap_or(0),
            )),
            Family::V6 => {
                IpAddr::V6(Ipv6Addr::from_bits(bits & u128::MAX.checked_shl((128 - len).into()).unwrap_or(0)))
            }
        };
        Prefix { addr, len }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::generate::{Generate, Source};
    use proptest::prelude::*;

    #[test]
    fn host_bits_and_lengths_beyond_the_address_are_errors() {
        for word in [
            "10.0.0.1/8",
            "10.0.0.0/33",
            "::1/127",
            "2001:db8::/129",
            "1.2.3.4/0",
            "10.0.0.0/+8",
            "10/8",
            "10.0.0.0/",
            "10.0.0.0/-1",
            "",
            "default",
            "10.0.0.0/256",
        ] {
            assert!(word.parse::<Prefix>().is_err(), "{word}");
        }
        let error = Prefix::new([10, 0, 0, 1], 8).unwrap_err();
        assert_eq!(error.to_string(), "10.0.0.1/8: bits are set behind the prefix length");
    }

    #[test]
    fn a_prefix_contains_the_addresses_that_share_its_bits() {
        let prefix: Prefix = "10.0.0.0/8".parse().unwrap();
        assert!(prefix.contains([10, 9, 8, 7].into()));
        assert!(!prefix.contains([11, 0, 0, 0].into()));
        assert!(Prefix::ANY_V4.contains([1, 2, 3, 4].into()));
        assert!(!Prefix::ANY_V4.contains(Ipv6Addr::LOCALHOST.into()));
        assert_eq!(Prefix::host([10, 0, 0, 1]).to_string(), "10.0.0.1");
        assert_eq!(Prefix::ANY_V6.to_string(), "::/0");
    }

    proptest! {
        #[test]
        fn every_prefix_reads_as_it_was_printed(bytes: Vec<u8>) {
            let prefix = Prefix::generate(&mut Source::new(&bytes));
            prop_assert_eq!(prefix.to_string().parse(), Ok(prefix));
            prop_assert_eq!(Prefix::new(prefix.addr(), prefix.len()).unwrap(), prefix);
        }
    }
}

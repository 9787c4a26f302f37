use crate::units::ParseError;
use crate::Error;
use std::fmt::{self, Display, Formatter};
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

/// An address with the length of its network's prefix. Host bits are allowed: that is what tells it from a prefix.
///
/// Parses and prints as `ip` does: `10.0.0.1/24`; without a length it is the whole address (32 or 128).
///
/// ```
/// use tcnl::route::IfAddr;
/// let address: IfAddr = "10.0.0.1/24".parse()?;
/// assert_eq!((address.address().to_string(), address.prefix_len()), ("10.0.0.1".into(), 24));
/// assert_eq!(address.broadcast(), Some("10.0.0.255".parse()?));
/// assert!("10.0.0.1/33".parse::<IfAddr>().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IfAddr {
    address: IpAddr,
    prefix_len: u8,
}

impl IfAddr {
    /// The address with a prefix of `prefix_len` bits.
    ///
    /// # Errors
    /// A prefix longer than the address: 32 bits for IPv4, 128 for IPv6.
    pub fn new(address: impl Into<IpAddr>, prefix_len: u8) -> Result<Self, Error> {
        let address = address.into();
        match prefix_len <= bits(address) {
            true => Ok(IfAddr { address, prefix_len }),
            false => Err(Error::invalid(
                format_args!("{address}/{prefix_len}"),
                "the prefix is longer than the address (32 bits in IPv4, 128 in IPv6)",
            )),
        }
    }

    /// The address alone.
    pub fn address(self) -> IpAddr {
        self.address
    }

    /// The length of the prefix in bits.
    pub fn prefix_len(self) -> u8 {
        self.prefix_len
    }

    /// The address of all hosts of an IPv4 network: all host bits set. None for prefixes over 30 bits, which have no
    /// room for one, and in IPv6.
    pub fn broadcast(self) -> Option<Ipv4Addr> {
        match self.address {
            IpAddr::V4(v4) if self.prefix_len <= 30 => {
                Some(Ipv4Addr::from_bits(v4.to_bits() | u32::MAX >> self.prefix_len))
            }
            _ => None,
        }
    }
}

fn bits(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// The whole address.
impl<A: Into<IpAddr>> From<A> for IfAddr {
    fn from(address: A) -> Self {
        let address = address.into();
        IfAddr { address, prefix_len: bits(address) }
    }
}

impl FromStr for IfAddr {
    type Err = ParseError;

    fn from_str(word: &str) -> Result<Self, ParseError> {
        let error = || {
            ParseError::new(
                word,
                "an address: expected one such as 10.0.0.1/24 or 2001:db8::1/64, up to /32 and /128",
            )
        };
        let (address, len) = match word.split_once('/') {
            Some((address, len)) => (address, Some(len)),
            None => (word, None),
        };
        let address: IpAddr = address.parse().map_err(|_| error())?;
        let Some(len) = len else { return Ok(address.into()) };
        if !len.bytes().all(|b| b.is_ascii_digit()) {
            return Err(error());
        }
        len.parse().ok().and_then(|len| IfAddr::new(address, len).ok()).ok_or_else(error)
    }
}

impl Display for IfAddr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix_len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_prefix_longer_than_the_address_is_an_error() {
        for word in [
            "10.0.0.1/33",
            "::1/129",
            "10.0.0.1/256",
            "10.0.0.1/+8",
            "10.0.0.1/",
            "/8",
            "10.0.0/8",
            "",
            "::1/-1",
        ] {
            assert!(word.parse::<IfAddr>().is_err(), "{word}");
        }
        assert!(IfAddr::new(Ipv4Addr::LOCALHOST, 33).is_err());
        assert!(IfAddr::new(Ipv4Addr::LOCALHOST, 32).is_ok());
    }

    #[test]
    fn a_network_of_two_addresses_has_no_broadcast_address() {
        let broadcast = |word: &str| word.parse::<IfAddr>().unwrap().broadcast().map(|b| b.to_string());
        assert_eq!(broadcast("10.1.2.3/0").as_deref(), Some("255.255.255.255"));
        assert_eq!(broadcast("10.1.2.3/30").as_deref(), Some("10.1.2.3"));
        assert_eq!(broadcast("10.1.2.2/31"), None);
        assert_eq!(broadcast("fe80::1/64"), None);
    }

    proptest! {
        #[test]
        fn every_address_reads_as_it_was_printed(address: IpAddr, len in 0u8..=128) {
            if let Ok(address) = IfAddr::new(address, len) {
                prop_assert_eq!(address.to_string().parse(), Ok(address));
            }
        }
    }
}

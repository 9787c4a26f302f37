use crate::units::ParseError;
use std::fmt::{self, Debug, Display, Formatter};
use std::str::FromStr;

/// A link-layer address of up to 32 bytes: a MAC address on Ethernet, an IP address on some tunnels.
///
/// Prints and parses as `ip` does: `02:00:00:00:00:0a`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[doc(alias = "MAX_ADDR_LEN")]
pub struct HardwareAddress {
    /// Zero behind the end.
    bytes: [u8; 32],
    len: u8,
}

impl HardwareAddress {
    /// The address in these bytes; none if they are more than 32.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut address = HardwareAddress { bytes: [0; 32], len: u8::try_from(bytes.len()).ok()? };
        address.bytes.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(address)
    }

    /// The address as it stands in messages.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len.into()).unwrap_or_default()
    }
}

/// A MAC address.
impl From<[u8; 6]> for HardwareAddress {
    fn from(mac: [u8; 6]) -> Self {
        let mut bytes = [0; 32];
        bytes[..6].copy_from_slice(&mac);
        HardwareAddress { bytes, len: 6 }
    }
}

impl FromStr for HardwareAddress {
    type Err = ParseError;

    fn from_str(word: &str) -> Result<Self, ParseError> {
        let byte = |part: &str| match part.len() {
            1 | 2 if part.bytes().all(|b| b.is_ascii_hexdigit()) => u8::from_str_radix(part, 16).ok(),
            _ => None,
        };
        let bytes: Option<Vec<u8>> = word.split(':').map(byte).collect();
        bytes.and_then(|bytes| Self::from_bytes(&bytes)).ok_or_else(|| {
            ParseError::new(word, "a link-layer address: expected bytes such as 02:00:00:00:00:0a")
        })
    }
}

impl Display for HardwareAddress {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (i, byte) in self.as_bytes().iter().enumerate() {
            write!(f, "{}{byte:02x}", if i == 0 { "" } else { ":" })?;
        }
        Ok(())
    }
}

impl Debug for HardwareAddress {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "HardwareAddress({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_as_it_was_printed() {
        let mac: HardwareAddress = "2:00:00:00:00:0A".parse().unwrap();
        assert_eq!(mac, [2, 0, 0, 0, 0, 10].into());
        assert_eq!(mac.to_string(), "02:00:00:00:00:0a");
        assert_eq!(mac.to_string().parse(), Ok(mac));
    }

    #[test]
    fn what_is_no_address_is_an_error() {
        for word in ["", ":", "1:", "g", "+1:2", "100", "1:2:3:4:5:6:", &["1"; 33].join(":")] {
            assert!(word.parse::<HardwareAddress>().is_err(), "{word}");
        }
        assert!(HardwareAddress::from_bytes(&[1; 33]).is_none());
    }
}

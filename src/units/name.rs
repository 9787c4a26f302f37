use super::ParseError;
use std::{fmt, ops::Deref, str::FromStr};

/// The name of a network device or of a kind, at most 15 bytes, kept inline.
///
/// [`Name::new`] accepts what the kernel accepts for a device: 1 to 15 bytes, not `.` or `..`, no
/// `/`, no `:`, no white space (the byte 0xa0 counts as such, also inside a UTF-8 sequence, so that
/// `à` is refused). Control characters, which the kernel lets pass, are refused as well.
/// [`Name::from_bytes`] takes what the kernel reports as it is.
///
/// Source: `dev_valid_name` in the kernel's `net/core/dev.c`; `IFNAMSIZ` in `linux/if.h`.
///
/// ```
/// use tcnl::units::Name;
/// let name: Name = "eth0".parse()?;
/// assert_eq!(name, *"eth0");
/// assert!(name.starts_with("eth"));
/// assert!(Name::new("a-name-of-16-byt").is_err());
/// # Ok::<(), tcnl::units::ParseError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[doc(alias = "IFNAMSIZ")]
pub struct Name {
    /// UTF-8 without NUL, then at least one NUL up to the end.
    bytes: [u8; 16],
}

impl Name {
    /// The name, if it is one the kernel would accept for a device.
    pub fn new(name: &str) -> Result<Name, ParseError> {
        let refused = |b: u8| matches!(b, b'/' | b':' | b' ' | 0xa0) || b.is_ascii_control();
        Name::inline(name.as_bytes())
            .filter(|_| !matches!(name, "." | "..") && !name.bytes().any(refused))
            .ok_or_else(|| {
                ParseError::new(name, "a name: expected 1 to 15 bytes without '/', ':' and spaces")
            })
    }

    /// The name in an attribute from the kernel: up to the first NUL or the end. None if that is
    /// empty, longer than 15 bytes or not UTF-8.
    #[inline]
    pub fn from_bytes(bytes: &[u8]) -> Option<Name> {
        let mut name = [0; 16];
        let (mut len, mut bits) = (0, 0);
        for (place, byte) in name.iter_mut().zip(bytes.iter().take_while(|byte| **byte != 0)) {
            *place = *byte;
            bits |= byte;
            len += 1;
        }
        let known =
            (1..16).contains(&len) && (bits.is_ascii() || std::str::from_utf8(name.get(..len)?).is_ok());
        known.then_some(Name { bytes: name })
    }

    /// The name as a string.
    pub fn as_str(&self) -> &str {
        let name = self.bytes.split(|&b| b == 0).next().unwrap_or_default();
        std::str::from_utf8(name).unwrap_or_default()
    }

    #[inline]
    fn inline(name: &[u8]) -> Option<Name> {
        let mut bytes = [0; 16];
        bytes[..15].get_mut(..name.len())?.copy_from_slice(name);
        (!name.is_empty()).then_some(Name { bytes })
    }
}

impl FromStr for Name {
    type Err = ParseError;

    fn from_str(word: &str) -> Result<Self, ParseError> {
        Name::new(word)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Name").field(&self.as_str()).finish()
    }
}

/// A word of a command: in quotes where a shell would read it otherwise.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.,:/@%+=".contains(&b);
    match !word.is_empty() && word.bytes().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

/// A constant is compared in one step: its bytes are filled up when the program is compiled.
impl PartialEq<str> for Name {
    #[inline]
    fn eq(&self, other: &str) -> bool {
        Name::inline(other.as_bytes()) == Some(*self)
    }
}

impl PartialEq<&str> for Name {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_is_what_the_kernel_accepts() {
        for name in ["lo", "eth0", "a", "fifteen-bytes-x", "eth0.100", "veth@x", "...", "ü", "wan%d"] {
            assert_eq!(Name::new(name).unwrap(), name);
        }
        for name in [
            "",
            ".",
            "..",
            "a/b",
            "eth0:1",
            "a b",
            "a\tb",
            "a\nb",
            "a\0b",
            "a\u{b}b",
            "à",
            "sixteen-bytes-xx",
        ] {
            assert_eq!(Name::new(name).map_err(|e| e.word().to_owned()), Err(name.to_owned()));
        }
    }

    #[test]
    fn a_name_from_the_kernel_ends_at_the_nul() {
        assert_eq!(Name::from_bytes(b"eth0\0").unwrap(), "eth0");
        assert_eq!(Name::from_bytes(b"eth0").unwrap(), "eth0");
        assert_eq!(Name::from_bytes(b"a:b\0junk\xff").unwrap(), "a:b");
        assert_eq!(Name::from_bytes(b"fifteen-bytes-x\0").unwrap(), "fifteen-bytes-x");
        for bytes in [&b""[..], b"\0", b"\xff\0", b"sixteen-bytes-xx\0"] {
            assert_eq!(Name::from_bytes(bytes), None);
        }
    }

    #[test]
    fn a_name_behaves_like_its_string() {
        let name = Name::new("eth1").unwrap();
        assert_eq!(name.as_ref() as &str, "eth1");
        assert_eq!(format!("{name} {name:?} {name:>6}"), "eth1 Name(\"eth1\")   eth1");
        assert!(name < Name::new("eth10").unwrap());
    }

    proptest! {
        #[test]
        fn every_name_reads_as_it_was_printed(name in "[!-.0-9;-~]{3,15}") {
            prop_assert_eq!(Name::new(&name).unwrap().to_string().parse(), Name::new(&name));
        }

        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, word in ".*") {
            let _ = (Name::from_bytes(&bytes).map(|name| name.len()), Name::new(&word));
        }
    }
}

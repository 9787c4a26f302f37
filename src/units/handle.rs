use super::ParseError;
use std::{fmt, str::FromStr};

/// The 32-bit id of a qdisc or a class: 16 bits major, 16 bits minor.
///
/// A qdisc is `major:0`, its classes `major:minor`. Text is hexadecimal: `1:`, `1:10`, `:10` for
/// major 0, `root`, `none`, and a bare number that is all 32 bits (`10001` is `1:1`). Where a *qdisc's*
/// handle is asked for, a bare number is its major: see [`Handle::parse_qdisc`].
///
/// Source: tc(8), HANDLES; `TC_H_*` in `linux/pkt_sched.h`.
///
/// ```
/// use tcnl::units::Handle;
/// assert_eq!("1:10".parse(), Ok(Handle::new(1, 0x10)));
/// assert_eq!(Handle::qdisc(0xffff).to_string(), "ffff:");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Handle(u32);

impl Handle {
    /// No handle: the kernel chooses one, or any matches. Prints as `none`.
    #[doc(alias = "TC_H_UNSPEC")]
    pub const UNSPEC: Handle = Handle(0);
    /// As a parent: the device's egress root.
    #[doc(alias = "TC_H_ROOT")]
    pub const ROOT: Handle = Handle(0xffff_ffff);
    /// As a parent: the device's ingress, for an `ingress` or a `clsact` qdisc.
    #[doc(alias = "TC_H_INGRESS")]
    #[doc(alias = "TC_H_CLSACT")]
    pub const INGRESS: Handle = Handle(0xffff_fff1);
    /// As a filter's parent: `clsact`'s ingress hook.
    #[doc(alias = "TC_H_MIN_INGRESS")]
    pub const MIN_INGRESS: Handle = Handle(0xffff_fff2);
    /// As a filter's parent: `clsact`'s egress hook.
    #[doc(alias = "TC_H_MIN_EGRESS")]
    pub const MIN_EGRESS: Handle = Handle(0xffff_fff3);

    /// The class `major:minor`.
    pub const fn new(major: u16, minor: u16) -> Handle {
        Handle(((major as u32) << 16) | minor as u32)
    }

    /// The qdisc `major:`.
    pub const fn qdisc(major: u16) -> Handle {
        Handle::new(major, 0)
    }

    /// The handle from the kernel's 32 bits.
    pub const fn from_raw(raw: u32) -> Handle {
        Handle(raw)
    }

    /// The kernel's 32 bits.
    pub const fn raw(self) -> u32 {
        self.0
    }

    /// The upper half, which names the qdisc.
    pub const fn major(self) -> u16 {
        (self.0 >> 16) as u16
    }

    /// The lower half, which names a class of the qdisc.
    pub const fn minor(self) -> u16 {
        self.0 as u16
    }

    /// Parses a qdisc's handle: `10:`, `10` and `0x10:` are all the qdisc `10:`; `none` is
    /// [`Handle::UNSPEC`].
    ///
    /// What follows the colon must be a minor and is dropped, because a qdisc has none. `tc` drops
    /// anything there, `10:zz` included; that is refused here.
    pub fn parse_qdisc(word: &str) -> Result<Handle, ParseError> {
        if word == "none" {
            return Ok(Handle::UNSPEC);
        }
        let (major, minor) = word.split_once(':').unwrap_or((word, ""));
        match (half(major), minor.is_empty() || half(minor).is_some()) {
            (Some(major), true) => Ok(Handle::qdisc(major)),
            _ => Err(ParseError::new(word, "a qdisc's handle: expected hexadecimal such as 1: or ffff:")),
        }
    }
}

impl FromStr for Handle {
    type Err = ParseError;

    fn from_str(word: &str) -> Result<Self, ParseError> {
        let part = |digits: &str| {
            if digits.is_empty() {
                Some(0)
            } else {
                half(digits)
            }
        };
        let parsed = match (word, word.split_once(':')) {
            ("root", _) => Some(Handle::ROOT),
            ("none", _) => Some(Handle::UNSPEC),
            (_, Some((major, minor))) => {
                part(major).zip(part(minor)).map(|(major, minor)| Handle::new(major, minor))
            }
            (_, None) => hex(word).map(Handle),
        };
        parsed
            .ok_or_else(|| ParseError::new(word, "a class id: expected hexadecimal such as 1:10, 1: or root"))
    }
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (*self, self.major(), self.minor()) {
            (Handle::ROOT, ..) => f.write_str("root"),
            (Handle::UNSPEC, ..) => f.write_str("none"),
            (_, 0, minor) => write!(f, ":{minor:x}"),
            (_, major, 0) => write!(f, "{major:x}:"),
            (_, major, minor) => write!(f, "{major:x}:{minor:x}"),
        }
    }
}

/// 32 bits in hexadecimal, with or without `0x`.
fn hex(digits: &str) -> Option<u32> {
    let digits = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")).unwrap_or(digits);
    // from_str_radix takes a sign; a handle has none.
    digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok())?
}

/// 16 bits in hexadecimal, with or without `0x`.
fn half(digits: &str) -> Option<u16> {
    hex(digits).and_then(|value| u16::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn class_ids_read_as_tc_reads_them() {
        for (word, raw) in [
            ("root", 0xffff_ffff),
            ("none", 0),
            (":", 0),
            ("1:", 0x0001_0000),
            ("1:10", 0x0001_0010),
            (":10", 0x10),
            ("10", 0x10),
            ("0x10001", 0x0001_0001),
            ("ffff:fff2", 0xffff_fff2),
            ("FFFF:FFFF", 0xffff_ffff),
            ("1:0x10", 0x0001_0010),
            ("00001:00010", 0x0001_0010),
        ] {
            assert_eq!(word.parse(), Ok(Handle(raw)), "{word}");
        }
        for word in
            ["", "ROOT", "1:10000", "10000:1", "1:g", "g:1", "1:1:1", "+1:", "1:-1", "0x", "1::", "100000000"]
        {
            assert_eq!(word.parse::<Handle>().map_err(|e| e.word().to_owned()), Err(word.to_owned()));
        }
    }

    #[test]
    fn a_qdiscs_bare_number_is_its_major() {
        for (word, raw) in [
            ("none", 0),
            ("10", 0x10_0000),
            ("10:", 0x10_0000),
            ("0x10:", 0x10_0000),
            ("10:5", 0x10_0000),
            ("ffff:", 0xffff_0000),
        ] {
            assert_eq!(Handle::parse_qdisc(word), Ok(Handle(raw)), "{word}");
        }
        for word in ["", ":", ":10", "fffff:", "10x", "10:zz", "root", "-1:"] {
            assert_eq!(Handle::parse_qdisc(word).map_err(|e| e.word().to_owned()), Err(word.to_owned()));
        }
    }

    #[test]
    fn handles_print_as_tc_prints_them() {
        for (handle, text) in [
            (Handle::UNSPEC, "none"),
            (Handle::ROOT, "root"),
            (Handle::INGRESS, "ffff:fff1"),
            (Handle::MIN_INGRESS, "ffff:fff2"),
            (Handle::MIN_EGRESS, "ffff:fff3"),
            (Handle::qdisc(1), "1:"),
            (Handle::new(1, 0x10), "1:10"),
            (Handle::new(0, 0x10), ":10"),
        ] {
            assert_eq!(handle.to_string(), text);
        }
        assert_eq!(
            (Handle::new(0xabcd, 0x1234).major(), Handle::new(0xabcd, 0x1234).minor()),
            (0xabcd, 0x1234)
        );
    }

    proptest! {
        #[test]
        fn every_handle_reads_as_it_was_printed(raw: u32, major: u16) {
            prop_assert_eq!(Handle(raw).to_string().parse(), Ok(Handle(raw)));
            let qdisc = Handle::qdisc(major);
            if qdisc != Handle::UNSPEC {
                prop_assert_eq!(Handle::parse_qdisc(&qdisc.to_string()), Ok(qdisc));
            }
        }

        #[test]
        fn no_word_panics(word in ".*") {
            let _ = (word.parse::<Handle>(), Handle::parse_qdisc(&word));
        }
    }
}

use super::{
    number::{unit, Number},
    ParseError,
};
use std::{fmt, str::FromStr};

/// An amount of data in bytes: a burst, a limit, a quantum.
///
/// A bare number is bytes. `k`/`kb`, `m`/`mb`, `g`/`gb` are powers of **1024**, and so are `kbit`,
/// `mbit`, `gbit`, which count bits: `32kbit` is 4096 bytes. (As a [`Rate`](super::Rate), `kbit` is
/// 1000 bits.) Case does not matter; decimals are accepted and what is left of a byte is dropped.
///
/// Most attributes hold 32 bits; this type holds 64, so that computing does not wrap. Whoever writes
/// one into a message says what happens above [`u32::MAX`].
///
/// Source: tc(8), PARAMETERS, SIZES.
///
/// ```
/// use tcnl::units::Size;
/// assert_eq!("1.5k".parse(), Ok(Size::bytes(1536)));
/// assert_eq!(Size::kib(15).to_string(), "15Kb");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Size(pub u64);

impl Size {
    /// Bytes.
    pub const fn bytes(n: u64) -> Size {
        Size(n)
    }

    /// Units of 1024 bytes; saturates.
    pub const fn kib(n: u64) -> Size {
        Size(n.saturating_mul(1 << 10))
    }

    /// Units of 1024 × 1024 bytes; saturates.
    pub const fn mib(n: u64) -> Size {
        Size(n.saturating_mul(1 << 20))
    }

    /// The size in bytes.
    pub const fn as_bytes(self) -> u64 {
        self.0
    }
}

/// Units of text and the bytes in one.
const UNITS: [(&str, u64); 11] = [
    ("", 1),
    ("b", 1),
    ("k", 1 << 10),
    ("kb", 1 << 10),
    ("m", 1 << 20),
    ("mb", 1 << 20),
    ("g", 1 << 30),
    ("gb", 1 << 30),
    ("kbit", (1 << 10) / 8),
    ("mbit", (1 << 20) / 8),
    ("gbit", (1 << 30) / 8),
];

impl FromStr for Size {
    type Err = ParseError;

    fn from_str(word: &str) -> Result<Self, ParseError> {
        Number::split(word)
            .and_then(|(number, name)| number.scale(unit(&UNITS, name)?, 1))
            .and_then(|bytes| u64::try_from(bytes).ok())
            .map(Size)
            .ok_or_else(|| {
                ParseError::new(word, "a size: expected a number of bytes such as 1500, 32kb or 1mb")
            })
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            n if n > 0 && n % (1 << 20) == 0 => write!(f, "{}Mb", n >> 20),
            n if n > 0 && n % (1 << 10) == 0 => write!(f, "{}Kb", n >> 10),
            n => write!(f, "{n}b"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sizes_read_as_tc_reads_them() {
        // What tc 6.1 sends as the limit of a pfifo.
        for (word, bytes) in [
            ("1600", 1600),
            ("1b", 1),
            ("1.5kb", 1536),
            ("15k", 15_360),
            ("15KB", 15_360),
            ("1MB", 1 << 20),
            ("10mb", 10 << 20),
            ("1g", 1 << 30),
            ("1gb", 1 << 30),
            ("1kbit", 128),
            ("32kbit", 4096),
            ("1mbit", 131_072),
            ("1gbit", 134_217_728),
            ("0x10", 16),
            ("0.9b", 0),
            ("1e3", 1000),
            // More than the attribute holds: tc refuses it.
            ("18446744073709551615", u64::MAX),
        ] {
            assert_eq!(word.parse(), Ok(Size(bytes)), "{word}");
        }
    }

    #[test]
    fn what_is_not_a_size_is_refused() {
        for word in ["", "k", "1kib", "1kbps", "100p", "-1", "1k/8", "1 k", "18446744073709551616", "1e30gb"]
        {
            assert_eq!(word.parse::<Size>().map_err(|e| e.word().to_owned()), Err(word.to_owned()));
        }
    }

    #[test]
    fn sizes_print_as_tc_prints_them_unless_that_would_round() {
        for (size, text) in [
            (Size(0), "0b"),
            (Size(1600), "1600b"),
            (Size::kib(1), "1Kb"),
            (Size::kib(15), "15Kb"),
            (Size::mib(1), "1Mb"),
            (Size::mib(2048), "2048Mb"),
            (Size(1_048_000), "1048000b"),
            // tc: 1Kb
            (Size(1030), "1030b"),
        ] {
            assert_eq!(size.to_string(), text);
        }
        assert_eq!(Size::mib(u64::MAX).as_bytes(), u64::MAX);
    }

    proptest! {
        #[test]
        fn every_size_reads_as_it_was_printed(bytes: u64) {
            prop_assert_eq!(Size(bytes).to_string().parse(), Ok(Size(bytes)));
        }

        #[test]
        fn round_sizes_read_as_they_were_printed(n in 0u64..100_000) {
            for size in [Size::bytes(n), Size::kib(n), Size::mib(n)] {
                prop_assert_eq!(size.to_string().parse(), Ok(size));
            }
        }

        #[test]
        fn no_word_panics(word in ".*") {
            let _ = word.parse::<Size>();
        }
    }
}

use super::{
    number::{unit, Number},
    ParseError, Percent,
};
use std::{fmt, str::FromStr};

/// A data rate, in whole bytes per second as the kernel keeps it.
///
/// Text is in *bits* per second: `10mbit` is ten million bits per second, and so is a bare
/// `10000000`. Units ending in `bps` are **bytes** per second. `k`, `m`, `g`, `t` are powers of
/// 1000, `ki`, `mi`, `gi`, `ti` of 1024; case does not matter. Decimals are accepted, and what is
/// left of a byte is dropped: `7bit` is zero. Unlike `tc`, a negative rate and a rate beyond 64 bits
/// are refused.
///
/// Source: tc(8), PARAMETERS, RATES.
///
/// ```
/// use tcnl::units::Rate;
/// assert_eq!("1.5mbit".parse(), Ok(Rate::kbit(1500)));
/// assert_eq!("125kbps".parse(), Ok(Rate::mbit(1)));
/// assert_eq!(Rate::kbit(1500).to_string(), "1500Kbit");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Rate {
    bytes_per_second: u64,
}

impl Rate {
    /// No bytes at all.
    pub const ZERO: Rate = Rate::bytes_per_second(0);

    /// Bits per second, rounded down to whole bytes.
    pub const fn bit(n: u64) -> Rate {
        Rate::bytes_per_second(n / 8)
    }

    /// Thousands of bits per second; saturates.
    pub const fn kbit(n: u64) -> Rate {
        Rate::bytes_per_second(n.saturating_mul(125))
    }

    /// Millions of bits per second; saturates.
    pub const fn mbit(n: u64) -> Rate {
        Rate::bytes_per_second(n.saturating_mul(125_000))
    }

    /// Thousands of millions of bits per second; saturates.
    pub const fn gbit(n: u64) -> Rate {
        Rate::bytes_per_second(n.saturating_mul(125_000_000))
    }

    /// Millions of millions of bits per second; saturates.
    pub const fn tbit(n: u64) -> Rate {
        Rate::bytes_per_second(n.saturating_mul(125_000_000_000))
    }

    /// Bytes per second.
    pub const fn bytes_per_second(n: u64) -> Rate {
        Rate { bytes_per_second: n }
    }

    /// The rate in bytes per second.
    pub const fn as_bytes_per_second(self) -> u64 {
        self.bytes_per_second
    }

    /// The rate in bits per second; saturates above 2^61 bytes per second.
    pub const fn as_bits_per_second(self) -> u64 {
        self.bytes_per_second.saturating_mul(8)
    }

    /// Whether the rate is zero.
    pub const fn is_zero(self) -> bool {
        self.bytes_per_second == 0
    }

    /// That share of the rate, rounded down to whole bytes: what `tc` makes of `rate 30%` on a
    /// device of this speed.
    pub fn of_percent(self, percent: Percent) -> Rate {
        // The percentage as it would be typed, not its 32-bit image: 33 % of 1 Gbit/s is 330 Mbit/s.
        let (numerator, denominator) = percent.as_ratio();
        let share = u128::from(self.bytes_per_second) * u128::from(numerator) / u128::from(denominator);
        Rate::bytes_per_second(u64::try_from(share).unwrap_or(u64::MAX))
    }
}

/// Units of text and the bits in one.
const UNITS: [(&str, u64); 19] = [
    ("", 1),
    ("bit", 1),
    ("kbit", 1000),
    ("mbit", 1_000_000),
    ("gbit", 1_000_000_000),
    ("tbit", 1_000_000_000_000),
    ("kibit", 1 << 10),
    ("mibit", 1 << 20),
    ("gibit", 1 << 30),
    ("tibit", 1 << 40),
    ("bps", 8),
    ("kbps", 8_000),
    ("mbps", 8_000_000),
    ("gbps", 8_000_000_000),
    ("tbps", 8_000_000_000_000),
    ("kibps", 8 << 10),
    ("mibps", 8 << 20),
    ("gibps", 8 << 30),
    ("tibps", 8 << 40),
];

impl FromStr for Rate {
    type Err = ParseError;

    fn from_str(word: &str) -> Result<Self, ParseError> {
        Number::split(word)
            .and_then(|(number, name)| number.scale(unit(&UNITS, name)?, 8))
            .and_then(|bytes| u64::try_from(bytes).ok())
            .map(Rate::bytes_per_second)
            .ok_or_else(|| {
                ParseError::new(word, "a rate: expected a number with a unit such as 10mbit or 1500kbps")
            })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bits = u128::from(self.bytes_per_second) * 8;
        let mut prefix = "";
        for larger in ["K", "M", "G", "T"] {
            if bits == 0 || bits % 1000 != 0 {
                break;
            }
            bits /= 1000;
            prefix = larger;
        }
        write!(f, "{bits}{prefix}bit")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rates_read_as_tc_reads_them() {
        // What tc 6.1 sends as the rate of an HTB class.
        for (word, bytes) in [
            ("8bit", 1),
            ("8", 1),
            ("7bit", 0),
            ("1kbit", 125),
            ("1bps", 1),
            ("1KIBPS", 1024),
            ("125kbps", 125_000),
            ("1MBps", 1_000_000),
            ("1gbps", 1_000_000_000),
            ("1tbps", 1_000_000_000_000),
            ("1gibit", 134_217_728),
            ("1tibit", 137_438_953_472),
            ("1mibps", 1 << 20),
            ("1gibps", 1 << 30),
            ("1tibps", 1 << 40),
            ("1kibit", 128),
            ("1mibit", 131_072),
            ("1.5mbit", 187_500),
            ("0.29mbit", 36_250),
            (".5mbit", 62_500),
            ("+5mbit", 625_000),
            ("5.", 0),
            ("1e3kbit", 125_000),
            ("0x10kbit", 2_000),
            ("34359738368bit", 4_294_967_296),
            // More than a double holds: tc sends 0.
            ("18446744073709551615bps", u64::MAX),
        ] {
            assert_eq!(word.parse(), Ok(Rate::bytes_per_second(bytes)), "{word}");
        }
    }

    #[test]
    fn what_is_not_a_rate_is_refused() {
        for word in [
            "",
            "mbit",
            "10foo",
            "10 mbit",
            "1kb",
            "50%",
            "-1mbit",
            "nan",
            "inf",
            "18446744073709551616bps",
            "1e30",
        ] {
            assert_eq!(word.parse::<Rate>().map_err(|e| e.word().to_owned()), Err(word.to_owned()));
        }
    }

    #[test]
    fn rates_print_as_tc_prints_them_unless_that_would_round() {
        for (rate, text) in [
            (Rate::ZERO, "0bit"),
            (Rate::bit(8), "8bit"),
            (Rate::bit(8192), "8192bit"),
            (Rate::kbit(1), "1Kbit"),
            (Rate::kbit(1500), "1500Kbit"),
            (Rate::mbit(1500), "1500Mbit"),
            (Rate::gbit(1), "1Gbit"),
            (Rate::tbit(1), "1Tbit"),
            (Rate::tbit(5000), "5000Tbit"),
            // tc: 12345Kbit
            (Rate::bit(12_345_678), "12345672bit"),
        ] {
            assert_eq!(rate.to_string(), text);
        }
    }

    #[test]
    fn constructors_round_down_and_saturate() {
        assert_eq!(Rate::bit(15), Rate::bytes_per_second(1));
        assert_eq!(Rate::tbit(u64::MAX).as_bytes_per_second(), u64::MAX);
        assert_eq!(Rate::bytes_per_second(u64::MAX).as_bits_per_second(), u64::MAX);
        assert_eq!(Rate::mbit(1).as_bits_per_second(), 1_000_000);
        assert!(Rate::default().is_zero());
    }

    #[test]
    fn a_percentage_of_a_rate_is_the_share_that_was_typed() {
        for (percent, share) in [
            ("100%", Rate::gbit(1)),
            ("50%", Rate::mbit(500)),
            ("33%", Rate::mbit(330)),
            ("99.5%", Rate::mbit(995)),
            ("0.01%", Rate::kbit(100)),
            ("0%", Rate::ZERO),
        ] {
            assert_eq!(Rate::gbit(1).of_percent(percent.parse().unwrap()), share, "{percent}");
        }
        let most = Rate::bytes_per_second(u64::MAX);
        assert_eq!(most.of_percent(Percent::from_raw(u32::MAX)), most);
    }

    proptest! {
        #[test]
        fn every_rate_reads_as_it_was_printed(bytes: u64) {
            let rate = Rate::bytes_per_second(bytes);
            prop_assert_eq!(rate.to_string().parse(), Ok(rate));
        }

        #[test]
        fn round_rates_read_as_they_were_printed(n in 0u64..100_000, unit in 0usize..19) {
            let rate: Rate = format!("{n}{}", UNITS[unit].0).parse().unwrap();
            prop_assert_eq!(rate.to_string().parse(), Ok(rate));
        }

        #[test]
        fn no_word_panics(word in ".*") {
            let _ = word.parse::<Rate>();
        }
    }
}

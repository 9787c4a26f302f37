use super::{
    number::{self, unit, Number},
    ParseError,
};
use std::{fmt, str::FromStr, time::Duration};

/// A length of time in microseconds, 32 bits: up to 4294.967295 s.
///
/// Units: `s`/`sec`/`secs`, `ms`/`msec`/`msecs`, `us`/`usec`/`usecs`; a bare number is microseconds.
/// Case does not matter; decimals are accepted and what is left of a microsecond is dropped. A time
/// that does not fit is refused (`tc` wraps it).
///
/// Source: tc(8), PARAMETERS, TIMES.
///
/// ```
/// use tcnl::units::Micros;
/// assert_eq!("1.5s".parse(), Ok(Micros::millis(1500)));
/// assert_eq!("5000".parse(), Ok(Micros::millis(5)));
/// assert_eq!(Micros::millis(1500).to_string(), "1.5s");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Micros(pub u32);

impl Micros {
    /// Milliseconds; saturates.
    pub const fn millis(n: u32) -> Micros {
        Micros(n.saturating_mul(1_000))
    }

    /// Seconds; saturates.
    pub const fn secs(n: u32) -> Micros {
        Micros(n.saturating_mul(1_000_000))
    }

    /// The whole microseconds in `duration`; saturates.
    pub fn from_std(duration: Duration) -> Micros {
        Micros(u32::try_from(duration.as_micros()).unwrap_or(u32::MAX))
    }

    /// The time in microseconds.
    pub const fn as_micros(self) -> u32 {
        self.0
    }

    /// The same length of time for the standard library.
    pub const fn as_duration(self) -> Duration {
        Duration::from_micros(self.0 as u64)
    }
}

/// A length of time in nanoseconds, 64 bits and signed as the kernel's `s64` attributes are.
///
/// Units as for [`Micros`], and `ns`/`nsec`/`nsecs`; a bare number is **nanoseconds**, because that
/// is what `tc` takes for its 64-bit times. (netem's `slot 100` is 100 ns; its `delay 100` is not one
/// of them and is 100 µs.) A time that does not fit is refused.
///
/// Source: iproute2 `lib/utils.c`, `get_time64`; used by netem slots, etf and taprio.
///
/// ```
/// use tcnl::units::Nanos;
/// assert_eq!("1.5us".parse(), Ok(Nanos(1500)));
/// assert_eq!("300".parse(), Ok(Nanos(300)));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Nanos(pub i64);

impl Nanos {
    /// Microseconds; saturates.
    pub const fn micros(n: i64) -> Nanos {
        Nanos(n.saturating_mul(1_000))
    }

    /// Milliseconds; saturates.
    pub const fn millis(n: i64) -> Nanos {
        Nanos(n.saturating_mul(1_000_000))
    }

    /// Seconds; saturates.
    pub const fn secs(n: i64) -> Nanos {
        Nanos(n.saturating_mul(1_000_000_000))
    }

    /// The nanoseconds in `duration`; saturates at about 292 years.
    pub fn from_std(duration: Duration) -> Nanos {
        Nanos(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX))
    }

    /// The time in nanoseconds.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// The same length of time for the standard library; zero if it is negative.
    pub const fn as_duration(self) -> Duration {
        Duration::from_nanos(if self.0 < 0 { 0 } else { self.0 as u64 })
    }
}

impl From<Micros> for Duration {
    fn from(time: Micros) -> Duration {
        time.as_duration()
    }
}

impl From<Micros> for Nanos {
    fn from(time: Micros) -> Nanos {
        Nanos::micros(i64::from(time.0))
    }
}

/// A length of time in the packet scheduler's ticks.
///
/// How long a tick is, [`Clock`](crate::clock::Clock) knows: 64 ns on every current kernel. Only a
/// clock can turn ticks into a time or, with a rate, into a size, which is how `tc` shows them; the
/// text of a bare `Ticks` is its number.
///
/// Source: `PSCHED_SHIFT` in the kernel's `include/net/pkt_sched.h`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticks(pub u32);

impl Ticks {
    /// The number of ticks.
    pub const fn as_ticks(self) -> u32 {
        self.0
    }
}

/// Units of text and the nanoseconds in one.
const UNITS: [(&str, u64); 12] = [
    ("s", 1_000_000_000),
    ("sec", 1_000_000_000),
    ("secs", 1_000_000_000),
    ("ms", 1_000_000),
    ("msec", 1_000_000),
    ("msecs", 1_000_000),
    ("us", 1_000),
    ("usec", 1_000),
    ("usecs", 1_000),
    ("ns", 1),
    ("nsec", 1),
    ("nsecs", 1),
];

/// Parses a time into multiples of `resolution` nanoseconds, which is also the bare unit.
fn parse(word: &str, resolution: u64) -> Option<i128> {
    let (number, name) = Number::split(word)?;
    let nanos = if name.is_empty() { resolution } else { unit(&UNITS, name)? };
    // Units finer than the resolution are not words of that type.
    number.scale(nanos.checked_div(resolution).filter(|&mul| mul > 0)?, 1)
}

/// Prints `value` as tc does, in the largest of `units` (with how many of the smallest each holds,
/// falling, the last 1) that shows it exactly with at most three digits or as a whole number.
fn print(f: &mut fmt::Formatter<'_>, value: u64, units: &[(u64, &str)]) -> fmt::Result {
    for &(unit, name) in units.iter().filter(|(unit, _)| value >= *unit) {
        if value.is_multiple_of(unit) {
            return write!(f, "{}{name}", value / unit);
        }
        let places = match value / unit {
            0..10 => 2,
            10..100 => 1,
            _ => continue,
        };
        let ten = 10u64.pow(places);
        let shown = value / (unit / ten);
        let exact = value.is_multiple_of(unit / ten);
        // Decimals are read in floating point: 4.35s must not come back as 4349999us.
        if exact && (shown as f64 / ten as f64 * unit as f64) as u64 == value {
            let places = if shown.is_multiple_of(10) { 1 } else { places as usize };
            return write!(f, "{:.places$}{name}", shown as f64 / ten as f64);
        }
    }
    write!(f, "{value}{}", units.last().map_or("", |(_, name)| name))
}

impl FromStr for Micros {
    type Err = ParseError;

    fn from_str(word: &str) -> Result<Self, ParseError> {
        parse(word, 1_000).and_then(|n| u32::try_from(n).ok()).map(Micros).ok_or_else(|| {
            ParseError::new(word, "a time: expected a number with a unit such as 100ms, 1.5s or 500us")
        })
    }
}

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(f, u64::from(self.0), &[(1_000_000, "s"), (1_000, "ms"), (1, "us")])
    }
}

impl FromStr for Nanos {
    type Err = ParseError;

    fn from_str(word: &str) -> Result<Self, ParseError> {
        parse(word, 1).and_then(|n| i64::try_from(n).ok()).map(Nanos).ok_or_else(|| {
            ParseError::new(word, "a time: expected a number with a unit such as 100ms, 500us or 300ns")
        })
    }
}

impl fmt::Display for Nanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match u64::try_from(self.0) {
            Ok(nanos) => {
                print(f, nanos, &[(1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us"), (1, "ns")])
            }
            Err(_) => write!(f, "{}ns", self.0),
        }
    }
}

impl FromStr for Ticks {
    type Err = ParseError;

    fn from_str(word: &str) -> Result<Self, ParseError> {
        number::unsigned(word)
            .map(Ticks)
            .ok_or_else(|| ParseError::new(word, "a number of ticks: expected a number such as 200000"))
    }
}

impl fmt::Display for Ticks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_read_as_tc_reads_them() {
        // What tc 6.1 sends, in ticks, as the delay of a netem, and below in ns as its slot.
        for (word, micros) in [
            ("400ms", 400_000),
            ("1.5s", 1_500_000),
            ("1.23secs", 1_230_000),
            ("2sec", 2_000_000),
            ("1234567", 1_234_567),
            ("50MSEC", 50_000),
            ("50msecs", 50_000),
            ("5us", 5),
            ("5usec", 5),
            ("5usecs", 5),
            ("0.9us", 0),
            ("4294967295us", u32::MAX),
        ] {
            assert_eq!(word.parse(), Ok(Micros(micros)), "{word}");
        }
        for (word, nanos) in [
            ("300", 300),
            ("300ns", 300),
            ("-5ns", -5),
            ("1.5us", 1_500),
            ("2MS", 2_000_000),
            ("1s", 1_000_000_000),
        ] {
            assert_eq!(word.parse(), Ok(Nanos(nanos)), "{word}");
        }
    }

    #[test]
    fn what_is_not_a_time_is_refused() {
        for word in ["", "s", "5ns", "5min", "-1", "4294967296", "4294.967296s", "999999999999", "nan"] {
            assert_eq!(word.parse::<Micros>().map_err(|e| e.word().to_owned()), Err(word.to_owned()));
        }
        for word in ["", "ns", "5h", "9223372036854775808", "1e300s"] {
            assert_eq!(word.parse::<Nanos>().map_err(|e| e.word().to_owned()), Err(word.to_owned()));
        }
    }

    #[test]
    fn times_print_as_tc_prints_them_unless_that_would_round() {
        for (micros, text) in [
            (0, "0us"),
            (999, "999us"),
            (1_000, "1ms"),
            (1_500, "1.5ms"),
            (1_230, "1.23ms"),
            (12_300, "12.3ms"),
            (400_000, "400ms"),
            (1_500_000, "1.5s"),
            // tc: 1.23s
            (1_234_567, "1234567us"),
            // tc: 12.3ms
            (12_340, "12340us"),
            // tc: 1.23s
            (1_234_000, "1234ms"),
            // tc: 3.6e+03s
            (3_600_000_000, "3600s"),
        ] {
            assert_eq!(Micros(micros).to_string(), text);
        }
        for (nanos, text) in [
            (0, "0ns"),
            (-1_500, "-1500ns"),
            (1_500, "1.5us"),
            (2_000_000_000, "2s"),
            (1_234_567, "1234567ns"),
        ] {
            assert_eq!(Nanos(nanos).to_string(), text);
        }
    }

    #[test]
    fn durations_convert_and_saturate() {
        assert_eq!(Micros::from_std(Duration::from_millis(5)), Micros::millis(5));
        assert_eq!(Micros::from_std(Duration::MAX), Micros(u32::MAX));
        assert_eq!(Duration::from(Micros::secs(2)), Duration::from_secs(2));
        assert_eq!(Micros::secs(u32::MAX), Micros(u32::MAX));
        assert_eq!(Nanos::from_std(Duration::MAX), Nanos(i64::MAX));
        assert_eq!(Nanos::from(Micros::millis(1)), Nanos::millis(1));
        assert_eq!(Nanos(-1).as_duration(), Duration::ZERO);
        assert_eq!(Nanos::secs(3).as_duration(), Duration::from_secs(3));
    }

    #[test]
    fn every_time_of_three_digits_reads_as_it_was_printed() {
        for shown in 1..1000 {
            for unit in [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000] {
                let micros = Micros(shown * unit);
                assert_eq!(micros.to_string().parse(), Ok(micros));
                let nanos = Nanos::micros(i64::from(micros.0));
                assert_eq!(nanos.to_string().parse(), Ok(nanos));
            }
        }
    }

    proptest! {
        #[test]
        fn every_time_reads_as_it_was_printed(micros: u32, nanos: i64, ticks: u32) {
            prop_assert_eq!(Micros(micros).to_string().parse(), Ok(Micros(micros)));
            prop_assert_eq!(Nanos(nanos).to_string().parse(), Ok(Nanos(nanos)));
            prop_assert_eq!(Ticks(ticks).to_string().parse(), Ok(Ticks(ticks)));
        }

        #[test]
        fn no_word_panics(word in ".*") {
            let _ = (word.parse::<Micros>(), word.parse::<Nanos>(), word.parse::<Ticks>());
        }
    }
}

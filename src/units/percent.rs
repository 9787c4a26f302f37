use super::{number::Number, ParseError};
use std::{fmt, str::FromStr};

/// A share from 0 to 100 %, held in 32 bits as netem's and sfq's attributes hold it.
///
/// Two scales are in use, which differ in the last bit, so there are two ways in and out:
///
/// - a *percentage* ([`Percent::new`], `FromStr`, `Display`): 100 % is [`u32::MAX`], rounded to
///   the nearest. `50%` and `50` are the same word. This is netem's loss, duplicate, and so on;
/// - a *fraction* ([`Percent::fraction`], [`Percent::as_fraction`]): 1.0 would be 2^32, cut off. This
///   is the `probability 0.02` of sfq and red.
///
/// Source: tc-netem(8), tc-red(8); `tc_red_qopt.max_P` and friends in `linux/pkt_sched.h`.
///
/// ```
/// use tcnl::units::Percent;
/// let half: Percent = "50%".parse()?;
/// assert_eq!(half.raw(), 0x8000_0000);
/// assert_eq!(half.to_string(), "50%");
/// assert_eq!(Percent::fraction(0.02).raw(), 85_899_345);
/// # Ok::<(), tcnl::units::ParseError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Percent(u32);

impl Percent {
    /// Nothing.
    pub const ZERO: Percent = Percent(0);
    /// Everything: 100 %.
    pub const FULL: Percent = Percent(u32::MAX);

    /// A percentage from 0 to 100; outside of it, the nearer end. Not a number is zero.
    pub fn new(percent: f64) -> Percent {
        // Divide first: that is the order in which tc rounds.
        Percent((percent / 100.0 * f64::from(u32::MAX)).round_ties_even() as u32)
    }

    /// A fraction from 0 to 1, on the 2^32 scale of `probability`; outside of it, the nearer end.
    /// Not a number is zero. 1 is held as [`u32::MAX`].
    pub fn fraction(fraction: f64) -> Percent {
        Percent((fraction * TWO_32) as u32)
    }

    /// The attribute's value as a share.
    pub const fn from_raw(raw: u32) -> Percent {
        Percent(raw)
    }

    /// The share as the attribute's value.
    pub const fn raw(self) -> u32 {
        self.0
    }

    /// The share from 0 to 100.
    pub fn as_percent(self) -> f64 {
        f64::from(self.0) / f64::from(u32::MAX) * 100.0
    }

    /// The share from 0 up to, not including, 1: the shortest decimal of which [`Percent::fraction`] makes it again.
    pub fn as_fraction(self) -> f64 {
        let exact = f64::from(self.0) / TWO_32;
        (0..10)
            .map(|places| 10f64.powi(places))
            // Rounded up, because reading cuts off.
            .map(|ten| (exact * ten).ceil() / ten)
            .find(|&short| Percent::fraction(short) == self)
            .unwrap_or(exact)
    }

    /// The share as the ratio of the shortest percentage that means it.
    pub(super) fn as_ratio(self) -> (u64, u64) {
        let (numerator, places) = self.shortest();
        (numerator, 100 * 10u64.pow(places))
    }

    /// The shortest decimal that reads as this share: its digits, and how many stand after the point.
    fn shortest(self) -> (u64, u32) {
        let digits = |places| {
            // In 128 bits: 2^32 times 100 times 10^8 is more than 64 hold.
            let scale = u128::from(u32::MAX);
            ((u128::from(self.0) * 100 * 10u128.pow(places) + scale / 2) / scale) as u64
        };
        (0..8)
            .map(|places| (digits(places), places))
            .find(|&(digits, places)| Percent::new(digits as f64 / 10f64.powi(places as i32)) == self)
            // 100 / 2^32 is 2.3e-8: eight places tell any two shares apart.
            .unwrap_or_else(|| (digits(8), 8))
    }
}

const TWO_32: f64 = 4_294_967_296.0;

impl FromStr for Percent {
    type Err = ParseError;

    fn from_str(word: &str) -> Result<Self, ParseError> {
        Number::split(word)
            .filter(|(_, unit)| matches!(*unit, "" | "%"))
            .map(|(number, _)| number.as_f64())
            .filter(|percent| (0.0..=100.0).contains(percent))
            .map(Percent::new)
            .ok_or_else(|| {
                ParseError::new(word, "a percentage: expected a number from 0 to 100 such as 5% or 0.1%")
            })
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (digits, places) = self.shortest();
        let ten = 10u64.pow(places);
        write!(f, "{}", digits / ten)?;
        if places > 0 {
            write!(f, ".{:0places$}", digits % ten, places = places as usize)?;
        }
        f.write_str("%")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn percentages_scale_to_32_bits_as_tc_scales_them() {
        for (word, raw) in [
            ("0%", 0),
            ("0", 0),
            ("100%", u32::MAX),
            ("100", u32::MAX),
            ("50%", 0x8000_0000),
            ("5%", 214_748_365),
            ("10%", 429_496_730),
            ("0.1%", 4_294_967),
            // A tie, rounded to even: tc 6.1 sends 0x4ccccccc.
            ("30%", 0x4ccc_cccc),
            ("33.3%", 0x553f_7ced),
            ("1e1%", 429_496_730),
        ] {
            assert_eq!(word.parse(), Ok(Percent(raw)), "{word}");
        }
        for word in ["", "%", "-1%", "101%", "100.1", "50 %", "50%%", "half", "nan", "inf"] {
            assert_eq!(word.parse::<Percent>().map_err(|e| e.word().to_owned()), Err(word.to_owned()));
        }
    }

    #[test]
    fn fractions_scale_by_two_to_the_32_and_are_cut_off() {
        for (fraction, raw) in [
            (0.0, 0),
            // golden: sfq ... probability 0.20
            (0.2, 858_993_459),
            (0.02, 85_899_345),
            (0.5, 0x8000_0000),
            (1.0, u32::MAX),
            (7.0, u32::MAX),
            (-1.0, 0),
            (f64::NAN, 0),
        ] {
            assert_eq!(Percent::fraction(fraction).raw(), raw, "{fraction}");
        }
        for fraction in [0.12, 0.02, 0.2, 0.5, 0.0, 0.000001] {
            assert_eq!(Percent::fraction(fraction).as_fraction(), fraction);
        }
    }

    #[test]
    fn percentages_print_as_they_were_typed() {
        for word in ["0%", "100%", "50%", "5%", "33.3%", "0.02%", "99.999%", "0.0000001%"] {
            assert_eq!(word.parse::<Percent>().unwrap().to_string(), word);
        }
        for whole in 0..=10_000 {
            let typed = f64::from(whole) / 100.0;
            assert_eq!(Percent::new(typed).to_string(), format!("{typed}%"));
        }
    }

    proptest! {
        #[test]
        fn every_share_reads_as_it_was_printed(raw: u32) {
            let percent = Percent(raw);
            prop_assert_eq!(percent.to_string().parse(), Ok(percent));
            prop_assert_eq!(Percent::fraction(percent.as_fraction()), percent);
            prop_assert_eq!(Percent::new(percent.as_percent()), percent);
        }

        #[test]
        fn no_word_panics(word in ".*") {
            let _ = word.parse::<Percent>();
        }
    }
}

use crate::text::{WordError, Words};
use crate::units::Micros;
use crate::wire::{DecodeError, Table, Value, Writer};
use std::fmt::{self, Display, Formatter};

/// A rate estimator (TCA_RATE): how often the kernel samples an object's counters, and how slowly the average moves.
///
/// `man 8 tc` (estimator), `net/core/gen_estimator.c`, `struct tc_estimator` of `include/uapi/linux/pkt_sched.h`.
#[doc(alias = "tc_estimator")]
#[doc(alias = "TCA_RATE")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Estimator {
    /// The sampling interval: 250 ms × 2^(interval + 2), from -2 (250 ms) to 3 (8 s).
    pub interval: i8,
    /// The average's weight: a new sample counts 2^-ewma_log, 0 to 31.
    pub ewma_log: u8,
}

impl Estimator {
    /// The estimator with these kernel values.
    pub const fn new(interval: i8, ewma_log: u8) -> Self {
        Estimator { interval, ewma_log }
    }

    /// The estimator that `tc` makes of an interval and a time constant, both in microseconds: the smallest interval not
    /// below the one asked for, and the weight whose time constant comes closest from above.
    ///
    /// `None` if the interval is above 8 s or the time constant is not more than the interval's third or out of reach.
    pub fn from_micros(interval: u32, time_constant: u32) -> Option<Self> {
        let step = (0..=5u8).find(|step| interval <= 250_000 << step)?;
        let log = (1..32u8).find(|log| {
            let weight = 1.0 - 1.0 / f64::from(1u32 << log);
            // The interval as given, not the one that is taken: that is how tc reckons.
            f64::from(interval) / -weight.ln() > f64::from(time_constant)
        })?;
        // One too far was found: the one before does not exceed the time constant.
        let ewma_log = log - 1;
        (ewma_log != 0 && ewma_log < 31).then_some(Estimator { interval: step as i8 - 2, ewma_log })
    }

    /// Reads the interval and the time constant behind `estimator`.
    pub(super) fn hear(words: &mut Words<'_>) -> Result<Self, WordError> {
        let (interval, time_constant): (Micros, Micros) = (words.value()?, words.value()?);
        Self::from_micros(interval.0, time_constant.0).ok_or_else(|| {
            words.error_before(
                "there is no such estimator: expected an interval up to 8s, and a time constant that is longer",
            )
        })
    }

    /// The time constant in microseconds.
    pub fn time_constant(&self) -> f64 {
        self.micros() / self.decay()
    }

    /// The interval in microseconds.
    fn micros(&self) -> f64 {
        250_000.0 * 2f64.powi(i32::from(self.interval) + 2)
    }

    /// How much of an average is lost in an interval, on a logarithmic scale.
    fn decay(&self) -> f64 {
        let weight = 1.0 - 1.0 / f64::from(1u32 << self.ewma_log.min(31));
        -weight.ln()
    }
}

/// As `tc` wants it on its command line: `estimator 1s 8s`. `tc` has 32 bits for the time constant, and reckons with the
/// interval as it is said; the kernel takes the next longer one that it has. So for a longer constant, the interval is
/// said as short as it must be.
impl Display for Estimator {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let taken = self.micros();
        let least = if self.interval <= -2 { 1.0 } else { taken / 2.0 + 1.0 };
        // One less, whatever was lost in rounding.
        let fits = (f64::from(u32::MAX) * self.decay()).floor() - 1.0;
        let interval = fits.max(least).min(taken);
        write!(f, "estimator {interval}us {}us", (interval / self.decay()).ceil())
    }
}

layout! {
    struct Parms = "tc_estimator" {
        interval: i8,
        ewma_log: u8,
    }
}

/// What is declared here, for the header checks.
pub(super) fn tables() -> Vec<Table> {
    vec![Table::layout::<Parms>()]
}

impl Value for Estimator {
    fn encode(&self, w: &mut Writer) {
        let Estimator { interval, ewma_log } = *self;
        w.fixed(&Parms { interval, ewma_log });
    }
    fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        Parms::decode(payload).map(|Parms { interval, ewma_log }| Estimator { interval, ewma_log })
    }
}

#[cfg(any(test, feature = "generate"))]
impl crate::wire::generate::Generate for Estimator {
    fn generate(g: &mut crate::wire::generate::Source<'_>) -> Self {
        Estimator { interval: g.below(6) as i8 - 2, ewma_log: g.below(32) as u8 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_recorded_commands_give_the_recorded_bytes() {
        // htb_qdisc-020: estimator 1sec 8sec; htb_class-075: estimator 250ms 1sec.
        assert_eq!(Estimator::from_micros(1_000_000, 8_000_000), Some(Estimator::new(0, 3)));
        assert_eq!(Estimator::from_micros(250_000, 1_000_000), Some(Estimator::new(-2, 2)));
    }

    #[test]
    fn words_mean_to_us_what_they_mean_to_tc() {
        // Each was given to tc 6.1.
        for (interval, time_constant, estimator) in [
            (600_000, 8_000_000, Some((0, 3))),
            (250_000, 1_000_000, Some((-2, 2))),
            (1_000_000, 7_488_905, Some((0, 3))),
            (250_000, 868_960, Some((-2, 1))),
            (250_000, 869_015, Some((-2, 2))),
            (8_000_000, 60_000_000, Some((3, 3))),
            (300_000, 2_000_000, Some((-1, 2))),
            (1_000_000, 2_000_000, Some((0, 1))),
            (2_000_000, 1_000_000_000, Some((1, 8))),
            (1_000_000, 500_000, None),
            (250_000, 200_000, None),
        ] {
            let expected = estimator.map(|(interval, ewma_log)| Estimator::new(interval, ewma_log));
            assert_eq!(
                Estimator::from_micros(interval, time_constant),
                expected,
                "{interval} {time_constant}"
            );
        }
    }

    #[test]
    fn the_words_that_are_printed_mean_the_same_estimator() {
        // Averages longer than these have time constants beyond 32 bits of microseconds even when the interval is said as
        // short as can be: tc has no words for them.
        for (interval, longest) in [(-2, 30), (-1, 14), (0, 13), (1, 12), (2, 11), (3, 10)] {
            for ewma_log in 1..=longest {
                prints_as_it_reads(Estimator::new(interval, ewma_log));
            }
        }
        // Found by fuzzing: the interval as it is said counts, not the one that is taken.
        let estimator = Estimator::from_micros(1, 4_000_000).unwrap();
        assert_eq!(estimator, Estimator::new(-2, 21));
        prints_as_it_reads(estimator);
    }

    fn prints_as_it_reads(estimator: Estimator) {
        let words = estimator.to_string();
        let mut micros = words.split(' ').skip(1).map(|word| word.trim_end_matches("us").parse().unwrap());
        let (interval, time_constant) = (micros.next().unwrap(), micros.next().unwrap());
        assert_eq!(Estimator::from_micros(interval, time_constant), Some(estimator), "{words}");
    }

    #[test]
    fn intervals_above_eight_seconds_and_constants_out_of_reach_are_refused() {
        assert_eq!(Estimator::from_micros(8_000_001, 60_000_000), None);
        assert_eq!(Estimator::from_micros(1_000_000, 1), None);
    }
}

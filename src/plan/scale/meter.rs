use crate::tc::Stats;
use crate::units::Rate;
use std::time::{Duration, Instant};

/// How fast counters grow, from samples taken at any time.
///
/// What is measured between two samples is smoothed exponentially in real time: whatever the distance of the samples, what was
/// measured a time constant ago has 1/e (37 %) of its weight. A counter that goes back has begun again from zero, because the object
/// was made anew or its statistics were reset: what it shows now has come since the last sample, and counts as that. The counters are
/// as in [`Stats`]: bytes have 64 bits, and packets, where the kernel has no more, 32; packets that go back while bytes do not have
/// passed 2^32. [`Meter::narrow`] is for bytes of 32 bits.
///
/// ```
/// use std::time::{Duration, Instant};
/// use tcnl::plan::Meter;
/// use tcnl::units::Rate;
/// let mut meter = Meter::new(Duration::from_secs(5));
/// let start = Instant::now();
/// assert_eq!(meter.sample(start, 1_000, 1), None);
/// let measured = meter.sample(start + Duration::from_secs(2), 251_000, 201).unwrap();
/// assert_eq!((measured.rate, measured.packets_per_second), (Rate::mbit(1), 100.0));
/// ```
#[derive(Clone, Debug)]
pub struct Meter {
    constant: Duration,
    is_narrow: bool,
    last: Option<(Instant, u64, u64)>,
    /// Bytes and packets per second.
    smooth: Option<(f64, f64)>,
}

/// What a [`Meter`] shows.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Measured {
    /// The rate, rounded to whole bytes per second.
    pub rate: Rate,
    /// Packets per second.
    pub packets_per_second: f64,
}

const NARROW: u64 = 1 << 32;

impl Meter {
    /// A meter that smooths with this time constant. With none it shows what was measured between the last two samples.
    pub fn new(constant: Duration) -> Self {
        Meter { constant, is_narrow: false, last: None, smooth: None }
    }

    /// For counters of 32 bits, bytes too. One that goes back has passed 2^32 if less than 2^31 were counted then, and has begun
    /// again otherwise. Samples must come before it goes round: at 10 Gbit/s every 3 seconds.
    #[must_use]
    pub fn narrow(mut self) -> Self {
        self.is_narrow = true;
        self
    }

    /// Takes a sample, and gives what is measured now: nothing before the second one. A sample at the instant of the last one, or
    /// before, is passed over: what it counted counts with the next.
    pub fn sample(&mut self, at: Instant, bytes: u64, packets: u64) -> Option<Measured> {
        let Some((before, old_bytes, old_packets)) = self.last else {
            self.last = Some((at, bytes, packets));
            return None;
        };
        let seconds = at.saturating_duration_since(before).as_secs_f64();
        if seconds <= 0.0 {
            return self.measured();
        }
        let (bytes_more, packets_more) = match self.is_narrow {
            true => (narrow(old_bytes, bytes), narrow(old_packets, packets)),
            false if bytes < old_bytes => (bytes, packets),
            false => (
                bytes - old_bytes,
                packets.checked_sub(old_packets).unwrap_or_else(|| narrow(old_packets, packets)),
            ),
        };
        self.last = Some((at, bytes, packets));
        let new = (bytes_more as f64 / seconds, packets_more as f64 / seconds);
        let (old, weight) = match self.smooth {
            Some(old) if !self.constant.is_zero() => {
                (old, 1.0 - (-seconds / self.constant.as_secs_f64()).exp())
            }
            _ => (new, 1.0),
        };
        self.smooth = Some((old.0 + (new.0 - old.0) * weight, old.1 + (new.1 - old.1) * weight));
        self.measured()
    }

    /// Takes a sample of an object's statistics.
    pub fn sample_stats(&mut self, at: Instant, stats: &Stats) -> Option<Measured> {
        self.sample(at, stats.bytes, stats.packets)
    }

    /// What was measured until the last sample.
    pub fn measured(&self) -> Option<Measured> {
        let (bytes, packets) = self.smooth?;
        // What is beyond 64 bits saturates.
        Some(Measured { rate: Rate::bytes_per_second(bytes.round() as u64), packets_per_second: packets })
    }
}

/// How much a counter of 32 bits has grown.
fn narrow(old: u64, new: u64) -> u64 {
    let around = (new % NARROW).wrapping_sub(old) % NARROW;
    match new >= old {
        true => new - old,
        false if around < NARROW / 2 => around,
        false => new,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn rate(measured: Option<Measured>) -> u64 {
        measured.unwrap().rate.as_bytes_per_second()
    }

    #[test]
    fn a_counter_that_goes_back_has_begun_again() {
        let start = Instant::now();
        let mut meter = Meter::new(Duration::ZERO);
        meter.sample(start, 1_000_000, 1000);
        let measured = meter.sample(start + SECOND, 500, 5).unwrap();
        assert_eq!((measured.rate, measured.packets_per_second), (Rate::bytes_per_second(500), 5.0));
        let measured = meter.sample(start + 2 * SECOND, 700, 7).unwrap();
        assert_eq!((measured.rate, measured.packets_per_second), (Rate::bytes_per_second(200), 2.0));
    }

    #[test]
    fn packets_of_32_bits_go_round() {
        let start = Instant::now();
        let mut meter = Meter::new(Duration::ZERO);
        meter.sample(start, 1 << 40, 0xffff_fff0);
        let measured = meter.sample(start + SECOND, (1 << 40) + 100, 0x10).unwrap();
        assert_eq!((measured.rate, measured.packets_per_second), (Rate::bytes_per_second(100), 32.0));
    }

    #[test]
    fn bytes_of_32_bits_go_round_or_begin_again() {
        let start = Instant::now();
        let mut meter = Meter::new(Duration::ZERO).narrow();
        meter.sample(start, 0xffff_0000, 5);
        assert_eq!(rate(meter.sample(start + SECOND, 0x1_0000, 6)), 0x2_0000);
        // Not all but half of the way round.
        meter.sample(start + 2 * SECOND, 0x1000_0000, 7);
        assert_eq!(rate(meter.sample(start + 3 * SECOND, 0x100, 1)), 0x100);
    }

    #[test]
    fn samples_at_one_instant_divide_by_nothing_and_lose_nothing() {
        let start = Instant::now();
        let mut meter = Meter::new(Duration::ZERO);
        assert_eq!(meter.sample(start, 0, 0), None);
        assert_eq!(meter.sample(start, 100, 1), None);
        assert_eq!(rate(meter.sample(start + SECOND, 300, 3)), 300);
        assert_eq!(rate(meter.sample(start + SECOND, 900, 4)), 300);
        assert_eq!(rate(meter.sample(start, 950, 4)), 300);
        assert_eq!(rate(meter.sample(start + 2 * SECOND, 1000, 10)), 700);
    }

    #[test]
    fn what_was_measured_a_time_constant_ago_has_37_percent_of_its_weight() {
        let start = Instant::now();
        let mut meter = Meter::new(10 * SECOND);
        meter.sample(start, 0, 0);
        meter.sample(start + SECOND, 1_000_000, 0);
        assert_eq!(rate(meter.sample(start + 11 * SECOND, 1_000_000, 0)), 367_879);
    }

    proptest! {
        #[test]
        fn a_steady_rate_is_shown_as_it_is(rate in 0..1u64 << 40, gaps in prop::collection::vec(1..100u64, 1..20), constant in 0..50u64) {
            let start = Instant::now();
            let mut meter = Meter::new(Duration::from_secs(constant));
            meter.sample(start, 7, 7);
            let mut seconds = 0;
            for gap in gaps {
                seconds += gap;
                let measured = meter.sample(start + Duration::from_secs(seconds), 7 + rate * seconds, 7 + seconds).unwrap();
                let shown = measured.rate.as_bytes_per_second();
                prop_assert!(shown.abs_diff(rate) <= 1, "{} {}", shown, rate);
                prop_assert!((measured.packets_per_second - 1.0).abs() < 1e-9);
            }
        }

        #[test]
        fn how_often_it_is_sampled_does_not_matter(times in prop::collection::btree_set(1..999u64, 0..20), constant in 1..5000u64) {
            let start = Instant::now();
            let shown = |times: &[u64]| {
                let mut meter = Meter::new(Duration::from_millis(constant));
                meter.sample(start, 0, 0);
                meter.sample(start + SECOND, 5_000_000, 0);
                // Nothing passes any more.
                times.iter().for_each(|at| _ = meter.sample(start + SECOND + Duration::from_millis(*at), 5_000_000, 0));
                rate(meter.sample(start + 2 * SECOND, 5_000_000, 0))
            };
            let times: Vec<u64> = times.into_iter().collect();
            prop_assert!(shown(&times).abs_diff(shown(&[])) <= 1);
        }

        #[test]
        fn no_sample_panics_or_shows_nonsense(samples in prop::collection::vec((any::<u32>(), any::<u64>(), any::<u64>()), 0..20), is_narrow: bool) {
            let start = Instant::now();
            let mut meter = Meter::new(SECOND);
            meter.is_narrow = is_narrow;
            for (at, bytes, packets) in samples {
                if let Some(measured) = meter.sample(start + Duration::from_millis(at.into()), bytes, packets) {
                    prop_assert!(measured.packets_per_second.is_finite() && measured.packets_per_second >= 0.0);
                }
            }
        }
    }
}

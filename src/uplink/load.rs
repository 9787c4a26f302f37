use super::Uplink;
use crate::units::Rate;
use std::time::Duration;

/// How fast what was measured is forgotten, in seconds: of a change that lasts, 63 % is seen after this time. With it, counters that are
/// read five times a second told two staggered downloads apart in 6 of 6 runs.
const MEMORY: f64 = 0.39;
/// How fast an uplink that was busy is taken for free again, in seconds. Short flows come and go faster than counters are read: with a
/// longer memory for load than for rest, a choice among uplinks swings a fraction as often, and flows take no longer.
const REST: f64 = 2.0;
/// Samples that come sooner than this behind the last one say nothing: counters move in steps.
const SHORTEST: Duration = Duration::from_millis(10);
/// A counter that jumps (a device that was made anew, hardware that counts in batches) counts as no more than so many times the
/// capacity.
const MOST: f64 = 2.0;
/// However full an uplink is, a connection more gets something of it.
const LEAST_FREE: f64 = 0.01;

/// What an uplink carries, measured by the counters of its device. Knows no clock: it is told the time.
///
/// ```
/// use std::time::Duration;
/// use tcnl::uplink::{Load, Uplink};
/// use tcnl::units::Rate;
/// let uplink = Uplink::new("a", "eth1".parse()?, Rate::mbit(20), Rate::mbit(5));
/// let mut load = Load::new(&uplink);
/// load.sample(Duration::ZERO, 0, 0);
/// // 1.25 MB in five seconds: 2 Mbit/s.
/// load.sample(Duration::from_secs(5), 1_250_000, 0);
/// assert!((load.used() - 0.1).abs() < 0.001);
/// # Ok::<(), tcnl::units::ParseError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Load {
    down: Direction,
    up: Direction,
    /// The part that is in use or was a moment ago.
    busy: f64,
    /// When the counters were read.
    last: Option<Duration>,
}

/// One direction, in bytes and bytes a second.
#[derive(Clone, Debug)]
struct Direction {
    capacity: f64,
    count: u64,
    rate: f64,
}

impl Load {
    /// Nothing is known of this uplink yet.
    pub fn new(uplink: &Uplink) -> Self {
        Load { down: Direction::new(uplink.down), up: Direction::new(uplink.up), busy: 0.0, last: None }
    }

    /// Takes what its device has received and sent, in bytes, at a time of any clock that does not go back.
    ///
    /// The first sample, and one with counters that went back (the device was made anew), only say where to count from.
    pub fn sample(&mut self, now: Duration, rx_bytes: u64, tx_bytes: u64) {
        let elapsed = self.last.map(|last| now.saturating_sub(last));
        if self.last.is_some_and(|last| now >= last) && elapsed.is_some_and(|elapsed| elapsed < SHORTEST) {
            return;
        }
        self.last = Some(now);
        // A clock that went back is no time to divide by.
        let seconds = elapsed.filter(|elapsed| *elapsed >= SHORTEST).map(|elapsed| elapsed.as_secs_f64());
        self.down.sample(rx_bytes, seconds);
        self.up.sample(tx_bytes, seconds);
        let rest = weight(seconds.unwrap_or(0.0), REST) * (self.used() - self.busy);
        self.busy = f64::max(self.used(), self.busy + rest);
    }

    /// What it carries to us, smoothed.
    pub fn down(&self) -> Rate {
        Rate::bytes_per_second(self.down.rate as u64)
    }

    /// What it carries from us, smoothed.
    pub fn up(&self) -> Rate {
        Rate::bytes_per_second(self.up.rate as u64)
    }

    /// The part of its capacity that is in use, 0 to 1, in the fuller direction.
    pub fn used(&self) -> f64 {
        f64::max(self.down.used(), self.up.used()).min(1.0)
    }

    /// As [`used`](Load::used), but it falls more slowly than it rises: what choices go by.
    pub fn busy(&self) -> f64 {
        self.busy
    }

    /// What is free, as bytes a second of downloads; never quite nothing.
    pub(super) fn free(&self) -> f64 {
        (1.0 - self.busy).max(LEAST_FREE) * self.down.capacity
    }

    /// What it can carry to us, in bytes a second.
    pub(super) fn capacity(&self) -> f64 {
        self.down.capacity
    }
}

impl Direction {
    fn new(capacity: Rate) -> Self {
        Direction { capacity: capacity.as_bytes_per_second().max(1) as f64, count: 0, rate: 0.0 }
    }

    fn sample(&mut self, count: u64, seconds: Option<f64>) {
        let last = std::mem::replace(&mut self.count, count);
        if let (Some(seconds), Some(bytes)) = (seconds, count.checked_sub(last)) {
            let rate = (bytes as f64 / seconds).min(MOST * self.capacity);
            self.rate += weight(seconds, MEMORY) * (rate - self.rate);
        }
    }

    fn used(&self) -> f64 {
        self.rate / self.capacity
    }
}

/// What a sample is worth that was so many seconds in coming: they come as late as the machine is busy.
fn weight(seconds: f64, memory: f64) -> f64 {
    1.0 - (-seconds / memory).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MBIT: u64 = 125_000;

    fn load(down: u64, up: u64) -> Load {
        Load::new(&Uplink::new("a", "eth1".parse().unwrap(), Rate::mbit(down), Rate::mbit(up)))
    }

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn the_first_sample_says_only_where_to_count_from() {
        let mut load = load(20, 20);
        load.sample(at(0), 1 << 50, 1 << 50);
        assert_eq!((load.used(), load.down()), (0.0, Rate::ZERO));
    }

    #[test]
    fn a_steady_rate_is_seen_as_it_is_however_often_it_is_looked_at() {
        for step in [20, 50, 200, 333, 1000, 4000] {
            let mut load = load(20, 20);
            for n in 0..=8000 / step {
                load.sample(at(n * step), 10 * MBIT * n * step / 1000, 0);
            }
            assert!((load.used() - 0.5).abs() < 0.01, "{step} ms: {}", load.used());
        }
    }

    #[test]
    fn what_is_remembered_is_a_matter_of_time_and_not_of_samples() {
        let used = |step: u64| {
            let mut load = load(20, 20);
            for n in 0..=400 / step {
                load.sample(at(n * step), 20 * MBIT * n * step / 1000, 0);
            }
            load.used()
        };
        let (often, seldom) = (used(20), used(200));
        assert!((often - seldom).abs() < 0.01, "{often} {seldom}");
        // As in the example: two samples of 200 ms, of each of which 0.4 counts.
        assert!((seldom - 0.64).abs() < 0.01, "{seldom}");
    }

    #[test]
    fn uneven_intervals_make_no_difference_to_a_steady_rate() {
        let mut load = load(20, 20);
        let mut now = 0;
        for n in 0..100 {
            load.sample(at(now), 5 * MBIT * now / 1000, 0);
            now += [20, 700, 90, 210, 3][n % 5];
        }
        assert!((load.used() - 0.25).abs() < 0.01, "{}", load.used());
    }

    #[test]
    fn the_fuller_direction_counts_each_against_its_own_capacity() {
        let mut load = load(100, 10);
        load.sample(at(0), 0, 0);
        load.sample(at(10_000), 200 * MBIT, 80 * MBIT);
        assert!((load.used() - 0.8).abs() < 0.001, "{}", load.used());
        assert_eq!(load.down().as_bits_per_second() / 1_000_000, 19);
    }

    #[test]
    fn counters_that_went_back_say_only_where_to_count_from() {
        let mut load = load(20, 20);
        load.sample(at(0), 1000 * MBIT, 0);
        load.sample(at(1000), 1010 * MBIT, 0);
        let before = load.used();
        load.sample(at(1200), 0, 0);
        assert!((load.down.used() - before).abs() < f64::EPSILON);
        load.sample(at(6200), 50 * MBIT, 0);
        assert!((load.used() - 0.5).abs() < 0.01, "{}", load.used());
    }

    #[test]
    fn a_jump_is_forgotten_soon() {
        let mut load = load(20, 20);
        load.sample(at(0), 0, 0);
        load.sample(at(200), 1 << 60, 0);
        assert!(load.used() <= 1.0);
        for n in 2..=10 {
            load.sample(at(n * 200), 1 << 60, 0);
        }
        assert!(load.used() < 0.02, "{}", load.used());
    }

    #[test]
    fn load_is_seen_sooner_than_rest() {
        let mut load = load(20, 20);
        let mut bytes = 0;
        for n in 0..=50 {
            load.sample(at(n * 200), bytes, 0);
            if n < 10 {
                bytes += 4 * MBIT;
            }
            match n {
                10 => assert!(load.busy() > 0.99 && load.busy() == load.used()),
                15 => assert!(load.busy() > 0.6 && load.used() < 0.1, "{} {}", load.busy(), load.used()),
                50 => assert!(load.busy() < 0.03),
                _ => (),
            }
        }
    }

    #[test]
    fn what_comes_too_soon_is_counted_with_the_next_sample() {
        let mut load = load(20, 20);
        load.sample(at(0), 0, 0);
        load.sample(at(1), 10 * MBIT, 0);
        assert_eq!(load.used(), 0.0);
        load.sample(at(10_000), 100 * MBIT, 0);
        assert!((load.used() - 0.5).abs() < 0.001);
    }

    #[test]
    fn a_clock_that_goes_back_is_survived() {
        let mut load = load(20, 20);
        load.sample(at(5000), 0, 0);
        load.sample(at(1000), 10 * MBIT, 0);
        assert_eq!(load.used(), 0.0);
        load.sample(at(11_000), 110 * MBIT, 0);
        assert!((load.used() - 0.5).abs() < 0.001);
    }
}

//! The packet scheduler's clock: what a tick is, and how long bytes take at a rate.
//!
//! HTB and TBF say "burst" in *time*: the ticks it takes to send that many bytes at the rate. The
//! conversion lives here, in whole numbers. It rounds **up**: rounding down gives a class of 40 Gbit/s a
//! burst of nothing, and it would never send a packet. It saturates: a time beyond 32 bits of ticks
//! (275 s) becomes the longest, where older `tc` wraps to an arbitrary one.
//!
//! Nothing here panics, and only [`Clock::read`] does I/O.
//!
//! Source: the kernel's `psched_show` in `net/sched/sch_api.c` and `include/net/pkt_sched.h`;
//! tc-htb(8), tc-tbf(8).

use crate::units::{Micros, ParseError, Rate, Size, Ticks};
use std::{fs, io};

/// How the kernel's packet scheduler measures time.
///
/// Every kernel since 2.6.31 says the same in `/proc/net/psched`, so [`Clock::KERNEL`] is what
/// [`Clock::default`] gives; [`Clock::read`] asks.
///
/// ```
/// use tcnl::{clock::Clock, units::{Rate, Size, Ticks}};
/// let clock = Clock::KERNEL;
/// // 15 KiB at 1 Mbit/s are 122.88 ms, or 1,920,000 ticks of 64 ns.
/// assert_eq!(clock.xmit_ticks(Rate::mbit(1), Size::kib(15)), Ticks(1_920_000));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Clock {
    // `ticks` ticks are `micros` microseconds, in lowest terms, neither zero. 32 bits each keep
    // every product below within 128.
    ticks: u32,
    micros: u32,
    hz: u32,
}

impl Clock {
    /// The clock of current kernels: 64 ns per tick, 10^9 timer ticks per second.
    #[doc(alias = "PSCHED_SHIFT")]
    pub const KERNEL: Clock = Clock { ticks: 125, micros: 8, hz: 1_000_000_000 };

    /// The clock of the running kernel. (`tc` also looks at the environment, at `HZ`,
    /// `PROC_NET_PSCHED` and `PROC_ROOT`; this does not.)
    ///
    /// # Errors
    ///
    /// Whatever reading `/proc/net/psched` gives; [`io::ErrorKind::InvalidData`] if it is not a clock.
    pub fn read() -> io::Result<Clock> {
        let text = fs::read_to_string("/proc/net/psched")?;
        Clock::parse(&text).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }

    /// The clock from the text of `/proc/net/psched`: four hexadecimal words, none of them zero.
    ///
    /// They are the nanoseconds in a microsecond, the nanoseconds in a tick, the units per second in
    /// which the first counts (a million) and the timer's frequency.
    ///
    /// # Errors
    ///
    /// If the text is anything else, or the ratio of ticks to microseconds does not fit 32 bits over 32.
    pub fn parse(text: &str) -> Result<Clock, ParseError> {
        Clock::from_words(text).ok_or_else(|| {
            ParseError::new(
                text.trim_end(),
                "a clock: expected four words as in /proc/net/psched, 000003e8 00000040 000f4240 3b9aca00",
            )
        })
    }

    fn from_words(text: &str) -> Option<Clock> {
        let mut words = text.split_ascii_whitespace().map(|word| {
            let hex = !word.is_empty() && word.bytes().all(|b| b.is_ascii_hexdigit());
            u32::from_str_radix(word, 16).ok().filter(|&value| hex && value > 0)
        });
        let (time, tick, resolution, hz) = (words.next()??, words.next()??, words.next()??, words.next()??);
        if words.next().is_some() {
            return None;
        }
        // A kernel whose resolution is the nanosecond says 1000 in the first word for the sake of old
        // readers, and means 1.
        let time = if resolution == 1_000_000_000 { tick } else { time };
        let ticks = u64::from(time) * u64::from(resolution);
        let micros = u64::from(tick) * MICROS_PER_SECOND;
        let divisor = gcd(ticks, micros);
        Some(Clock {
            ticks: u32::try_from(ticks / divisor).ok()?,
            micros: u32::try_from(micros / divisor).ok()?,
            // Only a resolution of microseconds makes the last word the timer's frequency.
            hz: if u64::from(resolution) == MICROS_PER_SECOND { hz } else { USER_HZ },
        })
    }

    /// How many ticks a microsecond has: 15.625 on current kernels.
    pub fn ticks_per_micro(&self) -> f64 {
        f64::from(self.ticks) / f64::from(self.micros)
    }

    /// The timer's frequency as HTB's default burst means it, in hertz.
    pub const fn hz(&self) -> u32 {
        self.hz
    }

    /// The time it takes to send `size` at `rate`: rounded up, saturating. At a rate of zero, any size
    /// takes forever.
    #[doc(alias = "tc_calc_xmittime")]
    pub fn xmit_ticks(&self, rate: Rate, size: Size) -> Ticks {
        if rate.is_zero() {
            return Ticks(u32::MAX);
        }
        // 64 bits are enough for all but extremes, and divide several times as fast.
        let (per_tick, per_byte) = (MICROS_PER_SECOND * u64::from(self.ticks), u64::from(self.micros));
        let product = |a: u64, b: u64| a.checked_mul(b);
        if let (Some(time), Some(per_byte)) =
            (product(size.as_bytes(), per_tick), product(rate.as_bytes_per_second(), per_byte))
        {
            return Ticks(u32::try_from(time.div_ceil(per_byte)).unwrap_or(u32::MAX));
        }
        let time = u128::from(size.as_bytes()) * u128::from(MICROS_PER_SECOND) * u128::from(self.ticks);
        let per_byte = u128::from(rate.as_bytes_per_second()) * u128::from(self.micros);
        Ticks(u32::try_from(time.div_ceil(per_byte)).unwrap_or(u32::MAX))
    }

    /// The bytes that pass at `rate` in `ticks`: rounded down, saturating. What `tc` shows as a burst.
    ///
    /// It undoes [`Clock::xmit_ticks`] only as far as a tick is fine enough: at high rates a tick is
    /// many bytes, and the size that comes back may be larger than the one that went in. It is never
    /// smaller, unless the ticks saturated.
    #[doc(alias = "tc_calc_xmitsize")]
    pub fn xmit_size(&self, rate: Rate, ticks: Ticks) -> Size {
        let bytes = u128::from(rate.as_bytes_per_second()) * u128::from(ticks.0) * u128::from(self.micros);
        let size = bytes / (u128::from(self.ticks) * u128::from(MICROS_PER_SECOND));
        Size(u64::try_from(size).unwrap_or(u64::MAX))
    }

    /// A time in ticks: rounded down, saturating.
    #[doc(alias = "tc_core_time2tick")]
    pub fn micros_to_ticks(&self, time: Micros) -> Ticks {
        let ticks = u64::from(time.0) * u64::from(self.ticks) / u64::from(self.micros);
        Ticks(u32::try_from(ticks).unwrap_or(u32::MAX))
    }

    /// Ticks as a time: rounded down to microseconds, saturating.
    #[doc(alias = "tc_core_tick2time")]
    pub fn ticks_to_micros(&self, ticks: Ticks) -> Micros {
        let micros = u64::from(ticks.0) * u64::from(self.micros) / u64::from(self.ticks);
        Micros(u32::try_from(micros).unwrap_or(u32::MAX))
    }

    /// A time in nanoseconds as kernels report it: rounded down, and of what does not fit 32 bits only these.
    #[doc(alias = "PSCHED_NS2TICKS")]
    pub(crate) fn nanos_to_ticks(&self, nanos: u64) -> Ticks {
        let ticks = u128::from(nanos) * u128::from(self.ticks) / (u128::from(self.micros) * 1000);
        Ticks(ticks as u32)
    }

    /// The burst an HTB class gets if none is given: what arrives between two timer ticks, and one
    /// packet of `mtu` bytes (`tc` takes 1600 if no mtu is given). On current kernels that is hardly
    /// more than the packet.
    pub fn default_burst(&self, rate: Rate, mtu: u32) -> Size {
        let (bytes, hz) = (rate.as_bytes_per_second(), u64::from(self.hz));
        // Dividing is slow, and hardly any rate is as fast as the kernel's timer.
        let tick = if bytes < hz { 0 } else { bytes / hz };
        Size(tick.saturating_add(u64::from(mtu)))
    }
}

impl Default for Clock {
    /// [`Clock::KERNEL`].
    fn default() -> Clock {
        Clock::KERNEL
    }
}

const MICROS_PER_SECOND: u64 = 1_000_000;

/// The frequency user space assumes if the kernel gives none: `HZ` in `asm/param.h`.
const USER_HZ: u32 = 100;

/// The greatest common divisor; neither argument is zero.
fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 {
        a
    } else {
        gcd(b, a % b)
    }
}

#[cfg(test)]
mod tests;

//! `tbf`, the token bucket filter: one rate for all that passes. `man 8 tc-tbf`, `net/sched/sch_tbf.c`

mod show;

use super::{Burst, Framing, Kind, RateSpec, RateTable, Setting, Tables};
use crate::clock::Clock;
use crate::text::{FromWord, Hear, Page, Say, WordError, Words};
use crate::units::{Micros, Rate, Size, Ticks};
use crate::wire::{DecodeError, EncodeError, Table, Unknown, Value, Writer};
use std::fmt::{self, Display, Formatter};

/// TCA_TBF_ attribute table for the header checks.
pub(super) fn tables() -> Vec<Table> {
    vec![Table::of::<TbfAttrs>(), Table::layout::<Parms>()]
}

/// The TBF qdisc: `Tbf::rate(Rate::mbit(1)).burst(Size::kib(10)).latency(Micros::millis(50))`.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
#[doc(alias = "tc_tbf_qopt")]
pub struct Tbf {
    /// The rate of what leaves; not 0.
    #[doc(alias = "TCA_TBF_RATE64")]
    pub rate: Rate,
    /// What may leave at once, at least the device's MTU. It must be given.
    #[doc(alias = "TCA_TBF_BURST")]
    pub burst: Option<Burst>,
    /// How much may wait. It must be given.
    pub limit: Option<Limit>,
    /// The rate at which the burst itself leaves; above `rate`. It needs an `mtu`.
    #[doc(alias = "TCA_TBF_PRATE64")]
    pub peak: Option<Rate>,
    /// What may leave at once on account of the peak rate, at least the device's MTU. `tc` calls it mtu or minburst.
    #[doc(alias = "TCA_TBF_PBURST")]
    pub mtu: Option<Burst>,
    /// What packets cost on the link.
    pub framing: Framing,
    /// The same for the peak rate, where it differs.
    pub peak_framing: Option<Framing>,
    /// Rate tables for old kernels.
    #[doc(alias = "TCA_TBF_RTAB")]
    #[doc(alias = "TCA_TBF_PTAB")]
    pub tables: Tables,
    /// Attributes that the crate does not know: kept, and sent back unchanged.
    pub unknown: Unknown,
}

/// How much may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// In bytes, as the kernel keeps it (32 bits).
    Bytes(Size),
    /// As long as it takes at the rates: the burst, and what passes in this time.
    Latency(Micros),
}

impl Tbf {
    /// A filter with this rate, which is not 0.
    pub fn rate(rate: Rate) -> Self {
        Tbf { rate, ..Self::default() }
    }

    /// Sets what may leave at once.
    #[must_use]
    pub fn burst(mut self, burst: impl Into<Burst>) -> Self {
        self.burst = Some(burst.into());
        self
    }

    /// Lets this many bytes wait.
    #[must_use]
    pub fn limit(mut self, limit: Size) -> Self {
        self.limit = Some(Limit::Bytes(limit));
        self
    }

    /// Lets packets wait for at most this long.
    #[must_use]
    pub fn latency(mut self, latency: Micros) -> Self {
        self.limit = Some(Limit::Latency(latency));
        self
    }

    /// Limits the rate of the burst itself, beyond `mtu` bytes of it.
    #[must_use]
    pub fn peak(mut self, peak: Rate, mtu: impl Into<Burst>) -> Self {
        (self.peak, self.mtu) = (Some(peak), Some(mtu.into()));
        self
    }

    /// Sets what packets cost on the link.
    #[must_use]
    pub fn framing(mut self, framing: Framing) -> Self {
        self.framing = framing;
        self
    }

    /// Sends the rate tables that `tc` sends.
    #[must_use]
    pub fn with_tables(mut self) -> Self {
        self.tables = Tables::Computed;
        self
    }

    /// The limit in bytes.
    fn limit_bytes(&self, clock: &Clock) -> Result<u32, EncodeError> {
        let bytes = match self.limit.ok_or(EncodeError::Missing("the limit or latency of tbf"))? {
            Limit::Bytes(size) => size.as_bytes(),
            Limit::Latency(latency) => {
                let within = |rate: Rate, burst: Option<Burst>| {
                    let passed = u128::from(rate.as_bytes_per_second()) * u128::from(latency.0) / 1_000_000;
                    let burst = burst.map_or(0, |burst| burst.size(clock, rate).as_bytes());
                    u64::try_from(passed).unwrap_or(u64::MAX).saturating_add(burst)
                };
                let bytes = within(self.rate, self.burst);
                self.peak.map_or(bytes, |peak| bytes.min(within(peak, self.mtu)))
            }
        };
        u32::try_from(bytes).map_err(|_| EncodeError::out_of_range("limit of tbf", bytes, "less than 4 GiB"))
    }

    /// Reads the limit of one of the two ways to say it.
    fn hear_limit<T: FromWord>(
        &mut self,
        limit: fn(T) -> Limit,
        words: &mut Words<'_>,
    ) -> Result<(), WordError> {
        if self.limit.is_some() {
            return Err(words.error_before("limit and latency say the same, and it can be said only once"));
        }
        self.limit = Some(limit(words.value()?));
        Ok(())
    }

    fn attrs(&self, clock: &Clock) -> Result<TbfAttrs, EncodeError> {
        let peak = self.peak.unwrap_or_default();
        let specs = [
            RateSpec::new(self.rate, self.framing),
            match self.peak {
                Some(peak) => RateSpec::new(peak, self.peak_framing.unwrap_or(self.framing)),
                None => RateSpec::default(),
            },
        ];
        let mtu = self.mtu.map_or(0, |mtu| mtu.size(clock, peak).as_bytes());
        let mtu = u32::try_from(mtu).unwrap_or(u32::MAX);
        let (specs, [rate_table, peak_table]) = self.tables.make(clock, specs, [self.rate, peak], mtu);
        let ticks = |burst: Option<Burst>, rate| burst.map_or(Ticks(0), |burst| burst.ticks(clock, rate));
        // What was given in bytes is sent in bytes, too: kernels since 3.13 then do not look at the ticks.
        let bytes = |burst| match burst {
            Some(Burst::Size(size)) => Some(size),
            _ => None,
        };
        Ok(TbfAttrs {
            parms: Some(Parms {
                rate: specs[0],
                peak: specs[1],
                limit: self.limit_bytes(clock)?,
                buffer: ticks(self.burst, self.rate),
                mtu: ticks(self.mtu, peak),
            }),
            rate_table,
            peak_table,
            rate64: RateSpec::rate64(self.rate),
            peak64: RateSpec::rate64(peak),
            burst: bytes(self.burst),
            peak_burst: bytes(self.mtu),
            unknown: Unknown::new(),
        })
    }
}

impl Kind for Tbf {
    const NAME: &'static str = "tbf";

    fn check(&self) -> Result<(), EncodeError> {
        match (self.peak, self.mtu) {
            _ if self.rate.is_zero() => Err(EncodeError::Missing("the rate of tbf")),
            _ if self.burst.is_none() => Err(EncodeError::Missing("the burst of tbf")),
            (Some(peak), _) if peak <= self.rate => {
                Err(EncodeError::out_of_range("peak rate of tbf", peak, "above the rate"))
            }
            (Some(_), None) => Err(EncodeError::Missing("the mtu (minburst) that goes with tbf's peak rate")),
            (None, Some(Burst::Size(_))) => Err(EncodeError::Invalid("tbf's mtu needs a peak rate")),
            _ => Ok(()),
        }
    }

    /// `tbf_change`
    fn settle(&mut self, setting: &Setting) {
        self.unknown.clear();
        let clock = &setting.clock;
        if let Ok(limit) = self.limit_bytes(clock) {
            self.limit = Some(Limit::Bytes(Size::bytes(limit.into())));
        }
        self.peak = self.peak.filter(|peak| !peak.is_zero());
        let peak = self.peak.unwrap_or_default();
        let framings = [self.framing, self.peak_framing.unwrap_or(self.framing)];
        let mtu = self.mtu.map_or(0, |mtu| mtu.size(clock, peak).as_bytes());
        let mtu = u32::try_from(mtu).unwrap_or(u32::MAX);
        let tables = std::mem::take(&mut self.tables);
        let [framing, peak_framing] = tables.settle(clock, framings, [self.rate, peak], mtu);
        let ticks = |burst, rate, framing: Framing| match burst {
            Burst::Size(size) => {
                let size = u32::try_from(size.as_bytes()).unwrap_or(u32::MAX);
                Burst::Time(framing.kernel_ticks(clock, rate, size))
            }
            time => time,
        };
        self.burst = self.burst.map(|burst| ticks(burst, self.rate, framing));
        self.mtu = self.mtu.filter(|_| self.peak.is_some()).map(|mtu| ticks(mtu, peak, peak_framing));
        self.framing = framing;
        self.peak_framing = Some(peak_framing).filter(|peak| self.peak.is_some() && *peak != framing);
    }

    fn show(&self, page: &mut Page) {
        self.show_options(page);
    }
}

impl Value for Tbf {
    fn encode(&self, w: &mut Writer) {
        match self.attrs(&w.clock()) {
            Ok(attrs) => attrs.encode(w),
            Err(error) => w.fail(error),
        }
        self.unknown.encode(w);
    }

    fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        let attrs = TbfAttrs::decode(payload)?;
        let parms = attrs.parms.ok_or_else(|| DecodeError::missing("TCA_TBF_PARMS"))?;
        let peak = (parms.peak.rate != 0).then(|| parms.peak.rate(attrs.peak64));
        let framing = parms.rate.framing();
        let peak_burst = attrs.peak_burst.filter(|_| peak.is_some()).map(Burst::Size);
        Ok(Tbf {
            rate: parms.rate.rate(attrs.rate64),
            burst: Some(attrs.burst.map_or(Burst::Time(parms.buffer), Burst::Size)),
            limit: Some(Limit::Bytes(Size::bytes(parms.limit.into()))),
            peak,
            mtu: peak_burst.or((peak.is_some() || parms.mtu.0 != 0).then_some(Burst::Time(parms.mtu))),
            framing,
            peak_framing: peak.map(|_| parms.peak.framing()).filter(|peak| *peak != framing),
            tables: Tables::given([parms.rate, parms.peak], [attrs.rate_table, attrs.peak_table])
                .unwrap_or_default(),
            unknown: attrs.unknown,
        })
    }

    fn name_at(path: &[u16]) -> Option<&'static str> {
        TbfAttrs::name_at(path)
    }
}

impl Display for Tbf {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let clock = Clock::default();
        write!(f, " rate {}", self.rate)?;
        self.burst.map(|burst| burst.size(&clock, self.rate)).say("burst", f)?;
        match self.limit {
            Some(Limit::Bytes(size)) => write!(f, " limit {size}")?,
            Some(Limit::Latency(latency)) => write!(f, " latency {latency}")?,
            None => (),
        }
        if let Some(peak) = self.peak {
            write!(f, " peakrate {peak}")?;
            self.mtu.map(|mtu| mtu.size(&clock, peak)).say("minburst", f)?;
        }
        self.framing.fmt(f)
    }
}

impl Hear for Tbf {
    fn hear(&mut self, words: &mut Words<'_>) -> Result<bool, WordError> {
        if words.take_if_short("limit") {
            self.hear_limit(Limit::Bytes, words)?;
        } else if words.take_if_short("latency") {
            self.hear_limit(Limit::Latency, words)?;
        } else if words.take_if_short("burst") || words.take_if_any(&["buffer", "maxburst"]) {
            words.once(&mut self.burst)?;
        } else if words.take_if_any(&["mtu", "minburst"]) {
            words.once(&mut self.mtu)?;
        } else if words.take_if("mpu") {
            self.framing.hear_mpu(words)?;
        } else if words.take_if("rate") {
            if !self.rate.is_zero() {
                return Err(words.said_twice());
            }
            self.rate = words.value()?;
        } else if words.take_if_short("peakrate") {
            words.once(&mut self.peak)?;
        } else {
            return self.framing.hear(words);
        }
        Ok(true)
    }

    fn heard(&mut self, words: &Words<'_>) -> Result<(), WordError> {
        // As in tc, a peak rate of nothing is none, and an mtu without one is for a table that nobody reads.
        self.peak = self.peak.filter(|peak| !peak.is_zero());
        self.mtu = self.mtu.filter(|_| self.peak.is_some());
        let nothing = [Some(Limit::Bytes(Size(0))), Some(Limit::Latency(Micros(0))), None];
        match (self.burst, self.limit) {
            _ if self.rate.is_zero() => {
                Err(words.incomplete("the rate of tbf, which must be said and not be 0"))
            }
            (None | Some(Burst::Size(Size(0))), _) => {
                Err(words.incomplete("the burst of tbf, which must be said and not be 0"))
            }
            (_, limit) if nothing.contains(&limit) => {
                Err(words.incomplete("the limit or the latency of tbf, which must be said and not be 0"))
            }
            _ => Ok(()),
        }
    }
}

attrs! {
    /// The attributes as messages carry them.
    wordless struct TbfAttrs {
        /// Rates, buckets and limit.
        1 "TCA_TBF_PARMS" => parms: Parms,
        /// The table for the rate.
        2 "TCA_TBF_RTAB" => rate_table: RateTable,
        /// The table for the peak rate.
        3 "TCA_TBF_PTAB" => peak_table: RateTable,
        /// The rate, where 32 bits are not enough.
        4 "TCA_TBF_RATE64" => rate64: Rate,
        /// The peak rate, where 32 bits are not enough.
        5 "TCA_TBF_PRATE64" => peak64: Rate,
        /// The burst in bytes.
        6 "TCA_TBF_BURST" => burst: Size,
        /// The peak rate's burst in bytes.
        7 "TCA_TBF_PBURST" => peak_burst: Size,
        8 "TCA_TBF_PAD" => pad,
    }
}

layout! {
    /// The parameters as messages carry them.
    struct Parms = "tc_tbf_qopt" {
        rate: RateSpec,
        peak: RateSpec,
        limit: u32,
        buffer: Ticks,
        mtu: Ticks,
    }
}

#[cfg(any(test, feature = "generate"))]
mod generate {
    use super::*;
    use crate::wire::generate::{Generate, Source};

    /// As messages carry it: the limit in bytes, no bucket for a peak rate that is not there.
    impl Generate for Tbf {
        fn generate(g: &mut Source<'_>) -> Self {
            let burst = |g: &mut Source<'_>| match g.flip() {
                true => Burst::Time(Generate::generate(g)),
                false => Burst::Size(Generate::generate(g)),
            };
            let rate = Rate::bytes_per_second(g.below(u64::MAX - 1).max(1));
            let framing = Framing::generate(g);
            let above = u64::MAX - rate.as_bytes_per_second() - 1;
            let peak = g.flip().then(|| rate.as_bytes_per_second() + 1 + g.below(above.max(1)));
            Tbf {
                rate,
                burst: Some(burst(g)),
                limit: Some(Limit::Bytes(Generate::generate(g))),
                peak: peak.map(Rate::bytes_per_second),
                mtu: peak.map(|_| burst(g)),
                framing,
                peak_framing: Option::<Framing>::generate(g)
                    .filter(|other| peak.is_some() && *other != framing),
                tables: match g.flip() {
                    true => Tables::Given(Generate::generate(g)),
                    false => Tables::None,
                },
                unknown: g.list(1).into(),
            }
        }
    }
}

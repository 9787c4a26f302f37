//! A class of htb. `man 8 tc-htb`

mod codec;

pub(super) use codec::{Parms, NAMES};

use crate::clock::Clock;
use crate::tc::{Burst, Framing, Kind, Setting, Tables};
use crate::text::{Hear, Layout, Page, Say, WordError, Words};
use crate::units::{Rate, Size};
use crate::wire::Unknown;
use std::fmt::{self, Display, Formatter};

/// An HTB class.
///
/// Built from its guaranteed rate: `HtbClass::rate(Rate::mbit(30)).ceil(Rate::mbit(100))`. A kernel's `change` takes the
/// whole class: what is left out is reset to its default.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
#[doc(alias = "tc_htb_opt")]
pub struct HtbClass {
    /// The rate guaranteed to the class and all below it.
    #[doc(alias = "TCA_HTB_RATE64")]
    pub rate: Rate,
    /// The rate it may reach by borrowing from its parent; `None` for the guaranteed rate.
    #[doc(alias = "TCA_HTB_CEIL64")]
    pub ceil: Option<Rate>,
    /// What may be sent at once at the full speed of the device, on account of `rate`; by default
    /// what passes in one timer tick and one MTU, rounded up.
    pub burst: Option<Burst>,
    /// The same on account of `ceil`.
    pub cburst: Option<Burst>,
    /// Bytes to send from this leaf before the next of the same prio has its turn, 1000 to 200000; 0 derives it from the
    /// rate and the qdisc's r2q.
    pub quantum: u32,
    /// What is left over goes to classes with a lower number first, 0 to 7.
    pub prio: u32,
    /// The level in the tree, 0 for leaves. Kernels report it.
    pub level: u32,
    /// The largest packet in bytes, for the default bursts and the rate tables; 1600 if not given. Not sent.
    pub mtu: Option<u32>,
    /// What packets cost on the link.
    pub framing: Framing,
    /// The same for `ceil`, where it differs.
    pub ceil_framing: Option<Framing>,
    /// Rate tables for old kernels.
    pub tables: Tables,
    /// Attributes that the crate does not know: kept, and sent back unchanged.
    pub unknown: Unknown,
}

impl HtbClass {
    /// The packet size that `tc` reckons with when none is given, in bytes.
    pub const DEFAULT_MTU: u32 = 1600;
    /// The bounds of the quantum that is derived from the rate, in bytes.
    const LEAST_QUANTUM: u64 = 1000;
    const MOST_QUANTUM: u64 = 200_000;
    /// The last prio (TC_HTB_NUMPRIO): kernels take it for those behind it.
    const LAST_PRIO: u32 = 7;

    /// A class with this guaranteed rate, which is not 0.
    #[inline]
    pub fn rate(rate: Rate) -> Self {
        HtbClass { rate, ..Self::default() }
    }

    /// Lets the class borrow up to this rate.
    #[must_use]
    #[inline]
    pub fn ceil(mut self, ceil: Rate) -> Self {
        self.ceil = Some(ceil);
        self
    }

    /// Sets what may be sent at once on account of the guaranteed rate.
    #[must_use]
    pub fn burst(mut self, burst: impl Into<Burst>) -> Self {
        self.burst = Some(burst.into());
        self
    }

    /// Sets what may be sent at once on account of the ceil.
    #[must_use]
    pub fn cburst(mut self, cburst: impl Into<Burst>) -> Self {
        self.cburst = Some(cburst.into());
        self
    }

    /// Sets the bytes to send before the next class has its turn, 1000 to 200000.
    #[must_use]
    pub fn quantum(mut self, quantum: u32) -> Self {
        self.quantum = quantum;
        self
    }

    /// Sets who is first to get what is left over: 0 (first) to 7.
    #[must_use]
    pub fn prio(mut self, prio: u32) -> Self {
        self.prio = prio;
        self
    }

    /// Sets the largest packet in bytes, for the default bursts and the rate tables.
    #[must_use]
    pub fn mtu(mut self, mtu: u32) -> Self {
        self.mtu = Some(mtu);
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

    /// The rate it may reach by borrowing.
    pub fn ceil_or_rate(&self) -> Rate {
        self.ceil.unwrap_or(self.rate)
    }
}

impl Kind for HtbClass {
    const NAME: &'static str = "htb";

    fn forget(&mut self) {
        self.level = 0;
    }

    /// `htb_change_class`
    fn settle(&mut self, setting: &Setting) {
        self.unknown.clear();
        let (clock, rates) = (&setting.clock, [self.rate, self.ceil_or_rate()]);
        let mtu = self.mtu.take().unwrap_or(Self::DEFAULT_MTU);
        let framings = [self.framing, self.ceil_framing.unwrap_or(self.framing)];
        let [framing, ceil_framing] = std::mem::take(&mut self.tables).settle(clock, framings, rates, mtu);
        self.framing = framing;
        self.ceil_framing = Some(ceil_framing).filter(|ceil| *ceil != framing);
        let [rate, ceil] = rates;
        self.ceil = Some(ceil).filter(|ceil| *ceil != rate);
        for (burst, rate) in [(&mut self.burst, rate), (&mut self.cburst, ceil)] {
            let said = burst.unwrap_or_else(|| clock.default_burst(rate, mtu).into());
            *burst = Some(said.ticks(clock, rate).into());
        }
        if setting.inner {
            // Kernels look at these only as long as it is a leaf.
            (self.quantum, self.prio) = (0, 0);
            return;
        }
        if self.quantum == 0 {
            let quantum = self.rate.as_bytes_per_second() / u64::from(setting.r2q.max(1));
            self.quantum = quantum.clamp(Self::LEAST_QUANTUM, Self::MOST_QUANTUM) as u32;
        }
        self.prio = self.prio.min(Self::LAST_PRIO);
    }

    fn show(&self, page: &mut Page) {
        let Layout { details, raw, .. } = page.layout();
        if self.level == 0 {
            // tc shows these two with their signs.
            let (prio, quantum) = (self.prio.cast_signed(), self.quantum.cast_signed());
            page.field("prio", prio, format_args!("prio {prio} "));
            if details {
                page.field("quantum", quantum, format_args!("quantum {quantum} "));
            }
        }
        let (clock, rate, ceil) = (page.clock(), self.rate, self.ceil_or_rate());
        let shown = page.rate(rate);
        page.field("rate", rate.as_bytes_per_second(), format_args!("rate {shown} "));
        self.framing.show_overhead(page);
        let shown = page.rate(ceil);
        page.field("ceil", ceil.as_bytes_per_second(), format_args!("ceil {shown} "));
        self.framing.linklayer.show(page);
        let ceil_mpu = self.ceil_framing.unwrap_or(self.framing).mpu;
        let [cell, ceil_cell] = self.tables.cell_sizes();
        for (word, burst, rate, cell, mpu_key, mpu) in [
            ("burst", self.burst, rate, cell, "mpu_rate", self.framing.mpu),
            ("cburst", self.cburst, ceil, ceil_cell, "mpu_ceil", ceil_mpu),
        ] {
            let bytes = burst.map(|burst| burst.size(&clock, rate)).unwrap_or_default();
            let shown = page.size(bytes);
            page.field(word, bytes.as_bytes(), format_args!("{word} {shown}"));
            if details {
                page.field(&format!("{word}_cell"), cell, format_args!("/{cell}"));
                let shown = page.size(Size::bytes(mpu.into()));
                page.field(mpu_key, mpu, format_args!(" mpu {shown}"));
            }
            page.text(" ");
        }
        if details {
            let level = self.level.cast_signed();
            page.field("level", level, format_args!("level {level} "));
        }
        if raw {
            for (word, burst, rate) in [("buffer", self.burst, rate), ("cbuffer", self.cburst, ceil)] {
                let ticks = burst.map_or(0, |burst| burst.ticks(&clock, rate).0);
                page.field(word, format!("{ticks:x}"), format_args!("{word} [{ticks:08x}] "));
            }
        }
    }
}

impl Display for HtbClass {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let clock = Clock::default();
        write!(f, " rate {}", self.rate)?;
        self.ceil.say("ceil", f)?;
        self.burst.map(|burst| burst.size(&clock, self.rate)).say("burst", f)?;
        self.cburst.map(|burst| burst.size(&clock, self.ceil_or_rate())).say("cburst", f)?;
        if self.prio != 0 {
            write!(f, " prio {}", self.prio)?;
        }
        if self.quantum != 0 {
            write!(f, " quantum {}", self.quantum)?;
        }
        self.mtu.say("mtu", f)?;
        self.framing.fmt(f)
    }
}

impl Hear for HtbClass {
    fn hear(&mut self, words: &mut Words<'_>) -> Result<bool, WordError> {
        if words.take_if_short("prio") {
            self.prio = words.number(10)?;
        } else if words.take_if_short("mtu") {
            self.mtu = Some(words.number(10)?);
        } else if words.take_if_short("mpu") {
            self.framing.mpu = words.number(10)?;
        } else if words.take_if_short("quantum") {
            self.quantum = words.number(10)?;
        } else if words.take_if_short("burst") || words.take_if_any(&["buffer", "maxburst"]) {
            self.burst = Some(words.value()?);
        } else if words.take_if_short("cburst") || words.take_if_any(&["cbuffer", "cmaxburst"]) {
            self.cburst = Some(words.value()?);
        } else if words.take_if("ceil") {
            words.once(&mut self.ceil)?;
        } else if words.take_if("rate") {
            if !self.rate.is_zero() {
                return Err(words.said_twice());
            }
            self.rate = words.value()?;
        } else {
            return self.framing.hear(words);
        }
        Ok(true)
    }

    fn heard(&mut self, words: &Words<'_>) -> Result<(), WordError> {
        // As in tc, a ceil of nothing is none.
        self.ceil = self.ceil.filter(|ceil| !ceil.is_zero());
        match self.rate.is_zero() {
            true => Err(words.incomplete("the rate of the htb class, which must be said and not be 0")),
            false => Ok(()),
        }
    }
}

#[cfg(any(test, feature = "generate"))]
mod generate {
    use super::*;
    use crate::units::Ticks;
    use crate::wire::generate::{Generate, Source};

    /// As the kernel or `tc` would say it: what the message does not carry is absent.
    impl Generate for HtbClass {
        fn generate(g: &mut Source<'_>) -> Self {
            let rate = Rate::bytes_per_second(g.number().max(1));
            let framing = Framing::generate(g);
            HtbClass {
                rate,
                ceil: Option::<Rate>::generate(g).filter(|ceil| *ceil != rate),
                burst: Some(Ticks::generate(g).into()),
                cburst: Some(Ticks::generate(g).into()),
                quantum: g.number() as u32,
                prio: g.below(8) as u32,
                level: g.below(8) as u32,
                mtu: None,
                framing,
                ceil_framing: Option::<Framing>::generate(g).filter(|ceil| *ceil != framing),
                tables: match g.flip() {
                    false => Tables::None,
                    true => Tables::Given(Generate::generate(g)),
                },
                unknown: g.list(1).into(),
            }
        }
    }
}

//! `sfq`, stochastic fairness queueing: flows take turns. `man 8 tc-sfq`, `net/sched/sch_sfq.c`

mod red;

pub use red::{Average, Red};

use super::{Kind, Setting};
use crate::text::{Hear, Page, Say, Show, WordError, Words};
use crate::units::{Packets, Size};
use crate::wire::{DecodeError, EncodeError, Table, Value, Writer};
use std::fmt::{self, Display, Formatter};

/// What is declared here, for the header checks.
pub(super) fn tables() -> Vec<Table> {
    vec![Table::layout::<Options>(), Table::layout::<RedStats>(), Table::layout::<SfqStats>()]
}

/// The SFQ qdisc. What is 0 or absent is left to the kernel. Kernels cannot change one that is there.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
#[doc(alias = "tc_sfq_qopt_v1")]
pub struct Sfq {
    /// Bytes that a flow may send in one turn: 256 to 2^20, by default the device's MTU with the link header.
    pub quantum: u32,
    /// Seconds after which the hash is changed; 0 for never.
    pub perturb: u32,
    /// The most packets that may wait; 127 by default, at most `depth` x `flows`, never 1.
    pub limit: Packets,
    /// The size of the hash table: a power of two up to 65536; 1024 by default.
    pub divisor: u32,
    /// The most flows, up to 65408; 128 by default.
    pub flows: u32,
    /// The most packets of one flow, up to 127; 127 by default.
    pub depth: u32,
    /// Drops the oldest packet of a flow instead of the newest.
    pub headdrop: bool,
    /// Random early detection within each flow.
    pub red: Option<Red>,
    /// What RED has dropped and marked. Kernels report it.
    pub red_stats: RedStats,
}

macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident: $ty:ty;)*) => { $(
        $(#[$doc])*
        #[must_use]
        pub fn $name(mut self, $name: $ty) -> Self {
            self.$name = $name;
            self
        }
    )* };
}

impl Sfq {
    const DEFAULT_DIVISOR: u32 = 1024;
    const DEFAULT_FLOWS: u32 = 128;
    const DEFAULT_LIMIT: Packets = Packets(127);
    /// SFQ_MAX_DEPTH
    const MOST_DEPTH: u32 = 127;
    /// SFQ_MAX_FLOWS
    const MOST_FLOWS: u32 = 65_408;
    const LEAST_QUANTUM: u32 = 256;
    const MOST_QUANTUM: u32 = 1 << 20;

    /// A queue with the kernel's defaults.
    pub fn new() -> Self {
        Self::default()
    }

    setters! {
        /// Sets the bytes of one turn.
        quantum: u32;
        /// Changes the hash every so many seconds.
        perturb: u32;
        /// Lets at most this many packets wait.
        limit: Packets;
        /// Sets the size of the hash table.
        divisor: u32;
        /// Sets the most flows.
        flows: u32;
        /// Sets the most packets of one flow.
        depth: u32;
        /// Drops the oldest packet of a flow instead of the newest.
        headdrop: bool;
    }

    /// Drops or marks packets of a flow before its queue is full.
    #[must_use]
    pub fn red(mut self, red: Red) -> Self {
        self.red = Some(red);
        self
    }
}

impl Kind for Sfq {
    const NAME: &'static str = "sfq";

    fn has_options(&self) -> bool {
        *self != Sfq::default()
    }

    fn check(&self) -> Result<(), EncodeError> {
        let range = |what, value: u32, max, allowed| match value > max {
            true => Err(EncodeError::out_of_range(what, value, allowed)),
            false => Ok(()),
        };
        range("quantum of sfq", self.quantum, Self::MOST_QUANTUM, "up to 1048576")?;
        // The kernel counts it in timer ticks, of which a second has at least 100.
        range("perturb of sfq", self.perturb, i32::MAX as u32 / 100, "up to 21474836 s")?;
        range("flows of sfq", self.flows, Self::MOST_FLOWS, "up to 65408")?;
        range("depth of sfq", self.depth, Self::MOST_DEPTH, "up to 127")?;
        if self.limit.0 == 1 {
            return Err(EncodeError::out_of_range("limit of sfq", 1, "2 and above"));
        }
        if self.divisor > 65_536 || !(self.divisor == 0 || self.divisor.is_power_of_two()) {
            return Err(EncodeError::out_of_range(
                "divisor of sfq",
                self.divisor,
                "a power of two up to 65536",
            ));
        }
        self.red.map_or(Ok(()), |red| red.wire().map(drop))
    }

    /// Kernels clamp only what was said. Some of what they then report they would not take again: it was not said.
    fn forget(&mut self) {
        self.red_stats = RedStats::default();
        let Sfq { limit, divisor, flows, depth, .. } = *self;
        if divisor == Self::DEFAULT_DIVISOR && flows > divisor {
            self.divisor = 0;
        }
        if limit == Self::DEFAULT_LIMIT
            && flows > 0
            && (flows > limit.0 || depth > 0 && depth.saturating_mul(flows) < limit.0)
        {
            self.limit = Packets(0);
        }
    }

    /// `sfq_init` and `sfq_change`. What is not said is clamped like what is: more packets than all flows can hold never wait, nor
    /// are there more flows than packets or buckets.
    fn settle(&mut self, setting: &Setting) {
        let said = |value: u32, default| if value == 0 { default } else { value };
        if self.quantum == 0 || setting.may_be_frame(self.quantum) {
            self.quantum = setting.frame().min(Self::MOST_QUANTUM);
        }
        self.quantum = self.quantum.max(Self::LEAST_QUANTUM);
        self.divisor = said(self.divisor, Self::DEFAULT_DIVISOR);
        self.depth = said(self.depth, Self::MOST_DEPTH).min(Self::MOST_DEPTH);
        let flows = said(self.flows, Self::DEFAULT_FLOWS).min(Self::MOST_FLOWS).min(self.divisor);
        self.limit = Packets(said(self.limit.0, Self::DEFAULT_LIMIT.0).min(self.depth * flows));
        self.flows = flows.min(self.limit.0);
        self.red = self.red.and_then(Red::settled);
    }

    /// Kernels cannot change one.
    fn can_become(&self, _: &Self) -> bool {
        false
    }

    fn show(&self, page: &mut Page) {
        let Sfq { quantum, limit, divisor, flows, depth, .. } = *self;
        page.field("limit", limit.0, format_args!("limit {limit}p "));
        let shown = page.size(Size::bytes(quantum.into()));
        page.field("quantum", quantum, format_args!("quantum {shown} "));
        if depth != 0 {
            page.field("depth", depth, format_args!("depth {depth} "));
        }
        if self.headdrop {
            page.field("headdrop", true, "headdrop ");
        }
        if page.layout().details {
            page.field("flows", flows, format_args!("flows {flows} "));
        }
        page.field("divisor", divisor, format_args!("divisor {divisor} "));
        if self.perturb != 0 {
            let seconds = self.perturb.cast_signed();
            page.field("perturb", seconds, format_args!("perturb {seconds}sec "));
        }
        // As in tc, only RED with thresholds is one.
        if let Some(red) = self.red.filter(|red| red.min != 0) {
            red.show(page);
            if page.layout().stats > 0 {
                self.red_stats.show(page);
            }
        }
    }
}

impl Value for Sfq {
    fn encode(&self, w: &mut Writer) {
        let red = self.red.map_or(Ok(red::Parms::default()), |red| red.wire());
        let red = red.unwrap_or_else(|error| {
            w.fail(error);
            Default::default()
        });
        let options = Options {
            quantum: self.quantum,
            perturb: self.perturb,
            limit: self.limit,
            divisor: self.divisor,
            flows: self.flows,
            depth: self.depth,
            headdrop: self.headdrop.into(),
            red,
            stats: self.red_stats,
        };
        options.encode(w);
    }

    /// Reads `struct tc_sfq_qopt_v1` and the shorter `struct tc_sfq_qopt` of old programs and kernels.
    fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        let options = Options::decode(payload)?;
        Ok(Sfq {
            quantum: options.quantum,
            perturb: options.perturb,
            limit: options.limit,
            divisor: options.divisor,
            flows: options.flows,
            depth: options.depth,
            headdrop: options.headdrop != 0,
            red: Red::read(options.red),
            red_stats: options.stats,
        })
    }
}

impl Display for Sfq {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let given = |value: u32| Some(value).filter(|value| *value != 0);
        given(self.limit.0).say("limit", f)?;
        given(self.perturb).say("perturb", f)?;
        given(self.quantum).say("quantum", f)?;
        given(self.divisor).say("divisor", f)?;
        given(self.flows).say("flows", f)?;
        given(self.depth).say("depth", f)?;
        self.headdrop.say("headdrop", f)?;
        self.red.map_or(Ok(()), |red| red.fmt(f))
    }
}

impl Hear for Sfq {
    fn hear(&mut self, words: &mut Words<'_>) -> Result<bool, WordError> {
        if words.take_if("quantum") {
            let size: Size = words.value()?;
            self.quantum = u32::try_from(size.as_bytes())
                .map_err(|_| words.error_before("the quantum is at most 1mb"))?;
        } else if words.take_if("perturb") {
            self.perturb = words.value()?;
        } else if words.take_if("limit") {
            self.limit = Packets(words.value()?);
            if self.limit.0 < 2 {
                return Err(words.error_before("the limit of sfq must be at least 2 packets"));
            }
        } else if words.take_if("divisor") {
            self.divisor = words.value()?;
        } else if words.take_if("flows") {
            self.flows = words.value()?;
        } else if words.take_if("depth") {
            self.depth = words.value()?;
        } else if words.take_if("headdrop") {
            self.headdrop = true;
        } else {
            let mut red = self.red.unwrap_or(Red::new(0));
            if !red.hear(words)? {
                return Ok(false);
            }
            self.red = Some(red);
        }
        Ok(true)
    }

    fn heard(&mut self, words: &Words<'_>) -> Result<(), WordError> {
        self.red.map_or(Ok(()), |mut red| red.heard(words))
    }
}

layout! {
    /// The options as messages carry them: the first five fields are `struct tc_sfq_qopt`.
    struct Options = "tc_sfq_qopt_v1" {
        quantum: u32,
        perturb: u32,
        limit: Packets,
        divisor: u32,
        flows: u32,
        depth: u32,
        headdrop: u32,
        red: red::Parms,
        stats: RedStats,
    }
}

layout! {
    /// Packets that RED has dropped and marked. `include/uapi/linux/pkt_sched.h`
    pub struct RedStats = "tc_sfqred_stats" {
        /// Dropped at random between the thresholds.
        pub prob_drop: u32,
        /// Dropped above the upper threshold.
        pub forced_drop: u32,
        /// Marked at random between the thresholds.
        pub prob_mark: u32,
        /// Marked above the upper threshold.
        pub forced_mark: u32,
        /// The first of their queue that were marked at random.
        pub prob_mark_head: u32,
        /// The first of their queue that were marked above the upper threshold.
        pub forced_mark_head: u32,
    }
}

/// Two lines below the options, without a break behind the last one.
impl Show for RedStats {
    fn show(&self, page: &mut Page) {
        page.line();
        page.field("prob_mark", self.prob_mark, format_args!("  prob_mark {}", self.prob_mark));
        page.field(
            "prob_mark_head",
            self.prob_mark_head,
            format_args!(" prob_mark_head {}", self.prob_mark_head),
        );
        page.field("prob_drop", self.prob_drop, format_args!(" prob_drop {}", self.prob_drop));
        page.line();
        page.field("forced_mark", self.forced_mark, format_args!("  forced_mark {}", self.forced_mark));
        page.field(
            "forced_mark_head",
            self.forced_mark_head,
            format_args!(" forced_mark_head {}", self.forced_mark_head),
        );
        page.field("forced_drop", self.forced_drop, format_args!(" forced_drop {}", self.forced_drop));
    }
}

layout! {
    /// What a flow of an SFQ reports, which dumps show as a class.
    pub struct SfqStats = "tc_sfq_xstats" {
        /// Bytes that the flow may still send in this turn; negative when it has overdrawn.
        pub allot: i32,
    }
}

/// One line below the counters, without its break.
impl Show for SfqStats {
    fn show(&self, page: &mut Page) {
        page.field("allot", self.allot, format_args!("  allot {}", self.allot));
    }
}

#[cfg(any(test, feature = "generate"))]
impl crate::wire::generate::Generate for Sfq {
    fn generate(g: &mut crate::wire::generate::Source<'_>) -> Self {
        Sfq {
            quantum: g.below((1 << 20) + 1) as u32,
            perturb: g.below(1 << 20) as u32,
            limit: Packets(g.number() as u32),
            divisor: g.pick(&[0, 1, 1024, 65_536]),
            flows: g.below(65_409) as u32,
            depth: g.below(128) as u32,
            headdrop: g.flip(),
            red: crate::wire::generate::Generate::generate(g),
            red_stats: crate::wire::generate::Generate::generate(g),
        }
    }
}

use crate::text::{Hear, Page, Scalar, Show, WordError, Words};
use crate::units::{ParseError, Percent, Size};
use crate::wire::EncodeError;
use std::fmt::{self, Display, Formatter};

/// Random early detection within each flow: between two thresholds of its average queue packets are dropped, or marked,
/// with a growing probability. `man 8 tc-sfq`, `tc/tc_red.c` of iproute2
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Red {
    /// The hard limit of a flow's queue, in bytes. Kernels do not report it.
    pub limit: u32,
    /// The average queue, in bytes, from which on packets are dropped; 0 is a third of `max`.
    pub min: u32,
    /// The average queue, in bytes, at which the probability is reached; 0 is a quarter of `limit`.
    pub max: u32,
    /// The probability at `max`, a fraction of 2^32; 0.02 by default.
    pub probability: Percent,
    /// Bits of TC_RED_: 1 marks packets (ECN) instead of dropping them, 2 drops also what could be marked.
    pub flags: u8,
    /// How slowly the average follows the queue.
    pub average: Average,
}

/// How slowly the average follows the queue.
///
/// People say how large packets are and how many may come at once; the kernel keeps logarithms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Average {
    /// As people say it.
    Tuned {
        /// The size of an average packet in bytes; 0 is 1000.
        avpkt: u32,
        /// How many packets may come at once; 0 derives it from the thresholds.
        burst: u32,
    },
    /// As the kernel says it.
    Logs {
        /// The weight of a new sample is 2^-w_log.
        w_log: u8,
        /// The probability is about (max - min) / 2^p_log, for kernels that do not know `probability`.
        p_log: u8,
        /// The size of a cell of the idle damping.
        scell_log: u8,
    },
}

impl Default for Average {
    fn default() -> Self {
        Average::Tuned { avpkt: 0, burst: 0 }
    }
}

impl Red {
    /// Marks packets instead of dropping them.
    #[doc(alias = "TC_RED_ECN")]
    pub const ECN: u8 = 1;
    /// Drops packets that could be marked when the average is above `max`.
    #[doc(alias = "TC_RED_HARDDROP")]
    pub const HARDDROP: u8 = 2;
    /// The probability where none is given.
    pub const DEFAULT_PROBABILITY: f64 = 0.02;

    /// RED for flow queues of at most this many bytes.
    pub fn new(limit: u32) -> Self {
        Red { limit, probability: Percent::fraction(Self::DEFAULT_PROBABILITY), ..Self::default() }
    }

    /// Sets the thresholds, in bytes.
    #[must_use]
    pub fn thresholds(self, min: u32, max: u32) -> Self {
        Red { min, max, ..self }
    }

    /// Sets the probability at the upper threshold, 0 to 1.
    #[must_use]
    pub fn probability(self, probability: f64) -> Self {
        Red { probability: Percent::fraction(probability), ..self }
    }

    /// Marks packets instead of dropping them.
    #[must_use]
    pub fn ecn(self) -> Self {
        Red { flags: self.flags | Self::ECN, ..self }
    }

    /// Sets the size of an average packet in bytes, and how many may come at once; 0 takes the default.
    #[must_use]
    pub fn tuned(self, avpkt: u32, burst: u32) -> Self {
        Red { average: Average::Tuned { avpkt, burst }, ..self }
    }

    /// The parameters as messages carry them.
    pub(super) fn wire(&self) -> Result<Parms, EncodeError> {
        let max = if self.max == 0 { self.limit / 4 } else { self.max };
        let min = if self.min == 0 { max / 3 } else { self.min };
        let (w_log, p_log, scell_log) = match self.average {
            Average::Logs { w_log, p_log, scell_log } => (w_log, p_log, scell_log),
            Average::Tuned { avpkt, burst } => {
                if min == 0 || min >= max || max > self.limit {
                    return Err(EncodeError::Invalid(
                        "the thresholds of sfq's RED must be 0 < min < max <= limit",
                    ));
                }
                let avpkt = if avpkt == 0 { 1000 } else { avpkt };
                let packets = (2 * u64::from(min) + u64::from(max)) / (3 * u64::from(avpkt));
                let burst = if burst == 0 { packets } else { burst.into() };
                let w_log = weight(min, burst, avpkt)
                    .ok_or(EncodeError::Invalid("the burst of sfq's RED does not fit min and avpkt"))?;
                (w_log, decay(max - min, self.probability).unwrap_or(0), 0)
            }
        };
        let (limit, flags) = (self.limit, self.flags);
        Ok(Parms { limit, min, max, w_log, p_log, scell_log, flags, probability: self.probability })
    }

    /// What kernels make of it: the thresholds and the logarithms, if there are thresholds. `red_set_parms` of `include/net/red.h`
    pub(super) fn settled(self) -> Option<Self> {
        // What cannot be sent is left as it is.
        let Ok(parms) = self.wire() else { return Some(self) };
        let mut parms = Parms { limit: 0, ..parms };
        if parms.probability == Percent::default() {
            let most = u32::MAX.checked_shr(parms.p_log.into()).unwrap_or(u32::MAX);
            let span = parms.max.saturating_sub(parms.min).max(1);
            parms.probability = Percent::from_raw(most.wrapping_mul(span));
        }
        Red::read(parms).filter(|red| red.min != 0)
    }

    /// The parameters of a message; all 0 is none.
    pub(super) fn read(parms: Parms) -> Option<Self> {
        let Parms { limit, min, max, w_log, p_log, scell_log, flags, probability } = parms;
        let average = Average::Logs { w_log, p_log, scell_log };
        (parms != Parms::default()).then_some(Red { limit, min, max, probability, flags, average })
    }

    /// An average packet and a burst that give the weight in logarithms.
    fn retuned(&self) -> Option<(u32, u32)> {
        let Average::Logs { w_log, .. } = self.average else { return None };
        // Smaller packets make the threshold worth more of them: then even slow averages have a burst.
        let sizes =
            [1000, 500, 250, 100].into_iter().chain((1..12).map(|n| self.min >> n)).filter(|size| *size > 0);
        sizes
            .map(|avpkt| (avpkt, self.first_burst(avpkt, w_log)))
            .find(|(avpkt, burst)| weight(self.min, u64::from(*burst), *avpkt) == Some(w_log))
    }

    /// The smallest burst, up to 1024 packets, whose average is no faster than this: the larger the burst, the slower the
    /// average has to be, so that half of what is left can be passed over.
    fn first_burst(&self, avpkt: u32, w_log: u8) -> u32 {
        let (mut first, mut last) = (1, 1024);
        while first < last {
            let middle = (first + last) / 2;
            if weight(self.min, u64::from(middle), avpkt) < Some(w_log) {
                first = middle + 1;
            } else {
                last = middle;
            }
        }
        first
    }
}

/// The logarithm of the average's weight: the largest weight with which `burst` packets on an empty queue do not
/// bring the average above `min`.
fn weight(min: u32, burst: u64, avpkt: u32) -> Option<u8> {
    let excess = burst as f64 + 1.0 - f64::from(min) / f64::from(avpkt);
    (1..32u8).filter(|_| excess >= 1.0).find(|log| {
        let weight = 0.5f64.powi(i32::from(*log));
        excess <= (1.0 - (1.0 - weight).powf(burst as f64)) / weight
    })
}

/// The logarithm of the span of the thresholds over the probability.
fn decay(span: u32, probability: Percent) -> Option<u8> {
    let step = probability.as_fraction() / f64::from(span);
    (0..32u8).find(|log| step * 2f64.powi(i32::from(*log)) > 1.0)
}

impl Display for Red {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        // tc takes no thresholds above the limit, which kernels do not report.
        let limit = if self.limit == 0 { self.max } else { self.limit };
        write!(f, " redflowlimit {limit}")?;
        if self.min != 0 {
            write!(f, " min {}", self.min)?;
        }
        if self.max != 0 {
            write!(f, " max {}", self.max)?;
        }
        write!(f, " probability {}", self.probability.as_fraction())?;
        let untold = Red { average: Average::default(), limit, ..*self };
        match (self.average, self.wire(), untold.wire()) {
            (Average::Logs { .. }, Ok(told), Ok(untold)) if told.w_log == untold.w_log => (),
            (Average::Logs { .. }, ..) => {
                if let Some((avpkt, burst)) = self.retuned() {
                    write!(f, " avpkt {avpkt} burst {burst}")?;
                }
            }
            (Average::Tuned { avpkt, burst }, ..) => {
                if avpkt != 0 {
                    write!(f, " avpkt {avpkt}")?;
                }
                if burst != 0 {
                    write!(f, " burst {burst}")?;
                }
            }
        }
        if self.flags & Self::ECN != 0 {
            f.write_str(" ecn")?;
        }
        if self.flags & Self::HARDDROP != 0 {
            f.write_str(" harddrop")?;
        }
        Ok(())
    }
}

/// What kernels report of it, and all four flags that they have.
impl Show for Red {
    fn show(&self, page: &mut Page) {
        let w_log = match (self.average, self.wire()) {
            (Average::Logs { w_log, .. }, _) => w_log,
            (_, wire) => wire.map_or(0, |parms| parms.w_log),
        };
        page.field("ewma", w_log, format_args!("ewma {w_log} "));
        for (word, bytes) in [("min", self.min), ("max", self.max)] {
            let shown = page.size(Size::bytes(bytes.into()));
            page.field(word, bytes, format_args!("{word} {shown} "));
        }
        let probability = Scalar::from(f64::from(self.probability.raw()) / 4_294_967_296.0);
        page.field("probability", probability.clone(), format_args!("probability {probability} "));
        for (bit, word) in ["ecn", "harddrop", "adaptive", "nodrop"].into_iter().enumerate() {
            let set = self.flags >> bit & 1 != 0;
            page.json(word, set);
            if set {
                page.text(format_args!("{word} "));
            }
        }
    }
}

impl Hear for Red {
    fn hear(&mut self, words: &mut Words<'_>) -> Result<bool, WordError> {
        if words.take_if("redflowlimit") {
            self.limit = words.value()?;
        } else if words.take_if("min") {
            self.min = words.value()?;
        } else if words.take_if("max") {
            self.max = words.value()?;
        } else if words.take_if("probability") {
            self.probability = words.read("a probability from 0 to 1", probability)?;
        } else if words.take_if("ecn") {
            self.flags |= Self::ECN;
        } else if words.take_if("harddrop") {
            self.flags |= Self::HARDDROP;
        } else if let Average::Tuned { avpkt, burst } = &mut self.average {
            let field = match words.peek() {
                Some("avpkt") => avpkt,
                Some("burst") => burst,
                _ => return Ok(false),
            };
            words.take("avpkt or burst")?;
            *field = words.value()?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn heard(&mut self, words: &Words<'_>) -> Result<(), WordError> {
        match self.limit {
            0 => Err(words.error("redflowlimit, which goes with the other words of RED")),
            _ => Ok(()),
        }
    }
}

fn probability(word: &str) -> Result<Percent, ParseError> {
    match word.parse() {
        Ok(fraction) if (0.0..=1.0).contains(&fraction) => Ok(Percent::fraction(fraction)),
        _ => Err(ParseError::new(word, "a probability: expected a number from 0 to 1 such as 0.02")),
    }
}

layout! {
    /// The part of SFQ's options that is RED's.
    pub(super) struct Parms = "tc_sfq_qopt_v1" {
        limit: u32,
        min: u32,
        max: u32,
        w_log: u8,
        p_log: u8,
        scell_log: u8,
        flags: u8,
        probability: Percent,
    }
}

#[cfg(any(test, feature = "generate"))]
impl crate::wire::generate::Generate for Red {
    fn generate(g: &mut crate::wire::generate::Source<'_>) -> Self {
        Red {
            limit: g.number() as u32,
            min: g.number() as u32 | 1,
            max: g.number() as u32 | 1,
            probability: Percent::from_raw(g.number() as u32),
            flags: g.byte(),
            average: Average::Logs { w_log: g.byte(), p_log: g.byte(), scell_log: g.byte() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tc_computes_is_what_we_compute() {
        // sfq-021, sfq-024, and one that was given to tc 6.1: only the limit.
        let red = Red::new(100_000).thresholds(8000, 60_000).probability(0.2).ecn().wire().unwrap();
        assert_eq!((red.w_log, red.p_log, red.flags, red.probability.raw()), (6, 18, 1, 0x3333_3333));
        let red = Red::new(50_000).thresholds(5000, 15_000).tuned(500, 20).wire().unwrap();
        assert_eq!((red.w_log, red.p_log, red.probability.raw()), (4, 19, 0x051e_b851));
        let red = Red::new(100_000).wire().unwrap();
        assert_eq!((red.min, red.max, red.w_log, red.p_log), (8333, 25_000, 3, 20));
    }

    #[test]
    fn thresholds_that_make_no_sense_are_refused() {
        for (limit, min, max) in [(100, 50, 40), (100, 10, 200), (0, 0, 0), (1000, 1, 3)] {
            assert!(Red::new(limit).thresholds(min, max).wire().is_err(), "{limit} {min} {max}");
        }
    }

    #[test]
    fn the_words_of_a_weight_give_the_same_weight() {
        for w_log in 1..12 {
            let red = Red { average: Average::Logs { w_log, p_log: 0, scell_log: 0 }, ..Red::new(60_000) };
            let red = red.thresholds(9000, 30_000);
            let (avpkt, burst) = red.retuned().unwrap();
            assert_eq!(red.tuned(avpkt, burst).wire().unwrap().w_log, w_log);
        }
    }
}

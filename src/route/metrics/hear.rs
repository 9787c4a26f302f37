//! The words of a route's metrics.

use super::Metrics;
use crate::text::{FromWord, WordError, Words};
use crate::wire::Text;

const RTO_MIN: u16 = 13;

impl Metrics {
    /// Takes the next metric, `WORD [ lock ] VALUE`; `false`, with nothing taken, if the next word is none.
    pub(in crate::route) fn hear(&mut self, words: &mut Words<'_>) -> Result<bool, WordError> {
        match () {
            () if words.take_if("mtu") => self.mtu = self.number(2, words)?,
            () if words.take_if("hoplimit") => {
                self.hoplimit = self.number(10, words)?;
                refuse_over(255, self.hoplimit, words)?;
            }
            () if words.take_if("advmss") => self.advmss = self.number(8, words)?,
            () if words.take_if_short("reordering") => self.reordering = self.number(9, words)?,
            () if words.take_if("rtt") => self.rtt = self.time(4, 8, words)?,
            () if words.take_if("rto_min") => {
                self.rto_min = self.time(RTO_MIN, 1, words)?;
                // There is nothing else that it could mean.
                self.lock = Some(self.lock.unwrap_or(0) | 1 << RTO_MIN);
            }
            () if words.take_if_short("window") => self.window = self.number(3, words)?,
            () if words.take_if_short("cwnd") => self.cwnd = self.number(7, words)?,
            () if words.take_if_short("initcwnd") => self.initcwnd = self.number(11, words)?,
            () if words.take_if_short("initrwnd") => self.initrwnd = self.number(14, words)?,
            () if words.take_if_short("features") => self.hear_features(words)?,
            () if words.take_if_short("quickack") => {
                self.quickack = self.number(15, words)?;
                refuse_over(1, self.quickack, words)?;
            }
            () if words.take_if_short("congctl") => {
                self.take_lock(16, words);
                let name = words.take("the name of a congestion control algorithm")?;
                self.congctl = Some(Text(name.to_owned()));
            }
            () if words.take_if_short("rttvar") => self.rttvar = self.time(5, 4, words)?,
            () if words.take_if_short("ssthresh") => self.ssthresh = self.number(6, words)?,
            () if words.take_if_short("fastopen_no_cookie") => {
                self.fastopen_no_cookie = self.number(17, words)?;
                refuse_over(1, self.fastopen_no_cookie, words)?;
            }
            () => return Ok(false),
        }
        Ok(true)
    }

    fn take_lock(&mut self, metric: u16, words: &mut Words<'_>) {
        if words.take_if("lock") {
            *self = std::mem::take(self).fix(metric);
        }
    }

    fn number(&mut self, metric: u16, words: &mut Words<'_>) -> Result<Option<u32>, WordError> {
        self.take_lock(metric, words);
        words.value().map(Some)
    }

    /// A time: a number in the kernel's unit, of which `per_ms` are a millisecond, or one with `s` or `ms` behind it.
    fn time(&mut self, metric: u16, per_ms: u32, words: &mut Words<'_>) -> Result<Option<u32>, WordError> {
        const WHAT: &str = "a time such as 200ms or 1s";
        self.take_lock(metric, words);
        let time = |word| time(word, per_ms).ok_or_else(|| format!("{word:?} is not {WHAT}"));
        words.read(WHAT, time).map(Some)
    }

    /// Features by name, any number of them, in front of which others may be given as bits.
    fn hear_features(&mut self, words: &mut Words<'_>) -> Result<(), WordError> {
        const WHAT: &str = "a feature: expected ecn or tcp_usec_ts";
        let feature = |word: &str| match word {
            "ecn" => Some(1),
            "tcp_usec_ts" => Some(16),
            _ => None,
        };
        self.take_lock(12, words);
        let bits = words.read(WHAT, |word| {
            let bits = feature(word).or_else(|| u32::from_word(word).ok());
            bits.ok_or_else(|| format!("{word:?} is not {WHAT}"))
        })?;
        let mut bits = bits | self.features.unwrap_or(0);
        while let Some(more) = words.peek().and_then(feature) {
            words.take(WHAT)?;
            bits |= more;
        }
        self.features = Some(bits);
        Ok(())
    }
}

fn refuse_over(most: u32, value: Option<u32>, words: &Words<'_>) -> Result<(), WordError> {
    match value {
        Some(value) if value > most => {
            Err(words.error_before(format!("{value} is over {most}, the most that it can be")))
        }
        _ => Ok(()),
    }
}

/// The time in the kernel's unit, rounded up.
fn time(word: &str, per_ms: u32) -> Option<u32> {
    let end = word.find(|c: char| c.is_ascii_alphabetic() && !word.starts_with("0x")).unwrap_or(word.len());
    let (digits, unit) = word.split_at_checked(end)?;
    let per_unit = match unit {
        "" => 1,
        "s" | "sec" | "secs" => 1000 * per_ms,
        "ms" | "msec" | "msecs" => per_ms,
        _ => return None,
    };
    if let Ok(whole) = u32::from_word(digits) {
        return whole.checked_mul(per_unit);
    }
    let plain = digits.contains('.') && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let number: f64 = digits.parse().ok().filter(|_| plain)?;
    let units = (number * f64::from(per_unit)).ceil();
    (units <= f64::from(u32::MAX)).then_some(units as u32)
}

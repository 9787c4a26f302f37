#[cfg(test)]
mod tests;

use super::Round;
use crate::units::Percent;
use crate::uplink::Probing;
use std::collections::VecDeque;
use std::fmt::{self, Display, Formatter};
use std::time::Duration;

/// Whether an uplink works, as far as its rounds of probes tell.
///
/// At first nothing is known, and an uplink of which nothing is known counts as one that works: a controller that starts
/// beside a running gateway must not take its uplinks out before the first answers. [`Probing::fall`] bad rounds then say otherwise as always.
/// Who knows better says so with [`assume`](Health::assume).
///
/// The gates judge what was heard: rounds of the window that are yet to come count as good, and before an uplink is given up for its
/// round-trip there must be as many answers as it takes bad rounds to give it up. After an outage the lost rounds count
/// until they have left the window, so a gate for losses makes an uplink come back later than [`Probing::rise`] says.
#[derive(Clone, Debug)]
pub struct Health {
    rise: u32,
    fall: u32,
    max_loss: Option<Percent>,
    max_round_trip: Option<Duration>,
    window: usize,
    works: Option<bool>,
    /// How many rounds in a row were good, and how many bad, since it last changed: one of both is 0.
    good: u32,
    bad: u32,
    /// The rounds of the window, the last one behind.
    recent: VecDeque<Option<Duration>>,
}

/// An uplink works from now on, or does not any more.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// Whether it works.
    pub up: bool,
    /// Why, in plain words: `3 of 3 probes lost: icmp 192.0.2.1, tcp 203.0.113.9:443`.
    pub reason: String,
}

impl Health {
    /// That of an uplink of which nothing is known. Numbers out of [`Probing`]'s ranges count as the nearest that are in.
    pub fn new(probing: &Probing) -> Self {
        Health {
            rise: probing.rise.max(1),
            fall: probing.fall.max(1),
            max_loss: probing.max_loss,
            max_round_trip: probing.max_round_trip,
            window: probing.window.clamp(1, 1000),
            works: None,
            good: 0,
            bad: 0,
            recent: VecDeque::new(),
        }
    }

    /// Says what is known from elsewhere, such as from the process that was here before, or that the device is gone. The rounds up to
    /// now do not count any more: what is down so takes [`Probing::rise`] good rounds to come up.
    pub fn assume(&mut self, up: bool) {
        self.works = Some(up);
        (self.good, self.bad) = (0, 0);
        self.recent.clear();
    }

    /// Hears what came of a round, a [`Round`] or the round-trip alone, and says whether that changes anything. The first
    /// [`Probing::rise`] good rounds are a change as well: then it is known to work.
    pub fn round(&mut self, round: impl Into<Round>) -> Option<Change> {
        let round = round.into();
        self.count(round.answer);
        let change = match self.works {
            Some(true) => self.failed(&round),
            Some(false) => self.risen(&round),
            None => self.failed(&round).or_else(|| self.risen(&round)),
        }?;
        self.works = Some(change.up);
        (self.good, self.bad) = (0, 0);
        Some(change)
    }

    /// Whether it is to be used: it works, or nothing is known of it.
    pub fn is_usable(&self) -> bool {
        self.works != Some(false)
    }

    /// Whether it works, if that is known.
    pub fn works(&self) -> Option<bool> {
        self.works
    }

    /// The part of the last [`Probing::window`] rounds that were bad, of those that were heard; `None` before the first.
    pub fn loss(&self) -> Option<Percent> {
        let heard = self.recent.len();
        (heard > 0).then(|| Percent::new(self.lost() as f64 / heard as f64 * 100.0))
    }

    /// The round-trip of the last round; `None` if that was bad, or there was none.
    pub fn last(&self) -> Option<Duration> {
        self.recent.back().copied().flatten()
    }

    /// The round-trip in the middle of the answers in the last [`Probing::window`] rounds (median; of two in the middle the
    /// shorter); `None` if there was none.
    pub fn round_trip(&self) -> Option<Duration> {
        let mut answers: Vec<_> = self.recent.iter().copied().flatten().collect();
        answers.sort_unstable();
        answers.get(answers.len().saturating_sub(1) / 2).copied()
    }

    fn count(&mut self, answer: Option<Duration>) {
        (self.good, self.bad) = match answer {
            Some(_) => (self.good.saturating_add(1), 0),
            None => (0, self.bad.saturating_add(1)),
        };
        if self.recent.len() >= self.window {
            self.recent.pop_front();
        }
        self.recent.push_back(answer);
    }

    /// What an uplink that worked, or of which nothing is known, is given up for.
    fn failed(&self, round: &Round) -> Option<Change> {
        let lost = || format!("{0} of {0} probes lost", self.bad);
        let what = (self.bad >= self.fall).then(lost).or_else(|| self.too_lossy()).or_else(|| {
            let enough = self.window.min(usize::try_from(self.fall).unwrap_or(usize::MAX));
            (self.recent.len() - self.lost() >= enough).then(|| self.too_slow()).flatten()
        })?;
        Some(Change { up: false, reason: with_who(what, round) })
    }

    /// What an uplink that did not work is taken for again.
    fn risen(&self, round: &Round) -> Option<Change> {
        let good = self.good >= self.rise && self.too_lossy().is_none() && self.too_slow().is_none();
        let answer = round.answer.filter(|_| good)?;
        let what = format!("{0} of {0} probes answered, the last in {1}", self.good, millis(answer));
        Some(Change { up: true, reason: with_who(what, round) })
    }

    fn too_lossy(&self) -> Option<String> {
        let max = self.max_loss?;
        let (lost, window, whole) = (self.lost() as u64, self.window as u64, u64::from(u32::MAX));
        // A percentage is rounded to its 32 bits: 7 of 20 are not more than 35 %.
        let more = lost * whole > (u64::from(max.raw()) + 1) * window;
        let part = percent(lost as f64 / window as f64 * 100.0);
        more.then(|| {
            format!(
                "{lost} of the last {window} probes lost, {part}, more than {}",
                percent(max.as_percent())
            )
        })
    }

    fn too_slow(&self) -> Option<String> {
        let (max, middle) = (self.max_round_trip?, self.round_trip()?);
        let answers = self.recent.len() - self.lost();
        (middle > max).then(|| {
            format!(
                "round-trip {} in the middle of the last {answers} answers, more than {}",
                millis(middle),
                millis(max)
            )
        })
    }

    fn lost(&self) -> usize {
        self.recent.iter().filter(|answer| answer.is_none()).count()
    }
}

/// In a line, without the uplink's name: `up, loss 5%, round-trip 12.3 ms`.
impl Display for Health {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self.works {
            Some(true) => "up",
            Some(false) => "down",
            None => "unknown",
        })?;
        if let Some(loss) = self.loss() {
            write!(f, ", loss {}", percent(loss.as_percent()))?;
        }
        match self.round_trip() {
            Some(middle) => write!(f, ", round-trip {}", millis(middle)),
            None => Ok(()),
        }
    }
}

fn with_who(what: String, round: &Round) -> String {
    match round.who.is_empty() {
        true => what,
        false => format!("{what}: {}", round.who),
    }
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

/// With one digit behind the point, if that is not 0.
fn percent(percent: f64) -> String {
    format!("{}%", (percent * 10.0).round() / 10.0)
}

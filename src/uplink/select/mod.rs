//! Where new connections go: four ways to decide, from what is usable and from counters. They do no I/O and read no clock.

mod emptier;
mod failover;
mod overflow;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
mod weighted;
mod words;

pub use emptier::EmptierUplink;
pub use failover::Failover;
pub use overflow::Overflow;
pub use weighted::Weighted;

use super::{Load, Uplink};
use std::time::Duration;

/// Decides which uplinks get new connections.
///
/// What has been decided stands until the next decision. A change of what is usable is answered in the same call, always: an uplink
/// that is not usable has no weight from then on.
pub trait Selector: Send {
    /// Looks at all uplinks, in the model's order, at a time of any clock that does not go back; a few times a second is right. A
    /// sample that is missing is taken for an uplink that is not usable. The first call always decides.
    ///
    /// `None`: what was decided last stands.
    fn select(&mut self, now: Duration, samples: &[Sample]) -> Option<Decision>;
}

/// An uplink as it is at the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// Whether it works.
    pub usable: bool,
    /// What its device has received, in bytes since whenever.
    pub rx_bytes: u64,
    /// What its device has sent, in bytes since whenever.
    pub tx_bytes: u64,
}

/// Where new connections go from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The proportions in which the uplinks get new connections, in the model's order: 0 for none, at most 256. All are 0 only if no
    /// uplink is usable.
    pub weights: Vec<u16>,
    /// Why, in words and with the numbers that led to it.
    pub reason: String,
}

/// The largest weight: what kernels before 6.12 take in a nexthop group.
const MOST_WEIGHT: u16 = 256;

/// What selectors need to know of an uplink.
#[derive(Clone, Debug)]
struct Member {
    name: String,
    tier: u8,
    metered: bool,
    weight: u16,
    load: Load,
    usable: bool,
}

/// The uplinks of a selector, as they were at the last sample.
#[derive(Clone, Debug)]
struct Members {
    all: Vec<Member>,
    /// What the last sample changed: `None` before the first.
    changed: Option<Vec<usize>>,
}

impl Members {
    fn new(uplinks: &[Uplink]) -> Self {
        let member = |uplink: &Uplink| Member {
            name: uplink.name.clone(),
            tier: uplink.tier,
            metered: uplink.metered,
            weight: uplink.weight.clamp(1, MOST_WEIGHT),
            load: Load::new(uplink),
            usable: false,
        };
        Members { all: uplinks.iter().map(member).collect(), changed: None }
    }

    /// Takes the samples in. Says whether what is usable changed, which the first samples always do.
    fn sample(&mut self, now: Duration, samples: &[Sample]) -> bool {
        let is_first = self.changed.is_none();
        let mut changed = Vec::new();
        for (index, member) in self.all.iter_mut().enumerate() {
            let sample = samples.get(index).copied().unwrap_or_default();
            if member.usable != sample.usable {
                changed.push(index);
            }
            member.usable = sample.usable;
            // Also while it does not work: how full it is must be known when it works again.
            if samples.len() > index {
                member.load.sample(now, sample.rx_bytes, sample.tx_bytes);
            }
        }
        let has_changed = is_first || !changed.is_empty();
        self.changed = Some(if is_first { Vec::new() } else { changed });
        has_changed
    }

    fn usable(&self) -> impl Iterator<Item = (usize, &Member)> {
        self.all.iter().enumerate().filter(|(_, member)| member.usable)
    }

    /// The usable ones of the lowest tier that has some, of those that cost or of the others.
    fn of_best_tier(&self, metered: bool) -> Vec<usize> {
        let fits = || self.usable().filter(|(_, member)| member.metered == metered);
        let best = fits().map(|(_, member)| member.tier).min();
        fits().filter(|(_, member)| Some(member.tier) == best).map(|(index, _)| index).collect()
    }

    /// The usable ones that come first, and those that cost and stand by: none if the first cost themselves.
    fn ranks(&self) -> (Vec<usize>, Vec<usize>) {
        let (free, metered) = (self.of_best_tier(false), self.of_best_tier(true));
        if free.is_empty() {
            (metered, Vec::new())
        } else {
            (free, metered)
        }
    }

    fn get(&self, index: usize) -> Option<&Member> {
        self.all.get(index)
    }

    fn is_usable(&self, index: usize) -> bool {
        self.get(index).is_some_and(|member| member.usable)
    }

    /// Weights that give everything to one.
    fn only(&self, chosen: Option<usize>) -> Vec<u16> {
        (0..self.all.len()).map(|index| u16::from(Some(index) == chosen)).collect()
    }
}

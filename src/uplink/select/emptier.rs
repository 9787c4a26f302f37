use super::{Decision, Members, Sample, Selector};
use crate::uplink::Uplink;
use std::time::Duration;

/// An uplink gets new connections if it has this share of the free bandwidth that the best one has...
const ENTER: f64 = 0.6;
/// ...and keeps getting them until it has less than this. The gap keeps the choice from swinging.
const LEAVE: f64 = 0.4;
/// Where even the best uplink has less of its bandwidth free than this, all are full.
const FULL: f64 = 0.15;
/// They are no more when one of them has this part of its bandwidth free.
const ROOM: f64 = 0.3;
/// The weight of the best uplink.
const BEST: f64 = 4.0;

/// New connections go where there is most room: measured by the devices' counters, in the fuller direction of each uplink
/// ([`Load::busy`](crate::uplink::Load::busy)).
///
/// Of the usable uplinks of the lowest tier that has some, those with at least 0.6 of the free bandwidth that the emptiest has get new
/// connections, until they have less than 0.4 of it. Weights follow the free bandwidth, so that what opens between two samples does
/// not all go the same way. When even the emptiest is more than 85 % full, those that cost help out; when these are as full, or there are
/// none, what is free says nothing any more: new connections are spread by capacity, over those that do not cost. Both last until an uplink
/// has 30 % free again.
///
/// It wants a sample about every 200 ms; how even they are does not matter.
#[derive(Clone, Debug)]
pub struct EmptierUplink {
    members: Members,
    weights: Vec<u16>,
    /// Whether those that cost help out.
    helped: bool,
    /// Whether all that may get new connections are full.
    full: bool,
}

impl EmptierUplink {
    /// For these uplinks.
    pub fn new(uplinks: &[Uplink]) -> Self {
        EmptierUplink {
            members: Members::new(uplinks),
            weights: vec![0; uplinks.len()],
            helped: false,
            full: false,
        }
    }

    /// Who may get new connections: those that come first, and those among whom to choose. Says whether anything about that is new.
    fn candidates(&mut self) -> (Vec<usize>, Vec<usize>, bool) {
        let (first, metered) = self.members.ranks();
        let were = (self.helped, self.full);
        self.helped = !metered.is_empty() && self.are_full(&first, self.helped);
        let all = if self.helped { [first.clone(), metered].concat() } else { first.clone() };
        self.full = self.are_full(&all, self.full);
        (first, all, were != (self.helped, self.full))
    }

    /// Whether none of these has much free; once they are full, it takes more for them not to be.
    fn are_full(&self, of: &[usize], were: bool) -> bool {
        let needed = if were { ROOM } else { FULL };
        let is_full =
            |index: &usize| self.members.get(*index).is_none_or(|member| 1.0 - member.load.busy() < needed);
        !of.is_empty() && of.iter().all(is_full)
    }

    /// The weights by what is free.
    fn weigh(&self, candidates: &[usize]) -> Vec<u16> {
        let free = |index: usize| self.members.get(index).map_or(0.0, |member| member.load.free());
        let best = candidates.iter().map(|index| free(*index)).fold(f64::MIN_POSITIVE, f64::max);
        let weight = |(index, old): (usize, &u16)| {
            let share = free(index) / best;
            let threshold = if *old == 0 { ENTER } else { LEAVE };
            let is_in = candidates.contains(&index) && share >= threshold;
            if is_in {
                (share * BEST).round().max(1.0) as u16
            } else {
                0
            }
        };
        self.weights.iter().enumerate().map(weight).collect()
    }

    /// The weights by capacity.
    fn spread(&self, over: &[usize]) -> Vec<u16> {
        let capacity = |index: usize| self.members.get(index).map_or(0.0, |member| member.load.capacity());
        let most = over.iter().map(|index| capacity(*index)).fold(f64::MIN_POSITIVE, f64::max);
        let weight = |index: usize| (capacity(index) / most * BEST).round().max(1.0) as u16;
        (0..self.weights.len()).map(|index| if over.contains(&index) { weight(index) } else { 0 }).collect()
    }
}

impl Selector for EmptierUplink {
    fn select(&mut self, now: Duration, samples: &[Sample]) -> Option<Decision> {
        let is_first = self.members.changed.is_none();
        let has_changed = self.members.sample(now, samples);
        let (first, all, others) = self.candidates();
        let forced = has_changed || others;
        let weights = if self.full { self.spread(&first) } else { self.weigh(&all) };
        // One step up or down is not worth a message.
        let allowed = if forced { 1 } else { 2 };
        if !is_first && self.weights.iter().zip(&weights).all(|(old, new)| old.abs_diff(*new) < allowed) {
            return None;
        }
        self.weights = weights;
        let (news, outcome) = (self.members.news(), self.members.outcome(&self.weights));
        let reason = match all.as_slice() {
            [] | [_] => format!("{news}{outcome}"),
            several if self.full => format!("{news}all are full, {}: {outcome}", self.members.free(several)),
            several => format!("{news}{}: {outcome}", self.members.free(several)),
        };
        Some(Decision { weights: self.weights.clone(), reason })
    }
}

#[cfg(test)]
mod tests;

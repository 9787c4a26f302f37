use super::{Decision, Members, Sample, Selector};
use crate::uplink::Uplink;
use std::time::Duration;

/// An uplink gets new connections if it has this share of the free bandwidth that the best one has...
const ENTER: f64 = 0.6;
/// ...and keeps getting them until it has less than this. The gap keeps the choice from swinging.
const LEAVE: f64 = 0.4;
/// Where even the best uplink has less of its bandwidth free than this, all are full, and the choice stands.
const FULL: f64 = 0.15;
/// Those that cost and had to help are left again when another uplink has this part of its bandwidth free.
const ROOM: f64 = 0.3;
/// The weight of the best uplink.
const BEST: f64 = 4.0;

/// New connections go where there is most room: measured by the devices' counters, in the fuller direction of each uplink.
///
/// Of the usable uplinks of the lowest tier that has some, those with at least 0.6 of the free bandwidth that the emptiest has get new
/// connections, until they have less than 0.4 of it. Weights follow the free bandwidth, so that what opens between two samples does
/// not all go the same way. Where even the emptiest is more than 85 % full the choice stands. Uplinks that cost help out when all
/// others are that full, until one of these has 30 % free.
///
/// It wants a sample about every 200 ms; how even they are does not matter.
#[derive(Clone, Debug)]
pub struct EmptierUplink {
    members: Members,
    weights: Vec<u16>,
    /// Whether those that cost help out.
    helped: bool,
}

impl EmptierUplink {
    /// For these uplinks.
    pub fn new(uplinks: &[Uplink]) -> Self {
        EmptierUplink { members: Members::new(uplinks), weights: vec![0; uplinks.len()], helped: false }
    }

    /// Who may get new connections. Says whether that is because those that cost begin or end to help.
    fn candidates(&mut self) -> (Vec<usize>, bool) {
        let (mut first, mut metered) = self.members.ranks();
        let needed = if self.helped { ROOM } else { FULL };
        let was_helped = self.helped;
        self.helped = !metered.is_empty() && !self.any(&first, |free| free >= needed);
        if self.helped {
            first.append(&mut metered);
        }
        (first, self.helped != was_helped)
    }

    /// Whether the free part of any of these is as asked.
    fn any(&self, of: &[usize], is: impl Fn(f64) -> bool) -> bool {
        of.iter().filter_map(|index| self.members.get(*index)).any(|member| is(1.0 - member.load.used()))
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

    /// Whether none that has a weight may not have one, and somebody has one.
    fn stands(&self, candidates: &[usize]) -> bool {
        let mut weighted = self.weights.iter().enumerate().filter(|(_, weight)| **weight != 0).peekable();
        weighted.peek().is_some() && weighted.all(|(index, _)| candidates.contains(&index))
    }
}

impl Selector for EmptierUplink {
    fn select(&mut self, now: Duration, samples: &[Sample]) -> Option<Decision> {
        let is_first = self.members.changed.is_none();
        let has_changed = self.members.sample(now, samples);
        let (candidates, others) = self.candidates();
        let forced = has_changed || others;
        if !forced && self.stands(&candidates) && !self.any(&candidates, |free| free >= FULL) {
            return None;
        }
        let weights = self.weigh(&candidates);
        // One step up or down is not worth a message.
        let allowed = if forced { 1 } else { 2 };
        if !is_first && self.weights.iter().zip(&weights).all(|(old, new)| old.abs_diff(*new) < allowed) {
            return None;
        }
        self.weights = weights;
        let (news, outcome) = (self.members.news(), self.members.outcome(&self.weights));
        let reason = match candidates.as_slice() {
            [] | [_] => format!("{news}{outcome}"),
            several => format!("{news}{}: {outcome}", self.members.free(several)),
        };
        Some(Decision { weights: self.weights.clone(), reason })
    }
}

#[cfg(test)]
mod tests;

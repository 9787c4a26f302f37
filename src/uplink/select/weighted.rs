use super::{Decision, Members, Sample, Selector};
use crate::uplink::Uplink;
use std::time::Duration;

/// Fixed shares ([`Uplink::weight`]) among the usable uplinks of the lowest tier that has some; those that cost only where no other works.
#[derive(Clone, Debug)]
pub struct Weighted {
    members: Members,
}

impl Weighted {
    /// For these uplinks.
    pub fn new(uplinks: &[Uplink]) -> Self {
        Weighted { members: Members::new(uplinks) }
    }
}

impl Selector for Weighted {
    fn select(&mut self, now: Duration, samples: &[Sample]) -> Option<Decision> {
        if !self.members.sample(now, samples) {
            return None;
        }
        let (first, _) = self.members.ranks();
        let share = |(index, member): (usize, &super::Member)| match first.contains(&index) {
            true => member.weight,
            false => 0,
        };
        let weights: Vec<u16> = self.members.all.iter().enumerate().map(share).collect();
        let reason = format!("{}{}", self.members.news(), self.members.outcome(&weights));
        Some(Decision { weights, reason })
    }
}

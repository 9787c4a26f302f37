use super::words::percent;
use super::{Decision, Members, Sample, Selector};
use crate::units::Percent;
use crate::uplink::Uplink;
use std::time::Duration;

/// An uplink that was full has room again when no more than this part of its limit is in use.
const ROOM: f64 = 0.75;

/// Fills one uplink up to a part of its capacity, then the next one, in the model's order: the usable ones of the lowest tier that has some,
/// and behind them those that cost. When an earlier one has room again (three quarters of the limit), new connections return to it.
/// When all are full, the choice stands.
#[derive(Clone, Debug)]
pub struct Overflow {
    members: Members,
    /// The part of the capacity at which an uplink is full, above 0.
    limit: f64,
    full: Vec<bool>,
    chosen: Option<usize>,
}

impl Overflow {
    /// For these uplinks; each is full when this part of its capacity is in use. 0 % is taken for 1 %.
    pub fn new(uplinks: &[Uplink], limit: Percent) -> Self {
        let limit = (limit.as_percent() / 100.0).max(0.01);
        Overflow { members: Members::new(uplinks), limit, full: vec![false; uplinks.len()], chosen: None }
    }

    /// Which is filled before which.
    fn order(&self) -> Vec<usize> {
        let (mut order, metered) = self.members.ranks();
        order.extend(metered);
        order
    }

    fn best(&self, order: &[usize]) -> Option<usize> {
        let has_room = |index: &usize| !self.full.get(*index).copied().unwrap_or(true);
        let free = |index: &usize| self.members.get(*index).map_or(0.0, |member| member.load.free());
        let stands = || self.chosen.filter(|chosen| order.contains(chosen));
        let emptiest = || order.iter().copied().max_by(|one, other| free(one).total_cmp(&free(other)));
        order.iter().copied().find(has_room).or_else(stands).or_else(emptiest)
    }

    /// Why it is another one now, though the same are usable.
    fn why(&self, order: &[usize], new: Option<usize>) -> Option<String> {
        let place = |index: usize| order.iter().position(|other| *other == index);
        let (old, new) = (self.chosen?, new?);
        let used = |index: usize| {
            let member = self.members.get(index)?;
            Some((member.name.as_str(), percent(member.load.busy())))
        };
        Some(match place(new) < place(old) {
            true => {
                let (name, used) = used(new)?;
                format!("{name} has room again ({used} of it is in use): ")
            }
            false => {
                let ((name, used), limit) = (used(old)?, percent(self.limit));
                format!("{name} is full ({used} of it is in use, the limit is {limit}): ")
            }
        })
    }
}

impl Selector for Overflow {
    fn select(&mut self, now: Duration, samples: &[Sample]) -> Option<Decision> {
        let is_first = self.members.changed.is_none();
        let has_changed = self.members.sample(now, samples);
        for (full, member) in self.full.iter_mut().zip(&self.members.all) {
            let limit = if *full { ROOM * self.limit } else { self.limit };
            *full = member.load.busy() >= limit;
        }
        let order = self.order();
        let chosen = self.best(&order);
        if chosen == self.chosen && !is_first {
            return None;
        }
        let why = if has_changed { Some(self.members.news()) } else { self.why(&order, chosen) };
        let weights = self.members.only(chosen);
        self.chosen = chosen;
        let reason = format!("{}{}", why.unwrap_or_default(), self.members.outcome(&weights));
        Some(Decision { weights, reason })
    }
}

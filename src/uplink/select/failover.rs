use super::{Decision, Members, Sample, Selector};
use crate::uplink::Uplink;
use std::time::Duration;

/// All new connections go to one uplink: the first usable one, by tier and then in the model's order, those that cost behind all others.
///
/// Away from one that does not work it goes at once, back to a better one only when that has been usable for a hold time.
#[derive(Clone, Debug)]
pub struct Failover {
    members: Members,
    hold: Duration,
    /// In the order of preference.
    order: Vec<usize>,
    /// Since when each has been usable. At the first sample all that are have been for long.
    since: Vec<Option<Since>>,
    chosen: Option<usize>,
}

#[derive(Clone, Copy, Debug)]
enum Since {
    Ever,
    Then(Duration),
}

impl Failover {
    /// For these uplinks. `hold`: how long a better one must have been usable before new connections return to it.
    pub fn new(uplinks: &[Uplink], hold: Duration) -> Self {
        let members = Members::new(uplinks);
        let mut order: Vec<usize> = (0..uplinks.len()).collect();
        order.sort_by_key(|index| members.get(*index).map(|member| (member.metered, member.tier)));
        Failover { members, hold, order, since: vec![None; uplinks.len()], chosen: None }
    }

    /// For how long it has been usable; at most the hold time.
    fn held(&self, index: usize, now: Duration) -> Option<Duration> {
        Some(match (*self.since.get(index)?)? {
            Since::Ever => self.hold,
            Since::Then(then) => now.saturating_sub(then).min(self.hold),
        })
    }

    fn note(&mut self, now: Duration, is_first: bool) {
        for (since, member) in self.since.iter_mut().zip(&self.members.all) {
            *since = match (member.usable, &since) {
                (false, _) => None,
                (true, Some(since)) => Some(*since),
                (true, None) if is_first => Some(Since::Ever),
                (true, None) => Some(Since::Then(now)),
            };
        }
    }

    /// The best that has been usable for long enough; if there is none, the one that is in use, else the best that is usable.
    fn best(&self, now: Duration) -> Option<usize> {
        let held = |index: &usize| self.held(*index, now).is_some_and(|held| held >= self.hold);
        let usable = |index: &usize| self.members.is_usable(*index);
        let in_use = || self.chosen.filter(usable);
        let best = self.order.iter().copied().find(held);
        let rank = |index: usize| self.order.iter().position(|other| *other == index);
        match (best, in_use()) {
            // One that was taken because nothing else worked may stay, if it is the better one.
            (Some(best), Some(in_use)) if rank(in_use) < rank(best) => Some(in_use),
            (Some(best), _) => Some(best),
            (None, Some(in_use)) => Some(in_use),
            (None, None) => self.order.iter().copied().find(usable),
        }
    }

    fn reason(&self, chosen: Option<usize>, now: Duration, has_changed: bool) -> String {
        let outcome = self.members.outcome(&self.members.only(chosen));
        let news = if has_changed { self.members.news() } else { String::new() };
        let member = |index: usize| self.members.get(index).map_or("", |member| member.name.as_str());
        match (chosen, self.chosen) {
            (Some(new), Some(old)) if news.is_empty() && new != old => {
                let seconds = self.held(new, now).unwrap_or_default().as_secs_f64();
                format!(
                    "{} has worked for {seconds:.0} s and comes before {}: {outcome}",
                    member(new),
                    member(old)
                )
            }
            _ => format!("{news}{outcome}"),
        }
    }
}

impl Selector for Failover {
    fn select(&mut self, now: Duration, samples: &[Sample]) -> Option<Decision> {
        let is_first = self.members.changed.is_none();
        let has_changed = self.members.sample(now, samples);
        self.note(now, is_first);
        let chosen = self.best(now);
        if chosen == self.chosen && !is_first {
            return None;
        }
        let reason = self.reason(chosen, now, has_changed);
        self.chosen = chosen;
        Some(Decision { weights: self.members.only(chosen), reason })
    }
}

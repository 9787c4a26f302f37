use super::health::{Health, Prober};
use super::{Choice, Decision, Gateway, Load, Sample, Seen, Selector};
use crate::error::Result;
use std::time::{Duration, Instant};

/// What is known of an uplink.
pub(super) struct Watched {
    pub health: Health,
    pub prober: Option<Prober>,
    pub load: Load,
    pub counters: (u64, u64),
    pub drained: bool,
    /// Whether it was usable when the selector was last asked.
    pub usable: bool,
}

impl Watched {
    /// Whether packets can leave by this uplink, and its probes are answered.
    pub fn works(&self, seen: &Seen, number: usize) -> bool {
        seen.is_ready(number) && self.health.is_usable()
    }
}

/// Begins to watch the uplinks.
pub(super) fn watch(gateway: &Gateway, seen: &Seen, now: Instant) -> Result<Vec<Watched>> {
    let count = u32::try_from(gateway.uplinks.len()).unwrap_or(u32::MAX).max(1);
    let watched = gateway.uplinks.iter().enumerate().map(|(number, uplink)| {
        let targets = if uplink.targets.is_empty() { &gateway.probing.targets } else { &uplink.targets };
        let mark = gateway.owned.mark_of(number);
        // Not all at the same moment.
        let start = now + gateway.probing.interval / count * u32::try_from(number).unwrap_or_default();
        let prober = || Prober::new(&gateway.probing, targets, mark, seen.sources(number), start);
        Ok(Watched {
            health: Health::new(&gateway.probing),
            prober: if targets.is_empty() { None } else { Some(prober()?) },
            load: Load::new(uplink),
            counters: (0, 0),
            drained: false,
            usable: true,
        })
    });
    watched.collect()
}

/// The first choice, and why.
pub(super) fn first(
    gateway: &Gateway,
    seen: &Seen,
    watched: &[Watched],
    selector: &mut dyn Selector,
) -> (Choice, Option<Decision>) {
    let works = |(number, watched): (usize, &Watched)| watched.works(seen, number) && !watched.drained;
    let usable: Vec<_> = watched.iter().enumerate().map(works).collect();
    let samples: Vec<_> =
        usable.iter().map(|usable| Sample { usable: *usable, ..Sample::default() }).collect();
    let decision = selector.select(Duration::ZERO, &samples);
    let weights =
        decision.as_ref().map_or_else(|| Choice::first(gateway).weights, |decision| decision.weights.clone());
    (Choice { usable, weights }, decision)
}

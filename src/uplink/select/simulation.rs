//! Uplinks with flows that follow the decisions: what a selector decides comes back to it as counters.

use super::{Decision, Sample, Selector};
use crate::units::Rate;
use crate::uplink::Uplink;
use std::time::Duration;

/// How often the selector looks.
pub(super) const INTERVAL: Duration = Duration::from_millis(200);
/// How finely time passes for the flows.
const TICK: Duration = Duration::from_millis(20);

/// Uplinks of these capacities in Mbit/s, the same in both directions, named a, b, c...
pub(super) fn uplinks(capacities: &[u64]) -> Vec<Uplink> {
    let uplink = |(name, mbit): (char, &u64)| {
        let dev = format!("eth{name}").parse().unwrap();
        Uplink::new(name, dev, Rate::mbit(*mbit), Rate::mbit(*mbit))
    };
    ('a'..='z').zip(capacities).map(uplink).collect()
}

/// A download: as fast as it can, or up to a rate in Mbit/s.
struct Flow {
    uplink: usize,
    most: f64,
    /// In bytes; endless without.
    left: Option<f64>,
}

pub(super) struct World {
    selector: Box<dyn Selector>,
    /// In bytes a second.
    capacities: Vec<f64>,
    pub usable: Vec<bool>,
    received: Vec<f64>,
    flows: Vec<Flow>,
    pub now: Duration,
    /// When the selector looks next.
    next: Duration,
    pub weights: Vec<u16>,
    pub decisions: Vec<(Duration, Decision)>,
    random: u64,
    /// How much the samples come too late, at most.
    pub late: Duration,
}

impl World {
    pub fn new(uplinks: &[Uplink], selector: impl Selector + 'static) -> Self {
        let capacities = uplinks.iter().map(|uplink| uplink.down.as_bytes_per_second() as f64);
        World {
            selector: Box::new(selector),
            capacities: capacities.collect(),
            usable: vec![true; uplinks.len()],
            received: vec![0.0; uplinks.len()],
            flows: Vec::new(),
            now: Duration::ZERO,
            next: Duration::ZERO,
            weights: vec![0; uplinks.len()],
            decisions: Vec::new(),
            random: 7,
            late: Duration::ZERO,
        }
    }

    /// A number below another one. `splitmix64`, so that each run is the same.
    pub fn below(&mut self, end: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end.max(1)
    }

    /// Opens a flow where the weights say, as the kernel's hash would. Gives the uplink.
    pub fn open(&mut self, most_mbit: f64, bytes: Option<f64>) -> usize {
        let all: u64 = self.weights.iter().map(|weight| u64::from(*weight)).sum();
        let mut at = self.below(all);
        let mut uplink = 0;
        for (index, weight) in self.weights.iter().enumerate() {
            match at.checked_sub(u64::from(*weight)) {
                Some(rest) => at = rest,
                None => {
                    uplink = index;
                    break;
                }
            }
        }
        self.flows.push(Flow { uplink, most: most_mbit * 125_000.0, left: bytes });
        uplink
    }

    /// Opens a flow on an uplink, whatever the weights say.
    pub fn open_on(&mut self, uplink: usize, most_mbit: f64) {
        self.flows.push(Flow { uplink, most: most_mbit * 125_000.0, left: None });
    }

    pub fn close_all(&mut self) {
        self.flows.clear();
    }

    /// How many flows each uplink has.
    pub fn counts(&self) -> Vec<usize> {
        let count = |uplink| self.flows.iter().filter(|flow| flow.uplink == uplink).count();
        (0..self.capacities.len()).map(count).collect()
    }

    /// Lets time pass; the selector looks five times a second.
    pub fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            if self.now >= self.next {
                self.look();
                let late = self.late.as_millis() as u64;
                self.next = self.now + INTERVAL + Duration::from_millis(self.below(late + 1));
            }
            self.carry();
            self.now += TICK;
        }
    }

    /// One look of the selector.
    pub fn look(&mut self) {
        let sample = |(usable, bytes): (&bool, &f64)| Sample {
            usable: *usable,
            rx_bytes: *bytes as u64,
            tx_bytes: (*bytes / 40.0) as u64,
        };
        let samples: Vec<Sample> = self.usable.iter().zip(&self.received).map(sample).collect();
        if let Some(decision) = self.selector.select(self.now, &samples) {
            check(&decision.weights, &self.usable);
            self.weights.clone_from(&decision.weights);
            self.decisions.push((self.now, decision));
        }
        // Also a choice that stands is one that may stand.
        check(&self.weights, &self.usable);
    }

    /// The flows of an uplink share it: nobody gets more than he wants, and the rest is for the others.
    fn carry(&mut self) {
        let seconds = TICK.as_secs_f64();
        for (uplink, capacity) in self.capacities.iter().enumerate() {
            let mut flows: Vec<&mut Flow> =
                self.flows.iter_mut().filter(|flow| flow.uplink == uplink).collect();
            flows.sort_by(|one, other| one.most.total_cmp(&other.most));
            let (mut left, mut others) = (*capacity, flows.len());
            for flow in flows {
                let rate = flow.most.min(left / others as f64);
                (left, others) = (left - rate, others - 1);
                if let Some(bytes) = &mut flow.left {
                    *bytes -= rate * seconds;
                }
            }
            self.received[uplink] += (capacity - left) * seconds;
        }
        self.flows.retain(|flow| flow.left.is_none_or(|bytes| bytes > 0.0));
    }

    /// How many decisions there were since then.
    pub fn decisions_since(&self, then: Duration) -> usize {
        self.decisions.iter().filter(|(at, _)| *at > then).count()
    }

    pub fn reason(&self) -> &str {
        self.decisions.last().map_or("", |(_, decision)| &decision.reason)
    }
}

/// What holds of every choice.
pub(super) fn check(weights: &[u16], usable: &[bool]) {
    assert_eq!(weights.len(), usable.len());
    let mut of_each = weights.iter().zip(usable);
    assert!(
        of_each.all(|(weight, usable)| *weight <= 256 && (*weight == 0 || *usable)),
        "{weights:?} {usable:?}"
    );
    let any = weights.iter().any(|weight| *weight != 0);
    assert_eq!(any, usable.contains(&true), "{weights:?} {usable:?}");
}

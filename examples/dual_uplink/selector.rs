//! The selector: where new connections of the LAN go. Five times a second it reads what the uplinks have carried, and when another
//! choice is clearly better it replaces the default route that new connections use: one message. What runs already stays where
//! it is, because its mark leads to its uplink's own table.

use crate::gateway::{steer, Uplink};
use crate::lab::Host;
use crate::screen::Screen;
use crate::Result;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tcnl::netlink::{Connection, Protocol};

/// How often the counters are read.
const INTERVAL: Duration = Duration::from_millis(200);
/// How much of a new sample goes into the smoothed value.
const SMOOTHING: f64 = 0.4;
/// An uplink gets new connections if it has this share of the free bandwidth that the best one has...
const ENTER: f64 = 0.6;
/// ...and keeps getting them until it has less than this. The gap keeps the choice from swinging.
const LEAVE: f64 = 0.4;
/// Where even the best uplink has less of its bandwidth free than this, all are full, and the choice stands.
const FULL: f64 = 0.15;
/// The weight of the best uplink.
const BEST: f64 = 4.0;

/// The proportions in which the uplinks get new connections.
pub type Weights = [u8; 2];

/// Bytes received and sent.
pub type Counters = (u64, u64);

/// What a device has received and sent, in bytes.
pub fn counters(nl: &mut Connection, device: &str) -> Result<Counters> {
    let stats = nl.link(device)?.stats.ok_or("a link without counters")?;
    Ok((stats.rx_bytes, stats.tx_bytes))
}

/// The decision, without the kernel: counters in, weights out.
struct Decision {
    loads: [Load; 2],
    weights: Weights,
}

/// What an uplink carries.
struct Load {
    down: f64,
    up: f64,
    last: Option<Counters>,
    /// The part of the fuller direction that is in use, 0 to 1, smoothed.
    used: f64,
}

impl Load {
    fn new(uplink: &Uplink) -> Load {
        let [down, up] = [uplink.down, uplink.up].map(|rate| rate.as_bytes_per_second().max(1) as f64);
        Load { down, up, last: None, used: 0.0 }
    }

    fn sample(&mut self, now: Counters, elapsed: Duration) {
        if let Some(last) = self.last.replace(now) {
            let rate = |now: u64, last: u64| now.saturating_sub(last) as f64 / elapsed.as_secs_f64();
            let used = f64::max(rate(now.0, last.0) / self.down, rate(now.1, last.1) / self.up);
            self.used += SMOOTHING * (used.min(1.0) - self.used);
        }
    }

    /// Free bandwidth, in bytes a second of downloads.
    fn headroom(&self) -> f64 {
        (1.0 - self.used) * self.down
    }
}

impl Decision {
    /// New weights, if these counters call for them.
    fn sample(&mut self, counters: [Counters; 2], elapsed: Duration) -> Option<Weights> {
        for (load, counters) in self.loads.iter_mut().zip(counters) {
            load.sample(counters, elapsed);
        }
        if self.loads.iter().all(|load| load.used > 1.0 - FULL) {
            return None;
        }
        let best = self.loads.iter().map(Load::headroom).fold(0.0, f64::max);
        let mut weights = self.weights;
        for (load, weight) in self.loads.iter().zip(&mut weights) {
            let share = load.headroom() / best;
            let threshold = if *weight == 0 { ENTER } else { LEAVE };
            // Weights follow the free bandwidth: what opens between two samples does not all go the same way.
            *weight = if share >= threshold { (share * BEST).round() as u8 } else { 0 };
        }
        // One step up or down is not worth a message.
        if self.weights.iter().zip(weights).all(|(old, new)| old.abs_diff(new) < 2) {
            return None;
        }
        self.weights = weights;
        Some(weights)
    }
}

/// A running selector.
pub struct Selector {
    state: Arc<State>,
    thread: JoinHandle<Result<()>>,
}

#[derive(Default)]
struct State {
    stopped: AtomicBool,
    samples: AtomicUsize,
    changes: AtomicUsize,
}

impl Selector {
    /// Starts with all new connections on the first uplink.
    pub fn start(host: &Host, uplinks: &[Uplink; 2], screen: &Arc<Screen>) -> Result<Selector> {
        let mut nl = host.connection(Protocol::Route)?;
        let state = Arc::<State>::default();
        let (shared, uplinks, screen) = (Arc::clone(&state), uplinks.clone(), Arc::clone(screen));
        let thread = thread::spawn(move || {
            let mut decision =
                Decision { loads: uplinks.each_ref().map(Load::new), weights: [BEST as u8, 0] };
            let mut last = Instant::now();
            while !shared.stopped.load(Relaxed) {
                thread::sleep(INTERVAL);
                let [a, b] = &uplinks;
                let now = [counters(&mut nl, a.device)?, counters(&mut nl, b.device)?];
                let elapsed = last.elapsed();
                last = Instant::now();
                if let Some(weights) = decision.sample(now, elapsed) {
                    steer(&mut nl, &uplinks, weights)?;
                    screen.choice(weights);
                    shared.changes.fetch_add(1, Relaxed);
                }
                shared.samples.fetch_add(1, Relaxed);
            }
            Ok(())
        });
        Ok(Selector { state, thread })
    }

    /// Waits until it has seen what goes on now. On a busy machine that takes longer than the samples should: the kernel has one
    /// lock for the configuration of all network namespaces.
    pub fn wait(&self) {
        const SAMPLES: usize = 5;
        let (seen, limit) = (self.state.samples.load(Relaxed), Instant::now() + Duration::from_secs(4));
        while self.state.samples.load(Relaxed) < seen + SAMPLES && Instant::now() < limit {
            thread::sleep(INTERVAL / 4);
        }
    }

    /// Stops it, and says how often it changed the route.
    pub fn stop(self) -> Result<usize> {
        self.state.stopped.store(true, Relaxed);
        self.thread.join().map_err(|_| "the selector panicked")??;
        Ok(self.state.changes.load(Relaxed))
    }
}

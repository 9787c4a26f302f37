//! How many connections use each uplink.

use crate::Result;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};
use tcnl::netfilter::Flows;
use tcnl::netlink::{Builder, Connection, Protocol};
use tcnl::uplink::Gateway;

/// From one count to the next, at least.
const PAUSE: Duration = Duration::from_secs(1);
/// The pause is so many times as long as a count took: the kernel goes through all the connections it knows.
const RATIO: u32 = 20;

/// Counts in a thread of its own, so that no decision waits for it, until it is dropped.
pub struct Counter(Arc<Mutex<Counted>>);

#[derive(Default)]
struct Counted {
    /// Those of each uplink.
    flows: Vec<Flows>,
    /// How many there were at the last count, if that is known.
    counts: Vec<Option<u64>>,
}

impl Counter {
    /// Begins to count those of this gateway, in the network namespace of the calling thread.
    pub fn start(gateway: &Gateway) -> Result<Counter> {
        let nl = Builder::default().protocol(Protocol::Netfilter).open()?;
        let counter = Counter(Arc::default());
        counter.watch(gateway)?;
        let counted = Arc::downgrade(&counter.0);
        thread::spawn(move || keep_counting(nl, &counted));
        Ok(counter)
    }

    /// Counts those of another gateway from now on.
    pub fn watch(&self, gateway: &Gateway) -> Result<()> {
        let of = |uplink| Flows::marked(gateway.owned.mark_of(uplink), gateway.owned.mark_bits);
        let flows = (0..gateway.uplinks.len()).map(of).collect::<Result<_, _>>()?;
        *lock(&self.0) = Counted { flows, counts: Vec::new() };
        Ok(())
    }

    /// The last count, in the gateway's order; nothing is there before the first.
    pub fn counts(&self) -> Vec<Option<u64>> {
        lock(&self.0).counts.clone()
    }
}

fn keep_counting(mut nl: Connection, counted: &Weak<Mutex<Counted>>) {
    while let Some(counted) = counted.upgrade() {
        let flows = lock(&counted).flows.clone();
        let begin = Instant::now();
        let counts = match nl.count_each_flows(&flows) {
            Ok(counts) => counts.into_iter().map(Some).collect(),
            Err(_) => vec![None; flows.len()],
        };
        let took = begin.elapsed();
        let mut now = lock(&counted);
        if now.flows == flows {
            now.counts = counts;
        }
        drop(now);
        drop(counted);
        thread::sleep((took * RATIO).max(PAUSE));
    }
}

fn lock(counted: &Mutex<Counted>) -> MutexGuard<'_, Counted> {
    counted.lock().unwrap_or_else(PoisonError::into_inner)
}

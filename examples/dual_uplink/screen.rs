//! What can be seen while it works: a line a second.

use crate::gateway::Uplink;
use crate::lab::Host;
use crate::selector::{counters, Weights};
use crate::Result;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use tcnl::netlink::Protocol;

/// What the next line will say.
pub struct Screen {
    step: Mutex<&'static str>,
    choice: Mutex<Weights>,
}

impl Screen {
    /// Writes a line a second until the process ends.
    pub fn start(gateway: &Host, uplinks: &[Uplink; 2]) -> Result<Arc<Screen>> {
        let screen = Arc::new(Screen { step: Mutex::new("start"), choice: Mutex::new([1, 0]) });
        let mut nl = gateway.connection(Protocol::Route)?;
        let (shown, uplinks) = (Arc::clone(&screen), uplinks.clone());
        thread::spawn(move || -> Result<()> {
            let start = Instant::now();
            let mut last = [(0, 0); 2];
            for second in 1.. {
                thread::sleep(
                    (start + Duration::from_secs(second)).saturating_duration_since(Instant::now()),
                );
                let mut line = format!("{second:3} s  {:42}", *lock(&shown.step));
                for (uplink, last) in uplinks.iter().zip(&mut last) {
                    let now = counters(&mut nl, uplink.device)?;
                    let [down, up] = [now.0 - last.0, now.1 - last.1].map(|bytes| bytes as f64 * 8e-6);
                    line += &format!("  {} {down:5.1} down {up:4.1} up", uplink.name);
                    *last = now;
                }
                let new = match *lock(&shown.choice) {
                    [_, 0] => "A".into(),
                    [0, _] => "B".into(),
                    [a, b] => format!("A:B {a}:{b}"),
                };
                println!("{line}  Mbit/s  new connections: {new}");
            }
            Ok(())
        });
        Ok(screen)
    }

    /// Says what is being done.
    pub fn step(&self, step: &'static str) {
        *lock(&self.step) = step;
    }

    /// Says where new connections go.
    pub fn choice(&self, weights: Weights) {
        *lock(&self.choice) = weights;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

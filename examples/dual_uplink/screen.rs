//! What can be seen while it works: a line a second, and what the controller has to tell.

use crate::lab::Host;
use crate::Result;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use tcnl::netlink::Connection;
use tcnl::units::Name;
use tcnl::uplink::{Gateway, Happening};

/// What the next line will say.
pub struct Screen {
    names: Vec<String>,
    step: Mutex<&'static str>,
    choice: Mutex<String>,
    decisions: AtomicUsize,
}

impl Screen {
    /// Writes a line a second until the process ends.
    pub fn start(host: &Host, gateway: &Gateway) -> Result<Arc<Screen>> {
        let names: Vec<_> = gateway.uplinks.iter().map(|uplink| uplink.name.clone()).collect();
        let screen = Arc::new(Screen {
            step: Mutex::new("start"),
            choice: Mutex::new(names.first().cloned().unwrap_or_default()),
            names,
            decisions: AtomicUsize::new(0),
        });
        let mut nl = host.connection()?;
        let (shown, uplinks) = (Arc::clone(&screen), gateway.uplinks.clone());
        thread::spawn(move || -> Result<()> {
            let start = Instant::now();
            let mut last = vec![(0, 0); uplinks.len()];
            for second in 1.. {
                thread::sleep(
                    (start + Duration::from_secs(second)).saturating_duration_since(Instant::now()),
                );
                let mut line = format!("{second:3} s  {:42}", *lock(&shown.step));
                for (uplink, last) in uplinks.iter().zip(&mut last) {
                    let now = counters(&mut nl, &uplink.dev)?;
                    let [down, up] = [now.0 - last.0, now.1 - last.1].map(|bytes| bytes as f64 * 8e-6);
                    line += &format!("  {} {down:5.1} down {up:4.1} up", uplink.name);
                    *last = now;
                }
                println!("{line}  Mbit/s  new connections: {}", lock(&shown.choice));
            }
            Ok(())
        });
        Ok(screen)
    }

    /// Says what is being done.
    pub fn step(&self, step: &'static str) {
        *lock(&self.step) = step;
    }

    /// Says what the controller tells.
    pub fn tell(&self, happening: &Happening<'_>) {
        println!("       {happening}");
        if let Happening::Decided(decision) = happening {
            let chosen: Vec<_> =
                self.names.iter().zip(&decision.weights).filter(|(_, weight)| **weight != 0).collect();
            let names: Vec<_> = chosen.iter().map(|(name, _)| name.as_str()).collect();
            let weights: Vec<_> = chosen.iter().map(|(_, weight)| weight.to_string()).collect();
            *lock(&self.choice) = match chosen.len() {
                0 => "nowhere".into(),
                1 => names.concat(),
                _ => format!("{} {}", names.join(":"), weights.join(":")),
            };
            self.decisions.fetch_add(1, Relaxed);
        }
    }

    /// How often the controller decided something else.
    pub fn decisions(&self) -> usize {
        self.decisions.load(Relaxed)
    }
}

/// What a device has received and sent, in bytes.
fn counters(nl: &mut Connection, dev: &Name) -> Result<(u64, u64)> {
    let stats = nl.link(dev)?.stats.ok_or("a link without counters")?;
    Ok((stats.rx_bytes, stats.tx_bytes))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

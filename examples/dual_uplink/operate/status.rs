//! How the uplinks do, as `run` tells it to whoever asks and shows it itself.

use super::{say, socket, Arguments};
use crate::Result;
use serde::{Deserialize, Serialize};
use std::time::{SystemTime, UNIX_EPOCH};
use tcnl::uplink::{Controller, Status};

/// How the uplinks do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Published {
    /// When that was, in seconds since 1970.
    pub time: f64,
    pub uplinks: Vec<Uplink>,
}

/// How one does.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Uplink {
    pub name: String,
    pub usable: bool,
    pub drained: bool,
    pub weight: u16,
    /// Bits a second.
    pub down: u64,
    /// Bits a second.
    pub up: u64,
    /// Of the capacity, 0 to 1, in the fuller direction.
    pub used: f64,
    pub round_trip_ms: Option<f64>,
    pub loss_percent: Option<f64>,
    /// Unknown for the first moments, and if the kernel cannot be asked.
    pub flows: Option<u64>,
}

/// Asks the `run` of this network namespace, and prints what it says.
pub fn show(arguments: &Arguments) -> Result<()> {
    let text = socket::ask(&socket::path(arguments.socket.as_deref())?)?;
    let published: Published = serde_json::from_str(&text)?;
    if arguments.json {
        return say(&format!("{}\n", serde_json::to_string(&published)?));
    }
    published.uplinks.iter().try_for_each(|uplink| say(&format!("{}\n", uplink.line())))
}

/// Now, in seconds since 1970.
pub fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_millis() as f64 / 1e3)
}

impl Published {
    /// What a controller knows, with the connections of each uplink as they were last counted.
    pub fn of(controller: &Controller, flows: &[Option<u64>]) -> Published {
        let flows = flows.iter().copied().chain(std::iter::repeat(None));
        let uplinks = controller.statuses().into_iter().zip(flows);
        Published { time: now(), uplinks: uplinks.map(|(status, flows)| Uplink::of(status, flows)).collect() }
    }
}

impl Uplink {
    fn of(status: Status, flows: Option<u64>) -> Uplink {
        let thousandths = |number: f64| (number * 1e3).round() / 1e3;
        Uplink {
            name: status.name,
            usable: status.usable,
            drained: status.drained,
            weight: status.weight,
            down: status.down.as_bits_per_second(),
            up: status.up.as_bits_per_second(),
            used: thousandths(status.used),
            round_trip_ms: status.round_trip.map(|time| thousandths(time.as_secs_f64() * 1e3)),
            loss_percent: status.loss.map(|loss| thousandths(loss.as_percent())),
            flows,
        }
    }

    /// In a line.
    pub fn line(&self) -> String {
        let megabits = |bits: u64| bits as f64 * 1e-6;
        let state = match (self.usable, self.drained) {
            (_, true) => "out",
            (true, _) => "works",
            _ => "DOWN",
        };
        let known = |number: Option<String>| number.unwrap_or_else(|| "-".into());
        format!(
            "{:15} {state:5} {:8.2} down {:8.2} up Mbit/s {:3.0} % used {:>6} ms {:>3} % lost {:>6} flows  weight {}",
            self.name,
            megabits(self.down),
            megabits(self.up),
            self.used * 100.0,
            known(self.round_trip_ms.map(|time| format!("{time:.1}"))),
            known(self.loss_percent.map(|loss| format!("{loss:.0}"))),
            known(self.flows.map(|flows| flows.to_string())),
            self.weight
        )
    }
}

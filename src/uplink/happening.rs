use super::health::Change;
use super::{Changes, Decision};
use crate::error::Error;
use crate::units::{Percent, Rate};
use std::fmt::{self, Display, Formatter};
use std::time::Duration;

/// Something that a controller has to tell.
#[derive(Debug)]
#[non_exhaustive]
pub enum Happening<'a> {
    /// New connections are spread otherwise from now on.
    Decided(&'a Decision),
    /// An uplink works, or does not work any more.
    Health {
        /// Its name.
        uplink: &'a str,
        /// Whether it works, and why.
        change: &'a Change,
    },
    /// The connections of an uplink that does not work were forgotten, so that they are reset and do not hang.
    Forgotten {
        /// Its name.
        uplink: &'a str,
    },
    /// Something was not as it shall be, and was repaired with these commands.
    Repaired(&'a Changes),
    /// Something went wrong. It is tried again.
    Failed(&'a Error),
}

/// A line.
impl Display for Happening<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Happening::Decided(decision) => f.write_str(&decision.reason),
            Happening::Health { uplink, change: Change { up: true, reason, .. } } => {
                write!(f, "{uplink} works: {reason}")
            }
            Happening::Health { uplink, change } => write!(f, "{uplink} does not work: {}", change.reason),
            Happening::Forgotten { uplink } => write!(f, "connections over {uplink} were ended"),
            Happening::Repaired(changes) => {
                write!(f, "repaired: {}", changes.to_string().trim_end().replace('\n', "; "))
            }
            Happening::Failed(error) => write!(f, "failed, to be tried again: {error}"),
        }
    }
}

/// How an uplink does. See [`Controller::statuses`](super::Controller::statuses).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Status {
    /// Its name.
    pub name: String,
    /// Whether new connections may use it.
    pub usable: bool,
    /// Whether it was taken out with [`Controller::drain`](super::Controller::drain).
    pub drained: bool,
    /// Its share of the new connections, in proportion to the others'.
    pub weight: u16,
    /// What it carries to us, smoothed.
    pub down: Rate,
    /// What it carries from us, smoothed.
    pub up: Rate,
    /// The part of its capacity that is in use in the fuller direction, 0 to 1.
    pub used: f64,
    /// The round-trip of its probes in the middle, if any was answered.
    pub round_trip: Option<Duration>,
    /// The part of its probes that was lost, if there were any.
    pub loss: Option<Percent>,
}

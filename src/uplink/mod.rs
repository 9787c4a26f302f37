//! Several Internet uplinks on one gateway.
//!
//! A [`Gateway`] says which uplinks there are, what they carry and what shall go where; [`Gateway::check`] says whether that makes sense.
//! What the machine has of it is [`Seen`]. A [`Selector`] decides which uplinks get new connections. What the kernel has to be told for
//! all that, rules, routes and queues, is a [`Desired`](crate::plan::Desired) of [`plan`](crate::plan), which [`desired`] makes: there is
//! no other way to read, compare, apply or undo.

mod check;
mod load;
mod audit;
mod changes;
mod controller;
mod devices;
mod health;
mod machine;
mod marks;
mod model;
mod owned;
mod probing;
mod remembered;
mod routing;
mod seen;
mod select;
mod shaper;
mod shaping;
pub mod sysctl;
#[cfg(test)]
mod testing;
mod warnings;

pub use changes::{ChangeError, Changes};
pub use check::Problem;
pub use controller::{Controller, Happening, Status};
pub use load::Load;
pub use audit::{audit, Exposed, Process};
pub use health::{Change, Health, Interest, Prober, Round, Sources};
pub use machine::{Choice, Machine};
pub use model::{Forced, Gateway, Leg, Transport, Uplink, Via};
pub use owned::Owned;
pub use probing::{Probing, Target};
pub use routing::{desired, nothing, policy};
pub use seen::{Hook, Lack, Queues, Seen, SeenLeg, SeenUplink, Way};
pub use select::{Decision, EmptierUplink, Failover, Overflow, Sample, Selector, Weighted};
pub use shaper::{leaf, trees};
pub use shaping::{Shaping, Share};
pub use warnings::{warnings, Warning};

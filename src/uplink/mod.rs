//! Several Internet uplinks on one gateway.
//!
//! A [`Gateway`] says which uplinks there are, what they carry and what shall go where. What the kernel has to be told for that,
//! rules, routes and queues, is a [`Desired`](crate::plan::Desired) of [`plan`](crate::plan): there is no other way to read, compare, apply or undo.

mod audit;
mod health;
mod model;
mod owned;
mod probing;
mod shaping;
pub mod sysctl;
#[cfg(test)]
mod testing;
mod warnings;

pub use audit::{audit, Exposed, Process};
pub use health::{Change, Health, Interest, Prober, Round, Sources};
pub use model::{Forced, Gateway, Leg, Transport, Uplink, Via};
pub use owned::Owned;
pub use probing::{Probing, Target};
pub use shaping::{Shaping, Share};
pub use warnings::{warnings, Warning};

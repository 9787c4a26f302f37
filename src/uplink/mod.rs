//! Several Internet uplinks on one gateway.
//!
//! A [`Gateway`] says which uplinks there are, what they carry and what shall go where; [`Gateway::check`] says whether that makes sense.
//! What the machine has of it is [`Seen`]. A [`Selector`] decides which uplinks get new connections. What the kernel has to be told for
//! all that, rules, routes and queues, is a [`Desired`](crate::plan::Desired) of [`plan`](crate::plan), which [`desired`] makes: there is
//! no other way to read, compare, apply or undo.
//!
//! ```
//! use std::time::Duration;
//! use tcnl::uplink::{EmptierUplink, Gateway, Leg, Sample, Selector, Uplink, Via};
//! use tcnl::units::Rate;
//!
//! let cable = Uplink::new("cable", "eth1".parse()?, Rate::mbit(100), Rate::mbit(20)).v4(Leg::via([192, 0, 2, 1]));
//! let dsl = Uplink::new("dsl", "ppp0".parse()?, Rate::mbit(80), Rate::mbit(40)).v4(Leg::new(Via::Link));
//! let gateway = Gateway::new([cable, dsl], ["eth0".parse()?]);
//! assert_eq!(gateway.check(), Ok(()));
//!
//! let mut selector = EmptierUplink::new(&gateway.uplinks);
//! let works = Sample { usable: true, ..Sample::default() };
//! let decision = selector.select(Duration::ZERO, &[works; 2]).ok_or("the first call decides")?;
//! assert_eq!(
//!     decision.reason,
//!     "cable has 100.0 of 100.0Mbit free, dsl 80.0 of 80.0Mbit: new connections go to cable and dsl as 4 to 3"
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! With a connection, `Plan::new(&mut nl, desired(&gateway, &Seen::read(&mut nl, &gateway)?, &decision.weights, …))` brings it about.

mod audit;
mod changes;
mod check;
mod controller;
mod devices;
mod health;
mod load;
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

pub use audit::{audit, Exposed, Process};
pub use changes::{ChangeError, Changes};
pub use check::Problem;
pub use controller::{Controller, Happening, Status};
pub use health::{Change, Health, Interest, Prober, Round, Sources};
pub use load::Load;
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

//! Several Internet uplinks on one gateway.
//!
//! A [`Gateway`] says which uplinks there are, what they carry and what shall go where; [`Gateway::check`] says whether that makes sense.
//! What the machine has of it is [`Seen`]. A [`Selector`] decides which uplinks get new connections. What the kernel has to be told for
//! all that, rules, routes and queues, is a [`Desired`](crate::plan::Desired) of [`plan`](crate::plan), which [`desired`] makes: there is
//! no other way to read, compare, apply or undo.

mod check;
mod load;
mod model;
mod owned;
mod probing;
mod routing;
mod seen;
mod select;
mod shaper;
mod shaping;

pub use check::Problem;
pub use load::Load;
pub use model::{Forced, Gateway, Leg, Transport, Uplink, Via};
pub use owned::Owned;
pub use probing::{Probing, Target};
pub use routing::{desired, nothing, policy};
pub use seen::{Hook, Lack, Queues, Seen, SeenLeg, SeenUplink, Way};
pub use select::{Decision, EmptierUplink, Failover, Overflow, Sample, Selector, Weighted};
pub use shaper::{leaf, trees};
pub use shaping::{Shaping, Share};

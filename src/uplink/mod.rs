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
//! A [`Machine`] is the kernel of such a gateway: it [plans](Machine::plan) what has to be done, as commands, [applies](Machine::apply) it, all or
//! nothing, and [takes it away](Machine::cleanup) again. A [`Controller`] watches the uplinks, asks the selector, and repairs what others
//! change:
//!
//! ```no_run
//! # use std::time::{Duration, Instant};
//! # use tcnl::uplink::{Controller, EmptierUplink, Gateway, Machine};
//! # fn run(gateway: Gateway) -> Result<(), Box<dyn std::error::Error>> {
//! let selector = Box::new(EmptierUplink::new(&gateway.uplinks));
//! let mut controller = Controller::start(Machine::open()?, gateway, selector)?;
//! loop {
//!     controller.turn(Instant::now() + Duration::from_secs(1), &mut |happening| println!("{happening}"))?;
//!     for uplink in controller.statuses() {
//!         println!("{}: {} down, {} up, weight {}", uplink.name, uplink.down, uplink.up, uplink.weight);
//!     }
//! }
//! # }
//! ```
//!
//! # What is changed
//!
//! Rules, routes and nexthop objects with our protocol number, one nf_tables table, queues with our handles on devices whose uplinks are shaped,
//! and a few settings of the system; [`Owned`] says with which numbers. What others have is not touched; where it is in the way, nothing is done,
//! and the error says so. Our nf_tables table remembers what settings were, so that it, they and all else can be taken over by another
//! process, or taken away.
//!
//! # What happens to connections
//!
//! Each belongs to the uplink that it began on: nf_tables keeps that in our bits of the connection's mark. When an uplink does not work any more, new
//! connections use others first, and then the kernel forgets those of the dead one, so that they are reset and do not hang; where no
//! other uplink works they stay. An uplink that is [taken out](Controller::drain) keeps its connections.

mod audit;
mod changes;
mod check;
mod controller;
mod devices;
#[cfg(feature = "generate")]
#[doc(hidden)]
pub mod fuzz;
mod happening;
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
mod watched;

pub use audit::{audit, Exposed, Process};
pub use changes::{ChangeError, Changes};
pub use check::Problem;
pub use controller::Controller;
pub use happening::{Happening, Status};
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

//! Whether an uplink works: a [`Prober`] asks, [`Health`] decides.
//!
//! Both are driven by their user's loop and know no clock of their own: [`Prober::drive`] gives the [`Round`]s that have ended,
//! [`Health::round`] says of each whether it changes anything.

pub(super) mod icmp;
mod prober;
mod round;
mod socket;
mod state;
mod tcp;

pub use prober::{Interest, Prober, Sources};
pub use round::Round;
pub use state::{Change, Health};

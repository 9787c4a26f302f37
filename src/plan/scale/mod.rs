//! What setups of many thousands of objects need: handles that stay the same, filters that find a packet's class in a few steps
//! however many there are, the tree of a line that many subscribers share, and meters of what they use.

mod handles;
mod hash;
mod layout;
mod meter;
mod subscribers;
mod table;

pub use handles::Handles;
pub use layout::{Layout, Level};
pub use meter::{Measured, Meter};
pub use subscribers::{Steering, Subscriber, Subscribers};
pub use table::{Direction, PrefixTable};

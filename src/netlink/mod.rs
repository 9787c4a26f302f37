//! The connection to the kernel.
//!
//! A [`Connection`] carries the requests of [`tc`](crate::tc), [`route`](crate::route) and [`netfilter`](crate::netfilter) and brings back what the kernel says. The protocol
//! itself is a core without I/O: it frames requests, matches replies by sequence number and reads what the kernel says of
//! errors. The blocking connection is a thin driver of that core, with `netlink-sys` below it.
//!
//! [`Events`] hears what others change, on a socket of its own with the same core.
//!
//! What holds for every request:
//!
//! * Only the kernel is listened to, and only to answers to the request; a flood of other messages cannot hold a request
//!   beyond its timeout.
//! * Nothing is lost without being said: an overflow of the receive buffer is [`Error::Overrun`](crate::Error::Overrun), a message that did not fit
//!   [`Error::Truncated`](crate::Error::Truncated), a list that changed while it was read [`Error::Interrupted`](crate::Error::Interrupted).
//! * Errors and warnings carry the kernel's own words and name the attribute they are about. Strict checking is on.
//! * Nothing here panics.
//!
//! `man 7 netlink`, `man 7 rtnetlink`, `net/netlink/af_netlink.c`

mod batch;
mod builder;
mod connection;
mod core;
mod events;
mod failure;
#[cfg(test)]
mod faults;
#[cfg(feature = "generate")]
#[doc(hidden)]
pub mod fuzz;
mod links;
mod list;
mod namespace;
mod netfilter;
mod probe;
mod raw;
mod reply;
mod socket;

pub use batch::Batch;
pub use builder::{Builder, Protocol};
pub use connection::Connection;
pub use events::{Event, Events, Group};
pub use list::List;
pub use namespace::Namespace;
pub use probe::{Capabilities, Feature};
pub use reply::Ack;

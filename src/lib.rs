//! Linux traffic control and policy routing over netlink: typed, safe and fast.
//!
//! # Layers
//!
//! Imports run one way, downwards in this list from the last to the first:
//!
//! | module | what it does |
//! | --- | --- |
//! | [`units`], [`clock`], [`error`] | rates, sizes, times, handles as `tc` reads and prints them; one error |
//! | [`wire`], [`text`] | bytes to attributes and back; the words that all kinds share. They know no kind and do no I/O |
//! | [`request`] | the contract between objects and connection: verb, object, query |
//! | [`tc`] | qdiscs, classes, filters, actions, chains, statistics: one kind is one file |
//! | [`route`] | links, addresses, routes, nexthops, rules |
//! | [`netfilter`] | nf_tables transactions; the connections that carry a mark |
//! | [`command`] | whole `tc` and `ip` commands and scripts, in and out |
//! | [`netlink`] | the connection: requests, acknowledgements, dumps, batches |
//! | [`plan`] | a desired state, the fewest steps to it, and back again |
//! | [`uplink`] | several uplinks on one gateway: which one takes new connections, and what the kernel is told for it |
//!
//! # What never happens
//!
//! There is no `unsafe` in this crate. Nothing received from a socket and nothing given by a user makes it panic, loop or
//! allocate without bound: bytes that make no sense are a [`DecodeError`](error::DecodeError), values that cannot be sent an
//! [`EncodeError`](error::EncodeError). Attributes and kinds that the crate does not know are kept, and sent back unchanged.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

#[macro_use]
pub mod wire;

pub mod clock;
pub mod command;
pub mod error;
pub mod netfilter;
pub mod netlink;
pub mod plan;
#[cfg(test)]
mod properties;
pub mod request;
pub mod route;
pub mod tc;
pub mod text;
pub mod units;
pub mod uplink;

pub use error::{Error, Result};

/// The README's first program compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

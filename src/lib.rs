//! tcnl
#![forbid(unsafe_code)]
#![deny(missing_docs)]

#[macro_use]
pub mod wire;

pub mod clock;
pub mod error;
pub mod netlink;
pub mod request;
pub mod route;
pub mod tc;
pub mod text;
pub mod units;

pub use error::{Error, Result};

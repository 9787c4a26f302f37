//! tcnl

pub mod clock;
pub mod units;

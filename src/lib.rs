//! tcnl

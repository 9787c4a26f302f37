//! Whole `tc` and `ip` commands, in and out, built from what the objects say of themselves.
//!
//! Nothing here does I/O or knows a socket: a [`Command`] is a verb with an [`AnyObject`], or an [`AnyQuery`]; whoever
//! has a connection visits it ([`VisitObject`], [`VisitQuery`]) and carries it there.

mod any;

pub use any::{AnyObject, AnyQuery, VisitObject, VisitQuery};

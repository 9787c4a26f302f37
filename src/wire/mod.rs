//! Bytes to attributes and back.
//!
//! This layer knows no kind and does no I/O. What it guarantees:
//!
//! * A [`Reader`] cannot overrun: bytes from outside are taken, never indexed, and what is too short is a
//!   [`DecodeError`] that names the attribute.
//! * A [`Writer`] patches every length after the fact, so a wrong length cannot be written. What does not fit
//!   (an attribute over 64 KiB, a number wider than its field) is an [`EncodeError`], kept until
//!   [`Writer::finish`] and never lost.
//! * Nothing here panics on any input, and nothing allocates more than the input is long.
//! * Unknown attributes are data: a set declared with `attrs!` keeps them in `unknown` and writes them back.
//!
//! `attrs!` declares a set of attributes once, `layout!` a fixed kernel struct; see their sources for the syntax.

#[macro_use]
mod attrs;
#[macro_use]
mod layout;
mod field;
#[cfg(any(test, feature = "generate"))]
pub mod generate;
mod message;
mod payloads;
#[cfg(test)]
pub(crate) mod property;
mod reader;
mod unknown;
mod value;
mod writer;

pub use crate::error::{DecodeError, EncodeError, Reason};
pub use attrs::{Names, Set, Table};
pub use field::Field;
pub(crate) use layout::padded;
pub use layout::{Fixed, Layout, Place};
pub use message::{tables, Header, Messages, HEADER_LEN};
pub(crate) use payloads::Payloads;
pub use reader::{Attr, Attrs, RawAttr, Reader};
pub use unknown::Unknown;
pub use value::{Be, Indexed, Raw, Text, Value};
pub use writer::{Slots, Writer};

/// Rounds a length up to the 4-byte alignment of netlink messages and attributes.
pub(crate) const fn align(len: usize) -> usize {
    (len + 3) & !3
}

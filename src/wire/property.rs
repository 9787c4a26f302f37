//! What must hold of every type that attributes can have.

use super::generate::{Generate, Source};
use super::{EncodeError, Value, Writer};
use std::fmt::Debug;

/// Draws a value and checks it; the error says what does not hold.
pub(crate) type Holds = fn(&mut Source<'_>) -> Result<(), String>;

/// A value that can be encoded decodes to itself, and what other bytes decode to is a fixpoint.
pub(crate) fn holds<T: Value + Generate + PartialEq + Debug>(g: &mut Source<'_>) -> Result<(), String> {
    let value = T::generate(g);
    if let Ok(bytes) = encoded(&value) {
        let read = T::decode(&bytes).map_err(|error| format!("{value:?} does not decode: {error}"))?;
        if read != value {
            return Err(format!("{value:?} reads as {read:?}"));
        }
    }
    let Ok(once) = T::decode(g.rest()) else { return Ok(()) };
    let Ok(first) = encoded(&once) else { return Ok(()) };
    let twice = T::decode(&first).map_err(|error| format!("{once:?} does not decode: {error}"))?;
    match encoded(&twice).as_ref() {
        Ok(second) if *second == first => Ok(()),
        second => Err(format!("{once:?} is not a fixpoint: {first:02x?} and {second:02x?}")),
    }
}

fn encoded<T: Value>(value: &T) -> Result<Vec<u8>, EncodeError> {
    let mut w = Writer::default();
    value.encode(&mut w);
    w.finish().map(|()| w.bytes().to_vec())
}

//! What the conversions to and from `netlink-packet-route` share.

pub(super) use crate::units::quoted;
use crate::wire::{DecodeError, EncodeError, RawAttr, Writer};
use netlink_packet_core::{DefaultNla, Emitable, Nla};
use std::fmt::{self, Formatter};

/// The longest payload of an attribute: its length field counts the header too.
const MAX_PAYLOAD: usize = u16::MAX as usize - 4;

/// Appends a message of that crate.
///
/// Its lengths wrap around, and then it panics, where an attribute does not fit: that is found out before.
pub(super) fn put<M: Emitable, A: Nla>(
    w: &mut Writer,
    message: &M,
    attributes: &[A],
) -> Result<(), EncodeError> {
    for attribute in attributes {
        let len = attribute.value_len();
        if len > MAX_PAYLOAD {
            let max = usize::from(u16::MAX);
            return Err(EncodeError::TooLong { attribute: attribute.kind() & 0x3fff, len: len + 4, max });
        }
    }
    let mut bytes = vec![0; message.buffer_len()];
    message.emit(&mut bytes);
    w.put(&bytes);
    Ok(())
}

/// The body that a message of that crate has on the wire.
pub(super) fn body<M: Emitable, A: Nla>(message: &M, attributes: &[A]) -> Result<Vec<u8>, DecodeError> {
    let mut w = Writer::default();
    put(&mut w, message, attributes).map_err(|_| DecodeError::invalid("an attribute longer than 64 KiB"))?;
    Ok(w.bytes().to_vec())
}

/// An attribute that the crate does not know, as that crate carries such.
pub(super) fn other(attr: &RawAttr) -> DefaultNla {
    DefaultNla::new(attr.ty | attr.flags, attr.payload.clone())
}

/// The string in a payload, if it is UTF-8.
pub(super) fn text(payload: &[u8]) -> Option<String> {
    let text = payload.split(|&b| b == 0).next()?;
    Some(std::str::from_utf8(text).ok()?.to_owned())
}

/// Refuses a string that cannot stand in an attribute.
pub(super) fn check(text: &str, length: &'static str, most: usize) -> Result<(), EncodeError> {
    match text {
        _ if text.contains('\0') => Err(EncodeError::Invalid("a text may not contain a NUL character")),
        _ if text.len() > most => {
            Err(EncodeError::out_of_range(length, text.len(), "as many bytes as the kernel keeps"))
        }
        _ => Ok(()),
    }
}

/// The name of number `ty` in a table of names.
pub(super) fn name_in(names: &[(u16, &'static str)], ty: u16) -> Option<&'static str> {
    names.iter().find(|(number, _)| *number == ty).map(|(_, name)| *name)
}

/// Writes ` word value` for what is there.
pub(super) fn say(f: &mut Formatter<'_>, word: &str, value: Option<impl fmt::Display>) -> fmt::Result {
    match value {
        Some(value) => write!(f, " {word} {value}"),
        None => Ok(()),
    }
}

//! Flowtables: connections in one pass rules and marks by.

use super::attributes::Header;
use super::numbers;
use super::numbers::*;
use crate::wire::{self, Messages, Value, Writer};

/// The message that lists those of all families, as a dump.
pub(crate) fn list() -> Vec<u8> {
    let mut w = Writer::default();
    let ty = numbers::message(NFNL_SUBSYS_NFTABLES, NFT_MSG_GETFLOWTABLE);
    let header = wire::Header { ty, ..wire::Header::default() };
    let written = w.message(header, |w| Header::default().encode(w));
    debug_assert!(written.is_ok(), "there is nothing in it that could be too long");
    w.bytes().to_vec()
}

/// Whether this message of the answer describes one.
pub(crate) fn is_one(message: &[u8]) -> bool {
    let ty = numbers::message(NFNL_SUBSYS_NFTABLES, NFT_MSG_NEWFLOWTABLE);
    matches!(Messages::new(message).next(), Some(Ok((header, _))) if header.ty == ty)
}

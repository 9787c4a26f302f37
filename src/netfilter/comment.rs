//! Comments, as `nft` keeps them in the user data of tables and rules: type, length, text with its NUL.
//!
//! The format is user space's own (libnftnl, `include/libnftnl/udata.h`); the kernel keeps the bytes as they are.

use crate::wire::{EncodeError, Raw, Reader};

/// NFTNL_UDATA_TABLE_COMMENT and NFTNL_UDATA_RULE_COMMENT.
const COMMENT: u8 = 0;
/// NFTNL_UDATA_COMMENT_MAXLEN, which `nft` checks and the kernel does not.
const MOST: usize = 128;

/// The user data that hold this comment.
pub(super) fn encode(text: &str) -> Result<Raw, EncodeError> {
    // What stands between quotes in nft's language cannot have any in it.
    let refused = |c: char| c == '"' || c.is_control();
    let len = u8::try_from(text.len() + 1).ok().filter(|_| text.len() <= MOST && !text.contains(refused));
    let allowed = "up to 128 bytes without quotation marks and control characters";
    let len = len.ok_or_else(|| EncodeError::out_of_range("comment", text, allowed))?;
    Ok(Raw([&[COMMENT, len], text.as_bytes(), &[0]].concat()))
}

/// The comment in these user data, if there is one.
pub(super) fn decode(userdata: &[u8]) -> Option<String> {
    let mut r = Reader::new(userdata);
    while let Ok([ty, len]) = r.array() {
        let value = r.take(len.into()).ok()?;
        if ty == COMMENT {
            let text = value.split(|byte| *byte == 0).next()?;
            return Some(String::from_utf8_lossy(text).into_owned());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_comment_is_found_behind_other_user_data() {
        assert_eq!(decode(&[7, 1, 9, 0, 3, b'h', b'i', 0]), Some("hi".into()));
        assert_eq!(decode(&[7, 1, 9, 0, 2, b'h', b'i']), Some("hi".into()));
        assert_eq!(decode(&[0, 3, b'h']), None);
    }

    #[test]
    fn a_comment_that_nft_cannot_say_is_refused() {
        assert!(encode(&"x".repeat(128)).is_ok());
        for text in [&"x".repeat(129), "\"", "a\0b", "a\nb"] {
            assert!(encode(text).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn every_comment_reads_as_it_was_written(text in "[^\"\\p{C}]{0,32}") {
            prop_assert_eq!(decode(&encode(&text).unwrap().0), Some(text));
        }

        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = decode(&bytes);
        }
    }
}

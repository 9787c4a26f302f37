//! FNV-1a with 64 bits: the same on every machine and in every version, because what is chosen by it must survive restarts. RFC 9923

use std::fmt::{self, Display, Write};

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0100_0000_01b3;

pub(super) struct Fnv(u64);

impl Fnv {
    /// Of a text, without building it.
    pub fn text(of: &impl Display) -> u64 {
        let mut fnv = Fnv(OFFSET);
        // Only what is written can refuse, and then what it wrote before is hashed.
        let _ = write!(fnv, "{of}");
        fnv.0
    }

    fn eat(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(PRIME);
        }
    }
}

impl Write for Fnv {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.eat(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values are those of the reference.
    #[test]
    fn the_hash_is_what_everybody_calls_fnv_1a() {
        assert_eq!(Fnv::text(&""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(Fnv::text(&"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(Fnv::text(&"foobar"), 0x8594_4171_f739_67e8);
        assert_eq!(Fnv::text(&format_args!("{}bar", "foo")), Fnv::text(&"foobar"));
    }
}

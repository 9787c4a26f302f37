use crate::units::{Handle, Micros, Name, Nanos, Packets, ParseError, Percent, Rate, Size};

/// A value that is one word.
pub trait FromWord: Sized {
    /// What it is, for errors: "a rate".
    const WHAT: &'static str;

    /// Reads the word.
    ///
    /// # Errors
    /// The word is no such value.
    fn from_word(word: &str) -> Result<Self, ParseError>;
}

macro_rules! units {
    ($($ty:ty: $what:literal;)*) => { $(
        impl FromWord for $ty {
            const WHAT: &'static str = $what;
            fn from_word(word: &str) -> Result<Self, ParseError> {
                word.parse()
            }
        }
    )* };
}

units! {
    Rate: "a rate such as 10mbit";
    Size: "a size such as 15kb";
    Micros: "a time such as 5ms";
    Nanos: "a time such as 5ms";
    Percent: "a percentage";
    Packets: "a number of packets";
    Handle: "a handle such as 1:10";
    Name: "a name";
}

/// Numbers are decimal, octal with `0` or hexadecimal with `0x` in front, as `strtoul` has them.
macro_rules! numbers {
    ($($ty:ty: $what:literal;)*) => { $(
        impl FromWord for $ty {
            const WHAT: &'static str = $what;
            fn from_word(word: &str) -> Result<Self, ParseError> {
                let (digits, base) = match word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
                    Some(digits) => (digits, 16),
                    None if word.len() > 1 && word.starts_with('0') => (word, 8),
                    None => (word, 10),
                };
                // A sign is no digit here.
                let digits = if digits.starts_with(['+', '-']) { "" } else { digits };
                <$ty>::from_str_radix(digits, base).map_err(|_| ParseError::new(word, $what))
            }
        }
    )* };
}

numbers! {
    u8: "a number from 0 to 255";
    u16: "a number from 0 to 65535";
    u32: "a number from 0 to 4294967295";
    u64: "a number from 0 to 2^64 - 1";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_bases_and_no_sign() {
        assert_eq!(u32::from_word("0x1F"), Ok(31));
        assert_eq!(u32::from_word("017"), Ok(15));
        assert_eq!(u32::from_word("0"), Ok(0));
        for word in ["", "-1", "+1", "0x", "09", "4294967296", "1 "] {
            assert!(u32::from_word(word).is_err(), "{word}");
        }
    }
}

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
    Size: "a size such as 15kb";
    Micros: "a time such as 5ms";
    Nanos: "a time such as 5ms";
    Percent: "a percentage";
    Packets: "a number of packets";
    Name: "a name";
}

/// Where there is no colon, `tc` takes the last 32 bits of up to 64.
impl FromWord for Handle {
    const WHAT: &'static str = "a handle such as 1:10";
    fn from_word(word: &str) -> Result<Self, ParseError> {
        let digits = word.strip_prefix("0x").unwrap_or(word);
        let is_long = (9..=16).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let last = digits.get(digits.len().saturating_sub(8)..).filter(|_| is_long);
        last.unwrap_or(word).parse()
    }
}

/// The speed of the device, of which a percentage would be a share, is not known where words are read.
impl FromWord for Rate {
    const WHAT: &'static str = "a rate such as 10mbit";
    fn from_word(word: &str) -> Result<Self, ParseError> {
        match word.ends_with('%') {
            true => Err(ParseError::new(
                word,
                "a rate by itself: the speed of the device is not known here, expected a rate such as 10mbit",
            )),
            false => word.parse(),
        }
    }
}

/// A number that may be said in one base only.
pub trait Digits: FromWord {
    /// Reads digits of this base, from 2 to 36; hexadecimal ones may have `0x` in front.
    ///
    /// # Errors
    /// The word is something else, or the number does not fit.
    fn from_digits(word: &str, base: u32) -> Result<Self, ParseError>;
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
        impl Digits for $ty {
            fn from_digits(word: &str, base: u32) -> Result<Self, ParseError> {
                let digits = match base {
                    16 => word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")).unwrap_or(word),
                    _ => word,
                };
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
    fn where_a_number_has_one_base_no_prefix_changes_it() {
        assert_eq!(u32::from_digits("010", 10), Ok(10));
        assert_eq!(u32::from_digits("10", 16), Ok(16));
        assert_eq!(u32::from_digits("0x10", 16), Ok(16));
        for (word, base) in [("0x10", 10), ("1f", 10), ("-1", 10), ("0x+1", 16), ("", 10)] {
            assert!(u32::from_digits(word, base).is_err(), "{word}");
        }
    }

    #[test]
    fn of_a_long_class_id_without_a_colon_the_last_digits_count() {
        assert_eq!(Handle::from_word("98765fedcb"), Ok(Handle::new(0x765f, 0xedcb)));
        assert_eq!(Handle::from_word("0x0000000000010002"), Ok(Handle::new(1, 2)));
        for word in ["10000000000010002", "98765fedcx", "100000001:2", "ééééé"] {
            assert!(Handle::from_word(word).is_err(), "{word}");
        }
    }

    #[test]
    fn a_share_of_an_unknown_speed_is_no_rate() {
        let error = Rate::from_word("50%").unwrap_err().to_string();
        assert!(error.contains("speed of the device is not known"), "{error}");
    }

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

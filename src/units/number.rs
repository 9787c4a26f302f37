//! The numbers at the front of `tc`'s words: what C's `strtod` reads, without infinities and NaN.

/// A number as it was written.
///
/// `tc` computes in `double`. Whole numbers stay exact here, so that every 64-bit value survives
/// being printed and read; it makes no difference below 2^53. Decimals are computed as `tc` computes
/// them, because "0.29mbit" shall be the same rate in both.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    Whole(i128),
    Decimal(f64),
}

impl Number {
    /// Splits `word` into its leading number and the rest, which is the unit.
    pub(super) fn split(word: &str) -> Option<(Number, &str)> {
        let unsigned = word.strip_prefix(['+', '-']).unwrap_or(word);
        let negative = word.starts_with('-');
        if let Some(hex) = unsigned.strip_prefix("0x").or_else(|| unsigned.strip_prefix("0X")) {
            let (digits, unit) = hex.split_at(run(hex, |b| b.is_ascii_hexdigit()));
            if !digits.is_empty() {
                return Some((Number::whole(digits, 16, negative)?, unit));
            }
        }
        let mut len = run(unsigned, |b| b.is_ascii_digit());
        let mut digits = len;
        let mut whole = true;
        if let Some(fraction) = unsigned[len..].strip_prefix('.') {
            let places = run(fraction, |b| b.is_ascii_digit());
            digits += places;
            len += 1 + places;
            whole = false;
        }
        if digits == 0 {
            return None;
        }
        if let Some(exponent) = unsigned[len..].strip_prefix(['e', 'E']) {
            let value = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            let places = run(value, |b| b.is_ascii_digit());
            if places > 0 {
                len += 1 + (exponent.len() - value.len()) + places;
                whole = false;
            }
        }
        let (text, unit) = unsigned.split_at(len);
        let number = if whole {
            Number::whole(text, 10, negative)?
        } else {
            let value: f64 = text.parse().ok()?;
            Number::Decimal(if negative { -value } else { value })
        };
        Some((number, unit))
    }

    /// The number times `mul` divided by `div`, cut off towards zero. None if it is out of all range.
    pub(super) fn scale(self, mul: u64, div: u64) -> Option<i128> {
        match self {
            Number::Whole(value) => Some(value.checked_mul(i128::from(mul))? / i128::from(div)),
            Number::Decimal(value) => {
                // Every `mul` and `div` in use is exact in an f64.
                let scaled = value * mul as f64 / div as f64;
                (scaled.abs() < 1e30).then_some(scaled as i128)
            }
        }
    }

    /// The nearest `f64`.
    pub(super) fn as_f64(self) -> f64 {
        match self {
            Number::Whole(value) => value as f64,
            Number::Decimal(value) => value,
        }
    }

    fn whole(digits: &str, radix: u32, negative: bool) -> Option<Number> {
        let value = i128::from_str_radix(digits, radix).ok()?;
        Some(Number::Whole(if negative { -value } else { value }))
    }
}

/// How many bytes at the front of `text` satisfy `test`, which accepts ASCII only.
fn run(text: &str, test: impl Fn(&u8) -> bool) -> usize {
    text.bytes().take_while(|b| test(b)).count()
}

/// Looks `unit` up in `table`, ignoring case as `tc` does.
pub(super) fn unit<T: Copy>(table: &[(&str, T)], unit: &str) -> Option<T> {
    table.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)).map(|&(_, value)| value)
}

/// Parses a word without a unit as C's `strtoul` does with base 0: `0x` is hexadecimal, a leading
/// zero octal.
pub(super) fn unsigned(word: &str) -> Option<u32> {
    let digits = word.strip_prefix('+').unwrap_or(word);
    let (digits, radix) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (&digits[2..], 16),
        [b'0', _, ..] => (&digits[1..], 8),
        _ => (digits, 10),
    };
    // from_str_radix would take another sign.
    if digits.starts_with(['+', '-']) {
        return None;
    }
    u32::from_str_radix(digits, radix).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_ends_where_strtod_ends_it() {
        use Number::{Decimal, Whole};
        for (word, number, unit) in [
            ("10mbit", Whole(10), "mbit"),
            ("+10", Whole(10), ""),
            ("-1b", Whole(-1), "b"),
            ("1.5k", Decimal(1.5), "k"),
            (".5mbit", Decimal(0.5), "mbit"),
            ("5.", Decimal(5.0), ""),
            ("1e3kbit", Decimal(1000.0), "kbit"),
            ("1E-1s", Decimal(0.1), "s"),
            ("1e", Whole(1), "e"),
            ("1e+", Whole(1), "e+"),
            ("0x10kbit", Whole(16), "kbit"),
            ("0x", Whole(0), "x"),
            ("1.2.3", Decimal(1.2), ".3"),
            ("010", Whole(10), ""),
            ("7é", Whole(7), "é"),
        ] {
            assert_eq!(Number::split(word), Some((number, unit)), "{word}");
        }
    }

    #[test]
    fn what_is_not_a_finite_number_is_refused() {
        for word in ["", "mbit", ".", "+", "-", "inf", "nan", "--1", "+-1", "é", "xé"] {
            assert_eq!(Number::split(word), None, "{word}");
        }
        assert_eq!(Number::split(&"9".repeat(60)), None);
        assert_eq!(Number::Decimal(f64::INFINITY).scale(1, 1), None);
        assert_eq!(Number::Whole(i128::MAX).scale(2, 1), None);
    }

    #[test]
    fn a_plain_number_may_be_decimal_octal_or_hexadecimal() {
        for (word, value) in [
            ("0", Some(0)),
            ("100", Some(100)),
            ("010", Some(8)),
            ("0x10", Some(16)),
            ("4294967295", Some(u32::MAX)),
            ("4294967296", None),
            ("", None),
            ("0x", None),
            ("09", None),
            ("-1", None),
            ("+-1", None),
            ("0x+1", None),
            ("1k", None),
            ("1é", None),
            ("0é", None),
        ] {
            assert_eq!(unsigned(word), value, "{word}");
        }
    }
}

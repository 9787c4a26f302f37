//! Quantities and names as traffic control speaks of them: rates, sizes, times, percentages,
//! handles and devices.
//!
//! Every type here is small and `Copy`, holds the number the kernel holds, and does no I/O.
//! `FromStr` accepts the words `tc` accepts; `Display` prints the words `tc` prints. Where `tc`
//! would round what it prints (`12345678bit` shows as `12345Kbit`), these types print a longer word
//! that is exact and that `tc` accepts too, so that `parse(print(x)) == x` for every value.
//!
//! Nothing here panics. A word outside the range of its type is an error ([`ParseError`]), never a
//! wrapped number; constructors and conversions saturate.
//!
//! Source: tc(8), section PARAMETERS.

mod dev;
mod family;
mod handle;
mod name;
mod number;
mod packets;
mod percent;
mod rate;
mod size;
mod time;

pub use dev::Dev;
pub use family::Family;
pub use handle::Handle;
pub(crate) use name::quoted;
pub use name::Name;
pub use packets::Packets;
pub use percent::Percent;
pub use rate::Rate;
pub use size::Size;
pub use time::{Micros, Nanos, Ticks};

/// A word that is not what its place asks for.
///
/// ```
/// let error = "10foo".parse::<tcnl::units::Rate>().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "\"10foo\" is not a rate: expected a number with a unit such as 10mbit or 1500kbps"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{word:?} is not {expected}")]
pub struct ParseError {
    word: String,
    expected: &'static str,
}

impl ParseError {
    /// Says that `word` is not what was `expected`: a noun with its article, then what such a
    /// word looks like, for example `"a handle: expected hexadecimal such as 1: or ffff:"`.
    pub fn new(word: impl Into<String>, expected: &'static str) -> Self {
        Self { word: word.into(), expected }
    }

    /// The word as it was given.
    pub fn word(&self) -> &str {
        &self.word
    }

    /// What should have stood in its place.
    pub fn expected(&self) -> &'static str {
        self.expected
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_quotes_the_word_and_says_what_was_expected() {
        let error = ParseError::new("1\n2", "a size: expected a number such as 1500 or 32kb");
        assert_eq!(error.word(), "1\n2");
        assert_eq!(error.expected(), "a size: expected a number such as 1500 or 32kb");
        assert_eq!(error.to_string(), r#""1\n2" is not a size: expected a number such as 1500 or 32kb"#);
    }
}

//! Words in and out, shared by the grammars of all kinds. This layer knows no kind.
//!
//! A kind *says* itself in the words of `tc` ([`Say`]) and *hears* the same words ([`Hear`]) from a cursor ([`Words`]).
//! What is wrong with words is a [`WordError`], which points at the word and says what was expected.

mod error;
mod from_word;
mod hear;
mod say;
mod words;

pub use error::{CommandError, WordError};
pub use from_word::{Digits, FromWord};
pub use hear::{Field, Hear};
pub use say::Say;
pub use words::Words;

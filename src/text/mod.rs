//! Words in and out, shared by the grammars of all kinds. This layer knows no kind.
//!
//! A kind *says* itself in the words of `tc` ([`Say`]) and *hears* the same words ([`Hear`]) from a cursor ([`Words`]).
//! It *shows* itself ([`Show`]) on a [`Page`], in the layouts of `tc` and `ip`, text or JSON.
//! What is wrong with words is a [`WordError`], which points at the word and says what was expected.

mod amount;
mod error;
mod from_word;
mod hear;
mod json;
mod page;
mod say;
mod words;

pub use error::{CommandError, Fault, Part, WordError};
pub use from_word::{Digits, FromWord};
pub use hear::{Field, Hear};
pub use json::Scalar;
pub use page::{Layout, Page, Show};
pub use say::Say;
pub use words::Words;

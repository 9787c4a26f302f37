use std::fmt::{self, Display, Formatter};

/// A field that says itself in tc's words: a blank, the word and the value, or nothing where the field is absent.
pub trait Say {
    /// Writes the field.
    fn say(&self, word: &str, f: &mut Formatter<'_>) -> fmt::Result;
}

impl<T: Display> Say for Option<T> {
    fn say(&self, word: &str, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Some(value) => write!(f, " {word} {value}"),
            None => Ok(()),
        }
    }
}

impl Say for bool {
    fn say(&self, word: &str, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            true => write!(f, " {word}"),
            false => Ok(()),
        }
    }
}

impl<T: Display> Say for Vec<T> {
    fn say(&self, word: &str, f: &mut Formatter<'_>) -> fmt::Result {
        self.iter().try_for_each(|value| write!(f, " {word} {value}"))
    }
}

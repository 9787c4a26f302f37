use super::{FromWord, WordError, Words};

/// Something that reads itself from tc's words, one option after the other.
pub trait Hear {
    /// Reads the next option, its word and its values; `false`, with nothing taken, if the next word is none of its options.
    ///
    /// # Errors
    /// The option's values are wrong or missing.
    fn hear(&mut self, words: &mut Words<'_>) -> Result<bool, WordError>;

    /// Reads options until the words end or the next word is none of them.
    ///
    /// # Errors
    /// An option's values are wrong or missing, or what must be said was not.
    fn hear_all(words: &mut Words<'_>) -> Result<Self, WordError>
    where
        Self: Default,
    {
        let mut heard = Self::default();
        while heard.hear(words)? {}
        heard.heard(words)?;
        Ok(heard)
    }

    /// Completes what was heard behind the last option.
    ///
    /// # Errors
    /// What must be said was not. `words` is where the last option ended.
    fn heard(&mut self, _words: &Words<'_>) -> Result<(), WordError> {
        Ok(())
    }
}

/// A field behind its word.
pub trait Field {
    /// Reads the field's value.
    ///
    /// # Errors
    /// It is wrong or missing.
    fn hear_value(&mut self, words: &mut Words<'_>) -> Result<(), WordError>;
}

impl<T: FromWord> Field for Option<T> {
    fn hear_value(&mut self, words: &mut Words<'_>) -> Result<(), WordError> {
        *self = Some(words.value()?);
        Ok(())
    }
}

impl Field for bool {
    fn hear_value(&mut self, _words: &mut Words<'_>) -> Result<(), WordError> {
        *self = true;
        Ok(())
    }
}

impl<T: FromWord> Field for Vec<T> {
    fn hear_value(&mut self, words: &mut Words<'_>) -> Result<(), WordError> {
        self.push(words.value()?);
        Ok(())
    }
}

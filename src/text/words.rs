use super::{Digits, Fault, FromWord, WordError};
use crate::units::{Dev, Family, Name};
use std::fmt::{self, Debug, Formatter};

/// How a device's name becomes its index.
type Devices<'a> = &'a dyn Fn(Name) -> Option<Dev>;

/// A command's words, read one after the other.
#[derive(Clone, Copy)]
pub struct Words<'a> {
    words: &'a [&'a str],
    at: usize,
    devices: Option<Devices<'a>>,
    family: Option<Family>,
    brief: bool,
}

impl<'a> Words<'a> {
    /// At the first of these words. Device names are kept without looking up their index, which is then 0.
    pub fn new(words: &'a [&'a str]) -> Self {
        Words { words, at: 0, devices: None, family: None, brief: false }
    }

    /// Looks up the indexes of devices.
    #[must_use]
    pub fn with_devices(self, devices: Devices<'a>) -> Self {
        Words { devices: Some(devices), ..self }
    }

    /// Says which family addresses are of, as `ip`'s options `-4` and `-6` do, which stand in front of the object's words.
    #[must_use]
    pub fn with_family(self, family: Family) -> Self {
        Words { family: Some(family), ..self }
    }

    /// The family that addresses are of, where the command's options said it.
    pub fn family(&self) -> Option<Family> {
        self.family
    }

    /// Says that lists shall be brief, as the option `-brief` does, which stands in front of the object's words.
    #[must_use]
    pub fn with_brief(self) -> Self {
        Words { brief: true, ..self }
    }

    /// Whether the command's options said that lists shall be brief: some are then asked for without what is left out.
    pub fn brief(&self) -> bool {
        self.brief
    }

    /// Whether all words have been read.
    pub fn is_empty(&self) -> bool {
        self.peek().is_none()
    }

    /// How many words have been read.
    pub fn at(&self) -> usize {
        self.at
    }

    /// The word that comes next.
    pub fn peek(&self) -> Option<&'a str> {
        self.words.get(self.at).copied()
    }

    /// The word behind the one that comes next.
    pub fn peek_second(&self) -> Option<&'a str> {
        self.words.get(self.at + 1).copied()
    }

    /// Takes the next word; `expected` says what it should be, if there is none.
    ///
    /// # Errors
    /// There is none.
    pub fn take(&mut self, expected: &str) -> Result<&'a str, WordError> {
        let word = self.peek().ok_or_else(|| self.error(expected))?;
        self.at += 1;
        Ok(word)
    }

    /// Takes the next word if it is this one.
    pub fn take_if(&mut self, word: &str) -> bool {
        let is = self.peek() == Some(word);
        self.at += usize::from(is);
        is
    }

    /// Takes the next word if it is this one or begins it, as iproute2 lets many of its words be cut short. Where a word is
    /// the beginning of two, the one that is asked for first has it.
    pub fn take_if_short(&mut self, word: &str) -> bool {
        let is = self.peek().is_some_and(|next| !next.is_empty() && word.starts_with(next));
        self.at += usize::from(is);
        is
    }

    /// Takes the next word if it is one of these.
    pub fn take_if_any(&mut self, words: &[&str]) -> bool {
        words.iter().any(|word| self.take_if(word))
    }

    /// Takes the next word as a value.
    ///
    /// # Errors
    /// It is not one, or there is none.
    pub fn value<T: FromWord>(&mut self) -> Result<T, WordError> {
        let at = self.at;
        let word = self.take(T::WHAT)?;
        T::from_word(word).map_err(|error| WordError::parse(at, &error))
    }

    /// Takes the next word as a number in this base.
    ///
    /// # Errors
    /// It is not one, or there is none.
    pub fn number<T: Digits>(&mut self, base: u32) -> Result<T, WordError> {
        self.read(T::WHAT, |word| T::from_digits(word, base))
    }

    /// Takes the next word as the value of an option that can be said once only.
    ///
    /// # Errors
    /// There is a value already, or the word is not one, or there is none.
    pub fn once<T: FromWord>(&mut self, value: &mut Option<T>) -> Result<(), WordError> {
        if value.is_some() {
            return Err(self.said_twice());
        }
        *value = Some(self.value()?);
        Ok(())
    }

    /// The error that the option whose word was taken last has been said before.
    pub fn said_twice(&self) -> WordError {
        self.error_before("this has been said before, and can be said only once").with_fault(Fault::Twice)
    }

    /// Takes the next word as the value of a type that has a way of its own to read it.
    ///
    /// # Errors
    /// It is not one, or there is none; `what` says what it should be.
    pub fn read<T, E: ToString>(
        &mut self,
        what: &str,
        read: impl FnOnce(&'a str) -> Result<T, E>,
    ) -> Result<T, WordError> {
        let at = self.at;
        let word = self.take(what)?;
        read(word).map_err(|error| WordError::new(at, error.to_string()))
    }

    /// Takes the next word as a device: a name that is looked up, or `if<index>`.
    ///
    /// # Errors
    /// It cannot be a device's name, or there is no such device.
    pub fn dev(&mut self) -> Result<Dev, WordError> {
        let at = self.at;
        let name: Name = self.value()?;
        let index = || name.as_str().strip_prefix("if")?.parse().ok().filter(|index| *index != 0);
        match self.devices.map(|devices| devices(name)) {
            Some(Some(dev)) => Ok(dev),
            None => Ok(index().map_or(Dev::named(0, name), Dev::index)),
            Some(None) => index()
                .map(Dev::index)
                .ok_or_else(|| WordError::new(at, format!("there is no network device {name}"))),
        }
    }

    /// The error that something else was expected where the next word stands.
    pub fn error(&self, expected: &str) -> WordError {
        match self.peek() {
            Some(word) => WordError::new(self.at, format!("{word:?} is not {expected}")),
            None => WordError::new(self.at, format!("the command ends where there should be {expected}"))
                .with_fault(Fault::Ends),
        }
    }

    /// The error that something that must be said, no matter where, was not. The next word is where all has been heard.
    pub fn incomplete(&self, missing: &str) -> WordError {
        self.error(missing).with_fault(Fault::Whole)
    }

    /// The error that the word that was taken last is wrong.
    pub fn error_before(&self, problem: impl Into<String>) -> WordError {
        WordError::new(self.at.saturating_sub(1), problem)
    }
}

impl Debug for Words<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Words").field("words", &self.words).field("at", &self.at).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_may_be_cut_short_but_not_to_nothing() {
        let mut words = Words::new(&["cl", "", "classidx"]);
        assert!(words.take_if_short("classid"));
        assert!(!words.take_if_short("classid"));
        assert_eq!(words.take("a word"), Ok(""));
        assert!(!words.take_if_short("classid"));
    }

    #[test]
    fn devices_are_looked_up_where_there_is_a_way() {
        let known = |name: Name| (name.as_str() == "v0").then(|| Dev::named(10, name));
        let all = ["v0", "if7", "nosuch"];
        let mut words = Words::new(&all).with_devices(&known);
        assert_eq!([words.dev(), words.dev()], [Ok(Dev::index(10)), Ok(Dev::index(7))]);
        assert_eq!(words.dev(), Err(WordError::new(2, "there is no network device nosuch")));
        let mut words = Words::new(&all);
        assert_eq!(words.dev().map(|dev| (dev.index, dev.to_string())), Ok((0, "v0".into())));
    }

    #[test]
    fn an_error_points_at_the_word_and_says_what_was_expected() {
        let mut words = Words::new(&["htb", "rate"]);
        assert!(words.take_if("htb") && words.take_if("rate"));
        let ends = WordError::new(2, "the command ends where there should be a rate");
        assert_eq!(words.error("a rate"), ends.clone().with_fault(Fault::Ends));
        assert_eq!(words.incomplete("a rate"), ends.with_fault(Fault::Whole));
        assert_eq!(words.said_twice().fault(), Fault::Twice);
    }
}

use crate::units::ParseError;
use std::fmt::{self, Display, Formatter};

/// What is wrong with one word of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WordError {
    at: usize,
    problem: String,
    fault: Fault,
    part: Option<Part>,
}

/// In which way words are wrong. `tc` and `ip` end otherwise for some of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// The word means nothing where it stands.
    #[default]
    Wrong,
    /// The command ends in the middle: a word such as an option's value must follow.
    Ends,
    /// Each word is right by itself, but not the whole: something that must be said was not, such as the rate of a class, or
    /// two values do not go together.
    Whole,
    /// The option has been said before, and can be said only once.
    Twice,
    /// The word is no address and no prefix, or one of another family than the command speaks of.
    Address,
}

/// What a word is a part of. `tc` and `ip` end otherwise where a kind's options are wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// What all commands of its sort have: the device, handles, the name of the kind. `tc` counts the amounts of a policer
    /// among them.
    Command,
    /// The options of a qdisc's, class's or filter's kind, and words that are no option of a link's kind.
    Options,
}

impl WordError {
    /// The word with this index, counted from 0, is not what it should be. An index behind the last word says that the
    /// command ends too early.
    pub fn new(at: usize, problem: impl Into<String>) -> Self {
        WordError { at, problem: problem.into(), fault: Fault::Wrong, part: None }
    }

    /// Says in which way it is wrong, where that is not [`Fault::Wrong`].
    #[must_use]
    pub fn with_fault(self, fault: Fault) -> Self {
        WordError { fault, ..self }
    }

    /// In which way it is wrong.
    pub fn fault(&self) -> Fault {
        self.fault
    }

    /// Says what the word is a part of, unless this has been said nearer to it.
    #[must_use]
    pub fn in_part(self, part: Part) -> Self {
        WordError { part: self.part.or(Some(part)), ..self }
    }

    /// What the word is a part of: the command, if nothing was said.
    pub fn part(&self) -> Part {
        self.part.unwrap_or(Part::Command)
    }

    /// The index of the word, counted from 0.
    pub fn at(&self) -> usize {
        self.at
    }

    /// What is wrong with it, and what was expected.
    pub fn problem(&self) -> &str {
        &self.problem
    }

    pub(super) fn parse(at: usize, error: &ParseError) -> Self {
        WordError::new(at, error.to_string())
    }
}

impl Display for WordError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "word {}: {}", self.at + 1, self.problem)
    }
}

impl std::error::Error for WordError {}

/// A command that could not be read: the command, and what is wrong with which of its words.
///
/// Prints the command with a mark below the word:
///
/// ```text
/// tc class add dev eth1 parent 1: classid 1:10 htb rate 30mbitt
///                                                       ^^^^^^^ "30mbitt" is not a rate: expected ...
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandError {
    command: String,
    start: usize,
    len: usize,
    error: WordError,
}

impl CommandError {
    /// The error in the command of these words.
    pub fn new(words: &[&str], error: WordError) -> Self {
        let width = |words: &[&str]| words.iter().map(|word| word.chars().count() + 1).sum::<usize>();
        let before = words.get(..error.at).unwrap_or(words);
        let len = words.get(error.at).map_or(1, |word| word.chars().count().max(1));
        CommandError { command: words.join(" "), start: width(before), len, error }
    }

    /// What is wrong with which word.
    pub fn word(&self) -> &WordError {
        &self.error
    }
}

impl Display for CommandError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let CommandError { command, start, len, error } = self;
        write!(f, "{command}\n{:start$}{:^<len$} {}", "", "", error.problem)
    }
}

impl std::error::Error for CommandError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_words_part_is_kept_what_was_said_nearest_to_it() {
        let error = WordError::new(5, "wrong");
        assert_eq!(error.part(), Part::Command);
        assert_eq!(error.clone().in_part(Part::Options).part(), Part::Options);
        assert_eq!(error.in_part(Part::Command).in_part(Part::Options).part(), Part::Command);
    }

    #[test]
    fn the_mark_stands_below_the_word() {
        let error = CommandError::new(&["tc", "qdisc", "ad"], WordError::new(2, "\"ad\" is no verb"));
        assert_eq!(error.to_string(), "tc qdisc ad\n         ^^ \"ad\" is no verb");
        let error = CommandError::new(&["tc", "qdisc"], WordError::new(2, "the command ends here"));
        assert_eq!(error.to_string(), "tc qdisc\n         ^ the command ends here");
    }
}

//! Comparing many recordings, with the differences that are meant.

use super::meaning::{hex, Field, Meaning};
use std::fmt::Write;

/// A difference that is meant: where it is allowed, what is still checked there, and why.
pub struct Intended {
    /// The recordings: ids, or the beginnings of ids that end with `*`.
    pub ids: &'static [&'static str],
    /// The field's path.
    pub path: &'static str,
    /// Whether the two fields differ in just the way that is meant.
    pub like: fn(ours: Field<'_>, theirs: Field<'_>) -> bool,
    pub why: &'static str,
}

impl Intended {
    fn covers(&self, id: &str, path: &str, ours: Field<'_>, theirs: Field<'_>) -> bool {
        let named = |pattern: &&str| match pattern.strip_suffix('*') {
            Some(start) => id.starts_with(start),
            None => id == *pattern,
        };
        self.path == path && self.ids.iter().any(named) && (self.like)(ours, theirs)
    }
}

/// Collects what is wrong, so that one run shows all of it.
pub struct Comparison {
    intended: &'static [Intended],
    used: Vec<bool>,
    wrong: String,
    pub count: usize,
}

impl Comparison {
    pub fn new(intended: &'static [Intended]) -> Self {
        Comparison { intended, used: vec![false; intended.len()], wrong: String::new(), count: 0 }
    }

    /// Something that is wrong with the recording `id`.
    pub fn wrong(&mut self, id: &str, what: impl std::fmt::Display) {
        writeln!(self.wrong, "{id}: {what}").expect("a string takes everything");
    }

    /// Compares our message with the one recorded under `id`; `what` is a hint for the reader.
    pub fn messages(&mut self, id: &str, what: &str, ours: &[u8], theirs: &[u8]) {
        self.count += 1;
        let (ours, theirs) = (Meaning::of(ours), Meaning::of(theirs));
        for (path, ours, theirs) in ours.differences(&theirs) {
            let covers = |intended: &Intended| intended.covers(id, path, ours, theirs);
            match self.intended.iter().position(covers) {
                Some(found) => self.used[found] = true,
                None => self.wrong(
                    id,
                    format!("{what}\n    {path}: ours {}\n    {path}: theirs {}", hex(ours), hex(theirs)),
                ),
            }
        }
    }

    /// Fails with all that was wrong, and with the entries of the table that no recording needs.
    pub fn finish(mut self) {
        let used = std::mem::take(&mut self.used);
        for (entry, _) in self.intended.iter().zip(used).filter(|(_, used)| !used) {
            let place = format!("{} of {}", entry.path, entry.ids.join(" "));
            self.wrong("intended", format!("no recording needs the difference at {place}: {}", entry.why));
        }
        assert!(self.wrong.is_empty(), "{} compared\n{}", self.count, self.wrong);
    }
}

pub mod like {
    //! Ways in which two fields may differ.

    use super::Field;

    /// We leave out what they send.
    pub fn left_out(ours: Field<'_>, theirs: Field<'_>) -> bool {
        ours.is_none() && theirs.is_some()
    }

    /// We send what they leave out.
    pub fn added(ours: Field<'_>, theirs: Field<'_>) -> bool {
        ours.is_some() && theirs.is_none()
    }

    /// Words of 32 bits of which ours are the same or one more.
    pub fn a_tick_above(ours: Field<'_>, theirs: Field<'_>) -> bool {
        let (Some(ours), Some(theirs)) = (ours, theirs) else { return false };
        ours.len() == theirs.len() && words(ours).zip(words(theirs)).all(|(ours, theirs)| ours.wrapping_sub(theirs) <= 1)
    }

    /// The words of 32 bits.
    pub fn words(bytes: &[u8]) -> impl Iterator<Item = u32> + '_ {
        bytes.chunks_exact(4).map(|word| u32::from_ne_bytes([word[0], word[1], word[2], word[3]]))
    }

    /// The same but for the words of 32 bits at these numbers.
    pub fn but_words(ours: Field<'_>, theirs: Field<'_>, at: &[usize]) -> bool {
        let (Some(ours), Some(theirs)) = (ours, theirs) else { return false };
        ours.len() == theirs.len()
            && words(ours).zip(words(theirs)).enumerate().all(|(i, (ours, theirs))| ours == theirs || at.contains(&i))
    }
}

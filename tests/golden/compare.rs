//! Comparing many recordings, with the differences that are meant.

use super::data::BIG_ENDIAN;
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

/// A policer's rate tables, wherever they are encoded anew: they are kept only where they are not those that the crate computes,
/// give or take a tick.
pub const POLICE_TABLES: &[Intended] = &[
    police_table(&["fw-011"], "2/2/2"),
    police_table(&["u32_police_act-*", "ingress-021"], "2/6/2"),
    police_table(&["u32_police_act-008"], "2/6/3"),
    police_table(&["u32_police_act-014"], "2/7/1/2/2"),
];

const fn police_table(ids: &'static [&'static str], path: &'static str) -> Intended {
    Intended { ids, path, like: like::ours_or_one_more, why: like::FLOATING }
}

/// Collects what is wrong, so that one run shows all of it.
pub struct Comparison {
    intended: Vec<&'static Intended>,
    used: Vec<bool>,
    wrong: String,
    pub count: usize,
}

impl Comparison {
    /// Allows what stands in these tables.
    pub fn new(tables: &[&'static [Intended]]) -> Self {
        let intended: Vec<_> = tables.iter().copied().flatten().collect();
        Comparison { used: vec![false; intended.len()], intended, wrong: String::new(), count: 0 }
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
            let covers = |intended: &&Intended| intended.covers(id, path, ours, theirs);
            match self.intended.iter().position(covers) {
                Some(found) => self.used[found] = true,
                None => self.wrong(id, format!("{what}\n    {path}: {}", shown(ours, theirs))),
            }
        }
    }

    /// Fails with all that was wrong, and with the entries of the table that no recording needs.
    pub fn finish(mut self) {
        let table = std::mem::take(&mut self.intended).into_iter().zip(std::mem::take(&mut self.used));
        // Not everything is recorded on big-endian machines.
        for (entry, _) in table.filter(|(_, used)| !used && !BIG_ENDIAN) {
            let place = format!("{} of {}", entry.path, entry.ids.join(" "));
            self.wrong("intended", format!("no recording needs the difference at {place}: {}", entry.why));
        }
        assert!(self.wrong.is_empty(), "{} compared\n{}", self.count, self.wrong);
    }
}

/// Two fields, the long ones from where they begin to differ.
fn shown(ours: Field<'_>, theirs: Field<'_>) -> String {
    const LONG: usize = 64;
    let (mut start, mut end) = (0, LONG);
    if let (Some(ours), Some(theirs)) = (ours, theirs) {
        let common = ours.iter().zip(theirs).take_while(|(ours, theirs)| ours == theirs).count();
        start = if ours.len().max(theirs.len()) > LONG { common / 4 * 4 } else { 0 };
        end += start;
    }
    let part = |field: Field<'_>| hex(field.map(|bytes| &bytes[start..end.min(bytes.len()).max(start)]));
    format!("(from byte {start})\n      ours   {}\n      theirs {}", part(ours), part(theirs))
}

pub mod like {
    //! Ways in which two fields may differ.

    use super::Field;

    /// We leave out what they send.
    pub fn left_out(ours: Field<'_>, theirs: Field<'_>) -> bool {
        ours.is_none() && theirs.is_some()
    }

    /// Words of 32 bits, of which theirs are the same or one more.
    pub fn ours_or_one_more(ours: Field<'_>, theirs: Field<'_>) -> bool {
        every_word(ours, theirs, |ours, theirs| theirs.wrapping_sub(ours) <= 1)
    }

    pub const FLOATING: &str =
        "iproute2 computes the ticks of rate tables in floating point and rounds up: where the exact value \
        is a whole number, the error of the last bit makes it one more. Ours are exact";

    /// Words of 32 bits that are the same, or of which ours are the largest and theirs have wrapped.
    pub fn saturated_where_they_wrap(ours: Field<'_>, theirs: Field<'_>) -> bool {
        every_word(ours, theirs, |ours, theirs| ours == theirs || ours == u32::MAX)
    }

    pub fn every_word(ours: Field<'_>, theirs: Field<'_>, like: impl Fn(u32, u32) -> bool) -> bool {
        let (Some(ours), Some(theirs)) = (ours, theirs) else { return false };
        ours.len() == theirs.len() && words(ours).zip(words(theirs)).all(|(ours, theirs)| like(ours, theirs))
    }

    fn words(bytes: &[u8]) -> impl Iterator<Item = u32> + '_ {
        bytes.chunks_exact(4).map(|word| u32::from_ne_bytes([word[0], word[1], word[2], word[3]]))
    }

    /// The same but for the bytes at these places.
    pub fn but_bytes(ours: Field<'_>, theirs: Field<'_>, at: &[usize]) -> bool {
        let (Some(ours), Some(theirs)) = (ours, theirs) else { return false };
        let differ = |(i, (ours, theirs)): (usize, (&u8, &u8))| ours != theirs && !at.contains(&i);
        ours.len() == theirs.len() && !ours.iter().zip(theirs).enumerate().any(differ)
    }

    /// The same but for the ticks of buffer and mtu in `struct tc_tbf_qopt`.
    pub fn but_tbf_ticks(ours: Field<'_>, theirs: Field<'_>) -> bool {
        but_bytes(ours, theirs, &[28, 29, 30, 31, 32, 33, 34, 35])
    }

    pub const TBF_TICKS: &str =
        "iproute2 computes tbf's ticks from the 32-bit rate, which is saturated, the crate from the \
        rate; kernels take the bytes that stand beside them (TCA_TBF_BURST)";
}

use super::hash::Fnv;
use crate::error::{Error, Result};
use crate::units::ParseError;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display, Formatter};
use std::ops::RangeInclusive;
use std::str::FromStr;

/// Numbers for keys: the minors of subscribers' classes, or the majors of their qdiscs.
///
/// A key's first choice is `start + h mod size`, where `h` is the 64-bit FNV-1a hash of the key's text ([`Display`]), and `start`
/// and `size` are those of the range; if that is taken, the next free number (behind the last one comes the first). So nearly
/// every key gets the number that it had before, even if nothing was saved; with what was saved (it prints as a simple text and
/// reads that) or [adopted](Handles::adopt) every key does.
///
/// A released number is given to another key only when no other is left, and then the one that was released first: what still
/// names the number for a while, such as a filter, does not find somebody else. A key that comes back gets its number again.
///
/// ```
/// use tcnl::plan::Handles;
/// let mut minors: Handles<String> = Handles::new(0x10..=0xffff)?;
/// let minor = minors.hold("anna".into())?;
/// minors.hold("bert".into())?;
/// let saved = minors.to_string();
/// let mut later: Handles<String> = saved.parse()?;
/// assert_eq!(later.hold("anna".into())?, minor);
/// # Ok::<(), tcnl::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Handles<K> {
    range: RangeInclusive<u16>,
    reserved: BTreeSet<u16>,
    held: BTreeMap<K, u16>,
    /// The numbers that are held.
    taken: BTreeSet<u16>,
    /// Who had a number that nobody else has had since, and when it was released.
    left: BTreeMap<K, u64>,
    /// The released numbers, the oldest first.
    released: BTreeMap<u64, (u16, K)>,
    /// The same by number.
    times: BTreeMap<u16, u64>,
}

impl<K: Ord + Clone + Display> Handles<K> {
    /// Numbers of this range, which is not empty and has no 0: that is no handle.
    ///
    /// # Errors
    /// The range is empty or begins with 0.
    pub fn new(range: RangeInclusive<u16>) -> Result<Self> {
        if range.is_empty() || range.contains(&0) {
            let what = format!("handles {:x}-{:x}", range.start(), range.end());
            return Err(Error::invalid(what, "they are a range within 1-ffff"));
        }
        Ok(Handles {
            range,
            reserved: BTreeSet::new(),
            held: BTreeMap::new(),
            taken: BTreeSet::new(),
            left: BTreeMap::new(),
            released: BTreeMap::new(),
            times: BTreeMap::new(),
        })
    }

    /// Gives these numbers to nobody. Who holds one keeps it.
    #[must_use]
    pub fn reserve(mut self, numbers: impl IntoIterator<Item = u16>) -> Self {
        self.reserved.extend(numbers);
        self
    }

    /// The number of a key, which it has from now on.
    ///
    /// # Errors
    /// All numbers are held by others or reserved.
    pub fn hold(&mut self, key: K) -> Result<u16> {
        if let Some(number) = self.get(&key) {
            return Ok(number);
        }
        let again = self.left.get(&key).copied().and_then(|time| self.forget(time));
        let found = again.or_else(|| self.fresh(&key)).or_else(|| self.oldest());
        let number = found.ok_or_else(|| {
            let what = format!("a handle for {key} within {:x}-{:x}", self.range.start(), self.range.end());
            Error::invalid(what, "all of them are held or reserved")
        })?;
        self.taken.insert(number);
        self.held.insert(key, number);
        Ok(number)
    }

    /// Says that a key has this number, as the kernel or a file says. It need not be in the range, and may be reserved.
    ///
    /// # Errors
    /// Another key holds the number, or the key holds another one; or it is 0.
    pub fn adopt(&mut self, key: K, number: u16) -> Result<()> {
        let fault = match self.get(&key) {
            _ if number == 0 => Some("0 is no handle"),
            Some(held) if held == number => return Ok(()),
            Some(_) => Some("it has another one"),
            None if self.taken.contains(&number) => Some("another one has it"),
            None => None,
        };
        if let Some(why) = fault {
            return Err(Error::invalid(format_args!("handle {number:x} for {key}"), why));
        }
        let times = [self.left.get(&key).copied(), self.times.get(&number).copied()];
        times.into_iter().flatten().for_each(|time| _ = self.forget(time));
        self.taken.insert(number);
        self.held.insert(key, number);
        Ok(())
    }

    /// Takes a key's number from it.
    pub fn release(&mut self, key: &K) -> Option<u16> {
        let (key, number) = self.held.remove_entry(key)?;
        self.taken.remove(&number);
        self.leave(key, number);
        Some(number)
    }

    /// The number that a key holds.
    pub fn get(&self, key: &K) -> Option<u16> {
        self.held.get(key).copied()
    }

    /// The keys and their numbers, in the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&K, u16)> {
        self.held.iter().map(|(key, number)| (key, *number))
    }

    /// How many keys hold a number.
    pub fn len(&self) -> usize {
        self.held.len()
    }

    /// Whether no key holds one.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// The first number from the key's first choice on that nobody has had.
    fn fresh(&self, key: &K) -> Option<u16> {
        let (start, end) = (*self.range.start(), *self.range.end());
        let size = u64::from(end - start) + 1;
        let first = start + u16::try_from(Fnv::text(key) % size).ok()?;
        (first..=end).chain(start..first).find(|number| {
            !self.taken.contains(number)
                && !self.times.contains_key(number)
                && !self.reserved.contains(number)
        })
    }

    /// The number that was released before all others, for somebody else.
    fn oldest(&mut self) -> Option<u16> {
        let is_ours = |number: &u16| self.range.contains(number) && !self.reserved.contains(number);
        let time = *self.released.iter().find(|(_, (number, _))| is_ours(number))?.0;
        self.forget(time)
    }

    fn leave(&mut self, key: K, number: u16) {
        let time = self.released.last_key_value().map_or(0, |(time, _)| time + 1);
        self.left.insert(key.clone(), time);
        self.times.insert(number, time);
        self.released.insert(time, (number, key));
    }

    /// Forgets who had the number that was released then.
    fn forget(&mut self, time: u64) -> Option<u16> {
        let (number, key) = self.released.remove(&time)?;
        self.left.remove(&key);
        self.times.remove(&number);
        Some(number)
    }
}

/// What each line says: its first word.
const RANGE: &str = "handles";
const RESERVED: &str = "reserved";
const HELD: &str = "held";
const RELEASED: &str = "released";

/// A line for the range (`handles 10-ffff`), one for each reserved number (`reserved 20`), one for each key (`held 1f anna`) and one
/// for each key that had a number (`released 20 bert`, the oldest first). Numbers are hexadecimal; in keys, `\\` and `\n` stand for a
/// backslash and a line break.
impl<K: Display> Display for Handles<K> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{RANGE} {:x}-{:x}", self.range.start(), self.range.end())?;
        self.reserved.iter().try_for_each(|number| writeln!(f, "{RESERVED} {number:x}"))?;
        let mut line = |what: &str, number: u16, key: &K| {
            let key = key.to_string().replace('\\', "\\\\").replace('\n', "\\n");
            writeln!(f, "{what} {number:x} {key}")
        };
        self.held.iter().try_for_each(|(key, number)| line(HELD, *number, key))?;
        self.released.values().try_for_each(|(number, key)| line(RELEASED, *number, key))
    }
}

impl<K: Ord + Clone + Display + FromStr> FromStr for Handles<K> {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let mut lines = text.split('\n').filter(|line| !line.is_empty());
        let first = lines.next().unwrap_or_default();
        let range = first
            .strip_prefix(RANGE)
            .and_then(|rest| rest.strip_prefix(' '))
            .and_then(|rest| rest.split_once('-'));
        let range = range.and_then(|(start, end)| Handles::new(number(start)?..=number(end)?).ok());
        let mut handles =
            range.ok_or_else(|| ParseError::new(first, "a range of handles: expected `handles 10-ffff`"))?;
        for line in lines {
            handles.hear(line).ok_or_else(|| {
                ParseError::new(
                    line,
                    "a line about a handle that none before contradicts: expected `held 1f KEY`",
                )
            })?;
        }
        Ok(handles)
    }
}

impl<K: Ord + Clone + Display + FromStr> Handles<K> {
    fn hear(&mut self, line: &str) -> Option<()> {
        let (what, rest) = line.split_once(' ')?;
        if what == RESERVED {
            self.reserved.insert(number(rest)?);
            return Some(());
        }
        let (number_word, key) = rest.split_once(' ')?;
        let (number, key) = (number(number_word)?, unescaped(key)?.parse().ok()?);
        match what {
            HELD => self.adopt(key, number).ok(),
            RELEASED => {
                let is_new = number != 0
                    && !self.held.contains_key(&key)
                    && !self.taken.contains(&number)
                    && !self.left.contains_key(&key)
                    && !self.times.contains_key(&number);
                is_new.then(|| self.leave(key, number))
            }
            _ => None,
        }
    }
}

fn number(word: &str) -> Option<u16> {
    let is_hexadecimal = word.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hexadecimal.then(|| u16::from_str_radix(word, 16).ok()).flatten()
}

fn unescaped(key: &str) -> Option<String> {
    let mut text = String::with_capacity(key.len());
    let mut chars = key.chars();
    while let Some(char) = chars.next() {
        text.push(match char {
            '\\' => match chars.next()? {
                '\\' => '\\',
                'n' => '\n',
                _ => return None,
            },
            char => char,
        });
    }
    Some(text)
}

#[cfg(test)]
mod tests;

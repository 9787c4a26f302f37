use super::changes::Part;
use super::marks;
use super::sysctl::{settings, Changed, Sysctls};
use super::{Gateway, Owned};
use crate::error::{Error, Result};
use crate::netfilter::FoundTable;

/// System settings that were changed, and are to be. Our nf_tables table remembers what they were: it lives exactly as long as they
/// do, and goes with the namespace or the machine.
#[derive(Debug)]
pub(super) struct Remembered {
    /// What was changed before and is still wanted so.
    kept: Vec<Changed>,
    /// What is to be changed.
    to_change: Vec<Changed>,
    /// What was changed before and is not wanted any more.
    pub unwanted: Vec<Changed>,
    /// Whether there is a table of ours.
    there: bool,
}

impl Remembered {
    /// What this gateway needs changed, with what the table remembers.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the table is not ours; settings that cannot be read.
    pub fn new(gateway: &Gateway, found: Option<&FoundTable>) -> Result<Self> {
        let wanted = settings(gateway);
        let is_wanted = |changed: &Changed| wanted.iter().any(|setting| setting.key == changed.key);
        let (kept, unwanted): (Vec<_>, Vec<_>) = known(found)?.into_iter().partition(is_wanted);
        let to_change = Sysctls::here().changes(&wanted)?;
        Ok(Remembered { kept, to_change, unwanted, there: found.is_some() })
    }

    /// What is done first: what will be changed is remembered, and changed.
    pub fn begin(&self, owned: &Owned) -> Vec<Part> {
        if self.to_change.is_empty() {
            return Vec::new();
        }
        let before: Vec<_> = self.kept.iter().chain(&self.unwanted).map(ToString::to_string).collect();
        let both = before.iter().cloned().chain(self.new_ones().map(ToString::to_string)).collect::<Vec<_>>();
        let back = if self.there { marks::memory(owned, &before) } else { marks::nothing(owned) };
        let remember = Part::NfTables(marks::memory(owned, &both), Some(back));
        [remember].into_iter().chain(self.to_change.iter().copied().map(Part::Setting)).collect()
    }

    /// What is remembered when all is done.
    pub fn lines(&self) -> Vec<String> {
        self.kept.iter().chain(self.new_ones()).map(ToString::to_string).collect()
    }

    /// What is to be changed and was not changed before: what somebody else changed back is remembered as it was at first.
    fn new_ones(&self) -> impl Iterator<Item = &Changed> {
        self.to_change.iter().filter(|change| self.kept.iter().all(|kept| kept.key != change.key))
    }
}

/// All that a table remembers.
///
/// # Errors
/// [`Error::Invalid`] if it is not ours.
pub(super) fn known(found: Option<&FoundTable>) -> Result<Vec<Changed>> {
    let Some(table) = found else { return Ok(Vec::new()) };
    match marks::remembered(table) {
        Some(lines) => Ok(lines.iter().filter_map(|line| line.parse().ok()).collect()),
        None => {
            let what = format!("the nf_tables table inet {}", table.name);
            Err(Error::invalid(what, "it is not ours, and in the way"))
        }
    }
}

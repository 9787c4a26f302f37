//! Reasons in plain words.

use super::{Member, Members};

impl Members {
    /// What the last sample changed, with what comes behind it: "b is usable again; ".
    pub(super) fn news(&self) -> String {
        let changed = self.changed.iter().flatten().filter_map(|index| self.get(*index));
        let (came, went): (Vec<&Member>, Vec<&Member>) = changed.partition(|member| member.usable);
        let mut news = String::new();
        for (who, [one, several]) in [
            (went, ["is not usable any more", "are not usable any more"]),
            (came, ["is usable again", "are usable again"]),
        ] {
            if !who.is_empty() {
                let verb = if who.len() == 1 { one } else { several };
                news += &format!("{} {verb}; ", list(who.iter().map(|member| member.name.clone())));
            }
        }
        news
    }

    /// What of these is free, the emptiest first: "b has 17.1 of 20.0Mbit free, a 3.2 of 20.0Mbit".
    pub(super) fn free(&self, of: &[usize]) -> String {
        let mut of: Vec<&Member> = of.iter().filter_map(|index| self.get(*index)).collect();
        of.sort_by(|one, other| other.load.free().total_cmp(&one.load.free()));
        let mut words = String::new();
        for (rank, member) in of.iter().enumerate() {
            let (free, capacity) = (member.load.free(), member.load.capacity());
            let amount = amount(free, capacity);
            match rank {
                0 => words += &format!("{} has {amount} free", member.name),
                _ => words += &format!(", {} {amount}", member.name),
            }
        }
        words
    }

    /// Who gets new connections by these weights: "new connections go to b".
    pub(super) fn outcome(&self, weights: &[u16]) -> String {
        let chosen: Vec<(&Member, u16)> =
            self.all.iter().zip(weights.iter().copied()).filter(|(_, weight)| *weight != 0).collect();
        if chosen.is_empty() {
            return "no uplink works: new connections are refused".to_owned();
        }
        let names = list(chosen.iter().map(|(member, _)| member.name.clone()));
        let first = chosen.first().map(|(_, weight)| *weight);
        match chosen.iter().all(|(_, weight)| Some(*weight) == first) {
            true if chosen.len() > 1 => format!("new connections go to {names} in equal parts"),
            true => format!("new connections go to {names}"),
            false => {
                let parts: Vec<String> = chosen.iter().map(|(_, weight)| weight.to_string()).collect();
                format!("new connections go to {names} as {}", parts.join(" to "))
            }
        }
    }
}

/// "a", "a and b", "a, b and c".
fn list(names: impl Iterator<Item = String>) -> String {
    let mut names: Vec<String> = names.collect();
    match names.pop() {
        Some(last) if names.is_empty() => last,
        Some(last) => format!("{} and {last}", names.join(", ")),
        None => String::new(),
    }
}

/// How much of how much, both in bytes a second, in the unit of the second: "3.2 of 20.0Mbit".
fn amount(part: f64, whole: f64) -> String {
    let bits = whole * 8.0;
    let (unit, name) = match () {
        () if bits >= 1e9 => (1e9, "Gbit"),
        () if bits >= 1e6 => (1e6, "Mbit"),
        () => (1e3, "Kbit"),
    };
    format!("{:.1} of {:.1}{name}", part * 8.0 / unit, bits / unit)
}

/// A part of the whole: "84 %".
pub(super) fn percent(part: f64) -> String {
    format!("{:.0} %", part * 100.0)
}

use crate::units::ParseError;
use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

/// How far an address or a route is valid. `rt_scope_t` in `include/uapi/linux/rtnetlink.h`
///
/// Parses and prints as `ip` does: `global`, `site`, `link`, `host`, `nowhere` or a number up to 255.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[doc(alias = "RT_SCOPE_UNIVERSE")]
pub struct Scope(pub u8);

impl Scope {
    /// Everywhere.
    pub const GLOBAL: Scope = Scope(0);
    /// Within the site (deprecated in IPv6).
    pub const SITE: Scope = Scope(200);
    /// On this link only.
    pub const LINK: Scope = Scope(253);
    /// On this host only.
    pub const HOST: Scope = Scope(254);
    /// The destination does not exist.
    pub const NOWHERE: Scope = Scope(255);
}

const NAMES: [(&str, Scope); 5] = [
    ("global", Scope::GLOBAL),
    ("site", Scope::SITE),
    ("link", Scope::LINK),
    ("host", Scope::HOST),
    ("nowhere", Scope::NOWHERE),
];

impl Display for Scope {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match NAMES.iter().find(|(_, scope)| scope == self) {
            Some((name, _)) => f.pad(name),
            None => self.0.fmt(f),
        }
    }
}

impl FromStr for Scope {
    type Err = ParseError;

    fn from_str(word: &str) -> Result<Self, ParseError> {
        match NAMES.iter().find(|(name, _)| *name == word) {
            Some((_, scope)) => Ok(*scope),
            None => word.parse().map(Scope).map_err(|_| {
                ParseError::new(word, "a scope: expected global, site, link, host, nowhere or 0 to 255")
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scope_reads_as_it_was_printed() {
        for scope in (0..=255).map(Scope) {
            assert_eq!(scope.to_string().parse(), Ok(scope));
        }
        assert_eq!(Scope(0).to_string(), "global");
        assert!("256".parse::<Scope>().is_err());
    }
}

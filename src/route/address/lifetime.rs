use crate::units::ParseError;
use crate::wire::{Fixed, Reader, Slots};
use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

/// How long an address lasts. Parses and prints as `ip` does: `forever` or seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lifetime {
    /// Seconds, less than `u32::MAX`, which is for ever.
    Seconds(u32),
    /// For ever.
    #[default]
    Forever,
}

impl From<u32> for Lifetime {
    fn from(seconds: u32) -> Self {
        match seconds {
            u32::MAX => Lifetime::Forever,
            seconds => Lifetime::Seconds(seconds),
        }
    }
}

impl From<Lifetime> for u32 {
    fn from(lifetime: Lifetime) -> u32 {
        match lifetime {
            Lifetime::Seconds(seconds) => seconds,
            Lifetime::Forever => u32::MAX,
        }
    }
}

impl Display for Lifetime {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match u32::from(*self) {
            u32::MAX => f.pad("forever"),
            seconds => seconds.fmt(f),
        }
    }
}

impl FromStr for Lifetime {
    type Err = ParseError;

    fn from_str(word: &str) -> Result<Self, ParseError> {
        match word {
            "forever" => Ok(Lifetime::Forever),
            _ => word
                .parse::<u32>()
                .map(Lifetime::from)
                .map_err(|_| ParseError::new(word, "a lifetime: expected seconds or forever")),
        }
    }
}

impl Fixed for Lifetime {
    const SIZE: usize = 4;
    fn store(&self, slots: &mut Slots<'_>) {
        u32::from(*self).store(slots);
    }
    fn load(r: &mut Reader<'_>) -> Self {
        Lifetime::from(u32::load(r))
    }
}

layout! {
    /// How long an address lasts, and since when it is there. `include/uapi/linux/if_addr.h`
    pub struct CacheInfo = "ifa_cacheinfo" {
        /// How long new connections may use it; not longer than `valid`.
        pub preferred: Lifetime,
        /// How long it is there.
        pub valid: Lifetime,
        /// When it was made, in 1/100 s since the machine's start. Kernels report it.
        pub created: u32,
        /// When it was last changed, in 1/100 s since the machine's start. Kernels report it.
        pub updated: u32,
    }
}

#[cfg(any(test, feature = "generate"))]
impl crate::wire::generate::Generate for Lifetime {
    fn generate(g: &mut crate::wire::generate::Source<'_>) -> Self {
        Lifetime::from(u32::generate(g))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_reads_as_it_was_printed() {
        for seconds in [0, 1, 100, u32::MAX - 1, u32::MAX] {
            let lifetime = Lifetime::from(seconds);
            assert_eq!((lifetime.to_string().parse(), u32::from(lifetime)), (Ok(lifetime), seconds));
        }
        assert_eq!(Lifetime::from(u32::MAX).to_string(), "forever");
        assert!("-1".parse::<Lifetime>().is_err());
    }
}

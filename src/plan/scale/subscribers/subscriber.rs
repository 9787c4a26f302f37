use crate::route::Prefix;
use crate::units::Rate;

/// What one of the [`Subscribers`](super::Subscribers) of a line has.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Subscriber {
    /// What is guaranteed.
    pub rate: Rate,
    /// What may be used when others do not; never less than `rate`.
    pub ceil: Rate,
    /// The addresses.
    pub prefixes: Vec<Prefix>,
}

impl Subscriber {
    /// Somebody with a guaranteed rate, and the most that may be used.
    pub fn new(rate: Rate, ceil: Rate) -> Self {
        Subscriber { rate, ceil: ceil.max(rate), prefixes: Vec::new() }
    }

    /// Adds addresses.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<Prefix>) -> Self {
        self.prefixes.push(prefix.into());
        self
    }
}

use std::time::Duration;

/// What came of a round of probes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Round {
    /// The round-trip of the first answer; `None`: nobody answered.
    pub answer: Option<Duration>,
    /// Who answered first; if nobody did, who was asked, with the reasons that are known:
    /// `icmp 192.0.2.1, tcp 203.0.113.9:443 (cannot connect: No route to host)`. May be empty.
    pub who: String,
}

impl From<Option<Duration>> for Round {
    fn from(answer: Option<Duration>) -> Self {
        Round { answer, who: String::new() }
    }
}

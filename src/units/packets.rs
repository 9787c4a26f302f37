use super::{number, ParseError};
use std::{fmt, str::FromStr};

/// A number of packets: the limit of a packet queue.
///
/// Text is a number, decimal or with `0x` hexadecimal or with a leading `0` octal. `tc` *prints*
/// some of them as `100p` but does not accept that; here it is accepted, so that words copied from
/// `tc`'s output work, and never printed.
///
/// Source: tc(8), PARAMETERS, VALUES.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Packets(pub u32);

impl Packets {
    /// The number of packets.
    pub const fn as_packets(self) -> u32 {
        self.0
    }
}

impl FromStr for Packets {
    type Err = ParseError;

    fn from_str(word: &str) -> Result<Self, ParseError> {
        let number = word.strip_suffix(['p', 'P']).unwrap_or(word);
        number::unsigned(number)
            .map(Packets)
            .ok_or_else(|| ParseError::new(word, "a number of packets: expected a number such as 127"))
    }
}

impl fmt::Display for Packets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn packets_are_plain_numbers_and_may_carry_a_p() {
        for (word, packets) in [("127", 127), ("127p", 127), ("0x7f", 127), ("010", 8), ("0", 0)] {
            assert_eq!(word.parse(), Ok(Packets(packets)), "{word}");
        }
        for word in ["", "p", "1k", "-1", "1.5", "4294967296", "1pp"] {
            assert_eq!(word.parse::<Packets>().map_err(|e| e.word().to_owned()), Err(word.to_owned()));
        }
    }

    proptest! {
        #[test]
        fn every_number_of_packets_reads_as_it_was_printed(packets: u32) {
            prop_assert_eq!(Packets(packets).to_string().parse(), Ok(Packets(packets)));
        }
    }
}

//! The words of the policer, which actions and filters share.

use super::{Control, PacketBurst, Police};
use crate::tc::Burst;
use crate::text::{FromWord, Hear, Part, WordError, Words};

impl Hear for Police {
    fn hear(&mut self, words: &mut Words<'_>) -> Result<bool, WordError> {
        let amount = self.hear_amount(words).map_err(|error| error.in_part(Part::Command))?;
        Ok(amount || self.hear_verdict(words)?)
    }

    fn heard(&mut self, words: &Words<'_>) -> Result<(), WordError> {
        let nothing = *self == Police::default();
        self.packet_rate = self.packet_rate.filter(|(rate, _)| *rate != 0);
        // As in tc, it is the bucket of the rate.
        self.burst = self.burst.filter(|_| self.rate.is_some());
        let packets = self.packet_rate.is_some();
        if self.rate.is_none() && self.avrate.is_none() && !packets && self.mtu == 0 && self.index == 0 {
            const WHAT: &str = "what to police: a rate, avrate, pkts_rate, mtu or index";
            return Err(if nothing { words.error(WHAT) } else { words.incomplete(WHAT) });
        }
        let missing = match (self.rate, self.peak) {
            (Some(_), _) if self.avrate.is_some() => "either rate or avrate, not both",
            (Some(_), _) if self.burst.is_none() => "the burst that goes with the rate",
            (_, Some(_)) if self.mtu == 0 => "the mtu that goes with the peakrate",
            _ if matches!(self.packet_rate, Some((_, PacketBurst::Packets(0)))) => {
                "the pkts_burst that goes with pkts_rate"
            }
            _ => return self.fault().map_or(Ok(()), |fault| Err(words.error_before(fault.to_string()))),
        };
        Err(words.incomplete(missing))
    }
}

impl Police {
    /// Reads an option that says how much.
    fn hear_amount(&mut self, words: &mut Words<'_>) -> Result<bool, WordError> {
        if words.take_if_short("index") {
            self.index = words.number(10)?;
        } else if words.take_if_short("burst") || words.take_if_any(&["buffer", "maxburst"]) {
            words.once(&mut self.burst)?;
        } else if words.take_if_any(&["mtu", "minburst"]) {
            self.hear_mtu(words)?;
        } else if words.take_if("mpu") {
            self.framing.hear_mpu(words)?;
        } else if words.take_if("rate") {
            words.once(&mut self.rate)?;
        } else if words.take_if("avrate") {
            self.hear_avrate(words)?;
        } else if words.take_if_short("peakrate") {
            words.once(&mut self.peak)?;
        } else if words.take_if("pkts_rate") {
            self.packets().0 = words.number(10)?;
        } else if words.take_if("pkts_burst") {
            self.packets().1 = PacketBurst::Packets(words.number(10)?);
        } else {
            return self.framing.hear(words);
        }
        Ok(true)
    }

    /// Reads an option that says what becomes of packets.
    fn hear_verdict(&mut self, words: &mut Words<'_>) -> Result<bool, WordError> {
        if words.take_if("conform-exceed") {
            self.hear_verdicts(words)?;
        } else if let Some(verdict) = words.peek().and_then(exceed) {
            words.take("a verdict")?;
            self.exceed = verdict.hear_argument(words)?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn packets(&mut self) -> &mut (u64, PacketBurst) {
        self.packet_rate.get_or_insert((0, PacketBurst::Packets(0)))
    }

    fn hear_mtu(&mut self, words: &mut Words<'_>) -> Result<(), WordError> {
        if self.mtu != 0 {
            return Err(words.said_twice());
        }
        let mtu = match words.value()? {
            Burst::Size(size) => u32::try_from(size.as_bytes()).ok(),
            Burst::Time(_) => None,
        };
        self.mtu = mtu.ok_or_else(|| words.error_before("the longest packet has less than 4 GiB"))?;
        Ok(())
    }

    fn hear_avrate(&mut self, words: &mut Words<'_>) -> Result<(), WordError> {
        words.once(&mut self.avrate)?;
        match self.avrate.is_some_and(|rate| u32::try_from(rate.as_bytes_per_second()).is_err()) {
            true => Err(words.error_before("avrate is at most 34359738360bit: kernels have 32 bits for it")),
            false => Ok(()),
        }
    }

    /// Reads what becomes of packets that exceed, and behind a slash of those that conform: `drop/pass`, or with blanks
    /// `goto chain 1 / pass`.
    fn hear_verdicts(&mut self, words: &mut Words<'_>) -> Result<(), WordError> {
        let slashed = words.peek().and_then(|word| word.split_once('/'));
        if let Some((exceed, conform)) = slashed.filter(|(exceed, _)| !exceed.is_empty()) {
            let (Some(exceed), Some(conform)) = (of_number(exceed), of_number(conform)) else {
                return Err(words.error("two verdicts such as drop/pass"));
            };
            (self.exceed, self.conform) = (exceed, conform);
            return words.take("two verdicts").map(drop);
        }
        self.exceed = verdict(words)?;
        if words.take_if("/") {
            self.conform = verdict(words)?;
        }
        Ok(())
    }
}

/// The verdicts that stand by themselves. Other words that an action could begin with belong to the next action.
fn exceed(word: &str) -> Option<Control> {
    let other = |control: &Control| !matches!(control, Control::Jump(_) | Control::Trap);
    Control::of_word(word).filter(other).filter(|control| control.number_or_word() == *control)
}

/// Takes a verdict, which may be a number.
fn verdict(words: &mut Words<'_>) -> Result<Control, WordError> {
    let Some(control) = words.peek().and_then(of_number) else {
        return Err(words.error("a verdict such as drop, pass or goto chain 1"));
    };
    let number = words.take("a verdict")?.ends_with(|last: char| last.is_ascii_digit());
    match number {
        true => Ok(control),
        false => control.hear_argument(words),
    }
}

/// The verdict of a word or of a number.
fn of_number(word: &str) -> Option<Control> {
    let number = || {
        let (digits, sign) = word.strip_prefix('-').map_or((word, 1), |digits| (digits, -1));
        let number = i64::from(u32::from_word(digits).ok()?) * sign;
        i32::try_from(number).ok().map(Control::from_raw)
    };
    Control::of_word(word).or_else(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Fault;

    #[test]
    fn tc_minds_wrong_amounts_more_than_wrong_verdicts() {
        let wrong = |words: &str| {
            let words: Vec<&str> = words.split_whitespace().collect();
            let error = Police::hear_all(&mut Words::new(&words)).err()?.in_part(Part::Options);
            Some((error.part(), error.fault()))
        };
        assert_eq!(wrong("rate nosuch"), Some((Part::Command, Fault::Wrong)));
        assert_eq!(wrong("rate 1mbit burst 10k overhead nosuch"), Some((Part::Command, Fault::Wrong)));
        assert_eq!(wrong("rate 1mbit rate 1mbit"), Some((Part::Command, Fault::Twice)));
        assert_eq!(wrong("rate 1mbit burst 10k conform-exceed nosuch"), Some((Part::Options, Fault::Wrong)));
        assert_eq!(wrong("rate 1mbit"), Some((Part::Options, Fault::Whole)));
        assert_eq!(wrong("burst 10k"), Some((Part::Options, Fault::Whole)));
        assert_eq!(wrong(""), Some((Part::Options, Fault::Ends)));
        assert_eq!(wrong("rate 1mbit burst 10k"), None);
    }
}

//! The verdict, which all actions have in common.

use crate::text::{Page, WordError, Words};
use crate::wire::{DecodeError, Fixed, Reader, Slots, Value, Writer};
use std::fmt::{self, Display, Formatter};

/// What becomes of a packet after an action. `man 8 tc-actions`, `TC_ACT_` of `include/uapi/linux/pkt_cls.h`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Control {
    /// The classification goes on with the next filter.
    #[doc(alias = "TC_ACT_UNSPEC")]
    Continue,
    /// The classification ends and the packet goes on.
    #[default]
    #[doc(alias = "TC_ACT_OK")]
    Ok,
    /// The classification begins again at the first filter.
    #[doc(alias = "TC_ACT_RECLASSIFY")]
    Reclassify,
    /// The packet is dropped.
    #[doc(alias = "TC_ACT_SHOT")]
    Drop,
    /// The next action of the filter has its turn.
    #[doc(alias = "TC_ACT_PIPE")]
    Pipe,
    /// Someone else has the packet now; nobody counts it as dropped.
    #[doc(alias = "TC_ACT_STOLEN")]
    Stolen,
    /// As [`Stolen`](Control::Stolen): queued elsewhere.
    #[doc(alias = "TC_ACT_QUEUED")]
    Queued,
    /// The same action runs again.
    #[doc(alias = "TC_ACT_REPEAT")]
    Repeat,
    /// The packet goes to another device, which a BPF program chose.
    #[doc(alias = "TC_ACT_REDIRECT")]
    Redirect,
    /// As [`Stolen`](Control::Stolen); hardware hands the packet to the CPU.
    #[doc(alias = "TC_ACT_TRAP")]
    Trap,
    /// This many actions of the filter are skipped (28 bits).
    #[doc(alias = "TC_ACT_JUMP")]
    Jump(u32),
    /// The classification goes on in the chain with this number (28 bits).
    #[doc(alias = "TC_ACT_GOTO_CHAIN")]
    GotoChain(u32),
    /// A value that the crate does not know.
    Other(i32),
}

impl Control {
    /// The bits that carry the argument of `Jump` and `GotoChain`.
    const ARGUMENT: u32 = (1 << 28) - 1;

    /// The verdict with this kernel value.
    pub fn from_raw(raw: i32) -> Self {
        let argument = raw as u32 & Self::ARGUMENT;
        match (raw, raw as u32 >> 28) {
            (-1, _) => Control::Continue,
            (0, _) => Control::Ok,
            (1, _) => Control::Reclassify,
            (2, _) => Control::Drop,
            (3, _) => Control::Pipe,
            (4, _) => Control::Stolen,
            (5, _) => Control::Queued,
            (6, _) => Control::Repeat,
            (7, _) => Control::Redirect,
            (8, _) => Control::Trap,
            (_, 1) => Control::Jump(argument),
            (_, 2) => Control::GotoChain(argument),
            _ => Control::Other(raw),
        }
    }

    /// The kernel's value; `None` if an argument has more than 28 bits.
    pub fn raw(self) -> Option<i32> {
        let extended = |opcode: u32, argument: u32| {
            (argument <= Self::ARGUMENT).then_some((opcode << 28 | argument) as i32)
        };
        Some(match self {
            Control::Continue => -1,
            Control::Ok => 0,
            Control::Reclassify => 1,
            Control::Drop => 2,
            Control::Pipe => 3,
            Control::Stolen => 4,
            Control::Queued => 5,
            Control::Repeat => 6,
            Control::Redirect => 7,
            Control::Trap => 8,
            Control::Jump(count) => return extended(1, count),
            Control::GotoChain(chain) => return extended(2, chain),
            Control::Other(raw) => raw,
        })
    }

    /// Whether its words are more than one.
    pub(super) fn has_argument(self) -> bool {
        matches!(self, Control::Jump(_) | Control::GotoChain(_))
    }

    /// The word, or the number where `tc` reads no word but takes numbers.
    pub(super) fn number_or_word(self) -> Self {
        match self {
            Control::Stolen | Control::Queued | Control::Repeat | Control::Redirect => {
                Control::Other(self.raw().unwrap_or_default())
            }
            other => other,
        }
    }
}

impl Control {
    /// What `tc` reads. Each may be cut short, and the first that fits counts.
    const WORDS: [(&str, Control); 10] = [
        ("continue", Control::Continue),
        ("drop", Control::Drop),
        ("shot", Control::Drop),
        ("pass", Control::Ok),
        ("ok", Control::Ok),
        ("reclassify", Control::Reclassify),
        ("pipe", Control::Pipe),
        ("goto", Control::GotoChain(0)),
        ("jump", Control::Jump(0)),
        ("trap", Control::Trap),
    ];

    /// What `tc` only prints. It is read in full.
    const PRINTED: [(&str, Control); 4] = [
        ("stolen", Control::Stolen),
        ("queued", Control::Queued),
        ("repeat", Control::Repeat),
        ("redirect", Control::Redirect),
    ];

    /// The verdict of this word, its argument 0.
    pub(super) fn of_word(word: &str) -> Option<Self> {
        let short = |name: &str| !word.is_empty() && name.starts_with(word);
        let known = Self::WORDS.into_iter().find(|(name, _)| short(name));
        let known = known.or_else(|| Self::PRINTED.into_iter().find(|(name, _)| *name == word));
        known.map(|(_, control)| control)
    }

    /// Takes a verdict with its argument, if one comes.
    pub(super) fn hear(words: &mut Words<'_>) -> Result<Option<Self>, WordError> {
        let Some(control) = words.peek().and_then(Self::of_word) else { return Ok(None) };
        words.take("a verdict")?;
        control.hear_argument(words).map(Some)
    }

    /// Completes a verdict that was taken.
    pub(super) fn hear_argument(self, words: &mut Words<'_>) -> Result<Self, WordError> {
        let argument = |words: &mut Words<'_>| {
            let argument: u32 = words.number(10)?;
            match argument <= Self::ARGUMENT {
                true => Ok(argument),
                false => Err(words.error_before("this is a number of 28 bits, up to 268435455")),
            }
        };
        match self {
            Control::GotoChain(_) if words.take_if_short("chain") => argument(words).map(Control::GotoChain),
            Control::GotoChain(_) => Err(words.error("\"chain\", as in goto chain 1")),
            Control::Jump(_) => argument(words).map(Control::Jump),
            other => Ok(other),
        }
    }
}

impl Control {
    /// Shows the verdict as `control_action`; in text these words stand around it.
    pub(super) fn show(self, before: &str, after: &str, page: &mut Page) {
        page.object_in("control_action", |page| {
            page.text(before);
            match self {
                Control::GotoChain(chain) => {
                    page.field("type", "goto", "goto");
                    page.field("chain", chain, format_args!(" chain {chain}"));
                }
                Control::Jump(count) => {
                    page.field("type", "jump", "jump");
                    page.field("jump", count, format_args!(" {count}"));
                }
                // iproute2 has no words for these.
                Control::Queued | Control::Repeat | Control::Redirect | Control::Other(_) => {
                    let number = self.raw().unwrap_or_default().to_string();
                    page.field("type", number.as_str(), &number);
                }
                other => page.field("type", other.to_string(), other),
            }
            page.text(after);
        });
    }
}

/// The words of `tc`. For some verdicts it has none that it would read: they print as their names.
impl Display for Control {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Control::Continue => "continue",
            Control::Ok => "pass",
            Control::Reclassify => "reclassify",
            Control::Drop => "drop",
            Control::Pipe => "pipe",
            Control::Stolen => "stolen",
            Control::Queued => "queued",
            Control::Repeat => "repeat",
            Control::Redirect => "redirect",
            Control::Trap => "trap",
            Control::Jump(count) => return write!(f, "jump {count}"),
            Control::GotoChain(chain) => return write!(f, "goto chain {chain}"),
            Control::Other(raw) => return write!(f, "{raw}"),
        })
    }
}

impl Fixed for Control {
    const SIZE: usize = 4;
    fn store(&self, slots: &mut Slots<'_>) {
        let raw = self.raw().unwrap_or_else(|| {
            slots.fail(crate::wire::EncodeError::out_of_range(
                "verdict",
                self,
                "28 bits for jump and goto chain",
            ));
            0
        });
        raw.store(slots);
    }
    fn load(r: &mut Reader<'_>) -> Self {
        Control::from_raw(i32::load(r))
    }
}

impl Value for Control {
    fn encode(&self, w: &mut Writer) {
        w.fixed(self);
    }
    fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        Control::read(&mut Reader::new(payload))
    }
}

#[cfg(any(test, feature = "generate"))]
impl crate::wire::generate::Generate for Control {
    fn generate(g: &mut crate::wire::generate::Source<'_>) -> Self {
        match g.byte() {
            0..=7 => Control::from_raw(g.number() as i32),
            other => Control::from_raw(i32::from(other % 10) - 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_a_verdict_and_comes_back() {
        for raw in (-20..20).chain([1 << 28, 1 << 28 | 5, 2 << 28 | 7, 3 << 28, i32::MIN, i32::MAX]) {
            assert_eq!(Control::from_raw(raw).raw(), Some(raw));
        }
        assert_eq!(Control::from_raw(0x2000_0005), Control::GotoChain(5));
        assert_eq!(Control::GotoChain(1 << 28).raw(), None);
    }

    #[test]
    fn an_argument_of_more_than_28_bits_is_refused() {
        let mut w = Writer::default();
        w.attr(1, &Control::Jump(1 << 28));
        assert!(w.finish().is_err());
    }
}

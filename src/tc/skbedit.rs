//! `skbedit`: changes what the kernel notes about a packet, not the packet. `man 8 tc-skbedit`, `net/sched/act_skbedit.c`

use super::parms::has_parms;
use super::{shown, ActionParms, Control, Kind, Setting, Times};
use crate::text::{FromWord, Hear, Page, Say, Scalar, WordError, Words};
use crate::units::{Handle, ParseError};
use crate::wire::{EncodeError, Table};
use std::fmt::{self, Display, Formatter};

/// TCA_SKBEDIT_ attribute table for the header checks.
pub(super) fn tables() -> Vec<Table> {
    vec![Table::of::<Skbedit>()]
}

attrs! {
    /// Sets a packet's mark, priority, queue or type: `Skbedit::piped().mark(5)`. Kernels refuse one that sets nothing.
    pub wordless struct Skbedit {
        /// When it was installed and used. Kernels report it.
        1 "TCA_SKBEDIT_TM" => times: Times,
        /// Index and verdict.
        2 "TCA_SKBEDIT_PARMS" => parms: ActionParms,
        /// The priority, which can name a class: `1:10`.
        3 "TCA_SKBEDIT_PRIORITY" => priority: Handle,
        /// The device's transmit queue, from 0; the first of several with `queue_max`.
        4 "TCA_SKBEDIT_QUEUE_MAPPING" => queue: u16,
        /// The firewall mark (fwmark).
        5 "TCA_SKBEDIT_MARK" => mark: u32,
        6 "TCA_SKBEDIT_PAD" => pad,
        /// The packet type: 0 host, 1 broadcast, 2 multicast, 3 otherhost.
        7 "TCA_SKBEDIT_PTYPE" => packet_type: u16,
        /// The bits of the mark that are set; all if not given.
        8 "TCA_SKBEDIT_MASK" => mask: u32,
        /// SKBEDIT_F_ bits that have no value of their own: [`Skbedit::INHERIT_DSFIELD`], [`Skbedit::QUEUE_BY_HASH`].
        9 "TCA_SKBEDIT_FLAGS" => flags: u64,
        /// The last of the transmit queues among which the packet's hash chooses.
        10 "TCA_SKBEDIT_QUEUE_MAPPING_MAX" => queue_max: u16,
    }
}

/// The words for packet types, from number 0 on.
const PACKET_TYPES: [&str; 4] = ["host", "broadcast", "multicast", "otherhost"];

impl Skbedit {
    /// The priority is taken from the packet's DS field.
    #[doc(alias = "SKBEDIT_F_INHERITDSFIELD")]
    pub const INHERIT_DSFIELD: u64 = 0x20;
    /// The packet's hash chooses among the queues from `queue` to `queue_max`.
    #[doc(alias = "SKBEDIT_F_TXQ_SKBHASH")]
    pub const QUEUE_BY_HASH: u64 = 0x40;

    /// An action that hands the packet to the next one, as `tc` has it where nothing is said.
    pub fn piped() -> Self {
        Skbedit::new().control(Control::Pipe)
    }

    /// Sets what becomes of the packet afterwards.
    #[must_use]
    pub fn control(mut self, control: Control) -> Self {
        self.parms.get_or_insert_default().control = control;
        self
    }

    /// Shares the action with this index, or creates it.
    #[must_use]
    pub fn index(mut self, index: u32) -> Self {
        self.parms.get_or_insert(ActionParms::new(Control::Pipe)).index = index;
        self
    }

    /// Takes the priority from the packet's DS field.
    #[must_use]
    pub fn inherit_dsfield(mut self) -> Self {
        *self.flags.get_or_insert_default() |= Self::INHERIT_DSFIELD;
        self
    }

    /// Lets the packet's hash choose among the transmit queues from `first` to `last`.
    #[must_use]
    pub fn queue_by_hash(mut self, first: u16, last: u16) -> Self {
        *self.flags.get_or_insert_default() |= Self::QUEUE_BY_HASH;
        self.queue(first).queue_max(last)
    }

    fn has(&self, flag: u64) -> bool {
        self.flags.is_some_and(|flags| flags & flag != 0)
    }
}

impl Kind for Skbedit {
    const NAME: &'static str = "skbedit";

    has_parms!();

    /// `tcf_skbedit_init` and `tcf_skbedit_act`
    fn settle(&mut self, _: &Setting) {
        self.unknown.clear();
        self.parms.iter_mut().for_each(ActionParms::settle);
        let known = self.flags.unwrap_or(0) & (Self::INHERIT_DSFIELD | Self::QUEUE_BY_HASH);
        self.flags = Some(known).filter(|flags| *flags != 0);
        self.queue_max = self.queue_max.filter(|_| known & Self::QUEUE_BY_HASH != 0);
        self.mask = self.mask.filter(|mask| self.mark.is_some() && *mask != u32::MAX);
        self.mark = self.mark.map(|mark| mark & self.mask.unwrap_or(u32::MAX));
    }

    fn check(&self) -> Result<(), EncodeError> {
        if self.parms.is_none() {
            return Err(EncodeError::Missing("the verdict of skbedit"));
        }
        match (self.queue, self.queue_max) {
            (Some(first), Some(last)) if last < first => {
                Err(EncodeError::out_of_range("last queue of skbedit", last, "not below the first"))
            }
            _ => Ok(()),
        }
    }

    fn show(&self, page: &mut Page) {
        page.field("kind", Self::NAME, "skbedit ");
        if let Some(first) = self.queue {
            page.field("queue_mapping", first, format_args!("queue_mapping {first}"));
        }
        if let Some(priority) = self.priority {
            page.field("priority", priority.to_string(), format_args!(" priority {priority}"));
        }
        if let Some(mark) = self.mark {
            page.field("mark", mark, format_args!(" mark {mark}"));
        }
        if let Some(mask) = self.mask {
            page.field("mask", format!("{mask:x}"), format_args!("/{}", shown::hex(mask)));
        }
        if let Some(kind) = self.packet_type {
            match PACKET_TYPES.get(usize::from(kind)) {
                Some(word) => page.field("ptype", *word, format_args!(" ptype {word}")),
                None => page.field("ptype", kind, format_args!(" ptype {kind}")),
            }
        }
        if self.has(Self::INHERIT_DSFIELD) {
            page.field("inheritdsfield", Scalar::Null, " inheritdsfield");
        }
        let parms = self.parms.unwrap_or_default();
        parms.control.show(" ", "", page);
        page.line();
        page.text("\t ");
        parms.show_index(page);
        Times::show(self.times.as_ref(), page);
        page.line();
    }
}

impl Display for Skbedit {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match (self.queue, self.queue_max) {
            (Some(first), Some(last)) if self.has(Self::QUEUE_BY_HASH) => {
                write!(f, " queue_mapping skbhash {first} {last}")?
            }
            (queue, _) => queue.say("queue_mapping", f)?,
        }
        self.priority.say("priority", f)?;
        match (self.mark, self.mask) {
            (Some(mark), Some(mask)) => write!(f, " mark {mark:#x}/{mask:#x}")?,
            (mark, _) => mark.say("mark", f)?,
        }
        if let Some(kind) = self.packet_type {
            match PACKET_TYPES.get(usize::from(kind)) {
                Some(word) => write!(f, " ptype {word}")?,
                None => write!(f, " ptype {kind}")?,
            }
        }
        self.has(Self::INHERIT_DSFIELD).say("inheritdsfield", f)?;
        let parms = self.parms.unwrap_or_default();
        if parms.control != Control::Pipe {
            write!(f, " {}", parms.control)?;
        }
        parms.say_index(f)
    }
}

/// Options, then a verdict, then an index.
impl Hear for Skbedit {
    fn hear(&mut self, words: &mut Words<'_>) -> Result<bool, WordError> {
        if self.parms.is_some() {
            return Ok(false);
        }
        let mut any = false;
        while self.hear_option(words)? {
            any = true;
        }
        let control = Control::hear(words)?.unwrap_or(Control::Pipe);
        let mut parms = ActionParms::new(control);
        any |= parms.hear_index(words)?;
        if !any {
            return Err(
                words.error("something to edit: mark, priority, queue_mapping, ptype or inheritdsfield")
            );
        }
        self.parms = Some(parms);
        Ok(true)
    }
}

impl Skbedit {
    fn hear_option(&mut self, words: &mut Words<'_>) -> Result<bool, WordError> {
        if words.take_if_short("queue_mapping") {
            if words.take_if("skbhash") {
                let (first, last) = (words.number(10)?, words.number(10)?);
                *self = std::mem::take(self).queue_by_hash(first, last);
            } else {
                self.queue = Some(words.number(10)?);
            }
        } else if words.take_if_short("priority") {
            self.priority = Some(words.value()?);
        } else if words.take_if_short("mark") {
            let (mark, mask) = words.read("a mark such as 5 or 0x10/0xff", masked)?;
            self.mark = Some(mark);
            self.mask = mask.or(self.mask);
        } else if words.take_if_short("ptype") {
            let kind = PACKET_TYPES.iter().position(|word| words.take_if_short(word));
            let kind = kind.and_then(|kind| u16::try_from(kind).ok());
            self.packet_type = Some(
                kind.ok_or_else(|| words.error("a packet type: host, broadcast, multicast or otherhost"))?,
            );
        } else if words.take_if_short("inheritdsfield") {
            *self = std::mem::take(self).inherit_dsfield();
        } else {
            return Ok(false);
        }
        Ok(true)
    }
}

/// A mark with or without a mask.
fn masked(word: &str) -> Result<(u32, Option<u32>), ParseError> {
    let (mark, mask) = word.split_once('/').map_or((word, None), |(mark, mask)| (mark, Some(mask)));
    Ok((u32::from_word(mark)?, mask.map(u32::from_word).transpose()?))
}

//! `skbedit`: changes what the kernel notes about a packet, not the packet. `man 8 tc-skbedit`, `net/sched/act_skbedit.c`

use super::{ActionParms, Control, Kind, Times};
use crate::text::Say;
use crate::units::Handle;
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

    fn handle(&self) -> Option<u32> {
        self.parms.map(|parms| parms.index)
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
            match ["host", "broadcast", "multicast", "otherhost"].get(usize::from(kind)) {
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

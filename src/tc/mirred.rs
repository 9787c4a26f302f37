//! `mirred`: sends packets, or copies of them, to another device. `man 8 tc-mirred`, `net/sched/act_mirred.c`

use super::parms::has_parms;
use super::{ActionParms, Control, Kind, Setting, Times};
use crate::text::{Hear, Page, WordError, Words};
use crate::units::Dev;
use crate::wire::{EncodeError, Fixed, Reader, Slots, Table};
use std::fmt::{self, Display, Formatter};

/// TCA_MIRRED_ attribute table for the header checks.
pub(super) fn tables() -> Vec<Table> {
    vec![Table::of::<Mirred>(), Table::layout::<Parms>()]
}

attrs! {
    /// Sends packets elsewhere: `Mirred::egress_redirect(ifb)`.
    pub wordless struct Mirred {
        /// When it was installed and used. Kernels report it.
        1 "TCA_MIRRED_TM" => times: Times,
        /// Index, verdict, direction and device.
        2 "TCA_MIRRED_PARMS" => parms: Parms,
        3 "TCA_MIRRED_PAD" => pad,
        /// A shared block instead of a device: all its devices get the packet. Kernels since 6.8.
        4 "TCA_MIRRED_BLOCKID" => block: u32,
    }
}

layout! {
    /// Where packets go.
    pub struct Parms = "tc_mirred" {
        /// Index and verdict.
        pub action: ActionParms,
        /// Whether the packet or a copy of it goes, and how it enters the device.
        pub direction: Direction,
        /// The device; index 0 for a block.
        pub dev: Dev,
    }
}

/// Whether the packet or a copy of it goes to the device, and on which side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Direction {
    /// The packet is sent by the device.
    #[doc(alias = "TCA_EGRESS_REDIR")]
    EgressRedirect,
    /// A copy is sent by the device.
    #[doc(alias = "TCA_EGRESS_MIRROR")]
    EgressMirror,
    /// The packet arrives at the device.
    #[doc(alias = "TCA_INGRESS_REDIR")]
    IngressRedirect,
    /// A copy arrives at the device.
    #[doc(alias = "TCA_INGRESS_MIRROR")]
    IngressMirror,
    /// A value that the crate does not know.
    Other(i32),
}

impl Default for Direction {
    fn default() -> Self {
        Direction::Other(0)
    }
}

impl Direction {
    /// The verdict that `tc` gives where none is said: the packet is gone, or goes on.
    fn default_control(self) -> Control {
        match self {
            Direction::EgressMirror | Direction::IngressMirror => Control::Pipe,
            _ => Control::Stolen,
        }
    }
}

impl Fixed for Direction {
    const SIZE: usize = 4;
    fn store(&self, slots: &mut Slots<'_>) {
        let raw: i32 = match self {
            Direction::EgressRedirect => 1,
            Direction::EgressMirror => 2,
            Direction::IngressRedirect => 3,
            Direction::IngressMirror => 4,
            Direction::Other(raw) => *raw,
        };
        raw.store(slots);
    }
    fn load(r: &mut Reader<'_>) -> Self {
        match i32::load(r) {
            1 => Direction::EgressRedirect,
            2 => Direction::EgressMirror,
            3 => Direction::IngressRedirect,
            4 => Direction::IngressMirror,
            other => Direction::Other(other),
        }
    }
}

impl Display for Direction {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Direction::EgressRedirect => "egress redirect",
            Direction::EgressMirror => "egress mirror",
            Direction::IngressRedirect => "ingress redirect",
            Direction::IngressMirror => "ingress mirror",
            Direction::Other(raw) => return write!(f, "{raw}"),
        })
    }
}

impl Mirred {
    /// Sends packets, or copies, to a device, with the verdict that `tc` gives: stolen for packets, pipe for copies.
    pub fn to(direction: Direction, dev: impl Into<Dev>) -> Self {
        let action = ActionParms::new(direction.default_control());
        Mirred::new().parms(Parms { action, direction, dev: dev.into() })
    }

    /// Lets the device send the packets.
    pub fn egress_redirect(dev: impl Into<Dev>) -> Self {
        Self::to(Direction::EgressRedirect, dev)
    }

    /// Lets the device send a copy of the packets.
    pub fn egress_mirror(dev: impl Into<Dev>) -> Self {
        Self::to(Direction::EgressMirror, dev)
    }

    /// Lets the packets arrive at the device.
    pub fn ingress_redirect(dev: impl Into<Dev>) -> Self {
        Self::to(Direction::IngressRedirect, dev)
    }

    /// Lets a copy of the packets arrive at the device.
    pub fn ingress_mirror(dev: impl Into<Dev>) -> Self {
        Self::to(Direction::IngressMirror, dev)
    }

    /// Sends packets, or copies, to all devices of the shared block with this index, which is not 0.
    pub fn to_block(direction: Direction, block: u32) -> Self {
        Self::to(direction, Dev::default()).block(block)
    }

    /// Sets what becomes of the packet afterwards. `tc` can say so only for copies.
    #[must_use]
    pub fn control(mut self, control: Control) -> Self {
        self.parms.get_or_insert_default().action.control = control;
        self
    }

    /// Shares the action with this index, or creates it.
    #[must_use]
    pub fn index(mut self, index: u32) -> Self {
        self.parms.get_or_insert_default().action.index = index;
        self
    }
}

impl Kind for Mirred {
    const NAME: &'static str = "mirred";

    has_parms!(action);

    /// `tcf_mirred_init`
    fn settle(&mut self, _: &Setting) {
        self.unknown.clear();
        self.parms.iter_mut().for_each(|parms| parms.action.settle());
    }

    fn check(&self) -> Result<(), EncodeError> {
        let parms = self.parms.ok_or(EncodeError::Missing("where mirred sends packets"))?;
        match (parms.dev.index, self.block) {
            (_, Some(0)) => Err(EncodeError::out_of_range("block of mirred", 0, "1 and above")),
            (1.., Some(_)) => {
                Err(EncodeError::Invalid("mirred sends packets to a device or to a block, not to both"))
            }
            _ => Ok(()),
        }
    }

    fn show(&self, page: &mut Page) {
        page.field("kind", Self::NAME, "mirred ");
        let parms = self.parms.unwrap_or_default();
        let (direction, what, text) = match parms.direction {
            Direction::EgressRedirect => ("egress", "redirect", "Egress Redirect"),
            Direction::EgressMirror => ("egress", "mirror", "Egress Mirror"),
            Direction::IngressRedirect => ("ingress", "redirect", "Ingress Redirect"),
            Direction::IngressMirror => ("ingress", "mirror", "Ingress Mirror"),
            Direction::Other(_) => ("unknown", "unknown", "unknown"),
        };
        page.text(format_args!("({text}"));
        page.json("mirred_action", what);
        page.json("direction", direction);
        match self.block {
            Some(block) => page.field("to_blockid", block, format_args!(" to blockid {block})")),
            None => {
                let dev = page.dev(parms.dev);
                page.field("to_dev", dev.as_str(), format_args!(" to device {dev})"));
            }
        }
        parms.action.control.show(" ", "", page);
        page.line();
        page.text("\t");
        parms.action.show_index(page);
        Times::show(self.times.as_ref(), page);
        page.line();
    }
}

impl Display for Mirred {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let parms = self.parms.unwrap_or_default();
        if *self == Mirred::new().index(parms.action.index) {
            // One that is there already is named by its index alone.
            return parms.action.say_index(f);
        }
        write!(f, " {}", parms.direction)?;
        match self.block {
            Some(block) => write!(f, " blockid {block}")?,
            None => write!(f, " dev {}", parms.dev)?,
        }
        if parms.action.control != parms.direction.default_control() {
            write!(f, " {}", parms.action.control)?;
        }
        parms.action.say_index(f)
    }
}

/// `egress redirect dev ifb0 index 5`, or only the index of one that is there.
impl Hear for Mirred {
    fn hear(&mut self, words: &mut Words<'_>) -> Result<bool, WordError> {
        if self.parms.is_some() {
            return Ok(false);
        }
        let mut parms = Parms::default();
        let ingress = if words.take_if_short("egress") {
            false
        } else if words.take_if_short("ingress") {
            true
        } else {
            let heard = parms.action.hear_index(words)?;
            // One of 0 names no action: it does not say where to send packets.
            self.parms = (heard && parms.action.index != 0).then_some(parms);
            return Ok(heard);
        };
        let mut indexed = parms.action.hear_index(words)?;
        parms.direction = match (words.take_if_short("mirror"), ingress) {
            (true, false) => Direction::EgressMirror,
            (true, true) => Direction::IngressMirror,
            (false, _) if !words.take_if_short("redirect") => {
                return Err(words.error("what to do: redirect or mirror"))
            }
            (false, false) => Direction::EgressRedirect,
            (false, true) => Direction::IngressRedirect,
        };
        indexed |= !indexed && parms.action.hear_index(words)?;
        if words.take_if_short("blockid") {
            self.block = Some(words.value()?);
        } else if words.take_if_short("dev") {
            parms.dev = words.dev()?;
        } else {
            return Err(words.error("where to send packets: dev and a device, or blockid and a block"));
        }
        parms.action.control = parms.direction.default_control();
        if parms.action.control == Control::Pipe {
            // For what is redirected tc hears no verdict: the word would be the next action.
            parms.action.control = Control::hear(words)?.unwrap_or(Control::Pipe);
        }
        if parms.action.hear_index(words)? && indexed {
            return Err(words.error_before("there is an index already"));
        }
        self.parms = Some(parms);
        Ok(true)
    }

    fn heard(&mut self, words: &Words<'_>) -> Result<(), WordError> {
        match self.parms {
            None => Err(words.error(
                "where to send packets, such as egress redirect dev ifb0 or egress mirror blockid 22",
            )),
            Some(_) => Ok(()),
        }
    }
}

#[cfg(any(test, feature = "generate"))]
impl crate::wire::generate::Generate for Direction {
    fn generate(g: &mut crate::wire::generate::Source<'_>) -> Self {
        use Direction::*;
        g.pick(&[EgressRedirect, EgressMirror, IngressRedirect, IngressMirror, Other(9)])
    }
}

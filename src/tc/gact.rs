//! `gact`, the generic action: a verdict, at random another one. `man 8 tc-actions`, `net/sched/act_gact.c`

use super::parms::has_parms;
use super::{ActionParms, Control, Kind, Setting, Times};
use crate::text::{Hear, Page, WordError, Words};
use crate::wire::{EncodeError, Fixed, Reader, Slots, Table};
use std::fmt::{self, Display, Formatter};

/// TCA_GACT_ attribute table for the header checks.
pub(super) fn tables() -> Vec<Table> {
    vec![Table::of::<Gact>(), Table::layout::<Random>()]
}

attrs! {
    /// A verdict on the packet: `Gact::drop()`, `Gact::goto_chain(3)`.
    pub wordless struct Gact {
        /// When it was installed and used. Kernels report it.
        1 "TCA_GACT_TM" => times: Times,
        /// Index and verdict.
        2 "TCA_GACT_PARMS" => parms: ActionParms,
        /// Another verdict for some of the packets.
        3 "TCA_GACT_PROB" => random: Random,
        4 "TCA_GACT_PAD" => pad,
    }
}

layout! {
    /// Another verdict for one packet in `every`.
    pub struct Random = "tc_gact_p" {
        /// How the packets are chosen.
        pub method: Method,
        /// One packet in this many, 1 to 65535; kernels take 0 for 1.
        pub every: u16,
        /// The verdict for them.
        pub control: Control,
    }
}

/// How packets are chosen for the other verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Method {
    /// None are.
    #[default]
    #[doc(alias = "PGACT_NONE")]
    None,
    /// At random.
    #[doc(alias = "PGACT_NETRAND")]
    Netrand,
    /// Every n-th packet.
    #[doc(alias = "PGACT_DETERM")]
    Determ,
    /// A value that the crate does not know.
    Other(u16),
}

impl Fixed for Method {
    const SIZE: usize = 2;
    fn store(&self, slots: &mut Slots<'_>) {
        let raw: u16 = match self {
            Method::None => 0,
            Method::Netrand => 1,
            Method::Determ => 2,
            Method::Other(raw) => *raw,
        };
        raw.store(slots);
    }
    fn load(r: &mut Reader<'_>) -> Self {
        match u16::load(r) {
            0 => Method::None,
            1 => Method::Netrand,
            2 => Method::Determ,
            other => Method::Other(other),
        }
    }
}

impl Display for Method {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Method::None => f.write_str("none"),
            Method::Netrand => f.write_str("netrand"),
            Method::Determ => f.write_str("determ"),
            Method::Other(raw) => write!(f, "{raw}"),
        }
    }
}

macro_rules! verdicts {
    ($($(#[$doc:meta])* $name:ident => $control:expr;)*) => { $(
        $(#[$doc])*
        pub fn $name() -> Self {
            Gact::control($control)
        }
    )* };
}

impl Gact {
    /// The action with this verdict.
    pub fn control(control: Control) -> Self {
        Gact::new().parms(ActionParms::new(control))
    }

    verdicts! {
        /// Drops the packet.
        drop => Control::Drop;
        /// Ends the classification and lets the packet go on. `tc` says `pass`, too.
        ok => Control::Ok;
        /// Hands the packet to the next action.
        pipe => Control::Pipe;
        /// Begins the classification again.
        reclassify => Control::Reclassify;
        /// Goes on with the next filter.
        continue_ => Control::Continue;
        /// Takes the packet away without counting it as dropped. `tc` has no word for it.
        stolen => Control::Stolen;
        /// As stolen; hardware hands the packet to the CPU.
        trap => Control::Trap;
    }

    /// Goes on with the filters of this chain (28 bits). Only in filters: an action by itself has no chain to leave.
    pub fn goto_chain(chain: u32) -> Self {
        Gact::control(Control::GotoChain(chain))
    }

    /// Skips this many of the actions behind it (28 bits).
    pub fn jump(count: u32) -> Self {
        Gact::control(Control::Jump(count))
    }

    /// Gives one packet in `every` (1 to 65535), chosen at random, another verdict.
    #[must_use]
    pub fn netrand(self, control: Control, every: u16) -> Self {
        self.random(Random { method: Method::Netrand, every, control })
    }

    /// Gives every `every`-th packet (1 to 65535) another verdict.
    #[must_use]
    pub fn determ(self, control: Control, every: u16) -> Self {
        self.random(Random { method: Method::Determ, every, control })
    }

    /// Shares the action with this index, or creates it.
    #[must_use]
    pub fn index(mut self, index: u32) -> Self {
        self.parms.get_or_insert_default().index = index;
        self
    }
}

impl Kind for Gact {
    const NAME: &'static str = "gact";

    has_parms!();

    /// `tcf_gact_init`
    fn settle(&mut self, _: &Setting) {
        self.unknown.clear();
        self.parms.iter_mut().for_each(ActionParms::settle);
        self.random = self.random.filter(|random| random.method != Method::None);
        self.random.iter_mut().for_each(|random| random.every = random.every.max(1));
    }

    fn check(&self) -> Result<(), EncodeError> {
        self.parms.map(drop).ok_or(EncodeError::Missing("the verdict of the action"))
    }

    fn show(&self, page: &mut Page) {
        page.field("kind", Self::NAME, "gact ");
        let parms = self.parms.unwrap_or_default();
        parms.control.show("action ", "", page);
        page.line();
        // It is shown whether there is another verdict or not.
        let random = self.random.unwrap_or_default();
        let method = match random.method {
            Method::Other(_) => Method::None.to_string(),
            known => known.to_string(),
        };
        page.object_in("prob", |page| {
            page.field("random_type", method.as_str(), format_args!("\t random type {method}"));
            random.control.show(" ", "", page);
            page.field("val", random.every, format_args!(" val {}", random.every));
        });
        page.line();
        page.text("\t ");
        parms.show_index(page);
        Times::show(self.times.as_ref(), page);
        page.line();
    }
}

impl Display for Gact {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let parms = self.parms.unwrap_or_default();
        write!(f, " {}", parms.control)?;
        if let Some(random) = self.random.filter(|random| random.method != Method::None) {
            write!(f, " random {} {} {}", random.method, random.control, random.every)?;
        }
        parms.say_index(f)
    }
}

/// `drop random netrand pass 10 index 5`, or only the index of one that is there.
impl Hear for Gact {
    fn hear(&mut self, words: &mut Words<'_>) -> Result<bool, WordError> {
        if self.parms.is_some() {
            return Ok(false);
        }
        let mut parms = ActionParms::default();
        if let Some(control) = Control::hear(words)? {
            parms.control = control;
            if words.take_if_short("random") {
                self.random = Some(Random::hear(words)?);
            }
            parms.hear_index(words)?;
        } else if !parms.hear_index(words)? {
            return Ok(false);
        }
        self.parms = Some(parms);
        Ok(true)
    }

    fn heard(&mut self, words: &Words<'_>) -> Result<(), WordError> {
        match self.parms {
            None => Err(words.error("a verdict such as drop, pass or goto chain 1")),
            Some(_) => Ok(()),
        }
    }
}

impl Random {
    fn hear(words: &mut Words<'_>) -> Result<Self, WordError> {
        let method = if words.take_if_short("netrand") {
            Method::Netrand
        } else if words.take_if_short("determ") {
            Method::Determ
        } else {
            return Err(words.error("a way to choose packets: netrand or determ"));
        };
        let control = Control::hear(words)?
            .ok_or_else(|| words.error("a verdict for the packets that are chosen, such as drop"))?;
        Ok(Random { method, control, every: words.number(10)? })
    }
}

#[cfg(any(test, feature = "generate"))]
impl crate::wire::generate::Generate for Method {
    fn generate(g: &mut crate::wire::generate::Source<'_>) -> Self {
        g.pick(&[Method::None, Method::Netrand, Method::Determ, Method::Other(7)])
    }
}

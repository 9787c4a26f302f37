mod list;
mod show;

pub use list::Qdiscs;

use super::attributes::{self, Noun, TcMsg, Tca};
use super::{Estimator, QdiscKind, SizeTable, Stats};
use crate::request::{Object, Spoken, Verb};
use crate::text::{Hear, Part, WordError, Words};
use crate::units::{quoted, Dev, Handle, Name};
use crate::wire::{DecodeError, EncodeError, Unknown, Value, Writer};
use std::fmt::{self, Formatter};

/// A queueing discipline on a device. `man 8 tc`, `net/sched/sch_api.c`
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[doc(alias = "RTM_NEWQDISC")]
pub struct Qdisc {
    /// The device.
    pub dev: Dev,
    /// Where it is attached: [`Handle::ROOT`], [`Handle::INGRESS`], a class.
    pub parent: Handle,
    /// Its own handle; [`Handle::UNSPEC`] lets the kernel choose (from 8000: on).
    pub handle: Handle,
    /// Kind and options. `None` only in requests that name the qdisc by its place.
    pub kind: Option<QdiscKind>,
    /// A rate estimator to go with it.
    #[doc(alias = "TCA_RATE")]
    pub estimator: Option<Estimator>,
    /// A table that says what packets cost on the link.
    #[doc(alias = "TCA_STAB")]
    pub stab: Option<SizeTable>,
    /// The shared filter block for arriving packets (ingress and clsact).
    #[doc(alias = "TCA_INGRESS_BLOCK")]
    pub ingress_block: Option<u32>,
    /// The shared filter block for departing packets (clsact).
    #[doc(alias = "TCA_EGRESS_BLOCK")]
    pub egress_block: Option<u32>,
    /// How many refer to it. Kernels report it.
    pub references: u32,
    /// Whether it works in hardware. Kernels report it.
    #[doc(alias = "TCA_HW_OFFLOAD")]
    pub offloaded: bool,
    /// Whether it is one that dumps leave out unless asked (TCA_DUMP_INVISIBLE). Kernels report it.
    #[doc(alias = "TCA_DUMP_INVISIBLE")]
    pub invisible: bool,
    /// Statistics. Kernels report them.
    pub stats: Option<Stats>,
    /// Attributes that the crate does not know: kept, and sent back unchanged.
    pub unknown: Unknown,
}

impl Qdisc {
    /// The qdisc at `parent` of a device.
    pub fn at(dev: impl Into<Dev>, parent: Handle) -> Self {
        Qdisc {
            dev: dev.into(),
            parent,
            handle: Handle::UNSPEC,
            kind: None,
            estimator: None,
            stab: None,
            ingress_block: None,
            egress_block: None,
            references: 0,
            offloaded: false,
            invisible: false,
            stats: None,
            unknown: Unknown::new(),
        }
    }

    /// The device's root qdisc, which all that is sent passes.
    pub fn root(dev: impl Into<Dev>) -> Self {
        Self::at(dev, Handle::ROOT)
    }

    /// The device's `ingress` or `clsact` qdisc; give the kind with [`kind`](Qdisc::kind).
    pub fn ingress(dev: impl Into<Dev>) -> Self {
        Self::at(dev, Handle::INGRESS).handle(Handle::new(0xffff, 0))
    }

    /// Sets the qdisc's own handle, such as `1:`.
    #[must_use]
    pub fn handle(mut self, handle: Handle) -> Self {
        self.handle = handle;
        self
    }

    /// Sets kind and options.
    #[must_use]
    pub fn kind(mut self, kind: impl Into<QdiscKind>) -> Self {
        self.kind = Some(kind.into());
        self
    }

    /// Asks for a rate estimator.
    #[must_use]
    pub fn estimator(mut self, estimator: Estimator) -> Self {
        self.estimator = Some(estimator);
        self
    }

    /// Sets what packets cost on the link.
    #[must_use]
    pub fn stab(mut self, stab: SizeTable) -> Self {
        self.stab = Some(stab);
        self
    }

    /// Takes the filters for arriving packets from the shared block with this index, which is not 0.
    #[must_use]
    pub fn ingress_block(mut self, block: u32) -> Self {
        self.ingress_block = Some(block);
        self
    }

    /// Takes the filters for departing packets from the shared block with this index, which is not 0.
    #[must_use]
    pub fn egress_block(mut self, block: u32) -> Self {
        self.egress_block = Some(block);
        self
    }

    /// Reads a message's body, with or without the statistics, into a qdisc that may have been another one before.
    fn fill(&mut self, body: &[u8], stats: bool) -> Result<(), DecodeError> {
        self.unknown.clear();
        let mut tca = Tca::default();
        let header = tca.find(body, &mut self.unknown)?;
        self.dev = Dev::index(header.ifindex);
        (self.parent, self.handle, self.references) = (header.parent, header.handle, header.info);
        match tca.get(attributes::TCA_KIND) {
            Some(name) => QdiscKind::read(name, tca.get(attributes::TCA_OPTIONS), &mut self.kind)?,
            None => self.kind = None,
        }
        tca.stats(Noun::Qdisc, stats, &mut self.stats)?;
        self.estimator = tca.value(attributes::TCA_RATE)?;
        self.stab = tca.value(attributes::TCA_STAB)?;
        self.ingress_block = tca.value(attributes::TCA_INGRESS_BLOCK)?;
        self.egress_block = tca.value(attributes::TCA_EGRESS_BLOCK)?;
        self.offloaded = tca.value(attributes::TCA_HW_OFFLOAD)?.is_some_and(|offloaded: u8| offloaded != 0);
        self.invisible = tca.get(attributes::TCA_DUMP_INVISIBLE).is_some();
        Ok(())
    }

    #[inline]
    fn blank() -> Self {
        Qdisc::at(0, Handle::UNSPEC)
    }
}

impl Object for Qdisc {
    const NOUN: &'static str = "qdisc";
    const NEW: u16 = 36;
    const HEADER: usize = <TcMsg as crate::wire::Fixed>::SIZE;

    fn flags(&self, verb: Verb) -> u16 {
        match verb {
            // Without it, a qdisc of another kind would not be replaced.
            Verb::Replace | Verb::Link => verb.flags(),
            _ => attributes::flags(verb),
        }
    }

    fn encode(&self, verb: Verb, w: &mut Writer) -> Result<(), EncodeError> {
        if matches!(verb, Verb::Add) && self.kind.is_none() {
            return Err(EncodeError::Missing("the kind of the qdisc"));
        }
        TcMsg { family: 0, ifindex: self.dev.index, handle: self.handle, parent: self.parent, info: 0 }
            .encode(w);
        if let Some(kind) = &self.kind {
            kind.encode_name(attributes::TCA_KIND, w);
            if !matches!(verb, Verb::Delete | Verb::Get) {
                kind.encode(attributes::TCA_OPTIONS, w);
            }
        }
        if !matches!(verb, Verb::Delete | Verb::Get) {
            self.estimator.iter().for_each(|estimator| w.attr(attributes::TCA_RATE, estimator));
            self.stab.iter().for_each(|stab| w.attr(attributes::TCA_STAB, stab));
            self.ingress_block.iter().for_each(|block| w.attr(attributes::TCA_INGRESS_BLOCK, block));
            self.egress_block.iter().for_each(|block| w.attr(attributes::TCA_EGRESS_BLOCK, block));
            self.unknown.encode(w);
        }
        Ok(())
    }

    fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let mut qdisc = Self::blank();
        qdisc.fill(body, true)?;
        Ok(qdisc)
    }

    fn attribute_at(body: &[u8], offset: usize) -> Option<&'static str> {
        attributes::attribute_at(body, offset, QdiscKind::name_at)
    }

    fn command(&self, verb: Verb, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "tc qdisc {verb} dev {}", self.dev)?;
        // tc has words of its own for the places of ingress and clsact, which imply the handle.
        let implied = self.parent == Handle::INGRESS;
        match self.parent {
            Handle::INGRESS | Handle::UNSPEC => (),
            Handle::ROOT => f.write_str(" root")?,
            parent => write!(f, " parent {parent}")?,
        }
        if self.handle != Handle::UNSPEC && !(implied && self.handle.major() == 0xffff) {
            write!(f, " handle {}", self.handle)?;
        }
        let brief = matches!(verb, Verb::Delete | Verb::Get);
        if !brief {
            self.ingress_block.iter().try_for_each(|block| write!(f, " ingress_block {block}"))?;
            self.egress_block.iter().try_for_each(|block| write!(f, " egress_block {block}"))?;
            self.estimator.iter().try_for_each(|estimator| write!(f, " {estimator}"))?;
            self.stab.iter().try_for_each(|stab| write!(f, " {stab}"))?;
        }
        match &self.kind {
            None if implied => f.write_str(" ingress"),
            None => Ok(()),
            Some(kind) if brief => write!(f, " {}", quoted(kind.name())),
            Some(kind) => write!(f, " {kind}"),
        }
    }
}

impl Spoken for Qdisc {
    fn hear(verb: Verb, words: &mut Words<'_>) -> Result<Self, WordError> {
        let (mut dev, mut handle, mut parent, mut stab) = (None, None, None, None);
        let mut qdisc = Qdisc::at(0, Handle::UNSPEC);
        while let Some(word) = words.peek() {
            if words.take_if("dev") {
                hear_dev(&mut dev, words)?;
            } else if words.take_if("handle") {
                match handle {
                    None => handle = Some(words.read("a qdisc's handle such as 1:", Handle::parse_qdisc)?),
                    Some(_) => return Err(words.said_twice()),
                }
            } else if words.take_if("root") || words.take_if("parent") {
                hear_parent(word, &mut parent, words)?;
            } else if matches!(word, "clsact" | "ingress") {
                if parent.is_some() {
                    return Err(words.error("right here: it has a place of its own, and parent says another"));
                }
                (parent, handle) = (Some(Handle::INGRESS), Some(Handle::qdisc(0xffff)));
                qdisc.kind = Some(hear_kind(verb, words, QdiscKind::named, QdiscKind::hear)?);
                break;
            } else if words.take_if_short("estimator") {
                hear_estimator(&mut qdisc.estimator, words)?;
            } else if words.take_if_short("stab") {
                let stab: &mut SizeTable = stab.get_or_insert_default();
                while stab.hear(words)? {}
                stab.heard(words)?;
            } else if words.take_if_short("ingress_block") {
                qdisc.ingress_block = Some(hear_block(words)?);
            } else if words.take_if_short("egress_block") {
                qdisc.egress_block = Some(hear_block(words)?);
            } else {
                qdisc.kind = Some(hear_kind(verb, words, QdiscKind::named, QdiscKind::hear)?);
                break;
            }
        }
        if verb == Verb::Add && qdisc.kind.is_none() {
            return Err(words.error("the kind of the qdisc"));
        }
        if !words.is_empty() {
            return Err(words.error("an option of this kind of qdisc").in_part(Part::Options));
        }
        let dev = dev.ok_or_else(|| words.error("dev and a device"))?;
        let (handle, parent) = (handle.unwrap_or_default(), parent.unwrap_or_default());
        Ok(Qdisc { dev, handle, parent, stab, ..qdisc })
    }
}

/// Reads the device behind `dev`.
pub(super) fn hear_dev(dev: &mut Option<Dev>, words: &mut Words<'_>) -> Result<(), WordError> {
    if dev.is_some() {
        return Err(words.said_twice());
    }
    *dev = Some(words.dev()?);
    Ok(())
}

/// Reads the place that `root` or `parent` says; the word has been taken.
pub(super) fn hear_parent(
    word: &str,
    parent: &mut Option<Handle>,
    words: &mut Words<'_>,
) -> Result<(), WordError> {
    if parent.is_some() {
        return Err(words.error_before("root and parent both say the place, and it can be said only once"));
    }
    *parent = Some(if word == "root" { Handle::ROOT } else { words.value()? });
    Ok(())
}

/// Reads the words behind `estimator`.
pub(super) fn hear_estimator(
    estimator: &mut Option<Estimator>,
    words: &mut Words<'_>,
) -> Result<(), WordError> {
    if estimator.is_some() {
        return Err(words.said_twice());
    }
    *estimator = Some(Estimator::hear(words)?);
    Ok(())
}

/// Reads the name of a kind and its options. What is deleted needs none, even where the kind cannot be without.
pub(super) fn hear_kind<K>(
    verb: Verb,
    words: &mut Words<'_>,
    named: impl FnOnce(Name) -> K,
    hear: impl FnOnce(Name, &mut Words<'_>) -> Result<K, WordError>,
) -> Result<K, WordError> {
    let name = words.value()?;
    match verb {
        Verb::Delete | Verb::Get if words.is_empty() => Ok(named(name)),
        _ => hear(name, words).map_err(|error| error.in_part(Part::Options)),
    }
}

/// Reads the index of a block, which is not 0.
fn hear_block(words: &mut Words<'_>) -> Result<u32, WordError> {
    match words.value()? {
        0 => Err(words.error_before("the numbers of blocks begin at 1")),
        block => Ok(block),
    }
}

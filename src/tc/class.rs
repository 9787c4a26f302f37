mod list;
mod show;

pub use list::Classes;

use super::attributes::{self, Noun, TcMsg, Tca};
use super::qdisc::{hear_dev, hear_estimator, hear_kind, hear_parent};
use super::{ClassKind, Estimator, Stats};
use crate::request::{Object, Spoken, Verb};
use crate::text::{Part, WordError, Words};
use crate::units::{Dev, Handle};
use crate::wire::{DecodeError, EncodeError, Unknown, Value, Writer};
use std::fmt::{self, Formatter};

/// A class of a classful qdisc. `man 8 tc`, `net/sched/sch_api.c`
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[doc(alias = "RTM_NEWTCLASS")]
pub struct Class {
    /// The device.
    pub dev: Dev,
    /// The qdisc (`1:`) or class (`1:1`) it stands under; [`Handle::ROOT`] in dumps of classes right under a qdisc.
    ///
    /// Beware: HTB takes a parent that does not exist for the root.
    pub parent: Handle,
    /// The class's own handle, such as `1:10`; its major number is the qdisc's.
    pub id: Handle,
    /// Kind and options. `None` only in requests that name the class by its handle.
    pub kind: Option<ClassKind>,
    /// The qdisc below it, if the class is a leaf. Kernels report it.
    pub leaf: Option<Handle>,
    /// A rate estimator to go with it.
    #[doc(alias = "TCA_RATE")]
    pub estimator: Option<Estimator>,
    /// Statistics. Kernels report them.
    pub stats: Option<Stats>,
    /// Attributes that the crate does not know: kept, and sent back unchanged.
    pub unknown: Unknown,
}

impl Class {
    /// A class below `parent` of a device, which is a qdisc (`1:`) or a class (`1:1`).
    #[inline]
    pub fn under(dev: impl Into<Dev>, parent: Handle) -> Self {
        Class {
            dev: dev.into(),
            parent,
            id: Handle::UNSPEC,
            kind: None,
            leaf: None,
            estimator: None,
            stats: None,
            unknown: Unknown::new(),
        }
    }

    /// The class with this handle, to be changed or deleted wherever it stands.
    #[inline]
    pub fn with_id(dev: impl Into<Dev>, id: Handle) -> Self {
        Self::under(dev, Handle::UNSPEC).id(id)
    }

    /// Sets the class's own handle.
    #[must_use]
    #[inline]
    pub fn id(mut self, id: Handle) -> Self {
        self.id = id;
        self
    }

    /// Sets kind and options.
    #[must_use]
    #[inline]
    pub fn kind(mut self, kind: impl Into<ClassKind>) -> Self {
        self.kind = Some(kind.into());
        self
    }

    /// Asks for a rate estimator.
    #[must_use]
    pub fn estimator(mut self, estimator: Estimator) -> Self {
        self.estimator = Some(estimator);
        self
    }

    /// Reads a message's body, with or without the statistics, into a class that may have been another one before.
    fn fill(&mut self, body: &[u8], stats: bool) -> Result<(), DecodeError> {
        self.unknown.clear();
        let mut tca = Tca::default();
        let header = tca.find(body, &mut self.unknown)?;
        self.dev = Dev::index(header.ifindex);
        (self.parent, self.id) = (header.parent, header.handle);
        self.leaf = (header.info != 0).then(|| Handle::from_raw(header.info));
        match tca.get(attributes::TCA_KIND) {
            Some(name) => ClassKind::read(name, tca.get(attributes::TCA_OPTIONS), &mut self.kind)?,
            None => self.kind = None,
        }
        self.estimator = tca.value(attributes::TCA_RATE)?;
        tca.stats(Noun::Class, stats, &mut self.stats)
    }

    #[inline]
    fn blank() -> Self {
        Class::under(0, Handle::UNSPEC)
    }
}

impl Object for Class {
    const NOUN: &'static str = "class";
    const NEW: u16 = 40;
    const HEADER: usize = <TcMsg as crate::wire::Fixed>::SIZE;

    fn flags(&self, verb: Verb) -> u16 {
        attributes::flags(verb)
    }

    fn encode(&self, verb: Verb, w: &mut Writer) -> Result<(), EncodeError> {
        let brief = matches!(verb, Verb::Delete | Verb::Get);
        if !brief && self.kind.is_none() {
            return Err(EncodeError::Missing("the kind of the class"));
        }
        TcMsg { family: 0, ifindex: self.dev.index, handle: self.id, parent: self.parent, info: 0 }.encode(w);
        if let Some(kind) = self.kind.as_ref().filter(|_| !brief) {
            kind.encode_name(attributes::TCA_KIND, w);
            kind.encode(attributes::TCA_OPTIONS, w);
            self.estimator.iter().for_each(|estimator| w.attr(attributes::TCA_RATE, estimator));
            self.unknown.encode(w);
        }
        Ok(())
    }

    #[inline]
    fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let mut class = Self::blank();
        class.fill(body, true)?;
        Ok(class)
    }

    fn attribute_at(body: &[u8], offset: usize) -> Option<&'static str> {
        attributes::attribute_at(body, offset, ClassKind::name_at)
    }

    fn command(&self, verb: Verb, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "tc class {verb} dev {}", self.dev)?;
        match self.parent {
            Handle::UNSPEC => (),
            Handle::ROOT => f.write_str(" root")?,
            parent => write!(f, " parent {parent}")?,
        }
        if self.id != Handle::UNSPEC {
            write!(f, " classid {}", self.id)?;
        }
        if matches!(verb, Verb::Delete | Verb::Get) {
            return Ok(());
        }
        self.estimator.iter().try_for_each(|estimator| write!(f, " {estimator}"))?;
        self.kind.iter().try_for_each(|kind| write!(f, " {kind}"))
    }
}

impl Spoken for Class {
    fn hear(verb: Verb, words: &mut Words<'_>) -> Result<Self, WordError> {
        let (mut dev, mut id, mut parent) = (None, None, None);
        let mut class = Class::under(0, Handle::UNSPEC);
        while let Some(word) = words.peek() {
            if words.take_if("dev") {
                hear_dev(&mut dev, words)?;
            } else if words.take_if("classid") {
                words.once(&mut id)?;
            } else if word == "handle" {
                return Err(words.error("what names a class: expected classid"));
            } else if words.take_if("root") || words.take_if("parent") {
                hear_parent(word, &mut parent, words)?;
            } else if words.take_if_short("estimator") {
                hear_estimator(&mut class.estimator, words)?;
            } else {
                class.kind = Some(hear_kind(verb, words, ClassKind::named, ClassKind::hear)?);
                break;
            }
        }
        if !matches!(verb, Verb::Delete | Verb::Get) && class.kind.is_none() {
            return Err(words.error("the kind of the class"));
        }
        if !words.is_empty() {
            return Err(words.error("an option of this kind of class").in_part(Part::Options));
        }
        let dev = dev.ok_or_else(|| words.error("dev and a device"))?;
        let (id, parent) = (id.unwrap_or_default(), parent.unwrap_or_default());
        Ok(Class { dev, id, parent, ..class })
    }
}

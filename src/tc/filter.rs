use super::attributes::{self, Noun, TcMsg, Tca};
use super::{Estimator, FilterKind, Place, Protocol, Stats};
use crate::error::Result;
use crate::request::{object_in, Object, Query, Verb};
use crate::units::{quoted, Dev, Handle};
use crate::wire::{DecodeError, EncodeError, Unknown, Value, Writer};
use std::fmt::{self, Formatter};

mod listed;
mod show;
mod words;

pub(crate) use listed::{by_row, Row, Rows};
pub(super) use words::{expect_end, Head};

const NLM_F_CREATE: u16 = 0x400;

/// A filter: it says which packets belong to which class, or what is done with them. `man 8 tc`, `net/sched/cls_api.c`
///
/// Dumps contain one more filter for each prio: the classifier itself, with handle 0 and without options.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[doc(alias = "RTM_NEWTFILTER")]
pub struct Filter {
    /// Where it stands.
    pub place: Place,
    /// Filters with a lower prio come first. 0 in a new filter lets the kernel choose: 49152, then downwards, so that newer
    /// filters come first.
    pub prio: u16,
    /// The packets it sees. A new filter without one sees them all. All filters of one prio have the same.
    pub protocol: Option<Protocol>,
    /// Its handle, which means something else for every kind; 0 lets the kernel choose.
    pub handle: u32,
    /// The chain it stands in; 0 (the one that packets enter) if not given.
    #[doc(alias = "TCA_CHAIN")]
    pub chain: Option<u32>,
    /// Kind and options. `None` only in requests that name filters by their place, prio or chain.
    pub kind: Option<FilterKind>,
    /// A rate estimator to go with it.
    #[doc(alias = "TCA_RATE")]
    pub estimator: Option<Estimator>,
    /// Statistics of its actions. Kernels report them.
    pub stats: Option<Box<Stats>>,
    /// Attributes that the crate does not know: kept, and sent back unchanged.
    pub unknown: Unknown,
}

impl Filter {
    /// A filter at `place`.
    #[inline]
    pub fn at(place: Place) -> Self {
        Filter {
            place,
            prio: 0,
            protocol: None,
            handle: 0,
            chain: None,
            kind: None,
            estimator: None,
            stats: None,
            unknown: Unknown::new(),
        }
    }

    /// A filter at a qdisc (`1:`) or class (`1:1`) of a device; [`Handle::UNSPEC`] is the root qdisc.
    #[inline]
    pub fn on(dev: impl Into<Dev>, parent: Handle) -> Self {
        Self::at(Place::on(dev, parent))
    }

    /// A filter for what arrives at a device that has an `ingress` or `clsact` qdisc.
    pub fn ingress(dev: impl Into<Dev>) -> Self {
        Self::on(dev, Handle::MIN_INGRESS)
    }

    /// A filter for what leaves a device that has a `clsact` qdisc.
    pub fn egress(dev: impl Into<Dev>) -> Self {
        Self::on(dev, Handle::MIN_EGRESS)
    }

    /// A filter in the shared block with this index.
    pub fn on_block(block: u32) -> Self {
        Self::at(Place::Block(block))
    }

    /// Sets its rank: filters with a lower prio come first.
    #[must_use]
    #[inline]
    pub fn prio(mut self, prio: u16) -> Self {
        self.prio = prio;
        self
    }

    /// Sets which packets it sees.
    #[must_use]
    #[inline]
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = Some(protocol);
        self
    }

    /// Sets the chain it stands in, 0 to 2^28 - 1.
    #[must_use]
    pub fn chain(mut self, chain: u32) -> Self {
        self.chain = Some(chain);
        self
    }

    /// Sets its handle: a number, or a [`U32Handle`](super::u32::U32Handle).
    #[must_use]
    #[inline]
    pub fn handle(mut self, handle: impl Into<u32>) -> Self {
        self.handle = handle.into();
        if let Some(kind) = &mut self.kind {
            kind.set_handle(self.handle);
        }
        self
    }

    /// Sets kind and options, and with them the handle where it belongs to them: fw's is the mark.
    #[must_use]
    #[inline]
    pub fn kind(mut self, kind: impl Into<FilterKind>) -> Self {
        let kind = kind.into();
        self.handle = kind.handle().unwrap_or(self.handle);
        self.kind = Some(kind);
        self
    }

    /// Asks for a rate estimator.
    #[must_use]
    pub fn estimator(mut self, estimator: Estimator) -> Self {
        self.estimator = Some(estimator);
        self
    }

    /// All filters at the root qdisc of a device; [`parent`](Filters::parent) and the other setters say which else.
    pub fn of(dev: impl Into<Dev>) -> Filters {
        Filters::at(Place::on(dev, Handle::UNSPEC))
    }

    /// All filters in a shared block.
    pub fn of_block(block: u32) -> Filters {
        Filters::at(Place::Block(block))
    }
}

impl Filter {
    #[inline]
    fn blank() -> Self {
        Filter::at(Place::Block(0))
    }

    /// Reads a message's body into a filter that may have been another one before.
    #[inline(always)]
    fn fill(&mut self, body: &[u8]) -> Result<(), DecodeError> {
        self.unknown.clear();
        let mut tca = Tca::default();
        let header = tca.find(body, &mut self.unknown)?;
        self.place = Place::from_header(header.ifindex, header.parent);
        let ethertype = u16::from_be(header.info as u16);
        self.protocol = (ethertype != 0).then(|| Protocol::from_ethertype(ethertype));
        self.prio = (header.info >> 16) as u16;
        self.handle = header.handle.raw();
        match tca.get(attributes::TCA_KIND) {
            Some(name) => FilterKind::read(name, tca.get(attributes::TCA_OPTIONS), &mut self.kind)?,
            None => self.kind = None,
        }
        if let Some(kind) = self.kind.as_mut().filter(|_| self.handle != 0) {
            kind.set_handle(self.handle);
        }
        self.chain = tca.value(attributes::TCA_CHAIN)?;
        self.estimator = tca.value(attributes::TCA_RATE)?;
        self.fill_stats(&tca)
    }
}

impl Filter {
    /// Hardly any filter has statistics.
    #[inline(always)]
    fn fill_stats(&mut self, tca: &Tca<'_>) -> Result<(), DecodeError> {
        #[inline(never)]
        fn fill(tca: &Tca<'_>, place: &mut Option<Box<Stats>>) -> Result<(), DecodeError> {
            let mut stats = None;
            tca.stats(Noun::Filter, true, &mut stats)?;
            *place = stats.map(Box::new);
            Ok(())
        }
        match tca.get(attributes::TCA_STATS2).or(tca.get(attributes::TCA_STATS)) {
            None if self.stats.is_none() => Ok(()),
            _ => fill(tca, &mut self.stats),
        }
    }
}

/// Prio and protocol as `tcm_info` holds them: the protocol in network byte order.
fn info(prio: u16, protocol: Option<Protocol>) -> u32 {
    u32::from(prio) << 16 | u32::from(protocol.map_or(0, Protocol::ethertype).to_be())
}

impl Object for Filter {
    const NOUN: &'static str = "filter";
    const NEW: u16 = 44;
    const HEADER: usize = <TcMsg as crate::wire::Fixed>::SIZE;

    /// As `tc` sends them; the kernel tells replacing from changing by NLM_F_CREATE alone.
    fn flags(&self, verb: Verb) -> u16 {
        match verb {
            Verb::Replace => NLM_F_CREATE,
            Verb::Change => 0,
            _ => verb.flags(),
        }
    }

    fn encode(&self, verb: Verb, w: &mut Writer) -> Result<(), EncodeError> {
        let brief = matches!(verb, Verb::Delete | Verb::Get);
        if !brief && self.kind.is_none() {
            return Err(EncodeError::Missing("the kind of the filter"));
        }
        let (ifindex, parent) = self.place.header();
        // Without a protocol a new filter would match nothing.
        let creates = self.flags(verb) & NLM_F_CREATE != 0;
        let protocol = self.protocol.or(creates.then_some(Protocol::All));
        let handle = Handle::from_raw(self.handle);
        TcMsg { family: 0, ifindex, handle, parent, info: info(self.prio, protocol) }.encode(w);
        self.chain.iter().for_each(|chain| w.attr(attributes::TCA_CHAIN, chain));
        if let Some(kind) = &self.kind {
            kind.encode_name(attributes::TCA_KIND, w);
            if !brief {
                kind.encode(attributes::TCA_OPTIONS, w);
            }
        }
        if !brief {
            self.estimator.iter().for_each(|estimator| w.attr(attributes::TCA_RATE, estimator));
            self.unknown.encode(w);
        }
        Ok(())
    }

    #[inline]
    fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let mut filter = Self::blank();
        filter.fill(body)?;
        Ok(filter)
    }

    fn attribute_at(body: &[u8], offset: usize) -> Option<&'static str> {
        attributes::attribute_at(body, offset, FilterKind::name_at)
    }

    fn command(&self, verb: Verb, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "tc filter {verb} {}", self.place)?;
        self.protocol.iter().try_for_each(|protocol| write!(f, " protocol {protocol}"))?;
        if self.prio != 0 {
            write!(f, " prio {}", self.prio)?;
        }
        self.chain.iter().try_for_each(|chain| write!(f, " chain {chain}"))?;
        // Without a handle there is nothing to get, so one of 0 is said then.
        if self.handle != 0 || verb == Verb::Get {
            f.write_str(" handle ")?;
            match &self.kind {
                Some(kind) => kind.say_handle(self.handle, f)?,
                None => write!(f, "{:#x}", self.handle)?,
            }
        }
        let brief = matches!(verb, Verb::Delete | Verb::Get);
        if let Some(estimator) = self.estimator.filter(|_| !brief) {
            write!(f, " {estimator}")?;
        }
        match &self.kind {
            None => Ok(()),
            Some(kind) if brief => write!(f, " {}", quoted(kind.name())),
            Some(kind) => write!(f, " {kind}"),
        }
    }
}

/// Which filters to list. The kernel does all the choosing.
#[derive(Clone, Copy, Debug)]
pub struct Filters {
    place: Place,
    prio: u16,
    protocol: Option<Protocol>,
    chain: Option<u32>,
}

impl Filters {
    /// All filters at `place`.
    pub fn at(place: Place) -> Self {
        Filters { place, prio: 0, protocol: None, chain: None }
    }

    /// Those at this qdisc or class of the device. A block has no parent: nothing changes there.
    #[must_use]
    pub fn parent(mut self, parent: Handle) -> Self {
        if let Place::Dev { parent: place, .. } = &mut self.place {
            *place = parent;
        }
        self
    }

    /// Those for what arrives at the device.
    #[must_use]
    pub fn ingress(self) -> Self {
        self.parent(Handle::MIN_INGRESS)
    }

    /// Those for what leaves the device.
    #[must_use]
    pub fn egress(self) -> Self {
        self.parent(Handle::MIN_EGRESS)
    }

    /// Only those of this prio.
    #[must_use]
    pub fn prio(mut self, prio: u16) -> Self {
        self.prio = prio;
        self
    }

    /// Only those for this protocol.
    #[must_use]
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = Some(protocol);
        self
    }

    /// Only those of this chain.
    #[must_use]
    pub fn chain(mut self, chain: u32) -> Self {
        self.chain = Some(chain);
        self
    }
}

impl Query for Filters {
    type Object = Filter;

    fn encode(&self, w: &mut Writer) -> Result<(), EncodeError> {
        let (ifindex, parent) = self.place.header();
        TcMsg { ifindex, parent, info: info(self.prio, self.protocol), ..TcMsg::default() }.encode(w);
        self.chain.iter().for_each(|chain| w.attr(attributes::TCA_CHAIN, chain));
        Ok(())
    }

    #[inline]
    fn read(&self, body: &[u8], place: &mut Option<Result<Filter>>) -> Result<(), DecodeError> {
        object_in(place, Filter::blank).map_or(Ok(()), |filter| filter.fill(body))
    }

    #[inline]
    fn take(&self, filter: &mut Filter) -> bool {
        filter.place.complete(self.place);
        true
    }

    fn command(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("tc filter show")?;
        self.place.ask(f)?;
        self.protocol.iter().try_for_each(|protocol| write!(f, " protocol {protocol}"))?;
        if self.prio != 0 {
            write!(f, " prio {}", self.prio)?;
        }
        self.chain.iter().try_for_each(|chain| write!(f, " chain {chain}"))
    }
}

#[cfg(test)]
mod tests;

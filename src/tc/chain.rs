use super::attributes::{self, TcMsg, Tca};
use super::filter::{expect_end, Head};
use super::{FilterKind, Place};
use crate::request::{Asked, Object, Query, Spoken, Verb};
use crate::text::{Page, WordError, Words};
use crate::units::{Dev, Handle, Name};
use crate::wire::{DecodeError, EncodeError, Unknown, Value, Writer};
use std::fmt::{self, Formatter};

/// A chain of filters that packets reach by an action `goto chain`. `man 8 tc`, `net/sched/cls_api.c`
///
/// Filters make their chain when they are added. A chain made beforehand stays when its last filter goes, and can have a
/// template that says what its filters may match.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[doc(alias = "RTM_NEWCHAIN")]
pub struct Chain {
    /// Where it stands.
    pub place: Place,
    /// Its number, 0 to 2^28 - 1. Packets enter at chain 0.
    #[doc(alias = "TCA_CHAIN")]
    pub index: u32,
    /// The kind of its filters, and what they may match (flower only).
    pub template: Option<FilterKind>,
    /// Attributes that the crate does not know: kept, and sent back unchanged.
    pub unknown: Unknown,
}

impl Chain {
    /// Chain `index` at `place`.
    pub fn at(place: Place, index: u32) -> Self {
        Chain { place, index, template: None, unknown: Unknown::new() }
    }

    /// Chain `index` at a qdisc or class of a device.
    pub fn on(dev: impl Into<Dev>, parent: Handle, index: u32) -> Self {
        Self::at(Place::on(dev, parent), index)
    }

    /// Chain `index` for what arrives at a device.
    pub fn ingress(dev: impl Into<Dev>, index: u32) -> Self {
        Self::on(dev, Handle::MIN_INGRESS, index)
    }

    /// Chain `index` for what leaves a device.
    pub fn egress(dev: impl Into<Dev>, index: u32) -> Self {
        Self::on(dev, Handle::MIN_EGRESS, index)
    }

    /// Chain `index` in a shared block.
    pub fn on_block(block: u32, index: u32) -> Self {
        Self::at(Place::Block(block), index)
    }

    /// Sets what its filters may match.
    #[must_use]
    pub fn template(mut self, template: impl Into<FilterKind>) -> Self {
        self.template = Some(template.into());
        self
    }

    /// All chains at `place`.
    pub fn of(place: Place) -> Chains {
        Chains { place, index: None }
    }
}

impl Object for Chain {
    const NOUN: &'static str = "chain";
    const NEW: u16 = 100;
    const HEADER: usize = <TcMsg as crate::wire::Fixed>::SIZE;

    fn encode(&self, verb: Verb, w: &mut Writer) -> Result<(), EncodeError> {
        let (ifindex, parent) = self.place.header();
        TcMsg { ifindex, parent, ..TcMsg::default() }.encode(w);
        w.attr(attributes::TCA_CHAIN, &self.index);
        if !matches!(verb, Verb::Delete | Verb::Get) {
            if let Some(template) = &self.template {
                template.encode_name(attributes::TCA_KIND, w);
                template.encode(attributes::TCA_OPTIONS, w);
            }
            self.unknown.encode(w);
        }
        Ok(())
    }

    fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let mut tca = Tca::default();
        let mut unknown = Unknown::new();
        let header = tca.find(body, &mut unknown)?;
        let place = Place::from_header(header.ifindex, header.parent);
        let mut chain = Chain::at(place, tca.value(attributes::TCA_CHAIN)?.unwrap_or_default());
        if let Some(name) = tca.get(attributes::TCA_KIND) {
            FilterKind::read(name, tca.get(attributes::TCA_OPTIONS), &mut chain.template)?;
        }
        chain.unknown = unknown;
        Ok(chain)
    }

    fn attribute_at(body: &[u8], offset: usize) -> Option<&'static str> {
        attributes::attribute_at(body, offset, FilterKind::name_at)
    }

    fn command(&self, verb: Verb, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "tc chain {verb} {} chain {}", self.place, self.index)?;
        match &self.template {
            Some(template) if !matches!(verb, Verb::Delete | Verb::Get) => write!(f, " {template}"),
            _ => Ok(()),
        }
    }
}

/// Prio and protocol are read and mean nothing, as in `tc`.
impl Spoken for Chain {
    fn hear(_verb: Verb, words: &mut Words<'_>) -> Result<Self, WordError> {
        let head = Head::hear(words)?;
        let mut chain = Chain::at(head.place(words)?, head.chain.unwrap_or_default());
        if head.handle.is_some() || head.estimator.is_some() {
            return Err(words.error_before("a chain has neither a handle nor an estimator"));
        }
        if !words.is_empty() {
            let kind: Name = words.value()?;
            let template = FilterKind::hear(kind, words)?;
            expect_end(&template, words)?;
            chain.template = Some(template);
        }
        Ok(chain)
    }
}

/// Which chains to list.
#[derive(Clone, Copy, Debug)]
pub struct Chains {
    place: Place,
    index: Option<u32>,
}

impl Chains {
    /// Only the one with this number.
    #[must_use]
    pub fn index(mut self, index: u32) -> Self {
        self.index = Some(index);
        self
    }
}

/// Prio and protocol are read and mean nothing, as in `tc`.
impl Asked for Chains {
    fn hear(words: &mut Words<'_>) -> Result<Self, WordError> {
        let (head, place) = Head::ask(words)?;
        Ok(Chains { place, index: head.chain })
    }

    /// The kernel calls a chain's parent by the qdisc's own handle, whatever it was asked with: `ingress`, or a class.
    fn said(&self, page: &mut Page) {
        let place = match self.place {
            Place::Dev { dev, parent } if parent.minor() != 0 => Place::Dev { dev, parent: Handle::UNSPEC },
            place => place,
        };
        place.said(page);
        self.index.iter().for_each(|_| page.say("chain"));
    }
}

impl Query for Chains {
    type Object = Chain;

    fn encode(&self, w: &mut Writer) -> Result<(), EncodeError> {
        let (ifindex, parent) = self.place.header();
        TcMsg { ifindex, parent, ..TcMsg::default() }.encode(w);
        self.index.iter().for_each(|index| w.attr(attributes::TCA_CHAIN, index));
        Ok(())
    }

    fn take(&self, chain: &mut Chain) -> bool {
        match self.place {
            // The kernel reports the qdisc, which for clsact leaves open on which of its sides it is.
            Place::Dev { parent, .. } if parent != Handle::UNSPEC => chain.place = self.place,
            place => chain.place.complete(place),
        }
        true
    }

    fn command(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("tc chain show")?;
        self.place.ask(f)?;
        self.index.iter().try_for_each(|index| write!(f, " chain {index}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Request;

    fn body(chain: &Chain, verb: Verb) -> Vec<u8> {
        let mut w = Writer::default();
        chain.encode(verb, &mut w).unwrap();
        w.bytes().to_vec()
    }

    /// Recorded from iproute2 6.1: `tc chain add dev v0 ingress chain 5`, and `del` the same.
    #[test]
    fn a_chain_is_sent_as_tc_sends_it() {
        let recorded = [
            &[0u8; 4][..],
            &10u32.to_ne_bytes(),
            &[0; 4],
            &0xffff_fff2u32.to_ne_bytes(),
            &[0; 4],
            &8u16.to_ne_bytes(),
            &11u16.to_ne_bytes(),
            &5u32.to_ne_bytes(),
        ]
        .concat();
        let chain = Chain::ingress(10, 5);
        assert_eq!(body(&chain, Verb::Add), recorded);
        assert_eq!(body(&chain, Verb::Delete), recorded);
        assert_eq!(chain.flags(Verb::Add), 0x600);
        assert_eq!(Chain::decode(&recorded), Ok(chain.clone()));
        assert_eq!(Request::new(Verb::Add, &chain).to_string(), "tc chain add dev if10 ingress chain 5");
        let mut w = Writer::default();
        Chain::of(chain.place).index(5).encode(&mut w).unwrap();
        assert_eq!(w.bytes(), recorded);
    }

    #[test]
    fn a_template_goes_with_the_chain_only_when_it_is_made() {
        let flower = crate::units::Name::new("flower").unwrap();
        let chain = Chain::on_block(22, 3).template(FilterKind::named(flower));
        assert_eq!(Chain::decode(&body(&chain, Verb::Add)), Ok(chain.clone()));
        assert_eq!(Chain::decode(&body(&chain, Verb::Delete)), Ok(Chain::on_block(22, 3)));
        assert_eq!(Request::new(Verb::Add, &chain).to_string(), "tc chain add block 22 chain 3 flower");
        assert_eq!(Request::new(Verb::Delete, &chain).to_string(), "tc chain del block 22 chain 3");
    }
}

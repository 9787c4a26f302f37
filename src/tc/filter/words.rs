//! The words of `tc filter` and `tc chain`.

use super::{Filter, Filters};
use crate::request::{Asked, Spoken, Verb};
use crate::tc::{Estimator, FilterKind, Place, Protocol};
use crate::text::{Page, Part, WordError, Words};
use crate::units::{Dev, Handle, Name};

/// What stands in front of the kind, each at most once and in any order.
#[derive(Default)]
pub(in crate::tc) struct Head<'a> {
    dev: Option<Dev>,
    parent: Option<Handle>,
    block: Option<u32>,
    prio: Option<u16>,
    protocol: Option<Protocol>,
    pub(in crate::tc) chain: Option<u32>,
    pub(in crate::tc) estimator: Option<Estimator>,
    /// At the word behind `handle`: only the kind can read it.
    pub(in crate::tc) handle: Option<Words<'a>>,
}

impl<'a> Head<'a> {
    /// Reads up to the kind or the end of the command.
    pub(in crate::tc) fn hear(words: &mut Words<'a>) -> Result<Self, WordError> {
        let mut head = Head::default();
        while head.option(words)? {}
        Ok(head)
    }

    fn option(&mut self, words: &mut Words<'a>) -> Result<bool, WordError> {
        let first = *words;
        // What was said before, if it is said twice.
        let twice = if words.take_if("dev") {
            self.dev.replace(words.dev()?).is_some()
        } else if words.take_if("block") {
            self.block.replace(words.value()?).is_some()
        } else if words.take_if("root") {
            self.parent.replace(Handle::ROOT).is_some()
        } else if words.take_if("ingress") {
            self.parent.replace(Handle::MIN_INGRESS).is_some()
        } else if words.take_if("egress") {
            self.parent.replace(Handle::MIN_EGRESS).is_some()
        } else if words.take_if("parent") {
            self.parent.replace(words.value()?).is_some()
        } else if words.take_if("handle") {
            let word = *words;
            words.take("the handle of a filter")?;
            self.handle.replace(word).is_some()
        } else if words.take_if_short("preference") || words.take_if_short("priority") {
            self.prio.replace(words.value()?).is_some()
        } else if words.take_if_short("protocol") {
            self.protocol.replace(words.read("a protocol such as ip or ipv6", str::parse)?).is_some()
        } else if words.take_if_short("chain") {
            self.chain.replace(words.value()?).is_some()
        } else if words.take_if_short("estimator") {
            self.estimator.replace(Estimator::hear(words)?).is_some()
        } else {
            return Ok(false);
        };
        match twice {
            true => Err(first.error("expected here: it was said before, and can be said only once")),
            false => Ok(true),
        }
    }

    /// Reads the words of a question: all of them. What names no device asks for nothing, as in `tc`, which looks at the word
    /// behind `handle` as little as the kernel.
    pub(in crate::tc) fn ask(words: &mut Words<'a>) -> Result<(Self, Place), WordError> {
        let head = Head::hear(words)?;
        if !words.is_empty() {
            return Err(
                words.error("one of dev, parent, root, ingress, egress, block, protocol, prio and chain")
            );
        }
        if head.estimator.is_some() {
            return Err(words.error_before("what is asked for has no estimator"));
        }
        let place = match (head.dev, head.block) {
            (None, None) => Place::on(Dev::default(), head.parent.unwrap_or(Handle::UNSPEC)),
            _ => head.place(words)?,
        };
        Ok((head, place))
    }

    /// Where it stands. `words` is where the head ended.
    pub(in crate::tc) fn place(&self, words: &Words<'_>) -> Result<Place, WordError> {
        match (self.dev, self.block) {
            (Some(dev), None) => Ok(Place::on(dev, self.parent.unwrap_or(Handle::UNSPEC))),
            (None, Some(0)) => Err(words.error_before("blocks are numbered from 1")),
            (None, Some(block)) if self.parent.is_none() => Ok(Place::Block(block)),
            (None, None) => Err(words.error_before("expected where it stands: dev or block")),
            _ => Err(words.error_before("a block stands at no device and no parent")),
        }
    }
}

impl Asked for Filters {
    fn hear(words: &mut Words<'_>) -> Result<Self, WordError> {
        let (head, place) = Head::ask(words)?;
        let prio = head.prio.unwrap_or_default();
        Ok(Filters { place, prio, protocol: head.protocol, chain: head.chain })
    }

    fn said(&self, page: &mut Page) {
        self.place.said(page);
        let rest = [
            ("pref", self.prio != 0),
            ("protocol", self.protocol.is_some()),
            ("chain", self.chain.is_some()),
        ];
        rest.into_iter().filter(|(_, said)| *said).for_each(|(what, _)| page.say(what));
    }
}

impl Spoken for Filter {
    fn hear(verb: Verb, words: &mut Words<'_>) -> Result<Self, WordError> {
        let head = Head::hear(words)?;
        let mut filter = Filter::at(head.place(words)?);
        if verb == Verb::Get {
            head.complete(words)?;
        }
        filter.prio = head.prio.unwrap_or_default();
        filter.protocol = head.protocol;
        filter.chain = head.chain;
        filter.estimator = head.estimator;
        // A request to delete may name all filters of a place, a prio or a chain. Without a kind the kernel refuses others.
        if words.is_empty() && verb != Verb::Get && head.handle.is_none() {
            return Ok(filter);
        }
        if words.is_empty() {
            return Err(words.error("the kind of the filter, such as u32 or fw"));
        }
        let kind: Name = words.value()?;
        let (kind, handle) = FilterKind::hear_filter(kind, head.handle, words)
            .map_err(|error| error.in_part(Part::Options))?;
        expect_end(&kind, words)?;
        filter.kind = Some(kind);
        filter.handle = handle;
        Ok(filter)
    }
}

impl Head<'_> {
    /// Refuses what does not name one filter.
    fn complete(&self, words: &Words<'_>) -> Result<(), WordError> {
        let missing = match self {
            Head { protocol: None, .. } => "its protocol",
            Head { prio: None | Some(0), .. } => "its prio",
            Head { block: None, parent: None | Some(Handle::UNSPEC), .. } => "its parent",
            Head { handle: None, .. } => "its handle",
            _ => return Ok(()),
        };
        Err(words.error(&format!("{missing}, without which no filter can be found")))
    }
}

/// Refuses what the kind did not understand.
pub(in crate::tc) fn expect_end(kind: &FilterKind, words: &Words<'_>) -> Result<(), WordError> {
    match words.is_empty() {
        true => Ok(()),
        false => Err(words.error(&format!("an option of {}", kind.name())).in_part(Part::Options)),
    }
}

#[cfg(test)]
mod tests;

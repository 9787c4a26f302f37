use super::attributes::{ChainAttrs, Counted, Element, Header, RuleAttrs, TableAttrs};
use super::numbers::*;
use super::{comment, numbers};
use crate::wire::{self, Be, DecodeError, Messages, Reader, Text, Value, Writer};
use std::collections::BTreeMap;

/// A table of the family `inet` as it is in the kernel:
/// [`Connection::nft_table`](crate::netlink::Connection::nft_table).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FoundTable {
    /// Its name.
    pub name: String,
    /// Its comment.
    pub comment: Option<String>,
    /// NFT_TABLE_F_DORMANT and others; 0 for a table that works.
    #[doc(alias = "NFTA_TABLE_FLAGS")]
    pub flags: u32,
    /// How many chains, sets, objects and flow tables it holds.
    #[doc(alias = "NFTA_TABLE_USE")]
    pub uses: u32,
    /// Its chains by name.
    pub chains: BTreeMap<String, FoundChain>,
}

/// A chain as it is in the kernel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FoundChain {
    /// `filter`, `nat` or `route`; `None` for a chain that is only jumped to.
    pub kind: Option<String>,
    /// The number of its hook (`enum nf_inet_hooks`), and its priority there.
    pub hook: Option<(u32, i32)>,
    /// What happens with packets that no rule decided about: 1 is accept, 0 drop. `None` for a chain without a hook.
    pub policy: Option<u32>,
    /// Its rules in their order.
    pub rules: Vec<FoundRule>,
}

/// A rule as it is in the kernel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FoundRule {
    /// Its number in the table.
    pub handle: u64,
    /// Its comment.
    pub comment: Option<String>,
    /// What its first counter has counted, if it has one.
    pub counter: Option<Counter>,
    /// What it does, in the kernel's words.
    pub(super) expressions: Vec<u8>,
}

/// What a rule has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counter {
    /// Packets.
    pub packets: u64,
    /// Their bytes, from the network header on.
    pub bytes: u64,
}

/// A table as it comes in, message by message.
#[derive(Debug)]
pub(crate) struct Listing<'a> {
    name: &'a str,
    table: Option<FoundTable>,
    /// The generation of nf_tables' state that the messages are of.
    generation: Option<u16>,
    changed: bool,
    error: Option<DecodeError>,
}

impl<'a> Listing<'a> {
    /// Nothing has come of the table of this name.
    pub fn new(name: &'a str) -> Self {
        Listing { name, table: None, generation: None, changed: false, error: None }
    }

    /// What to ask for, each as a dump: tables, chains, rules. Kernels do not look for the name of a table in the first two.
    pub fn questions(&self) -> [Vec<u8>; 3] {
        [NFT_MSG_GETTABLE, NFT_MSG_GETCHAIN, NFT_MSG_GETRULE].map(|number| {
            let mut w = Writer::default();
            let ty = numbers::message(NFNL_SUBSYS_NFTABLES, number);
            // There is nothing here that could be too long but the name, and with that there is no such table.
            let _ = w.message(wire::Header { ty, ..wire::Header::default() }, |w| {
                Header { family: NFPROTO_INET, ..Header::default() }.encode(w);
                if number == NFT_MSG_GETRULE {
                    let table = Some(Text(self.name.to_owned()));
                    RuleAttrs { table, ..RuleAttrs::default() }.encode(w);
                }
            });
            w.bytes().to_vec()
        })
    }

    /// Takes in one message, header included.
    pub fn take(&mut self, message: &[u8]) {
        let Some(Ok((header, body))) = Messages::new(message).next() else { return };
        if let Err(error) = self.take_body(header.ty, body) {
            self.error.get_or_insert(error);
        }
    }

    fn take_body(&mut self, ty: u16, body: &[u8]) -> Result<(), DecodeError> {
        let mut r = Reader::new(body);
        let header: Header = wire::Fixed::read(&mut r)?;
        if header.family != NFPROTO_INET {
            return Ok(());
        }
        let generation = *self.generation.get_or_insert(header.resource.0);
        self.changed |= generation != header.resource.0;
        match ty.checked_sub(numbers::message(NFNL_SUBSYS_NFTABLES, 0)) {
            Some(NFT_MSG_NEWTABLE) => self.table(TableAttrs::decode(r.rest())?),
            Some(NFT_MSG_NEWCHAIN) => self.chain(ChainAttrs::decode(r.rest())?),
            Some(NFT_MSG_NEWRULE) => self.rule(RuleAttrs::decode(r.rest())?),
            _ => (),
        }
        Ok(())
    }

    fn table(&mut self, attrs: TableAttrs) {
        if is(&attrs.name, self.name) {
            self.table = Some(FoundTable {
                name: self.name.to_owned(),
                comment: attrs.userdata.and_then(|userdata| comment::decode(&userdata.0)),
                flags: number(attrs.flags),
                uses: number(attrs.uses),
                chains: BTreeMap::new(),
            });
        }
    }

    fn chain(&mut self, attrs: ChainAttrs) {
        let Some(table) = self.table.as_mut().filter(|_| is(&attrs.table, self.name)) else { return };
        let hook = attrs.hook.map(|hook| (number(hook.number), number(hook.priority).cast_signed()));
        let chain = FoundChain {
            kind: attrs.kind.map(|kind| kind.0),
            hook,
            policy: attrs.policy.map(|policy| policy.0),
            rules: Vec::new(),
        };
        table.chains.insert(attrs.name.unwrap_or_default().0, chain);
    }

    fn rule(&mut self, attrs: RuleAttrs) {
        let table = self.table.as_mut().filter(|_| is(&attrs.table, self.name));
        let Some(chain) = table.and_then(|table| table.chains.get_mut(&attrs.chain.unwrap_or_default().0))
        else {
            return;
        };
        let expressions = attrs.expressions.unwrap_or_default().0;
        chain.rules.push(FoundRule {
            handle: attrs.handle.map_or(0, |handle| handle.0),
            comment: attrs.userdata.and_then(|userdata| comment::decode(&userdata.0)),
            counter: counter(&expressions),
            expressions,
        });
    }

    /// The table, if it is there and nothing changed while it was read; the error says what could not be read of it.
    pub fn finish(self) -> Result<Listed, DecodeError> {
        match self {
            Listing { changed: true, .. } => Ok(Listed::Changed),
            Listing { error: Some(error), .. } => Err(error),
            Listing { table, .. } => Ok(Listed::Table(table)),
        }
    }
}

/// What came of a listing.
#[derive(Debug)]
pub(crate) enum Listed {
    /// The table, or that there is none.
    Table(Option<FoundTable>),
    /// The messages are of several generations: they must be asked for again.
    Changed,
}

fn is(name: &Option<Text>, wanted: &str) -> bool {
    name.as_ref().is_some_and(|name| name.0 == wanted)
}

fn number(value: Option<Be<u32>>) -> u32 {
    value.map_or(0, |value| value.0)
}

/// What the first counter among the expressions says.
fn counter(expressions: &[u8]) -> Option<Counter> {
    let elements = Reader::new(expressions).attrs().map_while(Result::ok);
    let mut elements = elements.filter_map(|element| Element::decode(element.payload).ok());
    let counter = elements.find(|element| is(&element.name, "counter"))?;
    let counted = Counted::decode(&counter.data.unwrap_or_default().0).ok()?;
    let number = |value: Option<Be<u64>>| value.map_or(0, |value| value.0);
    Some(Counter { packets: number(counted.packets), bytes: number(counted.bytes) })
}

//! What qdisc, class, filter and chain messages have in common: `struct tcmsg` and the TCA_ attributes behind it.

use super::{SizeTable, Stats};
use crate::request::Verb;
use crate::units::{Handle, Name};
use crate::wire::{DecodeError, Fixed, Payloads, Reader, Table, Unknown, Value, Writer};

layout! {
    /// The header of traffic control messages. `include/uapi/linux/rtnetlink.h`
    pub(crate) struct TcMsg = "tcmsg" {
        /// Address family, 0.
        pub family: u8,
        pad _pad: 3,
        /// The device's index, or 0xffffffff for a block.
        pub ifindex: u32,
        /// The object's handle.
        pub handle: Handle,
        /// The parent's handle; the block's index for a block.
        pub parent: Handle,
        /// References, or a filter's prio and protocol.
        pub info: u32,
    }
}

pub(crate) const TCA_KIND: u16 = 1;
pub(crate) const TCA_OPTIONS: u16 = 2;
pub(crate) const TCA_STATS: u16 = 3;
pub(crate) const TCA_XSTATS: u16 = 4;
pub(crate) const TCA_RATE: u16 = 5;
pub(crate) const TCA_FCNT: u16 = 6;
pub(crate) const TCA_STATS2: u16 = 7;
pub(crate) const TCA_STAB: u16 = 8;
pub(crate) const TCA_PAD: u16 = 9;
pub(crate) const TCA_DUMP_INVISIBLE: u16 = 10;
pub(crate) const TCA_CHAIN: u16 = 11;
pub(crate) const TCA_HW_OFFLOAD: u16 = 12;
pub(crate) const TCA_INGRESS_BLOCK: u16 = 13;
pub(crate) const TCA_EGRESS_BLOCK: u16 = 14;
pub(crate) const TCA_DUMP_FLAGS: u16 = 15;
pub(crate) const TCA_EXT_WARN_MSG: u16 = 16;

const NAMES: &[(u16, &str)] = &[
    (TCA_KIND, "TCA_KIND"),
    (TCA_OPTIONS, "TCA_OPTIONS"),
    (TCA_STATS, "TCA_STATS"),
    (TCA_XSTATS, "TCA_XSTATS"),
    (TCA_RATE, "TCA_RATE"),
    (TCA_FCNT, "TCA_FCNT"),
    (TCA_STATS2, "TCA_STATS2"),
    (TCA_STAB, "TCA_STAB"),
    (TCA_PAD, "TCA_PAD"),
    (TCA_DUMP_INVISIBLE, "TCA_DUMP_INVISIBLE"),
    (TCA_CHAIN, "TCA_CHAIN"),
    (TCA_HW_OFFLOAD, "TCA_HW_OFFLOAD"),
    (TCA_INGRESS_BLOCK, "TCA_INGRESS_BLOCK"),
    (TCA_EGRESS_BLOCK, "TCA_EGRESS_BLOCK"),
    (TCA_DUMP_FLAGS, "TCA_DUMP_FLAGS"),
    (TCA_EXT_WARN_MSG, "TCA_EXT_WARN_MSG"),
];

/// The table of the attributes that all objects share.
pub(super) fn tables() -> Vec<Table> {
    vec![Table::named("tc", NAMES), Table::layout::<TcMsg>()]
}

/// The objects whose kinds share names but not options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Noun {
    Qdisc,
    Class,
    Filter,
    Action,
}

/// How many numbers from 0 on [`Tca`] has room for.
const ROOM: usize = TCA_EGRESS_BLOCK as usize + 1;

/// The bits of the numbers that are found: not those that the crate does not know.
const FOUND: u32 = ((1 << ROOM) - 1) & !(1 | (1 << TCA_FCNT));

/// The payloads of one message's attributes by their numbers, in whatever order they stand: the kind must be known before its
/// options are read.
#[derive(Debug, Default)]
pub(crate) struct Tca<'a>(Payloads<'a, ROOM>);

impl<'a> Tca<'a> {
    /// Finds the attributes of a message body, and gives its header. What is found is taken apart by who asks; what nobody knows is
    /// put among the unknown.
    #[inline(always)]
    pub fn find(&mut self, body: &'a [u8], unknown: &mut Unknown) -> Result<TcMsg, DecodeError> {
        let mut r = Reader::new(body);
        let header = TcMsg::decode(r.take(TcMsg::SIZE).map_err(|e| e.inside("tcmsg"))?)?;
        self.0.find(r.attrs(), FOUND, unknown)?;
        Ok(header)
    }

    /// The payload of an attribute.
    #[inline]
    pub fn get(&self, ty: u16) -> Option<&'a [u8]> {
        self.0.get(ty)
    }

    /// The value of an attribute.
    #[inline]
    pub fn value<T: Value>(&self, ty: u16) -> Result<Option<T>, DecodeError> {
        let Some(payload) = self.get(ty) else { return Ok(None) };
        T::decode(payload).map(Some).map_err(|e| e.inside(name(ty).unwrap_or("TCA")))
    }

    /// Reads the statistics if they are wanted: TCA_STATS2 where the kernel sent it, the older attributes otherwise.
    #[inline(always)]
    pub fn stats(&self, noun: Noun, wanted: bool, place: &mut Option<Stats>) -> Result<(), DecodeError> {
        let (kind, xstats) = (self.get(TCA_KIND), self.get(TCA_XSTATS));
        match (self.get(TCA_STATS2), self.get(TCA_STATS)) {
            _ if !wanted => *place = None,
            (Some(stats2), _) => {
                let stats = place.insert(Stats::default());
                stats.fill(noun, kind, stats2, xstats).map_err(|e| e.inside("TCA_STATS2"))?;
            }
            (None, Some(stats)) => {
                let stats = Stats::decode_old(noun, kind, stats, xstats);
                *place = Some(stats.map_err(|e| e.inside("TCA_STATS"))?);
            }
            (None, None) => *place = None,
        }
        Ok(())
    }
}

/// The NLM_F_ flags of a verb: as `ip`'s, but that traffic control knows no NLM_F_REPLACE. What may be created
/// (NLM_F_CREATE) and need not be new (NLM_F_EXCL) is replaced.
pub(crate) fn flags(verb: Verb) -> u16 {
    const NLM_F_REPLACE: u16 = 0x100;
    verb.flags() & !NLM_F_REPLACE
}

/// The name of an attribute of these messages, or of one inside the options, which `inner` knows by the kind's name.
pub(crate) fn attribute_at(
    body: &[u8],
    offset: usize,
    inner: impl Fn(&str, &[u16]) -> Option<&'static str>,
) -> Option<&'static str> {
    let mut tca = Tca::default();
    let kind = tca.find(body, &mut Unknown::new()).ok().and_then(|_| Name::from_bytes(tca.get(TCA_KIND)?));
    let kind = kind.as_ref().map_or("", Name::as_str);
    crate::request::attribute_at(body, TcMsg::SIZE, offset, |path| match path {
        [] => None,
        [TCA_OPTIONS, within @ ..] if !within.is_empty() => inner(kind, within).or(Some("TCA_OPTIONS")),
        [TCA_STAB, within @ ..] if !within.is_empty() => SizeTable::name_at(within).or(Some("TCA_STAB")),
        [outer, ..] => name(*outer),
    })
}

/// Whether the payload of TCA_KIND is this name: it ends with a NUL, behind which nothing counts.
#[inline(always)]
pub(super) fn is_called(payload: &[u8], name: &str) -> bool {
    matches!(payload.strip_prefix(name.as_bytes()), Some([] | [0, ..]))
}

fn name(ty: u16) -> Option<&'static str> {
    NAMES.iter().find(|(number, _)| *number == ty).map(|(_, name)| *name)
}

/// Writes a kind's name, with the NUL that ends it, as an attribute with `ty` as its number.
#[inline(always)]
pub(super) fn put_name(ty: u16, name: &str, w: &mut Writer) {
    w.short_attr(ty, name.as_bytes(), 1);
}

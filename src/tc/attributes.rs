//! What qdisc, class, filter and chain messages have in common: `struct tcmsg` and the TCA_ attributes behind it.

use super::{Estimator, SizeTable, Stats};
use crate::request::Verb;
use crate::units::{Handle, Name};
use crate::wire::{Attr, DecodeError, Fixed, RawAttr, Reader, Table, Value, Writer};

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
pub(crate) const TABLE: Table = Table { set: "tc", names: NAMES };

/// The objects whose kinds share names but not options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Noun {
    Qdisc,
    Class,
    Filter,
    Action,
}

/// The attributes of one message, found in whatever order they stand: the kind must be known before its options are read.
#[derive(Debug, Default)]
pub(crate) struct Tca<'a> {
    /// The kind's name, without the NUL behind it.
    pub kind: Option<&'a [u8]>,
    pub options: Option<&'a [u8]>,
    pub estimator: Option<Estimator>,
    stab: Option<&'a [u8]>,
    pub invisible: bool,
    pub chain: Option<u32>,
    pub offloaded: Option<u8>,
    pub ingress_block: Option<u32>,
    pub egress_block: Option<u32>,
    pub unknown: Vec<RawAttr>,
    stats: Option<&'a [u8]>,
    xstats: Option<&'a [u8]>,
    stats2: Option<&'a [u8]>,
}

impl<'a> Tca<'a> {
    /// Finds the attributes of a message body, and gives its header. What is found is taken apart by who asks: inlined, it is
    /// never put together.
    #[inline(always)]
    pub fn find(&mut self, body: &'a [u8]) -> Result<TcMsg, DecodeError> {
        let mut r = Reader::new(body);
        let header = TcMsg::decode(r.take(TcMsg::SIZE).map_err(|e| e.inside("tcmsg"))?)?;
        for attr in r.attrs() {
            let attr = attr?;
            self.take(attr).map_err(|e| e.inside(name(attr.ty).unwrap_or("TCA")))?;
        }
        Ok(header)
    }

    #[inline(always)]
    fn take(&mut self, attr: Attr<'a>) -> Result<(), DecodeError> {
        let payload = attr.payload;
        match attr.ty {
            TCA_KIND => self.kind = Some(Name::cut(payload)),
            TCA_OPTIONS => self.options = Some(payload),
            TCA_STATS => self.stats = Some(payload),
            TCA_XSTATS => self.xstats = Some(payload),
            TCA_RATE => self.estimator = Some(Value::decode(payload)?),
            TCA_STATS2 => self.stats2 = Some(payload),
            TCA_STAB => self.stab = Some(payload),
            TCA_PAD => (),
            TCA_DUMP_INVISIBLE => self.invisible = true,
            TCA_CHAIN => self.chain = Some(Value::decode(payload)?),
            TCA_HW_OFFLOAD => self.offloaded = Some(Value::decode(payload)?),
            TCA_INGRESS_BLOCK => self.ingress_block = Some(Value::decode(payload)?),
            TCA_EGRESS_BLOCK => self.egress_block = Some(Value::decode(payload)?),
            _ => self.unknown.push(attr.into()),
        }
        Ok(())
    }

    /// The size table, which only qdiscs have.
    pub fn stab(&self) -> Result<Option<SizeTable>, DecodeError> {
        self.stab.map(SizeTable::decode).transpose().map_err(|e| e.inside("TCA_STAB"))
    }

    /// Reads the statistics: TCA_STATS2 where the kernel sent it, the older attributes otherwise.
    #[inline(always)]
    pub fn stats(&self, noun: Noun, place: &mut Option<Stats>) -> Result<(), DecodeError> {
        let (kind, xstats) = (self.kind, self.xstats);
        match (self.stats2, self.stats) {
            (Some(stats2), _) => {
                let stats = place.insert(Stats::default());
                stats.fill(noun, kind, stats2, xstats).map_err(|e| e.inside("TCA_STATS2"))
            }
            (None, Some(stats)) => {
                let stats = Stats::decode_old(noun, kind, stats, xstats);
                *place = Some(stats.map_err(|e| e.inside("TCA_STATS"))?);
                Ok(())
            }
            (None, None) => Ok(()),
        }
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
    let kind = tca.find(body).ok().and_then(|_| Name::from_bytes(tca.kind?));
    let kind = kind.as_ref().map_or("", Name::as_str);
    crate::request::attribute_at(body, TcMsg::SIZE, offset, |path| match path {
        [] => None,
        [TCA_OPTIONS, within @ ..] if !within.is_empty() => inner(kind, within).or(Some("TCA_OPTIONS")),
        [TCA_STAB, within @ ..] if !within.is_empty() => SizeTable::name_at(within).or(Some("TCA_STAB")),
        [outer, ..] => name(*outer),
    })
}

fn name(ty: u16) -> Option<&'static str> {
    NAMES.iter().find(|(number, _)| *number == ty).map(|(_, name)| *name)
}

/// Writes the attributes that were not understood, as they came.
#[inline]
pub(crate) fn put_unknown(w: &mut Writer, unknown: &[RawAttr]) {
    for attr in unknown {
        w.raw(attr);
    }
}

/// Writes a kind's name, with the NUL that ends it, as an attribute with `ty` as its number.
#[inline]
pub(super) fn put_name(ty: u16, name: &str, w: &mut Writer) {
    w.attr_with(ty, |w| {
        w.put(name.as_bytes());
        w.put(&[0]);
    });
}

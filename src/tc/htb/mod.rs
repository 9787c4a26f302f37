//! `htb`, the hierarchical token bucket: classes with a guaranteed rate that lend each other what they do not use.
//!
//! `man 8 tc-htb`, `net/sched/sch_htb.c`, `include/uapi/linux/pkt_sched.h`

mod class;
mod stats;

pub use class::HtbClass;
pub use stats::HtbStats;

use super::{Kind, Setting};
use crate::text::{Hear, Page, Say, Scalar, WordError, Words};
use crate::units::{Packets, ParseError};
use crate::wire::{DecodeError, Table, Unknown, Value, Writer};
use std::fmt::{self, Display, Formatter};

/// TCA_HTB_ attribute tables for the header checks.
pub(super) fn tables() -> Vec<Table> {
    vec![
        Table::of::<QdiscAttrs>(),
        Table::named("htb class", class::NAMES),
        Table::layout::<Glob>(),
        Table::layout::<class::Parms>(),
        Table::layout::<HtbStats>(),
        Table::layout::<super::RateSpec>(),
    ]
}

/// The HTB qdisc. It shapes nothing by itself: its classes do.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[doc(alias = "tc_htb_glob")]
pub struct Htb {
    /// The minor number of the class for packets that no filter classifies; 0 sends them unshaped.
    pub default_class: u32,
    /// Divides a class's rate in bytes per second to give its quantum, where the class sets none.
    pub r2q: u32,
    /// Length of the queue for packets that are not shaped; the device's txqueuelen if not given.
    #[doc(alias = "TCA_HTB_DIRECT_QLEN")]
    pub direct_qlen: Option<Packets>,
    /// Shape in hardware. Needs hw-tc-offload on the device; overhead, mpu, quantum and prio are then refused.
    #[doc(alias = "TCA_HTB_OFFLOAD")]
    pub offload: bool,
    /// The protocol's version: 3 is sent; kernels say 3 in the upper 16 bits and their own in the lower ones.
    pub version: u32,
    /// Debug flags of old kernels, 0.
    pub debug: u32,
    /// Packets that were sent unshaped. Kernels report it; it is 0 in requests.
    pub direct_packets: u32,
    /// Attributes that the crate does not know: kept, and sent back unchanged.
    pub unknown: Unknown,
}

/// What `tc` sends when nothing is said. The kernel refuses an HTB without these parameters.
impl Default for Htb {
    fn default() -> Self {
        Htb {
            default_class: 0,
            r2q: Self::DEFAULT_R2Q,
            direct_qlen: None,
            offload: false,
            version: 3,
            debug: 0,
            direct_packets: 0,
            unknown: Unknown::new(),
        }
    }
}

impl Htb {
    const DEFAULT_R2Q: u32 = 10;

    /// An HTB that sends unshaped what no filter classifies.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sends packets that no filter classifies to the class with this minor number. Without it they are not shaped.
    #[must_use]
    pub fn default_class(mut self, minor: u16) -> Self {
        self.default_class = minor.into();
        self
    }

    /// Divides a class's rate in bytes per second by `r2q` to give its quantum, where the class sets none. 10 if not given.
    #[must_use]
    pub fn r2q(mut self, r2q: u32) -> Self {
        self.r2q = r2q;
        self
    }

    /// Sets the length of the queue for packets that are not shaped.
    #[must_use]
    pub fn direct_qlen(mut self, direct_qlen: Packets) -> Self {
        self.direct_qlen = Some(direct_qlen);
        self
    }

    /// Shapes in hardware.
    #[must_use]
    pub fn offload(mut self, offload: bool) -> Self {
        self.offload = offload;
        self
    }
}

impl Kind for Htb {
    const NAME: &'static str = "htb";

    fn forget(&mut self) {
        self.direct_packets = 0;
        if self.version > u32::from(u16::MAX) {
            self.version >>= 16;
        }
    }

    /// `htb_init`
    fn settle(&mut self, setting: &Setting) {
        self.unknown.clear();
        // Kernels look at 16 bits of the one, at none of the other.
        (self.default_class, self.debug) = (self.default_class & 0xffff, 0);
        self.r2q = self.r2q.max(1);
        self.direct_qlen.get_or_insert(Packets(setting.queue_len));
    }

    /// Kernels cannot change one.
    fn can_become(&self, _: &Self) -> bool {
        false
    }

    fn show(&self, page: &mut Page) {
        // tc shows the number with its sign.
        let r2q = self.r2q.cast_signed();
        page.field("r2q", r2q, format_args!("r2q {r2q}"));
        let default = match self.default_class {
            0 => "0".to_owned(),
            class => format!("{class:#x}"),
        };
        page.field("default", default.as_str(), format_args!(" default {default}"));
        let direct = self.direct_packets;
        page.field("direct_packets_stat", direct, format_args!(" direct_packets_stat {direct}"));
        if page.layout().details {
            let version = format!("{}.{}", self.version >> 16, self.version & 0xffff);
            page.field("ver", version.as_str(), format_args!(" ver {version}"));
        }
        if let Some(Packets(length)) = self.direct_qlen {
            page.field("direct_qlen", length, format_args!(" direct_qlen {length}"));
        }
        if self.offload {
            page.field("offload", Scalar::Null, " offload");
        }
    }
}

impl Value for Htb {
    fn encode(&self, w: &mut Writer) {
        let attrs = QdiscAttrs {
            init: Some(Glob {
                version: self.version,
                rate2quantum: self.r2q,
                defcls: self.default_class,
                debug: self.debug,
                direct_pkts: self.direct_packets,
            }),
            direct_qlen: self.direct_qlen,
            offload: self.offload,
            unknown: Unknown::new(),
        };
        attrs.encode(w);
        self.unknown.encode(w);
    }

    fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        let attrs = QdiscAttrs::decode(payload)?;
        let glob = attrs.init.ok_or_else(|| DecodeError::missing("TCA_HTB_INIT"))?;
        Ok(Htb {
            default_class: glob.defcls,
            r2q: glob.rate2quantum,
            direct_qlen: attrs.direct_qlen,
            offload: attrs.offload,
            version: glob.version,
            debug: glob.debug,
            direct_packets: glob.direct_pkts,
            unknown: attrs.unknown,
        })
    }

    fn name_at(path: &[u16]) -> Option<&'static str> {
        QdiscAttrs::name_at(path)
    }
}

impl Display for Htb {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.default_class != 0 {
            write!(f, " default {:#x}", self.default_class)?;
        }
        if self.r2q != Self::DEFAULT_R2Q {
            write!(f, " r2q {}", self.r2q)?;
        }
        self.direct_qlen.say("direct_qlen", f)?;
        self.offload.say("offload", f)
    }
}

impl Hear for Htb {
    fn hear(&mut self, words: &mut Words<'_>) -> Result<bool, WordError> {
        if words.take_if_short("r2q") {
            self.r2q = words.number(10)?;
        } else if words.take_if_short("default") {
            self.default_class = words.number(16)?;
        } else if words.take_if_short("debug") {
            self.debug = words.read("the debug flags, up to 16 digits from 0 to 3", debug)?;
        } else if words.take_if_short("direct_qlen") {
            self.direct_qlen = Some(Packets(words.number(10)?));
        } else if words.take_if_short("offload") {
            self.offload = true;
        } else {
            return Ok(false);
        }
        Ok(true)
    }
}

/// Digits from 0 to 3, each of which has two bits, the first the lowest.
fn debug(word: &str) -> Result<u32, ParseError> {
    let digits = word.bytes().map(|digit| (b'0'..=b'3').contains(&digit).then(|| u32::from(digit - b'0')));
    let bits = digits.enumerate().take(17).try_fold(0u32, |bits, (i, digit)| {
        let shift = u32::try_from(2 * i).ok().filter(|shift| *shift < 32)?;
        Some(bits | digit? << shift)
    });
    bits.ok_or(ParseError::new(word, "debug flags: expected up to 16 digits from 0 to 3"))
}

attrs! {
    /// The attributes of the qdisc as messages carry them.
    bare struct QdiscAttrs {
        /// Version, default class and counters.
        2 "TCA_HTB_INIT" => init: Glob,
        /// Length of the queue for packets that are not shaped.
        5 "TCA_HTB_DIRECT_QLEN" => direct_qlen: Packets,
        8 "TCA_HTB_PAD" => pad,
        /// Shape in hardware.
        9 "TCA_HTB_OFFLOAD" => offload: flag,
    }
}

layout! {
    /// The qdisc's parameters as messages carry them.
    struct Glob = "tc_htb_glob" {
        version: u32,
        rate2quantum: u32,
        defcls: u32,
        debug: u32,
        direct_pkts: u32,
    }
}

#[cfg(any(test, feature = "generate"))]
impl crate::wire::generate::Generate for Htb {
    fn generate(g: &mut crate::wire::generate::Source<'_>) -> Self {
        use crate::wire::generate::Generate;
        Htb {
            default_class: u32::generate(g),
            r2q: u32::generate(g),
            direct_qlen: Generate::generate(g),
            offload: g.flip(),
            version: u32::generate(g),
            debug: u32::generate(g),
            direct_packets: u32::generate(g),
            unknown: g.list(1).into(),
        }
    }
}

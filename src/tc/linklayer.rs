//! How rates are put on the wire: `struct tc_ratespec`, and what frames cost on the link.

use crate::clock::Clock;
use crate::text::{FromWord, Hear, Page, WordError, Words};
use crate::units::{ParseError, Rate, Size, Ticks};
use std::fmt::{self, Display, Formatter};
use std::num::NonZeroU64;

/// How the link counts a packet's bytes. `man 8 tc-stab`, `include/uapi/linux/pkt_sched.h`
#[doc(alias = "tc_link_layer")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LinkLayer {
    /// Not said: kernels guess ATM from the rate table. Programs older than 2013 send this.
    Unaware,
    /// A packet's length is what it costs.
    Ethernet,
    /// Packets are cut into cells of 48 bytes that cost 53 (ADSL).
    Atm,
    /// A value that the crate does not know.
    Other(u8),
}

/// What `tc` sends when nothing is said.
impl Default for LinkLayer {
    fn default() -> Self {
        LinkLayer::Ethernet
    }
}

impl LinkLayer {
    /// TC_LINKLAYER_MASK: the upper bits of the byte are not used.
    const MASK: u8 = 0x0f;

    /// The layer with this number.
    #[inline]
    pub fn from_raw(raw: u8) -> Self {
        match raw & Self::MASK {
            0 => LinkLayer::Unaware,
            1 => LinkLayer::Ethernet,
            2 => LinkLayer::Atm,
            other => LinkLayer::Other(other),
        }
    }

    /// The layer's number.
    pub fn raw(self) -> u8 {
        match self {
            LinkLayer::Unaware => 0,
            LinkLayer::Ethernet => 1,
            LinkLayer::Atm => 2,
            LinkLayer::Other(other) => other & Self::MASK,
        }
    }

    /// What a packet of `size` bytes costs on the link.
    pub(super) fn cost(self, size: u32) -> u32 {
        match self {
            LinkLayer::Atm => size.div_ceil(48).saturating_mul(53),
            _ => size,
        }
    }
}

/// What `tc` shows of a link layer.
impl LinkLayer {
    /// The word, which is the same for all layers that nobody knows.
    pub(super) fn shown(self) -> &'static str {
        match self {
            LinkLayer::Unaware => "unspec",
            LinkLayer::Ethernet => "ethernet",
            LinkLayer::Atm => "atm",
            LinkLayer::Other(_) => "unknown",
        }
    }

    /// Shows the layer of a rate, with a blank behind it: where it is an unusual one, or details are wanted.
    pub(super) fn show(self, page: &mut Page) {
        if self.raw() > LinkLayer::Ethernet.raw() || page.layout().details {
            page.field("linklayer", self.shown(), format_args!("linklayer {} ", self.shown()));
        }
    }
}

/// The word `tc` knows: `ethernet`, `atm`.
impl Display for LinkLayer {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LinkLayer::Unaware => "unspec",
            LinkLayer::Ethernet => "ethernet",
            LinkLayer::Atm => "atm",
            LinkLayer::Other(other) => return write!(f, "{other}"),
        })
    }
}

/// As `tc` has it: `ethernet`, `atm` or `adsl`, cut short at will; and what has no word but prints.
impl FromWord for LinkLayer {
    const WHAT: &'static str = "a link layer: ethernet, atm or adsl";
    fn from_word(word: &str) -> Result<Self, ParseError> {
        let known = [
            ("ethernet", LinkLayer::Ethernet),
            ("atm", LinkLayer::Atm),
            ("adsl", LinkLayer::Atm),
            ("unspec", LinkLayer::Unaware),
        ];
        let short = |name: &str| !word.is_empty() && name.starts_with(word);
        let number = || word.parse().ok().filter(|raw| *raw <= Self::MASK).map(LinkLayer::from_raw);
        known
            .into_iter()
            .find(|(name, _)| short(name))
            .map(|(_, layer)| layer)
            .or_else(number)
            .ok_or(ParseError::new(word, Self::WHAT))
    }
}

#[cfg(any(test, feature = "generate"))]
impl crate::wire::generate::Generate for LinkLayer {
    fn generate(g: &mut crate::wire::generate::Source<'_>) -> Self {
        LinkLayer::from_raw(g.byte())
    }
}

layout! {
    /// A rate with its framing as messages carry it. The 32-bit rate is saturated where a 64-bit attribute stands
    /// beside it. `include/uapi/linux/pkt_sched.h`
    pub struct RateSpec = "tc_ratespec" {
        /// The rate table's cells hold 2^cell_log bytes each; 0 without a table.
        pub cell_log: u8,
        /// The link layer's number in the lower four bits.
        pub linklayer: u8,
        /// Bytes that each packet costs on top of its length.
        pub overhead: u16,
        /// Where in a cell the table's entries are taken, -1 for its end; 0 without a table.
        pub cell_align: i16,
        /// The least number of bytes that a packet costs.
        pub mpu: u16,
        /// Bytes per second, or `u32::MAX` where a 64-bit attribute has the rate.
        pub rate: u32,
    }
}

impl RateSpec {
    /// The spec of `rate` for packets with this framing.
    pub fn new(rate: Rate, framing: Framing) -> Self {
        RateSpec {
            linklayer: framing.linklayer.raw(),
            overhead: framing.overhead,
            mpu: framing.mpu,
            rate: u32::try_from(rate.as_bytes_per_second()).unwrap_or(u32::MAX),
            ..RateSpec::default()
        }
    }

    /// The rate, where `rate64` is the 64-bit attribute that may stand beside the spec: the larger of the two counts.
    #[inline]
    pub fn rate(&self, rate64: Option<Rate>) -> Rate {
        rate64.unwrap_or_default().max(Rate::bytes_per_second(self.rate.into()))
    }

    /// What packets cost.
    #[inline]
    pub fn framing(&self) -> Framing {
        Framing { overhead: self.overhead, mpu: self.mpu, linklayer: LinkLayer::from_raw(self.linklayer) }
    }

    /// Whether packets cost what they cost by another spec.
    #[inline]
    pub(super) fn is_framed_as(&self, other: &RateSpec) -> bool {
        let raw = |spec: &RateSpec| (spec.overhead, spec.mpu, spec.linklayer & LinkLayer::MASK);
        raw(self) == raw(other)
    }

    /// The rate table's cells.
    #[inline]
    pub(super) fn cell(self) -> (u8, i16) {
        (self.cell_log, self.cell_align)
    }

    /// The rate for a 64-bit attribute, if the 32-bit field cannot carry it.
    pub(crate) fn rate64(rate: Rate) -> Option<Rate> {
        (rate.as_bytes_per_second() > u32::MAX.into()).then_some(rate)
    }
}

/// What a packet costs on the link beside its length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Framing {
    /// Bytes that each packet costs on top of its length.
    pub overhead: u16,
    /// The least number of bytes that a packet costs.
    pub mpu: u16,
    /// How the link counts bytes.
    pub linklayer: LinkLayer,
}

/// The words of `tc`, each with a blank in front; nothing for what is not set.
impl Display for Framing {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.mpu != 0 {
            write!(f, " mpu {}", self.mpu)?;
        }
        if self.overhead != 0 {
            write!(f, " overhead {}", self.overhead)?;
        }
        if self.linklayer != LinkLayer::Ethernet {
            write!(f, " linklayer {}", self.linklayer)?;
        }
        Ok(())
    }
}

/// The words but for `mpu`, of which each kind has an own idea.
impl Hear for Framing {
    fn hear(&mut self, words: &mut Words<'_>) -> Result<bool, WordError> {
        if words.take_if_short("overhead") {
            self.overhead = words.number(10)?;
        } else if words.take_if_short("linklayer") {
            self.linklayer = words.value()?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }
}

impl Framing {
    /// As kernels see it: all link layers but ATM are the same.
    pub(super) fn settled(self) -> Self {
        let linklayer = match self.linklayer {
            LinkLayer::Atm => LinkLayer::Atm,
            _ => LinkLayer::Ethernet,
        };
        Framing { linklayer, ..self }
    }

    /// The ticks that kernels reckon for `size` bytes at `rate`: with a factor of 32 bits, and from what the packet costs.
    /// `psched_l2t_ns` of `include/net/sch_generic.h`
    pub(super) fn kernel_ticks(self, clock: &Clock, rate: Rate, size: u32) -> Ticks {
        let Some(per_second) = NonZeroU64::new(rate.as_bytes_per_second()) else {
            return clock.nanos_to_ticks(self.cost(size).into());
        };
        let (mut factor, mut shift) = (1_000_000_000u64, 0);
        let mult = loop {
            let mult = (factor / per_second) as u32;
            if mult >> 31 == 1 || factor >> 63 == 1 {
                break mult;
            }
            (factor, shift) = (factor << 1, shift + 1);
        };
        clock.nanos_to_ticks((u64::from(self.cost(size)) * u64::from(mult)) >> shift)
    }

    /// What a packet of this length costs.
    fn cost(self, size: u32) -> u32 {
        let size = size.wrapping_add(self.overhead.into()).max(self.mpu.into());
        match self.linklayer {
            LinkLayer::Atm => size.div_ceil(48).wrapping_mul(53),
            _ => size,
        }
    }

    /// Shows the overhead, with a blank behind it, if there is any.
    pub(super) fn show_overhead(self, page: &mut Page) {
        if self.overhead != 0 {
            page.field("overhead", self.overhead, format_args!("overhead {} ", self.overhead));
        }
    }

    /// Reads `mpu` where `tc` takes it for a size.
    pub(super) fn hear_mpu(&mut self, words: &mut Words<'_>) -> Result<(), WordError> {
        let size: Size = words.value()?;
        self.mpu = u16::try_from(size.as_bytes())
            .map_err(|_| words.error_before("the least size of a packet is at most 65535 bytes"))?;
        Ok(())
    }
}

#[cfg(any(test, feature = "generate"))]
impl crate::wire::generate::Generate for Framing {
    fn generate(g: &mut crate::wire::generate::Source<'_>) -> Self {
        Framing { overhead: g.number() as u16, mpu: g.number() as u16, linklayer: LinkLayer::generate(g) }
    }
}

/// The depth of a token bucket: how much may be sent at once.
///
/// People say it in bytes; the kernel keeps the time that this many bytes take at the bucket's rate. Converting to
/// time rounds up, so that a bucket never becomes smaller than asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Burst {
    /// As people say it.
    Size(Size),
    /// As the kernel says it.
    Time(Ticks),
}

impl Burst {
    /// The time it takes at `rate`.
    pub fn ticks(self, clock: &Clock, rate: Rate) -> Ticks {
        match self {
            Burst::Size(size) => clock.xmit_ticks(rate, size),
            Burst::Time(ticks) => ticks,
        }
    }

    /// How many bytes it is at `rate`.
    pub fn size(self, clock: &Clock, rate: Rate) -> Size {
        match self {
            Burst::Size(size) => size,
            Burst::Time(ticks) => clock.xmit_size(rate, ticks),
        }
    }
}

impl From<Size> for Burst {
    fn from(size: Size) -> Self {
        Burst::Size(size)
    }
}

impl From<Ticks> for Burst {
    fn from(ticks: Ticks) -> Self {
        Burst::Time(ticks)
    }
}

/// A size, behind which the size of a cell of the rate table may stand: `15k/8`. The cell is checked and then forgotten:
/// no kernel since 3.8 reads the table.
impl FromWord for Burst {
    const WHAT: &'static str = "a size such as 15kb";
    fn from_word(word: &str) -> Result<Self, ParseError> {
        let (size, cell) = word.split_once('/').map_or((word, None), |(size, cell)| (size, Some(cell)));
        if let Some(cell) = cell {
            let wrong = "a size with a cell: expected a power of two behind the slash, as in 15kb/8";
            let power = u32::from_word(cell).is_ok_and(u32::is_power_of_two);
            power.then_some(()).ok_or(ParseError::new(word, wrong))?;
        }
        Size::from_word(size).map(Burst::Size)
    }
}

/// How many packets may pass a policer at once. The kernel keeps the time they take at its packet rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketBurst {
    /// As people say it.
    Packets(u64),
    /// As the kernel says it: in ticks.
    Time(u64),
}

impl PacketBurst {
    pub(super) fn ticks(self, clock: &Clock, rate: u64) -> u64 {
        match self {
            PacketBurst::Packets(count) => {
                clock.xmit_ticks(Rate::bytes_per_second(rate), Size::bytes(count)).0.into()
            }
            PacketBurst::Time(ticks) => ticks,
        }
    }

    pub(super) fn packets(self, clock: &Clock, rate: u64) -> u64 {
        match self {
            PacketBurst::Packets(count) => count,
            PacketBurst::Time(ticks) => {
                let ticks = Ticks(u32::try_from(ticks).unwrap_or(u32::MAX));
                clock.xmit_size(Rate::bytes_per_second(rate), ticks).as_bytes()
            }
        }
    }
}

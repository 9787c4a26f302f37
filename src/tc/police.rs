//! `police`, the policer: what exceeds a rate is dropped or treated otherwise; nothing waits.
//!
//! `man 8 tc-police`, `net/sched/act_police.c`, `include/uapi/linux/pkt_cls.h`

#[cfg(any(test, feature = "generate"))]
mod generate;
mod settle;
mod show;
mod words;

use super::{
    ActionNumber, Burst, Control, Framing, GivenTables, Kind, LinkLayer, PacketBurst, RateSpec, RateTable,
    Setting, Tables, Times,
};
use crate::clock::Clock;
use crate::text::Say;
use crate::units::{Rate, Size, Ticks};
use crate::wire::{DecodeError, EncodeError, Table, Unknown, Value, Writer};
use std::fmt::{self, Display, Formatter};

/// TCA_POLICE_ attribute table for the header checks.
pub(super) fn tables() -> Vec<Table> {
    vec![Table::of::<PoliceAttrs>(), Table::layout::<Parms>()]
}

/// A policer, as an action (`action police ...`) or as a part of a filter (`police ...`).
///
/// `Police::new().rate(Rate::mbit(1)).burst(Size::kib(10)).exceed(Control::Drop)`. It measures bytes (`rate`), packets
/// (`packet_rate`), the average of an estimator (`avrate`) or only the length of packets (`mtu`).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[doc(alias = "tc_police")]
pub struct Police {
    /// The policer's number; 0 lets the kernel choose. Filters that name the same one share it.
    pub index: u32,
    /// Bytes per second that conform. It needs a burst.
    #[doc(alias = "TCA_POLICE_RATE64")]
    pub rate: Option<Rate>,
    /// What may pass at once on account of `rate`.
    pub burst: Option<Burst>,
    /// The longest packet that conforms, in bytes; 0 is what the rate table reaches (2040 as `tc` computes it) or any length
    /// without a rate.
    pub mtu: u32,
    /// The rate at which the burst itself may pass; `mtu` is its burst, and `tc` demands one with it.
    #[doc(alias = "TCA_POLICE_PEAKRATE64")]
    pub peak: Option<Rate>,
    /// What packets cost on the link.
    pub framing: Framing,
    /// The same for the peak rate, where it differs.
    pub peak_framing: Option<Framing>,
    /// The measured average, in bytes per second (32 bits), from which on traffic exceeds. It needs an estimator.
    #[doc(alias = "TCA_POLICE_AVRATE")]
    pub avrate: Option<Rate>,
    /// Packets per second that conform, and what may pass at once. It excludes `rate`.
    #[doc(alias = "TCA_POLICE_PKTRATE64")]
    #[doc(alias = "TCA_POLICE_PKTBURST64")]
    pub packet_rate: Option<(u64, PacketBurst)>,
    /// What becomes of packets that exceed. [`Control::Reclassify`] if not said, as in `tc`.
    pub exceed: Control,
    /// What becomes of packets that conform.
    #[doc(alias = "TCA_POLICE_RESULT")]
    pub conform: Control,
    /// The rate tables to send. They are computed if not given: kernels refuse a rate without them.
    #[doc(alias = "TCA_POLICE_RATE")]
    #[doc(alias = "TCA_POLICE_PEAKRATE")]
    pub tables: Option<Box<GivenTables>>,
    /// How many hold it. Kernels report it.
    pub references: i32,
    /// How many filters use it. Kernels report it.
    pub bindings: i32,
    /// When it was installed and used. Kernels report it.
    #[doc(alias = "TCA_POLICE_TM")]
    pub times: Option<Times>,
    /// Attributes that the crate does not know: kept, and sent back unchanged.
    pub unknown: Unknown,
}

impl Default for Police {
    fn default() -> Self {
        Police {
            index: 0,
            rate: None,
            burst: None,
            mtu: 0,
            peak: None,
            framing: Framing::default(),
            peak_framing: None,
            avrate: None,
            packet_rate: None,
            exceed: Control::Reclassify,
            conform: Control::Ok,
            tables: None,
            references: 0,
            bindings: 0,
            times: None,
            unknown: Unknown::new(),
        }
    }
}

macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident($ty:ty) => |$value:ident| $into:expr;)*) => {
        $($(#[$doc])*
        #[must_use]
        pub fn $name(mut self, $value: $ty) -> Self {
            self.$name = $into;
            self
        })*
    };
}

impl Police {
    /// A policer that measures nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    setters! {
        /// Shares the policer with this number, or creates it.
        index(u32) => |index| index;
        /// Lets this many bytes per second conform.
        rate(Rate) => |rate| Some(rate);
        /// Lets this much pass at once on account of the rate.
        burst(impl Into<Burst>) => |burst| Some(burst.into());
        /// Lets longer packets than this exceed.
        mtu(u32) => |mtu| mtu;
        /// Limits the rate of the burst itself.
        peak(Rate) => |peak| Some(peak);
        /// Sets what packets cost on the link.
        framing(Framing) => |framing| framing;
        /// Lets traffic exceed from this measured average on.
        avrate(Rate) => |avrate| Some(avrate);
        /// Sets what becomes of packets that exceed.
        exceed(Control) => |exceed| exceed;
        /// Sets what becomes of packets that conform.
        conform(Control) => |conform| conform;
    }

    /// Lets `rate` packets per second conform, and `burst` packets at once.
    #[must_use]
    pub fn packet_rate(mut self, rate: u64, burst: u64) -> Self {
        self.packet_rate = Some((rate, PacketBurst::Packets(burst)));
        self
    }

    /// Why it cannot be sent, if so.
    fn fault(&self) -> Option<EncodeError> {
        match (self.rate, self.peak) {
            (Some(Rate::ZERO), _) => Some(EncodeError::out_of_range("rate of the policer", 0, "more than 0")),
            (_, Some(Rate::ZERO)) => {
                Some(EncodeError::out_of_range("peak rate of the policer", 0, "more than 0"))
            }
            (Some(_), _) if self.burst.is_none() => Some(EncodeError::Missing("the burst of the policer")),
            (Some(_), _) if self.packet_rate.is_some() => {
                Some(EncodeError::Invalid("a policer measures bytes or packets, not both"))
            }
            (None, Some(_)) => Some(EncodeError::Invalid("a policer's peak rate needs a rate")),
            _ => None,
        }
    }

    fn attrs(&self, clock: &Clock) -> PoliceAttrs {
        let spec = |rate: Option<Rate>, framing| match rate {
            Some(rate) => RateSpec::new(rate, framing),
            None => RateSpec::default(),
        };
        let rates = [self.rate, self.peak].map(Option::unwrap_or_default);
        let specs =
            [spec(self.rate, self.framing), spec(self.peak, self.peak_framing.unwrap_or(self.framing))];
        let (specs, [rate_table, peak_table]) = match &self.tables {
            None => Tables::Computed,
            Some(given) => Tables::Given(given.clone()),
        }
        .make(clock, specs, rates, self.mtu);
        let burst = self.burst.unwrap_or(Burst::Time(Ticks(0)));
        PoliceAttrs {
            tbf: Some(Parms {
                index: self.index,
                exceed: self.exceed,
                limit: 0,
                burst: burst.ticks(clock, rates[0]),
                mtu: self.mtu,
                rate: specs[0],
                peak: specs[1],
                references: self.references,
                bindings: self.bindings,
                capab: 0,
            }),
            rate_table,
            peak_table,
            rate64: self.rate.and_then(RateSpec::rate64),
            peak64: self.peak.and_then(RateSpec::rate64),
            avrate: self.avrate.map(|rate| Size::bytes(rate.as_bytes_per_second())),
            conform: Some(self.conform).filter(|conform| *conform != Control::Ok),
            packet_rate: self.packet_rate.map(|(rate, _)| rate),
            packet_burst: self.packet_rate.map(|(rate, burst)| burst.ticks(clock, rate)),
            times: self.times,
            unknown: Unknown::new(),
        }
    }
}

impl Kind for Police {
    const NAME: &'static str = "police";

    fn forget(&mut self) {
        (self.references, self.bindings, self.times) = (0, 0, None);
    }

    fn settle(&mut self, setting: &Setting) {
        settle::settle(self, &setting.clock);
    }

    fn number(&mut self, see: &mut dyn FnMut(ActionNumber<'_>)) {
        see(ActionNumber { kind: Self::NAME, index: &mut self.index, references: self.references });
    }

    fn handle(&self) -> Option<u32> {
        Some(self.index)
    }

    fn show(&self, page: &mut crate::text::Page) {
        show::show(self, page);
    }
}

impl Value for Police {
    fn encode(&self, w: &mut Writer) {
        self.fault().into_iter().for_each(|fault| w.fail(fault));
        self.attrs(&w.clock()).encode(w);
        self.unknown.encode(w);
    }

    fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        let attrs = PoliceAttrs::decode(payload)?;
        let parms = attrs.tbf.ok_or_else(|| DecodeError::missing("TCA_POLICE_TBF"))?;
        // The kernel looks at the 32-bit fields to see whether there is a rate, and then takes the larger of both.
        let rate_of = |spec: RateSpec, rate64| (spec.rate != 0).then(|| spec.rate(rate64));
        let rate = rate_of(parms.rate, attrs.rate64);
        let peak = rate.and_then(|_| rate_of(parms.peak, attrs.peak64));
        let framing = rate.map(|_| parms.rate.framing()).unwrap_or_default();
        let peak_framing = peak.map(|_| parms.peak.framing()).filter(|peak| *peak != framing);
        let tables =
            Tables::given([parms.rate, parms.peak], [attrs.rate_table, attrs.peak_table]).unwrap_or_default();
        let mut police = Police {
            index: parms.index,
            rate,
            burst: (rate.is_some() || parms.burst.0 != 0).then_some(Burst::Time(parms.burst)),
            mtu: parms.mtu,
            peak,
            framing,
            peak_framing,
            avrate: attrs.avrate.map(|rate| Rate::bytes_per_second(rate.as_bytes())),
            packet_rate: attrs
                .packet_rate
                .map(|rate| (rate, PacketBurst::Time(attrs.packet_burst.unwrap_or_default()))),
            exceed: parms.exceed,
            conform: attrs.conform.unwrap_or_default(),
            tables: None,
            references: parms.references,
            bindings: parms.bindings,
            times: attrs.times,
            unknown: attrs.unknown,
        };
        // Kernels look into a table only where no link layer is said. Otherwise it says nothing if it is there and has the
        // cells that would be computed anyway.
        if let Tables::Given(given) = tables {
            let computed = police.attrs(&Clock::default());
            let shape = |cells, tables: [&Option<RateTable>; 2]| (cells, tables.map(Option::is_some));
            let cells =
                computed.tbf.map(|parms| [parms.rate, parms.peak].map(RateSpec::cell)).unwrap_or_default();
            let (ours, theirs) = ([&computed.rate_table, &computed.peak_table], [&given.rate, &given.ceil]);
            let unaware = |spec: RateSpec| spec.rate != 0 && spec.framing().linklayer == LinkLayer::Unaware;
            let read = unaware(parms.rate) || unaware(parms.peak);
            if shape(cells, ours) != shape(given.cells, theirs) || read && ours != theirs {
                police.tables = Some(given);
            }
        }
        Ok(police)
    }

    fn name_at(path: &[u16]) -> Option<&'static str> {
        PoliceAttrs::name_at(path)
    }
}

impl Display for Police {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let clock = Clock::default();
        self.rate.say("rate", f)?;
        let rate = self.rate.unwrap_or_default();
        self.burst.filter(|_| self.rate.is_some()).map(|burst| burst.size(&clock, rate)).say("burst", f)?;
        self.packet_rate.map(|(rate, _)| rate).say("pkts_rate", f)?;
        self.packet_rate.map(|(rate, burst)| burst.packets(&clock, rate)).say("pkts_burst", f)?;
        self.peak.say("peakrate", f)?;
        self.avrate.say("avrate", f)?;
        if self.mtu != 0 {
            write!(f, " mtu {}", self.mtu)?;
        }
        self.framing.fmt(f)?;
        write!(f, " conform-exceed {}", self.exceed.number_or_word())?;
        if self.conform != Control::Ok {
            // Without the blanks tc takes `goto chain 1/pipe` for a chain.
            let many = [self.exceed, self.conform].map(Control::has_argument) != [false; 2];
            let slash = if many { " / " } else { "/" };
            write!(f, "{slash}{}", self.conform.number_or_word())?;
        }
        match self.index {
            0 => Ok(()),
            index => write!(f, " index {index}"),
        }
    }
}

attrs! {
    /// The policer's attributes as messages carry them.
    wordless struct PoliceAttrs {
        /// Index, verdict, bucket and rates.
        1 "TCA_POLICE_TBF" => tbf: Parms,
        /// The table for the rate.
        2 "TCA_POLICE_RATE" => rate_table: RateTable,
        /// The table for the peak rate.
        3 "TCA_POLICE_PEAKRATE" => peak_table: RateTable,
        /// Bytes per second.
        4 "TCA_POLICE_AVRATE" => avrate: Size,
        /// The verdict for what conforms.
        5 "TCA_POLICE_RESULT" => conform: Control,
        /// Since when.
        6 "TCA_POLICE_TM" => times: Times,
        7 "TCA_POLICE_PAD" => pad,
        /// The rate, where 32 bits are not enough.
        8 "TCA_POLICE_RATE64" => rate64: Rate,
        /// The peak rate, where 32 bits are not enough.
        9 "TCA_POLICE_PEAKRATE64" => peak64: Rate,
        /// Packets per second.
        10 "TCA_POLICE_PKTRATE64" => packet_rate: u64,
        /// Ticks.
        11 "TCA_POLICE_PKTBURST64" => packet_burst: u64,
    }
}

layout! {
    /// The policer's parameters as messages carry them.
    struct Parms = "tc_police" {
        index: u32,
        exceed: Control,
        limit: u32,
        burst: Ticks,
        mtu: u32,
        rate: RateSpec,
        peak: RateSpec,
        references: i32,
        bindings: i32,
        capab: u32,
    }
}

//! An HTB class's options in messages.

use super::HtbClass;
use crate::tc::{Burst, RateSpec, Tables};
use crate::units::Ticks;
use crate::wire::{DecodeError, EncodeError, Field, Names, Payloads, Reader, Value, Writer};

const TCA_HTB_PARMS: u16 = 1;
const TCA_HTB_CTAB: u16 = 3;
const TCA_HTB_RTAB: u16 = 4;
const TCA_HTB_RATE64: u16 = 6;
const TCA_HTB_CEIL64: u16 = 7;
const TCA_HTB_PAD: u16 = 8;

/// The attributes of a class. They are no declared set: a set would have to be put together, and taken apart again.
pub(in crate::tc::htb) const NAMES: Names = &[
    (TCA_HTB_PARMS, "TCA_HTB_PARMS"),
    (TCA_HTB_CTAB, "TCA_HTB_CTAB"),
    (TCA_HTB_RTAB, "TCA_HTB_RTAB"),
    (TCA_HTB_RATE64, "TCA_HTB_RATE64"),
    (TCA_HTB_CEIL64, "TCA_HTB_CEIL64"),
    (TCA_HTB_PAD, "TCA_HTB_PAD"),
];

/// How many numbers from 0 on there is room for, and the bits of those that are known.
const ROOM: usize = TCA_HTB_PAD as usize + 1;
const KNOWN: u32 = 1 << TCA_HTB_PARMS
    | 1 << TCA_HTB_CTAB
    | 1 << TCA_HTB_RTAB
    | 1 << TCA_HTB_RATE64
    | 1 << TCA_HTB_CEIL64
    | 1 << TCA_HTB_PAD;

layout! {
    /// An HTB class's parameters as messages carry them.
    pub(in crate::tc::htb) struct Parms = "tc_htb_opt" {
        pub rate: RateSpec,
        pub ceil: RateSpec,
        pub buffer: Ticks,
        pub cbuffer: Ticks,
        pub quantum: u32,
        pub level: u32,
        pub prio: u32,
    }
}

impl HtbClass {
    #[inline(never)]
    fn encode_with_tables(&self, mut parms: Parms, mtu: u32, w: &mut Writer) {
        let specs = [parms.rate, parms.ceil];
        let (specs, [rtab, ctab]) =
            self.tables.make(&w.clock(), specs, [self.rate, self.ceil_or_rate()], mtu);
        [parms.rate, parms.ceil] = specs;
        w.attr(TCA_HTB_PARMS, &parms);
        ctab.emit(TCA_HTB_CTAB, w);
        rtab.emit(TCA_HTB_RTAB, w);
    }
}

impl Value for HtbClass {
    fn encode(&self, w: &mut Writer) {
        if self.rate.is_zero() {
            w.fail(EncodeError::Missing("the rate of the htb class"));
        }
        let clock = w.clock();
        let mtu = self.mtu.unwrap_or(Self::DEFAULT_MTU);
        let ceil = self.ceil_or_rate();
        let bucket = |burst: Option<Burst>, rate| {
            burst.unwrap_or_else(|| clock.default_burst(rate, mtu).into()).ticks(&clock, rate)
        };
        let parms = Parms {
            rate: RateSpec::new(self.rate, self.framing),
            ceil: RateSpec::new(ceil, self.ceil_framing.unwrap_or(self.framing)),
            buffer: bucket(self.burst, self.rate),
            cbuffer: bucket(self.cburst, ceil),
            quantum: self.quantum,
            level: self.level,
            prio: self.prio,
        };
        match self.tables {
            Tables::None => w.attr(TCA_HTB_PARMS, &parms),
            _ => self.encode_with_tables(parms, mtu, w),
        }
        RateSpec::rate64(self.rate).emit(TCA_HTB_RATE64, w);
        RateSpec::rate64(ceil).emit(TCA_HTB_CEIL64, w);
        self.unknown.encode(w);
    }

    fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        let mut class = HtbClass::default();
        class.fill(payload)?;
        Ok(class)
    }

    #[inline(always)]
    fn fill(&mut self, payload: &[u8]) -> Result<(), DecodeError> {
        // Every field is named here, so that none keeps what it was before.
        let HtbClass {
            rate,
            ceil,
            burst,
            cburst,
            quantum,
            prio,
            level,
            mtu,
            framing,
            ceil_framing,
            tables,
            unknown,
        } = self;
        unknown.clear();
        let mut found = Payloads::<ROOM>::default();
        found.find(Reader::new(payload).attrs(), KNOWN, unknown)?;
        let Some(payload) = found.get(TCA_HTB_PARMS) else {
            return Err(DecodeError::missing("TCA_HTB_PARMS"));
        };
        let [rate64, ceil64] = [value(&found, TCA_HTB_RATE64)?, value(&found, TCA_HTB_CEIL64)?];
        let given = [value(&found, TCA_HTB_RTAB)?, value(&found, TCA_HTB_CTAB)?];
        let mut parms = Parms::default();
        parms.fill(payload).map_err(|e| e.inside("TCA_HTB_PARMS"))?;
        *rate = parms.rate.rate(rate64);
        *ceil = Some(parms.ceil.rate(ceil64)).filter(|ceil| ceil != rate);
        (*burst, *cburst) = (Some(parms.buffer.into()), Some(parms.cbuffer.into()));
        (*quantum, *prio, *level, *mtu) = (parms.quantum, parms.prio, parms.level, None);
        *framing = parms.rate.framing();
        *ceil_framing = (!parms.ceil.is_framed_as(&parms.rate)).then(|| parms.ceil.framing());
        *tables = Tables::given([parms.rate, parms.ceil], given).unwrap_or_default();
        Ok(())
    }

    fn name_at(path: &[u16]) -> Option<&'static str> {
        name(*path.first()?)
    }
}

/// The value of an attribute.
#[inline(always)]
fn value<T: Value>(found: &Payloads<'_, ROOM>, ty: u16) -> Result<Option<T>, DecodeError> {
    let Some(payload) = found.get(ty) else { return Ok(None) };
    T::decode(payload).map(Some).map_err(|e| e.inside(name(ty).unwrap_or("TCA_HTB")))
}

fn name(ty: u16) -> Option<&'static str> {
    NAMES.iter().find(|(number, _)| *number == ty).map(|(_, name)| *name)
}

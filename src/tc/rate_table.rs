//! The tables of what packets cost at a rate, which kernels before 3.8 needed.

use super::{Framing, LinkLayer, RateSpec};
use crate::clock::Clock;
use crate::units::{Rate, Size, Ticks};
use crate::wire::{DecodeError, Fixed, Reader, Value, Writer};

/// The rate tables that go with a pair of rates: HTB's rate and ceil (TCA_HTB_RTAB, TCA_HTB_CTAB), TBF's and the
/// policer's rate and peak rate.
///
/// Kernels since 3.8 use those of HTB and TBF for nothing where a link layer is given: 2 KiB that need not be sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Tables {
    /// None are sent.
    #[default]
    None,
    /// They are computed and sent, as `tc` does.
    Computed,
    /// They are sent as given.
    Given(Box<GivenTables>),
}

/// Rate tables as they came in a message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GivenTables {
    /// `cell_log` and `cell_align` of the rate and of the ceil or peak rate.
    pub cells: [(u8, i16); 2],
    /// The table for the rate.
    pub rate: Option<RateTable>,
    /// The table for the ceil or peak rate.
    pub ceil: Option<RateTable>,
}

/// Specs whose cells are filled in, and the tables that go with them.
type Made = ([RateSpec; 2], [Option<RateTable>; 2]);

impl GivenTables {
    #[inline(never)]
    fn make(&self, mut specs: [RateSpec; 2]) -> Made {
        for (spec, cell) in specs.iter_mut().zip(self.cells) {
            (spec.cell_log, spec.cell_align) = cell;
        }
        (specs, [self.rate.clone(), self.ceil.clone()])
    }
}

impl Tables {
    /// The tables to send with `specs`, whose cells are filled in. There is none for a rate of 0.
    #[inline]
    pub(super) fn make(&self, clock: &Clock, specs: [RateSpec; 2], rates: [Rate; 2], mtu: u32) -> Made {
        match self {
            Tables::None => (specs, [None, None]),
            Tables::Computed => Self::compute(clock, specs, rates, mtu),
            Tables::Given(given) => given.make(specs),
        }
    }

    #[inline(never)]
    fn compute(clock: &Clock, mut specs: [RateSpec; 2], rates: [Rate; 2], mtu: u32) -> Made {
        let table = |spec, rate: Rate| (!rate.is_zero()).then(|| RateTable::compute(clock, rate, spec, mtu));
        let [first, second] = &mut specs;
        let tables = [table(first, rates[0]), table(second, rates[1])];
        (specs, tables)
    }

    /// What packets cost where kernels see these tables beside it. All but ATM is the same to them.
    pub(super) fn settle(
        self,
        clock: &Clock,
        framings: [Framing; 2],
        rates: [Rate; 2],
        mtu: u32,
    ) -> [Framing; 2] {
        let [mut first, mut second] = framings;
        if framings.iter().any(|framing| framing.linklayer == LinkLayer::Unaware) && self != Tables::None {
            let specs = [RateSpec::new(rates[0], first), RateSpec::new(rates[1], second)];
            let (specs, [rate, ceil]) = self.make(clock, specs, rates, mtu);
            for ((framing, spec), table) in [&mut first, &mut second].into_iter().zip(specs).zip([rate, ceil])
            {
                let unaware = framing.linklayer == LinkLayer::Unaware;
                if table.is_some_and(|table| unaware && table.shows_cells(spec)) {
                    framing.linklayer = LinkLayer::Atm;
                }
            }
        }
        [first.settled(), second.settled()]
    }

    /// The bytes in a cell of the table for the rate, and of that for the ceil or peak rate: 1 without tables.
    pub(super) fn cell_sizes(&self) -> [u32; 2] {
        match self {
            Tables::Given(given) => given.cells.map(|(log, _)| 1u32.checked_shl(log.into()).unwrap_or(0)),
            _ => [1, 1],
        }
    }

    /// The tables that came with `specs`, if any did.
    #[inline(always)]
    pub(super) fn given(specs: [RateSpec; 2], [rate, ceil]: [Option<RateTable>; 2]) -> Option<Self> {
        #[cold]
        #[inline(never)]
        fn given(cells: [(u8, i16); 2], rate: Option<RateTable>, ceil: Option<RateTable>) -> Tables {
            Tables::Given(Box::new(GivenTables { cells, rate, ceil }))
        }
        let cells = specs.map(RateSpec::cell);
        let [(log, align), (ceil_log, ceil_align)] = cells;
        let is_none = (log | ceil_log, align | ceil_align) == (0, 0) && rate.is_none() && ceil.is_none();
        (!is_none).then(|| given(cells, rate, ceil))
    }
}

#[cfg(any(test, feature = "generate"))]
impl crate::wire::generate::Generate for GivenTables {
    fn generate(g: &mut crate::wire::generate::Source<'_>) -> Self {
        GivenTables { cells: [(3, -1); 2], rate: Option::generate(g), ceil: Option::generate(g) }
    }
}

/// What each packet size costs at a rate, as kernels before 3.8 needed it and `tc` still sends it.
///
/// Current kernels look at it only to guess ATM where [`LinkLayer::Unaware`] is said.
#[doc(alias = "TCA_HTB_RTAB")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateTable {
    /// The cost of packets up to `(i + 1) << cell_log` bytes.
    pub slots: Box<[Ticks; 256]>,
}

impl RateTable {
    /// The table for packets up to `mtu` bytes (0 is 2047), and the spec with the table's cells filled in.
    ///
    /// `tc/tc_core.c` of iproute2 is what defines it: the cells are the smallest that reach the MTU.
    pub fn compute(clock: &Clock, rate: Rate, spec: &mut RateSpec, mtu: u32) -> Self {
        let mtu = if mtu == 0 { 2047 } else { mtu };
        let cell_log = (0..=23u8).find(|log| mtu >> log <= 255).unwrap_or(23);
        (spec.cell_log, spec.cell_align) = (cell_log, -1);
        let layer = LinkLayer::from_raw(spec.linklayer);
        let slots = std::array::from_fn(|i| {
            let size = ((i as u32 + 1) << cell_log).max(spec.mpu.into());
            clock.xmit_ticks(rate, Size::bytes(layer.cost(size).into()))
        });
        RateTable { slots: Box::new(slots) }
    }
}

impl RateTable {
    /// Whether kernels guess ATM from it: sizes that fill the same cell cost the same (`__detect_linklayer` of
    /// `net/sched/sch_api.c`).
    fn shows_cells(&self, spec: RateSpec) -> bool {
        const FAST: u32 = 100_000_000 / 8;
        let slot = |size: u32| self.slots.get((size >> spec.cell_log) as usize);
        let known = (1..32).contains(&spec.cell_log) && (1..=FAST).contains(&spec.rate);
        if !known || self.slots.first() == Some(&Ticks(0)) {
            return false;
        }
        let low = u32::from(spec.mpu).next_multiple_of(48);
        let high = (low + 1).next_multiple_of(48);
        let (first, behind) = (low >> spec.cell_log, high >> spec.cell_log);
        let last = behind.checked_sub(1).filter(|last| *last > first && *last < 256);
        last.is_some_and(|last| slot(low) == self.slots.get(last as usize))
    }
}

impl Value for RateTable {
    fn encode(&self, w: &mut Writer) {
        w.fixed(&*self.slots);
    }
    fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(payload);
        Ok(RateTable { slots: Box::new(Fixed::read(&mut r)?) })
    }
}

#[cfg(any(test, feature = "generate"))]
impl crate::wire::generate::Generate for RateTable {
    fn generate(g: &mut crate::wire::generate::Source<'_>) -> Self {
        RateTable { slots: crate::wire::generate::Generate::generate(g) }
    }
}

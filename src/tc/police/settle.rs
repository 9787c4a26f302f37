use super::Police;
use crate::clock::Clock;
use crate::tc::{Framing, PacketBurst};

/// The size of the cells in which a rate table reaches the default MTU.
const DEFAULT_CELL_LOG: u8 = 3;

/// Makes of a policer what kernels make of it: `tcf_police_init`
pub(super) fn settle(police: &mut Police, clock: &Clock) {
    police.unknown.clear();
    let tables = police.tables.take();
    if police.mtu == 0 {
        let log = tables.map_or(DEFAULT_CELL_LOG, |tables| tables.cells[0].0);
        police.mtu = police.rate.map_or(u32::MAX, |_| 255u32.wrapping_shl(log.into()));
    }
    police.avrate = police.avrate.filter(|rate| !rate.is_zero());
    police.packet_rate = police.packet_rate.map(|(rate, burst)| {
        // Kernels count nanoseconds with a sign: the upper bits of the ticks do not fit.
        let ticks = burst.ticks(clock, rate).cast_signed() << 6 >> 6;
        (rate, PacketBurst::Time(ticks.cast_unsigned()))
    });
    let Some(rate) = police.rate else {
        (police.burst, police.peak, police.peak_framing) = (None, None, None);
        police.framing = Framing::default();
        return;
    };
    police.burst = police.burst.map(|burst| burst.ticks(clock, rate).into());
    // They keep the link layer that was said, not the one that they guess from the table.
    let peak_framing = police.peak_framing.unwrap_or(police.framing).settled();
    police.framing = police.framing.settled();
    police.peak_framing = Some(peak_framing).filter(|peak| police.peak.is_some() && *peak != police.framing);
}

use super::Tbf;
use crate::clock::Clock;
use crate::tc::Burst;
use crate::text::Page;
use crate::units::{Rate, Size, Ticks};

impl Tbf {
    /// Shows the options; see [`Kind::show`](crate::tc::Kind::show).
    pub(super) fn show_options(&self, page: &mut Page) {
        let raw = page.layout().raw;
        let [cell, peak_cell] = self.tables.cell_sizes();
        let shown = page.rate(self.rate);
        page.field("rate", self.rate.as_bytes_per_second(), format_args!("rate {shown} "));
        Bucket { words: ["burst", "burst"], burst: self.burst, rate: self.rate, cell, mpu: self.framing.mpu }
            .show(page);
        if let Some(peak) = self.peak {
            let shown = page.rate(peak);
            // JSON has never had it.
            page.text(format_args!("peakrate {shown} "));
            let mpu = self.peak_framing.unwrap_or(self.framing).mpu;
            let words = ["minburst", "mtu"];
            Bucket { words, burst: self.mtu, rate: peak, cell: peak_cell, mpu }.show(page);
        }
        let limit = self.limit_bytes(&page.clock()).unwrap_or(u32::MAX);
        let latency = self.latency_of(limit, &page.clock());
        if let Some(latency) = latency {
            let shown = page.micros(u32::try_from(latency).unwrap_or(u32::MAX));
            page.field("lat", latency, format_args!("lat {shown} "));
        }
        if raw || latency.is_none() {
            let shown = page.size(Size::bytes(limit.into()));
            page.field("limit", limit, format_args!("limit {shown} "));
        }
        self.framing.show_overhead(page);
        self.framing.linklayer.show(page);
    }

    /// For how long a packet may wait, in microseconds, where so many bytes may; `None` where that is less than the burst.
    fn latency_of(&self, limit: u32, clock: &Clock) -> Option<u64> {
        let beyond = |rate: Rate, burst: Option<Burst>| {
            let all = f64::from(limit) / rate.as_bytes_per_second() as f64 * 1e6;
            let burst = burst.map_or(Ticks(0), |burst| burst.ticks(clock, rate));
            all - f64::from(clock.ticks_to_micros(burst).0)
        };
        let latency = beyond(self.rate, self.burst);
        let latency = self.peak.map_or(latency, |peak| latency.max(beyond(peak, self.mtu)));
        (latency >= 0.0).then_some(latency as u64)
    }
}

/// One of the two buckets, with its word, and its word in details.
struct Bucket {
    words: [&'static str; 2],
    burst: Option<Burst>,
    rate: Rate,
    cell: u32,
    mpu: u16,
}

impl Bucket {
    fn show(self, page: &mut Page) {
        let Bucket { words: [word, detailed], burst, rate, cell, mpu } = self;
        let clock = page.clock();
        let bytes = burst.map(|burst| burst.size(&clock, rate)).unwrap_or_default();
        let shown = page.size(bytes);
        if page.layout().details {
            page.field(detailed, format!("{shown}/{cell}"), format_args!("{detailed} {shown}/{cell} "));
            let shown = page.size(Size::bytes(mpu.into()));
            page.field("mpu", mpu, format_args!("mpu {shown} "));
        } else {
            page.field(word, bytes.as_bytes(), format_args!("{word} {shown} "));
        }
        if page.layout().raw {
            let ticks = burst.map_or(0, |burst| burst.ticks(&clock, rate).0);
            page.field(&format!("{detailed}_raw"), format!("{ticks:x}"), format_args!("[{ticks:08x}] "));
        }
    }
}

use super::Json;
use tcnl::clock::Clock;
use tcnl::tc::sfq::{Average, Red, Sfq};
use tcnl::tc::tbf::{Limit, Tbf};
use tcnl::tc::Burst;
use tcnl::units::{Rate, Size};

/// iproute2 leaves out what is 0.
fn given(value: u32) -> Option<u32> {
    Some(value).filter(|value| *value != 0)
}

pub fn put_sfq(json: &mut Json, sfq: &Sfq) {
    json.some("limit", given(sfq.limit.0));
    json.put("quantum", sfq.quantum);
    json.some("depth", given(sfq.depth));
    json.flag("headdrop", sfq.headdrop);
    json.some("flows", given(sfq.flows));
    json.some("divisor", given(sfq.divisor));
    json.some("perturb", given(sfq.perturb));
    let Some(red) = &sfq.red else { return };
    let Average::Logs { w_log, .. } = red.average else { panic!("a kernel says logarithms") };
    json.put("ewma", w_log);
    json.put("min", red.min);
    json.put("max", red.max);
    json.put("probability", (red.probability.as_fraction() * 1e6).round() / 1e6);
    json.put("ecn", red.flags & Red::ECN != 0);
    json.put("harddrop", red.flags & Red::HARDDROP != 0);
    json.put("adaptive", red.flags & 4 != 0);
    json.put("nodrop", red.flags & 8 != 0);
    json.put("prob_mark", sfq.red_stats.prob_mark);
    json.put("prob_mark_head", sfq.red_stats.prob_mark_head);
    json.put("prob_drop", sfq.red_stats.prob_drop);
    json.put("forced_mark", sfq.red_stats.forced_mark);
    json.put("forced_mark_head", sfq.red_stats.forced_mark_head);
    json.put("forced_drop", sfq.red_stats.forced_drop);
}

pub fn put_tbf(json: &mut Json, tbf: &Tbf) {
    let clock = Clock::default();
    let size = |burst: Burst, rate: Rate| burst.size(&clock, rate);
    let Some(Limit::Bytes(limit)) = tbf.limit else { panic!("a kernel says bytes") };
    let burst = tbf.burst.map(|burst| size(burst, tbf.rate)).expect("a burst");
    json.put("rate", tbf.rate.as_bytes_per_second());
    json.put("burst", format!("{}/1", rounded(burst)));
    json.put("mpu", tbf.framing.mpu);
    // The peak rate is shown as text only.
    json.some("mtu", tbf.mtu.zip(tbf.peak).map(|(mtu, peak)| format!("{}/1", rounded(size(mtu, peak)))));
    // How long the queue takes beyond the burst, in microseconds.
    let latency = |rate: Rate, burst: u64| {
        (limit.as_bytes() as f64 - burst as f64) * 1e6 / rate.as_bytes_per_second() as f64
    };
    let slower = latency(tbf.rate, burst.as_bytes());
    let peak = tbf.peak.zip(tbf.mtu).map(|(peak, mtu)| latency(peak, size(mtu, peak).as_bytes()));
    json.put("lat", peak.map_or(slower, |peak| peak.max(slower)) as u64);
    json.some("overhead", Some(tbf.framing.overhead).filter(|overhead| *overhead != 0));
    json.put("linklayer", tbf.framing.linklayer.to_string());
}

/// iproute2 rounds to MiB what is less than 1 KiB away from them, and to KiB what is less than 16 bytes away.
fn rounded(size: Size) -> Size {
    let bytes = size.as_bytes();
    let near = |unit: u64, by: u64| {
        let round = (bytes + unit / 2) / unit * unit;
        (bytes >= unit && round.abs_diff(bytes) < by).then_some(Size::bytes(round))
    };
    near(1 << 20, 1024).or(near(1024, 16)).unwrap_or(size)
}

use super::Page;
use crate::units::{Rate, Size};

/// Amounts as `tc`'s show commands round them: unlike what `Display` prints, they need not read back as the same.
/// In JSON they are plain numbers.
impl Page {
    /// A rate in bits per second, with the largest unit that loses nothing, or little: `10Mbit`.
    pub fn rate(&self, rate: Rate) -> String {
        let (kilo, infix) = if self.layout().iec { (1024, "i") } else { (1000, "") };
        let mut value = u128::from(rate.as_bytes_per_second()) * 8;
        let mut unit = 0;
        while unit < 4 && value >= kilo && (value % kilo == 0 || value >= 1000 * kilo) {
            value /= kilo;
            unit += 1;
        }
        let infix = if unit > 0 { infix } else { "" };
        format!("{value}{}{infix}bit", ["", "K", "M", "G", "T"].get(unit).unwrap_or(&""))
    }

    /// A size in bytes; within 16 bytes of a KiB and 1 KiB of a MiB those are the unit: `15Kb`.
    pub fn size(&self, size: Size) -> String {
        const KB: u64 = 1024;
        const MB: u64 = KB * KB;
        let bytes = size.as_bytes();
        let near = |unit: u64, within: u64| {
            let (below, rest) = (bytes / unit, bytes % unit);
            // Halves go to the even number, as in floating point.
            let round = below + u64::from(rest > unit / 2 || (rest == unit / 2 && below % 2 == 1));
            // Rounded up, the largest sizes would not fit.
            (bytes >= unit && round.saturating_mul(unit).abs_diff(bytes) < within).then_some(round)
        };
        match (near(MB, 1024), near(KB, 16)) {
            (Some(mb), _) => format!("{mb}Mb"),
            (None, Some(kb)) => format!("{kb}Kb"),
            (None, None) => format!("{bytes}b"),
        }
    }

    /// A time in microseconds, with three digits that count: `1.5ms`.
    pub fn micros(&self, micros: u32) -> String {
        match micros {
            1_000_000.. => format!("{}s", digits(f64::from(micros) / 1e6, 3)),
            1_000.. => format!("{}ms", digits(f64::from(micros) / 1e3, 3)),
            _ => format!("{micros}us"),
        }
    }
}

/// A finite number with this many digits that count, up to 9: what C prints for `%.3g`.
pub(super) fn digits(value: f64, count: usize) -> String {
    let trim = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    let last = count.saturating_sub(1);
    // Rounding first: it may bring the next power of ten.
    let text = format!("{value:.last$e}");
    let (mantissa, power) = text.split_once('e').unwrap_or((&text, "0"));
    match power.parse::<isize>().unwrap_or_default() {
        power if power < -4 => format!("{}e-{:02}", trim(mantissa), -power),
        power => match last.checked_add_signed(-power) {
            Some(places) => trim(&format!("{value:.places$}")),
            None => format!("{}e+{power:02}", trim(mantissa)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Layout;

    #[test]
    fn amounts_are_rounded_as_tc_rounds_them() {
        let page = Page::new(Layout::default());
        for (bits, text) in [(0, "0bit"), (8, "8bit"), (1_000, "1Kbit"), (1_500_000, "1500Kbit")] {
            assert_eq!(page.rate(Rate::bit(bits)), text);
        }
        assert_eq!(page.rate(Rate::gbit(40)), "40Gbit");
        // Beyond a thousand units, what is left over is dropped.
        assert_eq!(page.rate(Rate::bit(1_234_568)), "1234Kbit");
        let iec = Page::new(Layout { iec: true, ..Layout::default() });
        assert_eq!(iec.rate(Rate::bit(1 << 20)), "1Mibit");
        for (bytes, text) in [
            (1600, "1600b"),
            (1599, "1599b"),
            (1030, "1Kb"),
            (15 << 10, "15Kb"),
            (1 << 20, "1Mb"),
            ((1 << 20) - 8, "1024Kb"),
            ((1 << 20) + 8, "1Mb"),
            (512, "512b"),
            (u64::MAX, "17592186044416Mb"),
        ] {
            assert_eq!(page.size(Size(bytes)), text);
        }
        for (micros, text) in [
            (999, "999us"),
            (1_000, "1ms"),
            (1_500, "1.5ms"),
            (123_456, "123ms"),
            (12_345_678, "12.3s"),
            (4_294_967_295, "4.29e+03s"),
        ] {
            assert_eq!(page.micros(micros), text);
        }
    }

    #[test]
    fn fractions_have_as_many_digits_as_are_asked_for() {
        for (value, text) in [
            (0.0, "0"),
            (1.0, "1"),
            (85_899_345.0 / 4_294_967_296.0, "0.02"),
            (1.0 / 4_294_967_296.0, "2.32831e-10"),
            (0.000_099_999_8, "9.99998e-05"),
            (0.000_123_456_78, "0.000123457"),
            (123_456.0, "123456"),
            (999_999.5, "1e+06"),
            (-1.5, "-1.5"),
        ] {
            assert_eq!(digits(value, 6), text);
        }
    }
}

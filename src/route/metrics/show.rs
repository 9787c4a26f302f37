//! Metrics as `ip route show` has them.

use super::Metrics;
use crate::route::show::six_digits;
use crate::text::Page;

const HOPLIMIT: u32 = 10;
const FEATURES: u32 = 12;
const CONGCTL: u32 = 16;

impl Metrics {
    /// Shows the metrics, if there are any. As in `ip`, those without a name are not shown.
    pub(in crate::route) fn show(&self, page: &mut Page) {
        if self.is_empty() {
            return;
        }
        let mut all: Vec<(u32, Option<u32>, &str)> =
            self.numbers().into_iter().map(|(number, value, word, _)| (number, value, word)).collect();
        all.extend([(FEATURES, self.features, "features"), (CONGCTL, None, "congctl")]);
        all.sort_unstable_by_key(|(number, ..)| *number);
        page.list("metrics", |page| {
            page.object(|page| {
                for (number, value, word) in all {
                    self.show_one(number, value, word, page);
                }
            });
        });
    }

    /// A metric that is fixed is shown even without a value.
    fn show_one(&self, number: u32, value: Option<u32>, word: &str, page: &mut Page) {
        let lock = self.fixed(number);
        let there = value.is_some() || (number == CONGCTL && self.congctl.is_some());
        let value = value.unwrap_or(0);
        let none = !there && lock.is_empty();
        if none || (number == HOPLIMIT && value == u32::MAX) {
            return;
        }
        page.text(format_args!("{word} {lock}"));
        match number {
            4 => time(word, value / 8, page),
            5 => time(word, value / 4, page),
            13 => time(word, value, page),
            FEATURES => features(value, page),
            CONGCTL => {
                let name = self.congctl.as_ref().map_or("", |name| &name.0);
                page.field("congestion", name, format_args!("{name} "));
            }
            _ => page.field(word, value, format_args!("{value} ")),
        }
    }
}

fn time(word: &str, ms: u32, page: &mut Page) {
    match ms {
        1000.. => page.field(word, ms, format_args!("{}s ", six_digits(f64::from(ms) / 1e3))),
        _ => page.field(word, ms, format_args!("{ms}ms ")),
    }
}

/// By name as far as they have one; all of them as a number if one has none.
fn features(bits: u32, page: &mut Page) {
    let mut rest = bits;
    for (bit, word) in [(1, "ecn"), (16, "tcp_usec_ts")] {
        if bits & bit != 0 {
            page.field(word, crate::text::Scalar::Null, format_args!("{word} "));
            rest &= !bit;
        }
    }
    if rest != 0 {
        page.field("features", format!("{bits:#x}"), format_args!("{bits:#x} "));
    }
}

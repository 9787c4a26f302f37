//! The levels of the fewest look-ups.

use super::{place, Layout, Level};
use crate::units::Family;

/// So many look-ups in one level are few enough: more tables would not pay.
const FEW: usize = 9;
/// So many of the best single levels are tried together with every other.
const BEST: usize = 4;

/// What levels cost, the lowest first: the most look-ups of a packet, and how many filters there are.
type Cost = (usize, usize);

/// The levels of the lowest cost for prefixes.
pub(super) fn levels(family: Family, prefixes: &[(u128, u8)]) -> Vec<Level> {
    let mut counts = Counts::default();
    let mut singles: Vec<(Cost, Level)> =
        candidates(family, prefixes).map(|level| (counts.cost(&[level], prefixes), level)).collect();
    singles.sort_unstable();
    let usual = Level { at: if family == Family::V4 { 24 } else { 56 }, bits: 8 };
    let Some((cost, best)) = singles.first().copied() else { return vec![usual] };
    if cost.0 <= FEW {
        return vec![best];
    }
    let mut choice = (cost, vec![best]);
    for (_, one) in singles.iter().take(BEST) {
        for (_, other) in singles.iter().filter(|(_, other)| !one.overlaps(*other)) {
            let pair = vec![*one.min(other), *one.max(other)];
            choice = choice.min((counts.cost(&pair, prefixes), pair));
        }
    }
    choice.1
}

/// Eight bits each, in which the prefixes differ.
fn candidates<'a>(family: Family, prefixes: &'a [(u128, u8)]) -> impl Iterator<Item = Level> + use<'a> {
    let first = prefixes.first().map_or(0, |(address, _)| *address);
    let differ = prefixes.iter().fold(0, |differ, (address, _)| differ | address ^ first);
    let all = (0..family.bits()).filter_map(|at| Level::new(at, 8).ok());
    all.filter(move |level| level.end() <= family.bits() && level.bucket(differ) != 0)
}

/// How many filters stand in each bucket. Kept, because it is needed for each of many levels.
#[derive(Default)]
struct Counts {
    upper: Vec<usize>,
    lower: Vec<usize>,
}

impl Counts {
    fn cost(&mut self, levels: &[Level], prefixes: &[(u128, u8)]) -> Cost {
        self.upper.clear();
        self.upper.resize(256, 0);
        self.lower.clear();
        self.lower.resize(if levels.len() == 2 { 1 << 16 } else { 0 }, 0);
        let (mut top, mut all) = (0, 0);
        for prefix in prefixes {
            place(levels, Layout::COPIES, *prefix, |(table, bucket)| {
                all += 1;
                let bucket = usize::from(bucket);
                let count = match table {
                    0 => Some(&mut top),
                    1 => self.upper.get_mut(bucket),
                    _ => self.lower.get_mut((usize::from(table) - 2) << 8 | bucket),
                };
                count.into_iter().for_each(|count| *count += 1);
            });
        }
        let deepest =
            |above: usize| match self.lower.get(above << 8..(above + 1) << 8).map(|below| below.iter().max())
            {
                Some(Some(below)) if *below != 0 => 1 + below,
                _ => 0,
            };
        let most = self.upper.iter().enumerate().map(|(above, count)| count + deepest(above)).max();
        (1 + top + most.unwrap_or_default(), all)
    }
}

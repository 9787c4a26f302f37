use super::simulation::{check, uplinks, World};
use super::*;
use crate::units::Percent;
use proptest::prelude::*;

/// As fast as it can.
pub(super) const GREEDY: f64 = f64::INFINITY;

pub(super) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn usable(all: &[bool]) -> Vec<Sample> {
    all.iter().map(|usable| Sample { usable: *usable, ..Sample::default() }).collect()
}

#[test]
fn a_first_sample_decides_also_where_nothing_works() {
    let all = uplinks(&[20, 20]);
    let selectors: [Box<dyn Selector>; 4] = [
        Box::new(EmptierUplink::new(&all)),
        Box::new(Weighted::new(&all)),
        Box::new(Failover::new(&all, seconds(30))),
        Box::new(Overflow::new(&all, Percent::new(80.0))),
    ];
    for mut selector in selectors {
        let decision = selector.select(Duration::ZERO, &[]).unwrap();
        assert_eq!(decision.weights, [0, 0]);
        assert_eq!(decision.reason, "no uplink works: new connections are refused");
        assert_eq!(selector.select(seconds(1), &[]), None);
        let decision = selector.select(seconds(2), &usable(&[true, true])).unwrap();
        assert!(decision.reason.starts_with("a and b are usable again; "), "{}", decision.reason);
    }
}

/// Three uplinks: the second of a higher tier, the third costs.
pub(super) fn ranked() -> Vec<Uplink> {
    let [a, b, c]: [Uplink; 3] = uplinks(&[20, 20, 20]).try_into().unwrap();
    vec![a, b.tier(1), c.metered(true)]
}

#[test]
fn a_higher_tier_and_what_costs_wait_until_the_others_fail() {
    let all = ranked();
    let selectors: [Box<dyn Selector>; 4] = [
        Box::new(EmptierUplink::new(&all)),
        Box::new(Weighted::new(&all)),
        Box::new(Failover::new(&all, Duration::ZERO)),
        Box::new(Overflow::new(&all, Percent::new(80.0))),
    ];
    for mut selector in selectors {
        let mut chosen = |usable_now: [bool; 3], at: u64| {
            let decision = selector.select(seconds(at), &usable(&usable_now)).unwrap();
            decision.weights.iter().map(|weight| *weight != 0).collect::<Vec<_>>()
        };
        assert_eq!(chosen([true, true, true], 0), [true, false, false]);
        assert_eq!(chosen([false, true, true], 1), [false, true, false]);
        assert_eq!(chosen([false, false, true], 2), [false, false, true]);
        assert_eq!(chosen([true, false, true], 3), [true, false, false]);
    }
}

#[test]
fn fixed_shares_change_only_with_what_is_usable() {
    let [a, b, c]: [Uplink; 3] = uplinks(&[20, 20, 20]).try_into().unwrap();
    let all = [a.weight(3), b.weight(1), c.weight(256)];
    let mut world = World::new(&all, Weighted::new(&all));
    world.run(seconds(1));
    assert_eq!(world.reason(), "new connections go to a, b and c as 3 to 1 to 256");
    world.open(GREEDY, None);
    world.run(seconds(5));
    assert_eq!(world.decisions.len(), 1);
    world.usable[2] = false;
    world.look();
    assert_eq!(world.weights, [3, 1, 0]);
    world.usable[0] = false;
    world.look();
    assert_eq!(world.reason(), "a is not usable any more; new connections go to b");
}

#[test]
fn weights_out_of_range_are_made_to_fit() {
    let [a, b]: [Uplink; 2] = uplinks(&[20, 20]).try_into().unwrap();
    let mut selector = Weighted::new(&[a.weight(0), b.weight(60_000)]);
    assert_eq!(selector.select(Duration::ZERO, &usable(&[true, true])).unwrap().weights, [1, 256]);
}

#[test]
fn failover_goes_away_at_once_and_back_after_the_hold_time() {
    let all = uplinks(&[20, 20, 20]);
    let mut selector = Failover::new(&all, seconds(30));
    let mut at = |time: u64, now: [bool; 3]| {
        let decision = selector.select(seconds(time), &usable(&now))?;
        Some((decision.weights.iter().position(|weight| *weight != 0), decision.reason))
    };
    let said = |index: usize, reason: &str| Some((Some(index), reason.to_owned()));
    assert_eq!(at(0, [true; 3]), said(0, "new connections go to a"));
    assert_eq!(at(1, [true; 3]), None);
    assert_eq!(at(10, [false, true, true]), said(1, "a is not usable any more; new connections go to b"));
    assert_eq!(at(20, [true; 3]), None);
    assert_eq!(at(49, [true; 3]), None);
    assert_eq!(
        at(50, [true; 3]),
        said(0, "a has worked for 30 s and comes before b: new connections go to a")
    );
    // One that comes and goes does not get anything.
    at(60, [false, true, true]);
    for time in 61..200 {
        assert_eq!(at(time, [time % 20 != 0, true, true]), None, "{time}");
    }
    // The one in use fails: the one that has lasted comes before the one that has just come back.
    assert_eq!(at(201, [true, false, true]), said(2, "b is not usable any more; new connections go to c"));
    assert_eq!(at(202, [true, true, true]), None);
    // Only a new one is left, and it is better than what comes later.
    assert_eq!(at(203, [false, true, false]).unwrap().0, Some(1));
    assert_eq!(at(204, [false, true, true]), None);
    assert_eq!(at(240, [false, true, true]), None);
    assert_eq!(at(300, [false; 3]).unwrap().0, None);
}

#[test]
fn overflow_fills_one_after_the_other_and_comes_back() {
    let all = uplinks(&[20, 20, 20]);
    let mut world = World::new(&all, Overflow::new(&all, Percent::new(80.0)));
    world.run(seconds(1));
    assert_eq!(world.open(10.0, None), 0);
    world.run(seconds(3));
    assert_eq!(world.open(8.0, None), 0);
    world.run(seconds(3));
    assert!(world.reason().starts_with("a is full (8"), "{}", world.reason());
    assert!(world.reason().ends_with("the limit is 80 %): new connections go to b"), "{}", world.reason());
    assert_eq!(world.open(GREEDY, None), 1);
    world.run(seconds(3));
    assert_eq!(world.open(GREEDY, None), 2);
    world.run(seconds(3));
    // All are full: the choice stands.
    let now = world.now;
    world.run(seconds(10));
    assert_eq!(world.decisions_since(now), 0);
    world.close_all();
    world.run(seconds(3));
    assert_eq!(world.weights, [1, 0, 0]);
    assert!(world.reason().contains("a has room again ("), "{}", world.reason());
}

#[test]
fn overflow_does_not_swing_around_its_limit() {
    let all = uplinks(&[20, 20]);
    let mut world = World::new(&all, Overflow::new(&all, Percent::new(80.0)));
    world.run(seconds(1));
    world.open_on(0, 16.8);
    world.run(seconds(3));
    assert_eq!(world.weights, [0, 1]);
    let now = world.now;
    // Between three quarters of the limit and the limit.
    for round in 0..20 {
        world.close_all();
        world.open_on(0, if round % 2 == 0 { 12.5 } else { 16.5 });
        world.run(seconds(1));
    }
    assert_eq!(world.decisions_since(now), 0, "{}", world.reason());
}

proptest! {
    #[test]
    fn whatever_the_counters_say_the_weights_make_sense(
        count in 1usize..9,
        tiers: [u8; 8],
        metered: [bool; 8],
        looks in proptest::collection::vec(
            (0u64..5000, proptest::collection::vec((any::<bool>(), any::<u64>(), 0u64..100_000_000), 0..10)),
            1..40,
        ),
        small: bool,
    ) {
        let all: Vec<Uplink> = uplinks(&vec![if small { 0 } else { 20 }; count])
            .into_iter()
            .zip(tiers.into_iter().zip(metered))
            .map(|(uplink, (tier, metered))| uplink.tier(tier % 3).metered(metered).weight(u16::from(tier)))
            .collect();
        let selectors: [Box<dyn Selector>; 4] = [
            Box::new(EmptierUplink::new(&all)),
            Box::new(Weighted::new(&all)),
            Box::new(Failover::new(&all, seconds(3))),
            Box::new(Overflow::new(&all, Percent::new(f64::from(tiers[0])))),
        ];
        for mut selector in selectors {
            let mut now = Duration::ZERO;
            let mut weights = None;
            for (pause, samples) in &looks {
                now += Duration::from_millis(*pause);
                let samples: Vec<Sample> = samples
                    .iter()
                    .map(|(usable, rx_bytes, tx_bytes)| Sample { usable: *usable, rx_bytes: *rx_bytes, tx_bytes: *tx_bytes })
                    .collect();
                if let Some(decision) = selector.select(now, &samples) {
                    prop_assert!(!decision.reason.is_empty());
                    weights = Some(decision.weights);
                }
                let is_usable = |index| samples.get(index).is_some_and(|sample: &Sample| sample.usable);
                let usable: Vec<bool> = (0..count).map(is_usable).collect();
                check(weights.as_deref().expect("the first call decides"), &usable);
            }
        }
    }
}

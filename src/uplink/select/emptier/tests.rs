use super::super::simulation::{uplinks, World};
use super::super::tests::{ranked, seconds, GREEDY};
use super::*;

fn emptier(capacities: &[u64]) -> World {
    let uplinks = uplinks(capacities);
    let selector = EmptierUplink::new(&uplinks);
    World::new(&uplinks, selector)
}

#[test]
fn two_staggered_downloads_end_on_different_uplinks() {
    for pause in [1, 2, 5] {
        for late in [0, 40, 300] {
            let mut world = emptier(&[20, 20]);
            world.late = Duration::from_millis(late);
            world.run(seconds(1));
            let first = world.open(GREEDY, None);
            world.run(seconds(pause));
            let second = world.open(GREEDY, None);
            assert_ne!(first, second, "{pause} s, {late} ms: {}", world.reason());
        }
    }
}

#[test]
fn as_many_staggered_downloads_as_uplinks_use_them_all() {
    for count in [3, 8] {
        let mut world = emptier(&vec![20; count]);
        world.run(seconds(1));
        for _ in 0..count {
            world.open(GREEDY, None);
            world.run(seconds(2));
        }
        assert_eq!(world.counts(), vec![1; count]);
    }
}

#[test]
fn the_reason_has_the_numbers() {
    let mut world = emptier(&[20, 20]);
    world.run(seconds(1));
    assert_eq!(
        world.decisions[0].1.reason,
        "a has 20.0 of 20.0Mbit free, b 20.0 of 20.0Mbit: new connections go to a and b in equal parts"
    );
    world.open_on(0, GREEDY);
    world.run(seconds(3));
    assert_eq!(
        world.reason().split(" of 20.0Mbit").collect::<Vec<_>>(),
        ["b has 20.0", " free, a 7.2", ": new connections go to b"]
    );
}

#[test]
fn twenty_flows_in_a_burst_do_not_all_herd() {
    for count in [2, 3, 8] {
        let mut world = emptier(&vec![20; count]);
        world.run(seconds(1));
        assert_eq!(world.weights, vec![4; count]);
        for _ in 0..20 {
            world.open(GREEDY, None);
        }
        assert!(world.counts().into_iter().max() <= Some(15), "{:?}", world.counts());
        // Nor do those that come behind it.
        world.run(seconds(2));
        for _ in 0..20 {
            world.open(GREEDY, None);
        }
        assert!(world.counts().into_iter().max() <= Some(25), "{:?}", world.counts());
    }
}

#[test]
fn what_comes_behind_a_download_goes_to_both_once_the_other_is_filled() {
    let mut world = emptier(&[20, 20]);
    world.run(seconds(1));
    let first = world.open(GREEDY, None);
    world.run(seconds(2));
    // One flow of 2 Mbit/s each 100 ms.
    for _ in 0..20 {
        world.open(2.0, None);
        world.run(Duration::from_millis(100));
    }
    let counts = world.counts();
    assert!(counts[1 - first] >= 10, "{counts:?}");
    assert!(counts[1 - first] < 20, "{counts:?}");
}

#[test]
fn flows_that_go_on_do_not_make_the_choice_swing() {
    for (capacities, rates) in [
        (vec![20, 20], vec![GREEDY, GREEDY]),
        (vec![20, 20], vec![5.0, 9.0, 3.0]),
        (vec![100, 20], vec![30.0, 10.0, 10.0, 40.0]),
        (vec![50, 50, 50], vec![GREEDY, 10.0, 20.0]),
        (vec![20; 8], vec![4.0; 20]),
    ] {
        let mut world = emptier(&capacities);
        world.late = Duration::from_millis(100);
        world.run(seconds(1));
        for rate in rates {
            world.open(rate, None);
            world.run(Duration::from_millis(700));
        }
        world.run(seconds(3));
        let settled = world.now;
        world.run(seconds(60));
        assert_eq!(world.decisions_since(settled), 0, "{capacities:?}: {}", world.reason());
    }
}

#[test]
fn short_flows_without_end_are_carried_by_all_and_the_choice_stays_calm() {
    let mut world = emptier(&[50, 50]);
    world.run(seconds(1));
    let start = world.now;
    let mut most = 0;
    for _ in 0..600 {
        // 100 flows a second of 80 KB each on average: 64 of 100 Mbit/s.
        for _ in 0..10 {
            let bytes = 8000 + world.below(144_000);
            world.open(GREEDY, Some(bytes as f64));
        }
        world.run(Duration::from_millis(100));
        most = most.max(world.counts().into_iter().max().unwrap_or(0));
    }
    // What comes is carried: flows do not pile up.
    assert!(most < 40, "{most} flows on one uplink at a time");
    let changes = world.decisions_since(start);
    assert!(changes <= 60, "{changes} decisions in a minute");
}

#[test]
fn the_larger_uplink_gets_new_flows_until_less_of_it_is_free() {
    let mut world = emptier(&[100, 20]);
    world.run(seconds(1));
    assert_eq!(world.weights, [4, 0]);
    world.open(50.0, None);
    world.run(seconds(3));
    assert_eq!(world.weights, [4, 0], "50 and 20 are free");
    world.open(30.0, None);
    world.run(seconds(3));
    assert!(world.weights[0] > 0 && world.weights[1] > 0, "20 and 20 are free: {:?}", world.weights);
    world.open(GREEDY, None);
    world.open(GREEDY, None);
    world.close_all();
    world.run(seconds(3));
    assert_eq!(world.weights, [4, 0]);
}

#[test]
fn where_all_are_full_new_flows_are_spread_by_capacity() {
    let mut world = emptier(&[40, 20]);
    world.run(seconds(1));
    for uplink in [0, 1] {
        world.open_on(uplink, GREEDY);
        world.run(seconds(2));
    }
    assert_eq!(world.weights, [4, 2]);
    assert!(world.reason().starts_with("all are full, b has "), "{}", world.reason());
    let now = world.now;
    world.run(seconds(10));
    assert_eq!(world.decisions_since(now), 0);
    // An uplink that fails has no weight in the same call, full or not.
    world.usable[0] = false;
    world.look();
    assert_eq!(world.weights, [0, 4]);
    assert!(world.reason().starts_with("a is not usable any more; "), "{}", world.reason());
}

#[test]
fn an_uplink_that_works_again_gets_new_flows_in_the_same_call() {
    let mut world = emptier(&[20, 20, 20]);
    world.run(seconds(1));
    world.usable = vec![true, false, false];
    world.look();
    assert_eq!(world.weights, [4, 0, 0]);
    assert_eq!(world.reason(), "b and c are not usable any more; new connections go to a");
    world.usable = vec![false; 3];
    world.look();
    assert_eq!(world.reason(), "a is not usable any more; no uplink works: new connections are refused");
    world.usable = vec![false, false, true];
    world.look();
    assert_eq!(world.weights, [0, 0, 4]);
    assert_eq!(world.reason(), "c is usable again; new connections go to c");
}

#[test]
fn what_costs_helps_when_the_others_are_full_and_until_they_have_room() {
    let all = ranked();
    let mut world = World::new(&all, EmptierUplink::new(&all));
    world.run(seconds(1));
    assert_eq!(world.weights, [4, 0, 0]);
    world.open(GREEDY, None);
    world.run(seconds(3));
    assert_eq!(world.weights, [0, 0, 4], "{}", world.reason());
    world.open(5.0, None);
    world.run(seconds(3));
    world.close_all();
    world.open(16.0, None);
    world.run(seconds(3));
    world.close_all();
    world.run(seconds(3));
    assert_eq!(world.weights, [4, 0, 0], "{}", world.reason());
}

#[test]
fn a_device_that_is_made_anew_does_not_disturb() {
    let mut world = emptier(&[20, 20]);
    world.run(seconds(5));
    let all = uplinks(&[20, 20]);
    let mut selector = EmptierUplink::new(&all);
    let sample = |rx_bytes| Sample { usable: true, rx_bytes, tx_bytes: 0 };
    assert!(selector.select(seconds(0), &[sample(1 << 40), sample(1 << 41)]).is_some());
    assert_eq!(selector.select(seconds(1), &[sample(1 << 40), sample(0)]), None);
    assert_eq!(selector.select(seconds(2), &[sample(1 << 40), sample(1000)]), None);
}

use super::*;
use proptest::prelude::*;

const FAST: Option<Duration> = Some(Duration::from_millis(10));
const SLOW: Option<Duration> = Some(Duration::from_millis(400));
const LOST: Option<Duration> = None;

fn health(of: impl FnOnce(&mut Probing)) -> Health {
    let mut probing = Probing::default();
    of(&mut probing);
    Health::new(&probing)
}

/// What the rounds change, each with its place among them, from 1.
fn changes(health: &mut Health, rounds: impl IntoIterator<Item = Option<Duration>>) -> Vec<(usize, bool)> {
    let heard = rounds.into_iter().enumerate();
    heard.filter_map(|(at, round)| Some((at + 1, health.round(round)?.up))).collect()
}

fn lost(who: &str) -> Round {
    Round { answer: None, who: who.into() }
}

#[test]
fn an_uplink_of_which_nothing_is_known_is_used() {
    let health = health(|_| ());
    assert!(health.is_usable());
    assert_eq!(health.works(), None);
    assert_eq!((health.loss(), health.last(), health.round_trip()), (None, None, None));
    assert_eq!(health.to_string(), "unknown");
}

#[test]
fn it_is_known_to_work_after_so_many_good_rounds_as_it_takes_to_rise() {
    let mut health = health(|_| ());
    assert_eq!(changes(&mut health, [FAST; 10]), [(3, true)]);
    assert_eq!(health.works(), Some(true));
}

#[test]
fn it_is_given_up_after_so_many_bad_rounds_as_it_takes_to_fall_and_not_before() {
    let mut health = health(|probing| probing.fall = 4);
    assert_eq!(changes(&mut health, [FAST, FAST, FAST, LOST, LOST, LOST, FAST]), [(3, true)]);
    assert_eq!(changes(&mut health, [LOST; 10]), [(4, false)]);
    assert!(!health.is_usable());
}

#[test]
fn what_never_worked_is_given_up_as_well() {
    let mut health = health(|_| ());
    assert_eq!(changes(&mut health, [LOST; 5]), [(3, false)]);
}

#[test]
fn it_comes_back_after_so_many_good_rounds_in_a_row() {
    let mut health = health(|probing| probing.rise = 2);
    assert_eq!(changes(&mut health, [LOST; 3]), [(3, false)]);
    assert_eq!(changes(&mut health, [FAST, LOST, FAST, LOST, FAST, FAST]), [(6, true)]);
}

#[test]
fn one_lost_round_now_and_then_changes_nothing() {
    let mut health = health(|_| ());
    let rounds = [FAST, FAST, FAST, LOST, LOST].into_iter().cycle().take(1000);
    assert_eq!(changes(&mut health, rounds), [(3, true)]);
    assert_eq!(health.loss().map(|loss| loss.as_percent().round()), Some(40.0));
}

#[test]
fn the_reason_names_the_numbers_and_who_was_asked() {
    let mut health = health(|_| ());
    let who = "icmp 192.0.2.1, tcp 203.0.113.9:443";
    assert_eq!(health.round(lost(who)), None);
    assert_eq!(health.round(lost(who)), None);
    let reason = "3 of 3 probes lost: icmp 192.0.2.1, tcp 203.0.113.9:443".into();
    assert_eq!(health.round(lost(who)), Some(Change { up: false, reason }));
    assert_eq!(health.to_string(), "down, loss 100%");
    let good = || Round { answer: Some(Duration::from_micros(12_340)), who: "icmp 192.0.2.1".into() };
    assert_eq!((health.round(good()), health.round(good())), (None, None));
    let reason = "3 of 3 probes answered, the last in 12.3 ms: icmp 192.0.2.1".into();
    assert_eq!(health.round(good()), Some(Change { up: true, reason }));
    assert_eq!(health.to_string(), "up, loss 50%, round-trip 12.3 ms");
}

#[test]
fn a_gate_for_losses_gives_up_what_loses_more() {
    let mut health = health(|probing| probing.max_loss = Some(Percent::new(10.0)));
    // One in five: the third lost round of the first twenty is too many.
    let rounds = [FAST, FAST, FAST, FAST, LOST].into_iter().cycle().take(14);
    assert_eq!(changes(&mut health, rounds), [(3, true)]);
    let reason = "3 of the last 20 probes lost, 15%, more than 10%: icmp 192.0.2.1".into();
    assert_eq!(health.round(lost("icmp 192.0.2.1")), Some(Change { up: false, reason }));
}

#[test]
fn losses_up_to_the_gate_are_endured() {
    for (window, lost, percent) in
        [(20, 7, 35.0), (20, 2, 10.0), (3, 1, 33.3334), (1000, 1, 0.1), (7, 0, 0.0)]
    {
        let mut health = health(|probing| {
            probing.max_loss = Some(Percent::new(percent));
            (probing.window, probing.fall) = (window, 1001);
        });
        assert_eq!(changes(&mut health, vec![LOST; lost]), [], "{lost} of {window}");
        assert_eq!(changes(&mut health, [LOST]), [(1, false)], "{} of {window}", lost + 1);
    }
}

#[test]
fn after_an_outage_a_gate_for_losses_waits_until_they_have_left_the_window() {
    let mut health = health(|probing| {
        probing.max_loss = Some(Percent::new(10.0));
        probing.window = 10;
    });
    changes(&mut health, [FAST; 10]);
    assert_eq!(changes(&mut health, [LOST; 10]), [(2, false)]);
    assert_eq!(changes(&mut health, [FAST; 10]), [(9, true)]);
}

#[test]
fn a_gate_for_round_trips_goes_by_the_middle() {
    let mut health = health(|probing| {
        probing.max_round_trip = Some(Duration::from_millis(100));
        probing.window = 5;
    });
    assert_eq!(changes(&mut health, [FAST, SLOW, FAST, SLOW, FAST, SLOW]), [(3, true), (6, false)]);
    assert_eq!(health.round_trip(), SLOW);
    // It takes as many good rounds as ever, and the middle of the window.
    assert_eq!(changes(&mut health, [FAST, FAST, FAST]), [(3, true)]);
}

#[test]
fn the_reason_of_a_slow_uplink_names_both_times() {
    let mut health = health(|probing| probing.max_round_trip = Some(Duration::from_millis(100)));
    assert_eq!((health.round(SLOW), health.round(SLOW)), (None, None));
    let reason = "round-trip 400.0 ms in the middle of the last 3 answers, more than 100.0 ms".into();
    assert_eq!(health.round(SLOW), Some(Change { up: false, reason }));
}

#[test]
fn a_single_slow_answer_at_the_start_is_not_the_middle_of_many() {
    let mut health = health(|probing| probing.max_round_trip = Some(Duration::from_millis(100)));
    assert_eq!(changes(&mut health, [SLOW, FAST, FAST, FAST]), [(3, true)]);
}

#[test]
fn what_is_slow_does_not_come_back() {
    let mut health = health(|probing| probing.max_round_trip = Some(Duration::from_millis(100)));
    changes(&mut health, [LOST; 3]);
    assert_eq!(changes(&mut health, [SLOW; 50]), []);
}

#[test]
fn what_is_known_from_elsewhere_counts_and_the_rounds_before_do_not() {
    let mut health = health(|probing| probing.max_loss = Some(Percent::new(10.0)));
    changes(&mut health, [LOST; 3]);
    health.assume(true);
    assert!(health.is_usable());
    assert_eq!(health.loss(), None);
    assert_eq!(changes(&mut health, [LOST, LOST, FAST]), []);
    health.assume(false);
    assert!(!health.is_usable());
    assert_eq!(changes(&mut health, [FAST; 3]), [(3, true)]);
}

#[test]
fn numbers_that_make_no_sense_count_as_the_nearest_that_do() {
    let mut health = health(|probing| (probing.rise, probing.fall, probing.window) = (0, 0, 0));
    assert_eq!(changes(&mut health, [LOST, FAST, LOST]), [(1, false), (2, true), (3, false)]);
    assert_eq!(health.recent.len(), 1);
    let mut health = health_of_window(usize::MAX);
    changes(&mut health, [FAST; 2000]);
    assert_eq!(health.recent.len(), 1000);
}

fn health_of_window(window: usize) -> Health {
    health(|probing| probing.window = window)
}

fn any_rounds() -> impl Strategy<Value = Vec<Option<Duration>>> {
    let round = prop_oneof![3 => Just(LOST), 4 => (0..500u64).prop_map(|ms| Some(Duration::from_millis(ms)))];
    proptest::collection::vec(round, 0..200)
}

fn any_probing() -> impl Strategy<Value = Probing> {
    let max_loss = proptest::option::of((0.0..=100.0).prop_map(Percent::new));
    let max_round_trip = proptest::option::of((0..500u64).prop_map(Duration::from_millis));
    (0..6u32, 0..6u32, 0..30usize, max_loss, max_round_trip).prop_map(|(rise, fall, window, loss, time)| {
        let mut probing = Probing::default();
        (probing.rise, probing.fall, probing.window) = (rise, fall, window);
        (probing.max_loss, probing.max_round_trip) = (loss, time);
        probing
    })
}

proptest! {
    #[test]
    fn changes_alternate_and_say_what_is_then(probing in any_probing(), rounds in any_rounds()) {
        let mut health = Health::new(&probing);
        for round in rounds {
            let before = health.works();
            match health.round(round) {
                Some(change) => {
                    prop_assert_ne!(before, Some(change.up));
                    prop_assert_eq!(health.works(), Some(change.up));
                    prop_assert!(!change.reason.is_empty());
                }
                None => prop_assert_eq!(health.works(), before),
            }
        }
    }

    #[test]
    fn it_never_rises_on_a_bad_round_nor_works_after_as_many_as_make_it_fall(probing in any_probing(), rounds in any_rounds()) {
        let mut health = Health::new(&probing);
        let mut bad = 0;
        for round in rounds {
            let change = health.round(round);
            bad = if round.is_none() { bad + 1 } else { 0 };
            prop_assert!(round.is_some() || change.is_none_or(|change| !change.up));
            prop_assert!(bad < probing.fall.max(1) || !health.is_usable());
        }
    }

    #[test]
    fn what_works_is_within_the_gates(probing in any_probing(), rounds in any_rounds()) {
        let mut health = Health::new(&probing);
        for (at, round) in rounds.iter().enumerate() {
            health.round(*round);
            let window = probing.window.max(1);
            let recent: Vec<_> = rounds[..=at].iter().rev().take(window).copied().collect();
            let lost = recent.iter().filter(|round| round.is_none()).count();
            if let (true, Some(max)) = (health.is_usable(), probing.max_loss) {
                prop_assert!(lost as f64 / window as f64 * 100.0 <= max.as_percent() + 1e-6);
            }
            let mut times: Vec<_> = recent.iter().flatten().collect();
            times.sort();
            let enough = times.len() >= probing.fall.max(1) as usize && !times.is_empty();
            if let (true, true, Some(max)) = (health.is_usable(), enough, probing.max_round_trip) {
                prop_assert!(*times[(times.len() - 1) / 2] <= max);
            }
        }
    }

    #[test]
    fn without_gates_only_the_last_rounds_count(rise in 1..5u32, fall in 1..5u32, rounds in any_rounds()) {
        let mut probing = Probing::default();
        (probing.rise, probing.fall) = (rise, fall);
        let mut health = Health::new(&probing);
        changes(&mut health, rounds);
        changes(&mut health, vec![LOST; fall as usize]);
        prop_assert!(!health.is_usable());
        changes(&mut health, vec![FAST; rise as usize - 1]);
        prop_assert!(!health.is_usable());
        changes(&mut health, [FAST]);
        prop_assert!(health.is_usable());
    }
}

use super::*;
use proptest::prelude::*;

fn minors(range: RangeInclusive<u16>) -> Handles<String> {
    Handles::new(range).unwrap()
}

#[test]
fn the_first_choice_is_the_hash_of_the_keys_text() {
    let mut handles = minors(0x10..=0xffff);
    // 0x85944171f73967e8 mod 0xfff0, behind 0x10.
    let expected = 0x10 + (0x8594_4171_f739_67e8_u64 % 0xfff0) as u16;
    assert_eq!(handles.hold("foobar".into()).unwrap(), expected);
    assert_eq!(handles.get(&"foobar".into()), Some(expected));
    assert_eq!(handles.hold("foobar".into()).unwrap(), expected);
    assert_eq!(handles.len(), 1);
}

#[test]
fn numbers_that_collide_go_on_to_the_next_and_come_round() {
    let mut handles = minors(1..=4).reserve([3]);
    let mut numbers: Vec<u16> = (0..3).map(|key| handles.hold(key.to_string()).unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2, 4]);
    let error = handles.hold("one more".into()).unwrap_err().to_string();
    assert_eq!(error, "a handle for one more within 1-4: all of them are held or reserved");
}

#[test]
fn a_released_number_is_given_to_another_only_when_there_is_no_other_and_the_oldest_first() {
    let mut handles = minors(1..=4);
    let numbers: Vec<u16> = ["a", "b", "c"].map(|key| handles.hold(key.into()).unwrap()).to_vec();
    handles.release(&"b".into());
    handles.release(&"a".into());
    let fresh = handles.hold("d".into()).unwrap();
    assert!(!numbers.contains(&fresh));
    // Who comes back has it again; b has released later then.
    assert_eq!(handles.hold("b".into()).unwrap(), numbers[1]);
    handles.release(&"b".into());
    assert_eq!(handles.hold("e".into()).unwrap(), numbers[0]);
    assert_eq!(handles.hold("f".into()).unwrap(), numbers[1]);
    assert!(handles.hold("a".into()).is_err());
}

#[test]
fn what_is_adopted_is_not_given_to_others() {
    let mut handles = minors(1..=2);
    handles.adopt("a".into(), 2).unwrap();
    handles.adopt("a".into(), 2).unwrap();
    assert_eq!(handles.adopt("b".into(), 2).unwrap_err().to_string(), "handle 2 for b: another one has it");
    assert_eq!(handles.adopt("a".into(), 1).unwrap_err().to_string(), "handle 1 for a: it has another one");
    assert!(handles.adopt("c".into(), 0).is_err());
    handles.adopt("far".into(), 0x77).unwrap();
    assert_eq!(handles.hold("b".into()).unwrap(), 1);
    handles.release(&"b".into());
    // A number that was somebody else's before.
    handles.adopt("c".into(), 1).unwrap();
    assert!(handles.hold("b".into()).is_err());
    let pairs: Vec<_> = handles.iter().map(|(key, number)| (key.as_str(), number)).collect();
    assert_eq!(pairs, [("a", 2), ("c", 1), ("far", 0x77)]);
}

#[test]
fn the_text_says_it_line_by_line_and_contradictions_are_refused() {
    let mut handles = minors(0x10..=0x1f).reserve([0x12]);
    handles.adopt("two\nlines \\ ".into(), 0x11).unwrap();
    handles.adopt("gone".into(), 0x13).unwrap();
    handles.release(&"gone".into());
    let text = "handles 10-1f\nreserved 12\nheld 11 two\\nlines \\\\ \nreleased 13 gone\n";
    assert_eq!(handles.to_string(), text);
    assert_eq!(text.parse::<Handles<String>>().unwrap().to_string(), text);
    for wrong in [
        "",
        "handles",
        "handles 0-5",
        "handles 5-1",
        "handles 1-10000",
        "handles 1-+5",
        "handles 1-5\nheld 1",
        "handles 1-5\nheld x a",
        "handles 1-5\nheld 0 a",
        "handles 1-5\nheld 1 a\nheld 1 b",
        "handles 1-5\nheld 1 a\nheld 2 a",
        "handles 1-5\nheld 1 a\nreleased 2 a",
        "handles 1-5\nheld 1 a\nreleased 1 b",
        "handles 1-5\nreleased 1 a\nreleased 1 b",
        "handles 1-5\nheld 1 a\\",
        "handles 1-5\nkept 1 a",
    ] {
        assert!(wrong.parse::<Handles<String>>().is_err(), "{wrong}");
    }
    assert!("handles 1-5\nheld 1 a".parse::<Handles<u32>>().is_err());
}

#[test]
fn nearly_everybody_has_the_same_number_after_a_restart_without_a_file() {
    let keys = || (0..10_000u32).map(|number| format!("subscriber-{number}"));
    let given = |keys: Vec<String>| {
        let mut handles = minors(1..=0xffff);
        keys.into_iter().for_each(|key| _ = handles.hold(key).unwrap());
        handles
    };
    let one = given(keys().collect());
    let same =
        |other: Handles<String>| other.iter().filter(|(key, number)| one.get(key) == Some(*number)).count();
    // One in a hundred is gone: those who stood in another's place stand in their own now.
    let fewer = given(keys().enumerate().filter(|(at, _)| at % 100 != 0).map(|(_, key)| key).collect());
    let count = same(fewer);
    assert!(count > 9_850, "{count} of 9900");
    // In the worst order, in which each is the first where it was the last before.
    let count = same(given(keys().rev().collect()));
    assert!(count > 8_000, "{count} of 10000");
}

/// A key that comes (or stays), or one that goes.
fn changes() -> impl Strategy<Value = Vec<(bool, u8)>> {
    prop::collection::vec((prop::bool::weighted(0.7), 0..40u8), 0..200)
}

fn changed(changes: &[(bool, u8)]) -> Handles<u8> {
    let mut handles = Handles::new(5..=24).unwrap().reserve([7, 20]);
    for (comes, key) in changes {
        if *comes {
            let full = handles.len() == 18 && handles.get(key).is_none();
            assert_eq!(handles.hold(*key).is_err(), full);
        } else {
            handles.release(key);
        }
    }
    handles
}

proptest! {
    #[test]
    fn no_two_keys_share_a_number_and_none_has_a_reserved_one(changes in changes()) {
        let handles = changed(&changes);
        let mut numbers: Vec<u16> = handles.iter().map(|(_, number)| number).collect();
        prop_assert!(numbers.iter().all(|number| (5..=24).contains(number) && ![7, 20].contains(number)));
        numbers.sort_unstable();
        numbers.dedup();
        prop_assert_eq!(numbers.len(), handles.len());
    }

    #[test]
    fn what_was_saved_goes_on_as_if_nothing_had_happened(before in changes(), after in changes()) {
        let mut one = changed(&before);
        let text = one.to_string();
        let mut other: Handles<u8> = text.parse().unwrap();
        prop_assert_eq!(other.to_string(), text);
        for (comes, key) in after {
            match comes {
                true => prop_assert_eq!(one.hold(key).ok(), other.hold(key).ok()),
                false => prop_assert_eq!(one.release(&key), other.release(&key)),
            }
        }
    }

    #[test]
    fn who_stays_keeps_the_number_whoever_comes_and_goes(before in changes(), after in changes(), kept in 0..40u8) {
        let mut handles = changed(&before);
        let number = handles.get(&kept);
        for (comes, key) in after {
            match comes {
                true => drop(handles.hold(key)),
                false if key != kept => _ = handles.release(&key),
                false => (),
            }
        }
        prop_assert!(number.is_none() || handles.get(&kept) == number);
    }

    #[test]
    fn no_text_panics(text in "(handles 1-f\n)?((held|released|reserved) [0-9a-f]{1,2} ?[a-c\\\\]{0,2}\n){0,6}") {
        let _ = text.parse::<Handles<String>>();
    }
}

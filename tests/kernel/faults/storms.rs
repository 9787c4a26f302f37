//! More happens than is read.

use super::SOON;
use crate::common::{Outcome, Stop};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};
use tcnl::netlink::{Connection, Events, Group};
use tcnl::request::Verb;
use tcnl::route::{Address, Rule};
use tcnl::Error;

const LO: u32 = 1;

fn rule(priority: u32) -> Rule {
    Rule::v4().priority(priority).table(100)
}

/// A small receive buffer overflows soon.
fn hearing() -> tcnl::Result<Events> {
    Connection::builder().timeout(SOON).receive_buffer(4096).events(&[Group::RuleV4])
}

fn change(nl: &mut Connection, verb: Verb, priorities: impl Iterator<Item = u32>) -> tcnl::Result<()> {
    let mut batch = nl.batch();
    for priority in priorities {
        batch.push(verb, &rule(priority))?;
    }
    nl.run(&batch).into_iter().try_for_each(|result| result.map(drop))
}

pub fn behind_the_gap() -> Outcome {
    let (mut nl, mut events) = (Connection::open()?, hearing()?);
    for round in 1..=5 {
        change(&mut nl, Verb::Add, (1..=200).map(|number| 1000 * round + number))?;
        let mut before = 0;
        loop {
            match events.next() {
                Ok(Some(_)) => before += 1,
                Ok(None) => return Err("that events were lost was not said".into()),
                Err(Error::Overrun { .. }) => break,
                Err(other) => return Err(other.into()),
            }
        }
        assert!((1..200).contains(&before), "{before}");
        // Whoever lists the rules now must hear of all that comes.
        nl.add(&rule(round))?;
        let event = events.next()?.ok_or("what came behind the gap was not heard")?;
        assert_eq!(event.object::<Rule>().ok_or("another object")??.priority, Some(round));
        assert_eq!(events.next()?, None);
    }
    Ok(())
}

/// The rules' priorities, of those that the storm makes.
fn listed(nl: &mut Connection) -> Result<BTreeSet<u32>, Stop> {
    let rules = loop {
        match nl.snapshot(Rule::all_v4()) {
            // The storm ends.
            Err(Error::Interrupted { .. }) => (),
            rules => break rules?,
        }
    };
    Ok(rules
        .iter()
        .filter_map(|rule| rule.priority)
        .filter(|priority| (1..=300).contains(priority))
        .collect())
}

pub fn followed() -> Outcome {
    let (mut nl, mut events) = (Connection::open()?, hearing()?);
    let storm = thread::spawn(|| -> tcnl::Result<()> {
        let mut nl = Connection::open()?;
        for round in 0..30 {
            change(&mut nl, Verb::Add, 1..=200 + round)?;
            change(&mut nl, Verb::Delete, (1..=200 + round).filter(|number| number % 7 != round % 7))?;
            change(&mut nl, Verb::Delete, (1..=200 + round).filter(|number| number % 7 == round % 7))?;
            thread::sleep(Duration::from_millis(u64::from(round % 3)));
        }
        change(&mut nl, Verb::Add, [3, 30, 300].into_iter())
    });
    let (mut known, begun) = (listed(&mut nl)?, Instant::now());
    let (mut heard, mut overruns) = (0, 0);
    loop {
        match events.next() {
            Ok(Some(event)) => {
                let rule = event.object::<Rule>().ok_or("another object")??;
                let priority = rule.priority.ok_or("a rule without a priority")?;
                match event.is_deletion() {
                    true => known.remove(&priority),
                    false => known.insert(priority),
                };
                heard += 1;
                if heard % 100 == 0 {
                    // Busy elsewhere.
                    thread::sleep(Duration::from_millis(5));
                }
            }
            Ok(None) if storm.is_finished() => break,
            Ok(None) => (),
            Err(Error::Overrun { .. }) => {
                overruns += 1;
                known = listed(&mut nl)?;
            }
            Err(other) => return Err(other.into()),
        }
        if begun.elapsed() > Duration::from_secs(120) {
            return Err("the storm does not end".into());
        }
    }
    storm.join().map_err(|_| "the storm panicked")??;
    println!("events were lost {overruns} times");
    assert!(overruns > 0, "nothing was lost: it was no storm");
    assert_eq!(known, [3, 30, 300].into());
    Ok(())
}

/// More than the kernel lists in one datagram.
const ADDRESSES: u16 = 1000;

fn address(number: u16) -> tcnl::Result<Address> {
    let [high, low] = number.to_be_bytes();
    Ok(Address::new(format!("10.0.{high}.{low}/32").parse()?).on(LO))
}

pub fn snapshots() -> Outcome {
    let mut nl = Connection::open()?;
    let mut batch = nl.batch();
    for number in 0..ADDRESSES {
        batch.add(&address(number)?)?;
    }
    nl.run(&batch).into_iter().try_for_each(|result| result.map(drop))?;
    let stop = AtomicBool::new(false);
    let (mut whole, mut interrupted) = (0, 0);
    thread::scope(|scope| {
        let storm = scope.spawn(|| -> tcnl::Result<()> {
            let mut nl = Connection::open()?;
            // Never is more than one of them away, and there are longer pauses and shorter ones.
            for number in (0..ADDRESSES).cycle().take_while(|_| !stop.load(Relaxed)) {
                nl.delete(&address(number)?)?;
                nl.add(&address(number)?)?;
                thread::sleep(Duration::from_micros(u64::from(number) % 100 * 5));
            }
            Ok(())
        });
        let looked = (0..100).try_for_each(|_| -> Outcome {
            match nl.snapshot(Address::all()) {
                Ok(addresses) => {
                    let different: BTreeSet<_> = addresses.iter().map(|one| one.local.to_string()).collect();
                    let (count, most) = (addresses.len(), usize::from(ADDRESSES));
                    assert_eq!(count, different.len());
                    assert!((most - 1..=most).contains(&count), "{count}");
                    whole += 1;
                }
                Err(Error::Interrupted { tries: Connection::TRIES, .. }) => interrupted += 1,
                Err(other) => return Err(other.into()),
            }
            Ok(())
        });
        stop.store(true, Relaxed);
        storm.join().map_err(|_| "the storm panicked")??;
        looked
    })?;
    println!("{whole} snapshots were whole, and {interrupted} kept changing");
    assert_eq!(nl.snapshot(Address::all())?.len(), usize::from(ADDRESSES));
    Ok(())
}

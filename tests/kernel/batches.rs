//! Batches of thousands: a result for each request, whatever the kernel answers, and memory that lists do not need.

use crate::common::{tc, trial, Outcome, Stop};
use allocation_counter::measure;
use libtest_mimic::Trial;
use nix::libc::{EEXIST, ENOENT};
use tcnl::netlink::{Ack, Batch, Connection};
use tcnl::tc::{htb::Htb, htb::HtbClass, Class, Qdisc};
use tcnl::units::{Handle, Rate};
use tcnl::Error;

const LO: u32 = 1;
const ROOT: Handle = Handle::new(1, 0);

pub fn trials() -> Vec<Trial> {
    vec![
        trial("3000 requests in a batch have 3000 results, refusals between them", || mixed(3_000)),
        trial("65,000 requests in a batch have 65,000 results, refusals between them", || mixed(65_000)),
        trial("65,000 refusals in a batch overflow nothing", refused),
        trial("a batch can be asked for the warnings of all requests", warnings),
        trial("a list takes the same memory for 300 classes and for 3000", memory),
    ]
}

fn class(minor: u16, kbit: u64) -> Class {
    // A quantum, so that the kernel has nothing to warn of.
    Class::under(LO, ROOT).id(Handle::new(1, minor)).kind(HtbClass::rate(Rate::kbit(kbit)).quantum(1514))
}

/// A connection to a namespace with an htb and one class.
fn with_class() -> Result<Connection, Stop> {
    let mut nl = Connection::open()?;
    nl.add(&Qdisc::root(LO).handle(ROOT).kind(Htb::new()))?;
    nl.add(&class(1, 1000))?;
    Ok(nl)
}

/// Changes the class `count` times; some requests between are refused, in runs of all lengths.
fn mixed(count: u32) -> Outcome {
    let mut nl = with_class()?;
    let mut batch = nl.batch();
    let wanted: Vec<_> = (0..count)
        .map(|number| match number % 1009 % 31 {
            3..=5 => Some(EEXIST),
            12 => Some(ENOENT),
            _ => None,
        })
        .collect();
    for (number, errno) in (1..).zip(&wanted) {
        match errno {
            None => batch.change(&class(1, number))?,
            Some(EEXIST) => batch.add(&class(1, 1000))?,
            Some(_) => batch.delete(&class(2, 1000))?,
        };
    }
    let results = nl.run(&batch);
    let errnos: Vec<_> = results.iter().map(|result| result.as_ref().err().and_then(Error::errno)).collect();
    assert!(errnos == wanted, "a result stands at the wrong place");
    assert!(results.iter().flatten().all(|ack| *ack == Ack::default()));
    let error = results.iter().find_map(|result| result.as_ref().err()).ok_or("nothing was refused")?;
    assert!(error.to_string().starts_with("`tc class add dev if1 parent 1: classid 1:1 htb"), "{error}");
    // All were carried out, and in their order.
    let last = wanted.iter().rposition(Option::is_none).ok_or("all was refused")? as u64 + 1;
    let Some(tcnl::tc::ClassKind::Htb(now)) = nl.get(&Class::with_id(LO, Handle::new(1, 1)))?.kind else {
        panic!("it is an htb class");
    };
    assert_eq!(now.rate, Rate::kbit(last));
    Ok(())
}

fn refused() -> Outcome {
    let mut nl = with_class()?;
    let mut batch = nl.batch();
    for _ in 0..65_000 {
        batch.add(&class(1, 1000))?;
    }
    let results = nl.run(&batch);
    assert_eq!(results.len(), 65_000);
    for result in results {
        assert_eq!(result.unwrap_err().errno(), Some(EEXIST));
    }
    Ok(())
}

fn warnings() -> Outcome {
    let mut nl = with_class()?;
    let big = Class::under(LO, ROOT).id(Handle::new(1, 1)).kind(HtbClass::rate(Rate::gbit(10)));
    let fill = |mut batch: Batch| {
        for _ in 0..300 {
            batch.change(&big)?.change(&class(1, 1000))?.delete(&class(2, 1000))?;
        }
        Ok::<_, Error>(batch)
    };
    let batch = fill(nl.batch().with_warnings())?;
    let said = |result: &tcnl::Result<Ack>| result.as_ref().map_or(9, |ack| ack.warnings.len());
    let counts: Vec<_> = nl.run(&batch).iter().map(said).collect();
    if counts == [0, 0, 9].repeat(300) && tc("class show dev lo").is_ok() {
        return Err(Stop::Skip("this kernel says in its log alone that it changed the quantum".into()));
    }
    assert_eq!(counts, [1, 0, 9].repeat(300));
    // Without, successes and refusals are the same.
    let batch = fill(nl.batch())?;
    let succeeded: Vec<_> = nl.run(&batch).iter().map(Result::is_ok).collect();
    assert_eq!(succeeded, [true, true, false].repeat(300));
    Ok(())
}

fn memory() -> Outcome {
    let mut nl = with_class()?;
    let mut peaks = Vec::new();
    let mut there = 1;
    for count in [300, 3000] {
        let mut batch = nl.batch();
        for minor in there + 1..=count {
            batch.add(&class(minor, 1000))?;
        }
        there = count;
        nl.run(&batch).into_iter().collect::<tcnl::Result<Vec<_>>>()?;
        let mut listed = 0;
        let info = measure(|| {
            listed = nl.list(Class::of(LO)).map_or(0, |list| list.filter(|class| class.is_ok()).count());
        });
        assert_eq!(listed, usize::from(count));
        peaks.push((info.count_total, info.bytes_max));
    }
    assert_eq!(peaks, [(0, 0); 2], "allocations and the most bytes held at once");
    Ok(())
}

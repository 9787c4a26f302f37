//! The connection under faults that the real kernel gives. What no kernel gives at will, a peer gives in `src/netlink/faults`.

mod child;
mod storms;

use crate::common::{in_netns, trial, trial_on_fast_machines, Outcome, Stop};
pub use child::child;
use libtest_mimic::Trial;
use nix::libc::ENODEV;
use nix::mount::{mount, MsFlags};
use nix::sched::{unshare, CloneFlags};
use std::fs;
use std::process::{Command, Stdio};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;
use tcnl::netlink::{Batch, Connection, Group, Namespace};
use tcnl::request::Verb;
use tcnl::route::{Address, Bridge, Link};
use tcnl::units::Dev;
use tcnl::Error;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("what happens behind the word that events were lost is heard", storms::behind_the_gap),
        trial_on_fast_machines(
            "whoever lists anew where events were lost knows in the end what there is",
            storms::followed,
        ),
        trial_on_fast_machines(
            "while addresses come and go a snapshot is what was there at one moment, or an error",
            storms::snapshots,
        ),
        trial_on_fast_machines("system calls that signals end early change no result", || {
            child::under("EINTR")
        }),
        trial_on_fast_machines("waits that end for nothing change no result", || child::under("EAGAIN")),
        trial_on_fast_machines(
            "a process without descriptors left has a clear error, and loses none",
            child::no_descriptors,
        ),
        trial("of a batch that deletes its device what comes behind says that it is gone", deleted_by_itself),
        trial_on_fast_machines(
            "of a batch whose device others delete each request has its own result",
            deleted_by_others,
        ),
        trial("a connection goes on in a namespace whose last process has gone", last_process),
        trial("a name of a namespace that is none any more is an error that says so", stale_name),
    ]
}

const SOON: Option<Duration> = Some(Duration::from_millis(200));

fn bridge(name: &str) -> tcnl::Result<Link> {
    Ok(Link::named(name)?.kind(Bridge::new()))
}

/// A bridge, and a batch that gives it so many addresses.
fn addressed(nl: &mut Connection, count: u8) -> Result<(Dev, Batch), Stop> {
    nl.add(&bridge("doomed")?)?;
    let dev = Dev::from(nl.link("doomed")?);
    let mut batch = nl.batch();
    for last in 1..=count {
        batch.add(&Address::new(format!("192.0.2.{last}/32").parse()?).on(dev))?;
    }
    Ok((dev, batch))
}

/// So many requests were carried out, and all behind them found no device.
fn carried_out(results: &[tcnl::Result<tcnl::netlink::Ack>]) -> usize {
    let count = results.iter().take_while(|result| result.is_ok()).count();
    for result in &results[count..] {
        let error = result.as_ref().expect_err("it was carried out without a device");
        assert_eq!(error.errno(), Some(ENODEV), "{error}");
        assert!(error.to_string().starts_with("`ip address add 192.0.2."), "{error}");
    }
    count
}

fn deleted_by_itself() -> Outcome {
    let mut nl = Connection::open()?;
    let (dev, mut batch) = addressed(&mut nl, 100)?;
    batch.push(Verb::Delete, &Link::of(dev))?;
    for last in 101..=200 {
        batch.add(&Address::new(format!("192.0.2.{last}/32").parse()?).on(dev))?;
    }
    let results = nl.run(&batch);
    assert_eq!((results.len(), carried_out(&results)), (201, 101));
    assert_eq!(nl.snapshot(Address::all())?.len(), 0);
    Ok(())
}

fn deleted_by_others() -> Outcome {
    const COUNT: u8 = 200;
    let mut nl = Connection::open()?;
    // All that is heard of one batch fits.
    let builder = Connection::builder().timeout(Some(Duration::ZERO)).receive_buffer(1 << 20);
    let mut events = builder.events(&[Group::AddressV4])?;
    let mut between = 0;
    for attempt in 0..30 {
        let (dev, batch) = addressed(&mut nl, COUNT)?;
        let begin = Arc::new(Barrier::new(2));
        let also = Arc::clone(&begin);
        let other = thread::spawn(move || -> tcnl::Result<()> {
            let mut nl = Connection::open()?;
            also.wait();
            thread::sleep(Duration::from_micros(30 * attempt));
            nl.delete(&Link::of(dev)).map(drop)
        });
        begin.wait();
        let results = nl.run(&batch);
        other.join().map_err(|_| "the other thread panicked")??;
        let count = carried_out(&results);
        between += u32::from((1..COUNT.into()).contains(&count));
        // What is said to have been carried out was, and nothing else.
        let mut added = 0;
        while let Some(event) = events.next()? {
            added += usize::from(!event.is_deletion());
        }
        assert_eq!(added, count, "attempt {attempt}");
    }
    println!("the device went in the middle of {between} batches of 30");
    Ok(())
}

fn last_process() -> Outcome {
    let mut process = in_netns(|| {
        // It ends when its input does.
        Ok(Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?)
    })?;
    let there = Namespace::Pid(process.id());
    let mut nl = Connection::open_in(there)?;
    let mut events = Connection::builder().timeout(SOON).events_in(there, &[Group::Link])?;
    drop(process.stdin.take());
    process.wait()?;
    nl.add(&bridge("late")?)?;
    assert_eq!(nl.snapshot(Link::all())?.len(), 2);
    let event = events.next()?.ok_or("nothing was heard")?;
    assert_eq!(event.object::<Link>().ok_or("another object")??.name.as_deref(), Some("late"));
    let error = Connection::open_in(there).err().ok_or("a namespace of a process that is gone was opened")?;
    let (id, gone) = (process.id(), "No such file or directory (os error 2)");
    assert_eq!(error.to_string(), format!("cannot open the network namespace of process {id}: {gone}"));
    Ok(())
}

fn stale_name() -> Outcome {
    // This thread's own /run, so that the machine's is left alone.
    unshare(CloneFlags::CLONE_NEWNS)?;
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)?;
    mount(Some("tmpfs"), "/run", Some("tmpfs"), MsFlags::empty(), None::<&str>)?;
    fs::create_dir("/run/netns")?;
    // What `ip netns` leaves behind where the mount was taken away.
    fs::write("/run/netns/stale", "")?;
    let error = Connection::open_in(Namespace::Name("stale")).err().ok_or("it was opened")?;
    assert!(matches!(error, Error::Io { .. }));
    let invalid = "Invalid argument (os error 22)";
    assert_eq!(error.to_string(), format!("cannot enter the network namespace stale: {invalid}"));
    Ok(())
}

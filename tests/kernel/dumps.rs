//! Lists that are long, that change while they are read, and answers that do not come; connections in other namespaces.

use crate::common::{in_netns, ip, tc, trial, Outcome, Stop};
use libtest_mimic::Trial;
use nix::mount::{mount, MsFlags};
use nix::sched::{unshare, CloneFlags};
use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::time::Duration;
use tcnl::netlink::{Connection, Namespace};
use tcnl::request::Verb;
use tcnl::route::Link;
use tcnl::tc::htb::{Htb, HtbClass};
use tcnl::tc::{Class, Qdisc};
use tcnl::units::{Handle, Rate};
use tcnl::wire::{Header, Writer};
use tcnl::Error;

const LO: u32 = 1;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("5000 classes are listed as they come, and others add classes meanwhile", thousands),
        trial("a batch fits itself to a small receive buffer", small_buffer),
        trial("an overflow of the receive buffer is said, and the connection goes on", overflow),
        trial("an answer that does not come is a timeout, and the connection goes on", timeout),
        trial("a connection opens in a namespace that ip has named", by_name),
        trial("a connection opens in the namespace of a process", by_process),
    ]
}

/// An htb whose five classes have htbs of a thousand classes each: one htb of all of them would take the kernel longer.
fn five_thousand(nl: &mut Connection) -> Outcome {
    let kind = || HtbClass::rate(Rate::mbit(1)).quantum(1500);
    let root = Handle::new(1, 0);
    let mut batch = nl.batch();
    batch.add(&Qdisc::root(LO).handle(root).kind(Htb::new()))?;
    for major in 2..=6 {
        let leaf = Handle::new(1, major);
        let below = Handle::new(major, 0);
        batch.add(&Class::under(LO, root).id(leaf).kind(kind()))?;
        batch.add(&Qdisc::at(LO, leaf).handle(below).kind(Htb::new()))?;
        for minor in 1..1000 {
            batch.add(&Class::under(LO, below).id(Handle::new(major, minor)).kind(kind()))?;
        }
    }
    for result in nl.run(&batch) {
        result?;
    }
    Ok(())
}

fn thousands() -> Outcome {
    let mut nl = Connection::open()?;
    let mut other = Connection::open()?;
    five_thousand(&mut nl)?;
    let late = Class::under(LO, Handle::new(6, 0)).id(Handle::new(6, 0x2000));
    let mut ids = BTreeSet::new();
    let mut count = 0;
    for class in nl.list(Class::of(LO))? {
        if count == 0 {
            // The kernel is not there yet.
            other.add(&late.clone().kind(HtbClass::rate(Rate::mbit(1)).quantum(1500)))?;
        }
        ids.insert(class?.id.raw());
        count += 1;
    }
    // The kernel lists some twice, because it counts qdiscs and the new class has brought one, and it does not say so.
    assert!(count >= 5001, "{count}");
    assert_eq!(ids.len(), 5001);
    assert!(ids.contains(&late.id.raw()), "the list was made before it was read");
    assert_eq!(tc("class show dev lo")?.lines().count(), 5001);
    let below = nl.snapshot(Class::of(LO).under(Handle::new(3, 0)))?;
    assert_eq!(below.len(), 999);
    // The counters do not move: nothing is sent.
    let mut lent = nl.list(Class::of(LO).under(Handle::new(3, 0)))?;
    for class in &below {
        assert_eq!(lent.lend().ok_or("a list that lends is shorter")??, class);
    }
    assert!(lent.lend().is_none());
    Ok(())
}

fn with_class() -> Result<Class, Stop> {
    tc("qdisc add dev lo root handle 1: htb")?;
    tc("class add dev lo parent 1: classid 1:1 htb rate 1mbit")?;
    Ok(Class::with_id(LO, Handle::new(1, 1)).kind(HtbClass::rate(Rate::mbit(2)).quantum(1500)))
}

fn small_buffer() -> Outcome {
    let class = with_class()?;
    let mut nl = Connection::builder().receive_buffer(1).open()?;
    let mut batch = nl.batch();
    for _ in 0..500 {
        batch.change(&class)?;
        // Its answer repeats nothing of the request, but has words in it.
        batch.push(Verb::Add, &class)?;
    }
    let errors: Vec<_> =
        nl.run(&batch).iter().map(|result| result.as_ref().err().and_then(Error::errno)).collect();
    assert_eq!(errors, [None, Some(nix::libc::EEXIST)].repeat(500));
    Ok(())
}

/// A message to take lo down, which changes nothing, with these flags beside NLM_F_REQUEST.
fn lo_down(flags: u16) -> Result<Vec<u8>, Stop> {
    const RTM_SETLINK: u16 = 19;
    let mut body = [0; 16];
    body[4] = LO as u8;
    let mut w = Writer::default();
    w.message(Header { ty: RTM_SETLINK, flags, ..Header::default() }, |w| w.put(&body))?;
    Ok(w.bytes().to_vec())
}

fn overflow() -> Outcome {
    const NLM_F_ACK: u16 = 4;
    let mut nl = Connection::builder().receive_buffer(8192).open()?;
    let error =
        nl.transact(&lo_down(NLM_F_ACK)?.repeat(500), |_| ()).err().ok_or("all of it was answered")?;
    assert!(matches!(&error, Error::Overrun { .. }), "{error}");
    assert!(error.to_string().contains("500 messages") && error.to_string().contains("ENOBUFS"), "{error}");
    // Answers of the lost ones may still be there.
    for _ in 0..3 {
        assert_eq!(nl.get(&Link::named("lo")?)?.dev.index, LO);
        assert_eq!(nl.snapshot(Link::all())?.len(), 1);
    }
    Ok(())
}

fn timeout() -> Outcome {
    let mut nl = Connection::builder().timeout(Some(Duration::from_millis(50))).open()?;
    // The kernel carries it out, but sees no dump in it that it could answer.
    let error = nl.dump(&lo_down(0)?, |_| ()).err().ok_or("there was an answer")?;
    assert!(matches!(&error, Error::Timeout { after, .. } if after.as_millis() == 50), "{error}");
    assert!(error.to_string().starts_with("no answer to `message 1"), "{error}");
    assert_eq!(nl.snapshot(Link::all())?.len(), 1);
    assert_eq!(nl.get(&Link::named("lo")?)?.dev.index, LO);
    Ok(())
}

fn by_name() -> Outcome {
    // This thread's own /run, so that the machine's is left alone.
    unshare(CloneFlags::CLONE_NEWNS)?;
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)?;
    mount(Some("tmpfs"), "/run", Some("tmpfs"), MsFlags::empty(), None::<&str>)?;
    ip("netns add lab")?;
    ip("-netns lab link add here type bridge")?;
    let mut nl = Connection::open_in(Namespace::Name("lab"))?;
    assert_eq!(nl.snapshot(Link::all())?.len(), 2);
    assert_eq!(nl.get(&Link::named("here")?)?.name.as_deref(), Some("here"));
    // This thread is where it was.
    assert_eq!(Connection::open()?.snapshot(Link::all())?.len(), 1);
    let error = Connection::open_in(Namespace::Name("elsewhere")).err().ok_or("it was opened")?;
    assert!(
        error.to_string().contains("the network namespace elsewhere: No such file or directory"),
        "{error}"
    );
    // The connection outlives the name.
    ip("netns delete lab")?;
    assert_eq!(nl.snapshot(Link::all())?.len(), 2);
    Ok(())
}

fn by_process() -> Outcome {
    let mut process = in_netns(|| {
        ip("link add there type bridge")?;
        // It ends when its input does.
        Ok(Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?)
    })?;
    let links = Connection::open_in(Namespace::Pid(process.id())).and_then(|mut nl| nl.snapshot(Link::all()));
    drop(process.stdin.take());
    process.wait()?;
    let names: Vec<_> = links?.into_iter().filter_map(|link| link.name).collect();
    assert_eq!(names.len(), 2);
    assert!(names.iter().any(|name| name.as_str() == "there"), "{names:?}");
    assert!(Connection::open_in(Namespace::Pid(process.id())).is_err(), "it is gone");
    Ok(())
}

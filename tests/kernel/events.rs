//! Events: what others change is heard, and what is lost is said.

use crate::common::{in_netns, trial, Outcome};
use libtest_mimic::Trial;
use std::fs::File;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};
use tcnl::netlink::{Connection, Group, Namespace, Protocol};
use tcnl::request::Object;
use tcnl::route::{Link, Rule};
use tcnl::tc::{fifo::Pfifo, Qdisc};
use tcnl::Error;

const LO: u32 = 1;
const SOON: Option<Duration> = Some(Duration::from_millis(200));

pub fn trials() -> Vec<Trial> {
    vec![
        trial("what is added and deleted is heard with its type and its body", heard),
        trial("only the groups that were asked for are heard", groups),
        trial("where nothing happens the wait ends in time", nothing),
        trial("events that were lost are said to be, and hearing goes on", lost),
        trial("a forged event is not believed", forged),
        trial("events of another namespace are heard", elsewhere),
        trial("events of another part of the kernel cannot be asked for", wrong_protocol),
    ]
}

fn heard() -> Outcome {
    let mut events = Connection::builder().timeout(SOON).events(&[Group::Tc])?;
    let mut nl = Connection::open()?;
    let qdisc = Qdisc::root(LO).handle("1:".parse()?).kind(Pfifo::default());
    nl.add(&qdisc)?;
    nl.delete(&qdisc)?;
    for gone in [false, true] {
        let event = events.next()?.ok_or("nothing was heard")?;
        assert_eq!((event.object_type(), event.is_deletion()), (Qdisc::NEW, gone));
        assert_eq!(event.object::<Qdisc>().ok_or("another object")??.handle, qdisc.handle);
        assert!(event.object::<Rule>().is_none());
    }
    assert_eq!(events.next()?, None);
    Ok(())
}

fn groups() -> Outcome {
    let mut events = Connection::builder().timeout(SOON).events(&[Group::RuleV4, Group::Nexthop])?;
    let mut nl = Connection::open()?;
    nl.change(&Link::named("lo")?.up())?;
    nl.add(&Qdisc::root(LO).kind(Pfifo::default()))?;
    nl.add(&Rule::v4().fwmark(5).table(100))?;
    let event = events.next()?.ok_or("nothing was heard")?;
    assert_eq!(event.object::<Rule>().ok_or("another object")??.table, Some(100));
    assert_eq!(events.next()?, None);
    Ok(())
}

fn nothing() -> Outcome {
    let mut events = Connection::builder().timeout(SOON).events(&[Group::Tc])?;
    let start = Instant::now();
    assert_eq!(events.next()?, None);
    assert!(start.elapsed() >= Duration::from_millis(200));
    Ok(())
}

fn lost() -> Outcome {
    let mut events = Connection::builder().timeout(SOON).receive_buffer(4096).events(&[Group::RuleV4])?;
    let mut nl = Connection::open()?;
    let mut batch = nl.batch();
    for priority in 1..=200 {
        batch.add(&Rule::v4().priority(priority).table(100))?;
    }
    nl.run(&batch).into_iter().collect::<tcnl::Result<Vec<_>>>()?;
    let (mut count, mut overruns) = (0, 0);
    loop {
        match events.next() {
            Ok(Some(_)) => count += 1,
            Ok(None) => break,
            Err(Error::Overrun { .. }) => overruns += 1,
            Err(other) => return Err(other.into()),
        }
    }
    assert_eq!(overruns, 1);
    assert!((1..200).contains(&count), "{count}");
    nl.delete(&Rule::v4().priority(7).table(100))?;
    assert!(events.next()?.ok_or("nothing was heard")?.is_deletion());
    Ok(())
}

fn forged() -> Outcome {
    let mut events = Connection::builder().timeout(SOON).events(&[Group::Tc])?;
    let forger = netlink_sys::Socket::new(netlink_sys::protocols::NETLINK_ROUTE)?;
    let mut message = vec![36, 0, 0, 0, 36, 0, 0, 0];
    message.resize(36, 0);
    // The first netlink socket of a process in a namespace has the process's id for its port.
    forger.send_to(&message, &netlink_sys::SocketAddr::new(std::process::id(), 0), 0)?;
    assert_eq!(events.next()?, None);
    Ok(())
}

fn elsewhere() -> Outcome {
    let file = File::open(format!("/proc/{}/task/{}/ns/net", std::process::id(), nix::unistd::gettid()))?;
    let mut nl = Connection::open()?;
    in_netns(|| {
        let builder = Connection::builder().timeout(SOON);
        let mut events = builder.events_in(Namespace::Fd(file.as_fd()), &[Group::Tc])?;
        nl.add(&Qdisc::root(LO).kind(Pfifo::default()))?;
        assert!(events.next()?.is_some());
        Ok(())
    })
}

fn wrong_protocol() -> Outcome {
    let error = Connection::builder().protocol(Protocol::Netfilter).events(&[Group::Tc]).unwrap_err();
    assert!(matches!(error, Error::Invalid { .. }), "{error}");
    Ok(())
}

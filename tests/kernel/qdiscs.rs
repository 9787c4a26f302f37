//! Qdiscs: what the crate configures `tc` shows, and what `tc` configures the crate reads.

use crate::common::{tc, trial, Outcome, Stop};
use crate::twice::{twice, Seen};
use libtest_mimic::Trial;
use tcnl::netlink::Connection;
use tcnl::tc::fifo::{Bfifo, Pfifo, PfifoHeadDrop};
use tcnl::tc::htb::Htb;
use tcnl::tc::{Estimator, Qdisc};
use tcnl::units::{Handle, Packets, Size};

const LO: u32 = 1;
const ROOT: Handle = Handle::new(1, 0);

pub fn trials() -> Vec<Trial> {
    vec![
        trial("htb has the default class, r2q and direct_qlen that it was given", htb),
        trial("fifos have the limits that they were given", fifos),
        trial("a fifo without a limit takes the device's queue length", default_limits),
        trial("a qdisc with an estimator measures its rate", estimator),
        trial("a qdisc below a class is read with its parent", below_a_class),
        trial("a qdisc is changed, replaced and deleted", verbs),
    ]
}

/// A qdisc, and the words with which `tc` makes the same.
fn qdisc(ours: Qdisc, theirs: &str) -> Result<Seen<Qdisc>, Stop> {
    twice(&[], &[ours], &[&format!("tc qdisc add {theirs}")], "tc -d qdisc show dev lo", Qdisc::of(LO))
}

fn options(qdisc: &Qdisc) -> String {
    qdisc.kind.as_ref().map_or(String::new(), ToString::to_string)
}

fn htb() -> Outcome {
    qdisc(
        Qdisc::root(LO).handle(ROOT).kind(Htb::default().default_class(0x2a).r2q(7).direct_qlen(Packets(77))),
        "dev lo root handle 1: htb default 2a r2q 7 direct_qlen 77",
    )?
    .shows(&["qdisc htb 1: root refcnt 2 r2q 7 default 0x2a direct_packets_stat 0 ver 3.17 direct_qlen 77"])
    .reads(options, &["htb default 0x2a r2q 7 direct_qlen 77"]);
    Ok(())
}

fn fifos() -> Outcome {
    let root = || Qdisc::root(LO).handle(ROOT);
    qdisc(root().kind(Pfifo::new().limit(Packets(7))), "dev lo root handle 1: pfifo limit 7")?
        .shows(&["qdisc pfifo 1: root refcnt 2 limit 7p"])
        .reads(options, &["pfifo limit 7"]);
    start_again()?;
    qdisc(root().kind(Bfifo::new().limit(Size::kib(7))), "dev lo root handle 1: bfifo limit 7kb")?
        .shows(&["qdisc bfifo 1: root refcnt 2 limit 7Kb"])
        .reads(options, &["bfifo limit 7Kb"]);
    start_again()?;
    let head_drop = PfifoHeadDrop::new().limit(Packets(9));
    qdisc(root().kind(head_drop), "dev lo root handle 1: pfifo_head_drop limit 9")?
        .shows(&["qdisc pfifo_head_drop 1: root refcnt 2 limit 9p"])
        .reads(options, &["pfifo_head_drop limit 9"]);
    Ok(())
}

fn start_again() -> Outcome {
    tc("qdisc del dev lo root").map(drop)
}

fn default_limits() -> Outcome {
    qdisc(Qdisc::root(LO).handle(ROOT).kind(Pfifo::new()), "dev lo root handle 1: pfifo")?
        .reads(options, &["pfifo limit 1000"]);
    start_again()?;
    // The longest packet of lo with its link header, a thousand times.
    qdisc(Qdisc::root(LO).handle(ROOT).kind(Bfifo::new()), "dev lo root handle 1: bfifo")?
        .reads(options, &["bfifo limit 65550000b"]);
    Ok(())
}

fn estimator() -> Outcome {
    let ours = Qdisc::root(LO).handle(ROOT).estimator(Estimator::new(0, 3)).kind(Htb::default());
    qdisc(ours, "dev lo root handle 1: estimator 1s 8s htb")?.reads(options, &["htb direct_qlen 1000"]);
    // Whether there is an estimator shows in the statistics alone.
    let read = Connection::open()?.get(&Qdisc::root(LO))?;
    assert_eq!(read.stats.and_then(|stats| stats.rate), Some((0, 0)));
    assert!(tc("-s qdisc show dev lo")?.contains("rate 0bit 0pps"));
    Ok(())
}

fn below_a_class() -> Outcome {
    let setup = [
        "tc qdisc add dev lo root handle 1: htb",
        "tc class add dev lo parent 1: classid 1:a htb rate 1mbit",
    ];
    let ours =
        Qdisc::at(LO, Handle::new(1, 10)).handle(Handle::new(0xabcd, 0)).kind(Pfifo::new().limit(Packets(5)));
    let seen = twice(
        &setup,
        &[ours],
        &["tc qdisc add dev lo parent 1:a handle abcd: pfifo limit 5"],
        "tc -d qdisc show dev lo",
        Qdisc::of(LO),
    )?
    .shows(&["qdisc pfifo abcd: parent 1:a limit 5p"])
    .reads(options, &["htb direct_qlen 1000", "pfifo limit 5"]);
    let [root, leaf] = seen.objects.as_slice() else { return Err("not two qdiscs".into()) };
    assert_eq!((root.parent, root.handle, root.references), (Handle::ROOT, ROOT, 2));
    assert_eq!((leaf.parent, leaf.handle), (Handle::new(1, 10), Handle::new(0xabcd, 0)));
    Ok(())
}

fn verbs() -> Outcome {
    let mut nl = Connection::open()?;
    let fifo = |limit| Qdisc::root(LO).handle(ROOT).kind(Pfifo::new().limit(Packets(limit)));
    let shown = || tc("qdisc show dev lo");
    nl.add(&fifo(5))?;
    nl.change(&fifo(6))?;
    assert!(shown()?.starts_with("qdisc pfifo 1: root refcnt 2 limit 6p"), "{}", shown()?);
    assert_eq!(options(&nl.get(&Qdisc::root(LO))?), "pfifo limit 6");
    nl.replace(&fifo(7))?;
    assert_eq!(options(&nl.get(&Qdisc::root(LO))?), "pfifo limit 7");
    // Another kind takes its place.
    nl.replace(&Qdisc::root(LO).handle(Handle::new(2, 0)).kind(Htb::default()))?;
    assert!(shown()?.starts_with("qdisc htb 2: root"), "{}", shown()?);
    // The kernel cannot change an htb; that one, by its place and by its kind, is there as before.
    let error = nl.change(&Qdisc::root(LO).handle(Handle::new(2, 0)).kind(Htb::default().default_class(1)));
    let error = error.err().ok_or("an htb was changed")?;
    assert_eq!(error.errno(), Some(nix::libc::EOPNOTSUPP), "{error}");
    assert!(error.to_string().contains("Change operation not supported by specified qdisc"), "{error}");
    nl.delete(&Qdisc::root(LO))?;
    assert!(shown()?.starts_with("qdisc noqueue"), "{}", shown()?);
    let error = nl.delete(&Qdisc::root(LO)).err().ok_or("what is not there was deleted")?;
    assert_eq!(error.errno(), Some(nix::libc::ENOENT), "{error}");
    Ok(())
}

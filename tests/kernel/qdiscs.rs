//! Qdiscs: what the crate configures `tc` shows, and what `tc` configures the crate reads.

use crate::common::{tc, trial, Outcome, Stop};
use crate::twice::{twice, Seen};
use libtest_mimic::Trial;
use tcnl::netlink::Connection;
use tcnl::tc::fifo::{Bfifo, Pfifo, PfifoHeadDrop};
use tcnl::tc::htb::Htb;
use tcnl::tc::ingress::{Clsact, Ingress};
use tcnl::tc::sfq::{Red, Sfq};
use tcnl::tc::tbf::Tbf;
use tcnl::tc::{Class, Estimator, Framing, LinkLayer, Qdisc, QdiscKind, SizeTable};
use tcnl::units::{Handle, Micros, Packets, Rate, Size};

const LO: u32 = 1;
const ROOT: Handle = Handle::new(1, 0);

pub fn trials() -> Vec<Trial> {
    vec![
        trial("sfq has the limits, the hash and the quantum that it was given", sfq),
        trial("sfq drops early as it was told to", sfq_red),
        trial("tbf has the rates, the buckets and the limit that it was given", tbf),
        trial("tbf is as fast as it was told to be, above 32 bits too", fast_tbf),
        trial("tbf turns a latency into a limit", latency),
        trial("ingress and clsact have their place and their blocks", places),
        trial("a size table says what packets cost", stab),
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
    let class = Connection::open()?.get(&Class::with_id(LO, Handle::new(1, 10)))?;
    assert_eq!(class.leaf, Some(Handle::new(0xabcd, 0)));
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
    assert_eq!(error.errno(), Some(nix::libc::EINVAL), "{error}");
    assert!(error.to_string().contains("Change operation not supported by specified qdisc"), "{error}");
    nl.delete(&Qdisc::root(LO))?;
    assert_eq!(shown()?, "");
    let error = nl.delete(&Qdisc::root(LO)).err().ok_or("what is not there was deleted")?;
    assert_eq!(error.errno(), Some(nix::libc::ENOENT), "{error}");
    Ok(())
}

fn sfq() -> Outcome {
    let ours = Sfq::new()
        .limit(Packets(900))
        .perturb(10)
        .quantum(3000)
        .divisor(512)
        .flows(200)
        .depth(90)
        .headdrop(true);
    qdisc(
        Qdisc::root(LO).handle(ROOT).kind(ours),
        "dev lo root handle 1: sfq limit 900 perturb 10 quantum 3000 divisor 512 flows 200 depth 90 headdrop",
    )?
    .shows(&[
        "qdisc sfq 1: root refcnt 2 limit 900p quantum 3000b depth 90 headdrop",
        "flows 200",
        "divisor 512",
        "perturb 10sec",
    ])
    .reads(options, &["sfq limit 900 perturb 10 quantum 3000 divisor 512 flows 200 depth 90 headdrop"]);
    start_again()?;
    // The quantum is lo's MTU with the link header.
    qdisc(Qdisc::root(LO).handle(ROOT).kind(Sfq::new()), "dev lo root handle 1: sfq")?.shows(&[
        "limit 127p",
        "depth 127",
        "divisor 1024",
    ]);
    Ok(())
}

fn sfq_red() -> Outcome {
    let red = Red::new(60_000).thresholds(8_000, 24_000).probability(0.12).tuned(1000, 20).ecn();
    qdisc(
        Qdisc::root(LO).handle(ROOT).kind(Sfq::new().limit(Packets(3000)).red(red)),
        "dev lo root handle 1: sfq limit 3000 redflowlimit 60000 min 8000 max 24000 probability 0.12 avpkt 1000 burst 20 ecn",
    )?
    .shows(&["min 8000b max 24000b", "ecn", "probability 0.12"]);
    Ok(())
}

fn tbf() -> Outcome {
    let framing = Framing { overhead: 10, mpu: 64, linklayer: LinkLayer::Ethernet };
    let ours = Tbf::rate(Rate::mbit(8)).burst(Size::kib(10)).limit(Size::kib(20)).framing(framing);
    qdisc(
        Qdisc::root(LO).handle(ROOT).kind(ours),
        "dev lo root handle 1: tbf rate 8mbit burst 10k limit 20k overhead 10 mpu 64",
    )?
    .shows(&["qdisc tbf 1: root refcnt 2 rate 8Mbit burst 10Kb/", "mpu 64b lat 10.2ms overhead 10"])
    // The kernel adds the overhead to the burst, and reports whole ticks.
    .reads(options, &["tbf rate 8Mbit burst 10249b limit 20Kb mpu 64 overhead 10"]);
    start_again()?;
    let ours =
        Tbf::rate(Rate::mbit(8)).burst(Size::kib(10)).limit(Size::kib(20)).peak(Rate::mbit(16), Size(1600));
    qdisc(
        Qdisc::root(LO).handle(ROOT).kind(ours),
        "dev lo root handle 1: tbf rate 8mbit burst 10k limit 20k peakrate 16mbit minburst 1600",
    )?
    .shows(&["peakrate 16Mbit mtu 1600b/"])
    .reads(options, &["tbf rate 8Mbit burst 10Kb limit 20Kb peakrate 16Mbit minburst 1600b"]);
    let mut nl = Connection::open()?;
    let slower = Tbf::rate(Rate::mbit(4)).burst(Size::kib(10)).limit(Size::kib(20));
    nl.change(&Qdisc::root(LO).handle(ROOT).kind(slower))?;
    let shown = tc("qdisc show dev lo")?;
    assert!(shown.contains("tbf 1: root refcnt 2 rate 4Mbit") && !shown.contains("peakrate"), "{shown}");
    Ok(())
}

fn fast_tbf() -> Outcome {
    let mut nl = Connection::open()?;
    let ours =
        Tbf::rate(Rate::gbit(40)).burst(Size::mib(1)).limit(Size::mib(2)).peak(Rate::gbit(80), Size::kib(64));
    nl.add(&Qdisc::root(LO).handle(ROOT).kind(ours))?;
    let shown = tc("-d qdisc show dev lo")?;
    assert!(shown.contains("rate 40Gbit") && shown.contains("peakrate 80Gbit"), "{shown}");
    let Some(QdiscKind::Tbf(read)) = nl.get(&Qdisc::root(LO))?.kind else { return Err("no tbf".into()) };
    assert_eq!((read.rate, read.peak), (Rate::gbit(40), Some(Rate::gbit(80))));
    let burst = read.burst.ok_or("no burst")?.size(&nl.clock(), read.rate);
    // The kernel reports whole ticks of 64 ns, which are 320 bytes here.
    assert!((Size::mib(1).0 - 319..=Size::mib(1).0).contains(&burst.0), "{burst}");
    Ok(())
}

fn latency() -> Outcome {
    let ours = Tbf::rate(Rate::mbit(8)).burst(Size::kib(10)).latency(Micros(50_000));
    qdisc(
        Qdisc::root(LO).handle(ROOT).kind(ours),
        "dev lo root handle 1: tbf rate 8mbit burst 10k latency 50ms",
    )?
    .shows(&["lat 50ms"])
    // 50 ms at 1,000,000 bytes per second, and the burst.
    .reads(options, &["tbf rate 8Mbit burst 10Kb limit 60240b"]);
    Ok(())
}

fn places() -> Outcome {
    qdisc(Qdisc::ingress(LO).kind(Ingress::new()), "dev lo ingress")?
        .shows(&["qdisc ingress ffff: parent ffff:fff1"])
        .reads(options, &["ingress"]);
    tc("qdisc del dev lo ingress")?;
    let seen = qdisc(
        Qdisc::ingress(LO).ingress_block(22).egress_block(23).kind(Clsact::new()),
        "dev lo ingress_block 22 egress_block 23 clsact",
    )?
    .shows(&["qdisc clsact ffff: parent ffff:fff1 ingress_block 22 egress_block 23"]);
    let blocks: Vec<_> = seen.objects.iter().map(|qdisc| (qdisc.ingress_block, qdisc.egress_block)).collect();
    assert_eq!(blocks, [(Some(22), Some(23))]);
    let mut nl = Connection::open()?;
    nl.delete(&Qdisc::ingress(LO))?;
    assert!(!tc("qdisc show dev lo")?.contains("clsact"));
    Ok(())
}

fn stab() -> Outcome {
    let table = SizeTable::new().overhead(24).mpu(64).mtu(3000).tsize(256).linklayer(LinkLayer::Atm);
    let seen = qdisc(
        Qdisc::root(LO).handle(ROOT).stab(table.clone()).kind(Htb::default()),
        "dev lo root handle 1: stab overhead 24 mpu 64 mtu 3000 tsize 256 linklayer atm htb",
    )?
    .shows(&["linklayer atm overhead 24 mpu 64 mtu 3000 tsize 256"]);
    assert_eq!(seen.objects.first().and_then(|qdisc| qdisc.stab.clone()), Some(table));
    start_again()?;
    qdisc(
        Qdisc::root(LO).handle(ROOT).stab(SizeTable::new().overhead(-4)).kind(Htb::default()),
        "dev lo root handle 1: stab overhead -4 htb",
    )?
    .shows(&["overhead -4"]);
    Ok(())
}

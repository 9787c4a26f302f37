//! Classes of htb: what the crate configures `tc` shows, and what `tc` configures the crate reads.

use crate::common::{tc, trial, Outcome, Stop};
use crate::twice::{twice, Seen};
use libtest_mimic::Trial;
use tcnl::netlink::Connection;
use tcnl::tc::htb::{Htb, HtbClass};
use tcnl::tc::{AppStats, Class, ClassKind, Estimator, Framing, LinkLayer, Qdisc};
use tcnl::units::{Handle, Rate, Size};

const LO: u32 = 1;
const ROOT: Handle = Handle::new(1, 0);

pub fn trials() -> Vec<Trial> {
    vec![
        trial("an htb class has the rates and the buckets that it was given", rates),
        trial("an htb class has the quantum, the prio and the framing that it was given", framing),
        trial("an htb class counts ATM cells", atm),
        trial("an htb class reaches 40 Gbit/s and above with buckets that are not empty", fast),
        trial("an htb class without buckets has room for one packet at least", default_buckets),
        trial("an htb tree is read with its parents, levels and leaves", tree),
        trial("the quantum follows from the rate and r2q", r2q),
        trial("a class with an estimator measures its rate", estimator),
        trial("a class is changed, replaced, read and deleted", verbs),
        trial("changing a class resets what is left out", change_resets),
    ]
}

/// Below an htb that is there already: a class, and the words with which `tc` makes the same.
fn class(ours: HtbClass, theirs: &str) -> Result<Seen<Class>, Stop> {
    let ours = Class::under(LO, ROOT).id(Handle::new(1, 0x1f)).kind(ours);
    twice(
        &["tc qdisc add dev lo root handle 1: htb"],
        &[ours],
        &[&format!("tc class add dev lo parent 1: classid 1:1f htb {theirs}")],
        "tc -d class show dev lo",
        Class::of(LO),
    )
}

fn options(class: &Class) -> String {
    class.kind.as_ref().map_or(String::new(), ToString::to_string)
}

fn rates() -> Outcome {
    let ours = HtbClass::rate(Rate::mbit(2))
        .ceil(Rate::mbit(8))
        .burst(Size::kib(15))
        .cburst(Size::kib(5))
        .quantum(3000);
    class(ours, "rate 2mbit ceil 8mbit burst 15k cburst 5k quantum 3000")?
        .shows(&[
            "class htb 1:1f root prio 0 quantum 3000 rate 2Mbit ceil 8Mbit",
            "burst 15Kb/",
            "cburst 5Kb/",
            "level 0",
        ])
        .reads(options, &["htb rate 2Mbit ceil 8Mbit burst 15Kb cburst 5Kb quantum 3000"]);
    Ok(())
}

fn framing() -> Outcome {
    let framing = Framing { overhead: 18, mpu: 64, linklayer: LinkLayer::Ethernet };
    let ours = HtbClass::rate(Rate::mbit(1))
        .burst(Size::kib(2))
        .cburst(Size::kib(2))
        .quantum(1500)
        .prio(5)
        .framing(framing);
    class(ours, "rate 1mbit burst 2k cburst 2k quantum 1500 prio 5 mpu 64 overhead 18")?
        .shows(&[
            "prio 5 quantum 1500 rate 1Mbit overhead 18 ceil 1Mbit linklayer ethernet",
            "mpu 64b",
            "cburst 2Kb/",
        ])
        .reads(options, &["htb rate 1Mbit burst 2Kb cburst 2Kb prio 5 quantum 1500 mpu 64 overhead 18"]);
    Ok(())
}

fn atm() -> Outcome {
    let framing = Framing { overhead: 14, mpu: 0, linklayer: LinkLayer::Atm };
    let ours =
        HtbClass::rate(Rate::mbit(1)).burst(Size::kib(2)).cburst(Size::kib(2)).quantum(1500).framing(framing);
    class(ours, "rate 1mbit burst 2k cburst 2k quantum 1500 overhead 14 linklayer atm")?
        .shows(&["rate 1Mbit overhead 14 ceil 1Mbit linklayer atm"])
        .reads(options, &["htb rate 1Mbit burst 2Kb cburst 2Kb quantum 1500 overhead 14 linklayer atm"]);
    Ok(())
}

fn fast() -> Outcome {
    // 2^32 bytes per second are a little more than 34 Gbit/s; tc 6.1 rounds buckets that it prints down to whole
    // microseconds.
    tc("qdisc add dev lo root handle 1: htb")?;
    let mut nl = Connection::open()?;
    let rates = [
        (1, Rate::gbit(34)),
        (2, Rate::gbit(35)),
        (3, Rate::gbit(40)),
        (4, Rate::gbit(400)),
        (5, Rate::tbit(3)),
    ];
    for (minor, rate) in rates {
        nl.add(&Class::under(LO, ROOT).id(Handle::new(1, minor)).kind(HtbClass::rate(rate).quantum(60_000)))?;
    }
    let shown = tc("class show dev lo")?;
    for words in [
        "rate 34Gbit ceil 34Gbit",
        "rate 35Gbit ceil 35Gbit",
        "rate 40Gbit ceil 40Gbit",
        "rate 400Gbit ceil 400Gbit",
        "rate 3Tbit ceil 3Tbit",
    ] {
        assert!(shown.contains(words), "{words} in {shown}");
    }
    let read = nl.snapshot(Class::of(LO))?;
    for (minor, rate) in rates {
        let Some(ClassKind::Htb(class)) =
            read.iter().find(|class| class.id.minor() == minor).and_then(|class| class.kind.as_ref())
        else {
            return Err(Stop::Fail(format!("no class {minor} in {read:?}")));
        };
        assert_eq!((class.rate, class.ceil_or_rate()), (rate, rate));
        let burst = class.burst.ok_or("no burst")?.size(&nl.clock(), rate);
        assert!(burst >= Size(1600), "{burst} at {rate}");
    }
    Ok(())
}

fn default_buckets() -> Outcome {
    tc("qdisc add dev lo root handle 1: htb")?;
    let mut nl = Connection::open()?;
    for (minor, mtu) in [(1, None), (2, Some(9000))] {
        let mut kind = HtbClass::rate(Rate::gbit(1)).quantum(60_000);
        kind.mtu = mtu;
        nl.add(&Class::under(LO, ROOT).id(Handle::new(1, minor)).kind(kind))?;
    }
    let clock = nl.clock();
    for (minor, least) in [(1, Size(1600)), (2, Size(9000))] {
        let read = nl.get(&Class::with_id(LO, Handle::new(1, minor)))?;
        let Some(ClassKind::Htb(class)) = read.kind else { return Err("no htb".into()) };
        for burst in [class.burst, class.cburst] {
            let burst = burst.ok_or("no bucket")?.size(&clock, class.rate);
            assert!((least.0..least.0 + 8).contains(&burst.0), "{burst}");
        }
    }
    Ok(())
}

fn tree() -> Outcome {
    let id = |minor| Handle::new(1, minor);
    let kind = |mbit| HtbClass::rate(Rate::mbit(mbit)).burst(Size::kib(2)).cburst(Size::kib(2)).quantum(1500);
    let seen = twice(
        &["tc qdisc add dev lo root handle 1: htb"],
        &[
            Class::under(LO, ROOT).id(id(1)).kind(kind(4)),
            Class::under(LO, id(1)).id(id(2)).kind(kind(2)),
            Class::under(LO, id(2)).id(id(3)).kind(kind(1)),
        ],
        &[
            "tc class add dev lo parent 1: classid 1:1 htb rate 4mbit burst 2k cburst 2k quantum 1500",
            "tc class add dev lo parent 1:1 classid 1:2 htb rate 2mbit burst 2k cburst 2k quantum 1500",
            "tc class add dev lo parent 1:2 classid 1:3 htb rate 1mbit burst 2k cburst 2k quantum 1500",
        ],
        "tc -d class show dev lo",
        Class::of(LO),
    )?
    .shows(&[
        "class htb 1:1 root rate 4Mbit",
        "class htb 1:2 parent 1:1 rate 2Mbit",
        "class htb 1:3 parent 1:2 prio 0",
    ]);
    let place = |class: &Class| match &class.kind {
        Some(ClassKind::Htb(htb)) => (class.parent, class.id, htb.level),
        _ => panic!("{class:?}"),
    };
    let mut places: Vec<_> = seen.objects.iter().map(place).collect();
    places.sort_by_key(|(_, id, ..)| id.raw());
    // A class right below the qdisc stands at level 7 if it is no leaf.
    assert_eq!(places, [(Handle::ROOT, id(1), 7), (id(1), id(2), 6), (id(2), id(3), 0)]);
    Ok(())
}

fn r2q() -> Outcome {
    let mut nl = Connection::open()?;
    nl.add(&Qdisc::root(LO).handle(ROOT).kind(Htb::default().r2q(50)))?;
    let ack = nl.add(&Class::under(LO, ROOT).id(Handle::new(1, 1)).kind(HtbClass::rate(Rate::mbit(4))))?;
    assert_eq!(ack.warnings, []);
    // 4 Mbit/s are 500,000 bytes per second.
    assert!(tc("-d class show dev lo")?.contains("quantum 10000 rate 4Mbit"));
    Ok(())
}

fn estimator() -> Outcome {
    tc("qdisc add dev lo root handle 1: htb")?;
    let mut nl = Connection::open()?;
    let kind = HtbClass::rate(Rate::mbit(10)).quantum(1500);
    nl.add(
        &Class::under(LO, ROOT).id(Handle::new(1, 1)).estimator(Estimator::new(-2, 2)).kind(kind.clone()),
    )?;
    nl.add(&Class::under(LO, ROOT).id(Handle::new(1, 2)).kind(kind))?;
    let mut rate = |minor| {
        nl.get(&Class::with_id(LO, Handle::new(1, minor)))
            .map(|class| class.stats.and_then(|stats| stats.rate))
    };
    assert_eq!((rate(1)?, rate(2)?), (Some((0, 0)), None));
    Ok(())
}

fn verbs() -> Outcome {
    tc("qdisc add dev lo root handle 1: htb")?;
    let mut nl = Connection::open()?;
    let id = Handle::new(1, 0x10);
    let kind = |mbit| HtbClass::rate(Rate::mbit(mbit)).quantum(1500);
    let rate = |nl: &mut Connection| nl.get(&Class::with_id(LO, id)).map(|class| options(&class));
    nl.add(&Class::under(LO, ROOT).id(id).kind(kind(1)))?;
    assert_eq!(
        nl.add(&Class::under(LO, ROOT).id(id).kind(kind(2))).err().and_then(|e| e.errno()),
        Some(nix::libc::EEXIST)
    );
    nl.change(&Class::with_id(LO, id).kind(kind(3)))?;
    assert!(rate(&mut nl)?.starts_with("htb rate 3Mbit"));
    nl.replace(&Class::under(LO, ROOT).id(id).kind(kind(4)))?;
    assert!(tc("class show dev lo")?.contains("class htb 1:10 root prio 0 rate 4Mbit ceil 4Mbit"));
    let read = nl.get(&Class::with_id(LO, id))?;
    assert!(
        matches!(read.stats.as_ref().and_then(|stats| stats.app.as_ref()), Some(AppStats::HtbClass(_))),
        "{read:?}"
    );
    // What was read can be sent.
    nl.replace(&read)?;
    assert_eq!(nl.get(&Class::with_id(LO, id))?.kind, read.kind);
    nl.delete(&Class::with_id(LO, id))?;
    assert_eq!(tc("class show dev lo")?, "");
    assert_eq!(
        nl.change(&Class::with_id(LO, id).kind(kind(1))).err().and_then(|e| e.errno()),
        Some(nix::libc::ENOENT)
    );
    Ok(())
}

fn change_resets() -> Outcome {
    tc("qdisc add dev lo root handle 1: htb")?;
    let mut nl = Connection::open()?;
    let id = Handle::new(1, 0x10);
    let full = HtbClass::rate(Rate::mbit(1)).ceil(Rate::mbit(9)).prio(3).quantum(2000).burst(Size::kib(9));
    nl.add(&Class::under(LO, ROOT).id(id).kind(full))?;
    nl.change(&Class::with_id(LO, id).kind(HtbClass::rate(Rate::mbit(1)).quantum(1500)))?;
    let shown = tc("-d class show dev lo")?;
    assert!(
        shown.contains("prio 0 quantum 1500 rate 1Mbit ceil 1Mbit linklayer ethernet burst 1600b"),
        "{shown}"
    );
    Ok(())
}

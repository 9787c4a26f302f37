//! New connections go to the emptier uplink, and those that run stay where they are.

use crate::common::{is_slow, trial, Outcome, Stop};
use crate::lab::{Lab, Result, SERVER};
use crate::running::Running;
use crate::traffic::{serve, tcp_seen_as, Talk};
use libtest_mimic::Trial;
use std::net::IpAddr;
use std::thread::sleep;
use std::time::{Duration, Instant};
use tcnl::units::Rate;
use tcnl::uplink::{Decision, EmptierUplink, Forced, Sample, Selector, Transport, Weighted};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("two staggered downloads use both uplinks, in 6 of 6 rounds", downloads),
        trial("40 connections live through 30 changes of the weights", live),
        trial("what is forced to an uplink uses it, and nothing else does for that", forced),
        trial("an uplink that is taken out gets no new connections, and keeps its old ones", drained),
    ]
}

fn downloads() -> Outcome {
    if is_slow() {
        return Err(Stop::Skip("an emulated machine does not carry 40 Mbit/s".into()));
    }
    let capacity = (Rate::mbit(20), Rate::mbit(5));
    let lab = Lab::build(&[capacity; 2])?;
    serve(&lab.internet, SERVER[0])?;
    let download = || Talk::download(&lab.lan, SERVER[0]);
    let measure = |flows: &[Talk]| {
        let bytes = || flows.iter().map(Talk::bytes).sum::<u64>();
        let (before, start) = (bytes(), Instant::now());
        sleep(Duration::from_millis(2500));
        (bytes() - before) as f64 * 8e-6 / start.elapsed().as_secs_f64()
    };
    // The control: one uplink, as there is one default route; with masquerading, or nobody would answer.
    let one = {
        let one = lab.model(&[capacity; 2]);
        let _running = Running::start(&lab, one, Box::new(Fixed([1, 0])))?;
        let flows = [download()?, download()?];
        sleep(Duration::from_secs(1));
        measure(&flows)
    };
    let gateway = lab.model(&[capacity; 2]);
    let selector = Box::new(EmptierUplink::new(&gateway.uplinks));
    let running = Running::start(&lab, gateway, selector)?;
    let mut rounds = Vec::new();
    for _ in 0..6 {
        sleep(Duration::from_secs(2));
        let first = download()?;
        sleep(Duration::from_millis(1500));
        let flows = [first, download()?];
        sleep(Duration::from_secs(1));
        rounds.push((measure(&flows) / one, flows[0].seen_as != flows[1].seen_as));
    }
    println!("one uplink: {one:.1} Mbit/s; two downloads, as multiples of it, and whether on both uplinks: {rounds:.2?}");
    assert!(rounds.iter().all(|(_, both)| *both), "{rounds:?}: {:#?}", running.told());
    // How fast depends on what else the machine does: it is said, and not judged.
    Ok(())
}

/// Always the same.
struct Fixed([u16; 2]);

impl Selector for Fixed {
    fn select(&mut self, _now: Duration, _samples: &[Sample]) -> Option<Decision> {
        Some(Decision { weights: self.0.to_vec(), reason: "always so".into() })
    }
}

/// Everything by one uplink, then everything by the next.
struct Swinging(u16);

impl Selector for Swinging {
    fn select(&mut self, _now: Duration, samples: &[Sample]) -> Option<Decision> {
        self.0 += 1;
        let mut weights = vec![0; samples.len()];
        *weights.get_mut(usize::from(self.0) % samples.len())? = 1;
        Some(Decision { weights, reason: "it swings".into() })
    }
}

fn live() -> Outcome {
    let fast = (Rate::mbit(100), Rate::mbit(100));
    let lab = Lab::build(&[fast; 2])?;
    SERVER.into_iter().try_for_each(|address| serve(&lab.internet, address))?;
    let gateway = lab.model(&[fast; 2]);
    let running = Running::start(&lab, gateway, Box::new(Swinging(0)))?;
    let mut flows = Vec::new();
    for n in 0..40 {
        flows.push(Talk::open(&lab.lan, SERVER[n % 2])?);
        sleep(Duration::from_millis(30));
    }
    let changes = || running.told().iter().filter(|line| line.contains("it swings")).count();
    let (before, start) = (changes(), Instant::now());
    while changes() < before + 30 && start.elapsed() < Duration::from_secs(60) {
        sleep(Duration::from_millis(50));
    }
    let answers: Vec<_> = flows.iter().map(Talk::answers).collect();
    sleep(Duration::from_secs(1));
    let alive = flows
        .iter()
        .zip(answers)
        .filter(|(flow, before)| flow.end().is_none() && flow.answers() > *before)
        .count();
    let on_first = flows.iter().filter(|flow| lab.lines[0].address.contains(&flow.seen_as)).count();
    assert_eq!(alive, 40, "after {} changes", changes() - before);
    assert!((5..=35).contains(&on_first), "{on_first} of 40 on the first uplink");
    assert!(changes() >= before + 30, "{} changes", changes() - before);
    Ok(())
}

fn forced() -> Outcome {
    let fast = (Rate::mbit(100), Rate::mbit(100));
    let lab = Lab::build(&[fast; 2])?;
    SERVER.into_iter().try_for_each(|address| serve(&lab.internet, address))?;
    // Echo by the second uplink; everything by the first otherwise.
    let gateway = lab.model(&[fast; 2]).force(Forced::by("isp-2").ports(Transport::Tcp, 7..=7));
    let _running = Running::start(&lab, gateway, Box::new(Fixed([1, 0])))?;
    for (family, server) in SERVER.into_iter().enumerate() {
        for host in [&lab.lan, &lab.gateway] {
            assert_eq!(tcp_seen_as(host, server)?, lab.lines[1].address[family], "what is forced");
            let other: Result<IpAddr> = Talk::download(host, server).map(|flow| flow.seen_as);
            assert_eq!(other?, lab.lines[0].address[family], "what is not");
        }
    }
    Ok(())
}

fn drained() -> Outcome {
    let fast = (Rate::mbit(100), Rate::mbit(100));
    let lab = Lab::build(&[fast; 2])?;
    serve(&lab.internet, SERVER[0])?;
    let gateway = lab.model(&[fast; 2]);
    let selector = Box::new(Weighted::new(&gateway.uplinks));
    let running = Running::start(&lab, gateway, selector)?;
    let mut flows = Vec::new();
    for _ in 0..12 {
        flows.push(Talk::open(&lab.lan, SERVER[0])?);
    }
    assert!(running.with(|controller| controller.drain("isp-1", true))?, "there is such an uplink");
    sleep(Duration::from_millis(500));
    for _ in 0..8 {
        assert_eq!(tcp_seen_as(&lab.lan, SERVER[0])?, lab.lines[1].address[0], "{:#?}", running.told());
    }
    let answers: Vec<_> = flows.iter().map(Talk::answers).collect();
    sleep(Duration::from_millis(500));
    let alive =
        flows.iter().zip(answers).all(|(flow, before)| flow.end().is_none() && flow.answers() > before);
    assert!(alive, "connections of an uplink that is taken out go on: {:#?}", running.told());
    assert!(running.with(|controller| controller.drain("isp-1", false))?);
    assert!(!running.with(|controller| controller.drain("nobody", true))?, "there is no such uplink");
    Ok(())
}

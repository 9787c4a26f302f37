//! A gateway in trouble for a long time: memory and descriptors stay what they were.
//!
//! The programs are measured, not this one: `dual_uplink run` and `ip monitor`. 20 s, or as long as `TCNL_SOAK_SECONDS` says.

use crate::common::{example, trial_on_fast_machines, Outcome, Stop};
use crate::lab::{Host, Lab, Result, SERVER};
use crate::operated::configuration;
use crate::program::{well, Place, Running, PATIENCE};
use crate::traffic::until;
use libtest_mimic::Trial;
use nix::sys::signal::Signal;
use serde_json::Value;
use std::net::UdpSocket;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{env, fs, thread};
use tcnl::netlink::Connection;
use tcnl::request::Verb;
use tcnl::route::{Address, Bridge, IfAddr, Link, Prefix, Route, Rule};
use tcnl::units::{Dev, Rate};

pub fn trials() -> Vec<Trial> {
    vec![trial_on_fast_machines(
        "while 10,000 connections live and everything changes, memory and descriptors stay what they were",
        soak,
    )]
}

/// 500 sockets that ask at 20 ports.
const SOCKETS: u16 = 500;
const PORTS: u16 = 20;
const FLOWS: u64 = 10_000;
/// How often each is heard of: kernels forget one after 30 s.
const ROUND: Duration = Duration::from_secs(8);
/// From one change to the next.
const CHANGE: Duration = Duration::from_millis(40);
/// What a program may take more at the end than after it has warmed up, in KiB: allocators keep some of what they got.
const MORE: u64 = 1024;

/// How much a program has.
#[derive(Clone, Copy, Debug)]
struct Has {
    kib: u64,
    descriptors: usize,
}

fn has(running: &Running) -> Result<Has> {
    let process = format!("/proc/{}", running.child.id());
    let status = fs::read_to_string(format!("{process}/status"))?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib =
        resident.and_then(|words| words.split_whitespace().next()?.parse().ok()).ok_or("it has ended")?;
    Ok(Has { kib, descriptors: fs::read_dir(format!("{process}/fd"))?.count() })
}

fn soak() -> Outcome {
    let seconds = env::var("TCNL_SOAK_SECONDS").ok().and_then(|said| said.parse().ok()).unwrap_or(20);
    let lab = Lab::build(&[(Rate::mbit(100), Rate::mbit(100)); 2])?;
    let place = Place::new()?;
    let (file, socket) = (place.write("gateway.toml", &configuration(&lab, 0))?, place.path("socket"));
    let start = |name: &str, words: &[&str]| {
        let program = example(name)?;
        lab.gateway.run(|| Running::silent(Command::new(program).args(words)))
    };
    let run = start("dual_uplink", &["run", "--config", &file, "--socket", &socket, "--json"])?;
    let monitor = start("ip", &["monitor", "all"])?;
    let programs = [("dual_uplink run", run), ("ip monitor", monitor)];
    let ask = ["status", "--json", "--socket", &socket];
    let flows = || -> Result<u64> {
        let status: Value = serde_json::from_str(&well(&lab.gateway, &ask)?)?;
        let uplinks = status["uplinks"].as_array().ok_or("no uplinks")?;
        Ok(uplinks.iter().filter_map(|uplink| uplink["flows"].as_u64()).sum())
    };
    let stop = Arc::<AtomicBool>::default();
    let changes = AtomicU32::new(0);
    thread::scope(|scope| -> Outcome {
        let _stop = Stopping(&stop);
        scope.spawn(|| answer(&lab.internet, &stop));
        scope.spawn(|| talk(&lab.lan, &stop));
        until(PATIENCE * 6, || flows().is_ok_and(|flows| flows >= FLOWS))?;
        // At rest, with all connections.
        let rest = |which: usize| has(&programs[which].1);
        let before = [rest(0)?, rest(1)?];
        let churn = scope.spawn(|| change(&lab, &stop, &changes));
        let (begun, limit) = (Instant::now(), Duration::from_secs(seconds));
        let (mut warm, mut end) = ([0; 2], [0; 2]);
        while begun.elapsed() < limit {
            thread::sleep(Duration::from_millis(500));
            if churn.is_finished() {
                break;
            }
            flows()?;
            // The first half is to warm up in, but not more than a minute.
            let early = begun.elapsed() < (limit / 2).min(Duration::from_secs(60));
            for (which, most) in if early { &mut warm } else { &mut end }.iter_mut().enumerate() {
                *most = rest(which)?.kib.max(*most);
            }
        }
        let known = flows()?;
        stop.store(true, Relaxed);
        churn.join().map_err(|_| "the changes panicked")??;
        let mut figures = Vec::new();
        for (which, (name, _)) in programs.iter().enumerate() {
            // What is under way ends.
            let same = || rest(which).is_ok_and(|now| now.descriptors == before[which].descriptors);
            let settled = until(PATIENCE * 2, same);
            let now = rest(which)?;
            figures.push(format!(
                "{name}: {} KiB before, {} KiB at most warm, {} KiB at most behind that; {} descriptors before, {} behind",
                before[which].kib, warm[which], end[which], before[which].descriptors, now.descriptors
            ));
            let flat = end[which] <= warm[which] + MORE && settled.is_ok();
            if !flat {
                return Err(Stop::Fail(figures.join("\n")));
            }
        }
        let changes = changes.load(Relaxed);
        println!("{seconds} s, {changes} changes, {known} connections\n{}", figures.join("\n"));
        assert!(u64::from(changes) > seconds * 5, "hardly anything changed: {changes}");
        assert!(known >= FLOWS * 9 / 10, "{known} connections");
        Ok(())
    })?;
    for (name, mut running) in programs {
        running.signal(Signal::SIGTERM)?;
        let (_, complaints) = running.ended()?;
        assert_eq!(complaints, "", "{name}");
    }
    Ok(())
}

/// Ends what runs beside a test, however it ends.
struct Stopping<'a>(&'a AtomicBool);

impl Drop for Stopping<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

/// Answers at all ports.
fn answer(internet: &Host, stop: &AtomicBool) -> Result<()> {
    let open = |port| {
        let socket = UdpSocket::bind((SERVER[0], 2000 + port))?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    };
    let sockets: Vec<_> = internet.run(|| (0..PORTS).map(open).collect::<Result<_>>())?;
    let mut buffer = [0; 64];
    while !stop.load(Relaxed) {
        for socket in &sockets {
            while let Ok((length, from)) = socket.recv_from(&mut buffer) {
                let _ = socket.send_to(&buffer[..length], from);
            }
        }
        thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// Keeps the connections alive. Every second some are replaced by new ones.
fn talk(lan: &Host, stop: &AtomicBool) -> Result<()> {
    let open = || -> Result<UdpSocket> {
        let socket = lan.run(|| Ok(UdpSocket::bind("0.0.0.0:0")?))?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    };
    let mut sockets = (0..SOCKETS).map(|_| open()).collect::<Result<Vec<_>>>()?;
    for turn in 0_usize.. {
        let begun = Instant::now();
        // The first round is as fast as it may be.
        let first = turn < usize::from(SOCKETS);
        let socket = &sockets[turn % usize::from(SOCKETS)];
        for port in 0..PORTS {
            let _ = socket.send_to(b"?", (SERVER[0], 2000 + port));
        }
        while socket.recv(&mut [0; 64]).is_ok() {}
        if turn % 100 == 99 && !first {
            sockets[turn % usize::from(SOCKETS)] = open()?;
        }
        let pause = if first { Duration::from_millis(2) } else { ROUND / u32::from(SOCKETS) };
        thread::sleep(pause.saturating_sub(begun.elapsed()));
        if stop.load(Relaxed) {
            break;
        }
    }
    Ok(())
}

/// Changes links, addresses, routes and rules in turn, also those of the gateway's own, which have to be repaired.
fn change(lab: &Lab, stop: &AtomicBool, count: &AtomicU32) -> Result<()> {
    let mut nl = lab.gateway.connection()?;
    let dev = Dev::from(nl.link("w1")?);
    let second = Dev::from(nl.link("w2")?);
    let own: Vec<_> = nl.snapshot(Rule::all_v4())?.into_iter().filter(|rule| rule.fwmark.is_some()).collect();
    let extra = Address::new("100.64.1.77/24".parse()?).on(dev);
    let bridge = Link::named("brief")?.kind(Bridge::new());
    let v6 = Address::new(IfAddr::new(lab.lines[1].address[1], 64)?).nodad().on(second);
    let foreign = |last: u32| -> tcnl::Result<Route> {
        let network: Prefix = format!("198.51.{}.0/24", last % 100).parse()?;
        Ok(Route::to(network).via(lab.lines[0].router[0]).dev(dev))
    };
    for turn in 0.. {
        if stop.load(Relaxed) {
            break;
        }
        let down = turn / 10 % 4 == 1;
        let done = match turn % 10 {
            0 => nl.request(Verb::Replace, &extra),
            1 => nl.add(&bridge),
            2 => nl.replace(&foreign(turn)?),
            3 => nl.delete(&extra),
            4 => nl.delete(&bridge),
            // It may be away still.
            5 => own
                .get(turn as usize % own.len().max(1))
                .map_or_else(|| Ok(Default::default()), |rule| nl.delete(rule)),
            6 => nl.delete(&foreign(turn - 4)?),
            7 if down => nl.change(&Link::of(second).down()),
            7 => nl.change(&Link::of(second).up()),
            8 if !down => restore(&mut nl, &v6),
            _ => nl.replace(&foreign(turn + 50)?),
        };
        count.fetch_add(u32::from(done.is_ok()), Relaxed);
        if let Err(error @ tcnl::Error::Io { .. }) = done {
            return Err(error.into());
        }
        thread::sleep(CHANGE);
    }
    // As it was.
    let _ = nl.delete(&extra);
    nl.change(&Link::of(second).up())?;
    let _ = restore(&mut nl, &v6);
    Ok(())
}

/// IPv6 loses its addresses with a link that goes down.
fn restore(nl: &mut Connection, address: &Address) -> tcnl::Result<tcnl::netlink::Ack> {
    nl.request(Verb::Replace, address)
}

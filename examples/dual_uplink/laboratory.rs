//! The lab, and in it the proof that a gateway with two uplinks works: `dual_uplink lab`.

use crate::lab::{families, Host, Lab, SERVER};
use crate::model::{self, Capacities};
use crate::proof::{Control, Proof};
use crate::screen::Screen;
use crate::{machine, traffic, Result};
use nix::sys::signal::{SigSet, Signal};
use std::process::exit;
use std::thread;
use std::time::Instant;
use tcnl::units::Rate;
use tcnl::uplink::{Choice, Gateway, Machine};

/// Builds the lab for uplinks with these capacities, and says whether all points held.
pub fn run(capacities: &Capacities) -> Result<bool> {
    // Blocked before there are threads: all of them leave these signals to the one that waits for them.
    let signals = SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP]);
    signals.thread_block()?;
    machine::leave()?;
    thread::spawn(move || {
        if signals.wait().is_ok() {
            println!("cleaning up");
            exit(130);
        }
    });
    let start = Instant::now();
    machine::examine()?;
    println!("The lab: two providers, a gateway, a LAN and the Internet.");
    let lab = Lab::build(capacities)?;
    let gateway = model::gateway(&lab, capacities);
    for family in families() {
        traffic::serve(&lab.internet, SERVER[family])?;
        lab.lines.iter().try_for_each(|line| traffic::serve(&lab.gateway, line.address[family]))?;
    }
    let screen = Screen::start(&lab.gateway, &gateway)?;
    let control = Control::measure(&lab, &screen)?;
    println!("The gateway:");
    configure(&lab.gateway, &gateway)?;
    let proof = Proof { lab: &lab, gateway: &gateway, control: &control, screen: &screen };
    match proof.all() {
        Ok(held) => {
            println!(
                "{} after {} s",
                if held { "All points held" } else { "NOT all points held" },
                start.elapsed().as_secs()
            );
            Ok(held)
        }
        // The lab stands and the gateway is configured: that it does not work is a result.
        Err(error) => {
            eprintln!("dual_uplink: the proof failed: {error}");
            Ok(false)
        }
    }
}

/// Makes a host the gateway, and prints the commands that do the same.
fn configure(host: &Host, gateway: &Gateway) -> Result<()> {
    host.run(|| {
        let mut machine = Machine::open()?;
        let changes = machine.plan(gateway, &Choice::first(gateway))?;
        changes.to_string().lines().for_each(|command| println!("    {command}"));
        Ok(machine.apply(&changes)?)
    })
}

/// What the uplinks carry unless arguments say otherwise.
pub fn uplinks() -> Capacities {
    [(Rate::mbit(20), Rate::mbit(5)); 2]
}

/// Reads the arguments; `false` if only help was asked for.
pub fn parse([a, b]: &mut Capacities, mut arguments: impl Iterator<Item = String>) -> Result<bool> {
    while let Some(argument) = arguments.next() {
        let rate = match argument.as_str() {
            "--down-a" => &mut a.0,
            "--up-a" => &mut a.1,
            "--down-b" => &mut b.0,
            "--up-b" => &mut b.1,
            "--help" | "-h" => return Ok(false),
            _ => return Err(format!("{argument:?} is no option").into()),
        };
        *rate = arguments.next().ok_or(format!("{argument} needs a rate"))?.parse()?;
        if !(Rate::kbit(500)..=Rate::mbit(200)).contains(rate) {
            return Err(format!("{argument}: {rate} is not from 500kbit to 200mbit").into());
        }
    }
    Ok(true)
}

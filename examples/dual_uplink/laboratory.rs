//! The lab, and in it the proof that a gateway with two uplinks works: `dual_uplink lab`.

use crate::gateway::{self, Uplink};
use crate::lab::{self, Lab};
use crate::proof::{Control, Proof};
use crate::screen::Screen;
use crate::{traffic, Result};
use nix::sys::signal::{SigSet, Signal};
use std::process::exit;
use std::thread;
use std::time::Instant;
use tcnl::netlink::Capabilities;
use tcnl::units::Rate;

/// Builds the lab for these uplinks, and says whether all points held.
pub fn run(uplinks: &[Uplink; 2]) -> Result<bool> {
    // Blocked before there are threads: all of them leave these signals to the one that waits for them.
    let signals = SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP]);
    signals.thread_block()?;
    lab::leave_the_machine()?;
    thread::spawn(move || {
        if signals.wait().is_ok() {
            println!("cleaning up");
            exit(130);
        }
    });
    let start = Instant::now();
    let kernel = Capabilities::probe()?;
    let missing = lab::missing(&kernel);
    if !missing.is_empty() {
        return Err(
            format!("this kernel lacks {} (or may not load its modules now)", missing.join(", ")).into()
        );
    }
    println!("The lab: two providers, a gateway, a LAN and the Internet.");
    let lab = Lab::build(uplinks)?;
    traffic::serve(&lab.internet, lab::SERVER)?;
    for uplink in uplinks {
        traffic::serve(&lab.gateway, uplink.address)?;
    }
    let screen = Screen::start(&lab.gateway, uplinks)?;
    let proof = Proof { lab: &lab, uplinks, screen: &screen };
    let control = proof.control()?;
    println!("The gateway:");
    gateway::configure(&lab.gateway, uplinks, &kernel)?;
    match prove(&proof, &control) {
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

/// Whether all points held.
fn prove(proof: &Proof, control: &Control) -> Result<bool> {
    let points = [proof.servers(control)?, proof.downloads()?, proof.shaping(control)?].concat();
    println!("\n{:46} {:34} {:44} held", "point", "control", "with tcnl");
    points.iter().for_each(|point| println!("{point}"));
    let held = points.iter().all(|point| point.held);
    if let (false, Ok(load)) = (held, std::fs::read_to_string("/proc/loadavg")) {
        println!(
            "A machine that is busy with other things carries less than the uplinks do; its load is {}",
            load.trim()
        );
    }
    Ok(held)
}

/// The uplinks as they are unless arguments say otherwise.
pub fn uplinks() -> [Uplink; 2] {
    let (down, up) = (Rate::mbit(20), Rate::mbit(5));
    [
        Uplink {
            name: "A",
            device: "wan-a",
            address: [198, 51, 100, 2].into(),
            gateway: [198, 51, 100, 1].into(),
            table: 101,
            mark: 0x100,
            down,
            up,
        },
        Uplink {
            name: "B",
            device: "wan-b",
            address: [192, 0, 2, 2].into(),
            gateway: [192, 0, 2, 1].into(),
            table: 102,
            mark: 0x200,
            down,
            up,
        },
    ]
}

/// Reads the arguments; `false` if only help was asked for.
pub fn parse([a, b]: &mut [Uplink; 2], mut arguments: impl Iterator<Item = String>) -> Result<bool> {
    while let Some(argument) = arguments.next() {
        let rate = match argument.as_str() {
            "--down-a" => &mut a.down,
            "--up-a" => &mut a.up,
            "--down-b" => &mut b.down,
            "--up-b" => &mut b.up,
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

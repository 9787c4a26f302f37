//! Two Internet uplinks on one gateway, in a lab of network namespaces: `cargo run --example dual_uplink`.
//!
//! `gateway.rs` is what it is about: everything that configures the gateway. `selector.rs` chooses the uplink for new
//! connections. The rest is the lab (`lab.rs`), its traffic (`traffic.rs`) and the proof that it works (`proof.rs`, `screen.rs`).

mod gateway;
mod lab;
mod proof;
mod screen;
mod selector;
mod traffic;

use gateway::Uplink;
use lab::Lab;
use nix::sys::signal::{SigSet, Signal};
use proof::{Control, Proof};
use screen::Screen;
use std::process::{exit, ExitCode};
use std::thread;
use std::time::Instant;
use tcnl::netlink::Capabilities;
use tcnl::units::Rate;

type Failure = Box<dyn std::error::Error + Send + Sync>;
type Result<T, E = Failure> = std::result::Result<T, E>;

const HELP: &str = "\
Builds two Internet uplinks in network namespaces, configures a gateway for them and proves with traffic that it works.

usage: dual_uplink [--down-a RATE] [--up-a RATE] [--down-b RATE] [--up-b RATE]
       RATE is as for tc: 20mbit (down) and 5mbit (up) if not given

exit status: 0 all points held, 1 some did not, 2 the lab could not be built
";

fn main() -> ExitCode {
    let mut uplinks = uplinks();
    match parse(&mut uplinks, std::env::args().skip(1)) {
        Ok(true) => (),
        Ok(false) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprint!("dual_uplink: {error}\n\n{HELP}");
            return ExitCode::from(2);
        }
    }
    let root = nix::unistd::geteuid().is_root();
    match run(&uplinks) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("dual_uplink: {error}");
            if !root {
                eprintln!("Run it with sudo. Users can do without where they may have namespaces of their own (sysctl");
                eprintln!("user.max_user_namespaces, user.max_net_namespaces, kernel.apparmor_restrict_unprivileged_userns).");
            }
            ExitCode::from(2)
        }
    }
}

fn run(uplinks: &[Uplink; 2]) -> Result<bool> {
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
fn uplinks() -> [Uplink; 2] {
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
fn parse([a, b]: &mut [Uplink; 2], mut arguments: impl Iterator<Item = String>) -> Result<bool> {
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

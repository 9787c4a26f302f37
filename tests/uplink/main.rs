//! Gateways with several uplinks, in a lab with real traffic: `cargo test --test uplink`.
#[path = "../common/mod.rs"]
mod common;
mod failover;
mod forwards;
mod hostile;
#[path = "../../examples/dual_uplink/lab/mod.rs"]
mod lab;
mod moves;
mod operated;
mod others;
mod program;
mod refused;
mod replies;
#[path = "../../examples/dual_uplink/running.rs"]
mod running;
mod servers;
mod soak;
mod spread;
mod steps;
mod three;
mod traces;
#[path = "../../examples/dual_uplink/traffic/mod.rs"]
mod traffic;
mod watching;
mod written;

// What the lab's errors are here.
use common::Stop as Failure;
use std::process::ExitCode;

fn main() -> ExitCode {
    if let Ok(what) = std::env::var(steps::WORK) {
        return steps::work(&what);
    }
    let areas = [
        replies::trials(),
        spread::trials(),
        failover::trials(),
        traces::trials(),
        operated::trials(),
        hostile::trials(),
        written::trials(),
        forwards::trials(),
        moves::trials(),
        refused::trials(),
        three::trials(),
        others::trials(),
        steps::trials(),
        servers::trials(),
        soak::trials(),
    ];
    common::run(areas.into_iter().flatten().collect())
}

//! Gateways with several uplinks, in a lab with real traffic: `cargo test --test uplink`.
#[path = "../common/mod.rs"]
mod common;
mod failover;
#[path = "../../examples/dual_uplink/lab/mod.rs"]
mod lab;
mod operated;
mod program;
mod replies;
#[path = "../../examples/dual_uplink/running.rs"]
mod running;
mod spread;
mod traces;
#[path = "../../examples/dual_uplink/traffic/mod.rs"]
mod traffic;
mod written;

// What the lab's errors are here.
use common::Stop as Failure;
use std::process::ExitCode;

fn main() -> ExitCode {
    let areas = [
        replies::trials(),
        spread::trials(),
        failover::trials(),
        traces::trials(),
        operated::trials(),
        written::trials(),
    ];
    common::run(areas.into_iter().flatten().collect())
}

//! Gateways with several uplinks, in a lab with real traffic: `cargo test --test uplink`.
#[path = "../common/mod.rs"]
mod common;
mod failover;
mod lab;
mod operated;
mod program;
mod replies;
mod running;
mod spread;
mod traces;
mod traffic;
mod written;

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

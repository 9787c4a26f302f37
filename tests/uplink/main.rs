//! Gateways with several uplinks, in a lab with real traffic: `cargo test --test uplink`.
#[path = "../common/mod.rs"]
mod common;
mod failover;
mod forwards;
mod lab;
mod moves;
mod others;
mod refused;
mod replies;
mod running;
mod servers;
mod spread;
mod steps;
mod three;
mod traces;
mod traffic;
mod watching;

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
        forwards::trials(),
        moves::trials(),
        refused::trials(),
        three::trials(),
        others::trials(),
        steps::trials(),
        servers::trials(),
    ];
    common::run(areas.into_iter().flatten().collect())
}

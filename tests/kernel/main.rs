//! The crate against the running kernel: `cargo test --test kernel`, and on
//! other kernels with `tests/kernels/run`.
//!
//! An area is a file here with `pub fn trials() -> Vec<Trial>`, and one line below.

mod actions;
mod classes;
#[path = "../common/mod.rs"]
mod common;
mod diverted;
mod filters;
mod link;
mod namespaces;
mod netlink;
mod packets;
mod qdiscs;
mod route;
mod traffic;
mod twice;

use std::process::ExitCode;

fn main() -> ExitCode {
    let areas = [
        actions::trials(),
        classes::trials(),
        diverted::trials(),
        filters::trials(),
        link::trials(),
        namespaces::trials(),
        netlink::trials(),
        packets::trials(),
        qdiscs::trials(),
        route::trials(),
    ];
    common::run(areas.into_iter().flatten().collect())
}

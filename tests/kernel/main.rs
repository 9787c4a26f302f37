//! The crate against the running kernel: `cargo test --test kernel`, and on
//! other kernels with `tests/kernels/run`.
//!
//! An area is a file here with `pub fn trials() -> Vec<Trial>`, and one line below.

#[path = "../common/mod.rs"]
mod common;
mod classes;
mod namespaces;
mod qdiscs;
mod twice;

use std::process::ExitCode;

fn main() -> ExitCode {
    let areas = [namespaces::trials(), qdiscs::trials(), classes::trials()];
    common::run(areas.into_iter().flatten().collect())
}

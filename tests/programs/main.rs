//! The examples `tc` and `ip` against iproute2: `cargo test --test programs`.
//!
//! They are run as programs, beside the installed `tc` and `ip`, in the same namespaces. Which of their outputs may differ, and
//! why, stands in `known.rs`.

#[path = "../common/mod.rs"]
mod common;
mod known;
mod machine;
mod manners;
mod monitors;
mod recorded;
mod shown;
mod statuses;

use std::process::ExitCode;

fn main() -> ExitCode {
    let areas = [manners::trials(), monitors::trials(), statuses::trials(), shown::trials()];
    common::run(areas.into_iter().flatten().collect())
}

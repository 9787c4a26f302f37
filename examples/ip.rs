//! `ip` as far as tcnl goes: the same command line, the same output, the same exit status.
//!
//! ```sh
//! cargo run --example ip -- -d route show table all
//! ```
//!
//! What it understands and what it prints is the library's; here are only the connection, the files and the streams.

mod iproute2;

use std::process::ExitCode;
use tcnl::command::Tool;

fn main() -> ExitCode {
    iproute2::main(Tool::Ip)
}

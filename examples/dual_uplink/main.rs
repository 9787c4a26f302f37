//! Several Internet uplinks on one gateway: in a lab of network namespaces, `cargo run --example dual_uplink`, or on this machine.
//!
//! The first (`laboratory.rs`) builds a gateway in namespaces and proves with traffic that it works. `model.rs` is the part to read first: all
//! that is said of the gateway; the module `tcnl::uplink` does the rest. Beside it there are the network (`lab/`), its traffic (`traffic/`),
//! both shared with `tests/uplink`, a controller in a thread (`running.rs`), the points that have to hold (`proof/`), what can be seen meanwhile
//! (`screen.rs`), and what all that needs of the kernel (`machine.rs`).
//! `operate/` is the second: the gateway that a file such as `gateway.toml` describes.

mod lab;
mod laboratory;
mod machine;
mod model;
mod operate;
mod proof;
mod running;
mod screen;
mod traffic;

use operate::{Arguments, Command};
use std::ffi::OsString;
use std::io::{stderr, stdout, Write};
use std::process::ExitCode;

type Failure = Box<dyn std::error::Error + Send + Sync>;
type Result<T, E = Failure> = std::result::Result<T, E>;

const HELP: &str = "\
Several Internet uplinks on one gateway: servers answer over the uplink they were asked by, new connections use the emptier one.

usage: dual_uplink [lab] [--down-a RATE] [--up-a RATE] [--down-b RATE] [--up-b RATE]
       dual_uplink run --config FILE [--json] [--cleanup-on-exit] [--socket PATH]
       dual_uplink plan --config FILE
       dual_uplink status [--json] [--socket PATH]
       dual_uplink cleanup --config FILE [--socket PATH]
       dual_uplink audit --config FILE

lab      builds two uplinks in network namespaces, configures a gateway for them and proves with traffic that it works.
         RATE is as for tc: 20mbit (down) and 5mbit (up) if not given
run      keeps the gateway that FILE describes, on this machine, and tells once a second how the uplinks do, and why it decides what.
         SIGHUP reads FILE again; SIGTERM and SIGINT end it, and the routing stays unless --cleanup-on-exit is given.
         --json: an object a line, with `event` (status, decision, health, ended, repair, failure, note), `time` and what belongs to it
plan     prints the commands that run would begin with, and changes nothing
status   prints how the uplinks of a running run do
cleanup  takes away what run has made
audit    lists UDP servers that would answer from the wrong uplink's address

PATH is where run can be asked, in a directory that is its user's alone; unless said, it is named by the network namespace.
examples/dual_uplink/gateway.toml is a FILE with all there is.

exit status: 0 all is well; 1 something failed, audit found something, status found no run, or not all points held;
             2 the words or FILE make no sense, or the lab could not be built
";

fn main() -> ExitCode {
    let words = std::env::args_os().skip(1).map(OsString::into_string).collect();
    let words: Vec<String> = match words {
        Ok(words) => words,
        Err(word) => return refuse(&format!("{word:?} is not UTF-8")),
    };
    let Some((first, rest)) = words.split_first() else { return lab(&[]) };
    match (first.as_str(), Command::named(first)) {
        (_, Some(command)) => match Arguments::parse(command, rest) {
            Ok(arguments) if arguments.help => help(),
            Ok(arguments) => operate::carry_out(command, &arguments),
            Err(error) => refuse(&error),
        },
        ("lab", None) => lab(rest),
        _ => lab(&words),
    }
}

fn help() -> ExitCode {
    let _ = stdout().write_all(HELP.as_bytes());
    ExitCode::SUCCESS
}

fn refuse(error: &str) -> ExitCode {
    let _ = write!(stderr(), "dual_uplink: {error}\n\n{HELP}");
    ExitCode::from(2)
}

fn lab(words: &[String]) -> ExitCode {
    let mut uplinks = laboratory::uplinks();
    match laboratory::parse(&mut uplinks, words.iter().cloned()) {
        Ok(true) => (),
        Ok(false) => return help(),
        Err(error) => return refuse(&error.to_string()),
    }
    let root = nix::unistd::geteuid().is_root();
    match laboratory::run(&uplinks) {
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

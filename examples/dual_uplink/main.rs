//! Two Internet uplinks on one gateway, in a lab of network namespaces: `cargo run --example dual_uplink`.
//!
//! `lab` (`laboratory.rs`) builds a gateway in namespaces and proves with traffic that it works. `model.rs` is the part to read first: all
//! that is said of the gateway; the module `tcnl::uplink` does the rest. Beside it there are the network (`lab/`), its traffic (`traffic/`),
//! both shared with `tests/uplink`, a controller in a thread (`running.rs`), the points that have to hold (`proof/`), what can be seen meanwhile
//! (`screen.rs`), and what all that needs of the kernel (`machine.rs`).

mod lab;
mod laboratory;
mod machine;
mod model;
mod proof;
mod running;
mod screen;
mod traffic;

use std::process::ExitCode;

type Failure = Box<dyn std::error::Error + Send + Sync>;
type Result<T, E = Failure> = std::result::Result<T, E>;

const HELP: &str = "\
Builds two Internet uplinks in network namespaces, configures a gateway for them and proves with traffic that it works.

usage: dual_uplink [--down-a RATE] [--up-a RATE] [--down-b RATE] [--up-b RATE]
       RATE is as for tc: 20mbit (down) and 5mbit (up) if not given

exit status: 0 all points held, 1 some did not, 2 the lab could not be built
";

fn main() -> ExitCode {
    let mut uplinks = laboratory::uplinks();
    match laboratory::parse(&mut uplinks, std::env::args().skip(1)) {
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

//! `dual_uplink run|plan|status|cleanup|audit --config FILE`: a gateway of real devices.

mod arguments;
mod config;
mod counting;
mod run;
mod socket;
mod status;
mod view;

pub use arguments::{Arguments, Command};

use crate::Result;
use config::Config;
use nix::libc::EPERM;
use std::io::{stderr, stdout, ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;
use tcnl::netlink::{Builder, Protocol};
use tcnl::uplink::{audit, warnings, ChangeError, Choice, Gateway, Machine, Sample, Warning};

/// What was found is not as it should be, or what was to be done failed.
const FAILED: u8 = 1;
/// The words or the file make no sense: nothing was done.
const WRONG: u8 = 2;

/// Carries out a command.
pub fn carry_out(command: Command, arguments: &Arguments) -> ExitCode {
    let file = arguments.config.as_deref().unwrap_or(Path::new(""));
    let result = match command {
        Command::Run => run::run(file, arguments).map(|()| true),
        Command::Plan => plan(file).map(|()| true),
        Command::Status => status::show(arguments).map(|()| true),
        Command::Cleanup => cleanup(file, arguments).map(|()| true),
        Command::Audit => look_for_servers(file),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(FAILED),
        Err(error) => {
            complain(&format!("dual_uplink: {error}"));
            let errno = error
                .downcast_ref::<tcnl::Error>()
                .or_else(|| error.downcast_ref::<ChangeError>().map(|error| &*error.error));
            if errno.and_then(tcnl::Error::errno) == Some(EPERM) {
                complain("It takes root, or CAP_NET_ADMIN, to see and to change all of it.");
            }
            ExitCode::from(if error.is::<config::Errors>() { WRONG } else { FAILED })
        }
    }
}

/// Prints what a `run` would do at its beginning.
fn plan(file: &Path) -> Result<()> {
    let Config { gateway, choice, .. } = Config::read(file)?;
    warnings_of(&gateway).iter().for_each(|warning| complain(&format!("warning: {warning}")));
    let mut machine = Machine::open()?;
    let seen = machine.see(&gateway)?;
    let usable: Vec<_> = seen.uplinks.iter().map(tcnl::uplink::SeenUplink::is_ready).collect();
    let samples: Vec<_> =
        usable.iter().map(|usable| Sample { usable: *usable, ..Sample::default() }).collect();
    let decision = choice.selector(&gateway.uplinks).select(Duration::ZERO, &samples);
    let weights = decision.map_or_else(|| Choice::first(&gateway).weights, |decision| decision.weights);
    say(&machine.plan(&gateway, &Choice { usable, weights })?.to_string())
}

/// Takes away all that is ours.
fn cleanup(file: &Path, arguments: &Arguments) -> Result<()> {
    let Config { gateway, .. } = Config::read(file)?;
    if socket::path(arguments.socket.as_deref()).is_ok_and(|path| socket::is_served(&path)) {
        return Err("`run` is running, and would make it all again: end it first".into());
    }
    let mut machine = Machine::open()?;
    let changes = machine.cleanup(&gateway)?;
    machine.apply(&changes)?;
    say(&changes.to_string())
}

/// Lists the UDP servers that would answer from the wrong address. Whether there is none.
fn look_for_servers(file: &Path) -> Result<bool> {
    let exposed = audit(&Config::read(file)?.gateway)?;
    exposed.iter().try_for_each(|exposed| say(&format!("{exposed}\n")))?;
    Ok(exposed.is_empty())
}

/// What on this machine works against the gateway.
fn warnings_of(gateway: &Gateway) -> Vec<Warning> {
    let firewall = Builder::default().protocol(Protocol::Netfilter).open();
    // What cannot be found out is no warning.
    let has_flowtable = firewall.and_then(|mut firewall| firewall.has_flowtable()).unwrap_or(false);
    warnings(gateway, Path::new("/"), has_flowtable)
}

/// Writes to the standard output. That nobody reads it any more is no failure.
fn say(text: &str) -> Result<()> {
    let mut out = stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(format!("cannot write: {error}").into()),
        _ => Ok(()),
    }
}

/// Writes a line to the standard error. Where that cannot be read there is nobody to complain to.
fn complain(text: &str) {
    let _ = writeln!(stderr(), "{text}");
}

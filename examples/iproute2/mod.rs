//! What `tc` and `ip` have in common: options, one command or a file of them, the exit status.

mod failure;
mod monitor;
mod session;
mod usage;

use failure::{Failed, Failure};
use session::Session;
use std::io::{self, BufRead, Write};
use std::process::ExitCode;
use std::{env, fs::File};
use tcnl::command::{Batch, Command, Options, Tool};
use tcnl::text::{CommandError, Words};

/// The whole of the program.
pub fn main(tool: Tool) -> ExitCode {
    let arguments: Vec<String> = env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    let mut arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.first_mut() {
        Some(program) => *program = tool.name(),
        None => arguments.push(tool.name()),
    }
    match run(tool, &arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.say();
            ExitCode::from(failure.status)
        }
    }
}

fn run(tool: Tool, arguments: &[&str]) -> Result<(), Failure> {
    let mut words = Words::new(arguments);
    let options = words
        .take("the program")
        .and_then(|_| Options::hear(tool, &mut words))
        .map_err(|error| Failure::option(CommandError::new(arguments, error)))?;
    if options.version {
        return print(&format!("{tool} utility, tcnl-{}\n", env!("CARGO_PKG_VERSION")));
    }
    if options.help || (words.is_empty() && options.batch.is_none()) {
        return usage::help(tool, None);
    }
    let mut session = Session::open(tool, options)?;
    match session.options().batch.clone() {
        Some(file) => batch(tool, &mut session, &file),
        None => {
            let head = words.at();
            let rest = arguments.get(head..).unwrap_or_default();
            let command = session.hear(head, rest, |devices| {
                let command = Command::hear(tool, &mut words.with_devices(devices));
                command.map_err(|error| Failed::Words(CommandError::new(arguments, error)))
            })?;
            session.carry_out(command)
        }
    }
}

/// Carries out the commands of a file, one after the other.
fn batch(tool: Tool, session: &mut Session, file: &str) -> Result<(), Failure> {
    let input: Box<dyn BufRead> = match file {
        "-" => Box::new(io::stdin().lock()),
        _ => match File::open(file) {
            Ok(file) => Box::new(io::BufReader::new(file)),
            Err(error) => {
                let why = failure::system(&error);
                return Err(Failure::new(1, format!("Cannot open file \"{file}\" for reading: {why}")));
            }
        },
    };
    let mut batch = Batch::new(tool, session.options());
    let mut failed = false;
    for (number, line) in (1..).zip(input.split(b'\n')) {
        let line = line.map_err(|error| Failure::new(1, format!("Cannot read \"{file}\": {error}")))?;
        let line = String::from_utf8_lossy(&line);
        let rest: Vec<&str> = line.split_whitespace().collect();
        let heard = session.hear(1, &rest, |devices| batch.push(&line, Some(devices)).map_err(Failed::Line));
        let done = heard.and_then(|line| line.map_or(Ok(()), |line| session.carry_out(line.command)));
        let Err(failure) = done else { continue };
        if failure.is_closed() {
            return Err(failure);
        }
        failure.say();
        eprintln!("Command failed {file}:{number}");
        failed = true;
        if !session.options().force {
            break;
        }
    }
    match failed {
        true => Err(Failure::silent(1)),
        false => Ok(()),
    }
}

/// Writes what there is to say, at once.
fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| Failure::output(&error))
}

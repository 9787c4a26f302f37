//! What `tc` and `ip` have in common: options, one command or a file of them, the exit status.

mod failure;
mod lines;
mod monitor;
mod session;
mod usage;

use failure::Failure;
use lines::Lines;
use session::Session;
use std::io::{self, BufRead, Write};
use std::process::ExitCode;
use std::{env, fs::File};
use tcnl::command::{Options, Tool};
use tcnl::text::Words;

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
        .map_err(|error| Failure::option(arguments, error))?;
    if options.version {
        println!("{tool} utility, tcnl-{}", env!("CARGO_PKG_VERSION"));
        return Ok(());
    }
    if options.help || (words.is_empty() && options.batch.is_none()) {
        return usage::help(tool, None);
    }
    let mut session = Session::open(tool, options)?;
    match session.options().batch.clone() {
        None => session.run(arguments, words),
        Some(file) => batch(tool, &mut session, &file),
    }
}

/// Carries out the commands of a file, one on each line.
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
    let mut failed = false;
    for line in Lines::new(input) {
        let line = line.map_err(|error| Failure::new(1, format!("Cannot read \"{file}\": {error}")))?;
        let all: Vec<&str> = [tool.name()].into_iter().chain(line.words.iter().map(String::as_str)).collect();
        let mut words = Words::new(&all);
        let done = words.take("the program").map_err(|error| Failure::words(tool, &all, &error));
        let Err(failure) = done.and_then(|_| session.run(&all, words)) else { continue };
        if failure.is_closed() {
            return Err(failure);
        }
        failure.say();
        eprintln!("Command failed {file}:{}", line.number);
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

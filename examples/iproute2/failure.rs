//! Failures in the words of iproute2, with its exit status.

use std::io;
use tcnl::command::{Noun, ScriptError, Tool};
use tcnl::error::Refusal;
use tcnl::text::{CommandError, Fault, Part};
use tcnl::Error;

/// Why the program, or one command of a batch, ends.
#[derive(Debug)]
pub struct Failure {
    pub status: u8,
    /// What to write on the standard error, if anything.
    message: String,
    closed: bool,
}

/// Where wrong words stood.
pub enum Failed {
    /// In the program's arguments.
    Words(CommandError),
    /// On a line of a batch.
    Line(ScriptError),
}

/// The status for what the kernel refused.
const REFUSED: u8 = 2;
/// The status for words that mean nothing to a kind.
const WRONG: u8 = 1;
/// The status for a command that is none, or not complete.
const NO_COMMAND: u8 = 255;

impl Failure {
    pub fn new(status: u8, message: impl Into<String>) -> Self {
        Failure { status, message: message.into(), closed: false }
    }

    /// Everything has been said.
    pub fn silent(status: u8) -> Self {
        Failure::new(status, "")
    }

    /// The standard output cannot be written to. That nobody reads it any more is nothing to complain of.
    pub fn output(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure { closed: true, ..Failure::silent(0) },
            _ => Failure { closed: true, ..Failure::new(1, format!("Cannot write: {}", system(error))) },
        }
    }

    /// Whether there is nobody to say anything to any more.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// An option is wrong.
    pub fn option(error: CommandError) -> Self {
        Failure::new(NO_COMMAND, error.to_string())
    }

    /// The words of a command are wrong; `head` of them stand in front of the object.
    pub fn words(tool: Tool, head: usize, failed: &Failed) -> Self {
        let error = match failed {
            Failed::Words(error) => error,
            Failed::Line(error) => match error.command_error() {
                Some(error) => error,
                None => return Failure::new(WRONG, error.to_string()),
            },
        };
        let word = error.word();
        let status = match (tool, word.fault()) {
            (_, Fault::Ends) => NO_COMMAND,
            _ if word.part() == Part::Options => WRONG,
            // No object of `ip` at all.
            (Tool::Ip, _) if word.at() == head => WRONG,
            (Tool::Ip, Fault::Address | Fault::Whole) => WRONG,
            _ => NO_COMMAND,
        };
        Failure::new(status, error.to_string())
    }

    /// A command of these words names a device that is not there.
    pub fn missing(tool: Tool, words: &[&str], name: &str) -> Self {
        let is = |at: usize, of: &[&str]| {
            words.get(at).is_some_and(|word| of.iter().any(|of| of.starts_with(word)))
        };
        let shows = is(1, &["show", "list", "lst"]) || words.len() == 1;
        match tool {
            Tool::Ip if is(0, &["link", "address"]) && shows => Failure::no_link(name),
            Tool::Tc if is(0, &["actions"]) => Failure { status: NO_COMMAND, ..Failure::no_device(name) },
            _ => Failure::no_device(name),
        }
    }

    /// A device is not there.
    pub fn no_device(name: &str) -> Self {
        Failure::new(WRONG, format!("Cannot find device \"{name}\""))
    }

    /// A link was to be shown, and it is not there.
    pub fn no_link(name: &str) -> Self {
        Failure::new(WRONG, format!("Device \"{name}\" does not exist."))
    }

    /// A request failed.
    pub fn request(noun: Noun, error: &Error) -> Self {
        let (status, and) = match noun {
            Noun::Filter | Noun::Chain => (REFUSED, "\nWe have an error talking to the kernel"),
            Noun::Actions => (NO_COMMAND, "\nWe have an error talking to the kernel"),
            _ => (REFUSED, ""),
        };
        match (error.refusal(), error) {
            (Some(refusal), _) => Failure::new(status, refused(refusal) + and),
            // The kernel was spared what it would have refused.
            (None, Error::Encode { .. }) => Failure::new(status, error.to_string()),
            (None, _) => Failure::new(WRONG, error.to_string()),
        }
    }

    /// What was to be flushed by one request, such as the actions of a kind or a nexthop with its id, could not be deleted.
    pub fn flush_one(noun: Noun, error: &Error) -> Self {
        Failure { status: WRONG, ..Failure::request(noun, error) }
    }

    /// A list ended early.
    pub fn list(tool: Tool, error: &Error) -> Self {
        Failure::ended("Dump", if tool == Tool::Tc { WRONG } else { REFUSED }, error)
    }

    /// A list of what shall be deleted ended early.
    pub fn flush(error: &Error) -> Self {
        Failure::ended("Flush", REFUSED, error)
    }

    fn ended(what: &str, status: u8, error: &Error) -> Self {
        match error.refusal() {
            None => Failure::new(WRONG, error.to_string()),
            Some(refusal) => Failure::new(status, format!("{}\n{what} terminated", refused(refusal))),
        }
    }

    pub fn say(&self) {
        if !self.message.is_empty() {
            eprintln!("{}", self.message);
        }
    }
}

/// The kernel's own words if it had any, the errno's otherwise.
fn refused(refusal: &Refusal) -> String {
    match refusal.message.as_deref().filter(|message| !message.is_empty()) {
        Some(message) => sentence("Error", message),
        None => format!("RTNETLINK answers: {}", system(&io::Error::from_raw_os_error(refusal.errno))),
    }
}

/// What the kernel says, as iproute2 shows it.
pub fn sentence(what: &str, message: &str) -> String {
    let stop = if message.ends_with('.') { "" } else { "." };
    format!("{what}: {message}{stop}")
}

/// The system's words for an error, without the number that Rust puts behind them.
pub fn system(error: &io::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" (os error ") {
        Some((words, _)) => words.to_owned(),
        None => text,
    }
}

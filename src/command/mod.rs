//! Whole `tc` and `ip` commands and scripts, in and out, built from what the objects say of themselves.
//!
//! Nothing here does I/O or knows a socket: a [`Command`] is a verb with an [`AnyObject`], or an [`AnyQuery`]; whoever
//! has a connection visits it ([`VisitObject`], [`VisitQuery`]) and carries it there.
//!
//! A program that speaks the language takes its own words apart in three steps:
//!
//! ```
//! use tcnl::command::{Command, Options, Tool};
//! use tcnl::text::{CommandError, Words};
//! use tcnl::units::{Dev, Name};
//!
//! let arguments = ["tc", "-s", "qdisc", "show", "dev", "eth0"];
//! // A program with a connection asks the kernel here.
//! let devices = |name: Name| (name == *"eth0").then(|| Dev::named(2, name));
//! let mut words = Words::new(&arguments).with_devices(&devices);
//! let read = |words: &mut Words| {
//!     words.take("the program")?;
//!     let options = Options::hear(Tool::Tc, words)?;
//!     Ok((options.layout.stats, Command::hear(Tool::Tc, words)?))
//! };
//! let (stats, command) = read(&mut words).map_err(|error| CommandError::new(&arguments, error))?;
//! assert_eq!(stats, 1);
//! # let _: Command = command;
//! # Ok::<(), CommandError>(())
//! ```
//!
//! [`Batch`] does the same for the lines of a batch, one by one; [`Script`] reads a whole batch file or shell script ahead, and
//! each [`Line`] can look up its devices when its turn has come ([`Line::resolve`]). [`Script::rebuilding`] goes the other way:
//! from what was read of the kernel to the commands that make it again.

mod any;
mod batch;
mod grammar;
mod line;
mod monitor;
mod options;
mod rebuild;
mod script;
mod shell;
mod split;
mod whole;

pub use any::{AnyObject, AnyQuery, Noun, VisitObject, VisitQuery};
pub use batch::Batch;
pub use line::Line;
pub use monitor::Monitor;
pub use options::{Options, Timestamp};
pub use script::{Other, Script, ScriptError};
#[cfg(feature = "serde")]
pub(crate) use split::split;
pub use whole::Command;

use std::fmt::{self, Display, Formatter};

/// Which program's language it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tool {
    /// `tc`: qdiscs, classes, filters, chains, actions.
    Tc,
    /// `ip`: links, addresses, routes, rules, nexthops.
    Ip,
}

impl Tool {
    /// The program of this name, which may be a path: `/sbin/tc`.
    pub fn of_program(path: &str) -> Option<Tool> {
        match path.rsplit('/').next() {
            Some("tc") => Some(Tool::Tc),
            Some("ip") => Some(Tool::Ip),
            _ => None,
        }
    }

    /// The program's name.
    pub fn name(self) -> &'static str {
        match self {
            Tool::Tc => "tc",
            Tool::Ip => "ip",
        }
    }
}

impl Display for Tool {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

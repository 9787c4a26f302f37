use super::{AnyObject, Batch, Line, Tool};
use crate::text::{CommandError, WordError};
use std::fmt::{self, Display, Formatter};

/// The commands of `tc` and `ip` in a shell script or a batch file.
///
/// Prints as a shell script that `sh` runs, and that [`Script::parse`] reads.
///
/// ```
/// use tcnl::command::Script;
/// let script = Script::parse(
///     "#!/bin/sh
///      modprobe ifb
///      tc qdisc del dev eth0 root 2>/dev/null || true
///      /sbin/tc qdisc add dev eth0 root tbf rate 1mbit burst 10k \\
///          latency 50ms",
/// )?;
/// assert_eq!(script.lines.iter().map(|line| line.number).collect::<Vec<_>>(), [3, 4]);
/// assert_eq!(script.lines[0].to_string(), "tc qdisc del dev eth0 root || true");
/// assert_eq!(script.others[0].text, "modprobe ifb");
/// # Ok::<(), tcnl::command::ScriptError>(())
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Script {
    /// The commands, in the order in which they are carried out: the first that fails and may not ends the script.
    pub lines: Vec<Line>,
    /// What a shell script says to other programs, and to the shell: passed over.
    pub others: Vec<Other>,
}

/// A command of a shell script that was passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Other {
    /// The line it begins on, counted from 1.
    pub number: usize,
    /// Its words.
    pub text: String,
}

impl Script {
    /// Reads the commands of `tc` and `ip` in a shell script.
    ///
    /// Those of other programs are passed over and listed in [`others`](Script::others), as are assignments and the shell's own
    /// commands. The programs may be called by their paths, through `sudo` and its like, and through `ip netns exec`. Redirections
    /// to `/dev/null` and between outputs are dropped. `|| true` and `|| :` say that a command may fail; `|| exit` says nothing new,
    /// and neither does `&&` between commands of `tc` and `ip`, as the first that fails ends the script. The text behind
    /// `tc -batch - <<EOF` is read as a batch.
    ///
    /// # Errors
    /// The first line that is not a command, or whose command is not carried out just once with the words that stand there:
    /// because of variables, substitutions, conditions, loops, functions, pipes, the background, or another program that calls it.
    pub fn parse(text: &str) -> Result<Self, ScriptError> {
        super::shell::parse(text)
    }

    /// The script that makes what was read of the kernel again, on a machine or in a namespace where nothing of it is there:
    /// objects as they were listed, in any order. Links tell the names of devices, so they should be among them.
    ///
    /// Left out are what the kernel makes by itself (qdiscs without a handle, classes that their qdiscs make, the tables that u32
    /// filters begin with, local routes and link-local addresses, the rules of every namespace) and what it only reports, such
    /// as statistics. What has no words, such as a kind that the crate does not know, is listed in [`others`](Script::others) with
    /// the number of the line in front of which it should stand.
    pub fn rebuilding(objects: impl IntoIterator<Item = AnyObject>) -> Script {
        super::rebuild::script(objects)
    }

    /// Reads the commands of a batch file, in which no program stands in front: `tc -batch FILE`, `ip -batch FILE`. To read and
    /// carry out one after the other, see [`Batch`].
    ///
    /// # Errors
    /// The first line that is not a command.
    pub fn parse_batch(tool: Tool, text: &str) -> Result<Self, ScriptError> {
        let mut batch = Batch::new(tool, &super::Options::default());
        let mut lines = Vec::new();
        for line in text.lines() {
            lines.extend(batch.push(line, None)?);
        }
        batch.finish()?;
        Ok(Script { lines, others: Vec::new() })
    }
}

impl Display for Script {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("#!/bin/sh\nset -e\n")?;
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

/// What is wrong with a script, and on which line.
///
/// Prints the number of the line, and what is wrong with it; for a command of `tc` or `ip`, with the command and a mark:
///
/// ```text
/// line 12:
/// tc qdisc add dev eth0 root tbf rate 1mbitt
///                                     ^^^^^^ "1mbitt" is not a rate: expected ...
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptError {
    line: usize,
    problem: Problem,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Problem {
    Command(CommandError),
    Other(String),
}

impl ScriptError {
    /// What is wrong with a line as a whole.
    pub(crate) fn new(line: usize, problem: impl Into<String>) -> Self {
        ScriptError { line, problem: Problem::Other(problem.into()) }
    }

    /// What is wrong with a line's words.
    pub(super) fn command(line: usize, words: &[String], error: WordError) -> Self {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        ScriptError { line, problem: Problem::Command(CommandError::new(&words, error)) }
    }

    /// The line, counted from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// What is wrong with the command, if it is one of its words.
    pub fn command_error(&self) -> Option<&CommandError> {
        match &self.problem {
            Problem::Command(error) => Some(error),
            Problem::Other(_) => None,
        }
    }
}

impl Display for ScriptError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.problem {
            Problem::Command(error) => write!(f, "line {}:\n{error}", self.line),
            Problem::Other(problem) => write!(f, "line {}: {problem}", self.line),
        }
    }
}

impl std::error::Error for ScriptError {}

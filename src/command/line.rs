use super::split::split;
use super::{Command, Options, ScriptError, Tool};
use crate::text::{WordError, Words};
use crate::units::{quoted, Dev, Name};
use std::fmt::{self, Display, Formatter};

/// How a device's name becomes its index.
pub(super) type Devices<'a> = &'a dyn Fn(Name) -> Option<Dev>;

/// One command of a script or of a batch.
///
/// Prints as a line of a shell script.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Line {
    /// The line it begins on, counted from 1.
    pub number: usize,
    /// Whose language it is.
    pub tool: Tool,
    /// The options in front of the command, or in front of the batch that it stands in.
    pub options: Options,
    /// What it says.
    pub command: Command,
    /// Whether the script goes on if it fails: `|| true` behind it, or a batch with `-force`.
    pub may_fail: bool,
    /// All words with the program, and how many of them stand in front of the command's.
    words: Vec<String>,
    head: usize,
}

impl Line {
    /// Hears a line of these words, of which the first `head` have been heard: the program and its options.
    pub(super) fn hear(
        number: usize,
        (tool, options): (Tool, Options),
        words: Vec<String>,
        head: usize,
        devices: Option<Devices<'_>>,
    ) -> Result<Self, ScriptError> {
        let command = hear(tool, &options, &words, head, devices)
            .map_err(|error| ScriptError::command(number, &words, error))?;
        let may_fail = options.force;
        Ok(Line { number, tool, options, command, may_fail, words, head })
    }

    /// Hears a line of these words: the program, options, a command.
    pub(super) fn with_options(
        number: usize,
        tool: Tool,
        netns: Option<String>,
        words: Vec<String>,
    ) -> Result<Self, ScriptError> {
        let (mut options, head) =
            hear_options(tool, &words, 1).map_err(|error| ScriptError::command(number, &words, error))?;
        options.netns = options.netns.or(netns);
        Self::hear(number, (tool, options), words, head, None)
    }

    /// The line of a command.
    pub(super) fn of(number: usize, command: Command) -> Self {
        let words = split(&command.to_string()).unwrap_or_default();
        let tool = command.tool();
        let (options, head) = hear_options(tool, &words, 1).unwrap_or_default();
        Line { number, tool, options, command, may_fail: false, words, head }
    }

    /// Reads its words again and looks up the indexes of devices, which the commands before it may have made: to be done right
    /// before it is carried out.
    ///
    /// # Errors
    /// There is no such device.
    pub fn resolve(&mut self, devices: &dyn Fn(Name) -> Option<Dev>) -> Result<(), ScriptError> {
        self.command = hear(self.tool, &self.options, &self.words, self.head, Some(devices))
            .map_err(|error| ScriptError::command(self.number, &self.words, error))?;
        Ok(())
    }
}

fn hear(
    tool: Tool,
    options: &Options,
    words: &[String],
    head: usize,
    devices: Option<Devices<'_>>,
) -> Result<Command, WordError> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut words = Words::new(&words);
    if let Some(devices) = devices {
        words = words.with_devices(devices);
    }
    options.tell(&mut words);
    for _ in 0..head {
        words.take("the program and its options")?;
    }
    match options.help || options.version {
        true => Ok(Command::Help(tool, None)),
        false => Command::hear(tool, &mut words),
    }
}

/// The options behind the first `start` words, and how many words there are in front of what follows.
pub(super) fn hear_options(
    tool: Tool,
    words: &[String],
    start: usize,
) -> Result<(Options, usize), WordError> {
    let all: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut words = Words::new(&all);
    for _ in 0..start {
        words.take("the program")?;
    }
    let options = Options::hear(tool, &mut words)?;
    Ok((options, words.at()))
}

impl Display for Line {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let command = self.command.to_string();
        let words = split(&command).map_err(|_| fmt::Error)?;
        let (program, rest) = words.split_first().ok_or(fmt::Error)?;
        f.write_str(program)?;
        self.options.say(f)?;
        rest.iter().try_for_each(|word| write!(f, " {}", quoted(word)))?;
        if self.may_fail {
            f.write_str(" || true")?;
        }
        Ok(())
    }
}

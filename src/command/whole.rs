use super::grammar::{self, Act, Subject};
use super::split::split;
use super::{AnyObject, AnyQuery, Monitor, Noun, Options, Tool};
use crate::request::Verb;
use crate::tc::ActionTable;
use crate::text::{CommandError, WordError, Words};
use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

/// One command of `tc` or `ip`, without the options that say how to carry it out and what to show of it ([`Options`]).
#[derive(Clone, Debug)]
#[non_exhaustive]
#[allow(clippy::large_enum_variant, reason = "as for AnyObject")]
pub enum Command {
    /// `tc qdisc add …`, `ip route get …`: one object.
    Do {
        /// What to do.
        verb: Verb,
        /// With what.
        object: AnyObject,
    },
    /// `tc qdisc show …`: a list, or the one object of [`AnyQuery::one`].
    Show(AnyQuery),
    /// `ip route flush …`: everything that the query lists is deleted.
    Flush(AnyQuery),
    /// `tc monitor`, `ip monitor …`.
    Monitor(Monitor),
    /// `tc help`, `ip route help`: how it is used, and nothing else.
    Help(Tool, Option<Noun>),
}

impl Command {
    /// Reads the words behind the options, all of them: `qdisc add dev …`.
    ///
    /// # Errors
    /// A word is wrong or missing.
    pub fn hear(tool: Tool, words: &mut Words<'_>) -> Result<Self, WordError> {
        let noun = match grammar::hear_subject(tool, words)? {
            Subject::Noun(noun) => noun,
            Subject::Monitor => {
                return match words.take_if_short("help") {
                    true => Ok(Command::Help(tool, None)),
                    false => Monitor::hear(tool, words).map(Command::Monitor),
                }
            }
            Subject::Help => return Ok(Command::Help(tool, None)),
        };
        let command = match grammar::hear_act(noun, words)? {
            Act::Help => return Ok(Command::Help(tool, Some(noun))),
            Act::Do(verb) => Command::Do { verb, object: noun.hear(verb, words)? },
            Act::Show => Self::hear_show(noun, words)?,
            // What is flushed has no list: the request itself says "all of this kind".
            Act::Flush if noun == Noun::Actions => {
                Command::Do { verb: Verb::Delete, object: ActionTable::hear_flush(words)?.into() }
            }
            Act::Flush if words.is_empty() && matches!(noun, Noun::Route | Noun::Address) => {
                return Err(words.incomplete("what to flush"));
            }
            Act::Flush => Command::Flush(noun.hear_query(words)?),
        };
        match words.is_empty() {
            true => Ok(command),
            false => Err(words.error("the end of the command")),
        }
    }

    fn hear_show(noun: Noun, words: &mut Words<'_>) -> Result<Self, WordError> {
        let mut query = noun.hear_query(words)?;
        if let (AnyQuery::Actions(actions), true) = (&mut query, words.brief()) {
            *actions = actions.terse();
        }
        Ok(Command::Show(query))
    }

    /// Whose language it is.
    pub fn tool(&self) -> Tool {
        match self {
            Command::Do { object, .. } => object.noun().tool(),
            Command::Show(query) | Command::Flush(query) => query.noun().tool(),
            Command::Monitor(monitor) => monitor.tool,
            Command::Help(tool, _) => *tool,
        }
    }
}

/// `tc qdisc add dev eth0 root pfifo`: the program, which may be a path, options, and the words behind them. Devices are kept by
/// name, with the index 0. Words may stand in quotes.
///
/// Options that only say how to show things have nothing to say here; those that say where to work (`-n`) or that there are
/// other commands (`-b`) are refused.
impl FromStr for Command {
    type Err = CommandError;

    fn from_str(text: &str) -> Result<Self, CommandError> {
        let owned = split(text).map_err(|error| CommandError::new(&[text], error))?;
        let all: Vec<&str> = owned.iter().map(String::as_str).collect();
        let mut words = Words::new(&all);
        hear_line(&mut words).map_err(|error| CommandError::new(&all, error))
    }
}

fn hear_line(words: &mut Words<'_>) -> Result<Command, WordError> {
    let tool = hear_tool(words)?;
    let options = Options::hear(tool, words)?;
    if options.netns.is_some() || options.batch.is_some() {
        return Err(words.error_before(
            "a command alone says neither where to work nor what other commands to carry out",
        ));
    }
    if options.help || options.version {
        return Ok(Command::Help(tool, None));
    }
    Command::hear(tool, words)
}

/// Takes the name of the program.
fn hear_tool(words: &mut Words<'_>) -> Result<Tool, WordError> {
    const PROGRAM: &str = "tc or ip";
    words.read(PROGRAM, |word| Tool::of_program(word).ok_or_else(|| format!("{word:?} is not {PROGRAM}")))
}

impl Display for Command {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Command::Do { verb, object } => object.command(*verb, f),
            Command::Show(query) => query.command(f),
            Command::Flush(query) => {
                // The only word that differs.
                let mut show = String::new();
                fmt::write(&mut show, format_args!("{}", Shown(query)))?;
                f.write_str(&show.replacen(" show", " flush", 1))
            }
            Command::Monitor(monitor) => monitor.fmt(f),
            Command::Help(tool, Some(noun)) => write!(f, "{tool} {} help", noun.word()),
            Command::Help(tool, None) => write!(f, "{tool} help"),
        }
    }
}

struct Shown<'a>(&'a AnyQuery);

impl Display for Shown<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.command(f)
    }
}

//! The command line.

use std::path::PathBuf;

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    Run,
    Plan,
    Status,
    Cleanup,
    Audit,
}

/// The words behind the command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    pub config: Option<PathBuf>,
    pub socket: Option<PathBuf>,
    pub json: bool,
    pub cleanup_on_exit: bool,
    pub help: bool,
}

impl Command {
    /// The command that is called so.
    pub fn named(word: &str) -> Option<Command> {
        Some(match word {
            "run" => Command::Run,
            "plan" => Command::Plan,
            "status" => Command::Status,
            "cleanup" => Command::Cleanup,
            "audit" => Command::Audit,
            _ => return None,
        })
    }

    fn takes(self, option: &str) -> bool {
        match option {
            "--socket" => matches!(self, Command::Run | Command::Status | Command::Cleanup),
            "--json" => matches!(self, Command::Run | Command::Status),
            "--cleanup-on-exit" => self == Command::Run,
            _ => true,
        }
    }
}

impl Arguments {
    /// Reads them; the error says which word is wrong.
    pub fn parse(command: Command, words: &[String]) -> Result<Arguments, String> {
        let mut arguments = Arguments::default();
        let mut words = words.iter().map(String::as_str);
        while let Some(word) = words.next() {
            if !command.takes(word) {
                return Err(format!("{word} is no option of this command"));
            }
            let mut path = || words.next().map(PathBuf::from).ok_or_else(|| format!("{word} needs a path"));
            match word {
                "--config" => arguments.config = Some(path()?),
                "--socket" => arguments.socket = Some(path()?),
                "--json" => arguments.json = true,
                "--cleanup-on-exit" => arguments.cleanup_on_exit = true,
                "--help" | "-h" => arguments.help = true,
                _ => return Err(format!("{word:?} is no option")),
            }
        }
        // Whoever runs is found by its socket alone.
        match arguments.config.is_some() || arguments.help || command == Command::Status {
            true => Ok(arguments),
            false => Err("--config FILE is missing".into()),
        }
    }
}

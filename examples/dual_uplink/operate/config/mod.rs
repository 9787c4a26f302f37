//! The configuration file: TOML, with errors that name line and key. `examples/dual_uplink/gateway.toml` shows all of it.

mod file;
mod place;
mod words;

use file::File;
use std::fmt::{self, Display, Formatter};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tcnl::units::Percent;
use tcnl::uplink::{EmptierUplink, Failover, Gateway, Overflow, Selector, Uplink, Weighted};

/// A file is no longer than so many bytes: uplinks and rules for as many of them as there can be fit many times.
const LONGEST: u64 = 1 << 20;

/// What the file says.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    pub gateway: Gateway,
    pub choice: Choice,
    /// The uplinks that are to get no new connections, by name.
    pub drained: Vec<String>,
}

/// How new connections are spread.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    pub way: file::Way,
    /// For [`Failover`].
    pub hold: Duration,
    /// For [`Overflow`].
    pub full: Percent,
}

/// What is wrong with a file.
#[derive(Debug)]
pub struct Errors {
    file: PathBuf,
    all: Vec<Wrong>,
}

/// Something that is wrong, with its line if it has one. Prints without it.
#[derive(Clone, Debug, PartialEq)]
pub struct Wrong {
    pub line: Option<usize>,
    pub what: String,
}

impl Config {
    /// Reads the file, and looks at all of it.
    pub fn read(path: &Path) -> Result<Config, Errors> {
        let wrong = |all| Errors { file: path.to_owned(), all };
        let text = read(path).map_err(|what| wrong(vec![Wrong { line: None, what }]))?;
        Config::parse(&text).map_err(wrong)
    }

    /// The same for its text.
    pub fn parse(text: &str) -> Result<Config, Vec<Wrong>> {
        let file: File = toml::from_str(text).map_err(|error| vec![unread(text, &error)])?;
        let config = file.config();
        let at = |problem: &tcnl::uplink::Problem| {
            let (path, line) = place::of_model(text, &problem.path);
            Wrong { line, what: format!("{path}: {}", problem.problem) }
        };
        match config.gateway.check() {
            Ok(()) => Ok(config),
            Err(problems) => Err(problems.iter().map(at).collect()),
        }
    }
}

fn read(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    let file = fs::File::open(path).map_err(|error| error.to_string())?;
    file.take(LONGEST + 1).read_to_string(&mut text).map_err(|error| error.to_string())?;
    match text.len() as u64 > LONGEST {
        true => Err(format!("it is longer than {LONGEST} bytes")),
        false => Ok(text),
    }
}

/// What could not be read, or made no sense by itself.
fn unread(text: &str, error: &toml::de::Error) -> Wrong {
    let span = error.span().filter(|span| span.end > 0);
    let message = error.message().replacen("missing field", "missing key", 1);
    let message = message.replacen("unknown field", "unknown key", 1);
    // Of what is no TOML, the key before it.
    let key = |span| place::around(text, span).or_else(|| place::before(text, span.start));
    let what = match span.as_ref().and_then(key) {
        Some(path) => format!("{path}: {message}"),
        None => message,
    };
    Wrong { line: span.map(|span| place::line_at(text, span.start)), what }
}

/// A line for each.
impl Display for Errors {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (index, Wrong { line, what }) in self.all.iter().enumerate() {
            let (end, file) = (if index == 0 { "" } else { "\n" }, self.file.display());
            match line {
                Some(line) => write!(f, "{end}{file}:{line}: {what}")?,
                None => write!(f, "{end}{file}: {what}")?,
            }
        }
        Ok(())
    }
}

impl std::error::Error for Errors {}

impl Choice {
    pub fn selector(&self, uplinks: &[Uplink]) -> Box<dyn Selector> {
        match self.way {
            file::Way::Emptier => Box::new(EmptierUplink::new(uplinks)),
            file::Way::Failover => Box::new(Failover::new(uplinks, self.hold)),
            file::Way::Weighted => Box::new(Weighted::new(uplinks)),
            file::Way::Overflow => Box::new(Overflow::new(uplinks, self.full)),
        }
    }
}

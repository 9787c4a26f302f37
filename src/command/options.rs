use super::Tool;
use crate::text::{Layout, WordError, Words};
use crate::units::{quoted, Family};
use std::fmt::{self, Formatter};

/// The options in front of the object: `tc -s -d`, `ip -6 -j`.
///
/// They may be cut short as far as iproute2 lets them be; those of `ip` may have two dashes.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Options {
    /// How much is shown, and in which form: `-s`, `-d`, `-r` of tc, `-p`, `-j`, `-iec`, `-N`, `-o`.
    pub layout: Layout,
    /// The family (`-4`, `-6`, `-f inet`). Words that are heard with these options know it.
    pub family: Option<Family>,
    /// The network namespace to work in, by the name it has in `/run/netns` (`-n`).
    pub netns: Option<String>,
    /// A file with a command on each line, `-` for the standard input (`-b`).
    pub batch: Option<String>,
    /// Whether a batch goes on behind a command that failed (`-force`).
    pub force: bool,
    /// Whether classes shall be called by the names in a file (`-nm` of tc); the crate knows no such file.
    pub names: bool,
    /// Whether addresses shall be called by their names (`-r` of ip); the crate looks up none.
    pub resolve: bool,
    /// Whether large numbers are shortened (`-h` of ip).
    pub human: bool,
    /// Only what matters most (`-br`). Words that are heard with these options know it.
    pub brief: bool,
    /// When something happened, in what is monitored (`-t`, `-ts`).
    pub timestamp: Option<Timestamp>,
    /// Only the program's version is asked for (`-V`). What follows is not read.
    pub version: bool,
    /// Only how the program is used is asked for (`-help`). What follows is not read.
    pub help: bool,
}

/// How the time of an event is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timestamp {
    /// On a line of its own (`-t`).
    Long,
    /// In front of the event (`-ts`).
    Short,
}

/// The options of one letter or more, in the order in which a word that was cut short finds them.
const TC: &[(&str, Switch)] = &[
    ("-stats", Switch::Stats),
    ("-statistics", Switch::Stats),
    ("-details", Switch::Details),
    ("-raw", Switch::Raw),
    ("-pretty", Switch::Pretty),
    ("-graph", Switch::Graph),
    ("-Version", Switch::Version),
    ("-iec", Switch::Iec),
    ("-help", Switch::Help),
    ("-force", Switch::Force),
    ("-batch", Switch::Batch),
    ("-netns", Switch::Netns),
    ("-Numeric", Switch::Numeric),
    ("-names", Switch::Names),
    ("-nm", Switch::Names),
    ("-cf", Switch::Value),
    ("-conf", Switch::Value),
    ("-color", Switch::Color),
    ("-timestamp", Switch::Timestamp),
    ("-tshort", Switch::ShortTimestamp),
    ("-json", Switch::Json),
    ("-oneline", Switch::OneLine),
    ("-brief", Switch::Brief),
];

const IP: &[(&str, Switch)] = &[
    ("-loops", Switch::Value),
    ("-family", Switch::Family),
    ("-human", Switch::Human),
    ("-human-readable", Switch::Human),
    ("-iec", Switch::Iec),
    ("-stats", Switch::Stats),
    ("-statistics", Switch::Stats),
    ("-details", Switch::Details),
    ("-resolve", Switch::Resolve),
    ("-oneline", Switch::OneLine),
    ("-timestamp", Switch::Timestamp),
    ("-tshort", Switch::ShortTimestamp),
    ("-Version", Switch::Version),
    ("-force", Switch::Force),
    ("-batch", Switch::Batch),
    ("-brief", Switch::Brief),
    ("-json", Switch::Json),
    ("-pretty", Switch::Pretty),
    ("-rcvbuf", Switch::Value),
    ("-color", Switch::Color),
    ("-help", Switch::Help),
    ("-netns", Switch::Netns),
    ("-Numeric", Switch::Numeric),
    ("-all", Switch::Ignored),
];

#[derive(Clone, Copy)]
enum Switch {
    Stats,
    Details,
    Raw,
    Pretty,
    Json,
    Iec,
    Numeric,
    OneLine,
    Family,
    Netns,
    Batch,
    Force,
    Names,
    Resolve,
    Human,
    Brief,
    Timestamp,
    ShortTimestamp,
    Version,
    Help,
    Graph,
    Color,
    /// Says nothing that the crate has to know.
    Ignored,
    /// The same, with a value.
    Value,
}

impl Options {
    /// Reads the options, up to the object or the end. The words that follow know what the options say about them.
    ///
    /// # Errors
    /// There is no such option, or its value is wrong or missing.
    pub fn hear(tool: Tool, words: &mut Words<'_>) -> Result<Self, WordError> {
        let mut options = Options::default();
        while let Some(word) = words.peek().filter(|word| word.starts_with('-')) {
            if tool == Tool::Ip && words.take_if("--") {
                break;
            }
            match family(tool, word) {
                Some(family) => {
                    words.take("an option")?;
                    options.family = Some(family);
                }
                None => {
                    let option = find(tool, words)?;
                    words.take("an option")?;
                    options.option(option, words)?;
                }
            }
            if options.version || options.help {
                break;
            }
        }
        options.tell(words);
        Ok(options)
    }

    /// Tells words what the options say about them.
    pub(super) fn tell(&self, words: &mut Words<'_>) {
        if let Some(family) = self.family {
            *words = words.with_family(family);
        }
        if self.brief {
            *words = words.with_brief();
        }
    }

    /// Writes those that are of one command, each behind a blank. A family is no option here: commands say it where they need it.
    pub(super) fn say(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let layout = self.layout;
        for _ in 0..layout.stats {
            f.write_str(" -s")?;
        }
        let said = [
            (layout.details, "-d"),
            (layout.raw || self.resolve, "-r"),
            (layout.pretty, "-p"),
            (layout.json, "-j"),
            (layout.iec, "-iec"),
            (layout.numeric, "-N"),
            (layout.one_line, "-o"),
            (self.names, "-nm"),
            (self.human, "-h"),
            (self.brief, "-br"),
            (self.timestamp == Some(Timestamp::Long), "-t"),
            (self.timestamp == Some(Timestamp::Short), "-ts"),
        ];
        for (_, word) in said.into_iter().filter(|(said, _)| *said) {
            write!(f, " {word}")?;
        }
        self.netns.iter().try_for_each(|name| write!(f, " -n {}", quoted(name)))
    }

    fn option(&mut self, option: Switch, words: &mut Words<'_>) -> Result<(), WordError> {
        let layout = &mut self.layout;
        match option {
            Switch::Stats => layout.stats = layout.stats.saturating_add(1),
            Switch::Details => layout.details = true,
            Switch::Raw => layout.raw = true,
            Switch::Pretty => layout.pretty = true,
            Switch::Json => layout.json = true,
            Switch::Iec => layout.iec = true,
            Switch::Numeric => layout.numeric = true,
            Switch::OneLine => layout.one_line = true,
            Switch::Family => self.family = Some(words.read(FAMILY, named_family)?),
            Switch::Netns => self.netns = Some(words.take("the name of a network namespace")?.to_owned()),
            Switch::Batch => {
                self.batch = Some(words.take("the name of a file, or - for the standard input")?.to_owned())
            }
            Switch::Force => self.force = true,
            Switch::Names => self.names = true,
            Switch::Resolve => self.resolve = true,
            Switch::Human => self.human = true,
            Switch::Brief => self.brief = true,
            Switch::Timestamp => {
                self.timestamp.get_or_insert(Timestamp::Long);
            }
            Switch::ShortTimestamp => self.timestamp = Some(Timestamp::Short),
            Switch::Version => self.version = true,
            Switch::Help => self.help = true,
            Switch::Graph => return Err(words.error_before("classes are not drawn as a graph here")),
            Switch::Color | Switch::Ignored => (),
            Switch::Value => drop(words.take("the option's value")?),
        }
        Ok(())
    }
}

fn family(tool: Tool, word: &str) -> Option<Family> {
    match (tool, word) {
        (Tool::Ip, "-4" | "--4") => Some(Family::V4),
        (Tool::Ip, "-6" | "--6") => Some(Family::V6),
        _ => None,
    }
}

const FAMILY: &str = "a family that is here: expected inet or inet6";

fn named_family(word: &str) -> Result<Family, String> {
    match word {
        "inet" => Ok(Family::V4),
        "inet6" => Ok(Family::V6),
        _ => Err(format!("{word:?} is not {FAMILY}")),
    }
}

/// The option that comes next.
fn find(tool: Tool, words: &Words<'_>) -> Result<Switch, WordError> {
    let all = match tool {
        Tool::Tc => TC,
        Tool::Ip => IP,
    };
    let word = words.peek().unwrap_or_default();
    let word = match word.strip_prefix('-') {
        Some(single) if tool == Tool::Ip && single.starts_with('-') => single,
        _ => word,
    };
    let (word, value) = match word.split_once('=') {
        Some((word, value)) => (word, Some(value)),
        None => (word, None),
    };
    let found =
        all.iter().find(|(name, _)| word.len() > 1 && name.starts_with(word)).map(|(_, option)| *option);
    match (found, value) {
        (Some(Switch::Color), None | Some("always" | "auto" | "never")) => Ok(Switch::Color),
        (Some(option), None) => Ok(option),
        _ => Err(words.error(&format!("an option of {tool} that is here"))),
    }
}

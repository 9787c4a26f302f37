use super::line::Devices;
use super::split::split_batch;
use super::{Line, Options, ScriptError, Tool};

/// Puts together the commands of a batch from its lines, so that each can be carried out before the next is read.
///
/// Comments begin with `#`, and a line that ends with `\` goes on on the next. The words are those behind the program and its
/// options; both were said once, for the whole batch.
///
/// ```
/// use tcnl::command::{Batch, Options, Tool};
/// let mut batch = Batch::new(Tool::Tc, &Options::default());
/// assert!(batch.push("# the root", None)?.is_none());
/// assert!(batch.push("qdisc add dev eth0 \\", None)?.is_none());
/// let line = batch.push("    root pfifo", None)?.expect("a whole command");
/// assert_eq!((line.number, line.to_string()), (2, "tc qdisc add dev eth0 root pfifo".into()));
/// batch.finish()?;
/// # Ok::<(), tcnl::command::ScriptError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Batch {
    tool: Tool,
    options: Options,
    /// The lines read so far.
    number: usize,
    /// A command that goes on, and the line where it began.
    open: Option<(usize, String)>,
}

impl Batch {
    /// A batch for this program, called with these options.
    pub fn new(tool: Tool, options: &Options) -> Self {
        Batch { tool, options: Options { batch: None, ..options.clone() }, number: 0, open: None }
    }

    /// Lines are counted on from this one, which is 1 unless said: of a batch within a script.
    pub(super) fn starting_at(self, line: usize) -> Self {
        Batch { number: line.saturating_sub(1), ..self }
    }

    /// Takes the next line, with or without its line break; `None` if no command ends on it. `devices` looks up their indexes.
    ///
    /// # Errors
    /// The command that ends on this line is wrong. The next line can be read all the same.
    pub fn push(&mut self, line: &str, devices: Option<Devices<'_>>) -> Result<Option<Line>, ScriptError> {
        self.number = self.number.saturating_add(1);
        let line = line.strip_suffix('\n').unwrap_or(line);
        let line = line.strip_suffix('\r').unwrap_or(line);
        let (number, mut text) = self.open.take().unwrap_or((self.number, String::new()));
        match line.strip_suffix('\\') {
            // A comment goes to its line's end, even where it ends like this.
            Some(more) if !more.contains('#') => {
                text += more;
                self.open = Some((number, text));
                return Ok(None);
            }
            _ => text += line,
        }
        let program = self.tool.name().to_owned();
        let mut words = vec![program];
        match split_batch(&text) {
            Ok(more) if more.is_empty() => return Ok(None),
            Ok(more) => words.extend(more),
            Err(error) => return Err(ScriptError::new(number, error.problem())),
        }
        Line::hear(number, (self.tool, self.options.clone()), words, 1, devices).map(Some)
    }

    /// The end of the batch.
    ///
    /// # Errors
    /// The last line wants to go on.
    pub fn finish(self) -> Result<(), ScriptError> {
        match self.open {
            Some((number, _)) => {
                Err(ScriptError::new(number, "the command goes on on a next line, and there is none"))
            }
            None => Ok(()),
        }
    }
}

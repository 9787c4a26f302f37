//! Shell scripts: which of their commands are for `tc` and `ip`, and what would be lost in reading only these.
//!
//! The shell's grammar is read as far as it takes to know that: words and quotes, lists, where compound commands begin and end.
//! A command of `tc` or `ip` that is carried out once, with the words that stand there, is taken. One whose words or whose
//! being carried out depend on something (a variable, a condition, a loop, a function, a pipe) is refused, with its line.
//! Everything else is passed over, and kept in a list.

mod program;
#[cfg(test)]
mod tests;
mod token;

use super::line::{hear_options, Line};
use super::{Batch, Options, Other, Script, ScriptError, Tool};
use program::Program;
use token::{tokens, Document, Token, Word};

/// Reads a whole script.
pub(super) fn parse(text: &str) -> Result<Script, ScriptError> {
    let all = tokens(text)?;
    let mut reader = Reader { documents: all.documents, ..Reader::default() };
    for (number, token) in all.tokens {
        reader.token(number, token)?;
    }
    reader.end("\n")?;
    match reader.inside.last() {
        Some((word, number)) => {
            Err(ScriptError::new(*number, format!("what begins with `{word}` does not end")))
        }
        None => Ok(reader.script),
    }
}

/// What a simple command is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Form {
    #[default]
    Plain,
    /// The words behind `for` or `case`: no command.
    Header,
    /// A compound command that has just ended.
    Closed,
}

/// A simple command.
#[derive(Debug, Default)]
struct Simple {
    number: usize,
    form: Form,
    words: Vec<Word>,
    redirects: Vec<(&'static str, Word)>,
    document: Option<usize>,
    /// `!` stands in front.
    negated: bool,
}

impl Simple {
    fn is_empty(&self) -> bool {
        self.form == Form::Plain && self.words.is_empty() && self.redirects.is_empty()
    }

    fn text(&self) -> String {
        self.words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
    }

    fn is(&self, words: &[&str]) -> bool {
        self.words.first().is_some_and(|word| !word.quoted && words.contains(&word.text.as_str()))
    }
}

#[derive(Default)]
struct Reader {
    script: Script,
    documents: Vec<Document>,
    /// The compound commands around, by the words that began them, and their lines.
    inside: Vec<(&'static str, usize)>,
    /// The commands of a list, each with the operator behind it.
    list: Vec<(Simple, &'static str)>,
    command: Simple,
    /// Whether `NAME (` was read: `)` is followed by a function's body.
    function: bool,
    /// The line of an `exit`, behind which nothing is carried out.
    exit: Option<usize>,
}

impl Reader {
    fn token(&mut self, number: usize, token: Token) -> Result<(), ScriptError> {
        if self.command.is_empty() {
            self.command.number = number;
        }
        match token {
            Token::Word(word) => {
                if self.command.form == Form::Closed {
                    self.end(";")?;
                    self.command.number = number;
                }
                let first = self.command.words.is_empty() && self.command.form == Form::Plain;
                if !first || word.quoted || !self.reserved(number, &word.text)? {
                    self.command.words.push(word);
                }
            }
            Token::Redirect(operator, word) => self.command.redirects.push((operator, word)),
            Token::Document(document) => self.command.document = Some(document),
            Token::Operator("(" | "<(" | ">(") => {
                self.function = self.command.form == Form::Plain && self.command.words.len() == 1;
                if self.function {
                    self.command = Simple::default();
                }
                self.open("(", number)?;
            }
            Token::Operator(")") => self.parenthesis(number)?,
            Token::Operator(joins @ ("&&" | "||" | "|" | "|&")) => {
                let command = std::mem::take(&mut self.command);
                self.list.push((command, joins));
            }
            // A list goes on behind `&&`.
            Token::Operator("\n") if self.command.is_empty() && !self.list.is_empty() => (),
            Token::Operator(ends) => self.end(ends)?,
        }
        Ok(())
    }

    /// Whether this is one of the shell's own words, where a command begins.
    fn reserved(&mut self, number: usize, word: &str) -> Result<bool, ScriptError> {
        match word {
            "if" => self.open("if", number)?,
            "while" => self.open("while", number)?,
            "until" => self.open("until", number)?,
            "{" => self.open("{", number)?,
            "for" => self.header("for", number)?,
            "select" => self.header("select", number)?,
            "case" => self.header("case", number)?,
            "function" => self.header("function", number)?,
            "then" | "do" | "else" | "elif" | "time" => (),
            "!" => self.command.negated = true,
            "fi" | "done" | "esac" | "}" => self.close(word, number)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn open(&mut self, word: &'static str, number: usize) -> Result<(), ScriptError> {
        if !self.list.is_empty() || !self.command.is_empty() {
            self.end(";")?;
        }
        self.command = Simple { number, ..Simple::default() };
        self.inside.push((word, number));
        Ok(())
    }

    fn header(&mut self, word: &'static str, number: usize) -> Result<(), ScriptError> {
        self.open(word, number)?;
        self.command.form = Form::Header;
        Ok(())
    }

    fn close(&mut self, word: &str, number: usize) -> Result<(), ScriptError> {
        self.end(";")?;
        if self.inside.pop().is_none() {
            return Err(ScriptError::new(number, format!("`{word}` ends what did not begin")));
        }
        self.command = Simple { number, form: Form::Closed, ..Simple::default() };
        Ok(())
    }

    fn parenthesis(&mut self, number: usize) -> Result<(), ScriptError> {
        match self.inside.last() {
            // The pattern of a case.
            Some((word, _)) if *word != "(" => {
                self.list.clear();
                self.command = Simple { number, ..Simple::default() };
            }
            _ => {
                self.close(")", number)?;
                if std::mem::take(&mut self.function) {
                    self.command = Simple { number, ..Simple::default() };
                }
            }
        }
        Ok(())
    }

    /// The end of a list.
    fn end(&mut self, operator: &'static str) -> Result<(), ScriptError> {
        let command = std::mem::take(&mut self.command);
        let mut list = std::mem::take(&mut self.list);
        if !command.is_empty() {
            list.push((command, operator));
        }
        // What stands in front of a command on its own line, and whether all of it is for tc and ip.
        let mut before: Option<(&str, bool, String)> = None;
        let mut commands = list.iter().peekable();
        while let Some((command, operator)) = commands.next() {
            let number = command.number;
            let found = match command.form {
                Form::Plain => program::find(&command.words).map_err(|why| ScriptError::new(number, why))?,
                Form::Header | Form::Closed => None,
            };
            let ours = found.is_some();
            if let Some(program) = found {
                let next = commands.peek().map(|(next, _)| next);
                self.allowed(command, before.as_ref(), operator, next)?;
                let may_fail = *operator == "||" && next.is_some_and(|next| next.is(&["true", ":"]));
                self.take(command, program, may_fail)?;
            } else if command.form == Form::Plain && !command.words.is_empty() {
                let answers = before.as_ref().is_some_and(|(operator, ours, _)| *operator == "||" && *ours);
                if !answers {
                    self.script.others.push(Other { number, text: command.text() });
                }
                if before.is_none() && self.inside.is_empty() && command.is(&["exit", "return"]) {
                    self.exit.get_or_insert(number);
                }
            }
            let all = before.is_none_or(|(operator, all, _)| all && operator == "&&");
            before = Some((operator, ours && all, command.text()));
        }
        Ok(())
    }

    /// Whether a command of tc or ip is carried out once, whatever else happens.
    fn allowed(
        &self,
        command: &Simple,
        before: Option<&(&str, bool, String)>,
        operator: &str,
        next: Option<&Simple>,
    ) -> Result<(), ScriptError> {
        let refuse = |why: String| Err(ScriptError::new(command.number, why));
        if let Some((word, number)) = self.inside.last() {
            let what = if *word == "(" { "a subshell" } else { "control flow" };
            return refuse(format!("this stands inside the `{word}` of line {number}: {what} is not read"));
        }
        if let Some(line) = self.exit {
            return refuse(format!("this is never reached: the script ends on line {line}"));
        }
        match before {
            Some(("|" | "|&", ..)) => return refuse("this reads from a pipe".into()),
            Some(("||", _, other)) => {
                return refuse(format!(
                    "this is carried out only if `{other}` fails: control flow is not read"
                ));
            }
            Some(("&&", false, other)) => {
                return refuse(format!(
                    "this is carried out only if `{other}` succeeds: control flow is not read"
                ));
            }
            _ => (),
        }
        match operator {
            "|" | "|&" => refuse("this writes into a pipe: what is done with its output is not read".into()),
            "&" => refuse("this is carried out in the background: in which order is not known".into()),
            "||" if next.is_none_or(|next| !next.is(&["true", ":", "exit", "return"])) => {
                refuse("what is done if this fails is not read: only || true, || : and || exit are".into())
            }
            "||" if before.is_some() => refuse(
                "which of the commands of this list may fail is not known: write them on lines of their own"
                    .into(),
            ),
            _ if command.negated => refuse("that this must fail (!) is not read".into()),
            _ => Ok(()),
        }
    }

    /// Takes a command of tc or ip.
    fn take(&mut self, command: &Simple, program: Program, may_fail: bool) -> Result<(), ScriptError> {
        let number = command.number;
        let Program { tool, at, netns } = program;
        let words = command.words.get(at..).unwrap_or_default();
        if let Some(what) = words.iter().find_map(|word| word.expands.as_ref()) {
            return Err(ScriptError::new(
                number,
                format!("`{what}` stands for something else: variables are not read"),
            ));
        }
        for (operator, target) in &command.redirects {
            if !harmless(operator, target) {
                let why = format!("`{operator} {}` is not read: only /dev/null may stand there", target.text);
                return Err(ScriptError::new(number, why));
            }
        }
        let mut words: Vec<String> = words.iter().map(|word| word.text.clone()).collect();
        // What it is called, not where it is.
        words.iter_mut().take(1).for_each(|word| *word = tool.name().to_owned());
        let (options, _) =
            hear_options(tool, &words, 1).map_err(|error| ScriptError::command(number, &words, error))?;
        if options.batch.is_some() {
            return self.batch(
                command,
                tool,
                Options { netns: options.netns.clone().or(netns), ..options },
                may_fail,
            );
        }
        let mut line = Line::with_options(number, tool, netns, words)?;
        line.may_fail = may_fail;
        self.script.lines.push(line);
        Ok(())
    }

    /// Takes the commands of a batch that stands in the script.
    fn batch(
        &mut self,
        command: &Simple,
        tool: Tool,
        options: Options,
        may_fail: bool,
    ) -> Result<(), ScriptError> {
        let refuse = |why: &str| Err(ScriptError::new(command.number, why));
        let document = command.document.and_then(|document| self.documents.get(document));
        let Some(document) = document.filter(|_| options.batch.as_deref() == Some("-")) else {
            return refuse("the batch stands in another file: read that by itself");
        };
        if may_fail && !options.force {
            return refuse("a batch that may fail ends with its first command that does, which is not known");
        }
        let mut batch = Batch::new(tool, &options).starting_at(document.number);
        for (number, line) in (document.number..).zip(document.text.lines()) {
            if document.expands && line.contains(['$', '`']) {
                return Err(ScriptError::new(
                    number,
                    "the shell puts something else here: variables are not read",
                ));
            }
            self.script.lines.extend(batch.push(line, None)?);
        }
        batch.finish()
    }
}

/// Whether a redirection only keeps quiet.
fn harmless(operator: &str, target: &Word) -> bool {
    let number = || !target.text.is_empty() && target.text.bytes().all(|b| b.is_ascii_digit());
    match operator {
        _ if target.expands.is_some() => false,
        ">&" | "<&" => number() || target.text == "-" || target.text == "/dev/null",
        ">" | ">>" | ">|" | "&>" | "&>>" | "<" => target.text == "/dev/null",
        _ => false,
    }
}

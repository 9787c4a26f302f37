//! A shell script's text, cut into words and operators.

use crate::command::ScriptError;

/// A piece of a shell script.
#[derive(Clone, Debug)]
pub(super) enum Token {
    Word(Word),
    /// `;`, a line's end, `&&`, `(` and so on.
    Operator(&'static str),
    /// `2>&1`, `> FILE`: the operator, and the word that it is about.
    Redirect(&'static str, Word),
    /// `<<EOF`: which of the bodies it is.
    Document(usize),
}

/// A word as the shell reads it: quotes are gone.
#[derive(Clone, Debug, Default)]
pub(super) struct Word {
    pub text: String,
    /// What the shell would put something else for: `$DEV`, `$(...)`. Its text stands in `text`, too.
    pub expands: Option<String>,
    /// Whether any of it stood in quotes: it is no word of the shell's own then.
    pub quoted: bool,
}

/// The lines between `<<EOF` and `EOF`.
#[derive(Clone, Debug)]
pub(super) struct Document {
    /// The line it begins on.
    pub number: usize,
    pub text: String,
    /// Whether the shell expands variables in it.
    pub expands: bool,
}

/// Everything in a script: tokens with their lines, and the documents that they refer to.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    pub tokens: Vec<(usize, Token)>,
    pub documents: Vec<Document>,
}

/// Longer ones first.
const OPERATORS: [&str; 13] = ["<(", ">(", ";;&", ";;", ";&", "&&", "||", "|&", ";", "&", "|", "(", ")"];
const REDIRECTS: [&str; 11] = ["&>>", "&>", "<<<", "<<-", "<<", "<>", "<&", ">>", ">&", ">|", "<"];

/// Cuts a script into tokens.
///
/// # Errors
/// Something is not closed: a quote, `$(`, a document.
pub(super) fn tokens(text: &str) -> Result<Tokens, ScriptError> {
    let mut lexer = Lexer { rest: text, number: 1, all: Tokens::default(), open: Vec::new() };
    while lexer.token()? {}
    match lexer.open.first() {
        Some(open) => {
            Err(ScriptError::new(lexer.number, format!("the text for <<{} does not begin", open.end)))
        }
        None => Ok(lexer.all),
    }
}

struct Lexer<'a> {
    rest: &'a str,
    number: usize,
    all: Tokens,
    /// Documents whose text begins on the next line.
    open: Vec<Open>,
}

struct Open {
    end: String,
    strip: bool,
    expands: bool,
}

impl<'a> Lexer<'a> {
    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let c = chars.next()?;
        self.rest = chars.as_str();
        self.number += usize::from(c == '\n');
        Some(c)
    }

    fn take(&mut self, prefix: &str) -> bool {
        match self.rest.strip_prefix(prefix) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn take_any(&mut self, all: &[&'static str]) -> Option<&'static str> {
        all.iter().find(|operator| self.take(operator)).copied()
    }

    /// Takes one token; false at the end.
    fn token(&mut self) -> Result<bool, ScriptError> {
        let number = self.number;
        let token = match self.rest.chars().next() {
            None => return Ok(false),
            Some('\n') => {
                self.next();
                self.documents()?;
                Token::Operator("\n")
            }
            Some('#') => {
                self.rest = self.rest.find('\n').map_or("", |end| self.rest.get(end..).unwrap_or_default());
                return Ok(true);
            }
            Some(' ' | '\t' | '\r') => {
                self.next();
                return Ok(true);
            }
            _ if self.rest.starts_with("\\\n") || self.rest.starts_with("\\\r\n") => {
                while self.next() != Some('\n') {}
                return Ok(true);
            }
            _ => match self.redirect()? {
                Some(token) => token,
                None => match self.take_any(&OPERATORS) {
                    Some(operator) => Token::Operator(operator),
                    None => Token::Word(self.word()?),
                },
            },
        };
        self.all.tokens.push((number, token));
        Ok(true)
    }

    /// Takes a redirection, whose number may stand in front.
    fn redirect(&mut self) -> Result<Option<Token>, ScriptError> {
        let before = self.rest;
        if ["<(", ">("].iter().any(|substitution| before.starts_with(substitution)) {
            return Ok(None);
        }
        self.rest = self.rest.trim_start_matches(|c: char| c.is_ascii_digit());
        let operator = match self.take_any(&REDIRECTS) {
            Some("&>" | "&>>") if before.starts_with(|c: char| c.is_ascii_digit()) => None,
            Some(operator) => Some(operator),
            None => self.take(">").then_some(">"),
        };
        let Some(operator) = operator else {
            self.rest = before;
            return Ok(None);
        };
        let number = self.number;
        self.rest = self.rest.trim_start_matches([' ', '\t']);
        let target = self.word()?;
        if target.text.is_empty() && !target.quoted {
            return Err(ScriptError::new(number, format!("nothing stands behind {operator}")));
        }
        if operator != "<<" && operator != "<<-" {
            return Ok(Some(Token::Redirect(operator, target)));
        }
        self.open.push(Open { end: target.text, strip: operator == "<<-", expands: !target.quoted });
        Ok(Some(Token::Document(self.all.documents.len() + self.open.len() - 1)))
    }

    /// Takes the texts of the documents that were announced on the line that has just ended.
    fn documents(&mut self) -> Result<(), ScriptError> {
        for Open { end, strip, expands } in std::mem::take(&mut self.open) {
            let mut document = Document { number: self.number, text: String::new(), expands };
            loop {
                if self.rest.is_empty() {
                    return Err(ScriptError::new(
                        document.number,
                        format!("the text that begins here does not end: there is no {end}"),
                    ));
                }
                let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
                (self.rest, self.number) = (rest, self.number + 1);
                let line = line.strip_suffix('\r').unwrap_or(line);
                let line = if strip { line.trim_start_matches('\t') } else { line };
                if line == end {
                    break;
                }
                document.text.push_str(line);
                document.text.push('\n');
            }
            self.all.documents.push(document);
        }
        Ok(())
    }

    /// Takes a word, up to a blank or an operator.
    fn word(&mut self) -> Result<Word, ScriptError> {
        let mut word = Word::default();
        let number = self.number;
        let open =
            |what: &str| ScriptError::new(number, format!("the {what} that begins here is not closed"));
        while let Some(c) = self.rest.chars().next() {
            match c {
                ' ' | '\t' | '\n' | '\r' | ';' | '&' | '|' | '(' | ')' | '<' | '>' => break,
                '\'' => {
                    self.next();
                    word.quoted = true;
                    let (inner, rest) = self.rest.split_once('\'').ok_or_else(|| open("quote"))?;
                    word.text.push_str(inner);
                    self.number += inner.matches('\n').count();
                    self.rest = rest;
                }
                '"' => {
                    self.next();
                    word.quoted = true;
                    self.double_quoted(&mut word).ok_or_else(|| open("quote"))?;
                }
                '\\' => {
                    self.next();
                    self.take("\r");
                    match self.next() {
                        Some('\n') => (),
                        escaped => {
                            word.quoted = true;
                            word.text.push(escaped.unwrap_or('\\'));
                        }
                    }
                }
                '$' | '`' => self.expansion(&mut word, false).ok_or_else(|| open("expansion"))?,
                c => {
                    self.next();
                    word.text.push(c);
                }
            }
        }
        Ok(word)
    }

    /// Takes what stands behind a double quote, and the closing one.
    fn double_quoted(&mut self, word: &mut Word) -> Option<()> {
        loop {
            match self.rest.chars().next()? {
                '"' => {
                    self.next();
                    return Some(());
                }
                '$' | '`' => self.expansion(word, true)?,
                '\\' => {
                    self.next();
                    match self.next()? {
                        '\n' => (),
                        escaped @ ('"' | '\\' | '$' | '`') => word.text.push(escaped),
                        other => word.text.extend(['\\', other]),
                    }
                }
                c => {
                    self.next();
                    word.text.push(c);
                }
            }
        }
    }

    /// Takes `$NAME`, `${...}`, `$(...)` or what stands in backquotes; a dollar that means itself is text.
    fn expansion(&mut self, word: &mut Word, quoted: bool) -> Option<()> {
        let start = self.rest;
        match self.next()? {
            '`' => while self.escaped()? != '`' {},
            _ => match self.rest.chars().next() {
                Some('(') => self.nested('(', ')')?,
                Some('{') => self.nested('{', '}')?,
                Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                    self.rest = self.rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
                }
                // The shell's own parameters.
                Some(c) if c.is_ascii_digit() || "@*#?-$!".contains(c) => drop(self.next()),
                // Quotes in which bash sees more than others.
                Some('\'' | '"') if !quoted => (),
                _ => {
                    word.text.push('$');
                    return Some(());
                }
            },
        }
        let taken = start.get(..start.len() - self.rest.len()).unwrap_or_default();
        word.text.push_str(taken);
        word.expands.get_or_insert_with(|| taken.to_owned());
        Some(())
    }

    /// Takes the next character, or the one behind a backslash as something else.
    fn escaped(&mut self) -> Option<char> {
        match self.next()? {
            '\\' => self.next().map(|_| '\\'),
            c => Some(c),
        }
    }

    /// Takes everything up to the end of what `open` opens.
    fn nested(&mut self, open: char, close: char) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.escaped()? {
                c if c == open => depth += 1,
                c if c == close => {
                    depth -= 1;
                    if depth == 0 {
                        return Some(());
                    }
                }
                quote @ ('\'' | '"') => while self.escaped()? != quote {},
                _ => (),
            }
        }
    }
}

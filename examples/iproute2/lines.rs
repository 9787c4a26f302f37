use std::io::{self, BufRead};

/// The commands of a batch file: comments behind `#`, lines that go on behind `\`, words in quotes.
pub struct Lines {
    input: Box<dyn BufRead>,
    number: usize,
}

/// One command.
pub struct Line {
    /// The number of its last line, counted from 1.
    pub number: usize,
    pub words: Vec<String>,
}

impl Lines {
    pub fn new(input: Box<dyn BufRead>) -> Self {
        Lines { input, number: 0 }
    }

    /// The next line with those that it goes on in; `None` at the end.
    fn text(&mut self) -> io::Result<Option<String>> {
        let mut text = String::new();
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            if self.input.read_until(b'\n', &mut bytes)? == 0 {
                return Ok((!text.is_empty()).then_some(text));
            }
            self.number += 1;
            let line = String::from_utf8_lossy(&bytes);
            let line = line.trim_end_matches('\n').split('#').next().unwrap_or_default();
            match line.strip_suffix('\\') {
                Some(line) => text.extend([line, " "]),
                None => return Ok(Some(text + line)),
            }
        }
    }
}

impl Iterator for Lines {
    type Item = io::Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.text() {
                Ok(None) => return None,
                Ok(Some(text)) => {
                    let words = words(&text);
                    if !words.is_empty() {
                        return Some(Ok(Line { number: self.number, words }));
                    }
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// Splits at blanks that stand in no quotes.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in text.chars() {
        match quote {
            Some(end) if c == end => quote = None,
            None if matches!(c, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            None if c.is_ascii_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

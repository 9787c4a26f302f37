//! Where something stands in a file of TOML.

use std::ops::Range;
use toml::de::{DeTable, DeValue};
use toml::Spanned;

/// The line of a byte, from 1.
pub fn line_at(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}

/// The path of the innermost key or value around some bytes, such as `uplink[1].weight`. `None` if it is no TOML.
pub fn around(text: &str, bytes: &Range<usize>) -> Option<String> {
    let table = DeTable::parse(text).ok()?;
    let mut search = Search { bytes, best: None };
    search.table("", table.get_ref());
    search.best.map(|(_, path)| path)
}

/// The key before a byte in its line, or at it.
pub fn before(text: &str, offset: usize) -> Option<String> {
    let start = text.get(..offset)?.rfind('\n').map_or(0, |end| end + 1);
    let line = text.get(start..)?.lines().next()?;
    let (key, _) = line.split_once('=')?;
    Some(key.trim().to_owned())
}

struct Search<'a> {
    bytes: &'a Range<usize>,
    best: Option<(usize, String)>,
}

impl Search<'_> {
    fn table(&mut self, path: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            let name = key.get_ref();
            let path = if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
            self.offer(&path, key.span());
            self.value(&path, value);
        }
    }

    /// As deep as the parser goes, which has a limit.
    fn value(&mut self, path: &str, value: &Spanned<DeValue<'_>>) {
        self.offer(path, value.span());
        match value.get_ref() {
            DeValue::Table(table) => self.table(path, table),
            DeValue::Array(array) => {
                let elements = array.iter().enumerate();
                elements.for_each(|(index, value)| self.value(&format!("{path}[{index}]"), value));
            }
            _ => (),
        }
    }

    /// A table's bytes are those of its header, so the smallest is looked for among all.
    fn offer(&mut self, path: &str, span: Range<usize>) {
        let is_around = span.start <= self.bytes.start && self.bytes.end <= span.end;
        if is_around && self.best.as_ref().is_none_or(|(length, _)| span.len() <= *length) {
            self.best = Some((span.len(), path.to_owned()));
        }
    }
}

/// The file's path of a value that the model calls `uplinks[1].weight`, and its line: that of what is around it, if it is not said.
pub fn of_model(text: &str, path: &str) -> (String, Option<usize>) {
    let steps = path.split('.').map(|step| {
        let (name, index) = step.find('[').map_or((step, ""), |at| step.split_at(at));
        format!("{}{index}", name_in_file(name))
    });
    let path = steps.collect::<Vec<_>>().join(".");
    let line = DeTable::parse(text).ok().and_then(|table| line_of(text, table.get_ref(), &path));
    (path, line)
}

/// Tables that stand several times are called by what each of them is.
fn name_in_file(name: &str) -> &str {
    match name {
        "uplinks" => "uplink",
        "forced" => "force",
        "shares" => "share",
        name => name,
    }
}

fn line_of(text: &str, table: &DeTable<'_>, path: &str) -> Option<usize> {
    let mut value: Option<&Spanned<DeValue<'_>>> = None;
    for step in path.split(['.', '[', ']']).filter(|step| !step.is_empty()) {
        let inner = match value.map(Spanned::get_ref) {
            None => table.get(step),
            Some(DeValue::Table(table)) => table.get(step),
            Some(DeValue::Array(array)) => {
                step.parse().ok().and_then(|index: usize| array.as_ref().get(index))
            }
            Some(_) => None,
        };
        let Some(inner) = inner else { break };
        value = Some(inner);
    }
    value.map(|value| line_at(text, value.span().start))
}

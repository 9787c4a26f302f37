//! A command's text, cut into words.

use crate::text::WordError;

/// The words of a command on one line: between blanks, and where there are quotes or a backslash, what a shell would make of
/// them. Nothing else means anything but itself.
///
/// # Errors
/// A quote is not closed: the error points behind the last whole word.
pub(crate) fn split(text: &str) -> Result<Vec<String>, WordError> {
    cut(text, false)
}

/// The same on a line of a batch file, where `#` begins a comment, also within a word.
///
/// # Errors
/// As for [`split`].
pub(super) fn split_batch(line: &str) -> Result<Vec<String>, WordError> {
    cut(line, true)
}

fn cut(text: &str, comments: bool) -> Result<Vec<String>, WordError> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '#' if comments => break,
            c if c.is_ascii_whitespace() => words.extend(word.take()),
            '\'' | '"' => quote(c, word.get_or_insert_default(), &mut chars)
                .ok_or_else(|| WordError::new(words.len(), format!("the quote {c} is not closed")))?,
            '\\' => word.get_or_insert_default().push(chars.next().unwrap_or('\\')),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

/// Takes what stands in quotes, and the closing quote.
fn quote(quote: char, word: &mut String, chars: &mut std::str::Chars<'_>) -> Option<()> {
    loop {
        match chars.next()? {
            end if end == quote => return Some(()),
            '\\' if quote == '"' => match chars.next()? {
                escaped @ ('"' | '\\' | '$' | '`') => word.push(escaped),
                other => word.extend(['\\', other]),
            },
            inner => word.push(inner),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_hold_words_together() {
        let words = split(r#"ip link set v0 alias 'it'\''s "so"' "a\"b\c" '' x\ y #"#);
        let expected =
            ["ip", "link", "set", "v0", "alias", "it's \"so\"", "a\"b\\c", "", "x y", "#"].map(String::from);
        assert_eq!(words, Ok(expected.to_vec()));
        assert_eq!(split("tc 'qdisc").map_err(|error| error.at()), Err(1));
        assert_eq!(split_batch("qdisc add#dev '"), Ok(vec!["qdisc".to_owned(), "add".to_owned()]));
    }
}

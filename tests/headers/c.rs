//! As much of C as the kernel's headers need: enums, numeric defines, and structs of plain fields.

use std::collections::BTreeMap;

/// What a set of headers declares.
#[derive(Default)]
pub struct Headers {
    /// Constants by name, from enums and defines.
    pub constants: BTreeMap<String, i64>,
    /// The names of each enum, in order.
    pub enums: Vec<Vec<String>>,
    /// Size and alignment of structs by name.
    structs: BTreeMap<String, (usize, usize)>,
}

impl Headers {
    /// Takes in one header; what it uses must have been taken in before.
    pub fn read(&mut self, text: &str) {
        let text = without_comments(text);
        let mut code = String::new();
        for line in text.replace("\\\n", " ").lines() {
            match line.trim_start().strip_prefix('#') {
                Some(directive) => self.define(directive),
                None => code.extend([line, "\n"]),
            }
        }
        for (head, body) in blocks(&code) {
            let words: Vec<_> = head.split_whitespace().collect();
            match words[..] {
                [.., "enum"] | [.., "enum", _] => self.enumerate(body),
                [.., "struct", name] => self.structure(name, body),
                _ => (),
            }
        }
    }

    /// The kernel's version, if `version.h` was read.
    pub fn version(&self) -> (i64, i64) {
        let code = self.constants["LINUX_VERSION_CODE"];
        (code >> 16, code >> 8 & 0xff)
    }

    /// The length of a struct of which all fields are of known types.
    pub fn size_of(&self, name: &str) -> Option<usize> {
        self.structs.get(name).map(|(size, _)| *size)
    }

    fn define(&mut self, directive: &str) {
        let mut words = directive.split_whitespace();
        if let (Some("define"), Some(name)) = (words.next(), words.next()) {
            let value = words.collect::<Vec<_>>().join(" ");
            if let Some(value) = self.value(&value) {
                self.constants.insert(name.to_owned(), value);
            }
        }
    }

    fn enumerate(&mut self, body: &str) {
        let (mut names, mut next) = (Vec::new(), Some(0));
        for item in body.split(',').map(str::trim).filter(|item| !item.is_empty()) {
            let (name, value) = match item.split_once('=') {
                Some((name, value)) => (name.trim(), self.value(value)),
                None => (item, next),
            };
            if let Some(value) = value {
                self.constants.insert(name.to_owned(), value);
            }
            names.push(name.to_owned());
            next = value.map(|value| value + 1);
        }
        self.enums.push(names);
    }

    /// Numbers, names, sums and shifts of them; nothing else is needed.
    fn value(&self, expression: &str) -> Option<i64> {
        let expression = expression.trim().trim_start_matches('(').trim_end_matches(')');
        if let Some((one, other)) = expression.split_once('+') {
            return Some(self.value(one)? + self.value(other)?);
        }
        if let Some((one, other)) = expression.split_once("<<") {
            return Some(self.value(one)? << self.value(other)?);
        }
        let number = expression.trim().trim_end_matches(['U', 'L']);
        match number.strip_prefix("0x") {
            Some(hex) => i64::from_str_radix(hex, 16).ok(),
            None => number.parse().ok().or_else(|| self.constants.get(number).copied()),
        }
    }

    /// Adds a struct if all its fields are of known types.
    fn structure(&mut self, name: &str, body: &str) {
        let (mut at, mut align) = (0usize, 1);
        for field in body.split(';').map(str::trim).filter(|field| !field.is_empty()) {
            let Some((size, own)) = self.field(field) else { return };
            (at, align) = (at.next_multiple_of(own) + size, align.max(own));
        }
        self.structs.insert(name.to_owned(), (at.next_multiple_of(align), align));
    }

    /// Size and alignment of a field such as `__u32 a, b` or `struct tc_ratespec rate`.
    fn field(&self, field: &str) -> Option<(usize, usize)> {
        let field = field.strip_prefix("const ").unwrap_or(field);
        let (of, names) = match field.strip_prefix("struct ") {
            Some(rest) => {
                let (name, names) = rest.trim().split_once(char::is_whitespace)?;
                (*self.structs.get(name)?, names)
            }
            None => {
                let field = field.strip_prefix("unsigned ").unwrap_or(field);
                let (name, names) = field.split_once(char::is_whitespace)?;
                let size = match name {
                    "__u8" | "__s8" | "char" => 1,
                    "__u16" | "__s16" | "__be16" | "short" => 2,
                    "__u32" | "__s32" | "__be32" | "int" => 4,
                    "__u64" | "__s64" | "__be64" => 8,
                    _ => return None,
                };
                ((size, size), names)
            }
        };
        let mut total = 0;
        for name in names.split(',') {
            total += match name.split_once('[') {
                Some((_, length)) => {
                    of.0 * usize::try_from(self.value(length.trim_end_matches(']')).unwrap_or(0)).ok()?
                }
                None => of.0,
            };
        }
        Some((total, of.1))
    }
}

fn without_comments(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((code, comment)) = rest.split_once("/*") {
        out.push_str(code);
        rest = comment.split_once("*/").map_or("", |(_, rest)| rest);
    }
    out.push_str(rest);
    out.lines().map(|line| line.split("//").next().unwrap_or_default().to_owned() + "\n").collect()
}

/// What stands between braces, with what stands in front of it. Blocks within blocks are not seen as such, so that a
/// struct with an inner struct or union is one whose fields are not known.
fn blocks(code: &str) -> Vec<(&str, &str)> {
    let (mut found, mut head, mut open, mut depth) = (Vec::new(), 0, 0, 0);
    for (at, c) in code.char_indices() {
        match c {
            '{' => {
                if depth == 0 {
                    open = at;
                }
                depth += 1;
            }
            '}' => {
                depth -= 1;
                if depth == 0 {
                    found.push((&code[head..open], &code[open + 1..at]));
                    head = at + 1;
                }
            }
            ';' if depth == 0 => head = at + 1,
            _ => (),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enums_count_from_zero_and_from_what_they_are_given() {
        let mut headers = Headers::default();
        headers
            .read("#define TEN 0xa\nenum { A, /* B, */ C,\n D = TEN, E, __MAX };\n#define MAX (__MAX - 1)");
        let value = |name: &str| headers.constants.get(name).copied();
        assert_eq!([value("A"), value("C"), value("D"), value("E")], [Some(0), Some(1), Some(10), Some(11)]);
        assert_eq!([value("B"), value("MAX")], [None, None]);
    }

    #[test]
    fn structs_are_as_long_as_their_fields_with_the_gaps() {
        let mut headers = Headers::default();
        headers.read(
            "struct a { __u8 x; __u16 y, z[2]; }; struct b { struct a a; __u64 n; unsigned char c[3]; };",
        );
        assert_eq!(headers.size_of("a"), Some(8));
        assert_eq!(headers.size_of("b"), Some(24));
        headers.read("struct c { union { int a; } u; };");
        assert_eq!(headers.size_of("c"), None);
    }
}

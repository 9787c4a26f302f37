//! As much of C as the kernel's headers need: enums, numeric defines, and structs of plain fields.

use std::collections::{BTreeMap, BTreeSet};

/// What a set of headers declares.
#[derive(Default)]
pub struct Headers {
    /// Constants by name, from enums and defines.
    pub constants: BTreeMap<String, i64>,
    /// The names of each enum, in order.
    pub enums: Vec<Vec<String>>,
    /// The names of all structs.
    pub named: BTreeSet<String>,
    /// The structs of which all fields are of known types.
    pub structs: BTreeMap<String, Struct>,
}

/// How a struct lies in memory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Struct {
    /// The number of bytes, without what fills the last ones up to the alignment.
    pub len: usize,
    /// The fields with their offsets and lengths; those of an inner struct are named `outer.inner`.
    pub fields: Vec<(String, usize, usize)>,
    align: usize,
}

impl Struct {
    /// Adds a field like `one`, or an array of them, whose inner fields do not count. One without a length is what follows the
    /// struct, and no field.
    fn push(&mut self, name: &str, one: &Struct, count: Option<usize>) {
        let (at, len) = (self.len.next_multiple_of(one.align), one.len.next_multiple_of(one.align));
        match count {
            Some(0) => (),
            None if !one.fields.is_empty() => {
                let dot = if name.is_empty() { "" } else { "." };
                let inner =
                    one.fields.iter().map(|(of, from, len)| (format!("{name}{dot}{of}"), at + from, *len));
                self.fields.extend(inner);
            }
            _ => self.fields.push((name.to_owned(), at, len * count.unwrap_or(1))),
        }
        (self.len, self.align) = (at + len * count.unwrap_or(1), self.align.max(one.align));
    }
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
        let code = without_groups(&code);
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

    fn define(&mut self, directive: &str) {
        let mut words = directive.split_whitespace();
        if let (Some("define"), Some(name)) = (words.next(), words.next()) {
            let value = words.collect::<Vec<_>>().join(" ");
            if value.contains(';') {
                self.structure(name, &value);
            }
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
        self.named.insert(name.to_owned());
        let mut made = Struct { align: 1, ..Struct::default() };
        for field in body.split(';').map(str::trim).filter(|field| !field.is_empty()) {
            if self.field(field, &mut made).is_none() {
                return;
            }
        }
        self.structs.insert(name.to_owned(), made);
    }

    /// Adds what a declaration such as `__u32 a, b` or `struct tc_ratespec rate` declares, or fields that are a macro.
    fn field(&self, field: &str, to: &mut Struct) -> Option<()> {
        let field = field.strip_prefix("const ").unwrap_or(field);
        let (of, names) = match field.strip_prefix("struct ") {
            Some(rest) => {
                let (name, names) = rest.trim().split_once(char::is_whitespace)?;
                (self.structs.get(name)?.clone(), names)
            }
            None if self.structs.contains_key(field) => (self.structs[field].clone(), ""),
            None => {
                let (mut name, mut names) = field.split_once(char::is_whitespace)?;
                if matches!(name, "unsigned" | "signed") {
                    let longer = names.trim_start().split_once(char::is_whitespace);
                    (name, names) = longer.unwrap_or(("int", names));
                }
                let len = match name {
                    "__u8" | "__s8" | "char" => 1,
                    "__u16" | "__s16" | "__be16" | "short" | "__kernel_sa_family_t" => 2,
                    "__u32" | "__s32" | "__be32" | "int" => 4,
                    "__u64" | "__s64" | "__be64" => 8,
                    _ => return None,
                };
                (Struct { len, align: len, fields: Vec::new() }, names)
            }
        };
        for name in names.split(',').map(str::trim) {
            match name.split_once('[') {
                Some((name, length)) => {
                    let length = self.value(length.trim_end_matches(']')).unwrap_or(0);
                    to.push(name, &of, Some(usize::try_from(length).ok()?));
                }
                None => to.push(name, &of, None),
            }
        }
        Some(())
    }
}

/// Fields that are also a struct of their own are fields.
fn without_groups(code: &str) -> String {
    let mut out = String::new();
    let mut rest = code;
    while let Some((before, group)) = rest.split_once("__struct_group(") {
        out.push_str(before);
        let (inside, after) = group.split_once(')').unwrap_or((group, ""));
        // The tag, the name and the attributes.
        out.push_str(inside.splitn(4, ',').nth(3).unwrap_or_default());
        rest = after;
    }
    out + rest
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
    fn fields_lie_behind_each_other_with_gaps_and_those_of_inner_structs_too() {
        let mut headers = Headers::default();
        headers.read(
            "#define two int i; unsigned n\nstruct a { __u8 x; __u16 y, z[2]; }; struct b { struct a a; __u64 n; \
             unsigned char c[3]; }; struct c { two; }; struct d { __struct_group(e, f, , __u8 g;); struct a as[]; };",
        );
        let fields = |name: &str| {
            headers.structs[name]
                .fields
                .iter()
                .map(|(n, at, len)| (n.as_str(), *at, *len))
                .collect::<Vec<_>>()
        };
        assert_eq!(fields("a"), [("x", 0, 1), ("y", 2, 2), ("z", 4, 4)]);
        assert_eq!(fields("b"), [("a.x", 0, 1), ("a.y", 2, 2), ("a.z", 4, 4), ("n", 8, 8), ("c", 16, 3)]);
        assert_eq!(fields("c"), [("i", 0, 4), ("n", 4, 4)]);
        assert_eq!(fields("d"), [("g", 0, 1)]);
        headers.read("struct e { union { int a; } u; };");
        assert_eq!(headers.structs.get("e"), None);
        assert!(headers.named.contains("e"));
    }
}

use super::amount::digits;
use std::fmt::{self, Display, Formatter, Write};

/// A value of JSON that is not a list or an object.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Scalar {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number without a sign.
    Unsigned(u64),
    /// A number.
    Signed(i64),
    /// A number with a fraction.
    Float(f64),
    /// A number with two digits behind the point, in hundredths.
    Hundredths(u64),
    /// A string.
    Text(String),
}

macro_rules! scalars {
    ($($ty:ty => $variant:ident,)*) => { $(
        impl From<$ty> for Scalar {
            fn from(value: $ty) -> Self {
                Scalar::$variant(value.into())
            }
        }
    )* };
}

scalars! {
    bool => Bool,
    u8 => Unsigned,
    u16 => Unsigned,
    u32 => Unsigned,
    u64 => Unsigned,
    i32 => Signed,
    i64 => Signed,
    f64 => Float,
    &str => Text,
    String => Text,
}

impl Display for Scalar {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Scalar::Bool(value) => value.fmt(f),
            Scalar::Unsigned(value) => value.fmt(f),
            Scalar::Signed(value) => value.fmt(f),
            Scalar::Hundredths(value) => write!(f, "{}.{:02}", value / 100, value % 100),
            // As many digits as iproute2 gives them.
            Scalar::Float(value) if value.is_finite() => f.write_str(&digits(*value, 6)),
            Scalar::Null | Scalar::Float(_) => f.write_str("null"),
            Scalar::Text(text) => quote(text, f),
        }
    }
}

fn quote(text: &str, f: &mut Formatter<'_>) -> fmt::Result {
    f.write_char('"')?;
    for char in text.chars() {
        match char {
            '"' | '\\' => write!(f, "\\{char}")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            char if (char as u32) < 0x20 => write!(f, "\\u{:04x}", char as u32)?,
            char => f.write_char(char)?,
        }
    }
    f.write_char('"')
}

/// Writes JSON as iproute2 lays it out: on one line, or with an indent of four blanks.
#[derive(Clone, Debug, Default)]
pub(super) struct Json {
    out: String,
    indented: bool,
    depth: usize,
    /// Whether something stands in front in the list or object that is open.
    filled: bool,
}

impl Json {
    pub(super) fn new(indented: bool) -> Self {
        Json { indented, ..Json::default() }
    }

    fn break_line(&mut self) {
        if self.indented {
            self.out.push('\n');
            self.out.extend(std::iter::repeat_n("    ", self.depth));
        }
    }

    fn next(&mut self, key: Option<&str>) {
        if self.filled {
            self.out.push(',');
        }
        self.filled = true;
        if let Some(key) = key {
            self.break_line();
            self.out += &Scalar::from(key).to_string();
            self.out += if self.indented { ": " } else { ":" };
        }
    }

    pub(super) fn value(&mut self, key: Option<&str>, value: &Scalar) {
        self.next(key);
        self.out += &value.to_string();
    }

    pub(super) fn open(&mut self, key: Option<&str>, bracket: char) {
        self.next(key);
        self.out.push(bracket);
        if bracket == '[' && self.indented {
            self.out.push(' ');
        }
        self.depth += 1;
        self.filled = false;
    }

    pub(super) fn close(&mut self, bracket: char) {
        self.depth = self.depth.saturating_sub(1);
        match bracket {
            ']' if self.filled && self.indented => self.out.push(' '),
            '}' if self.filled => self.break_line(),
            _ => (),
        }
        self.out.push(bracket);
        self.filled = true;
    }

    pub(super) fn take(&mut self) -> String {
        std::mem::take(&mut self.out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(indented: bool) -> String {
        let mut json = Json::new(indented);
        json.open(None, '[');
        json.open(None, '{');
        json.value(Some("ifname"), &"v\"0\n".into());
        json.open(Some("flags"), '[');
        json.value(None, &"UP".into());
        json.value(None, &1u32.into());
        json.close(']');
        json.open(Some("none"), '{');
        json.close('}');
        json.close('}');
        json.close(']');
        json.take()
    }

    #[test]
    fn lists_and_objects_stand_as_iproute2_lays_them_out() {
        assert_eq!(written(false), r#"[{"ifname":"v\"0\n","flags":["UP",1],"none":{}}]"#);
        let indented = "[ {\n        \"ifname\": \"v\\\"0\\n\",\n        \"flags\": [ \"UP\",1 ],\n        \"none\": {}\n    } ]";
        assert_eq!(written(true), indented);
    }
}

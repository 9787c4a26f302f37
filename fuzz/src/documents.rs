//! Desired states as documents.

use std::fmt::Display;
use tcnl::plan::Desired;

/// Text is refused or read, and what is read is written and reads as it was written: as JSON if it begins with a brace, as TOML if with a
/// table's name, else as YAML.
pub fn documents(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match data.first() {
        Some(b'{') => fixpoint(text, |text| serde_json::from_str(text), serde_json::to_string),
        Some(b'[') => fixpoint(text, |text| toml::from_str(text), toml::to_string),
        _ => fixpoint(text, |text| serde_yaml_ng::from_str(text), serde_yaml_ng::to_string),
    }
}

fn fixpoint<R: Display, W: Display>(
    text: &str,
    read: impl Fn(&str) -> Result<Desired, R>,
    write: impl Fn(&Desired) -> Result<String, W>,
) {
    let Ok(desired) = read(text) else { return };
    let written = |desired: &Desired| {
        write(desired).unwrap_or_else(|error| panic!("what was read is not written: {error}"))
    };
    let first = written(&desired);
    let again = read(&first).unwrap_or_else(|error| panic!("{first}\n{error}"));
    assert_eq!(written(&again), first);
}

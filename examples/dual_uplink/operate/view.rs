//! What `run` shows: lines, with a table below them on a terminal, or JSON.

use super::status::{now, Published};
use jiff::Zoned;
use nix::libc::EIO;
use serde_json::{json, Map, Value};
use std::io::{stdout, ErrorKind, IsTerminal, Write};
use tcnl::uplink::Happening;

/// Writes to the standard output.
pub struct View {
    json: bool,
    live: bool,
    /// The uplinks' names, in the gateway's order.
    names: Vec<String>,
    /// The table at the end of a terminal.
    table: String,
    closed: bool,
}

impl View {
    pub fn new(json: bool, names: Vec<String>) -> View {
        let live = !json && stdout().is_terminal();
        View { json, live, names, table: String::new(), closed: false }
    }

    /// Whether nobody can read it any more.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// These are the uplinks from now on.
    pub fn rename(&mut self, names: Vec<String>) {
        self.names = names;
    }

    /// Something happened: a line.
    pub fn happening(&mut self, happening: &Happening<'_>) {
        let text = happening.to_string();
        match happening {
            Happening::Decided(decision) => {
                let weights = self.names.iter().zip(&decision.weights);
                let weights: Map<_, _> =
                    weights.map(|(name, weight)| (name.clone(), Value::from(*weight))).collect();
                self.event("decision", &text, json!({ "weights": weights }));
            }
            Happening::Health { uplink, change } => {
                self.event("health", &text, json!({ "uplink": uplink, "up": change.up }));
            }
            Happening::Forgotten { uplink } => self.event("ended", &text, json!({ "uplink": uplink })),
            Happening::Repaired(_) => self.event("repair", &text, json!({})),
            Happening::Failed(_) => self.event("failure", &text, json!({})),
            _ => self.event("other", &text, json!({})),
        }
    }

    /// Something about the program itself: a line.
    pub fn note(&mut self, text: &str) {
        self.event("note", text, json!({}));
    }

    /// A second has passed.
    pub fn second(&mut self, published: &Published) {
        if self.json {
            let Ok(Value::Object(fields)) = serde_json::to_value(published) else { return };
            return self.object("status", fields);
        }
        let lines: String = published.uplinks.iter().map(|uplink| uplink.line() + "\n").collect();
        if self.live {
            let erased = erased(self.table.lines().count());
            self.write(&format!("{erased}{}", cut(&lines)));
            self.table = lines;
        } else {
            let time = clock();
            let lines: String = lines.lines().map(|line| format!("{time} {line}\n")).collect();
            self.write(&lines);
        }
    }

    fn event(&mut self, kind: &str, text: &str, fields: Value) {
        if self.json {
            let Value::Object(mut fields) = fields else { return };
            fields.insert("time".into(), now().into());
            fields.insert("text".into(), text.into());
            return self.object(kind, fields);
        }
        let erased = erased(self.table.lines().count());
        let table = if self.table.is_empty() { String::new() } else { cut(&self.table) };
        self.write(&format!("{erased}{} {kind}: {text}\n{table}", clock()));
    }

    fn object(&mut self, kind: &str, mut fields: Map<String, Value>) {
        fields.insert("event".into(), kind.into());
        self.write(&format!("{}\n", Value::Object(fields)));
    }

    /// Writes at once. What cannot be written for other reasons, such as a full disk, is lost, and no reason to stop.
    fn write(&mut self, text: &str) {
        let mut out = stdout().lock();
        if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            // A terminal that is gone says EIO.
            self.closed |= error.kind() == ErrorKind::BrokenPipe || error.raw_os_error() == Some(EIO);
        }
    }
}

/// Takes the table away: up so many lines, and everything below goes.
fn erased(lines: usize) -> String {
    if lines == 0 {
        return String::new();
    }
    format!("\x1b[{lines}A\x1b[J")
}

/// A table whose lines end at the terminal's edge, so that it has as many as are counted.
fn cut(table: &str) -> String {
    format!("\x1b[?7l{table}\x1b[?7h")
}

fn clock() -> String {
    Zoned::now().strftime("%H:%M:%S").to_string()
}

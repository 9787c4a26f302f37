//! The recordings: commands, and how iproute2 ended.

use serde_json::Value;
use std::sync::OnceLock;

#[derive(Clone)]
pub struct Recorded {
    pub id: String,
    pub group: String,
    pub setup: Vec<String>,
    pub cmd: String,
    /// The exit status on Linux 6.12.
    pub kernel_rc: i32,
    /// The exit status on a 6.18 without modules.
    pub host_rc: i32,
    /// The list commands that were run behind it, without options.
    pub shows: Vec<String>,
}

pub fn all() -> &'static [Recorded] {
    static ALL: OnceLock<Vec<Recorded>> = OnceLock::new();
    ALL.get_or_init(|| {
        let replies: Vec<Value> = lines(include_str!("../golden/replies.jsonl")).collect();
        let shows = |id: &str| {
            let of = replies.iter().filter(|reply| reply["id"] == id);
            of.map(|reply| plain(text(&reply["show"]))).collect()
        };
        let recorded = |line: Value| Recorded {
            id: text(&line["id"]).to_owned(),
            group: text(&line["group"]).to_owned(),
            setup: line["setup"].as_array().into_iter().flatten().map(|one| text(one).to_owned()).collect(),
            cmd: text(&line["cmd"]).to_owned(),
            kernel_rc: line["kernel_rc"].as_i64().unwrap_or(-1) as i32,
            host_rc: line["host_rc"].as_i64().unwrap_or(-1) as i32,
            shows: shows(text(&line["id"])),
        };
        lines(include_str!("../golden/requests.jsonl")).map(recorded).collect()
    })
}

/// The groups in their order.
pub fn groups() -> Vec<&'static str> {
    let mut groups: Vec<&str> = all().iter().map(|one| one.group.as_str()).collect();
    groups.dedup();
    groups.sort_unstable();
    groups.dedup();
    groups
}

fn lines(jsonl: &str) -> impl Iterator<Item = Value> + '_ {
    jsonl.lines().map(|line| serde_json::from_str(line).expect("a line of JSON"))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A command without the options that say how to show things.
fn plain(command: &str) -> String {
    let how = ["-j", "-s", "-d", "-p"];
    command.split(' ').filter(|word| !how.contains(word)).collect::<Vec<_>>().join(" ")
}

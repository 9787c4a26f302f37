//! Where our programs differ from iproute2, and why.

use crate::machine::Ended;

/// Whether a command is about what the crate does not have.
pub fn is_not_ours(command: &str) -> bool {
    let kinds = [
        " prio ", " fq_codel", " netem", " fq", " red ", " ets ", " flower", " matchall", " basic ", " bpf ", " flow ",
        " route from", " cgroup", " neigh ",
    ];
    let _ = kinds;
    command.starts_with("ip neigh") || command.contains(" neigh ")
}

/// Why a recorded command ends otherwise than with iproute2.
pub fn status(_id: &str) -> Option<&'static str> {
    None
}

/// Why something is shown otherwise than by the installed iproute2.
pub fn shown(words: &[String], theirs: &Ended, _ours: &Ended) -> Option<&'static str> {
    let json = words.iter().any(|word| word == "-j");
    if json && theirs.status != 0 && theirs.stderr.contains("json_writer") {
        return Some("iproute2 6.1 fails to write its own JSON");
    }
    None
}

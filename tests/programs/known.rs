//! Where our programs differ from iproute2, and why.

use crate::machine::Ended;

/// What the crate does not have: other kinds, and neighbours.
const OTHERS: &[&str] = &[
    ": prio bands",
    " fq_codel ",
    " netem ",
    ": fq",
    ": red ",
    ": ets ",
    " flower ",
    " matchall ",
    " basic match ",
    " bpf bytecode ",
    " flow hash ",
    " route from ",
    " action nat ",
    " action vlan ",
    " action csum ",
    " action pedit ",
    " action connmark",
    " action ctinfo ",
    " action simple ",
    " action sample ",
    " action tunnel_key ",
    " type vlan ",
    " type macvlan ",
    " type vrf ",
    "ip neigh ",
];

/// Whether a command is about what the crate does not have.
pub fn is_not_ours(command: &str) -> bool {
    OTHERS.iter().any(|words| command.contains(words))
}

/// Why a recorded command ends otherwise than with iproute2.
pub fn status(id: &str) -> Option<&'static str> {
    match id {
        "ingress-003" => Some("iproute2 has two statuses for words that make no sense, and no rule for which"),
        "sfq-014" => Some("what the kernel would refuse without words is refused here, with words"),
        _ => None,
    }
}

/// Why something is shown otherwise than by the installed iproute2.
pub fn shown(words: &[String], theirs: &Ended, _ours: &Ended) -> Option<&'static str> {
    let json = words.iter().any(|word| word == "-j");
    if json && theirs.status != 0 && theirs.stderr.contains("json_writer") {
        return Some("iproute2 6.1 fails to write its own JSON");
    }
    None
}

//! Ports of each uplink that the gateway forwards to a server in the LAN.

use crate::common::{is_slow, trial, Outcome};
use crate::lab::{Lab, Result, SERVER};
use crate::running::Running;
use crate::traffic::{serve, tcp_seen_as, udp_seen_as, until, Talk, ECHO};
use libtest_mimic::Trial;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;
use tcnl::netfilter::{Chain, ChainKind, Hook, NftRule, Table, Transaction};
use tcnl::netlink::{Builder, Protocol};
use tcnl::units::Rate;
use tcnl::uplink::EmptierUplink;

pub fn trials() -> Vec<Trial> {
    vec![trial(
        "forwarded ports answer over the uplink that was asked, also while another one is emptier",
        forwarded,
    )]
}

/// The host in the LAN.
const INSIDE: [IpAddr; 2] =
    [IpAddr::V4(Ipv4Addr::new(192, 168, 7, 2)), IpAddr::V6(Ipv6Addr::new(0xfd00, 7, 0, 0, 0, 0, 0, 2))];

/// Forwards the port of all uplinks, as an administrator does: in a table of his own.
fn forward(lab: &Lab) -> Result<()> {
    let mut theirs = Transaction::new();
    theirs.add_table(&Table::inet("forwards"));
    theirs.add_chain(&Chain::base("in", ChainKind::Nat, Hook::Prerouting, -100));
    for line in &lab.lines {
        for inside in INSIDE {
            let from_internet = || NftRule::new().iifname(line.device);
            theirs.add_rule("in", from_internet().tcp_dport(ECHO..=ECHO).dnat(inside));
            theirs.add_rule("in", from_internet().udp_dport(ECHO..=ECHO).dnat(inside));
        }
    }
    lab.gateway.run(|| Ok(Builder::default().protocol(Protocol::Netfilter).open()?.commit(&theirs)?))
}

/// Whether the server is reached over this line, by TCP and UDP, and sees who asks.
fn ask(lab: &Lab, line: usize, family: usize) -> [bool; 2] {
    let (to, from) = (lab.lines[line].address[family], SERVER[family]);
    [
        tcp_seen_as(&lab.internet, to).is_ok_and(|seen| seen == from),
        udp_seen_as(&lab.internet, from, to).is_ok_and(|seen| seen == from),
    ]
}

fn forwarded() -> Outcome {
    let capacity = (Rate::mbit(20), Rate::mbit(20));
    let lab = Lab::build(&[capacity; 2])?;
    INSIDE.into_iter().try_for_each(|inside| serve(&lab.lan, inside))?;
    forward(&lab)?;
    // The control: answers leave by the one default route, and the second provider's customer has another address.
    for family in 0..2 {
        assert_eq!(ask(&lab, 0, family), [true, true], "the first uplink without anything of ours");
        assert_eq!(ask(&lab, 1, family), [false, false], "the second uplink without anything of ours");
    }
    let gateway = lab.model(&[capacity; 2]);
    let selector = Box::new(EmptierUplink::new(&gateway.uplinks));
    let running = Running::start(&lab, gateway, selector)?;
    let asked = |when: &str| {
        for (line, family) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            // Where an uplink is full, a packet may be lost.
            let tries = (0..3).map(|_| ask(&lab, line, family));
            let heard = tries.take_while(|heard| *heard != [true; 2]).count() < 3;
            assert!(heard, "{when}: line {line}, family {family}: {:#?}", running.told());
        }
    };
    asked("with room on both");
    if is_slow() {
        return Ok(());
    }
    serve(&lab.internet, SERVER[0])?;
    for full in [0, 1] {
        // By either uplink in turn: what fills it is a download that began there.
        let mut download = Talk::download(&lab.lan, SERVER[0])?;
        for _ in 0..50 {
            if download.seen_as == lab.lines[full].address[0] {
                break;
            }
            download = Talk::download(&lab.lan, SERVER[0])?;
        }
        assert_eq!(download.seen_as, lab.lines[full].address[0], "{:#?}", running.told());
        let other_is_preferred =
            || running.statuses().is_ok_and(|statuses| statuses[full].weight < statuses[1 - full].weight);
        until(Duration::from_secs(5), other_is_preferred).map_err(|_| format!("{:#?}", running.told()))?;
        asked("while one is full");
        assert!(other_is_preferred(), "{:#?}", running.told());
        drop(download);
        let both_have_room =
            || running.statuses().is_ok_and(|statuses| statuses.iter().all(|status| status.weight > 0));
        until(Duration::from_secs(5), both_have_room)?;
    }
    Ok(())
}

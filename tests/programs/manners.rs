//! How the programs behave as programs: their status, batches, streams and namespaces.

use crate::common::{in_netns, trial, Outcome, Stop};
use crate::machine::{feed, program, run, set_up, words, Ended, Whose};
use libtest_mimic::Trial;
use nix::mount::{mount, MsFlags};
use nix::sched::{unshare, CloneFlags};
use std::fs;
use std::io::Read;
use std::process::{Command, Stdio};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("what fails is said in iproute2's words and with its status", failures),
        trial("words that mean nothing end with iproute2's status", wrong_words),
        trial(
            "a kind's wrong words end otherwise than the wrong words of all kinds, as with iproute2",
            wrong_parts,
        ),
        trial("a batch ends where iproute2's ends, and says the line", batches),
        trial("a batch finds the devices that it has made", batch_makes_devices),
        trial("a flush deletes what iproute2's deletes", flushes),
        trial("a reader that goes away ends a list quietly", broken_pipe),
        trial("with -n a command is about the named namespace, as with iproute2", named_namespace),
    ]
}

/// Runs both in namespaces of their own that were set up in the same way.
fn both(setup: &[&str], command: &str, input: &str) -> Result<(Ended, Ended), Stop> {
    let setup: Vec<String> = setup.iter().map(|one| (*one).to_owned()).collect();
    let end = |whose| {
        in_netns(|| {
            be_quiet()?;
            set_up(&setup)?;
            feed(whose, &words(command), input)
        })
    };
    Ok((end(Whose::Ours)?, end(Whose::Theirs)?))
}

/// Keeps IPv6 from sending and changing things on its own.
pub fn be_quiet() -> Result<(), Stop> {
    for devices in ["default", "all"] {
        fs::write(format!("/proc/sys/net/ipv6/conf/{devices}/disable_ipv6"), "1")?;
    }
    Ok(())
}

fn failures() -> Outcome {
    let setup = [
        "tc qdisc add dev v0 root handle 1: htb",
        "tc class add dev v0 parent 1: classid 1:1 htb rate 1mbit",
        "ip addr add 10.9.0.1/24 dev v0",
        "ip route add 10.1.0.0/16 via 10.9.0.2",
    ];
    for command in [
        "tc qdisc add dev v0 root handle 1: htb",
        "tc qdisc add dev nosuch root htb",
        "tc qdisc show dev nosuch",
        "tc qdisc del dev v1 root",
        "tc class add dev v0 parent 1: classid 1:1 htb rate 1mbit",
        "tc class add dev v0 parent 1: classid 1:2 htb rate 10gbit",
        "tc class del dev v0 classid 1:77",
        "tc filter add dev v0 parent 7: protocol ip u32 match u32 0 0",
        "tc filter del dev v0 parent 1: prio 7",
        "tc -n nosuch qdisc show",
        "tc -batch nosuch",
        "tc qdisc add dev v1 root nosuch",
        "tc chain del dev v0 parent 1: chain 7",
        "ip route add 10.1.0.0/16 via 10.9.0.2",
        "ip route add 10.2.0.0/16 via 10.77.0.2",
        "ip route add 10.3.0.0/16 dev nosuch",
        "ip route del 10.77.0.0/16",
        "ip route show table 77",
        "ip route flush table 77",
        "ip route get 11.0.0.1",
        "ip rule del table 77",
        "ip nexthop del id 77",
        "ip nexthop get id 77",
        "ip nexthop show id 77",
        "ip nexthop flush id 77",
        "ip addr add 10.9.0.1/24 dev v0",
        "ip addr del 10.9.0.7/24 dev v0",
        "ip link add v0 type veth",
        "ip link set nosuch up",
        "ip link del nosuch",
        "ip link show nosuch",
        "ip addr show dev nosuch",
        "ip link add v7 type nosuch",
        "ip -n nosuch route",
    ] {
        let (ours, theirs) = both(&setup, command, "")?;
        assert_eq!(ours, theirs, "{command}");
    }
    Ok(())
}

fn wrong_words() -> Outcome {
    for command in [
        "tc",
        "tc help",
        "tc -s",
        "tc -j",
        "tc -z",
        "tc foo",
        "tc qdisc foo",
        "tc qdisc help",
        "tc -help",
        "tc -V",
        "ip",
        "ip foo",
        "ip help",
        "ip route foo",
        "ip route help",
        "ip -z",
        "ip -V",
        "ip monitor foo",
        "tc monitor foo",
        "ip link set v0 mtu",
        "tc class add dev v0 parent 1: classid 1:1 htb rate",
        "ip route flush",
        "ip addr flush",
        "ip addr add 10.9.0.1/33 dev v0",
        "ip rule add",
        "ip route get",
        "ip addr add 10.9.0.1/24",
        "tc qdisc add dev v0 root htb bogus",
        "tc qdisc add dev v0 root tbf rate 1mbit",
    ] {
        same_status(command)?;
    }
    Ok(())
}

fn wrong_parts() -> Outcome {
    for command in [
        // What all qdiscs, classes and filters have, and what one kind has.
        "tc qdisc add dev v0 handle zz: root htb",
        "tc qdisc add dev v0 root stab mtu bogus htb",
        "tc qdisc add dev v0 root bogus option",
        "tc qdisc add dev v0 root tbf rate 1mbit rate 2mbit burst 10k limit 10k",
        "tc qdisc show dev v0 bogus",
        "tc class add dev v0 parent 1: classid zz htb rate 1mbit",
        "tc class add dev v0 parent 1: classid 1:1 htb rate bogus",
        "tc filter add dev v0 parent 1: prio 70000 fw",
        "tc filter add dev v0 parent 1: handle zz fw",
        "tc filter add dev v0 parent 1: fw bogus",
        "tc filter add dev v0 parent 1: u32 match u8 0 0 flowid zz",
        "tc filter add dev v0 chain 0 parent 1:",
        "tc filter show dev v0 prio bogus",
        // What all actions have, and what one kind has; in a filter and alone.
        "tc filter add dev v0 parent 1: fw action bogus",
        "tc filter add dev v0 parent 1: fw action drop cookie zz",
        "tc filter add dev v0 parent 1: fw action drop index zz",
        "tc filter add dev v0 parent 1: fw action mirred egress redirect dev nosuch",
        "tc actions add action mirred egress redirect dev nosuch",
        "tc actions add action mirred zz",
        "tc actions get action mirred index zz",
        "tc actions get action mirred",
        // The amounts of a policer, and what becomes of packets.
        "tc filter add dev v0 parent 1: fw police",
        "tc filter add dev v0 parent 1: fw police bogus",
        "tc filter add dev v0 parent 1: fw police rate bogus burst 10k",
        "tc filter add dev v0 parent 1: fw police rate 1mbit rate 1mbit burst 10k",
        "tc filter add dev v0 parent 1: fw police rate 1mbit",
        "tc filter add dev v0 parent 1: fw police rate 1mbit burst 10k overhead bogus",
        "tc filter add dev v0 parent 1: fw police rate 1mbit burst 10k conform-exceed bogus",
        // Addresses, and everything else.
        "ip route add bogus dev v0",
        "ip route add 10.1.0.0/16 via bogus",
        "ip route add 10.1.0.0/16 dev v0 bogus",
        "ip route add 10.1.0.0/16 dev v0 metric bogus",
        "ip route show table bogus",
        "ip rule add from bogus",
        "ip rule add bogus",
        "ip rule add table bogus",
        "ip rule del",
        "ip rule show bogus",
        "ip addr add bogus dev v0",
        "ip addr add 10.9.0.1/24 dev v0 valid_lft 0",
        "ip addr show dev v0 scope bogus",
        "ip link set dev v0 bogus",
        "ip link set dev v0 mtu bogus",
        "ip link add v7 type bridge bogus",
        "ip link add v7 type bridge stp_state bogus",
        "ip nexthop add id bogus",
        "ip nexthop add id 1 via bogus",
        "ip nexthop add id 1 group bogus",
        "ip nexthop del id 0",
        "ip nexthop get id 1 blackhole",
        "ip nexthop show bogus",
    ] {
        same_status(command)?;
    }
    Ok(())
}

fn same_status(command: &str) -> Outcome {
    let (ours, theirs) = both(&[], command, "")?;
    assert_eq!(ours.status, theirs.status, "{command}: {ours:?}, but {theirs:?}");
    Ok(())
}

fn batches() -> Outcome {
    let lines = "
# a tree
qdisc add dev v0 root handle 1: htb   # behind a command
class add dev v0 parent 1: \\
    classid 1:1 \\
    htb rate 1mbit
class show dev v0

class add dev v0 parent 1: classid 1:1 htb rate 1mbit
qdisc show dev v0
qdisc add dev nosuch root htb
class add dev v0 parent 1: classid 1:2 \\
    htb rate 2mbit burst 15k
qdisc del dev v1 root
class show dev v0";
    for options in ["", "-force", "-s -force"] {
        let (ours, theirs) = both(&[], &format!("tc {options} -batch -"), lines)?;
        let text = |ended: &Ended| ended.stdout.replace(" \n", "\n");
        assert_eq!(text(&ours), text(&theirs), "{options}");
        assert_eq!((ours.status, ours.stderr), (theirs.status, theirs.stderr), "{options}");
    }
    Ok(())
}

fn batch_makes_devices() -> Outcome {
    let lines = "link add name x0 type veth peer name x1\nlink set x0 up\naddr add 10.1.0.1/24 dev x0\n\
                 link del x0\nlink add name x0 index 99 type veth peer name x1\nlink set x0 up\n\
                 addr add 10.1.0.1/24 dev x0\n-4 addr show\naddr show dev x0 scope global\n";
    let lines = lines.replace("-4 addr show\n", "");
    let (ours, theirs) = both(&[], "ip -batch -", &lines)?;
    let plain = |ended: &Ended| {
        ended.stdout.lines().filter(|line| line.contains("inet")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!((plain(&ours), ours.status, &*ours.stderr), (plain(&theirs), 0, ""));
    Ok(())
}

fn flushes() -> Outcome {
    let setup: Vec<String> = [
        "ip addr add 10.9.0.1/24 dev v0",
        "ip addr add 10.9.0.2/24 dev v0",
        "ip addr add 10.8.0.1/24 dev v1",
        "ip route add 10.1.0.0/16 via 10.9.0.2",
        "ip route add 10.1.0.0/16 via 10.9.0.3 table 100",
        "ip rule add fwmark 5 table 100",
        "ip nexthop add id 5 via 10.9.0.4 dev v0",
        "ip nexthop add id 6 via 10.8.0.4 dev v1",
    ]
    .map(str::to_owned)
    .into();
    let commands = [
        "ip route flush table 100",
        "ip route flush dev v0",
        "ip route flush proto boot",
        "ip rule flush",
        "ip nexthop flush",
        "ip nexthop flush dev v0",
        "ip nexthop flush id 5",
        "ip addr flush dev v0",
        "ip -4 addr flush dev v1",
        "ip -s route flush table 100",
        "ip -s addr flush dev v0",
    ];
    for command in commands {
        let end = |whose| {
            in_netns(|| {
                set_up(&setup)?;
                let ended = run(whose, &words(command))?;
                let mut left = String::new();
                for show in
                    ["ip -4 route show table all", "ip rule show", "ip nexthop show", "ip -4 -o addr show"]
                {
                    left += &run(Whose::Theirs, &words(show))?.stdout;
                }
                Ok((ended, left))
            })
        };
        assert_eq!(end(Whose::Ours)?, end(Whose::Theirs)?, "{command}");
    }
    Ok(())
}

fn broken_pipe() -> Outcome {
    set_up(&[])?;
    let mut child = Command::new(program(Whose::Ours, "ip")?)
        .args(["route", "show", "table", "all"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    drop(child.stdout.take());
    let mut said = String::new();
    child.stderr.take().ok_or("no standard error")?.read_to_string(&mut said)?;
    child.wait()?;
    assert_eq!(said, "");
    Ok(())
}

/// Names of namespaces are files; here they are in a file system that only this thread and its programs see.
fn named_namespace() -> Outcome {
    unshare(CloneFlags::CLONE_NEWNS)?;
    let none: Option<&str> = None;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)?;
    mount(none, "/run", Some("tmpfs"), MsFlags::empty(), none)?;
    for whose in [Whose::Ours, Whose::Theirs] {
        let name = format!("{whose:?}").to_lowercase();
        let added = run(Whose::Theirs, &words(&format!("ip netns add {name}")))?;
        if added.status != 0 {
            return Err(Stop::Skip(format!("`ip netns add`: {}", added.stderr)));
        }
    }
    for command in [
        "ip -n @ link add d0 type dummy",
        "ip -n @ link set d0 up",
        "ip -n @ addr add 10.1.0.1/24 dev d0",
        "ip -n @ -4 -o addr show dev d0",
        "ip -n @ -4 route show table all",
        "ip -netns @ rule add fwmark 5 table 100",
        "ip -n @ rule show",
        "tc -n @ qdisc replace dev d0 root handle 1: pfifo limit 7",
        "tc -netns @ qdisc show dev d0",
        "tc -n @ qdisc show dev nosuch",
    ] {
        let end =
            |whose: Whose| run(whose, &words(&command.replace('@', &format!("{whose:?}").to_lowercase())));
        assert_eq!(end(Whose::Ours)?, end(Whose::Theirs)?, "{command}");
    }
    // Nothing of it was done here.
    assert_eq!(run(Whose::Theirs, &words("ip link show d0"))?.status, 1);
    Ok(())
}

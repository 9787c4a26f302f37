//! `tc monitor` and `ip monitor`, beside iproute2's.

use crate::common::{in_netns, is_slow, trial, Outcome, Stop};
use crate::machine::{program, run, set_up, words, Whose};
use crate::manners::be_quiet;
use libtest_mimic::Trial;
use std::io::Read;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("tc monitor shows what iproute2's shows", tc_monitor),
        trial("ip monitor shows what iproute2's shows", ip_monitor),
        trial("a monitor says when, in the time of the place", timestamps),
    ]
}

/// What a monitor says while commands are carried out.
fn watch(whose: Whose, monitor: &str, commands: &[&str]) -> Result<String, Stop> {
    in_netns(|| {
        be_quiet()?;
        set_up(&["ip addr add 10.9.0.1/24 dev v0".to_owned()])?;
        let all = words(monitor);
        let (tool, rest) = all.split_first().ok_or("an empty command")?;
        let mut child = Command::new(program(whose, tool)?)
            .args(rest)
            .env("TZ", "IST-5:30")
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()?;
        sleep(Duration::from_millis(if is_slow() { 3000 } else { 500 }));
        for command in commands {
            run(Whose::Theirs, &words(command))?;
        }
        sleep(Duration::from_millis(if is_slow() { 2000 } else { 500 }));
        child.kill()?;
        let mut said = String::new();
        child.stdout.take().ok_or("no standard output")?.read_to_string(&mut said)?;
        child.wait()?;
        Ok(said)
    })
}

fn monitors(monitor: &str, commands: &[&str]) -> Outcome {
    let said = |whose| -> Result<Vec<String>, Stop> {
        // Automatic handles count up from machine-wide numbers, and 6.1 leaves blanks at the ends of lines.
        let plain = |line: &str| line.trim_end().to_owned();
        Ok(watch(whose, monitor, commands)?.lines().map(plain).collect())
    };
    // Once without anybody watching: where the kernel has to load a module first, it begins twice, and tells.
    in_netns(|| set_up(&commands.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>()))?;
    let (ours, theirs) = (said(Whose::Ours)?, said(Whose::Theirs)?);
    assert!(!theirs.is_empty(), "{monitor} said nothing");
    assert_eq!(ours, theirs, "{monitor}");
    Ok(())
}

fn tc_monitor() -> Outcome {
    let commands = [
        "tc qdisc add dev v0 root handle 1: htb default 10",
        "tc class add dev v0 parent 1: classid 1:1 htb rate 1mbit",
        "tc class change dev v0 parent 1: classid 1:1 htb rate 2mbit",
        "tc filter add dev v0 parent 1: protocol ip prio 1 u32 match ip src 10.0.0.1 action mirred egress redirect dev v1",
        "tc filter replace dev v0 parent 1: protocol ip prio 2 u32 match ip src 10.0.0.1 action mirred egress redirect dev v1",
        "tc filter del dev v0 parent 1: protocol ip prio 1",
        "tc qdisc replace dev v0 root handle 2: tbf rate 1mbit burst 10k latency 10ms",
        "tc qdisc add dev v0 clsact",
        "tc chain add dev v0 ingress chain 5",
        "tc qdisc del dev v0 clsact",
        "tc qdisc del dev v0 root",
    ];
    monitors("tc monitor", &commands)
}

fn ip_monitor() -> Outcome {
    let commands = [
        "ip addr add 10.8.0.1/24 dev v0",
        "ip route add 10.20.0.0/16 via 10.9.0.2",
        "ip route replace 10.20.0.0/16 via 10.9.0.3",
        "ip route del 10.20.0.0/16",
        "ip rule add fwmark 5 table 100",
        "ip rule del fwmark 5 table 100",
        "ip nexthop add id 5 via 10.9.0.2 dev v0",
        "ip nexthop del id 5",
        "ip addr del 10.8.0.1/24 dev v0",
        "ip link set v0 mtu 1400",
    ];
    monitors("ip monitor link address route rule nexthop", &commands)?;
    monitors("ip -4 monitor label route address", &commands)?;
    monitors("ip -d monitor route dev v0", &commands)
}

fn timestamps() -> Outcome {
    for (monitor, command) in [
        ("tc -ts monitor", "tc qdisc add dev v0 root pfifo"),
        ("ip -ts monitor link", "ip link set v0 mtu 1400"),
        ("ip -t monitor link", "ip link set v0 mtu 1400"),
    ] {
        let first = |whose| -> Result<String, Stop> {
            let said = watch(whose, monitor, &[command])?;
            Ok(without_minutes(said.lines().next().ok_or_else(|| format!("{monitor} said nothing"))?))
        };
        assert_eq!(first(Whose::Ours)?, first(Whose::Theirs)?, "{monitor}");
    }
    Ok(())
}

/// The time with its date and hour, and with zeros for all digits behind: time passes between the two.
fn without_minutes(line: &str) -> String {
    let hour = line
        .find(|c: char| c.is_ascii_digit())
        .map_or(0, |digit| digit + line[digit..].find(':').unwrap_or(0));
    let zero = |(at, c): (usize, char)| if at > hour && c.is_ascii_digit() { '0' } else { c };
    let time: String = line.char_indices().map(zero).collect();
    match time.split_once(']') {
        Some((time, _)) => time.to_owned(),
        // The microseconds have no zeros in front, and the year stands behind the hour.
        None => time.trim_end_matches(" usec").trim_end_matches('0').to_owned(),
    }
}

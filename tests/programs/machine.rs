//! Programs, and a namespace to run them in.

use crate::common::{example, fed, Stop};
use std::path::PathBuf;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;
use std::{env, fs};
use tcnl::netlink::Connection;
use tcnl::route::LinkFlags;

/// Whose program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    Ours,
    Theirs,
}

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

/// Runs a command: `tc -s qdisc show`.
pub fn run(whose: Whose, words: &[String]) -> Result<Ended, Stop> {
    feed(whose, words, "")
}

/// Runs a command that is fed from its standard input.
pub fn feed(whose: Whose, words: &[String], input: &str) -> Result<Ended, Stop> {
    let (tool, rest) = words.split_first().ok_or("an empty command")?;
    let output = fed(Command::new(program(whose, tool)?).args(rest), input)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(Ended {
        status: output.status.code().unwrap_or(-1),
        stdout: text(&output.stdout),
        stderr: text(&output.stderr),
    })
}

/// Where a program is.
pub fn program(whose: Whose, tool: &str) -> Result<PathBuf, Stop> {
    if whose == Whose::Ours {
        return example(tool);
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let near = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    let mut all = env::split_paths(&path).chain(near).map(|directory| directory.join(tool));
    all.find(|file| file.is_file()).ok_or_else(|| Stop::Skip(format!("`{tool}` is not installed")))
}

/// Splits a command as a shell does, as far as the recordings need it.
pub fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in command.split(['\'', '"']).enumerate() {
        match index % 2 {
            0 => words.extend(part.split_whitespace().map(str::to_owned)),
            _ => words.push(part.to_owned()),
        }
    }
    words
}

const DEVICES: [&str; 11] = [
    "ip link add name v0 index 10 address 02:00:00:00:00:0a type veth peer name v1 index 11",
    "ip link add ifb0 index 20 type ifb",
    "ip link add ifb1 index 21 type ifb",
    "ip link add d0 index 30 type dummy",
    "ip link set lo up",
    "ip link set v0 up",
    "ip link set v1 up",
    "ip link set ifb0 up",
    "ip link set ifb1 up",
    // Their default qdisc may be one that the crate has not.
    "tc qdisc replace dev ifb0 root noqueue",
    "tc qdisc replace dev ifb1 root noqueue",
];

/// Makes the devices that the recordings speak of, as far as the kernel has them, and carries out commands with iproute2. What
/// fails is passed over: recordings do that on purpose.
pub fn set_up(commands: &[String]) -> Result<(), Stop> {
    carry_out(&DEVICES.map(str::to_owned))?;
    wait_for_carrier()?;
    carry_out(commands)
}

/// The kernel finds out a moment later that a new pair of links is connected; there are no IPv6 routes over it until then.
fn wait_for_carrier() -> Result<(), Stop> {
    let mut nl = Connection::open()?;
    for _ in 0..40 {
        if nl.link("v0").is_ok_and(|link| {
            link.flags.contains(LinkFlags::LOWER_UP) && link.flags.contains(LinkFlags::RUNNING)
        }) {
            break;
        }
        sleep(Duration::from_millis(50));
    }
    Ok(())
}

fn carry_out(all: &[String]) -> Result<(), Stop> {
    /// The program with its options, which the lines of a batch cannot have, and the rest.
    fn parts(command: &str) -> (Vec<String>, String) {
        let mut words = command.split(' ').peekable();
        let mut head: Vec<String> = words.next().into_iter().map(str::to_owned).collect();
        while let Some(option) = words.next_if(|word| word.starts_with('-')) {
            head.push(option.to_owned());
        }
        (head, words.collect::<Vec<_>>().join(" "))
    }
    let all: Vec<_> = all.iter().map(|command| parts(command)).collect();
    // One program for the commands that follow each other.
    for commands in all.chunk_by(|(a, _), (b, _)| a == b) {
        let Some((program, _)) = commands.first() else { continue };
        let batch = [program.as_slice(), &["-force", "-batch", "-"].map(str::to_owned)].concat();
        let lines: String = commands.iter().map(|(_, rest)| format!("{rest}\n")).collect();
        feed(Whose::Theirs, &batch, &lines)?;
    }
    Ok(())
}

/// The kernel's release, such as `6.12.117`.
pub fn kernel() -> String {
    fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned()
}

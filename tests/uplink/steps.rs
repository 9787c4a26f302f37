//! A failure at any step of applying, of reloading and of cleaning up leaves the machine as it was.
//!
//! The work is done by this program once more, as a child under `strace`, which makes one system call after the other fail: each
//! request to the kernel, and each setting that is written. Nothing in the library knows of it.

use crate::common::{has_program, ip, trial_on_fast_machines, Outcome, Stop};
use crate::lab::{Lab, Line, Result};
use crate::traces::picture;
use libtest_mimic::Trial;
use std::io::Write;
use std::process::{Command, ExitCode, Stdio};
use std::{env, fs, process};
use tcnl::units::{Name, Rate};
use tcnl::uplink::{ChangeError, Choice, Forced, Gateway, Leg, Machine, Shaping, Transport, Uplink, Via};

pub fn trials() -> Vec<Trial> {
    let all =
        "a failure at any step of applying, of another configuration and of cleaning up leaves all as it was";
    vec![trial_on_fast_machines(all, each_step)]
}

/// What the child is to do is in this variable.
pub const WORK: &str = "TCNL_UPLINK_WORK";

const APPLIED: i32 = 0;
const UNDONE: i32 = 3;
const NOT_UNDONE: i32 = 4;
/// It failed before anything was done.
const LOOKING: i32 = 1;

/// More calls than any of it takes.
const MOST: usize = 300;

/// A configuration with everything in it, and one that changes, adds and takes away some of each.
fn gateway(second: bool) -> Gateway {
    let uplinks = [0, 1].map(|n| {
        let (line, rate) = (Line::nth(n), Rate::mbit(if second { 50 } else { 100 }));
        let [v4, v6] = line.router.map(Leg::via);
        let uplink = Uplink::new(format!("isp-{}", n + 1), line.device, rate, rate);
        let mut shaping = Shaping::default();
        shaping.ingress = second != (n == 0);
        match (n, second) {
            (0, false) => uplink.v4(v4).v6(v6).shaping(shaping),
            (1, false) => uplink.v6(Leg::new(Via::Learned)).shaping(shaping),
            (0, true) => uplink.v4(v4),
            _ => uplink.v4(v4).shaping(shaping),
        }
    });
    let forced = Forced::by(if second { "isp-1" } else { "isp-2" }).ports(Transport::Tcp, 25..=25);
    Gateway::new(uplinks, [Name::new("lan").unwrap()]).force(if second { forced.fallback() } else { forced })
}

/// The child's whole life: looks, says how many settings it is going to write, and does it, if it shall.
pub fn work(what: &str) -> ExitCode {
    match worked(what) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => {
            let code = if error.left.is_empty() { UNDONE } else { NOT_UNDONE };
            eprintln!("{error}");
            ExitCode::from(u8::try_from(code).unwrap_or(1))
        }
        Err(error) => {
            eprintln!("{error:?}");
            ExitCode::FAILURE
        }
    }
}

fn worked(what: &str) -> Result<Result<(), ChangeError>> {
    let (what, looks_only) = what.strip_prefix("look ").map_or((what, false), |what| (what, true));
    let mut machine = Machine::open()?;
    let changes = match what {
        "cleanup" => machine.cleanup(&gateway(true))?,
        _ => {
            let gateway = gateway(what == "second");
            machine.plan(&gateway, &Choice::first(&gateway))?
        }
    };
    let settings = changes.to_string().lines().filter(|line| line.starts_with("sysctl ")).count();
    // One call: calls are counted.
    std::io::stderr().write_all(format!("{settings}\n").as_bytes())?;
    if looks_only {
        return Ok(Ok(()));
    }
    Ok(machine.apply(&changes))
}

/// Runs the child in the lab's gateway under strace with these options; its exit status, and what it said.
fn child(lab: &Lab, work: &str, options: &[&str]) -> Result<(i32, String)> {
    lab.gateway.run(|| {
        let strace = Command::new("strace")
            .args(options)
            .arg(env::current_exe()?)
            .env(WORK, work)
            .stdin(Stdio::null())
            .output()?;
        let said = String::from_utf8_lossy(&strace.stderr).into_owned();
        Ok((strace.status.code().unwrap_or(-1), said))
    })
}

/// How many requests looking takes, and how many settings will be written.
fn looked(lab: &Lab, work: &str) -> Result<(usize, usize)> {
    let file = env::temp_dir().join(format!("tcnl-steps-{}", process::id()));
    let path = file.display().to_string();
    let (status, said) = child(lab, &format!("look {work}"), &["-o", &path, "-e", "trace=sendto,write"])?;
    let calls = fs::read_to_string(&file).unwrap_or_default();
    let _ = fs::remove_file(&file);
    if status != APPLIED && (said.contains("ptrace") || said.contains("PTRACE")) {
        return Err(Stop::Skip(format!("strace may not look at processes here: {said}")));
    }
    let settings = said.trim().parse().map_err(|_| format!("{work}: {status} {said}"))?;
    Ok((calls.lines().filter(|call| call.starts_with("sendto(")).count(), settings))
}

fn failing(lab: &Lab, work: &str, call: &str, number: usize) -> Result<(i32, String)> {
    let inject = format!("inject={call}:error=ENOBUFS:when={number}");
    child(lab, work, &["-o", "/dev/null", "-e", "trace=sendto,write", "-e", &inject])
}

/// Lets every step fail once; at the end none does, and the work is done.
fn step_by_step(lab: &Lab, work: &str) -> Result<usize> {
    let before = picture(lab)?;
    let (looking, settings) = looked(lab, work)?;
    let check = |call: &str, number: usize, status: i32, said: &str| -> Result<()> {
        let step = format!("{work}, {call} {number}: {said}");
        // Looking may take a request more than it did before: then it failed.
        assert!(matches!(status, UNDONE | LOOKING), "{status}, {step}");
        let after = picture(lab)?;
        let missing = |one: &str, other: &str| {
            let lines: Vec<_> =
                one.lines().filter(|line| !other.lines().any(|known| known == *line)).collect();
            lines.join("\n")
        };
        let (gone, new) = (missing(&before, &after), missing(&after, &before));
        assert!(gone.is_empty() && new.is_empty(), "{step}gone:\n{gone}\nnew:\n{new}");
        Ok(())
    };
    // The first thing that is written is the number of settings.
    for number in 2..settings + 2 {
        let (status, said) = failing(lab, work, "write", number)?;
        check("setting", number - 1, status, &said)?;
    }
    for number in 1..MOST {
        let (status, said) = failing(lab, work, "sendto", looking + number)?;
        if status == APPLIED {
            return Ok(settings + number - 1);
        }
        check("request", number, status, &said)?;
    }
    Err(format!("{work} does not end").into())
}

fn each_step() -> Outcome {
    if !has_program("strace") {
        return Err(Stop::Skip("`strace` is not installed".into()));
    }
    let lab = Lab::build(&[(Rate::mbit(100), Rate::mbit(100)); 2])?;
    // The second uplink's router is learned.
    lab.gateway.run(|| ip("-6 route add default via 2001:db8:2::1 dev w2 metric 2000"))?;
    for dev in ["w1", "w2"] {
        lab.gateway.sysctl(&format!("ipv4/conf/{dev}/rp_filter"), "1")?;
        lab.gateway.sysctl(&format!("ipv6/conf/{dev}/accept_ra"), "1")?;
    }
    let bare = picture(&lab)?;
    let mut steps = Vec::new();
    for work in ["first", "second", "cleanup"] {
        let before = picture(&lab)?;
        steps.push((work, step_by_step(&lab, work)?));
        assert_ne!(picture(&lab)?, before, "{work}");
    }
    println!("each failed once: {steps:?}");
    assert_eq!(picture(&lab)?, bare);
    Ok(())
}

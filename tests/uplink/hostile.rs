//! The example `dual_uplink` among people who mean it ill: neither its environment nor the directory that it starts in has a say, and
//! nobody else can read or write what it leaves.

use crate::common::{example, has_program, ip, trial, trial_on_fast_machines, unprivileged, Outcome, Stop};
use crate::lab::{Lab, Result};
use crate::operated::{configuration, ELSEWHERE};
use crate::program::{Place, Running, PATIENCE};
use crate::traces::picture;
use crate::traffic::until;
use libtest_mimic::Trial;
use nix::mount::{mount, MsFlags};
use nix::sched::{unshare, CloneFlags};
use nix::sys::signal::Signal;
use std::fs::{self, DirBuilder, Permissions};
use std::os::unix::fs::{symlink, DirBuilderExt, MetadataExt, PermissionsExt};
use std::process::{Command, Output, Stdio};
use tcnl::units::Rate;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("a hostile environment and a hostile directory change nothing of what is done", ignored),
        trial("what run leaves is for its user alone, whatever its umask is", left),
        trial("a place for the socket that others have made or may change is not used", prepared),
        trial("without privileges the program says which one is missing, and audit works", powerless),
        trial_on_fast_machines(
            "without descriptors left a gateway stays what it is, and is repaired when there are some",
            out,
        ),
    ]
}

/// A place of others, with programs in it that say that they were called, and files that somebody might read.
struct Trap(Place);

impl Trap {
    fn set() -> Result<Trap> {
        let trap = Trap(Place::new()?);
        for directory in ["bin", "here", "here/dual_uplink", "here/proc", "theirs", "tmp"] {
            fs::create_dir(trap.0.path(directory))?;
        }
        for program in ["ip", "tc", "nft", "conntrack", "sysctl", "modprobe", "sh", "ping"] {
            let text = format!("#!/bin/sh\necho {program} >> {}\n", trap.0.path("called"));
            let path = trap.0.write(&format!("bin/{program}"), &text)?;
            fs::set_permissions(path, Permissions::from_mode(0o755))?;
        }
        for file in ["gateway.toml", "dual_uplink.toml", ".env", "config", "resolv.conf"] {
            trap.0.write(&format!("here/{file}"), "owned = \"by others\"\n")?;
        }
        Ok(trap)
    }

    /// Puts a program into it.
    fn around(&self, command: &mut Command) {
        let path = |name: &str| self.0.path(name);
        command.current_dir(path("here")).env("PATH", path("bin")).env("TMPDIR", path("tmp"));
        for (variable, value) in
            [("HOME", "theirs"), ("XDG_RUNTIME_DIR", "theirs"), ("XDG_CONFIG_HOME", "here")]
        {
            command.env(variable, path(value));
        }
        for variable in [
            "CONFIG",
            "DUAL_UPLINK_CONFIG",
            "TCNL_CONFIG",
            "TC_LIB_DIR",
            "NETNS",
            "NETNS_RUN_DIR",
            "PROC_ROOT",
        ] {
            command.env(variable, path("here/gateway.toml"));
        }
    }

    /// All that is in it, with what the files say.
    fn picture(&self) -> Result<String> {
        let mut all = String::new();
        for directory in ["", "bin", "here", "here/dual_uplink", "here/proc", "theirs", "tmp"] {
            let mut names: Vec<_> = fs::read_dir(self.0.path(directory))?
                .map(|entry| Ok(entry?.path()))
                .collect::<Result<_>>()?;
            names.sort();
            for name in names {
                let text = fs::read_to_string(&name).unwrap_or_default();
                all += &format!("{} {text}\n", name.display());
            }
        }
        Ok(all)
    }
}

/// Gives this thread a /run of its own, so that the machine's is left alone.
fn own_run() -> Result<()> {
    unshare(CloneFlags::CLONE_NEWNS)?;
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)?;
    mount(Some("tmpfs"), "/run", Some("tmpfs"), MsFlags::empty(), Some("mode=755"))?;
    Ok(())
}

fn program(words: &[&str]) -> Result<Command> {
    let mut command = Command::new(example("dual_uplink")?);
    command.args(words).stdin(Stdio::null());
    Ok(command)
}

fn ignored() -> Outcome {
    own_run()?;
    let (trap, place) = (Trap::set()?, Place::new()?);
    let file = place.write("gateway.toml", ELSEWHERE)?;
    let before = trap.picture()?;
    let said = |output: &Output| {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    for word in ["plan", "audit", "cleanup"] {
        let words = [word, "--config", &file];
        let alone = program(&words)?.env_clear().current_dir("/").output()?;
        let mut trapped = program(&words)?;
        trap.around(&mut trapped);
        assert_eq!(said(&trapped.output()?), said(&alone), "{word}");
        assert_eq!(alone.status.code(), Some(0), "{word}: {}", said(&alone).2);
    }
    let mut command = program(&["run", "--config", &file, "--cleanup-on-exit"])?;
    trap.around(&mut command);
    let mut running = Running::of(&mut command)?;
    running.says("% used")?;
    // Whoever asks finds it, in a trap or not.
    let mut status = program(&["status"])?;
    trap.around(&mut status);
    let (inside, outside) = (status.output()?, program(&["status"])?.env_clear().output()?);
    assert_eq!((inside.status.code(), outside.status.code()), (Some(0), Some(0)), "{inside:?}");
    running.signal(Signal::SIGTERM)?;
    assert_eq!(running.ended()?.0, Some(0));
    // No program was called, no file was written.
    assert_eq!(trap.picture()?, before);
    // A file is read where it was said to be.
    let mut missing = program(&["plan"])?;
    trap.around(&mut missing);
    assert!(said(&missing.output()?).2.contains("--config FILE is missing"));
    Ok(())
}

fn left() -> Outcome {
    own_run()?;
    let place = Place::new()?;
    let file = place.write("gateway.toml", ELSEWHERE)?;
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "umask 0; exec \"$0\" \"$@\""]).arg(example("dual_uplink")?);
    let mut running = Running::of(command.args(["run", "--config", &file]))?;
    running.says("% used")?;
    let mut sockets = Vec::new();
    for entry in fs::read_dir("/run/dual_uplink")? {
        sockets.push(entry?.path());
    }
    let [socket] = sockets.as_slice() else { return Err(format!("{sockets:?}").into()) };
    assert_eq!(fs::metadata("/run/dual_uplink")?.mode() & 0o7777, 0o700);
    assert_eq!(fs::metadata(socket)?.mode() & 0o7777, 0o600);
    // Nothing else is open that has a name, but for its own streams.
    for entry in fs::read_dir(format!("/proc/{}/fd", running.child.id()))? {
        let target = fs::read_link(entry?.path()).unwrap_or_default().display().to_string();
        let unnamed =
            ["socket:", "pipe:", "anon_inode:", "/dev/null"].iter().any(|kind| target.starts_with(kind));
        assert!(unnamed || target.is_empty(), "{target} is open");
    }
    running.signal(Signal::SIGTERM)?;
    assert_eq!(running.ended()?.0, Some(0));
    assert!(!socket.exists());
    Ok(())
}

fn prepared() -> Outcome {
    own_run()?;
    let place = Place::new()?;
    let file = place.write("gateway.toml", ELSEWHERE)?;
    let run = |directory: &str| -> Result<String> {
        let mut command = program(&["run", "--config", &file])?;
        let output = command.env("XDG_RUNTIME_DIR", directory).current_dir(place.path("")).output()?;
        assert_eq!(output.status.code(), Some(1), "it runs");
        Ok(String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let refused = |directory: &str, why: &str| -> Outcome {
        let complaint = run(directory)?;
        assert!(complaint.contains(why), "no {why:?} in {complaint}");
        Ok(())
    };
    let own = place.path("own");
    DirBuilder::new().mode(0o700).create(&own)?;
    // Somebody was there first.
    for link in [own.as_str(), "/nowhere"] {
        symlink(link, "/run/dual_uplink")?;
        refused(&own, "/run/dual_uplink is no directory")?;
        fs::remove_file("/run/dual_uplink")?;
    }
    fs::write("/run/dual_uplink", "")?;
    refused(&own, "/run/dual_uplink is no directory")?;
    fs::remove_file("/run/dual_uplink")?;
    fs::create_dir("/run/dual_uplink")?;
    for mode in [0o777, 0o711, 0o1777] {
        fs::set_permissions("/run/dual_uplink", Permissions::from_mode(mode))?;
        refused(&own, "others may enter /run/dual_uplink")?;
    }
    fs::remove_dir("/run/dual_uplink")?;
    // Others may exchange what is in there.
    fs::set_permissions("/run", Permissions::from_mode(0o1777))?;
    let open = place.path("open");
    fs::create_dir(&open)?;
    fs::set_permissions(&open, Permissions::from_mode(0o777))?;
    for directory in [open.as_str(), "own", ".", "", "/nowhere"] {
        refused(directory, "neither /run nor XDG_RUNTIME_DIR is yours alone")?;
    }
    let mut running = Running::of(program(&["run", "--config", &file])?.env("XDG_RUNTIME_DIR", &own))?;
    let there = format!("{own}/dual_uplink");
    until(PATIENCE, || fs::read_dir(&there).is_ok_and(|entries| entries.count() == 1))?;
    running.signal(Signal::SIGTERM)?;
    assert_eq!(running.ended()?.0, Some(0));
    Ok(())
}

fn powerless() -> Outcome {
    let place = Place::new()?;
    let (file, socket) = (place.write("gateway.toml", ELSEWHERE)?, place.path("socket"));
    let audited = unprivileged(&program(&["audit", "--config", &file])?)?;
    assert_eq!((audited.status.code(), audited.stdout.len()), (Some(0), 0), "{audited:?}");
    // nf_tables can only be read by who may change it.
    for words in [&["plan"][..], &["cleanup"], &["run", "--socket", &socket]] {
        let output = unprivileged(&program(&[words, &["--config", &file]].concat())?)?;
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{words:?}: {complaint}");
        assert!(complaint.contains("(it takes CAP_NET_ADMIN)"), "{words:?}: {complaint}");
    }
    Ok(())
}

fn out() -> Outcome {
    if !has_program("prlimit") {
        return Err(Stop::Skip("`prlimit` is not installed".into()));
    }
    let lab = Lab::build(&[(Rate::mbit(100), Rate::mbit(100)); 2])?;
    let place = Place::new()?;
    let (file, socket) = (place.write("gateway.toml", &configuration(&lab, 0))?, place.path("socket"));
    // The first numbers are taken: a limit of one of them would be less than it waits for at once, which poll(2) refuses.
    let taken = "exec 3</dev/null 4<&3 5<&3 6<&3 7<&3 8<&3 9<&3; exec \"$0\" \"$@\"";
    let mut command = Command::new("/bin/sh");
    command.args(["-c", taken]).arg(example("dual_uplink")?);
    command.args(["run", "--config", &file, "--socket", &socket]);
    let running = lab.gateway.run(|| Running::of(&mut command))?;
    running.says("health: isp-2 works")?;
    let open = format!("/proc/{}/fd", running.child.id());
    let next = (0..).find(|number| fs::read_link(format!("{open}/{number}")).is_err());
    let before = picture(&lab)?;
    let id = running.child.id().to_string();
    let limit = |descriptors: u32| -> Result<()> {
        let of = ["--pid", &id, &format!("--nofile={descriptors}:")].map(str::to_owned);
        let output = Command::new("prlimit").args(of).output()?;
        match output.status.success() {
            true => Ok(()),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned().into()),
        }
    };
    limit(next.unwrap_or_default())?;
    let said = running.lines().len();
    let others = || lab.gateway.run(|| ip("rule add fwmark 0x1 table 77 priority 7"));
    others()?;
    running.says_behind(said, "Too many open files")?;
    let without = picture(&lab)?;
    let missing: Vec<_> =
        before.lines().filter(|line| !without.lines().any(|there| there == *line)).collect();
    assert!(missing.is_empty(), "undone: {missing:#?}");
    // What of ours others take away comes back.
    let table = lab.gateway.run(|| ip("rule show"))?;
    let ours = table.lines().find(|line| line.contains("unreachable")).ok_or("no rule that refuses")?;
    let priority = ours.split(':').next().unwrap_or_default().to_owned();
    lab.gateway.run(|| ip(&format!("rule del priority {priority}")))?;
    limit(1024)?;
    lab.gateway.run(|| ip("rule del priority 7"))?;
    until(PATIENCE, || picture(&lab).is_ok_and(|now| now == before))?;
    assert!(
        !running.lines().iter().skip(said).any(|line| line.contains("health: ")),
        "no uplink was given up"
    );
    Ok(())
}

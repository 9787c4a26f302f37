//! What tests against a real kernel share: a network namespace for each, the
//! installed tools as a second opinion, and skips that say why.
//!
//! A test program here has `harness = false` and starts with [`run`]. That needs
//! no root: an ordinary user gets a user namespace first. What cannot be tested
//! on this machine is skipped loudly, with the reason, and never fails.
#![allow(dead_code, reason = "not every test program uses every helper")]

use std::fmt::Display;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output, Stdio};
use std::sync::{Mutex, OnceLock};
use std::{env, fs, panic, thread};

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use nix::sched::{unshare, CloneFlags};
use nix::unistd::{getegid, geteuid};

/// Why a test ended early. Any error becomes a failure with `?`.
#[derive(Debug)]
pub enum Stop {
    /// This machine cannot show it: not a failure, but said aloud.
    Skip(String),
    Fail(String),
}

pub type Outcome = Result<(), Stop>;

impl<E: Display> From<E> for Stop {
    fn from(error: E) -> Self {
        Stop::Fail(error.to_string())
    }
}

impl Stop {
    /// Turns a failure into a skip if it has these words in it, such as the
    /// kernel's for a kind that it does not have.
    pub fn skip_if(self, words: &str) -> Self {
        match self {
            Stop::Fail(why) if why.contains(words) => Stop::Skip(why),
            other => other,
        }
    }
}

/// One test, in a fresh network namespace with nothing but `lo`, which is down.
/// The name is a sentence.
pub fn trial(name: &str, test: impl FnOnce() -> Outcome + Send + 'static) -> Trial {
    let title = name.to_owned();
    Trial::ignorable_test(name, move || match in_netns(test) {
        Ok(()) => Ok(Completion::Completed),
        Err(Stop::Fail(why)) => Err(Failed::from(why)),
        Err(Stop::Skip(why)) => {
            // One line a skip, whatever a tool wrote.
            let why = why.lines().map(str::trim).collect::<Vec<_>>().join(" ");
            SKIPS.lock().unwrap().push(format!("SKIP {title}: {why}"));
            Ok(Completion::ignored_with(why))
        }
    })
}

/// The same for what does not depend on the kernel's version, and takes an emulated machine minutes: there it is skipped.
pub fn trial_on_fast_machines(name: &str, test: impl FnOnce() -> Outcome + Send + 'static) -> Trial {
    trial(name, move || match is_slow() {
        true => Err(Stop::Skip("an emulated machine takes too long for it".into())),
        false => test(),
    })
}

/// The whole of a test program's `main`.
pub fn run(trials: Vec<Trial>) -> ExitCode {
    let arguments = Arguments::from_args();
    // Before anything starts a thread: a process with several is refused.
    let _ = NAMESPACES.set(allow_namespaces());
    let conclusion = libtest_mimic::run(&arguments, trials);
    // After the run, so that each has a line to itself: tests/kernels/run reads them.
    for skip in SKIPS.lock().unwrap().iter() {
        eprintln!("{skip}");
    }
    conclusion.exit_code()
}

/// Runs `f` on a thread of its own in a new network namespace. Programs that it
/// starts are in there too; [`trial`] has done this already for its test.
pub fn in_netns<T: Send>(f: impl FnOnce() -> Result<T, Stop> + Send) -> Result<T, Stop> {
    if let Err(why) = NAMESPACES.get_or_init(|| Err("common::run was not called".into())) {
        return Err(Stop::Skip(why.clone()));
    }
    let own_thread = || {
        unshare(CloneFlags::CLONE_NEWNET)?;
        f()
    };
    thread::scope(|scope| match scope.spawn(own_thread).join() {
        Ok(result) => result,
        Err(panic) => panic::resume_unwind(panic),
    })
}

/// Runs `tc` with these words in this thread's namespace and returns its output.
pub fn tc(words: &str) -> Result<String, Stop> {
    tool("tc", words, "")
}

/// Runs these lines in one `tc`, and returns what all of them put out: where programs start slowly, that is most of the time.
pub fn tc_batch(lines: &str) -> Result<String, Stop> {
    tool("tc", "-batch -", lines)
}

/// Runs `ip` with these words in this thread's namespace and returns its output.
pub fn ip(words: &str) -> Result<String, Stop> {
    tool("ip", words, "")
}

/// Runs these lines in one `ip` with these options, such as `-6`, and returns what all of them put out.
pub fn ip_batch(options: &str, lines: &str) -> Result<String, Stop> {
    tool("ip", &format!("{options} -batch -"), lines)
}

/// Runs `nft` with these words in this thread's namespace and returns its output.
pub fn nft(words: &str) -> Result<String, Stop> {
    tool("nft", words, "")
}

/// Whether this is an emulated machine, on which programs start slowly.
pub fn is_slow() -> bool {
    static SLOW: OnceLock<bool> = OnceLock::new();
    *SLOW.get_or_init(|| fs::read_to_string("/proc/cmdline").is_ok_and(|line| line.contains("virtme")))
}

pub fn has_program(name: &str) -> bool {
    program(name).is_some()
}

fn tool(name: &str, words: &str, input: &str) -> Result<String, Stop> {
    let Some(path) = program(name) else {
        return Err(Stop::Skip(format!("`{name}` is not installed")));
    };
    let output = fed(Command::new(path).args(words.split_whitespace()), input)?;
    if output.status.success() {
        Ok(String::from_utf8(output.stdout)?)
    } else {
        let said = String::from_utf8_lossy(&output.stderr);
        Err(Stop::Fail(format!("`{name} {words}`: {}", said.trim())))
    }
}

/// Runs a program that is fed from its standard input, to its end.
pub fn fed(command: &mut Command, input: &str) -> io::Result<Output> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that ends early does not read it all.
        let _ = stdin.write_all(input.as_bytes());
    }
    child.wait_with_output()
}

/// Runs a program without any capability: in a user namespace that gives its user no name a program begins without.
pub fn unprivileged(command: &Command) -> Result<Output, Stop> {
    if !has_program("unshare") {
        return Err(Stop::Skip("`unshare` is not installed".into()));
    }
    let mut without = Command::new("unshare");
    without.arg("--user").arg(command.get_program()).args(command.get_args());
    without.envs(command.get_envs().filter_map(|(key, value)| Some((key, value?))));
    Ok(fed(&mut without, "")?)
}

/// Where an example is: they are built next to the directory of the tests.
pub fn example(name: &str) -> Result<PathBuf, Stop> {
    let tests = env::current_exe()?;
    let profile = tests.parent().and_then(Path::parent).ok_or("no directory above")?;
    let path = profile.join("examples").join(name);
    match path.is_file() {
        true => Ok(path),
        false => Err(Stop::Skip(format!("the example {name} is not built: cargo build --examples"))),
    }
}

/// An ordinary user's PATH often lacks the directories that tc and ip are in.
fn program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|directory| directory.join(name))
        .find(|file| file.is_file())
}

static SKIPS: Mutex<Vec<String>> = Mutex::new(Vec::new());
static NAMESPACES: OnceLock<Result<(), String>> = OnceLock::new();

/// Makes sure that this process may make network namespaces, if need be as the
/// root of a user namespace. The process itself leaves the machine's network
/// either way, so that no test can touch it.
fn allow_namespaces() -> Result<(), String> {
    if unshare(CloneFlags::CLONE_NEWNET).is_ok() {
        return Ok(());
    }
    become_root_of_a_user_namespace()
        .and_then(|()| Ok(unshare(CloneFlags::CLONE_NEWNET)?))
        .map_err(|error| format!("no namespace without root: {error}{}", who_forbids_it()))
}

fn become_root_of_a_user_namespace() -> std::io::Result<()> {
    let (user, group) = (geteuid(), getegid());
    unshare(CloneFlags::CLONE_NEWUSER)?;
    // The kernel lets an unprivileged process map groups only after giving up setgroups.
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("0 {user} 1"))?;
    fs::write("/proc/self/gid_map", format!("0 {group} 1"))
}

fn who_forbids_it() -> String {
    let switches = [
        ("kernel/unprivileged_userns_clone", "0"),
        ("kernel/apparmor_restrict_unprivileged_userns", "1"),
        ("user/max_user_namespaces", "0"),
    ];
    let set = |&(switch, forbids): &(&str, &str)| {
        fs::read_to_string(format!("/proc/sys/{switch}")).is_ok_and(|is| is.trim() == forbids)
    };
    let explain =
        |(switch, value): (&str, &str)| format!(" (sysctl {} is {value})", switch.replace('/', "."));
    switches.into_iter().filter(set).map(explain).collect()
}

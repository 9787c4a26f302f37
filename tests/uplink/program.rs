//! The example `dual_uplink` as a program.

use crate::common::example;
use crate::lab::{Host, Result};
use crate::traffic::until;
use nix::sys::signal::{kill, Signal};
use nix::unistd::Pid;
use std::fs::{self, DirBuilder};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// How long anything may take that is waited for.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// A directory of our own, for as long as it is kept.
pub struct Place(PathBuf);

impl Place {
    pub fn new() -> Result<Place> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("dual_uplink-{}-{}", std::process::id(), COUNT.fetch_add(1, Relaxed));
        let place = Place(std::env::temp_dir().join(name));
        DirBuilder::new().mode(0o700).create(&place.0)?;
        Ok(place)
    }

    pub fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    pub fn write(&self, name: &str, text: &str) -> Result<String> {
        fs::write(self.0.join(name), text)?;
        Ok(self.path(name))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// How a program ended.
pub struct Ended {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

/// Runs the example to its end, in this thread's network namespace.
pub fn call(words: &[&str]) -> Result<Ended> {
    let output = Command::new(example("dual_uplink")?).args(words).stdin(Stdio::null()).output()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let status = output.status.code().unwrap_or(-1);
    Ok(Ended { status, stdout: text(&output.stdout), stderr: text(&output.stderr) })
}

/// Runs it on a host, where it must end well.
pub fn well(host: &Host, words: &[&str]) -> Result<String> {
    let ended = host.run(|| call(words))?;
    match ended.status {
        0 => Ok(ended.stdout),
        status => Err(format!("{words:?} ended with {status}: {}", ended.stderr).into()),
    }
}

/// A `run`, and what it has said.
pub struct Running {
    pub child: Child,
    pub lines: Arc<Mutex<Vec<String>>>,
}

impl Running {
    /// Starts one in this thread's network namespace.
    pub fn start(words: &[&str]) -> Result<Running> {
        Running::of(Command::new(example("dual_uplink")?).arg("run").args(words))
    }

    pub fn of(command: &mut Command) -> Result<Running> {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let lines = Arc::<Mutex<Vec<String>>>::default();
        let (out, heard) = (child.stdout.take().ok_or("no output")?, Arc::clone(&lines));
        thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(std::io::Result::ok) {
                heard.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        });
        Ok(Running { child, lines })
    }

    /// Starts one whose output nobody keeps.
    pub fn silent(command: &mut Command) -> Result<Running> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        Ok(Running { child, lines: Arc::default() })
    }

    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits for a line with these words, behind the first `from` lines.
    pub fn says_behind(&self, from: usize, words: &str) -> Result<String> {
        let mut found = None;
        let limit = until(PATIENCE, || {
            found = self.lines().into_iter().skip(from).find(|line| line.contains(words));
            found.is_some()
        });
        limit.map_err(|_| format!("no {words:?} in {:#?}", self.lines()))?;
        found.ok_or_else(|| "nothing".into())
    }

    pub fn says(&self, words: &str) -> Result<String> {
        self.says_behind(0, words)
    }

    pub fn signal(&self, signal: Signal) -> Result<()> {
        Ok(kill(Pid::from_raw(i32::try_from(self.child.id())?), signal)?)
    }

    /// Waits for its end: its status, and what it complained of.
    pub fn ended(&mut self) -> Result<(Option<i32>, String)> {
        let mut status = None;
        until(PATIENCE, || {
            status = self.child.try_wait().ok().flatten();
            status.is_some()
        })?;
        let complaints = self.child.stderr.take().map(std::io::read_to_string).transpose()?;
        Ok((status.and_then(|status| status.code()), complaints.unwrap_or_default()))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

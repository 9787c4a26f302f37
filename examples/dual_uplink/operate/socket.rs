//! The socket by which `run` is asked how the uplinks do, for its user alone.
//!
//! It stands in a directory that nobody else can enter, so what is there is our own; whoever finds another directory in its place
//! does not trust it.

use crate::{Failure, Result};
use nix::fcntl::{Flock, FlockArg};
use nix::unistd::geteuid;
use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// An answer is no longer than so many bytes: there are no more than 99 uplinks.
const LONGEST: u64 = 1 << 20;
/// How long an answer may take, and how long whoever asks may take to read it.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where it is: where the words say, else in a place of this user with the number of the network namespace for a name, so that
/// gateways in several of them have sockets of their own.
pub fn path(said: Option<&Path>) -> Result<PathBuf> {
    if let Some(path) = said {
        return Ok(path.to_owned());
    }
    let namespace = fs::metadata("/proc/thread-self/ns/net").map_err(|error| format!("/proc: {error}"))?;
    // Where others may write they can put a directory of theirs in place of ours, and where a relative path leads is not known.
    let is_mine = |base: &PathBuf| {
        let alone = |found: fs::Metadata| found.uid() == geteuid().as_raw() && found.mode() & 0o022 == 0;
        base.is_absolute() && fs::metadata(base).is_ok_and(alone)
    };
    let users = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let base = [Some(PathBuf::from("/run")), users].into_iter().flatten().find(is_mine);
    let base = base.ok_or("neither /run nor XDG_RUNTIME_DIR is yours alone: say --socket PATH")?;
    Ok(base.join("dual_uplink").join(format!("{}.sock", namespace.ino())))
}

/// Whether a `run` is there.
pub fn is_served(path: &Path) -> bool {
    trusted(path).is_ok() && UnixStream::connect(path).is_ok()
}

/// Asks the `run` that is there.
pub fn ask(path: &Path) -> Result<String> {
    let absent = |why: &dyn std::fmt::Display| format!("{}: {why}: is `run` running?", path.display());
    trusted(path)?;
    let stream = UnixStream::connect(path).map_err(|error| absent(&error))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut text = String::new();
    stream.take(LONGEST).read_to_string(&mut text).map_err(|error| absent(&error))?;
    match text.is_empty() {
        true => Err(format!("{}: `run` has just begun", path.display()).into()),
        false => Ok(text),
    }
}

/// Answers with what was published last, in a thread of its own. Dropped, it takes the socket away.
pub struct Server {
    published: Arc<Mutex<String>>,
    path: PathBuf,
}

impl Server {
    /// Begins to answer. That another one does is an error; the socket of one that is gone is not.
    pub fn open(path: PathBuf) -> Result<Server> {
        let cannot = |error| Failure::from(format!("{}: {error}", path.display()));
        match DirBuilder::new().mode(0o700).create(directory(&path)) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(cannot(error)),
            _ => trusted(&path)?,
        }
        // Of two that begin at once, one sees the other.
        let locked = Flock::lock(File::open(directory(&path))?, FlockArg::LockExclusive);
        let locked = locked.map_err(|(_, errno)| cannot(errno.into()))?;
        if is_served(&path) {
            return Err(format!("{}: another `run` is running here", path.display()).into());
        }
        if fs::symlink_metadata(&path).is_ok_and(|found| found.file_type().is_socket()) {
            fs::remove_file(&path).map_err(cannot)?;
        }
        let listener = UnixListener::bind(&path).map_err(cannot)?;
        fs::set_permissions(&path, Permissions::from_mode(0o600)).map_err(cannot)?;
        drop(locked);
        let published = Arc::<Mutex<String>>::default();
        let answer = Arc::clone(&published);
        thread::spawn(move || serve(&listener, &answer));
        Ok(Server { published, path })
    }

    /// What is answered from now on.
    pub fn publish(&self, text: String) {
        *self.published.lock().unwrap_or_else(PoisonError::into_inner) = text;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

fn serve(listener: &UnixListener, published: &Mutex<String>) {
    loop {
        let Ok((mut stream, _)) = listener.accept() else {
            // Out of descriptors: that passes, or it does not.
            thread::sleep(PATIENCE);
            continue;
        };
        let text = published.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // Whoever does not read gets nothing, and holds up nobody for long.
        let _ = stream.set_write_timeout(Some(PATIENCE));
        let _ = stream.write_all(text.as_bytes());
    }
}

fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// Whether the directory is ours alone; the error says why it is not.
fn trusted(path: &Path) -> Result<()> {
    let directory = directory(path);
    let shown = directory.display();
    let found =
        fs::symlink_metadata(directory).map_err(|error| format!("{shown}: {error}: is `run` running?"))?;
    match (found.is_dir(), found.uid() == geteuid().as_raw(), found.mode() & 0o077) {
        (false, ..) => Err(format!("{shown} is no directory").into()),
        (_, false, _) => Err(format!("{shown} belongs to user {}: not trusted", found.uid()).into()),
        (_, _, 0) => Ok(()),
        _ => Err(format!("others may enter {shown} (mode {:o}): not trusted", found.mode() & 0o7777).into()),
    }
}

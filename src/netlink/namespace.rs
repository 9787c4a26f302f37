use crate::error::{Error, Result};
use nix::sched::{setns, CloneFlags};
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::thread;

/// Another network namespace. `man 8 ip-netns`, `man 7 network_namespaces`
#[derive(Clone, Copy, Debug)]
pub enum Namespace<'a> {
    /// One that `ip netns` has named.
    Name(&'a str),
    /// A namespace file, such as `/proc/1/ns/net`.
    Path(&'a Path),
    /// That of a process, by its id.
    Pid(u32),
    /// An open namespace file.
    Fd(BorrowedFd<'a>),
}

impl Namespace<'_> {
    /// Runs `f` on a thread in the namespace. The caller's thread stays where it is.
    pub(super) fn run<T: Send>(self, f: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        let (what, path) = match self {
            Namespace::Name(name) => {
                if name.is_empty() || name.contains('/') || matches!(name, "." | "..") {
                    return Err(Error::invalid(
                        format_args!("{name:?}"),
                        "not the name of a network namespace",
                    ));
                }
                (format!("the network namespace {name}"), Path::new("/run/netns").join(name))
            }
            Namespace::Path(path) => (format!("the network namespace {}", path.display()), path.to_owned()),
            Namespace::Pid(pid) => (
                format!("the network namespace of process {pid}"),
                PathBuf::from(format!("/proc/{pid}/ns/net")),
            ),
            Namespace::Fd(fd) => {
                return on_a_thread("the network namespace", || enter(fd, "the network namespace"), f)
            }
        };
        // Those of processes are for who may trace them.
        let cannot =
            |error| Error::denied(format!("open {what}"), error, "CAP_SYS_PTRACE, if it is of a process");
        let file = File::open(path).map_err(cannot)?;
        on_a_thread(&what, || enter(file.as_fd(), &what), f)
    }
}

fn enter(namespace: BorrowedFd<'_>, what: &str) -> Result<()> {
    setns(namespace, CloneFlags::CLONE_NEWNET)
        .map_err(|error| Error::denied(format!("enter {what}"), error, "CAP_SYS_ADMIN"))
}

/// Runs `f` on a thread of its own, behind `enter`, which moves that thread to a namespace.
pub(super) fn on_a_thread<T: Send>(
    what: &str,
    enter: impl FnOnce() -> Result<()> + Send,
    f: impl FnOnce() -> Result<T> + Send,
) -> Result<T> {
    let doing = || format!("start a thread in {what}");
    thread::scope(|scope| {
        let work = || {
            enter()?;
            f()
        };
        let thread = thread::Builder::new()
            .name("tcnl-netns".into())
            .spawn_scoped(scope, work)
            .map_err(|error| Error::io(doing(), error))?;
        match thread.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

//! Sockets of probes: marked, bound, and never waiting.

use crate::units::Family;
use crate::Error;
use nix::errno::Errno;
use nix::sys::socket::{
    bind, setsockopt, socket, sockopt, AddressFamily, SockFlag, SockProtocol, SockType, SockaddrStorage,
};
use std::fmt::{self, Display, Formatter};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsRawFd, OwnedFd};

/// What could not be done for a probe.
#[derive(Debug)]
pub(super) struct Failure {
    doing: String,
    errno: Errno,
}

impl Failure {
    /// This was tried, and the system answered so.
    pub fn new(doing: impl Into<String>, errno: Errno) -> Self {
        Failure { doing: doing.into(), errno }
    }

    /// The same, for the standard library's errors.
    pub fn io(doing: impl Into<String>, error: &io::Error) -> Self {
        Self::new(doing, Errno::from_raw(error.raw_os_error().unwrap_or(0)))
    }

    /// What the system answered.
    pub fn errno(&self) -> Errno {
        self.errno
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}: {}", self.doing, self.errno.desc())
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Error::io(failure.doing, failure.errno)
    }
}

/// Expedited forwarding, in the place that it has in the header (RFC 3246).
const EXPEDITED: i32 = 46 << 2;

/// Opens a socket whose packets have this mark, in the calling thread's network namespace. They are expedited: behind what fills an
/// uplink they would wait for longer than anybody waits for their answers, and the uplink would be given up because it is used.
pub(super) fn marked(
    family: Family,
    kind: SockType,
    protocol: Option<SockProtocol>,
    mark: u32,
) -> Result<OwnedFd, Failure> {
    let domain = match family {
        Family::V4 => AddressFamily::Inet,
        Family::V6 => AddressFamily::Inet6,
    };
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let fd = socket(domain, kind, flags, protocol).map_err(|errno| Failure::new("open a socket", errno))?;
    setsockopt(&fd, sockopt::Mark, &mark)
        .map_err(|errno| Failure::new("mark a probe (SO_MARK needs CAP_NET_ADMIN)", errno))?;
    // Best effort: a probe without it is one, too.
    let _ = match family {
        Family::V4 => setsockopt(&fd, sockopt::Ipv4Tos, &EXPEDITED),
        Family::V6 => setsockopt(&fd, sockopt::Ipv6TClass, &EXPEDITED),
    };
    Ok(fd)
}

/// Gives a socket its source address.
pub(super) fn bound(fd: OwnedFd, from: IpAddr) -> Result<OwnedFd, Failure> {
    let address = SockaddrStorage::from(SocketAddr::new(from, 0));
    bind(fd.as_raw_fd(), &address).map_err(|errno| Failure::new(format!("probe from {from}"), errno))?;
    Ok(fd)
}

//! Probes by TCP: a connection that is taken or refused is an answer. It is never used, and ends with a reset, so that neither
//! end keeps anything of it.

use super::socket::{bound, marked, Failure};
use crate::units::Family;
use nix::errno::Errno;
use nix::libc::linger;
use nix::sys::socket::{connect, setsockopt, sockopt, SockType, SockaddrStorage};
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

/// A connection that is being made.
#[derive(Debug)]
pub(super) struct Attempt(TcpStream);

impl Attempt {
    /// Begins to connect. `None`: it was answered at once.
    pub fn start(to: SocketAddr, from: IpAddr, mark: u32) -> Result<Option<Attempt>, Failure> {
        let fd = bound(open(Family::of(from), mark)?, from)?;
        // Best effort: without it the connection is closed in the usual way.
        let _ = setsockopt(&fd, sockopt::Linger, &linger { l_onoff: 1, l_linger: 0 });
        match connect(fd.as_raw_fd(), &SockaddrStorage::from(to)) {
            Ok(()) | Err(Errno::ECONNREFUSED) => Ok(None),
            Err(Errno::EINPROGRESS) => Ok(Some(Attempt(fd.into()))),
            Err(errno) => Err(Failure::new(CONNECT, errno)),
        }
    }

    /// What has come of it: nothing yet, an answer, or none for this reason.
    pub fn outcome(&self) -> Option<Result<(), Failure>> {
        match self.0.take_error() {
            Ok(None) => self.0.peer_addr().is_ok().then_some(Ok(())),
            Ok(Some(error)) | Err(error) => Some(match is_answer(&error) {
                true => Ok(()),
                false => Err(Failure::io(CONNECT, &error)),
            }),
        }
    }
}

const CONNECT: &str = "connect";

/// A socket that is connected to nobody yet.
pub(super) fn open(family: Family, mark: u32) -> Result<OwnedFd, Failure> {
    marked(family, SockType::Stream, None, mark)
}

/// Somebody refused it, or took it and ended it.
fn is_answer(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset)
}

/// Becomes writable, or has an error, when there is an outcome.
impl AsFd for Attempt {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

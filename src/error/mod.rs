//! One error for the whole crate.
//!
//! What the kernel refused comes as a [`Refusal`]: what was asked, the errno, the kernel's own words and the attribute they are
//! about. What never reached the kernel, and what its replies lacked, has a variant of its own.

mod codec;
mod refusal;

pub use codec::{DecodeError, EncodeError, Reason};
pub use refusal::{Refusal, Warning};

use crate::units::ParseError;
use std::io;
use std::time::Duration;

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The kernel refused a request.
    #[error(transparent)]
    Refused(Box<Refusal>),
    /// A request could not be encoded; nothing was sent.
    #[error("cannot encode `{request}`: {source}")]
    Encode {
        /// The request as a command.
        request: String,
        /// What was wrong with it. In a box, so that results are small: a batch has thousands of them.
        source: Box<EncodeError>,
    },
    /// A reply could not be decoded. In a dump the other objects still come.
    #[error("cannot decode the kernel's {object}: {source}")]
    Decode {
        /// What kind of object it was to be.
        object: &'static str,
        /// What was wrong with the bytes.
        source: DecodeError,
    },
    /// Words that mean nothing, such as a rate without a number.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// Values that make no sense or make none together: host bits in a prefix, mixed address families.
    #[error("{what}: {why}")]
    Invalid {
        /// The value.
        what: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// There is no such object.
    #[error("there is no {what}")]
    NotFound {
        /// The object that was looked for.
        what: String,
    },
    /// The operating system refused something that is not a netlink request.
    #[error("cannot {doing}: {source}")]
    Io {
        /// What was tried.
        doing: String,
        /// The system's error.
        source: io::Error,
    },
    /// No answer within the time given. Whether the request was carried out is not known.
    #[error("no answer to `{request}` within {} ms", after.as_millis())]
    Timeout {
        /// The request as a command.
        request: String,
        /// How long was waited.
        after: Duration,
    },
    /// A request of a batch that was left unsent, because the connection failed in front of it.
    #[error("`{request}` was not sent: the requests before it were not answered")]
    NotSent {
        /// The request as a command.
        request: String,
    },
    /// The socket's receive buffer overflowed (ENOBUFS) and replies were lost. Whether the requests that were under way
    /// were carried out is not known.
    #[error("replies to `{request}` were lost: the receive buffer overflowed (ENOBUFS)")]
    Overrun {
        /// The request as a command.
        request: String,
    },
    /// A reply was longer than the receive buffer and was cut off.
    #[error("a reply of {len} bytes was cut off by a receive buffer of {buffer}")]
    Truncated {
        /// The reply's length.
        len: usize,
        /// The buffer's.
        buffer: usize,
    },
    /// The kernel's objects kept changing while they were listed (NLM_F_DUMP_INTR), in every one of the tries made.
    #[error("the list of {what} kept changing while it was read; gave up after {tries} tries")]
    Interrupted {
        /// What was listed.
        what: String,
        /// How often it was tried.
        tries: u32,
    },
}

impl Error {
    /// A value that makes no sense, and why.
    pub fn invalid(what: impl ToString, why: &'static str) -> Self {
        Error::Invalid { what: what.to_string(), why }
    }

    /// A request that could not be encoded, and why.
    pub fn encode(request: impl Into<String>, source: EncodeError) -> Self {
        Error::Encode { request: request.into(), source: Box::new(source) }
    }

    /// An error of the operating system, with what was tried.
    pub fn io(doing: impl Into<String>, source: impl Into<io::Error>) -> Self {
        Error::Io { doing: doing.into(), source: source.into() }
    }

    /// The same for what takes a privilege, which the error names where it was missing.
    pub(crate) fn denied(doing: impl Into<String>, source: impl Into<io::Error>, takes: &str) -> Self {
        let (doing, source) = (doing.into(), source.into());
        match source.kind() {
            io::ErrorKind::PermissionDenied => Error::io(format!("{doing} (it takes {takes})"), source),
            _ => Error::io(doing, source),
        }
    }

    /// The kernel's refusal, if it is one.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Error::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// The errno with which the kernel or the operating system refused, such as 17 for EEXIST.
    pub fn errno(&self) -> Option<i32> {
        match self {
            Error::Refused(refusal) => Some(refusal.errno),
            Error::Io { source, .. } => source.raw_os_error(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::errno::Errno;

    /// A batch of 65,000 requests has as many of them.
    #[test]
    fn a_result_is_small() {
        assert!(size_of::<Result<crate::netlink::Ack>>() <= 48);
    }

    #[test]
    fn what_was_missing_is_named_if_it_was_a_privilege() {
        let refused = |errno| Error::denied("set a to 1", errno, "CAP_NET_ADMIN").to_string();
        for errno in [Errno::EPERM, Errno::EACCES] {
            let text = refused(errno);
            assert!(text.starts_with("cannot set a to 1 (it takes CAP_NET_ADMIN): "), "{text}");
        }
        assert_eq!(refused(Errno::EROFS), "cannot set a to 1: Read-only file system (os error 30)");
        let mut refusal = Refusal::new("ip link del a", nix::libc::EPERM);
        assert_eq!(refusal.missing_capability(), Some("CAP_NET_ADMIN"));
        let text = "`ip link del a` was refused: Operation not permitted (os error 1)";
        assert_eq!(refusal.to_string(), format!("{text} (it takes CAP_NET_ADMIN)"));
        // What the kernel has something to say of is about something else.
        refusal.message = Some("Device can not be enslaved while up".into());
        assert_eq!(refusal.missing_capability(), None);
        assert_eq!(refusal.to_string(), format!("{text}: Device can not be enslaved while up"));
    }
}

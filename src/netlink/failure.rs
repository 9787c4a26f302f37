use super::Protocol;
use crate::error::{DecodeError, EncodeError, Error};
use std::io;
use std::time::Duration;

/// Why an answer did not come. It becomes an [`Error`] once the request that was not answered is named.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The request is for another part of the kernel.
    Protocol {
        is: Protocol,
        needs: Protocol,
    },
    Encode(EncodeError),
    Timeout(Duration),
    Overrun,
    Truncated {
        len: usize,
        buffer: usize,
    },
    Malformed(DecodeError),
    Io {
        doing: &'static str,
        source: io::Error,
    },
}

impl Failure {
    /// The error for the request that has this text. One failure can end many requests.
    pub fn error(&self, request: impl FnOnce() -> String) -> Error {
        match self {
            Failure::Protocol { is, needs } => Error::invalid(
                format_args!("`{}` on a connection for {is:?}", request()),
                match needs {
                    Protocol::Route => "it needs one that was opened with Protocol::Route",
                    Protocol::Netfilter => "it needs one that was opened with Protocol::Netfilter",
                },
            ),
            Failure::Encode(source) => Error::encode(request(), source.clone()),
            Failure::Timeout(after) => Error::Timeout { request: request(), after: *after },
            Failure::Overrun => Error::Overrun { request: request() },
            &Failure::Truncated { len, buffer } => Error::Truncated { len, buffer },
            Failure::Malformed(source) => Error::Decode { object: "reply", source: source.clone() },
            Failure::Io { doing, source } => {
                let source = match source.raw_os_error() {
                    Some(errno) => io::Error::from_raw_os_error(errno),
                    None => source.kind().into(),
                };
                Error::io(format!("{doing} for `{}`", request()), source)
            }
        }
    }
}

use std::fmt;
use std::io;

/// A request that the kernel refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// The request, as the command that does the same.
    pub request: String,
    /// The errno, positive: 2 for ENOENT.
    pub errno: i32,
    /// The kernel's words (NLMSGERR_ATTR_MSG), where it had any.
    pub message: Option<String>,
    /// The offset, from the start of the request, of the attribute it complained of (NLMSGERR_ATTR_OFFS).
    pub offset: Option<u32>,
    /// That attribute's name, such as `TCA_HTB_PARMS`.
    pub attribute: Option<&'static str>,
    /// The number of an attribute that was missing (NLMSGERR_ATTR_MISS_TYPE).
    pub missing: Option<u32>,
}

impl Refusal {
    /// A refusal of `request` with nothing but an errno.
    pub fn new(request: impl Into<String>, errno: i32) -> Self {
        Refusal {
            request: request.into(),
            errno,
            message: None,
            offset: None,
            attribute: None,
            missing: None,
        }
    }
}

impl Refusal {
    /// The capability that was missing, if the request was refused for the lack of one: it counts in the user namespace that owns the
    /// network namespace, and for actions by themselves in the first one.
    ///
    /// For that the kernel refuses with EPERM and without a word (`rtnetlink_rcv_msg` of `net/core/rtnetlink.c`, `nfnetlink_rcv` of
    /// `net/netfilter/nfnetlink.c`). EPERM with words, as bonds say it, is about something else.
    pub fn missing_capability(&self) -> Option<&'static str> {
        (self.errno == nix::libc::EPERM && self.message.is_none()).then_some("CAP_NET_ADMIN")
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` was refused: {}", self.request, io::Error::from_raw_os_error(self.errno))?;
        if let Some(message) = &self.message {
            write!(f, ": {message}")?;
        }
        if let Some(capability) = self.missing_capability() {
            write!(f, " (it takes {capability})")?;
        }
        match (self.attribute, self.offset) {
            (Some(attribute), _) => write!(f, " (attribute {attribute})")?,
            (None, Some(offset)) => write!(f, " (attribute at byte {offset} of the request)")?,
            (None, None) => (),
        }
        match self.missing {
            Some(missing) => write!(f, " (attribute {missing} is missing)"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Refusal {}

/// The kernel's words on a request that it carried out all the same, such as a quantum that it clamped.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Warning {
    /// The kernel's words.
    pub message: String,
    /// The name of the attribute they are about, where the kernel said which.
    pub attribute: Option<&'static str>,
}

impl Warning {
    /// A warning with these words.
    pub fn new(message: impl Into<String>, attribute: Option<&'static str>) -> Self {
        Warning { message: message.into(), attribute }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

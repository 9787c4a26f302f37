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

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` was refused: {}", self.request, io::Error::from_raw_os_error(self.errno))?;
        if let Some(message) = &self.message {
            write!(f, ": {message}")?;
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

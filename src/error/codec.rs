use std::fmt;

/// Why bytes could not be decoded, and in which attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// In a box, so that results are small: each of the many values of a message is read as one, and hardly any is an error.
    inner: Box<Inner>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Inner {
    path: Vec<&'static str>,
    reason: Reason,
}

/// What was wrong with the bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// Fewer bytes than the value has.
    #[error("{found} bytes where at least {needed} are needed")]
    Short {
        /// Bytes that were there.
        found: usize,
        /// Bytes that the value has.
        needed: usize,
    },
    /// A length field that points outside its message or into its own header.
    #[error("a length of {len} where {available} bytes are left")]
    Length {
        /// What the length field says.
        len: usize,
        /// The bytes left from the start of the header.
        available: usize,
    },
    /// An attribute without which the object means nothing.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A value that the format does not allow.
    #[error("{0}")]
    Invalid(&'static str),
}

impl DecodeError {
    /// Fewer bytes than needed.
    pub fn short(found: usize, needed: usize) -> Self {
        Reason::Short { found, needed }.into()
    }

    /// A required attribute is missing.
    pub fn missing(attribute: &'static str) -> Self {
        Reason::Missing(attribute).into()
    }

    /// A value that the format does not allow; the text says which and why.
    pub fn invalid(why: &'static str) -> Self {
        Reason::Invalid(why).into()
    }

    /// The same error, seen from outside the attribute it happened in.
    #[must_use]
    #[cold]
    pub fn inside(mut self, attribute: &'static str) -> Self {
        self.inner.path.insert(0, attribute);
        self
    }

    /// The attributes from the outermost to the one that failed, by their kernel names.
    pub fn path(&self) -> &[&'static str] {
        &self.inner.path
    }

    /// What was wrong.
    pub fn reason(&self) -> &Reason {
        &self.inner.reason
    }
}

impl From<Reason> for DecodeError {
    #[cold]
    fn from(reason: Reason) -> Self {
        DecodeError { inner: Box::new(Inner { path: Vec::new(), reason }) }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for name in &self.inner.path {
            write!(f, "{name}: ")?;
        }
        self.inner.reason.fmt(f)
    }
}

impl std::error::Error for DecodeError {}

/// Why an object could not be encoded: nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// An attribute or a message longer than its length field can say.
    #[error("attribute {attribute} would be {len} bytes long; at most {max} fit")]
    TooLong {
        /// The number of the attribute within its set (0 for the message itself).
        attribute: u16,
        /// Its length with the header.
        len: usize,
        /// The longest that fits.
        max: usize,
    },
    /// A value outside what its field can carry or the kernel's format allows.
    #[error("{what} is out of range: {value} (allowed: {allowed})")]
    OutOfRange {
        /// The value's name.
        what: &'static str,
        /// The value as given.
        value: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// Something that the request cannot do without.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// Parts that exclude each other or make no sense together.
    #[error("{0}")]
    Invalid(&'static str),
}

impl EncodeError {
    /// A value outside what its field allows.
    pub fn out_of_range(what: &'static str, value: impl fmt::Display, allowed: &'static str) -> Self {
        EncodeError::OutOfRange { what, value: value.to_string(), allowed }
    }
}

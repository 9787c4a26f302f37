use std::fmt::{self, Display, Formatter};

/// How bad a [`Finding`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Severity {
    /// It will be done, and is probably not what was meant.
    Warning,
    /// The plan cannot be applied.
    Error,
}

impl Display for Severity {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Severity::Warning => "warning",
            Severity::Error => "error",
        })
    }
}

/// Something to know of before anything is sent. Prints as a line that names the object.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The object: its command.
    pub object: String,
    /// What is wrong with it.
    pub problem: String,
}

impl Finding {
    pub(super) fn error(object: impl Display, problem: impl Into<String>) -> Self {
        Finding { severity: Severity::Error, object: object.to_string(), problem: problem.into() }
    }

    pub(super) fn warning(object: impl Display, problem: impl Into<String>) -> Self {
        Finding { severity: Severity::Warning, object: object.to_string(), problem: problem.into() }
    }
}

impl Display for Finding {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.severity, self.object, self.problem)
    }
}

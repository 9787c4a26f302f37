use crate::units::Name;
use std::fmt::{self, Display, Formatter};

/// A kind that the crate does not know: its name, and its options as they came.
#[derive(Clone, Debug, PartialEq)]
pub struct Other {
    /// The kernel's name of the kind.
    pub name: Name,
    /// The payload of TCA_OPTIONS, if there is one.
    pub options: Option<Vec<u8>>,
}

impl Other {
    /// A kind of this name without options.
    pub fn named(name: Name) -> Self {
        Other { name, options: None }
    }
}

/// Unknown options print as hexadecimal bytes, which no `tc` reads: there are no words for them.
impl Display for Other {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for byte in self.options.iter().flatten() {
            write!(f, " {byte:02x}")?;
        }
        Ok(())
    }
}

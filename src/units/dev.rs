use super::{quoted, Name};
use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
};

/// A network device: the index that messages carry, and its name if it is known.
///
/// The kernel knows devices by index; the name is only for people, may change under way and may be
/// unknown. So equality, order and hash look at the index alone.
///
/// Prints as the name, in quotes where a shell would read it otherwise, or as `if<index>`, which `tc` and `ip` accept in place
/// of a name.
///
/// ```
/// use tcnl::units::{Dev, Name};
/// let named = Dev::named(10, Name::new("v0")?);
/// assert_eq!(named, Dev::index(10));
/// assert_eq!((named.to_string(), Dev::index(10).to_string()), ("v0".into(), "if10".into()));
/// # Ok::<(), tcnl::units::ParseError>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[doc(alias = "ifindex")]
pub struct Dev {
    /// The interface index, from 1; 0 is no device.
    pub index: u32,
    /// The name it had when it was looked up.
    pub name: Option<Name>,
}

impl Dev {
    /// The device with this index, its name unknown.
    pub const fn index(index: u32) -> Dev {
        Dev { index, name: None }
    }

    /// The device with this index and name.
    pub const fn named(index: u32, name: Name) -> Dev {
        Dev { index, name: Some(name) }
    }
}

impl From<u32> for Dev {
    fn from(index: u32) -> Dev {
        Dev::index(index)
    }
}

impl fmt::Display for Dev {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name {
            Some(name) => f.pad(&quoted(&name)),
            None => write!(f, "if{}", self.index),
        }
    }
}

impl PartialEq for Dev {
    fn eq(&self, other: &Dev) -> bool {
        self.index == other.index
    }
}

impl Eq for Dev {}

impl Hash for Dev {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.index.hash(state);
    }
}

impl PartialOrd for Dev {
    fn partial_cmp(&self, other: &Dev) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Dev {
    fn cmp(&self, other: &Dev) -> Ordering {
        self.index.cmp(&other.index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_device_is_its_index_whatever_its_name() {
        let name = Name::new("v0").unwrap();
        let mut devices = HashSet::from([Dev::named(10, name)]);
        assert!(!devices.insert(Dev::from(10)));
        assert!(devices.insert(Dev::named(11, name)));
        assert!(Dev::named(10, name) < Dev::index(11));
    }
}

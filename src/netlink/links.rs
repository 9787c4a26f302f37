use super::Connection;
use crate::error::{Error, Result};
use crate::route::Link;

const ENODEV: i32 = 19;

impl Connection {
    /// The network device of this name.
    ///
    /// # Errors
    /// [`Error::Parse`] if no device can have this name, [`Error::NotFound`] if none has it, and what
    /// [`request`](Connection::request) says.
    pub fn link(&mut self, name: &str) -> Result<Link> {
        self.get(&Link::named(name)?).map_err(|error| match error.errno() {
            Some(ENODEV) => Error::NotFound { what: format!("network device {name}") },
            _ => error,
        })
    }
}

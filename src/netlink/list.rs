use super::core::Awaited;
use super::reply::{describes, Reply};
use super::Connection;
use crate::error::{Error, Result};
use crate::request::{Object, Query, Verb};
use crate::wire::HEADER_LEN;
use std::fmt::{self, Display, Formatter};
use std::iter::FusedIterator;

/// NLM_F_ROOT and NLM_F_MATCH: all objects.
pub(super) const NLM_F_DUMP: u16 = 0x300;

impl Connection {
    /// Lists objects as they come: memory does not grow with their number.
    ///
    /// If the objects changed while the kernel was listing them, the list is no faithful picture: some may be missing, others
    /// may stand in it twice. It then ends with [`Error::Interrupted`]. It cannot start again by itself, because objects were
    /// handed out already; [`snapshot`](Connection::snapshot) can.
    ///
    /// The list may be dropped before its end.
    ///
    /// # Errors
    /// [`Error::Encode`] and [`Error::Io`] if the request could not be sent; the list itself can hold all that
    /// [`request`](Connection::request) names.
    pub fn list<Q: Query>(&mut self, query: Q) -> Result<List<'_, Q>> {
        let text = || Text(&query).to_string();
        // The kernel refuses a second dump on a socket while one is under way.
        self.socket.settle(&mut self.core).map_err(|failure| failure.error(text))?;
        let awaited = self.ask(Verb::Get.message(Q::Object::NEW), NLM_F_DUMP, text, |w| query.encode(w))?;
        self.core.dump_begins(awaited);
        Ok(List { connection: self, query, awaited: Some(awaited), interrupted: false })
    }

    /// Lists objects as they were at one moment, starting again when they changed under way.
    ///
    /// Kernels notice changes of links, addresses, routes, rules and nexthops. Of qdiscs, classes, filters and actions they
    /// do not: a list of these that changes while it is read may hold some twice and lack others, and nothing tells.
    ///
    /// # Errors
    /// [`Error::Interrupted`] if they changed in every one of [`Connection::TRIES`] tries, and what
    /// [`list`](Connection::list) says, for the whole or any of the objects.
    pub fn snapshot<Q: Query>(&mut self, query: Q) -> Result<Vec<Q::Object>> {
        let mut objects = Vec::new();
        for _ in 0..Self::TRIES {
            objects.clear();
            match self.list(&query)?.try_for_each(|object| object.map(|object| objects.push(object))) {
                Ok(()) => return Ok(objects),
                Err(Error::Interrupted { .. }) => (),
                Err(error) => return Err(error),
            }
        }
        Err(Error::Interrupted { what: Text(&query).to_string(), tries: Self::TRIES })
    }

    /// How often a [`snapshot`](Connection::snapshot) is tried.
    pub const TRIES: u32 = 10;
}

/// A list of objects under way. It yields each object or, where one cannot be understood, [`Error::Decode`] and then the
/// others. Any other error is the last it yields.
#[derive(Debug)]
#[must_use = "a list is read by iterating over it"]
pub struct List<'a, Q: Query> {
    connection: &'a mut Connection,
    query: Q,
    /// `None` behind the end.
    awaited: Option<Awaited>,
    interrupted: bool,
}

impl<Q: Query> Iterator for List<'_, Q> {
    type Item = Result<Q::Object>;

    fn next(&mut self) -> Option<Self::Item> {
        // Objects are large: this one is put together where it is handed out.
        let mut item = None;
        self.read(&mut item);
        item
    }
}

impl<Q: Query> List<'_, Q> {
    /// Reads the next object, or what ends the list; leaves the place empty behind the end.
    fn read(&mut self, item: &mut Option<Result<Q::Object>>) {
        while let Some(awaited) = self.awaited {
            let Connection { core, socket, .. } = &mut *self.connection;
            let found = match socket.answer(core, awaited) {
                Ok(found) => found,
                Err(failure) => {
                    *item = Some(Err(failure.error(|| Text(&self.query).to_string())));
                    self.awaited = None;
                    return;
                }
            };
            self.interrupted |= found.interrupted;
            match core.reply(&found) {
                Reply::Object { ty, message } if describes::<Q::Object>(ty) => {
                    let body = message.get(HEADER_LEN..).unwrap_or_default();
                    match self.query.read(body, item) {
                        Err(source) => *item = Some(Err(Error::Decode { object: Q::Object::NOUN, source })),
                        Ok(()) if item.iter_mut().flatten().any(|object| self.query.take(object)) => (),
                        Ok(()) => continue,
                    }
                    return;
                }
                Reply::Object { .. } => (),
                Reply::Done(_) => {
                    self.awaited = None;
                    let what = || Text(&self.query).to_string();
                    *item = self.interrupted.then(|| Err(Error::Interrupted { what: what(), tries: 1 }));
                    return;
                }
                Reply::Refused { errno, report } => {
                    self.awaited = None;
                    let name = |offset| Q::Object::attribute_at(core.body(), offset);
                    *item = Some(Err(report.refusal(errno, Text(&self.query).to_string(), name)));
                    return;
                }
            }
        }
    }
}

impl<Q: Query> FusedIterator for List<'_, Q> {}

/// A query as the command that shows the same.
struct Text<'a, Q>(&'a Q);

impl<Q: Query> Display for Text<'_, Q> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.command(f)
    }
}

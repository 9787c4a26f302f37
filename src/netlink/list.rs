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
        Ok(List { connection: self, query, awaited: Some(awaited), interrupted: false, place: None })
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
    /// Where the next one is put together: objects are large, and to move one costs as much as to read half of it.
    place: Option<Result<Q::Object>>,
}

impl<Q: Query> Iterator for List<'_, Q> {
    type Item = Result<Q::Object>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.read();
        self.place.take()
    }
}

impl<Q: Query> List<'_, Q> {
    /// The next object, lent: it stays in the list until the next one is asked for. For long lists whose objects are only
    /// looked at; [`next`](Iterator::next) moves each one out.
    ///
    /// ```no_run
    /// # use tcnl::{netlink::Connection, tc::Class};
    /// let mut nl = Connection::open()?;
    /// let mut bytes = 0;
    /// let mut classes = nl.list(Class::of(2))?;
    /// while let Some(class) = classes.lend() {
    ///     bytes += class?.stats.as_ref().map_or(0, |stats| stats.bytes);
    /// }
    /// # Ok::<(), tcnl::Error>(())
    /// ```
    #[inline]
    pub fn lend(&mut self) -> Option<Result<&Q::Object>> {
        self.read();
        match self.place {
            Some(Ok(ref object)) => Some(Ok(object)),
            Some(Err(_)) => self.place.take().and_then(Result::err).map(Err),
            None => None,
        }
    }

    /// Reads the next object, or what ends the list; leaves the place empty behind the end.
    fn read(&mut self) {
        let item = &mut self.place;
        while let Some(awaited) = self.awaited {
            let Connection { core, socket, .. } = &mut *self.connection;
            let (ty, body) = match core.object(awaited) {
                Some(object) => object,
                None => {
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
                        Reply::Object { ty, message } => (ty, message.get(HEADER_LEN..).unwrap_or_default()),
                        Reply::Done(_) => {
                            self.awaited = None;
                            let what = || Text(&self.query).to_string();
                            *item =
                                self.interrupted.then(|| Err(Error::Interrupted { what: what(), tries: 1 }));
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
            };
            if !describes::<Q::Object>(ty) {
                continue;
            }
            match self.query.read(body, item) {
                Err(source) => *item = Some(Err(Error::Decode { object: Q::Object::NOUN, source })),
                Ok(()) if item.iter_mut().flatten().any(|object| self.query.take(object)) => (),
                Ok(()) => continue,
            }
            return;
        }
        *item = None;
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

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
        while let Some(awaited) = self.awaited {
            let done = match self.connection.core.object(awaited) {
                Some((ty, body)) => take(&self.query, ty, body, &mut self.place),
                None => self.read_other(awaited),
            };
            if done {
                return;
            }
        }
        self.place = None;
    }

    /// Reads what is not simply the next object, or receives more. Says whether the place holds what is to be handed out.
    #[inline(never)]
    fn read_other(&mut self, awaited: Awaited) -> bool {
        let Connection { core, socket, .. } = &mut *self.connection;
        let text = || Text(&self.query).to_string();
        let found = match socket.answer(core, awaited) {
            Ok(found) => found,
            Err(failure) => {
                self.awaited = None;
                self.place = Some(Err(failure.error(text)));
                return true;
            }
        };
        self.interrupted |= found.interrupted;
        match core.reply(&found) {
            Reply::Object { ty, message } => {
                let body = message.get(HEADER_LEN..).unwrap_or_default();
                return take(&self.query, ty, body, &mut self.place);
            }
            Reply::Done(_) => {
                let interrupted = self.interrupted;
                self.place = interrupted.then(|| Err(Error::Interrupted { what: text(), tries: 1 }));
            }
            Reply::Refused { errno, report } => {
                let name = |offset| Q::Object::attribute_at(core.body(), offset);
                self.place = Some(Err(report.refusal(errno, text(), name)));
            }
        }
        self.awaited = None;
        true
    }
}

/// Reads an object into the place, or the error that it cannot be read; says whether it is one to be handed out.
#[inline(always)]
fn take<Q: Query>(query: &Q, ty: u16, body: &[u8], place: &mut Option<Result<Q::Object>>) -> bool {
    if !describes::<Q::Object>(ty) {
        return false;
    }
    match query.read(body, place) {
        Ok(()) => place.iter_mut().flatten().any(|object| query.take(object)),
        Err(source) => {
            *place = Some(Err(Error::Decode { object: Q::Object::NOUN, source }));
            true
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

use super::connection::{NLM_F_ACK, NLM_F_REQUEST};
use super::failure::Failure;
use super::reply::{Ack, Reply};
use super::Connection;
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::request::{Object, Request, Verb};
use crate::wire::Writer;
use std::ops::Range;

/// Many requests that are sent together: the way to thousands of classes.
///
/// It is no transaction: the kernel carries out each request for itself and goes on after an error.
///
/// A batch holds the encoded requests and nothing else; it can be run more than once, and used again after
/// [`clear`](Batch::clear).
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// The bodies, one behind the other, each padded to four bytes.
    bodies: Writer,
    entries: Vec<Entry>,
    warnings: bool,
}

/// One request of a batch. What it says in errors is read back from its bytes when it is needed.
#[derive(Clone, Debug)]
struct Entry {
    place: Range<usize>,
    ty: u16,
    flags: u16,
    verb: Verb,
    text: fn(Verb, &[u8]) -> String,
    attribute_at: fn(&[u8], usize) -> Option<&'static str>,
}

impl Batch {
    /// An empty batch whose times are encoded by `clock`; [`Connection::batch`] knows the kernel's.
    pub fn new(clock: Clock) -> Self {
        Batch { bodies: Writer::new(clock), ..Batch::default() }
    }

    /// Asks for what the kernel has to say about requests that it carries out: the results of [`Connection::run`] then hold all
    /// [warnings](Ack::warnings).
    ///
    /// It costs an acknowledgement of each request, 10 to 100 % of the time that the requests themselves take. Otherwise the
    /// kernel acknowledges one request in a hundred or so, and it does not speak of the others unless it refuses them.
    #[must_use]
    pub fn with_warnings(mut self) -> Self {
        self.warnings = true;
        self
    }

    /// Puts a request behind the others.
    ///
    /// # Errors
    /// [`Error::Encode`] if it makes no sense. The batch is then as it was before.
    pub fn push<O: Object>(&mut self, verb: Verb, object: &O) -> Result<&mut Self> {
        let start = self.bodies.len();
        let encoded = object.encode(verb, &mut self.bodies).and(self.bodies.finish());
        if let Err(source) = encoded {
            self.bodies.truncate(start);
            return Err(Error::Encode { request: Request::new(verb, object).to_string(), source });
        }
        self.entries.push(Entry {
            place: start..self.bodies.len(),
            ty: verb.message(O::NEW),
            flags: object.flags(verb) | NLM_F_REQUEST,
            verb,
            text: text::<O>,
            attribute_at: O::attribute_at,
        });
        Ok(self)
    }

    /// Creates an object that must not be there. Errors: see [`push`](Batch::push).
    pub fn add<O: Object>(&mut self, object: &O) -> Result<&mut Self> {
        self.push(Verb::Add, object)
    }

    /// Creates an object or puts it in the place of the one that is there. Errors: see [`push`](Batch::push).
    pub fn replace<O: Object>(&mut self, object: &O) -> Result<&mut Self> {
        self.push(Verb::Replace, object)
    }

    /// Changes an object that is there. Errors: see [`push`](Batch::push).
    pub fn change<O: Object>(&mut self, object: &O) -> Result<&mut Self> {
        self.push(Verb::Change, object)
    }

    /// Deletes an object. Errors: see [`push`](Batch::push).
    pub fn delete<O: Object>(&mut self, object: &O) -> Result<&mut Self> {
        self.push(Verb::Delete, object)
    }

    /// How many requests there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Forgets the requests and keeps the memory.
    pub fn clear(&mut self) {
        self.bodies.clear();
        self.entries.clear();
    }

    /// The requests in their order, as the commands that do the same. Devices stand in them by index.
    pub fn commands(&self) -> impl Iterator<Item = String> + '_ {
        self.entries.iter().map(|entry| self.text(entry))
    }

    fn body(&self, entry: &Entry) -> &[u8] {
        self.bodies.bytes().get(entry.place.clone()).unwrap_or_default()
    }

    fn text(&self, entry: &Entry) -> String {
        (entry.text)(entry.verb, self.body(entry))
    }
}

/// The command of a request, from its body.
fn text<O: Object>(verb: Verb, body: &[u8]) -> String {
    match O::decode(body) {
        Ok(object) => Request::new(verb, &object).to_string(),
        Err(_) => format!("{} {verb}", O::NOUN),
    }
}

impl Connection {
    /// An empty batch for this connection's kernel.
    pub fn batch(&self) -> Batch {
        Batch::new(self.clock())
    }

    /// Carries out all requests of a batch. The results stand in the order of the requests, one for each; warnings are among
    /// them if the batch was made [`with_warnings`](Batch::with_warnings).
    ///
    /// The requests go out in pieces, so that the answers always fit the socket's receive buffer, even if every request is
    /// refused. If a piece is not answered ([`Error::Timeout`] and so on) nothing more is sent, and the requests behind it say
    /// [`Error::NotSent`].
    pub fn run(&mut self, batch: &Batch) -> Vec<Result<Ack>> {
        let mut results = Vec::with_capacity(batch.len());
        let mut rest = batch.entries.as_slice();
        let piece = (self.socket.receive_buffer() / ANSWER).clamp(1, PIECE);
        while !rest.is_empty() {
            let (now, later) = rest.split_at(fitting(rest, piece));
            rest = later;
            if !self.run_piece(batch, now, &mut results) {
                break;
            }
        }
        results.extend(rest.iter().map(|entry| Err(Error::NotSent { request: batch.text(entry) })));
        results
    }

    /// Sends some of the requests and adds their results; says whether all of them were answered.
    fn run_piece(&mut self, batch: &Batch, entries: &[Entry], results: &mut Vec<Result<Ack>>) -> bool {
        let start = results.len();
        results.extend(entries.iter().map(|_| Ok(Ack::default())));
        let mut piece = Piece {
            batch,
            entries,
            results: results.get_mut(start..).unwrap_or_default(),
            answered: vec![false; entries.len()],
        };
        match self.exchange_piece(&mut piece) {
            Ok(()) => true,
            Err(failure) => {
                piece.fail(&failure);
                false
            }
        }
    }

    fn exchange_piece(&mut self, piece: &mut Piece<'_>) -> Result<(), Failure> {
        self.speaks_route()?;
        let awaited = self.core.begin(piece.entries.len() as u32);
        for (index, entry) in piece.entries.iter().enumerate() {
            let ack = if piece.is_acknowledged(index) { NLM_F_ACK } else { 0 };
            let body = piece.batch.body(entry);
            let framed = self.core.frame(entry.ty, entry.flags | ack, awaited.seq(index), |w| {
                w.put(body);
                Ok(())
            });
            framed.map_err(Failure::Encode)?;
        }
        self.socket.send(&self.core)?;
        // The kernel works in order and speaks of every refusal, so that with the last answer all is known. Had an answer been
        // lost on the way, the socket would say that first.
        let mut open = if piece.batch.warnings { piece.entries.len() } else { 1 };
        while open > 0 {
            let found = self.socket.answer(&mut self.core, awaited)?;
            if piece.take(found.index, self.core.reply(&found)) && piece.is_acknowledged(found.index) {
                open -= 1;
            }
        }
        Ok(())
    }
}

/// Requests that are sent in one datagram, and their results: success until the kernel says otherwise.
struct Piece<'a> {
    batch: &'a Batch,
    entries: &'a [Entry],
    results: &'a mut [Result<Ack>],
    answered: Vec<bool>,
}

impl Piece<'_> {
    /// Whether the kernel is asked to answer the request even if it succeeds.
    fn is_acknowledged(&self, index: usize) -> bool {
        self.batch.warnings || index + 1 == self.entries.len()
    }

    /// Takes the reply to a request; says whether it is the answer to it.
    fn take(&mut self, index: usize, reply: Reply<'_>) -> bool {
        let (Some(answered @ false), Some(entry), Some(result)) =
            (self.answered.get_mut(index), self.entries.get(index), self.results.get_mut(index))
        else {
            // An answer that was given already.
            return false;
        };
        let name = |offset| (entry.attribute_at)(self.batch.body(entry), offset);
        *result = match reply {
            Reply::Object { .. } => return false,
            Reply::Done(report) => Ok(report.ack(name)),
            Reply::Refused { errno, report } => Err(report.refusal(errno, self.batch.text(entry), name)),
        };
        *answered = true;
        true
    }

    /// What became of the requests that were not answered is not known.
    fn fail(&mut self, failure: &Failure) {
        for ((entry, result), answered) in self.entries.iter().zip(&mut *self.results).zip(&self.answered) {
            if !answered {
                *result = Err(failure.error(|| self.batch.text(entry)));
            }
        }
    }
}

/// The most requests to send at once.
const PIECE: usize = 256;
/// The most bytes to send at once, unless a single request is longer: well below what a socket may send by default.
const PIECE_BYTES: usize = 64 * 1024;
/// What an answer takes of the receive buffer, overhead and the kernel's words included.
const ANSWER: usize = 2048;

/// How many of the requests can be sent at once: at least one, at most `most`.
fn fitting(entries: &[Entry], most: usize) -> usize {
    let start = entries.first().map_or(0, |entry| entry.place.start);
    let fits = |entry: &&Entry| entry.place.end - start <= PIECE_BYTES;
    entries.iter().take(most).take_while(fits).count().max(1)
}

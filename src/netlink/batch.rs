use super::connection::{NLM_F_ACK, NLM_F_REQUEST};
use super::core::KERNEL;
use super::failure::Failure;
use super::reply::{Ack, Reply};
use super::{Connection, Protocol};
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::request::{Object, Request, Verb};
use crate::wire::{Header, Writer, HEADER_LEN};
use std::ops::Range;

/// Many requests that are sent together: the way to thousands of classes.
///
/// It is no transaction: the kernel carries out each request for itself and goes on after an error.
///
/// A batch holds the encoded requests and nothing else; it can be run more than once, and used again after
/// [`clear`](Batch::clear).
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// The requests, one behind the other, as they are sent but for their numbers and NLM_F_ACK.
    messages: Writer,
    /// Where each of them ends.
    ends: Vec<usize>,
    sorts: Vec<Sort>,
    warnings: bool,
}

/// What some requests in a row have in common. What else one says in errors is read back from its bytes when it is needed.
#[derive(Clone, Debug)]
struct Sort {
    /// The first of the requests, counted from 0.
    first: usize,
    verb: Verb,
    text: fn(Verb, &[u8]) -> String,
    attribute_at: fn(&[u8], usize) -> Option<&'static str>,
}

impl Sort {
    fn of<O: Object>(first: usize, verb: Verb) -> Self {
        Sort { first, verb, text: text::<O>, attribute_at: O::attribute_at }
    }

    /// Whether the other's requests are of this sort. Where the compiler has one function twice, a batch only becomes larger.
    fn includes(&self, other: &Sort) -> bool {
        self.verb == other.verb
            && std::ptr::fn_addr_eq(self.text, other.text)
            && std::ptr::fn_addr_eq(self.attribute_at, other.attribute_at)
    }
}

impl Batch {
    /// An empty batch whose times are encoded by `clock`; [`Connection::batch`] knows the kernel's.
    pub fn new(clock: Clock) -> Self {
        Batch { messages: Writer::new(clock), ..Batch::default() }
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
        let (ty, flags) = (verb.message(O::NEW), object.flags(verb) | NLM_F_REQUEST);
        let encoded = self.messages.message(Header { ty, flags, seq: 0, port: KERNEL }, |w| {
            object.encode(verb, w).unwrap_or_else(|error| w.fail(error));
        });
        if let Err(source) = encoded {
            return Err(Error::encode(Request::new(verb, object).to_string(), source));
        }
        let sort = Sort::of::<O>(self.len(), verb);
        if !self.sorts.last().is_some_and(|last| last.includes(&sort)) {
            self.sorts.push(sort);
        }
        self.ends.push(self.messages.len());
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
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Makes room for so many more requests of usual length (128 bytes), if there is any to be had: a batch that need not grow
    /// while it is filled is not moved either.
    pub fn reserve(&mut self, requests: usize) {
        self.messages.reserve(requests.saturating_mul(USUAL));
        // Only a hint: whoever needs memory that is not there will say so.
        let _ = self.ends.try_reserve(requests);
    }

    /// Forgets the requests and keeps the memory.
    pub fn clear(&mut self) {
        self.messages.clear();
        self.ends.clear();
        self.sorts.clear();
    }

    /// The requests in their order, as the commands that do the same. Devices stand in them by index.
    pub fn commands(&self) -> impl Iterator<Item = String> + '_ {
        (0..self.len()).map(|index| self.text(index))
    }

    /// Where the request stands.
    fn place(&self, index: usize) -> Range<usize> {
        let start = index.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        start..self.ends.get(index).copied().unwrap_or(start)
    }

    fn bytes(&self, place: Range<usize>) -> &[u8] {
        self.messages.bytes().get(place).unwrap_or_default()
    }

    fn body(&self, index: usize) -> &[u8] {
        self.bytes(self.place(index)).get(HEADER_LEN..).unwrap_or_default()
    }

    fn sort(&self, index: usize) -> Option<&Sort> {
        let behind = self.sorts.partition_point(|sort| sort.first <= index);
        self.sorts.get(behind.checked_sub(1)?)
    }

    fn text(&self, index: usize) -> String {
        self.sort(index).map(|sort| (sort.text)(sort.verb, self.body(index))).unwrap_or_default()
    }

    /// The requests from `first` on that can be sent at once: at least one, at most `most`.
    fn piece(&self, first: usize, most: usize) -> Range<usize> {
        let start = self.place(first).start;
        let ends = self.ends.get(first..).unwrap_or_default();
        first..first + ends.iter().take(most).take_while(|end| **end - start <= PIECE_BYTES).count().max(1)
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
        let most = (self.socket.receive_buffer() / ANSWER).clamp(1, PIECE);
        while results.len() < batch.len() {
            let piece = batch.piece(results.len(), most);
            if !self.run_piece(batch, piece, &mut results) {
                break;
            }
        }
        let unsent = results.len()..batch.len();
        results.extend(unsent.map(|index| Err(Error::NotSent { request: batch.text(index) })));
        results
    }

    /// Sends some of the requests and adds their results; says whether all of them were answered.
    fn run_piece(&mut self, batch: &Batch, place: Range<usize>, results: &mut Vec<Result<Ack>>) -> bool {
        let first = results.len();
        results.resize_with(place.end, || Ok(Ack::default()));
        let results = results.get_mut(first..).unwrap_or_default();
        let mut piece = Piece { batch, first, answered: vec![false; results.len()], results };
        match self.exchange_piece(&mut piece) {
            Ok(()) => true,
            Err(failure) => {
                piece.fail(&failure);
                false
            }
        }
    }

    fn exchange_piece(&mut self, piece: &mut Piece<'_>) -> Result<(), Failure> {
        self.speaks(Protocol::Route)?;
        let awaited = self.core.begin(piece.results.len() as u32);
        let (messages, starts) = piece.messages();
        self.core.frame_again(messages);
        for (index, start) in starts.enumerate() {
            let flags = if piece.is_acknowledged(index) { NLM_F_ACK } else { 0 };
            self.core.stamp(start, flags, awaited.seq(index));
        }
        self.socket.send(&self.core)?;
        // The kernel works in order and speaks of every refusal, so that with the last answer all is known. Had an answer been
        // lost on the way, the socket would say that first.
        let mut open = if piece.batch.warnings { piece.results.len() } else { 1 };
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
    /// The first of them, counted from 0.
    first: usize,
    results: &'a mut [Result<Ack>],
    answered: Vec<bool>,
}

impl<'a> Piece<'a> {
    /// The requests, and where each of them starts.
    fn messages(&self) -> (&'a [u8], impl Iterator<Item = usize> + 'a) {
        let (batch, behind) = (self.batch, self.first + self.results.len());
        let start = batch.place(self.first).start;
        let starts = (self.first..behind).map(move |index| batch.place(index).start - start);
        (batch.bytes(start..batch.place(behind).start), starts)
    }

    /// Whether the kernel is asked to answer the request even if it succeeds.
    fn is_acknowledged(&self, index: usize) -> bool {
        self.batch.warnings || index + 1 == self.results.len()
    }

    /// Takes the reply to a request; says whether it is the answer to it.
    fn take(&mut self, index: usize, reply: Reply<'_>) -> bool {
        let (batch, request) = (self.batch, self.first + index);
        let (Some(answered @ false), Some(sort), Some(result)) =
            (self.answered.get_mut(index), batch.sort(request), self.results.get_mut(index))
        else {
            // An answer that was given already.
            return false;
        };
        let name = |offset| (sort.attribute_at)(batch.body(request), offset);
        *result = match reply {
            Reply::Object { .. } => return false,
            Reply::Done(report) => Ok(report.ack(name)),
            Reply::Refused { errno, report } => Err(report.refusal(errno, batch.text(request), name)),
        };
        *answered = true;
        true
    }

    /// What became of the requests that were not answered is not known.
    fn fail(&mut self, failure: &Failure) {
        for ((request, result), answered) in (self.first..).zip(&mut *self.results).zip(&self.answered) {
            if !answered {
                *result = Err(failure.error(|| self.batch.text(request)));
            }
        }
    }
}

/// The most requests to send at once.
const PIECE: usize = 256;
/// The most bytes to send at once, unless a single request is longer: well below what a socket may send by default.
const PIECE_BYTES: usize = 64 * 1024;
/// The length of most requests, rounded up.
const USUAL: usize = 128;
/// What an answer takes of the receive buffer, overhead and the kernel's words included.
const ANSWER: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tc::fw::Fw;
    use crate::tc::{Class, Filter};
    use crate::units::Handle;

    #[test]
    fn every_request_of_a_batch_is_known_by_its_place() {
        let class = |minor| Class::with_id(1, Handle::new(1, minor));
        let filter = Filter::on(1, Handle::new(1, 0)).prio(1).kind(Fw::mark(7));
        let mut batch = Batch::default();
        batch.delete(&class(1)).and_then(|batch| batch.delete(&class(2))).unwrap();
        // What makes no sense leaves no trace.
        assert!(matches!(batch.add(&class(3)), Err(Error::Encode { .. })));
        batch.add(&filter).and_then(|batch| batch.delete(&class(4))).unwrap();
        let commands = [
            "tc class del dev if1 classid 1:1",
            "tc class del dev if1 classid 1:2",
            "tc filter add dev if1 parent 1: protocol all prio 1 handle 0x7 fw classid none",
            "tc class del dev if1 classid 1:4",
        ];
        assert_eq!(batch.commands().collect::<Vec<_>>(), commands);
        assert_eq!((batch.len(), batch.sorts.len()), (4, 3));
        // They stand as the kernel reads them, and go out in pieces.
        let headers = crate::wire::Messages::new(batch.messages.bytes()).map(|message| message.unwrap().0);
        assert_eq!(headers.map(|header| header.ty).collect::<Vec<_>>(), [41, 41, 44, 41]);
        assert_eq!((batch.piece(0, 3), batch.piece(3, 3), batch.piece(0, 256)), (0..3, 3..4, 0..4));
        batch.clear();
        assert!(batch.is_empty() && batch.commands().next().is_none());
    }
}

use super::connection::{NLM_F_ACK, NLM_F_REQUEST};
use super::core::Awaited;
use super::list::NLM_F_DUMP;
use super::reply::{Ack, Reply};
use super::Connection;
use crate::error::{Error, Result};
use crate::wire::{Header, Messages, Writer, HEADER_LEN};

/// For messages that other crates have built, those of the netlink-packet family for example: each serialises itself into
/// bytes, and the bytes of several, each padded to four, stand one behind the other.
impl Connection {
    /// Sends messages in one datagram, as nf_tables wants its transactions, and waits until each of those that carry
    /// NLM_F_ACK is answered. Gives other messages that come in answer, header included, to `each`.
    ///
    /// The results stand in the order of the messages, one for each; messages without NLM_F_ACK are taken to have succeeded.
    /// If one of those fails, the whole transaction has: nothing else will be answered, and its error is the call's.
    ///
    /// Sequence numbers are the connection's business: whatever the messages have is replaced. NLM_F_REQUEST is set.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the bytes are not messages or none of them asks for an answer; [`Error::Refused`] as said; and
    /// what [`request`](Connection::request) says of answers that do not come.
    pub fn transact(&mut self, messages: &[u8], each: impl FnMut(&[u8])) -> Result<Vec<Result<Ack>>> {
        self.transact_named(messages, &UNKNOWN, each)
    }

    /// The same for messages that somebody knows by name.
    pub(super) fn transact_named(
        &mut self,
        messages: &[u8],
        naming: &Naming<'_>,
        mut each: impl FnMut(&[u8]),
    ) -> Result<Vec<Result<Ack>>> {
        let messages = parse(messages)?;
        let silent = |header: &Header| header.flags & NLM_F_ACK == 0;
        let mut results: Vec<Option<Result<Ack>>> =
            messages.iter().map(|(header, _)| silent(header).then(|| Ok(Ack::default()))).collect();
        let mut open = results.iter().filter(|result| result.is_none()).count();
        if open == 0 {
            return Err(Error::invalid(BYTES, "no message asks for an answer (NLM_F_ACK)"));
        }
        let whole = || (naming.whole)(messages.len());
        let awaited = self.send_messages(&messages, NLM_F_REQUEST, naming)?;
        while open > 0 {
            let found =
                self.socket.answer(&mut self.core, awaited).map_err(|failure| failure.error(whole))?;
            let Some((result, message)) = results.get_mut(found.index).zip(messages.get(found.index)) else {
                continue;
            };
            let answer = match self.core.reply(&found) {
                Reply::Object { message, .. } => {
                    each(message);
                    continue;
                }
                Reply::Done(report) => Ok(report.ack(|offset| (naming.attribute)(message, offset))),
                Reply::Refused { errno, report } => {
                    let name = (naming.one)(found.index, message);
                    Err(report.refusal(errno, name, |offset| (naming.attribute)(message, offset)))
                }
            };
            match result {
                None => {
                    *result = Some(answer);
                    open -= 1;
                }
                Some(_) if silent(&message.0) => _ = answer?,
                // An answer that was given already.
                Some(_) => (),
            }
        }
        Ok(results.into_iter().flatten().collect())
    }

    /// Sends one message that asks for a dump and gives each message of the answer, header included, to `each`.
    ///
    /// NLM_F_REQUEST and NLM_F_DUMP are set.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the bytes are not one message; [`Error::Refused`]; [`Error::Interrupted`] if what was listed
    /// changed under way, after all messages were given to `each`; and what [`request`](Connection::request) says of
    /// answers that do not come.
    pub fn dump(&mut self, message: &[u8], each: impl FnMut(&[u8])) -> Result<()> {
        self.dump_named(message, &UNKNOWN, each)
    }

    /// The same for a message that somebody knows by name.
    pub(super) fn dump_named(
        &mut self,
        message: &[u8],
        naming: &Naming<'_>,
        mut each: impl FnMut(&[u8]),
    ) -> Result<()> {
        let messages = parse(message)?;
        let [message] = messages.as_slice() else {
            return Err(Error::invalid(BYTES, "a dump is asked for with one message"));
        };
        let text = || (naming.one)(0, message);
        self.socket.settle(&mut self.core).map_err(|failure| failure.error(text))?;
        let awaited = self.send_messages(&messages, NLM_F_REQUEST | NLM_F_DUMP, naming)?;
        self.core.dump_begins(awaited);
        let mut interrupted = false;
        loop {
            let found = self.socket.answer(&mut self.core, awaited).map_err(|failure| failure.error(text))?;
            interrupted |= found.interrupted;
            match self.core.reply(&found) {
                Reply::Object { message, .. } => each(message),
                Reply::Done(_) if interrupted => return Err(Error::Interrupted { what: text(), tries: 1 }),
                Reply::Done(_) => return Ok(()),
                Reply::Refused { errno, report } => {
                    return Err(report.refusal(errno, text(), |offset| (naming.attribute)(message, offset)))
                }
            }
        }
    }

    fn send_messages(
        &mut self,
        messages: &[Message<'_>],
        flags: u16,
        naming: &Naming<'_>,
    ) -> Result<Awaited> {
        let count = u32::try_from(messages.len()).map_err(|_| Error::invalid(BYTES, "too many messages"))?;
        let awaited = self.core.begin(count);
        for (index, message) in messages.iter().enumerate() {
            let (header, body) = *message;
            let fill = |w: &mut Writer| {
                w.put(body);
                Ok(())
            };
            self.core
                .frame(header.ty, header.flags | flags, awaited.seq(index), fill)
                .map_err(|source| Error::encode((naming.one)(index, message), source))?;
        }
        self.socket.send(&self.core).map_err(|failure| failure.error(|| (naming.whole)(messages.len())))?;
        Ok(awaited)
    }
}

/// A message's header and body.
pub(super) type Message<'a> = (Header, &'a [u8]);

/// What errors call messages and attributes.
pub(super) struct Naming<'a> {
    /// So many messages together.
    pub whole: &'a dyn Fn(usize) -> String,
    /// The message with this index.
    pub one: &'a dyn Fn(usize, &Message<'_>) -> String,
    /// The attribute that starts so many bytes into the message's body.
    pub attribute: &'a dyn Fn(&Message<'_>, usize) -> Option<&'static str>,
}

/// For messages that somebody else has built.
const UNKNOWN: Naming<'static> =
    Naming { whole: &|count| format!("{count} messages"), one: &describe, attribute: &|_, _| None };

const BYTES: &str = "the bytes to send";

fn parse(messages: &[u8]) -> Result<Vec<Message<'_>>> {
    let not_messages = |_| Error::invalid(BYTES, "they are not whole netlink messages");
    Messages::new(messages).collect::<Result<_, _>>().map_err(not_messages)
}

/// All that is known of such a message.
fn describe(index: usize, (header, body): &Message<'_>) -> String {
    format!("message {} (type {:#06x}, {} bytes)", index + 1, header.ty, HEADER_LEN + body.len())
}

//! What can be asked of the kernel's objects, whatever they are: the contract between the objects of `tc` and `route` and the
//! connection that carries the requests.

use crate::error::Result;
use crate::text::{Page, WordError, Words};
use crate::wire::{Attrs, DecodeError, EncodeError, Reader, Writer};
use std::fmt::{self, Display, Formatter};

const NLM_F_ECHO: u16 = 0x8;
const NLM_F_REPLACE: u16 = 0x100;
const NLM_F_EXCL: u16 = 0x200;
const NLM_F_CREATE: u16 = 0x400;
const NLM_F_APPEND: u16 = 0x800;

/// What to do with one object. The words are those of `tc` and `ip`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verb {
    /// Create it; it must not be there.
    Add,
    /// Create it, or put it in the place of the one that is there.
    Replace,
    /// Change the one that is there.
    Change,
    /// Put it in the place of the one that is there (qdiscs: `tc qdisc link`).
    Link,
    /// Create it behind others with the same key (routes).
    Append,
    /// Create it in front of others with the same key (routes).
    Prepend,
    /// Delete it.
    Delete,
    /// Read it.
    Get,
}

impl Verb {
    /// The NLM_F_ flags beside NLM_F_REQUEST and NLM_F_ACK.
    pub fn flags(self) -> u16 {
        match self {
            Verb::Add => NLM_F_CREATE | NLM_F_EXCL,
            Verb::Replace => NLM_F_CREATE | NLM_F_REPLACE,
            Verb::Change | Verb::Link => NLM_F_REPLACE,
            Verb::Append => NLM_F_CREATE | NLM_F_APPEND,
            Verb::Prepend => NLM_F_CREATE,
            Verb::Delete => 0,
            // Qdiscs and classes are sent to whoever asks for one by name only with this flag; others do not mind it.
            Verb::Get => NLM_F_ECHO,
        }
    }

    /// The message type of this verb, where `new` is the object's RTM_NEW type: rtnetlink numbers NEW, DEL and GET in a row.
    pub fn message(self, new: u16) -> u16 {
        match self {
            Verb::Delete => new + 1,
            Verb::Get => new + 2,
            _ => new,
        }
    }
}

impl Display for Verb {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Verb::Add => "add",
            Verb::Replace => "replace",
            Verb::Change => "change",
            Verb::Link => "link",
            Verb::Append => "append",
            Verb::Prepend => "prepend",
            Verb::Delete => "del",
            Verb::Get => "get",
        })
    }
}

/// An object of the kernel that the verbs apply to.
pub trait Object: Sized {
    /// What it is called in messages: "qdisc", "route".
    const NOUN: &'static str;
    /// The RTM_NEW message type; RTM_DEL and RTM_GET follow it.
    const NEW: u16;
    /// The length of the fixed header in front of the attributes, such as 20 for `struct tcmsg`.
    const HEADER: usize;

    /// The NLM_F_ flags that the verb needs for this object.
    fn flags(&self, verb: Verb) -> u16 {
        verb.flags()
    }

    /// Appends the body of the request: the family's header and the attributes.
    ///
    /// # Errors
    /// Whatever makes the request meaningless, such as a filter to be added without a kind.
    fn encode(&self, verb: Verb, w: &mut Writer) -> Result<(), EncodeError>;

    /// Reads the body of a message that describes one object.
    fn decode(body: &[u8]) -> Result<Self, DecodeError>;

    /// The kernel's name of the attribute that stands `offset` bytes into the body of a request, for error messages.
    /// Most implementations are one call of [`attribute_at`].
    fn attribute_at(body: &[u8], offset: usize) -> Option<&'static str>;

    /// Writes the `tc` or `ip` command that does `verb` with this object.
    fn command(&self, verb: Verb, f: &mut Formatter<'_>) -> fmt::Result;
}

/// An object that reads itself from the `tc` or `ip` command that [`Object::command`] writes.
pub trait Spoken: Object {
    /// Reads the words behind the verb, all of them.
    ///
    /// # Errors
    /// A word is wrong or missing, or words are left over.
    fn hear(verb: Verb, words: &mut Words<'_>) -> Result<Self, WordError>;
}

/// What to list: which objects, and how to ask for them.
pub trait Query {
    /// What comes back.
    type Object: Object;

    /// Appends the body of the dump request.
    fn encode(&self, w: &mut Writer) -> Result<(), EncodeError>;

    /// Reads the body of a message that describes one object, as far as this query asks for it, into the place where a list
    /// hands it out: to move a large object takes as long as to read half of it. The object before it may still be there, and
    /// be overwritten.
    ///
    /// # Errors
    /// See [`Object::decode`]. What is in the place then means nothing.
    fn read(&self, body: &[u8], place: &mut Option<Result<Self::Object>>) -> Result<(), DecodeError> {
        *place = Some(Ok(Self::Object::decode(body)?));
        Ok(())
    }

    /// Whether the object is one of those asked for. The kernel does not filter every dump by everything that can be
    /// asked here. The query may also complete the object, with its device's name for example.
    fn take(&self, _object: &mut Self::Object) -> bool {
        true
    }

    /// Writes the `tc` or `ip` command that shows the same.
    fn command(&self, f: &mut Formatter<'_>) -> fmt::Result;
}

/// A query that reads itself from the `tc` or `ip` command that [`Query::command`] writes.
pub trait Asked: Query {
    /// Reads the words behind `show`, all of them.
    ///
    /// # Errors
    /// A word is wrong, or words are left over.
    fn hear(words: &mut Words<'_>) -> Result<Self, WordError>
    where
        Self: Sized;

    /// The one object that is asked for, where the kernel reads it without listing all: as in `ip link show dev v0`. Who
    /// does not find it this way has an error that names it, where a list would merely be empty.
    fn one(&self) -> Option<Self::Object> {
        None
    }

    /// Tells the page what the question said already, with [`Page::say`]: `tc` and `ip` do not repeat it for each object.
    fn said(&self, _page: &mut Page) {}
}

/// The object that is in the place of [`Query::read`], or a new one: to overwrite it costs less than to end it and make another.
#[inline(always)]
pub(crate) fn object_in<O>(place: &mut Option<Result<O>>, new: impl FnOnce() -> O) -> Option<&mut O> {
    if !matches!(place, Some(Ok(_))) {
        *place = Some(Ok(new()));
    }
    place.as_mut()?.as_mut().ok()
}

impl<Q: Query> Query for &Q {
    type Object = Q::Object;

    fn encode(&self, w: &mut Writer) -> Result<(), EncodeError> {
        (**self).encode(w)
    }

    fn read(&self, body: &[u8], place: &mut Option<Result<Self::Object>>) -> Result<(), DecodeError> {
        (**self).read(body, place)
    }

    fn take(&self, object: &mut Self::Object) -> bool {
        (**self).take(object)
    }

    fn command(&self, f: &mut Formatter<'_>) -> fmt::Result {
        (**self).command(f)
    }
}

/// A verb with its object: prints as the command that does the same.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a, O> {
    /// What to do.
    pub verb: Verb,
    /// With what.
    pub object: &'a O,
}

impl<'a, O: Object> Request<'a, O> {
    /// A request to do `verb` with `object`.
    pub fn new(verb: Verb, object: &'a O) -> Self {
        Request { verb, object }
    }
}

impl<O: Object> Display for Request<'_, O> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.object.command(self.verb, f)
    }
}

/// Hears the words behind `show`, and says what prints for them, or which of the words is wrong. What prints is heard as
/// the same question.
#[cfg(test)]
pub(crate) fn asked_again<Q: Asked>(words: &str) -> Result<String, usize> {
    struct Said<Q>(Q);
    impl<Q: Query> Display for Said<Q> {
        fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
            self.0.command(f)
        }
    }
    let hear = |words: &str| {
        let words: Vec<&str> = words.split_whitespace().collect();
        let command = Q::hear(&mut Words::new(&words)).map(|asked| Said(asked).to_string());
        // The program, the object and `show`.
        command.map(|command| command.split(' ').skip(3).collect::<Vec<_>>().join(" "))
    };
    let printed = hear(words).map_err(|error| error.at())?;
    assert_eq!(hear(&printed).as_ref(), Ok(&printed));
    Ok(printed)
}

/// The name of the attribute that starts `offset` bytes into a message body whose family header is `header` bytes long.
///
/// `name_at` knows the names; the walk follows the nests that contain the offset. A bounded number of levels is
/// followed: no set of the kernel nests deeper than that.
pub fn attribute_at(
    body: &[u8],
    header: usize,
    offset: usize,
    name_at: impl Fn(&[u16]) -> Option<&'static str>,
) -> Option<&'static str> {
    const LEVELS: usize = 16;
    let mut path = Vec::with_capacity(LEVELS);
    let mut base = header.next_multiple_of(4);
    let mut rest = body.get(base..)?;
    for _ in 0..LEVELS {
        let (start, attr) = containing(Reader::new(rest).attrs(), base, offset)?;
        path.push(attr.ty);
        if start == offset {
            break;
        }
        rest = attr.payload;
        base = start + 4;
    }
    name_at(&path)
}

/// The attribute that spans `offset`, and where it starts; the first one starts at `base`.
fn containing<'a>(attrs: Attrs<'a>, base: usize, offset: usize) -> Option<(usize, crate::wire::Attr<'a>)> {
    let mut start = base;
    for attr in attrs {
        let attr = attr.ok()?;
        let end = start + 4 + attr.payload.len();
        if (start..end).contains(&offset) {
            return Some((start, attr));
        }
        start = end.next_multiple_of(4);
    }
    None
}

/// Prints objects as the commands that create them.
macro_rules! print_as_command {
    ($($object:ty)*) => { $(
        /// The command that creates it.
        impl std::fmt::Display for $object {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                $crate::request::Object::command(self, $crate::request::Verb::Add, f)
            }
        }
    )* };
}
pub(crate) use print_as_command;

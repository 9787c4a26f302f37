//! The crate's objects by message type, and the bytes of a request.

use super::data::flags;
use tcnl::command::AnyObject;
use tcnl::request::{Object, Query, Verb};
use tcnl::wire::{EncodeError, Header, Writer};

/// Calls `$function::<Object>($arguments)` with the object that the message type is about; `None` for neighbours,
/// of which there are recordings but no object.
macro_rules! with_object {
    ($ty:expr, $function:ident($($argument:expr),* $(,)?)) => {
        match $ty / 4 * 4 {
            16 => Some($function::<tcnl::route::Link>($($argument),*)),
            20 => Some($function::<tcnl::route::Address>($($argument),*)),
            36 => Some($function::<tcnl::tc::Qdisc>($($argument),*)),
            40 => Some($function::<tcnl::tc::Class>($($argument),*)),
            44 => Some($function::<tcnl::tc::Filter>($($argument),*)),
            100 => Some($function::<tcnl::tc::Chain>($($argument),*)),
            48 => Some($function::<tcnl::tc::ActionTable>($($argument),*)),
            24 => Some($function::<tcnl::route::Route>($($argument),*)),
            32 => Some($function::<tcnl::route::Rule>($($argument),*)),
            104 => Some($function::<tcnl::route::Nexthop>($($argument),*)),
            // Neighbours.
            28 => None,
            other => panic!("no object has the message type {other}"),
        }
    };
}
pub(crate) use with_object;

const NLM_F_REQUEST: u16 = 0x1;
const NLM_F_ACK: u16 = 0x4;
const NLM_F_DUMP: u16 = 0x300;

/// The whole message that asks for `verb` with the object.
pub fn message<O: Object>(verb: Verb, object: &O) -> Result<Vec<u8>, EncodeError> {
    let flags = NLM_F_REQUEST | NLM_F_ACK | object.flags(verb);
    build(verb.message(O::NEW), flags, |w| object.encode(verb, w))
}

/// The same with an object of any type.
pub fn any_message(verb: Verb, object: &AnyObject) -> Result<Vec<u8>, EncodeError> {
    let flags = NLM_F_REQUEST | NLM_F_ACK | object.flags(verb);
    build(verb.message(object.message_type()), flags, |w| object.encode(verb, w))
}

/// The whole message that asks for a dump.
pub fn dump<Q: Query>(query: &Q) -> Result<Vec<u8>, EncodeError> {
    build(Verb::Get.message(Q::Object::NEW), NLM_F_REQUEST | NLM_F_DUMP, |w| query.encode(w))
}

fn build(
    ty: u16,
    flags: u16,
    body: impl FnOnce(&mut Writer) -> Result<(), EncodeError>,
) -> Result<Vec<u8>, EncodeError> {
    let mut w = Writer::default();
    w.message(Header { ty, flags, seq: 0, port: 0 }, |w| {
        if let Err(error) = body(w) {
            w.fail(error);
        }
    })?;
    Ok(w.bytes().to_vec())
}

/// What a recorded request asks for.
pub fn verb(message: &[u8]) -> Verb {
    const REPLACE: u16 = 0x100;
    const EXCL: u16 = 0x200;
    const CREATE: u16 = 0x400;
    const APPEND: u16 = 0x800;
    let ty = super::data::kind(message);
    match (ty % 4, flags(message) & 0xf00) {
        (1, _) => Verb::Delete,
        (2, _) => Verb::Get,
        (_, flags) if flags == CREATE | EXCL => Verb::Add,
        (_, flags) if flags == CREATE | REPLACE => Verb::Replace,
        (_, flags) if flags == CREATE | APPEND => Verb::Append,
        // Routes know what tc has no word for, and tc replaces without the flag.
        (_, CREATE) if (24..28).contains(&ty) => Verb::Prepend,
        (_, CREATE) => Verb::Replace,
        (_, 0 | REPLACE) => Verb::Change,
        (_, flags) => panic!("no verb has the flags {flags:#x}"),
    }
}

pub fn is_dump(message: &[u8]) -> bool {
    verb(message) == Verb::Get && flags(message) & NLM_F_DUMP == NLM_F_DUMP
}

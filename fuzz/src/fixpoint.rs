//! What must hold for whatever bytes a message has. The golden tests use it as well.

use tcnl::request::{Object, Request, Verb};
use tcnl::text::{Layout, Page, Show};
use tcnl::wire::{EncodeError, Header, Messages, Writer};

/// Checks the body of a message of this type, if the crate has an object for it.
pub fn check(ty: u16, body: &[u8]) -> Result<(), String> {
    match ty / 4 * 4 {
        16 => holds::<tcnl::route::Link>(body),
        20 => holds::<tcnl::route::Address>(body),
        36 => holds::<tcnl::tc::Qdisc>(body),
        40 => holds::<tcnl::tc::Class>(body),
        44 => holds::<tcnl::tc::Filter>(body),
        100 => holds::<tcnl::tc::Chain>(body),
        48 => holds::<tcnl::tc::ActionTable>(body),
        24 => holds::<tcnl::route::Route>(body),
        32 => holds::<tcnl::route::Rule>(body),
        104 => holds::<tcnl::route::Nexthop>(body),
        _ => Ok(()),
    }
}

/// The RTM_NEW types that [`check`] knows.
pub const TYPES: &[u16] = &[16, 20, 24, 32, 36, 40, 44, 48, 100, 104];

/// The bytes decode to an object or to an error. An object prints, and encodes to a message or to an error; a message
/// decodes to an object that encodes to the same message, and the name of every attribute in it can be asked for. It shows
/// itself, too.
fn holds<O: Object + Show>(body: &[u8]) -> Result<(), String> {
    let Ok(object) = O::decode(body) else { return Ok(()) };
    for json in [false, true] {
        object.show(&mut Page::new(Layout { json, stats: 2, details: true, raw: true, ..Layout::default() }));
    }
    for verb in [Verb::Add, Verb::Replace, Verb::Change, Verb::Append, Verb::Prepend, Verb::Delete, Verb::Get]
    {
        let command = Request::new(verb, &object).to_string();
        let Ok(first) = encode(verb, &object) else { continue };
        let sent = Messages::new(&first).next().ok_or("no message")?.map_err(|error| error.to_string())?.1;
        let again = O::decode(sent).map_err(|error| format!("`{command}` does not decode: {error}"))?;
        let second =
            encode(verb, &again).map_err(|error| format!("`{command}` does not encode again: {error}"))?;
        if first != second {
            return Err(format!("`{command}` is not a fixpoint\n{first:02x?}\n{second:02x?}"));
        }
        for offset in (0..sent.len().min(400)).step_by(4) {
            O::attribute_at(sent, offset);
        }
    }
    Ok(())
}

fn encode<O: Object>(verb: Verb, object: &O) -> Result<Vec<u8>, EncodeError> {
    let mut w = Writer::default();
    w.message(Header { ty: verb.message(O::NEW), flags: object.flags(verb), seq: 0, port: 0 }, |w| {
        if let Err(error) = object.encode(verb, w) {
            w.fail(error);
        }
    })?;
    Ok(w.bytes().to_vec())
}

/// An object of which all fields are sent decodes to itself.
pub fn same<O: Object + PartialEq + std::fmt::Debug>(object: &O) {
    let Ok(bytes) = encode(Verb::Add, object) else { return };
    let body = &bytes[tcnl::wire::HEADER_LEN..];
    assert_eq!(O::decode(body).as_ref(), Ok(object));
}

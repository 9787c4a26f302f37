//! What must hold for whatever bytes a message has. The golden tests use it as well.

use super::bounded::bounded;
use tcnl::request::{Object, Request, Verb};
use tcnl::text::{Layout, Page, Show};
use tcnl::wire::{EncodeError, Header, Messages, Writer};

/// The RTM_NEW types that [`check`] knows.
pub const TYPES: &[u16] = &[16, 20, 24, 32, 36, 40, 44, 48, 100, 104];

/// Something that is done with an object.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// It shows itself, with all that it has.
    Show { json: bool },
    /// It prints, and encodes to a message or to an error; a message decodes to an object that encodes to the same message.
    Send(Verb),
    /// The name of every attribute in its message can be asked for.
    Name,
}

/// All that is done.
pub const STEPS: &[Step] = &[
    Step::Send(Verb::Add),
    Step::Show { json: false },
    Step::Show { json: true },
    Step::Send(Verb::Replace),
    Step::Send(Verb::Change),
    Step::Send(Verb::Append),
    Step::Send(Verb::Prepend),
    Step::Send(Verb::Delete),
    Step::Send(Verb::Get),
    Step::Name,
];

/// Checks the body of a message of this type, if the crate has an object for it: the bytes decode to an object or to an error, and what
/// the steps say holds of the object.
pub fn check(ty: u16, body: &[u8], steps: &[Step]) -> Result<(), String> {
    match ty / 4 * 4 {
        16 => holds::<tcnl::route::Link>(body, steps),
        20 => holds::<tcnl::route::Address>(body, steps),
        36 => holds::<tcnl::tc::Qdisc>(body, steps),
        40 => holds::<tcnl::tc::Class>(body, steps),
        44 => holds::<tcnl::tc::Filter>(body, steps),
        100 => holds::<tcnl::tc::Chain>(body, steps),
        48 => holds::<tcnl::tc::ActionTable>(body, steps),
        24 => holds::<tcnl::route::Route>(body, steps),
        32 => holds::<tcnl::route::Rule>(body, steps),
        104 => holds::<tcnl::route::Nexthop>(body, steps),
        _ => Ok(()),
    }
}

fn holds<O: Object + Show>(body: &[u8], steps: &[Step]) -> Result<(), String> {
    let Ok(object) = bounded(body, || O::decode(body)) else { return Ok(()) };
    steps.iter().try_for_each(|step| match *step {
        Step::Show { json } => {
            object.show(&mut Page::new(Layout {
                json,
                stats: 2,
                details: true,
                raw: true,
                ..Layout::default()
            }));
            Ok(())
        }
        Step::Send(verb) => sends(verb, &object),
        Step::Name => {
            names(&object);
            Ok(())
        }
    })
}

fn sends<O: Object>(verb: Verb, object: &O) -> Result<(), String> {
    let command = Request::new(verb, object).to_string();
    let Ok(first) = encode(verb, object) else { return Ok(()) };
    let again = O::decode(body(&first)).map_err(|error| format!("`{command}` does not decode: {error}"))?;
    let second =
        encode(verb, &again).map_err(|error| format!("`{command}` does not encode again: {error}"))?;
    match first == second {
        true => Ok(()),
        false => Err(format!("`{command}` is not a fixpoint\n{first:02x?}\n{second:02x?}")),
    }
}

fn names<O: Object>(object: &O) {
    let Ok(message) = encode(Verb::Add, object) else { return };
    for offset in (0..message.len().min(400)).step_by(4) {
        O::attribute_at(body(&message), offset);
    }
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

/// What the header's length says is the body of a message that was encoded.
fn body(message: &[u8]) -> &[u8] {
    let whole = Messages::new(message).next().expect("a message").expect("as it was encoded");
    whole.1
}

/// An object of which all fields are sent decodes to itself.
pub fn same<O: Object + PartialEq + std::fmt::Debug>(object: &O) {
    let Ok(bytes) = encode(Verb::Add, object) else { return };
    assert_eq!(O::decode(body(&bytes)).as_ref(), Ok(object));
}

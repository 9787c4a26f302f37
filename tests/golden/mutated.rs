//! Whatever bytes a message has, it decodes to something or to an error, and what it decodes to is a fixpoint: encoded
//! and read again, it encodes to the same bytes.

use super::data::{body, kind, replies, requests};
use super::objects::{message, with_object};
use proptest::collection::vec;
use proptest::prelude::*;
use std::sync::LazyLock;
use tcnl::request::{Object, Request, Verb};

/// All recorded messages, each once.
static RECORDED: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let requests = requests().into_iter().flat_map(|request| request.messages);
    let mut all: Vec<_> = requests.chain(replies().into_iter().flat_map(|reply| reply.messages)).collect();
    all.sort();
    all.dedup();
    all
});

/// The RTM_NEW types of all objects of the crate.
const TYPES: &[u16] = &[16, 20, 24, 32, 36, 40, 44, 48, 100, 104];

/// One thing that happens to a message's body.
#[derive(Clone, Debug)]
enum Damage {
    Set(prop::sample::Index, u8),
    /// A 16-bit length or number at a place where attributes start.
    Length(prop::sample::Index, u16),
    Cut(prop::sample::Index),
    Append(Vec<u8>),
    /// A part of another message.
    Splice(prop::sample::Index, prop::sample::Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    use prop::sample::Index;
    prop_oneof![
        4 => any::<(Index, u8)>().prop_map(|(at, byte)| Damage::Set(at, byte)),
        2 => (any::<Index>(), prop_oneof![0u16..80, any::<u16>()]).prop_map(|(at, n)| Damage::Length(at, n)),
        1 => any::<Index>().prop_map(Damage::Cut),
        1 => vec(any::<u8>(), 0..40).prop_map(Damage::Append),
        1 => any::<(Index, Index)>().prop_map(|(from, at)| Damage::Splice(from, at)),
    ]
}

impl Damage {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let end = bytes.len().max(1);
        match self {
            Damage::Set(at, byte) => {
                if let Some(place) = bytes.get_mut(at.index(end)) {
                    *place = *byte;
                }
            }
            Damage::Length(at, number) => {
                let at = at.index(end) / 4 * 4;
                if let Some(place) = bytes.get_mut(at..at + 2) {
                    place.copy_from_slice(&number.to_ne_bytes());
                }
            }
            Damage::Cut(at) => bytes.truncate(at.index(end)),
            Damage::Append(more) => bytes.extend(more),
            Damage::Splice(from, at) => {
                let other = body(from.get::<Vec<u8>>(&RECORDED));
                bytes.truncate(at.index(end) / 4 * 4);
                bytes.extend(other.get(bytes.len()..).unwrap_or_default());
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn damaged_recordings_never_panic_and_are_fixpoints(
        recorded in any::<prop::sample::Index>(),
        damage in vec(damage(), 0..6),
    ) {
        let recorded = recorded.get::<Vec<u8>>(&RECORDED);
        let mut bytes = body(recorded).to_vec();
        damage.iter().for_each(|damage| damage.apply(&mut bytes));
        with_object!(kind(recorded), holds(&bytes)).unwrap_or(Ok(()))?;
    }

    #[test]
    fn arbitrary_bytes_never_panic_and_are_fixpoints(bytes in vec(any::<u8>(), 0..300)) {
        for ty in TYPES {
            with_object!(*ty, holds(&bytes)).unwrap_or(Ok(()))?;
        }
    }
}

fn holds<O: Object>(bytes: &[u8]) -> Result<(), TestCaseError> {
    let Ok(object) = O::decode(bytes) else { return Ok(()) };
    for verb in [Verb::Add, Verb::Replace, Verb::Change, Verb::Delete, Verb::Get] {
        let _ = Request::new(verb, &object).to_string();
        // Values that no message can carry are refused, and that is all.
        let Ok(first) = message(verb, &object) else { continue };
        let again = O::decode(body(&first)).map_err(|error| TestCaseError::fail(format!("{verb}: {error}")))?;
        let second = message(verb, &again).map_err(|error| TestCaseError::fail(format!("{verb}: {error}")))?;
        prop_assert_eq!(&first, &second, "{}", verb);
        for offset in 0..first.len().min(400) {
            let _ = O::attribute_at(body(&first), offset);
        }
    }
    Ok(())
}

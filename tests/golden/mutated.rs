//! Whatever happens to a recorded message, what the fuzz targets check holds: nothing panics, and what can be decoded is
//! a fixpoint.

use super::data::{body, kind, replies, requests};
use super::fixpoint;
use proptest::collection::vec;
use proptest::prelude::*;
use std::sync::LazyLock;

/// All recorded messages, each once.
static RECORDED: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let requests = requests().into_iter().flat_map(|request| request.messages);
    let mut all: Vec<_> = requests.chain(replies().into_iter().flat_map(|reply| reply.messages)).collect();
    all.sort();
    all.dedup();
    all
});

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
        prop_assert_eq!(fixpoint::check(kind(recorded), &bytes), Ok(()));
    }

    #[test]
    fn arbitrary_bytes_never_panic_and_are_fixpoints(bytes in vec(any::<u8>(), 0..300)) {
        for ty in fixpoint::TYPES {
            prop_assert_eq!(fixpoint::check(*ty, &bytes), Ok(()));
        }
    }
}

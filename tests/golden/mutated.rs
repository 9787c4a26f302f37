//! Whatever happens to a recorded message, what the fuzz targets check holds: nothing panics, memory is bounded, and what can be
//! decoded is a fixpoint. Messages are changed as trees of attributes, and as bytes.

use super::data::{body, kind, replies, requests, BIG_ENDIAN};
use super::fixpoint::{self, STEPS};
use super::tree::{Inner, Node, Tree};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use std::sync::LazyLock;

/// All recorded messages, each once.
pub static RECORDED: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let requests = requests().into_iter().flat_map(|request| request.messages);
    // There are no replies of a big-endian kernel.
    let replies = if BIG_ENDIAN { Vec::new() } else { replies() };
    let mut all: Vec<_> = requests.chain(replies.into_iter().flat_map(|reply| reply.messages)).collect();
    all.sort();
    all.dedup();
    all
});

/// One thing that happens to the attributes of a set. Where nothing else is said, the lengths around it are what they must be.
#[derive(Clone, Debug)]
enum Change {
    Type(u16),
    /// The attribute says a length that it does not have; those around it do not know.
    Lie(i16),
    /// Its payload ends early.
    Cut(Index),
    Extend(Vec<u8>),
    Repeat,
    Remove,
    /// It changes places with another one.
    Swap(Index),
    /// It is put into a nest.
    Nest(u16),
    /// What is in it takes its place.
    Unnest,
    /// An attribute that nobody knows comes before it.
    Unknown(u16, Vec<u8>),
    /// It is put into itself, so often.
    Deepen(u8),
}

fn change() -> impl Strategy<Value = Change> {
    let number = || prop_oneof![0u16..70, any::<u16>()];
    prop_oneof![
        number().prop_map(Change::Type),
        prop_oneof![-20i16..40, any::<i16>()].prop_map(Change::Lie),
        any::<Index>().prop_map(Change::Cut),
        vec(any::<u8>(), 1..20).prop_map(Change::Extend),
        Just(Change::Repeat),
        Just(Change::Remove),
        any::<Index>().prop_map(Change::Swap),
        number().prop_map(Change::Nest),
        Just(Change::Unnest),
        (number(), vec(any::<u8>(), 0..12)).prop_map(|(ty, payload)| Change::Unknown(ty, payload)),
        (1u8..40).prop_map(Change::Deepen),
    ]
}

impl Change {
    fn apply(&self, nodes: &mut Vec<Node>, at: usize) {
        let count = nodes.len();
        let Some(node) = nodes.get_mut(at) else { return };
        match self {
            Change::Type(ty) => node.ty = *ty,
            Change::Lie(more) => node.lie = *more,
            Change::Cut(end) => {
                let mut bytes = node.payload();
                bytes.truncate(end.index(bytes.len() + 1));
                node.inner = Inner::Bytes(bytes);
            }
            Change::Extend(more) => node.inner = Inner::Bytes([node.payload(), more.clone()].concat()),
            Change::Repeat => nodes.insert(at, nodes[at].clone()),
            Change::Remove => drop(nodes.remove(at)),
            Change::Swap(other) => nodes.swap(at, other.index(count)),
            Change::Nest(ty) => node.nest(*ty),
            Change::Unnest => {
                if let Inner::Nest(tree) = nodes.remove(at).inner {
                    nodes.splice(at..at, tree.nodes);
                }
            }
            Change::Unknown(ty, payload) => {
                nodes.insert(at, Node::new(*ty, Inner::Bytes(payload.clone())));
            }
            Change::Deepen(times) => (0..*times).for_each(|_| node.nest(node.ty)),
        }
    }
}

/// One thing that happens to bytes.
#[derive(Clone, Debug)]
enum Damage {
    Set(Index, u8),
    /// A 16-bit length or number at a place where attributes start.
    Length(Index, u16),
    Cut(Index),
    Append(Vec<u8>),
    /// A part of another message.
    Splice(Index, Index),
}

fn damage() -> impl Strategy<Value = Damage> {
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
    #[test]
    fn damaged_recordings_never_panic_and_are_fixpoints(
        recorded in any::<Index>(),
        damage in vec(damage(), 0..6),
    ) {
        let recorded = recorded.get::<Vec<u8>>(&RECORDED);
        let mut bytes = body(recorded).to_vec();
        damage.iter().for_each(|damage| damage.apply(&mut bytes));
        prop_assert_eq!(fixpoint::check(kind(recorded), &bytes, STEPS), Ok(()));
    }

    #[test]
    fn recordings_whose_attributes_change_never_panic_and_are_fixpoints(
        recorded in any::<Index>(),
        changes in vec((any::<Index>(), any::<Index>(), change()), 1..6),
        damage in prop::option::of(damage()),
    ) {
        let recorded = recorded.get::<Vec<u8>>(&RECORDED);
        let mut tree = Tree::of(recorded);
        for (set, at, change) in &changes {
            let set = set.index(tree.sets());
            tree.nth(set, |tree| {
                let at = at.index(tree.nodes.len().max(1));
                change.apply(&mut tree.nodes, at);
            });
        }
        let mut bytes = tree.write();
        damage.iter().for_each(|damage| damage.apply(&mut bytes));
        prop_assert_eq!(fixpoint::check(kind(recorded), &bytes, STEPS), Ok(()));
    }

    #[test]
    fn arbitrary_bytes_never_panic_and_are_fixpoints(bytes in vec(any::<u8>(), 0..300)) {
        for ty in fixpoint::TYPES {
            prop_assert_eq!(fixpoint::check(*ty, &bytes, STEPS), Ok(()));
        }
    }
}

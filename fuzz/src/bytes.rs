//! Attributes, the options of every kind, and whole messages.

use super::bounded::bounded;
use super::fixpoint::{self, STEPS, TYPES};
use tcnl::tc::{ActionKind, ClassKind, FilterKind, QdiscKind};
use tcnl::wire::{Messages, RawAttr, Reader, Writer};

/// Walks messages and attributes, nested as far as they go. What was walked is written again: the same attributes.
pub fn wire(data: &[u8]) {
    for message in Messages::new(data) {
        let Ok((_, body)) = message else { break };
        walk(body, 0);
    }
    walk(data, 0);
}

fn walk(bytes: &[u8], depth: usize) {
    let attrs = || Reader::new(bytes).attrs().map_while(Result::ok).map(RawAttr::from);
    let attrs: Vec<RawAttr> = bounded(bytes, || attrs().collect());
    let mut w = Writer::default();
    attrs.iter().for_each(|attr| w.raw(attr));
    assert_eq!(w.finish(), Ok(()));
    let again = Reader::new(w.bytes()).attrs().map(|attr| attr.expect("as it was written"));
    assert!(again.map(RawAttr::from).eq(attrs.iter().cloned()));
    if depth < 8 {
        attrs.iter().for_each(|attr| walk(&attr.payload, depth + 1));
    }
}

/// The first byte says the kind and what is done with it, the others are its options.
pub fn kinds(data: &[u8]) {
    let Some((pick, options)) = data.split_first() else { return };
    let all =
        [(36, QdiscKind::KNOWN), (40, ClassKind::KNOWN), (44, FilterKind::KNOWN), (48, ActionKind::KNOWN)];
    let known = || all.into_iter().flat_map(|(ty, kinds)| kinds.iter().map(move |kind| (ty, *kind)));
    let count = known().count();
    let (pick, step) = (usize::from(*pick) % count, usize::from(*pick) / count);
    let Some((ty, kind)) = known().nth(pick) else { return };
    let mut w = Writer::default();
    let object = |w: &mut Writer| {
        w.attr_with(1, |w| w.put(kind.as_bytes()));
        w.attr_with(2, |w| w.put(options));
    };
    match ty {
        // struct tcamsg, TCA_ACT_TAB, the first action.
        48 => {
            w.put(&[0; 4]);
            w.attr_with(1, |w| w.attr_with(1, object));
        }
        // struct tcmsg.
        _ => {
            w.put(&[0; 20]);
            object(&mut w);
        }
    }
    // Options longer than an attribute can be.
    if w.finish().is_ok() {
        assert_eq!(one(ty, w.bytes(), step), Ok(()), "{kind}");
    }
}

/// The first byte says the object and what is done with it, the others are its message's body.
pub fn messages(data: &[u8]) {
    let Some((pick, body)) = data.split_first() else { return };
    let pick = usize::from(*pick);
    assert_eq!(one(TYPES[pick % TYPES.len()], body, pick / TYPES.len()), Ok(()));
}

/// Not all that must hold, but one thing: a fuzzer is the better the more it tries.
fn one(ty: u16, body: &[u8], step: usize) -> Result<(), String> {
    fixpoint::check(ty, body, &STEPS[step % STEPS.len()..][..1])
}

//! The bodies of the fuzz targets. Each takes whatever bytes there are and panics if something does not hold.
//!
//! `cargo fuzz run TARGET` runs one; without a nightly compiler, `RUSTC_BOOTSTRAP=1 cargo fuzz run TARGET`. `./seed`
//! fills `corpus` from the recordings in `tests/golden`.

pub mod fixpoint;
pub mod language;

use tcnl::route::{Nexthop, Route, Rule};
use tcnl::tc::{
    Action, ActionKind, ActionTable, Class, ClassKind, Filter, FilterKind, Protocol, Qdisc, QdiscKind,
};
use tcnl::units::Handle;
use tcnl::wire::generate::{Generate, Source};
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
    let attrs: Vec<RawAttr> = Reader::new(bytes).attrs().map_while(Result::ok).map(RawAttr::from).collect();
    let mut w = Writer::default();
    attrs.iter().for_each(|attr| w.raw(attr));
    assert_eq!(w.finish(), Ok(()));
    let again: Vec<RawAttr> =
        Reader::new(w.bytes()).attrs().map(|attr| attr.expect("as it was written").into()).collect();
    assert_eq!(attrs, again);
    if depth < 8 {
        attrs.iter().for_each(|attr| walk(&attr.payload, depth + 1));
    }
}

/// The first byte says the kind, the others are its options.
pub fn kinds(data: &[u8]) {
    let Some((pick, options)) = data.split_first() else { return };
    let all =
        [(36, QdiscKind::KNOWN), (40, ClassKind::KNOWN), (44, FilterKind::KNOWN), (48, ActionKind::KNOWN)];
    let kinds: Vec<_> =
        all.into_iter().flat_map(|(ty, kinds)| kinds.iter().map(move |kind| (ty, *kind))).collect();
    let (ty, kind) = kinds[usize::from(*pick) % kinds.len()];
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
        assert_eq!(fixpoint::check(ty, w.bytes()), Ok(()), "{kind}");
    }
}

/// The first byte says the object, the others are its message's body.
pub fn messages(data: &[u8]) {
    let Some((pick, body)) = data.split_first() else { return };
    let ty = fixpoint::TYPES[usize::from(*pick) % fixpoint::TYPES.len()];
    assert_eq!(fixpoint::check(ty, body), Ok(()));
}

/// Objects drawn from the bytes decode to what they were encoded from.
pub fn generated(data: &[u8]) {
    let mut g = Source::new(data);
    let under = Handle::new(1, 0);
    fixpoint::same(&Qdisc::root(1).kind(QdiscKind::generate(&mut g)));
    fixpoint::same(&Class::under(1, under).id(Handle::new(1, 1)).kind(ClassKind::generate(&mut g)));
    fixpoint::same(&Filter::on(1, under).protocol(Protocol::Ip).kind(FilterKind::generate(&mut g)));
    fixpoint::same(&ActionTable::of([Action::generate(&mut g)]));
    fixpoint::same(&Route::generate(&mut g));
    fixpoint::same(&Rule::generate(&mut g));
    fixpoint::same(&Nexthop::generate(&mut g));
}

/// Text is refused or read; what is read prints, and reads as it was printed.
pub fn language(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        assert_eq!(language::check(text), Ok(()));
    }
}

/// Datagrams from the kernel and from others, to a connection that waits for answers.
pub fn replies(data: &[u8]) {
    tcnl::netlink::fuzz::replies(data);
}

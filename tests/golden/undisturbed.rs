//! What means nothing changes nothing: the order of attributes, and attributes that nobody knows.

use super::data::{body, kind, readable_here};
use super::meaning::{hex, Meaning, Set};
use super::mutated::RECORDED;
use super::objects::{message, with_object};
use super::tree::{Inner, Node, Tree};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use tcnl::request::{Object, Verb};
use tcnl::text::{Layout, Page, Show};
use tcnl::wire::DecodeError;

/// TCA_STATS_PKT64, which stands twice and belongs to what is before it.
const PKT64: u16 = 8;

/// All that a message's object means: what it shows of itself, and what is sent for it.
#[derive(Debug, PartialEq)]
struct Understood {
    shown: String,
    sent: Option<Meaning>,
}

fn understood(ty: u16, body: &[u8]) -> Option<Result<Understood, DecodeError>> {
    fn of<O: Object + Show>(body: &[u8]) -> Result<Understood, DecodeError> {
        let object = O::decode(body)?;
        let mut page = Page::new(Layout { json: true, stats: 2, details: true, ..Layout::default() });
        object.show(&mut page);
        Ok(Understood {
            shown: page.take(),
            sent: message(Verb::Replace, &object).ok().map(|sent| Meaning::of(&sent)),
        })
    }
    with_object!(ty, of(body))
}

/// Puts attributes in another order, of which a key for each number decides: those of the same number stay as they are among themselves.
fn shuffle(set: &mut Tree, keys: &[u8]) {
    // The numbers of actions are their places.
    if set.set == Set::Actions {
        return;
    }
    let mut groups: Vec<Vec<Node>> = Vec::new();
    for node in set.nodes.drain(..) {
        match groups.last_mut().filter(|_| set.set == Set::Stats && node.ty == PKT64) {
            Some(group) => group.push(node),
            None => groups.push(vec![node]),
        }
    }
    groups.sort_by_key(|group| keys[usize::from(group[0].ty & 0x3fff) % keys.len()]);
    set.nodes = groups.concat();
}

proptest! {
    #[test]
    fn the_order_of_attributes_means_nothing(recorded in any::<Index>(), keys in vec(any::<u8>(), 64)) {
        let recorded = recorded.get::<Vec<u8>>(&RECORDED);
        let mut tree = Tree::of(recorded);
        tree.each(&mut |set| shuffle(set, &keys));
        prop_assert_eq!(understood(kind(recorded), &tree.write()), understood(kind(recorded), body(recorded)));
    }

    #[test]
    fn what_nobody_knows_disturbs_nothing_and_is_sent_back(
        recorded in any::<Index>(),
        set in any::<Index>(),
        at in any::<Index>(),
        ty in 0x3000u16..0x3fff,
        payload in vec(any::<u8>(), 0..12),
    ) {
        let recorded = recorded.get::<Vec<u8>>(&RECORDED);
        let mut tree = Tree::of(recorded);
        let set = set.index(tree.sets());
        let mut is_sent = true;
        tree.nth(set, |set| {
            // The one is only reported, and the other holds nothing but actions.
            is_sent = !matches!(set.set, Set::Stats | Set::Actions);
            if set.set != Set::Actions {
                let at = at.index(set.nodes.len() + 1);
                set.nodes.insert(at, Node::new(ty, Inner::Bytes(payload.clone())));
            }
        });
        let (Some(Ok(with)), Some(Ok(without))) =
            (understood(kind(recorded), &tree.write()), understood(kind(recorded), body(recorded)))
        else {
            return Ok(());
        };
        prop_assert_eq!(&with.shown, &without.shown);
        let (Some(with), Some(without)) = (with.sent, without.sent) else { return Ok(()) };
        let new: Vec<_> = with.differences(&without);
        match (&new[..], is_sent) {
            ([], false) => (),
            ([(path, Some(kept), None)], true) => {
                prop_assert!(path.ends_with(&ty.to_string()), "{}", path);
                prop_assert_eq!(*kept, &payload[..]);
            }
            _ => prop_assert!(false, "{:?}", new.iter().map(|(path, a, b)| format!("{path}: {} {}", hex(*a), hex(*b))).collect::<Vec<_>>()),
        }
    }
}

#[test]
fn nearly_all_that_is_recorded_is_understood_and_most_of_it_is_sent() {
    if !readable_here("nearly_all_that_is_recorded_is_understood_and_most_of_it_is_sent") {
        return;
    }
    let objects: Vec<_> =
        RECORDED.iter().filter_map(|message| understood(kind(message), body(message))).collect();
    let understood = objects.iter().flatten().count();
    let sent = objects.iter().flatten().filter(|object| object.sent.is_some()).count();
    assert!(
        objects.len() > 1000 && understood * 100 > objects.len() * 95,
        "{understood} of {}",
        objects.len()
    );
    assert!(sent * 2 > objects.len(), "{sent} of {}", objects.len());
}

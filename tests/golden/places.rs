//! A list lends its objects from one place, and overwrites there the one before: nothing of it may remain.

use super::data::{body, kind, readable_here};
use super::mutated::RECORDED;
use tcnl::request::{Object, Query};
use tcnl::tc::{Class, Filter, Qdisc};
use tcnl::units::Handle;

/// Reads every recorded message behind every other, and behind the half of every other.
fn nothing_remains<Q: Query>(query: &Q)
where
    Q::Object: PartialEq + std::fmt::Debug,
{
    let mut bodies: Vec<&[u8]> = RECORDED
        .iter()
        .filter(|message| kind(message) == Q::Object::NEW)
        .map(|message| body(message))
        .collect();
    let whole = bodies.len();
    let halves: Vec<&[u8]> = bodies.iter().map(|body| &body[..body.len() / 8 * 4]).collect();
    bodies.extend(halves);
    assert!(whole > 20, "{whole} messages");
    for second in &bodies[..whole] {
        let Ok(alone) = Q::Object::decode(second) else { continue };
        for first in &bodies {
            let mut place = None;
            // What cannot be read leaves something behind, too.
            let _ = query.read(first, &mut place);
            query.read(second, &mut place).expect("it could be read alone");
            let read = place.expect("an object").expect("an object");
            assert_eq!(read, alone, "behind {first:02x?}");
        }
    }
}

#[test]
fn what_is_read_into_the_place_of_another_object_is_as_if_it_had_been_read_alone() {
    if !readable_here("what_is_read_into_the_place_of_another_object_is_as_if_it_had_been_read_alone") {
        return;
    }
    nothing_remains(&Qdisc::all());
    nothing_remains(&Class::of(10));
    nothing_remains(&Filter::of(10).parent(Handle::new(1, 0)));
}

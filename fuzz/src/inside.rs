//! What the crate shows of its inside to its fuzz targets only.

use super::fixpoint;
use tcnl::route::{Nexthop, Route, Rule};
use tcnl::tc::{Action, ActionTable, Class, ClassKind, Filter, FilterKind, Protocol, Qdisc, QdiscKind};
use tcnl::units::Handle;
use tcnl::wire::generate::{Generate, Source};

/// Objects drawn from the bytes decode to what they were encoded from.
pub fn generated(data: &[u8]) {
    let mut g = Source::new(data);
    let under = Handle::new(1, 0);
    match g.byte() % 7 {
        0 => fixpoint::same(&Qdisc::root(1).kind(QdiscKind::generate(&mut g))),
        1 => fixpoint::same(&Class::under(1, under).id(Handle::new(1, 1)).kind(ClassKind::generate(&mut g))),
        2 => fixpoint::same(&Filter::on(1, under).protocol(Protocol::Ip).kind(FilterKind::generate(&mut g))),
        3 => fixpoint::same(&ActionTable::of([Action::generate(&mut g)])),
        4 => fixpoint::same(&Route::generate(&mut g)),
        5 => fixpoint::same(&Rule::generate(&mut g)),
        _ => fixpoint::same(&Nexthop::generate(&mut g)),
    }
}

/// Datagrams from the kernel and from others, to a connection that waits for answers.
pub fn replies(data: &[u8]) {
    tcnl::netlink::fuzz::replies(data);
}

/// What nf_tables and connection tracking answer.
pub fn netfilter(data: &[u8]) {
    tcnl::netfilter::fuzz::answers(data);
}

/// What is read of the system, from sockets and from files below /proc and /etc.
pub fn system(data: &[u8]) {
    tcnl::uplink::fuzz::system(data);
}

//! What actions do to packets: redirected, dropped, policed and marked packets are counted where they should be, and no others.

use crate::common::{ip, tc, trial, Outcome, Stop};
use crate::traffic::{class, filter, send, send_on, Lab, IN, OUT, REST};
use crate::twice::skip_what_is_not_there;
use libtest_mimic::Trial;
use std::net::UdpSocket;
use std::time::Duration;
use tcnl::netlink::Connection;
use tcnl::tc::gact::Gact;
use tcnl::tc::mirred::Mirred;
use tcnl::tc::police::Police;
use tcnl::tc::skbedit::Skbedit;
use tcnl::tc::u32::{Match, U32};
use tcnl::tc::{Action, Control, Filter, FilterKind, Filters, Protocol};
use tcnl::units::{Rate, Size};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("what is redirected to an ifb is shaped there", ingress_redirect),
        trial("what is mirrored goes on and is counted twice", mirror),
        trial("what gact drops on arrival does not arrive", drop_on_arrival),
        trial("police drops what exceeds and counts it", police),
        trial("a policer that is part of a filter drops what exceeds", old_police),
        trial("the priority that skbedit sets chooses a class", skbedit_priority),
        trial("the mark that skbedit sets is found by the next qdisc", skbedit_mark),
        trial("a packet that goes to a chain meets its filters", chain),
        trial("a shared block sees the packets of all its devices", block),
    ]
}

const I0: u32 = 20;

fn add(lab: &mut Lab, filters: impl IntoIterator<Item = Filter>) -> Outcome {
    lab.filter(filters).map_err(skip_what_is_not_there)
}

fn port(port: u16) -> U32 {
    U32::new().matching(Match::ip_dport(port))
}

/// The packets that the first action of each filter has seen, and those that it dropped.
fn seen(nl: &mut Connection, query: Filters) -> Result<Vec<(u64, u32)>, Stop> {
    let first = |filter: Filter| match filter.kind {
        Some(FilterKind::U32(kind)) => kind.actions.and_then(|actions| actions.0.into_iter().next()),
        _ => None,
    };
    let count = |(_, action): (u16, Action)| action.stats.map(|stats| (stats.packets, stats.queue.drops));
    Ok(nl.snapshot(query)?.into_iter().filter_map(first).filter_map(count).collect())
}

/// An ifb on which packets are counted as on `v0`.
fn with_ifb() -> Result<Lab, Stop> {
    let mut lab = Lab::new()?;
    ip("link add i0 index 20 type ifb")?;
    ip("link set i0 addrgenmode none")?;
    ip("link set i0 up")?;
    lab.count_on(I0)?;
    let on_ifb = Filter::on(I0, crate::traffic::ROOT).protocol(Protocol::Ip).prio(1);
    lab.filter([on_ifb.kind(port(5000).class(class(1)))])?;
    Ok(lab)
}

fn ingress_redirect() -> Outcome {
    let mut lab = with_ifb()?;
    tc("qdisc add dev v1 ingress")?;
    let ten = U32::new().matching(Match::ip_dst([10, 1, 0, 0].into(), 16)?);
    let arriving = Filter::ingress(IN).protocol(Protocol::Ip).prio(1);
    add(&mut lab, [arriving.kind(ten.action(Mirred::egress_redirect(I0)))])?;
    send(3, "10.1.0.1:5000")?;
    send(2, "10.1.0.1:5001")?;
    send(4, "10.2.0.1:5000")?;
    lab.counted_on(OUT, &[(REST, 9)])?;
    lab.counted_on(I0, &[(1, 3), (REST, 2)])?;
    assert_eq!(seen(&mut lab.nl, Filter::of(IN).ingress())?, [(5, 0)]);
    Ok(())
}

fn mirror() -> Outcome {
    let mut lab = with_ifb()?;
    add(
        &mut lab,
        [filter()
            .protocol(Protocol::Ip)
            .prio(1)
            .kind(port(5000).class(class(2)).action(Mirred::egress_mirror(I0).control(Control::Ok)))],
    )?;
    send(3, "10.1.0.1:5000")?;
    send(4, "10.1.0.1:5001")?;
    lab.counted_on(OUT, &[(2, 3), (REST, 4)])?;
    lab.counted_on(I0, &[(1, 3)])
}

fn drop_on_arrival() -> Outcome {
    ip("link set lo up")?;
    tc("qdisc add dev lo ingress")?;
    let mut nl = Connection::open()?;
    let (refused, welcome) = (UdpSocket::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?);
    let drop = port(refused.local_addr()?.port()).action(Gact::drop());
    let filter = Filter::ingress(1).protocol(Protocol::Ip).prio(1).kind(drop);
    nl.add(&filter).map_err(Stop::from).map_err(skip_what_is_not_there)?;
    let sender = UdpSocket::bind("127.0.0.1:0")?;
    send_on(&sender, 3, 100, refused.local_addr()?)?;
    send_on(&sender, 1, 100, welcome.local_addr()?)?;
    for socket in [&welcome, &refused] {
        socket.set_read_timeout(Some(Duration::from_secs(5)))?;
    }
    welcome.recv(&mut [0; 200])?;
    // It was sent before.
    refused.set_nonblocking(true)?;
    assert!(refused.recv(&mut [0; 200]).is_err());
    assert_eq!(seen(&mut nl, Filter::of(1).ingress())?, [(3, 3)]);
    nl.delete(&Filter::ingress(1).protocol(Protocol::Ip).prio(1))?;
    refused.set_nonblocking(false)?;
    send_on(&sender, 1, 100, refused.local_addr()?)?;
    refused.recv(&mut [0; 200])?;
    Ok(())
}

/// A policer that longer packets than 500 bytes exceed, whatever their rate.
fn short() -> Police {
    Police::new().rate(Rate::gbit(8)).burst(Size::mib(1)).mtu(500).exceed(Control::Drop).conform(Control::Ok)
}

fn send_short_and_long() -> Outcome {
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    send_on(&socket, 3, 100, "10.1.0.1:5000".parse()?)?;
    send_on(&socket, 4, 1000, "10.1.0.1:5000".parse()?)?;
    send_on(&socket, 2, 1000, "10.1.0.1:5001".parse()?)
}

fn police() -> Outcome {
    let mut lab = Lab::new()?;
    let policed = port(5000).class(class(1)).action(short());
    add(&mut lab, [filter().protocol(Protocol::Ip).prio(1).kind(policed)])?;
    send_short_and_long()?;
    lab.counted(&[(1, 3), (REST, 2)])?;
    assert_eq!(seen(&mut lab.nl, Filter::of(OUT))?, [(7, 4)]);
    Ok(())
}

fn old_police() -> Outcome {
    let mut lab = Lab::new()?;
    let policed = port(5000).class(class(1)).police(short());
    add(&mut lab, [filter().protocol(Protocol::Ip).prio(1).kind(policed)])?;
    send_short_and_long()?;
    lab.counted(&[(1, 3), (REST, 2)])
}

/// A filter for what leaves `v0`, before its qdisc.
fn leaving(kind: U32) -> Filter {
    Filter::egress(OUT).protocol(Protocol::Ip).prio(1).kind(kind)
}

fn skbedit_priority() -> Outcome {
    let mut lab = Lab::new()?;
    tc("qdisc add dev v0 clsact")?;
    add(&mut lab, [leaving(port(5000).action(Skbedit::piped().priority(class(3)).control(Control::Ok)))])?;
    send(3, "10.1.0.1:5000")?;
    send(4, "10.1.0.1:5001")?;
    lab.counted(&[(3, 3), (REST, 4)])
}

fn skbedit_mark() -> Outcome {
    let mut lab = Lab::new()?;
    tc("qdisc add dev v0 clsact")?;
    add(
        &mut lab,
        [
            leaving(port(5000).action(Skbedit::piped().mark(0x70).control(Control::Ok))),
            // Only the bits of the mask: the mark of the socket stays.
            leaving(port(6000).action(Skbedit::piped().mark(0x30).mask(0xf0).control(Control::Ok))),
            filter().prio(1).kind(U32::new().mark(0x70, 0xff).class(class(1))),
            filter().prio(2).kind(U32::new().mark(0x35, 0xff).class(class(2))),
        ],
    )?;
    crate::traffic::send_marked(3, "10.1.0.1:5000", 5)?;
    crate::traffic::send_marked(2, "10.1.0.1:6000", 5)?;
    crate::traffic::send_marked(4, "10.1.0.1:5001", 5)?;
    lab.counted(&[(1, 3), (2, 2), (REST, 4)])
}

fn chain() -> Outcome {
    let mut lab = Lab::new()?;
    let udp = || U32::new().matching(Match::ip_protocol(17));
    let base = || filter().protocol(Protocol::Ip);
    add(
        &mut lab,
        [
            // Nothing goes there.
            base().prio(2).chain(8).kind(udp().class(class(2))),
            base().prio(2).chain(7).kind(port(5000).class(class(1))),
            base().prio(1).kind(udp().action(Gact::goto_chain(7))),
            base().prio(3).kind(udp().class(class(3))),
        ],
    )?;
    send(3, "10.1.0.1:5000")?;
    // The chain ends without a verdict, and nothing comes back.
    send(4, "10.1.0.1:5001")?;
    lab.counted(&[(1, 3), (REST, 4)])
}

fn block() -> Outcome {
    let mut lab = with_ifb()?;
    for dev in ["v1", "lo"] {
        tc(&format!("qdisc add dev {dev} ingress_block 22 ingress"))?;
    }
    let shared = Filter::on_block(22).protocol(Protocol::Ip).prio(1);
    add(&mut lab, [shared.kind(port(5000).action(Mirred::egress_mirror(I0)))])?;
    send(3, "10.1.0.1:5000")?;
    send(2, "10.9.0.1:5000")?;
    send(4, "10.9.0.1:5001")?;
    lab.counted_on(I0, &[(1, 5)])
}

//! Filters choose classes: packets that should match are counted in their class, packets that should not are not.

use crate::common::{in_netns, ip, trial, Outcome, Stop};
use crate::traffic::{class, filter, send, send_from, send_marked, Lab, OUT, REST};
use crate::twice::skip_what_is_not_there;
use libtest_mimic::Trial;
use nix::sched::{setns, CloneFlags};
use nix::sys::socket::{
    self, sockopt, AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrIn,
};
use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;
use std::thread;
use std::time::Duration;
use tcnl::netlink::{Capabilities, Connection, Feature};
use tcnl::route::Link;
use tcnl::tc::fw::Fw;
use tcnl::tc::u32::{Match, Offset, SelectorFlags, U32Handle, U32};
use tcnl::tc::{Class, Filter, Protocol};
use tcnl::units::Handle;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("without a filter all packets go to the default class", no_filter),
        trial("u32 finds packets by their destination's prefix", destination),
        trial("u32 finds packets by their source's prefix", source),
        trial("u32 finds packets by their port", port),
        trial("u32 finds packets by their protocol", protocol),
        trial("u32 finds packets by their type of service and their time to live", header_fields),
        trial("u32 takes packets only where all of its keys match", all_keys),
        trial("u32 finds packets by their mark", u32_mark),
        trial("u32 finds IPv6 packets by their destination's prefix and their port", ipv6),
        trial("a filter for one protocol does not see packets of another", other_protocol),
        trial("u32 finds the port behind an IPv4 header with options", ip_options),
        trial("u32 looks into one bucket of a hash table only", buckets),
        trial("a packet that misses in a linked table goes on to the next filter", link_falls_through),
        trial(
            "a packet that misses in a linked table belongs to the link's class, if it has one",
            link_with_class,
        ),
        trial("a packet that misses in a linked table stops at a link that is terminal", link_that_stops),
        trial("filters with a lower prio come first", prio),
        trial("a filter that is deleted or replaced finds no more", changed),
        trial("fw finds packets by their mark", fw),
        trial("fw finds packets by some bits of their mark", fw_mask),
        trial("fw in its old mode takes the mark for the class", fw_legacy),
        trial("TCP between two namespaces is counted where its port says", tcp),
    ]
}

/// A filter for IPv4 that sends what matches to a class.
fn ipv4(what: impl IntoIterator<Item = Match>, minor: u16) -> Filter {
    let kind = what.into_iter().fold(U32::new(), U32::matching);
    filter().protocol(Protocol::Ip).kind(kind.class(class(minor)))
}

fn no_filter() -> Outcome {
    let mut lab = Lab::new()?;
    send(3, "10.1.0.1:1000")?;
    send(2, "[fd00:1::1]:1000")?;
    lab.counted(&[(REST, 5)])
}

fn destination() -> Outcome {
    let mut lab = Lab::new()?;
    lab.filter([
        ipv4([Match::ip_dst([10, 1, 0, 0].into(), 16)?], 1).prio(1),
        ipv4([Match::ip_dst([10, 2, 3, 4].into(), 32)?], 2).prio(1),
    ])?;
    send(3, "10.1.200.3:1000")?;
    send(2, "10.2.3.4:1000")?;
    send(4, "10.2.3.5:1000")?;
    lab.counted(&[(1, 3), (2, 2), (REST, 4)])
}

fn source() -> Outcome {
    let mut lab = Lab::new()?;
    ip("address add 10.8.0.1/32 dev lo")?;
    lab.filter([ipv4([Match::ip_src([10, 8, 0, 0].into(), 24)?], 1)])?;
    let to = "10.1.0.1:1000".parse()?;
    crate::traffic::send_on(&UdpSocket::bind("10.8.0.1:0")?, 3, 100, to)?;
    crate::traffic::send_on(&UdpSocket::bind("10.9.0.1:0")?, 4, 100, to)?;
    lab.counted(&[(1, 3), (REST, 4)])
}

fn port() -> Outcome {
    let mut lab = Lab::new()?;
    lab.filter([
        ipv4([Match::ip_dport(5000)], 1).prio(1),
        // 6000 to 6015.
        ipv4([Match::ip_dport((6000, 0xfff0))], 2).prio(1),
        ipv4([Match::ip_sport(7000)], 3).prio(1),
    ])?;
    send(3, "10.1.0.1:5000")?;
    send(1, "10.1.0.1:6000")?;
    send(1, "10.1.0.1:6015")?;
    send(4, "10.1.0.1:6016")?;
    crate::traffic::send_on(&UdpSocket::bind("10.9.0.1:7000")?, 2, 100, "10.1.0.1:7001".parse()?)?;
    lab.counted(&[(1, 3), (2, 2), (3, 2), (REST, 4)])
}

fn protocol() -> Outcome {
    let mut lab = Lab::new()?;
    lab.filter([ipv4([Match::ip_protocol(17)], 1).prio(1), ipv4([Match::ip_protocol(6)], 2).prio(1)])?;
    send(3, "10.1.0.1:5000")?;
    // Nobody answers the one packet of this before the time is up.
    assert!(TcpStream::connect_timeout(&"10.1.0.1:5000".parse()?, Duration::from_millis(50)).is_err());
    lab.counted(&[(1, 3), (2, 1)])
}

fn header_fields() -> Outcome {
    let mut lab = Lab::new()?;
    lab.filter([
        ipv4([Match::ip_tos((0xb8, 0xfc))], 1).prio(1),
        ipv4([Match::ip_df()], 2).prio(2),
        ipv4([Match::u8(77, 8)], 3).prio(1),
    ])?;
    send_from(3, "10.1.0.1:5000", |socket| Ok(socket::setsockopt(socket, sockopt::Ipv4Tos, &0xb8)?))?;
    send_from(2, "10.1.0.1:5000", |socket| Ok(socket.set_ttl(77)?))?;
    send_from(1, "10.1.0.1:5000", |socket| Ok(socket::setsockopt(socket, sockopt::Ipv4Tos, &0x20)?))?;
    // Datagrams must not be fragmented unless told otherwise.
    lab.counted(&[(1, 3), (2, 1), (3, 2)])
}

fn all_keys() -> Outcome {
    let mut lab = Lab::new()?;
    lab.filter([ipv4(
        [Match::ip_dst([10, 1, 0, 0].into(), 16)?, Match::ip_dport(53), Match::ip_protocol(17)],
        1,
    )])?;
    send(3, "10.1.0.1:53")?;
    send(2, "10.1.0.1:54")?;
    send(2, "10.2.0.1:53")?;
    lab.counted(&[(1, 3), (REST, 4)])
}

fn u32_mark() -> Outcome {
    let mut lab = Lab::new()?;
    if !Capabilities::probe()?.has(Feature::U32Mark) {
        return Err(Stop::Skip("u32 takes no notice of marks here (CONFIG_CLS_U32_MARK)".into()));
    }
    let marked = U32::new().mark(0x10, 0xf0).class(class(1));
    lab.filter([filter().protocol(Protocol::All).kind(marked)])?;
    send_marked(3, "10.1.0.1:1000", 0x1f)?;
    send_marked(2, "[fd00:1::1]:1000", 0x10)?;
    send_marked(4, "10.1.0.1:1000", 0x2f)?;
    send(1, "10.1.0.1:1000")?;
    lab.counted(&[(1, 5), (REST, 5)])
}

fn ipv6() -> Outcome {
    let mut lab = Lab::new()?;
    let six = |kind: U32, minor| filter().protocol(Protocol::Ipv6).prio(1).kind(kind.class(class(minor)));
    lab.filter([
        six(U32::new().matching(Match::ip6_dst("fd00:1:2::".parse()?, 47)?), 1),
        six(U32::new().matching(Match::ip6_dst("fd00:5::5".parse()?, 128)?), 2),
        six(U32::new().matching(Match::ip6_dport(5000)).matching(Match::ip6_protocol(17)), 3),
    ])?;
    send(3, "[fd00:1:3::7]:1000")?;
    send(2, "[fd00:5::5]:1000")?;
    send(1, "[fd00:5::6]:5000")?;
    send(4, "[fd00:1:4::7]:1000")?;
    lab.counted(&[(1, 3), (2, 2), (3, 1), (REST, 4)])
}

fn other_protocol() -> Outcome {
    let mut lab = Lab::new()?;
    lab.filter([filter().protocol(Protocol::Ipv6).kind(U32::new().matching(Match::any()).class(class(1)))])?;
    send(3, "[fd00:1::1]:1000")?;
    send(4, "10.1.0.1:1000")?;
    lab.counted(&[(1, 3), (REST, 4)])
}

/// Sends a datagram for 10.1.0.1 in an IPv4 packet of our own with so many words of options, which do nothing.
fn send_with_options(words: u8, port: u16) -> Outcome {
    const NO_OPERATION: u8 = 1;
    let mut packet = vec![0x45 + words, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, 10, 9, 0, 1, 10, 1, 0, 1];
    packet.extend(vec![NO_OPERATION; 4 * usize::from(words)]);
    packet.extend([1000u16, port, 8, 0].into_iter().flat_map(u16::to_be_bytes));
    let socket = socket::socket(AddressFamily::Inet, SockType::Raw, SockFlag::empty(), SockProtocol::Raw)?;
    let to = SockaddrIn::from(SocketAddrV4::new(Ipv4Addr::new(10, 1, 0, 1), 0));
    socket::sendto(socket.as_raw_fd(), &packet, &to, MsgFlags::empty())?;
    Ok(())
}

fn ip_options() -> Outcome {
    let mut lab = Lab::new()?;
    let table = U32Handle::new(1, 0, 0)?;
    let base = || filter().protocol(Protocol::Ip).prio(1);
    lab.filter([
        base().handle(table).kind(U32::table(1)),
        base().kind(U32::new().ht(table).matching(Match::udp_dst(5000)).class(class(1))),
        base().kind(U32::new().matching(Match::ip_protocol(17)).link(table).offset(Offset::ip_header())),
        // This one takes it for granted that there are no options.
        base().prio(2).kind(U32::new().matching(Match::ip_dport(6000)).class(class(2))),
    ])?;
    for words in [0, 1, 3, 10] {
        send_with_options(words, 5000)?;
        send_with_options(words, 6000)?;
    }
    lab.counted(&[(1, 4), (2, 1), (REST, 3)])
}

fn buckets() -> Outcome {
    let mut lab = Lab::new()?;
    let table = U32Handle::new(2, 0, 0)?;
    let base = || filter().protocol(Protocol::Ip).prio(1);
    let host = |last| Match::ip_dst([10, 1, 0, last].into(), 32);
    let seven = table.sample(&host(7)?, 256)?;
    lab.filter([
        base().handle(table).kind(U32::table(256)),
        base().kind(U32::new().ht(table.sample(&host(5)?, 256)?).matching(host(5)?).class(class(1))),
        // This one would match anything: what gets here was in the bucket.
        base().kind(U32::new().ht(seven).matching(Match::any()).class(class(2))),
        // And this one is in a bucket that its packets do not get to.
        base().kind(U32::new().ht(seven).matching(host(9)?).class(class(3))),
        base().kind(
            U32::new().matching(Match::ip_dst([10, 1, 0, 0].into(), 24)?).link(table).hashkey(0xff, 16),
        ),
    ])?;
    send(3, "10.1.0.5:1000")?;
    send(2, "10.1.0.7:1000")?;
    send(4, "10.1.0.9:1000")?;
    send(1, "10.2.0.7:1000")?;
    lab.counted(&[(1, 3), (2, 2), (REST, 5)])
}

/// A link from port 5000 and above to a table that knows only port 5000, and behind it a filter for everything.
fn linked(link: U32) -> tcnl::Result<[Filter; 4]> {
    let table = U32Handle::new(3, 0, 0)?;
    let base = || filter().protocol(Protocol::Ip).prio(1);
    Ok([
        base().handle(table).kind(U32::table(1)),
        base().kind(U32::new().ht(table).matching(Match::ip_dport(5000)).class(class(1))),
        base().kind(link.matching(Match::ip_protocol(17)).link(table)),
        base().prio(2).kind(U32::new().matching(Match::any()).class(class(2))),
    ])
}

fn link_falls_through() -> Outcome {
    let mut lab = Lab::new()?;
    lab.filter(linked(U32::new())?)?;
    send(3, "10.1.0.1:5000")?;
    send(4, "10.1.0.1:5001")?;
    lab.counted(&[(1, 3), (2, 4)])
}

fn link_with_class() -> Outcome {
    let mut lab = Lab::new()?;
    lab.filter(linked(U32::new().class(class(3)))?)?;
    send(3, "10.1.0.1:5000")?;
    send(4, "10.1.0.1:5001")?;
    lab.counted(&[(1, 3), (3, 4)])
}

/// What the crate does not do unless it is told to: the next filter is not asked.
fn link_that_stops() -> Outcome {
    let mut lab = Lab::new()?;
    let mut link = U32::new();
    link.selector.get_or_insert_default().flags = SelectorFlags::TERMINAL;
    lab.filter(linked(link)?)?;
    send(3, "10.1.0.1:5000")?;
    send(4, "10.1.0.1:5001")?;
    lab.counted(&[(1, 3), (REST, 4)])
}

fn prio() -> Outcome {
    let mut lab = Lab::new()?;
    let all = |minor| ipv4([Match::any()], minor);
    lab.filter([all(2).prio(20), all(1).prio(10)])?;
    send(3, "10.1.0.1:5000")?;
    lab.counted(&[(1, 3)])?;
    lab.nl.delete(&filter().protocol(Protocol::Ip).prio(10))?;
    send(2, "10.1.0.1:5000")?;
    lab.counted(&[(1, 3), (2, 2)])?;
    // Without a prio the newest comes first.
    lab.nl.delete(&filter().protocol(Protocol::Ip).prio(20))?;
    lab.filter([all(3), all(4)])?;
    send(1, "10.1.0.1:5000")?;
    lab.counted(&[(1, 3), (2, 2), (4, 1)])
}

fn changed() -> Outcome {
    let mut lab = Lab::new()?;
    let handle = U32Handle::new(0x800, 0, 5)?;
    let to = |kind: U32, minor| {
        filter().protocol(Protocol::Ip).prio(1).handle(handle).kind(kind.class(class(minor)))
    };
    let five = || U32::new().matching(Match::ip_dport(5000));
    lab.filter([to(five(), 1)])?;
    send(1, "10.1.0.1:5000")?;
    lab.nl.replace(&to(five(), 2))?;
    send(2, "10.1.0.1:5000")?;
    lab.counted(&[(1, 1), (2, 2)])?;
    lab.nl.delete(&to(five(), 2))?;
    send(3, "10.1.0.1:5000")?;
    lab.counted(&[(1, 1), (2, 2), (REST, 3)])
}

fn marks(lab: &mut Lab, filters: impl IntoIterator<Item = Filter>) -> Outcome {
    lab.filter(filters).map_err(skip_what_is_not_there)
}

fn fw() -> Outcome {
    let mut lab = Lab::new()?;
    marks(
        &mut lab,
        [
            filter().prio(1).kind(Fw::mark(10).class(class(1))),
            filter().prio(1).kind(Fw::mark(0x8000_0000).class(class(2))),
        ],
    )?;
    send_marked(3, "10.1.0.1:1000", 10)?;
    send_marked(2, "[fd00:1::1]:1000", 0x8000_0000)?;
    send_marked(4, "10.1.0.1:1000", 11)?;
    send(1, "10.1.0.1:1000")?;
    lab.counted(&[(1, 3), (2, 2), (REST, 5)])
}

fn fw_mask() -> Outcome {
    let mut lab = Lab::new()?;
    marks(
        &mut lab,
        [
            filter().prio(1).kind(Fw::mark(0x100).mask(0xf00).class(class(1))),
            filter().prio(1).kind(Fw::mark(0x200).mask(0xf00).class(class(2))),
        ],
    )?;
    send_marked(3, "10.1.0.1:1000", 0x1105)?;
    send_marked(2, "10.1.0.1:1000", 0x200)?;
    send_marked(4, "10.1.0.1:1000", 0x305)?;
    lab.counted(&[(1, 3), (2, 2), (REST, 4)])
}

fn fw_legacy() -> Outcome {
    let mut lab = Lab::new()?;
    marks(&mut lab, [filter().prio(1).kind(Fw::legacy())])?;
    send_marked(3, "10.1.0.1:1000", class(1).raw())?;
    send_marked(2, "10.1.0.1:1000", class(2).raw())?;
    // htb has no class 0:2.
    send_marked(1, "10.1.0.1:1000", 2)?;
    send_marked(4, "10.1.0.1:1000", Handle::new(7, 1).raw())?;
    lab.counted(&[(1, 3), (2, 2), (REST, 5)])
}

fn tcp() -> Outcome {
    const LEN: usize = 200_000;
    ip("link add v0 index 10 type veth peer name v1")?;
    let here = File::open("/proc/thread-self/ns/net")?;
    let mut lab = Lab { nl: Connection::open()? };
    lab.count_on(OUT)?;
    lab.filter([ipv4([Match::ip_dport(8080)], 1).prio(1), ipv4([Match::ip_dport(8081)], 2).prio(1)])?;
    ip("address add 10.7.0.1/24 dev v0")?;
    ip("link set v0 up")?;
    let nl = &mut lab.nl;
    in_netns(|| {
        nl.change(&Link::named("v1")?.netns_fd(&File::open("/proc/thread-self/ns/net")?))?;
        ip("address add 10.7.0.2/24 dev v1")?;
        ip("link set v1 up")?;
        let listener = TcpListener::bind("10.7.0.2:8080")?;
        let client = || -> Outcome {
            setns(&here, CloneFlags::CLONE_NEWNET)?;
            let mut stream = TcpStream::connect_timeout(&"10.7.0.2:8080".parse()?, Duration::from_secs(5))?;
            stream.write_all(&[7; LEN])?;
            Ok(())
        };
        thread::scope(|scope| {
            let client = scope.spawn(client);
            let (mut stream, _) = listener.accept()?;
            let mut received = Vec::new();
            stream.read_to_end(&mut received)?;
            assert_eq!(received.len(), LEN);
            client.join().map_err(|_| "the client panicked")?
        })
    })?;
    let bytes = |nl: &mut Connection, minor| {
        let class = nl.get(&Class::with_id(OUT, class(minor)))?;
        Ok::<_, tcnl::Error>(class.stats.map_or(0, |stats| stats.bytes))
    };
    assert!(bytes(&mut lab.nl, 1)? as usize > LEN, "{}", bytes(&mut lab.nl, 1)?);
    assert_eq!(bytes(&mut lab.nl, 2)?, 0);
    // ARP and IPv6's own business.
    assert!(bytes(&mut lab.nl, REST)? < 10_000, "{}", bytes(&mut lab.nl, REST)?);
    Ok(())
}

//! Filters and chains: what the crate configures `tc` shows, and what `tc` configures the crate reads.

use crate::common::{ip, tc, trial, Outcome, Stop};
use crate::twice::{skip_what_is_not_there, twice, Seen};
use libtest_mimic::Trial;
use std::net::Ipv6Addr;
use tcnl::netlink::{Capabilities, Connection, Feature};
use tcnl::tc::fw::Fw;
use tcnl::tc::u32::{At, Match, Offset, U32Handle, U32};
use tcnl::tc::{Chain, Filter, FilterFlags, FilterKind, Filters, Place, Protocol};
use tcnl::units::Handle;

const LO: u32 = 1;
const ROOT: Handle = Handle::new(1, 0);

pub fn trials() -> Vec<Trial> {
    vec![
        trial("u32 knows the fields of IPv4 by the names that tc gives them", ip_fields),
        trial("u32 knows the fields of IPv6 and Ethernet by the names that tc gives them", ip6_fields),
        trial("u32 has tables, links, hash keys, samples and offsets", tables),
        trial("u32 has a class, a device and flags", other_options),
        trial("u32 matches the mark that it was given", mark),
        trial("fw has the mark, the mask and the device that it was given", fw),
        trial("fw in its old mode is added, and listed where the kernel can", fw_legacy),
        trial("filters stand at clsact, at classes, in chains and in blocks", places),
        trial("a list of filters is of one place, prio, protocol or chain", lists),
        trial("a chain is added, listed and deleted", chains),
        trial("a filter is changed, replaced, read and deleted", verbs),
    ]
}

/// Below an htb, filters of prio 1 for a protocol.
fn filters(protocol: Protocol, ours: Vec<U32>, theirs: &[&str]) -> Result<Seen<Filter>, Stop> {
    let ours: Vec<_> =
        ours.into_iter().map(|kind| Filter::on(LO, ROOT).protocol(protocol).prio(1).kind(kind)).collect();
    let theirs: Vec<_> = theirs
        .iter()
        .map(|words| {
            format!("tc filter add dev lo parent 1: protocol {protocol} prio 1 u32 {words} classid 1:1")
        })
        .collect();
    let theirs: Vec<_> = theirs.iter().map(String::as_str).collect();
    twice(&[HTB], &ours, &theirs, SHOW, query())
}

const HTB: &str = "tc qdisc add dev lo root handle 1: htb";
const SHOW: &str = "tc -d filter show dev lo parent 1:";

fn query() -> Filters {
    Filter::of(LO).parent(ROOT)
}

fn options(filter: &Filter) -> String {
    filter.kind.as_ref().map_or(String::new(), ToString::to_string)
}

/// Fields, each in a filter of its own.
fn fields(protocol: Protocol, pairs: Vec<(Match, &str)>) -> Result<Seen<Filter>, Stop> {
    let (ours, theirs): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
    let ours = ours.into_iter().map(|what| U32::new().matching(what).class(Handle::new(1, 1))).collect();
    let seen = filters(protocol, ours, &theirs)?;
    // The classifier, its root table, and the filters.
    assert_eq!(seen.objects.len(), 2 + theirs.len());
    Ok(seen)
}

fn ip_fields() -> Outcome {
    fields(
        Protocol::Ip,
        vec![
            (Match::ip_src([10, 0, 0, 0].into(), 8)?, "match ip src 10.0.0.0/8"),
            (Match::ip_dst([192, 0, 2, 1].into(), 32)?, "match ip dst 192.0.2.1"),
            (Match::ip_tos((0xb8, 0xfc)), "match ip tos 0xb8 0xfc"),
            (Match::ip_ihl(5)?, "match ip ihl 5 0x0f"),
            (Match::ip_precedence(5)?, "match ip precedence 0xa0 0xe0"),
            (Match::ip_protocol(6), "match ip protocol 6 0xff"),
            (Match::ip_sport(1000), "match ip sport 1000 0xffff"),
            (Match::ip_dport((0x1770, 0xfff0)), "match ip dport 6000 0xfff0"),
            (Match::ip_nofrag(), "match ip nofrag"),
            (Match::ip_firstfrag(), "match ip firstfrag"),
            (Match::ip_df(), "match ip df"),
            (Match::ip_mf(), "match ip mf"),
            (Match::ip_icmp_type(8), "match ip icmp_type 8 0xff"),
            (Match::ip_icmp_code(3), "match ip icmp_code 3 0xff"),
            (Match::tcp_src(80), "match tcp src 80 0xffff"),
            (Match::tcp_dst(443), "match tcp dst 443 0xffff"),
            (Match::udp_src(53), "match udp src 53 0xffff"),
            (Match::udp_dst((0x1400, 0xff00)), "match udp dst 0x1400 0xff00"),
            (Match::icmp_type(8), "match icmp type 8 0xff"),
            (Match::icmp_code(0), "match icmp code 0 0xff"),
            (Match::u32((0x1234_0000, 0xffff_0000), 12)?, "match u32 0x12340000 0xffff0000 at 12"),
            (Match::u16((0x12, 0xff), 6)?, "match u16 0x12 0xff at 6"),
            (Match::u8((0x40, 0xf0), 0), "match u8 0x40 0xf0 at 0"),
            (Match::u8(7, At::NextHeader(13)), "match u8 7 0xff at nexthdr+13"),
            (Match::any(), "match u32 0 0 at 0"),
        ],
    )?
    .shows(&[
        "match 0a000000/ff000000 at 12",
        "match c0000201/ffffffff at 16",
        "match 00b80000/00fc0000 at 0",
    ]);
    Ok(())
}

fn ip6_fields() -> Outcome {
    let address: Ipv6Addr = "2001:db8:1:2::".parse()?;
    fields(
        Protocol::Ipv6,
        vec![
            (Match::ip6_src(address, 63)?, "match ip6 src 2001:db8:1:2::/63"),
            (Match::ip6_dst("2001:db8::1".parse()?, 128)?, "match ip6 dst 2001:db8::1/128"),
            (Match::ip6_protocol(17), "match ip6 protocol 17 0xff"),
            (Match::ip6_priority((0xb8, 0xfc)), "match ip6 priority 0xb8 0xfc"),
            (Match::ip6_flowlabel(0x12345)?, "match ip6 flowlabel 0x12345 0xfffff"),
            (Match::ip6_sport(1000), "match ip6 sport 1000 0xffff"),
            (Match::ip6_dport(5000), "match ip6 dport 5000 0xffff"),
            (Match::ip6_icmp_type(128), "match ip6 icmp_type 128 0xff"),
            // tc 6.1 looks for icmp_code behind a next header that nothing said.
            (Match::ip6_icmp_code(4), "match u8 4 0xff at 41"),
            (Match::ether_src([2, 0, 0, 0, 0, 1]), "match ether src 02:00:00:00:00:01"),
            (Match::ether_dst([2, 0, 0, 0, 0, 2]), "match ether dst 02:00:00:00:00:02"),
        ],
    )?
    .shows(&[
        "match 20010db8/ffffffff at 8",
        "match 00010002/fffffffe at 12",
        "match 0b800000/0fc00000 at 0",
    ]);
    Ok(())
}

fn tables() -> Outcome {
    let table: U32Handle = "2:".parse()?;
    let ours = |kind| Filter::on(LO, ROOT).protocol(Protocol::Ip).prio(5).kind(kind);
    let all_ten = || Match::ip_dst([10, 0, 0, 0].into(), 8);
    let five = Match::ip_dst([10, 0, 0, 5].into(), 32)?;
    let class = Handle::new(1, 0xa);
    let seen = twice(
        &[HTB],
        &[
            ours(U32::table(256)).handle(table),
            ours(U32::new().matching(all_ten()?).link(table).hashkey(0xff, 16).offset(Offset::ip_header())),
            ours(U32::new().matching(Match::ip_protocol(17)).link(table).offset(Offset::fixed(20).eat())),
            ours(U32::new().ht(table.sample(&five, 256)?).matching(five.clone()).class(class)),
            ours(U32::new().ht("2:7f:".parse()?).matching(Match::tcp_dst(80)).class(class)).handle("2:7f:11".parse::<U32Handle>()?),
        ],
        &[
            "tc filter add dev lo parent 1: protocol ip prio 5 handle 2: u32 divisor 256",
            "tc filter add dev lo parent 1: protocol ip prio 5 u32 match ip dst 10.0.0.0/8 link 2: hashkey mask 0x000000ff at 16 offset at 0 mask 0f00 shift 6",
            "tc filter add dev lo parent 1: protocol ip prio 5 u32 match ip protocol 17 0xff link 2: offset plus 20 eat",
            "tc filter add dev lo parent 1: protocol ip prio 5 u32 ht 2: sample ip dst 10.0.0.5 match ip dst 10.0.0.5 classid 1:a",
            "tc filter add dev lo parent 1: protocol ip prio 5 handle 2:7f:11 u32 ht 2:7f: match tcp dst 80 0xffff classid 1:a",
        ],
        SHOW,
        query(),
    )?
    .shows(&["fh 2: ht divisor 256", "fh 2:5:800 order 2048 key ht 2 bkt 5 *flowid 1:a", "fh 2:7f:11", "hash mask 000000ff at 16", "link 2:"]);
    let mut handles: Vec<_> =
        seen.objects.iter().map(|filter| U32Handle::from_raw(filter.handle).to_string()).collect();
    handles.sort();
    assert_eq!(handles, ["0:", "2:", "2:5:800", "2:7f:11", "800:", "800::800", "800::801"]);
    Ok(())
}

fn other_options() -> Outcome {
    let kind = U32::new().matching(Match::any()).indev("lo".parse()?).flags(FilterFlags::SKIP_HW);
    let seen =
        filters(Protocol::Ip, vec![kind.class(Handle::new(1, 1))], &["match u32 0 0 at 0 indev lo skip_hw"])?
            .shows(&["flowid 1:1", "skip_hw", "input dev lo"]);
    let Some(FilterKind::U32(read)) = seen.objects.last().and_then(|filter| filter.kind.as_ref()) else {
        return Err(format!("no u32 in {:?}", seen.objects).into());
    };
    assert_eq!(read.flags, Some(FilterFlags::SKIP_HW | FilterFlags::NOT_IN_HW));
    assert_eq!((read.class, read.indev), (Some(Handle::new(1, 1)), Some("lo".parse()?)));
    Ok(())
}

fn mark() -> Outcome {
    if !Capabilities::probe()?.has(Feature::U32Mark) {
        return Err(Stop::Skip("u32 takes no notice of marks here (CONFIG_CLS_U32_MARK)".into()));
    }
    let ours = U32::new().mark(0x10, 0xf0).class(Handle::new(1, 1));
    filters(Protocol::All, vec![ours], &["match mark 0x10 0xf0"])?.shows(&["mark 0x0010 0x00f0"]);
    Ok(())
}

fn fw() -> Outcome {
    let ours = |kind| Filter::on(LO, ROOT).protocol(Protocol::Ip).prio(3).kind(kind);
    twice(
        &[HTB],
        &[
            ours(Fw::mark(0x10).mask(0xff).class(Handle::new(1, 0xa))),
            ours(Fw::mark(0x11).mask(0xff).class(Handle::new(1, 0xb)).indev("lo".parse()?)),
        ],
        &[
            "tc filter add dev lo parent 1: protocol ip prio 3 handle 0x10/0xff fw classid 1:a",
            "tc filter add dev lo parent 1: protocol ip prio 3 handle 0x11/0xff fw classid 1:b indev lo",
        ],
        SHOW,
        query(),
    )?
    .shows(&["handle 0x10/0xff classid 1:a", "handle 0x11/0xff classid 1:b", "dev lo"])
    .reads(options, &["fw", "fw classid 1:a", "fw classid 1:b indev lo"]);
    Ok(())
}

fn fw_legacy() -> Outcome {
    tc("qdisc add dev lo root handle 1: htb")?;
    let mut nl = Connection::open()?;
    let ours = Filter::on(LO, ROOT).protocol(Protocol::Ip).prio(3).kind(Fw::legacy());
    nl.add(&ours).map_err(Stop::from).map_err(skip_what_is_not_there)?;
    match nl.snapshot(query()) {
        Ok(filters) => assert_eq!(filters.iter().map(options).collect::<Vec<_>>(), ["fw"]),
        // Kernels that cannot list it: tc does not show it either.
        Err(error) => {
            assert_eq!(error.errno(), Some(nix::libc::EMSGSIZE), "{error}");
            let shown = tc("filter show dev lo parent 1:");
            assert!(matches!(&shown, Err(Stop::Fail(why)) if why.contains("too small")), "{shown:?}");
        }
    }
    nl.delete(&Filter::on(LO, ROOT).protocol(Protocol::Ip).prio(3).kind(Fw::legacy()))?;
    assert_eq!(nl.snapshot(query())?, []);
    Ok(())
}

fn places() -> Outcome {
    let kind = || U32::new().matching(Match::any()).class(Handle::new(1, 1));
    let to = |filter: Filter| filter.protocol(Protocol::Ip).prio(4).kind(kind());
    let words =
        |place: &str| format!("tc filter add {place} protocol ip prio 4 u32 match u32 0 0 classid 1:1");
    let setup = [
        HTB,
        "tc class add dev lo parent 1: classid 1:a htb rate 1mbit",
        "tc qdisc add dev lo clsact",
        "ip link add i0 index 20 type ifb",
        "tc qdisc add dev i0 ingress_block 22 ingress",
    ];
    for (place, ours, query) in [
        ("dev lo ingress", Filter::ingress(LO), Filter::of(LO).ingress()),
        ("dev lo egress", Filter::egress(LO), Filter::of(LO).egress()),
        (
            "dev lo parent 1:a",
            Filter::on(LO, Handle::new(1, 0xa)),
            Filter::of(LO).parent(Handle::new(1, 0xa)),
        ),
        ("dev lo parent 1: chain 7", Filter::on(LO, ROOT).chain(7), query().chain(7)),
        ("block 22", Filter::on_block(22), Filter::of_block(22)),
    ] {
        let show = format!("tc filter show {place}");
        let seen =
            crate::common::in_netns(|| twice(&setup, &[to(ours.clone())], &[&words(place)], &show, query))?
                .shows(&["flowid 1:1"]);
        let [classifier, .., filter] = seen.objects.as_slice() else { return Err(place.into()) };
        assert_eq!((classifier.place, filter.place), (ours.place, ours.place), "{place}");
        assert_eq!(filter.chain, Some(ours.chain.unwrap_or(0)), "{place}");
    }
    Ok(())
}

fn lists() -> Outcome {
    tc("qdisc add dev lo root handle 1: htb")?;
    for words in
        ["protocol ip prio 1", "protocol ip prio 2", "protocol ipv6 prio 3", "protocol ip prio 9 chain 5"]
    {
        tc(&format!("filter add dev lo parent 1: {words} u32 match u32 0 0 classid 1:1"))?;
    }
    let mut nl = Connection::open()?;
    let mut nodes = |query: Filters| -> Result<Vec<(u16, Option<u32>)>, Stop> {
        let filters = nl.snapshot(query)?;
        let mut found: Vec<_> = filters
            .iter()
            .filter(|filter| U32Handle::from_raw(filter.handle).node() != 0)
            .map(|filter| (filter.prio, filter.chain))
            .collect();
        found.sort();
        Ok(found)
    };
    assert_eq!(nodes(query())?, [(1, Some(0)), (2, Some(0)), (3, Some(0)), (9, Some(5))]);
    assert_eq!(nodes(query().prio(1))?, [(1, Some(0))]);
    assert_eq!(nodes(query().protocol(Protocol::Ipv6))?, [(3, Some(0))]);
    assert_eq!(nodes(query().chain(5))?, [(9, Some(5))]);
    // The root qdisc, without its handle.
    assert_eq!(nodes(Filter::of(LO))?.len(), 4);
    assert_eq!(nodes(Filter::of(LO).parent(Handle::new(1, 1)))?, []);
    Ok(())
}

fn chains() -> Outcome {
    ip("link set lo up")?;
    tc("qdisc add dev lo root handle 1: htb")?;
    let mut nl = Connection::open()?;
    let place = Place::on(LO, ROOT);
    nl.add(&Chain::at(place, 5))?;
    tc("chain add dev lo parent 1: chain 6")?;
    let shown = tc("chain show dev lo parent 1:")?;
    assert!(shown.contains("chain 5") && shown.contains("chain 6"), "{shown}");
    let mut indices: Vec<_> =
        nl.snapshot(Chain::of(place))?.iter().map(|chain| (chain.place, chain.index)).collect();
    indices.sort_by_key(|(_, index)| *index);
    assert_eq!(indices, [(place, 5), (place, 6)]);
    assert_eq!(nl.get(&Chain::at(place, 6))?.index, 6);
    nl.delete(&Chain::at(place, 6))?;
    let error = nl.delete(&Chain::at(place, 6)).err().ok_or("deleted twice")?;
    assert_eq!(error.errno(), Some(nix::libc::EINVAL), "{error}");
    assert!(error.to_string().contains("`tc chain del dev if1 parent 1: chain 6`"), "{error}");
    assert!(error.to_string().contains("Cannot find specified filter chain"), "{error}");
    assert_eq!(nl.snapshot(Chain::of(place))?.len(), 1);
    Ok(())
}

fn verbs() -> Outcome {
    tc("qdisc add dev lo root handle 1: htb")?;
    let mut nl = Connection::open()?;
    let handle: U32Handle = "800::5".parse()?;
    let name = || Filter::on(LO, ROOT).protocol(Protocol::Ip).prio(1).handle(handle);
    let five = || U32::new().matching(Match::ip_dport(5000));
    let filter = |minor| name().kind(five().class(Handle::new(1, minor)));
    let class = |nl: &mut Connection| match nl.get(&filter(1)).map(|filter| filter.kind) {
        Ok(Some(FilterKind::U32(kind))) => Ok(kind.class),
        other => Err(Stop::Fail(format!("{other:?}"))),
    };
    nl.add(&filter(1))?;
    assert_eq!(class(&mut nl)?, Some(Handle::new(1, 1)));
    assert_eq!(nl.add(&filter(2)).err().and_then(|error| error.errno()), Some(nix::libc::EEXIST));
    nl.change(&filter(3))?;
    assert_eq!(class(&mut nl)?, Some(Handle::new(1, 3)));
    nl.replace(&filter(4))?;
    assert!(tc("filter show dev lo parent 1:")?.contains("fh 800::5 order 5 key ht 800 bkt 0 *flowid 1:4"));
    nl.delete(&filter(4))?;
    let error = nl.get(&filter(4)).err().ok_or("it is still there")?;
    assert!(error.to_string().contains("Cannot find specified filter chain"), "{error}");
    // All of one prio at once, and all at once.
    nl.add(&filter(1))?;
    nl.add(&filter(1).prio(2).handle(0u32))?;
    nl.delete(&Filter::on(LO, ROOT).protocol(Protocol::Ip).prio(1))?;
    assert!(nl.snapshot(query())?.iter().all(|filter| filter.prio == 2));
    nl.delete(&Filter::on(LO, ROOT))?;
    assert_eq!(nl.snapshot(query())?, []);
    Ok(())
}

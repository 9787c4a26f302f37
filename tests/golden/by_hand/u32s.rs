use super::{h, hand, ByHand, V0};
use std::net::Ipv6Addr;
use tcnl::request::Verb::{Add, Delete};
use tcnl::tc::u32::{At, Match, Offset, U32Handle, U32};
use tcnl::tc::{Filter, Protocol};

/// A u32 filter for IPv4 at `1:`.
fn ip(prio: u16, kind: U32) -> Filter {
    Filter::on(V0, h("1:")).protocol(Protocol::Ip).prio(prio).kind(kind)
}

/// Packets with all of this, to class 1:10.
fn matching(all: impl IntoIterator<Item = Match>) -> Filter {
    ip(1, all.into_iter().fold(U32::new(), U32::matching).class(h("1:10")))
}

fn src(last: [u8; 4], prefix: u8) -> Match {
    Match::ip_src(last.into(), prefix).expect("a prefix")
}

fn dst(last: [u8; 4], prefix: u8) -> Match {
    Match::ip_dst(last.into(), prefix).expect("a prefix")
}

fn raw32(value: u32, mask: u32, at: impl Into<At>) -> Match {
    Match::u32((value, mask), at).expect("a place")
}

fn raw16(value: u16, at: impl Into<At>) -> Match {
    Match::u16((value, 0xffff), at).expect("a place")
}

fn bits() -> Vec<ByHand> {
    let add = |id, key: Match| hand(id, Add, matching([key]));
    let next = At::NextHeader;
    let mac = [0, 0x11, 0x22, 0x33, 0x44, 0x55];
    let ports = [
        src([10, 1, 2, 3], 32),
        dst([10, 4, 5, 6], 32),
        Match::ip_protocol(6),
        Match::ip_sport((1024, 0xfc00)),
        Match::ip_dport(443),
    ];
    vec![
        add("u32_match-001", Match::any()),
        add("u32_match-002", raw32(0xdead_beef, u32::MAX, 16)),
        add("u32_match-003", raw16(0x1234, 0)),
        add("u32_match-005", raw16(80, 22)),
        add("u32_match-008", Match::u8((0x40, 0xf0), 0)),
        add("u32_match-009", raw32(0x0102_0304, u32::MAX, next(4))),
        add("u32_match-010", raw16(0x1234, next(2))),
        add("u32_match-011", Match::u8((0x12, 0xff), next(13))),
        add("u32_match-012", raw16(0x0800, -2)),
        hand("u32_match-021", Add, matching([src([10, 1, 2, 3], 32), dst([10, 4, 5, 6], 32)])),
        hand("u32_match-022", Add, matching(ports)),
        add("u32_match-025", Match::ip_protocol(17)),
        add("u32_match-027", Match::ip_tos((0x10, 0xff))),
        add("u32_match-028", Match::ip_tos((0xb8, 0xfc))),
        add("u32_match-029", Match::ip_precedence(1).expect("a precedence")),
        add("u32_match-030", Match::ip_ihl(5).expect("a length")),
        add("u32_match-033", Match::ip_df()),
        add("u32_match-034", Match::ip_mf()),
        add("u32_match-037", Match::tcp_src(80)),
        hand("u32_match-039", Add, matching([Match::tcp_dst(443), Match::ip_protocol(6)])),
        add("u32_match-043", Match::icmp_code(1)),
        add("u32_match-044", Match::ether_dst(mac)),
        add("u32_match-045", Match::ether_src(mac)),
        hand("u32_match-046", Add, matching([Match::ether_src(mac), dst([10, 0, 0, 1], 32)])),
        hand("u32_match-048", Add, ip(1, U32::new().mark(5, 0xff).class(h("1:10")))),
    ]
}

fn six() -> Vec<ByHand> {
    let filter = |all: Vec<Match>| {
        let kind = all.into_iter().fold(U32::new(), U32::matching).class(h("1:10"));
        Filter::on(V0, h("1:")).protocol(Protocol::Ipv6).prio(2).kind(kind)
    };
    let address = |words: &str| words.parse::<Ipv6Addr>().expect("an address");
    let from = |words, prefix| Match::ip6_src(address(words), prefix).expect("a prefix");
    let to = |words, prefix| Match::ip6_dst(address(words), prefix).expect("a prefix");
    vec![
        hand("u32_ip6-001", Add, filter(vec![from("2001:db8::1", 128)])),
        hand("u32_ip6-003", Add, filter(vec![to("2001:db8:1:2::", 64)])),
        hand("u32_ip6-005", Add, filter(vec![to("::", 0)])),
        hand("u32_ip6-006", Add, filter(vec![from("fe80::1", 128), to("ff02::", 16)])),
        hand("u32_ip6-011", Add, filter(vec![Match::ip6_flowlabel(0x12345).expect("a label")])),
        hand("u32_ip6-012", Add, filter(vec![Match::ip6_icmp_type(128)])),
    ]
}

fn tables() -> Vec<ByHand> {
    let handle = |words: &str| words.parse::<U32Handle>().expect("a handle");
    let table = |words: &str, buckets| ip(5, U32::table(buckets)).handle(handle(words));
    let add = |id, kind: U32| hand(id, Add, ip(5, kind));
    let new = U32::new;
    let udp = || new().matching(Match::ip_protocol(17));
    let host = |last| src([10, 0, 0, last], 32);
    let sample = |sample: &Match| handle("1:").sample(sample, 256).expect("a sample");
    let http = Match::tcp_dst(80);
    vec![
        hand("u32_ht-001", Add, table("1:", 256)),
        hand("u32_ht-002", Add, table("2:", 1)),
        hand("u32_ht-004", Add, table("7ff:", 16)),
        hand("u32_ht-005", Add, table("800:", 16)),
        add("u32_ht-006", U32::table(256)),
        add("u32_ht-008", new().ht(handle("1:1:")).matching(host(1)).class(h("1:10"))),
        add("u32_ht-010", new().ht(handle("1:ff:")).matching(host(255)).class(h("1:20"))),
        add(
            "u32_ht-011",
            new().ht(U32Handle::ROOT).matching(src([10, 0, 0, 0], 24)).hashkey(0xff, 12).link(handle("1:")),
        ),
        add("u32_ht-015", udp().link(handle("1:")).offset(Offset::fixed(20))),
        add("u32_ht-016", udp().link(handle("1:")).offset(Offset::ip_header())),
        add(
            "u32_ht-018",
            new()
                .matching(Match::ip_nofrag())
                .matching(Match::ip_protocol(6))
                .offset(Offset::ip_header().eat())
                .link(handle("1:")),
        ),
        add("u32_ht-019", new().ht(sample(&http)).matching(http.clone()).class(h("1:10"))),
        add("u32_ht-020", {
            let last = sample(&raw32(0x0a00_0001, 0xff, 12));
            new().ht(last).matching(host(1)).class(h("1:10"))
        }),
        add("u32_ht-021", {
            let byte = Match::u8((0x10, 0xff), 1);
            new().ht(sample(&byte)).matching(byte).class(h("1:10"))
        }),
        add("u32_ht-023", new().ht(sample(&host(3))).matching(host(3)).class(h("1:10"))),
        hand(
            "u32_ht-027",
            Add,
            ip(5, new().ht(handle("1:2:")).matching(host(1)).class(h("1:10"))).handle(handle("1:2:3")),
        ),
        hand(
            "u32_ht-028",
            Add,
            ip(5, new().ht(handle("1:4:")).matching(host(1)).class(h("1:10"))).handle(handle("1:2:3")),
        ),
        hand(
            "u32_ht-030",
            Add,
            ip(5, new().matching(host(1)).class(h("1:10")))
                .handle(U32Handle::new(0, 0, 7).expect("a handle")),
        ),
        hand("u32_ht-031", Delete, Filter::on(V0, h("1:")).prio(5).kind(new()).handle(handle("1:"))),
        hand("u32_ht-033", Delete, Filter::on(V0, h("1:")).prio(5)),
    ]
}

pub fn commands() -> Vec<ByHand> {
    [bits(), six(), tables()].into_iter().flatten().collect()
}

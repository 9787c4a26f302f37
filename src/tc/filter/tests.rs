//! Against what iproute2 sent: `tests/golden/README.md`.

use super::*;
use crate::request::Request;
use crate::tc::fw::Fw;
use crate::tc::u32::{At, Match, Offset, U32Handle, U32};
use crate::tc::FilterFlags;
use crate::units::Name;
use crate::wire::{Header, Messages, Reader};
use serde_json::Value as Json;

/// A recorded request.
struct Recorded {
    id: String,
    command: String,
    header: Header,
    body: Vec<u8>,
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

/// What was recorded in `file`, one value a line.
fn golden(file: &str) -> Vec<Json> {
    let path = format!("{}/tests/golden/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The recorded requests about filters of these kinds.
fn recorded() -> Vec<Recorded> {
    let ours = |group: &str| group.starts_with("u32_") || group == "fw" || group == "ingress";
    let mut all = Vec::new();
    for line in golden("requests.jsonl") {
        if !ours(line["group"].as_str().unwrap()) {
            continue;
        }
        for hex in line["hex"].as_array().unwrap() {
            let message = bytes(hex.as_str().unwrap());
            let (header, body) = Messages::new(&message).next().unwrap().unwrap();
            if (44..=46).contains(&header.ty) {
                let text = |field: &str| line[field].as_str().unwrap().to_owned();
                let body = body.to_vec();
                all.push(Recorded { id: text("id"), command: text("cmd"), header, body });
            }
        }
    }
    all
}

/// The attributes in `payload` without order and NLA_F_NESTED, or the bytes where it holds none.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Meaning {
    Bytes(Vec<u8>),
    Attrs(Vec<(u16, Meaning)>),
}

fn meaning(payload: &[u8]) -> Meaning {
    let attrs: Result<Vec<_>, _> = Reader::new(payload).attrs().collect();
    match attrs {
        Ok(attrs) if !attrs.is_empty() => {
            let mut attrs: Vec<_> = attrs.iter().map(|attr| (attr.ty, meaning(attr.payload))).collect();
            attrs.sort();
            Meaning::Attrs(attrs)
        }
        // Rate tables: kernels look whether they are there. What they hold is compared elsewhere.
        _ if payload.len() == 1024 => Meaning::Bytes(b"table".to_vec()),
        _ => Meaning::Bytes(payload.to_vec()),
    }
}

/// The header and what the attributes behind it mean.
fn body_meaning(body: &[u8]) -> (&[u8], Meaning) {
    let (header, attrs) = body.split_at(Filter::HEADER);
    (header, meaning(attrs))
}

fn encode(filter: &Filter, verb: Verb) -> Vec<u8> {
    let mut w = Writer::default();
    filter.encode(verb, &mut w).unwrap();
    assert_eq!(w.finish(), Ok(()), "{}", Request::new(verb, filter));
    w.bytes().to_vec()
}

fn verb(recorded: &Recorded) -> Verb {
    match recorded.command.split(' ').nth(2).unwrap() {
        "add" => Verb::Add,
        "replace" => Verb::Replace,
        "change" => Verb::Change,
        "del" => Verb::Delete,
        "get" => Verb::Get,
        word => panic!("{word}"),
    }
}

fn unknown(filter: &Filter) -> bool {
    let inner = match &filter.kind {
        None => false,
        Some(FilterKind::Fw(fw)) => !fw.unknown.is_empty(),
        Some(FilterKind::U32(u32)) => !u32.unknown.is_empty(),
        Some(FilterKind::Other(_)) => true,
    };
    inner || !filter.unknown.is_empty()
}

#[test]
fn every_recorded_request_is_understood_and_sent_again() {
    let mut count = 0;
    for recorded in recorded().iter().filter(|recorded| !recorded.command.contains(" show ")) {
        let filter = Filter::decode(&recorded.body).unwrap();
        assert!(!unknown(&filter), "{}: {filter:?}", recorded.id);
        let verb = verb(recorded);
        let sent = encode(&filter, verb);
        assert_eq!(
            body_meaning(&sent),
            body_meaning(&recorded.body),
            "{}: {}",
            recorded.id,
            recorded.command
        );
        // NLM_F_REQUEST and NLM_F_ACK are the connection's business.
        assert_eq!(filter.flags(verb), recorded.header.flags & !5, "{}", recorded.id);
        assert_eq!(verb.message(Filter::NEW), recorded.header.ty);
        count += 1;
    }
    assert!(count > 100, "{count}");
}

#[test]
fn every_recorded_reply_is_understood() {
    let mut count = 0;
    for line in golden("replies.jsonl") {
        let id = line["id"].as_str().unwrap();
        if !(id.starts_with("u32_") || id.starts_with("fw-") || id.starts_with("ingress-")) {
            continue;
        }
        let mut shown = line["json"].as_array().into_iter().flatten();
        for hex in line["replies"].as_array().unwrap() {
            let message = bytes(hex.as_str().unwrap());
            let (header, body) = Messages::new(&message).next().unwrap().unwrap();
            if header.ty != Filter::NEW {
                continue;
            }
            let filter = Filter::decode(body).unwrap();
            assert!(!unknown(&filter), "{id}: {filter:?}");
            count += 1;
            let Some(json) = shown.next() else { continue };
            check(id, &filter, json);
        }
    }
    assert!(count > 200, "{count}");
}

/// Compares a filter with what iproute2 printed of it.
fn check(id: &str, filter: &Filter, json: &Json) {
    let text = |value: Option<String>| value.map_or(Json::Null, Json::String);
    assert_eq!(json["pref"], filter.prio, "{id}");
    assert_eq!(json["chain"], filter.chain.unwrap(), "{id}");
    let kind = filter.kind.as_ref().unwrap();
    assert_eq!(json["kind"], kind.name(), "{id}");
    let options = &json["options"];
    match kind {
        FilterKind::U32(u32) if !options.is_null() => {
            let handle = U32Handle::from_raw(filter.handle);
            assert_eq!(options["fh"].as_str().unwrap().parse(), Ok(handle), "{id}");
            assert_eq!(
                options["ht_divisor"],
                u32.divisor.map_or(Json::Null, |divisor| divisor.0.into()),
                "{id}"
            );
            assert_eq!(options["flowid"], text(u32.class.map(|class| class.to_string())), "{id}");
            assert_eq!(options["link"], text(u32.link.map(|link| link.to_string())), "{id}");
            assert_eq!(
                options["rule_hit"],
                u32.counters.as_ref().map_or(Json::Null, |c| c.tried.into()),
                "{id}"
            );
            assert_eq!(
                options["fwmark_value"],
                text(u32.mark.map(|mark| format!("{:#x}", mark.value))),
                "{id}"
            );
            let not_in_hw = u32.flags.is_some_and(|flags| flags.contains(FilterFlags::NOT_IN_HW));
            assert_eq!(options["not_in_hw"].as_bool().unwrap_or(false), not_in_hw, "{id}");
            if let Some(selector) = u32.selector.as_ref().filter(|selector| selector.keys.len() == 1) {
                let key = selector.keys[0];
                assert_eq!(options["match"]["value"], format!("{:x}", key.val.0), "{id}");
                assert_eq!(options["match"]["mask"], format!("{:x}", key.mask.0), "{id}");
                assert_eq!(options["match"]["off"], key.off, "{id}");
                let next = if key.offmask == -1 { "nexthdr+" } else { "" };
                assert_eq!(options["match"]["offmask"], next, "{id}");
            }
        }
        FilterKind::Fw(fw) if !options.is_null() => {
            assert_eq!(options["classid"], text(fw.class.map(|class| class.to_string())), "{id}");
            // iproute2 shows all bits where the kernel says nothing.
            let mask = format!("{:#x}", fw.mask.unwrap_or(u32::MAX));
            assert_eq!(options["fw"]["mask"], mask, "{id}");
            assert_eq!(options["indev"], text(fw.indev.map(|name| name.to_string())), "{id}");
        }
        // The classifier itself.
        kind => assert_eq!((filter.handle, kind.to_string().as_str()), (0, kind.name()), "{id}"),
    }
}

fn handle(word: &str) -> Handle {
    word.parse().unwrap()
}

fn table(word: &str) -> U32Handle {
    word.parse().unwrap()
}

/// `tc filter ... dev v0 parent 1: protocol ip prio N`.
fn on(prio: u16) -> Filter {
    Filter::on(10, handle("1:")).protocol(Protocol::Ip).prio(prio)
}

/// A filter to class 1:10.
fn matching(what: Match) -> U32 {
    U32::new().matching(what).class(handle("1:10"))
}

fn ip(prio: u16, what: Match) -> Filter {
    on(prio).kind(matching(what))
}

fn ip6(what: Match) -> Filter {
    Filter::on(10, handle("1:")).protocol(Protocol::Ipv6).prio(2).kind(matching(what))
}

fn fw(prio: u16, fw: Fw) -> Filter {
    on(prio).kind(fw)
}

/// Requests built by hand, by the ids of the commands that they are to equal.
fn built() -> crate::Result<Vec<(&'static str, Verb, Filter)>> {
    let src = |last| Match::ip_src([10, 0, 0, last].into(), 32);
    let leaf = |ht: &str, what: Match| U32::new().ht(table(ht)).matching(what).class(handle("1:10"));
    let seven = |prefix: &str| prefix.parse::<std::net::Ipv6Addr>().unwrap();
    let mac = [0, 0x11, 0x22, 0x33, 0x44, 0x55];
    let v1 = Name::new("v1")?;
    Ok(vec![
        ("u32_match-001", Verb::Add, ip(1, Match::any())),
        ("u32_match-002", Verb::Add, ip(1, Match::u32(0xdead_beef, 16)?)),
        ("u32_match-003", Verb::Add, ip(1, Match::u16(0x1234, 0)?)),
        ("u32_match-005", Verb::Add, ip(1, Match::ip_dport(80))),
        ("u32_match-008", Verb::Add, ip(1, Match::u8((0x40, 0xf0), 0))),
        ("u32_match-009", Verb::Add, ip(1, Match::u32(0x0102_0304, At::NextHeader(4))?)),
        ("u32_match-010", Verb::Add, ip(1, Match::u16(0x1234, At::NextHeader(2))?)),
        ("u32_match-011", Verb::Add, ip(1, Match::u8(0x12, At::NextHeader(13)))),
        ("u32_match-012", Verb::Add, ip(1, Match::u16(0x0800, -2)?)),
        (
            "u32_match-022",
            Verb::Add,
            on(1).kind(
                matching(Match::ip_src([10, 1, 2, 3].into(), 32)?)
                    .matching(Match::ip_dst([10, 4, 5, 6].into(), 32)?)
                    .matching(Match::ip_protocol(6))
                    .matching(Match::ip_sport((1024, 0xfc00)))
                    .matching(Match::ip_dport(443)),
            ),
        ),
        ("u32_match-025", Verb::Add, ip(1, Match::ip_protocol(17))),
        ("u32_match-027", Verb::Add, ip(1, Match::ip_tos(0x10))),
        ("u32_match-028", Verb::Add, ip(1, Match::ip_tos((0xb8, 0xfc)))),
        ("u32_match-029", Verb::Add, ip(1, Match::ip_precedence(1)?)),
        ("u32_match-030", Verb::Add, ip(1, Match::ip_ihl(5)?)),
        ("u32_match-033", Verb::Add, ip(1, Match::ip_df())),
        ("u32_match-034", Verb::Add, ip(1, Match::ip_mf())),
        ("u32_match-037", Verb::Add, ip(1, Match::tcp_src(80))),
        ("u32_match-043", Verb::Add, ip(1, Match::icmp_code(1))),
        ("u32_match-044", Verb::Add, ip(1, Match::ether_dst(mac))),
        ("u32_match-045", Verb::Add, ip(1, Match::ether_src(mac))),
        ("u32_match-048", Verb::Add, on(1).kind(U32::new().mark(5, 0xff).class(handle("1:10")))),
        ("u32_ip6-001", Verb::Add, ip6(Match::ip6_src(seven("2001:db8::1"), 128)?)),
        ("u32_ip6-003", Verb::Add, ip6(Match::ip6_dst(seven("2001:db8:1:2::"), 64)?)),
        ("u32_ip6-005", Verb::Add, ip6(Match::ip6_dst(seven("::"), 0)?)),
        ("u32_ip6-011", Verb::Add, ip6(Match::ip6_flowlabel(0x12345)?)),
        ("u32_ip6-012", Verb::Add, ip6(Match::ip6_icmp_type(128))),
        ("u32_ht-001", Verb::Add, on(5).handle(table("1:")).kind(U32::table(256))),
        ("u32_ht-006", Verb::Add, on(5).kind(U32::table(256))),
        ("u32_ht-008", Verb::Add, on(5).kind(leaf("1:1:", src(1)?))),
        (
            "u32_ht-011",
            Verb::Add,
            on(5).kind(
                U32::new()
                    .ht(U32Handle::ROOT)
                    .matching(Match::ip_src([10, 0, 0, 0].into(), 24)?)
                    .hashkey(0xff, 12)
                    .link(table("1:")),
            ),
        ),
        (
            "u32_ht-015",
            Verb::Add,
            on(5).kind(
                U32::new().matching(Match::ip_protocol(17)).link(table("1:")).offset(Offset::fixed(20)),
            ),
        ),
        (
            "u32_ht-018",
            Verb::Add,
            on(5).kind(
                U32::new()
                    .matching(Match::ip_nofrag())
                    .matching(Match::ip_protocol(6))
                    .offset(Offset::ip_header().eat())
                    .link(table("1:")),
            ),
        ),
        ("u32_ht-019", Verb::Add, {
            let http = Match::tcp_dst(80);
            on(5).kind(U32::new().ht(table("1:").sample(&http, 256)?).matching(http).class(handle("1:10")))
        }),
        ("u32_ht-028", Verb::Add, on(5).handle(table("1:2:3")).kind(leaf("1:4:", src(1)?))),
        ("u32_ht-030", Verb::Add, on(5).handle(U32Handle::new(0, 0, 7)?).kind(matching(src(1)?))),
        ("u32_ht-033", Verb::Delete, Filter::on(10, handle("1:")).prio(5)),
        ("u32_life-002", Verb::Delete, on(1).handle(table("800::801")).kind(U32::new())),
        ("u32_life-006", Verb::Delete, Filter::on(10, Handle::UNSPEC)),
        ("u32_life-009", Verb::Replace, on(1).kind(matching(src(9)?).class(handle("1:20")))),
        ("u32_life-010", Verb::Get, on(1).handle(table("800::800")).kind(U32::new())),
        ("u32_life-014", Verb::Add, on(8).protocol("0x88cc".parse()?).kind(matching(Match::any()))),
        ("u32_life-019", Verb::Add, ip(3, Match::any()).chain(4)),
        ("u32_life-021", Verb::Add, on(3).kind(matching(Match::any()).flags(FilterFlags::SKIP_HW))),
        ("u32_life-028", Verb::Add, ip(3, Match::any()).estimator(Estimator::new(0, 2))),
        ("fw-001", Verb::Add, fw(2, Fw::mark(5).class(handle("1:10")))),
        ("fw-005", Verb::Add, fw(2, Fw::mark(16).mask(255).class(handle("1:10")))),
        ("fw-008", Verb::Add, fw(2, Fw::legacy())),
        ("fw-010", Verb::Add, fw(2, Fw::mark(6).class(handle("1:10")).indev(v1))),
        ("fw-020", Verb::Add, Filter::on(10, handle("1:")).kind(Fw::mark(100).class(handle("1:20")))),
        ("fw-024", Verb::Delete, fw(2, Fw::mark(7))),
        ("fw-028", Verb::Change, fw(2, Fw::mark(5).class(handle("1:20")))),
    ])
}

#[test]
fn requests_built_by_hand_equal_what_tc_sends() {
    let recorded = recorded();
    for (id, verb, filter) in built().unwrap() {
        let recorded = recorded.iter().find(|recorded| recorded.id == id).unwrap();
        let sent = encode(&filter, verb);
        assert_eq!(body_meaning(&sent), body_meaning(&recorded.body), "{id}: {}", recorded.command);
    }
}

#[test]
fn queries_ask_as_tc_asks() {
    for (id, query, command) in [
        ("ingress-015", Filter::of(10).ingress(), "tc filter show dev if10 ingress"),
        ("ingress-016", Filter::of(10).egress(), "tc filter show dev if10 egress"),
        ("fw-032", Filter::of(10).parent(handle("1:")), "tc filter show dev if10 parent 1:"),
        (
            "u32_ht-036",
            Filter::of(10).parent(handle("1:")).prio(5),
            "tc filter show dev if10 parent 1: prio 5",
        ),
    ] {
        let recorded = recorded();
        let recorded = recorded.iter().find(|recorded| recorded.id == id).unwrap();
        let mut w = Writer::default();
        query.encode(&mut w).unwrap();
        assert_eq!(w.bytes(), recorded.body, "{id}");
        assert_eq!(shown(&query), command);
    }
}

/// Recorded from iproute2 6.1: `tc filter show dev v0 ingress chain 5 protocol ip`.
#[test]
fn a_query_for_a_protocol_and_a_chain_asks_as_tc_asks() {
    let query = Filter::of(3).ingress().chain(5).protocol(Protocol::Ip);
    let mut w = Writer::default();
    query.encode(&mut w).unwrap();
    assert_eq!(w.bytes(), bytes("000000000300000000000000f2ffffff0800000008000b0005000000"));
    assert_eq!(shown(&query), "tc filter show dev if3 ingress protocol ip chain 5");
}

fn shown(query: &Filters) -> String {
    struct Shown<'a>(&'a Filters);
    impl fmt::Display for Shown<'_> {
        fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
            self.0.command(f)
        }
    }
    Shown(query).to_string()
}

#[test]
fn a_query_gives_the_names_of_its_device_to_what_is_found() {
    let v0 = Dev::named(10, Name::new("v0").unwrap());
    let mut found = Filter::on(10, handle("1:"));
    assert!(Filter::of(v0).take(&mut found));
    assert_eq!(found.place.to_string(), "dev v0 parent 1:");
    // A device whose qdisc is in a shared block answers for the block.
    let mut found = Filter::on_block(22);
    Filter::of(v0).take(&mut found);
    assert_eq!(found, Filter::on_block(22));
}

#[test]
fn commands_are_ones_that_tc_reads() {
    let commands: Vec<_> = built()
        .unwrap()
        .into_iter()
        .filter(|(id, ..)| {
            [
                "u32_ht-011",
                "u32_ht-018",
                "u32_ht-028",
                "u32_life-002",
                "u32_life-019",
                "u32_life-021",
                "u32_ip6-005",
            ]
            .contains(id)
                || ["fw-005", "fw-008", "fw-024", "fw-020", "u32_match-048", "u32_life-028"].contains(id)
        })
        .map(|(_, verb, filter)| Request::new(verb, &filter).to_string())
        .collect();
    assert_eq!(
        commands,
        [
            "tc filter add dev if10 parent 1: protocol ip prio 1 u32 match mark 0x5 0xff classid 1:10",
            "tc filter add dev if10 parent 1: protocol ipv6 prio 2 u32 match ip6 dst ::/0 classid 1:10",
            "tc filter add dev if10 parent 1: protocol ip prio 5 u32 ht 800: match u32 0x0a000000 0xffffff00 at 12 \
             link 1: hashkey mask 0x000000ff at 12",
            "tc filter add dev if10 parent 1: protocol ip prio 5 u32 match u32 0x00000000 0x00003fff at 4 match u32 \
             0x00060000 0x00ff0000 at 8 link 1: offset at 0 mask 0f00 shift 6 eat",
            "tc filter add dev if10 parent 1: protocol ip prio 5 handle 1:2:3 u32 ht 1:4: match u32 0x0a000001 \
             0xffffffff at 12 classid 1:10",
            "tc filter del dev if10 parent 1: protocol ip prio 1 handle 800::801 u32",
            "tc filter add dev if10 parent 1: protocol ip prio 3 chain 4 u32 match u32 0x00000000 0x00000000 at 0 \
             classid 1:10",
            "tc filter add dev if10 parent 1: protocol ip prio 3 u32 match u32 0x00000000 0x00000000 at 0 skip_hw \
             classid 1:10",
            "tc filter add dev if10 parent 1: protocol ip prio 3 estimator 1000000us 3476060us u32 match u32 \
             0x00000000 0x00000000 at 0 classid 1:10",
            "tc filter add dev if10 parent 1: protocol ip prio 2 handle 0x10/0xff fw classid 1:10",
            "tc filter add dev if10 parent 1: protocol ip prio 2 fw",
            "tc filter add dev if10 parent 1: handle 0x64 fw classid 1:20",
            "tc filter del dev if10 parent 1: protocol ip prio 2 handle 0x7 fw",
        ]
    );
}

#[test]
fn a_filter_without_a_kind_cannot_be_added() {
    let mut w = Writer::default();
    let error = on(1).encode(Verb::Add, &mut w).unwrap_err();
    assert_eq!(error.to_string(), "the kind of the filter is missing");
}

#[test]
fn the_mark_is_the_handle_in_whatever_order_they_are_given() {
    for filter in
        [on(1).kind(Fw::mark(7)), on(1).handle(3u32).kind(Fw::mark(7)), on(1).kind(Fw::mark(3)).handle(7u32)]
    {
        assert_eq!(filter, on(1).kind(Fw::mark(7)));
        assert_eq!(filter.handle, 7);
    }
}

#[test]
fn attributes_that_the_kernel_refuses_have_names() {
    let body = encode(&ip(1, Match::any()), Verb::Add);
    let named = |ty: u16| {
        let at = (20..body.len()).step_by(4).find(|&at| body[at + 2..at + 4] == ty.to_ne_bytes());
        Filter::attribute_at(&body, at.unwrap())
    };
    assert_eq!(named(5), Some("TCA_U32_SEL"));
    assert_eq!(Filter::attribute_at(&body, 20), Some("TCA_KIND"));
}

#[test]
fn what_kernels_would_pass_over_without_a_word_is_refused() {
    let refused = |kind: FilterKind| {
        let mut w = Writer::default();
        kind.encode(2, &mut w);
        w.finish().unwrap_err().to_string()
    };
    let many = (0..33).fold(U32::new(), |u32, _| u32.action(crate::tc::gact::Gact::ok()));
    assert_eq!(refused(many.into()), "number of actions of a filter is out of range: 33 (allowed: 0 to 32)");
    let many = (0..33).fold(Fw::mark(1), |fw, _| fw.action(crate::tc::gact::Gact::ok()));
    assert_eq!(refused(many.into()), "number of actions of a filter is out of range: 33 (allowed: 0 to 32)");
    let table = U32::table(256).matching(Match::ip_protocol(6));
    assert_eq!(refused(table.into()), "a u32 hash table has no keys and no class: its filters have");
}

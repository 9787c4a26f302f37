use super::*;
use crate::request::{attribute_at, Asked, Object, Query, Request, Verb};
use crate::text::{Layout, Page, Show, Words};
use crate::wire::generate::{Generate, Source};
use crate::wire::{EncodeError, Writer};
use netlink_packet_route::link::LinkMessage;
use proptest::prelude::*;

fn encode(link: &Link, verb: Verb) -> Result<Vec<u8>, EncodeError> {
    let mut w = Writer::default();
    link.encode(verb, &mut w)?;
    Ok(w.bytes().to_vec())
}

fn command(link: &Link, verb: Verb) -> String {
    Request::new(verb, link).to_string()
}

fn address(g: &mut Source<'_>) -> HardwareAddress {
    HardwareAddress::from_bytes(&g.list::<u8>(32)).unwrap()
}

fn text(g: &mut Source<'_>) -> String {
    g.pick(&["", "hello", "two words", "it's"]).to_owned()
}

fn dev(g: &mut Source<'_>) -> Dev {
    Dev::index(u32::generate(g))
}

/// An optional field.
fn some<T>(g: &mut Source<'_>, make: impl FnOnce(&mut Source<'_>) -> T) -> Option<T> {
    g.flip().then(|| make(g))
}

fn kind(g: &mut Source<'_>, end: bool) -> LinkKind {
    match g.below(6) {
        0 => LinkKind::Ifb,
        1 => LinkKind::Dummy,
        2 => Bridge::generate(g).into(),
        3 => LinkKind::Other(OtherKind { name: "vlan".into(), data: Option::generate(g) }),
        4 if !end => Veth::peer(link(g, true)).into(),
        _ => Veth::default().into(),
    }
}

fn link(g: &mut Source<'_>, end: bool) -> Link {
    Link {
        dev: dev(g),
        name: Option::generate(g),
        alternative_names: (0..g.below(3)).map(|_| text(g)).collect(),
        kind: some(g, |g| kind(g, end)),
        info: g.list(2),
        flags: LinkFlags::from_bits_retain(u32::generate(g)),
        change: LinkFlags::from_bits_retain(u32::generate(g)),
        // Others become ARPHRD_VOID in netlink-packet-route.
        hardware: g.pick(&[0, 1, 512, 772, 65534, 65535]),
        mtu: Option::generate(g),
        min_mtu: Option::generate(g),
        max_mtu: Option::generate(g),
        txqueuelen: Option::generate(g),
        tx_queues: Option::generate(g),
        rx_queues: Option::generate(g),
        address: some(g, address),
        broadcast: some(g, address),
        master: some(g, dev),
        link: some(g, dev),
        link_netnsid: Option::generate(g),
        netns: some(g, |g| match g.flip() {
            true => Netns::Pid(u32::generate(g)),
            false => Netns::Fd(i32::generate(g)),
        }),
        qdisc: some(g, text),
        operstate: some(g, |g| OperState::from(g.byte())),
        group: Option::generate(g),
        alias: some(g, text),
        promiscuity: Option::generate(g),
        allmulti: Option::generate(g),
        mode: some(g, |g| LinkMode(g.byte())),
        permanent_address: some(g, address),
        carrier_changes: Option::generate(g),
        tso_max_size: Option::generate(g),
        tso_max_segs: Option::generate(g),
        gso_max_size: Option::generate(g),
        gso_max_segs: Option::generate(g),
        gro_max_size: Option::generate(g),
        gso_ipv4_max_size: Option::generate(g),
        gro_ipv4_max_size: Option::generate(g),
        stats: Option::generate(g),
        unknown: g.list(2).into(),
    }
}

/// What a request to change it carries: nothing that only kernels report.
fn asked(mut link: Link) -> Link {
    link.alternative_names.clear();
    link.hardware = 0;
    link.flags &= link.change;
    (link.min_mtu, link.max_mtu, link.promiscuity) = (None, None, None);
    (link.qdisc, link.operstate, link.stats) = (None, None, None);
    (link.allmulti, link.permanent_address, link.carrier_changes) = (None, None, None);
    (link.tso_max_size, link.tso_max_segs) = (None, None);
    if let Some(LinkKind::Veth(Veth { peer: Some(peer) })) = &mut link.kind {
        **peer = asked((**peer).clone());
    }
    link
}

/// Leaves out what netlink-packet-route cannot say: hardware types it does not know, and both flags of an attribute at once,
/// which exclude each other.
fn sayable(link: &mut Link) {
    link.hardware = 0;
    for attr in link.unknown.iter_mut().chain(&mut link.info).filter(|attr| attr.flags == 0xc000) {
        attr.flags = 0x8000;
    }
    if let Some(LinkKind::Veth(Veth { peer: Some(peer) })) = &mut link.kind {
        sayable(peer);
    }
}

proptest! {
    #[test]
    fn a_link_converted_there_and_back_is_the_same(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let link = link(&mut Source::new(&bytes), false);
        prop_assert_eq!(Link::try_from(LinkMessage::from(&link)).unwrap(), link);
    }

    #[test]
    fn a_link_decodes_to_what_was_asked_for(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let link = link(&mut Source::new(&bytes), false);
        let _ = command(&link, Verb::Add);
        if let Ok(body) = encode(&link, Verb::Change) {
            prop_assert_eq!(Link::decode(&body).unwrap(), asked(link));
        }
    }

    #[test]
    fn no_bytes_panic_and_what_they_decode_to_is_a_fixpoint(
        header in proptest::array::uniform16(any::<u8>()),
        attrs in proptest::collection::vec((0u16..72, proptest::collection::vec(any::<u8>(), 0..48)), 0..6),
        tail in proptest::collection::vec(any::<u8>(), 0..8),
    ) {
        let mut w = Writer::default();
        w.put(&header);
        for (ty, payload) in &attrs {
            w.attr_with(*ty, |w| w.put(payload));
        }
        w.put(&tail);
        for at in 0..w.len() {
            attribute_at(w.bytes(), 16, at, |_| None);
            Link::attribute_at(w.bytes(), at);
        }
        if let Ok(once) = Link::decode(w.bytes()) {
            for verb in [Verb::Add, Verb::Change, Verb::Delete] {
                let _ = (command(&once, verb), encode(&once, verb));
            }
            shown_in_every_layout(&once)?;
            let mut once = once;
            sayable(&mut once);
            prop_assert_eq!(Link::try_from(LinkMessage::from(&once)).unwrap(), once);
        }
    }
}

/// Text, and JSON that is JSON.
pub(in crate::route) fn shown_in_every_layout(object: &impl Show) -> Result<(), TestCaseError> {
    let layout = Layout { details: true, stats: 2, ..Layout::default() };
    for layout in [
        layout,
        Layout { brief: true, ..layout },
        Layout { one_line: true, numeric: true, ..layout },
        Layout { json: true, ..layout },
    ] {
        let mut page = Page::new(layout);
        object.show(&mut page);
        let shown = page.take();
        match layout.json {
            true => prop_assert!(serde_json::from_str::<serde_json::Value>(&shown).is_ok(), "{}", shown),
            false => prop_assert!(shown.ends_with('\n'), "{}", shown),
        }
    }
    Ok(())
}

struct Text<'a, Q>(&'a Q);

impl<Q: Query> std::fmt::Display for Text<'_, Q> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.command(f)
    }
}

/// Some conditions on links; devices are known by name alone, as where none are looked up.
pub(in crate::route) fn query(g: &mut Source<'_>) -> Links {
    let dev = |g: &mut Source<'_>| Dev::named(0, Name::new(g.pick(&["v0", "br0", "eth0.5"])).unwrap());
    let mut links = Link::all();
    if g.flip() {
        links = links.of_dev(dev(g));
    }
    match g.below(3) {
        0 => links = links.of_master(dev(g)),
        1 => links = links.without_master(),
        _ => (),
    }
    if g.flip() {
        links = links.of_kind(g.pick(&["veth", "bridge", "bridge_slave"]));
    }
    if g.flip() {
        links = links.of_group(u32::generate(g));
    }
    match g.flip() {
        true => links.up(),
        false => links,
    }
}

/// Whether the query's command, read again, prints the same; `before` is what stands in front of its words.
pub(in crate::route) fn hears_what_it_says<Q: Asked>(
    query: &Q,
    before: &str,
    words: fn(Words<'_>) -> Words<'_>,
) -> Result<(), TestCaseError> {
    let said = Text(query).to_string();
    let rest = said.strip_prefix(before).ok_or_else(|| TestCaseError::fail(said.clone()))?;
    let rest: Vec<&str> = rest.split_whitespace().collect();
    let heard = Q::hear(&mut words(Words::new(&rest)));
    let heard = heard.map_err(|error| TestCaseError::fail(format!("{said}\n{error}")))?;
    prop_assert_eq!(Text(&heard).to_string(), said);
    Ok(())
}

proptest! {
    #[test]
    fn every_query_for_links_hears_what_it_says(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        let links = query(&mut Source::new(&bytes));
        hears_what_it_says(&links, "ip link show", |words| words)?;
        prop_assert_eq!(links.one().and_then(|one| one.name).is_some(), Text(&links).to_string().contains(" dev "));
    }
}

#[test]
fn what_is_asked_of_links_is_heard_as_ip_hears_it() {
    for (words, said) in [
        (&["v0"][..], " dev v0"),
        (&["vrf", "red", "up"], " up master red"),
        (&["nomaster", "group", "default", "dev", "if7"], " dev if7 nomaster group 0"),
        (&["type", "bridge_slave"], " type bridge_slave"),
    ] {
        let heard = Links::hear(&mut Words::new(words)).unwrap();
        assert_eq!(Text(&heard).to_string(), format!("ip link show{said}"));
    }
    for words in [&["dev", "v0", "v1"][..], &["dev", "v0", "dev", "v0"], &["type"], &["group", "red"]] {
        assert!(Links::hear(&mut Words::new(words)).is_err(), "{words:?}");
    }
}

#[test]
fn options_without_a_kind_stay_where_they_stood() {
    // struct ifinfomsg, IFLA_LINKINFO { IFLA_INFO_DATA (1 byte), IFLA_INFO_DATA (4 bytes) }
    let header = |len: u16, ty: u16| [len.to_ne_bytes(), ty.to_ne_bytes()].concat();
    let mut body = [[0; 4], 1u32.to_ne_bytes(), [0; 4], [0; 4]].concat();
    body.extend([header(20, 18), header(5, 2), vec![1, 0, 0, 0], header(8, 2), vec![2, 3, 4, 5]].concat());
    let link = Link::decode(&body).unwrap();
    assert_eq!(encode(&link, Verb::Change).unwrap(), body);
}

#[test]
fn pairs_within_pairs_do_not_exhaust_the_stack() {
    let mut body = vec![0; 16];
    for _ in 0..1500 {
        let mut w = Writer::default();
        w.put(&[0; 16]);
        w.attr_with(18, |w| {
            w.attr_with(1, |w| w.put(b"veth"));
            w.attr_with(2, |w| w.attr_with(1, |w| w.put(&body)));
        });
        body = w.bytes().to_vec();
    }
    let link = Link::decode(&body).unwrap();
    let Some(LinkKind::Veth(Veth { peer: Some(peer) })) = link.kind else { panic!("{link:?}") };
    assert!(matches!(&peer.kind, Some(LinkKind::Other(other)) if other.name == "veth"), "{peer:?}");
}

#[test]
fn what_is_too_long_is_an_error_and_no_panic() {
    let mut link = Link::of(1);
    link.unknown.push(RawAttr { ty: 0x3000, flags: 0, payload: vec![0; 65_532] });
    let too_long = EncodeError::TooLong { attribute: 0x3000, len: 65_536, max: 65_535 };
    assert_eq!(encode(&link, Verb::Change), Err(too_long));
    let pair = Link::named("a").unwrap().kind(Veth::peer(link));
    assert!(matches!(encode(&pair, Verb::Add), Err(EncodeError::TooLong { attribute: 18, .. })));
    assert!(Link::try_from(LinkMessage::from(&pair)).is_err());
}

#[test]
fn what_would_mean_something_else_to_the_kernel_is_refused() {
    let nameless = Link::default().group(0).up();
    for verb in [Verb::Change, Verb::Delete, Verb::Get, Verb::Replace] {
        assert_eq!(encode(&nameless, verb), Err(EncodeError::Missing("the name or index of the link")));
    }
    assert_eq!(encode(&Link::of(1), Verb::Add), Err(EncodeError::Missing("the kind of the link")));
    assert!(encode(&Link::of(1).alias("a\0b"), Verb::Change).is_err());
    assert!(encode(&Link::of(1).alias("x".repeat(255)), Verb::Change).is_err());
    let pair = Veth::peer(Link::default().kind(Veth::peer(Link::default())));
    assert!(encode(&Link::default().kind(pair), Verb::Add).is_err());
    assert!(Link::named("a b").is_err());
}

#[test]
fn a_name_that_is_not_utf8_does_not_fail_the_link() {
    let mut w = Writer::default();
    w.put(&[0; 16]);
    w.attr_with(3, |w| w.put(b"\xff\xfe\0"));
    let link = Link::decode(w.bytes()).unwrap();
    assert_eq!((link.name, link.unknown.len()), (None, 1));
}

#[test]
fn links_print_as_the_command_that_does_the_same() {
    let v0 = Dev::named(10, Name::new("v0").unwrap());
    let named = |name| Link::named(name).unwrap();
    for (link, verb, command) in [
        (named("d1").index(77).kind(LinkKind::Dummy), Verb::Add, "ip link add name d1 index 77 type dummy"),
        (named("i").kind(LinkKind::Ifb).up(), Verb::Add, "ip link add name i up type ifb"),
        (Link::of(v0).down().rename("w0").unwrap(), Verb::Change, "ip link set dev v0 name w0 down"),
        (
            Link::of(v0).master(2).alias("two words"),
            Verb::Change,
            "ip link set dev v0 master if2 alias 'two words'",
        ),
        (Link::of(v0).nomaster().netns_pid(7), Verb::Change, "ip link set dev v0 nomaster netns 7"),
        (
            named("br0").kind(Bridge::new().stp_state(1)),
            Verb::Change,
            "ip link set dev br0 type bridge stp_state 1",
        ),
        (named("v0").kind(LinkKind::Ifb), Verb::Delete, "ip link del dev v0"),
        (named("v0"), Verb::Get, "ip link show dev v0"),
        (
            named("a0").kind(Veth::peer(named("a1").netns_pid(42).address([2, 0, 0, 0, 0, 1]))),
            Verb::Add,
            "ip link add name a0 type veth peer name a1 address 02:00:00:00:00:01 netns 42",
        ),
    ] {
        assert_eq!(super::tests::command(&link, verb), command);
    }
}

#[test]
fn the_kernel_s_complaint_names_the_attribute() {
    let body = encode(&Link::of(1).mtu(1).kind(Bridge::new().stp_state(1)), Verb::Change).unwrap();
    // IFLA_MTU, IFLA_LINKINFO { IFLA_INFO_KIND "bridge\0", IFLA_INFO_DATA { IFLA_BR_STP_STATE } }
    let names = [
        (16, "IFLA_MTU"),
        (24, "IFLA_LINKINFO"),
        (28, "IFLA_INFO_KIND"),
        (40, "IFLA_INFO_DATA"),
        (44, "IFLA_BR_STP_STATE"),
    ];
    for (offset, name) in names {
        assert_eq!(Link::attribute_at(&body, offset), Some(name));
    }
}

#[test]
fn a_monitor_shows_less_of_a_link() {
    let link = Link::named("v0").unwrap().index(7).mtu(1500).txqueuelen(7).alias("it").up();
    let shown = |monitor| {
        let mut page = Page::new(Layout::default());
        if monitor {
            page.say("monitor");
        }
        link.show(&mut page);
        page.take()
    };
    assert_eq!(shown(true), "7: v0: <NO-CARRIER,UP> mtu 1500 \n    link/netrom \n");
    assert_eq!(shown(false), "7: v0: <NO-CARRIER,UP> mtu 1500 qlen 7\n    link/netrom \n    alias it\n");
}

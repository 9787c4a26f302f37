use super::*;
use crate::request::{Query, Request};
use crate::tc::fw::Fw;
use crate::tc::u32::{Selector, U32Handle, U32};
use crate::tc::{ActionTables, Chain, Chains};
use crate::wire::generate::{Generate, Source};
use crate::wire::Be;
use proptest::prelude::*;

fn hear<O: Spoken>(verb: Verb, command: &str) -> Result<O, WordError> {
    let words: Vec<_> = command.split(' ').collect();
    O::hear(verb, &mut Words::new(&words))
}

/// A u32 or fw filter that is heard: the words behind its kind.
fn printed(kind: &str) -> Result<String, WordError> {
    let filter: Filter = hear(Verb::Add, &format!("dev if10 {kind}"))?;
    let text = Request::new(Verb::Add, &filter).to_string();
    Ok(text.trim_start_matches("tc filter add dev if10 ").to_owned())
}

#[test]
fn u32_takes_what_tc_takes() {
    for (said, meant) in [
        ("match ip src 10.0.0.1/8", "match u32 0x0a000000 0xff000000 at 12"),
        ("match ip dst 10/255.0.0.0", "match u32 0x0a000000 0xff000000 at 16"),
        ("match ip src any", "match u32 0x00000000 0x00000000 at 12"),
        ("match ip src 10.0.0.1 at nexthdr+4", "match u32 0x0a000001 0xffffffff at nexthdr+4"),
        ("match ip6 src 2001:db8::1/32", "match u32 0x20010db8 0xffffffff at 8"),
        ("match u16 010 ff at nexthdr+ 2", "match u32 0x00000008 0x000000ff at nexthdr+0"),
        ("match tcp dst 80 ffff at 6", "match u32 0x00000050 0x0000ffff at nexthdr+4"),
        ("match ip firstfrag", "match u32 0x00000000 0x00001fff at 4"),
        ("match ip ds 0xb8 fc", "match u32 0x00b80000 0x00fc0000 at 0"),
        ("m u8 1 ff at -1", "match u32 0x00000001 0x000000ff at -4"),
        (
            "match ether dst 0:11:22:33:44:55 at 0",
            "match u32 0x00112233 0xffffffff at 0 match u32 0x44550000 0xffff0000 at 4",
        ),
        ("sample u8 3 ff ht 1: match u8 3 ff at 1", "ht 1:3: match u32 0x00030000 0x00ff0000 at 0"),
        (
            "ht 1:7: match u8 3 ff at 1 sample u8 3 ff divisor 2",
            "ht 1:1: match u32 0x00030000 0x00ff0000 at 0",
        ),
    ] {
        assert_eq!(printed(&format!("u32 {said}")), Ok(format!("u32 {meant}")), "{said}");
    }
}

#[test]
fn without_a_match_u32_has_no_selector() {
    let filter: Filter = hear(Verb::Add, "dev if10 u32 classid 1:10 hashkey mask ff at 12").unwrap();
    let Some(FilterKind::U32(u32)) = filter.kind else { panic!("{filter:?}") };
    assert_eq!((u32.selector, u32.class), (None, Some(Handle::new(1, 0x10))));
}

#[test]
fn the_handle_is_read_by_the_kind() {
    let handle = |command: &str| hear::<Filter>(Verb::Add, command).map(|filter| filter.handle);
    assert_eq!(handle("dev if10 handle 16/255 fw classid 1:1"), Ok(16));
    assert_eq!(handle("dev if10 handle 1:2:3 u32 match u32 0 0"), Ok(0x0010_2003));
    assert_eq!(handle("dev if10 handle 1:2:0 u32 order 7 match u32 0 0"), Ok(0x0010_2007));
    assert_eq!(handle("dev if10 handle 10 flower"), Ok(16));
    assert_eq!(handle("dev if10 fw classid 1:1"), Ok(0));
}

#[test]
fn what_is_wrong_is_pointed_at() {
    for (command, at) in [
        ("dev if10 dev if11 u32", 2),
        ("dev if10 parent 1: root u32", 4),
        ("dev if10 prio 65536 u32", 3),
        ("dev if10 handle 1", 4),
        ("dev if10 handle bogus fw classid 1:10", 3),
        ("dev if10 u32 match ip protocol tcp ff", 6),
        ("dev if10 u32 match ip sport 53 flowid", 7),
        ("dev if10 u32 match u32 1 ff at 3", 8),
        ("dev if10 u32 match u16 1 ff at 3", 8),
        ("dev if10 u32 match ip nosuch 1", 5),
        ("dev if10 u32 match mark 2 1", 6),
        ("dev if10 u32 match u8 1 ff match u8 2 ff", 10),
        ("dev if10 u32 divisor 3", 4),
        ("dev if10 u32 sample ip6 src any", 6),
        ("dev if10 u32 link 1::1", 4),
        ("dev if10 u32 skip_hw skip_sw", 4),
        ("dev if10 handle 1::1 u32 order 2", 6),
        ("dev if10 flower src_mac 1", 3),
    ] {
        let error = hear::<Filter>(Verb::Add, command).map(|filter| filter.to_string()).unwrap_err();
        assert_eq!(error.at(), at, "{command}: {error}");
    }
}

#[test]
fn one_filter_is_named_in_full_to_get_it_and_many_need_little_to_be_deleted() {
    let named = "dev if10 parent 1: protocol ip prio 1 handle 800::800 u32";
    assert!(hear::<Filter>(Verb::Get, named).is_ok());
    for missing in ["protocol ip ", "prio 1 ", "parent 1: ", "handle 800::800 "] {
        assert!(hear::<Filter>(Verb::Get, &named.replace(missing, "")).is_err(), "{missing}");
    }
    assert!(hear::<Filter>(Verb::Delete, "dev if10").is_ok());
    assert!(hear::<Filter>(Verb::Delete, "dev if10 handle 5").is_err());
    assert!(hear::<Filter>(Verb::Delete, "block 0").is_err());
}

#[test]
fn a_chain_reads_as_it_prints() {
    let chain: Chain = hear(Verb::Add, "block 22 chain 3 flower").unwrap();
    assert_eq!(chain.to_string(), "tc chain add block 22 chain 3 flower");
    assert!(hear::<Chain>(Verb::Add, "dev if10 handle 5 chain 3").is_err());
}

/// The command that asks.
struct Asking<Q>(Q);

impl<Q: Query> std::fmt::Display for Asking<Q> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.command(f)
    }
}

fn ask<Q: Asked>(words: &str) -> Result<String, WordError> {
    let words: Vec<_> = words.split_ascii_whitespace().collect();
    Q::hear(&mut Words::new(&words)).map(|query| Asking(query).to_string())
}

#[test]
fn questions_are_asked_in_any_order_and_with_less() {
    for (said, meant) in [
        ("dev v0 root", "dev v0 root"),
        ("pref 5 dev v0", "dev v0 prio 5"),
        ("prot IP dev v0 ch 3", "dev v0 protocol ip chain 3"),
        ("dev v0 parent ffff:fff2", "dev v0 ingress"),
        ("block 22 chain 0", "block 22 chain 0"),
        // As in tc, which has no answer to them or pays no attention.
        ("ingress", "ingress"),
        ("dev v0 handle 1:", "dev v0"),
    ] {
        assert_eq!(ask::<Filters>(said), Ok(format!("tc filter show {meant}")), "{said}");
    }
    assert_eq!(ask::<Filters>(""), Ok("tc filter show".to_owned()));
    assert_eq!(
        ask::<Chains>("dev v0 prio 1 egress chain 4"),
        Ok("tc chain show dev v0 egress chain 4".to_owned())
    );
    assert_eq!(ask::<Chains>(""), Ok("tc chain show".to_owned()));
    assert_eq!(
        ask::<ActionTables>("action gact since 1000"),
        Ok("tc actions ls action gact since 1000".to_owned())
    );
}

#[test]
fn questions_that_are_wrong_are_pointed_at() {
    for (words, at) in [
        ("dev v0 u32", 2),
        ("dev v0 dev v1", 2),
        ("block 22 dev v0", 3),
        ("block 0", 1),
        ("estimator 1s 8s", 2),
    ] {
        assert_eq!(ask::<Filters>(words).map_err(|error| error.at()), Err(at), "{words}");
        assert_eq!(ask::<Chains>(words).map_err(|error| error.at()), Err(at), "{words}");
    }
    for (words, at) in
        [("", 0), ("gact", 0), ("action", 1), ("action gact since", 3), ("action gact index 5", 2)]
    {
        assert_eq!(ask::<ActionTables>(words).map_err(|error| error.at()), Err(at), "{words}");
    }
}

/// Without what no command says: bits outside masks, keys that contradict each other, nodes where there is a table.
fn sayable(mut u32: U32) -> U32 {
    let table = |handle: U32Handle| U32Handle::from_raw(handle.raw() & 0xffff_f000);
    u32.ht = u32.ht.map(table).filter(|ht| ht.raw() != 0);
    u32.link = u32.link.map(table);
    if let Some(mark) = &mut u32.mark {
        mark.value &= mark.mask;
    }
    if let Some(selector) = &mut u32.selector {
        let keys = std::mem::take(&mut selector.keys);
        let mut heard = Selector::default();
        for mut key in keys {
            key.val = Be(key.val.0 & key.mask.0);
            if heard.agrees(&key) {
                heard.push(key);
            }
        }
        selector.keys = heard.keys;
    }
    // Their words have properties of their own.
    (u32.police, u32.actions) = (None, None);
    u32
}

proptest! {
    #[test]
    fn every_filter_prints_the_same_when_it_was_heard(bytes: Vec<u8>, prio: u16, handle: u32, parent: u32) {
        let mut g = Source::new(&bytes);
        let fw = Fw { police: None, actions: None, ..Fw::generate(&mut g) };
        let kinds: [FilterKind; 2] = [fw.into(), sayable(U32::generate(&mut g)).into()];
        for kind in kinds {
            let filter = Filter::on(10, Handle::from_raw(parent)).prio(prio).handle(handle).kind(kind);
            let text = filter.to_string();
            let heard = hear::<Filter>(Verb::Add, text.trim_start_matches("tc filter add "));
            prop_assert_eq!(heard.map(|filter| filter.to_string()), Ok(text));
        }
    }

    #[test]
    fn every_question_reads_as_it_was_printed(
        dev: u32, parent: u32, block: Option<u32>, prio: u16, protocol: Option<u16>, chain: Option<u32>,
    ) {
        let place = match block {
            Some(block) => Place::Block(block.max(1)),
            None => Place::on(dev, Handle::from_raw(parent)),
        };
        let filters = Filters { place, prio, protocol: protocol.map(Protocol::from_ethertype), chain };
        let text = Asking(filters).to_string();
        prop_assert_eq!(ask::<Filters>(text.trim_start_matches("tc filter show")), Ok(text));
        let mut chains = Chain::of(place);
        chains = chain.map_or(chains, |chain| chains.index(chain));
        let text = Asking(chains).to_string();
        prop_assert_eq!(ask::<Chains>(text.trim_start_matches("tc chain show")), Ok(text));
    }

    #[test]
    fn no_words_panic(words in proptest::collection::vec(prop_oneof![
        proptest::sample::select(vec![
            "dev", "if1", "block", "1", "0", "handle", "1:2:3", "prio", "chain", "protocol", "ip", "parent", "estimator", "1s",
            "u32", "fw", "match", "u16", "u8", "ip6", "ether", "tcp", "icmp", "src", "dst", "dport", "df", "mark", "at", "-8",
            "nexthdr+4", "nexthdr+", "0x7fffffff", "2147483644", "-2147483648", "ffffffff", "10.0.0.1/8", "::1/33", "any",
            "0:1:2:3:4:5", "ht", "link", "sample", "divisor", "256", "order", "offset", "plus", "mask", "shift", "eat",
            "hashkey", "classid", "indev", "skip_hw", "police", "action", "drop",
        ]).prop_map(str::to_owned),
        ".{0,8}",
    ], 0..12)) {
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        for words in [words.clone(), [&["dev", "if1", "u32"][..], &words].concat()] {
            for verb in [Verb::Add, Verb::Delete, Verb::Get] {
                let _ = Filter::hear(verb, &mut Words::new(&words)).map(|filter| filter.to_string());
                let _ = Chain::hear(verb, &mut Words::new(&words));
                let _ = Filters::hear(&mut Words::new(&words));
                let _ = Chains::hear(&mut Words::new(&words));
                let _ = ActionTables::hear(&mut Words::new(&words));
            }
        }
    }
}

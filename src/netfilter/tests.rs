use super::attributes::RuleAttrs;
use super::*;
use crate::route::Prefix;
use crate::units::{Family, Name};
use crate::wire::{Messages, Reader, Value, Writer};
use crate::Error;
use proptest::prelude::*;

fn rule() -> NftRule {
    NftRule::new()
}

fn prefix(text: &str) -> Prefix {
    text.parse().unwrap()
}

fn dev(name: &str) -> Name {
    name.parse().unwrap()
}

/// A transaction with a table, a chain at a hook and these rules in it.
fn table_with(rules: impl IntoIterator<Item = NftRule>) -> Transaction {
    let mut t = Transaction::new();
    t.add_table(&Table::inet("t").comment("ours"));
    t.add_chain(&Chain::base("c", ChainKind::Filter, Hook::Forward, -10));
    rules.into_iter().for_each(|rule| t.add_rule("c", rule));
    t
}

/// Why this rule cannot be sent.
fn refused(rule: NftRule) -> String {
    match table_with([rule]).to_bytes() {
        Err(Error::Encode { source, .. }) => source.to_string(),
        other => panic!("{other:?}"),
    }
}

/// The messages of a transaction, with their headers.
fn messages(bytes: &[u8]) -> Vec<&[u8]> {
    let (mut messages, mut rest) = (Vec::new(), bytes);
    while let Some(Ok((_, body))) = Messages::new(rest).next() {
        let (message, others) = rest.split_at((16 + body.len()).next_multiple_of(4).min(rest.len()));
        (messages, rest) = ([messages, vec![message]].concat(), others);
    }
    messages
}

/// What a kernel would say of the transaction: its messages in answer to the three questions.
fn as_found(t: &Transaction, name: &str) -> Option<FoundTable> {
    let bytes = t.to_bytes().unwrap();
    let mut listing = Listing::new(name);
    messages(&bytes).into_iter().for_each(|message| listing.take(message));
    match listing.finish() {
        Ok(Listed::Table(table)) => {
            table.map(|table| FoundTable { uses: table.chains.len() as u32, ..table })
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_narrows_a_rule_is_sent_once_and_cannot_be_contradicted() {
    let once = rule().saddr(prefix("10.0.0.0/8")).daddr(prefix("192.0.2.1"));
    let twice = rule().saddr(prefix("10.0.0.0/8")).family(Family::V4).daddr(prefix("192.0.2.1"));
    assert_eq!(once, twice);
    assert_eq!(rule().l4proto(6).tcp_dport(1..=2).to_string(), "meta l4proto 6 tcp dport 1-2");
    assert_eq!(rule().saddr(prefix("::/0")), rule().family(Family::V6));
    assert!(refused(rule().saddr(prefix("10.0.0.0/8")).daddr(prefix("::1"))).contains("two families"));
    assert!(refused(rule().tcp_dport(1..=1).udp_dport(1..=1)).contains("two transport protocols"));
    assert!(refused(rule().saddr(prefix("::1")).dnat([192, 0, 2, 1].into())).contains("another family"));
    assert!(
        refused(rule().udp_dport(1..=1).reset()).contains("TCP") && refused(rule().reset()).contains("TCP")
    );
}

#[test]
fn what_makes_no_sense_is_refused_with_its_command_and_nothing_is_sent() {
    let packet = Mark::Packet;
    for wrong in [
        rule(),
        rule().comment("x"),
        rule().mark_is(packet, 1, 0),
        rule().set_mark(packet, 0x10, 0xf),
        #[allow(clippy::reversed_empty_ranges, reason = "that is what is refused")]
        rule().tcp_dport(2..=1),
        rule().iifname(dev("eth*")),
        rule().oifname(dev("a\"b")),
        rule().accept().counter(),
        rule().masquerade().accept(),
        rule().jump("no blanks"),
        rule().counter().comment("x".repeat(129)),
    ] {
        let Err(Error::Encode { request, .. }) = table_with([rule().counter(), wrong.clone()]).to_bytes()
        else {
            panic!("{wrong} was accepted")
        };
        assert!(request.contains(&format!("add rule inet t c {wrong}")), "{request}");
    }
    let mut t = Transaction::new();
    t.add_rule("c", rule().counter());
    assert!(t.to_bytes().is_err(), "a rule without a table");
    for name in ["", "1st", "a b", &"x".repeat(256)] {
        let mut t = Transaction::new();
        t.add_table(&Table::inet(name));
        assert!(t.to_bytes().is_err(), "{name:?}");
    }
}

#[test]
fn only_the_last_command_asks_for_an_answer() {
    let bytes = table_with([rule().counter(), rule().accept()]).to_bytes().unwrap();
    let messages: Vec<_> = Messages::new(&bytes).map(|message| message.unwrap().0).collect();
    let types: Vec<_> = messages.iter().map(|header| header.ty).collect();
    assert_eq!(types, [16, 0xa00, 0xa03, 0xa06, 0xa06, 17]);
    let acks: Vec<_> = messages.iter().map(|header| header.flags & 4 != 0).collect();
    assert_eq!(acks, [false, false, false, false, true, false]);
}

#[test]
fn a_command_is_one_word_for_a_shell() {
    let mut t = table_with([rule().counter().comment("it's")]);
    t.flush_chain("c");
    t.add_chain(&Chain::new("d"));
    let commands: Vec<_> = t.commands().iter().skip(2).map(ToString::to_string).collect();
    assert_eq!(
        commands,
        [
            r#"nft 'add rule inet t c counter comment "it'\''s"'"#,
            "nft 'flush chain inet t c'",
            "nft 'add chain inet t d'"
        ]
    );
}

#[test]
fn the_name_of_a_wrong_attribute_is_found_in_a_message() {
    let bytes = table_with([rule().counter().comment("x")]).to_bytes().unwrap();
    let (header, body) = Messages::new(&bytes).nth(3).unwrap().unwrap();
    let names: Vec<_> = (0..body.len()).filter_map(|offset| attribute_at(header.ty, body, offset)).collect();
    assert!(names.contains(&"NFTA_RULE_TABLE") && names.contains(&"NFTA_RULE_EXPRESSIONS"), "{names:?}");
    let (header, body) = Messages::new(&bytes).nth(2).unwrap().unwrap();
    let names: Vec<_> = (0..body.len()).filter_map(|offset| attribute_at(header.ty, body, offset)).collect();
    assert!(names.contains(&"NFTA_HOOK_PRIORITY") && names.contains(&"NFTA_CHAIN_TYPE"), "{names:?}");
}

#[test]
fn what_was_made_has_not_drifted() {
    let t =
        table_with([rule().iifname(dev("lan")).counter().comment("one"), rule().saddr(prefix("10.0.0.0/9"))]);
    let found = as_found(&t, "t");
    assert_eq!(t.drift(found.as_ref()), Vec::<String>::new());
    assert_eq!(found.as_ref().unwrap().comment.as_deref(), Some("ours"));
    assert_eq!(found.unwrap().chains["c"].rules[0].comment.as_deref(), Some("one"));
    assert_eq!(as_found(&t, "other"), None);
}

#[test]
fn drift_is_noticed_and_named() {
    let t = table_with([rule().mark_is(Mark::Packet, 1, 0xf).counter(), rule().tcp_dport(80..=90)]);
    let drift = |change: &dyn Fn(&mut FoundTable)| {
        let mut found = as_found(&t, "t").unwrap();
        change(&mut found);
        t.drift(Some(&found)).join("; ")
    };
    let chain =
        |found: &mut FoundTable, change: &dyn Fn(&mut FoundChain)| change(found.chains.get_mut("c").unwrap());
    assert_eq!(
        drift(&|found| chain(found, &|chain| chain.rules.clear())),
        "the chain c has 0 rules and not 2"
    );
    assert_eq!(drift(&|found| chain(found, &|chain| chain.rules.swap(0, 1))).matches("is not `").count(), 2);
    assert!(drift(&|found| chain(found, &|chain| chain.policy = Some(0))).contains("policy"));
    assert!(drift(&|found| chain(found, &|chain| chain.hook = Some((1, -10)))).contains("hook"));
    assert!(
        drift(&|found| chain(found, &|chain| chain.rules[0].comment = Some("x".into()))).contains("rule 1")
    );
    assert!(drift(&|found| found.flags = 1).contains("flags 0x1"));
    assert!(drift(&|found| found.uses += 1).contains("more than chains"));
    assert!(drift(&|found| found.comment = None).contains("comment"));
    assert!(
        drift(&|found| drop(found.chains.insert("d".into(), FoundChain::default()))).contains("a chain d")
    );
    assert_eq!(t.drift(None), ["the table t is not there"]);
}

#[test]
fn every_word_of_a_rule_counts() {
    let rules = [
        rule().iifname(dev("a")),
        rule().iifname(dev("b")),
        rule().iifname_is_not(dev("b")),
        rule().oifname(dev("b")),
        rule().mark_is(Mark::Packet, 1, 0xf),
        rule().mark_is(Mark::Packet, 1, 0x1f),
        rule().mark_is(Mark::Connection, 1, 0xf),
        rule().set_mark(Mark::Connection, 1, 0xf),
        rule().set_mark(Mark::Connection, 2, 0xf),
        rule().saddr(prefix("10.0.0.0/8")),
        rule().daddr(prefix("10.0.0.0/8")),
        rule().daddr(prefix("10.0.0.0/9")),
        rule().daddr(prefix("10.0.0.0/10")),
        rule().tcp_dport(1..=2),
        rule().tcp_dport(1..=3),
        rule().udp_dport(1..=3),
        rule().tcp_without_syn(),
        rule().accept(),
        rule().drop(),
        rule().returns(),
        rule().jump("c"),
        rule().jump("cc"),
        rule().counter(),
        rule().masquerade(),
        rule().dnat([192, 0, 2, 1].into()),
        rule().dnat([192, 0, 2, 2].into()),
        rule().dnat([0; 16].into()),
        rule().reject(),
        rule().l4proto(6).reset(),
        rule().counter().comment("x"),
    ];
    for (made, one) in rules.iter().enumerate() {
        let found = as_found(&table_with([one.clone()]), "t");
        for (wanted, other) in rules.iter().enumerate() {
            let drift = table_with([other.clone()]).drift(found.as_ref());
            assert_eq!(drift.is_empty(), made == wanted, "{one} and {other}: {drift:?}");
        }
    }
}

#[test]
fn a_counter_is_read_and_does_not_count_as_drift() {
    let t = table_with([rule().counter()]);
    let mut found = as_found(&t, "t").unwrap();
    let mut w = Writer::default();
    w.nest_with(1, |w| {
        w.attr_with(1, |w| w.put(b"counter\0"));
        w.nest_with(2, |w| {
            w.attr_with(1, |w| w.put(&700_u64.to_be_bytes()));
            w.attr_with(2, |w| w.put(&7_u64.to_be_bytes()));
        });
    });
    let mut attrs =
        RuleAttrs { expressions: Some(crate::wire::Raw(w.bytes().to_vec())), ..RuleAttrs::default() };
    attrs = attrs.table(crate::wire::Text("t".into())).chain(crate::wire::Text("c".into()));
    let mut message = Writer::default();
    let header = crate::wire::Header { ty: 0xa06, ..crate::wire::Header::default() };
    let body = |w: &mut Writer| {
        w.put(&[1, 0, 0, 0]);
        attrs.encode(w);
    };
    message.message(header, body).unwrap();
    let mut listing = Listing::new("t");
    messages(&t.to_bytes().unwrap())[..3].iter().for_each(|message| listing.take(message));
    listing.take(message.bytes());
    let Ok(Listed::Table(Some(counted))) = listing.finish() else { panic!("no table") };
    let rule = counted.chains.get("c").and_then(|chain| chain.rules.first()).expect("the rule").clone();
    assert_eq!(rule.counter, Some(Counter { packets: 7, bytes: 700 }));
    found.chains.get_mut("c").unwrap().rules = vec![rule];
    assert_eq!(t.drift(Some(&found)), Vec::<String>::new());
}

#[test]
fn messages_of_two_generations_are_not_believed() {
    let bytes = table_with([]).to_bytes().unwrap();
    let mut listing = Listing::new("t");
    let mut table = messages(&bytes)[1].to_vec();
    listing.take(&table);
    table[16 + 3] = 9;
    listing.take(&table);
    assert!(matches!(listing.finish(), Ok(Listed::Changed)));
}

fn flow(family: u8, mark: Option<u32>) -> Vec<u8> {
    let mut w = Writer::default();
    let header = crate::wire::Header { ty: 0x100, ..crate::wire::Header::default() };
    let body = |w: &mut Writer| {
        w.put(&[family, 0, 0, 0]);
        w.nest_with(1, |w| w.put(&[1, 2, 3, 4]));
        if let Some(mark) = mark {
            w.attr_with(8, |w| w.put(&mark.to_be_bytes()));
        }
    };
    w.message(header, body).unwrap();
    w.bytes().to_vec()
}

#[test]
fn flows_are_looked_at_whatever_the_kernel_has_filtered() {
    let flows = Flows::marked(0x100, 0x3f00).unwrap();
    assert!(flows.includes(&flow(2, Some(0x15f))));
    assert!(flows.includes(&flow(10, Some(0x0100))));
    assert!(!flows.includes(&flow(2, Some(0x200))) && !flows.includes(&flow(2, None)));
    assert!(!flows.family(Family::V6).includes(&flow(2, Some(0x100))));
    assert!(Flows::marked(0, 0xff).unwrap().includes(&flow(2, None)));
    assert!(Flows::marked(0x4000, 0x3f00).is_err());
}

#[test]
fn a_request_to_delete_flows_always_has_a_mark_and_a_mask() {
    let flows = Flows::marked(0x100, 0x3f00).unwrap();
    for (flows, header) in [(flows, [0, 0, 0, 0]), (flows.family(Family::V6), [10, 1, 0, 0])] {
        let bytes = flows.delete();
        let (message, body) = Messages::new(&bytes).next().unwrap().unwrap();
        assert_eq!((message.ty, message.flags), (0x102, 5));
        assert_eq!(body[..4], header);
        let attrs: Vec<_> =
            Reader::new(&body[4..]).attrs().map(|attr| attr.map(|a| (a.ty, a.payload)).unwrap()).collect();
        assert_eq!(attrs, [(8, &[0, 0, 1, 0][..]), (21, &[0, 0, 0x3f, 0])]);
    }
}

#[test]
fn flowtables_are_asked_for_in_all_families() {
    let bytes = flowtables::list();
    let (message, body) = Messages::new(&bytes).next().unwrap().unwrap();
    assert_eq!((message.ty, body), (0xa17, &[0; 4][..]));
    let mut answer = Writer::default();
    let header = crate::wire::Header { ty: 0xa16, ..crate::wire::Header::default() };
    answer.message(header, |w| w.put(&[1, 0, 0, 0])).unwrap();
    assert!(flowtables::is_one(answer.bytes()));
    assert!(!flowtables::is_one(&bytes) && !flowtables::is_one(&[0x16, 0x0a]));
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes: Vec<u8>, ty in 0_u16..12, at in 0_usize..64) {
        let t = table_with([rule().counter().tcp_dport(1..=2)]);
        let mut message = Writer::default();
        let header = crate::wire::Header { ty: 0xa00 + ty, ..crate::wire::Header::default() };
        let family = |w: &mut Writer| {
            w.put(&[1, 0, 0, 0]);
            w.put(&bytes);
        };
        message.message(header, family).unwrap();
        let mut mutated = t.to_bytes().unwrap();
        let place = at * 7 % mutated.len();
        mutated[place] ^= bytes.first().copied().unwrap_or(0xff);
        let mut listing = Listing::new("t");
        messages(&mutated).into_iter().for_each(|message| listing.take(message));
        listing.take(message.bytes());
        listing.take(&bytes);
        attribute_at(header.ty, &bytes, at);
        if let Ok(Listed::Table(found)) = listing.finish() {
            t.drift(found.as_ref());
        }
        let _ = Flows::marked(1, 1).unwrap().includes(&bytes);
        flowtables::is_one(&bytes);
    }

    #[test]
    fn every_prefix_can_be_sent(bytes: Vec<u8>) {
        use crate::wire::generate::{Generate, Source};
        let prefix = Prefix::generate(&mut Source::new(&bytes));
        let t = table_with([rule().saddr(prefix), rule().daddr(prefix).drop()]);
        prop_assert_eq!(t.drift(as_found(&t, "t").as_ref()), Vec::<String>::new());
    }
}

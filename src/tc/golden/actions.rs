use super::{meaning, sent, Meaning};
use crate::tc::police::Police;
use crate::tc::{Action, ActionKind, Actions};
use crate::wire::{Reader, Value, Writer};

const POLICE: u16 = 6;
const ACT: u16 = 7;

/// The payloads of an attribute of u32's options in the recorded commands, with the words behind `u32 match u32 0 0`.
fn of_u32(attribute: u16) -> Vec<(String, Vec<u8>)> {
    let find = |bytes: &[u8], ty| {
        Reader::new(bytes).attrs().flatten().find(|attr| attr.ty == ty).map(|attr| attr.payload.to_vec())
    };
    sent("u32_police_act")
        .iter()
        .filter_map(|sent| {
            let (header, body) = sent.messages.first()?;
            let options = find(body.get(20..).filter(|_| header.ty == 44)?, 2)?;
            let words = sent.cmd.split("u32 match u32 0 0 ").nth(1)?;
            Some((words.to_owned(), find(&options, attribute)?))
        })
        .collect()
}

fn attributes<V: Value>(value: &V) -> Vec<Meaning> {
    let mut w = Writer::default();
    value.encode(&mut w);
    w.finish().unwrap();
    meaning(w.bytes(), 0).1
}

#[test]
fn every_recorded_action_decodes_encodes_to_the_same_and_prints_as_its_words() {
    let recorded = of_u32(ACT);
    assert!(recorded.len() > 25);
    let mut printed = Vec::new();
    for (words, payload) in recorded {
        let actions = Actions::decode(&payload).unwrap();
        assert_eq!(attributes(&actions), meaning(&payload, 0).1, "{words}");
        assert!(actions.0.iter().all(|(_, action)| action.unknown.is_empty()), "{words}");
        printed.extend(actions.0.iter().map(|(_, action)| action.to_string()));
    }
    for words in [
        "police rate 1Mbit burst 10Kb conform-exceed drop",
        "gact drop",
        "gact pass",
        "gact pipe",
        "gact continue",
        "gact trap",
        "gact pass random netrand drop 10",
        "gact pass random determ drop 5",
        "mirred egress mirror dev if20",
        "mirred ingress mirror dev if20",
        "mirred egress redirect dev if20 index 9",
        "skbedit priority 1:5",
        "skbedit mark 16",
        "skbedit mark 0x10/0xf0",
        "skbedit queue_mapping 1",
        "skbedit ptype host",
    ] {
        assert!(printed.iter().any(|printed| printed == words), "{words} in {printed:#?}");
    }
}

#[test]
fn every_recorded_policer_decodes_encodes_to_the_same_and_prints_as_its_words() {
    let mut printed = Vec::new();
    for (words, payload) in of_u32(POLICE) {
        let police = Police::decode(&payload).unwrap();
        assert!(police.unknown.is_empty() && police.tables.is_none(), "{words}");
        assert_eq!(attributes(&police), meaning(&payload, 0).1, "{words}");
        printed.push(format!("police{police}"));
    }
    assert_eq!(
        printed,
        [
            "police rate 1Mbit burst 10Kb conform-exceed pass",
            "police rate 1Mbit burst 10Kb conform-exceed reclassify",
            "police rate 1Mbit burst 10Kb conform-exceed pipe",
            "police rate 1Mbit burst 10Kb mtu 1500 conform-exceed drop",
            "police rate 1Mbit burst 10Kb mpu 64 overhead 14 conform-exceed drop",
            "police rate 1Mbit burst 10Kb peakrate 2Mbit mtu 2000 conform-exceed drop",
            // A tick is 320 bytes at this rate: the burst asked for, 1Mb, was rounded up to whole ticks.
            "police rate 40Gbit burst 1048640b conform-exceed drop",
            "police rate 40Gbit burst 1048640b peakrate 100Gbit mtu 9000 conform-exceed drop/pipe",
            "police rate 1Mbit burst 10Kb conform-exceed drop index 5",
        ]
    );
}

#[test]
fn an_action_of_an_unknown_kind_is_sent_back_as_it_came() {
    let (_, payload) = of_u32(ACT).into_iter().find(|(words, _)| words.contains("vlan push")).unwrap();
    let actions = Actions::decode(&payload).unwrap();
    let Some((1, Action { kind: ActionKind::Other(vlan), .. })) = actions.0.first() else { panic!() };
    assert_eq!(&*vlan.name, "vlan");
    assert_eq!(attributes(&actions), meaning(&payload, 0).1);
}

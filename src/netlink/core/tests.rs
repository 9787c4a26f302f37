//! The core is driven with datagrams written by hand.

use super::*;
use crate::error::Error;
use crate::netlink::faults::peer::{error, message, NLM_F_MULTI, OURS};
use crate::netlink::reply::{NLM_F_ACK_TLVS, NLM_F_CAPPED};

const NEW_QDISC: u16 = 36;

fn core() -> (Core, Awaited) {
    let mut core = Core::new(OURS, Clock::KERNEL, 256);
    let awaited = core.begin(1);
    core.frame(NEW_QDISC, 5, awaited.seq(0), |w| {
        w.put(&[7; 20]);
        Ok(())
    })
    .unwrap();
    (core, awaited)
}

fn receive(core: &mut Core, sender: u32, datagram: &[u8]) {
    let space = core.space();
    let fits = datagram.len().min(space.len());
    space[..fits].copy_from_slice(&datagram[..fits]);
    core.received(datagram.len(), sender);
}

/// The first reply to a datagram from the kernel.
fn first(datagram: &[u8]) -> Option<Found> {
    let (mut core, awaited) = core();
    receive(&mut core, KERNEL, datagram);
    core.seek(awaited).unwrap()
}

/// The error or warning that a single answer from the kernel means.
fn answer(ty: u16, flags: u16, body: &[u8]) -> Result<crate::netlink::Ack, Error> {
    let (mut core, awaited) = core();
    receive(&mut core, KERNEL, &message(ty, flags, awaited.seq(0), body));
    let found = core.seek(awaited).unwrap().unwrap();
    let name = |offset| (offset == 20).then_some("TCA_KIND");
    match core.reply(&found) {
        Reply::Done(report) => Ok(report.ack(name)),
        Reply::Refused { errno, report } => Err(report.refusal(errno, "tc".into(), name)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_request_says_what_it_is_and_its_length() {
    let (core, awaited) = core();
    let header = Header { ty: NEW_QDISC, flags: 5, seq: awaited.seq(0), port: 0 };
    let read: Vec<_> = Messages::new(core.outgoing()).collect();
    assert_eq!(read, [Ok((header, &[7; 20][..]))]);
    assert_eq!(core.body(), [7; 20]);
}

#[test]
fn sequence_numbers_are_not_zero_when_they_start_again() {
    let (mut core, _) = core();
    core.next = u32::MAX - 2;
    assert_eq!(core.begin(2).seq(0), u32::MAX - 2);
    assert_eq!(core.begin(2).seq(0), 1);
    assert_eq!(core.begin(1).seq(0), 3);
}

#[test]
fn objects_come_one_by_one_and_then_the_end() {
    let (mut core, awaited) = core();
    let seq = awaited.seq(0);
    let objects =
        [message(NEW_QDISC, NLM_F_MULTI, seq, b"one"), message(NEW_QDISC, NLM_F_MULTI, seq, b"two")];
    receive(&mut core, KERNEL, &objects.concat());
    for object in &objects {
        let found = core.seek(awaited).unwrap().unwrap();
        // The padding is not part of the message.
        assert_eq!(core.reply(&found), Reply::Object { ty: NEW_QDISC, message: &object[..19] });
    }
    assert!(core.seek(awaited).unwrap().is_none());
    receive(&mut core, KERNEL, &message(NLMSG_DONE, NLM_F_MULTI, seq, &[0; 4]));
    let found = core.seek(awaited).unwrap().unwrap();
    assert_eq!(core.reply(&found), Reply::Done(Default::default()));
}

#[test]
fn a_forged_sender_is_not_listened_to() {
    let (mut core, awaited) = core();
    let refusal = message(NLMSG_ERROR, 0, awaited.seq(0), &error(-1, 36, 16, &[]));
    receive(&mut core, 99, &refusal);
    assert!(core.seek(awaited).unwrap().is_none());
    // Nor is one that would be an error by its length alone.
    receive(&mut core, 99, &[0; 1000]);
    assert!(core.seek(awaited).unwrap().is_none());
    receive(&mut core, KERNEL, &refusal);
    assert!(core.seek(awaited).unwrap().is_some());
}

#[test]
fn other_sequence_numbers_and_ports_are_passed_over() {
    let (mut core, old) = core();
    let awaited = core.begin(2);
    let ack = error(0, 36, 16, &[]);
    let mut elsewhere = message(NLMSG_ERROR, 0, awaited.seq(0), &ack);
    elsewhere[12..16].copy_from_slice(&99u32.to_ne_bytes());
    let datagram = [
        message(NLMSG_ERROR, 0, old.seq(0), &ack),
        elsewhere,
        message(NLMSG_ERROR, 0, awaited.seq(2), &ack),
        message(NLMSG_ERROR, 0, awaited.seq(1), &ack),
    ];
    receive(&mut core, KERNEL, &datagram.concat());
    assert_eq!(core.seek(awaited).unwrap().unwrap().index, 1);
    assert!(core.seek(awaited).unwrap().is_none());
}

#[test]
fn a_second_answer_to_a_request_is_no_answer_to_the_next() {
    let (mut core, awaited) = core();
    let ack = message(NLMSG_ERROR, 0, awaited.seq(0), &error(0, 36, 16, &[]));
    receive(&mut core, KERNEL, &[&ack[..], &ack].concat());
    assert!(core.seek(awaited).unwrap().is_some());
    let next = core.begin(1);
    assert!(core.seek(next).unwrap().is_none());
}

#[test]
fn noop_unknown_control_messages_and_nothing_at_all_are_passed_over() {
    assert!(first(&[]).is_none());
    for ty in [0, NLMSG_NOOP, 5, 15] {
        assert!(first(&message(ty, 0, 1, &[1, 2, 3, 4])).is_none(), "{ty}");
    }
    assert!(first(&message(NLMSG_MIN_TYPE, 0, 1, &[])).is_some());
}

#[test]
fn an_overrun_is_said() {
    let (mut core, awaited) = core();
    receive(&mut core, KERNEL, &message(NLMSG_OVERRUN, 0, awaited.seq(0), &[]));
    assert!(matches!(core.seek(awaited), Err(Failure::Overrun)));
}

#[test]
fn a_length_of_zero_or_beyond_the_datagram_is_malformed_and_ends_it() {
    let whole = message(NEW_QDISC, 0, 1, &[0; 8]);
    let mut zero = whole.clone();
    zero[..4].fill(0);
    for bytes in [&zero[..], &whole[..20], &whole[..7]] {
        let (mut core, awaited) = core();
        receive(&mut core, KERNEL, bytes);
        assert!(matches!(core.seek(awaited), Err(Failure::Malformed(_))));
        assert!(core.seek(awaited).unwrap().is_none());
    }
}

#[test]
fn an_error_message_without_a_code_is_malformed() {
    let (mut core, awaited) = core();
    receive(&mut core, KERNEL, &message(NLMSG_ERROR, 0, awaited.seq(0), &[1, 2]));
    assert!(matches!(core.seek(awaited), Err(Failure::Malformed(_))));
}

#[test]
fn a_datagram_that_did_not_fit_is_said_after_what_did_fit() {
    let (mut core, awaited) = core();
    let seq = awaited.seq(0);
    // The second message begins just where the buffer of 256 bytes ends: nothing looks broken.
    let datagram = [message(NEW_QDISC, 0, seq, &[0; 240]), message(NEW_QDISC, 0, seq, &[])];
    receive(&mut core, KERNEL, &datagram.concat());
    assert!(core.seek(awaited).unwrap().is_some());
    assert!(matches!(core.seek(awaited), Err(Failure::Truncated { len: 272, buffer: 256 })));
    assert!(core.seek(awaited).unwrap().is_none());

    receive(&mut core, KERNEL, &message(NEW_QDISC, 0, seq, &[0; 300]));
    assert!(matches!(core.seek(awaited), Err(Failure::Truncated { len: 316, buffer: 256 })));

    receive(&mut core, KERNEL, &message(NEW_QDISC, 0, seq + 1, &[0; 300]));
    assert!(core.seek(awaited).unwrap().is_none(), "another request's loss is not ours");
}

#[test]
fn an_interrupted_dump_is_marked() {
    assert!(first(&message(NEW_QDISC, NLM_F_MULTI | NLM_F_DUMP_INTR, 1, &[])).unwrap().interrupted);
    assert!(first(&message(NLMSG_DONE, NLM_F_MULTI | NLM_F_DUMP_INTR, 1, &[0; 4])).unwrap().interrupted);
    assert!(!first(&message(NEW_QDISC, NLM_F_MULTI, 1, &[])).unwrap().interrupted);
}

#[test]
fn the_end_of_a_dump_that_was_given_up_is_noticed() {
    let (mut core, dump) = core();
    core.dump_begins(dump);
    let awaited = core.begin(1);
    let datagram = [message(NEW_QDISC, 2, dump.seq(0), &[]), message(NLMSG_DONE, 2, dump.seq(0), &[0; 4])];
    receive(&mut core, KERNEL, &datagram[0]);
    assert!(core.seek(awaited).unwrap().is_none());
    assert!(core.is_dumping());
    receive(&mut core, KERNEL, &datagram[1]);
    core.discard();
    assert!(!core.is_dumping());
}

#[test]
fn the_kernels_words_are_read_behind_a_capped_echo_and_behind_a_whole_one() {
    let attributes: &[(u16, &[u8])] =
        &[(1, b"no such kind\0"), (2, &36u32.to_ne_bytes()), (5, &3u32.to_ne_bytes())];
    let capped = error(-22, 37, 16, attributes);
    let whole = error(-22, 37, 40, attributes);
    for (flags, body) in [(NLM_F_ACK_TLVS | NLM_F_CAPPED, capped), (NLM_F_ACK_TLVS, whole)] {
        let error = answer(NLMSG_ERROR, flags, &body).unwrap_err();
        let refusal = error.refusal().unwrap();
        assert_eq!(refusal.errno, 22);
        assert_eq!(refusal.message.as_deref(), Some("no such kind"));
        assert_eq!((refusal.offset, refusal.attribute), (Some(36), Some("TCA_KIND")));
        assert_eq!(refusal.missing, Some(3));
    }
}

#[test]
fn an_errno_survives_a_report_that_makes_no_sense() {
    let bodies = [
        error(-2, u32::MAX, 16, &[(1, b"x")]),
        error(-2, 0, 16, &[]),
        error(-2, 36, 16, &[(2, &[1])]),
        (-2i32).to_ne_bytes().to_vec(),
    ];
    for body in bodies {
        let error = answer(NLMSG_ERROR, NLM_F_ACK_TLVS, &body).unwrap_err();
        assert_eq!(error.errno(), Some(2));
        assert_eq!(error.refusal().unwrap().offset, None);
    }
    for code in [i32::MIN, i32::MAX, 1] {
        assert!(answer(NLMSG_ERROR, 0, &error(code, 36, 16, &[])).is_err());
    }
}

#[test]
fn an_acknowledgement_can_carry_a_warning() {
    let plain = answer(NLMSG_ERROR, NLM_F_CAPPED, &error(0, 36, 16, &[])).unwrap();
    assert!(plain.warnings.is_empty());
    let body = error(0, 36, 16, &[(1, b"quantum of class is big\0"), (2, &36u32.to_ne_bytes())]);
    let ack = answer(NLMSG_ERROR, NLM_F_CAPPED | NLM_F_ACK_TLVS, &body).unwrap();
    assert_eq!(ack.warnings.len(), 1);
    assert_eq!(ack.warnings[0].message, "quantum of class is big");
    assert_eq!(ack.warnings[0].attribute, Some("TCA_KIND"));
}

#[test]
fn the_end_of_a_dump_can_be_an_error_with_words() {
    let mut w = Writer::default();
    w.put(&(-95i32).to_ne_bytes());
    w.attr_with(1, |w| w.put(b"cannot list that\0"));
    let error = answer(NLMSG_DONE, NLM_F_MULTI | NLM_F_ACK_TLVS, w.bytes()).unwrap_err();
    assert_eq!(error.errno(), Some(95));
    assert_eq!(error.refusal().unwrap().message.as_deref(), Some("cannot list that"));
    assert!(answer(NLMSG_DONE, NLM_F_MULTI, &[]).is_ok());
}

#[test]
fn events_are_heard_whoever_caused_them_but_only_from_the_kernel() {
    let (mut core, _) = core();
    let mut datagram = message(NLMSG_NOOP, 0, 0, &[]);
    datagram.extend(message(NEW_QDISC, 0x400, 99, &[1; 20]));
    datagram.extend(message(NEW_QDISC + 1, 0, 0, &[2; 20]));
    receive(&mut core, 5, &datagram);
    assert!(core.seek_event().unwrap().is_none());
    receive(&mut core, KERNEL, &datagram);
    let told = core.seek_event().unwrap().unwrap();
    assert_eq!(core.event(&told), Event { ty: NEW_QDISC, flags: 0x400, body: &[1; 20] });
    let told = core.seek_event().unwrap().unwrap();
    assert!(core.event(&told).is_deletion());
    assert!(core.seek_event().unwrap().is_none());
}

#[test]
fn an_event_that_did_not_fit_is_said() {
    let (mut core, _) = core();
    receive(&mut core, KERNEL, &message(NEW_QDISC, 0, 99, &[1; 300]));
    assert!(matches!(core.seek_event(), Err(Failure::Truncated { len: 316, buffer: 256 })));
    assert!(core.seek_event().unwrap().is_none());
    receive(&mut core, KERNEL, &message(NLMSG_OVERRUN, 0, 0, &[]));
    assert!(matches!(core.seek_event(), Err(Failure::Overrun)));
}

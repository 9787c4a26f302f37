//! Bad input: an error names the object, the cause and the kernel's words, and nothing half-done stays without being said.

mod filters;

use crate::actions::skip_without_real_root;
use crate::common::{ip, tc, tc_batch, trial, Outcome, Stop};
use crate::twice::skip_what_is_not_there;
use libtest_mimic::Trial;
use tcnl::netlink::{Ack, Connection};
use tcnl::request::Verb;
use tcnl::route::Link;
use tcnl::tc::fifo::Pfifo;
use tcnl::tc::fw::Fw;
use tcnl::tc::htb::{Htb, HtbClass};
use tcnl::tc::ingress::{Clsact, Ingress};
use tcnl::tc::mirred::Mirred;
use tcnl::tc::u32::{Match, U32Handle, U32};
use tcnl::tc::{ActionTable, Class, Filter, Protocol, Qdisc};
use tcnl::units::{Handle, Packets, Rate};
use tcnl::wire::RawAttr;
use tcnl::Error;

const LO: u32 = 1;
const ROOT: Handle = Handle::new(1, 0);
const NOWHERE: u32 = 4_000_000;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("a device that is not there is named with the request", no_device),
        trial(
            "a qdisc at a place or with a handle that cannot be is refused with the kernel's words",
            qdiscs,
        ),
        trial("a class with a handle that cannot be is refused", classes),
        trial("a tree of classes that is too deep is refused", too_deep),
        trial("a class that others need is not deleted", in_use),
        trial("a filter that cannot be is refused with the kernel's words", filters::filters),
        trial("an action on a device that is not there is refused with the kernel's words", filters::actions),
        trial(
            "an action by itself that cannot be is refused with the kernel's words",
            filters::actions_alone,
        ),
        trial("fw refuses a second mask at one prio", filters::fw_masks),
        trial("an attribute that the kernel cannot read is named", attributes),
        trial("every warning is returned, with the class that it is about", warnings),
        trial("of several actions in one request all or none are added", filters::several_actions),
        trial("a batch with errors in the middle does the rest and says what failed", batch),
    ]
}

/// A request was refused with this errno; the error holds the words, and nothing has changed.
fn refused(
    request: impl FnOnce(&mut Connection) -> tcnl::Result<Ack>,
    errno: i32,
    words: &[&str],
) -> Outcome {
    let state =
        || tc_batch("qdisc show\nclass show dev lo\nfilter show dev lo\nfilter show dev lo ingress\n");
    let before = state()?;
    let error = match request(&mut Connection::open()?) {
        Ok(_) => return Err(Stop::Fail(format!("this was not refused: {words:?}"))),
        Err(error) => error,
    };
    if !matches!(&error, Error::Refused(refusal) if refusal.errno == errno) {
        return Err(Stop::Fail(format!("not errno {errno}: {error}")));
    }
    let text = error.to_string();
    let cause = std::io::Error::from_raw_os_error(errno).to_string();
    for words in words.iter().copied().chain([cause.as_str()]) {
        assert!(text.contains(words), "no {words:?} in {text}");
    }
    assert_eq!(state()?, before, "{text}");
    Ok(())
}

fn id(minor: u16) -> Handle {
    Handle::new(1, minor)
}

fn htb_class(minor: u16) -> Class {
    Class::under(LO, ROOT).id(id(minor)).kind(HtbClass::rate(Rate::mbit(10)).quantum(1500))
}

fn any(port: u16) -> U32 {
    U32::new().matching(Match::ip_dport(port))
}

fn filter() -> Filter {
    Filter::on(LO, ROOT).protocol(Protocol::Ip).prio(1)
}

fn no_device() -> Outcome {
    use nix::libc::ENODEV;
    let at = "dev if4000000";
    refused(|nl| nl.add(&Qdisc::root(NOWHERE).kind(Htb::new())), ENODEV, &["`tc qdisc add", at])?;
    refused(|nl| nl.delete(&Class::with_id(NOWHERE, id(1))), ENODEV, &["`tc class del", at, "classid 1:1"])?;
    let filter = Filter::on(NOWHERE, ROOT).kind(any(80).class(id(1)));
    refused(|nl| nl.add(&filter), ENODEV, &["`tc filter add", at])?;
    refused(|nl| nl.delete(&Link::named("gone")?), ENODEV, &["`ip link del", "gone"])?;
    let mut nl = Connection::open()?;
    let error = nl.get(&Qdisc::root(NOWHERE)).err().ok_or("it was read")?;
    assert!(
        error.to_string().starts_with("`tc qdisc get dev if4000000 root` was refused: No such device"),
        "{error}"
    );
    Ok(())
}

fn qdiscs() -> Outcome {
    use nix::libc::{EEXIST, EINVAL, ENOENT, EOPNOTSUPP};
    let mut nl = Connection::open()?;
    nl.add(&Qdisc::root(LO).handle(ROOT).kind(Htb::new()))?;
    nl.add(&htb_class(1))?;
    nl.add(&Qdisc::at(LO, id(1)).handle(Handle::new(2, 0)).kind(Pfifo::new()))?;
    nl.add(&Qdisc::ingress(LO).kind(Ingress::new()))?;
    let fifo = || Pfifo::new().limit(Packets(5));
    let at = |parent, handle| Qdisc::at(LO, parent).handle(handle).kind(fifo());
    let other = Handle::new(7, 0);
    refused(
        |nl| nl.add(&at(Handle::new(9, 9), other)),
        ENOENT,
        &["`tc qdisc add dev if1 parent 9:9 handle 7: pfifo limit 5`", "Failed to find specified qdisc"],
    )?;
    refused(|nl| nl.add(&at(id(9), other)), ENOENT, &["parent 1:9", "Specified class not found"])?;
    refused(
        |nl| nl.replace(&at(Handle::ROOT, Handle::new(7, 7))),
        EINVAL,
        &["handle 7:7", "Invalid minor handle"],
    )?;
    refused(
        |nl| nl.add(&Qdisc::root(LO).handle(other).kind(Htb::new())),
        EEXIST,
        &["handle 7: htb", "NLM_F_REPLACE needed to override"],
    )?;
    refused(
        |nl| nl.add(&Qdisc::ingress(LO).kind(Clsact::new())),
        EEXIST,
        &["`tc qdisc add dev if1 clsact`"],
    )?;
    refused(
        |nl| nl.change(&Qdisc::root(LO).handle(ROOT).kind(Htb::new().default_class(5))),
        EINVAL,
        &["`tc qdisc change", "default 0x5", "Change operation not supported by specified qdisc"],
    )?;
    refused(
        |nl| nl.change(&Qdisc::root(LO).handle(ROOT).kind(fifo())),
        EINVAL,
        &["pfifo", "Invalid qdisc name"],
    )?;
    refused(
        |nl| nl.delete(&Qdisc::root(LO).handle(other)),
        EINVAL,
        &["`tc qdisc del", "handle 7:", "Invalid handle"],
    )?;
    refused(|nl| nl.delete(&Qdisc::at(LO, id(5))), ENOENT, &["parent 1:5", "Specified class not found"])?;
    ip("link add i0 index 20 type ifb")?;
    let offload = Qdisc::root(20).handle(ROOT).kind(Htb::new().offload(true));
    refused(
        |nl| nl.add(&offload),
        EOPNOTSUPP,
        &["dev if20", "offload", "hw-tc-offload ethtool feature flag must be on"],
    )
}

fn classes() -> Outcome {
    use nix::libc::{EEXIST, EINVAL, ENOENT};
    let mut nl = Connection::open()?;
    nl.add(&Qdisc::root(LO).handle(ROOT).kind(Htb::new()))?;
    nl.add(&htb_class(1))?;
    let kind = || HtbClass::rate(Rate::mbit(10)).quantum(1500);
    refused(
        |nl| nl.add(&Class::under(LO, ROOT).id(Handle::new(2, 2)).kind(kind())),
        EINVAL,
        &["`tc class add dev if1 parent 1: classid 2:2 htb rate 10Mbit"],
    )?;
    refused(
        |nl| nl.add(&Class::under(LO, Handle::new(5, 0)).id(Handle::new(5, 2)).kind(kind())),
        ENOENT,
        &["parent 5: classid 5:2"],
    )?;
    refused(|nl| nl.add(&htb_class(1)), EEXIST, &["classid 1:1"])?;
    refused(|nl| nl.change(&htb_class(2)), ENOENT, &["`tc class change", "classid 1:2"])?;
    refused(|nl| nl.delete(&Class::with_id(LO, id(3))), ENOENT, &["`tc class del dev if1 classid 1:3`"])
}

fn too_deep() -> Outcome {
    let mut nl = Connection::open()?;
    nl.add(&Qdisc::root(LO).handle(ROOT).kind(Htb::new()))?;
    let below = |parent, minor| {
        Class::under(LO, parent).id(id(minor)).kind(HtbClass::rate(Rate::mbit(1)).quantum(1500))
    };
    nl.add(&below(ROOT, 1))?;
    for minor in 2..=8 {
        nl.add(&below(id(minor - 1), minor))?;
    }
    // Linux 6.1 says why ("tree is too deep") in its log alone.
    refused(|nl| nl.add(&below(id(8), 9)), nix::libc::EINVAL, &["parent 1:8 classid 1:9"])
}

fn in_use() -> Outcome {
    let mut nl = Connection::open()?;
    nl.add(&Qdisc::root(LO).handle(ROOT).kind(Htb::new()))?;
    nl.add(&htb_class(1))?;
    nl.add(&Class::under(LO, id(1)).id(id(2)).kind(HtbClass::rate(Rate::mbit(1)).quantum(1500)))?;
    refused(
        |nl| nl.delete(&Class::with_id(LO, id(1))),
        nix::libc::EBUSY,
        &["`tc class del dev if1 classid 1:1`"],
    )
}

fn attributes() -> Outcome {
    use nix::libc::{EINVAL, ERANGE};
    let mut nl = Connection::open()?;
    nl.add(&Qdisc::root(LO).handle(ROOT).kind(Htb::new()))?;
    let short = |ty| RawAttr { ty, flags: 0, payload: vec![1] };
    let mut class = HtbClass::rate(Rate::mbit(1)).quantum(1500);
    // The second of two counts.
    class.unknown.push(short(1));
    let class = Class::under(LO, ROOT).id(id(1)).kind(class);
    let errno = |error: tcnl::Error| error.errno().filter(|errno| [EINVAL, ERANGE].contains(errno));
    let named = |error: Error| (error.refusal().and_then(|refusal| refusal.attribute), error.to_string());
    let (attribute, text) = named(nl.add(&class).err().ok_or("a class with short parameters was added")?);
    // htb passes its parser nothing to complain with.
    assert!(attribute.is_none_or(|name| name == "TCA_HTB_PARMS"), "{text}");
    assert!(errno(nl.add(&class).err().ok_or("added")?).is_some(), "{text}");
    let mut kind = any(80).class(id(1));
    kind.unknown.push(short(2));
    let (attribute, text) =
        named(nl.add(&filter().kind(kind)).err().ok_or("a filter with a short handle was added")?);
    assert_eq!(attribute, Some("TCA_U32_HASH"), "{text}");
    assert!(text.contains("(attribute TCA_U32_HASH)") && text.contains("`tc filter add dev if1"), "{text}");
    let mut qdisc = Qdisc::at(LO, id(1)).kind(Pfifo::new());
    qdisc.unknown.push(short(13));
    let (attribute, text) = named(nl.add(&qdisc).err().ok_or("a qdisc with a short block was added")?);
    assert_eq!(attribute, Some("TCA_INGRESS_BLOCK"), "{text}");
    Ok(())
}

fn warnings() -> Outcome {
    let mut nl = Connection::open()?;
    nl.add(&Qdisc::root(LO).handle(ROOT).kind(Htb::new()))?;
    for (minor, rate, words) in [
        (1, Rate::gbit(10), "quantum of class 10001 is big"),
        (2, Rate::kbit(8), "quantum of class 10002 is small"),
    ] {
        let ack = nl.add(&Class::under(LO, ROOT).id(id(minor)).kind(HtbClass::rate(rate)))?;
        if ack.warnings.is_empty() && tc("-d class show dev lo")?.contains("quantum 200000") {
            // As Linux 6.1 does.
            return Err(Stop::Skip("this kernel says in its log alone that it changed a quantum".into()));
        }
        let texts: Vec<_> = ack.warnings.iter().map(ToString::to_string).collect();
        assert!(matches!(texts.as_slice(), [text] if text.contains(words)), "{texts:?}");
    }
    // What the kernel took in place of it.
    let shown = tc("-d class show dev lo")?;
    assert!(
        shown.contains("class htb 1:1 root prio 0 quantum 200000")
            && shown.contains("class htb 1:2 root prio 0 quantum 1000"),
        "{shown}"
    );
    assert_eq!(nl.add(&htb_class(3))?.warnings, []);
    Ok(())
}

fn batch() -> Outcome {
    use nix::libc::{EEXIST, EINVAL, ENODEV, ENOENT};
    let mut nl = Connection::open()?;
    nl.add(&Qdisc::root(LO).handle(ROOT).kind(Htb::new()))?;
    let mut batch = nl.batch();
    batch.add(&htb_class(1))?;
    batch.add(&htb_class(1))?;
    batch.push(Verb::Change, &htb_class(9))?;
    batch.add(&Qdisc::at(LO, id(1)).handle(Handle::new(2, 0)).kind(Pfifo::new()))?;
    batch.add(&filter().kind(any(80).link("9:".parse()?)))?;
    batch.add(&filter().kind(any(80).class(id(1))))?;
    batch.delete(&Qdisc::root(NOWHERE))?;
    batch.add(&Class::under(LO, ROOT).id(id(2)).kind(HtbClass::rate(Rate::gbit(10))))?;
    let results = nl.run(&batch);
    let errors: Vec<_> = results.iter().map(|result| result.as_ref().err().and_then(Error::errno)).collect();
    let none = None;
    assert_eq!(errors, [none, Some(EEXIST), Some(ENOENT), none, Some(EINVAL), none, Some(ENODEV), none]);
    // Each error names its own request.
    for ((result, command), errno) in results.iter().zip(batch.commands()).zip(errors) {
        match (result, errno) {
            (Err(error), Some(_)) => {
                assert!(error.to_string().starts_with(&format!("`{command}` was refused: ")), "{error}")
            }
            (Ok(_), None) => (),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(tc("class show dev lo")?.lines().count(), 2);
    assert!(tc("qdisc show dev lo")?.contains("qdisc pfifo 2: parent 1:1"));
    assert_eq!(tc("filter show dev lo")?.matches("flowid 1:1").count(), 1);
    Ok(())
}

//! The connection: requests, errors and warnings, lists, batches, namespaces, other crates' messages, the probe.

use crate::common::{in_netns, ip, tc, trial, Outcome, Stop};
use libtest_mimic::Trial;
use std::cell::Cell;
use std::fmt::{self, Formatter};
use std::fs::File;
use std::os::fd::AsFd;
use std::time::Duration;
use tcnl::netlink::{Batch, Capabilities, Connection, Feature, Namespace, Protocol};
use tcnl::request::Query;
use tcnl::route::{Link, Links};
use tcnl::tc::{fifo::Pfifo, htb::Htb, htb::HtbClass, Class, Qdisc};
use tcnl::units::{Handle, Rate};
use tcnl::wire::{EncodeError, Header, Writer};
use tcnl::Error;

const LO: u32 = 1;
const ROOT: Handle = Handle::new(1, 0);

pub fn trials() -> Vec<Trial> {
    vec![
        trial("what is added is listed, read, changed and deleted", five_verbs),
        trial("a refusal names the command, the errno and the kernel's words", refusals),
        trial("a refusal names the attribute that the kernel points to", named_attribute),
        trial("a warning on a request that succeeded is returned", warnings),
        trial("a batch goes on after an error and says which request failed", batch_errors),
        trial("a list that is dropped half-read leaves the connection usable", half_read),
        trial("a list of what changes under way says so, and a snapshot starts again", interrupted),
        trial("an answer that another process forged is not believed", forged),
        trial("a connection opens in another namespace by descriptor and path", namespaces),
        trial("a namespace that does not exist is an error with its name", no_namespace),
        trial("nf_tables takes a transaction and says which message failed", nf_tables),
        trial("typed requests are refused on a connection to another part of the kernel", wrong_protocol),
        trial("a request that cannot be encoded is not sent", not_encoded),
        trial("the probe finds what tc finds and leaves nothing behind", probe),
    ]
}

fn htb() -> Qdisc {
    Qdisc::root(LO).handle(ROOT).kind(Htb::default().default_class(0x20))
}

fn class(minor: u16) -> Class {
    // A quantum, so that the kernel has nothing to warn of.
    Class::under(LO, ROOT).id(Handle::new(1, minor)).kind(HtbClass::rate(Rate::mbit(10)).quantum(1514))
}

/// A connection to a namespace with an htb and this many classes.
fn with_classes(count: u16) -> tcnl::Result<Connection> {
    let mut nl = Connection::open()?;
    nl.add(&htb())?;
    let mut batch = nl.batch();
    for minor in 1..=count {
        batch.add(&class(minor))?;
    }
    nl.run(&batch).into_iter().collect::<tcnl::Result<Vec<_>>>()?;
    Ok(nl)
}

fn five_verbs() -> Outcome {
    let mut nl = Connection::open()?;
    assert_eq!(nl.add(&htb())?.warnings, []);
    nl.add(&class(1))?;
    nl.replace(&class(2))?;
    assert_eq!(nl.get(&Qdisc::root(LO))?.handle, ROOT);
    let second = nl.get(&Class::with_id(LO, Handle::new(1, 2)))?;
    assert_eq!(second.id, Handle::new(1, 2));
    let faster = HtbClass::rate(Rate::mbit(20)).quantum(1514);
    nl.change(&Class::with_id(LO, Handle::new(1, 2)).kind(faster))?;
    assert!(tc("class show dev lo")?.contains("class htb 1:2 root prio 0 rate 20Mbit"));
    let ids: Vec<_> = nl.snapshot(Class::of(LO))?.into_iter().map(|class| class.id.minor()).collect();
    assert_eq!(ids, [1, 2]);
    nl.delete(&Class::with_id(LO, Handle::new(1, 1)))?;
    assert_eq!(nl.list(Class::of(LO))?.count(), 1);
    nl.delete(&Qdisc::root(LO))?;
    assert_eq!(nl.list(Class::of(LO))?.count(), 0);
    Ok(())
}

fn refusals() -> Outcome {
    let mut nl = Connection::open()?;
    nl.add(&htb())?;
    let error = nl.add(&htb()).unwrap_err();
    assert_eq!(error.errno(), Some(17));
    let text = error.to_string();
    assert!(text.starts_with("`tc qdisc add dev if1 root handle 1: htb"), "{text}");
    assert!(text.contains("Exclusivity flag on"), "{text}");
    let error = nl.get(&Class::with_id(LO, Handle::new(1, 7))).unwrap_err();
    assert_eq!(error.errno(), Some(2));
    let error = nl.add(&Qdisc::root(4_000_000u32).kind(Pfifo::default())).unwrap_err();
    assert_eq!(error.errno(), Some(19));
    Ok(())
}

fn named_attribute() -> Outcome {
    let mut nl = Connection::open()?;
    // A chain is a number of four bytes.
    let mut qdisc = htb();
    qdisc.unknown.push(tcnl::wire::RawAttr { ty: 11, flags: 0, payload: vec![1] });
    let error = nl.add(&qdisc).unwrap_err();
    let refusal = error.refusal().ok_or("it was no refusal")?;
    assert_eq!(refusal.attribute, Some("TCA_CHAIN"), "{error}");
    Ok(())
}

fn warnings() -> Outcome {
    let mut nl = Connection::open()?;
    nl.add(&htb())?;
    let big = Class::under(LO, ROOT).id(Handle::new(1, 1)).kind(HtbClass::rate(Rate::gbit(10)));
    let ack = nl.add(&big)?;
    if ack.warnings.is_empty() && tc("-d class show dev lo")?.contains("quantum 200000") {
        // As Linux 6.1 does.
        return Err(Stop::Skip("this kernel says in its log alone that it changed the quantum".into()));
    }
    let [warning] = ack.warnings.as_slice() else { panic!("{ack:?}") };
    assert!(warning.message.contains("quantum of class 10001 is big"), "{warning}");
    let mut batch = nl.batch().with_warnings();
    batch.change(&big)?.change(&class(1))?;
    let counts: Vec<_> =
        nl.run(&batch).into_iter().map(|result| result.map_or(9, |ack| ack.warnings.len())).collect();
    assert_eq!(counts, [1, 0]);
    Ok(())
}

fn batch_errors() -> Outcome {
    let mut nl = with_classes(2)?;
    let mut batch = Batch::new(nl.clock());
    for minor in 1..=300 {
        batch.add(&class(minor))?;
    }
    let results = nl.run(&batch);
    let failed: Vec<_> = results.iter().enumerate().filter(|(_, result)| result.is_err()).collect();
    assert_eq!(failed.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [0, 1]);
    let error = failed[1].1.as_ref().unwrap_err();
    assert!(
        error.to_string().starts_with("`tc class add dev if1 parent 1: classid 1:2 htb rate 10Mbit"),
        "{error}"
    );
    assert_eq!(batch.commands().count(), 300);
    assert_eq!(tc("class show dev lo")?.lines().count(), 300);
    assert!(nl.run(&Batch::default()).is_empty());
    Ok(())
}

fn half_read() -> Outcome {
    // Several datagrams of 32 KiB.
    let mut nl = with_classes(1000)?;
    for _ in 0..3 {
        assert_eq!(nl.list(Class::of(LO))?.take(10).filter(Result::is_ok).count(), 10);
        assert_eq!(nl.get(&Qdisc::root(LO))?.handle, ROOT);
        nl.change(&class(1))?;
        let unread = nl.list(Class::of(LO))?;
        drop(unread);
        assert_eq!(nl.snapshot(Class::of(LO))?.len(), 1000);
    }
    Ok(())
}

/// Links, while somebody deletes one of them in each of the first tries.
struct Disturbed {
    links: Links,
    tries: Cell<u32>,
    seen: Cell<bool>,
}

impl Disturbed {
    fn new(tries: u32) -> Self {
        Disturbed { links: Link::all(), tries: Cell::new(tries), seen: Cell::new(false) }
    }
}

impl Query for Disturbed {
    type Object = Link;

    fn encode(&self, w: &mut Writer) -> Result<(), EncodeError> {
        self.seen.set(false);
        self.links.encode(w)
    }

    fn take(&self, link: &mut Link) -> bool {
        if !self.seen.replace(true) && self.tries.get() > 0 {
            self.tries.set(self.tries.get() - 1);
            ip(&format!("link delete b{}", 99 - self.tries.get())).unwrap();
        }
        self.links.take(link)
    }

    fn command(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.links.command(f)
    }
}

fn interrupted() -> Outcome {
    // More than fit into one datagram, beyond which the kernel has not looked when the first is read.
    for number in 0..100 {
        ip(&format!("link add b{number} type bridge"))?;
    }
    let mut nl = Connection::open()?;
    let end = nl.list(Disturbed::new(1))?.last();
    assert!(matches!(end, Some(Err(Error::Interrupted { tries: 1, .. }))), "{end:?}");
    ip("link add b99 type bridge")?;
    assert_eq!(nl.snapshot(Disturbed::new(2))?.len(), 99);
    ["b98", "b99"]
        .into_iter()
        .try_for_each(|name| ip(&format!("link add {name} type bridge")).map(|_| ()))?;
    let error = nl.snapshot(Disturbed::new(Connection::TRIES)).unwrap_err();
    assert!(matches!(error, Error::Interrupted { tries: Connection::TRIES, .. }), "{error}");

    let mut listed = 0;
    let end = nl.dump(&message(18, 0, &[0; 16])?, |_| {
        listed += 1;
        if listed == 1 {
            ip("link delete b1").unwrap();
        }
    });
    assert!(matches!(end, Err(Error::Interrupted { tries: 1, .. })), "{end:?}");
    Ok(())
}

fn message(ty: u16, flags: u16, body: &[u8]) -> tcnl::Result<Vec<u8>> {
    let mut w = Writer::default();
    w.message(Header { ty, flags, ..Header::default() }, |w| w.put(body))
        .map_err(|source| Error::encode("a message", source))?;
    Ok(w.bytes().to_vec())
}

fn forged() -> Outcome {
    let mut nl = Connection::open()?;
    // The first netlink socket of a process in a namespace has the process's id for its port.
    let port = std::process::id();
    let forger = netlink_sys::Socket::new(netlink_sys::protocols::NETLINK_ROUTE)?;
    // An acknowledgement of the first request, from somebody who is not the kernel.
    let mut ack = vec![36, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0];
    ack.resize(36, 0);
    forger.send_to(&ack, &netlink_sys::SocketAddr::new(port, 0), 0)?;
    let error = nl.delete(&Class::with_id(LO, Handle::new(1, 1))).unwrap_err();
    assert_eq!(error.errno(), Some(2), "{error}");
    Ok(())
}

fn namespaces() -> Outcome {
    with_classes(3)?;
    let path = format!("/proc/{}/task/{}/ns/net", std::process::id(), nix::unistd::gettid());
    let file = File::open(&path)?;
    in_netns(|| {
        let by_fd = Connection::open_in(Namespace::Fd(file.as_fd()))?.snapshot(Class::of(LO))?;
        let by_path = Connection::open_in(Namespace::Path(path.as_ref()))?.snapshot(Class::of(LO))?;
        assert_eq!((by_fd.len(), by_path.len()), (3, 3));
        // This thread is where it was.
        assert_eq!(Connection::open()?.snapshot(Class::of(LO))?.len(), 0);
        Ok(())
    })
}

fn no_namespace() -> Outcome {
    let error = Connection::open_in(Namespace::Name("nowhere")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot open the network namespace nowhere: No such file or directory (os error 2)"
    );
    for name in ["", "..", "a/b"] {
        assert!(matches!(Connection::open_in(Namespace::Name(name)), Err(Error::Invalid { .. })));
    }
    let error = Connection::open_in(Namespace::Path("/proc/self/status".as_ref())).unwrap_err();
    assert!(error.to_string().starts_with("cannot enter the network namespace /proc/self/status"), "{error}");
    Ok(())
}

fn nf_tables() -> Outcome {
    use netlink_packet_core::{NetlinkMessage, NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL};
    use netlink_packet_netfilter::nftables::{NfTablesMessage, TableAttribute, TableMessage};
    use netlink_packet_netfilter::{NetfilterHeader, NetfilterMessage, NetfilterProtoFamily};

    if !Capabilities::probe()?.has(Feature::NfTables) {
        return Err(Stop::Skip("this kernel has no nf_tables".into()));
    }
    let table = |name: &str| {
        let header = NetfilterHeader::new(NetfilterProtoFamily::IPv4, 0, 0);
        let attributes = vec![TableAttribute::Name(name.into())];
        let new = NfTablesMessage::NewTable(TableMessage { attributes });
        let mut message = NetlinkMessage::from(NetfilterMessage::new(header, new));
        message.header.flags = NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        bytes
    };
    // NFNL_MSG_BATCH_BEGIN and _END for NFNL_SUBSYS_NFTABLES.
    let (begin, end) = (message(0x10, 0, &[0, 0, 0, 10])?, message(0x11, 0, &[0, 0, 0, 10])?);
    let mut nl = Connection::builder().protocol(Protocol::Netfilter).open()?;
    let batch = |tables: &[&str]| {
        let tables: Vec<u8> = tables.iter().flat_map(|name| table(name)).collect();
        [&begin[..], &tables, &end].concat()
    };

    let results = nl.transact(&batch(&["one", "two"]), |_| ())?;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 4);
    let results = nl.transact(&batch(&["three", "one"]), |_| ())?;
    let errors: Vec<_> = results.iter().map(|result| result.as_ref().err().and_then(Error::errno)).collect();
    assert_eq!(errors, [None, None, Some(17), None]);
    let mut tables = 0;
    nl.dump(&message(0x0a01, 0, &[2, 0, 0, 0])?, |_| tables += 1)?;
    assert_eq!(tables, 2, "a transaction is all or nothing");
    Ok(())
}

fn wrong_protocol() -> Outcome {
    let mut nl = Connection::builder().protocol(Protocol::Netfilter).open()?;
    assert!(matches!(nl.add(&htb()), Err(Error::Invalid { .. })));
    assert!(matches!(nl.list(Class::of(LO)).err(), Some(Error::Invalid { .. })));
    let mut batch = nl.batch();
    batch.add(&htb())?;
    assert!(matches!(nl.run(&batch).as_slice(), [Err(Error::Invalid { .. })]));
    assert!(matches!(nl.transact(b"no message at all", |_| ()), Err(Error::Invalid { .. })));
    Ok(())
}

fn not_encoded() -> Outcome {
    let mut nl = Connection::builder().timeout(Some(Duration::from_secs(2))).open()?;
    let nothing = Qdisc::root(LO);
    assert!(matches!(nl.add(&nothing), Err(Error::Encode { .. })));
    let mut batch = nl.batch();
    batch.add(&htb())?;
    assert!(matches!(batch.add(&nothing), Err(Error::Encode { .. })));
    assert_eq!(batch.len(), 1);
    assert!(nl.run(&batch).iter().all(Result::is_ok));
    Ok(())
}

fn probe() -> Outcome {
    let before = (tc("qdisc show")?, ip("link")?, ip("rule")?);
    let capabilities = Capabilities::probe()?;
    assert_eq!((tc("qdisc show")?, ip("link")?, ip("rule")?), before);
    for kind in
        ["htb", "pfifo", "sfq", "tbf"].into_iter().filter(|kind| tcnl::tc::QdiscKind::KNOWN.contains(kind))
    {
        let options = if kind == "tbf" { "rate 1mbit burst 10k limit 10k" } else { "" };
        let tc_has = in_netns(|| tc(&format!("qdisc add dev lo root {kind} {options}"))).is_ok();
        assert_eq!(capabilities.has_qdisc(kind), tc_has, "{kind}");
    }
    for kind in tcnl::tc::FilterKind::KNOWN {
        let (handle, options) = if *kind == "u32" { ("::1", "match u32 0 0") } else { ("1", "") };
        let tc_has = in_netns(|| {
            tc("qdisc add dev lo ingress")?;
            tc(&format!("filter add dev lo ingress handle {handle} {kind} {options} classid 1:1"))
        });
        assert_eq!(capabilities.has_filter(kind), tc_has.is_ok(), "{kind}");
    }
    let mark = in_netns(|| {
        tc("qdisc add dev lo ingress")?;
        tc("filter add dev lo ingress u32 match mark 1 1 classid 1:1")?;
        tc("filter show dev lo ingress")
    })?;
    assert_eq!(capabilities.has(Feature::U32Mark), mark.contains("mark 0x0001"), "{mark}");
    assert!(capabilities.has(Feature::Rules) && capabilities.has(Feature::Nexthops), "{capabilities}");
    Ok(())
}

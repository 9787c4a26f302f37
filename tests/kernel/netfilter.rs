//! nf_tables transactions and connections by mark: what `nft` and the packets say of them.

use crate::common::{fed, has_program, in_netns, ip, nft, trial, Outcome, Stop};
use crate::nft_words::every_word;
use libtest_mimic::Trial;
use std::net::UdpSocket;
use std::process::Command;
use tcnl::netfilter::{Chain, ChainKind, Flows, Hook, Mark, NftRule, Table, Transaction};
use tcnl::netlink::{Capabilities, Connection, Feature, Protocol};
use tcnl::units::Family;
use tcnl::Error;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("a transaction is what nft makes of its printed commands", like_nft),
        trial("every word is read back as it was sent", read_back),
        trial("what others do to a table is noticed", tampered),
        trial("a refused rule is named and leaves nothing of its transaction", refused),
        trial("a transaction of hundreds of rules is one", large),
        trial(
            "a table and its comment outlive the connection, and are deleted whether there or not",
            restarted,
        ),
        trial(
            "a transaction needs a connection to netfilter, and an empty one sends nothing",
            other_protocol,
        ),
        trial("marks are saved and restored in their bits, and other bits stay", marks),
        trial("connections are counted and deleted by mark and family, and others survive", by_mark),
        trial("a flowtable is found in whatever family it is", flowtable),
    ]
}

const BITS: u32 = 0x3f00;

fn connection() -> Result<Connection, Stop> {
    static HAS: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    let probe =
        || Capabilities::probe().is_ok_and(|has| has.has(Feature::NfTables) && has.has(Feature::Conntrack));
    match HAS.get_or_init(probe) {
        true => Ok(Connection::builder().protocol(Protocol::Netfilter).open()?),
        false => Err(Stop::Skip("this kernel has no nf_tables or no ctnetlink".into())),
    }
}

fn like_nft() -> Outcome {
    let t = every_word();
    let theirs = in_netns(|| {
        if !has_program("nft") {
            return Err(Stop::Skip("`nft` is not installed".into()));
        }
        let shell = fed(
            Command::new("sh").args(["-e", "-s"]).env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
            &t.to_string(),
        )?;
        if !shell.status.success() {
            return Err(Stop::Fail(String::from_utf8_lossy(&shell.stderr).into_owned()));
        }
        nft("list ruleset")
    })?;
    connection()?.commit(&t)?;
    assert_eq!(nft("list ruleset")?, theirs);
    for words in [
        "table inet t {",
        "comment \"some words, it's 2 of them\"",
        "type filter hook prerouting priority mangle; policy accept;",
        "iifname \"lan\"",
        "ct mark set ct mark & 0xffffc1ff | 0x00000100",
        "ip daddr 10.0.0.0/8",
        "ip6 daddr fe80::/10",
        "tcp dport 80-90",
        "oifname \"wan0\" meta nfproto ipv4 masquerade comment \"hide wan0\"",
    ] {
        assert!(theirs.contains(words), "{words} in {theirs}");
    }
    Ok(())
}

fn read_back() -> Outcome {
    let mut nl = connection()?;
    let t = every_word();
    nl.commit(&t)?;
    let found = nl.nft_table("t")?.ok_or("there is no table")?;
    assert_eq!(t.drift(Some(&found)), Vec::<String>::new());
    assert_eq!(found.comment.as_deref(), Some("some words, it's 2 of them"));
    assert_eq!(found.chains["n"].rules[1].comment.as_deref(), Some("hide wan0"));
    assert_eq!(nl.nft_table("u")?, None);
    // The same once more is the same.
    nl.commit(&t)?;
    assert_eq!(t.drift(nl.nft_table("t")?.as_ref()), Vec::<String>::new());
    Ok(())
}

fn tampered() -> Outcome {
    let mut nl = connection()?;
    let t = every_word();
    for (tampering, noticed) in [
        ("flush chain inet t c", "the chain c has 0 rules"),
        ("add rule inet t d counter", "the chain d has 1 rules and not 0"),
        ("insert rule inet t n counter", "the chain n has 3 rules and not 2"),
        ("add chain inet t x", "there is a chain x"),
        ("add set inet t s { type ipv4_addr; }", "holds more than chains"),
        ("add chain inet t input { policy drop; }", "the chain input is of another"),
        ("add table inet t { flags dormant; }", "has the flags 0x1"),
        ("delete table inet t", "the table t is not there"),
    ] {
        nl.commit(&t)?;
        nft(tampering)?;
        let drift = t.drift(nl.nft_table("t")?.as_ref());
        assert!(drift.len() == 1 && drift[0].contains(noticed), "{tampering}: {drift:?}");
    }
    nl.commit(&t)?;
    let handle = nl.nft_table("t")?.ok_or("there is no table")?.chains["n"].rules[0].handle;
    nft(&format!("replace rule inet t n handle {handle} counter masquerade"))?;
    assert_eq!(t.drift(nl.nft_table("t")?.as_ref()), ["rule 1 of the chain n is not `masquerade`"]);
    Ok(())
}

fn refused() -> Outcome {
    let mut nl = connection()?;
    let mut t = Transaction::new();
    t.add_table(&Table::inet("t"));
    t.add_chain(&Chain::base("c", ChainKind::Filter, Hook::Prerouting, 0));
    t.add_rule("c", NftRule::new().counter());
    // Only chains of type nat can do that, and only behind routing.
    let mut wrong = t.clone();
    wrong.add_rule("c", NftRule::new().masquerade());
    wrong.add_rule("c", NftRule::new().accept());
    let error = nl.commit(&wrong).err().ok_or("it was accepted")?;
    assert!(error.to_string().contains("`nft 'add rule inet t c masquerade'` was refused"), "{error}");
    assert_eq!(nl.nft_table("t")?, None);
    let mut wrong = t.clone();
    wrong.add_rule("c", NftRule::new().jump("nowhere"));
    wrong.add_rule("nowhere", NftRule::new().accept());
    let error = nl.commit(&wrong).err().ok_or("it was accepted")?;
    assert!(error.to_string().contains("`nft 'add rule inet t c jump nowhere'` was refused"), "{error}");
    assert_eq!(error.errno(), Some(nix::libc::ENOENT));
    assert_eq!(nl.nft_table("t")?, None);
    nl.commit(&t)?;
    assert_eq!(t.drift(nl.nft_table("t")?.as_ref()), Vec::<String>::new());

    let mut t = Transaction::new();
    t.in_table("u");
    t.flush_chain("c");
    let error = nl.commit(&t).err().ok_or("it was accepted")?;
    assert_eq!(error.errno(), Some(nix::libc::ENOENT));
    assert!(error.to_string().contains("`nft 'flush chain inet u c'`"), "{error}");
    assert_eq!(error.refusal().and_then(|refusal| refusal.attribute), Some("NFTA_RULE_TABLE"));
    Ok(())
}

fn large() -> Outcome {
    let mut nl = connection()?;
    let mut t = Transaction::new();
    t.add_table(&Table::inet("t"));
    t.add_chain(&Chain::base("c", ChainKind::Filter, Hook::Postrouting, 0));
    for mark in 1..=450 {
        let rule = NftRule::new().oifname("wan0".parse()?).ct_state_new();
        t.add_rule("c", rule.set_mark(Mark::Connection, mark, 0xfff).comment(format!("uplink {mark}")));
    }
    nl.commit(&t)?;
    let found = nl.nft_table("t")?.ok_or("there is no table")?;
    assert_eq!(found.chains["c"].rules.len(), 450);
    assert_eq!(t.drift(Some(&found)), Vec::<String>::new());

    // So many refusals do not fit the socket; it can be used again behind them.
    let mut t = Transaction::new();
    t.in_table("nowhere");
    (0..450).for_each(|_| t.add_rule("c", NftRule::new().counter()));
    let error = nl.commit(&t).err().ok_or("it was accepted")?;
    assert!(matches!(error, Error::Overrun { .. } | Error::Refused(_)), "{error}");
    assert!(nl.nft_table("t")?.is_some());
    Ok(())
}

fn restarted() -> Outcome {
    let mut t = Transaction::new();
    t.delete_table_if_there("t");
    connection()?.commit(&t)?;
    assert_eq!(t.drift(connection()?.nft_table("t")?.as_ref()), Vec::<String>::new());
    t.add_table(&Table::inet("t").comment("generation 1"));
    connection()?.commit(&t)?;
    let comment = connection()?.nft_table("t")?.and_then(|table| table.comment);
    assert_eq!(comment.as_deref(), Some("generation 1"));
    let mut t = Transaction::new();
    t.delete_table_if_there("t");
    connection()?.commit(&t)?;
    assert_eq!(connection()?.nft_table("t")?, None);
    Ok(())
}

fn other_protocol() -> Outcome {
    let mut t = Transaction::new();
    let mut nl = connection()?;
    nl.commit(&t)?;
    t.add_table(&Table::inet("t"));
    let mut route = Connection::open()?;
    let flows = Flows::marked(1, 1)?;
    let errors = [
        route.commit(&t).err(),
        route.nft_table("t").err(),
        route.delete_flows(&flows).err(),
        route.count_flows(&flows).err(),
    ];
    for error in errors {
        let error = error.ok_or("it was accepted")?;
        assert!(
            matches!(error, Error::Invalid { .. }) && error.to_string().contains("Protocol::Netfilter"),
            "{error}"
        );
    }
    Ok(())
}

/// What is sent to port 7001 belongs to the first uplink, what is sent to 7002 to the second, and the lowest bits are somebody else's. All
/// is sent to this machine itself: what leaves in one chain comes in by another.
fn steering() -> Result<Connection, Stop> {
    let mut nl = connection()?;
    ip("link set lo up")?;
    let rule = NftRule::new;
    let mut t = Transaction::new();
    t.add_table(&Table::inet("t"));
    t.add_chain(&Chain::base("foreign", ChainKind::Filter, Hook::Output, -200));
    t.add_chain(&Chain::base("save", ChainKind::Filter, Hook::Output, -150));
    t.add_chain(&Chain::base("restore", ChainKind::Filter, Hook::Prerouting, -150));
    t.add_rule("foreign", rule().set_mark(Mark::Connection, 5, 0xff));
    t.add_rule("foreign", rule().set_mark(Mark::Packet, 6, 0xff));
    for (port, mark) in [(7001, 0x100), (7002, 0x200)] {
        t.add_rule(
            "save",
            rule().udp_dport(port..=port).ct_state_new().set_mark(Mark::Connection, mark, BITS),
        );
        t.add_rule(
            "restore",
            rule().mark_is(Mark::Connection, mark, BITS).set_mark(Mark::Packet, mark, BITS),
        );
        let both =
            rule().mark_is(Mark::Packet, mark | 6, BITS | 0xff).mark_is(Mark::Connection, mark | 5, u32::MAX);
        t.add_rule("restore", both.counter().comment(format!("to {port}")));
    }
    t.add_rule("restore", rule().mark_is_not(Mark::Packet, 0, BITS).counter().comment("all"));
    nl.commit(&t)?;
    Ok(nl)
}

/// Sends a packet of a connection of its own.
fn send(to: &UdpSocket) -> Result<(), Stop> {
    let to = to.local_addr()?;
    let from = UdpSocket::bind((to.ip(), 0))?;
    from.send_to(b"x", to)?;
    Ok(())
}

fn marks() -> Outcome {
    let mut nl = steering()?;
    let (one, two) = (UdpSocket::bind("127.0.0.1:7001")?, UdpSocket::bind("127.0.0.1:7002")?);
    let other = UdpSocket::bind("127.0.0.1:7003")?;
    for to in [&one, &one, &one, &two, &other] {
        send(to)?;
    }
    let table = nl.nft_table("t")?.ok_or("there is no table")?;
    let counted = |comment: &str| {
        let rule = table.chains["restore"].rules.iter().find(|rule| rule.comment.as_deref() == Some(comment));
        rule.and_then(|rule| rule.counter).map(|counter| counter.packets)
    };
    assert_eq!(["to 7001", "to 7002", "all"].map(counted), [Some(3), Some(1), Some(4)]);
    assert_eq!(nl.count_flows(&Flows::marked(0x105, BITS | 0xff)?)?, 3);
    Ok(())
}

fn by_mark() -> Outcome {
    let mut nl = steering()?;
    let (one, two) = (UdpSocket::bind("127.0.0.1:7001")?, UdpSocket::bind("127.0.0.1:7002")?);
    let (six, other) = (UdpSocket::bind("[::1]:7001")?, UdpSocket::bind("127.0.0.1:7003")?);
    for to in [&one, &one, &one, &two, &two, &six, &other] {
        send(to)?;
    }
    let (first, second) = (Flows::marked(0x100, BITS)?, Flows::marked(0x200, BITS)?);
    let none = Flows::marked(0, BITS)?;
    let of = |flows: &Flows, family| flows.family(family);
    let count = |flows: [Flows; 5], nl: &mut Connection| -> tcnl::Result<Vec<u64>> {
        let counts = flows.iter().map(|flows| nl.count_flows(flows)).collect::<tcnl::Result<_>>()?;
        assert_eq!(nl.count_each_flows(&flows)?, counts, "all at once");
        Ok(counts)
    };
    let all = [first, of(&first, Family::V4), of(&first, Family::V6), second, none];
    assert_eq!(count(all, &mut nl)?, [4, 3, 1, 2, 1]);
    nl.delete_flows(&of(&first, Family::V6))?;
    assert_eq!(count(all, &mut nl)?, [3, 3, 0, 2, 1]);
    nl.delete_flows(&first)?;
    assert_eq!(count(all, &mut nl)?, [0, 0, 0, 2, 1]);
    // None are there: that is no error.
    nl.delete_flows(&first)?;
    nl.delete_flows(&none)?;
    assert_eq!(count(all, &mut nl)?, [0, 0, 0, 2, 0]);
    Ok(())
}

fn flowtable() -> Outcome {
    let mut nl = connection()?;
    assert!(!nl.has_flowtable()?);
    ip("link set lo up")?;
    for family in ["inet", "ip"] {
        nft(&format!("add table {family} t"))?;
        assert!(!nl.has_flowtable()?, "{family}: a table is none");
        // Kernels may be built without.
        nft(&format!("add flowtable {family} t f {{ hook ingress priority 0; devices = {{ lo }}; }}"))
            .map_err(|stop| stop.skip_if("No such file").skip_if("not supported"))?;
        assert!(nl.has_flowtable()?, "{family}");
        nft(&format!("delete table {family} t"))?;
    }
    assert!(!nl.has_flowtable()?);
    Ok(())
}

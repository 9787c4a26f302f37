//! All that the crate can say to nf_tables, in one transaction.

use tcnl::netfilter::{Chain, ChainKind, Hook, Mark, NftRule, Table, Transaction};
use tcnl::units::{Family, Name};

/// Every word, in the ways that make a difference, and rules as a gateway has them.
pub fn every_word() -> Transaction {
    let mut t = Transaction::new();
    t.delete_table_if_there("t");
    t.add_table(&Table::inet("t").comment("some words, it's 2 of them"));
    t.add_table(&Table::inet("t"));
    let base = |name: &str, kind, hook, priority| Chain::base(name, kind, hook, priority);
    t.add_chain(&base("c", ChainKind::Filter, Hook::Prerouting, -150));
    t.add_chain(&base("input", ChainKind::Filter, Hook::Input, 0));
    t.add_chain(&base("forward", ChainKind::Filter, Hook::Forward, 7));
    t.add_chain(&base("own", ChainKind::Route, Hook::Output, -150));
    t.add_chain(&base("n", ChainKind::Nat, Hook::Postrouting, 100));
    t.add_chain(&base("p", ChainKind::Nat, Hook::Prerouting, -100));
    t.add_chain(&base("f", ChainKind::Filter, Hook::Forward, 0));
    t.add_chain(&Chain::new("d"));
    t.flush_chain("d");
    rules().into_iter().for_each(|rule| t.add_rule("c", rule));
    t.add_rule("n", NftRule::new().masquerade());
    t.add_rule("n", NftRule::new().oifname(dev("wan0")).family(Family::V4).masquerade().comment("hide wan0"));
    for to in ["192.168.7.2", "fd00:7::2"].map(|to| to.parse().expect("an address")) {
        t.add_rule("p", NftRule::new().iifname(dev("wan0")).tcp_dport(80..=80).dnat(to));
    }
    refusing().into_iter().for_each(|rule| t.add_rule("f", rule));
    t
}

fn rules() -> Vec<NftRule> {
    let (packet, connection) = (Mark::Packet, Mark::Connection);
    let net = |prefix: &str| prefix.parse::<tcnl::route::Prefix>().expect("a prefix");
    let rule = NftRule::new;
    vec![
        rule().iifname(dev("lan")),
        rule().iifname_is_not(dev("eth0.100")),
        rule().oifname(dev("fifteen-bytes-x")),
        rule().oifname_is_not(dev("ip")),
        rule().ct_state_new(),
        rule().mark_is(packet, 0x100, 0x3f00),
        rule().mark_is(connection, 0x100, 0x3f00),
        rule().mark_is_not(packet, 0, 0x3f00),
        rule().mark_is_not(connection, 0x200, 0xff00),
        rule().mark_is(connection, 7, u32::MAX),
        rule().set_mark(packet, 0x100, 0x3f00),
        rule().set_mark(connection, 0x100, 0x3f00),
        rule().set_mark(connection, 0, 0x3f00),
        rule().set_mark(packet, 7, u32::MAX),
        rule().family(Family::V4).counter(),
        rule().family(Family::V6).counter(),
        rule().saddr(net("192.0.2.1")),
        rule().daddr(net("192.0.2.0/24")),
        rule().daddr(net("10.0.0.0/8")),
        rule().saddr(net("10.64.0.0/10")),
        rule().saddr(net("128.0.0.0/1")),
        rule().daddr(net("0.0.0.0/0")),
        rule().saddr(net("2001:db8::1")),
        rule().daddr(net("2001:db8::/32")),
        rule().daddr(net("fe80::/10")),
        rule().saddr(net("2001:db8:0:8000::/49")),
        rule().saddr(net("10.0.0.0/8")).daddr(net("192.0.2.7")),
        rule().family(Family::V4).daddr(net("192.0.2.7")),
        rule().daddr_is_local(),
        rule().l4proto(6),
        rule().l4proto(58),
        rule().l4proto(17).udp_dport(53..=53),
        rule().tcp_dport(25..=25),
        rule().tcp_dport(80..=90),
        rule().tcp_without_syn(),
        rule().udp_dport(0..=u16::MAX),
        rule().udp_dport(1024..=u16::MAX),
        rule().saddr(net("fd00::/8")).tcp_dport(443..=443),
        rule().tcp_dport(443..=443).saddr(net("fd00::/8")),
        rule().counter(),
        rule().accept(),
        rule().drop(),
        rule().returns(),
        rule().jump("d"),
        rule().accept().comment("these aren't all of a rule's words: 1,2;3 {} $x \\ ü"),
        rule().counter().comment("x".repeat(128)),
        rule()
            .mark_is(connection, 0x100, 0x3f00)
            .set_mark(packet, 0x100, 0x3f00)
            .accept()
            .comment("restore b"),
        rule().oifname(dev("wan0")).ct_state_new().set_mark(connection, 0x300, 0x3f00).comment("save b"),
        rule().iifname(dev("lan")).ct_state_new().mark_is(connection, 0, 0x3f00).daddr_is_local().returns(),
    ]
}

fn refusing() -> Vec<NftRule> {
    let rule = || NftRule::new().oifname(dev("wan0"));
    vec![
        rule().l4proto(6).reset(),
        rule().tcp_dport(25..=25).reset().comment("no mail"),
        rule().reject(),
        rule().family(Family::V6).reject(),
        rule().udp_dport(53..=53).reject(),
    ]
}

fn dev(name: &str) -> Name {
    name.parse().expect("a name")
}

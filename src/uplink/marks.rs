//! What nf_tables is told: connections remember their uplink, and what leaves has the uplink's address.
//!
//! | chain | hook | what it does |
//! | --- | --- | --- |
//! | `arrive` | prerouting, mangle | packets of known connections get the mark of their uplink; new ones from the Internet belong to the uplink they came in by, forced ones to theirs |
//! | `own` | output, route | the same for what the gateway sends itself; its connections that went by a dead uplink are reset |
//! | `pass` | forward, mangle | finds what is forced to an uplink that does not work, and may not fall back |
//! | `refuse` | none | refuses that, if it would leave by any uplink |
//! | `leave` | postrouting, mangle | connections without an uplink belong to the one they leave by |
//! | `hide` | postrouting, nat | what leaves gets the uplink's address, unless it has it already |
//! | `settings` | none | remembers which settings of the system were changed, and what they were |
//!
//! Multicast and link-local IPv6 packets are left alone: neighbours, routers and addresses are found with them.

use super::{Forced, Gateway, Owned, Seen, Transport};
use crate::netfilter::{Chain, ChainKind, FoundTable, Hook, Mark, NftRule, Table, Transaction};
use crate::route::Prefix;
use crate::units::{Family, Name};

/// Between connection tracking and what others do with addresses: NF_IP_PRI_MANGLE of `linux/netfilter_ipv4.h`.
const MANGLE: i32 = -150;
/// NF_IP_PRI_NAT_SRC.
const SOURCE_NAT: i32 = 100;
/// IPPROTO_TCP.
const TCP: u8 = 6;
/// The chain that remembers settings.
const SETTINGS: &str = "settings";
/// The comment of a table of ours.
const OURS: &str = "uplinks, by tcnl";
/// Neighbours and routers are found at and from these.
const LOCAL: [(&str, bool); 3] = [("ff00::/8", true), ("fe80::/10", true), ("fe80::/10", false)];

/// The transaction that puts all of our table in place of what there is of it, for a gateway whose uplinks are usable or not. `settings` are
/// the lines to remember.
pub(super) fn ruleset(gateway: &Gateway, seen: &Seen, usable: &[bool], settings: &[String]) -> Transaction {
    let table = &gateway.owned.table;
    let mut transaction = Transaction::new();
    transaction.delete_table_if_there(table);
    transaction.add_table(&Table::inet(table).comment(OURS));
    for chain in [
        Chain::base(ARRIVE, ChainKind::Filter, Hook::Prerouting, MANGLE),
        Chain::base(OWN, ChainKind::Route, Hook::Output, MANGLE),
        Chain::base(LEAVE, ChainKind::Filter, Hook::Postrouting, MANGLE),
        Chain::base(HIDE, ChainKind::Nat, Hook::Postrouting, SOURCE_NAT),
    ] {
        transaction.add_chain(&chain);
    }
    if !gateway.forced.is_empty() {
        transaction.add_chain(&Chain::base(PASS, ChainKind::Filter, Hook::Forward, MANGLE));
        transaction.add_chain(&Chain::new(REFUSE));
    }
    let mut rules = Rules { gateway, seen, usable, transaction };
    rules.refuse();
    rules.arrive();
    rules.pass();
    rules.own();
    rules.leave();
    rules.hide();
    remember(rules.transaction, settings)
}

/// The transaction that remembers settings, whatever else there is of our table.
pub(super) fn memory(owned: &Owned, settings: &[String]) -> Transaction {
    let mut transaction = Transaction::new();
    transaction.add_table(&Table::inet(&owned.table).comment(OURS));
    remember(transaction, settings)
}

/// The transaction that takes our table away.
pub(super) fn nothing(owned: &Owned) -> Transaction {
    let mut transaction = Transaction::new();
    transaction.delete_table_if_there(&owned.table);
    transaction
}

fn remember(mut transaction: Transaction, settings: &[String]) -> Transaction {
    transaction.add_chain(&Chain::new(SETTINGS));
    transaction.flush_chain(SETTINGS);
    for line in settings {
        // nft knows no rule that does nothing.
        transaction.add_rule(SETTINGS, NftRule::new().returns().comment(line));
    }
    transaction
}

/// What a table of ours remembers; `None` for one that is not ours.
pub(super) fn remembered(table: &FoundTable) -> Option<Vec<&str>> {
    let ours = table.comment.as_deref() == Some(OURS);
    let rules = table.chains.get(SETTINGS).map(|chain| chain.rules.as_slice()).unwrap_or_default();
    ours.then(|| rules.iter().filter_map(|rule| rule.comment.as_deref()).collect())
}

const ARRIVE: &str = "arrive";
const OWN: &str = "own";
const PASS: &str = "pass";
const REFUSE: &str = "refuse";
const LEAVE: &str = "leave";
const HIDE: &str = "hide";

struct Rules<'a> {
    gateway: &'a Gateway,
    seen: &'a Seen,
    usable: &'a [bool],
    transaction: Transaction,
}

impl Rules<'_> {
    fn add(&mut self, chain: &str, rule: NftRule) {
        self.transaction.add_rule(chain, rule);
    }

    /// The marks of all uplinks.
    fn marks(&self) -> Vec<u32> {
        (0..self.gateway.uplinks.len()).map(|uplink| self.gateway.owned.mark_of(uplink)).collect()
    }

    fn arrive(&mut self) {
        let bits = self.gateway.owned.mark_bits;
        self.restore(ARRIVE);
        for dev in self.dead() {
            let goes_on = NftRule::new().iifname(dev).ct_state_new().tcp_without_syn();
            self.add(ARRIVE, goes_on.drop());
        }
        for (uplink, mark) in self.gateway.uplinks.iter().zip(self.marks()) {
            let from_internet = NftRule::new().iifname(uplink.dev).ct_state_new();
            self.add(ARRIVE, from_internet.set_mark(Mark::Connection, mark, bits));
        }
        for lan in &self.gateway.lans {
            self.force(ARRIVE, &NftRule::new().iifname(*lan));
        }
    }

    fn own(&mut self) {
        self.restore(OWN);
        self.force(OWN, &NftRule::new());
        for dev in self.dead() {
            let goes_on = NftRule::new().oifname(dev).ct_state_new().tcp_without_syn();
            self.add(OWN, goes_on.reset());
        }
    }

    /// The devices of uplinks that do not work while another one does. A socket of the gateway keeps the address of such an uplink, and goes on
    /// by it: when the kernel has forgotten its connection it is reset, and what still comes in for it does not bring it back. Servers may
    /// be asked over that uplink all the same, and probes go by it: new connections begin with SYN.
    fn dead(&self) -> Vec<Name> {
        let some = self.usable.contains(&true);
        let uplinks = self.gateway.uplinks.iter().enumerate();
        uplinks.filter(|(number, _)| some && !self.is_usable(*number)).map(|(_, uplink)| uplink.dev).collect()
    }

    fn pass(&mut self) {
        for lan in &self.gateway.lans {
            self.force(PASS, &NftRule::new().iifname(*lan));
        }
    }

    /// Where packets go without being forced is known where this is jumped to: hosts nearby are not meant, and routing is not asked to refuse.
    /// Of what that refuses kernels send few ICMP errors to one host, and a TCP socket of the gateway itself would not hear.
    fn refuse(&mut self) {
        for uplink in self.gateway.uplinks.iter().filter(|_| !self.gateway.forced.is_empty()) {
            let leaves = NftRule::new().oifname(uplink.dev);
            self.add(REFUSE, leaves.clone().l4proto(TCP).reset());
            self.add(REFUSE, leaves.reject());
        }
    }

    /// Packets of known connections belong to their uplink.
    fn restore(&mut self, chain: &str) {
        let bits = self.gateway.owned.mark_bits;
        if self.gateway.families().any(|family| family == Family::V6) {
            for (prefix, destination) in LOCAL {
                let Ok(prefix) = prefix.parse::<Prefix>() else { continue };
                let rule = NftRule::new();
                let rule = if destination { rule.daddr(prefix) } else { rule.saddr(prefix) };
                self.add(chain, rule.returns());
            }
        }
        for mark in self.marks() {
            let known = NftRule::new().mark_is(Mark::Connection, mark, bits);
            self.add(chain, known.set_mark(Mark::Packet, mark, bits));
        }
    }

    /// New connections that must go by one uplink. What has a mark has its uplink.
    fn force(&mut self, chain: &str, from: &NftRule) {
        let bits = self.gateway.owned.mark_bits;
        for forced in &self.gateway.forced {
            let Some(uplink) = self.gateway.uplinks.iter().position(|uplink| uplink.name == forced.uplink)
            else {
                continue;
            };
            let mark = self.gateway.owned.mark_of(uplink);
            let new = from.clone().ct_state_new().mark_is(Mark::Packet, 0, bits);
            let families = self.gateway.families().filter(|family| forced.may_be(*family));
            let (works, fails): (Vec<_>, Vec<_>) = families.partition(|family| self.carries(uplink, *family));
            let marked =
                forced.rules(&new, &works).into_iter().map(|rule| rule.set_mark(Mark::Packet, mark, bits));
            let refused = if forced.fallback { Vec::new() } else { forced.rules(&new, &fails) };
            let rules: Vec<_> = match chain {
                // The first that fits counts: no later one shall mark it.
                ARRIVE => marked.chain(refused.into_iter().map(NftRule::returns)).collect(),
                OWN => marked.chain(refused.into_iter().map(|rule| rule.jump(REFUSE))).collect(),
                _ => refused.into_iter().map(|rule| rule.jump(REFUSE)).collect(),
            };
            rules.into_iter().for_each(|rule| self.add(chain, rule));
        }
    }

    fn is_usable(&self, uplink: usize) -> bool {
        self.usable.get(uplink).copied().unwrap_or(false)
    }

    /// Whether an uplink can take connections of this family.
    fn carries(&self, uplink: usize, family: Family) -> bool {
        self.is_usable(uplink) && self.seen.way(uplink, family).is_some_and(|way| way.is_ok())
    }

    fn leave(&mut self) {
        let bits = self.gateway.owned.mark_bits;
        for (uplink, mark) in self.gateway.uplinks.iter().zip(self.marks()) {
            let new = NftRule::new().oifname(uplink.dev).ct_state_new().mark_is(Mark::Connection, 0, bits);
            self.add(LEAVE, new.set_mark(Mark::Connection, mark, bits));
        }
    }

    fn hide(&mut self) {
        for (number, uplink) in
            self.gateway.uplinks.iter().enumerate().filter(|(_, uplink)| uplink.masquerade)
        {
            let leaves = NftRule::new().oifname(uplink.dev);
            // A server may be bound to any of the uplink's addresses: it keeps the one it has.
            for address in self.seen.addresses(number) {
                self.add(HIDE, leaves.clone().saddr(Prefix::host(address)).returns());
            }
            self.add(HIDE, leaves.masquerade());
        }
    }
}

impl Forced {
    /// Whether connections of this family can be meant.
    fn may_be(&self, family: Family) -> bool {
        self.prefixes().all(|prefix| prefix.family() == family)
    }

    /// The rule for what fits, of these families: one does for both, and prefixes say enough.
    fn rules(&self, rule: &NftRule, families: &[Family]) -> Vec<NftRule> {
        let rule = match families {
            [] => return Vec::new(),
            [family] if self.prefixes().next().is_none() => rule.clone().family(*family),
            _ => rule.clone(),
        };
        vec![fitting(rule, self)]
    }

    fn prefixes(&self) -> impl Iterator<Item = Prefix> {
        self.from.into_iter().chain(self.to)
    }
}

/// The rule for what fits.
fn fitting(mut rule: NftRule, forced: &Forced) -> NftRule {
    rule = forced.from.map_or(rule.clone(), |from| rule.saddr(from));
    rule = forced.to.map_or(rule.clone(), |to| rule.daddr(to));
    let ports = || forced.ports.clone().unwrap_or(0..=u16::MAX);
    match forced.transport {
        Some(Transport::Tcp) => rule.tcp_dport(ports()),
        Some(Transport::Udp) => rule.udp_dport(ports()),
        None => rule,
    }
}

#[cfg(test)]
mod tests;

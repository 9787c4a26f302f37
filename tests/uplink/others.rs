//! What others have beside ours stays as it is, whatever we do: tables of nf_tables, bits of marks, rules, routes, nexthops, queues.

use crate::common::{ip, tc, trial_on_fast_machines, Outcome};
use crate::lab::{Lab, Result, SERVER};
use crate::running::Running;
use crate::traces::picture;
use crate::traffic::{serve, until, Talk};
use libtest_mimic::Trial;
use std::time::Duration;
use tcnl::netfilter::{Chain, ChainKind, Flows, Hook, Mark, NftRule, Table, Transaction};
use tcnl::netlink::{Builder, Connection, Protocol};
use tcnl::units::{Name, Rate};
use tcnl::uplink::{Decision, Machine, Owned, Probing, Sample, Selector, Target};

pub fn trials() -> Vec<Trial> {
    vec![trial_on_fast_machines(
        "what others have, and their bits of marks, survive applying, 30 changes of the weights, a failure and cleaning up",
        survive,
    )]
}

const FAST: (Rate, Rate) = (Rate::mbit(100), Rate::mbit(100));

/// Others' bits: of the connection's mark, set before ours and behind ours, and of the packet's.
const BEFORE: (u32, u32) = (0x0005_0000, 0x000f_0000);
const BEHIND: (u32, u32) = (0x0000_0006, 0x0000_000f);
const PACKET: (u32, u32) = (0x00a0_0000, 0x00f0_0000);

fn firewall() -> Result<Connection> {
    Ok(Builder::default().protocol(Protocol::Netfilter).open()?)
}

/// Somebody's table: it marks connections and packets from the LAN, and counts which of them have lost their marks when they pass.
fn mark_too() -> Result<()> {
    let lan: Name = "lan".parse()?;
    let (connection, packet) = (Mark::Connection, Mark::Packet);
    let new = || NftRule::new().ct_state_new();
    let mut theirs = Transaction::new();
    theirs.add_table(&Table::inet("theirs").comment("somebody's own"));
    let mut chain = |name: &str, hook, priority, rules: Vec<NftRule>| {
        theirs.add_chain(&Chain::base(name, ChainKind::Filter, hook, priority));
        rules.into_iter().for_each(|rule| theirs.add_rule(name, rule));
    };
    let from_lan = || NftRule::new().iifname(lan);
    // The gateway's own reports of multicast groups are in no device but count as in that they leave by.
    let passing = || from_lan().oifname_is_not(lan);
    chain(
        "early",
        Hook::Prerouting,
        -160,
        vec![
            from_lan().ct_state_new().set_mark(connection, BEFORE.0, BEFORE.1),
            from_lan().set_mark(packet, PACKET.0, PACKET.1),
        ],
    );
    chain("late", Hook::Postrouting, -140, vec![new().set_mark(connection, BEHIND.0, BEHIND.1)]);
    chain(
        "lost",
        Hook::Postrouting,
        200,
        vec![
            passing().mark_is_not(connection, BEFORE.0, BEFORE.1).counter(),
            passing().mark_is_not(connection, BEHIND.0, BEHIND.1).counter(),
            passing().mark_is_not(packet, PACKET.0, PACKET.1).counter(),
            passing().mark_is_not(connection, 0, Owned::default().mark_bits).counter().comment("ours"),
        ],
    );
    Ok(firewall()?.commit(&theirs)?)
}

/// How many packets each rule of that chain has counted.
fn counted() -> Result<Vec<u64>> {
    let table = firewall()?.nft_table("theirs")?.ok_or("their table is gone")?;
    let rules = &table.chains.get("lost").ok_or("their chain is gone")?.rules;
    Ok(rules.iter().filter_map(|rule| rule.counter).map(|counter| counter.packets).collect())
}

/// Everything by one usable uplink, then everything by the next.
struct Turning(usize);

impl Selector for Turning {
    fn select(&mut self, _now: Duration, samples: &[Sample]) -> Option<Decision> {
        self.0 += 1;
        let usable: Vec<_> =
            (0..samples.len()).filter(|n| samples.get(*n).is_some_and(|one| one.usable)).collect();
        let chosen = usable.get(self.0 % usable.len().max(1))?;
        let weights = (0..samples.len()).map(|n| u16::from(n == *chosen)).collect();
        Some(Decision { weights, reason: "it turns".into() })
    }
}

fn survive() -> Outcome {
    let lab = Lab::build(&[FAST; 2])?;
    SERVER.into_iter().try_for_each(|address| serve(&lab.internet, address))?;
    lab.gateway.run(|| {
        mark_too()?;
        ip("rule add pref 900 fwmark 0x40000000/0x40000000 lookup 200")?;
        ip("-6 rule add pref 900 fwmark 0x40000000/0x40000000 lookup 200")?;
        ip("rule add pref 2500 from 192.168.7.99 lookup 200")?;
        ip("route add 198.51.100.0/24 via 192.168.7.2 table 200")?;
        ip("-6 route add 2001:db8:aaaa::/48 via fd00:7::2 table 200")?;
        ip("nexthop add id 5 via 192.168.7.2 dev lan")?;
        // Queues and filters of an uplink that we do not shape.
        tc("qdisc add dev w2 root handle 5: htb default 1")?;
        tc("class add dev w2 parent 5: classid 5:1 htb rate 500mbit")?;
        tc("filter add dev w2 parent 5: pref 7 protocol ip u32 match ip dport 99 0xffff classid 5:1")?;
        tc("qdisc add dev w2 clsact")?;
        tc("filter add dev w2 ingress pref 7 protocol ip u32 match ip dport 99 0xffff classid 1:1")?;
        Ok(())
    })?;
    let before = picture(&lab)?;
    let mut probing = Probing::default();
    probing.targets = SERVER.into_iter().map(Target::Icmp).collect();
    let gateway = lab.model(&[FAST; 2]).probing(probing);
    let mut running = Running::start(&lab, gateway.clone(), Box::new(Turning(0)))?;
    let mut flows = Vec::new();
    for n in 0..12 {
        flows.push(Talk::open(&lab.lan, SERVER[n % 2])?);
        std::thread::sleep(Duration::from_millis(110));
    }
    let turns = || running.told().iter().filter(|line| line.contains("it turns")).count();
    until(Duration::from_secs(60), || turns() >= 30)?;
    assert!(flows.iter().all(|flow| flow.end().is_none()), "{:#?}", running.told());
    let marked = |mark: u32, mask: u32| {
        lab.gateway.run(move || Ok(firewall()?.count_flows(&Flows::marked(mark, mask)?)?))
    };
    let theirs = (BEFORE.0 | BEHIND.0, BEFORE.1 | BEHIND.1);
    let owned = &gateway.owned;
    for uplink in 0..2 {
        let both = marked(theirs.0 | owned.mark_of(uplink), theirs.1 | owned.mark_bits)?;
        assert!(both > 0, "no connection has the marks of both, uplink {uplink}");
    }
    let lost = || lab.gateway.run(counted);
    // Their marks are never lost, ours neither.
    assert_eq!(lost()?[..3], [0; 3]);
    assert!(lost()?[3] > 0, "packets with our marks");
    lab.routers[0].silence(true)?;
    let is_out = |out: bool| {
        until(Duration::from_secs(20), || running.statuses().is_ok_and(|statuses| statuses[0].usable != out))
            .map_err(|_| format!("{:#?}", running.told()))
    };
    is_out(true)?;
    until(Duration::from_secs(5), || flows.iter().any(|flow| flow.end().is_some()))?;
    lab.routers[0].silence(false)?;
    is_out(false)?;
    assert_eq!(lost()?[..3], [0; 3]);
    running.end()?;
    assert_ne!(picture(&lab)?, before);
    lab.gateway.run(|| {
        let mut machine = Machine::open()?;
        let changes = machine.cleanup(&gateway)?;
        Ok(machine.apply(&changes)?)
    })?;
    assert_eq!(picture(&lab)?, before);
    assert_eq!(lost()?[..3], [0; 3]);
    Ok(())
}

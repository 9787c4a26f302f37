use super::changes::{Changes, Part, Queues};
use super::devices::Devices;
use super::remembered::{self, Remembered};
use super::{marks, routing, shaper, ChangeError, Gateway, Owned, Problem, Seen};
use crate::error::{Error, Result};
use crate::netfilter::Flows;
use crate::netlink::{Builder, Capabilities, Connection, Protocol};
use crate::plan::{Desired, Plan, Severity};
use crate::request::Verb;
use crate::route::Link;
use crate::tc::fifo::Pfifo;
use crate::tc::QdiscKind;
use crate::units::Dev;

/// The kernel of a gateway: that of the network namespace of the thread that opens it, and works with it.
#[derive(Debug)]
pub struct Machine {
    nl: Connection,
    firewall: Connection,
    /// The queue below each class, once it is known which ones the kernel has.
    leaf: Option<QdiscKind>,
}

/// What has been chosen for the moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Which uplinks work, in the model's order.
    pub usable: Vec<bool>,
    /// The proportions in which they get new connections; 0 for none.
    pub weights: Vec<u16>,
}

impl Choice {
    /// All uplinks work, and those of the lowest tier get new connections: as long as nothing is known.
    pub fn first(gateway: &Gateway) -> Self {
        let rank = |uplink: &super::Uplink| (uplink.metered, uplink.tier);
        let best = gateway.uplinks.iter().map(rank).min();
        Choice {
            usable: vec![true; gateway.uplinks.len()],
            weights: gateway.uplinks.iter().map(|uplink| u16::from(Some(rank(uplink)) == best)).collect(),
        }
    }
}

impl Machine {
    /// Opens it in the calling thread's network namespace.
    ///
    /// # Errors
    /// [`Error::Io`] if there are no sockets to be had.
    pub fn open() -> Result<Self> {
        let firewall = Builder::default().protocol(Protocol::Netfilter);
        Ok(Machine { nl: Connection::open()?, firewall: firewall.open()?, leaf: None })
    }

    /// What there is of what the gateway is made of.
    ///
    /// # Errors
    /// The kernel cannot be read.
    pub fn see(&mut self, gateway: &Gateway) -> Result<Seen> {
        Seen::read(&mut self.nl, gateway)
    }

    /// What has to be done until all is as this gateway and this choice want it. Changes nothing.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the gateway makes no sense ([`Gateway::check`]) or something of others is in the way; the kernel cannot be read.
    pub fn plan(&mut self, gateway: &Gateway, choice: &Choice) -> Result<Changes> {
        let seen = self.see(gateway)?;
        self.plan_seen(gateway, &seen, choice)
    }

    /// The same, if it has been seen already what there is.
    pub(super) fn plan_seen(&mut self, gateway: &Gateway, seen: &Seen, choice: &Choice) -> Result<Changes> {
        gateway.check().map_err(|problems| wrong(&problems))?;
        let found = self.firewall.nft_table(&gateway.owned.table)?;
        let remembered = Remembered::new(gateway, found.as_ref())?;
        let devices = Devices::read(&mut self.nl, gateway)?;
        let mut parts = remembered.begin(&gateway.owned);
        parts.extend(devices.missing.iter().map(|link| Part::Link(Verb::Add, Box::new(link.clone()))));
        parts.extend(devices.bare.iter().map(|link| Part::Link(Verb::Change, Box::new(link.clone()))));
        let leaf = self.leaf(gateway)?;
        let mut desired = routing::desired(gateway, seen, &choice.weights, &choice.usable, &leaf);
        desired.trees.extend(devices.leftover_trees());
        self.plan_into(desired, &mut parts)?;
        // What stands on devices that are yet to be made.
        if !devices.bare.is_empty() {
            let expected = devices.expected(gateway, seen.clone(), &leaf);
            parts.push(Part::Queues(Box::new(Queues { gateway: gateway.clone(), leaf, expected })));
        }
        let lines = remembered.lines();
        parts.extend(devices.leftover.into_iter().map(|link| Part::Unlink(Box::new(link))));
        parts.extend(remembered.unwanted.into_iter().map(Part::Restore));
        // Last: it remembers what is not restored yet, and cannot be undone.
        let ruleset = marks::ruleset(gateway, seen, &choice.usable, &lines);
        if !ruleset.drift(found.as_ref()).is_empty() {
            parts.push(Part::NfTables(ruleset, None));
        }
        Ok(Changes { parts })
    }

    /// What has to be done until nothing of this gateway's is there any more, and the settings are what they were.
    ///
    /// # Errors
    /// See [`plan`](Machine::plan).
    pub fn cleanup(&mut self, gateway: &Gateway) -> Result<Changes> {
        let mut nothing = gateway.clone();
        nothing.uplinks.iter_mut().for_each(|uplink| uplink.shaping = None);
        let seen = self.see(&nothing)?;
        let found = self.firewall.nft_table(&gateway.owned.table)?;
        let remembered = remembered::known(found.as_ref())?;
        let devices = Devices::read(&mut self.nl, &nothing)?;
        let mut parts = Vec::new();
        let mut desired = routing::nothing(&nothing, &seen);
        desired.trees.extend(devices.leftover_trees());
        self.plan_into(desired, &mut parts)?;
        parts.extend(devices.leftover.into_iter().map(|link| Part::Unlink(Box::new(link))));
        parts.extend(remembered.into_iter().map(Part::Restore));
        // Last: it remembers what is not restored yet.
        if found.is_some() {
            parts.push(Part::NfTables(marks::nothing(&gateway.owned), None));
        }
        Ok(Changes { parts })
    }

    /// Makes the changes.
    ///
    /// # Errors
    /// Something failed: what had been done was undone, as far as the error says.
    pub fn apply(&mut self, changes: &Changes) -> Result<(), ChangeError> {
        changes.make(&mut self.nl, &mut self.firewall)
    }

    /// Spreads new connections by the choice's weights, of a gateway that has been applied: in most cases one message for each address family.
    pub(super) fn steer(&mut self, gateway: &Gateway, seen: &Seen, choice: &Choice) -> Result<()> {
        let policy = routing::policy(gateway, seen, &choice.weights, &choice.usable);
        let plan = Plan::new(&mut self.nl, policy)?;
        check(&plan)?;
        plan.apply(&mut self.nl, |_| ()).map_err(|error| *error.error)
    }

    /// Makes the kernel forget the connections of an uplink.
    pub(super) fn forget(&mut self, owned: &Owned, uplink: usize) -> Result<()> {
        self.firewall.delete_flows(&flows(owned, uplink)?).map(drop)
    }

    /// Counts the connections of each of so many uplinks.
    pub(super) fn count(&mut self, owned: &Owned, uplinks: usize) -> Result<Vec<u64>> {
        let kinds = (0..uplinks).map(|uplink| flows(owned, uplink)).collect::<Result<Vec<_>>>()?;
        self.firewall.count_each_flows(&kinds)
    }

    /// What a device has received and sent, in bytes.
    pub(super) fn counters(&mut self, dev: Dev) -> Option<(u64, u64)> {
        let stats = self.nl.get(&Link::of(dev)).ok()?.stats?;
        Some((stats.rx_bytes, stats.tx_bytes))
    }

    fn leaf(&mut self, gateway: &Gateway) -> Result<QdiscKind> {
        if !gateway.uplinks.iter().any(|uplink| uplink.shaping.is_some()) {
            return Ok(Pfifo::new().into());
        }
        if let Some(leaf) = &self.leaf {
            return Ok(leaf.clone());
        }
        let leaf = shaper::leaf(&Capabilities::probe()?);
        Ok(self.leaf.insert(leaf).clone())
    }

    fn plan_into(&mut self, desired: Desired, parts: &mut Vec<Part>) -> Result<()> {
        let plan = Plan::new(&mut self.nl, desired)?;
        check(&plan)?;
        parts.extend((!plan.is_empty()).then(|| Part::Plan(Box::new(plan))));
        Ok(())
    }
}

fn flows(owned: &Owned, uplink: usize) -> Result<Flows> {
    Flows::marked(owned.mark_of(uplink), owned.mark_bits)
}

fn wrong(problems: &[Problem]) -> Error {
    let all: Vec<_> = problems.iter().map(ToString::to_string).collect();
    Error::invalid(all.join("; "), "the gateway makes no sense")
}

/// What is in the way forbids the plan.
fn check(plan: &Plan) -> Result<()> {
    match plan.findings().iter().find(|finding| finding.severity == Severity::Error) {
        Some(finding) => Err(Error::invalid(finding, "something is in the way")),
        None => Ok(()),
    }
}

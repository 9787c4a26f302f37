use super::read::Snapshot;
use super::{diff, policy, preflight, read, Desired, Finding};
use crate::command::AnyObject;
use crate::error::Result;
use crate::netlink::Connection;
use crate::request::Verb;
use std::borrow::Cow;
use std::fmt::{self, Display, Formatter};

/// What a step does to the traffic while it is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Effect {
    /// Nothing: what is there stays, or is changed where it stands.
    InPlace,
    /// Packets that wait in a queue are lost.
    Replacing,
    /// Packets are lost, and for a moment traffic is not shaped or classified as before or as wanted.
    Disruptive,
}

impl Display for Effect {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Effect::InPlace => "in place",
            Effect::Replacing => "replacing",
            Effect::Disruptive => "disruptive",
        })
    }
}

/// One request of a [`Plan`]. Prints as the command that does the same.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Step {
    /// What to do.
    pub verb: Verb,
    /// With what.
    pub object: AnyObject,
    /// What it does to the traffic.
    pub effect: Effect,
    /// Why it is needed, and why it is no gentler one.
    pub reason: Cow<'static, str>,
}

impl Step {
    pub(super) fn new(
        verb: Verb,
        object: impl Into<AnyObject>,
        effect: Effect,
        reason: impl Into<Cow<'static, str>>,
    ) -> Self {
        Step { verb, object: object.into(), effect, reason: reason.into() }
    }
}

impl Display for Step {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.object.command(self.verb, f)
    }
}

/// The steps from what is to what shall be. Prints as their commands, one a line.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(super) desired: Desired,
    /// What was there when the kernel was read.
    pub(super) before: Snapshot,
    pub(super) steps: Vec<Step>,
    /// Where the steps of each device end. Behind them are those of the policy.
    pub(super) ends: Vec<usize>,
    pub(super) findings: Vec<Finding>,
}

impl Plan {
    /// Reads the kernel, and finds the steps to what shall be. Changes nothing; kinds that are to be made are
    /// [asked for](crate::plan#what-is-found-before-anything-is-sent).
    ///
    /// # Errors
    /// A device is not there, or the kernel cannot be read.
    pub fn new(nl: &mut Connection, desired: impl Into<Desired>) -> Result<Self> {
        let mut desired = desired.into();
        let links = read::resolve(nl, &mut desired)?;
        let mut before = read::read(nl, &desired, &links)?;
        let (mut steps, mut ends, mut findings) = (Vec::new(), Vec::new(), Vec::new());
        for (now, wanted) in before.devices.iter().zip(&desired.trees) {
            let mut of_device = diff::steps(now, wanted);
            preflight::check(now, wanted, &mut findings);
            findings.append(&mut of_device.findings);
            steps.extend(of_device.all());
            ends.push(steps.len());
        }
        if let (Some(now), Some(wanted)) = (&before.policy, &desired.policy) {
            let mut of_policy = policy::steps(now, wanted);
            preflight::check_policy(now, wanted, &mut findings);
            findings.append(&mut of_policy.findings);
            steps.extend(of_policy.all());
        }
        preflight::check_steps(&steps, nl.clock(), &mut findings);
        preflight::check_kinds(nl, &before, &desired, &steps, &mut findings)?;
        if !steps.is_empty() {
            before.forget_numbers(&desired);
        }
        Ok(Plan { desired, before, steps, ends, findings })
    }

    /// What shall be.
    pub fn desired(&self) -> &Desired {
        &self.desired
    }

    /// The steps, in their order.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// What to know of before it is applied. An error among them forbids it.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Whether all is as it shall be.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The worst that one of its steps does.
    pub fn effect(&self) -> Effect {
        self.steps.iter().map(|step| step.effect).max().unwrap_or(Effect::InPlace)
    }
}

impl Display for Plan {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.steps.iter().try_for_each(|step| writeln!(f, "{step}"))
    }
}

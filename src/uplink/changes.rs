//! What has to be done, in parts that can be undone.

use super::sysctl::{self, Changed, Sysctls};
use super::{devices, shaper, Gateway, Seen};
use crate::error::{Error, Result};
use crate::netfilter::Transaction;
use crate::netlink::Connection;
use crate::plan::{Desired, Plan, Tree, Undone};
use crate::request::{Request, Verb};
use crate::route::Link;
use crate::tc::QdiscKind;
use std::fmt::{self, Display, Formatter};

/// What has to be done until a gateway is as it shall be. Prints as the commands that do the same, one a line.
#[derive(Debug, Default)]
pub struct Changes {
    pub(super) parts: Vec<Part>,
}

/// One part of it. What fails leaves nothing behind.
#[derive(Debug)]
pub(super) enum Part {
    /// A transaction of nf_tables, and one that undoes it. The last one needs none.
    NfTables(Transaction, Option<Transaction>),
    /// A setting of the system.
    Setting(Changed),
    /// A setting of the system becomes what it was.
    Restore(Changed),
    /// A device of ours to be made ([`Verb::Add`]), or told what making it could not ([`Verb::Change`]).
    Link(Verb, Box<Link>),
    /// A device of ours, as it was found, to be taken away.
    Unlink(Box<Link>),
    /// Rules, routes and queues.
    Plan(Box<Plan>),
    /// The queues that need devices which a part before this one makes.
    Queues(Box<Queues>),
}

/// Queues that cannot be compared with what is there before their devices are.
#[derive(Debug)]
pub(super) struct Queues {
    /// Whose queues.
    pub gateway: Gateway,
    /// What stands below each class.
    pub leaf: QdiscKind,
    /// What they will be, with devices that have only names yet.
    pub expected: Vec<Tree>,
}

/// Changes could not be made.
#[derive(Debug)]
#[non_exhaustive]
pub struct ChangeError {
    /// What failed, as a command.
    pub what: String,
    /// Why.
    pub error: Box<Error>,
    /// What was done before and could not be undone; empty if all is as it was.
    pub left: Vec<String>,
}

impl Display for ChangeError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` failed: {}", self.what, self.error)?;
        if self.left.is_empty() {
            return f.write_str("; all is as it was before");
        }
        f.write_str("; not everything could be undone:")?;
        self.left.iter().try_for_each(|left| write!(f, "\n{left}"))
    }
}

impl ChangeError {
    /// Nothing of it was done.
    pub(super) fn whole(what: impl Into<String>, error: Error) -> Self {
        ChangeError { what: what.into(), error: Box::new(error), left: Vec::new() }
    }
}

impl std::error::Error for ChangeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

/// Something that was done.
enum Done<'a> {
    Part(&'a Part),
    Plan(Box<Plan>),
}

impl Changes {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Makes the changes; if one fails, those before it are undone.
    pub(super) fn make(&self, nl: &mut Connection, firewall: &mut Connection) -> Result<(), ChangeError> {
        let mut done = Vec::new();
        for part in &self.parts {
            match part.make(nl, firewall) {
                Ok(made) => done.push(made),
                Err(mut failed) => {
                    failed.left.extend(done.iter().rev().filter_map(|done| done.undo(nl, firewall).err()));
                    return Err(failed);
                }
            }
        }
        Ok(())
    }
}

impl Part {
    fn make(&self, nl: &mut Connection, firewall: &mut Connection) -> Result<Done<'_>, ChangeError> {
        let whole = |error| ChangeError::whole(self.to_string(), error);
        match self {
            Part::NfTables(transaction, _) => firewall.commit(transaction).map_err(whole)?,
            Part::Setting(changed) => Sysctls::here().make(changed).map_err(whole)?,
            Part::Restore(changed) => _ = Sysctls::here().restore(changed).map_err(whole)?,
            Part::Link(verb, link) => _ = nl.request(*verb, &**link).map_err(whole)?,
            Part::Unlink(link) => _ = nl.delete(&devices::named(link)).map_err(whole)?,
            Part::Plan(plan) => apply(plan, nl)?,
            Part::Queues(queues) => {
                let seen = Seen::read(nl, &queues.gateway).map_err(whole)?;
                let trees = shaper::trees(&queues.gateway, &seen, &queues.leaf);
                let desired = trees.into_iter().fold(Desired::new(), Desired::tree);
                let plan = Plan::new(nl, desired).map_err(whole)?;
                apply(&plan, nl)?;
                return Ok(Done::Plan(Box::new(plan)));
            }
        }
        Ok(Done::Part(self))
    }
}

fn apply(plan: &Plan, nl: &mut Connection) -> Result<(), ChangeError> {
    plan.apply(nl, |_| ()).map_err(|error| {
        let what = error.step.map_or_else(|| "plan".into(), |step| step.to_string());
        ChangeError { what, error: error.error, left: left(error.undone) }
    })
}

fn left(undone: Undone) -> Vec<String> {
    match undone {
        Undone::All => Vec::new(),
        Undone::Not(steps, _) => steps.iter().map(ToString::to_string).collect(),
        Undone::Unknown(error) => vec![format!("what there is could not be read: {error}")],
    }
}

impl Done<'_> {
    /// Undoes it. The error says what is left.
    fn undo(&self, nl: &mut Connection, firewall: &mut Connection) -> Result<(), String> {
        let plan = |plan: &Plan, nl: &mut Connection| match left(plan.revert(nl)) {
            left if left.is_empty() => Ok(()),
            left => Err(left.join("\n")),
        };
        match self {
            Done::Plan(made) | Done::Part(Part::Plan(made)) => plan(made, nl),
            Done::Part(Part::NfTables(_, Some(back))) => {
                firewall.commit(back).map_err(|error| format!("{back}: {error}"))
            }
            Done::Part(Part::Setting(changed)) => {
                Sysctls::here().restore(changed).map(drop).map_err(|error| format!("{changed}: {error}"))
            }
            Done::Part(Part::Restore(changed)) => {
                Sysctls::here().make(changed).map_err(|error| format!("{changed}: {error}"))
            }
            Done::Part(Part::Link(verb, link)) => {
                // What it was told goes with it.
                let is_made = *verb == Verb::Add;
                let undone = is_made.then(|| nl.delete(&**link)).transpose();
                undone.map(drop).map_err(|error| error.to_string())
            }
            Done::Part(Part::Unlink(link)) => {
                let mut requests = devices::back(link).into_iter();
                requests
                    .try_for_each(|(verb, link)| nl.request(verb, &link).map(drop))
                    .map_err(|error| error.to_string())
            }
            Done::Part(Part::NfTables(_, None) | Part::Queues(_)) => Ok(()),
        }
    }
}

impl Display for Changes {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.parts.iter().try_for_each(|part| writeln!(f, "{part}"))
    }
}

/// The commands, without the end of the last line.
impl Display for Part {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Part::NfTables(transaction, _) => f.write_str(transaction.to_string().trim_end()),
            Part::Setting(changed) => f.write_str(&sysctl::command(changed.key, changed.now)),
            Part::Restore(changed) => f.write_str(&sysctl::command(changed.key, changed.was)),
            Part::Link(verb, link) => write!(f, "{}", Request::new(*verb, &**link)),
            Part::Unlink(link) => write!(f, "{}", Request::new(Verb::Delete, &devices::named(link))),
            Part::Plan(plan) => f.write_str(plan.to_string().trim_end()),
            Part::Queues(queues) => {
                let lines: Vec<_> = queues.expected.iter().flat_map(commands).collect();
                f.write_str(&lines.join("\n"))
            }
        }
    }
}

fn commands(tree: &Tree) -> Vec<String> {
    let qdiscs = tree.qdiscs().iter().map(|qdisc| Request::new(Verb::Add, qdisc).to_string());
    let classes = tree.classes().iter().map(|class| Request::new(Verb::Add, class).to_string());
    let filters = tree.filters().iter().map(|filter| Request::new(Verb::Add, filter).to_string());
    // The root before its classes, and those before what stands below them.
    let mut lines: Vec<_> = qdiscs.collect();
    let below = if lines.is_empty() { lines.split_off(0) } else { lines.split_off(1) };
    lines.extend(classes.chain(below).chain(filters));
    lines
}

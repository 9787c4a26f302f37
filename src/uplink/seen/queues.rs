//! Which queues of an uplink's device are ours.

use crate::error::{Error, Result};
use crate::netlink::Connection;
use crate::tc::{Filters, Place, Qdisc, QdiscKind};
use crate::units::{Dev, Handle};
use crate::uplink::shaper;

/// ENOENT: there is none. EINVAL: there is one of another handle. EOPNOTSUPP: a kernel without qdiscs.
const NONE: [i32; 3] = [2, 22, 95];

/// What of a device's queues is ours, from this or an earlier run.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Queues {
    /// Whether its root qdisc is ours.
    pub root: bool,
    /// Its `ingress` or `clsact` qdisc, whoever made it.
    pub hook: Option<Hook>,
}

/// A place for filters on what arrives. It may belong to several: kernels do not say who made it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Hook {
    /// The qdisc.
    pub qdisc: Qdisc,
    /// Whether our filter is there.
    pub ours: bool,
    /// Whether others need it: it has filters of theirs, or shared blocks, or is a `clsact`, which we never make.
    pub others: bool,
}

pub(in crate::uplink) fn read(nl: &mut Connection, dev: Dev) -> Result<Queues> {
    let root = find(nl, Qdisc::root(dev))?;
    let root =
        root.is_some_and(|root| root.handle == shaper::ROOT && matches!(root.kind, Some(QdiscKind::Htb(_))));
    let hook = match find(nl, Qdisc::at(dev, Handle::INGRESS))? {
        Some(Qdisc {
            kind: Some(kind @ (QdiscKind::Ingress(_) | QdiscKind::Clsact(_))),
            ingress_block,
            egress_block,
            ..
        }) => {
            let is_clsact = matches!(kind, QdiscKind::Clsact(_));
            let mut qdisc = Qdisc::ingress(dev).kind(kind);
            (qdisc.ingress_block, qdisc.egress_block) = (ingress_block, egress_block);
            let is_shared = ingress_block.is_some() || egress_block.is_some();
            let mut hook = Hook { qdisc, ours: false, others: is_clsact || is_shared };
            if ingress_block.is_none() {
                filters(nl, dev, &mut hook)?;
            }
            Some(hook)
        }
        _ => None,
    };
    Ok(Queues { root, hook })
}

fn filters(nl: &mut Connection, dev: Dev, hook: &mut Hook) -> Result<()> {
    for filter in nl.snapshot(Filters::at(Place::on(dev, Handle::MIN_INGRESS)))? {
        match shaper::PRIOS.contains(&filter.prio) {
            true => hook.ours = true,
            false => hook.others = true,
        }
    }
    Ok(())
}

fn find(nl: &mut Connection, qdisc: Qdisc) -> Result<Option<Qdisc>> {
    match nl.get(&qdisc) {
        Ok(qdisc) => Ok(Some(qdisc)),
        // Kernels agree and send nothing for those that they made by themselves.
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) if error.errno().is_some_and(|errno| NONE.contains(&errno)) => Ok(None),
        Err(error) => Err(error),
    }
}

//! What the kernel would refuse, or silently take for something else, found before anything is sent: all of it at once.

mod filters;
mod kinds;
mod policy;
mod queues;

pub(super) use kinds::check as check_kinds;
pub(super) use policy::check as check_policy;

use super::read::Device;
use super::{Finding, Step, Tree};
use crate::clock::Clock;
use crate::tc::Place;
use crate::units::Dev;
use crate::wire::Writer;
use std::fmt::Display;

/// What is to be said of a tree, whatever is there.
pub(super) fn check(now: &Device, wanted: &Tree, findings: &mut Vec<Finding>) {
    devices(wanted, findings);
    queues::check(wanted, now.setting, findings);
    filters::check(now, wanted, findings);
}

/// What cannot be sent.
pub(super) fn check_steps(steps: &[Step], clock: Clock, findings: &mut Vec<Finding>) {
    let mut w = Writer::new(clock);
    for step in steps {
        w.clear();
        if let Err(error) = step.object.encode(step.verb, &mut w).and(w.finish()) {
            findings.push(Finding::error(step, error.to_string()));
        }
    }
}

/// All of a tree stands at its device.
fn devices(wanted: &Tree, findings: &mut Vec<Finding>) {
    let mut is_at = |object: &dyn Display, dev: Dev| {
        if dev != wanted.dev() {
            findings.push(Finding::error(object, format!("it stands in the tree of {}", wanted.dev())));
        }
    };
    wanted.qdiscs().iter().for_each(|qdisc| is_at(qdisc, qdisc.dev));
    wanted.classes().iter().for_each(|class| is_at(class, class.dev));
    for chain in wanted.chains() {
        if let Place::Dev { dev, .. } = chain.place {
            is_at(chain, dev);
        }
    }
    for filter in wanted.filters() {
        if let Place::Dev { dev, .. } = filter.place {
            is_at(filter, dev);
        }
    }
}

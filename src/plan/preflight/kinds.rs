//! Kinds that the kernel lacks.
//!
//! It is asked with requests for which it looks the kind up first, and which it refuses whatever comes of that, so that nothing is made:
//!
//! * a qdisc where `lo` has its ingress, with a size table that says no size: the table is read before anything else, and no other
//!   kinds than ingress and clsact can stand there (`qdisc_create` of `net/sched/sch_api.c`);
//! * a chain with a template, without the options that the one kind with templates wants. Programs that listen hear that it went
//!   (`tc_ctl_chain` of `net/sched/cls_api.c`);
//! * an action without options, which none goes without (`tc_action_load_ops` of `net/sched/act_api.c`).
//!
//! A kind that is a module is loaded by that, as it would be by the step. Whatever the kernel says else, that it lets only the real root
//! ask for actions for example, means that it is not known.

use super::super::read::{places, Snapshot};
use super::super::{Desired, Finding, Step};
use crate::command::AnyObject;
use crate::error::{Error, Result};
use crate::netlink::Connection;
use crate::request::Verb;
use crate::tc::fifo::Pfifo;
use crate::tc::{Action, ActionKind, ActionTable, Chain, Filter, FilterKind, Other, Place, Qdisc, QdiscKind};
use crate::units::{Handle, Name};
use crate::wire::RawAttr;
use std::collections::BTreeSet;
use std::fmt::{self, Display, Formatter};

const ENOENT: i32 = 2;
const EOPNOTSUPP: i32 = 95;
const TCA_STAB: u16 = 8;
/// `lo` is the first device of every namespace.
const LO: u32 = 1;
/// The last of all chains, TC_ACT_EXT_VAL_MASK of `linux/pkt_cls.h`, which nobody uses. If somebody does, it is not known.
const LAST_CHAIN: u32 = 0x0fff_ffff;
/// At how many places of a device is asked for a kind of filter: not every qdisc can have some.
const PLACES: usize = 4;

/// What there are kinds of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Noun {
    Qdisc,
    Filter,
    Action,
}

impl Display for Noun {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Noun::Qdisc => "qdisc",
            Noun::Filter => "filter",
            Noun::Action => "action",
        })
    }
}

/// Finds the steps that make objects of kinds which the kernel surely lacks. It is asked for those that are not there yet, once for each.
///
/// Kinds of filters can only be asked for where a qdisc is that can have filters: a tree that makes the first one of its device is refused
/// by the kernel, and what was done is undone.
pub(in crate::plan) fn check(
    nl: &mut Connection,
    before: &Snapshot,
    desired: &Desired,
    steps: &[Step],
    findings: &mut Vec<Finding>,
) -> Result<()> {
    let making = || steps.iter().filter(|step| step.verb != Verb::Delete);
    let mut unknown = BTreeSet::new();
    making().for_each(|step| of_object(&step.object, &mut |noun, name| _ = unknown.insert((noun, name))));
    if unknown.is_empty() {
        return Ok(());
    }
    let mut is_there = |noun, name| _ = unknown.remove(&(noun, name));
    for device in &before.devices {
        device.tree.qdiscs().iter().for_each(|qdisc| of_qdisc(qdisc, &mut is_there));
        device.tree.chains().iter().for_each(|chain| of_chain(chain, &mut is_there));
        device.tree.filters().iter().for_each(|filter| of_filter(filter, &mut is_there));
    }
    let mut lacking: BTreeSet<(Noun, &str)> = BTreeSet::new();
    for (noun, name) in unknown {
        // What is no name cannot be sent, and has been found.
        let Ok(kind) = name.parse() else { continue };
        let lacks = match noun {
            Noun::Qdisc => lacks_qdisc(nl, kind)?,
            Noun::Filter => lacks_filter(nl, kind, before, desired)?,
            Noun::Action => lacks_action(nl, kind)?,
        };
        lacking.extend(lacks.then_some((noun, name)));
    }
    if lacking.is_empty() {
        return Ok(());
    }
    for step in making() {
        let mut without = BTreeSet::new();
        of_object(&step.object, &mut |noun, name| without.extend(lacking.get(&(noun, name)).copied()));
        findings.extend(without.into_iter().map(|(noun, name)| {
            Finding::error(step, format!("the kernel has no {noun} of the kind `{name}`"))
        }));
    }
    Ok(())
}

fn of_object<'a>(object: &'a AnyObject, see: &mut dyn FnMut(Noun, &'a str)) {
    match object {
        AnyObject::Qdisc(qdisc) => of_qdisc(qdisc, see),
        AnyObject::Chain(chain) => of_chain(chain, see),
        AnyObject::Filter(filter) => of_filter(filter, see),
        _ => (),
    }
}

fn of_qdisc<'a>(qdisc: &'a Qdisc, see: &mut dyn FnMut(Noun, &'a str)) {
    qdisc.kind.iter().for_each(|kind| see(Noun::Qdisc, kind.name()));
}

fn of_chain<'a>(chain: &'a Chain, see: &mut dyn FnMut(Noun, &'a str)) {
    chain.template.iter().for_each(|kind| see(Noun::Filter, kind.name()));
}

fn of_filter<'a>(filter: &'a Filter, see: &mut dyn FnMut(Noun, &'a str)) {
    if let Some(kind) = &filter.kind {
        see(Noun::Filter, kind.name());
        kind.action_kinds(&mut |name| see(Noun::Action, name));
    }
}

/// A kernel that has no ingress says so in the same way, but it does of pfifo too, which every kernel has that has qdiscs.
fn lacks_qdisc(nl: &mut Connection, kind: Name) -> Result<bool> {
    let mut is_unknown = |kind: QdiscKind| {
        let mut qdisc = Qdisc::at(LO, Handle::INGRESS).kind(kind);
        qdisc.unknown.push(RawAttr { ty: TCA_STAB, flags: 0, payload: Vec::new() });
        // Without a handle, and without asking for a new one, what stands there already is not in the way.
        refused(nl.replace(&qdisc)).map(|errno| errno == Some(ENOENT))
    };
    Ok(is_unknown(QdiscKind::Other(Other::named(kind)))? && !is_unknown(Pfifo::new().into())?)
}

/// The place is there, and the chain is to be created, so that the kind is all that there may be none of.
fn lacks_filter(nl: &mut Connection, kind: Name, before: &Snapshot, desired: &Desired) -> Result<bool> {
    for (device, wanted) in before.devices.iter().zip(&desired.trees) {
        // Also one that the kernel has made can have filters.
        let root = Place::on(device.tree.dev(), Handle::UNSPEC);
        let places = places(&device.tree, &[&wanted.filters]).into_iter().filter(|place| !is_class(*place));
        for place in [root].into_iter().chain(places).take(PLACES) {
            let chain = Chain::at(place, LAST_CHAIN).template(FilterKind::Other(Other::named(kind)));
            if refused(nl.add(&chain))? == Some(ENOENT) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Classes may have gone since they were read.
fn is_class(place: Place) -> bool {
    matches!(place, Place::Dev { parent, .. } if parent.minor() != 0 && parent.major() != 0xffff)
}

/// A kernel without any actions does not know the request.
fn lacks_action(nl: &mut Connection, kind: Name) -> Result<bool> {
    let action = Action::new(ActionKind::Other(Other::named(kind)));
    refused(nl.add(&ActionTable::of([action]))).map(|errno| matches!(errno, Some(ENOENT | EOPNOTSUPP)))
}

/// The errno with which the kernel refused. Without an answer nothing is known, not even whether there is a kernel.
fn refused<T>(answer: Result<T>) -> Result<Option<i32>> {
    match answer {
        Ok(_) => Ok(None),
        Err(Error::Refused(refusal)) => Ok(Some(refusal.errno)),
        Err(error) => Err(error),
    }
}

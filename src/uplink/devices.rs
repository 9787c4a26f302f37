//! Devices of ours (ifb), and devices that once were uplinks.

use super::seen::{link, queues, Seen, SeenUplink};
use super::{shaper, Gateway};
use crate::error::{Error, Result};
use crate::netlink::Connection;
use crate::plan::Tree;
use crate::request::Verb;
use crate::route::{Link, LinkKind};
use crate::tc::{Qdisc, QdiscKind};
use crate::units::{Dev, Name};
use std::collections::BTreeSet;

/// What an ifb of ours says of itself, behind the name of the device that it is for: others' may have a name like it.
const ALIAS: &str = ", uplink by tcnl";

#[derive(Debug)]
pub(super) struct Devices {
    /// Those of ours that are to be made.
    pub missing: Vec<Link>,
    /// What those and half-made ones have to be told then.
    pub bare: Vec<Link>,
    /// Those of ours that are not wanted any more, as they were found.
    pub leftover: Vec<Link>,
    /// Devices that are no uplinks of the gateway, and have queues of ours.
    strays: Vec<SeenUplink>,
}

impl Devices {
    /// What there is, and what this gateway wants.
    ///
    /// # Errors
    /// The kernel cannot be read, or a name is none that a device can have.
    pub fn read(nl: &mut Connection, gateway: &Gateway) -> Result<Self> {
        let shaped = gateway
            .uplinks
            .iter()
            .filter(|uplink| uplink.shaping.as_ref().is_some_and(|shaping| shaping.ingress));
        let wanted: Vec<_> = shaped.map(|uplink| (gateway.owned.ifb_of(uplink.dev), uplink.dev)).collect();
        let links = nl.snapshot(Link::all().of_kind("ifb"))?;
        let is = |link: &Link, name: &str| link.name.is_some_and(|found| *found == *name);
        let (mut missing, mut bare) = (Vec::new(), Vec::new());
        for (name, dev) in &wanted {
            let found = links.iter().find(|link| is(link, name));
            if found.is_none() {
                missing.push(Link::named(name)?.kind(LinkKind::Ifb));
            }
            match found.map(|link| (link.alias.is_some(), link.is_up())) {
                // Kernels take no alias for a device that is being made.
                None | Some((false, false)) => {
                    bare.push(Link::named(name)?.alias(format!("{dev}{ALIAS}")).up())
                }
                Some((true, true)) if found.and_then(purpose).is_some() => (),
                Some(_) => {
                    return Err(Error::invalid(
                        format!("the device {name}"),
                        "it is not ours, and in the way",
                    ))
                }
            }
        }
        let (mut leftover, mut suspects) = (Vec::new(), BTreeSet::new());
        for link in &links {
            let Some(dev) = purpose(link) else { continue };
            if !wanted.iter().any(|(name, _)| is(link, name)) {
                leftover.push(link.clone());
                // Its queues would go with it, and would not come back if it has to.
                suspects.insert(link.dev.index);
                suspects.extend(index(nl, dev)?);
            }
        }
        let ours: BTreeSet<u32> = links.iter().map(|link| link.dev.index).collect();
        let roots = nl.snapshot(Qdisc::all())?.into_iter().filter(|qdisc| qdisc.handle == shaper::ROOT);
        suspects.extend(roots.map(|qdisc| qdisc.dev.index).filter(|index| !ours.contains(index)));
        for uplink in &gateway.uplinks {
            index(nl, &uplink.dev)?.iter().for_each(|index| _ = suspects.remove(index));
        }
        let strays = suspects.into_iter().map(|index| {
            let link = nl.get(&Link::of(index))?;
            let dev = Dev { name: link.name, ..link.dev };
            Ok(SeenUplink { dev: Some(dev), queues: queues::read(nl, dev)?, ..SeenUplink::default() })
        });
        let strays = strays.collect::<Result<_>>()?;
        Ok(Devices { missing, bare, leftover, strays })
    }

    /// No queues of ours on devices that are no uplinks any more.
    pub fn leftover_trees(&self) -> Vec<Tree> {
        shaper::cleared(&self.strays)
    }

    /// The queues of uplinks whose devices of ours are missing, as they will be.
    pub fn expected(&self, gateway: &Gateway, mut seen: Seen, leaf: &QdiscKind) -> Vec<Tree> {
        for (uplink, seen) in gateway.uplinks.iter().zip(&mut seen.uplinks) {
            let name = Name::new(&gateway.owned.ifb_of(uplink.dev)).ok();
            let missing = name.filter(|name| self.bare.iter().any(|link| link.name == Some(*name)));
            match missing {
                Some(name) => seen.ifb = Some(Dev { index: 0, name: Some(name) }),
                None => seen.dev = None,
            }
        }
        shaper::trees(gateway, &seen, leaf)
    }
}

/// The request that takes a device of ours away. What was read is none: only what names it counts.
pub(super) fn named(link: &Link) -> Link {
    Link { dev: link.dev, name: link.name, ..Link::default() }.kind(LinkKind::Ifb)
}

/// The requests that make one of ours again that was taken away, with the number and the address it had.
pub(super) fn back(link: &Link) -> [(Verb, Link); 2] {
    let made = Link { address: link.address, ..named(link) };
    let told = Link { alias: link.alias.clone(), ..Link::of(link.dev) };
    [(Verb::Add, made), (Verb::Change, if link.is_up() { told.up() } else { told })]
}

/// The device that an ifb of ours is for.
fn purpose(link: &Link) -> Option<&str> {
    link.alias.as_deref()?.strip_suffix(ALIAS)
}

/// The index of the device of this name, if there is one.
fn index(nl: &mut Connection, name: &str) -> Result<Option<u32>> {
    Ok(link(nl, name)?.map(|link| link.dev.index))
}

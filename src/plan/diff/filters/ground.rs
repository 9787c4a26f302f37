//! Where filters can stand: what of the queues is lost, and what will be there.

use super::super::super::settle::{distinct, Entry, Settled};
use super::super::Gone;
use crate::tc::{Place, Qdisc, QdiscKind};
use crate::units::Handle;
use std::collections::{BTreeMap, BTreeSet};

pub(super) struct Ground<'a> {
    old: &'a Settled<'a>,
    new: &'a Settled<'a>,
    gone: &'a Gone,
    /// The qdiscs of wanted filters and chains that will be there when these' turn comes, by their major numbers.
    qdiscs: BTreeMap<u16, &'a Qdisc>,
    /// The root qdisc that stays.
    root: Option<Handle>,
    /// The blocks that stay, and those that are there then.
    kept_blocks: BTreeSet<u32>,
    blocks: BTreeSet<u32>,
    has_root: bool,
}

impl<'a> Ground<'a> {
    pub fn new(old: &'a Settled<'a>, new: &'a Settled<'a>, gone: &'a Gone) -> Self {
        let kept = || old.qdiscs.iter().filter(|qdisc| !gone.all.contains(&qdisc.settled.handle));
        let all = || kept().chain(&new.qdiscs);
        let is_root = |qdisc: &&Entry<'_, Qdisc>| qdisc.settled.parent == Handle::ROOT;
        let filters = new.filters.iter().map(|filter| filter.settled.row.0);
        let places = filters.chain(new.chains.iter().map(|chain| chain.settled.place));
        let root = kept().find(is_root).map(|root| root.settled.handle);
        let used = distinct(places.filter_map(major).chain(root.map(Handle::major)));
        let majors = all().map(|qdisc| (qdisc.settled.handle.major(), qdisc.said));
        Ground {
            old,
            new,
            gone,
            qdiscs: majors.filter(|(major, _)| used.contains(major)).collect(),
            root,
            kept_blocks: kept().flat_map(blocks).collect(),
            blocks: all().flat_map(blocks).collect(),
            has_root: all().any(|qdisc| is_root(&qdisc)),
        }
    }

    /// The place by the name that the kernel lists it with.
    pub fn name(&self, place: Place) -> Place {
        match (place, self.root) {
            (Place::Dev { dev, parent: Handle::UNSPEC }, Some(root)) => Place::on(dev, root),
            _ => place,
        }
    }

    /// Whether the filters that are at a place now go with what they stand at.
    pub fn is_lost(&self, place: Place) -> bool {
        match place {
            Place::Dev { parent, .. } => {
                let qdisc = Handle::qdisc(parent.major());
                self.gone.all.contains(&parent) || self.gone.all.contains(&qdisc)
            }
            Place::Block(block) => !self.kept_blocks.contains(&block),
        }
    }

    /// Whether filters can stand at a place when their turn comes.
    pub fn has(&self, place: Place) -> bool {
        let (parent, dev) = match place {
            Place::Block(block) => return self.blocks.contains(&block),
            Place::Dev { parent: Handle::UNSPEC, .. } => return self.has_root,
            Place::Dev { parent, dev } => (parent, dev),
        };
        let Some(qdisc) = self.qdiscs.get(&parent.major()).filter(|qdisc| qdisc.dev == dev) else {
            return false;
        };
        match &qdisc.kind {
            Some(QdiscKind::Ingress(_)) => parent != Handle::MIN_EGRESS,
            Some(QdiscKind::Htb(_)) => parent.minor() == 0 || self.has_class(parent),
            _ => true,
        }
    }

    /// Whether a class that somebody makes is or will be there.
    fn has_class(&self, id: Handle) -> bool {
        let among =
            |tree: &Settled<'_>| tree.classes.binary_search_by_key(&id, |class| class.settled.id).is_ok();
        among(self.new) || !self.gone.all.contains(&id) && among(self.old)
    }

    /// Whether a class goes before others can come.
    pub fn goes_early(&self, class: Handle) -> bool {
        self.gone.early.contains(&class)
    }

    /// Whether a class goes in the end.
    pub fn goes_late(&self, class: Handle) -> bool {
        self.gone.all.contains(&class) && !self.gone.early.contains(&class)
    }
}

fn major(place: Place) -> Option<u16> {
    match place {
        Place::Dev { parent, .. } => Some(parent.major()),
        Place::Block(_) => None,
    }
}

fn blocks<'b>(qdisc: &'b Entry<'_, Qdisc>) -> impl Iterator<Item = u32> + use<'b> {
    [qdisc.said.ingress_block, qdisc.said.egress_block].into_iter().flatten()
}

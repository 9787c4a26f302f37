use crate::command::AnyObject;
use crate::tc::{Chain, Class, Filter, Place, Qdisc, Row};
use crate::units::{Dev, Handle};
use std::ops::RangeInclusive;

/// What the qdiscs, classes, chains and filters of a device shall be.
///
/// Objects that name no device (index 0) are the tree's device's. They are said as in requests to add them; what is left out is
/// left to the kernel. A class's parent is said: the kernel cannot move one.
#[derive(Clone, Debug)]
pub struct Tree {
    pub(super) dev: Dev,
    pub(super) scope: Scope,
    pub(super) qdiscs: Vec<Qdisc>,
    pub(super) classes: Vec<Class>,
    pub(super) chains: Vec<Chain>,
    pub(super) filters: Vec<Filter>,
}

/// What of a device a [`Tree`] is about. What is outside belongs to others: it is neither changed nor deleted, and where it stands in
/// the way the plan says so and cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Scope {
    /// Whether it is about the root qdisc and what is below. True unless said.
    pub root: bool,
    /// Whether it is about the `ingress` or `clsact` qdisc and its filters. True unless said.
    pub ingress: bool,
    /// The handles (major numbers) of qdiscs. All unless said. The `ingress` qdisc, which is always `ffff:`, is not asked. Filters
    /// at qdiscs with other handles are in the scope only if it says their prios or chains.
    pub handles: RangeInclusive<u16>,
    /// The prios of filters. All unless said; with a range, the filters say their prios.
    pub prios: RangeInclusive<u16>,
    /// The chains of filters. All unless said.
    pub chains: RangeInclusive<u32>,
}

impl Default for Scope {
    fn default() -> Self {
        Scope { root: true, ingress: true, handles: 1..=u16::MAX, prios: 1..=u16::MAX, chains: 0..=u32::MAX }
    }
}

impl Scope {
    /// Only the root qdisc and what is below.
    #[must_use]
    pub fn only_root(mut self) -> Self {
        (self.root, self.ingress) = (true, false);
        self
    }

    /// Only the `ingress` or `clsact` qdisc and its filters.
    #[must_use]
    pub fn only_ingress(mut self) -> Self {
        (self.root, self.ingress) = (false, true);
        self
    }

    /// Only qdiscs with these handles (major numbers).
    #[must_use]
    pub fn handles(mut self, handles: RangeInclusive<u16>) -> Self {
        self.handles = handles;
        self
    }

    /// Only filters with these prios.
    #[must_use]
    pub fn prios(mut self, prios: RangeInclusive<u16>) -> Self {
        self.prios = prios;
        self
    }

    /// Only filters in these chains.
    #[must_use]
    pub fn chains(mut self, chains: RangeInclusive<u32>) -> Self {
        self.chains = chains;
        self
    }

    /// Whether a qdisc at this place is in it.
    pub(super) fn has_qdisc(&self, place: Handle, handle: Handle) -> bool {
        match place {
            Handle::INGRESS => self.ingress,
            _ => self.root && self.has_handle(handle.major()),
        }
    }

    /// Whether it says this major number. 0 is that of a qdisc which leaves its handle to the kernel.
    fn has_handle(&self, major: u16) -> bool {
        major == 0 || self.handles.contains(&major)
    }

    /// Whether filters of a place, chain and prio are in it.
    pub(super) fn has_filter(&self, (place, chain, prio): Row) -> bool {
        let all = *self.prios.start() <= 1 && *self.prios.end() == u16::MAX;
        let says_which = !all || self.chains != Scope::default().chains;
        let is_there = match place {
            Place::Dev { parent, .. } if parent.major() == 0xffff => self.ingress,
            Place::Dev { parent, .. } => self.root && (says_which || self.has_handle(parent.major())),
            Place::Block(_) => self.root,
        };
        is_there && (all || self.prios.contains(&prio)) && self.chains.contains(&chain)
    }
}

impl Tree {
    /// A device without any qdisc but the one that the kernel makes.
    pub fn new(dev: impl Into<Dev>) -> Self {
        Tree {
            dev: dev.into(),
            scope: Scope::default(),
            qdiscs: Vec::new(),
            classes: Vec::new(),
            chains: Vec::new(),
            filters: Vec::new(),
        }
    }

    /// The device.
    pub fn dev(&self) -> Dev {
        self.dev
    }

    /// Says what of the device it is about.
    #[must_use]
    pub fn scope(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// Adds a qdisc.
    #[must_use]
    pub fn qdisc(mut self, qdisc: Qdisc) -> Self {
        self.push(qdisc);
        self
    }

    /// Adds a class.
    #[must_use]
    pub fn class(mut self, class: Class) -> Self {
        self.push(class);
        self
    }

    /// Adds a chain. Filters make theirs by themselves.
    #[must_use]
    pub fn chain(mut self, chain: Chain) -> Self {
        self.push(chain);
        self
    }

    /// Adds a filter.
    #[must_use]
    pub fn filter(mut self, filter: Filter) -> Self {
        self.push(filter);
        self
    }

    /// Adds a qdisc, class, chain or filter; gives back what is none of these.
    pub fn push(&mut self, object: impl Into<AnyObject>) -> Option<AnyObject> {
        match object.into() {
            AnyObject::Qdisc(mut qdisc) => {
                qdisc.dev = self.its(qdisc.dev);
                self.qdiscs.push(qdisc);
            }
            AnyObject::Class(mut class) => {
                class.dev = self.its(class.dev);
                self.classes.push(class);
            }
            AnyObject::Chain(mut chain) => {
                chain.place = self.place(chain.place);
                self.chains.push(chain);
            }
            AnyObject::Filter(mut filter) => {
                filter.place = self.place(filter.place);
                self.filters.push(filter);
            }
            other => return Some(other),
        }
        None
    }

    /// The qdiscs.
    pub fn qdiscs(&self) -> &[Qdisc] {
        &self.qdiscs
    }

    /// The classes.
    pub fn classes(&self) -> &[Class] {
        &self.classes
    }

    /// The chains.
    pub fn chains(&self) -> &[Chain] {
        &self.chains
    }

    /// The filters.
    pub fn filters(&self) -> &[Filter] {
        &self.filters
    }

    /// How many objects it has.
    pub fn len(&self) -> usize {
        self.qdiscs.len() + self.classes.len() + self.chains.len() + self.filters.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Gives its device the index that was found for its name.
    pub(super) fn resolve(&mut self, found: Dev) {
        let old = std::mem::replace(&mut self.dev, found);
        let resolve = |dev: &mut Dev| {
            if *dev == old && dev.name == old.name || *dev == found {
                *dev = found;
            }
        };
        self.qdiscs.iter_mut().for_each(|qdisc| resolve(&mut qdisc.dev));
        self.classes.iter_mut().for_each(|class| resolve(&mut class.dev));
        let places = self.chains.iter_mut().map(|chain| &mut chain.place);
        for place in places.chain(self.filters.iter_mut().map(|filter| &mut filter.place)) {
            if let Place::Dev { dev, .. } = place {
                resolve(dev);
            }
        }
    }

    fn its(&self, dev: Dev) -> Dev {
        match dev {
            Dev { index: 0, name: None } => self.dev,
            dev if dev == self.dev => self.dev,
            dev => dev,
        }
    }

    fn place(&self, place: Place) -> Place {
        match place {
            Place::Dev { dev, parent } => Place::Dev { dev: self.its(dev), parent },
            place => place,
        }
    }
}

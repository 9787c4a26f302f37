use super::hash::Fnv;
use super::table::prefix_of;
use super::{Direction, Handles, Layout, PrefixTable};
use crate::error::{Error, Result};
use crate::plan::Tree;
use crate::route::Prefix;
use crate::tc::htb::{Htb, HtbClass};
use crate::tc::ingress::Clsact;
use crate::tc::skbedit::Skbedit;
use crate::tc::u32::U32;
use crate::tc::{ActionKind, Class, Control, Filter, FilterKind, Place, Qdisc, QdiscKind};
use crate::units::{Dev, Family, Handle, Name, Rate};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

mod saved;
mod subscriber;

pub use subscriber::Subscriber;

/// How packets come to the class of their subscriber.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Steering {
    /// Filters of `clsact` at the way out set queue and class by `skbedit`, before a queue is chosen. Kernels heed that since 5.18
    /// (`netdev_xmit_skip_txqueue` of `net/core/dev.c`); older ones choose the queue themselves, and the packet goes to the class for
    /// the rest of another one.
    Skbedit,
    /// Filters at each HTB, for those whose classes it has. For kernels without `skbedit`: with one queue this is all there is to it;
    /// with several, something else must choose the right one (XPS, a driver, BPF), or the packet goes to the class for the rest.
    Filters,
}

/// A line that many subscribers share, on a device with several transmit queues: `mq` with an HTB below each queue, so that the
/// queues have locks of their own and each CPU can send; in each HTB a class with the queue's share of the line, and below it one
/// for each subscriber of the queue, and one for packets that are nobody's.
///
/// The handles: `7fff:` is `mq`, `1:` and so on the HTBs, `Q:1` the share, `Q:2` for the rest, and from `Q:10` on there are the
/// subscribers, by [`Handles`]. A subscriber's queue is chosen by the hash of the key's text; if the guaranteed rates there would be more
/// than its share, it is the queue of which the least is guaranteed. Both stay with the subscriber. It prints as a text that
/// [`restore`](Self::restore) reads; without one, [`adopt`](Self::adopt) takes over what the kernel has.
///
/// ```
/// use tcnl::plan::{Subscriber, Subscribers};
/// use tcnl::units::Rate;
/// let mut line: Subscribers<String> = Subscribers::new(3, 4, Rate::gbit(10))?;
/// let anna = Subscriber::new(Rate::mbit(20), Rate::mbit(100)).prefix("10.0.0.7".parse::<std::net::IpAddr>().unwrap());
/// line.insert("anna".into(), anna)?;
/// assert_eq!(line.tree()?.len(), 4 * 3 + 1 + 1 + 1 + 3);
/// # Ok::<(), tcnl::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Subscribers<K> {
    dev: Dev,
    line: Rate,
    direction: Direction,
    steering: Steering,
    leaf: Option<QdiscKind>,
    prio: u16,
    /// Of each queue.
    queues: Vec<Queue<K>>,
    all: BTreeMap<K, (Subscriber, Handle)>,
    owners: BTreeMap<Prefix, K>,
    layouts: BTreeMap<Family, Layout>,
    /// By the HTB at which they stand, or the hook.
    tables: BTreeMap<(Handle, Family), PrefixTable>,
    adopted: Vec<Filter>,
    classes: BTreeMap<Prefix, Handle>,
}

#[derive(Clone, Debug)]
struct Queue<K> {
    handles: Handles<K>,
    guaranteed: u128,
}

/// 2^64 by the golden ratio.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
const MQ: u16 = 0x7fff;
const SHARE: u16 = 1;
const REST: u16 = 2;
const FIRST: u16 = 0x10;
/// The first hash tables of the families.
const TABLES: [(Family, u16); 2] = [(Family::V4, 1), (Family::V6, 0x200)];

impl<K: Ord + Clone + Display> Subscribers<K> {
    /// Nobody yet, on a device with so many transmit queues ([`Link::tx_queues`](crate::route::Link::tx_queues)) that sends so much to
    /// the subscribers. With [`Steering::Skbedit`], by destination, without leaf queues; filters have the prios 1 and 2.
    ///
    /// # Errors
    /// The device has no queues, or more than 32,000; or the line has no rate.
    pub fn new(dev: impl Into<Dev>, queues: u16, line: Rate) -> Result<Self> {
        if !(1..=32_000).contains(&queues) || line.as_bytes_per_second() < u64::from(queues) {
            let what = format!("a line of {line} over {queues} queues");
            return Err(Error::invalid(what, "there are 1 to 32000 queues, and something for each"));
        }
        let queue = Queue { handles: Handles::new(FIRST..=u16::MAX)?, guaranteed: 0 };
        Ok(Subscribers {
            dev: dev.into(),
            line,
            direction: Direction::Destination,
            steering: Steering::Skbedit,
            leaf: None,
            prio: 1,
            queues: vec![queue; queues.into()],
            all: BTreeMap::new(),
            owners: BTreeMap::new(),
            layouts: BTreeMap::new(),
            tables: BTreeMap::new(),
            adopted: Vec::new(),
            classes: BTreeMap::new(),
        })
    }

    /// Sets which address of the packets is the subscriber's: the source for what they send.
    #[must_use]
    pub fn direction(mut self, direction: Direction) -> Self {
        self.direction = direction;
        self
    }

    /// Sets how packets come to their class.
    #[must_use]
    pub fn steering(mut self, steering: Steering) -> Self {
        self.steering = steering;
        self
    }

    /// Gives each class of a subscriber this queue.
    #[must_use]
    pub fn leaf(mut self, leaf: impl Into<QdiscKind>) -> Self {
        self.leaf = Some(leaf.into());
        self
    }

    /// Sets the prio of the filters for IPv4; those for IPv6 have the next one. 1 to 65534.
    #[must_use]
    pub fn prio(mut self, prio: u16) -> Self {
        self.prio = prio.clamp(1, u16::MAX - 1);
        self
    }

    /// Sets how a family's prefixes are spread. Otherwise that is chosen with the first [`tree`](Self::tree), and kept.
    #[must_use]
    pub fn layout(mut self, layout: Layout) -> Self {
        self.layouts.insert(layout.family(), layout);
        self
    }

    /// Adds or changes a subscriber. Gives the class, which stays the same.
    ///
    /// # Errors
    /// A prefix is another subscriber's, or all handles of the queue are in use. Nothing has changed then.
    pub fn insert(&mut self, key: K, subscriber: Subscriber) -> Result<Handle> {
        let others = |prefix: &&Prefix| self.owners.get(prefix).is_some_and(|owner| *owner != key);
        if let Some(prefix) = subscriber.prefixes.iter().find(others) {
            return Err(Error::invalid(prefix, "it is another subscriber's"));
        }
        let rate = u128::from(subscriber.rate.as_bytes_per_second());
        let class = match self.class(&key) {
            Some(class) => class,
            None => self.place(&key, &subscriber)?,
        };
        self.forget(&key);
        self.queue(class).into_iter().for_each(|queue| queue.guaranteed += rate);
        self.owners.extend(subscriber.prefixes.iter().map(|prefix| (*prefix, key.clone())));
        self.all.insert(key, (subscriber, class));
        Ok(class)
    }

    /// Removes a subscriber. The class's handle is not given to others before all others were.
    pub fn remove(&mut self, key: &K) -> Option<Subscriber> {
        let (subscriber, class) = self.forget(key)?;
        self.queue(class)?.handles.release(key);
        Some(subscriber)
    }

    /// The class of a subscriber.
    pub fn class(&self, key: &K) -> Option<Handle> {
        self.all.get(key).map(|(_, class)| *class)
    }

    /// The subscribers and their classes.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &Subscriber, Handle)> {
        self.all.iter().map(|(key, (subscriber, class))| (key, subscriber, *class))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Takes over the classes and handles that the kernel's filters say, for subscribers that come afterwards with the same prefixes.
    pub fn adopt<'a>(&mut self, filters: impl IntoIterator<Item = &'a Filter>) {
        for filter in filters {
            let Some(FilterKind::U32(kind)) = &filter.kind else { continue };
            let families = [Family::V4, Family::V6].into_iter();
            let prefix = families.filter(|family| filter.prio == self.prio_of(*family));
            let prefix = prefix.filter_map(|family| prefix_of(kind, self.direction, family)).next();
            if let (Some(prefix), Some(class)) = (prefix, class_of(kind)) {
                self.classes.insert(prefix, class);
            }
            self.adopted.push(filter.clone());
        }
    }

    /// The tree of all of them.
    ///
    /// # Errors
    /// The prefixes do not fit into u32's tables (see [`PrefixTable::insert`]).
    pub fn tree(&mut self) -> Result<Tree> {
        let mut tree = Tree::new(self.dev);
        if let Steering::Skbedit = self.steering {
            tree.push(Qdisc::ingress(self.dev).kind(Clsact::default()));
        }
        let mq = Handle::qdisc(MQ);
        tree.push(Qdisc::root(self.dev).handle(mq).kind(QdiscKind::named(Name::new("mq")?)));
        let share = Rate::bytes_per_second(self.line.as_bytes_per_second() / self.queues.len() as u64);
        let rest = Rate::bytes_per_second((share.as_bytes_per_second() / 100).max(1));
        for major in 1..=self.queues.len() as u16 {
            let htb = Handle::qdisc(major);
            tree.push(
                Qdisc::at(self.dev, Handle::new(MQ, major)).handle(htb).kind(Htb::new().default_class(REST)),
            );
            let inner = Handle::new(major, SHARE);
            tree.push(Class::under(self.dev, htb).id(inner).kind(class(share, share)));
            tree.push(Class::under(self.dev, inner).id(Handle::new(major, REST)).kind(class(rest, share)));
        }
        // By class, as the plan compares them: it sorts faster what is in order.
        let mut subscribers: Vec<&(Subscriber, Handle)> = self.all.values().collect();
        subscribers.sort_by_key(|(_, class)| *class);
        for (subscriber, id) in subscribers {
            let parent = Handle::new(id.major(), SHARE);
            tree.push(Class::under(self.dev, parent).id(*id).kind(class(subscriber.rate, subscriber.ceil)));
            if let Some(leaf) = &self.leaf {
                tree.push(Qdisc::at(self.dev, *id).kind(leaf.clone()));
            }
        }
        self.steer()?;
        self.tables.values().flat_map(PrefixTable::filters).for_each(|filter| drop(tree.push(filter)));
        Ok(tree)
    }

    /// Brings the tables up to date.
    fn steer(&mut self) -> Result<()> {
        let prefixes: Vec<Prefix> = self.owners.keys().copied().collect();
        let mut wanted: BTreeMap<(Handle, Family), BTreeSet<Prefix>> = BTreeMap::new();
        for (prefix, owner) in &self.owners {
            let Some(class) = self.class(owner) else { continue };
            let (at, options) = match self.steering {
                Steering::Skbedit => {
                    let action =
                        Skbedit::piped().priority(class).queue(class.major() - 1).control(Control::Ok);
                    (Handle::MIN_EGRESS, U32::new().action(action))
                }
                Steering::Filters => (Handle::qdisc(class.major()), U32::new().class(class)),
            };
            let family = prefix.family();
            let prio = self.prio_of(family);
            let table = match self.tables.entry((at, family)) {
                std::collections::btree_map::Entry::Occupied(table) => table.into_mut(),
                std::collections::btree_map::Entry::Vacant(entry) => {
                    let layout =
                        self.layouts.entry(family).or_insert_with(|| Layout::for_prefixes(family, &prefixes));
                    let first =
                        TABLES.into_iter().find(|(of, _)| *of == family).map_or(1, |(_, first)| first);
                    let place = Place::on(self.dev, at);
                    let mut table =
                        PrefixTable::new(place, prio, self.direction, layout.clone())?.first_table(first)?;
                    table.adopt(self.adopted.iter().filter(|filter| parent(filter) == Some(at)));
                    entry.insert(table)
                }
            };
            table.insert(*prefix, options)?;
            wanted.entry((at, family)).or_default().insert(*prefix);
        }
        self.tables.retain(|place, table| {
            let wanted = wanted.get(place);
            let gone: Vec<Prefix> = table
                .iter()
                .map(|(prefix, _)| prefix)
                .filter(|prefix| !wanted.is_some_and(|of| of.contains(prefix)))
                .collect();
            gone.into_iter().for_each(|prefix| drop(table.remove(prefix)));
            !table.is_empty()
        });
        Ok(())
    }

    /// The table in which a subscriber's addresses of a family are looked up, once there was a [`tree`](Self::tree): its depth can be
    /// asked there.
    pub fn tables(&self) -> impl Iterator<Item = &PrefixTable> {
        self.tables.values()
    }

    fn prio_of(&self, family: Family) -> u16 {
        match family {
            Family::V4 => self.prio,
            Family::V6 => self.prio + 1,
        }
    }

    fn queue(&mut self, class: Handle) -> Option<&mut Queue<K>> {
        self.queues.get_mut(usize::from(class.major()).checked_sub(1)?)
    }

    /// The class for somebody new.
    fn place(&mut self, key: &K, subscriber: &Subscriber) -> Result<Handle> {
        let known = subscriber.prefixes.iter().find_map(|prefix| self.classes.get(prefix).copied());
        let known = known.filter(|class| class.minor() >= FIRST);
        let restored = self.queues.iter().position(|queue| queue.handles.get(key).is_some());
        let index = match restored {
            Some(index) => index,
            None => {
                if let Some(class) = known {
                    if self
                        .queue(class)
                        .is_some_and(|queue| queue.handles.adopt(key.clone(), class.minor()).is_ok())
                    {
                        return Ok(class);
                    }
                }
                self.choose(key, subscriber.rate)
            }
        };
        let queue = self.queues.get_mut(index).ok_or_else(|| Error::invalid(key, "there is no queue"))?;
        Ok(Handle::new(index as u16 + 1, queue.handles.hold(key.clone())?))
    }

    /// The queue for somebody new, counted from 0.
    fn choose(&self, key: &K, rate: Rate) -> usize {
        // Fibonacci hashing: as it is, the hash chooses the class, and its upper half says little of the last letters.
        let first = (Fnv::text(key).wrapping_mul(GOLDEN) >> 32) as usize % self.queues.len();
        let share = u128::from(self.line.as_bytes_per_second()) / self.queues.len() as u128;
        let rate = u128::from(rate.as_bytes_per_second());
        let fits = self.queues.get(first).is_some_and(|queue| queue.guaranteed + rate <= share);
        let least = || self.queues.iter().enumerate().min_by_key(|(_, queue)| queue.guaranteed);
        if fits {
            first
        } else {
            least().map_or(first, |(index, _)| index)
        }
    }

    fn forget(&mut self, key: &K) -> Option<(Subscriber, Handle)> {
        let (subscriber, class) = self.all.remove(key)?;
        let rate = u128::from(subscriber.rate.as_bytes_per_second());
        self.queue(class).into_iter().for_each(|queue| queue.guaranteed -= rate);
        subscriber.prefixes.iter().for_each(|prefix| drop(self.owners.remove(prefix)));
        Some((subscriber, class))
    }
}

/// HTB takes the quantum from the rate, and complains where that makes no sense: then it is said.
fn class(rate: Rate, ceil: Rate) -> HtbClass {
    let class = HtbClass::rate(rate).ceil(ceil);
    match rate.as_bytes_per_second() / 10 {
        1000..=200_000 => class,
        // A packet and its header at least.
        derived => class.quantum(derived.clamp(1_600, 200_000) as u32),
    }
}

fn parent(filter: &Filter) -> Option<Handle> {
    match filter.place {
        Place::Dev { parent, .. } => Some(parent),
        Place::Block(_) => None,
    }
}

/// The class that a filter chooses, in either way.
fn class_of(kind: &U32) -> Option<Handle> {
    let set = kind.actions.iter().flat_map(|actions| &actions.0).find_map(|(_, action)| match &action.kind {
        ActionKind::Skbedit(skbedit) => skbedit.priority,
        _ => None,
    });
    set.or(kind.class)
}

#[cfg(test)]
mod tests;

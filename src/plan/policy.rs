mod addresses;
mod diff;
mod nexthops;
mod read;
mod routes;
mod rules;
mod same;
mod script;
#[cfg(test)]
mod tests;

pub(super) use diff::{steps, undo};
pub(crate) use read::all;
pub(super) use read::{read, read_again, State};
pub(super) use routes::key as route_key;
pub(super) use rules::text as rule_text;

use crate::command::AnyObject;
use crate::error::Result;
use crate::netlink::Connection;
use crate::route::{Address, AddressFlags, Link, Nexthop, Route, RouteProtocol, Rule};
use crate::units::Dev;
use std::net::IpAddr;
use std::ops::RangeInclusive;

/// IFA_PROTO of what the kernel makes by itself: up to IFAPROT_KERNEL_LL of `linux/if_addr.h`.
const KERNEL_ADDRESSES: u8 = 3;

/// What rules, routes, nexthop objects and addresses shall be.
///
/// Objects are said as in requests to add them; where they say no protocol they get the policy's.
///
/// # What is its own
///
/// Rules, routes and nexthop objects that the policy's protocol added, and whose priority, table or id lies in the ranges:
/// those that are not wanted are deleted. So the protocol should be a number that nobody else uses, such as
/// [`Policy::PROTOCOL`]. What others added is never changed or deleted; where it stands in the way, the plan says so and cannot be
/// applied.
///
/// Addresses that say who made them (IFA_PROTO, Linux 5.18) are the policy's if they say its protocol's number, and those that it
/// adds do. Kernels before know no owner: there, addresses are only added, but for devices whose addresses are all the policy's
/// ([`addresses_of`](Policy::addresses_of)).
///
/// Rules of one priority are a set: the kernel tries them in the order in which they were added, which a plan does not see to. Rules
/// whose order matters have priorities of their own.
///
/// ```
/// use tcnl::plan::Policy;
/// use tcnl::route::{Route, Rule};
/// let policy = Policy::new(Policy::PROTOCOL)
///     .tables(100..=199)
///     .priorities(1000..=1999)
///     .route(Route::default_v4().via([192, 0, 2, 1]).dev(3).table(101))
///     .rule(Rule::v4().fwmark_mask(10, 0xff).table(101).priority(1000));
/// assert_eq!(policy.len(), 2);
/// ```
#[derive(Clone, Debug)]
pub struct Policy {
    pub(super) protocol: RouteProtocol,
    pub(super) tables: RangeInclusive<u32>,
    pub(super) priorities: RangeInclusive<u32>,
    pub(super) nexthop_ids: RangeInclusive<u32>,
    pub(super) address_devs: Vec<Dev>,
    pub(super) rules: Vec<Rule>,
    pub(super) routes: Vec<Route>,
    pub(super) nexthops: Vec<Nexthop>,
    pub(super) addresses: Vec<Address>,
}

impl Policy {
    /// A protocol for those who choose none: one that no routing program is known to use.
    pub const PROTOCOL: RouteProtocol = RouteProtocol(116);

    /// Nothing is wanted of what this protocol added, in all tables, and of all priorities and ids.
    pub fn new(protocol: RouteProtocol) -> Self {
        Policy {
            protocol,
            tables: 1..=u32::MAX,
            priorities: 0..=u32::MAX,
            nexthop_ids: 1..=u32::MAX,
            address_devs: Vec::new(),
            rules: Vec::new(),
            routes: Vec::new(),
            nexthops: Vec::new(),
            addresses: Vec::new(),
        }
    }

    /// Only routes in these tables.
    #[must_use]
    pub fn tables(mut self, tables: RangeInclusive<u32>) -> Self {
        self.tables = tables;
        self
    }

    /// Only rules with these priorities.
    #[must_use]
    pub fn priorities(mut self, priorities: RangeInclusive<u32>) -> Self {
        self.priorities = priorities;
        self
    }

    /// Only nexthop objects with these ids.
    #[must_use]
    pub fn nexthop_ids(mut self, ids: RangeInclusive<u32>) -> Self {
        self.nexthop_ids = ids;
        self
    }

    /// All addresses of this device are the policy's, but those that the kernel made (loopback, IPv6 link-local, from router
    /// advertisements) and those that end by themselves, unless they are wanted.
    #[must_use]
    pub fn addresses_of(mut self, dev: impl Into<Dev>) -> Self {
        self.address_devs.push(dev.into());
        self
    }

    /// Adds a rule. It has a priority: the kernel would choose another one each time.
    #[must_use]
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// Adds a route.
    #[must_use]
    pub fn route(mut self, route: Route) -> Self {
        self.routes.push(route);
        self
    }

    /// Adds a nexthop object. It has an id.
    #[must_use]
    pub fn nexthop(mut self, nexthop: Nexthop) -> Self {
        self.nexthops.push(nexthop);
        self
    }

    /// Adds an address. The routes to its network are the kernel's.
    #[must_use]
    pub fn address(mut self, address: Address) -> Self {
        self.addresses.push(address);
        self
    }

    /// Adds a rule, route, nexthop object or address; gives back what is none of these.
    pub fn push(&mut self, object: impl Into<AnyObject>) -> Option<AnyObject> {
        match object.into() {
            AnyObject::Rule(rule) => self.rules.push(rule),
            AnyObject::Route(route) => self.routes.push(route),
            AnyObject::Nexthop(nexthop) => self.nexthops.push(nexthop),
            AnyObject::Address(address) => self.addresses.push(address),
            other => return Some(other),
        }
        None
    }

    /// What adds its objects.
    pub fn protocol(&self) -> RouteProtocol {
        self.protocol
    }

    /// The rules.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The routes.
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// The nexthop objects.
    pub fn nexthops(&self) -> &[Nexthop] {
        &self.nexthops
    }

    /// The addresses.
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// How many objects it has.
    pub fn len(&self) -> usize {
        self.rules.len() + self.routes.len() + self.nexthops.len() + self.addresses.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The same ownership, and nothing wanted.
    fn emptied(&self) -> Policy {
        Policy {
            tables: self.tables.clone(),
            priorities: self.priorities.clone(),
            nexthop_ids: self.nexthop_ids.clone(),
            address_devs: self.address_devs.clone(),
            ..Policy::new(self.protocol)
        }
    }

    pub(super) fn owns_rule(&self, rule: &Rule) -> bool {
        let in_range = rule.priority.is_none_or(|priority| self.priorities.contains(&priority));
        rule.protocol == Some(self.protocol) && in_range
    }

    fn owns_route(&self, route: &Route) -> bool {
        route.protocol == Some(self.protocol) && self.tables.contains(&route.table)
    }

    pub(super) fn owns_nexthop(&self, nexthop: &Nexthop) -> bool {
        nexthop.protocol == self.protocol && self.nexthop_ids.contains(&nexthop.id)
    }

    /// What addresses say of who made them.
    fn maker(&self) -> Option<u8> {
        Some(self.protocol.0).filter(|number| *number > KERNEL_ADDRESSES)
    }

    /// Whether all addresses of the device are its own.
    fn has_addresses_of(&self, dev: Dev) -> bool {
        self.address_devs.contains(&dev)
    }

    fn owns_address(&self, address: &Address) -> bool {
        let says_so = self.maker().is_some() && address.protocol == self.maker();
        let lasts = address.flags.contains(AddressFlags::PERMANENT);
        says_so || self.has_addresses_of(address.dev) && lasts && !is_made_by_kernel(address)
    }

    /// Gives the objects the policy's protocol where they say none, and the devices their indexes. Devices that are not there keep
    /// the index 0: preflight says so.
    pub(super) fn resolve(&mut self, nl: &mut Connection) -> Result<()> {
        self.rules.iter_mut().for_each(|rule| {
            rule.protocol.get_or_insert(self.protocol);
        });
        self.routes.iter_mut().for_each(|route| {
            route.protocol.get_or_insert(self.protocol);
        });
        let unsaid = |nexthop: &&mut Nexthop| nexthop.protocol == RouteProtocol::UNSPEC;
        self.nexthops.iter_mut().filter(unsaid).for_each(|nexthop| nexthop.protocol = self.protocol);
        let maker = self.maker();
        self.addresses.iter_mut().for_each(|address| address.protocol = address.protocol.or(maker));
        let mut known: Vec<(Dev, Dev)> = Vec::new();
        for dev in self.devs() {
            let is_it = |(said, _): &&(Dev, Dev)| *said == *dev && said.name == dev.name;
            if let Some((_, found)) = known.iter().find(is_it) {
                *dev = *found;
                continue;
            }
            let found = match (dev.index, dev.name) {
                (0, None) => continue,
                (0, Some(name)) => nl.link(&name),
                _ => nl.get(&Link::of(*dev)),
            };
            let found = match found {
                Ok(link) => Dev { name: link.name, ..link.dev },
                Err(error) if error.errno().is_some_and(|errno| NO_DEVICE.contains(&errno)) => {
                    Dev { index: 0, ..*dev }
                }
                Err(error) => return Err(error),
            };
            known.push((*dev, found));
            *dev = found;
        }
        Ok(())
    }

    /// The devices that it names.
    fn devs(&mut self) -> impl Iterator<Item = &mut Dev> {
        let of_routes = self.routes.iter_mut().flat_map(|route| {
            let hops = route.hops.iter_mut().filter_map(|hop| hop.dev.as_mut());
            route.dev.as_mut().into_iter().chain(hops)
        });
        let of_nexthops = self.nexthops.iter_mut().filter_map(|nexthop| nexthop.dev.as_mut());
        let of_addresses = self.addresses.iter_mut().map(|address| &mut address.dev);
        of_routes.chain(of_nexthops).chain(of_addresses).chain(&mut self.address_devs)
    }
}

/// ENODEV and, for what is no index at all, EINVAL.
const NO_DEVICE: [i32; 2] = [19, 22];

/// Whether the kernel made the address by itself, as far as can be told.
fn is_made_by_kernel(address: &Address) -> bool {
    let local = address.local.address();
    let by_itself = match local {
        IpAddr::V4(_) => false,
        // Kernels before 5.18 do not tell theirs from others'.
        IpAddr::V6(v6) => {
            v6.is_unicast_link_local() && address.protocol.is_none()
                || address.flags.contains(AddressFlags::SECONDARY)
        }
    };
    local.is_loopback()
        || by_itself
        || address.protocol.is_some_and(|maker| (1..=KERNEL_ADDRESSES).contains(&maker))
}

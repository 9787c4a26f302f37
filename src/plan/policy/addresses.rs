//! The steps from addresses to addresses.
//!
//! Of the IPv4 addresses of one network on a device the first is primary. When it is deleted, the kernel deletes the others with it,
//! unless `promote_secondaries` is set, which netlink does not tell: so both is prepared for. With the last IPv4 address of a device
//! go all routes over it. `__inet_del_ifa()` of `net/ipv4/devinet.c`, `fib_inetaddr_event()` of `net/ipv4/fib_frontend.c`

use super::super::{Effect, Finding, Step};
use super::diff::{uses, Risk, Steps, NOT_THERE, NOT_WANTED};
use super::same::{self, Differs};
use super::{Policy, State};
use crate::request::Verb;
use crate::route::{Address, AddressFlags, Family};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// What the kernel tells addresses apart by: device, address and, of IPv4, the network.
pub(super) type Key = (u32, IpAddr, Option<Network>);
/// A network of IPv4 on a device.
type Network = (u32, u8, u32);

pub(super) fn key(address: &Address) -> Key {
    (address.dev.index, address.local.address(), network(address))
}

fn network(address: &Address) -> Option<Network> {
    match address.peer.unwrap_or(address.local.address()) {
        IpAddr::V4(v4) => {
            let len = address.local.prefix_len();
            let mask = u32::MAX.checked_shl(32u32.saturating_sub(len.into())).unwrap_or(0);
            Some((address.dev.index, len, v4.to_bits() & mask))
        }
        IpAddr::V6(_) => None,
    }
}

fn is_secondary(address: &Address) -> bool {
    network(address).is_some() && address.flags.contains(AddressFlags::SECONDARY)
}

/// What goes, and when.
#[derive(Debug, Default)]
struct Going {
    /// What goes before others can come, or comes again.
    early: BTreeSet<Key>,
    late: BTreeSet<Key>,
    /// What the kernel may delete with its network's first.
    lost: BTreeSet<Key>,
    /// Devices that are, at some time, without an IPv4 address.
    emptied: BTreeSet<u32>,
}

pub(super) fn diff(now: &State, wanted: &Policy, risk: &mut Risk, steps: &mut Steps) {
    let there: BTreeMap<Key, &Address> =
        now.addresses.iter().map(|address| (key(address), address)).collect();
    let new: BTreeMap<Key, &Address> =
        wanted.addresses.iter().map(|address| (key(address), address)).collect();
    let is_own = |address: &Address| {
        wanted.owns_address(address)
            || wanted.has_addresses_of(address.dev) && new.contains_key(&key(address))
    };
    let differs = |new: &Address| there.get(&key(new)).map(|old| same::address(old, new));
    let going = going(&there, &new, &is_own, wanted);
    for address in &wanted.addresses {
        let key = key(address);
        let old = there.get(&key).copied();
        if let Some(other) = old.filter(|old| !is_own(old)) {
            if differs(address) != Some(Differs::Not) {
                let problem = format!("another's is there already: `{other}`");
                steps.findings.push(Finding::error(address, problem));
            }
            continue;
        }
        let (verb, effect, reason) = match differs(address) {
            None => (Verb::Add, Effect::InPlace, NOT_THERE),
            Some(Differs::Anew) => (Verb::Add, Effect::Disruptive, ANEW),
            Some(_) if going.lost.contains(&key) => (Verb::Replace, Effect::Disruptive, LOST),
            Some(Differs::InPlace) => {
                (Verb::Replace, Effect::InPlace, "it differs, and the kernel can change it")
            }
            Some(Differs::Not) => continue,
        };
        steps.addresses.push(Step::new(verb, address.clone(), effect, reason));
    }
    let mut leaving: Vec<(&Key, &&Address)> = there.iter().collect();
    // The first of a network goes last: the others may go with it.
    leaving.sort_by_key(|(_, address)| !is_secondary(address));
    for (key, address) in leaving {
        let (stage, effect, reason) = match (going.early.contains(key), going.late.contains(key)) {
            (true, _) if new.contains_key(key) => (&mut steps.early_addresses, Effect::Disruptive, ANEW),
            (true, _) => (&mut steps.early_addresses, Effect::Disruptive, FIRST),
            (false, true) => (&mut steps.old_addresses, Effect::InPlace, NOT_WANTED),
            (false, false) => continue,
        };
        stage.push(Step::new(Verb::Delete, (*address).clone(), effect, reason));
    }
    findings(now, wanted, &there, &new, &going, steps);
    let lost = going.early.iter().chain(&going.lost);
    risk.sources.extend(lost.map(|(_, local, _)| *local));
    let are_gone = |dev: &&u32| {
        let mut of_dev = there.keys().filter(|(index, _, network)| index == *dev && network.is_some());
        of_dev.all(|key| going.early.contains(key) || going.lost.contains(key))
    };
    risk.devs.extend(going.emptied.iter().filter(are_gone));
}

const ANEW: &str = "it differs, and the kernel cannot change it";
const LOST: &str = "the kernel may have deleted it with the first of its network";
const FIRST: &str = "it is not wanted, and others, or routes, that are may go with it: they come behind it";

fn going(
    there: &BTreeMap<Key, &Address>,
    new: &BTreeMap<Key, &Address>,
    is_own: &dyn Fn(&Address) -> bool,
    wanted: &Policy,
) -> Going {
    let mut going = Going::default();
    for (key, old) in there.iter().filter(|(_, old)| is_own(old)) {
        match new.get(key) {
            None => drop(going.late.insert(*key)),
            Some(new) if same::address(old, new) == Differs::Anew => drop(going.early.insert(*key)),
            Some(_) => (),
        }
    }
    let stays = |key: &Key| new.contains_key(key) || there.contains_key(key) && !going.late.contains(key);
    let all: BTreeSet<&Key> = there.keys().chain(new.keys()).collect();
    // Networks some of whose addresses stay or come, and devices on which none does.
    let kept: BTreeSet<Network> = all.iter().filter(|key| stays(key)).filter_map(|key| key.2).collect();
    let kept_devs: BTreeSet<u32> = kept.iter().map(|(dev, ..)| *dev).collect();
    let routed = |dev: u32| wanted.routes.iter().any(|route| uses(route, dev));
    let early: Vec<Key> = (going.late.iter().copied())
        .filter(|key| {
            let primary = there.get(key).is_some_and(|address| !is_secondary(address));
            let network = key.2.filter(|_| primary);
            network.is_some_and(|network| kept.contains(&network))
                || key.2.is_some() && !kept_devs.contains(&key.0) && routed(key.0)
        })
        .collect();
    going.early.extend(early);
    let first: BTreeSet<Network> = (going.early.iter())
        .filter(|key| there.get(key).is_some_and(|address| !is_secondary(address)))
        .filter_map(|key| key.2)
        .collect();
    for (key, _) in there.iter().filter(|(_, address)| is_secondary(address)) {
        if key.2.is_some_and(|network| first.contains(&network)) && !going.early.contains(key) {
            let goes = going.late.contains(key);
            if goes { &mut going.early } else { &mut going.lost }.insert(*key);
        }
    }
    let gone = |key: &Key| {
        going.early.contains(key)
            || going.late.contains(key) && !kept_devs.contains(&key.0)
            || going.lost.contains(key)
    };
    let of_v4 = || there.keys().filter(|key| key.2.is_some());
    let left: BTreeSet<u32> = of_v4().filter(|key| !gone(key)).map(|key| key.0).collect();
    going.emptied = of_v4().map(|key| key.0).filter(|dev| !left.contains(dev)).collect();
    going
}

/// What of others', and of what is wanted, would go with addresses.
fn findings(
    now: &State,
    wanted: &Policy,
    there: &BTreeMap<Key, &Address>,
    new: &BTreeMap<Key, &Address>,
    going: &Going,
    steps: &mut Steps,
) {
    for (key, address) in there.iter().filter(|(key, _)| going.lost.contains(*key) && !new.contains_key(*key))
    {
        let first = there.iter().find(|(other, _)| other.2 == key.2 && going.early.contains(*other));
        if let Some((_, first)) = first {
            let problem = format!("another's address may be deleted with it: `{address}`");
            steps.findings.push(Finding::error(first, problem));
        }
    }
    let locals = |keys: &BTreeSet<Key>| -> BTreeSet<IpAddr> { keys.iter().map(|key| key.1).collect() };
    let (mut gone, late) = (locals(&going.early), locals(&going.late));
    gone.extend(locals(&going.lost));
    gone.extend(&late);
    for route in &now.foreign {
        let flushed = route.family() == Family::V4
            && going.emptied.iter().any(|dev| uses(route, *dev) && goes_on(there, going, *dev));
        if flushed || route.source.is_some_and(|source| gone.contains(&source)) {
            let problem = "another's route, which would be deleted with addresses that it needs";
            steps.findings.push(Finding::error(route, problem));
        }
    }
    let stay: BTreeSet<IpAddr> =
        there.keys().filter(|key| !going.late.contains(*key)).chain(new.keys()).map(|key| key.1).collect();
    for route in &wanted.routes {
        if route.source.is_some_and(|source| late.contains(&source) && !stay.contains(&source)) {
            steps.findings.push(Finding::error(
                route,
                "its source is an address that is not wanted, and will be deleted",
            ));
        }
    }
}

/// Whether anything is done to the device's IPv4 addresses.
fn goes_on(there: &BTreeMap<Key, &Address>, going: &Going, dev: u32) -> bool {
    let mut of_dev = there.keys().filter(|key| key.0 == dev && key.2.is_some());
    of_dev.any(|key| going.early.contains(key) || going.late.contains(key))
}

//! A model walks the tables as the kernel does, and finds what the longest prefix is for.

use super::*;
use crate::tc::gact::Gact;
use crate::units::Handle;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use std::net::{Ipv4Addr, Ipv6Addr};

/// u32's tables, as `u32_change` fills and `u32_classify` walks them (`net/sched/cls_u32.c`).
struct Kernel {
    /// Buckets with their filters by node; 0 is the table that packets enter.
    tables: BTreeMap<u16, Vec<BTreeMap<u16, U32>>>,
    compared: usize,
}

impl Kernel {
    fn new(filters: &[Filter]) -> Self {
        let mut kernel = Kernel { tables: BTreeMap::from([(0, vec![BTreeMap::new()])]), compared: 0 };
        filters.iter().for_each(|filter| kernel.add(filter));
        kernel
    }

    fn add(&mut self, filter: &Filter) {
        let Some(FilterKind::U32(kind)) = &filter.kind else { panic!("{filter}") };
        let handle = U32Handle::from_raw(filter.handle);
        if let Some(divisor) = kind.divisor {
            assert!(
                (1..=0x7ff).contains(&handle.table()) && handle.node() == 0 && handle.bucket() == 0,
                "{filter}"
            );
            let old = self.tables.insert(handle.table(), vec![BTreeMap::new(); divisor.0 as usize]);
            assert!(old.is_none(), "{filter}");
            return;
        }
        let ht = kind.ht.unwrap_or_default();
        assert_eq!((ht.table(), ht.bucket()), (handle.table(), handle.bucket()), "{filter}");
        assert!(handle.node() != 0, "{filter}");
        assert!(kind.link.is_none_or(|link| self.tables.contains_key(&link.table())), "{filter}");
        let bucket = &mut self.tables.get_mut(&ht.table()).unwrap()[usize::from(ht.bucket())];
        assert!(bucket.insert(handle.node(), kind.clone()).is_none(), "{filter}");
    }

    /// The class of a packet, whose filters are tried in the order of their nodes.
    fn classify(&mut self, packet: &[u8], table: u16, bucket: usize) -> Option<Handle> {
        let word = |at: i32| u32::from_be_bytes(packet[at as usize..at as usize + 4].try_into().unwrap());
        let filters: Vec<U32> = self.tables[&table][bucket].values().cloned().collect();
        for kind in filters {
            self.compared += 1;
            let selector = kind.selector.as_ref().unwrap();
            if selector.keys.iter().any(|key| (word(key.off) ^ key.val.0) & key.mask.0 != 0) {
                continue;
            }
            if let Some(link) = kind.link {
                let shift = if selector.hash_mask == 0 { 0 } else { selector.hash_mask.trailing_zeros() };
                let fold = (word(selector.hash_at.into()) & selector.hash_mask) >> shift;
                let bucket = fold as usize & (self.tables[&link.table()].len() - 1);
                let found = self.classify(packet, link.table(), bucket);
                if found.is_some() {
                    return found;
                }
            }
            if selector.flags.contains(SelectorFlags::TERMINAL) {
                return kind.class;
            }
        }
        None
    }

    fn class_of(&mut self, address: IpAddr, direction: Direction) -> Option<Handle> {
        let mut packet = vec![0xa5; 60];
        let at = usize::from(direction.offset(Family::of(address)));
        match address {
            IpAddr::V4(address) => packet[at..at + 4].copy_from_slice(&address.octets()),
            IpAddr::V6(address) => packet[at..at + 16].copy_from_slice(&address.octets()),
        }
        self.compared = 0;
        self.classify(&packet, 0, 0)
    }
}

fn class(number: usize) -> U32 {
    U32::new().class(Handle::new(1, number as u16 + 1))
}

fn table(layout: &Layout, direction: Direction) -> PrefixTable {
    PrefixTable::new(Place::on(3, Handle::qdisc(1)), 7, direction, layout.clone()).unwrap()
}

/// With a class for each, by its position.
fn filled(layout: &Layout, direction: Direction, prefixes: &[Prefix]) -> PrefixTable {
    let mut table = table(layout, direction);
    for (number, prefix) in prefixes.iter().enumerate() {
        table.insert(*prefix, class(number)).unwrap();
    }
    table
}

fn longest(prefixes: &[Prefix], address: IpAddr) -> Option<Handle> {
    let fits = prefixes.iter().enumerate().filter(|(_, prefix)| prefix.contains(address));
    fits.max_by_key(|(_, prefix)| prefix.len()).map(|(number, _)| Handle::new(1, number as u16 + 1))
}

/// An address of few different bits, so that prefixes contain each other.
fn bits() -> impl Strategy<Value = u128> {
    (0..8u128, 0..8u128, 0..8u128, 0..8u128).prop_map(|(a, b, c, d)| {
        0x0a00_0000 << 96 | a << 110 | b << 103 | c << 96 | a << 80 | b << 70 | c << 60 | d << 2 | d
    })
}

fn address(family: Family, bits: u128) -> IpAddr {
    match family {
        Family::V4 => IpAddr::V4(Ipv4Addr::from_bits((bits >> 96) as u32)),
        Family::V6 => IpAddr::V6(Ipv6Addr::from_bits(bits)),
    }
}

fn prefix(family: Family, bits: u128, len: u8) -> Prefix {
    let len = len % (family.bits() + 1);
    Prefix::new(address(family, bits & u128::MAX.checked_shl(128 - u32::from(len)).unwrap_or(0)), len)
        .unwrap()
}

fn layouts() -> impl Strategy<Value = Layout> {
    let lines = [
        "ip 24+8",
        "ip 16+8",
        "ip 25+3",
        "ip 16+8 24+8",
        "ip 20+4 27+5",
        "ip 24+8 16+8",
        "ip 0+8 24+8",
        "ipv6 56+8",
        "ipv6 40+8",
        "ipv6 120+8",
        "ipv6 40+8 48+8",
        "ipv6 32+8 120+8",
        "ipv6 16+8 24+8",
        "ipv6 62+2 29+3",
    ];
    let copies = prop::sample::select(vec![1u16, 4, 16, 256]);
    (prop::sample::select(lines.to_vec()), copies)
        .prop_map(|(line, copies)| line.parse::<Layout>().unwrap().copies(copies).lengths(0..=128))
}

fn sets() -> impl Strategy<Value = Vec<(u128, u8)>> {
    prop::collection::vec((bits(), prop_oneof![0..=128u8, 20..=32u8, Just(32), Just(128), Just(56)]), 0..60)
}

fn distinct(family: Family, set: &[(u128, u8)]) -> Vec<Prefix> {
    let all: BTreeSet<Prefix> = set.iter().map(|(bits, len)| prefix(family, *bits, *len)).collect();
    all.into_iter().collect()
}

/// Tries a property with as many cases as proptest would, whatever is said for others: each is a table of up to thousands of prefixes.
fn holds<S: Strategy>(drawn: S, property: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    TestRunner::new(ProptestConfig::with_cases(256))
        .run(&drawn, property)
        .unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn the_kernels_walk_finds_the_longest_prefix() {
    let addresses = prop::collection::vec(bits(), 1..30);
    holds((layouts(), sets(), addresses, any::<bool>()), |(layout, set, addresses, source)| {
        let family = layout.family();
        let prefixes = distinct(family, &set);
        let direction = if source { Direction::Source } else { Direction::Destination };
        for layout in [layout, Layout::for_prefixes(family, &prefixes)] {
            let table = filled(&layout, direction, &prefixes);
            let mut kernel = Kernel::new(&table.filters());
            let inside = prefixes.iter().map(|prefix| prefix.addr());
            for address in addresses.iter().map(|bits| address(family, *bits)).chain(inside) {
                let found = kernel.class_of(address, direction);
                prop_assert_eq!(found, longest(&prefixes, address), "{} in {}", address, layout);
                prop_assert!(kernel.compared <= table.lookups(), "{} {}", kernel.compared, table.lookups());
            }
        }
        Ok(())
    });
}

#[test]
fn prefixes_that_come_and_go_move_no_others() {
    holds((layouts(), sets(), sets()), |(layout, stay, go)| {
        let family = layout.family();
        let stay = distinct(family, &stay);
        let mut table = filled(&layout, Direction::Source, &stay);
        let before: BTreeMap<u32, Filter> =
            table.filters().into_iter().map(|filter| (filter.handle, filter)).collect();
        let mut go: Vec<Prefix> =
            distinct(family, &go).into_iter().filter(|prefix| !stay.contains(prefix)).collect();
        // Few of one length fit in a bucket, where there are many lengths.
        go.retain(|prefix| table.insert(*prefix, class(77)).is_ok());
        let with: BTreeMap<u32, Filter> =
            table.filters().into_iter().map(|filter| (filter.handle, filter)).collect();
        prop_assert!(before.iter().all(|(handle, filter)| with.get(handle) == Some(filter)));
        // A new one that reads what the kernel has.
        let mut later = self::table(&layout, Direction::Source);
        later.adopt(with.values());
        for prefix in go.iter().rev() {
            later.insert(*prefix, class(77)).unwrap();
        }
        for (number, prefix) in stay.iter().enumerate().rev() {
            later.insert(*prefix, class(number)).unwrap();
        }
        prop_assert_eq!(later.filters(), table.filters());
        for prefix in go {
            table.remove(prefix);
        }
        let after: BTreeMap<u32, Filter> =
            table.filters().into_iter().map(|filter| (filter.handle, filter)).collect();
        prop_assert_eq!(before, after);
        Ok(())
    });
}

#[test]
fn one_changed_prefix_changes_its_own_filter_and_nothing_else() {
    let hosts: Vec<Prefix> =
        (0..20_000).map(|host| Prefix::host(Ipv4Addr::from_bits(0x0a00_0000 + host))).collect();
    let mut table = filled(&Layout::for_prefixes(Family::V4, &hosts), Direction::Destination, &hosts);
    assert_eq!((table.len(), table.largest_bucket(), table.lookups()), (20_000, 1, 3));
    let before = table.filters();
    // The tables of two levels and their links: 79 times 256 addresses.
    assert_eq!(before.len(), 20_000 + 1 + 79 + 79 + 1);
    table.insert(hosts[777], U32::new().action(Gact::drop())).unwrap();
    let after = table.filters();
    let differ: Vec<_> = before.iter().zip(&after).filter(|(before, after)| before != after).collect();
    assert_eq!(differ.len(), 1);
    assert_eq!(differ[0].0.handle, differ[0].1.handle);
    table.remove(hosts[777]);
    assert_eq!(table.filters().len(), before.len() - 1);
    assert_eq!(table.iter().count(), 19_999);
}

#[test]
fn ipv6_subscribers_are_found_in_a_few_steps() {
    let nets: Vec<Prefix> = (0..20_000u128)
        .map(|net| Prefix::new(Ipv6Addr::from_bits(0x2001_0db8 << 96 | net << 72), 56).unwrap())
        .collect();
    let table = filled(&Layout::for_prefixes(Family::V6, &nets), Direction::Source, &nets);
    assert!(table.lookups() <= 4, "{}", table.lookups());
    let mut kernel = Kernel::new(&table.filters());
    for net in [0, 1, 255, 256, 12_345, 19_999, 20_000u128] {
        let address = IpAddr::V6(Ipv6Addr::from_bits(0x2001_0db8 << 96 | net << 72 | 0x1234_5678));
        assert_eq!(kernel.class_of(address, Direction::Source), longest(&nets, address));
    }
}

#[test]
fn limits_are_errors_before_anything_is_sent() {
    let layout: Layout = "ip 16+8 24+8".parse().unwrap();
    let at = |first| table(&layout, Direction::Source).first_table(first);
    assert_eq!(at(0x6ff).unwrap().tables(), 0x6ff..=0x7ff);
    for first in [0, 0x700, 0x7ff, 0xffff] {
        let error = at(first).unwrap_err().to_string();
        assert!(error.ends_with("u32's tables have the numbers 1 to 7ff"), "{error}");
    }
    assert!(PrefixTable::new(Place::Block(1), 0, Direction::Source, layout.clone()).is_err());
    let mut table = table(&"ip 0+1".parse().unwrap(), Direction::Source);
    let host = |number: u32| Prefix::host(Ipv4Addr::from_bits(number));
    (0..124).for_each(|number| table.insert(host(number), class(1)).unwrap());
    let error = table.insert(host(124), class(1)).unwrap_err().to_string();
    assert!(error.contains("too many prefixes of this length"), "{error}");
    // One that went makes room.
    table.remove(host(7));
    table.insert(host(124), class(1)).unwrap();
    let refused = |prefix: &str, options: U32| {
        let mut table = self::table(&layout, Direction::Source);
        table.insert(prefix.parse().unwrap(), options).unwrap_err().to_string()
    };
    assert!(refused("::1", class(1)).contains("other family"));
    assert!(refused("1.1.1.1", U32::new()).contains("no class"));
    assert!(refused("1.1.1.1", class(1).link(U32Handle::ROOT)).contains("of their own"));
    let mut six = self::table(&"ipv6 56+8".parse().unwrap(), Direction::Source);
    assert!(six
        .insert("2001:db8::/57".parse().unwrap(), class(1))
        .unwrap_err()
        .to_string()
        .contains("Layout::lengths"));
}

#[test]
fn a_prefix_can_ask_for_more_than_the_address() {
    let mut table = table(&"ip 24+8".parse().unwrap(), Direction::Destination);
    table
        .insert(
            "10.0.0.7".parse().unwrap(),
            U32::new().matching(Match::ip_protocol(6)).class(Handle::new(1, 2)),
        )
        .unwrap();
    table.insert("10.0.0.0/24".parse().unwrap(), class(0)).unwrap();
    let mut kernel = Kernel::new(&table.filters());
    let mut packet = vec![0; 60];
    packet[16..20].copy_from_slice(&[10, 0, 0, 7]);
    assert_eq!(kernel.classify(&packet, 0, 0), Some(Handle::new(1, 1)));
    packet[9] = 6;
    assert_eq!(kernel.classify(&packet, 0, 0), Some(Handle::new(1, 2)));
}

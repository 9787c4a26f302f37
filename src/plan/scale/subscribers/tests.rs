use super::*;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

fn line() -> Subscribers<String> {
    Subscribers::new(3, 4, Rate::gbit(10)).unwrap()
}

fn somebody(number: u32) -> (String, Subscriber) {
    let subscriber = Subscriber::new(Rate::mbit(10), Rate::mbit(100))
        .prefix(IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 | number)))
        .prefix(Prefix::new(Ipv6Addr::from_bits(0x2001_0db8 << 96 | u128::from(number) << 72), 56).unwrap());
    (format!("subscriber-{number}"), subscriber)
}

fn full(numbers: impl IntoIterator<Item = u32>) -> Subscribers<String> {
    let mut line = line();
    for number in numbers {
        let (key, subscriber) = somebody(number);
        line.insert(key, subscriber).unwrap();
    }
    line
}

fn objects(tree: &Tree) -> BTreeSet<String> {
    let qdiscs = tree.qdiscs().iter().map(ToString::to_string);
    let classes = tree.classes().iter().map(ToString::to_string);
    let all: Vec<String> =
        qdiscs.chain(classes).chain(tree.filters().iter().map(ToString::to_string)).collect();
    let count = all.len();
    let all: BTreeSet<String> = all.into_iter().collect();
    assert_eq!(all.len(), count);
    all
}

/// What stands in one and not in the other.
fn differ(one: &Tree, other: &Tree) -> Vec<String> {
    let (one, other) = (objects(one), objects(other));
    one.symmetric_difference(&other).cloned().collect()
}

#[test]
fn the_tree_is_mq_with_an_htb_for_each_queue_and_all_subscribers_below() {
    let mut line = full(0..1000);
    let tree = line.tree().unwrap();
    assert_eq!(tree.qdiscs().len(), 1 + 1 + 4);
    assert_eq!(tree.classes().len(), 4 * 2 + 1000);
    let commands: Vec<String> = tree.qdiscs().iter().map(ToString::to_string).collect();
    assert_eq!(
        commands[..3],
        [
            "tc qdisc add dev if3 clsact",
            "tc qdisc add dev if3 root handle 7fff: mq",
            "tc qdisc add dev if3 parent 7fff:1 handle 1: htb default 0x2"
        ]
    );
    assert!(tree.classes().iter().all(|class| class.parent.major() == class.id.major()));
    // The queues have about the same to do.
    for major in 1..=4 {
        let count = tree.classes().iter().filter(|class| class.id.major() == major).count();
        assert!((200..300).contains(&count), "{count}");
    }
    // The rates of 1000 subscribers are just what the line has: no queue guarantees more than its share.
    assert!(line.queues.iter().all(|queue| queue.guaranteed <= 125_000_000 * 10 / 4));
    let class = line.class(&"subscriber-7".into()).unwrap();
    let filter = tree
        .filters()
        .iter()
        .find(|filter| filter.to_string().contains("match u32 0x0a000007"))
        .unwrap()
        .to_string();
    let action = format!("action skbedit queue_mapping {} priority {class} pass", class.major() - 1);
    assert!(filter.contains(&action), "{filter}");
    for table in line.tables() {
        assert!(table.lookups() <= 1 + 8, "{}", table.lookups());
    }
}

#[test]
fn one_changed_subscriber_changes_what_is_its_own() {
    let mut line = full(0..500);
    let before = line.tree().unwrap();
    let (key, mut changed) = somebody(77);
    changed.ceil = Rate::mbit(200);
    let class = line.class(&key).unwrap();
    assert_eq!(line.insert(key.clone(), changed.clone()).unwrap(), class);
    let after = line.tree().unwrap();
    // The class as it was and as it is.
    assert_eq!(differ(&before, &after).len(), 2);
    changed.prefixes[0] = "10.99.0.1".parse().unwrap();
    line.insert(key.clone(), changed).unwrap();
    let moved = line.tree().unwrap();
    // The filter that was and the one that is; here the table of the second level comes with it, if there is one.
    assert!(differ(&after, &moved).len() <= 2 + 2, "{:#?}", differ(&after, &moved));
    line.remove(&key);
    // A class and two filters.
    let gone = line.tree().unwrap();
    assert!(differ(&moved, &gone).len() <= 3 + 2);
    // A new one, elsewhere.
    let (key, new) = somebody(100_000);
    line.insert(key, new).unwrap();
    assert_ne!(line.class(&"subscriber-100000".into()), Some(class));
    assert!(differ(&gone, &line.tree().unwrap()).len() <= 3 + 4);
}

#[test]
fn what_was_saved_is_the_same_tree_again_whatever_the_order() {
    let mut line = full(0..500);
    (100..150).for_each(|number| drop(line.remove(&somebody(number).0)));
    let tree = line.tree().unwrap();
    let text = line.to_string();
    let mut later = self::line();
    later.restore(&text).unwrap();
    assert_eq!(later.to_string(), text);
    for number in (0..100).chain(150..500).rev() {
        let (key, subscriber) = somebody(number);
        later.insert(key, subscriber).unwrap();
    }
    later.adopt(tree.filters());
    assert_eq!(differ(&tree, &later.tree().unwrap()), Vec::<String>::new());
    assert!(Subscribers::<String>::new(3, 2, Rate::gbit(1)).unwrap().restore(&text).is_err());
    assert!(later.restore("handles 1-5\nnonsense").is_err());
    assert!(later.restore("nonsense").is_err());
}

#[test]
fn what_the_kernel_has_is_adopted_by_the_prefixes() {
    let mut line = full(0..300);
    (0..50).for_each(|number| drop(line.remove(&somebody(number).0)));
    let tree = line.tree().unwrap();
    for steering in [Steering::Skbedit, Steering::Filters] {
        let mut line = line.clone().steering(steering);
        line.tables.clear();
        let tree = line.tree().unwrap();
        let mut later = self::line().steering(steering);
        later.layouts = line.layouts.clone();
        later.adopt(tree.filters());
        for number in (50..300).rev() {
            let (key, subscriber) = somebody(number);
            later.insert(key, subscriber).unwrap();
        }
        assert_eq!(differ(&tree, &later.tree().unwrap()), Vec::<String>::new());
    }
    assert_eq!(tree.dev(), Dev::from(3));
}

#[test]
fn nearly_all_have_the_same_place_after_a_restart_without_anything() {
    let (mut one, mut other) = (full(0..800), full((0..800).rev()));
    let same = one.iter().filter(|(key, _, class)| other.class(key) == Some(*class)).count();
    assert!(same > 780, "{same}");
    let (one, other) = (one.tree().unwrap(), other.tree().unwrap());
    assert!(differ(&one, &other).len() < 400);
}

#[test]
fn a_prefix_has_one_owner() {
    let mut line = full(0..3);
    let (_, twin) = somebody(1);
    let error = line.insert("twin".into(), twin.clone()).unwrap_err().to_string();
    assert_eq!(error, "10.0.0.1: it is another subscriber's");
    assert_eq!(line.len(), 3);
    line.remove(&"subscriber-1".into());
    line.insert("twin".into(), twin).unwrap();
    assert_eq!(line.iter().count(), 3);
}

#[test]
fn what_goes_beyond_a_queues_share_goes_where_the_least_is() {
    let mut line: Subscribers<u32> = Subscribers::new(3, 4, Rate::mbit(40)).unwrap();
    let large = Subscriber::new(Rate::mbit(9), Rate::mbit(9));
    (0..4).for_each(|key| drop(line.insert(key, large.clone())));
    let mut majors: Vec<u16> = line.iter().map(|(_, _, class)| class.major()).collect();
    majors.sort_unstable();
    assert_eq!(majors, [1, 2, 3, 4]);
    assert!(Subscribers::<u32>::new(3, 0, Rate::mbit(40)).is_err());
    assert!(Subscribers::<u32>::new(3, 4, Rate::ZERO).is_err());
}

#[test]
fn without_skbedit_each_htb_has_filters_for_its_own() {
    let mut line = full(0..100).steering(Steering::Filters).prio(5);
    let tree = line.tree().unwrap();
    assert!(tree.qdiscs().iter().all(|qdisc| qdisc.parent != Handle::INGRESS));
    for filter in tree.filters() {
        let FilterKind::U32(kind) = filter.kind.as_ref().unwrap() else { panic!("{filter}") };
        assert!(
            kind.class.is_none_or(|class| parent(filter) == Some(Handle::qdisc(class.major()))),
            "{filter}"
        );
        assert!([5, 6].contains(&filter.prio));
    }
}

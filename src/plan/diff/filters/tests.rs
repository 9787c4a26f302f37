use crate::clock::Clock;
use crate::command::{Command, Script};
use crate::plan::diff::steps;
use crate::plan::read::Device;
use crate::plan::{Effect, Scope, Tree};
use crate::tc::{Filter, Setting};
use crate::units::Dev;

const DEV: u32 = 3;

fn tree(lines: &[&str]) -> Tree {
    let mut tree = Tree::new(DEV);
    for line in lines {
        let line = format!("tc {}", line.replacen(' ', " add dev if3 ", 1));
        let mut script = Script::parse(&line).unwrap_or_else(|error| panic!("{line}: {error}"));
        script.lines[0].resolve(&|_| Some(Dev::index(DEV))).unwrap();
        let Command::Do { object, .. } = script.lines[0].command.clone() else { panic!("{line}") };
        assert_eq!(tree.push(object), None);
    }
    tree
}

/// A tree as the kernel lists it: with the classifiers' own lines, and u32's tables that packets enter.
fn now(lines: &[&str]) -> Device {
    let mut tree = tree(lines);
    let mut rows = std::collections::BTreeSet::new();
    for filter in tree.filters.clone() {
        if rows.insert(filter.row()) {
            let mut own = Filter { handle: 0, ..filter.clone() };
            own.kind =
                filter.kind.as_ref().map(|kind| crate::tc::FilterKind::named(kind.name().parse().unwrap()));
            tree.filters.insert(0, own.clone());
            if filter.u32().is_some() {
                let root = crate::tc::u32::U32::table(1);
                let number = 0x800 + (rows.len() as u32 - 1);
                tree.filters.insert(1, Filter { handle: number << 20, kind: Some(root.into()), ..own });
            }
        }
    }
    let setting =
        Setting { clock: Clock::KERNEL, mtu: 1500, header: Some(14), queue_len: 1000, r2q: 10, inner: false };
    Device { tree, setting }
}

/// The steps between two states of `dev if3`, without what they have in common.
fn plan(old: &[&str], new: &[&str]) -> Vec<String> {
    let steps = steps(&now(old), &tree(new));
    assert_eq!(steps.findings, []);
    steps.all().map(|step| step.to_string().replace(" dev if3", "").replacen("tc ", "", 1)).collect()
}

/// The steps between filters at an HTB with three classes.
fn filters(old: &[&str], new: &[&str]) -> Vec<String> {
    let full = |lines: &[&str]| -> Vec<String> {
        let lines = lines.iter().map(|line| format!("filter parent 1: {line}"));
        HTB.iter().map(|line| line.to_string()).chain(lines).collect()
    };
    let steps = plan(&refs(&full(old)), &refs(&full(new)));
    steps.iter().map(|step| step.replace("filter ", "").replace(" parent 1:", "")).collect()
}

fn refs(lines: &[String]) -> Vec<&str> {
    lines.iter().map(String::as_str).collect()
}

fn problems(old: &[&str], new: &Tree) -> Vec<String> {
    steps(&now(old), new).findings.into_iter().map(|finding| finding.problem).collect()
}

const HTB: [&str; 4] = [
    "qdisc root handle 1: htb",
    "class parent 1: classid 1:1 htb rate 1mbit",
    "class parent 1: classid 1:2 htb rate 1mbit",
    "class parent 1: classid 1:3 htb rate 1mbit",
];

const NONE: [&str; 0] = [];

#[test]
fn what_is_the_same_takes_no_step_whatever_the_kernel_numbered() {
    let old = [
        "prio 5 protocol ip handle 800::800 u32 ht 800: match u32 1 1 at 0 classid 1:1",
        "prio 49152 protocol all handle 801::800 u32 ht 801: match u32 1 1 at 0 classid 1:1",
    ];
    let new = ["prio 5 protocol ip u32 match u32 1 1 at 0 classid 1:1", "u32 match u32 1 1 at 0 classid 1:1"];
    assert_eq!(filters(&old, &new), NONE);
    let explicit = [
        "prio 5 protocol ip handle 800::800 u32 ht 800: match u32 1 1 at 0 classid 1:1",
        "prio 49152 handle 800::800 u32 match u32 1 1 at 0 classid 1:1",
    ];
    assert_eq!(filters(&old, &explicit), NONE);
}

#[test]
fn another_class_is_a_change_in_place() {
    let old = ["prio 5 protocol ip handle 800::800 u32 ht 800: match u32 1 1 at 0 classid 1:1"];
    let new = ["prio 5 protocol ip u32 match u32 1 1 at 0 classid 1:2"];
    let steps = filters(&old, &new);
    assert_eq!(
        steps,
        ["change protocol ip prio 5 handle 800::800 u32 match u32 0x00000001 0x00000001 at 0 classid 1:2"]
    );
    let old = ["prio 5 protocol ip handle 7 fw classid 1:1", "prio 5 protocol ip handle 8 fw classid 1:1"];
    let new = ["prio 5 protocol ip handle 8 fw classid 1:1", "prio 5 protocol ip handle 7 fw classid 1:2"];
    assert_eq!(filters(&old, &new), ["change protocol ip prio 5 handle 0x7 fw classid 1:2"]);
}

#[test]
fn filters_of_a_bucket_come_where_they_are_wanted() {
    let leaf = |handle: &str, key: u8| {
        format!("prio 5 protocol ip {handle} u32 match u32 {key} 0xff at 0 classid 1:1")
    };
    let old: Vec<String> = (0..4).map(|at| leaf(&format!("handle 800::80{at}"), at)).collect();
    let new = [leaf("", 0), leaf("", 2), leaf("", 9), leaf("", 3), leaf("", 8)];
    let steps = filters(&refs(&old), &refs(&new));
    // There is no room before the last, so that one is made anew.
    assert_eq!(
        steps,
        [
            "del protocol ip prio 5 handle 800::801 u32",
            "del protocol ip prio 5 handle 800::803 u32",
            "add protocol ip prio 5 handle 0::803 u32 match u32 0x00000009 0x000000ff at 0 classid 1:1",
            "add protocol ip prio 5 handle 0::804 u32 match u32 0x00000003 0x000000ff at 0 classid 1:1",
            "add protocol ip prio 5 handle 0::805 u32 match u32 0x00000008 0x000000ff at 0 classid 1:1",
        ]
    );
    let new = [leaf("", 0), leaf("", 3), leaf("", 8)];
    let steps = filters(&refs(&old), &refs(&new));
    assert_eq!(
        steps,
        [
            "add protocol ip prio 5 handle 0::804 u32 match u32 0x00000008 0x000000ff at 0 classid 1:1",
            "del protocol ip prio 5 handle 800::801 u32",
            "del protocol ip prio 5 handle 800::802 u32",
        ]
    );
}

#[test]
fn a_prio_of_another_kind_or_protocol_goes_as_a_whole() {
    let old = [
        "prio 5 protocol ip handle 7 fw classid 1:1",
        "prio 5 protocol ip handle 8 fw classid 1:1",
        "prio 6 protocol ip handle 8 fw classid 1:1",
    ];
    let new = ["prio 5 protocol ipv6 handle 7 fw classid 1:1"];
    assert_eq!(
        filters(&old, &new),
        [
            "del protocol ip prio 5",
            "add protocol ipv6 prio 5 handle 0x7 fw classid 1:1",
            "del protocol ip prio 6"
        ]
    );
    let masked =
        ["prio 5 protocol ip handle 7/0xff fw classid 1:1", "prio 6 protocol ip handle 8 fw classid 1:1"];
    assert_eq!(
        filters(&old, &masked),
        ["del protocol ip prio 5", "add protocol ip prio 5 handle 0x7/0xff fw classid 1:1"]
    );
    let legacy = ["prio 6 protocol ip fw"];
    assert_eq!(filters(&old[2..], &legacy), ["del protocol ip prio 6", "add protocol ip prio 6 fw"]);
    assert_eq!(filters(&legacy, &legacy), NONE);
    assert_eq!(filters(&legacy, &old[2..]), ["add protocol ip prio 6 handle 0x8 fw classid 1:1"]);
}

#[test]
fn filters_without_a_prio_stand_for_those_that_the_kernel_numbered_downwards() {
    let named = |prio: u16, class: u8| format!("prio {prio} protocol ip handle 9 fw classid 1:{class}");
    let free = |class: u8| format!("protocol ip handle 9 fw classid 1:{class}");
    let old = [named(49152, 1), named(49151, 2), named(49150, 3)];
    let plan = |new: &[String]| filters(&refs(&old), &refs(new));
    assert_eq!(plan(&[free(1), free(2), free(3)]), NONE);
    assert_eq!(plan(&[free(1), free(3)]), ["del protocol ip prio 49151"]);
    assert_eq!(
        plan(&[free(2), free(1)]),
        ["change protocol ip prio 49150 handle 0x9 fw classid 1:1", "del protocol ip prio 49152"]
    );
}

const TABLES: [&str; 6] = [
    "prio 5 protocol ip handle 7: u32 divisor 16",
    "prio 5 protocol ip handle 8: u32 divisor 16",
    "prio 5 protocol ip handle 7:3:800 u32 ht 7:3: match u32 3 0xff at 12 classid 1:1",
    "prio 5 protocol ip handle 8:3:800 u32 ht 8:3: match u32 3 0xff at 12 classid 1:1",
    "prio 5 protocol ip handle 800::800 u32 ht 800: match u8 6 0xff at 9 link 7: hashkey mask 0xf at 12",
    "prio 5 protocol ip handle 800::801 u32 ht 800: match u8 7 0xff at 9 link 8: hashkey mask 0xf at 12",
];

#[test]
fn a_table_with_another_divisor_is_made_anew_with_what_is_in_it_and_what_leads_to_it() {
    let mut new = TABLES;
    new[0] = "prio 5 protocol ip handle 7: u32 divisor 32";
    let steps = filters(&TABLES, &new);
    let starts = [
        "del protocol ip prio 5 handle 800::800 u32",
        "del protocol ip prio 5 handle 7: u32",
        "add protocol ip prio 5 handle 7: u32 divisor 32",
        "add protocol ip prio 5 handle 7:3:800 u32 ht 7:3:",
        "add protocol ip prio 5 handle 0::800 u32 match",
    ];
    assert_eq!(steps.len(), starts.len(), "{steps:?}");
    steps.iter().zip(starts).for_each(|(step, start)| assert!(step.starts_with(start), "{step} {start}"));
}

#[test]
fn tables_go_after_what_leads_to_them_and_whole_prios_at_once() {
    let without: Vec<&str> = [TABLES[0], TABLES[2], TABLES[4]].to_vec();
    assert_eq!(
        filters(&TABLES, &without),
        ["del protocol ip prio 5 handle 800::801 u32", "del protocol ip prio 5 handle 8: u32"]
    );
    assert_eq!(filters(&TABLES, &[]), ["del protocol ip prio 5"]);
    // Where u32 has another prio, tables would stay.
    let other = "prio 6 protocol ip u32 match u32 1 1 at 0 classid 1:2";
    let old: Vec<&str> = TABLES.iter().copied().chain([other]).collect();
    assert_eq!(
        filters(&old, &[other]),
        [
            "del protocol ip prio 5 handle 800::800 u32",
            "del protocol ip prio 5 handle 800::801 u32",
            "del protocol ip prio 5 handle 8: u32",
            "del protocol ip prio 5 handle 7: u32",
            "del protocol ip prio 5",
        ]
    );
}

#[test]
fn a_class_that_moves_is_let_go_first() {
    let old = [
        "qdisc root handle 1: htb",
        HTB[1],
        HTB[2],
        "filter parent 1: prio 5 protocol ip handle 7 fw classid 1:2",
        "filter parent 1: prio 5 protocol ip handle 8 fw classid 1:1",
    ];
    let mut new = old;
    new[2] = "class parent 1:1 classid 1:2 htb rate 1mbit";
    let steps = plan(&old, &new);
    assert_eq!(steps[0], "filter del parent 1: protocol ip prio 5 handle 0x7 fw");
    assert!(steps[1].starts_with("class del "), "{steps:?}");
    assert_eq!(steps[3..], ["filter add parent 1: protocol ip prio 5 handle 0x7 fw classid 1:2"]);
}

#[test]
fn chains_come_before_filters_and_go_with_theirs() {
    let old = [
        "qdisc clsact",
        "chain egress chain 4",
        "filter egress prio 1 chain 7 handle 7 fw classid 1:1",
        "chain egress chain 7",
    ];
    let new =
        ["qdisc clsact", "chain egress chain 5", "filter egress prio 1 chain 5 handle 7 fw classid 1:1"];
    assert_eq!(
        plan(&old, &new),
        [
            "chain add egress chain 5",
            "filter add egress prio 1 chain 5 handle 0x7 fw classid 1:1",
            "chain del egress chain 4",
            "chain del egress chain 7",
        ]
    );
    assert_eq!(plan(&old, &old), NONE);
}

#[test]
fn what_cannot_be_is_found() {
    let old = [
        HTB[0],
        "filter parent 1: prio 5 protocol ip handle 7: u32 divisor 16",
        "filter parent 1: prio 9 protocol ip u32 match u32 1 1 at 0 classid 1:1",
    ];
    let scoped = |lines: &[&str]| tree(lines).scope(Scope::default().prios(1..=4));
    assert_eq!(problems(&old, &scoped(&[HTB[0]])), NONE);
    assert!(steps(&now(&old), &scoped(&[HTB[0]])).all().next().is_none());
    assert_eq!(problems(&old, &scoped(&[HTB[0], old[1]])), [super::OUT_OF_SCOPE]);
    let table = "filter parent 1: prio 3 protocol ip handle 7: u32 divisor 16";
    assert_eq!(
        problems(&old, &scoped(&[HTB[0], table])),
        ["a table with this number is there, and outside of the tree's scope"]
    );
    let elsewhere = "filter parent 2: prio 3 protocol ip handle 7 fw classid 1:1";
    assert_eq!(problems(&old, &scoped(&[HTB[0], elsewhere])), [super::NO_PLACE]);
    assert_eq!(problems(&old, &scoped(&["qdisc root handle 2: htb"])).len(), 2);
}

#[test]
fn filters_at_qdiscs_of_others_are_theirs_unless_prios_or_chains_say_which_are_ours() {
    let own = "filter parent 1: prio 5 protocol ip handle 7 fw classid 1:1";
    let there = now(&[HTB[0], own]);
    let count = |scope: Scope| steps(&there, &tree(&[]).scope(scope)).all().count();
    let ours = || Scope::default().handles(2..=3);
    assert_eq!(count(ours()), 0);
    assert_eq!(count(ours().prios(5..=6)), 1);
    assert_eq!(count(ours().prios(6..=7)), 0);
    assert_eq!(count(ours().chains(0..=0)), 1);
    assert_eq!(problems(&[HTB[0]], &tree(&[own]).scope(ours())), [super::OUT_OF_SCOPE]);
}

#[test]
fn effects_say_what_happens_to_packets() {
    let wanted = |lines: &[&str]| {
        tree(
            &lines
                .iter()
                .map(|line| format!("filter parent 1: {line}"))
                .collect::<Vec<_>>()
                .iter()
                .map(String::as_str)
                .chain(HTB)
                .collect::<Vec<_>>(),
        )
    };
    let there = |lines: &[&str]| {
        now(&lines
            .iter()
            .map(|line| format!("filter parent 1: {line}"))
            .collect::<Vec<_>>()
            .iter()
            .map(String::as_str)
            .chain(HTB)
            .collect::<Vec<_>>())
    };
    let worst =
        |old: &[&str], new: &[&str]| steps(&there(old), &wanted(new)).all().map(|step| step.effect).max();
    assert_eq!(worst(&TABLES, &TABLES[..1]), Some(Effect::Disruptive));
    assert_eq!(worst(&TABLES, &[]), Some(Effect::InPlace));
    assert_eq!(worst(&[], &TABLES), Some(Effect::InPlace));
}

/// Would not end if each were compared with each.
#[test]
fn twenty_thousand_filters_are_compared() {
    let line = |at: u32, class: u32| {
        let (table, bucket) = (at / 128, at % 128);
        format!("filter parent 1: prio 5 protocol ip u32 ht {:x}:{bucket:x}: match u32 {at} 0xffffffff at 12 classid 1:{class}", table + 1)
    };
    let mut old: Vec<String> = (1..=256)
        .map(|table| format!("filter parent 1: prio 5 protocol ip handle {table:x}: u32 divisor 256"))
        .collect();
    old.extend((0..20_000).map(|at| line(at, 1)));
    let mut old = tree(&old.iter().map(String::as_str).chain(HTB).collect::<Vec<_>>());
    let mut wanted = old.clone();
    for filter in &mut old.filters {
        if let Some(ht) = filter.u32().and_then(|u32| u32.ht) {
            filter.handle = ht.raw() | 0x800;
        }
    }
    let old = Device { tree: old, ..now(&[]) };
    assert_eq!(steps(&old, &wanted).all().count(), 0);
    wanted.filters.reverse();
    assert_eq!(steps(&old, &wanted).all().count(), 0);
    // Those in the last tables, which stay.
    wanted.filters.drain(..5_000);
    assert_eq!(steps(&old, &wanted).all().count(), 5_000);
}

//! From any filters and chains to any others: the plan's steps, and then the state is that of a namespace that never had others.

#[path = "plan_filters/random.rs"]
mod random;

pub use random::compared;

use crate::common::{in_netns, ip, tc, trial, Outcome, Stop};
use crate::planning;
use crate::twice::skip_what_is_not_there;
use libtest_mimic::Trial;
use std::collections::BTreeMap;
use tcnl::command::{Command, Script};
use tcnl::netlink::Connection;
use tcnl::plan::{Effect, Plan, Scope, Tree};
use tcnl::tc::{Filter, FilterKind, Place, Qdisc};
use tcnl::units::{Dev, Handle};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("filters of u32 become others by their handles, their places and their meanings", leaves),
        trial("tables of u32 come, go and change with what leads to them", tables),
        trial("prios that the kernel chose stand for filters without one", automatic),
        trial("filters let go of classes that move or go", classes),
        trial("filters and chains on both sides of clsact are told apart", sides),
        trial("filters in shared blocks are planned", blocks),
        trial("marks and their masks are planned", marks),
        trial("fw in its old mode is planned where the kernel lists it", old_marks),
        trial("other people's filters stay", others),
        trial("from any filters to any other, as if they had been made afresh", random::any_to_any),
    ]
}

const HTB: [&str; 4] = [
    "qdisc root handle 1: htb",
    "class parent 1: classid 1:1 htb rate 2mbit",
    "class parent 1:1 classid 1:2 htb rate 1mbit",
    "class parent 1:1 classid 1:3 htb rate 1mbit",
];

/// What is wanted of `d0`: commands without `tc`, verb and device. A block is the filters' word `block`.
fn tree(nl: &mut Connection, lines: &[&str]) -> Result<Tree, Stop> {
    let dev = nl.link("d0")?.dev;
    let other = nl.link("i0")?.dev;
    let mut tree = Tree::new(dev);
    for line in lines {
        let at =
            if line.contains(" block ") && !line.starts_with("qdisc") { " add " } else { " add dev d0 " };
        let mut script = Script::parse(&format!("tc {}", line.replacen(' ', at, 1)))?;
        for line in &mut script.lines {
            line.resolve(&|name| Some(if name.as_str() == "d0" { dev } else { other }))?;
            if let Command::Do { object, .. } = &line.command {
                assert_eq!(tree.push(object.clone()), None);
            }
        }
    }
    Ok(tree)
}

fn links() -> Result<Connection, Stop> {
    ip("link add d0 type ifb")?;
    ip("link add i0 type ifb")?;
    ip("link set d0 up")?;
    Ok(Connection::open()?)
}

/// Makes it so, and gives the steps that it took.
fn apply(nl: &mut Connection, lines: &[&str]) -> Result<Plan, Stop> {
    let wanted = tree(nl, lines)?;
    let plan = planning::apply(nl, &wanted)?;
    assert_eq!(plan.findings(), [], "{lines:?}");
    Ok(plan)
}

/// The filters as text, with what the kernel chose told by its order only.
fn state(nl: &mut Connection) -> Result<Vec<String>, Stop> {
    told(nl, |node| node >= 0x800)
}

/// The same, with what it says of the numbers of u32's filters: which of them nobody has asked for.
fn told(nl: &mut Connection, is_chosen: fn(u32) -> bool) -> Result<Vec<String>, Stop> {
    let dev = nl.link("d0")?.dev;
    let mut all = Vec::new();
    for place in places(nl, dev)? {
        let mut filters: Vec<Filter> = nl.snapshot(tcnl::tc::Filters::at(place))?;
        filters.sort_by_key(|filter| (filter.chain, filter.prio, filter.handle));
        let mut ranks: BTreeMap<(Option<u32>, u16, u32), usize> = BTreeMap::new();
        let mut prios: BTreeMap<u16, u16> = BTreeMap::new();
        for filter in &filters {
            let next = prios.len() as u16;
            prios.entry(filter.prio).or_insert(next);
        }
        for mut filter in filters {
            let mut rank = 0;
            if let Some(FilterKind::U32(u32)) = &mut filter.kind {
                u32.counters = None;
                let bucket = filter.handle & 0xffff_f000;
                if filter.handle & 0xfff != 0 && is_chosen(filter.handle & 0xfff) {
                    let next = ranks.entry((filter.chain, filter.prio, bucket)).or_default();
                    (rank, *next) = (*next, *next + 1);
                    filter.handle = bucket;
                }
                if filter.handle >> 20 >= 0x800 {
                    (filter.handle, u32.ht) = (filter.handle & 0xfffff, None);
                }
            }
            if filter.prio >= 0x8000 {
                filter.prio = prios[&filter.prio];
            }
            all.push(format!("{} #{rank}", without_indexes(&filter.to_string())));
        }
        for chain in nl.snapshot(tcnl::tc::Chain::of(place))? {
            all.push(chain.to_string());
        }
    }
    all.sort();
    Ok(all)
}

/// The kernel chooses the numbers of actions.
fn without_indexes(text: &str) -> String {
    let mut parts = text.split(" index ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.trim_start_matches(|digit: char| digit.is_ascii_digit()))
}

fn places(nl: &mut Connection, dev: Dev) -> Result<Vec<Place>, Stop> {
    let mut places = Vec::new();
    for qdisc in nl.snapshot(Qdisc::of(dev))? {
        match qdisc.kind.as_ref().map(|kind| kind.name().to_owned()).as_deref() {
            Some("clsact") => {
                places.extend([Handle::MIN_INGRESS, Handle::MIN_EGRESS].map(|at| Place::on(dev, at)))
            }
            Some("ingress") => places.push(Place::on(dev, Handle::MIN_INGRESS)),
            Some("htb") => places.push(Place::on(dev, qdisc.handle)),
            _ => (),
        }
        places.extend([qdisc.ingress_block, qdisc.egress_block].into_iter().flatten().map(Place::Block));
    }
    Ok(places)
}

/// From each of the states to the next, in so many steps, and back from the last to the first.
fn through(common: &[&str], states: &[(&[&str], usize)]) -> Outcome {
    let mut nl = links()?;
    let (first, _) = states.last().ok_or("no states")?;
    let all = [common, first].concat();
    apply(&mut nl, &all).map_err(skip_what_is_not_there)?;
    for (lines, count) in states {
        let lines = [common, lines].concat();
        let plan = apply(&mut nl, &lines).map_err(skip_what_is_not_there)?;
        assert_eq!(plan.steps().len(), *count, "steps to {lines:#?}:\n{plan}");
        let is = state(&mut nl)?;
        let fresh = in_netns(|| {
            let mut nl = links()?;
            apply(&mut nl, &lines)?;
            state(&mut nl)
        })?;
        assert_eq!(is, fresh, "after\n{plan}and as it is when nothing was there before");
    }
    Ok(())
}

fn leaves() -> Outcome {
    const A: &str = "filter parent 1: prio 5 protocol ip u32 match u32 1 0xff at 12 classid 1:2";
    const A3: &str = "filter parent 1: prio 5 protocol ip u32 match u32 1 0xff at 12 classid 1:3";
    const B: &str = "filter parent 1: prio 5 protocol ip u32 match u32 2 0xff at 12 classid 1:2";
    const C: &str = "filter parent 1: prio 5 protocol ip u32 match u32 3 0xff at 12 classid 1:2";
    const D: &str = "filter parent 1: prio 5 protocol ip handle ::7 u32 match u32 4 0xff at 12 classid 1:2";
    const D6: &str =
        "filter parent 1: prio 5 protocol ipv6 handle ::7 u32 match u32 4 0xff at 12 classid 1:2";
    const O: &str = "filter parent 1: prio 6 protocol ip u32 match u32 5 0xff at 12 classid 1:2";
    through(
        &HTB,
        &[
            (&[A, B, C], 5),
            (&[A3, B, C], 1),
            (&[A3, C], 1),
            (&[A3, C, B], 1),
            (&[D, A3, C, B, O], 2),
            (&[D, C, B, O], 1),
            (&[B, C, D, O], 2),
            (&[O], 1),
            (&[D6, O], 1),
            (&[D, O], 2),
            (&[], 2),
            (&[D6, O], 2),
        ],
    )
}

fn tables() -> Outcome {
    const T7: &str = "filter parent 1: prio 5 protocol ip handle 7: u32 divisor 16";
    const T7B: &str = "filter parent 1: prio 5 protocol ip handle 7: u32 divisor 32";
    const L7: &str = "filter parent 1: prio 5 protocol ip u32 ht 7:3: match u32 3 0xff at 12 classid 1:2";
    const L7C: &str = "filter parent 1: prio 5 protocol ip u32 ht 7:3: match u32 3 0xff at 12 classid 1:3";
    const K7: &str =
        "filter parent 1: prio 5 protocol ip u32 match u8 6 0xff at 9 link 7: hashkey mask 0xf at 12";
    const K8: &str =
        "filter parent 1: prio 5 protocol ip u32 ht 7:4: match u8 6 0xff at 9 link 8: hashkey mask 0xf at 12";
    const T8: &str = "filter parent 1: prio 5 protocol ip handle 8: u32 divisor 1";
    const O: &str = "filter parent 1: prio 6 protocol ip u32 match u32 5 0xff at 12 classid 1:2";
    const T7X: &str = "filter parent 1: prio 9 protocol ip handle 7: u32 divisor 16";
    through(
        &HTB,
        &[
            (&[T7, L7, K7], 3),
            (&[T7, L7C, K7], 1),
            // Nothing would be left of prio 5, and with it its table would go: all of it at once.
            (&[T7B, L7C, K7, O], 5),
            (&[T7B, L7C, K7, T8, K8, O], 2),
            (&[T7B, L7, O], 4),
            (&[T7B, T8, L7C, K8, K7, O], 4),
            // All of prio 5, which takes its tables along only by name.
            (&[O], 4),
            (&[T7, T8, L7, K8, K7, O], 5),
            (&[T7X, O], 5),
            (&[O], 2),
            (&[T7, T8, L7, K8, K7], 6),
            (&[], 1),
        ],
    )
}

fn automatic() -> Outcome {
    const A: &str = "filter parent 1: protocol ip u32 match u32 1 0xff at 12 classid 1:2";
    const A3: &str = "filter parent 1: protocol ip u32 match u32 1 0xff at 12 classid 1:3";
    const B: &str = "filter parent 1: protocol ip u32 match u32 2 0xff at 12 classid 1:2";
    const C: &str = "filter parent 1: u32 match u32 3 0xff at 12 classid 1:2";
    through(
        &HTB,
        &[(&[A, B, C], 3), (&[A3, B, C], 1), (&[A3, C], 1), (&[A3, C, B], 1), (&[C, B, A], 2), (&[], 3)],
    )
}

fn classes() -> Outcome {
    const A: &str = "filter parent 1: prio 5 protocol ip u32 match u32 1 0xff at 12 classid 1:2";
    const A1: &str = "filter parent 1: prio 5 protocol ip u32 match u32 1 0xff at 12 classid 1:1";
    const B: &str = "filter parent 1: prio 5 protocol ip u32 match u32 2 0xff at 12 classid 1:3";
    const MOVED: &str = "class parent 1: classid 1:2 htb rate 1mbit";
    through(
        &HTB[..2],
        &[
            (&[HTB[2], HTB[3], A, B], 4),
            // Filter, class, class, filter.
            (&[MOVED, HTB[3], A, B], 4),
            (&[HTB[3], A1, B], 2),
            (&[A1], 2),
        ],
    )
}

fn sides() -> Outcome {
    const Q: [&str; 1] = ["qdisc clsact"];
    const IN: &str =
        "filter ingress prio 3 protocol ip u32 match u32 1 0xff at 12 action mirred egress redirect dev i0";
    const IN2: &str =
        "filter ingress prio 3 protocol ip u32 match u32 1 0xff at 12 action mirred egress mirror dev i0";
    const OUT: &str =
        "filter egress prio 3 protocol ip u32 match u32 2 0xff at 12 action mirred egress redirect dev i0";
    const DEEP: &str =
        "filter egress prio 3 protocol ip chain 4 u32 match u32 2 0xff at 12 action mirred egress redirect dev i0";
    const TABLE: &str = "filter egress prio 3 protocol ip handle 7: u32 divisor 16";
    const LEAF: &str = "filter egress prio 3 protocol ip u32 ht 7:3: match u32 3 0xff at 12 action mirred egress redirect dev i0";
    const LINK: &str =
        "filter egress prio 3 protocol ip u32 match u8 6 0xff at 9 link 7: hashkey mask 0xf at 12";
    const CHAIN: &str = "chain egress chain 9";
    through(
        &Q,
        &[
            (&[IN, OUT], 2),
            (&[IN2, OUT], 1),
            (&[IN2, OUT, DEEP, CHAIN], 2),
            (&[IN2, TABLE, LEAF, LINK, DEEP], 5),
            (&[IN2, OUT], 4),
            (&[OUT, DEEP], 2),
            (&[], 2),
        ],
    )
}

fn blocks() -> Outcome {
    const A: &str =
        "filter block 7 prio 3 protocol ip u32 match u32 1 0xff at 12 action mirred egress redirect dev i0";
    const B: &str =
        "filter block 7 prio 4 protocol ip u32 match u32 1 0xff at 12 action mirred egress redirect dev i0";
    const Q: &str = "qdisc ingress_block 7 clsact";
    through(&[Q], &[(&[A, B], 2), (&[B], 1), (&[], 1)])
}

fn marks() -> Outcome {
    const A: &str = "filter parent 1: prio 5 protocol ip handle 7 fw classid 1:2";
    const A3: &str = "filter parent 1: prio 5 protocol ip handle 7 fw classid 1:3";
    const B: &str = "filter parent 1: prio 5 protocol ip handle 8 fw classid 1:2";
    const M: &str = "filter parent 1: prio 5 protocol ip handle 8/0xff fw classid 1:2";
    through(&HTB, &[(&[A, B], 2), (&[A3, B], 1), (&[B], 1), (&[M], 2), (&[A, B], 3), (&[], 1)])
}

/// Debian's kernels refuse to list such a filter: its message has no end (`fw_dump` of `net/sched/cls_fw.c`).
fn old_marks() -> Outcome {
    const A: &str = "filter parent 1: prio 5 protocol ip handle 7 fw classid 1:2";
    const L: &str = "filter parent 1: prio 5 protocol ip fw";
    through(&HTB, &[(&[A], 1), (&[L], 2), (&[A], 2), (&[], 1), (&[L], 1), (&[], 1)])
        .map_err(|stop| stop.skip_if("Message too long"))
}

fn others() -> Outcome {
    let mut nl = links()?;
    apply(&mut nl, &HTB)?;
    tc("filter add dev d0 parent 1: prio 200 protocol ip handle 7: u32 divisor 16")?;
    tc("filter add dev d0 parent 1: prio 200 protocol ip u32 match u32 1 0xff at 12 classid 1:2")?;
    let ours = |nl: &mut Connection, lines: &[&str]| -> Result<Plan, Stop> {
        let tree = tree(nl, &[&HTB[..], lines].concat())?;
        Ok(Plan::new(nl, tree.scope(Scope::default().prios(1..=99)))?)
    };
    let filter = "filter parent 1: prio 5 protocol ip u32 match u32 1 0xff at 12 classid 1:2";
    let table = "filter parent 1: prio 5 protocol ip handle 7: u32 divisor 16";
    let plan = ours(&mut nl, &[filter])?;
    assert_eq!((plan.steps().len(), plan.effect()), (1, Effect::InPlace));
    plan.apply(&mut nl, |_| ()).map_err(|error| error.to_string())?;
    assert_eq!(ours(&mut nl, &[table])?.findings().len(), 1);
    let plan = ours(&mut nl, &[])?;
    assert_eq!(plan.steps().len(), 1, "{plan}");
    plan.apply(&mut nl, |_| ()).map_err(|error| error.to_string())?;
    let left = tc("filter show dev d0 parent 1:")?;
    assert!(left.contains("pref 200") && left.contains("flowid 1:2") && !left.contains("pref 5 "), "{left}");
    // A foreign filter holds the class.
    let without = tree(&mut nl, &HTB[..2])?.scope(Scope::default().prios(1..=99));
    let findings = Plan::new(&mut nl, without)?;
    assert_eq!(findings.findings().len(), 1, "{findings}");
    Ok(())
}

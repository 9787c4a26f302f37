//! Plans: from what is to what shall be, on the running kernel.

use crate::common::{in_netns, ip, trial, Outcome, Stop};
use libtest_mimic::Trial;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use tcnl::command::{Script, VisitObject};
use tcnl::netlink::Connection;
use tcnl::plan::{Desired, Effect, Plan, Tree};
use tcnl::request::{Spoken, Verb};
use tcnl::tc::{Class, Filter, Qdisc};
use tcnl::text::Show;
use tcnl::units::Handle;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("a tree is made, and is then as it shall be", made),
        trial("what differs is changed where it stands", changed),
        trial("what the kernel cannot change is made anew, and nothing else", anew),
        trial("a class is moved with all that stands in it", moved),
        trial("what fails is undone", undone),
        trial("a failure at any step is undone", fails_anywhere),
        trial("what was killed half-way is finished by the next plan", killed),
        trial("from any tree to any other, as if it had been made afresh", any_to_any),
    ]
}

/// The device that all is done to.
const DEV: &str = "ip link add name d0 mtu 1500 txqueuelen 1000 type ifb";

fn open() -> Result<Connection, Stop> {
    ip(&DEV["ip ".len()..])?;
    Ok(Connection::open()?)
}

/// The tree that these commands make.
fn tree(nl: &mut Connection, commands: &str) -> Result<Tree, Stop> {
    let dev = nl.link("d0")?.dev;
    let script: Script = Script::parse(commands)?;
    let desired = Desired::from_script(&script, &|_| Some(dev))?;
    Ok(desired.trees.into_iter().next().unwrap_or_else(|| Tree::new(dev)))
}

/// Applies, and sees that nothing is left to do. Gives the steps that were made.
fn apply(nl: &mut Connection, tree: &Tree) -> Result<Plan, Stop> {
    let plan = Plan::new(nl, tree.clone())?;
    plan.apply(nl, |_| ()).map_err(|error| Stop::Fail(format!("{error}\nof\n{plan}")))?;
    let again = Plan::new(nl, tree.clone())?;
    match again.is_empty() {
        true => Ok(plan),
        false => Err(Stop::Fail(format!("after\n{plan}there is still\n{again}"))),
    }
}

/// What there is, as commands: everything that the kernel lists.
fn state(nl: &mut Connection) -> Result<Vec<String>, Stop> {
    let dev = nl.link("d0")?.dev;
    let mut all = Vec::new();
    for qdisc in nl.snapshot(Qdisc::of(dev))? {
        if qdisc.handle != Handle::UNSPEC {
            all.push(qdisc.to_string());
        }
    }
    for class in nl.snapshot(Class::of(dev))? {
        all.push(class.to_string());
    }
    for parent in [Handle::UNSPEC, Handle::MIN_INGRESS] {
        for filter in nl.snapshot(Filter::of(dev).parent(parent))? {
            all.push(filter.to_string());
        }
    }
    all.sort();
    Ok(all)
}

const BASE: &str = "
    tc qdisc add dev d0 root handle 1: htb default 0x20
    tc class add dev d0 parent 1: classid 1:1 htb rate 100mbit
    tc class add dev d0 parent 1:1 classid 1:10 htb rate 30mbit ceil 100mbit burst 15k
    tc class add dev d0 parent 1:1 classid 1:20 htb rate 70mbit ceil 100mbit prio 2
    tc qdisc add dev d0 parent 1:10 handle 10: pfifo limit 50
    tc qdisc add dev d0 parent 1:20 tbf rate 60mbit burst 20k latency 20ms
    ";

fn made() -> Outcome {
    let mut nl = open()?;
    let base = tree(&mut nl, BASE)?;
    let plan = apply(&mut nl, &base)?;
    assert_eq!(plan.steps().len(), 6, "{plan}");
    assert_eq!(plan.effect(), Effect::InPlace);
    let dev = base.dev();
    let plan = apply(&mut nl, &Tree::new(dev))?;
    assert_eq!(plan.to_string(), "tc qdisc del dev d0 root handle 1:\n");
    assert_eq!(plan.effect(), Effect::Disruptive);
    assert!(state(&mut nl)?.is_empty());
    Ok(())
}

fn changed() -> Outcome {
    let mut nl = open()?;
    let base = tree(&mut nl, BASE)?;
    apply(&mut nl, &base)?;
    let other = BASE.replace("70mbit", "60mbit").replace("limit 50", "limit 60");
    let other = tree(&mut nl, &other)?;
    let plan = Plan::new(&mut nl, other)?;
    assert_eq!(
        plan.to_string(),
        "tc class change dev d0 parent 1:1 classid 1:20 htb rate 60Mbit ceil 100Mbit prio 2\n\
         tc qdisc change dev d0 parent 1:10 handle 10: pfifo limit 60\n"
    );
    assert_eq!(plan.effect(), Effect::InPlace);
    plan.apply(&mut nl, |_| ())?;
    assert!(Plan::new(&mut nl, plan.desired().clone())?.is_empty());
    Ok(())
}

fn anew() -> Outcome {
    let mut nl = open()?;
    let base = tree(&mut nl, BASE)?;
    apply(&mut nl, &base)?;
    let other = tree(&mut nl, &BASE.replace("handle 10: pfifo limit 50", "handle 30: bfifo limit 5000"))?;
    let plan = apply(&mut nl, &other)?;
    assert_eq!(plan.to_string(), "tc qdisc replace dev d0 parent 1:10 handle 30: bfifo limit 5000b\n");
    assert_eq!(plan.effect(), Effect::Replacing);
    let root = tree(&mut nl, &BASE.replace("default 0x20", "default 0x10"))?;
    let plan = apply(&mut nl, &root)?;
    assert_eq!(plan.effect(), Effect::Disruptive);
    assert_eq!(plan.steps().len(), 7, "{plan}");
    Ok(())
}

fn moved() -> Outcome {
    let mut nl = open()?;
    let base = tree(&mut nl, BASE)?;
    apply(&mut nl, &base)?;
    let other = tree(&mut nl, &BASE.replace("parent 1:1 classid 1:10", "parent 1: classid 1:10"))?;
    let plan = apply(&mut nl, &other)?;
    assert_eq!(
        plan.to_string(),
        "tc class del dev d0 classid 1:10\n\
         tc class add dev d0 parent 1: classid 1:10 htb rate 30Mbit ceil 100Mbit burst 15Kb\n\
         tc qdisc add dev d0 parent 1:10 handle 10: pfifo limit 50\n"
    );
    Ok(())
}

fn undone() -> Outcome {
    let mut nl = open()?;
    let base = tree(&mut nl, BASE)?;
    apply(&mut nl, &base)?;
    let before = state(&mut nl)?;
    // The kernel has no such kind; what is before it in the plan is done and undone.
    let other = tree(
        &mut nl,
        &BASE
            .replace("parent 1:1 classid 1:10", "parent 1: classid 1:10")
            .replace("70mbit", "60mbit")
            .replace("handle 10: pfifo limit 50", "handle 10: pfifo_slow"),
    )?;
    let plan = Plan::new(&mut nl, other)?;
    let error = plan.apply(&mut nl, |_| ()).expect_err("a kind that is not there");
    assert!(error.to_string().contains("pfifo_slow"), "{error}");
    assert!(error.to_string().ends_with("all is as it was before"), "{error}");
    assert_eq!(state(&mut nl)?, before);
    Ok(())
}

const OTHER: &str = "
    tc qdisc add dev d0 root handle 1: htb default 0x20
    tc class add dev d0 parent 1: classid 1:1 htb rate 90mbit
    tc class add dev d0 parent 1: classid 1:10 htb rate 30mbit ceil 100mbit
    tc class add dev d0 parent 1:1 classid 1:20 htb rate 60mbit
    tc class add dev d0 parent 1:1 classid 1:30 htb rate 10mbit
    tc qdisc add dev d0 parent 1:20 handle 20: bfifo limit 5000
    tc qdisc add dev d0 parent 1:30 handle 30: htb
    tc class add dev d0 parent 30: classid 30:1 htb rate 5mbit
    tc filter add dev d0 parent 1: prio 1 protocol ip u32 match ip dst 192.0.2.1/32 classid 1:10
    tc filter add dev d0 parent 1: prio 2 protocol ip u32 match ip dst 192.0.2.2/32 classid 1:30
    ";

/// Each line in turn is of a kind that the kernel does not have.
fn fails_anywhere() -> Outcome {
    let mut nl = open()?;
    let base = format!("{BASE}tc filter add dev d0 parent 1: prio 1 protocol ip u32 match ip dst 192.0.2.9/32 classid 1:10\n");
    let base = tree(&mut nl, &base)?;
    apply(&mut nl, &base)?;
    let before = state(&mut nl)?;
    let lines: Vec<&str> = OTHER.lines().filter(|line| !line.trim().is_empty()).collect();
    for wrong in 0..lines.len() {
        let said: Vec<String> = lines
            .iter()
            .enumerate()
            .map(|(number, line)| match number == wrong {
                true => line
                    .replace(" htb", " nosuch")
                    .replace(" bfifo", " nosuch")
                    .split("nosuch")
                    .next()
                    .map_or_else(String::new, |head| match head.len() == line.len() {
                        // A filter: the class is right, the table is not there.
                        true => line.replace("u32 ", "u32 link 77: "),
                        false => format!("{head}nosuch"),
                    }),
                false => (*line).to_owned(),
            })
            .collect();
        let wanted = tree(&mut nl, &said.join("\n"))?;
        let plan = Plan::new(&mut nl, wanted)?;
        let error = plan.apply(&mut nl, |_| ()).expect_err("a kind that is not there");
        let text = error.to_string();
        if !(text.ends_with("all is as it was before") || text.starts_with("nothing was done")) {
            return Err(Stop::Fail(format!("{text}\nof\n{plan}")));
        }
        if plain(&state(&mut nl)?) != plain(&before) {
            return Err(Stop::Fail(format!("{plan}left behind\n{:#?}\nnot\n{before:#?}", state(&mut nl)?)));
        }
    }
    Ok(())
}

/// Only some of the steps are made, each number of them in turn.
fn killed() -> Outcome {
    let afresh = in_netns(|| {
        let mut nl = open()?;
        let wanted = tree(&mut nl, OTHER)?;
        apply(&mut nl, &wanted)?;
        state(&mut nl)
    })?;
    let steps = in_netns(|| Ok(half_way(usize::MAX)?.1))?;
    for some in 0..=steps {
        let (state, _) = in_netns(|| half_way(some))?;
        if plain(&state) != plain(&afresh) {
            return Err(Stop::Fail(format!("after {some} steps it ends as\n{state:#?}\nnot\n{afresh:#?}")));
        }
    }
    Ok(())
}

fn half_way(some: usize) -> Result<(Vec<String>, usize), Stop> {
    let mut nl = open()?;
    let old = tree(&mut nl, BASE)?;
    let new = tree(&mut nl, OTHER)?;
    apply(&mut nl, &old)?;
    let plan = Plan::new(&mut nl, new.clone())?;
    for step in plan.steps().iter().take(some) {
        step.object.visit(Make(&mut nl, step.verb))?;
    }
    apply(&mut nl, &new)?;
    Ok((state(&mut nl)?, plan.steps().len()))
}

struct Make<'a>(&'a mut Connection, Verb);

impl VisitObject for Make<'_> {
    type Out = Outcome;
    fn object<O: Spoken + Show>(self, object: &O) -> Outcome {
        self.0.request(self.1, object)?;
        Ok(())
    }
}

/// A class below the one of this number (0 is the qdisc), with some options and perhaps a queue.
type Node = (u8, u8, u8, Option<u8>);

fn trees() -> impl Strategy<Value = Vec<Node>> {
    prop::collection::vec((any::<u8>(), 0..4u8, 0..3u8, prop::option::of(0..4u8)), 0..9)
}

fn words((root, nodes): &(u8, Vec<Node>)) -> String {
    use std::fmt::Write;
    let mut text = match root % 4 {
        0 => return String::new(),
        1 => "tc qdisc add dev d0 root handle 1: htb\n".to_owned(),
        2 => "tc qdisc add dev d0 root handle 1: htb default 0x2 r2q 5\n".to_owned(),
        _ => "tc qdisc add dev d0 root handle 2: htb\n".to_owned(),
    };
    let major = if root % 4 == 3 { 2 } else { 1 };
    let parents: Vec<usize> =
        nodes.iter().enumerate().map(|(i, node)| usize::from(node.0) % (i.min(5) + 1)).collect();
    for (i, (_, rate, prio, queue)) in nodes.iter().enumerate() {
        let (parent, id) = (parents[i], i + 1);
        let rate = ["1mbit", "10mbit", "1gbit", "40gbit"][usize::from(*rate)];
        writeln!(text, "tc class add dev d0 parent {major}:{parent:x} classid {major}:{id:x} htb rate {rate} prio {prio}").unwrap();
        let is_leaf = !parents.contains(&id);
        if let Some(queue) = queue.filter(|_| is_leaf) {
            let handle = if queue % 2 == 0 { String::new() } else { format!("handle {:x}: ", 0x10 + id) };
            let kind = ["pfifo limit 7", "bfifo limit 9000", "pfifo", "tbf rate 1mbit burst 10k limit 20k"]
                [usize::from(queue)];
            writeln!(text, "tc qdisc add dev d0 parent {major}:{id:x} {handle}{kind}").unwrap();
        }
    }
    text
}

fn any_to_any() -> Outcome {
    let config =
        Config { cases: 60, rng_seed: RngSeed::Fixed(7), failure_persistence: None, ..Config::default() };
    let pairs = ((any::<u8>(), trees()), (any::<u8>(), trees()));
    TestRunner::new(config).run(&pairs, |(a, b)| {
        from_to(&words(&a), &words(&b)).map_err(|stop| TestCaseError::fail(format!("{stop:?}")))
    })?;
    Ok(())
}

fn from_to(a: &str, b: &str) -> Outcome {
    let afresh = in_netns(|| {
        let mut nl = open()?;
        let wanted = tree(&mut nl, b)?;
        apply(&mut nl, &wanted)?;
        state(&mut nl)
    })?;
    let changed = in_netns(|| {
        let mut nl = open()?;
        let old = tree(&mut nl, a)?;
        let new = tree(&mut nl, b)?;
        apply(&mut nl, &old)?;
        let plan = apply(&mut nl, &new)?;
        Ok((state(&mut nl)?, plan.to_string()))
    })?;
    match plain(&changed.0) == plain(&afresh) {
        true => Ok(()),
        false => Err(Stop::Fail(format!(
            "{a}\nto\n{b}\nby\n{}\nis\n{:#?}\nnot\n{afresh:#?}",
            changed.1, changed.0
        ))),
    }
}

/// A state without what has no meaning and need not be the same: the handles that the kernel chooses, u32's among them, and what a class with classes
/// has kept of the time when it had none.
fn plain(state: &[String]) -> Vec<String> {
    let word = |text: &str, before: &str| -> String {
        text.split(' ').skip_while(|word| *word != before).nth(1).unwrap_or_default().to_owned()
    };
    let parents: Vec<String> = state.iter().map(|text| word(text, "parent")).collect();
    let mut plain: Vec<String> = state
        .iter()
        .map(|text| {
            let mut meaningless: Vec<&str> = Vec::new();
            if word(text, "handle").len() == 5 {
                meaningless.push("handle");
            }
            // u32 numbers its tables in the order in which they are made.
            if text.starts_with("tc filter") {
                meaningless.extend(["handle", "ht"]);
            }
            if parents.contains(&word(text, "classid")) {
                meaningless.extend(["quantum", "prio"]);
            }
            meaningless
                .iter()
                .fold(text.clone(), |text, name| text.replace(&format!(" {name} {}", word(&text, name)), ""))
        })
        .collect();
    plain.sort();
    plain
}

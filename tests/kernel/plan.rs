//! Plans: from what is to what shall be, on the running kernel.

#[path = "plan/failing.rs"]
mod failing;
#[path = "plan/random.rs"]
pub mod random;

use crate::common::{in_netns, ip, trial, Outcome, Stop};
use crate::planning::apply;
use libtest_mimic::Trial;
use tcnl::command::{Script, VisitObject};
use tcnl::netlink::Connection;
use tcnl::plan::{Desired, Effect, Plan, Tree};
use tcnl::request::{Spoken, Verb};
use tcnl::tc::{Class, Filter, Qdisc};
use tcnl::text::Show;
use tcnl::units::{Dev, Handle, Name};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("a tree is made, and is then as it shall be", made),
        trial("what differs is changed where it stands", changed),
        trial("what the kernel cannot change is made anew, and nothing else", anew),
        trial("a class is moved with all that stands in it", moved),
        trial("a plan is shown as a tree, with all of its steps", shown),
        trial("what fails is undone", failing::undone),
        trial("a failure at any step is undone", failing::anywhere),
        trial("what the kernel lacks is found before anything is sent", failing::lacking),
        trial("what was killed half-way is finished by the next plan", killed),
        trial("from any tree to any other, as if it had been made afresh", random::any_to_any),
    ]
}

/// All is done to the device `d0`.
pub fn open() -> Result<Connection, Stop> {
    for dev in ["d0", "d1"] {
        ip(&format!("link add name {dev} mtu 1500 txqueuelen 1000 type ifb"))?;
    }
    Ok(Connection::open()?)
}

/// What these commands leave behind. The tree of `d0` is there also if they say nothing of it.
pub fn desired(nl: &mut Connection, commands: &str) -> Result<Desired, Stop> {
    let (ours, other) = (nl.link("d0")?.dev, nl.link("d1")?.dev);
    let script: Script = Script::parse(commands)?;
    let find = |name: Name| Some(if name == *"d0" { ours } else { other });
    let mut desired = Desired::from_script(&script, &find)?;
    if !desired.trees.iter().any(|tree| tree.dev() == ours) {
        desired.trees.insert(0, Tree::new(ours));
    }
    Ok(desired)
}

/// The tree that these commands make.
fn tree(nl: &mut Connection, commands: &str) -> Result<Tree, Stop> {
    Ok(desired(nl, commands)?.trees.remove(0))
}

/// What there is, as commands: everything that the kernel lists.
pub fn state(nl: &mut Connection) -> Result<Vec<String>, Stop> {
    let dev = nl.link("d0")?.dev;
    let mut all = queues(nl, dev)?;
    for parent in [Handle::UNSPEC, Handle::MIN_INGRESS] {
        for filter in nl.snapshot(Filter::of(dev).parent(parent))? {
            all.push(filter.to_string());
        }
    }
    all.sort();
    Ok(all)
}

/// The qdiscs and classes.
pub fn queues(nl: &mut Connection, dev: Dev) -> Result<Vec<String>, Stop> {
    let mut all = Vec::new();
    for qdisc in nl.snapshot(Qdisc::of(dev))? {
        if qdisc.handle != Handle::UNSPEC {
            all.push(qdisc.to_string());
        }
    }
    for class in nl.snapshot(Class::of(dev))? {
        all.push(class.to_string());
    }
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

fn shown() -> Outcome {
    let mut nl = open()?;
    let before = tree(
        &mut nl,
        "tc qdisc add dev d0 root handle 1: htb default 0x10
        tc class add dev d0 parent 1: classid 1:10 htb rate 1mbit
        tc qdisc add dev d0 parent 1:10 handle 10: pfifo limit 30
        tc qdisc add dev d0 ingress_block 22 clsact
        tc filter add dev d0 parent 1: protocol ip prio 9 u32 match ip dst 192.0.2.9/32 classid 1:10",
    )?;
    apply(&mut nl, &before)?;
    let after = tree(
        &mut nl,
        "tc qdisc add dev d0 root handle 1: htb default 0x10
        tc class add dev d0 parent 1: classid 1:10 htb rate 1mbit
        tc class add dev d0 parent 1: classid 1:20 htb rate 2mbit
        tc qdisc add dev d0 parent 1:10 handle 11: pfifo limit 30
        tc qdisc add dev d0 parent 1:20 handle 20: pfifo limit 30
        tc qdisc add dev d0 ingress_block 22 clsact
        tc filter add dev d0 parent 1: protocol ip prio 1 u32 match ip dst 192.0.2.1/32 classid 1:10
        tc filter add dev d0 parent 1: protocol ip prio 1 u32 match ip dst 192.0.2.2/32 classid 1:20
        tc filter add dev d0 parent 1: protocol ip prio 1 chain 3 u32 match ip dst 192.0.2.3/32 classid 1:20
        tc filter add block 22 protocol ip prio 1 u32 match ip src 192.0.2.4/32 action drop",
    )?;
    let plan = Plan::new(&mut nl, after)?;
    let shown = plan.tree().to_string();
    assert_eq!(
        shown,
        "  d0
    qdisc 1: htb default 0x10
      class 1:10 htb rate 1Mbit
~       qdisc 11: pfifo limit 30  (replacing: another one is there)
+     class 1:20 htb rate 2Mbit  (it is not there)
+       qdisc 20: pfifo limit 30  (it is not there)
+     filter protocol ip prio 1 u32 match u32 0xc0000201 0xffffffff at 16 classid 1:10  (it is not there)
+     filter protocol ip prio 1 u32 match u32 0xc0000202 0xffffffff at 16 classid 1:20  (it is not there)
-     filter protocol ip prio 9  (it is not wanted)
+     filter protocol ip prio 1 chain 3 u32 match u32 0xc0000203 0xffffffff at 16 classid 1:20  (it is not there)
    block 22
+     filter protocol ip prio 1 u32 match u32 0xc0000204 0xffffffff at 12 action gact drop  (it is not there)
"
    );
    assert_eq!(shown.lines().filter(|line| !line.starts_with(' ')).count(), plan.steps().len());
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

/// A state without what has no meaning and need not be the same: the handles that the kernel chooses, u32's among them, and what a class with classes
/// has kept of the time when it had none.
pub fn plain(state: &[String]) -> Vec<String> {
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

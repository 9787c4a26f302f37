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
            own.kind = filter.kind.as_ref().map(|kind| crate::tc::FilterKind::named(kind.name().parse().unwrap()));
            tree.filters.insert(0, own.clone());
            if filter.u32().is_some() {
                let root = crate::tc::u32::U32::table(1);
                let number = 0x800 + (rows.len() as u32 - 1);
                tree.filters.insert(1, Filter { handle: number << 20, kind: Some(root.into()), ..own });
            }
        }
    }
    let setting = Setting { clock: Clock::KERNEL, mtu: 1500, header: Some(14), queue_len: 1000, r2q: 10, inner: false };
    Device { tree, setting }
}

fn plan(old: &[&str], new: &[&str]) -> Vec<String> {
    let steps = steps(&now(old), &tree(new));
    assert_eq!(steps.findings, []);
    steps.all().map(|step| step.to_string().replace(" dev if3", "").replace("tc filter ", "")).collect()
}

const HTB: &str = "qdisc root handle 1: htb";

#[test]
fn what_is_the_same_takes_no_step() {
    let _ = (Effect::InPlace, Scope::default());
    let filters = [HTB, "filter parent 1: prio 5 protocol ip handle 800::800 u32 ht 800: match u32 1 1 at 0 classid 1:1"];
    let wanted = [HTB, "filter parent 1: prio 5 protocol ip u32 match u32 1 1 at 0 classid 1:1"];
    assert_eq!(plan(&filters, &wanted), [""; 0]);
}

//! What fails: before anything is sent, or at any of the steps.

use super::{open, plain, state, tree, Make, BASE, OTHER};
use crate::common::{ip, tc, Outcome, Stop};
use crate::planning::apply;
use tcnl::command::AnyObject;
use tcnl::netlink::Connection;
use tcnl::plan::{Plan, Severity, Step, Tree};
use tcnl::request::Verb;
use tcnl::tc::u32::{Match, U32};
use tcnl::tc::{Action, ActionKind, ActionTable, Estimator, Filter, FilterKind, Other};
use tcnl::units::{Handle, Name};

const ROOT: Handle = Handle::qdisc(1);

pub(super) fn undone() -> Outcome {
    let mut nl = open()?;
    let base = tree(&mut nl, BASE)?;
    apply(&mut nl, &base)?;
    let before = state(&mut nl)?;
    // The kernel has no blocks of filters there; what is before it in the plan is done and undone.
    let other = tree(
        &mut nl,
        &BASE
            .replace("parent 1:1 classid 1:10", "parent 1: classid 1:10")
            .replace("70mbit", "60mbit")
            .replace("dev d0 parent 1:10 handle", "dev d0 ingress_block 7 parent 1:10 handle"),
    )?;
    let plan = Plan::new(&mut nl, other)?;
    fails(&mut nl, &plan, "ingress_block 7")?;
    assert_eq!(state(&mut nl)?, before);
    Ok(())
}

/// Each object that comes or changes is in turn one that only the kernel refuses, and each that shall go has gone already or is held by
/// what somebody has made in the meantime.
pub(super) fn anywhere() -> Outcome {
    let mut nl = open()?;
    let base = format!(
        "{BASE}
        tc filter add dev d0 parent 1: prio 1 protocol ip u32 match ip dst 192.0.2.9/32 classid 1:10
        tc filter add dev d0 parent 1: prio 5 protocol ip u32 match ip dst 192.0.2.9/32 classid 1:20
        tc qdisc add dev d0 clsact"
    );
    let base = tree(&mut nl, &base)?;
    apply(&mut nl, &base)?;
    let before = plain(&state(&mut nl)?);
    let wanted = tree(&mut nl, OTHER)?;
    let objects = objects(&wanted);
    for wrong in 0..objects.len() {
        let (mut tree, mut mark) = (Tree::new(wanted.dev()), "");
        for (number, object) in objects.iter().enumerate() {
            let mut object = object.clone();
            if number == wrong {
                mark = spoil(&mut object)?;
            }
            assert_eq!(tree.push(object), None);
        }
        let plan = Plan::new(&mut nl, tree)?;
        fails(&mut nl, &plan, mark)?;
        assert_eq!(plain(&state(&mut nl)?), before, "after\n{plan}");
    }
    let going = |plan: &Plan| -> Vec<Step> {
        plan.steps().iter().filter(|step| step.verb == Verb::Delete).cloned().collect()
    };
    let count = going(&Plan::new(&mut nl, wanted.clone())?).len();
    assert!(count >= 4);
    for number in 0..count {
        // The kernel's numbers may be others each time.
        let plan = Plan::new(&mut nl, wanted.clone())?;
        let step = &going(&plan)[number];
        match &step.object {
            AnyObject::Class(class) => hold(class.id)?,
            object => object.visit(Make(&mut nl, Verb::Delete))?,
        }
        fails(&mut nl, &plan, &step.to_string())?;
        assert_eq!(plain(&state(&mut nl)?), before, "after\n{plan}");
    }
    Ok(())
}

/// A class to which somebody's filter leads cannot be deleted.
fn hold(class: Handle) -> Outcome {
    tc(&format!("filter add dev d0 parent 1: prio 9 protocol ip u32 match u32 0 0 classid {class}")).map(drop)
}

/// Applies what fails at the step that has this mark in its command, and is undone.
fn fails(nl: &mut Connection, plan: &Plan, mark: &str) -> Outcome {
    let error = plan.apply(nl, |_| ()).expect_err("the kernel refuses a step");
    let is_there = error.step.as_ref().is_some_and(|step| step.to_string().contains(mark));
    match is_there && error.to_string().ends_with("all is as it was before") {
        true => Ok(()),
        false => Err(Stop::Fail(format!("{error}\nat another step than `{mark}` of\n{plan}"))),
    }
}

fn objects(tree: &Tree) -> Vec<AnyObject> {
    let qdiscs = tree.qdiscs().iter().cloned().map(AnyObject::from);
    let classes = tree.classes().iter().cloned().map(AnyObject::from);
    qdiscs.chain(classes).chain(tree.filters().iter().cloned().map(AnyObject::from)).collect()
}

/// Makes of an object one that only the kernel refuses, and gives the words by which its command is known.
fn spoil(object: &mut AnyObject) -> Result<&'static str, Stop> {
    match object {
        AnyObject::Qdisc(qdisc) => qdisc.ingress_block = Some(7),
        AnyObject::Class(class) => class.estimator = Some(Estimator::new(9, 1)),
        AnyObject::Filter(Filter { kind: Some(FilterKind::U32(u32)), .. }) => {
            u32.indev = Some(Name::new("nosuch")?);
        }
        other => return Err(Stop::Fail(format!("{other:?} is none of these"))),
    }
    Ok(match object {
        AnyObject::Qdisc(_) => "ingress_block 7",
        AnyObject::Class(_) => "estimator",
        _ => "indev nosuch",
    })
}

/// Kinds that no kernel has: of two qdiscs, a filter and an action.
pub(super) fn lacking() -> Outcome {
    let nosuch = || Name::new("nosuch").map(Other::named);
    let filter = Filter::on(0, ROOT).prio(1).kind(FilterKind::Other(nosuch()?));
    let mut nl = open()?;
    // Where nothing can have filters, it is not known of which kinds they could be.
    let first = tree(&mut nl, "tc qdisc add dev d0 root handle 1: htb")?.filter(filter.clone());
    let plan = Plan::new(&mut nl, first)?;
    assert_eq!(plan.findings(), []);
    fails(&mut nl, &plan, "nosuch")?;

    let base = tree(&mut nl, BASE)?;
    apply(&mut nl, &base)?;
    let words = BASE
        .replace("handle 10: pfifo limit 50", "handle 30: nosuch")
        .replace("1:20 tbf rate 60mbit burst 20k latency 20ms", "1:20 nosuch")
        .replace("70mbit", "60mbit");
    let action = Action::new(ActionKind::Other(nosuch()?));
    let acting = U32::new().matching(Match::u32((0, 0), 0)?).action(action.clone());
    let acting = Filter::on(0, ROOT).prio(2).kind(acting);
    let wanted = tree(&mut nl, &words)?.filter(filter).filter(acting);
    let mut expected = vec!["qdisc", "qdisc", "filter"];
    // Only the root of the machine may ask for actions.
    let answer = nl.add(&ActionTable::of([action])).err().and_then(|error| error.errno());
    expected.extend((answer == Some(ENOENT)).then_some("action"));
    let expected: Vec<String> =
        expected.iter().map(|noun| format!("the kernel has no {noun} of the kind `nosuch`")).collect();
    refused_before(&mut nl, &wanted, &expected)?;
    // What stands where is asked is not in the way.
    for kind in ["ingress", "clsact"] {
        tc(&format!("qdisc add dev lo {kind}"))?;
        refused_before(&mut nl, &wanted, &expected)?;
        tc(&format!("qdisc del dev lo {kind}"))?;
    }
    Ok(())
}

/// Looks for these errors among the findings; neither they nor an attempt to apply the plan change anything.
fn refused_before(nl: &mut Connection, wanted: &Tree, expected: &[String]) -> Outcome {
    let all = |nl: &mut Connection| -> Result<_, Stop> {
        Ok((state(nl)?, tc("qdisc show")?, tc("chain show dev d0")?, ip("link show dev lo")?))
    };
    let before = all(nl)?;
    let plan = Plan::new(nl, wanted.clone())?;
    let errors = plan.findings().iter().filter(|finding| finding.severity == Severity::Error);
    assert!(errors.clone().all(|finding| finding.object.contains("nosuch")), "{plan:#?}");
    let errors: Vec<&str> = errors.map(|finding| finding.problem.as_str()).collect();
    assert_eq!(errors, expected, "{plan}");
    let error = plan.apply(nl, |_| ()).expect_err("there are errors among the findings");
    assert!(error.step.is_none(), "{error}");
    assert_eq!(all(nl)?, before);
    Ok(())
}

const ENOENT: i32 = 2;

//! The queues of several uplinks on the running kernel, beside those of others.

use crate::common::{ip, tc, trial, trial_on_fast_machines, Outcome, Stop};
use crate::planning::apply;
use crate::uplink_routing::{clear, dumps, open, steer, unchanged, wanted};
use libtest_mimic::Trial;
use tcnl::plan::{Effect, Finding, Plan, Severity};
use tcnl::units::Rate;
use tcnl::uplink::{Seen, Shaping};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("an uplink is shaped in both directions, and others' filters on what comes in stay", shaped),
        trial_on_fast_machines("others' queues are not replaced", others_queues),
    ]
}

fn shaped() -> Outcome {
    let (mut nl, mut gateway) = open(2, false)?;
    ip("link add ifb-eth0 type ifb")?;
    ip("link set ifb-eth0 up")?;
    for uplink in &mut gateway.uplinks {
        uplink.shaping = Some(Shaping::default());
    }
    if let Some(shaping) = &mut gateway.uplinks[0].shaping {
        shaping.ingress = true;
    }
    gateway.check().map_err(|problems| Stop::Fail(format!("{problems:?}")))?;
    let before = dumps()?;
    let desired = wanted(&mut nl, &gateway, &[1, 1])?;
    let plan = apply(&mut nl, &desired).map_err(|stop| stop.skip_if("has no"))?;
    assert_eq!(plan.findings(), []);
    let seen = Seen::read(&mut nl, &gateway)?;
    assert!(seen.uplinks[0].queues.root && seen.uplinks[1].queues.root);
    let hook = seen.uplinks[0].queues.hook.as_ref().ok_or("no ingress")?;
    assert!(hook.ours && !hook.others, "{hook:?}");
    // Other figures are changed in place.
    gateway.uplinks[0].down = Rate::mbit(40);
    let plan = steer(&mut nl, &gateway, &[1, 1])?;
    assert_eq!(plan.effect(), Effect::InPlace, "{plan}");
    // Without the ifb nothing is sent to it.
    ip("link set ifb-eth0 down")?;
    steer(&mut nl, &gateway, &[1, 1])?;
    assert_eq!(tc("filter show dev eth0 ingress")?, "");
    ip("link set ifb-eth0 up")?;
    steer(&mut nl, &gateway, &[1, 1])?;
    // An earlier run's queues go when they are not wanted any more.
    gateway.uplinks[1].shaping = None;
    steer(&mut nl, &gateway, &[1, 1])?;
    assert!(!tc("qdisc show dev eth1")?.contains("htb"));
    // Somebody else's filter comes, and stays.
    tc("filter add dev eth0 ingress protocol ip prio 5 u32 match ip src 10.9.9.9 action pass")
        .or_else(|_| tc("filter add dev eth0 ingress protocol ip prio 5 u32 match ip src 10.9.9.9"))?;
    let seen = Seen::read(&mut nl, &gateway)?;
    assert!(seen.uplinks[0].queues.hook.as_ref().is_some_and(|hook| hook.others));
    steer(&mut nl, &gateway, &[1, 1])?;
    clear(&mut nl, &gateway)?;
    let left = tc("filter show dev eth0 ingress")?;
    assert!(left.contains("pref 5") && !left.contains("mirred"), "{left}");
    tc("qdisc del dev eth0 ingress")?;
    ip("link set ifb-eth0 up")?;
    let ifb =
        |all: String| all.lines().filter(|line| !line.contains("ifb-eth0")).collect::<Vec<_>>().join("\n");
    tc("qdisc del dev ifb-eth0 root").ok();
    assert_eq!(ifb(dumps()?), ifb(before));
    Ok(())
}

fn others_queues() -> Outcome {
    let (mut nl, mut gateway) = open(2, false)?;
    gateway.uplinks[0].shaping = Some(Shaping::default());
    tc("qdisc add dev eth0 root handle 1: pfifo limit 7")?;
    let before = dumps()?;
    let desired = wanted(&mut nl, &gateway, &[1, 1])?;
    let plan = Plan::new(&mut nl, desired)?;
    let error = |finding: &&Finding| finding.severity == Severity::Error;
    let found = plan.findings().iter().find(error).ok_or("nothing was found")?;
    assert!(found.to_string().contains("stands in its place"), "{found}");
    assert!(plan.apply(&mut nl, |_| ()).is_err());
    unchanged(&before)?;
    // Nor does cleaning up.
    clear(&mut nl, &gateway)?;
    unchanged(&before)?;
    Ok(())
}

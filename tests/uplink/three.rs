//! Three uplinks: all of them are used, they stand in for each other in their order, and each may have one address family only.

use crate::common::{trial_on_fast_machines, Outcome};
use crate::lab::{Lab, Result, SERVER};
use crate::running::Running;
use crate::traffic::{serve, tcp_seen_as, until, Talk};
use libtest_mimic::Trial;
use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::Duration;
use tcnl::route::Link;
use tcnl::units::Rate;
use tcnl::uplink::{EmptierUplink, Failover, Gateway};

pub fn trials() -> Vec<Trial> {
    vec![
        trial_on_fast_machines("three staggered downloads use three uplinks, in 2 of 2 rounds", downloads),
        trial_on_fast_machines("uplinks stand in for each other by tier, and the metered one last", cascade),
        trial_on_fast_machines(
            "of uplinks with one address family each has its own connections, and a third one stands in",
            mixed,
        ),
    ]
}

const FAST: (Rate, Rate) = (Rate::mbit(100), Rate::mbit(100));

fn downloads() -> Outcome {
    let capacity = (Rate::mbit(8), Rate::mbit(4));
    let lab = Lab::build(&[capacity; 3])?;
    serve(&lab.internet, SERVER[0])?;
    let gateway = lab.model(&[capacity; 3]);
    let selector = Box::new(EmptierUplink::new(&gateway.uplinks));
    let running = Running::start(&lab, gateway, selector)?;
    for round in 0..2 {
        let mut flows = Vec::new();
        for _ in 0..3 {
            flows.push(Talk::download(&lab.lan, SERVER[0])?);
            sleep(Duration::from_millis(900));
        }
        let used: BTreeSet<_> = flows.iter().map(|flow| flow.seen_as).collect();
        assert_eq!(used.len(), 3, "round {round}: {used:?}: {:#?}", running.told());
        drop(flows);
        sleep(Duration::from_millis(1000));
    }
    Ok(())
}

/// By which lines new connections of the LAN leave, IPv4 and IPv6.
fn lines(lab: &Lab) -> [Option<usize>; 2] {
    [0, 1].map(|family| {
        let seen = tcp_seen_as(&lab.lan, SERVER[family]).ok()?;
        lab.lines.iter().position(|line| line.address[family] == seen)
    })
}

fn started(lab: &Lab, gateway: Gateway) -> Result<Running> {
    SERVER.into_iter().try_for_each(|address| serve(&lab.internet, address))?;
    let selector = Box::new(Failover::new(&gateway.uplinks, Duration::from_millis(500)));
    Running::start(lab, gateway, selector)
}

fn plug(lab: &Lab, line: usize, plugged: bool) -> Result<()> {
    let mut provider = lab.routers[line].connection()?;
    let wan = Link::of(provider.link("wan")?);
    provider.change(&if plugged { wan.up() } else { wan.down() })?;
    Ok(())
}

fn expect(lab: &Lab, running: &Running, wanted: [Option<usize>; 2]) -> Result<()> {
    let found = until(Duration::from_secs(8), || lines(lab) == wanted);
    found.map_err(|_| format!("{:?} and not {wanted:?}: {:#?}", lines(lab), running.told()))?;
    Ok(())
}

fn cascade() -> Outcome {
    let lab = Lab::build(&[FAST; 3])?;
    let mut gateway = lab.model(&[FAST; 3]);
    // The metered one is of the best tier: it costs, and so it is the last all the same.
    (gateway.uplinks[0].metered, gateway.uplinks[1].tier, gateway.uplinks[2].tier) = (true, 1, 2);
    let running = started(&lab, gateway)?;
    expect(&lab, &running, [Some(1); 2])?;
    plug(&lab, 1, false)?;
    expect(&lab, &running, [Some(2); 2])?;
    plug(&lab, 2, false)?;
    expect(&lab, &running, [Some(0); 2])?;
    plug(&lab, 0, false)?;
    expect(&lab, &running, [None; 2])?;
    // IPv6 addresses of providers went with their devices: IPv4 tells.
    plug(&lab, 2, true)?;
    let back = until(Duration::from_secs(8), || lines(&lab)[0] == Some(2));
    back.map_err(|_| format!("{:?}, {:#?}", lines(&lab), running.told()))?;
    Ok(())
}

fn mixed() -> Outcome {
    let lab = Lab::build(&[FAST; 3])?;
    let mut gateway = lab.model(&[FAST; 3]);
    gateway.uplinks[0].v6 = None;
    gateway.uplinks[1].v4 = None;
    gateway.uplinks[2].metered = true;
    let running = started(&lab, gateway)?;
    expect(&lab, &running, [Some(0), Some(1)])?;
    plug(&lab, 0, false)?;
    expect(&lab, &running, [Some(2), Some(1)])?;
    plug(&lab, 1, false)?;
    expect(&lab, &running, [Some(2), Some(2)])?;
    Ok(())
}

//! Servers answer over the uplink that they were asked by.

use crate::common::{trial, Outcome};
use crate::lab::{Host, Lab, Result, SERVER};
use crate::running::Running;
use crate::traffic::{serve, tcp_seen_as, udp_seen_as};
use libtest_mimic::Trial;
use tcnl::units::Rate;
use tcnl::uplink::{EmptierUplink, Weighted};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("servers on each uplink's address answer over it, TCP and UDP, IPv4 and IPv6", || answer(2)),
        trial("servers answer over each of eight uplinks", || answer(8)),
        trial("new connections of the LAN and of the gateway leave by an uplink and with its address", leave),
    ]
}

const FAST: (Rate, Rate) = (Rate::mbit(100), Rate::mbit(100));

/// How many packets a router got from the gateway.
fn packets(router: &Host) -> Result<u64> {
    let wan = router.connection()?.link("wan")?;
    Ok(wan.stats.ok_or("a link without counters")?.rx_packets)
}

fn answer(count: usize) -> Outcome {
    let capacities = vec![FAST; count];
    let lab = Lab::build(&capacities)?;
    for line in &lab.lines {
        line.address.into_iter().try_for_each(|address| serve(&lab.gateway, address))?;
    }
    let ask = |n: usize, family: usize| -> Result<[bool; 2]> {
        let (to, from) = (lab.lines[n].address[family], SERVER[family]);
        Ok([tcp_seen_as(&lab.internet, to).is_ok(), udp_seen_as(&lab.internet, from, to).is_ok()])
    };
    // The control: with one default route only that uplink's servers answer, because providers drop foreign sources.
    for family in 0..2 {
        assert_eq!(ask(0, family)?, [true, true], "the first uplink without anything of ours");
        assert_eq!(ask(1, family)?, [false, false], "the second uplink without anything of ours");
    }
    let gateway = lab.model(&capacities);
    let selector = Box::new(EmptierUplink::new(&gateway.uplinks));
    let running = Running::start(&lab, gateway, selector)?;
    for n in 0..count {
        for family in 0..2 {
            let before = lab.routers.iter().map(packets).collect::<Result<Vec<_>>>()?;
            assert_eq!(ask(n, family)?, [true, true], "uplink {n}, family {family}: {:?}", running.told());
            let after = lab.routers.iter().map(packets).collect::<Result<Vec<_>>>()?;
            let grown: Vec<_> = after.iter().zip(before).map(|(after, before)| after - before).collect();
            let others: u64 =
                grown.iter().enumerate().filter(|(other, _)| *other != n).map(|(_, grown)| grown).sum();
            // The last packets of a connection come behind the answer; neighbours may be looked for meanwhile.
            assert!(
                grown[n] >= 3 && others < grown[n],
                "packets by each uplink when uplink {n} was asked: {grown:?}"
            );
        }
    }
    Ok(())
}

fn leave() -> Outcome {
    let capacities = [FAST; 3];
    let lab = Lab::build(&capacities)?;
    SERVER.into_iter().try_for_each(|address| serve(&lab.internet, address))?;
    let gateway = lab.model(&capacities);
    let selector = Box::new(Weighted::new(&gateway.uplinks));
    let running = Running::start(&lab, gateway, selector)?;
    for (family, server) in SERVER.into_iter().enumerate() {
        for host in [&lab.lan, &lab.gateway] {
            let mut used = [0; 3];
            for _ in 0..30 {
                let seen = tcp_seen_as(host, server)
                    .map_err(|why| format!("{why:?}, after {used:?}, {:#?}", running.told()))?;
                let uplink = lab.lines.iter().position(|line| line.address[family] == seen);
                used[uplink.ok_or(format!("{seen} is no address of an uplink"))?] += 1;
            }
            assert!(used.iter().all(|used| *used > 0), "family {family}: {used:?}, {:?}", running.told());
        }
    }
    let flows = running.with(|controller| controller.flows())??;
    assert!(flows.iter().all(|flows| *flows > 0), "connections by uplink: {flows:?}");
    Ok(())
}

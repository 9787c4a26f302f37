//! What becomes of connections when an uplink fails: new ones use the others, old ones end and do not hang.

use crate::common::{trial, Outcome};
use crate::lab::{Lab, Result, SERVER};
use crate::running::Running;
use crate::traffic::{serve, tcp_seen_as, until, End, Talk};
use crate::watching::{by_line, judge, works_again, Old, BY_EVENT, BY_PROBE};
use libtest_mimic::Trial;
use std::net::IpAddr;
use std::thread::sleep;
use std::time::Duration;
use tcnl::netlink::Connection;
use tcnl::route::{Address, IfAddr, Link};
use tcnl::units::{Dev, Rate};
use tcnl::uplink::{Failover, Probing, Target};

pub fn trials() -> Vec<Trial> {
    vec![
        trial(
            "silent loss behind an uplink is found by probes, and new connections use another within 2 s",
            silent,
        ),
        trial("a lost carrier is noticed at once", || by_event("carrier")),
        trial("an uplink that is taken down, and up again, is left and used again", || by_event("down")),
        trial("an address that is gone, and comes again, is noticed", || by_event("address")),
        trial("when no uplink works no connection is forgotten", none_works),
    ]
}

const FAST: (Rate, Rate) = (Rate::mbit(100), Rate::mbit(100));

fn started(lab: &Lab) -> Result<Running> {
    SERVER.into_iter().try_for_each(|address| serve(&lab.internet, address))?;
    let gateway = lab.model(&[FAST; 2]);
    let mut probing = Probing::default();
    probing.targets = SERVER.into_iter().map(Target::Icmp).collect();
    let mut gateway = gateway.probing(probing);
    gateway.uplinks[1].tier = 1;
    let selector = Box::new(Failover::new(&gateway.uplinks, Duration::from_secs(1)));
    Running::start(lab, gateway, selector)
}

fn uses(lab: &Lab, line: usize, family: usize) -> bool {
    tcp_seen_as(&lab.lan, SERVER[family]).is_ok_and(|seen| seen == lab.lines[line].address[family])
}

fn set(nl: &mut Connection, device: &str, up: bool) -> Result<()> {
    let link = Link::of(nl.link(device)?);
    nl.change(&if up { link.up() } else { link.down() })?;
    Ok(())
}

fn silent() -> Outcome {
    let lab = Lab::build(&[FAST; 2])?;
    let running = started(&lab)?;
    until(Duration::from_secs(3), || uses(&lab, 0, 0) && uses(&lab, 0, 1))?;
    let old = Old::open(&lab, 0)?;
    let own = [Talk::open(&lab.gateway, SERVER[0])?, Talk::open(&lab.gateway, SERVER[1])?];
    // Between the provider and the Internet: the gateway's own link stays as it is.
    lab.routers[0].silence(true)?;
    judge("silence", &works_again(&lab, &by_line(&lab, 1))?, BY_PROBE);
    old.end(&lab, 1).map_err(|why| format!("{why:?}, {:#?}", running.told()))?;
    // Those of the gateway itself keep their address, and hear of it when they send again.
    until(Duration::from_secs(10), || own.iter().all(|talk| talk.end().is_some()))?;
    let ends: Vec<_> = own.iter().map(Talk::end).collect();
    assert_eq!(ends, [Some(End::Reset); 2], "{:#?}", running.told());
    lab.routers[0].silence(false)?;
    until(Duration::from_secs(15), || uses(&lab, 0, 0) && uses(&lab, 0, 1))
        .map_err(|_| format!("{:#?}", running.told()))?;
    Ok(())
}

fn by_event(what: &str) -> Outcome {
    let lab = Lab::build(&[FAST; 2])?;
    let running = started(&lab)?;
    let story = || format!("{:#?}", running.told());
    until(Duration::from_secs(3), || uses(&lab, 0, 0) && uses(&lab, 0, 1))?;
    let old = Old::open(&lab, 0)?;
    let (line, mut gateway, mut provider) =
        (&lab.lines[0], lab.gateway.connection()?, lab.routers[0].connection()?);
    let dev: Dev = gateway.link(&line.device)?.into();
    let address =
        |address: IpAddr, length| Ok::<_, tcnl::Error>(Address::new(IfAddr::new(address, length)?).on(dev));
    let addresses = [address(line.address[0], 24)?, address(line.address[1], 64)?];
    match what {
        "carrier" => set(&mut provider, "wan", false)?,
        "down" => set(&mut gateway, &line.device, false)?,
        _ => addresses.iter().try_for_each(|address| gateway.delete(address).map(drop))?,
    }
    judge(what, &works_again(&lab, &by_line(&lab, 1))?, BY_EVENT);
    old.end(&lab, 1).map_err(|why| format!("{why:?}, {}", story()))?;
    match what {
        "carrier" => {
            set(&mut provider, "wan", true)?;
            // The kernel dropped its IPv6 addresses with the device.
            let wan: Dev = provider.link("wan")?.into();
            provider.replace(&Address::new(IfAddr::new(line.router[1], 64)?).on(wan))?;
        }
        "down" => {
            set(&mut gateway, &line.device, true)?;
            // The kernel dropped IPv6 addresses with the device; IPv4's are still there.
            gateway.replace(&addresses[1])?;
        }
        _ => addresses.iter().try_for_each(|address| gateway.add(address).map(drop))?,
    }
    until(Duration::from_secs(15), || uses(&lab, 0, 0) && uses(&lab, 0, 1)).map_err(|_| story())?;
    Ok(())
}

fn none_works() -> Outcome {
    let lab = Lab::build(&[FAST; 2])?;
    let running = started(&lab)?;
    until(Duration::from_secs(3), || uses(&lab, 0, 0))?;
    let talk = Talk::open(&lab.lan, SERVER[0])?;
    for router in &lab.routers {
        router.silence(true)?;
    }
    let down = || running.statuses().is_ok_and(|statuses| statuses.iter().all(|status| !status.usable));
    until(Duration::from_secs(10), down)?;
    sleep(Duration::from_millis(300));
    let flows = running.with(|controller| controller.flows())??;
    assert!(flows[0] > 0, "the first uplink's connections are still known: {flows:?}, {:#?}", running.told());
    drop(talk);
    Ok(())
}

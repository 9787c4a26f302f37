//! All that is said of the gateway: two uplinks with their capacities, how they are shaped, and whom to ask whether they work.

use crate::lab::{families, Lab, SERVER};
use std::time::Duration;
use tcnl::units::{Percent, Rate};
use tcnl::uplink::{Gateway, Probing, Shaping, Share, Target};

/// What each uplink carries, down and up.
pub type Capacities = [(Rate, Rate); 2];

/// The uplinks' names.
pub const NAMES: [&str; 2] = ["A", "B"];
/// The part of an uplink that is used: a little less than what it carries, so that packets wait here, where they have classes, and
/// not in the provider's queue.
pub const USED: f64 = 95.0;

/// A class of traffic: its guaranteed share of the uplink in percent, and the DSCP of its packets. All may borrow up to the whole, the
/// first one first.
pub struct Traffic {
    pub name: &'static str,
    pub percent: f64,
    pub dscp: u8,
}

/// People at a terminal, and the gateway's probes: expedited forwarding.
pub const INTERACTIVE: Traffic = Traffic { name: "interactive", percent: 20.0, dscp: 46 };
/// The nightly backup: CS1.
pub const BULK: Traffic = Traffic { name: "bulk", percent: 30.0, dscp: 8 };
/// Everything else.
pub const NORMAL: Traffic = Traffic { name: "normal", percent: 50.0, dscp: 0 };

/// The gateway, with uplinks over the lab's providers.
pub fn gateway(lab: &Lab, capacities: &Capacities) -> Gateway {
    let mut probing = Probing::default();
    probing.targets = families().map(|family| Target::Icmp(SERVER[family])).collect();
    // Three lost in a row, and new connections go elsewhere: 1.45 s at most.
    (probing.interval, probing.timeout) = (Duration::from_millis(250), Duration::from_millis(700));
    // Names, devices, providers' routers and capacities.
    let mut gateway = lab.model(capacities).probing(probing);
    for (uplink, name) in gateway.uplinks.iter_mut().zip(NAMES) {
        uplink.name = name.into();
        uplink.shaping = Some(shaping());
    }
    gateway
}

fn shaping() -> Shaping {
    let share = |traffic: Traffic, prio| Share::new(traffic.name, Percent::new(traffic.percent), prio);
    let mut shaping = Shaping::default();
    shaping.part = Percent::new(USED);
    // The last one takes what fits nowhere else.
    shaping.shares = vec![
        share(INTERACTIVE, 0).dscps([INTERACTIVE.dscp]),
        share(BULK, 2).dscps([BULK.dscp]),
        share(NORMAL, 1),
    ];
    shaping
}

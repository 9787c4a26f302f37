//! The proof: what one default route does, what the gateway does, and whether that is what was promised. One file a point.

mod failover;
mod servers;
mod shares;
mod spread;

use crate::lab::Lab;
use crate::model::NAMES;
use crate::running::Running;
use crate::screen::Screen;
use crate::Result;
use failover::Outage;
use servers::Answers;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tcnl::units::Rate;
use tcnl::uplink::{EmptierUplink, Gateway, Happening};

const SETTLE: Duration = Duration::from_secs(1);
const MEASURE: Duration = Duration::from_millis(2500);
const PAUSE: Duration = Duration::from_millis(600);

/// One line of the final table.
struct Point {
    what: &'static str,
    control: String,
    result: String,
    held: bool,
}

/// What the gateway does as long as it has one default route and no classes.
pub struct Control {
    servers: [Answers; 2],
    /// How long interactive answers take beside bulk.
    rounds: Vec<Duration>,
    outage: Outage,
}

impl Control {
    /// Measures the gateway before it is configured.
    pub fn measure(lab: &Lab, screen: &Screen) -> Result<Control> {
        screen.step("control: servers, one default route");
        let servers = servers::ask(lab, 1)?;
        screen.step("control: bulk upload without classes");
        let rounds = shares::rounds_beside_bulk(&lab.gateway)?;
        screen.step("control: silent loss, one default route");
        let outage = Outage::watch(lab, &lab.gateway)?;
        lab.routers[0].silence(false)?;
        Ok(Control { servers, rounds, outage })
    }
}

/// What it is proved with: a gateway that has been configured.
pub struct Proof<'a> {
    pub lab: &'a Lab,
    pub gateway: &'a Gateway,
    pub control: &'a Control,
    pub screen: &'a Arc<Screen>,
}

impl Proof<'_> {
    /// Whether all points held.
    pub fn all(&self) -> Result<bool> {
        let mut points = vec![self.servers()?];
        let kept = Kept::start(self)?;
        points.extend(self.spread(&kept)?);
        // Before the uploads, which leave full queues behind.
        let failover = self.failover(&kept)?;
        points.extend(self.shares(&kept)?);
        points.extend(failover);
        println!("\n{:46} {:34} {:44} held", "point", "control", "with tcnl");
        points.iter().for_each(|point| println!("{point}"));
        let held = points.iter().all(|point| point.held);
        if let (false, Ok(load)) = (held, std::fs::read_to_string("/proc/loadavg")) {
            println!(
                "A machine that is busy with other things carries less than the uplinks do; its load is {}",
                load.trim()
            );
        }
        Ok(held)
    }

    /// The uplink whose address this is.
    fn name_of(&self, address: IpAddr) -> &'static str {
        let mut lines = self.lab.lines.iter().zip(NAMES);
        lines.find(|(line, _)| line.address.contains(&address)).map_or("?", |(_, name)| name)
    }
}

/// A controller that keeps the gateway, and sends new connections to the emptier uplink.
struct Kept {
    gateway: Gateway,
    running: Running,
}

impl Kept {
    fn start(proof: &Proof<'_>) -> Result<Kept> {
        let (gateway, screen) = (proof.gateway.clone(), Arc::clone(proof.screen));
        let selector = Box::new(EmptierUplink::new(&gateway.uplinks));
        let tell = Box::new(move |happening: &Happening<'_>| screen.tell(happening));
        let running = Running::telling(&proof.lab.gateway, gateway.clone(), selector, tell)?;
        Ok(Kept { gateway, running })
    }

    /// Gives the uplinks other tiers while it runs, as somebody does who edits the configuration: new connections go to the emptier uplink of the
    /// lowest tier.
    fn reload(&self, tiers: [u8; 2]) -> Result<()> {
        let mut gateway = self.gateway.clone();
        gateway.uplinks.iter_mut().zip(tiers).for_each(|(uplink, tier)| uplink.tier = tier);
        let selector = Box::new(EmptierUplink::new(&gateway.uplinks));
        Ok(self.running.with(move |controller| controller.reload(gateway, selector))??)
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = if self.held { "yes" } else { "NO" };
        write!(f, "{:46} {:34} {:44} {held}", self.what, self.control, self.result)
    }
}

fn mbit(rate: Rate) -> f64 {
    rate.as_bits_per_second() as f64 * 1e-6
}

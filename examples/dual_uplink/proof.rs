//! The proof: what one default route does, what the configured gateway does, and whether that is what was promised.

use crate::gateway::{steer, Uplink, BULK_SHARE, INTERACTIVE_SHARE, NORMAL_SHARE};
use crate::lab::{Host, Lab};
use crate::screen::Screen;
use crate::selector::Selector;
use crate::traffic::{tcp_answers, udp_answers, Flow, BULK, INTERACTIVE, UPLOAD};
use crate::Result;
use std::fmt;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};
use tcnl::netlink::Protocol;
use tcnl::tc::Class;

const SETTLE: Duration = Duration::from_secs(1);
const MEASURE: Duration = Duration::from_millis(2500);
const PAUSE: Duration = Duration::from_millis(600);
/// How many connections live through all changes of the route, and how often that is changed at the end without need.
const LIVE: usize = 8;
const FLAPS: usize = 10;

/// One line of the final table.
#[derive(Clone)]
pub struct Point {
    what: &'static str,
    control: String,
    result: String,
    pub held: bool,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = if self.held { "yes" } else { "NO" };
        write!(f, "{:46} {:34} {:44} {held}", self.what, self.control, self.result)
    }
}

pub struct Proof<'a> {
    pub lab: &'a Lab,
    pub uplinks: &'a [Uplink; 2],
    pub screen: &'a Arc<Screen>,
}

/// What the gateway does as long as it has one default route and no classes.
pub struct Control {
    servers: [Answers; 2],
    rounds: Vec<Duration>,
}

/// Whether the servers of one uplink's address answer, and how many packets each router got from the gateway meanwhile.
struct Answers {
    tcp: bool,
    udp: bool,
    packets: [u64; 2],
}

impl Proof<'_> {
    /// Measures the gateway before it is configured.
    pub fn control(&self) -> Result<Control> {
        self.screen.step("control: servers, one default route");
        let servers = self.ask()?;
        self.screen.step("control: bulk upload without classes");
        let rounds = self.rounds_beside_bulk(&self.lab.gateway)?;
        Ok(Control { servers, rounds })
    }

    /// Servers bound to each uplink's address answer over the uplink they were asked by.
    pub fn servers(&self, control: &Control) -> Result<Vec<Point>> {
        self.screen.step("servers on both uplinks");
        let answers = self.ask()?;
        let [first, second] = &control.servers;
        let held = first.tcp && first.udp && !second.tcp && !second.udp;
        let own_way = |n: usize, answers: &Answers| {
            let [a, b] = answers.packets;
            let (own, other) = if n == 0 { (a, b) } else { (b, a) };
            // Neighbour discovery may add a packet or two on the other one.
            answers.tcp && answers.udp && own > 3 * other
        };
        let [a, b] = &answers;
        let over = |answers: &Answers| format!("{}+{}", answers.packets[0], answers.packets[1]);
        Ok(vec![Point {
            what: "1 servers on both addresses answer (TCP, UDP)",
            control: format!("A: {first}; B: {second}"),
            result: format!("A: {a}; B: {b} (packets by A+B: {}, {})", over(a), over(b)),
            held: held && own_way(0, a) && own_way(1, b),
        }])
    }

    /// Downloads use both uplinks at once, and what runs stays where it is.
    pub fn downloads(&self) -> Result<Vec<Point>> {
        let [a, b] = self.uplinks;
        let mut live = Vec::new();
        let mut open = |count| -> Result<()> {
            for _ in 0..count {
                live.push(Flow::dialogue(&self.lab.lan, 0, Duration::from_millis(200))?);
            }
            Ok(())
        };
        self.screen.step("control: two downloads, one default route");
        open(LIVE / 2)?;
        let one = self
            .two_downloads(|| {
                sleep(SETTLE);
                Ok(())
            })?
            .rate;
        sleep(PAUSE);
        let selector = Selector::start(&self.lab.gateway, self.uplinks, self.screen)?;
        self.screen.step("two downloads, round 1");
        let mut both = vec![self.two_downloads(|| {
            selector.wait();
            // The first download fills A: these are on B.
            open(LIVE - LIVE / 2)
        })?];
        for step in ["two downloads, round 2", "two downloads, round 3"] {
            self.screen.step(step);
            sleep(PAUSE);
            both.push(self.two_downloads(|| {
                selector.wait();
                Ok(())
            })?);
        }
        let changes = selector.stop()?;
        self.screen.step("route changes under live connections");
        let mut nl = self.lab.gateway.connection(Protocol::Route)?;
        for n in 0..FLAPS {
            let weights = if n % 2 == 0 { [0, 1] } else { [1, 0] };
            steer(&mut nl, self.uplinks, weights)?;
            self.screen.choice(weights);
            sleep(Duration::from_millis(100));
        }
        live.iter().for_each(|flow| drop(flow.take_rounds()));
        sleep(SETTLE);
        let alive = live.iter().filter(|flow| !flow.is_dead() && !flow.take_rounds().is_empty()).count();
        let on = |uplink: &Uplink| live.iter().filter(|flow| flow.seen_as == uplink.address).count();
        // 1.7 times, where both are equal. A busy machine may miss it once; a round on one uplink alone is missed by far.
        let together = one * (mbit(a.down) + mbit(b.down)) / mbit(a.down);
        let list = both.iter().map(Pair::to_string).collect::<Vec<_>>().join(", ");
        both.sort_by(|one, other| one.rate.total_cmp(&other.rate));
        let (worst, median) = (both[0].rate, both[both.len() / 2].rate);
        Ok(vec![
            Point {
                what: "2 two staggered downloads, Mbit/s",
                control: format!("{one:.1} over one default route"),
                result: format!("{list}: {:.2} times", median / one),
                held: median >= 0.85 * together && worst >= 0.7 * together && one <= mbit(a.down),
            },
            Point {
                what: "2 connections that live through route changes",
                control: String::new(),
                result: format!(
                    "{alive} of {LIVE} ({} on A, {} on B), {} changes",
                    on(a),
                    on(b),
                    changes + FLAPS
                ),
                held: alive == LIVE && live.len() == LIVE && on(a) > 0 && on(b) > 0 && changes > 0,
            },
        ])
    }

    /// A bulk upload does not starve the others, and classes get what they were configured for.
    pub fn shaping(&self, control: &Control) -> Result<Vec<Point>> {
        let [uplink, _] = self.uplinks;
        let mut nl = self.lab.gateway.connection(Protocol::Route)?;
        steer(&mut nl, self.uplinks, [1, 0])?;
        self.screen.choice([1, 0]);
        self.screen.step("bulk upload, interactive beside it");
        let rounds = self.rounds_beside_bulk(&self.lab.lan)?;

        self.screen.step("bulk and normal uploads, interactive");
        let lan = &self.lab.lan;
        let _busy = [Flow::upload(lan, BULK)?, Flow::upload(lan, BULK)?, Flow::upload(lan, UPLOAD)?];
        let _talk = Flow::dialogue(lan, INTERACTIVE, Duration::from_millis(20))?;
        sleep(SETTLE);
        let shares = [INTERACTIVE_SHARE, NORMAL_SHARE, BULK_SHARE];
        let dev = uplink.dev(&mut nl)?;
        let mut read = || -> Result<[u64; 3]> {
            let classes = nl.snapshot(Class::of(dev))?;
            let bytes = |class: &Class| class.stats.as_ref().map_or(0, |stats| stats.bytes);
            Ok(shares.each_ref().map(|share| classes.iter().find(|c| c.id == share.class()).map_or(0, bytes)))
        };
        let (before, start) = (read()?, Instant::now());
        sleep(Duration::from_secs(4));
        let (after, seconds) = (read()?, start.elapsed().as_secs_f64());
        let mut sent = [0.0; 3];
        for (sent, (after, before)) in sent.iter_mut().zip(after.iter().zip(before)) {
            *sent = (after - before) as f64 * 8e-6 / seconds;
        }
        let [interactive, normal, bulk] = sent;
        // Bulk gets its guarantee. What interactive traffic leaves of its own goes to normal traffic, which is the next in line.
        let full = mbit(uplink.shaped());
        let bulk_due = mbit(BULK_SHARE.rate(uplink));
        let normal_due = full - bulk_due - interactive;
        let class = |what, due: f64, sent: f64| Point {
            what,
            control: format!("{due:.2} configured"),
            result: format!("{sent:.2}"),
            held: (sent / due - 1.0).abs() < 0.15,
        };
        let (slow, fast, late) =
            (quantile(&control.rounds, 0.5), quantile(&rounds, 0.5), quantile(&rounds, 0.95));
        Ok(vec![
            Point {
                what: "3 answers beside a bulk upload, ms",
                control: format!("{slow:.1} median without classes"),
                result: format!("{fast:.1} median, {late:.1} for 95 % of {}", rounds.len()),
                held: fast < slow / 10.0 && late < slow / 2.0,
            },
            class("3 upload of the normal class, Mbit/s", normal_due, normal),
            class("3 upload of the bulk class, Mbit/s", bulk_due, bulk),
            class("3 upload of all classes, Mbit/s", full, interactive + normal + bulk),
        ])
    }

    /// Asks the servers of both addresses from the Internet.
    fn ask(&self) -> Result<[Answers; 2]> {
        let [a, b] = self.uplinks;
        let one = |uplink: &Uplink| -> Result<Answers> {
            let before = self.packets()?;
            let tcp = tcp_answers(&self.lab.internet, uplink.address);
            let udp = udp_answers(&self.lab.internet, uplink.address);
            let after = self.packets()?;
            Ok(Answers { tcp, udp, packets: [after[0] - before[0], after[1] - before[1]] })
        };
        Ok([one(a)?, one(b)?])
    }

    /// How many packets each router got from the gateway.
    fn packets(&self) -> Result<[u64; 2]> {
        let [a, b] = &self.lab.routers;
        let one = |router: &Host| -> Result<u64> {
            let wan = router.connection(Protocol::Route)?.link("wan")?;
            Ok(wan.stats.ok_or("a link without counters")?.rx_packets)
        };
        Ok([one(a)?, one(b)?])
    }

    /// Two downloads, the second one after `between`.
    fn two_downloads(&self, between: impl FnOnce() -> Result<()>) -> Result<Pair> {
        let first = Flow::download(&self.lab.lan)?;
        between()?;
        let second = Flow::download(&self.lab.lan)?;
        sleep(SETTLE);
        let (before, start) = (first.bytes() + second.bytes(), Instant::now());
        sleep(MEASURE);
        let rate = (first.bytes() + second.bytes() - before) as f64 * 8e-6 / start.elapsed().as_secs_f64();
        let name = |flow: &Flow| {
            self.uplinks
                .iter()
                .find(|uplink| uplink.address == flow.seen_as)
                .map_or("?", |uplink| uplink.name)
        };
        Ok(Pair { rate, over: [name(&first), name(&second)] })
    }

    /// How long interactive answers take while two uploads fill the uplink, in ascending order.
    fn rounds_beside_bulk(&self, host: &Host) -> Result<Vec<Duration>> {
        let bulk = [Flow::upload(host, BULK)?, Flow::upload(host, BULK)?];
        let talk = Flow::dialogue(host, INTERACTIVE, Duration::from_millis(20))?;
        sleep(SETTLE);
        drop(talk.take_rounds());
        sleep(MEASURE);
        let rounds = talk.take_rounds();
        drop(bulk);
        // The provider's queue is to be empty for what comes next.
        sleep(PAUSE);
        Ok(rounds)
    }
}

/// What two downloads get together, in Mbit/s, and the uplinks that carry them.
struct Pair {
    rate: f64,
    over: [&'static str; 2],
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second] = self.over;
        write!(f, "{:.1} {first}+{second}", self.rate)
    }
}

impl fmt::Display for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.tcp, self.udp) {
            (true, true) => "answer",
            (false, false) => "no answer",
            (true, false) => "only TCP",
            (false, true) => "only UDP",
        })
    }
}

fn mbit(rate: tcnl::units::Rate) -> f64 {
    rate.as_bits_per_second() as f64 * 1e-6
}

/// In milliseconds; without any answer it is for ever.
fn quantile(sorted: &[Duration], part: f64) -> f64 {
    let at = (sorted.len() as f64 * part) as usize;
    sorted.get(at).map_or(f64::INFINITY, |round| round.as_secs_f64() * 1e3)
}

//! Point 3: a bulk upload does not starve the others, and each class gets the share that it was configured for.

use super::{mbit, Kept, Point, Proof, MEASURE, PAUSE, SETTLE};
use crate::lab::{Host, SERVER};
use crate::model::{Traffic, BULK, INTERACTIVE, NORMAL, USED};
use crate::traffic::Talk;
use crate::Result;
use std::thread::sleep;
use std::time::{Duration, Instant};
use tcnl::netlink::Connection;
use tcnl::tc::Class;
use tcnl::units::Dev;
use tcnl::uplink::Uplink;

/// How often people at a terminal ask.
const ASKING: Duration = Duration::from_millis(20);

impl Proof<'_> {
    pub(super) fn shares(&self, kept: &Kept) -> Result<Vec<Point>> {
        kept.reload([0, 1])?;
        self.screen.step("bulk upload, interactive beside it");
        let mut points = vec![self.quick(&rounds_beside_bulk(&self.lab.lan)?)];
        self.screen.step("bulk and normal uploads, interactive");
        points.extend(self.sent()?);
        Ok(points)
    }

    fn quick(&self, rounds: &[Duration]) -> Point {
        let slow = quantile(&self.control.rounds, 0.5);
        let (fast, late) = (quantile(rounds, 0.5), quantile(rounds, 0.95));
        Point {
            what: "3 answers beside a bulk upload, ms",
            control: format!("{slow:.1} median without classes"),
            result: format!("{fast:.1} median, {late:.1} for 95 % of {}", rounds.len()),
            held: fast < slow / 10.0 && late < slow / 2.0,
        }
    }

    /// What each class sends over the first uplink while all of them have enough to send.
    fn sent(&self) -> Result<Vec<Point>> {
        let (lan, uplink) = (&self.lab.lan, &self.gateway.uplinks[0]);
        let upload = |traffic: Traffic| Talk::upload(lan, SERVER[0], traffic.dscp);
        let _busy = [upload(BULK)?, upload(BULK)?, upload(NORMAL)?];
        let _talk = Talk::paced(lan, SERVER[0], INTERACTIVE.dscp, ASKING)?;
        sleep(SETTLE);
        let mut nl = self.lab.gateway.connection()?;
        let dev = nl.link(&uplink.dev)?.into();
        let (before, start) = (bytes(&mut nl, dev, uplink)?, Instant::now());
        sleep(Duration::from_secs(4));
        let (after, seconds) = (bytes(&mut nl, dev, uplink)?, start.elapsed().as_secs_f64());
        let sent = |traffic: Traffic| -> Result<f64> {
            let of = |bytes: &[(String, u64)]| {
                bytes.iter().find(|(name, _)| name == traffic.name).map(|(_, bytes)| *bytes)
            };
            let (after, before) = of(&after).zip(of(&before)).ok_or("a class is not there")?;
            Ok((after - before) as f64 * 8e-6 / seconds)
        };
        let (interactive, bulk, normal) = (sent(INTERACTIVE)?, sent(BULK)?, sent(NORMAL)?);
        // Bulk gets its guarantee. What interactive traffic leaves of its own goes to normal traffic, which is the next in line.
        let full = mbit(uplink.up) * USED / 100.0;
        let bulk_due = full * BULK.percent / 100.0;
        let normal_due = full - bulk_due - interactive;
        let point = |what, due: f64, sent: f64| Point {
            what,
            control: format!("{due:.2} configured"),
            result: format!("{sent:.2}"),
            held: (sent / due - 1.0).abs() < 0.15,
        };
        Ok(vec![
            point("3 upload of the normal class, Mbit/s", normal_due, normal),
            point("3 upload of the bulk class, Mbit/s", bulk_due, bulk),
            point("3 upload of all classes, Mbit/s", full, interactive + normal + bulk),
        ])
    }
}

/// How long interactive answers take while two uploads fill the uplink, in ascending order.
pub fn rounds_beside_bulk(host: &Host) -> Result<Vec<Duration>> {
    let upload = || Talk::upload(host, SERVER[0], BULK.dscp);
    let bulk = [upload()?, upload()?];
    let talk = Talk::paced(host, SERVER[0], INTERACTIVE.dscp, ASKING)?;
    sleep(SETTLE);
    drop(talk.take_rounds());
    sleep(MEASURE);
    let rounds = talk.take_rounds();
    drop(bulk);
    // The provider's queue is to be empty for what comes next.
    sleep(PAUSE);
    Ok(rounds)
}

/// What each class of an uplink has sent, by its name. Those that have a queue below them are the classes of the model, in its order.
fn bytes(nl: &mut Connection, dev: Dev, uplink: &Uplink) -> Result<Vec<(String, u64)>> {
    let mut classes = nl.snapshot(Class::of(dev))?;
    classes.retain(|class| class.leaf.is_some());
    classes.sort_by_key(|class| class.id);
    let shares = uplink.shaping.iter().flat_map(|shaping| &shaping.shares);
    let sent = |class: &Class| class.stats.as_ref().map_or(0, |stats| stats.bytes);
    Ok(shares.map(|share| share.name.clone()).zip(classes.iter().map(sent)).collect())
}

/// In milliseconds; without any answer it is for ever.
fn quantile(sorted: &[Duration], part: f64) -> f64 {
    let at = (sorted.len() as f64 * part) as usize;
    sorted.get(at).map_or(f64::INFINITY, |round| round.as_secs_f64() * 1e3)
}

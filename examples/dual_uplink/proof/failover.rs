//! Point 4: an uplink is lost without a word, somewhere behind the provider's router. New connections use the other one, old ones end and
//! do not hang, and when it works again it is used again.

use super::{Kept, Point, Proof};
use crate::lab::{families, Host, Lab, SERVER};
use crate::traffic::{attempts, tcp_seen_as, until, End, Talk};
use crate::Result;
use std::net::IpAddr;
use std::thread::sleep;
use std::time::Duration;

/// How soon new connections have to work again.
const BOUND: Duration = Duration::from_secs(2);
/// How long they are watched.
const WATCHED: Duration = Duration::from_millis(2400);

/// What became of connections that were begun after the first uplink was lost.
pub struct Outage {
    /// From when on all worked, if they did; and the addresses that the server saw these come from.
    works_after: Option<Duration>,
    seen_as: Vec<IpAddr>,
}

impl Outage {
    /// Silences the first provider, and watches new connections of this host.
    pub fn watch(lab: &Lab, from: &Host) -> Result<Outage> {
        lab.routers[0].silence(true)?;
        let all = attempts(from, &SERVER[..families().len()], WATCHED);
        let lost = all.iter().rposition(|attempt| attempt.seen_as.is_none());
        let since = all.get(lost.map_or(0, |lost| lost + 1)..).unwrap_or_default();
        Ok(Outage {
            works_after: since.first().map(|attempt| attempt.begun),
            seen_as: since.iter().filter_map(|attempt| attempt.seen_as).collect(),
        })
    }
}

impl Proof<'_> {
    pub(super) fn failover(&self, kept: &Kept) -> Result<Vec<Point>> {
        let (lab, screen) = (self.lab, self.screen);
        screen.step("silent loss behind A");
        kept.reload([0, 1])?;
        let uses = |name| {
            let seen = |family: usize| tcp_seen_as(&lab.lan, SERVER[family]);
            families().all(|family| seen(family).is_ok_and(|seen| self.name_of(seen) == name))
        };
        until(Duration::from_secs(3), || uses("A"))?;
        let old = Talk::open(&lab.lan, SERVER[0])?;
        let outage = Outage::watch(lab, &lab.lan)?;
        // It ends when it sends again, which it does less and less often.
        let _ = until(Duration::from_secs(4), || old.end().is_some());
        let new = Talk::open(&lab.lan, SERVER[0])?;

        screen.step("A works again");
        lab.routers[0].silence(false)?;
        let back = until(Duration::from_secs(10), || uses("A")).ok();
        let answers = new.answers();
        sleep(Duration::from_millis(500));
        let stays = new.end().is_none() && new.answers() > answers;
        let by_b = outage.seen_as.iter().all(|seen| self.name_of(*seen) == "B");
        let in_time = outage.works_after.is_some_and(|after| after <= BOUND);
        let none = self.control.outage.works_after.is_none();
        let end = match old.end() {
            Some(End::Reset) => "reset",
            Some(End::Hung) => "hung",
            None => "alive",
        };
        Ok(vec![
            Point {
                what: "4 new connections after a silent loss behind A",
                control: match self.control.outage.works_after {
                    None => format!("none within {:.1} s", WATCHED.as_secs_f64()),
                    Some(after) => format!("after {:.2} s", after.as_secs_f64()),
                },
                result: format!("{}, the old one is {end}", after(outage.works_after, "B")),
                held: none && in_time && by_b && old.end() == Some(End::Reset),
            },
            Point {
                what: "4 new connections when A works again",
                control: String::new(),
                result: format!("{}, those on B {}", after(back, "A"), if stays { "stay" } else { "END" }),
                held: back.is_some() && stays && self.name_of(new.seen_as) == "B",
            },
        ])
    }
}

fn after(time: Option<Duration>, name: &str) -> String {
    time.map_or("never".into(), |time| format!("by {name} after {:.2} s", time.as_secs_f64()))
}

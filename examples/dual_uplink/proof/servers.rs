//! Point 1: servers that are bound to each uplink's address answer over the uplink that they were asked by.

use super::{Point, Proof};
use crate::lab::{families, Host, Lab, SERVER};
use crate::traffic::{tcp_seen_as, udp_seen_as};
use crate::Result;
use std::{fmt, thread};

/// How often the gateway's servers are asked: so that what belongs to nobody's question does not count among the packets.
const TIMES: usize = 3;

/// How many answers came from the servers of one uplink's addresses, and how many packets each router got from the gateway meanwhile.
#[derive(Default)]
pub struct Answers {
    asked: usize,
    tcp: usize,
    udp: usize,
    packets: [u64; 2],
}

impl Proof<'_> {
    pub(super) fn servers(&self) -> Result<Point> {
        self.screen.step("servers on both uplinks");
        let [a, b] = ask(self.lab, TIMES)?;
        let [first, second] = &self.control.servers;
        let over = |answers: &Answers| format!("{}+{}", answers.packets[0], answers.packets[1]);
        // Neighbours may be looked for meanwhile: a packet or two on the other one.
        let own_way = a.packets[0] > 3 * a.packets[1] && b.packets[1] > 3 * b.packets[0];
        Ok(Point {
            what: "1 servers on both addresses answer (TCP, UDP)",
            control: format!("A: {first}; B: {second}"),
            result: format!("A: {a}; B: {b} (packets by A+B: {}, {})", over(&a), over(&b)),
            held: first.all() && second.none() && a.all() && b.all() && own_way,
        })
    }
}

/// Asks the servers of both uplinks' addresses from the Internet, so many times.
pub fn ask(lab: &Lab, times: usize) -> Result<[Answers; 2]> {
    Ok([ask_over(lab, 0, times)?, ask_over(lab, 1, times)?])
}

fn ask_over(lab: &Lab, line: usize, times: usize) -> Result<Answers> {
    let mut answers = Answers::default();
    let before = packets(lab)?;
    for _ in 0..times {
        thread::scope(|scope| {
            let asked: Vec<_> = families()
                .map(|family| {
                    let (from, to) = (SERVER[family], lab.lines[line].address[family]);
                    let tcp = scope.spawn(move || tcp_seen_as(&lab.internet, to).is_ok());
                    (tcp, scope.spawn(move || udp_seen_as(&lab.internet, from, to).is_ok()))
                })
                .collect();
            for (tcp, udp) in asked {
                answers.asked += 1;
                answers.tcp += usize::from(tcp.join().unwrap_or(false));
                answers.udp += usize::from(udp.join().unwrap_or(false));
            }
        });
    }
    let after = packets(lab)?;
    answers.packets = [after[0] - before[0], after[1] - before[1]];
    Ok(answers)
}

/// How many packets each router got from the gateway.
fn packets(lab: &Lab) -> Result<[u64; 2]> {
    let one = |router: &Host| -> Result<u64> {
        let wan = router.connection()?.link("wan")?;
        Ok(wan.stats.ok_or("a link without counters")?.rx_packets)
    };
    Ok([one(&lab.routers[0])?, one(&lab.routers[1])?])
}

impl Answers {
    fn all(&self) -> bool {
        (self.tcp, self.udp) == (self.asked, self.asked)
    }

    fn none(&self) -> bool {
        (self.tcp, self.udp) == (0, 0)
    }
}

impl fmt::Display for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.all(), self.none()) {
            (true, _) => f.write_str("answer"),
            (_, true) => f.write_str("no answer"),
            _ => write!(f, "{} of {asked} TCP, {} of {asked} UDP", self.tcp, self.udp, asked = self.asked),
        }
    }
}

use super::icmp::{self, Echo};
use super::socket::Failure;
use super::tcp::{self, Attempt};
use super::Round;
use crate::units::Family;
use crate::uplink::{Probing, Target};
use crate::Result;
use nix::errno::Errno;
use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

/// So many rounds may be under way: a shorter interval has to wait for the timeout.
const MOST: usize = 64;
/// So that no sum of times is out of range.
const LONGEST: Duration = Duration::from_secs(3600);

/// Asks an uplink's targets in rounds, without ever waiting.
///
/// Its user's loop polls [`fds`](Prober::fds) until [`next`](Prober::next), and then calls [`drive`](Prober::drive). What it sends has the uplink's
/// mark, so that the uplink's table is asked whatever the selector says, the uplink's address as its source, and the DSCP of expedited forwarding
/// (46), for which [`Shaping`](crate::uplink::Shaping) has a class: what fills the uplink does not keep it waiting. What cannot
/// be sent (no route, no descriptor left, the address gone) is no answer, with the reason in [`Round::who`]; the next round tries again.
///
/// It has one socket for each ICMP target, and for each TCP target one for each round that is under way: as many as intervals fit
/// into the timeout, at most 64.
#[derive(Debug)]
pub struct Prober {
    interval: Duration,
    timeout: Duration,
    mark: u32,
    sources: Sources,
    lines: Vec<Line>,
    /// Rounds whose end was not told yet, the first one undecided.
    rounds: VecDeque<Asked>,
    /// When the next round is due.
    due: Instant,
    sequence: u16,
}

/// The addresses of an uplink that probes are sent from. A target of a family without an address is not asked, and does not answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// That of IPv4.
    pub v4: Option<Ipv4Addr>,
    /// That of IPv6, of global scope.
    pub v6: Option<Ipv6Addr>,
}

/// What to wait for at a descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// Until there is something to read (`POLLIN`).
    Read,
    /// Until it can be written to (`POLLOUT`).
    Write,
}

/// A target and the socket it is asked over, if it is one of ICMP and could be asked.
#[derive(Debug)]
struct Line {
    target: Target,
    echo: Option<Echo>,
}

/// A round.
#[derive(Debug)]
struct Asked {
    started: Instant,
    /// What has been asked, in the order of the targets; nothing if it has ended.
    probes: Vec<Probe>,
    end: Option<Round>,
}

#[derive(Debug)]
enum Probe {
    /// An echo request with this number.
    Echo(u16),
    Connection(Attempt),
    /// For this reason.
    Failed(String),
    Answered,
}

impl Prober {
    /// Asks these targets in the calling thread's network namespace, for the first time at `start`. Several uplinks do
    /// well to start at several times. An interval below 10 ms counts as 10 ms, one of more than an hour,
    /// and such a timeout, as an hour.
    ///
    /// # Errors
    ///
    /// [`Error::Io`](crate::Error::Io) if this process may not open or mark the sockets: that takes CAP_NET_ADMIN, and for ICMP CAP_NET_RAW or a group in
    /// `net.ipv4.ping_group_range`.
    pub fn new(
        probing: &Probing,
        targets: &[Target],
        mark: u32,
        sources: Sources,
        start: Instant,
    ) -> Result<Self> {
        for target in targets {
            let family = Family::of(target.address());
            let tried = match target {
                Target::Icmp(_) => icmp::open(family, mark).map(drop),
                Target::Tcp(_) => tcp::open(family, mark).map(drop),
            };
            // Anything else may be different when it is needed.
            let denied = |failure: &Failure| matches!(failure.errno(), Errno::EPERM | Errno::EACCES);
            tried.or_else(|failure| if denied(&failure) { Err(failure) } else { Ok(()) })?;
        }
        Ok(Prober {
            interval: probing.interval.clamp(Duration::from_millis(10), LONGEST),
            timeout: probing.timeout.min(LONGEST),
            mark,
            sources,
            lines: targets.iter().map(|target| Line { target: *target, echo: None }).collect(),
            rounds: VecDeque::new(),
            due: start,
            sequence: 0,
        })
    }

    /// What to poll for. The descriptors are others after each call of [`drive`](Prober::drive).
    pub fn fds(&self) -> impl Iterator<Item = (BorrowedFd<'_>, Interest)> {
        let echoes = self.lines.iter().filter_map(|line| Some((line.echo.as_ref()?.as_fd(), Interest::Read)));
        echoes.chain(self.rounds.iter().flat_map(|round| &round.probes).filter_map(Probe::connection))
    }

    /// When it has something to do at the latest; `None` if it never has, because there are no targets.
    pub fn next(&self) -> Option<Instant> {
        let ends =
            self.rounds.iter().filter(|round| round.end.is_none()).map(|round| round.started + self.timeout);
        let due = (!self.lines.is_empty() && self.rounds.len() < MOST).then_some(self.due);
        ends.chain(due).min()
    }

    /// Reads what has come, ends rounds that are over, and begins the next one if it is due. Gives the rounds that have ended, in the
    /// order in which they began: one that was answered waits for those before it.
    pub fn drive(&mut self, now: Instant) -> Vec<Round> {
        self.read_replies();
        for round in &mut self.rounds {
            round.look_after_connections();
        }
        self.conclude(now);
        if now >= self.due && !self.lines.is_empty() && self.rounds.len() < MOST {
            self.ask(now);
            self.conclude(now);
        }
        let mut ended = Vec::new();
        while let Some(round) = self.rounds.front_mut().and_then(|round| round.end.take()) {
            ended.push(round);
            self.rounds.pop_front();
        }
        ended
    }

    /// Says that the uplink has other addresses now. If so, rounds that are under way are forgotten, because their answers go to the old ones,
    /// and the next one begins at once.
    pub fn readdress(&mut self, sources: Sources, now: Instant) {
        if sources != self.sources {
            self.sources = sources;
            self.lines.iter_mut().for_each(|line| line.echo = None);
            self.rounds.clear();
            self.due = now;
        }
    }

    fn read_replies(&mut self) {
        for (at, line) in self.lines.iter().enumerate() {
            // Nobody can keep us reading here, not even the target.
            for _ in 0..MOST {
                let Some(sequence) = line.echo.as_ref().and_then(Echo::answer) else { break };
                let mut probes = self.rounds.iter_mut().filter_map(|round| round.probes.get_mut(at));
                // One that was given up, or answered before, is not there.
                let asked = probes.find(|probe| matches!(probe, Probe::Echo(is) if *is == sequence));
                if let Some(probe) = asked {
                    *probe = Probe::Answered;
                }
            }
        }
    }

    fn conclude(&mut self, now: Instant) {
        for round in self.rounds.iter_mut().filter(|round| round.end.is_none()) {
            let time = now.saturating_duration_since(round.started);
            let answered = round.probes.iter().position(|probe| matches!(probe, Probe::Answered));
            let is_over =
                time >= self.timeout || round.probes.iter().all(|probe| matches!(probe, Probe::Failed(_)));
            let end = match answered.and_then(|at| self.lines.get(at)) {
                // If we were late to read it, it may have come long ago.
                Some(line) => Round { answer: Some(time.min(self.timeout)), who: line.target.to_string() },
                None if is_over => Round { answer: None, who: silent(&self.lines, &round.probes) },
                None => continue,
            };
            round.end = Some(end);
            round.probes.clear();
        }
    }

    fn ask(&mut self, now: Instant) {
        let next = self.due + self.interval;
        // What was missed, asleep perhaps, is not made up for.
        self.due = if next > now { next } else { now + self.interval };
        let (sources, mark) = (self.sources, self.mark);
        let probes = self.lines.iter_mut().map(|line| {
            self.sequence = self.sequence.wrapping_add(1);
            line.ask(sources, mark, self.sequence).unwrap_or_else(Probe::from)
        });
        let round = Asked { started: now, probes: probes.collect(), end: None };
        self.rounds.push_back(round);
    }
}

impl Probe {
    fn connection(&self) -> Option<(BorrowedFd<'_>, Interest)> {
        match self {
            Probe::Connection(attempt) => Some((attempt.as_fd(), Interest::Write)),
            _ => None,
        }
    }
}

impl Line {
    fn ask(&mut self, sources: Sources, mark: u32, sequence: u16) -> Result<Probe, Failure> {
        let family = Family::of(self.target.address());
        let Some(from) = sources.of(family) else {
            let version = if family == Family::V4 { "IPv4" } else { "IPv6" };
            return Ok(Probe::Failed(format!("the uplink has no {version} address")));
        };
        match self.target {
            Target::Tcp(to) => Ok(Attempt::start(to, from, mark)?.map_or(Probe::Answered, Probe::Connection)),
            Target::Icmp(to) => {
                let echo = match self.echo.take() {
                    Some(echo) => echo,
                    None => Echo::open(to, from, mark)?,
                };
                // After an error the socket is gone: the next round tries with a new one.
                echo.send(sequence)?;
                self.echo = Some(echo);
                Ok(Probe::Echo(sequence))
            }
        }
    }
}

impl From<Failure> for Probe {
    fn from(failure: Failure) -> Self {
        Probe::Failed(failure.to_string())
    }
}

impl Asked {
    fn look_after_connections(&mut self) {
        for probe in &mut self.probes {
            if let Probe::Connection(attempt) = probe {
                match attempt.outcome() {
                    Some(Ok(())) => *probe = Probe::Answered,
                    Some(Err(failure)) => *probe = failure.into(),
                    None => (),
                }
            }
        }
    }
}

impl Sources {
    fn of(self, family: Family) -> Option<IpAddr> {
        match family {
            Family::V4 => self.v4.map(IpAddr::V4),
            Family::V6 => self.v6.map(IpAddr::V6),
        }
    }
}

/// Who did not answer, and why if that is known.
fn silent(lines: &[Line], probes: &[Probe]) -> String {
    let said = lines.iter().zip(probes).map(|(line, probe)| match probe {
        Probe::Failed(why) => format!("{} ({why})", line.target),
        _ => line.target.to_string(),
    });
    said.collect::<Vec<_>>().join(", ")
}

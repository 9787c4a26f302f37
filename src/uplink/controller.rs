use super::health::{Interest, Prober};
use super::watched::{first, watch, Watched};
use super::{ChangeError, Choice, Decision, Gateway, Happening, Machine, Sample, Seen, Selector, Status};
use crate::error::{Error, Result};
use crate::netlink::{Builder, Event, Events, Group};
use crate::route::Route;
use nix::poll::{poll, PollFd, PollFlags, PollTimeout};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// How often counters are read and the selector is asked.
const SAMPLE: Duration = Duration::from_millis(200);
/// How long after an event it is looked at what there is: events come in swarms.
const SETTLE: Duration = Duration::from_millis(20);
/// How often it is looked at what there is without any event.
const ROUTINE: Duration = Duration::from_secs(30);
/// How long to wait after something went wrong.
const AGAIN: Duration = Duration::from_secs(1);

/// Keeps a gateway's uplinks busy: watches them, sends new connections by the selector's choice, and repairs what others change.
///
/// It runs in the thread that made it, in that thread's network namespace, and only inside [`turn`](Controller::turn). Dropping it leaves all
/// as it is: the next one takes over what it finds.
pub struct Controller {
    machine: Machine,
    gateway: Gateway,
    selector: Box<dyn Selector>,
    events: Events,
    seen: Seen,
    watched: Vec<Watched>,
    choice: Choice,
    begin: Instant,
    sample_due: Instant,
    look_due: Instant,
    /// Until then nothing is looked at, whatever happens: what failed has events, too.
    patience: Instant,
    /// What was decided and not told yet.
    decision: Option<Decision>,
    /// The uplinks whose connections are to be forgotten, once the rules are those of the choice: what still comes or goes must not bring
    /// them back.
    dying: Vec<usize>,
}

impl Controller {
    /// Brings the machine to what the gateway shall be, and begins to watch it. What an earlier one left is taken over.
    ///
    /// # Errors
    /// Something of others is in the way, or the kernel refuses something: then all is as it was before.
    pub fn start(
        mut machine: Machine,
        gateway: Gateway,
        mut selector: Box<dyn Selector>,
    ) -> Result<Self, ChangeError> {
        let unseen = |error| ChangeError::whole("look at the machine", error);
        // First, so that nothing is missed between looking and listening.
        let events = Builder::default().timeout(Some(Duration::ZERO)).events(&GROUPS).map_err(unseen)?;
        let seen = machine.see(&gateway).map_err(unseen)?;
        let now = Instant::now();
        let watched = watch(&gateway, &seen, now).map_err(unseen)?;
        let (choice, decision) = first(&gateway, &seen, &watched, &mut *selector);
        let changes = machine.plan_seen(&gateway, &seen, &choice).map_err(unseen)?;
        machine.apply(&changes)?;
        Ok(Controller {
            machine,
            gateway,
            selector,
            events,
            seen,
            watched,
            choice,
            begin: now,
            sample_due: now,
            look_due: now + ROUTINE,
            patience: now,
            decision,
            dying: Vec::new(),
        })
    }

    /// The gateway that it keeps.
    pub fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// Stops watching. What was made stays: [`Machine::cleanup`] takes it away.
    pub fn into_machine(self) -> Machine {
        self.machine
    }

    /// How the uplinks do, in the model's order.
    pub fn statuses(&self) -> Vec<Status> {
        let uplinks = self.gateway.uplinks.iter().zip(&self.watched).enumerate();
        let status = |(number, (uplink, watched)): (usize, (&super::Uplink, &Watched))| Status {
            name: uplink.name.clone(),
            usable: watched.usable,
            drained: watched.drained,
            weight: self.choice.weights.get(number).copied().unwrap_or_default(),
            down: watched.load.down(),
            up: watched.load.up(),
            used: watched.load.used(),
            round_trip: watched.health.round_trip(),
            loss: watched.health.loss(),
        };
        uplinks.map(status).collect()
    }

    /// How many connections use each uplink, in the model's order, IPv4 and IPv6 together. The kernel goes through all it knows of.
    ///
    /// # Errors
    /// The kernel cannot be asked.
    pub fn flows(&mut self) -> Result<Vec<u64>> {
        self.machine.count(&self.gateway.owned, self.gateway.uplinks.len())
    }

    /// Takes an uplink out, or back in: it gets no new connections, and those that it has go on. False if there is none of this
    /// name.
    pub fn drain(&mut self, uplink: &str, drained: bool) -> bool {
        let Some(number) = self.gateway.uplinks.iter().position(|known| known.name == uplink) else {
            return false;
        };
        self.watched.get_mut(number).into_iter().for_each(|watched| watched.drained = drained);
        self.sample_due = Instant::now();
        true
    }

    /// Keeps this gateway from now on. Connections stay where they are, if their uplink keeps its place in the list.
    ///
    /// # Errors
    /// See [`start`](Controller::start): then it keeps what it kept.
    pub fn reload(&mut self, gateway: Gateway, mut selector: Box<dyn Selector>) -> Result<(), ChangeError> {
        let unseen = |error| ChangeError::whole("look at the machine", error);
        let seen = self.machine.see(&gateway).map_err(unseen)?;
        let mut watched = watch(&gateway, &seen, Instant::now()).map_err(unseen)?;
        for (uplink, new) in gateway.uplinks.iter().zip(&mut watched) {
            let known =
                self.gateway.uplinks.iter().zip(&self.watched).find(|(known, _)| known.name == uplink.name);
            if let Some((_, old)) = known {
                new.drained = old.drained;
                old.health.works().into_iter().for_each(|works| new.health.assume(works));
            }
        }
        let (choice, decision) = first(&gateway, &seen, &watched, &mut *selector);
        let changes = self.machine.plan_seen(&gateway, &seen, &choice).map_err(unseen)?;
        self.machine.apply(&changes)?;
        (self.gateway, self.selector, self.watched, self.choice) = (gateway, selector, watched, choice);
        (self.seen, self.decision, self.begin) = (seen, decision, Instant::now());
        self.sample_due = self.begin;
        // It is found out again which ones are dead, by their new numbers.
        self.dying.clear();
        Ok(())
    }

    /// Works until `until`, and tells what happens. What goes wrong is told, too, and tried again.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot wait any more.
    pub fn turn(&mut self, until: Instant, tell: &mut dyn FnMut(Happening<'_>)) -> Result<()> {
        self.decision.take().iter().for_each(|decision| tell(Happening::Decided(decision)));
        loop {
            self.hear(tell);
            self.probe(Instant::now(), tell);
            let now = Instant::now();
            if now >= self.look_due {
                self.look_due = now + ROUTINE;
                self.look(tell);
            }
            if now >= self.sample_due {
                self.sample_due = now + SAMPLE;
                self.sample(tell);
            }
            if Instant::now() >= until {
                return Ok(());
            }
            self.wait(until)?;
        }
    }

    /// Waits for events and answers, or until something is due.
    fn wait(&self, until: Instant) -> Result<()> {
        let probers = || self.watched.iter().filter_map(|watched| watched.prober.as_ref());
        let due = probers().filter_map(Prober::next).chain([until, self.sample_due, self.look_due]).min();
        let mut fds = vec![PollFd::new(self.events.as_fd(), PollFlags::POLLIN)];
        fds.extend(probers().flat_map(Prober::fds).map(|(fd, interest)| PollFd::new(fd, flags(interest))));
        let left = due.map_or(SAMPLE, |due| due.saturating_duration_since(Instant::now()));
        // A millisecond more than too little: what is due in the middle of one is not due yet.
        let left = PollTimeout::try_from(left + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX);
        match poll(&mut fds, left) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => Ok(()),
            Err(errno) => Err(Error::io("wait", errno)),
        }
    }

    /// Reads the events that have come. They only say that something happened: what is there is looked at.
    fn hear(&mut self, tell: &mut dyn FnMut(Happening<'_>)) {
        // Bounded: a flood of events must not keep it from its work.
        for _ in 0..1000 {
            let concerns = match self.events.next() {
                Ok(None) => return,
                Ok(Some(event)) => concerns(&event, &self.gateway),
                Err(Error::Io { .. }) => return,
                Err(error) => {
                    tell(Happening::Failed(&error));
                    true
                }
            };
            if concerns {
                self.look_due = self.look_due.min(self.patience.max(Instant::now() + SETTLE));
            }
        }
    }

    fn probe(&mut self, now: Instant, tell: &mut dyn FnMut(Happening<'_>)) {
        let mut changed = false;
        for (uplink, watched) in self.gateway.uplinks.iter().zip(&mut self.watched) {
            for round in watched.prober.iter_mut().flat_map(|prober| prober.drive(now)) {
                if let Some(change) = watched.health.round(round) {
                    tell(Happening::Health { uplink: &uplink.name, change: &change });
                    changed = true;
                }
            }
        }
        if changed {
            self.decide(tell);
        }
    }

    /// Looks at what there is, and repairs what is not as it shall be.
    fn look(&mut self, tell: &mut dyn FnMut(Happening<'_>)) {
        let mut repair = || -> Result<(), Error> {
            let seen = self.machine.see(&self.gateway)?;
            if seen != self.seen {
                self.seen = seen;
                let now = Instant::now();
                for (number, watched) in self.watched.iter_mut().enumerate() {
                    let sources = self.seen.sources(number);
                    watched.prober.iter_mut().for_each(|prober| prober.readdress(sources, now));
                }
                self.decide(tell);
            }
            let changes = self.machine.plan_seen(&self.gateway, &self.seen, &self.choice)?;
            if !changes.is_empty() {
                self.machine.apply(&changes).map_err(|error| *error.error)?;
                tell(Happening::Repaired(&changes));
            }
            Ok(())
        };
        if let Err(error) = repair() {
            tell(Happening::Failed(&error));
            self.patience = Instant::now() + AGAIN;
            self.look_due = self.patience;
        }
        std::mem::take(&mut self.dying).into_iter().for_each(|number| self.forget(number, tell));
    }

    /// Reads the counters, and asks the selector.
    fn sample(&mut self, tell: &mut dyn FnMut(Happening<'_>)) {
        for (number, watched) in self.watched.iter_mut().enumerate() {
            // A device that is gone, or goes while it is asked for, counts no more.
            let Some(stats) = self.seen.dev(number).and_then(|dev| self.machine.counters(dev)) else {
                continue;
            };
            watched.counters = stats;
            watched.load.sample(self.begin.elapsed(), stats.0, stats.1);
        }
        self.decide(tell);
    }

    /// Asks the selector, and does what it says. Connections of what is not usable any more are forgotten once new ones go elsewhere, when
    /// it is looked next.
    fn decide(&mut self, tell: &mut dyn FnMut(Happening<'_>)) {
        for (number, watched) in self.watched.iter_mut().enumerate() {
            let works = watched.works(&self.seen, number);
            let usable = works && !watched.drained;
            if watched.usable && !works {
                self.dying.push(number);
            }
            watched.usable = usable;
        }
        let sample = |watched: &Watched| {
            let (rx_bytes, tx_bytes) = watched.counters;
            Sample { usable: watched.usable, rx_bytes, tx_bytes }
        };
        let samples: Vec<_> = self.watched.iter().map(sample).collect();
        let usable: Vec<_> = samples.iter().map(|sample| sample.usable).collect();
        if usable != self.choice.usable {
            self.choice.usable = usable;
            // What may be forced to an uplink depends on it.
            self.look_due = Instant::now();
        }
        if let Some(decision) = self.selector.select(self.begin.elapsed(), &samples) {
            if decision.weights != self.choice.weights {
                self.choice.weights.clone_from(&decision.weights);
                if let Err(error) = self.machine.steer(&self.gateway, &self.seen, &self.choice) {
                    tell(Happening::Failed(&error));
                    self.look_due = Instant::now() + SETTLE;
                }
            }
            tell(Happening::Decided(&decision));
        }
        if !self.choice.usable.contains(&true) {
            self.dying.clear();
        }
    }

    fn forget(&mut self, number: usize, tell: &mut dyn FnMut(Happening<'_>)) {
        match self.machine.forget(&self.gateway.owned, number) {
            Ok(()) => {
                let uplink = self.gateway.uplinks.get(number).map_or("", |uplink| uplink.name.as_str());
                tell(Happening::Forgotten { uplink });
            }
            Err(error) => tell(Happening::Failed(&error)),
        }
    }
}

fn flags(interest: Interest) -> PollFlags {
    match interest {
        Interest::Read => PollFlags::POLLIN,
        Interest::Write => PollFlags::POLLOUT,
    }
}

/// What concerns a gateway.
const GROUPS: [Group; 8] = [
    Group::Link,
    Group::AddressV4,
    Group::AddressV6,
    Group::RouteV4,
    Group::RouteV6,
    Group::RuleV4,
    Group::RuleV6,
    Group::Nexthop,
];

/// Whether an event may be about what a gateway is made of. Routes come by the hundred thousand where a router speaks BGP: those of
/// others do not concern it, except default routes.
fn concerns(event: &Event<'_>, gateway: &Gateway) -> bool {
    let owned = &gateway.owned;
    if let Some(Ok(route)) = event.object::<Route>() {
        let default = route.to.len() == 0 && route.table == Route::MAIN;
        return default || route.protocol == Some(owned.protocol) || owned.tables.contains(&route.table);
    }
    true
}

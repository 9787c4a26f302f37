//! `run`: keeps the gateway, in the foreground.

use super::arguments::Arguments;
use super::config::Config;
use super::counting::Counter;
use super::socket::{self, Server};
use super::status::Published;
use super::view::View;
use super::{complain, warnings_of};
use crate::Result;
use nix::sys::signal::{SigSet, Signal};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};
use tcnl::uplink::{Controller, Gateway, Machine};

/// How soon a signal is noticed.
const NOTICE: Duration = Duration::from_millis(100);

/// Keeps the gateway until SIGTERM or SIGINT, or until nobody can read what it says. SIGHUP reads the file again.
pub fn run(file: &Path, arguments: &Arguments) -> Result<()> {
    let asked = hear_signals()?;
    let Config { gateway, choice, drained } = Config::read(file)?;
    warnings_of(&gateway).iter().for_each(|warning| complain(&format!("warning: {warning}")));
    let selector = choice.selector(&gateway.uplinks);
    let mut running = Running {
        server: Server::open(socket::path(arguments.socket.as_deref())?)?,
        counter: Counter::start(&gateway)?,
        view: View::new(arguments.json, names(&gateway)),
        controller: Controller::start(Machine::open()?, gateway, selector)?,
    };
    running.drain(&drained);
    let ended = running.keep(&asked, file);
    if arguments.cleanup_on_exit {
        running.clean_up()?;
    }
    ended
}

fn names(gateway: &Gateway) -> Vec<String> {
    gateway.uplinks.iter().map(|uplink| uplink.name.clone()).collect()
}

/// What signals ask for.
#[derive(Default)]
struct Asked {
    reload: AtomicBool,
    stop: AtomicBool,
}

fn hear_signals() -> Result<Arc<Asked>> {
    // Blocked before there are threads: all of them leave these signals to the one that waits for them.
    let signals = SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP]);
    signals.thread_block()?;
    let asked = Arc::<Asked>::default();
    let heard = Arc::clone(&asked);
    thread::spawn(move || {
        while let Ok(signal) = signals.wait() {
            let flag = if signal == Signal::SIGHUP { &heard.reload } else { &heard.stop };
            flag.store(true, Relaxed);
        }
    });
    Ok(asked)
}

struct Running {
    server: Server,
    counter: Counter,
    view: View,
    controller: Controller,
}

impl Running {
    fn keep(&mut self, asked: &Asked, file: &Path) -> Result<()> {
        let mut second = Instant::now();
        loop {
            self.turn(Instant::now())?;
            let published = Published::of(&self.controller, &self.counter.counts());
            self.server.publish(serde_json::to_string(&published)?);
            self.view.second(&published);
            // A machine that slept does not catch up.
            second = (second + Duration::from_secs(1)).max(Instant::now());
            while Instant::now() < second {
                if asked.stop.load(Relaxed) || self.view.is_closed() {
                    return Ok(());
                }
                if asked.reload.swap(false, Relaxed) {
                    match self.reload(file) {
                        Ok(()) => self.view.note("the configuration was read again"),
                        Err(error) => self.view.note(&format!("the configuration stays as it was: {error}")),
                    }
                }
                self.turn(second.min(Instant::now() + NOTICE))?;
            }
        }
    }

    fn turn(&mut self, until: Instant) -> Result<()> {
        let view = &mut self.view;
        Ok(self.controller.turn(until, &mut |happening| view.happening(&happening))?)
    }

    fn reload(&mut self, file: &Path) -> Result<()> {
        let Config { gateway, choice, drained } = Config::read(file)?;
        if gateway.owned != self.controller.gateway().owned {
            return Err("[owned] cannot change while it runs: what was made would stay behind".into());
        }
        let warnings = warnings_of(&gateway);
        let selector = choice.selector(&gateway.uplinks);
        self.controller.reload(gateway, selector)?;
        self.drain(&drained);
        self.counter.watch(self.controller.gateway())?;
        self.view.rename(names(self.controller.gateway()));
        warnings.iter().for_each(|warning| self.view.note(&format!("warning: {warning}")));
        Ok(())
    }

    /// Takes these uplinks out, and all others in.
    fn drain(&mut self, drained: &[String]) {
        for name in names(self.controller.gateway()) {
            self.controller.drain(&name, drained.contains(&name));
        }
    }

    /// Makes the machine what it was before.
    fn clean_up(mut self) -> Result<()> {
        let gateway = self.controller.gateway().clone();
        let mut machine = self.controller.into_machine();
        let changes = machine.cleanup(&gateway)?;
        machine.apply(&changes)?;
        self.view.note("all is as it was before");
        Ok(())
    }
}

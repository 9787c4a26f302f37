//! A controller that runs in the lab's gateway, and what it told.

#![allow(dead_code, reason = "not every program uses all of it")]

use crate::lab::{Host, Lab, Result};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{channel, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tcnl::uplink::{Controller, Gateway, Happening, Machine, Selector, Status};

type Work = Box<dyn FnOnce(&mut Controller) + Send>;
/// Hears what happens.
pub type Tell = Box<dyn FnMut(&Happening<'_>) + Send>;

/// A controller in a thread of its own.
pub struct Running {
    told: Arc<Mutex<Vec<String>>>,
    stop: Arc<AtomicBool>,
    work: Sender<Work>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl Running {
    /// Starts one in the lab's gateway.
    pub fn start(lab: &Lab, gateway: Gateway, selector: Box<dyn Selector>) -> Result<Running> {
        Running::telling(&lab.gateway, gateway, selector, Box::new(|_| ()))
    }

    /// Starts one in this host that tells somebody at once.
    pub fn telling(
        host: &Host,
        gateway: Gateway,
        selector: Box<dyn Selector>,
        mut also: Tell,
    ) -> Result<Running> {
        let (told, stop) = (Arc::<Mutex<Vec<String>>>::default(), Arc::<AtomicBool>::default());
        let (work, tasks) = channel::<Work>();
        let (ready, is_ready) = channel();
        let (lines, stopped, host) = (Arc::clone(&told), Arc::clone(&stop), host.again()?);
        let thread = thread::spawn(move || {
            host.enter()?;
            let begin = Instant::now();
            let mut controller = Controller::start(Machine::open()?, gateway, selector)?;
            let _ = ready.send(());
            let mut tell = |happening: Happening<'_>| {
                also(&happening);
                let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
                lines.push(format!("{:.3} {happening}", begin.elapsed().as_secs_f64()));
            };
            while !stopped.load(Relaxed) {
                tasks.try_iter().for_each(|task| task(&mut controller));
                controller.turn(Instant::now() + Duration::from_millis(20), &mut tell)?;
            }
            Ok(())
        });
        let mut running = Running { told, stop, work, thread: Some(thread) };
        match is_ready.recv() {
            Ok(()) => Ok(running),
            // It ended before: its error says why.
            Err(_) => Err(running.end().err().unwrap_or_else(|| "the controller did not start".into())),
        }
    }

    /// Does something with the controller, in its thread.
    pub fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Controller) -> T + Send + 'static,
    ) -> Result<T> {
        let (answer, answers) = channel();
        let task: Work = Box::new(move |controller| {
            let _ = answer.send(work(controller));
        });
        self.work.send(task).map_err(|_| "the controller has ended")?;
        Ok(answers.recv_timeout(Duration::from_secs(10)).map_err(|_| "the controller does not answer")?)
    }

    pub fn statuses(&self) -> Result<Vec<Status>> {
        self.with(|controller| controller.statuses())
    }

    /// What it has told so far.
    pub fn told(&self) -> Vec<String> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends it; what it made stays.
    pub fn end(&mut self) -> Result<()> {
        self.stop.store(true, Relaxed);
        match self.thread.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(result)) => result,
            Some(Err(_)) => Err("the controller panicked".into()),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Err(why) = self.end() {
            eprintln!("the controller ended: {why:?}");
        }
    }
}

use super::read::{self, Snapshot};
use super::{diff, policy, Desired, Plan, Severity, Step};
use crate::command::{AnyObject, VisitObject};
use crate::error::{Error, Result};
use crate::netlink::{Batch, Connection};
use crate::request::Verb;
use crate::tc::u32::U32Handle;
use crate::text::Show;
use std::fmt::{self, Display, Formatter};
use std::thread;
use std::time::Duration;

/// How many steps are sent at a time; the progress is told behind each.
const AT_A_TIME: usize = 256;

/// How far an application of a plan has come.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Progress<'a> {
    /// How many steps have been made.
    pub done: usize,
    /// How many there are.
    pub all: usize,
    /// The last one that was made.
    pub step: &'a Step,
}

/// A plan could not be carried out.
#[derive(Debug)]
#[non_exhaustive]
pub struct ApplyError {
    /// The step that failed; `None` if a finding forbade to begin.
    pub step: Option<Box<Step>>,
    /// Why.
    pub error: Box<Error>,
    /// What became of the steps before it.
    pub undone: Undone,
}

/// What became of the steps that had been made.
#[derive(Debug)]
#[non_exhaustive]
pub enum Undone {
    /// All is as it was before: the kernel was read again.
    All,
    /// These steps would have to be made to have all as it was before. The error is that of the first which failed.
    Not(Vec<Step>, Option<Box<Error>>),
    /// The kernel could not be read, so it is not known.
    Unknown(Box<Error>),
}

impl Display for ApplyError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.step {
            Some(step) => write!(f, "`{step}` failed: {}", self.error)?,
            None => return write!(f, "nothing was done: {}", self.error),
        }
        match &self.undone {
            Undone::All => write!(f, "; all is as it was before"),
            Undone::Not(steps, error) => {
                write!(f, "; not everything could be undone")?;
                error.iter().try_for_each(|error| write!(f, " ({error})"))?;
                write!(f, ", which would take:")?;
                steps.iter().try_for_each(|step| write!(f, "\n{step}"))
            }
            Undone::Unknown(error) => write!(f, "; what was done could not be undone: {error}"),
        }
    }
}

impl std::error::Error for ApplyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

impl Plan {
    /// Makes the steps. Tells the progress between them.
    ///
    /// # Errors
    /// A step failed: what had been done was undone, as far as the error says. Nothing is begun if one of the
    /// [`findings`](Plan::findings) is an error.
    pub fn apply(
        &self,
        nl: &mut Connection,
        mut progress: impl FnMut(Progress<'_>),
    ) -> Result<(), ApplyError> {
        if let Some(finding) = self.findings.iter().find(|finding| finding.severity == Severity::Error) {
            let error = Error::invalid(finding, "the plan cannot be applied");
            return Err(ApplyError { step: None, error: Box::new(error), undone: Undone::All });
        }
        let failed = make(nl, &self.steps, &mut |done, step| {
            progress(Progress { done, all: self.steps.len(), step });
        });
        match failed {
            Ok(()) => Ok(()),
            Err(failed) => {
                let undone = undo(nl, &self.before, &self.desired);
                Err(ApplyError { step: Some(Box::new(failed.0)), error: Box::new(failed.1), undone })
            }
        }
    }
}

/// Makes steps until one fails, which may be behind others of its batch that were made.
fn make(
    nl: &mut Connection,
    steps: &[Step],
    progress: &mut dyn FnMut(usize, &Step),
) -> Result<(), Box<(Step, Error)>> {
    let mut batch = nl.batch();
    let mut done = 0;
    let parts = steps.chunk_by(|one, other| has_to_wait(one) == has_to_wait(other));
    for steps in parts.flat_map(|part| part.chunks(AT_A_TIME)) {
        batch.clear();
        for step in steps {
            push(&mut batch, step).map_err(|error| Box::new((step.clone(), error)))?;
        }
        for (step, result) in steps.iter().zip(nl.run(&batch)) {
            let result = match result {
                Err(error) if error.errno() == Some(EBUSY) && has_to_wait(step) => again(nl, step),
                result => result.map(drop),
            };
            result.map_err(|error| Box::new((step.clone(), error)))?;
        }
        done += steps.len();
        steps.last().into_iter().for_each(|step| progress(done, step));
    }
    Ok(())
}

const EBUSY: i32 = 16;
/// How often it is tried again, and the pause before: a link is let go within milliseconds, on a busy machine within a second.
const TRIES: u32 = 300;
const PAUSE: Duration = Duration::from_millis(10);

/// Whether it deletes a table of u32. Kernels let go of it some time after the filters that led to it have been deleted
/// (`u32_delete_key_freepf_work` in `net/sched/cls_u32.c`), and refuse to delete it until then.
fn has_to_wait(step: &Step) -> bool {
    match &step.object {
        AnyObject::Filter(filter) if step.verb == Verb::Delete => {
            filter.u32().is_some() && filter.handle != 0 && U32Handle::from_raw(filter.handle).node() == 0
        }
        _ => false,
    }
}

fn again(nl: &mut Connection, step: &Step) -> Result<()> {
    let mut batch = nl.batch();
    push(&mut batch, step)?;
    let mut tries = 0;
    loop {
        thread::sleep(PAUSE);
        tries += 1;
        match nl.run(&batch).into_iter().collect::<Result<Vec<_>>>() {
            Err(error) if error.errno() == Some(EBUSY) && tries < TRIES => (),
            result => return result.map(drop),
        }
    }
}

fn push(batch: &mut Batch, step: &Step) -> Result<()> {
    struct Push<'a>(&'a mut Batch, Verb);
    impl VisitObject for Push<'_> {
        type Out = Result<()>;
        fn object<O: crate::request::Spoken + Show>(self, object: &O) -> Result<()> {
            self.0.push(self.1, object).map(drop)
        }
    }
    step.object.visit(Push(batch, step.verb))
}

/// Brings back what was there before, as a plan like any other, and looks whether it is there.
fn undo(nl: &mut Connection, before: &Snapshot, desired: &Desired) -> Undone {
    let steps = |nl: &mut Connection| -> Result<Vec<Step>> {
        let now = read::read_again(nl, before, desired)?;
        let devices = now.devices.iter().zip(&before.devices);
        let mut steps: Vec<Step> =
            devices.flat_map(|(now, before)| diff::steps(now, &before.tree).all()).collect();
        if let (Some(now), Some(before), Some(wanted)) = (&now.policy, &before.policy, &desired.policy) {
            steps.extend(policy::undo(now, before, wanted));
        }
        Ok(steps)
    };
    let back = match steps(nl) {
        Ok(back) => back,
        Err(error) => return Undone::Unknown(Box::new(error)),
    };
    let failure = make(nl, &back, &mut |_, _| ()).err().map(|failed| Box::new(failed.1));
    match steps(nl) {
        Ok(left) if left.is_empty() => Undone::All,
        Ok(left) => Undone::Not(left, failure),
        Err(error) => Undone::Unknown(Box::new(error)),
    }
}

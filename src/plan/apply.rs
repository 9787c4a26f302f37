mod busy;

use super::{diff, policy, read, Plan, Severity, Step};
use crate::command::VisitObject;
use crate::error::{Error, Result};
use crate::netlink::{Batch, Connection};
use crate::request::Verb;
use crate::text::Show;
use std::fmt::{self, Display, Formatter};

/// How many steps are sent at a time; the progress is told behind each.
const AT_A_TIME: usize = 256;
/// How often it is tried to bring back what was there: what a failure in one round left in the way may be gone in the next.
const ROUNDS: u32 = 3;

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
        make(nl, &self.steps, &mut |done, step| progress(Progress { done, all: self.steps.len(), step }))
            .map_err(|Failed { step, error, tried }| ApplyError {
                step: Some(step),
                error,
                undone: self.undo(nl, tried),
            })
    }

    /// Brings back what was there before the plan was made, after it was applied.
    pub fn revert(&self, nl: &mut Connection) -> Undone {
        self.undo(nl, self.steps.len())
    }

    /// Brings back what was there before, as a plan like any other, and looks whether it is there.
    fn undo(&self, nl: &mut Connection, tried: usize) -> Undone {
        let (mut failure, mut rounds) = (None, 0);
        loop {
            match self.steps_back(nl, tried) {
                Ok(back) if back.is_empty() => return Undone::All,
                Ok(back) if rounds == ROUNDS => return Undone::Not(back, failure),
                Ok(back) => failure = make(nl, &back, &mut |_, _| ()).err().map(|failed| failed.error),
                Err(error) => return Undone::Unknown(Box::new(error)),
            }
            rounds += 1;
        }
    }

    /// The steps back from what is there after so many steps have been tried. Only what they are about is read.
    fn steps_back(&self, nl: &mut Connection, tried: usize) -> Result<Vec<Step>> {
        let (mut steps, mut start) = (Vec::new(), 0);
        let devices = self.before.devices.iter().zip(&self.desired.trees);
        for ((before, wanted), end) in devices.zip(&self.ends) {
            if start < tried.min(*end) {
                let now = read::device_again(nl, before, wanted)?;
                steps.extend(diff::steps(&now, &before.tree).all());
            }
            start = *end;
        }
        if let (Some(before), Some(wanted), true) = (&self.before.policy, &self.desired.policy, start < tried)
        {
            let now = policy::read_again(nl, before, wanted)?;
            steps.extend(policy::undo(&now, before, wanted));
        }
        Ok(steps)
    }
}

/// The first step that failed, and why.
struct Failed {
    step: Box<Step>,
    error: Box<Error>,
    /// How many steps have been sent: some behind it may have been made.
    tried: usize,
}

/// Makes steps until one fails.
fn make(nl: &mut Connection, steps: &[Step], progress: &mut dyn FnMut(usize, &Step)) -> Result<(), Failed> {
    let mut batch = nl.batch();
    let mut done = 0;
    // What may have to wait is not in one batch with what comes behind it.
    let parts = steps.chunk_by(|one, other| busy::may_wait(one) == busy::may_wait(other));
    for steps in parts.flat_map(|part| part.chunks(AT_A_TIME)) {
        let tried = done + steps.len();
        let failed =
            |step: &Step, error| Failed { step: Box::new(step.clone()), error: Box::new(error), tried };
        batch.clear();
        for step in steps {
            push(&mut batch, step).map_err(|error| failed(step, error))?;
        }
        for (step, result) in steps.iter().zip(nl.run(&batch)) {
            busy::wait(nl, step, result.map(drop)).map_err(|error| failed(step, error))?;
        }
        done = tried;
        steps.last().into_iter().for_each(|step| progress(done, step));
    }
    Ok(())
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

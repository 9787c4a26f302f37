//! What the trials of plans share: to apply one, and to go from any state to any other.

use crate::common::{in_netns, is_slow, Outcome, Stop};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use tcnl::netlink::Connection;
use tcnl::plan::{Desired, Effect, Plan};

/// Applies, and sees that nothing is left to do. Gives the steps that were made.
pub fn apply(nl: &mut Connection, desired: &(impl Into<Desired> + Clone)) -> Result<Plan, Stop> {
    let plan = Plan::new(nl, desired.clone())?;
    plan.apply(nl, |_| ()).map_err(|error| Stop::Fail(format!("{error}\nof\n{plan}")))?;
    let again = Plan::new(nl, desired.clone())?;
    match again.is_empty() {
        true => Ok(plan),
        false => Err(Stop::Fail(format!("after\n{plan}there is still\n{again}"))),
    }
}

/// What states are made of, and how they are compared.
pub struct World {
    /// Opens a connection, in a namespace with the devices that there shall be.
    pub open: fn() -> Result<Connection, Stop>,
    /// The state that these commands leave behind where nothing is.
    pub desired: fn(&mut Connection, &str) -> Result<Desired, Stop>,
    /// What there is, without what need not be the same each time.
    pub state: fn(&mut Connection) -> Result<Vec<String>, Stop>,
    /// A command that only the kernel refuses, and whose step comes behind those that make something.
    pub refused: &'static str,
}

impl World {
    /// From random states to random others: what is there then is what would have been made of nothing, it takes no more steps than
    /// there are objects that differ, unless some must be made anew, and what fails is undone.
    pub fn any_to_any<S: Strategy>(
        &self,
        states: impl Fn() -> S,
        words: impl Fn(&S::Value) -> String,
    ) -> Outcome {
        // An emulated machine takes a second for each namespace.
        let cases = if is_slow() { 4 } else { 60 };
        let config =
            Config { cases, rng_seed: RngSeed::Fixed(7), failure_persistence: None, ..Config::default() };
        TestRunner::new(config).run(&(states(), states()), |(a, b)| {
            self.pair(&words(&a), &words(&b)).map_err(|stop| TestCaseError::fail(format!("{stop:?}")))
        })?;
        Ok(())
    }

    fn pair(&self, a: &str, b: &str) -> Outcome {
        let afresh = in_netns(|| {
            let mut nl = (self.open)()?;
            self.apply(&mut nl, b)?;
            (self.state)(&mut nl)
        })?;
        let (now, plan) = in_netns(|| {
            let mut nl = (self.open)()?;
            self.apply(&mut nl, a)?;
            self.fails(&mut nl, a, b)?;
            let plan = self.apply(&mut nl, b)?;
            Ok(((self.state)(&mut nl)?, plan))
        })?;
        if now != afresh {
            return Err(Stop::Fail(format!("{a}\nto\n{b}\nby\n{plan}is\n{now:#?}\nnot\n{afresh:#?}")));
        }
        let differ = only(a, b) + only(b, a);
        match plan.effect() == Effect::InPlace && plan.steps().len() > differ {
            true => Err(Stop::Fail(format!("{a}\nto\n{b}\ntakes more than {differ} steps:\n{plan}"))),
            false => Ok(()),
        }
    }

    fn apply(&self, nl: &mut Connection, words: &str) -> Result<Plan, Stop> {
        let desired = (self.desired)(nl, words)?;
        apply(nl, &desired)
    }

    /// A failure behind all that comes is undone.
    fn fails(&self, nl: &mut Connection, a: &str, b: &str) -> Outcome {
        let before = (self.state)(nl)?;
        let desired = (self.desired)(nl, &format!("{b}{}\n", self.refused))?;
        let plan = Plan::new(nl, desired)?;
        let error = plan.apply(nl, |_| ()).expect_err("the kernel refuses the last step");
        let now = (self.state)(nl)?;
        match error.step.is_some() && error.to_string().ends_with("all is as it was before") && now == before
        {
            true => Ok(()),
            false => {
                Err(Stop::Fail(format!("{a}\nto\n{b}\nby\n{plan}: {error}\nis\n{now:#?}\nnot\n{before:#?}")))
            }
        }
    }
}

/// How many lines are only in the first of the two.
fn only(some: &str, other: &str) -> usize {
    some.lines().filter(|line| !other.lines().any(|other| other == *line)).count()
}

//! A process that is killed while it makes a plan's steps, at random moments: the next plan goes on from there.

use crate::common::{in_netns, is_slow, trial, Outcome, Stop};
use crate::plan::{desired, open};
use crate::plan_filters::compared;
use crate::plan_kinds::Dice;
use crate::planning::apply;
use libtest_mimic::Trial;
use std::fmt::Write;
use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};
use std::{env, thread};
use tcnl::netlink::Connection;
use tcnl::plan::{Desired, Plan};

pub fn trials() -> Vec<Trial> {
    vec![trial("what a killed process has left half-done is finished by the next plan", killed)]
}

/// Set in the environment of the process that will be killed.
const CHILD: &str = "TCNL_TEST_APPLIES";

/// The whole of the process that will be killed: it is in the test's namespace, and makes of what is there the second state.
pub fn victim() -> Option<ExitCode> {
    env::var_os(CHILD)?;
    let applied = || -> Outcome {
        let mut nl = Connection::open()?;
        let wanted = second(&mut nl)?;
        let plan = Plan::new(&mut nl, wanted)?;
        println!("{} steps", plan.steps().len());
        plan.apply(&mut nl, |_| ()).map_err(Stop::from)
    };
    Some(match applied() {
        Ok(()) => ExitCode::SUCCESS,
        Err(stop) => {
            eprintln!("{stop:?}");
            ExitCode::FAILURE
        }
    })
}

/// What a round has found.
#[derive(Clone, Copy, PartialEq)]
enum Found {
    Untouched,
    HalfDone,
    Complete,
}

fn killed() -> Outcome {
    let state = |make: fn(&mut Connection) -> Result<Desired, Stop>| {
        in_netns(|| {
            let mut nl = open()?;
            let wanted = make(&mut nl)?;
            apply(&mut nl, &wanted)?;
            compared(&mut nl)
        })
    };
    let (before, after) = (state(first)?, state(second)?);
    let rounds = if is_slow() { 4 } else { 20 };
    let mut dice = Dice::new();
    // One that is left alive shows how long it takes.
    let (mut longest, found) = in_netns(|| round(None, &before, &after))?;
    assert!(found == Found::Complete);
    let mut half_done = 0;
    for _ in 0..rounds {
        let delay = longest.mul_f64((dice.roll() % 1000) as f64 / 1000.0);
        match in_netns(|| round(Some(delay), &before, &after))?.1 {
            Found::Untouched => (),
            Found::HalfDone => half_done += 1,
            // It was faster than the first.
            Found::Complete => longest = longest.mul_f64(0.9),
        }
    }
    match half_done * 3 >= rounds {
        true => Ok(()),
        false => Err(Stop::Fail(format!("only {half_done} of {rounds} were killed half-way"))),
    }
}

/// Kills a process so long after it has begun, looks at what it has left, and goes on from there. Gives the time that it had.
fn round(delay: Option<Duration>, before: &[String], after: &[String]) -> Result<(Duration, Found), Stop> {
    let mut nl = open()?;
    let wanted = first(&mut nl)?;
    apply(&mut nl, &wanted)?;
    let mut child = Command::new(env::current_exe()?).env(CHILD, "").stdout(Stdio::piped()).spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut line)?;
    let begun = Instant::now();
    if let Some(delay) = delay {
        thread::sleep(delay);
        child.kill()?;
    }
    let status = child.wait()?;
    let took = begun.elapsed();
    if !line.ends_with("steps\n") || delay.is_none() && !status.success() {
        return Err(Stop::Fail(format!("{status} after {line:?}")));
    }
    let now = compared(&mut nl)?;
    let found = match now {
        now if now == before => Found::Untouched,
        now if now == after => Found::Complete,
        _ => Found::HalfDone,
    };
    let wanted = second(&mut nl)?;
    apply(&mut nl, &wanted)?;
    let now = compared(&mut nl)?;
    match now == after {
        true => Ok((took, found)),
        false => Err(Stop::Fail(format!("killed after {delay:?}, it ends as\n{now:#?}\nnot\n{after:#?}"))),
    }
}

fn first(nl: &mut Connection) -> Result<Desired, Stop> {
    desired(nl, &words(0..300, 0))
}

fn second(nl: &mut Connection) -> Result<Desired, Stop> {
    desired(nl, &words(30..330, 1))
}

/// A class with a queue and a filter for each of these numbers, below two classes and in a table; and tables that come and go, for each
/// of which the kernel must be waited for. With each change a third of the classes move, and a third become others where they stand.
fn words(numbers: std::ops::Range<u16>, change: u16) -> String {
    let mut text = String::from(
        "tc qdisc add dev d0 root handle 1: htb default 0x1
        tc class add dev d0 parent 1: classid 1:1 htb rate 500mbit quantum 1514
        tc class add dev d0 parent 1: classid 1:2 htb rate 500mbit quantum 1514
        tc filter add dev d0 parent 1: prio 1 protocol ip handle 7: u32 divisor 256
        tc filter add dev d0 parent 1: prio 1 protocol ip u32 match ip dst 10.0.0.0/16 link 7: hashkey mask 0xff at 16\n",
    );
    for table in 0x10 + 4 * change..0x18 + 4 * change {
        let head = "tc filter add dev d0 parent 1: prio 2 protocol ip";
        writeln!(text, "{head} handle {table:x}: u32 divisor 16").unwrap();
        writeln!(text, "{head} u32 match ip dst 10.1.{table}.0/24 link {table:x}: hashkey mask 0xf at 16")
            .unwrap();
    }
    for number in numbers {
        let parent = 1 + (number + u16::from(number % 3 == 0) * change) % 2;
        let rate = 1 + u16::from(number % 3 == 1) * change;
        let (id, limit) = (0x100 + number, 5 + u16::from(number % 5 == 0) * change);
        let (high, low) = (number / 256, number % 256);
        writeln!(
            text,
            "tc class add dev d0 parent 1:{parent} classid 1:{id:x} htb rate {rate}mbit quantum 1514"
        )
        .unwrap();
        writeln!(text, "tc qdisc add dev d0 parent 1:{id:x} handle {id:x}: pfifo limit {limit}").unwrap();
        writeln!(text, "tc filter add dev d0 parent 1: prio 1 protocol ip u32 ht 7:{low:x}: match ip dst 10.0.{high}.{low}/32 classid 1:{id:x}").unwrap();
    }
    text
}

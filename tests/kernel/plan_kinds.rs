//! What a kernel makes of the options of each kind is no difference to what was asked for.
//!
//! Many options of each kind, drawn from those at which kernels begin to choose, to clamp and to round, are made and read back.

mod draw;

pub use draw::Dice;

use crate::common::{ip, trial, Outcome, Stop};
use crate::twice::skip_what_is_not_there;
use draw::*;
use libtest_mimic::Trial;
use std::fmt::Debug;
use tcnl::netlink::Connection;
use tcnl::plan::{Plan, Tree, Undone};
use tcnl::tc::fifo::{Bfifo, Pfifo, PfifoHeadDrop};
use tcnl::tc::fw::Fw;
use tcnl::tc::htb::{Htb, HtbClass};
use tcnl::tc::ingress::{Clsact, Ingress};
use tcnl::tc::u32::U32;
use tcnl::tc::{Action, Class, Filter, FilterKind, Kind, Qdisc, Setting};
use tcnl::units::{Dev, Handle, Packets, Rate, Size};

const LO: u32 = 1;
const ROOT: Handle = Handle::new(1, 0);
/// How many options are drawn for each kind and device.
const MANY: usize = 40;

/// A kind, and how one of it is drawn.
type Drawn<T> = (&'static str, fn(&mut Dice) -> T);

pub fn trials() -> Vec<Trial> {
    let queues: [Drawn<Qdisc>; 8] = [
        ("htb", |dice| root(htb(dice))),
        ("pfifo", |dice| {
            root(dice.maybe(Dice::number).map_or(Pfifo::new(), |n| Pfifo::new().limit(Packets(n))))
        }),
        ("bfifo", |dice| {
            root(dice.maybe(Dice::number).map_or(Bfifo::new(), |n| Bfifo::new().limit(Size::bytes(n.into()))))
        }),
        ("pfifo_head_drop", |dice| {
            root(
                dice.maybe(Dice::number)
                    .map_or(PfifoHeadDrop::new(), |n| PfifoHeadDrop::new().limit(Packets(n))),
            )
        }),
        ("sfq", |dice| root(sfq(dice))),
        ("tbf", |dice| root(tbf(dice))),
        ("ingress or clsact", |dice| match dice.flip() {
            true => Qdisc::ingress(0).kind(Ingress::new()),
            false => Qdisc::ingress(0).kind(Clsact::new()),
        }),
        ("a size table", |dice| root(Pfifo::new()).stab(stab(dice))),
    ];
    let queues = queues.into_iter().map(|(kind, make)| {
        trial(&format!("what the kernel makes of {kind} is what was planned"), move || qdiscs(make))
    });
    let actions: [Drawn<Action>; 4] = [
        ("gact", |dice| gact(dice).into()),
        ("mirred", |dice| mirred(dice).into()),
        ("police", |dice| police(dice).into()),
        ("skbedit", |dice| skbedit(dice).into()),
    ];
    let actions = actions.into_iter().map(|(kind, make)| {
        trial(&format!("what the kernel makes of {kind} in a filter is what was planned"), move || {
            filters(|dice| u32(dice).action(action(dice, make)).action(action(dice, make)), of_u32)
        })
    });
    let others = [
        trial("what the kernel makes of htb's classes is what was planned", classes),
        trial("what the kernel makes of fw is what was planned", || filters(fw, of_fw)),
        trial("what the kernel makes of u32 is what was planned", || filters(u32, of_u32)),
        trial("what the kernel makes of a filter's own policer is what was planned", || {
            filters(|dice| u32(dice).police(police(dice)), of_u32)
        }),
    ];
    queues.chain(actions).chain(others).collect()
}

/// Plans one after the other at two devices, and looks whether nothing is left to be done.
fn qdiscs(make: fn(&mut Dice) -> Qdisc) -> Outcome {
    ip("link add name i0 mtu 1400 txqueuelen 32 type ifb")?;
    let mut nl = Connection::open()?;
    let mut dice = Dice::new();
    for dev in [Dev::index(LO), nl.link("i0")?.dev] {
        let mut made = 0;
        for _ in 0..MANY {
            made += usize::from(planned(&mut nl, Tree::new(dev).qdisc(make(&mut dice)))?);
        }
        enough(made)?;
    }
    Ok(())
}

fn classes() -> Outcome {
    let mut nl = Connection::open()?;
    let mut dice = Dice::new();
    for _ in 0..MANY {
        let mut tree = Tree::new(LO).qdisc(root(Htb::new().r2q(dice.pick(&[10, 10, 10, 1]))));
        for top in (0x10..0x60).step_by(0x10) {
            let top_id = Handle::new(1, top);
            tree = tree.class(Class::under(0, ROOT).id(top_id).kind(class(&mut dice)));
            for below in 1..=dice.pick(&[0, 0, 2, 3]) {
                let id = Handle::new(1, top + below);
                tree = tree.class(Class::under(0, top_id).id(id).kind(class(&mut dice)));
            }
        }
        if !planned(&mut nl, tree.clone())? {
            return Err(Stop::Fail(format!("the kernel refuses {tree:?}")));
        }
    }
    Ok(())
}

/// Whether the kernel takes it; then nothing may be left to be done.
fn planned(nl: &mut Connection, tree: Tree) -> Result<bool, Stop> {
    let plan = Plan::new(nl, tree.clone())?;
    if let Err(error) = plan.apply(nl, |_| ()) {
        if !matches!(error.undone, Undone::All) {
            return Err(Stop::Fail(error.to_string()));
        }
        // What is not there is a skip; what is refused was drawn so.
        return match skip_what_is_not_there(error.into()) {
            Stop::Skip(why) => Err(Stop::Skip(why)),
            Stop::Fail(_) => Ok(false),
        };
    }
    let again = Plan::new(nl, tree.clone())?;
    match again.is_empty() {
        true => Ok(true),
        false => Err(Stop::Fail(format!("after\n{plan}there is left\n{again}of {tree:?}\nas {again:?}"))),
    }
}

fn enough(made: usize) -> Outcome {
    match made * 2 > MANY {
        true => Ok(()),
        false => Err(Stop::Fail(format!("the kernel took {made} of {MANY}"))),
    }
}

fn of_u32(kind: FilterKind) -> Option<U32> {
    match kind {
        FilterKind::U32(u32) if u32.divisor.is_none() => Some(u32),
        _ => None,
    }
}

fn of_fw(kind: FilterKind) -> Option<Fw> {
    match kind {
        FilterKind::Fw(fw) => Some(fw),
        _ => None,
    }
}

/// Adds filters one after the other, or changes the one before into the next where its kind says that this can be.
fn filters<K>(make: impl Fn(&mut Dice) -> K, read: fn(FilterKind) -> Option<K>) -> Outcome
where
    K: Kind + Clone + PartialEq + Debug + Into<FilterKind>,
{
    let mut nl = Connection::open()?;
    nl.add(&Qdisc::root(LO).handle(ROOT).kind(Htb::new()))?;
    nl.add(&Class::under(LO, ROOT).id(Handle::new(1, 0x10)).kind(HtbClass::rate(Rate::mbit(1))))?;
    let setting =
        Setting { clock: nl.clock(), mtu: 65_536, header: Some(14), queue_len: 1000, r2q: 10, inner: false };
    let settled = |mut kind: K| {
        kind.forget();
        kind.settle(&setting);
        // What was not said is no difference.
        kind.number(&mut |number| *number.index = 0);
        kind
    };
    let mut dice = Dice::new();
    let (mut made, mut changed) = (0, 0);
    let mut there: Option<(u32, K)> = None;
    for _ in 0..MANY {
        let said = make(&mut dice);
        let wanted = settled(said.clone());
        let filter = Filter::on(LO, ROOT).prio(1).kind(said.clone());
        let becomes = there.take().filter(|(_, now)| *now != wanted && now.can_become(&wanted));
        let change = becomes.map(|(handle, now)| (nl.change(&filter.clone().handle(handle)), now));
        if let Some((Ok(_), _)) = change {
            changed += 1;
        } else {
            // There may be none.
            let _ = nl.delete(&Filter::on(LO, ROOT).prio(1));
            match (nl.add(&filter), change) {
                (Err(error), _) => match skip_what_is_not_there(error.into()) {
                    Stop::Skip(why) => return Err(Stop::Skip(why)),
                    // What is refused was drawn so.
                    Stop::Fail(_) => continue,
                },
                (Ok(_), Some((Err(error), now))) => {
                    return Err(Stop::Fail(format!("{now:?} into {said:?}: {error}")));
                }
                (Ok(_), _) => (),
            }
        }
        made += 1;
        let all = nl.snapshot(Filter::of(LO).parent(ROOT))?;
        let read = all
            .into_iter()
            .filter(|filter| filter.handle != 0)
            .find_map(|filter| Some((filter.handle, filter.kind.and_then(read)?)));
        let (handle, now) = read.ok_or("the filter is not there")?;
        let now = settled(now);
        if now != wanted {
            return Err(Stop::Fail(format!("{said:?}\nshould be\n{wanted:?}\nand is\n{now:?}")));
        }
        there = Some((handle, now));
    }
    if changed == 0 {
        return Err(Stop::Fail("none of the filters could become the next".to_owned()));
    }
    enough(made)
}

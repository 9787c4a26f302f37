//! What a kernel makes of the options of each kind is no difference to what was asked for.
//!
//! Many options of each kind, drawn from those at which kernels begin to choose, to clamp and to round, are made and read back.

use crate::common::{ip, trial, Outcome, Stop};
use crate::twice::skip_what_is_not_there;
use libtest_mimic::Trial;
use std::fmt::Debug;
use tcnl::netlink::Connection;
use tcnl::plan::{Plan, Tree, Undone};
use tcnl::tc::fifo::{Bfifo, Pfifo, PfifoHeadDrop};
use tcnl::tc::fw::Fw;
use tcnl::tc::gact::Gact;
use tcnl::tc::htb::{Htb, HtbClass};
use tcnl::tc::ingress::{Clsact, Ingress};
use tcnl::tc::mirred::{Direction, Mirred};
use tcnl::tc::police::Police;
use tcnl::tc::sfq::{Average, Red, Sfq};
use tcnl::tc::skbedit::Skbedit;
use tcnl::tc::tbf::Tbf;
use tcnl::tc::u32::{Match, U32};
use tcnl::tc::{
    Action, Bits, Burst, Class, Control, Filter, FilterKind, Framing, Kind, LinkLayer, Qdisc, Setting,
    SizeTable, Tables,
};
use tcnl::units::{Dev, Handle, Micros, Packets, Rate, Size, Ticks};

const LO: u32 = 1;
const ROOT: Handle = Handle::new(1, 0);
/// How many options are drawn for each kind and device.
const MANY: usize = 40;

pub fn trials() -> Vec<Trial> {
    let queues: [(&str, fn(&mut Dice) -> Qdisc); 8] = [
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
    let actions: [(&str, fn(&mut Dice) -> Action); 4] = [
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

/// Random choices, the same in each run.
struct Dice(u64);

impl Dice {
    fn new() -> Self {
        Dice(0x9e37_79b9_7f4a_7c15)
    }

    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 8
    }

    fn flip(&mut self) -> bool {
        self.roll() & 1 == 1
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.roll() as usize % from.len()].clone()
    }

    fn maybe<T>(&mut self, draw: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.flip().then(|| draw(self))
    }

    /// A number of up to 32 bits; the more bits, the fewer of them.
    fn number(&mut self) -> u32 {
        let bits = self.roll() % 33;
        (self.roll() & ((1 << bits) - 1)) as u32
    }

    fn rate(&mut self) -> Rate {
        const EDGE: u64 = u32::MAX as u64;
        let any = u64::from(self.number()).max(1);
        Rate::bytes_per_second(self.pick(&[
            1,
            1000,
            125_000,
            12_500_001,
            EDGE,
            EDGE + 1,
            50_000_000_000,
            any,
        ]))
    }

    fn burst(&mut self) -> Burst {
        match self.pick(&[0, 1, 2]) {
            0 => Burst::Time(Ticks(self.number())),
            1 => Burst::Size(Size::bytes(self.pick(&[1, 1514, 15_000, 1 << 20]))),
            _ => Burst::Size(Size::bytes(self.number().into())),
        }
    }

    fn framing(&mut self) -> Framing {
        let layers = [LinkLayer::Unaware, LinkLayer::Ethernet, LinkLayer::Atm, LinkLayer::Other(7)];
        Framing {
            overhead: self.pick(&[0, 18, 65_535]),
            mpu: self.pick(&[0, 64, 2000]),
            linklayer: self.pick(&layers),
        }
    }
}

fn root(kind: impl Into<tcnl::tc::QdiscKind>) -> Qdisc {
    Qdisc::root(0).handle(ROOT).kind(kind)
}

fn htb(dice: &mut Dice) -> Htb {
    let mut htb = Htb::new().default_class(dice.pick(&[0, 0x10, 0xffff])).r2q(dice.pick(&[0, 1, 10, 70_000]));
    htb.direct_qlen = dice.maybe(|dice| Packets(dice.number()));
    htb
}

fn sfq(dice: &mut Dice) -> Sfq {
    let mut sfq = Sfq::new()
        .quantum(dice.pick(&[0, 100, 256, 1414, 1514, 1 << 20]))
        .perturb(dice.pick(&[0, 10, 100_000]))
        .limit(Packets(dice.pick(&[0, 2, 50, 127, 128, 1000, 1_000_000])))
        .divisor(dice.pick(&[0, 2, 64, 1024, 65_536]))
        .flows(dice.pick(&[0, 2, 10, 127, 128, 2000, 65_408]))
        .depth(dice.pick(&[0, 2, 50, 126, 127]))
        .headdrop(dice.flip());
    sfq.red = dice.maybe(|dice| {
        let red = match dice.flip() {
            true => Red::new(100_000).probability(dice.pick(&[0.0, 0.02, 1.0])),
            false => Red::new(60_000)
                .thresholds(6000, 20_000)
                .tuned(dice.pick(&[0, 500]), dice.pick(&[0, 20]))
                .ecn(),
        };
        let logs = Average::Logs { w_log: 4, p_log: dice.pick(&[0, 20, 40]), scell_log: 5 };
        Red { average: dice.pick(&[red.average, logs]), ..red }
    });
    sfq
}

fn tbf(dice: &mut Dice) -> Tbf {
    let mut tbf = Tbf::rate(dice.rate()).burst(dice.burst()).framing(dice.framing());
    tbf = match dice.flip() {
        true => tbf.limit(Size::bytes(dice.number().into())),
        false => tbf.latency(Micros(dice.pick(&[1, 50_000, 1_000_000]))),
    };
    if dice.flip() {
        let peak = Rate::bytes_per_second(tbf.rate.as_bytes_per_second() * 2 + 1);
        tbf = tbf.peak(peak, dice.burst());
        tbf.peak_framing = dice.maybe(Dice::framing);
    }
    tbf.tables = dice.pick(&[Tables::None, Tables::Computed]);
    tbf
}

fn stab(dice: &mut Dice) -> SizeTable {
    let table = SizeTable::new().overhead(dice.pick(&[0, 24, -4]));
    match dice.pick(&[0, 1, 2]) {
        0 => table,
        1 => table.mpu(dice.pick(&[0, 64])).linklayer(LinkLayer::Atm),
        _ => table.mpu(84).mtu(dice.pick(&[1500, 9000])).tsize(dice.pick(&[64, 512, 1024])),
    }
}

fn class(dice: &mut Dice) -> HtbClass {
    let mut class = HtbClass::rate(dice.rate())
        .quantum(dice.pick(&[0, 0, 1, 1514, 300_000]))
        .prio(dice.pick(&[0, 3, 7, 9]))
        .framing(dice.framing());
    class.ceil = dice.maybe(Dice::rate);
    (class.burst, class.cburst) = (dice.maybe(Dice::burst), dice.maybe(Dice::burst));
    class.ceil_framing = dice.maybe(Dice::framing);
    class.mtu = dice.maybe(|dice| dice.pick(&[100, 1500, 60_000]));
    class.tables = dice.pick(&[Tables::None, Tables::Computed]);
    class
}

fn control(dice: &mut Dice) -> Control {
    dice.pick(&[
        Control::Ok,
        Control::Drop,
        Control::Pipe,
        Control::Continue,
        Control::Reclassify,
        Control::Stolen,
    ])
}

fn action(dice: &mut Dice, make: fn(&mut Dice) -> Action) -> Action {
    let mut action = make(dice);
    action.cookie = dice.maybe(|dice| vec![dice.roll() as u8; 3]);
    action.flags = dice.maybe(|dice| Bits { value: dice.pick(&[0, 1]), selector: 1 });
    action.hw_stats = dice.maybe(|dice| Bits { value: dice.pick(&[0, 1, 3]), selector: 3 });
    action
}

fn gact(dice: &mut Dice) -> Gact {
    let gact = Gact::control(control(dice));
    match dice.pick(&[0, 1, 2]) {
        0 => gact,
        1 => gact.netrand(control(dice), dice.pick(&[0, 1, 100])),
        _ => gact.determ(control(dice), dice.pick(&[0, 5])),
    }
}

fn mirred(dice: &mut Dice) -> Mirred {
    use Direction::*;
    let direction = dice.pick(&[EgressRedirect, EgressMirror, IngressRedirect, IngressMirror]);
    Mirred::to(direction, LO).control(control(dice))
}

fn police(dice: &mut Dice) -> Police {
    let mut police =
        Police::new().mtu(dice.pick(&[0, 0, 1500, 70_000])).exceed(control(dice)).conform(control(dice));
    match dice.pick(&[0, 1, 2, 3]) {
        0 => police.burst = dice.maybe(Dice::burst),
        1 => police = police.packet_rate(dice.number().max(1).into(), dice.number().into()),
        _ => {
            (police.rate, police.burst) = (Some(dice.rate()), Some(dice.burst()));
            police.framing = dice.framing();
            police.peak = dice.maybe(Dice::rate);
            police.peak_framing = dice.maybe(Dice::framing).filter(|_| police.peak.is_some());
        }
    }
    police
}

fn skbedit(dice: &mut Dice) -> Skbedit {
    let mut edit = Skbedit::piped().control(control(dice));
    edit.priority = dice.maybe(|_| Handle::new(1, 5));
    edit.mark = dice.maybe(Dice::number);
    edit.mask = dice.maybe(|dice| dice.pick(&[0xff, u32::MAX]));
    edit.queue = dice.maybe(|_| 0);
    edit.packet_type = dice.maybe(|dice| dice.pick(&[0, 3]));
    match dice.flip() {
        true => edit.inherit_dsfield(),
        false => edit,
    }
}

fn fw(dice: &mut Dice) -> Fw {
    let mut fw = Fw::mark(dice.pick(&[1, 0xffff_fff0]));
    fw.mask = dice.maybe(|dice| dice.pick(&[0xff, u32::MAX]));
    fw.class = dice.maybe(|dice| dice.pick(&[Handle::UNSPEC, Handle::new(1, 0x10), Handle::new(1, 0x99)]));
    fw.indev = dice.maybe(|_| "lo".parse().expect("a name"));
    match dice.flip() {
        true => fw.action(mirred(dice)),
        false => fw,
    }
}

fn u32(dice: &mut Dice) -> U32 {
    // Mostly the same key, so that one filter can become the next.
    let key = (dice.pick(&[7, 7, 7, 0xffff_ffff]), 0xff);
    let mut filter = U32::new().matching(Match::u32(key, 12).expect("a key"));
    if dice.flip() {
        filter = filter.class(dice.pick(&[Handle::UNSPEC, Handle::new(1, 0x10), Handle::new(1, 0x99)]));
    }
    if dice.flip() {
        filter = filter.ht("800:".parse().expect("a table"));
    }
    match dice.flip() {
        true => filter.indev("lo".parse().expect("a name")),
        false => filter,
    }
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
        let changes = there.take().filter(|(_, now)| *now != wanted && now.can_become(&wanted));
        if let Some((handle, now)) = changes {
            nl.change(&filter.handle(handle)).map_err(|error| format!("{now:?} into {said:?}: {error}"))?;
            changed += 1;
        } else {
            // There may be none.
            let _ = nl.delete(&Filter::on(LO, ROOT).prio(1));
            if let Err(error) = nl.add(&filter) {
                match skip_what_is_not_there(error.into()) {
                    Stop::Skip(why) => return Err(Stop::Skip(why)),
                    Stop::Fail(_) => continue,
                }
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

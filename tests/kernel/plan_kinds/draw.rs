//! Options of each kind, drawn at random from those that are of interest.

use super::{LO, ROOT};
use tcnl::tc::fw::Fw;
use tcnl::tc::gact::Gact;
use tcnl::tc::htb::{Htb, HtbClass};
use tcnl::tc::mirred::{Direction, Mirred};
use tcnl::tc::police::Police;
use tcnl::tc::sfq::{Average, Red, Sfq};
use tcnl::tc::skbedit::Skbedit;
use tcnl::tc::tbf::Tbf;
use tcnl::tc::u32::{Match, U32};
use tcnl::tc::{Action, Bits, Burst, Control, Framing, LinkLayer, Qdisc, QdiscKind, SizeTable, Tables};
use tcnl::units::{Handle, Micros, Packets, Rate, Size, Ticks};

/// Random choices, the same in each run.
pub struct Dice(u64);

impl Dice {
    pub fn new() -> Self {
        Dice(0x9e37_79b9_7f4a_7c15)
    }

    pub fn roll(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 8
    }

    pub fn flip(&mut self) -> bool {
        self.roll() & 1 == 1
    }

    pub fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.roll() as usize % from.len()].clone()
    }

    pub fn maybe<T>(&mut self, draw: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.flip().then(|| draw(self))
    }

    /// A number of up to 32 bits; the more bits, the fewer of them.
    pub fn number(&mut self) -> u32 {
        let bits = self.roll() % 33;
        (self.roll() & ((1 << bits) - 1)) as u32
    }

    pub fn rate(&mut self) -> Rate {
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

    pub fn burst(&mut self) -> Burst {
        match self.pick(&[0, 1, 2]) {
            0 => Burst::Time(Ticks(self.number())),
            1 => Burst::Size(Size::bytes(self.pick(&[1, 1514, 15_000, 1 << 20]))),
            _ => Burst::Size(Size::bytes(self.number().into())),
        }
    }

    pub fn framing(&mut self) -> Framing {
        let layers = [LinkLayer::Unaware, LinkLayer::Ethernet, LinkLayer::Atm, LinkLayer::Other(7)];
        Framing {
            overhead: self.pick(&[0, 18, 65_535]),
            mpu: self.pick(&[0, 64, 2000]),
            linklayer: self.pick(&layers),
        }
    }
}

pub fn root(kind: impl Into<QdiscKind>) -> Qdisc {
    Qdisc::root(0).handle(ROOT).kind(kind)
}

pub fn htb(dice: &mut Dice) -> Htb {
    let mut htb = Htb::new().default_class(dice.pick(&[0, 0x10, 0xffff])).r2q(dice.pick(&[0, 1, 10, 70_000]));
    htb.direct_qlen = dice.maybe(|dice| Packets(dice.number()));
    htb
}

pub fn sfq(dice: &mut Dice) -> Sfq {
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

pub fn tbf(dice: &mut Dice) -> Tbf {
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

pub fn stab(dice: &mut Dice) -> SizeTable {
    let table = SizeTable::new().overhead(dice.pick(&[0, 24, -4]));
    match dice.pick(&[0, 1, 2]) {
        0 => table,
        1 => table.mpu(dice.pick(&[0, 64])).linklayer(LinkLayer::Atm),
        _ => table.mpu(84).mtu(dice.pick(&[1500, 9000])).tsize(dice.pick(&[64, 512, 1024])),
    }
}

pub fn class(dice: &mut Dice) -> HtbClass {
    let mut class = HtbClass::rate(dice.rate())
        .quantum(dice.pick(&[0, 0, 1, 1514, 300_000]))
        .prio(dice.pick(&[0, 3, 7]))
        .framing(dice.framing());
    class.ceil = dice.maybe(Dice::rate);
    (class.burst, class.cburst) = (dice.maybe(Dice::burst), dice.maybe(Dice::burst));
    class.ceil_framing = dice.maybe(Dice::framing);
    class.mtu = dice.maybe(|dice| dice.pick(&[100, 1500, 60_000]));
    class.tables = dice.pick(&[Tables::None, Tables::Computed]);
    class
}

pub fn control(dice: &mut Dice) -> Control {
    dice.pick(&[
        Control::Ok,
        Control::Drop,
        Control::Pipe,
        Control::Continue,
        Control::Reclassify,
        Control::Stolen,
    ])
}

pub fn action(dice: &mut Dice, make: fn(&mut Dice) -> Action) -> Action {
    let mut action = make(dice);
    action.cookie = dice.maybe(|dice| vec![dice.roll() as u8; 3]);
    action.flags = dice.maybe(|dice| Bits { value: dice.pick(&[0, 1]), selector: 1 });
    action.hw_stats = dice.maybe(|dice| Bits { value: dice.pick(&[0, 1, 3]), selector: 3 });
    action
}

pub fn gact(dice: &mut Dice) -> Gact {
    let gact = Gact::control(control(dice));
    match dice.pick(&[0, 1, 2]) {
        0 => gact,
        1 => gact.netrand(control(dice), dice.pick(&[0, 1, 100])),
        _ => gact.determ(control(dice), dice.pick(&[0, 5])),
    }
}

pub fn mirred(dice: &mut Dice) -> Mirred {
    use Direction::*;
    let direction = dice.pick(&[EgressRedirect, EgressMirror, IngressRedirect, IngressMirror]);
    Mirred::to(direction, LO).control(control(dice))
}

pub fn police(dice: &mut Dice) -> Police {
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

pub fn skbedit(dice: &mut Dice) -> Skbedit {
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

pub fn fw(dice: &mut Dice) -> Fw {
    let mut fw = Fw::mark(dice.pick(&[1, 0xffff_fff0]));
    fw.mask = dice.maybe(|dice| dice.pick(&[0xff, u32::MAX]));
    fw.class = dice.maybe(|dice| dice.pick(&[Handle::UNSPEC, Handle::new(1, 0x10), Handle::new(1, 0x99)]));
    fw.indev = dice.maybe(|_| "lo".parse().expect("a name"));
    match dice.flip() {
        true => fw.action(mirred(dice)),
        false => fw,
    }
}

pub fn u32(dice: &mut Dice) -> U32 {
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

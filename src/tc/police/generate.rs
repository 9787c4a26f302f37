use super::Police;
use crate::tc::{Framing, GivenTables, PacketBurst};
use crate::units::{Rate, Ticks};
use crate::wire::generate::{Generate, Source};

/// As messages carry it: bursts in ticks, no peak rate without a rate, nothing said twice.
impl Generate for Police {
    fn generate(g: &mut Source<'_>) -> Self {
        let mut rate = || Some(Rate::bytes_per_second(g.number().max(1)));
        let (rate, peak) = (rate(), rate());
        let base = Police {
            index: g.number() as u32,
            mtu: g.number() as u32,
            avrate: Option::<u32>::generate(g).map(|rate| Rate::bytes_per_second(rate.into())),
            exceed: Generate::generate(g),
            conform: Generate::generate(g),
            references: Generate::generate(g),
            bindings: Generate::generate(g),
            times: Generate::generate(g),
            unknown: g.list(1).into(),
            ..Police::default()
        };
        if g.flip() {
            let packets = Option::<u64>::generate(g);
            return Police { packet_rate: packets.map(|rate| (rate, PacketBurst::Time(g.number()))), ..base };
        }
        let framing = Framing::generate(g);
        let peak = peak.filter(|_| g.flip());
        Police {
            rate,
            burst: Some(Ticks::generate(g).into()),
            peak,
            framing,
            peak_framing: Option::<Framing>::generate(g).filter(|other| peak.is_some() && *other != framing),
            // Tables with cells that nobody would compute, so that they are kept.
            tables: g.flip().then(|| {
                let given = GivenTables::generate(g);
                Box::new(GivenTables { cells: [(30, 7); 2], ..given })
            }),
            ..base
        }
    }
}

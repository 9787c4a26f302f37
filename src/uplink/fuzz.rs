//! What is made of whatever the system says, and of every gateway, for the fuzz targets `system` and `config`.

use super::audit::read_sockets;
use super::health::icmp;
use super::sysctl::{self, Changed};
use super::warnings::networkd;
use super::{desired, marks, nothing, Gateway, Leg, Seen, SeenLeg, SeenUplink, Via, Way};
use crate::clock::Clock;
use crate::tc::fifo::Pfifo;
use crate::units::{Dev, Family, Micros, Rate, Size, Ticks};

/// Reads a packet that a probe is answered with, the kernel's list of sockets, its clock, a setting that was remembered, and the settings
/// of another program. The first byte says which.
///
/// # Panics
/// If a packet counts that does not repeat what was asked, or a setting reads otherwise than it was printed.
pub fn system(data: &[u8]) {
    const SECRET: [u8; 8] = *b"nobody's";
    let Some((pick, data)) = data.split_first() else { return };
    let text = String::from_utf8_lossy(data);
    match pick % 5 {
        0 => {
            for (family, is_raw) in [(Family::V4, false), (Family::V4, true), (Family::V6, false)] {
                let counts = icmp::reply(family, is_raw, data, 0x7777, &SECRET).is_some();
                assert!(!counts || data.windows(SECRET.len()).any(|part| part == SECRET));
            }
        }
        1 => {
            let mut exposed = Vec::new();
            read_sockets(data, &mut exposed).expect("bytes can be read");
            assert!(exposed.len() <= data.len());
            exposed.iter().for_each(|exposed| drop(exposed.to_string()));
        }
        2 => {
            let Ok(clock) = Clock::parse(&text) else { return };
            for number in [0, 1, u32::MAX] {
                clock.micros_to_ticks(Micros(number));
                clock.ticks_to_micros(Ticks(number));
                clock.xmit_size(Rate::bytes_per_second(number.into()), Ticks(number));
                clock.xmit_ticks(Rate::bytes_per_second(number.into()), Size::bytes(number.into()));
            }
        }
        3 => {
            let Ok(changed) = text.parse::<Changed>() else { return };
            let printed = changed.to_string();
            assert!(printed.len() <= 120, "{printed}");
            assert_eq!(printed.parse(), Ok(changed));
        }
        _ => networkd::read(&text, &mut [true; networkd::MANAGED.len()]),
    }
}

/// Says what the kernel is told for a gateway that makes sense, where all that it needs is there, and where nothing is.
///
/// # Panics
/// If nf_tables cannot be told.
pub fn told(gateway: &Gateway, weights: &[u16]) {
    for seen in [Seen::default(), complete(gateway)] {
        let usable = vec![true; seen.uplinks.len()];
        let leaf = Pfifo::new().into();
        desired(gateway, &seen, weights, &usable, &leaf);
        nothing(gateway, &seen);
        sysctl::settings(gateway);
        let rules = marks::ruleset(gateway, &seen, &usable, &[]);
        assert_eq!(rules.to_bytes().map(drop).map_err(|error| error.to_string()), Ok(()));
    }
}

fn complete(gateway: &Gateway) -> Seen {
    let mut seen = Seen::default();
    for (index, uplink) in (10..).zip(&gateway.uplinks) {
        let dev = Some(Dev::named(index, uplink.dev));
        let leg = |leg: &Leg| SeenLeg {
            addresses: leg.addresses.clone(),
            old: Vec::new(),
            way: Ok(match leg.via {
                Via::Router(router) => Way::Router(router),
                Via::Link | Via::Learned => Way::Link,
            }),
        };
        let (v4, v6) = (uplink.v4.as_ref().map(leg), uplink.v6.as_ref().map(leg));
        let ifb = Some(Dev::index(1000 + index));
        seen.uplinks.push(SeenUplink { dev, up: true, carrier: true, v4, v6, ifb, ..SeenUplink::default() });
    }
    seen.lans = (1..).zip(&gateway.lans).map(|(index, lan)| Some(Dev::named(index, *lan))).collect();
    seen
}

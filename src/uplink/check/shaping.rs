//! Shaping, and the devices for what comes in.

use super::Check;
use crate::units::Name;
use crate::uplink::{shaper, Shaping, Uplink};
use std::collections::BTreeMap;

pub(super) fn check(check: &mut Check<'_>, path: &str, uplink: &Uplink) {
    let Some(shaping) = &uplink.shaping else { return };
    let (name, path) = (&uplink.name, format!("{path}.shaping"));
    let part = shaping.part.as_percent();
    check.expect(part >= 1.0, format!("{path}.part"), || {
        format!("{name} is to use {} of its capacity: 1 to 100 % can be said", shaping.part)
    });
    shares(check, &format!("{path}.shares"), name, shaping);
    if shaping.ingress {
        ingress(check, &format!("{path}.ingress"), uplink);
    }
}

fn shares(check: &mut Check<'_>, path: &str, name: &str, shaping: &Shaping) {
    let shares = &shaping.shares;
    check.expect(!shares.is_empty(), path, || {
        format!("{name} has no class: one takes what fits nowhere else")
    });
    let most = shaper::MOST_SHARES;
    check.expect(shares.len() <= most, path, || {
        format!("{name} has {} classes: at most {most} can be said", shares.len())
    });
    let all: f64 = shares.iter().map(|share| share.part.as_percent()).sum();
    // Percentages are kept as fractions of 2^32.
    check.expect(all <= 100.0 + 1e-6, path, || {
        format!("the classes of {name} are guaranteed {all:.2} % together: at most 100 %")
    });
    let mut of: BTreeMap<u8, &str> = BTreeMap::new();
    for (index, share) in shares.iter().enumerate() {
        let path = format!("{path}[{index}]");
        let class = &share.name;
        check.expect(share.part.raw() != 0, format!("{path}.part"), || {
            format!("{class} of {name} is guaranteed nothing, which HTB does not have")
        });
        check.expect(share.prio <= 7, format!("{path}.prio"), || {
            format!("the prio of {class} of {name} is {}: 0 to 7 can be said", share.prio)
        });
        for (index, dscp) in share.dscps.iter().enumerate() {
            let path = format!("{path}.dscps[{index}]");
            check.expect(*dscp <= 63, path.clone(), || format!("{dscp} is no DSCP ({name}): 0 to 63"));
            let other = of.insert(*dscp, class);
            check.expect(other.is_none(), path, || {
                format!("DSCP {dscp} belongs to {} of {name} already", other.unwrap_or_default())
            });
        }
    }
}

/// The device is made by its name, which the kernel keeps no more than 15 bytes of.
fn ingress(check: &mut Check<'_>, path: &str, uplink: &Uplink) {
    let gateway = check.gateway;
    let ifb = gateway.owned.ifb_of(uplink.dev);
    check.expect(Name::new(&ifb).is_ok(), path, || format!("{ifb:?} can be no device ({})", uplink.name));
    let shaped = |other: &&Uplink| other.shaping.as_ref().is_some_and(|shaping| shaping.ingress);
    let before = gateway.uplinks.iter().take_while(|other| other.dev != uplink.dev);
    let other = before.filter(shaped).find(|other| gateway.owned.ifb_of(other.dev) == ifb);
    check.expect(other.is_none(), path, || {
        let other = other.map_or("", |other| &other.name);
        format!(
            "what comes in by {} and by {other} would share the device {ifb}: names end after 15 letters",
            uplink.name
        )
    });
    let devices = gateway.uplinks.iter().map(|uplink| &uplink.dev).chain(&gateway.lans);
    let is_taken = devices.into_iter().any(|dev| dev.as_str() == ifb);
    check.expect(!is_taken, path, || {
        format!("{ifb} is a device of the model, and would be made for {}", uplink.name)
    });
}

//! Whether a model makes sense.

mod owned;
mod shaping;
#[cfg(test)]
mod tests;

use super::{Forced, Gateway, Leg, Probing, Target, Uplink, Via};
use crate::netfilter::NftRule;
use crate::route::Prefix;
use crate::units::{Family, Name};
use std::fmt::{self, Display, Formatter};
use std::net::IpAddr;
use std::time::Duration;

/// Something in a [`Gateway`] that makes no sense. Prints as the path and what is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// Where: the names of the fields and the places in their lists, such as `uplinks[1].weight`.
    pub path: String,
    /// What is wrong, with the uplink's name.
    pub problem: String,
}

impl Display for Problem {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.problem)
    }
}

impl std::error::Error for Problem {}

impl Gateway {
    /// Looks at the whole model.
    ///
    /// # Errors
    /// All that makes no sense, in the order of the fields: nothing of such a model must be told to the kernel.
    pub fn check(&self) -> Result<(), Vec<Problem>> {
        let mut check = Check { gateway: self, problems: Vec::new() };
        check.uplinks();
        check.lans();
        check.forced();
        check.probing();
        owned::check(&mut check);
        if check.problems.is_empty() {
            Ok(())
        } else {
            Err(check.problems)
        }
    }
}

struct Check<'a> {
    gateway: &'a Gateway,
    problems: Vec<Problem>,
}

impl<'a> Check<'a> {
    fn problem(&mut self, path: impl Into<String>, problem: impl Into<String>) {
        self.problems.push(Problem { path: path.into(), problem: problem.into() });
    }

    /// Says a problem unless all is well.
    fn expect(&mut self, is_well: bool, path: impl Into<String>, problem: impl FnOnce() -> String) {
        if !is_well {
            self.problem(path, problem());
        }
    }

    fn uplinks(&mut self) {
        let all = &self.gateway.uplinks;
        self.expect(!all.is_empty(), "uplinks", || "there is no uplink".into());
        for (index, uplink) in all.iter().enumerate() {
            let path = format!("uplinks[{index}]");
            let before = all.get(..index).unwrap_or_default();
            self.uplink(&path, uplink, before);
            shaping::check(self, &path, uplink);
        }
    }

    fn uplink(&mut self, path: &str, uplink: &'a Uplink, before: &[Uplink]) {
        let name = &uplink.name;
        let is_letter = |letter: u8| letter.is_ascii_alphanumeric() || letter == b'-' || letter == b'_';
        let is_name = (1..=15).contains(&name.len()) && name.bytes().all(is_letter);
        self.expect(is_name, format!("{path}.name"), || {
            format!("{name:?} is no name of an uplink: 1 to 15 letters, digits, - and _")
        });
        let is_new = before.iter().all(|other| other.name != *name);
        self.expect(is_new, format!("{path}.name"), || format!("there is another uplink {name}"));
        let same = before.iter().find(|other| other.dev == uplink.dev);
        self.expect(same.is_none(), format!("{path}.dev"), || {
            format!("{name} and {} have the same device {}", same.map_or("", |other| &other.name), uplink.dev)
        });
        self.device(&format!("{path}.dev"), &uplink.dev);
        let is_lo = uplink.dev == *"lo";
        self.expect(!is_lo, format!("{path}.dev"), || format!("{name} cannot be lo, the gateway itself"));
        self.expect(uplink.v4.is_some() || uplink.v6.is_some(), path, || {
            format!("{name} has neither IPv4 nor IPv6 (v4, v6)")
        });
        for (field, family) in [("v4", Family::V4), ("v6", Family::V6)] {
            if let Some(leg) = uplink.leg(family) {
                self.leg(&format!("{path}.{field}"), name, family, leg);
            }
        }
        for (field, rate) in [("down", uplink.down), ("up", uplink.up)] {
            let path = format!("{path}.{field}");
            self.expect(!rate.is_zero(), path, || format!("{name} carries nothing: its rate {field} is 0"));
        }
        let weight = uplink.weight;
        self.expect((1..=256).contains(&weight), format!("{path}.weight"), || {
            format!("the weight of {name} is {weight}: 1 to 256 can be said")
        });
        for (index, target) in uplink.targets.iter().enumerate() {
            let path = format!("{path}.targets[{index}]");
            self.target(&path, target);
            let family = Family::of(target.address());
            self.expect(uplink.leg(family).is_some(), path, || {
                format!("{target} is of {}, which {name} does not have", version(family))
            });
        }
    }

    /// Rules of nf_tables name it.
    fn device(&mut self, path: &str, dev: &Name) {
        self.expect(NftRule::can_say(dev), path, || {
            format!("nf_tables cannot be told of {dev}: a device without \", * and \\ in its name is wanted")
        });
    }

    fn leg(&mut self, path: &str, name: &str, family: Family, leg: &Leg) {
        let other = |address: IpAddr| Family::of(address) != family;
        if let Via::Router(router) = leg.via {
            let path = format!("{path}.via");
            self.expect(!other(router), path.clone(), || {
                format!("the router {router} of {name} is not of {}", version(family))
            });
            self.expect(is_host(router), path, || format!("{router} is no address of a router ({name})"));
        }
        for (index, address) in leg.addresses.iter().enumerate() {
            let path = format!("{path}.addresses[{index}]");
            self.expect(!other(*address), path.clone(), || {
                format!("the address {address} of {name} is not of {}", version(family))
            });
            self.expect(is_host(*address), path, || format!("{address} is no address of an uplink ({name})"));
        }
    }

    fn lans(&mut self) {
        let lans = &self.gateway.lans;
        for (index, lan) in lans.iter().enumerate() {
            let path = format!("lans[{index}]");
            let uplink = self.gateway.uplinks.iter().find(|uplink| uplink.dev == *lan);
            self.expect(uplink.is_none(), path.clone(), || {
                format!("{lan} is the device of the uplink {}", uplink.map_or("", |uplink| &uplink.name))
            });
            let is_new = lans.iter().take(index).all(|other| other != lan);
            self.expect(is_new, path.clone(), || format!("{lan} is there twice"));
            self.device(&path, lan);
            self.expect(*lan != *"lo", path, || "lo is the gateway itself: say own".into());
        }
    }

    fn forced(&mut self) {
        for (index, forced) in self.gateway.forced.iter().enumerate() {
            self.force(&format!("forced[{index}]"), forced);
        }
    }

    fn force(&mut self, path: &str, forced: &Forced) {
        let name = &forced.uplink;
        let uplink = self.gateway.uplinks.iter().find(|uplink| uplink.name == *name);
        self.expect(uplink.is_some(), format!("{path}.uplink"), || format!("there is no uplink {name}"));
        if let (Some(from), Some(to)) = (forced.from, forced.to) {
            self.expect(from.family() == to.family(), format!("{path}.to"), || {
                format!("from {from} and to {to} are not of one family")
            });
        }
        for (field, net) in [("from", forced.from), ("to", forced.to)] {
            let Some((uplink, net)) = uplink.zip(net) else { continue };
            let family = Prefix::family(net);
            self.expect(uplink.leg(family).is_some(), format!("{path}.{field}"), || {
                format!("{net} is of {}, which {name} does not have", version(family))
            });
        }
        if let Some(ports) = &forced.ports {
            let path = format!("{path}.ports");
            self.expect(forced.transport.is_some(), path.clone(), || {
                "ports need a transport protocol: say transport, tcp or udp".into()
            });
            self.expect(!ports.is_empty(), path, || {
                format!("{} to {} are no ports: the first is behind the last", ports.start(), ports.end())
            });
        }
    }

    fn probing(&mut self) {
        let Probing { targets, interval, timeout, rise, fall, window, max_round_trip, .. } =
            &self.gateway.probing;
        for (index, target) in targets.iter().enumerate() {
            let path = format!("probing.targets[{index}]");
            self.target(&path, target);
            let family = Family::of(target.address());
            let is_had = self.gateway.uplinks.iter().any(|uplink| uplink.leg(family).is_some());
            self.expect(is_had, path, || format!("{target} is of {}, which no uplink has", version(family)));
        }
        for (index, uplink) in self.gateway.uplinks.iter().enumerate() {
            let fits = |target: &Target| uplink.leg(Family::of(target.address())).is_some();
            let is_asked = targets.is_empty() || !uplink.targets.is_empty() || targets.iter().any(fits);
            self.expect(is_asked, format!("uplinks[{index}].targets"), || {
                format!("none of probing.targets is of a family that {} has", uplink.name)
            });
        }
        let hour = Duration::from_secs(3600);
        self.expect((Duration::from_millis(10)..=hour).contains(interval), "probing.interval", || {
            format!("{interval:?} from one round to the next: 10 ms to an hour can be said")
        });
        self.expect(!timeout.is_zero(), "probing.timeout", || "no answer comes within no time".into());
        self.expect(*timeout <= hour, "probing.timeout", || format!("{timeout:?} is more than an hour"));
        for (field, rounds) in [("rise", *rise), ("fall", *fall)] {
            self.expect(rounds >= 1, format!("probing.{field}"), || "it takes at least 1 round".into());
        }
        self.expect((1..=1000).contains(window), "probing.window", || {
            format!("{window} rounds to look back: 1 to 1000 can be said")
        });
        self.expect(max_round_trip.is_none_or(|time| !time.is_zero()), "probing.max_round_trip", || {
            "no answer comes within no time".into()
        });
    }

    fn target(&mut self, path: &str, target: &Target) {
        self.expect(is_host(target.address()), path, || format!("{target}: nobody has this address"));
        let has_port = !matches!(target, Target::Tcp(address) if address.port() == 0);
        self.expect(has_port, path, || format!("{target}: a port is missing"));
    }
}

fn version(family: Family) -> &'static str {
    match family {
        Family::V4 => "IPv4",
        Family::V6 => "IPv6",
    }
}

/// Whether it can be that of one host.
fn is_host(address: IpAddr) -> bool {
    let is_broadcast = matches!(address, IpAddr::V4(v4) if v4.is_broadcast());
    !address.is_unspecified() && !address.is_multicast() && !is_broadcast
}

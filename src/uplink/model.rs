use super::{Owned, Probing, Shaping, Target};
use crate::route::Prefix;
use crate::units::{Family, Name, Rate};
use std::net::IpAddr;
use std::ops::RangeInclusive;

/// A machine with several uplinks: what shall be.
///
/// Public fields, and setters of the same names; what is left out is as [`Gateway::new`] says.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Gateway {
    /// The uplinks. Their order is kept: tables, marks and priorities are numbered by it. At least one, and no more than
    /// [`Owned`] has marks for.
    pub uplinks: Vec<Uplink>,
    /// The devices of the LAN: new connections that come in by these are spread over the uplinks.
    pub lans: Vec<Name>,
    /// Whether new connections of the gateway itself, of sockets that are bound to no address, are spread, too. Otherwise the main table's
    /// default route has them. True unless said.
    pub own: bool,
    /// What must go by one uplink, the first that fits counts.
    pub forced: Vec<Forced>,
    /// How to find out whether an uplink works.
    pub probing: Probing,
    /// Which numbers and names in the kernel are ours.
    pub owned: Owned,
}

/// An uplink, as its provider describes it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Uplink {
    /// What people call it: 1 to 15 letters, digits, `-` and `_`.
    pub name: String,
    /// Its device.
    pub dev: Name,
    /// IPv4 over it, if it has that.
    pub v4: Option<Leg>,
    /// IPv6 over it, if it has that.
    pub v6: Option<Leg>,
    /// What it carries to us.
    pub down: Rate,
    /// What it carries from us.
    pub up: Rate,
    /// Uplinks of a higher number are used when none of a lower number works. 0 unless said.
    pub tier: u8,
    /// Its share for selectors that go by fixed shares, 1 to 256. 1 unless said.
    pub weight: u16,
    /// Whether what goes over it costs: used only when no other one works or has room, whatever its tier. False unless said.
    pub metered: bool,
    /// Whether what leaves by it gets its address. True unless said.
    pub masquerade: bool,
    /// How what leaves by it, and what comes in, is shaped; `None` leaves the device's queues alone.
    pub shaping: Option<Shaping>,
    /// What to probe over it instead of [`Probing::targets`], if it is not empty.
    pub targets: Vec<Target>,
}

/// One address family over an uplink.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Leg {
    /// The way to the Internet.
    pub via: Via,
    /// Its addresses. Empty: whatever addresses of global scope the device has at the time.
    pub addresses: Vec<IpAddr>,
}

/// Where an uplink's packets are handed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Via {
    /// To nobody in particular: the link has two ends (PPP, tunnels).
    Link,
    /// To the provider's router.
    Router(IpAddr),
    /// To whom the main table's default route over the device says (DHCP, router advertisements).
    Learned,
}

/// Connections that must go by one uplink.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Forced {
    /// The uplink's name.
    pub uplink: String,
    /// From these hosts; all unless said.
    pub from: Option<Prefix>,
    /// To these hosts; all unless said.
    pub to: Option<Prefix>,
    /// Of this protocol; all unless said.
    pub transport: Option<Transport>,
    /// To these ports; all unless said. They need a [`transport`](Forced::transport).
    pub ports: Option<RangeInclusive<u16>>,
    /// Whether they may go by another uplink while theirs does not work or is taken out. Otherwise they are refused then: TCP is reset, and who
    /// else sends is told so by ICMP. False unless said.
    pub fallback: bool,
}

/// A transport protocol with ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl Gateway {
    /// These uplinks for this LAN.
    pub fn new(uplinks: impl IntoIterator<Item = Uplink>, lans: impl IntoIterator<Item = Name>) -> Self {
        Gateway {
            uplinks: uplinks.into_iter().collect(),
            lans: lans.into_iter().collect(),
            own: true,
            forced: Vec::new(),
            probing: Probing::default(),
            owned: Owned::default(),
        }
    }

    /// Says whether the gateway's own new connections are spread, too.
    #[must_use]
    pub fn own(mut self, own: bool) -> Self {
        self.own = own;
        self
    }

    /// Adds what must go by one uplink, behind what is there.
    #[must_use]
    pub fn force(mut self, forced: Forced) -> Self {
        self.forced.push(forced);
        self
    }

    /// Says how to find out whether an uplink works.
    #[must_use]
    pub fn probing(mut self, probing: Probing) -> Self {
        self.probing = probing;
        self
    }

    /// Says which numbers and names in the kernel are ours.
    #[must_use]
    pub fn owned(mut self, owned: Owned) -> Self {
        self.owned = owned;
        self
    }

    /// The address families that any of its uplinks has.
    pub fn families(&self) -> impl Iterator<Item = Family> + '_ {
        let has = |family: &Family| self.uplinks.iter().any(|uplink| uplink.leg(*family).is_some());
        [Family::V4, Family::V6].into_iter().filter(has)
    }
}

impl Uplink {
    /// An uplink that carries so much.
    pub fn new(name: impl Into<String>, dev: Name, down: Rate, up: Rate) -> Self {
        Uplink {
            name: name.into(),
            dev,
            v4: None,
            v6: None,
            down,
            up,
            tier: 0,
            weight: 1,
            metered: false,
            masquerade: true,
            shaping: None,
            targets: Vec::new(),
        }
    }

    /// IPv4 over it.
    #[must_use]
    pub fn v4(mut self, leg: Leg) -> Self {
        self.v4 = Some(leg);
        self
    }

    /// IPv6 over it.
    #[must_use]
    pub fn v6(mut self, leg: Leg) -> Self {
        self.v6 = Some(leg);
        self
    }

    /// Sets the tier.
    #[must_use]
    pub fn tier(mut self, tier: u8) -> Self {
        self.tier = tier;
        self
    }

    /// Sets the weight, 1 to 256.
    #[must_use]
    pub fn weight(mut self, weight: u16) -> Self {
        self.weight = weight;
        self
    }

    /// Says whether it costs.
    #[must_use]
    pub fn metered(mut self, metered: bool) -> Self {
        self.metered = metered;
        self
    }

    /// Says whether what leaves by it gets its address.
    #[must_use]
    pub fn masquerade(mut self, masquerade: bool) -> Self {
        self.masquerade = masquerade;
        self
    }

    /// Shapes it.
    #[must_use]
    pub fn shaping(mut self, shaping: Shaping) -> Self {
        self.shaping = Some(shaping);
        self
    }

    /// Adds what to probe over it.
    #[must_use]
    pub fn target(mut self, target: Target) -> Self {
        self.targets.push(target);
        self
    }

    /// This address family over it.
    pub fn leg(&self, family: Family) -> Option<&Leg> {
        match family {
            Family::V4 => self.v4.as_ref(),
            Family::V6 => self.v6.as_ref(),
        }
    }
}

impl Leg {
    /// A leg that goes this way, with whatever addresses the device has.
    pub fn new(via: Via) -> Self {
        Leg { via, addresses: Vec::new() }
    }

    /// A leg over this router of the provider.
    pub fn via(router: impl Into<IpAddr>) -> Self {
        Self::new(Via::Router(router.into()))
    }

    /// Adds an address.
    #[must_use]
    pub fn address(mut self, address: impl Into<IpAddr>) -> Self {
        self.addresses.push(address.into());
        self
    }
}

impl Forced {
    /// All connections by this uplink; the setters say which ones only.
    pub fn by(uplink: impl Into<String>) -> Self {
        Forced { uplink: uplink.into(), from: None, to: None, transport: None, ports: None, fallback: false }
    }

    /// Only from these hosts.
    #[must_use]
    pub fn from(mut self, from: impl Into<Prefix>) -> Self {
        self.from = Some(from.into());
        self
    }

    /// Only to these hosts.
    #[must_use]
    pub fn to(mut self, to: impl Into<Prefix>) -> Self {
        self.to = Some(to.into());
        self
    }

    /// Only of this protocol to these ports.
    #[must_use]
    pub fn ports(mut self, transport: Transport, ports: RangeInclusive<u16>) -> Self {
        (self.transport, self.ports) = (Some(transport), Some(ports));
        self
    }

    /// They may go by another uplink while theirs does not work.
    #[must_use]
    pub fn fallback(mut self) -> Self {
        self.fallback = true;
        self
    }
}

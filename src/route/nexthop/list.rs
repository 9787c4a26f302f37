use super::codec::Header;
use super::Nexthop;
use crate::request::{Asked, Query};
use crate::route::hear::{protocol, refuse};
use crate::route::{Family, RouteProtocol};
use crate::text::{Say, WordError, Words};
use crate::units::Dev;
use crate::wire::{EncodeError, Value, Writer};
use std::fmt::{self, Formatter};

/// Which nexthops to list.
///
/// `man 8 ip-nexthop` has the words; `ip nexthop flush` takes the same ones. With an id, `ip` does not list: it asks for the
/// one object, and says if there is none; see [`Nexthops::single`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Nexthops {
    id: Option<u32>,
    family: Option<Family>,
    dev: Option<Dev>,
    master: Option<Dev>,
    groups: bool,
    fdb: bool,
    protocol: Option<RouteProtocol>,
}

impl Nexthops {
    /// Only the one with this id.
    #[must_use]
    pub fn id(mut self, id: u32) -> Self {
        self.id = Some(id);
        self
    }

    /// The object to be read with the verb get where the question is about a single one.
    pub fn single(&self) -> Option<Nexthop> {
        self.id.map(Nexthop::id)
    }

    /// Only those for routes of this family. Groups are of none.
    #[must_use]
    pub fn family(mut self, family: Family) -> Self {
        self.family = Some(family);
        self
    }

    /// Only those that leave by this device.
    #[must_use]
    pub fn dev(mut self, dev: impl Into<Dev>) -> Self {
        self.dev = Some(dev.into());
        self
    }

    /// Only those that leave by a device of this bridge, bond or VRF. It is the kernel that filters.
    #[must_use]
    pub fn master(mut self, master: impl Into<Dev>) -> Self {
        self.master = Some(master.into());
        self
    }

    /// Only groups.
    #[must_use]
    pub fn groups(mut self) -> Self {
        self.groups = true;
        self
    }

    /// Only those for a bridge's or VXLAN's forwarding entries. The kernel sends the others, too, and `ip` shows them; here they
    /// are passed over.
    #[must_use]
    pub fn fdb(mut self) -> Self {
        self.fdb = true;
        self
    }

    /// Only those that this added. The kernel sends the others, too; they are passed over.
    #[must_use]
    pub fn protocol(mut self, protocol: RouteProtocol) -> Self {
        self.protocol = Some(protocol);
        self
    }
}

impl Query for Nexthops {
    type Object = Nexthop;

    fn encode(&self, w: &mut Writer) -> Result<(), EncodeError> {
        Header { family: self.family.map_or(0, Family::number), ..Header::default() }.encode(w);
        self.dev.iter().for_each(|dev| w.attr(5, &dev.index));
        if self.groups {
            w.attr_with(9, |_| ());
        }
        self.master.iter().for_each(|master| w.attr(10, &master.index));
        Ok(())
    }

    fn take(&self, nexthop: &mut Nexthop) -> bool {
        let wanted = self.id.is_none_or(|id| nexthop.id == id)
            && self.family.is_none_or(|family| nexthop.family == Some(family))
            && self.dev.is_none_or(|dev| nexthop.dev == Some(dev))
            && (!self.groups || nexthop.group.is_some())
            && (!self.fdb || nexthop.fdb)
            && self.protocol.is_none_or(|protocol| protocol == nexthop.protocol);
        if wanted && self.dev.is_some() {
            nexthop.dev = self.dev;
        }
        wanted
    }

    fn command(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let option = match self.family {
            None => "",
            Some(Family::V4) => "-4 ",
            Some(Family::V6) => "-6 ",
        };
        write!(f, "ip {option}nexthop show")?;
        self.id.say("id", f)?;
        self.dev.say("dev", f)?;
        self.groups.say("groups", f)?;
        self.master.say("master", f)?;
        self.protocol.say("protocol", f)?;
        self.fdb.say("fdb", f)
    }
}

impl Asked for Nexthops {
    fn hear(words: &mut Words<'_>) -> Result<Self, WordError> {
        let mut query = Nexthops { family: words.family(), ..Nexthops::default() };
        while !words.is_empty() {
            match () {
                () if words.take_if_short("dev") => query.dev = Some(words.dev()?),
                () if words.take_if_short("groups") => query.groups = true,
                () if words.take_if_short("master") || words.take_if_short("vrf") => {
                    query.master = Some(words.dev()?);
                }
                () if words.take_if("id") => query.id = Some(words.value()?),
                () if words.take_if_short("protocol") => query.protocol = Some(protocol(words)?),
                () if words.take_if_short("fdb") => query.fdb = true,
                () if words.take_if_any(&["via", "group", "blackhole", "onlink"]) => {
                    refuse(words, "nexthops are listed by id, dev, vrf, master, groups, fdb or proto")?;
                }
                () => {
                    return Err(words.error(
                        "a word of ip nexthop show: expected id, dev, vrf, master, groups, fdb or proto",
                    ))
                }
            }
        }
        Ok(query)
    }

    fn one(&self) -> Option<Nexthop> {
        self.single()
    }
}

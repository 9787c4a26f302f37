//! Links in `ip`'s words.

use super::{Link, LinkFlags, Netns};
use crate::request::Verb;
use crate::route::message::{quoted, say};
use std::fmt::{self, Display, Formatter};

impl Link {
    /// Writes the whole command.
    pub(super) fn say(&self, verb: Verb, f: &mut Formatter<'_>) -> fmt::Result {
        match verb {
            Verb::Change => f.write_str("ip link set")?,
            Verb::Get => f.write_str("ip link show")?,
            verb => write!(f, "ip link {verb}")?,
        }
        match verb {
            Verb::Delete | Verb::Get => self.dev_word(f),
            Verb::Change => {
                self.dev_word(f)?;
                if self.is_known() {
                    say(f, "name", self.name.as_deref().map(quoted))?;
                }
                self.words(f)?;
                say(f, "type", self.kind.as_ref())
            }
            _ => {
                self.new_words(f)?;
                say(f, "type", self.kind.as_ref())
            }
        }
    }

    /// Whether `dev` says which link it is, and the name a new one.
    fn is_known(&self) -> bool {
        self.dev.index != 0 || self.dev.name.is_some()
    }

    /// Which link it is.
    fn dev_word(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) if !self.is_known() => write!(f, " dev {}", quoted(name)),
            _ => write!(f, " dev {}", self.dev),
        }
    }

    /// What a new link shall be, up to the kind.
    pub(super) fn new_words(&self, f: &mut Formatter<'_>) -> fmt::Result {
        say(f, "link", self.link)?;
        say(f, "name", self.name.as_deref().map(quoted))?;
        say(f, "index", (self.dev.index != 0).then_some(self.dev.index))?;
        self.words(f)
    }

    fn words(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.flag_words(f)?;
        say(f, "mtu", self.mtu)?;
        say(f, "txqueuelen", self.txqueuelen)?;
        say(f, "numtxqueues", self.tx_queues)?;
        say(f, "numrxqueues", self.rx_queues)?;
        say(f, "address", self.address)?;
        say(f, "broadcast", self.broadcast)?;
        match self.master {
            Some(master) if master.index == 0 && master.name.is_none() => f.write_str(" nomaster")?,
            master => say(f, "master", master)?,
        }
        say(f, "link-netnsid", self.link_netnsid)?;
        say(f, "netns", self.netns)?;
        say(f, "group", self.group)?;
        say(f, "mode", self.mode)?;
        say(f, "alias", self.alias.as_deref().map(quoted))?;
        say(f, "gso_max_size", self.gso_max_size)?;
        say(f, "gso_max_segs", self.gso_max_segs)?;
        say(f, "gro_max_size", self.gro_max_size)?;
        say(f, "gso_ipv4_max_size", self.gso_ipv4_max_size)?;
        say(f, "gro_ipv4_max_size", self.gro_ipv4_max_size)
    }

    fn flag_words(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let on = |flag| self.change.contains(flag).then(|| self.flags.contains(flag));
        let switch = |on| if on { "on" } else { "off" };
        match on(LinkFlags::UP) {
            Some(true) => f.write_str(" up")?,
            Some(false) => f.write_str(" down")?,
            None => (),
        }
        say(f, "arp", on(LinkFlags::NOARP).map(|noarp| switch(!noarp)))?;
        say(f, "multicast", on(LinkFlags::MULTICAST).map(switch))?;
        say(f, "allmulticast", on(LinkFlags::ALLMULTI).map(switch))?;
        say(f, "promisc", on(LinkFlags::PROMISC).map(switch))?;
        say(f, "dynamic", on(LinkFlags::DYNAMIC).map(switch))?;
        say(f, "trailers", on(LinkFlags::NOTRAILERS).map(|notrailers| switch(!notrailers)))
    }
}

/// As `ip` takes it. A descriptor is ours alone: others reach it through /proc while it is open.
impl Display for Netns {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Netns::Pid(pid) => pid.fmt(f),
            Netns::Fd(fd) => write!(f, "/proc/{}/fd/{fd}", std::process::id()),
        }
    }
}

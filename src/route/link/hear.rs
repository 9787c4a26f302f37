//! The words of `ip link`.

use super::{HardwareAddress, Link, LinkFlags, LinkKind, LinkMode, Netns, Veth};
use crate::request::Verb;
use crate::route::hear::{group, on_off, refuse};
use crate::text::{Part, WordError, Words};
use crate::units::{Dev, Name};

/// What `ip link` knows and the crate has no words for.
const NOT_HERE: [&str; 12] = [
    "xdp",
    "xdpgeneric",
    "xdpdrv",
    "xdpoffload",
    "vf",
    "vrf",
    "carrier",
    "state",
    "addrgenmode",
    "protodown",
    "protodown_reason",
    "macaddr",
];

/// Reads the words behind the verb; [`Verb::Change`] is `set`, [`Verb::Get`] is `show`.
pub(super) fn hear(verb: Verb, words: &mut Words<'_>) -> Result<Link, WordError> {
    let makes = !matches!(verb, Verb::Change | Verb::Delete | Verb::Get);
    let mut heard = Heard { makes, ..Heard::default() };
    while !words.is_empty() {
        if words.take_if_short("type") {
            heard.link.kind = Some(kind(words)?);
        } else if !heard.option(words)? && !heard.flag(words)? && !heard.limit(words)? {
            heard.device(words)?;
        }
    }
    heard.finish(words)
}

/// Reads the kind and all words behind it.
fn kind(words: &mut Words<'_>) -> Result<LinkKind, WordError> {
    let name = words.take("a kind of link such as bridge")?;
    if name.ends_with("_slave") {
        return refuse(words, "the options of a port (bridge_slave and the like) have no words here");
    }
    let mut kind = LinkKind::named(name);
    match &mut kind {
        LinkKind::Veth(veth) if words.take_if("peer") => *veth = Veth::peer(peer(words)?),
        LinkKind::Bridge(bridge) => bridge.hear(words)?,
        _ => (),
    }
    match words.is_empty() {
        true => Ok(kind),
        false => {
            Err(words.error(&format!("an option of {name} links that has words here")).in_part(Part::Options))
        }
    }
}

/// Reads the other end of a pair: all words that are left.
fn peer(words: &mut Words<'_>) -> Result<Link, WordError> {
    let mut heard = Heard { makes: true, ..Heard::default() };
    while !words.is_empty() {
        if words.peek() == Some("type") {
            return Err(words.error("an option of the other end, which has no type of its own"));
        }
        if !heard.option(words)? && !heard.flag(words)? && !heard.limit(words)? {
            heard.device(words)?;
        }
    }
    heard.finish(words)
}

#[derive(Default)]
struct Heard {
    /// Whether the command makes the link: its name is then no device yet.
    makes: bool,
    link: Link,
    /// Which link it is, of one that is there.
    dev: Option<Dev>,
    name: Option<Name>,
}

impl Heard {
    fn option(&mut self, words: &mut Words<'_>) -> Result<bool, WordError> {
        let link = &mut self.link;
        match () {
            () if words.take_if("name") => self.name = Some(words.value()?),
            () if words.take_if("index") => {
                link.dev.index = words.value()?;
                if !self.makes {
                    refuse(words, "an index can be chosen only for a new link")?;
                }
                if link.dev.index == 0 {
                    refuse(words, "indexes are counted from 1")?;
                }
            }
            () if words.take_if_short("link") => link.link = Some(words.dev()?),
            () if words.take_if_short("address") => link.address = Some(hardware(words)?),
            () if words.take_if("brd") || words.take_if_short("broadcast") => {
                link.broadcast = Some(hardware(words)?)
            }
            () if words.take_if("qlen")
                || words.take_if_short("txqueuelen")
                || words.take_if_short("txqlen") =>
            {
                link.txqueuelen = Some(words.value()?);
            }
            () if words.take_if("mtu") => link.mtu = Some(words.value()?),
            () if words.take_if("netns") => link.netns = Some(netns(words)?),
            () if words.take_if_short("master") => link.master = Some(words.dev()?),
            () if words.take_if_short("nomaster") => link.master = Some(Dev::default()),
            () if words.take_if_short("alias") => {
                let alias = words.take("a text")?;
                if alias.len() > 254 {
                    refuse(words, "an alias has at most 254 bytes")?;
                }
                link.alias = Some(alias.to_owned());
            }
            () if words.take_if("mode") => {
                const WHAT: &str = "a mode: expected default or dormant";
                let known = [LinkMode::DEFAULT, LinkMode::DORMANT, LinkMode::TESTING];
                let mode = |word: &str| {
                    let is =
                        |mode: &LinkMode| mode.name().is_some_and(|name| name.eq_ignore_ascii_case(word));
                    known.into_iter().find(is).ok_or_else(|| format!("{word:?} is not {WHAT}"))
                };
                link.mode = Some(words.read(WHAT, mode)?);
            }
            () if words.take_if("group") => link.group = Some(group(words)?),
            () if NOT_HERE.iter().any(|word| words.take_if(word)) => {
                refuse(words, "this option of ip link has no words here")?;
            }
            () => return Ok(false),
        }
        Ok(true)
    }

    fn flag(&mut self, words: &mut Words<'_>) -> Result<bool, WordError> {
        let (flag, on) = match () {
            () if words.take_if("up") => (LinkFlags::UP, true),
            () if words.take_if("down") => (LinkFlags::UP, false),
            () if words.take_if("arp") => (LinkFlags::NOARP, !on_off(words)?),
            () if words.take_if("multicast") => (LinkFlags::MULTICAST, on_off(words)?),
            () if words.take_if("allmulticast") => (LinkFlags::ALLMULTI, on_off(words)?),
            () if words.take_if("promisc") => (LinkFlags::PROMISC, on_off(words)?),
            () if words.take_if("trailers") => (LinkFlags::NOTRAILERS, !on_off(words)?),
            () if words.take_if_short("dynamic") => (LinkFlags::DYNAMIC, on_off(words)?),
            () => return Ok(false),
        };
        self.link.flags.set(flag, on);
        self.link.change |= flag;
        Ok(true)
    }

    fn limit(&mut self, words: &mut Words<'_>) -> Result<bool, WordError> {
        let link = &mut self.link;
        match () {
            () if words.take_if_short("numtxqueues") => link.tx_queues = Some(words.value()?),
            () if words.take_if_short("numrxqueues") => link.rx_queues = Some(words.value()?),
            () if words.take_if_short("link-netnsid") => {
                const NUMBER: &str = "the number of a namespace";
                link.link_netnsid = Some(words.read(NUMBER, str::parse)?);
            }
            () if words.take_if_short("gso_max_size") => link.gso_max_size = Some(words.value()?),
            () if words.take_if_short("gso_max_segs") => link.gso_max_segs = Some(words.value()?),
            () if words.take_if_short("gro_max_size") => link.gro_max_size = Some(words.value()?),
            () if words.take_if_short("gso_ipv4_max_size") => link.gso_ipv4_max_size = Some(words.value()?),
            () if words.take_if_short("gro_ipv4_max_size") => link.gro_ipv4_max_size = Some(words.value()?),
            () => return Ok(false),
        }
        Ok(true)
    }

    /// Takes `[dev] NAME`.
    fn device(&mut self, words: &mut Words<'_>) -> Result<(), WordError> {
        words.take_if("dev");
        if self.dev.is_some() || self.makes && self.name.is_some() {
            return Err(words.error("an option of ip link, and the device has been said"));
        }
        match self.makes {
            true => self.name = Some(words.value()?),
            false => self.dev = Some(words.dev()?),
        }
        Ok(())
    }

    fn finish(self, words: &Words<'_>) -> Result<Link, WordError> {
        let Heard { makes, mut link, dev, name } = self;
        match dev {
            _ if makes => link.name = name,
            Some(dev) if dev.index == 0 && name.is_none() => link.name = dev.name,
            Some(dev) => {
                link.dev = dev;
                link.name = name;
            }
            // ip takes the name for the device then.
            None if name.is_some() => link.name = name,
            None if link.group.is_some() => {
                return Err(words.error("the device: whole groups of devices are not changed here"));
            }
            None => return Err(words.error("the device: dev NAME")),
        }
        Ok(link)
    }
}

fn hardware(words: &mut Words<'_>) -> Result<HardwareAddress, WordError> {
    words.read("a link-layer address such as 02:00:00:00:00:0a", str::parse::<HardwareAddress>)
}

/// Reads a namespace by one of its processes.
fn netns(words: &mut Words<'_>) -> Result<Netns, WordError> {
    const WHAT: &str = "the id of a process (names of namespaces are files, which are not looked up)";
    words.read(WHAT, |word| match word.parse() {
        Ok(pid) => Ok(Netns::Pid(pid)),
        Err(_) => Err(format!("{word:?} is not {WHAT}")),
    })
}

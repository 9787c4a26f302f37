use super::{Link, LinkFlags, LinkKind};
use crate::request::{Asked, Query};
use crate::route::message::{quoted, say};
use crate::text::{WordError, Words};
use crate::units::Dev;
use crate::wire::{EncodeError, Writer};
use netlink_packet_route::link::{InfoKind, LinkAttribute, LinkExtentMask, LinkInfo, LinkMessage};
use std::fmt::{self, Formatter};

/// Leaves IPv6's counters out of replies: over 300 bytes of each, and nothing that a link has a field for. What the link itself
/// counts is there all the same.
pub(super) fn brief() -> LinkAttribute {
    LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats])
}

/// Which links to list.
#[derive(Clone, Debug, Default)]
pub struct Links {
    pub(in crate::route) dev: Option<Dev>,
    kind: Option<String>,
    master: Option<Dev>,
    group: Option<u32>,
    up: bool,
}

impl Links {
    /// Only those of this kind, such as `veth`; with `_slave` behind it, the ports of such a kind: `bridge_slave`.
    #[must_use]
    pub fn of_kind(mut self, kind: impl Into<String>) -> Self {
        self.kind = Some(kind.into());
        self
    }

    /// Only those in this bridge, bond or VRF.
    #[must_use]
    pub fn of_master(mut self, master: impl Into<Dev>) -> Self {
        self.master = Some(master.into());
        self
    }

    /// Only those that are in no bridge, bond or VRF.
    #[must_use]
    pub fn without_master(self) -> Self {
        self.of_master(0)
    }

    /// Only those of this group; 0 is `default`.
    #[must_use]
    pub fn of_group(mut self, group: u32) -> Self {
        self.group = Some(group);
        self
    }

    /// Only those that are administratively up.
    #[must_use]
    pub fn up(mut self) -> Self {
        self.up = true;
        self
    }

    /// Only this one. [`Connection::get`](crate::netlink::Connection::get) reads it faster; here it may be combined with
    /// conditions.
    #[must_use]
    pub fn of_dev(mut self, dev: impl Into<Dev>) -> Self {
        self.dev = Some(dev.into());
        self
    }

    /// Writes the words behind `show`.
    pub(in crate::route) fn words(&self, f: &mut Formatter<'_>) -> fmt::Result {
        say(f, "dev", self.dev)?;
        if self.up {
            f.write_str(" up")?;
        }
        match self.master {
            Some(master) if is_none(master) => f.write_str(" nomaster")?,
            master => say(f, "master", master)?,
        }
        say(f, "type", self.kind.as_deref().map(quoted))?;
        say(f, "group", self.group)
    }

    /// Takes the next option, if it is one of `ip link show`.
    pub(in crate::route) fn option(&mut self, words: &mut Words<'_>) -> Result<bool, WordError> {
        match () {
            () if words.take_if("up") => self.up = true,
            // Whether it is a VRF is for the kernel's list to show.
            () if words.take_if_any(&["master", "vrf"]) => self.master = Some(words.dev()?),
            () if words.take_if("nomaster") => self.master = Some(Dev::default()),
            () if words.take_if("group") => self.group = Some(crate::route::hear::group(words)?),
            () if words.take_if("type") => {
                self.kind = Some(words.take("a kind of link such as bridge")?.to_owned());
            }
            () => return Ok(false),
        }
        Ok(true)
    }

    /// Takes `[dev] NAME`.
    pub(in crate::route) fn device(&mut self, words: &mut Words<'_>, what: &str) -> Result<(), WordError> {
        let said = words.take_if("dev");
        if self.dev.is_some() {
            return Err(match said {
                true => words.said_twice(),
                false => words.error(&format!("an option of ip {what} show, and the device has been said")),
            });
        }
        self.dev = Some(words.dev()?);
        Ok(())
    }

    /// The kind that the links themselves must be of.
    fn own_kind(&self) -> Option<&str> {
        self.kind.as_deref().filter(|kind| !kind.ends_with("_slave"))
    }

    /// Whether the link is one of those asked for.
    pub(in crate::route) fn has(&self, link: &Link) -> bool {
        let kind = link.kind.as_ref().map(LinkKind::name);
        let own = self.own_kind().is_none_or(|wanted| kind == Some(wanted));
        let port = self.kind.as_deref().and_then(|kind| kind.strip_suffix("_slave"));
        let master = self.master.is_none_or(|wanted| match is_none(wanted) {
            true => link.master.is_none(),
            false => link.master == Some(wanted),
        });
        let dev = self.dev.is_none_or(|dev| match dev.index {
            0 => link.name == dev.name,
            _ => link.dev == dev,
        });
        let group = self.group.is_none_or(|group| link.group.unwrap_or(0) == group);
        let up = !self.up || link.flags.contains(LinkFlags::UP);
        own && port.is_none_or(|port| link.port_kind().as_deref() == Some(port))
            && master
            && dev
            && group
            && up
    }
}

/// What stands for no master.
fn is_none(master: Dev) -> bool {
    master.index == 0 && master.name.is_none()
}

impl Query for Links {
    type Object = Link;

    fn encode(&self, w: &mut Writer) -> Result<(), EncodeError> {
        if self.master.is_some_and(|master| master.index == 0 && !is_none(master)) {
            return Err(EncodeError::Missing("the index of the master"));
        }
        let mut message = LinkMessage::default();
        message.attributes = [
            Some(brief()),
            self.master
                .filter(|master| !is_none(*master))
                .map(|master| LinkAttribute::Controller(master.index)),
            self.own_kind().map(|kind| LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::from(kind))])),
        ]
        .into_iter()
        .flatten()
        .collect();
        crate::route::message::put(w, &message, &message.attributes)
    }

    /// The kernel filters by kind and master too, but one that does not know the kind (its module is not loaded) lists them
    /// all.
    fn take(&self, link: &mut Link) -> bool {
        self.has(link)
    }

    fn command(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("ip link show")?;
        self.words(f)
    }
}

impl Asked for Links {
    /// The names of groups other than `default` are not looked up.
    fn hear(words: &mut Words<'_>) -> Result<Self, WordError> {
        let mut links = Links::default();
        while !words.is_empty() {
            if !links.option(words)? {
                links.device(words, "link")?;
            }
        }
        Ok(links)
    }

    fn one(&self) -> Option<Link> {
        let dev = self.dev?;
        Some(match dev.index {
            0 => Link { name: dev.name, ..Link::default() },
            _ => Link::of(dev),
        })
    }
}

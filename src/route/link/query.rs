use super::Link;
use crate::request::Query;
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
    kind: Option<String>,
    master: Option<Dev>,
}

impl Links {
    /// Only those of this kind, such as `veth`.
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
}

impl Query for Links {
    type Object = Link;

    fn encode(&self, w: &mut Writer) -> Result<(), EncodeError> {
        let mut message = LinkMessage::default();
        message.attributes = [
            Some(brief()),
            self.master.map(|master| LinkAttribute::Controller(master.index)),
            self.kind
                .as_deref()
                .map(|kind| LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::from(kind))])),
        ]
        .into_iter()
        .flatten()
        .collect();
        crate::route::message::put(w, &message, &message.attributes)
    }

    /// The kernel filters too, but one that does not know the kind (its module is not loaded) lists them all.
    fn take(&self, link: &mut Link) -> bool {
        let kind = link.kind.as_ref().map(|kind| kind.name());
        self.kind.as_deref().is_none_or(|wanted| kind == Some(wanted))
            && self.master.is_none_or(|master| link.master == Some(master))
    }

    fn command(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("ip link show")?;
        crate::route::message::say(f, "master", self.master)?;
        crate::route::message::say(f, "type", self.kind.as_deref())
    }
}

use crate::text::Page;
use crate::units::{Dev, Handle};
use std::fmt::{self, Display, Formatter};

/// The index that says "a block, not a device" in messages (TCM_IFINDEX_MAGIC_BLOCK).
const BLOCK: u32 = 0xffff_ffff;

/// Where filters and chains stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Place {
    /// At a qdisc or a class of a device.
    Dev {
        /// The device.
        dev: Dev,
        /// The qdisc (`1:`) or class (`1:1`), one of clsact's hooks ([`Handle::MIN_INGRESS`], [`Handle::MIN_EGRESS`]), or
        /// [`Handle::UNSPEC`] for the device's root qdisc.
        parent: Handle,
    },
    /// In a block that several qdiscs share.
    Block(u32),
}

impl Place {
    /// The place at `parent` of a device.
    #[inline]
    pub fn on(dev: impl Into<Dev>, parent: Handle) -> Self {
        Place::Dev { dev: dev.into(), parent }
    }

    /// The qdisc or block whose filters share u32's tables, whatever their side, class, chain or prio. `tc_u_common` in
    /// `net/sched/cls_u32.c`
    pub(crate) fn common(self) -> Self {
        match self {
            Place::Dev { dev, parent } => Place::on(dev, Handle::qdisc(parent.major())),
            block => block,
        }
    }

    /// A message header's index and parent.
    #[inline]
    pub(super) fn header(self) -> (u32, Handle) {
        match self {
            Place::Dev { dev, parent } => (dev.index, parent),
            Place::Block(block) => (BLOCK, Handle::from_raw(block)),
        }
    }

    /// The place that a message header says.
    #[inline]
    pub(super) fn from_header(ifindex: u32, parent: Handle) -> Self {
        match ifindex {
            BLOCK => Place::Block(parent.raw()),
            _ => Place::on(ifindex, parent),
        }
    }

    /// Writes the words of a question, which may leave out the device.
    pub(super) fn ask(self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Place::Dev { dev: Dev { index: 0, name: None }, parent } => say_parent(parent, f),
            place => write!(f, " {place}"),
        }
    }

    /// Tells the page what a question about this place has said.
    pub(super) fn said(self, page: &mut Page) {
        match self {
            Place::Block(_) => page.say("block"),
            Place::Dev { dev, parent } => {
                if dev != Dev::default() {
                    page.say("dev");
                }
                if parent != Handle::UNSPEC {
                    page.say("parent");
                }
            }
        }
    }

    /// Takes over the name of the device from the place that was asked for.
    pub(super) fn complete(&mut self, asked: Place) {
        if let (Place::Dev { dev, .. }, Place::Dev { dev: named, .. }) = (self, asked) {
            if *dev == named {
                *dev = named;
            }
        }
    }
}

/// As `tc` says it: `dev eth1 parent 1:`, `dev eth1 ingress`, `block 22`.
impl Display for Place {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Place::Block(block) => write!(f, "block {block}"),
            Place::Dev { dev, parent } => {
                write!(f, "dev {dev}")?;
                say_parent(*parent, f)
            }
        }
    }
}

fn say_parent(parent: Handle, f: &mut Formatter<'_>) -> fmt::Result {
    match parent {
        Handle::UNSPEC => Ok(()),
        Handle::ROOT => f.write_str(" root"),
        Handle::MIN_INGRESS => f.write_str(" ingress"),
        Handle::MIN_EGRESS => f.write_str(" egress"),
        parent => write!(f, " parent {parent}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_survives_the_header() {
        for place in [
            Place::on(10, Handle::new(1, 0)),
            Place::on(10, Handle::MIN_EGRESS),
            Place::on(10, Handle::UNSPEC),
            Place::Block(22),
        ] {
            let (ifindex, parent) = place.header();
            assert_eq!(Place::from_header(ifindex, parent), place);
        }
    }
}

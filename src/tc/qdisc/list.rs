use super::Qdisc;
use crate::error::Result;
use crate::request::{object_in, Asked, Query};
use crate::tc::attributes::{self, TcMsg};
use crate::text::{Page, WordError, Words};
use crate::units::{Dev, Handle};
use crate::wire::{DecodeError, EncodeError, Value, Writer};
use std::fmt::{self, Formatter};

/// Which qdiscs to list. The kernel sends those of all devices; the rest is passed over.
#[derive(Clone, Copy, Debug, Default)]
pub struct Qdiscs {
    dev: Option<Dev>,
    parent: Option<Handle>,
    handle: Option<Handle>,
    invisible: bool,
    without_stats: bool,
}

impl Qdisc {
    /// All qdiscs of a device.
    pub fn of(dev: impl Into<Dev>) -> Qdiscs {
        Qdiscs { dev: Some(dev.into()), ..Qdiscs::default() }
    }

    /// All qdiscs of all devices.
    pub fn all() -> Qdiscs {
        Qdiscs::default()
    }
}

impl Qdiscs {
    /// Only those at this place: [`Handle::ROOT`], [`Handle::INGRESS`] (which is clsact's, too), a class.
    #[must_use]
    pub fn parent(mut self, parent: Handle) -> Self {
        self.parent = Some(parent);
        self
    }

    /// Only those with this handle.
    #[must_use]
    pub fn handle(mut self, handle: Handle) -> Self {
        self.handle = Some(handle);
        self
    }

    /// Lists those too that dumps leave out unless asked: the ones the kernel made by itself.
    #[must_use]
    pub fn invisible(mut self) -> Self {
        self.invisible = true;
        self
    }

    /// Leaves the statistics unread, which kernels send all the same: a third of the time that reading a qdisc takes.
    #[must_use]
    pub fn without_stats(mut self) -> Self {
        self.without_stats = true;
        self
    }
}

impl Query for Qdiscs {
    type Object = Qdisc;

    fn encode(&self, w: &mut Writer) -> Result<(), EncodeError> {
        TcMsg { ifindex: self.dev.map_or(0, |dev| dev.index), ..TcMsg::default() }.encode(w);
        if self.invisible {
            w.attr_with(attributes::TCA_DUMP_INVISIBLE, |_| ());
        }
        Ok(())
    }

    #[inline]
    fn read(&self, body: &[u8], place: &mut Option<Result<Qdisc>>) -> Result<(), DecodeError> {
        object_in(place, Qdisc::blank).map_or(Ok(()), |qdisc| qdisc.fill(body, !self.without_stats))
    }

    #[inline]
    fn take(&self, qdisc: &mut Qdisc) -> bool {
        let taken = self.dev.is_none_or(|dev| dev == qdisc.dev)
            && self.parent.is_none_or(|parent| parent == qdisc.parent)
            && self.handle.is_none_or(|handle| handle == qdisc.handle);
        if let Some(dev) = self.dev.filter(|_| taken) {
            qdisc.dev = dev;
        }
        taken
    }

    fn command(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("tc qdisc show")?;
        self.dev.iter().try_for_each(|dev| write!(f, " dev {dev}"))?;
        match self.parent {
            None => (),
            Some(Handle::ROOT) => f.write_str(" root")?,
            Some(Handle::INGRESS) => f.write_str(" ingress")?,
            Some(parent) => write!(f, " parent {parent}")?,
        }
        self.handle.iter().try_for_each(|handle| write!(f, " handle {handle}"))?;
        if self.invisible {
            f.write_str(" invisible")?;
        }
        Ok(())
    }
}

/// As in `tc`, a handle or a parent of `none` means any, and the device that was said last counts.
impl Asked for Qdiscs {
    fn hear(words: &mut Words<'_>) -> Result<Self, WordError> {
        let (mut asked, mut parent, mut handle) = (Qdisc::all(), None, None);
        while let Some(word) = words.peek() {
            if words.take_if("dev") {
                asked.dev = Some(words.dev()?);
            } else if words.take_if_any(&["root", "ingress", "clsact", "parent"]) {
                if parent.is_some() {
                    return Err(
                        words.error_before("the place has been said before, and can be said only once")
                    );
                }
                parent = Some(match word {
                    "root" => Handle::ROOT,
                    "parent" => words.value()?,
                    _ => Handle::INGRESS,
                });
            } else if words.take_if("handle") {
                if handle.is_some() {
                    return Err(words.said_twice());
                }
                handle = Some(words.read("a qdisc's handle such as 1:", Handle::parse_qdisc)?);
            } else if words.take_if("invisible") {
                asked.invisible = true;
            } else {
                return Err(words.error(
                    "what qdiscs are listed by: dev, root, ingress, clsact, parent, handle or invisible",
                ));
            }
        }
        asked.parent = parent.filter(|parent| *parent != Handle::UNSPEC);
        asked.handle = handle.filter(|handle| *handle != Handle::UNSPEC);
        Ok(asked)
    }

    fn said(&self, page: &mut Page) {
        if self.dev.is_some() {
            page.say("dev");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::asked_again;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    #[test]
    fn questions_are_heard_as_tc_hears_them_and_print_as_they_are_heard() {
        for (words, printed) in [
            ("", Ok("")),
            ("dev v0", Ok("dev v0")),
            ("dev v0 dev v1", Ok("dev v1")),
            ("dev if7 root", Ok("dev if7 root")),
            ("clsact dev v0", Ok("dev v0 ingress")),
            ("ingress", Ok("ingress")),
            ("parent root", Ok("root")),
            ("parent ffff:fff1 invisible", Ok("ingress invisible")),
            ("parent 1:10 handle 10", Ok("parent 1:10 handle 10:")),
            ("handle 1:5", Ok("handle 1:")),
            ("handle none parent none", Ok("")),
            ("root parent 1:", Err(1)),
            ("root root", Err(1)),
            ("handle 1: handle 1:", Err(2)),
            ("dev", Err(1)),
            ("parent", Err(1)),
            ("invis", Err(0)),
            ("block 5", Err(0)),
        ] {
            assert_eq!(asked_again::<Qdiscs>(words), printed.map(str::to_owned), "{words}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_heard_prints_as_the_same_question(words in vec(select(&["dev", "v0", "if7", "root", "ingress", "clsact", "parent", "handle", "1:", "1:10", "none", "invisible"]), 0..8)) {
            // It compares by itself.
            let _ = asked_again::<Qdiscs>(&words.join(" "));
        }
    }
}

use super::Class;
use crate::error::Result;
use crate::request::{object_in, Asked, Query};
use crate::tc::attributes::TcMsg;
use crate::tc::qdisc::{hear_dev, hear_parent};
use crate::text::{Page, WordError, Words};
use crate::units::{Dev, Handle};
use crate::wire::{DecodeError, EncodeError, Value, Writer};
use std::fmt::{self, Formatter};

/// Which classes to list.
#[derive(Clone, Copy, Debug)]
pub struct Classes {
    /// Index 0 is no device, and the kernel then lists nothing.
    dev: Dev,
    parent: Option<Handle>,
    qdisc: Option<Handle>,
    id: Option<Handle>,
    without_stats: bool,
}

impl Class {
    /// All classes of a device.
    pub fn of(dev: impl Into<Dev>) -> Classes {
        Classes { dev: dev.into(), parent: None, qdisc: None, id: None, without_stats: false }
    }
}

impl Classes {
    /// Asks the kernel for those below this qdisc or class. It looks at the upper half of the handle only: all classes of
    /// the qdisc are listed, wherever they stand in it.
    #[must_use]
    pub fn under(mut self, parent: Handle) -> Self {
        self.parent = Some(parent);
        self
    }

    /// Only those of this qdisc. They then show their handles and parents without the qdisc's half.
    #[must_use]
    pub fn qdisc(mut self, qdisc: Handle) -> Self {
        self.qdisc = Some(qdisc);
        self
    }

    /// Only the one with this handle.
    #[must_use]
    pub fn with_id(mut self, id: Handle) -> Self {
        self.id = Some(id);
        self
    }

    /// Leaves the statistics unread, which kernels send all the same: a third of the time that reading a class takes.
    #[must_use]
    pub fn without_stats(mut self) -> Self {
        self.without_stats = true;
        self
    }

    fn has_dev(&self) -> bool {
        self.dev.index != 0 || self.dev.name.is_some()
    }
}

impl Query for Classes {
    type Object = Class;

    fn encode(&self, w: &mut Writer) -> Result<(), EncodeError> {
        let parent = self.parent.unwrap_or_default();
        TcMsg { ifindex: self.dev.index, parent, ..TcMsg::default() }.encode(w);
        Ok(())
    }

    #[inline]
    fn read(&self, body: &[u8], place: &mut Option<Result<Class>>) -> Result<(), DecodeError> {
        object_in(place, Class::blank).map_or(Ok(()), |class| class.fill(body, !self.without_stats))
    }

    #[inline]
    fn take(&self, class: &mut Class) -> bool {
        let taken = self.qdisc.is_none_or(|qdisc| qdisc.major() == class.id.major())
            && self.id.is_none_or(|id| id == class.id);
        if taken && self.has_dev() {
            class.dev = self.dev;
        }
        taken
    }

    fn command(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("tc class show")?;
        if self.has_dev() {
            write!(f, " dev {}", self.dev)?;
        }
        match self.parent {
            None => (),
            Some(Handle::ROOT) => f.write_str(" root")?,
            Some(parent) => write!(f, " parent {parent}")?,
        }
        self.qdisc.iter().try_for_each(|qdisc| write!(f, " qdisc {qdisc}"))?;
        self.id.iter().try_for_each(|id| write!(f, " classid {id}"))
    }
}

/// As in `tc`, a handle of `none` means any.
impl Asked for Classes {
    fn hear(words: &mut Words<'_>) -> Result<Self, WordError> {
        let (mut dev, mut parent, mut qdisc, mut id) = (None, None, None, None);
        while let Some(word) = words.peek() {
            if words.take_if("dev") {
                hear_dev(&mut dev, words)?;
            } else if words.take_if_any(&["root", "parent"]) {
                hear_parent(word, &mut parent, words)?;
            } else if words.take_if("qdisc") {
                if qdisc.is_some() {
                    return Err(words.said_twice());
                }
                qdisc = Some(words.read("a qdisc's handle such as 1:", Handle::parse_qdisc)?);
            } else if words.take_if("classid") {
                words.once(&mut id)?;
            } else {
                return Err(words.error("what classes are listed by: dev, root, parent, qdisc or classid"));
            }
        }
        let given = |handle: Option<Handle>| handle.filter(|handle| *handle != Handle::UNSPEC);
        let (parent, qdisc, id) = (given(parent), given(qdisc), given(id));
        Ok(Classes { dev: dev.unwrap_or_default(), parent, qdisc, id, without_stats: false })
    }

    fn said(&self, page: &mut Page) {
        if self.has_dev() {
            page.say("dev");
        }
        if self.qdisc.is_some() {
            page.say("qdisc");
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
            ("dev v0", Ok("dev v0")),
            ("", Ok("")),
            ("parent 1:1 dev v0", Ok("dev v0 parent 1:1")),
            ("dev if7 root", Ok("dev if7 root")),
            ("dev v0 parent root", Ok("dev v0 root")),
            ("dev v0 parent 1:", Ok("dev v0 parent 1:")),
            ("dev v0 classid 1:10", Ok("dev v0 classid 1:10")),
            ("dev v0 qdisc 1 classid 1:10", Ok("dev v0 qdisc 1: classid 1:10")),
            ("dev v0 classid none qdisc none parent none", Ok("dev v0")),
            ("dev v0 dev v1", Err(2)),
            ("root parent 1:", Err(1)),
            ("classid 1:1 classid 1:10", Err(2)),
            ("qdisc 1: qdisc 1:", Err(2)),
            ("handle 1:10", Err(0)),
            ("dev", Err(1)),
        ] {
            assert_eq!(asked_again::<Classes>(words), printed.map(str::to_owned), "{words}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_heard_prints_as_the_same_question(words in vec(select(&["dev", "v0", "if7", "root", "parent", "qdisc", "classid", "1:", "1:10", ":5", "none", "ffff:fff1"]), 0..8)) {
            // It compares by itself.
            let _ = asked_again::<Classes>(&words.join(" "));
        }
    }
}

//! `fw`: packets by the mark that the firewall put on them. `man 8 tc-fw`, `net/sched/cls_fw.c`

use super::police::Police;
use super::{action, shown, Action, ActionNumber, Actions, Filter, Kind, Setting};
use crate::text::{FromWord, Hear, Page, Say, WordError, Words};
use crate::units::{quoted, Handle, Name, ParseError};
use crate::wire::{DecodeError, EncodeError, Field, Table, Unknown, Value, Writer};
use std::fmt::{self, Display, Formatter};

/// TCA_FW_ attribute table for the header checks.
pub(super) fn tables() -> Vec<Table> {
    vec![Table::of::<FwAttrs>()]
}

/// A filter for packets with one mark: `Fw::mark(10).class("1:10".parse()?)`.
///
/// The mark is the filter's handle. [`Fw::legacy`] has none: it sends every packet to the class that its mark names.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Fw {
    /// The mark, which is not 0; `None` in the legacy mode.
    pub mark: Option<u32>,
    /// The bits of the packet's mark that count; all if not given. It is the same for all filters of one prio.
    #[doc(alias = "TCA_FW_MASK")]
    pub mask: Option<u32>,
    /// The class that the packets belong to.
    #[doc(alias = "TCA_FW_CLASSID")]
    pub class: Option<Handle>,
    /// The device that the packets must have come in by.
    #[doc(alias = "TCA_FW_INDEV")]
    pub indev: Option<Name>,
    /// A policer in the old style: part of the filter.
    #[doc(alias = "TCA_FW_POLICE")]
    pub police: Option<Box<Police>>,
    /// What is done with the packets.
    #[doc(alias = "TCA_FW_ACT")]
    pub actions: Option<Actions>,
    /// Attributes that the crate does not know: kept, and sent back unchanged.
    pub unknown: Unknown,
}

impl Fw {
    /// A filter for packets with this mark, which is not 0.
    pub fn mark(mark: u32) -> Self {
        Fw { mark: Some(mark), ..Self::default() }
    }

    /// The old mode: a packet's mark is the handle of its class. Nothing can be set.
    pub fn legacy() -> Self {
        Self::default()
    }

    /// Sets which bits of the packet's mark count.
    #[must_use]
    pub fn mask(mut self, mask: u32) -> Self {
        self.mask = Some(mask);
        self
    }

    /// Sets the class that the packets belong to.
    #[must_use]
    #[doc(alias = "flowid")]
    pub fn class(mut self, class: Handle) -> Self {
        self.class = Some(class);
        self
    }

    /// Takes only packets that came in by this device.
    #[must_use]
    pub fn indev(mut self, indev: Name) -> Self {
        self.indev = Some(indev);
        self
    }

    /// Sets a policer that is part of the filter.
    #[must_use]
    pub fn police(mut self, police: Police) -> Self {
        self.police = Some(Box::new(police));
        self
    }

    /// Appends an action.
    #[must_use]
    pub fn action(mut self, action: impl Into<Action>) -> Self {
        self.actions.get_or_insert_default().push(action.into());
        self
    }

    /// Whether it does nothing with its packets.
    fn is_bare(&self) -> bool {
        self.class.is_none() && self.police.is_none() && self.actions.is_none()
    }
}

impl Kind for Fw {
    const NAME: &'static str = "fw";

    fn has_options(&self) -> bool {
        self.mark.is_some()
    }

    fn check(&self) -> Result<(), EncodeError> {
        action::check(self.actions.as_ref())
    }

    fn forget(&mut self) {
        action::forget(&mut self.police, &mut self.actions);
    }

    /// `fw_change`, and what `fw_dump` says of it: nothing of a filter that has neither a class nor actions.
    fn settle(&mut self, setting: &Setting) {
        self.unknown.clear();
        action::settle(&mut self.police, &mut self.actions, setting);
        self.class = self.class.filter(|class| *class != Handle::UNSPEC);
        self.mask = self.mask.filter(|mask| *mask != u32::MAX);
        if self.is_bare() {
            (self.mask, self.indev) = (None, None);
        }
    }

    fn number(&mut self, see: &mut dyn FnMut(ActionNumber<'_>)) {
        action::number(&mut self.police, &mut self.actions, see);
    }

    fn action_kinds<'a>(&'a self, see: &mut dyn FnMut(&'a str)) {
        action::kinds(&self.police, &self.actions, see);
    }

    /// The mask is that of all filters of a prio, and a device that is not said is kept: also one that was not told of.
    fn can_become(&self, wanted: &Self) -> bool {
        let loses_indev = self.indev.is_some() && wanted.indev.is_none();
        (self.mark, self.mask) == (wanted.mark, wanted.mask) && !loses_indev && !self.is_bare()
    }

    fn class(&self) -> Option<Handle> {
        self.class
    }

    fn handle(&self) -> Option<u32> {
        self.mark
    }

    fn set_handle(&mut self, handle: u32) {
        self.mark = Some(handle);
    }

    fn say_handle(&self, handle: u32, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{handle:#x}")?;
        self.mask.iter().try_for_each(|mask| write!(f, "/{mask:#x}"))
    }

    fn show_filter(&self, filter: &Filter, page: &mut Page) {
        let (mark, mask) = (filter.handle, self.mask.unwrap_or(u32::MAX));
        if mark != 0 || self.mask.is_some() {
            page.object_in("fw", |page| {
                page.field("mark", shown::hex(mark), format_args!("handle {mark:#x}"));
                page.json("mask", shown::hex(mask));
                page.text(if mask == u32::MAX { String::new() } else { format!("/{mask:#x}") });
            });
            page.text(" ");
        }
        if let Some(class) = self.class {
            page.field("classid", class.to_string(), format_args!("classid {class} "));
        }
        if let Some(police) = &self.police {
            police.show(page);
        }
        if let Some(indev) = &self.indev {
            page.field("indev", &**indev, format_args!("input dev {indev} "));
        }
        if self.actions.is_some() {
            page.line();
            action::show_all(self.actions.as_ref(), page);
        }
    }

    /// The handle's word is a mark, or a mark and its mask: `0x10/0xff`.
    fn hear_filter(handle: Option<Words<'_>>, words: &mut Words<'_>) -> Result<(Self, u32), WordError> {
        let handle =
            handle.map(|mut handle| handle.read("a mark such as 5 or 0x10/0xff", marked)).transpose()?;
        let mut fw = Fw::hear_all(words)?;
        let (mark, mask) = handle.unwrap_or_default();
        // Without options kernels take it for the legacy mode, and refuse the handle if it is to be added.
        fw.mark = fw.mark.map(|_| mark);
        fw.mask = mask;
        Ok((fw, mark))
    }
}

impl Value for Fw {
    fn encode(&self, w: &mut Writer) {
        // Field by field, because a set of them would have to be cloned; the order is that of the set.
        let Fw { mark: _, mask, class, indev, police, actions, unknown } = self;
        class.emit(1, w);
        police.emit(2, w);
        indev.emit(3, w);
        actions.emit(4, w);
        mask.emit(5, w);
        unknown.encode(w);
    }

    fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        let FwAttrs { class, police, indev, actions, mask, unknown } = FwAttrs::decode(payload)?;
        // With options there is a mark, even if the kernel will refuse it for being 0.
        Ok(Fw { mark: Some(0), mask, class, indev, police, actions, unknown })
    }

    fn name_at(path: &[u16]) -> Option<&'static str> {
        FwAttrs::name_at(path)
    }
}

impl Display for Fw {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        // tc takes a filter without any word for the legacy mode.
        let nothing = self.indev.is_none() && self.police.is_none() && self.actions.is_none();
        let class = self.class.or((self.has_options() && nothing).then_some(Handle::UNSPEC));
        class.say("classid", f)?;
        self.indev.as_deref().map(quoted).say("indev", f)?;
        self.police.iter().try_for_each(|police| write!(f, " police{police}"))?;
        self.actions
            .iter()
            .flat_map(|actions| &actions.0)
            .try_for_each(|(_, action)| write!(f, " action {action}"))
    }
}

/// A mark, and the mask if there is one.
fn marked(word: &str) -> Result<(u32, Option<u32>), ParseError> {
    let (mark, mask) = word.split_once('/').map_or((word, None), |(mark, mask)| (mark, Some(mask)));
    Ok((u32::from_word(mark)?, mask.map(u32::from_word).transpose()?))
}

impl Hear for Fw {
    fn hear(&mut self, words: &mut Words<'_>) -> Result<bool, WordError> {
        if words.take_if_short("classid") || words.take_if("flowid") {
            self.class = Some(words.value()?);
        } else if words.take_if("indev") {
            self.indev = Some(words.value()?);
        } else if words.take_if_short("police") {
            self.police = Some(Box::new(Police::hear_all(words)?));
        } else if words.take_if_short("action") {
            self.actions = Some(Action::hear_all(words)?.into_iter().collect());
        } else {
            return Ok(false);
        }
        // With options it is not the legacy mode.
        self.mark.get_or_insert(0);
        Ok(true)
    }
}

attrs! {
    /// The attributes of the message.
    wordless struct FwAttrs {
        /// The class.
        1 "TCA_FW_CLASSID" => class: Handle,
        /// The policer.
        2 "TCA_FW_POLICE" => police: Box<Police>,
        /// The device.
        3 "TCA_FW_INDEV" => indev: Name,
        /// The actions.
        4 "TCA_FW_ACT" => actions: Actions,
        /// The bits that count.
        5 "TCA_FW_MASK" => mask: u32,
    }
}

#[cfg(any(test, feature = "generate"))]
impl crate::wire::generate::Generate for Fw {
    fn generate(g: &mut crate::wire::generate::Source<'_>) -> Self {
        let attrs = FwAttrs::generate(g);
        let FwAttrs { class, police, indev, actions, mask, unknown } = attrs;
        match g.flip() {
            false => Fw::legacy(),
            true => Fw { mark: Some(u32::generate(g)), mask, class, indev, police, actions, unknown },
        }
    }
}

use super::{ActionNumber, Filter, Setting};
use crate::text::{Hear, Page, WordError, Words};
use crate::units::Handle;
use crate::wire::{EncodeError, Value};
use std::fmt::{self, Display, Formatter};

/// The options of one kind of qdisc, class, filter or action: what stands in TCA_OPTIONS.
///
/// A kind is one file: its type, declared with `attrs!` or `layout!` where it is regular, and this trait. `Display` writes
/// the words that follow the kind's name in a `tc` command, each with a blank in front of it; `Hear` reads them.
pub trait Kind: Value + Default + Display + Hear {
    /// The kernel's name of the kind.
    const NAME: &'static str;

    /// Whether TCA_OPTIONS is sent. Some kinds have none, others take their defaults from its absence.
    fn has_options(&self) -> bool {
        true
    }

    /// Whether a request with these options can mean something: what the kernel would refuse without a word, or take
    /// for something else. Most kinds have nothing to add to what their attributes check.
    ///
    /// # Errors
    /// What is missing or wrong.
    fn check(&self) -> Result<(), EncodeError> {
        Ok(())
    }

    /// Drops what only kernels say: counters, ages, references. What is left can be sent, and makes the same again.
    fn forget(&mut self) {}

    /// Makes of the options what the kernel makes of them: what it chooses by itself is filled in, what it clamps or rounds is
    /// clamped and rounded, what it does not look at is gone. Two that mean the same are equal afterwards, and what was settled can
    /// be sent. What [`forget`](Kind::forget) drops has been dropped.
    fn settle(&mut self, _setting: &Setting) {}

    /// Shows the number of each action that goes with these options: of those of a filter, and of an action itself.
    fn number(&mut self, _see: &mut dyn FnMut(ActionNumber<'_>)) {}

    /// Names the kinds of the actions that go with a filter's options.
    fn action_kinds<'a>(&'a self, _see: &mut dyn FnMut(&'a str)) {}

    /// Whether the kernel turns these options into `wanted` when it is told to change what is there. Both are settled, and differ.
    fn can_become(&self, _wanted: &Self) -> bool {
        true
    }

    /// The class that a filter sends packets to.
    fn class(&self) -> Option<Handle> {
        None
    }

    /// The handle that goes with these options, for filters whose handle carries meaning (fw's is the mark), and the
    /// index of actions.
    fn handle(&self) -> Option<u32> {
        None
    }

    /// Takes over the handle that was read beside the options.
    fn set_handle(&mut self, _handle: u32) {}

    /// Writes a filter's handle the way the kind's words have it: u32's is `800::801`, fw's is mark and mask.
    fn say_handle(&self, handle: u32, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{handle:#x}")
    }

    /// Shows the options as `tc` does: the words behind the kind's name in text, each with a blank behind it, and the fields of
    /// `options` in JSON. Filters and actions begin with a blank, and say their kind themselves.
    fn show(&self, page: &mut Page) {
        page.text(self);
    }

    /// Shows the options of this filter, as [`show`](Kind::show) does: they may need its handle and protocol.
    fn show_filter(&self, _filter: &Filter, page: &mut Page) {
        self.show(page);
    }

    /// Reads a filter: its handle, whose word stands before the kind's name if it is said, and its options, until the words end
    /// or the next word is none of them. Gives the handle too.
    ///
    /// # Errors
    /// A word is wrong or missing.
    fn hear_filter(handle: Option<Words<'_>>, words: &mut Words<'_>) -> Result<(Self, u32), WordError> {
        let handle = handle.map(|mut handle| handle.value()).transpose()?;
        let mut kind = Self::hear_all(words)?;
        handle.into_iter().for_each(|handle| kind.set_handle(handle));
        Ok((kind, handle.unwrap_or_default()))
    }
}

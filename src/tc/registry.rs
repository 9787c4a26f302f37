//! Every kind the crate knows, one line each. The registry is the only place that goes from an object and a kind's name to
//! the kind's type; it also feeds the property tests and the fuzz targets.

mod app;
mod other;

pub use app::AppStats;
pub use other::Other;

use super::attributes::{is_called, put_name};
use super::{fifo, fw, gact, htb, ingress, mirred, police, sfq, skbedit, tbf, ActionNumber, Kind, Setting};
use crate::text::{Hear, Page, Show, WordError, Words};
use crate::units::{quoted, Handle, Name};
use crate::wire::{DecodeError, Table, Value, Writer};
use std::fmt::{self, Display, Formatter};

macro_rules! kinds {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($variant:ident($ty:ty),)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        $vis enum $name {
            $(#[doc = concat!("[`", stringify!($ty), "`]")] $variant($ty),)*
            /// A kind that the crate does not know.
            Other(Other),
        }

        impl $name {
            /// The names of the kinds that the crate knows.
            pub const KNOWN: &'static [&'static str] = &[$(<$ty as Kind>::NAME,)*];

            /// The kernel's name of the kind.
            pub fn name(&self) -> &str {
                match self {
                    $($name::$variant(_) => <$ty as Kind>::NAME,)*
                    $name::Other(other) => &other.name,
                }
            }

            /// The kind of this name with its default options.
            pub fn named(name: Name) -> Self {
                match name.as_str() {
                    $(<$ty as Kind>::NAME => $name::$variant(Default::default()),)*
                    _ => $name::Other(Other::named(name)),
                }
            }

            /// Writes the kind's name as an attribute with `ty` as its number; of kinds that are known its length is, too.
            #[inline]
            pub(crate) fn encode_name(&self, ty: u16, w: &mut Writer) {
                match self {
                    $($name::$variant(_) => put_name(ty, <$ty as Kind>::NAME, w),)*
                    $name::Other(other) => put_name(ty, &other.name, w),
                }
            }

            /// Writes the options attribute, with `ty` as its number, if the kind has any to send.
            pub(crate) fn encode(&self, ty: u16, w: &mut Writer) {
                match self {
                    $($name::$variant(kind) => {
                        kind.check().unwrap_or_else(|error| w.fail(error));
                        if kind.has_options() {
                            w.attr(ty, kind);
                        }
                    })*
                    $name::Other(other) => if let Some(options) = &other.options {
                        w.attr_with(ty, |w| w.put(options));
                    },
                }
            }

            /// See [`Kind::forget`].
            pub(crate) fn forget(&mut self) {
                match self {
                    $($name::$variant(kind) => kind.forget(),)*
                    $name::Other(_) => (),
                }
            }

            /// See [`Kind::settle`].
            pub(crate) fn settle(&mut self, setting: &Setting) {
                match self {
                    $($name::$variant(kind) => {
                        kind.forget();
                        kind.settle(setting);
                    })*
                    $name::Other(_) => (),
                }
            }

            /// See [`Kind::number`].
            #[allow(dead_code, reason = "only filters and actions have numbers of actions")]
            pub(crate) fn number(&mut self, see: &mut dyn FnMut(ActionNumber<'_>)) {
                match self {
                    $($name::$variant(kind) => kind.number(see),)*
                    $name::Other(_) => (),
                }
            }

            /// See [`Kind::action_kinds`].
            #[allow(dead_code, reason = "only filters have actions")]
            pub(crate) fn action_kinds<'a>(&'a self, see: &mut dyn FnMut(&'a str)) {
                match self {
                    $($name::$variant(kind) => kind.action_kinds(see),)*
                    $name::Other(_) => (),
                }
            }

            /// See [`Kind::can_become`]. A kind cannot become another, and of one that the crate does not know it is not known.
            #[allow(dead_code, reason = "actions change with their filters")]
            pub(crate) fn can_become(&self, wanted: &Self) -> bool {
                match (self, wanted) {
                    $(($name::$variant(kind), $name::$variant(wanted)) => kind.can_become(wanted),)*
                    _ => false,
                }
            }

            /// See [`Kind::class`].
            #[allow(dead_code, reason = "only filters send packets to classes")]
            pub(crate) fn class(&self) -> Option<Handle> {
                match self {
                    $($name::$variant(kind) => kind.class(),)*
                    $name::Other(_) => None,
                }
            }

            /// See [`Kind::has_options`].
            #[allow(dead_code, reason = "only filters show themselves without options")]
            pub(crate) fn has_options(&self) -> bool {
                match self {
                    $($name::$variant(kind) => kind.has_options(),)*
                    $name::Other(other) => other.options.is_some(),
                }
            }

            /// Hears the options of the kind of this name, until the words end or the next word is none of them.
            #[allow(dead_code, reason = "filters are heard together with their handles")]
            pub(crate) fn hear(name: Name, words: &mut Words<'_>) -> Result<Self, WordError> {
                match name.as_str() {
                    $(<$ty as Kind>::NAME => {
                        let kind = <$ty as Hear>::hear_all(words)?;
                        // What cannot be sent is wrong in its words, too.
                        kind.check().map_err(|error| words.error_before(error.to_string()))?;
                        Ok($name::$variant(kind))
                    })*
                    _ => Ok($name::Other(Other::named(name))),
                }
            }

            /// See [`Kind::hear_filter`].
            #[allow(dead_code, reason = "only filters have handles that are a part of what is said")]
            pub(crate) fn hear_filter(
                name: Name,
                handle: Option<Words<'_>>,
                words: &mut Words<'_>,
            ) -> Result<(Self, u32), WordError> {
                match name.as_str() {
                    $(<$ty as Kind>::NAME => <$ty as Kind>::hear_filter(handle, words)
                        .map(|(kind, handle)| ($name::$variant(kind), handle)),)*
                    _ => {
                        // As tc reads what stands before a kind that it does not know.
                        let handle = handle.map(|mut handle| handle.number(16)).transpose()?;
                        Ok(($name::Other(Other::named(name)), handle.unwrap_or_default()))
                    }
                }
            }

            /// Reads the options of the kind of this name, as messages say both, into the place where they stay; what was there
            /// before is gone.
            #[inline(always)]
            pub(crate) fn read(
                name: &[u8],
                options: Option<&[u8]>,
                place: &mut Option<Self>,
            ) -> Result<(), DecodeError> {
                match name {
                    $(_ if is_called(name, <$ty as Kind>::NAME) => {
                        // The kind before is likely to be the same one, and then the place need not be made again.
                        if !matches!(place, Some($name::$variant(_))) {
                            *place = Some($name::$variant(Default::default()));
                        }
                        if let Some($name::$variant(kind)) = place {
                            match options {
                                Some(payload) => kind
                                    .fill(payload)
                                    .map_err(|e| e.inside(<$ty as Kind>::NAME).inside("TCA_OPTIONS"))?,
                                None => *kind = Default::default(),
                            }
                        }
                    })*
                    _ => {
                        let name = Name::decode(name).map_err(|e| e.inside("TCA_KIND"))?;
                        *place = Some($name::Other(Other { name, options: options.map(<[u8]>::to_vec) }));
                    }
                }
                Ok(())
            }

            /// See [`Kind::handle`].
            #[allow(dead_code, reason = "only filters and actions have handles that carry meaning")]
            pub(crate) fn handle(&self) -> Option<u32> {
                match self {
                    $($name::$variant(kind) => kind.handle(),)*
                    $name::Other(_) => None,
                }
            }

            /// See [`Kind::set_handle`].
            #[allow(dead_code, reason = "only filters have handles that carry meaning")]
            pub(crate) fn set_handle(&mut self, handle: u32) {
                match self {
                    $($name::$variant(kind) => kind.set_handle(handle),)*
                    $name::Other(_) => (),
                }
            }

            /// See [`Kind::say_handle`].
            #[allow(dead_code, reason = "only filters have handles that carry meaning")]
            pub(crate) fn say_handle(&self, handle: u32, f: &mut Formatter<'_>) -> fmt::Result {
                match self {
                    $($name::$variant(kind) => kind.say_handle(handle, f),)*
                    $name::Other(_) => write!(f, "{handle:#x}"),
                }
            }

            /// See [`Kind::show_filter`].
            #[allow(dead_code, reason = "only filters have handles that carry meaning")]
            pub(crate) fn show_filter(&self, filter: &super::Filter, page: &mut Page) {
                match self {
                    $($name::$variant(kind) => kind.show_filter(filter, page),)*
                    $name::Other(_) => (),
                }
            }

            /// The name of the attribute that `path` leads to inside the options of the kind of this name.
            #[allow(dead_code, reason = "the path to an action's options does not say its kind")]
            pub(crate) fn name_at(name: &str, path: &[u16]) -> Option<&'static str> {
                match name {
                    $(<$ty as Kind>::NAME => <$ty as Value>::name_at(path),)*
                    _ => None,
                }
            }

            /// Draws one value of every known kind.
            #[cfg(any(test, feature = "generate"))]
            pub fn generate_each(g: &mut crate::wire::generate::Source<'_>) -> Vec<Self> {
                vec![$($name::$variant(crate::wire::generate::Generate::generate(g)),)*]
            }
        }

        /// The kind's name and its words.
        impl Display for $name {
            fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
                f.write_str(&quoted(self.name()))?;
                match self {
                    $($name::$variant(kind) => kind.fmt(f),)*
                    $name::Other(other) => other.fmt(f),
                }
            }
        }

        /// The options; see [`Kind::show`]. Of a kind that the crate does not know there is nothing to say.
        impl Show for $name {
            fn show(&self, page: &mut Page) {
                match self {
                    $($name::$variant(kind) => kind.show(page),)*
                    $name::Other(_) => (),
                }
            }
        }

        $(impl From<$ty> for $name {
            fn from(kind: $ty) -> Self {
                $name::$variant(kind)
            }
        })*

        #[cfg(any(test, feature = "generate"))]
        impl crate::wire::generate::Generate for $name {
            fn generate(g: &mut crate::wire::generate::Source<'_>) -> Self {
                use crate::wire::generate::Generate;
                let known = Self::KNOWN.len() as u64;
                // One beyond the last is a kind that nobody knows.
                let pick = g.below(known + 1);
                let mut at = 0;
                $(
                    if at == pick {
                        return $name::$variant(Generate::generate(g));
                    }
                    at += 1;
                )*
                let _ = at;
                $name::Other(Other { name: Generate::generate(g), options: None })
            }
        }
    };
}

kinds! {
    /// A kind of qdisc with its options.
    pub enum QdiscKind {
        Htb(htb::Htb),
        Pfifo(fifo::Pfifo),
        Bfifo(fifo::Bfifo),
        PfifoHeadDrop(fifo::PfifoHeadDrop),
        Sfq(sfq::Sfq),
        Tbf(tbf::Tbf),
        Ingress(ingress::Ingress),
        Clsact(ingress::Clsact),
    }
}

kinds! {
    /// A kind of class with its options.
    pub enum ClassKind {
        Htb(htb::HtbClass),
    }
}

kinds! {
    /// A kind of filter with its options.
    pub enum FilterKind {
        Fw(fw::Fw),
        U32(super::u32::U32),
    }
}

kinds! {
    /// A kind of action with its options.
    pub enum ActionKind {
        Gact(gact::Gact),
        Mirred(mirred::Mirred),
        Police(police::Police),
        Skbedit(skbedit::Skbedit),
    }
}

/// The attribute tables of all sets, for checks against the kernel's headers.
#[doc(hidden)]
pub fn tables() -> Vec<Table> {
    [
        htb::tables(),
        fw::tables(),
        super::u32::tables(),
        tbf::tables(),
        gact::tables(),
        mirred::tables(),
        police::tables(),
        skbedit::tables(),
        super::actions::tables(),
        super::stab::tables(),
        ingress::tables(),
        sfq::tables(),
        super::action::tables(),
        super::attributes::tables(),
        super::stats::tables(),
        super::estimator::tables(),
    ]
    .concat()
}

#[cfg(test)]
mod tests;

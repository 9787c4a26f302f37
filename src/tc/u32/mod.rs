//! `u32`: packets by any of their bits, in linked hash tables. `man 8 tc-u32`, `net/sched/cls_u32.c`
//!
//! ```
//! use tcnl::tc::u32::{Match, Offset, U32, U32Handle};
//! // A table with 256 buckets, a filter that links to it by the last byte of the source address ...
//! let table: U32Handle = "1:".parse()?;
//! let make = U32::table(256);
//! let link = U32::new()
//!     .matching(Match::ip_src([10, 0, 0, 0].into(), 24)?)
//!     .link(table)
//!     .hashkey(0xff, 12)
//!     .offset(Offset::ip_header());
//! // ... and a filter in the bucket in which packets from 10.0.0.3 are looked for.
//! let host = Match::ip_src([10, 0, 0, 3].into(), 32)?;
//! let leaf = U32::new().ht(table.sample(&host, 256)?).matching(host).class("1:10".parse()?);
//! assert_eq!(leaf.to_string(), " ht 1:3: match u32 0x0a000003 0xffffffff at 12 classid 1:10");
//! # Ok::<(), tcnl::Error>(())
//! ```

mod few;
mod fields;
mod handle;
mod key;
mod matches;
mod offset;
mod settle;
mod show;
mod words;

pub use few::Few;
pub use handle::{bucket, U32Handle};
pub use key::{At, Key, Selector, SelectorFlags};
pub use matches::{Masked, Match};
pub use offset::Offset;

use super::police::Police;
use super::{action, Action, ActionNumber, Actions, Filter, FilterFlags, Kind, Setting};
use crate::text::{Page, Say, WordError, Words};
use crate::units::{quoted, Handle, Name};
use crate::wire::{DecodeError, EncodeError, Fixed, Reader, Table, Value, Writer};
use std::fmt::{self, Display, Formatter};

/// TCA_U32_ attribute table for the header checks.
pub(super) fn tables() -> Vec<Table> {
    vec![
        Table::of::<U32>(),
        Table::layout::<Key>(),
        Table::layout::<key::Header>(),
        Table::layout::<Mark>(),
        Table::layout::<Hits>(),
    ]
}

attrs! {
    /// A u32 filter, or a hash table of them.
    ///
    /// A filter that names a class or does something (actions, a policer) decides about the packets it matches. One that only
    /// links to another table does not: packets that match nothing there go on to the next filter.
    pub bare struct U32 {
        /// The class that the packets belong to.
        1 "TCA_U32_CLASSID" => class: Handle,
        /// The table and bucket in which the filter stands; the root table's if not given.
        2 "TCA_U32_HASH" => ht: U32Handle,
        /// The table in which packets that match are looked for next; table 0 undoes a link.
        3 "TCA_U32_LINK" => link: U32Handle,
        /// The number of buckets: this is a hash table and no filter.
        4 "TCA_U32_DIVISOR" => divisor: Divisor,
        /// What packets must look like, and how a linked table is entered. Every filter has one, no table does.
        5 "TCA_U32_SEL" => selector: Selector,
        /// A policer in the old style: part of the filter.
        6 "TCA_U32_POLICE" => police: Box<Police>,
        /// What is done with the packets.
        7 "TCA_U32_ACT" => actions: Actions,
        /// The device that the packets must have come in by.
        8 "TCA_U32_INDEV" => indev: Name,
        /// How often filter and keys were tried and matched. Kernels report it.
        9 "TCA_U32_PCNT" => counters: Counters,
        /// The firewall mark that the packets must have.
        10 "TCA_U32_MARK" => mark: Mark,
        /// Whether it works in hardware or in software.
        11 "TCA_U32_FLAGS" => flags: FilterFlags,
        12 "TCA_U32_PAD" => pad,
    }
}

impl U32 {
    /// A hash table with this many buckets, a power of two up to 256. Its number is the filter's handle.
    pub fn table(divisor: u32) -> Self {
        U32 { divisor: Some(Divisor(divisor)), ..Self::default() }
    }

    /// Adds what packets must look like. All that is added must match.
    #[must_use]
    #[inline]
    pub fn matching(mut self, what: impl Into<Match>) -> Self {
        let what = what.into();
        let selector = self.selector();
        what.keys().iter().for_each(|key| selector.push(*key));
        self
    }

    /// Takes only packets whose firewall mark has this value in the bits of `mask`.
    #[must_use]
    pub fn mark(mut self, value: u32, mask: u32) -> Self {
        self.selector();
        self.mark = Some(Mark { value, mask, success: 0 });
        self
    }

    /// Takes only packets that came in by this device.
    #[must_use]
    pub fn indev(mut self, indev: Name) -> Self {
        self.selector();
        self.indev = Some(indev);
        self
    }

    /// Puts the filter into this bucket of this table (`1:2:`); see [`U32Handle::sample`].
    #[must_use]
    #[inline]
    pub fn ht(mut self, ht: U32Handle) -> Self {
        self.selector();
        self.ht = Some(ht);
        self
    }

    /// Looks packets that match up in this table.
    #[must_use]
    #[inline]
    pub fn link(mut self, link: U32Handle) -> Self {
        self.selector();
        self.link = Some(link);
        self
    }

    /// Chooses the bucket of the linked table: by the four bytes at `at`, a multiple of 4, under `mask`.
    #[must_use]
    pub fn hashkey(mut self, mask: u32, at: i16) -> Self {
        let selector = self.selector();
        (selector.hash_mask, selector.hash_at) = (mask, at);
        self
    }

    /// Says where the linked table finds the next header.
    #[must_use]
    pub fn offset(mut self, offset: Offset) -> Self {
        offset.apply(self.selector());
        self
    }

    /// Sets the class that the packets belong to: the filter decides.
    #[must_use]
    #[doc(alias = "flowid")]
    #[inline]
    pub fn class(mut self, class: Handle) -> Self {
        self.selector().flags |= SelectorFlags::TERMINAL;
        self.class = Some(class);
        self
    }

    /// Sets a policer that is part of the filter: the filter decides.
    #[must_use]
    pub fn police(mut self, police: Police) -> Self {
        self.selector().flags |= SelectorFlags::TERMINAL;
        self.police = Some(Box::new(police));
        self
    }

    /// Appends an action: the filter decides.
    #[must_use]
    pub fn action(mut self, action: impl Into<Action>) -> Self {
        self.selector().flags |= SelectorFlags::TERMINAL;
        self.actions.get_or_insert_default().push(action.into());
        self
    }

    /// Sets whether it works in hardware or in software.
    #[must_use]
    pub fn flags(mut self, flags: FilterFlags) -> Self {
        self.flags = Some(flags);
        self
    }

    #[inline]
    fn selector(&mut self) -> &mut Selector {
        self.selector.get_or_insert_default()
    }
}

impl Kind for U32 {
    const NAME: &'static str = "u32";

    fn has_options(&self) -> bool {
        self.selector.is_some() || self.divisor.is_some() || *self != U32::default()
    }

    #[inline]
    fn check(&self) -> Result<(), EncodeError> {
        // Of a request with a divisor the kernel makes a table and looks at nothing else.
        if self.divisor.is_some()
            && (self.class.is_some() || self.selector.iter().any(|s| !s.keys.is_empty()))
        {
            return Err(EncodeError::Invalid("a u32 hash table has no keys and no class: its filters have"));
        }
        action::check(self.actions.as_ref())
    }

    fn forget(&mut self) {
        settle::forget(self);
    }

    fn settle(&mut self, setting: &Setting) {
        settle::settle(self, setting);
    }

    fn number(&mut self, see: &mut dyn FnMut(ActionNumber<'_>)) {
        action::number(&mut self.police, &mut self.actions, see);
    }

    fn action_kinds<'a>(&'a self, see: &mut dyn FnMut(&'a str)) {
        action::kinds(&self.police, &self.actions, see);
    }

    fn can_become(&self, wanted: &Self) -> bool {
        settle::can_become(self, wanted)
    }

    fn class(&self) -> Option<Handle> {
        self.class
    }

    fn say_handle(&self, handle: u32, f: &mut Formatter<'_>) -> fmt::Result {
        U32Handle::from_raw(handle).fmt(f)
    }

    fn show_filter(&self, filter: &Filter, page: &mut Page) {
        show::show(self, filter, page);
    }

    fn hear_filter(handle: Option<Words<'_>>, words: &mut Words<'_>) -> Result<(Self, u32), WordError> {
        let handle: Option<U32Handle> = handle
            .map(|mut handle| handle.read("a u32 handle such as 1: or 800::801", str::parse))
            .transpose()?;
        words::hear_filter(handle.unwrap_or_default(), words)
    }
}

impl Display for U32 {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.divisor.map(|divisor| divisor.0).say("divisor", f)?;
        self.ht.say("ht", f)?;
        if let Some(selector) = &self.selector {
            selector.keys.iter().try_for_each(|key| write!(f, " match {key}"))?;
            if selector.keys.is_empty() && self.mark.is_none() {
                // tc's way to say that there are no keys; `match u32 0 0` would be one.
                f.write_str(" match ip6 dst ::/0")?;
            }
        }
        self.mark.map(|mark| format!("mark {:#x} {:#x}", mark.value, mark.mask)).say("match", f)?;
        self.link.say("link", f)?;
        if let Some(selector) = &self.selector {
            if (selector.hash_mask, selector.hash_at) != (0, 0) {
                write!(f, " hashkey mask {:#010x} at {}", selector.hash_mask, selector.hash_at)?;
            }
            Offset::of(selector).fmt(f)?;
        }
        self.indev.as_deref().map(quoted).say("indev", f)?;
        self.flags.unwrap_or_default().fmt(f)?;
        self.class.say("classid", f)?;
        self.police.iter().try_for_each(|police| write!(f, " police{police}"))?;
        self.actions
            .iter()
            .flat_map(|actions| &actions.0)
            .try_for_each(|(_, action)| write!(f, " action {action}"))
    }
}

/// The number of buckets of a hash table: a power of two up to 256.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Divisor(pub u32);

impl Divisor {
    const ALLOWED: &'static str = "a divisor is a power of two up to 256";
}

impl Value for Divisor {
    fn encode(&self, w: &mut Writer) {
        if !self.0.is_power_of_two() || self.0 > 256 {
            w.fail(EncodeError::out_of_range("u32 divisor", self.0, "powers of two up to 256"));
        }
        w.put_u32(self.0);
    }
    fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        u32::decode(payload).map(Divisor)
    }
}

layout! {
    /// The firewall mark that packets must have.
    pub struct Mark = "tc_u32_mark" {
        /// What the bits of `mask` must be.
        pub value: u32,
        /// The bits that count.
        pub mask: u32,
        /// How many packets had it. Kernels report it.
        pub success: u32,
    }
}

/// How often a filter was tried and matched. `struct tc_u32_pcnt` of `include/uapi/linux/pkt_cls.h`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[doc(alias = "tc_u32_pcnt")]
pub struct Counters {
    /// Packets that the filter looked at.
    pub tried: u64,
    /// Packets that matched and about which it decided.
    pub hit: u64,
    /// Packets that matched each key, in the order of the keys.
    pub keys: Few<u64>,
}

layout! {
    /// What stands in front of the keys' counters.
    struct Hits = "tc_u32_pcnt" {
        tried: u64,
        hit: u64,
    }
}

impl Value for Counters {
    const RARE: bool = true;

    fn encode(&self, w: &mut Writer) {
        w.fixed(&Hits { tried: self.tried, hit: self.hit });
        self.keys.iter().for_each(|key| key.encode(w));
    }
    fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(payload);
        let Hits { tried, hit } = Hits::read(&mut r)?;
        let mut keys = Few::new();
        for key in r.rest().chunks_exact(8) {
            keys.push(u64::decode(key)?);
        }
        Ok(Counters { tried, hit, keys })
    }
}

#[cfg(any(test, feature = "generate"))]
mod generate {
    use super::*;
    use crate::wire::generate::{Generate, Source};

    impl Generate for Divisor {
        fn generate(g: &mut Source<'_>) -> Self {
            Divisor(1 << g.below(9))
        }
    }

    impl Generate for Counters {
        fn generate(g: &mut Source<'_>) -> Self {
            Counters { tried: g.number(), hit: g.number(), keys: g.list(4).into() }
        }
    }
}

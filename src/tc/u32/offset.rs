use super::{Selector, SelectorFlags};
use crate::text::Say;
use std::fmt::{self, Display, Formatter};

/// Where a linked table finds the next header: a fixed number of bytes, a field of the packet, or both, rounded down to a
/// multiple of 4.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offset {
    plus: Option<u16>,
    field: Option<(i16, u16, u8)>,
    eat: bool,
}

impl Offset {
    /// This many bytes behind the header at hand.
    pub fn fixed(bytes: u16) -> Self {
        Offset { plus: Some(bytes), ..Self::default() }
    }

    /// As many bytes as a field says: the two bytes at `at` (even) under `mask`, shifted down by `shift` (0 to 15) bits.
    pub fn field(at: i16, mask: u16, shift: u8) -> Self {
        Offset { field: Some((at, mask, shift)), ..Self::default() }
    }

    /// Behind an IPv4 header, whatever its length: `offset at 0 mask 0f00 shift 6`.
    pub fn ip_header() -> Self {
        Self::field(0, 0x0f00, 6)
    }

    /// Adds this many bytes to what a field says.
    #[must_use]
    pub fn plus(mut self, bytes: u16) -> Self {
        self.plus = Some(bytes);
        self
    }

    /// Lets the linked table see the packet as if it began at the next header.
    #[must_use]
    pub fn eat(mut self) -> Self {
        self.eat = true;
        self
    }

    pub(super) fn apply(self, selector: &mut Selector) {
        let mut flags = SelectorFlags::empty();
        flags.set(SelectorFlags::OFFSET, self.plus.is_some());
        flags.set(SelectorFlags::VAROFFSET, self.field.is_some());
        flags.set(SelectorFlags::EAT, self.eat);
        let all = SelectorFlags::OFFSET | SelectorFlags::VAROFFSET | SelectorFlags::EAT;
        selector.flags = selector.flags.difference(all) | flags;
        selector.plus = self.plus.unwrap_or_default();
        (selector.offset_at, selector.offset_mask, selector.shift) = self.field.unwrap_or_default();
    }

    pub(super) fn of(selector: &Selector) -> Self {
        let field = (selector.offset_at, selector.offset_mask, selector.shift);
        Offset {
            plus: selector.flags.contains(SelectorFlags::OFFSET).then_some(selector.plus),
            field: selector.flags.contains(SelectorFlags::VAROFFSET).then_some(field),
            eat: selector.flags.contains(SelectorFlags::EAT),
        }
    }
}

impl Display for Offset {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if *self == Offset::default() {
            return Ok(());
        }
        f.write_str(" offset")?;
        self.plus.say("plus", f)?;
        if let Some((at, mask, shift)) = self.field {
            write!(f, " at {at} mask {mask:04x} shift {shift}")?;
        }
        self.eat.say("eat", f)
    }
}

use super::{Attrs, DecodeError, Unknown};

/// The payloads of a set's attributes by their numbers, in whatever order they stand: to take them apart together.
#[derive(Debug)]
pub(crate) struct Payloads<'a, const ROOM: usize>([Option<&'a [u8]>; ROOM]);

impl<const ROOM: usize> Default for Payloads<'_, ROOM> {
    #[inline]
    fn default() -> Self {
        Payloads([None; ROOM])
    }
}

impl<'a, const ROOM: usize> Payloads<'a, ROOM> {
    /// Finds the attributes whose bits are set in `known`; the others are put among the unknown. Of one that stands twice the
    /// last counts, as in the kernel.
    #[inline(always)]
    pub fn find(&mut self, attrs: Attrs<'a>, known: u32, unknown: &mut Unknown) -> Result<(), DecodeError> {
        for attr in attrs {
            let attr = attr?;
            match self.0.get_mut(usize::from(attr.ty)) {
                Some(place) if known >> attr.ty & 1 != 0 => *place = Some(attr.payload),
                _ => attr.keep(unknown),
            }
        }
        Ok(())
    }

    /// The payload of an attribute.
    #[inline]
    pub fn get(&self, ty: u16) -> Option<&'a [u8]> {
        self.0.get(usize::from(ty)).copied().flatten()
    }
}

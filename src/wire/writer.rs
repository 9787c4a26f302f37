use super::{align, EncodeError, Fixed, RawAttr, Value};
use crate::clock::Clock;
use byteorder::{ByteOrder, NativeEndian};

const NLA_F_NESTED: u16 = 0x8000;
const NLA_MAX: usize = u16::MAX as usize;

/// Appends messages and attributes to a buffer that can be used again and again.
///
/// The first error is kept and [`finish`](Writer::finish) returns it; until then writing goes on harmlessly, so that the
/// code that encodes a kind needs no error handling of its own.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
    clock: Clock,
    error: Option<EncodeError>,
}

impl Writer {
    /// An empty writer that converts times with `clock`.
    pub fn new(clock: Clock) -> Self {
        Writer { clock, ..Writer::default() }
    }

    /// The packet scheduler's clock, for values that are sent in ticks.
    #[inline]
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// What was written so far.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many bytes were written so far.
    #[inline]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing was written yet.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Forgets what was written, and the error; the memory is kept.
    #[inline]
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.error = None;
    }

    /// Makes room for so many more bytes, if there is any to be had.
    pub fn reserve(&mut self, bytes: usize) {
        // Only a hint: whoever needs memory that is not there will say so.
        let _ = self.bytes.try_reserve(bytes);
    }

    /// Forgets what was written after `len` bytes, and the error.
    pub fn truncate(&mut self, len: usize) {
        self.bytes.truncate(len);
        self.error = None;
    }

    /// Appends bytes as they are.
    #[inline]
    pub fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Appends a 32-bit number in the machine's byte order.
    #[inline]
    pub fn put_u32(&mut self, number: u32) {
        self.put(&number.to_ne_bytes());
    }

    /// Appends a value of fixed size. Room is made once for all of it, which matters for structs of many fields.
    #[inline]
    pub fn fixed<T: Fixed>(&mut self, value: &T) {
        // Most are small: they are put together in registers, and appended at once.
        let mut small = [0; 64];
        if let Some(rest) = small.get_mut(..T::SIZE) {
            value.store(&mut Slots { rest, error: &mut self.error });
            self.bytes.extend_from_slice(small.get(..T::SIZE).unwrap_or_default());
            return;
        }
        let start = self.bytes.len();
        self.bytes.resize(start + T::SIZE, 0);
        let rest = self.bytes.get_mut(start..start + T::SIZE).unwrap_or_default();
        value.store(&mut Slots { rest, error: &mut self.error });
    }

    /// Appends one attribute with `value` as its payload.
    #[inline]
    pub fn attr<V: Value>(&mut self, ty: u16, value: &V) {
        value.attr(if V::NESTED { ty | NLA_F_NESTED } else { ty }, self);
    }

    /// Appends one attribute whose payload is of fixed size: at once, because its length need not be found.
    #[inline]
    pub fn fixed_attr<T: Fixed>(&mut self, ty: u16, value: &T) {
        let mut small = [0; 64];
        let Some((header, payload)) =
            small.get_mut(..align(4 + T::SIZE)).and_then(|whole| whole.split_first_chunk_mut::<4>())
        else {
            return self.attr_with(ty, |w| w.fixed(value));
        };
        *header = attr_header(4 + T::SIZE, ty);
        value.store(&mut Slots { rest: payload, error: &mut self.error });
        self.bytes.extend_from_slice(small.get(..align(4 + T::SIZE)).unwrap_or_default());
    }

    /// Appends one attribute with these bytes as its payload, and `zeros` more that are 0. Where they are known when the program
    /// is compiled, so is the whole attribute.
    #[inline(always)]
    pub(crate) fn short_attr(&mut self, ty: u16, bytes: &[u8], zeros: usize) {
        const ROOM: usize = 32;
        let mut whole = [0; ROOM];
        let len = 4 + bytes.len() + zeros;
        match whole.split_first_chunk_mut::<4>() {
            Some((header, payload)) if align(len) <= ROOM => {
                *header = attr_header(len, ty);
                if let Some(place) = payload.get_mut(..bytes.len()) {
                    place.copy_from_slice(bytes);
                }
                self.put(whole.get(..align(len)).unwrap_or_default());
            }
            _ => self.attr_with(ty, |w| {
                w.put(bytes);
                w.bytes.resize(w.bytes.len() + zeros, 0);
            }),
        }
    }

    /// Appends one attribute whose payload `fill` writes.
    #[inline]
    pub fn attr_with(&mut self, ty: u16, fill: impl FnOnce(&mut Writer)) {
        let start = self.bytes.len();
        self.put_u32(0);
        fill(self);
        self.close(start, ty);
    }

    /// Appends a nest that carries the NLA_F_NESTED flag.
    pub fn nest_with(&mut self, ty: u16, fill: impl FnOnce(&mut Writer)) {
        self.attr_with(ty | NLA_F_NESTED, fill);
    }

    /// Appends an attribute as it once came.
    pub fn raw(&mut self, attr: &RawAttr) {
        self.attr_with(attr.ty | attr.flags, |w| w.put(&attr.payload));
    }

    /// Keeps `error` unless there is one already.
    pub fn fail(&mut self, error: EncodeError) {
        self.error.get_or_insert(error);
    }

    /// Whether all that was written is right; the first error otherwise.
    #[inline]
    pub fn finish(&mut self) -> Result<(), EncodeError> {
        match self.error.take() {
            None => Ok(()),
            Some(error) => Err(error),
        }
    }

    /// Writes the header of the attribute that began at `start`, and the padding behind it.
    #[inline]
    fn close(&mut self, start: usize, ty: u16) {
        let len = self.bytes.len() - start;
        if len > NLA_MAX {
            self.fail(EncodeError::TooLong { attribute: ty & !0xc000, len, max: NLA_MAX });
        }
        self.patch(start, attr_header(len, ty));
        if !len.is_multiple_of(4) {
            self.put(&[0; 3][..align(len) - len]);
        }
    }

    /// Overwrites the four bytes at `at`, which have been written before.
    #[inline]
    pub(super) fn patch(&mut self, at: usize, bytes: [u8; 4]) {
        if let Some(place) = self.bytes.get_mut(at..at + 4) {
            place.copy_from_slice(&bytes);
        }
    }
}

/// `struct nlattr`: the length of an attribute with its header and without its padding, and its number.
#[inline]
fn attr_header(len: usize, ty: u16) -> [u8; 4] {
    let mut header = [0; 4];
    NativeEndian::write_u16_into(&[len as u16, ty], &mut header);
    header
}

/// The place of a value of fixed size in a message.
#[derive(Debug)]
pub struct Slots<'a> {
    rest: &'a mut [u8],
    error: &'a mut Option<EncodeError>,
}

impl Slots<'_> {
    /// Fills the next bytes.
    #[inline]
    pub fn put<const N: usize>(&mut self, bytes: [u8; N]) {
        if let Some((place, rest)) = std::mem::take(&mut self.rest).split_first_chunk_mut() {
            *place = bytes;
            self.rest = rest;
        }
    }

    /// As [`Writer::fail`].
    pub fn fail(&mut self, error: EncodeError) {
        self.error.get_or_insert(error);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_over_64_kib_is_an_error_and_not_a_wrapped_length() {
        let mut w = Writer::default();
        w.attr_with(7, |w| w.put(&[0; 65_532]));
        assert_eq!(w.finish(), Err(EncodeError::TooLong { attribute: 7, len: 65_536, max: 65_535 }));
        w.clear();
        w.attr_with(7, |w| w.put(&[0; 65_531]));
        assert_eq!(w.finish(), Ok(()));
    }

    #[test]
    fn lengths_leave_out_the_padding() {
        let mut w = Writer::default();
        w.attr_with(1, |w| w.put(b"abc"));
        assert_eq!(w.bytes(), [&7u16.to_ne_bytes()[..], &1u16.to_ne_bytes(), b"abc\0"].concat());
    }
}

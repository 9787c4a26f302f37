use super::{DecodeError, Fixed, Reader, Writer};
use crate::units::{Dev, Handle, Micros, Name, Nanos, Packets, Percent, Rate, Size, Ticks};
use crate::wire::EncodeError;

/// What the payload of one attribute can be.
///
/// The promise, which the property tests check for every type: `decode(encode(x)) == x`.
pub trait Value: Sized {
    /// Whether the attribute is sent with the NLA_F_NESTED flag. It is never required when reading.
    const NESTED: bool = false;

    /// Whether few objects have one. It is then read and ended out of line, so that the loop over a set's attributes has the registers.
    const RARE: bool = false;

    /// Appends the payload.
    fn encode(&self, w: &mut Writer);

    /// Appends the attribute: its header with `ty` as its number, and the payload.
    #[inline]
    fn attr(&self, ty: u16, w: &mut Writer) {
        w.attr_with(ty, |w| self.encode(w));
    }

    /// Reads the payload.
    fn decode(payload: &[u8]) -> Result<Self, DecodeError>;

    /// Reads the payload over a value, of which nothing remains. What is large is put together where it stays, because moving it
    /// costs more than reading it. After an error the value means nothing.
    #[inline]
    fn fill(&mut self, payload: &[u8]) -> Result<(), DecodeError> {
        *self = Self::decode(payload)?;
        Ok(())
    }

    /// Reads the payload into the place where the value stays. What is large is put together there: see [`fill`](Value::fill).
    #[inline]
    fn read_into(payload: &[u8], place: &mut Option<Self>) -> Result<(), DecodeError> {
        *place = Some(Self::decode(payload)?);
        Ok(())
    }

    /// The kernel's name of the attribute that `path` leads to inside this payload.
    fn name_at(_path: &[u16]) -> Option<&'static str> {
        None
    }
}

/// Implements [`Value`] for fixed-size types: longer payloads are accepted, shorter ones are not.
macro_rules! fixed_values {
    ($($ty:ty)*) => { $(
        impl Value for $ty {
            #[inline]
            fn encode(&self, w: &mut Writer) {
                w.fixed(self);
            }
            #[inline]
            fn attr(&self, ty: u16, w: &mut Writer) {
                w.fixed_attr(ty, self);
            }
            #[inline]
            fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
                Fixed::read(&mut Reader::new(payload))
            }
        }
    )* };
}

fixed_values! { u8 u16 u32 u64 i8 i16 i32 i64 Dev Handle Micros Nanos Packets Percent Ticks Be<u16> Be<u32> Be<u64> }

/// For what is large and rarely there.
impl<T: Value> Value for Box<T> {
    const NESTED: bool = T::NESTED;
    const RARE: bool = true;

    fn encode(&self, w: &mut Writer) {
        (**self).encode(w);
    }
    fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        T::decode(payload).map(Box::new)
    }
    fn name_at(path: &[u16]) -> Option<&'static str> {
        T::name_at(path)
    }
}

/// A number sent most significant byte first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Be<T>(pub T);

/// Sizes are 32-bit numbers of bytes.
impl Value for Size {
    fn encode(&self, w: &mut Writer) {
        match u32::try_from(self.as_bytes()) {
            Ok(bytes) => w.put_u32(bytes),
            Err(_) => w.fail(EncodeError::out_of_range("size", self, "less than 4 GiB")),
        }
    }
    fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        u32::decode(payload).map(|bytes| Size::bytes(bytes.into()))
    }
}

/// Rates are 64-bit numbers of bytes per second.
impl Value for Rate {
    fn encode(&self, w: &mut Writer) {
        w.put(&self.as_bytes_per_second().to_ne_bytes());
    }
    #[inline]
    fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        u64::decode(payload).map(Rate::bytes_per_second)
    }
}

/// Names are strings that end with a NUL byte.
impl Value for Name {
    const RARE: bool = true;

    fn encode(&self, w: &mut Writer) {
        w.put(self.as_str().as_bytes());
        w.put(&[0]);
    }
    #[inline]
    fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        Name::from_bytes(payload).ok_or_else(|| DecodeError::invalid("not a name of 1 to 15 bytes"))
    }
}

/// A string that ends with a NUL byte. Bytes that are not UTF-8 are replaced when it is read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Text(pub String);

impl Value for Text {
    fn encode(&self, w: &mut Writer) {
        if self.0.contains('\0') {
            w.fail(EncodeError::Invalid("a text may not contain a NUL character"));
        }
        w.put(self.0.as_bytes());
        w.put(&[0]);
    }
    fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        let end = payload.iter().position(|&b| b == 0).unwrap_or(payload.len());
        Ok(Text(String::from_utf8_lossy(payload.get(..end).unwrap_or_default()).into_owned()))
    }
}

/// Bytes whose meaning is not the crate's business.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Raw(pub Vec<u8>);

impl Value for Raw {
    fn encode(&self, w: &mut Writer) {
        w.put(&self.0);
    }
    fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        Ok(Raw(payload.to_vec()))
    }
}

/// A nest whose attribute numbers are positions, as the kernel's lists of actions are: `1..=32`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Indexed<T>(pub Vec<(u16, T)>);

impl<T> Default for Indexed<T> {
    fn default() -> Self {
        Indexed(Vec::new())
    }
}

impl<T> Indexed<T> {
    /// Appends a value with the number that follows the last one's; the first is number 1.
    pub fn push(&mut self, value: T) {
        let last = self.0.last().map_or(0, |(index, _)| *index);
        self.0.push((last.saturating_add(1), value));
    }
}

/// Numbers them from 1.
impl<T> FromIterator<T> for Indexed<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        let mut indexed = Indexed::default();
        values.into_iter().for_each(|value| indexed.push(value));
        indexed
    }
}

impl<T: Value> Value for Indexed<T> {
    const RARE: bool = true;

    fn encode(&self, w: &mut Writer) {
        for (index, value) in &self.0 {
            w.attr(*index, value);
        }
    }
    fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        Reader::new(payload)
            .attrs()
            .map(|attr| attr.and_then(|attr| Ok((attr.ty, T::decode(attr.payload)?))))
            .collect::<Result<_, _>>()
            .map(Indexed)
    }
    fn name_at(path: &[u16]) -> Option<&'static str> {
        T::name_at(path.get(1..)?)
    }
}

use super::{DecodeError, Value, Writer};

/// What a set can hold for one attribute number: `Option<T>` (at most one), `bool` (present or not) or
/// `Vec<T>` (any number). Of an attribute that may stand once and stands twice, the last one counts, as in the kernel.
pub trait Field: Default {
    /// Makes it what it is by default.
    fn clear(&mut self);

    /// Takes in one occurrence of the attribute.
    fn absorb(&mut self, payload: &[u8]) -> Result<(), DecodeError>;

    /// Writes the attribute as often as it is there.
    fn emit(&self, ty: u16, w: &mut Writer);

    /// See [`Value::name_at`].
    fn name_at(path: &[u16]) -> Option<&'static str>;
}

impl<T: Value> Field for Option<T> {
    #[inline]
    fn clear(&mut self) {
        match T::RARE {
            true if self.is_some() => end(self),
            true => (),
            false => *self = None,
        }
    }
    #[inline]
    fn absorb(&mut self, payload: &[u8]) -> Result<(), DecodeError> {
        match T::RARE {
            true => read(payload, self),
            false => T::read_into(payload, self),
        }
    }
    #[inline]
    fn emit(&self, ty: u16, w: &mut Writer) {
        if let Some(value) = self {
            w.attr(ty, value);
        }
    }
    fn name_at(path: &[u16]) -> Option<&'static str> {
        T::name_at(path)
    }
}

/// Reads what is rare.
#[inline(never)]
fn read<T: Value>(payload: &[u8], place: &mut Option<T>) -> Result<(), DecodeError> {
    T::read_into(payload, place)
}

/// Ends what is rare.
#[cold]
#[inline(never)]
fn end<T>(place: &mut Option<T>) {
    *place = None;
}

impl Field for bool {
    #[inline]
    fn clear(&mut self) {
        *self = false;
    }
    fn absorb(&mut self, _payload: &[u8]) -> Result<(), DecodeError> {
        *self = true;
        Ok(())
    }
    #[inline]
    fn emit(&self, ty: u16, w: &mut Writer) {
        if *self {
            w.attr_with(ty, |_| ());
        }
    }
    fn name_at(_path: &[u16]) -> Option<&'static str> {
        None
    }
}

impl<T: Value> Field for Vec<T> {
    fn clear(&mut self) {
        self.clear();
    }
    fn absorb(&mut self, payload: &[u8]) -> Result<(), DecodeError> {
        self.push(T::decode(payload)?);
        Ok(())
    }
    #[inline]
    fn emit(&self, ty: u16, w: &mut Writer) {
        for value in self {
            w.attr(ty, value);
        }
    }
    fn name_at(path: &[u16]) -> Option<&'static str> {
        T::name_at(path)
    }
}

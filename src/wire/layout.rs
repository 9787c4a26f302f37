use super::{Be, DecodeError, Reader, Writer};
use crate::units::{Dev, Handle, Micros, Nanos, Packets, Percent, Ticks};

/// A type that takes the same number of bytes in every message.
pub trait Fixed: Sized {
    /// The number of bytes.
    const SIZE: usize;

    /// Appends the value.
    fn write(&self, w: &mut Writer);

    /// Takes the value.
    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError>;
}

macro_rules! numbers {
    ($($ty:ty)*) => { $(
        impl Fixed for $ty {
            const SIZE: usize = size_of::<$ty>();
            fn write(&self, w: &mut Writer) {
                w.put(&self.to_ne_bytes());
            }
            fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
                r.array().map(<$ty>::from_ne_bytes)
            }
        }
        impl Fixed for Be<$ty> {
            const SIZE: usize = size_of::<$ty>();
            fn write(&self, w: &mut Writer) {
                w.put(&self.0.to_be_bytes());
            }
            fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
                r.array().map(<$ty>::from_be_bytes).map(Be)
            }
        }
    )* };
}

numbers! { u8 u16 u32 u64 i8 i16 i32 i64 }

/// Types of `units` that are one number on the wire.
macro_rules! wrapped {
    ($($ty:ty: $number:ty, $from:expr, $into:expr;)*) => { $(
        impl Fixed for $ty {
            const SIZE: usize = size_of::<$number>();
            fn write(&self, w: &mut Writer) {
                let into: fn(&$ty) -> $number = $into;
                Fixed::write(&into(self), w);
            }
            fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
                let from: fn($number) -> $ty = $from;
                <$number>::read(r).map(from)
            }
        }
    )* };
}

wrapped! {
    Dev: u32, Dev::index, |v| v.index;
    Handle: u32, Handle::from_raw, |v| v.raw();
    Micros: u32, Micros, |v| v.0;
    Nanos: i64, Nanos, |v| v.0;
    Packets: u32, Packets, |v| v.0;
    Percent: u32, Percent::from_raw, |v| v.raw();
    Ticks: u32, Ticks, |v| v.0;
}

impl<T: Fixed + Copy + Default, const N: usize> Fixed for [T; N] {
    const SIZE: usize = T::SIZE * N;
    fn write(&self, w: &mut Writer) {
        for value in self {
            value.write(w);
        }
    }
    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut values = [T::default(); N];
        for value in &mut values {
            *value = T::read(r)?;
        }
        Ok(values)
    }
}

/// Declares a fixed kernel struct on the public type itself.
///
/// ```ignore
/// layout! {
///     /// What the struct is. <kernel file>
///     pub struct HtbGlob = "tc_htb_glob" {
///         /// Protocol version, always 3.
///         pub version: u32,
///         /// Padding is written as zeros and skipped when read.
///         pad _reserved: 2,
///     }
/// }
/// ```
///
/// Reading is lenient towards other kernels: fields behind the end of a shorter struct are zero, bytes behind the end of a
/// longer one are passed over. An empty payload is an error.
macro_rules! layout {
    ($(#[$meta:meta])* $vis:vis struct $name:ident = $kernel:literal { $($body:tt)* }) => {
        layout!(@split [$(#[$meta])* #[doc(alias = $kernel)] $vis struct $name, $kernel] [] [] $($body)*);
    };
    (@split [$($head:tt)*] [$($fields:tt)*] [$($order:tt)*] pad $pad:ident : $len:literal, $($rest:tt)*) => {
        layout!(@split [$($head)*] [$($fields)*] [$($order)* (pad $len)] $($rest)*);
    };
    (@split [$($head:tt)*] [$($fields:tt)*] [$($order:tt)*]
     $(#[$meta:meta])* $fvis:vis $field:ident : $ty:ty, $($rest:tt)*) => {
        layout!(@split [$($head)*] [$($fields)* {$(#[$meta])* $fvis $field: $ty}] [$($order)* (field $field $ty)] $($rest)*);
    };
    (@split [$(#[$meta:meta])* $vis:vis struct $name:ident, $kernel:literal]
     [$({$(#[$fmeta:meta])* $fvis:vis $field:ident : $ty:ty})*] [$(($($order:tt)*))*]) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        $vis struct $name { $($(#[$fmeta])* $fvis $field: $ty,)* }

        impl $crate::wire::Fixed for $name {
            const SIZE: usize = 0 $(+ layout!(@size $($order)*))*;
            fn write(&self, w: &mut $crate::wire::Writer) {
                $(layout!(@write self w $($order)*);)*
            }
            fn read(r: &mut $crate::wire::Reader<'_>) -> Result<Self, $crate::wire::DecodeError> {
                let mut value = Self::default();
                if r.rest().is_empty() {
                    return Err($crate::wire::DecodeError::short(0, Self::SIZE).inside($kernel));
                }
                // A shorter struct ends between two fields or within one: the rest stays zero.
                let mut read = || -> Result<(), $crate::wire::DecodeError> {
                    $(layout!(@read value r $($order)*);)*
                    Ok(())
                };
                if read().is_err() {
                    *r = $crate::wire::Reader::new(&[]);
                }
                Ok(value)
            }
        }

        impl $crate::wire::Value for $name {
            fn encode(&self, w: &mut $crate::wire::Writer) {
                $crate::wire::Fixed::write(self, w);
            }
            fn decode(payload: &[u8]) -> Result<Self, $crate::wire::DecodeError> {
                $crate::wire::Fixed::read(&mut $crate::wire::Reader::new(payload))
            }
        }

        #[cfg(any(test, feature = "generate"))]
        impl $crate::wire::generate::Generate for $name {
            fn generate(g: &mut $crate::wire::generate::Source<'_>) -> Self {
                $name { $($field: $crate::wire::generate::Generate::generate(g),)* }
            }
        }
    };
    (@size pad $len:literal) => { $len };
    (@size field $field:ident $ty:ty) => { <$ty as $crate::wire::Fixed>::SIZE };
    (@write $self:ident $w:ident pad $len:literal) => { $w.put(&[0; $len]) };
    (@write $self:ident $w:ident field $field:ident $ty:ty) => { $crate::wire::Fixed::write(&$self.$field, $w) };
    (@read $value:ident $r:ident pad $len:literal) => { $r.take($len)? };
    (@read $value:ident $r:ident field $field:ident $ty:ty) => { $value.$field = $crate::wire::Fixed::read($r)? };
}

use super::{Be, DecodeError, Reader, Slots};
use crate::units::{Dev, Handle, Micros, Nanos, Packets, Percent, Ticks};

/// A field of a fixed kernel struct, for checks against kernel headers.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The field's name here; padding has none.
    pub name: &'static str,
    /// The number of bytes.
    pub size: usize,
    /// The fields of a field that is itself a struct.
    pub fields: &'static [Place],
}

/// A type that takes the same number of bytes in every message.
pub trait Fixed: Sized {
    /// The number of bytes.
    const SIZE: usize;

    /// What a struct consists of, in order and without gaps.
    const FIELDS: &'static [Place] = &[];

    /// Puts the value into the slots, which have room for it.
    fn store(&self, slots: &mut Slots<'_>);

    /// Takes the value from a reader that holds all of it. What is not there counts as zeros, so that nothing can fail: a struct
    /// is looked at once for its length, and then copied.
    fn load(r: &mut Reader<'_>) -> Self;

    /// Takes the value.
    #[inline]
    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        r.take(Self::SIZE).map(|bytes| Self::load(&mut Reader::new(bytes)))
    }
}

/// A kernel struct declared with `layout!`.
pub trait Layout: Fixed {
    /// The kernel's name.
    const NAME: &'static str;
}

macro_rules! numbers {
    ($($ty:ty)*) => { $(
        impl Fixed for $ty {
            const SIZE: usize = size_of::<$ty>();
            #[inline]
            fn store(&self, slots: &mut Slots<'_>) {
                slots.put(self.to_ne_bytes());
            }
            #[inline]
            fn load(r: &mut Reader<'_>) -> Self {
                <$ty>::from_ne_bytes(r.array_or_zeros())
            }
        }
        impl Fixed for Be<$ty> {
            const SIZE: usize = size_of::<$ty>();
            #[inline]
            fn store(&self, slots: &mut Slots<'_>) {
                slots.put(self.0.to_be_bytes());
            }
            #[inline]
            fn load(r: &mut Reader<'_>) -> Self {
                Be(<$ty>::from_be_bytes(r.array_or_zeros()))
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
            #[inline]
            fn store(&self, slots: &mut Slots<'_>) {
                let into: fn(&$ty) -> $number = $into;
                into(self).store(slots);
            }
            #[inline]
            fn load(r: &mut Reader<'_>) -> Self {
                let from: fn($number) -> $ty = $from;
                from(<$number>::load(r))
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

impl<T: Fixed, const N: usize> Fixed for [T; N] {
    const SIZE: usize = T::SIZE * N;
    fn store(&self, slots: &mut Slots<'_>) {
        for value in self {
            value.store(slots);
        }
    }
    fn load(r: &mut Reader<'_>) -> Self {
        std::array::from_fn(|_| T::load(r))
    }
}

/// One behind the other.
impl<A: Fixed, B: Fixed> Fixed for (A, B) {
    const SIZE: usize = A::SIZE + B::SIZE;
    #[inline]
    fn store(&self, slots: &mut Slots<'_>) {
        self.0.store(slots);
        self.1.store(slots);
    }
    #[inline]
    fn load(r: &mut Reader<'_>) -> Self {
        (A::load(r), B::load(r))
    }
}

/// Loads what is shorter than a struct, and not empty, with zeros behind it. It is rare, and kept away from what is not.
#[cold]
#[inline(never)]
pub(crate) fn padded<T, const N: usize>(
    payload: &[u8],
    load: impl Fn(&[u8; N]) -> T,
) -> Result<T, DecodeError> {
    if payload.is_empty() {
        return Err(DecodeError::short(0, N));
    }
    let mut padded = [0; N];
    padded.iter_mut().zip(payload).for_each(|(place, byte)| *place = *byte);
    Ok(load(&padded))
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
/// Reading is lenient towards other kernels: what is behind the end of a shorter struct is zero, bytes behind the end of a
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
        // The fields stand as they do in messages, so that several are copied at once.
        #[repr(C)]
        $vis struct $name { $($(#[$fmeta])* $fvis $field: $ty,)* }

        impl $crate::wire::Fixed for $name {
            const SIZE: usize = 0 $(+ layout!(@size $($order)*))*;
            const FIELDS: &'static [$crate::wire::Place] = &[$(layout!(@place $($order)*)),*];
            #[inline]
            fn store(&self, slots: &mut $crate::wire::Slots<'_>) {
                $(layout!(@store self slots $($order)*);)*
            }
            #[inline]
            fn load(r: &mut $crate::wire::Reader<'_>) -> Self {
                let mut value = Self::default();
                $(layout!(@load value r $($order)*);)*
                value
            }
            #[inline]
            fn read(r: &mut $crate::wire::Reader<'_>) -> Result<Self, $crate::wire::DecodeError> {
                let len = <Self as $crate::wire::Fixed>::SIZE.min(r.rest().len());
                <Self as $crate::wire::Value>::decode(r.take(len)?)
            }
        }

        impl $crate::wire::Layout for $name {
            const NAME: &'static str = $kernel;
        }

        impl $crate::wire::Value for $name {
            #[inline]
            fn encode(&self, w: &mut $crate::wire::Writer) {
                w.fixed(self);
            }
            #[inline]
            fn attr(&self, ty: u16, w: &mut $crate::wire::Writer) {
                w.fixed_attr(ty, self);
            }
            #[inline]
            fn decode(payload: &[u8]) -> Result<Self, $crate::wire::DecodeError> {
                let mut value = Self::default();
                value.fill(payload)?;
                Ok(value)
            }
            #[inline]
            fn fill(&mut self, payload: &[u8]) -> Result<(), $crate::wire::DecodeError> {
                const SIZE: usize = <$name as $crate::wire::Fixed>::SIZE;
                let load = |bytes: &[u8; SIZE]| $crate::wire::Fixed::load(&mut $crate::wire::Reader::new(bytes));
                *self = match payload.first_chunk() {
                    // All of it is there: the compiler sees that no field can be too short.
                    Some(bytes) => load(bytes),
                    None => $crate::wire::padded(payload, load).map_err(|e| e.inside($kernel))?,
                };
                Ok(())
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
    (@place pad $len:literal) => { $crate::wire::Place { name: "", size: $len, fields: &[] } };
    (@place field $field:ident $ty:ty) => {
        $crate::wire::Place {
            name: stringify!($field),
            size: <$ty as $crate::wire::Fixed>::SIZE,
            fields: <$ty as $crate::wire::Fixed>::FIELDS,
        }
    };
    (@store $self:ident $slots:ident pad $len:literal) => { $slots.put([0; $len]) };
    (@store $self:ident $slots:ident field $field:ident $ty:ty) => { $crate::wire::Fixed::store(&$self.$field, $slots) };
    (@load $value:ident $r:ident pad $len:literal) => { let _: [u8; $len] = $r.array_or_zeros(); };
    (@load $value:ident $r:ident field $field:ident $ty:ty) => { $value.$field = $crate::wire::Fixed::load($r) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Value;

    layout! {
        struct Pair = "pair" {
            first: u32,
            pad _pad: 2,
            second: u16,
        }
    }

    #[test]
    fn a_shorter_struct_is_filled_up_with_zeros_and_an_empty_one_is_an_error() {
        let whole = [1, 1, 1, 1, 9, 9, 2, 2, 7];
        for (len, first, second) in [
            (9, [1, 1, 1, 1], [2, 2]),
            (8, [1, 1, 1, 1], [2, 2]),
            (7, [1, 1, 1, 1], [2, 0]),
            (5, [1, 1, 1, 1], [0, 0]),
            (1, [1, 0, 0, 0], [0, 0]),
        ] {
            let pair = Pair { first: u32::from_ne_bytes(first), second: u16::from_ne_bytes(second) };
            assert_eq!(Pair::decode(&whole[..len]), Ok(pair), "{len} bytes");
        }
        assert_eq!(Pair::decode(&[]), Err(DecodeError::short(0, 8).inside("pair")));
    }
}

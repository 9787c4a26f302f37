//! Random values from bytes, for property tests and fuzz targets.
//!
//! A generator draws from a [`Source`] of bytes: the same bytes give the same value, and when they run out everything
//! is zero or absent, so that a test runner that shrinks the bytes shrinks the value.

use super::{Be, Indexed, Raw, RawAttr, Text, Unknown};
use crate::units::{Dev, Handle, Micros, Name, Nanos, Packets, Percent, Rate, Size, Ticks};

/// Bytes that decide what is generated.
#[derive(Clone, Debug)]
pub struct Source<'a> {
    bytes: &'a [u8],
}

impl<'a> Source<'a> {
    /// A source that draws from `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Source { bytes }
    }

    /// The bytes that have not been drawn.
    pub fn rest(&self) -> &'a [u8] {
        self.bytes
    }

    /// The next byte, or 0 when they have run out.
    pub fn byte(&mut self) -> u8 {
        match self.bytes.split_first() {
            Some((first, rest)) => {
                self.bytes = rest;
                *first
            }
            None => 0,
        }
    }

    /// A number of which small ones and those at the limits are the more likely.
    pub fn number(&mut self) -> u64 {
        match self.byte() {
            0..=95 => self.byte().into(),
            96..=103 => u64::MAX,
            _ => {
                let width = self.byte() % 8 + 1;
                (0..width).fold(0, |n, _| n << 8 | u64::from(self.byte()))
            }
        }
    }

    /// A number below `limit`, which is not 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.number() % limit
    }

    /// Yes or no; no when the bytes have run out.
    pub fn flip(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// A few values.
    pub fn list<T: Generate>(&mut self, most: u64) -> Vec<T> {
        (0..self.below(most + 1)).map(|_| T::generate(self)).collect()
    }

    /// One of the given values, of which there is at least one.
    pub fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize].clone()
    }
}

/// A type that can be generated.
pub trait Generate {
    /// Draws one value.
    fn generate(g: &mut Source<'_>) -> Self;
}

macro_rules! numbers {
    ($($ty:ty)*) => { $(
        impl Generate for $ty {
            fn generate(g: &mut Source<'_>) -> Self {
                g.number() as $ty
            }
        }
        impl Generate for Be<$ty> {
            fn generate(g: &mut Source<'_>) -> Self {
                Be(g.number() as $ty)
            }
        }
    )* };
}

numbers! { u8 u16 u32 u64 i8 i16 i32 i64 }

macro_rules! generated {
    ($($ty:ty: $g:ident => $value:expr;)*) => { $(
        impl Generate for $ty {
            fn generate($g: &mut Source<'_>) -> Self {
                $value
            }
        }
    )* };
}

generated! {
    bool: g => g.flip();
    Dev: g => Dev::index(u32::generate(g));
    Handle: g => Handle::from_raw(u32::generate(g));
    Micros: g => Micros(u32::generate(g));
    Nanos: g => Nanos(i64::generate(g));
    Packets: g => Packets(u32::generate(g));
    Percent: g => Percent::from_raw(u32::generate(g));
    Ticks: g => Ticks(u32::generate(g));
    Rate: g => Rate::bytes_per_second(g.number());
    Size: g => Size::bytes(u32::generate(g).into());
    Name: g => Name::new(g.pick(&["eth0", "v0", "ifb1", "lo", "a-name.of-15byt"])).expect("a valid name");
    Text: g => Text(g.pick(&["", "x", "some text"]).to_owned());
    Raw: g => Raw(g.list(40));
    RawAttr: g => RawAttr {
        // Far above every number that a set of the kernel uses, so that it is unknown to all of them.
        ty: 0x3000 + u16::generate(g) % 0x1000,
        flags: g.pick(&[0, 0x8000]),
        payload: g.list(12),
    };
}

impl<T: Generate, const N: usize> Generate for [T; N] {
    fn generate(g: &mut Source<'_>) -> Self {
        std::array::from_fn(|_| T::generate(g))
    }
}

impl<T: Generate> Generate for Option<T> {
    fn generate(g: &mut Source<'_>) -> Self {
        g.flip().then(|| T::generate(g))
    }
}

impl<T: Generate> Generate for Box<T> {
    fn generate(g: &mut Source<'_>) -> Self {
        Box::new(T::generate(g))
    }
}

impl Generate for Unknown {
    fn generate(g: &mut Source<'_>) -> Self {
        Vec::generate(g).into()
    }
}

impl<T: Generate> Generate for Vec<T> {
    fn generate(g: &mut Source<'_>) -> Self {
        g.list(3)
    }
}

impl<T: Generate> Generate for Indexed<T> {
    fn generate(g: &mut Source<'_>) -> Self {
        Indexed((1..).zip(g.list(4)).collect())
    }
}

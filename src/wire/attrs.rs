use super::{Layout, Place, Value};

/// The attributes of a set: number and kernel name.
pub type Names = &'static [(u16, &'static str)];

/// A set of attributes declared with `attrs!`.
pub trait Set: Value {
    /// Every attribute of the set, in the order of declaration.
    const NAMES: Names;

    /// What must hold of one that is drawn from bytes.
    #[cfg(test)]
    const HOLDS: super::property::Holds;
}

/// One declaration, for checks against kernel headers: a set of attributes, or a fixed struct.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// The Rust type of a set, the kernel's name of a struct.
    pub name: &'static str,
    /// The set's attributes.
    pub names: Names,
    /// The struct's fields.
    pub fields: &'static [Place],
    /// What must hold of it, if it is declared with `attrs!`.
    #[cfg(test)]
    pub(crate) holds: Option<super::property::Holds>,
}

impl Table {
    /// The table of the set `T`.
    pub fn of<T: Set>() -> Self {
        Table {
            #[cfg(test)]
            holds: Some(T::HOLDS),
            ..Table::named(std::any::type_name::<T>(), T::NAMES)
        }
    }

    /// The table of a set that is no type.
    pub const fn named(name: &'static str, names: Names) -> Self {
        Table {
            name,
            names,
            fields: &[],
            #[cfg(test)]
            holds: None,
        }
    }

    /// The table of the struct `T`.
    pub const fn layout<T: Layout>() -> Self {
        Table { fields: T::FIELDS, ..Table::named(T::NAME, &[]) }
    }
}

/// Declares a set of attributes once: struct, setters, encoding, decoding, names, tc words and generator.
///
/// ```ignore
/// attrs! {
///     /// Fair queueing with controlled delay. <man page> <kernel file>
///     pub struct FqCodel {
///         /// Acceptable minimum standing delay.
///         1 "TCA_FQ_CODEL_TARGET" => target: Micros,
///         /// Present or not.
///         5 "TCA_SOME_FLAG" => ecn: flag,
///         /// Any number of times.
///         6 "TCA_SOME_ENTRY" => entries: [Entry],
///         /// A nested set that is sent with NLA_F_NESTED.
///         7 "TCA_SOME_NEST" => inner: nested Inner,
///         /// The word tc uses, where it is not the field's name.
///         8 "TCA_FQ_CODEL_CE_THRESHOLD" => threshold: Micros as "ce_threshold",
///     }
/// }
/// ```
///
/// A field of type `T` becomes `Option<T>`, a `flag` a `bool`, a `[T]` a `Vec<T>`; each gets a chainable setter of its name.
/// The set prints as tc's words in the order of declaration, ` word value` for each field that is there, and hears the same
/// words in any order. With
/// `wordless` before `struct` it does neither: the words stand beside the declaration as plain code. With `bare` there are no
/// setters either: they stand beside it too, because setting one attribute has a bearing on another.
/// Numbers that the kernel only uses for padding are declared `3 "TCA_SOME_PAD" => pad,`: passed over when read.
macro_rules! attrs {
    ($(#[$meta:meta])* $vis:vis wordless struct $name:ident { $($body:tt)* }) => {
        attrs!(@munch [$(#[$meta])* $vis struct $name] [wordless] [] [] $($body)*);
    };
    ($(#[$meta:meta])* $vis:vis bare struct $name:ident { $($body:tt)* }) => {
        attrs!(@munch [$(#[$meta])* $vis struct $name] [bare] [] [] $($body)*);
    };
    ($(#[$meta:meta])* $vis:vis struct $name:ident { $($body:tt)* }) => {
        attrs!(@munch [$(#[$meta])* $vis struct $name] [words] [] [] $($body)*);
    };

    // One field after the other becomes {docs number name field (type in the struct) (type in the setter) how word}.
    (@munch $head:tt $words:tt [$($done:tt)*] [$($pads:tt)*]
     $(#[$m:meta])* $num:literal $kernel:literal => pad, $($rest:tt)*) => {
        attrs!(@munch $head $words [$($done)*] [$($pads)* ($num $kernel)] $($rest)*);
    };
    (@munch $head:tt $words:tt [$($done:tt)*] $pads:tt
     $(#[$m:meta])* $num:literal $kernel:literal => $field:ident : flag $(as $word:literal)?, $($rest:tt)*) => {
        attrs!(@munch $head $words [$($done)*
            {[$(#[$m])*] $num $kernel $field (bool) (bool) is [$($word)?]}] $pads $($rest)*);
    };
    (@munch $head:tt $words:tt [$($done:tt)*] $pads:tt
     $(#[$m:meta])* $num:literal $kernel:literal => $field:ident : [$ty:ty] $(as $word:literal)?, $($rest:tt)*) => {
        attrs!(@munch $head $words [$($done)*
            {[$(#[$m])*] $num $kernel $field (Vec<$ty>) ($ty) push [$($word)?]}] $pads $($rest)*);
    };
    (@munch $head:tt $words:tt [$($done:tt)*] $pads:tt
     $(#[$m:meta])* $num:literal $kernel:literal => $field:ident : nested $ty:ident $(as $word:literal)?, $($rest:tt)*) => {
        attrs!(@munch $head $words [$($done)*
            {[$(#[$m])*] $num $kernel $field (Option<$ty>) ($ty) nest [$($word)?]}] $pads $($rest)*);
    };
    (@munch $head:tt $words:tt [$($done:tt)*] $pads:tt
     $(#[$m:meta])* $num:literal $kernel:literal => $field:ident : $ty:ident $(<$arg:ty>)? $(as $word:literal)?, $($rest:tt)*) => {
        attrs!(@munch $head $words [$($done)*
            {[$(#[$m])*] $num $kernel $field (Option<$ty $(<$arg>)?>) ($ty $(<$arg>)?) some [$($word)?]}] $pads $($rest)*);
    };

    (@munch [$(#[$meta:meta])* $vis:vis struct $name:ident] [$words:ident]
     [$({[$(#[$m:meta])*] $num:literal $kernel:literal $field:ident ($held:ty) ($arg:ty) $how:ident [$($word:literal)?]})*]
     [$(($pnum:literal $pkernel:literal))*]) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq)]
        #[non_exhaustive]
        $vis struct $name {
            $($(#[$m])* #[doc(alias = $kernel)] pub $field: $held,)*
            /// Attributes that the crate does not know: kept, and sent back unchanged.
            pub unknown: $crate::wire::Unknown,
        }

        #[allow(dead_code, reason = "not every private set is built from nothing")]
        impl $name {
            /// An empty set: the kernel's defaults.
            pub fn new() -> Self {
                Self::default()
            }
        }

        attrs!(@setters $words $name [$({[$(#[$m])*] $kernel $field ($arg) $how})*]);

        impl $crate::wire::Value for $name {
            #[inline]
            fn encode(&self, w: &mut $crate::wire::Writer) {
                $(attrs!(@emit $how self w $num $field);)*
                self.unknown.encode(w);
            }
            #[inline]
            fn decode(payload: &[u8]) -> Result<Self, $crate::wire::DecodeError> {
                let mut set = Self::default();
                set.fill(payload)?;
                Ok(set)
            }
            // Not inlined: the loop is to have the registers for itself.
            #[inline(never)]
            fn fill(&mut self, payload: &[u8]) -> Result<(), $crate::wire::DecodeError> {
                $($crate::wire::Field::clear(&mut self.$field);)*
                self.unknown.clear();
                for attr in $crate::wire::Reader::new(payload).attrs() {
                    let attr = attr?;
                    match attr.ty {
                        $($num => $crate::wire::Field::absorb(&mut self.$field, attr.payload)
                            .map_err(|e| e.inside($kernel))?,)*
                        $($pnum => (),)*
                        _ => attr.keep(&mut self.unknown),
                    }
                }
                Ok(())
            }
            #[allow(unused_variables, reason = "a set without attributes has nothing to look into")]
            fn name_at(path: &[u16]) -> Option<&'static str> {
                let (first, inner) = path.split_first()?;
                match *first {
                    $($num if inner.is_empty() => Some($kernel),)*
                    $($num => <$held as $crate::wire::Field>::name_at(inner).or(Some($kernel)),)*
                    $($pnum => Some($pkernel),)*
                    _ => None,
                }
            }
        }

        impl $crate::wire::Set for $name {
            const NAMES: $crate::wire::Names = &[$(($num, $kernel),)* $(($pnum, $pkernel),)*];
            #[cfg(test)]
            const HOLDS: $crate::wire::property::Holds = $crate::wire::property::holds::<Self>;
        }

        attrs!(@words $words $name {$($field [$($word)?])*});

        #[cfg(any(test, feature = "generate"))]
        impl $crate::wire::generate::Generate for $name {
            fn generate(g: &mut $crate::wire::generate::Source<'_>) -> Self {
                $name {
                    $($field: $crate::wire::generate::Generate::generate(g),)*
                    unknown: if g.byte() > 200 { g.list(2).into() } else { Default::default() },
                }
            }
        }
    };

    (@setters bare $name:ident $fields:tt) => {};
    (@setters $words:ident $name:ident
     [$({[$(#[$m:meta])*] $kernel:literal $field:ident ($arg:ty) $how:ident})*]) => {
        #[allow(dead_code, reason = "every set has every setter; not every private set uses them")]
        impl $name {
            $(
                $(#[$m])*
                #[doc(alias = $kernel)]
                #[must_use]
                pub fn $field(mut self, $field: $arg) -> Self {
                    attrs!(@set $how self $field);
                    self
                }
            )*
        }
    };

    (@set is $self:ident $field:ident) => { $self.$field = $field };
    (@set push $self:ident $field:ident) => { $self.$field.push($field) };
    (@set $some:ident $self:ident $field:ident) => { $self.$field = Some($field) };

    (@emit nest $self:ident $w:ident $num:literal $field:ident) => {
        if let Some(set) = &$self.$field {
            $w.nest_with($num, |w| $crate::wire::Value::encode(set, w));
        }
    };
    (@emit $how:ident $self:ident $w:ident $num:literal $field:ident) => {
        $crate::wire::Field::emit(&$self.$field, $num, $w)
    };

    (@words wordless $name:ident $fields:tt) => {};
    (@words bare $name:ident $fields:tt) => {};
    (@words words $name:ident {$($field:ident [$($word:literal)?])*}) => {
        impl std::fmt::Display for $name {
            #[allow(unused_variables, reason = "a set without attributes has nothing to say")]
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                $($crate::text::Say::say(&self.$field, attrs!(@word $field $($word)?), f)?;)*
                Ok(())
            }
        }

        impl $crate::text::Hear for $name {
            #[allow(unused_variables, reason = "a set without attributes has nothing to hear")]
            fn hear(&mut self, words: &mut $crate::text::Words<'_>) -> Result<bool, $crate::text::WordError> {
                $(if words.take_if(attrs!(@word $field $($word)?)) {
                    $crate::text::Field::hear_value(&mut self.$field, words)?;
                    return Ok(true);
                })*
                Ok(false)
            }
        }
    };
    (@word $field:ident $word:literal) => { $word };
    (@word $field:ident) => { stringify!($field) };
}

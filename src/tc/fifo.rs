//! `pfifo`, `bfifo` and `pfifo_head_drop`: plain queues. `man 8 tc-pfifo`, `man 8 tc-bfifo`, `net/sched/sch_fifo.c`

use super::Kind;
use crate::units::{Packets, Size};
use crate::wire::{DecodeError, Value, Writer};
use std::fmt::{self, Display, Formatter};

/// Declares a fifo: `struct tc_fifo_qopt` is one limit, and without options the device's queue length is taken.
macro_rules! fifo {
    ($(#[$meta:meta])* $name:ident, $kernel:literal, $limit:ty, $unit:literal) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq)]
        #[non_exhaustive]
        pub struct $name {
            #[doc = concat!("The most that may wait, in ", $unit, "; `None` for the kernel's default.")]
            #[doc(alias = "tc_fifo_qopt")]
            pub limit: Option<$limit>,
        }

        impl $name {
            /// A queue of the kernel's default length.
            pub fn new() -> Self {
                Self::default()
            }

            #[doc = concat!("Lets at most this many ", $unit, " wait.")]
            #[must_use]
            pub fn limit(mut self, limit: $limit) -> Self {
                self.limit = Some(limit);
                self
            }
        }

        impl Kind for $name {
            const NAME: &'static str = $kernel;
            fn has_options(&self) -> bool {
                self.limit.is_some()
            }
        }

        impl Value for $name {
            fn encode(&self, w: &mut Writer) {
                if let Some(limit) = &self.limit {
                    limit.encode(w);
                }
            }
            fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
                let limit = if payload.is_empty() { None } else { Some(Value::decode(payload)?) };
                Ok($name { limit })
            }
        }

        impl Display for $name {
            fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
                crate::text::Say::say(&self.limit, "limit", f)
            }
        }

        #[cfg(any(test, feature = "generate"))]
        impl crate::wire::generate::Generate for $name {
            fn generate(g: &mut crate::wire::generate::Source<'_>) -> Self {
                $name { limit: crate::wire::generate::Generate::generate(g) }
            }
        }
    };
}

fifo! {
    /// A queue that drops the newest packet when it is full, counted in packets.
    Pfifo, "pfifo", Packets, "packets"
}
fifo! {
    /// A queue that drops the newest packet when it is full, counted in bytes.
    Bfifo, "bfifo", Size, "bytes"
}
fifo! {
    /// A queue that drops the oldest packet when it is full, counted in packets.
    PfifoHeadDrop, "pfifo_head_drop", Packets, "packets"
}

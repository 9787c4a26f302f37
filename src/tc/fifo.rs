//! `pfifo`, `bfifo` and `pfifo_head_drop`: plain queues. `man 8 tc-pfifo`, `man 8 tc-bfifo`, `net/sched/sch_fifo.c`

use super::{Kind, Setting};
use crate::text::{Hear, Page, WordError, Words};
use crate::units::{Packets, ParseError, Size};
use crate::wire::{DecodeError, Value, Writer};
use std::fmt::{self, Display, Formatter};

/// Declares a fifo: `struct tc_fifo_qopt` is one limit, and without options the device's queue length is taken.
macro_rules! fifo {
    ($(#[$meta:meta])* $name:ident, $kernel:literal, $limit:ident, $unit:literal, $shown:expr, $settle:expr) => {
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
            /// `__fifo_init`
            fn settle(&mut self, setting: &Setting) {
                let settle: fn(Option<$limit>, &Setting) -> $limit = $settle;
                self.limit = Some(settle(self.limit, setting));
            }
            fn show(&self, page: &mut Page) {
                if let Some($limit(limit)) = self.limit {
                    let shown: fn(&Page, $limit) -> String = $shown;
                    let text = format!("limit {}", shown(page, $limit(limit)));
                    page.field("limit", limit, text);
                }
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

        impl Hear for $name {
            fn hear(&mut self, words: &mut Words<'_>) -> Result<bool, WordError> {
                let heard = words.take_if("limit");
                if heard {
                    self.limit = Some(limit(words).map($limit)?);
                }
                Ok(heard)
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

/// A limit of 32 bits. `tc` reads packets as it reads bytes, with `k` and `m`, and prints them with a `p`.
fn limit<T: TryFrom<u64>>(words: &mut Words<'_>) -> Result<T, WordError> {
    const WHAT: &str = "a limit of 32 bits such as 100 or 15kb";
    words.read(WHAT, |word| {
        let size: Size = word.strip_suffix('p').unwrap_or(word).parse()?;
        let fits = u32::try_from(size.as_bytes()).is_ok();
        T::try_from(size.as_bytes()).ok().filter(|_| fits).ok_or(ParseError::new(word, WHAT))
    })
}

/// By default as many packets as the device's queue.
fn packets(limit: Option<Packets>, setting: &Setting) -> Packets {
    limit.unwrap_or(Packets(setting.queue_len))
}

/// By default as many bytes as so many of the longest frames.
fn bytes(limit: Option<Size>, setting: &Setting) -> Size {
    let default = Size::bytes(setting.queue_len.wrapping_mul(setting.frame()).into());
    let may_be_default = |limit: Size| {
        let frame = limit.as_bytes().checked_div(setting.queue_len.into()).unwrap_or(0);
        let all = limit.as_bytes() == frame * u64::from(setting.queue_len);
        all && u32::try_from(frame).is_ok_and(|frame| setting.may_be_frame(frame))
    };
    limit.filter(|limit| !may_be_default(*limit)).unwrap_or(default)
}

fifo! {
    /// A queue that drops the newest packet when it is full, counted in packets.
    Pfifo, "pfifo", Packets, "packets", |_, limit| format!("{limit}p"), packets
}
fifo! {
    /// A queue that drops the newest packet when it is full, counted in bytes.
    Bfifo, "bfifo", Size, "bytes", Page::size, bytes
}
fifo! {
    /// A queue that drops the oldest packet when it is full, counted in packets.
    PfifoHeadDrop, "pfifo_head_drop", Packets, "packets", |_, limit| format!("{limit}p"), packets
}

//! The statistics that kinds add to the common ones, one line each.

use crate::tc::attributes::{is_called, Noun};
use crate::tc::{htb, sfq};
use crate::text::{Page, Show};
use crate::wire::{DecodeError, Value};

/// Declares which statistics a kind of object adds to the common ones (TCA_STATS_APP and TCA_XSTATS).
macro_rules! app_stats {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($variant:ident($ty:ty) = $noun:ident $kind:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        $vis enum $name {
            $(#[doc = concat!("[`", stringify!($ty), "`]")] $variant($ty),)*
            /// Statistics that the crate does not know, as they came.
            Other(Vec<u8>),
        }

        impl $name {
            /// Reads the statistics of `kind` of object `noun` into the place where they stay, which is empty.
            #[inline(always)]
            pub(crate) fn read(
                noun: Noun,
                kind: Option<&[u8]>,
                payload: &[u8],
                place: &mut Option<Self>,
            ) -> Result<(), DecodeError> {
                match (noun, kind) {
                    $((Noun::$noun, Some(name)) if is_called(name, $kind) => {
                        *place = Some($name::$variant(Default::default()));
                        if let Some($name::$variant(stats)) = place {
                            stats.fill(payload)?;
                        }
                    })*
                    _ => *place = Some($name::Other(payload.to_vec())),
                }
                Ok(())
            }
        }

        impl Show for $name {
            fn show(&self, page: &mut Page) {
                match self {
                    $($name::$variant(stats) => stats.show(page),)*
                    $name::Other(_) => (),
                }
            }
        }
    };
}

app_stats! {
    /// The statistics that a kind adds to the common ones.
    pub enum AppStats {
        HtbClass(htb::HtbStats) = Class "htb",
        SfqClass(sfq::SfqStats) = Class "sfq",
    }
}

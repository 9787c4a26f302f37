//! The bodies of the fuzz targets. Each takes whatever bytes there are and panics if something does not hold.
//!
//! `cargo fuzz run TARGET` runs one; without a nightly compiler, `RUSTC_BOOTSTRAP=1 cargo fuzz run TARGET`. `./seed`
//! fills `corpus` from the recordings in `tests/golden` and from what is kept in `kept`, which `./keep` makes of what
//! was found. `tests/corpus` includes this file and replays what is kept.

mod bounded;
mod bytes;
mod config;
#[cfg(feature = "serde")]
mod documents;
pub mod fixpoint;
#[cfg(feature = "generate")]
mod inside;
pub mod language;

pub use bytes::{kinds, messages, wire};
pub use config::config;
#[cfg(feature = "serde")]
pub use documents::documents;
#[cfg(feature = "generate")]
pub use inside::{generated, netfilter, replies, system};

/// Text is refused or read; what is read prints, and reads as it was printed.
pub fn language(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        assert_eq!(language::check(text), Ok(()));
    }
}

/// What is done with an input.
pub type Check = fn(&[u8]);

/// Every target by its name.
pub const TARGETS: &[(&str, Check)] = &[
    ("wire", wire),
    ("kinds", kinds),
    ("messages", messages),
    #[cfg(feature = "generate")]
    ("generated", generated),
    #[cfg(feature = "generate")]
    ("replies", replies),
    #[cfg(feature = "generate")]
    ("netfilter", netfilter),
    #[cfg(feature = "generate")]
    ("system", system),
    ("language", language),
    ("config", config),
    #[cfg(feature = "serde")]
    ("documents", documents),
];

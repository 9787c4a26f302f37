//! What the crate sends and reads, against what iproute2 sent and the kernel answered.
//!
//! The recordings and how they were made: `README.md`. Bytes are compared by `meaning`, which knows how attributes nest
//! and nothing else, so that the crate is not checked against itself. Where the crate means to differ, a table says
//! where and why; an entry that nothing needs any more fails its test.

#[path = "../../fuzz/src/bounded.rs"]
mod bounded;
mod by_hand;
mod compare;
mod data;
#[path = "../../fuzz/src/fixpoint.rs"]
#[allow(dead_code, reason = "the fuzz targets use more of it")]
mod fixpoint;
mod heard;
#[path = "../../fuzz/src/language.rs"]
mod language;
mod meaning;
mod mutated;
mod nft;
#[path = "../common/nft_words.rs"]
mod nft_words;
mod objects;
mod places;
mod printed;
mod refused;
mod replies;
mod requests;
mod shown;
mod tree;
mod undisturbed;

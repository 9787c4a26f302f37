//! nf_tables transactions, and the connections that carry a mark: what steering flows over several uplinks needs of netfilter.
//!
//! An [`NftRule`] is put together word by word, and each word adds what it means to the message: the command that is printed is what is
//! sent, byte by byte as `nft` 1.0.6 would send it (the tests hold them side by side). A [`Transaction`] takes effect as a whole or not
//! at all. What is in the kernel is read as a [`FoundTable`], and [`Transaction::drift`] says what of it is not as it was made.
//!
//! Only tables of the family `inet` are spoken of. Other tables, and other bits of marks, are never touched.
//!
//! ```no_run
//! use tcnl::netfilter::{Chain, ChainKind, Flows, Hook, Mark, NftRule, Table, Transaction};
//! use tcnl::netlink::{Connection, Protocol};
//! let mut nl = Connection::builder().protocol(Protocol::Netfilter).open()?;
//! let mut t = Transaction::new();
//! t.delete_table_if_there("uplinks");
//! t.add_table(&Table::inet("uplinks"));
//! t.add_chain(&Chain::base("save", ChainKind::Filter, Hook::Postrouting, -150));
//! t.add_rule("save", NftRule::new().oifname("wan0".parse()?).ct_state_new().set_mark(Mark::Connection, 0x100, 0x3f00));
//! nl.commit(&t)?;
//! assert!(t.drift(nl.nft_table("uplinks")?.as_ref()).is_empty());
//! println!("{} connections by the first uplink", nl.count_flows(&Flows::marked(0x100, 0x3f00)?)?);
//! # Ok::<(), tcnl::Error>(())
//! ```
//!
//! `man 8 nft`, `include/uapi/linux/netfilter/`, `net/netfilter/nf_tables_api.c`

mod attributes;
mod comment;
mod drift;
mod expressions;
mod flows;
pub(crate) mod flowtables;
mod found;
#[cfg(feature = "generate")]
#[doc(hidden)]
pub mod fuzz;
mod numbers;
mod rule;
mod table;
#[cfg(test)]
mod tests;
mod transaction;

pub(crate) use flows::described;
pub use flows::Flows;
pub use found::{Counter, FoundChain, FoundRule, FoundTable};
pub(crate) use found::{Listed, Listing};
pub use rule::{Mark, NftRule};
pub use table::{Base, Chain, ChainKind, Hook, Table};
pub(crate) use transaction::attribute_at;
pub use transaction::{NftCommand, Transaction};

/// The attribute tables of all sets, for checks against the kernel's headers.
#[doc(hidden)]
pub fn tables() -> Vec<crate::wire::Table> {
    attributes::tables()
}

/// The other numbers of the kernel's headers.
#[doc(hidden)]
pub fn numbers() -> &'static [(&'static str, i64)] {
    numbers::ALL
}

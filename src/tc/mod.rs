//! Traffic control: qdiscs, classes, filters, actions, chains and their statistics. One kind is one file.
//!
//! This layer knows no socket: it turns typed objects into the bodies of rtnetlink messages and back.

mod action;
mod actions;
mod attributes;
mod chain;
mod class;
mod control;
mod estimator;
pub mod fifo;
mod filter;
mod flags;
pub mod fw;
pub mod gact;
pub mod htb;
pub mod ingress;
mod kind;
mod linklayer;
pub mod mirred;
mod parms;
mod place;
pub mod police;
mod protocol;
mod qdisc;
mod rate_table;
mod registry;
mod setting;
pub mod sfq;
mod shown;
pub mod skbedit;
mod stab;
mod stats;
pub mod tbf;
pub mod u32;

pub use action::{Action, Actions, Bits};
pub use actions::{ActionTable, ActionTables};
pub use chain::{Chain, Chains};
pub use class::{Class, Classes};
pub use control::Control;
pub use estimator::Estimator;
pub(crate) use filter::{by_row, Row, Rows};
pub use filter::{Filter, Filters};
pub use flags::FilterFlags;
pub use kind::Kind;
pub use linklayer::{Burst, Framing, LinkLayer, PacketBurst, RateSpec};
pub use parms::{ActionNumber, ActionParms, Times};
pub use place::Place;
pub use protocol::Protocol;
pub use qdisc::{Qdisc, Qdiscs};
pub use rate_table::{GivenTables, RateTable, Tables};
pub use registry::{tables, ActionKind, AppStats, ClassKind, FilterKind, Other, QdiscKind};
pub use setting::Setting;
pub use stab::{SizeSpec, SizeTable};
pub use stats::{QueueStats, Stats};

crate::request::print_as_command! { Qdisc Class Filter Chain ActionTable }

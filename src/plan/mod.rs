//! Desired state: what shall be, compared with what is, as the fewest steps from one to the other.
//!
//! A [`Tree`] says what the qdiscs, classes, chains and filters of a device shall be, a [`Policy`] what rules, routes, nexthop objects
//! and addresses shall be. [`Plan::new`] reads the kernel, compares
//! meanings (what the kernel fills in, clamps or rounds is no difference, nor are handles and prios that it chose) and has the
//! [`Step`]s, in an order in which each can be done. Nothing is done until [`Plan::apply`], which undoes what it did if a step fails.
//!
//! ```no_run
//! use tcnl::netlink::Connection;
//! use tcnl::plan::{Plan, Tree};
//! use tcnl::tc::htb::{Htb, HtbClass};
//! use tcnl::tc::{Class, Qdisc};
//! use tcnl::units::{Handle, Rate};
//!
//! let mut nl = Connection::open()?;
//! let root = Handle::qdisc(1);
//! let tree = Tree::new(nl.link("eth1")?)
//!     .qdisc(Qdisc::root(0).handle(root).kind(Htb::new().default_class(0x20)))
//!     .class(Class::under(0, root).id(Handle::new(1, 0x10)).kind(HtbClass::rate(Rate::mbit(30))))
//!     .class(Class::under(0, root).id(Handle::new(1, 0x20)).kind(HtbClass::rate(Rate::mbit(70))));
//! let plan = Plan::new(&mut nl, tree)?;
//! print!("{plan}");
//! plan.apply(&mut nl, |_| ())?;
//! assert!(Plan::new(&mut nl, plan.desired().clone())?.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is compared
//!
//! Everything that was said, and everything that was left to the kernel's defaults: a limit that somebody set by hand is a difference
//! if the tree does not say it. Statistics and whatever else kernels only report are none.
//!
//! # What is not touched
//!
//! What the [`Scope`] of a tree leaves out, and what the kernel made by itself (qdiscs without a handle, the classes of `mq`).
//! Filters at the leaves of a tree of queues mean nothing to HTB; they are looked for where the tree has some, at qdiscs that have
//! classes, and at inner classes.
//!
//! # What is found before anything is sent
//!
//! [`Plan::new`] looks at what is wanted and at the steps, and gathers all that the kernel would refuse, or take for something else, as
//! [`Finding`]s. Kinds of qdiscs, filters and actions that are to be made, and of which none is there, are asked for: with requests that
//! the kernel has to refuse whatever it knows, a qdisc at `lo` without its size table, a chain of the kind where filters can stand already,
//! an action without options. A kind that is a module is loaded by that, as it would be by the step. What is not known without privileges,
//! or of filters where no qdisc can have any yet, is no finding; it fails when it is applied, and is undone.
//!
//! # From JSON, TOML, YAML
//!
//! With the feature `serde` a [`Desired`] or a [`Tree`] is read and written by serde. An object is said in the words of `tc` and `ip`, as one
//! text or as keys and values; what a kind is told stands in a map of its own:
//!
//! ```yaml
//! trees:
//! - dev: eth1
//!   qdiscs:
//!   - { root: true, handle: "1:", htb: { default: "20" } }
//!   classes:
//!   - { parent: "1:", classid: "1:10", htb: { rate: 30mbit, ceil: 100mbit } }
//!   - "parent 1: classid 1:20 htb rate 70mbit ceil 100mbit"
//!   filters:
//!   - { parent: "1:", prio: 1, protocol: ip, u32: { match: ip dst 192.0.2.1/32, classid: "1:10" } }
//! policy:
//!   tables: [100, 199]
//!   routes:
//!   - { to: default, via: 192.0.2.1, dev: eth1, table: 101 }
//!   rules:
//!   - { from: 192.0.2.7, lookup: 101, pref: 1000 }
//!   - "-6 fwmark 1 lookup 101 pref 1001"
//! ```
//!
//! A key is a word and its value the words behind it; `true` is none. A list says the key again for each of its elements. A word that `tc` or `ip`
//! does not know is an error that names the path to it, such as `trees[0].classes[0].htb.rate`, and so is a key that is not known here. Handles
//! are texts, also where they have no colon, such as `default`: their digits are hexadecimal.

mod apply;
mod desired;
mod diff;
mod finding;
mod policy;
mod preflight;
mod read;
mod scale;
mod script;
mod settle;
#[cfg(feature = "serde")]
mod spec;
mod step;
mod tree;
mod view;

pub use apply::{ApplyError, Progress, Undone};
pub use desired::Desired;
pub use finding::{Finding, Severity};
pub(crate) use policy::all;
pub use policy::Policy;
pub use scale::{
    Direction, Handles, Layout, Level, Measured, Meter, PrefixTable, Steering, Subscriber, Subscribers,
};
pub use step::{Effect, Plan, Step};
pub use tree::{Scope, Tree};
pub use view::View;

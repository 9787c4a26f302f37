use super::attributes::{ChainAttrs, HookAttrs, TableAttrs};
use super::comment;
use super::numbers::*;
use crate::wire::{Be, EncodeError, Text};
use std::fmt::{self, Display, Formatter};

/// A table of the family `inet`: what sees IPv4 and IPv6. `man 8 nft`, section TABLES
///
/// Table and chain names are 1 to 255 letters, digits and `/ - _ .`, and begin with a letter, `_` or `.`. Words of nft's language
/// cannot be said as names: avoid `ip`, `counter` and the like.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Table {
    /// Its name.
    pub name: String,
    /// What `nft list` shows as its comment (Linux 5.10). At most 128 bytes, without quotation marks and control characters.
    #[doc(alias = "NFTA_TABLE_USERDATA")]
    pub comment: Option<String>,
}

/// A chain of rules: one that the kernel calls at a hook, or one that other chains jump to. `man 8 nft`, section CHAINS
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Chain {
    /// Its name: see [`Table`].
    pub name: String,
    /// Where and when the kernel calls it; `None` for a chain that is only jumped to.
    pub base: Option<Base>,
}

/// Where and when the kernel calls a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Base {
    /// What the chain is for.
    pub kind: ChainKind,
    /// Where.
    pub hook: Hook,
    /// Chains of a lower priority are called first. -300 is in front of connection tracking, -150 is usual for marks, 100 for source NAT.
    pub priority: i32,
}

/// What a chain is for. Which kind can be at which hook is the kernel's business: it refuses others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChainKind {
    /// Looks at packets, marks and drops them.
    Filter,
    /// Sees the first packet of each connection and translates addresses.
    Nat,
    /// For [`Hook::Output`]: packets are routed again if the chain changes their mark.
    Route,
}

/// Where packets pass by. `include/uapi/linux/netfilter.h`, `enum nf_inet_hooks`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hook {
    /// All that comes in, before it is routed.
    Prerouting,
    /// What is for this machine.
    Input,
    /// What passes through.
    Forward,
    /// What this machine sends, before it is routed again.
    Output,
    /// All that goes out, after it was routed.
    Postrouting,
}

impl Table {
    /// A table of the family `inet`.
    pub fn inet(name: impl Into<String>) -> Self {
        Table { name: name.into(), comment: None }
    }

    /// Sets the comment.
    #[must_use]
    pub fn comment(mut self, comment: impl Into<String>) -> Self {
        self.comment = Some(comment.into());
        self
    }

    pub(super) fn attributes(&self) -> Result<TableAttrs, EncodeError> {
        Ok(TableAttrs {
            name: Some(checked("name of a table", &self.name)?),
            // nft says so as well.
            flags: Some(Be(0)),
            userdata: self.comment.as_deref().map(comment::encode).transpose()?,
            ..TableAttrs::default()
        })
    }
}

impl Chain {
    /// A chain that the kernel calls at this hook.
    pub fn base(name: impl Into<String>, kind: ChainKind, hook: Hook, priority: i32) -> Self {
        Chain { name: name.into(), base: Some(Base { kind, hook, priority }) }
    }

    /// A chain that others jump to.
    pub fn new(name: impl Into<String>) -> Self {
        Chain { name: name.into(), base: None }
    }

    pub(super) fn attributes(&self, table: &str) -> Result<ChainAttrs, EncodeError> {
        let hook = |base: Base| HookAttrs {
            number: Some(Be(base.hook.number())),
            priority: Some(Be(base.priority.cast_unsigned())),
            ..HookAttrs::default()
        };
        Ok(ChainAttrs {
            table: Some(checked("name of a table", table)?),
            name: Some(checked("name of a chain", &self.name)?),
            hook: self.base.map(hook),
            kind: self.base.map(|base| Text(base.kind.to_string())),
            ..ChainAttrs::default()
        })
    }
}

/// A name, if `nft` can say it.
pub(super) fn checked(what: &'static str, name: &str) -> Result<Text, EncodeError> {
    let begins = |c: char| c.is_ascii_alphabetic() || "_.".contains(c);
    let goes_on = |c: char| c.is_ascii_alphanumeric() || "/-_.".contains(c);
    match name.starts_with(begins) && name.chars().all(goes_on) && name.len() < NFT_NAME_MAXLEN {
        true => Ok(Text(name.to_owned())),
        false => {
            let allowed = "1 to 255 letters, digits and / - _ . that begin with a letter, _ or .";
            Err(EncodeError::out_of_range(what, format_args!("{name:?}"), allowed))
        }
    }
}

impl Hook {
    pub(super) fn number(self) -> u32 {
        match self {
            Hook::Prerouting => NF_INET_PRE_ROUTING,
            Hook::Input => NF_INET_LOCAL_IN,
            Hook::Forward => NF_INET_FORWARD,
            Hook::Output => NF_INET_LOCAL_OUT,
            Hook::Postrouting => NF_INET_POST_ROUTING,
        }
    }
}

impl Display for Hook {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Hook::Prerouting => "prerouting",
            Hook::Input => "input",
            Hook::Forward => "forward",
            Hook::Output => "output",
            Hook::Postrouting => "postrouting",
        })
    }
}

impl Display for ChainKind {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ChainKind::Filter => "filter",
            ChainKind::Nat => "nat",
            ChainKind::Route => "route",
        })
    }
}

/// As behind `add chain` and the name.
impl Display for Base {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{{ type {} hook {} priority {}; }}", self.kind, self.hook, self.priority)
    }
}

use super::attributes::{ChainAttrs, Header, RuleAttrs, TableAttrs};
use super::numbers::*;
use super::table::checked;
use super::{numbers, rule, Chain, NftRule, Table};
use crate::error::{Error, Result};
use crate::units::quoted;
use crate::wire::{self, Be, EncodeError, Value, Writer};
use std::fmt::{self, Display, Formatter};

pub(super) const NLM_F_REQUEST: u16 = 0x1;
pub(super) const NLM_F_ACK: u16 = 0x4;
const NLM_F_CREATE: u16 = 0x400;
const NLM_F_APPEND: u16 = 0x800;

/// Changes of nf_tables that take effect at once, or not at all: [`Connection::commit`](crate::netlink::Connection::commit).
///
/// Chains and rules are added to the table that was named last.
///
/// ```
/// use tcnl::netfilter::{Chain, ChainKind, Hook, Mark, NftRule, Table, Transaction};
/// let mut t = Transaction::new();
/// t.delete_table_if_there("uplinks");
/// t.add_table(&Table::inet("uplinks").comment("generation 7"));
/// t.add_chain(&Chain::base("restore", ChainKind::Filter, Hook::Prerouting, -150));
/// t.add_rule("restore", NftRule::new().mark_is(Mark::Connection, 0x100, 0x3f00).set_mark(Mark::Packet, 0x100, 0x3f00));
/// assert_eq!(
///     t.to_string(),
///     "\
/// nft 'add table inet uplinks'
/// nft 'delete table inet uplinks'
/// nft 'add table inet uplinks { comment \"generation 7\"; }'
/// nft 'add chain inet uplinks restore { type filter hook prerouting priority -150; }'
/// nft 'add rule inet uplinks restore ct mark and 0x3f00 == 0x100 meta mark set meta mark and 0xffffc0ff or 0x100'
/// "
/// );
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transaction {
    commands: Vec<NftCommand>,
    table: String,
}

/// One command of a transaction: prints as the one of `nft`, in quotes for a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NftCommand(pub(super) Change);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    AddTable(Table),
    DeleteTable { table: String },
    AddChain { table: String, chain: Chain },
    FlushChain { table: String, chain: String },
    AddRule { table: String, chain: String, rule: NftRule },
}

impl Transaction {
    /// A transaction without commands: committing it sends nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Deletes the table with all that is in it, and does not mind if there is none: it is added first, which changes nothing of one
    /// that is there. (Linux 6.3 has a request of its own for this, others do not.)
    pub fn delete_table_if_there(&mut self, name: &str) {
        self.push(Change::AddTable(Table::inet(name)));
        self.push(Change::DeleteTable { table: name.to_owned() });
    }

    /// Adds a table. One that is there already stays as it is, with its comment.
    pub fn add_table(&mut self, table: &Table) {
        self.table = table.name.clone();
        self.push(Change::AddTable(table.clone()));
    }

    /// Goes on with a table that is there.
    pub fn in_table(&mut self, name: &str) {
        self.table = name.to_owned();
    }

    /// Adds a chain. One that is there already stays as it is, with its rules.
    pub fn add_chain(&mut self, chain: &Chain) {
        self.push(Change::AddChain { table: self.table.clone(), chain: chain.clone() });
    }

    /// Deletes the rules of a chain.
    pub fn flush_chain(&mut self, chain: &str) {
        self.push(Change::FlushChain { table: self.table.clone(), chain: chain.to_owned() });
    }

    /// Adds a rule behind the others of a chain.
    pub fn add_rule(&mut self, chain: &str, rule: NftRule) {
        self.push(Change::AddRule { table: self.table.clone(), chain: chain.to_owned(), rule });
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    /// The commands in their order.
    pub fn commands(&self) -> &[NftCommand] {
        &self.commands
    }

    /// The messages: the beginning of a batch, one for each command, the end of the batch. The last command asks for an answer; of the
    /// others the kernel only says what it refuses, and nothing that it did: so many answers would not fit the receive buffer.
    /// `net/netfilter/nfnetlink.c`, `nfnetlink_rcv_batch`
    ///
    /// # Errors
    /// [`Error::Encode`] with the first command that makes no sense.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut w = Writer::default();
        let frame = |w: &mut Writer, ty| {
            let header = Header { resource: Be(NFNL_SUBSYS_NFTABLES), ..Header::default() };
            w.message(wire::Header { ty, flags: NLM_F_REQUEST, ..wire::Header::default() }, |w| {
                header.encode(w)
            })
        };
        let whole = |source| Error::encode(self.summary(), source);
        frame(&mut w, NFNL_MSG_BATCH_BEGIN).map_err(whole)?;
        let last = self.commands.len().saturating_sub(1);
        for (index, command) in self.commands.iter().enumerate() {
            let flags = if index == last { NLM_F_REQUEST | NLM_F_ACK } else { NLM_F_REQUEST };
            let source = |source| Error::encode(command.to_string(), source);
            command.encode(flags, &mut w).map_err(source)?;
        }
        frame(&mut w, NFNL_MSG_BATCH_END).map_err(whole)?;
        Ok(w.bytes().to_vec())
    }

    /// All of it in a few words.
    pub(crate) fn summary(&self) -> String {
        format!("a transaction of {} nft commands", self.commands.len())
    }

    fn push(&mut self, change: Change) {
        self.commands.push(NftCommand(change));
    }
}

/// The commands, each with the end of its line. One after the other they do the same, but not at once.
impl Display for Transaction {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.commands.iter().try_for_each(|command| writeln!(f, "{command}"))
    }
}

impl NftCommand {
    fn encode(&self, flags: u16, w: &mut Writer) -> Result<(), EncodeError> {
        match &self.0 {
            // A table that is not there is made without being told so.
            Change::AddTable(table) => message(NFT_MSG_NEWTABLE, flags, &table.attributes()?, w),
            Change::DeleteTable { table } => {
                let name = Some(checked("name of a table", table)?);
                message(NFT_MSG_DELTABLE, flags, &TableAttrs { name, ..TableAttrs::default() }, w)
            }
            Change::AddChain { table, chain } => {
                message(NFT_MSG_NEWCHAIN, flags | NLM_F_CREATE, &chain.attributes(table)?, w)
            }
            Change::FlushChain { table, chain } => {
                message(NFT_MSG_DELRULE, flags, &rule::place(table, chain)?, w)
            }
            Change::AddRule { table, chain, rule } => message(
                NFT_MSG_NEWRULE,
                flags | NLM_F_CREATE | NLM_F_APPEND,
                &rule.attributes(table, chain)?,
                w,
            ),
        }
    }
}

fn message(number: u16, flags: u16, attributes: &impl Value, w: &mut Writer) -> Result<(), EncodeError> {
    let ty = numbers::message(NFNL_SUBSYS_NFTABLES, number);
    w.message(wire::Header { ty, flags, ..wire::Header::default() }, |w| {
        Header { family: NFPROTO_INET, ..Header::default() }.encode(w);
        attributes.encode(w);
    })
}

/// As a shell reads it.
impl Display for NftCommand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "nft {}", quoted(&self.0.to_string()))
    }
}

/// As `nft` reads it.
impl Display for Change {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Change::AddTable(Table { name, comment: None }) => write!(f, "add table inet {name}"),
            Change::AddTable(Table { name, comment: Some(comment) }) => {
                write!(f, "add table inet {name} {{ comment \"{comment}\"; }}")
            }
            Change::DeleteTable { table } => write!(f, "delete table inet {table}"),
            Change::AddChain { table, chain: Chain { name, base: None } } => {
                write!(f, "add chain inet {table} {name}")
            }
            Change::AddChain { table, chain: Chain { name, base: Some(base) } } => {
                write!(f, "add chain inet {table} {name} {base}")
            }
            Change::FlushChain { table, chain } => write!(f, "flush chain inet {table} {chain}"),
            Change::AddRule { table, chain, rule } => write!(f, "add rule inet {table} {chain} {rule}"),
        }
    }
}

/// The name of the attribute that starts so many bytes into the body of a message of this type.
pub(crate) fn attribute_at(ty: u16, body: &[u8], offset: usize) -> Option<&'static str> {
    let name = |path: &[u16]| match ty.checked_sub(numbers::message(NFNL_SUBSYS_NFTABLES, 0))? {
        NFT_MSG_NEWTABLE | NFT_MSG_DELTABLE => TableAttrs::name_at(path),
        NFT_MSG_NEWCHAIN => ChainAttrs::name_at(path),
        NFT_MSG_NEWRULE | NFT_MSG_DELRULE => RuleAttrs::name_at(path),
        _ => None,
    };
    crate::request::attribute_at(body, <Header as wire::Fixed>::SIZE, offset, name)
}

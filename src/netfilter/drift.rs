//! What is otherwise than a transaction made it.

use super::numbers::NF_ACCEPT;
use super::transaction::Change;
use super::{Base, Chain, FoundChain, FoundRule, FoundTable, NftRule, Table, Transaction};
use crate::wire::{Attr, Reader};

/// A table, its chains, and their rules.
type Outcome<'a> = (&'a Table, Vec<(&'a Chain, Vec<&'a NftRule>)>);

impl Transaction {
    /// What of a table is not as this transaction makes it, in words, each a sentence without an end; nothing if all is.
    ///
    /// For a transaction that makes one table from nothing. Chains count with their hooks and policies, rules with their order,
    /// comments and expressions. What rules have counted does not matter.
    ///
    /// ```
    /// # use tcnl::netfilter::{Table, Transaction};
    /// # let mut t = Transaction::new();
    /// t.delete_table_if_there("uplinks");
    /// t.add_table(&Table::inet("uplinks"));
    /// assert_eq!(t.drift(None), ["the table uplinks is not there"]);
    /// ```
    pub fn drift(&self, found: Option<&FoundTable>) -> Vec<String> {
        let ((table, chains), found) = match (self.outcome(), found) {
            (Some(outcome), Some(found)) => (outcome, found),
            (Some((table, _)), None) => return vec![format!("the table {} is not there", table.name)],
            (None, Some(found)) => return vec![format!("the table {} is there", found.name)],
            (None, None) => return Vec::new(),
        };
        let mut drift = Vec::new();
        let mut note = |differs: bool, what: &dyn Fn() -> String| {
            if differs {
                drift.push(what());
            }
        };
        note(found.name != table.name, &|| format!("the table is {} and not {}", found.name, table.name));
        note(found.comment != table.comment, &|| {
            format!(
                "the comment of the table {} is {:?} and not {:?}",
                table.name, found.comment, table.comment
            )
        });
        note(found.flags != 0, &|| format!("the table {} has the flags {:#x}", table.name, found.flags));
        let uses = u32::try_from(found.chains.len()).unwrap_or(u32::MAX);
        note(found.uses != uses, &|| format!("the table {} holds more than chains", table.name));
        for name in found.chains.keys() {
            let ours = chains.iter().any(|(chain, _)| chain.name == *name);
            note(!ours, &|| format!("there is a chain {name}"));
        }
        for (Chain { name, base }, rules) in &chains {
            let Some(found) = found.chains.get(name) else {
                note(true, &|| format!("the chain {name} is not there"));
                continue;
            };
            note(!found.is_at(*base), &|| {
                format!("the chain {name} is of another type, hook, priority or policy")
            });
            let (theirs, ours) = (found.rules.len(), rules.len());
            note(theirs != ours, &|| format!("the chain {name} has {theirs} rules and not {ours}"));
            if theirs == ours {
                for (number, (found, rule)) in (1..).zip(found.rules.iter().zip(rules)) {
                    note(!found.is(rule), &|| format!("rule {number} of the chain {name} is not `{rule}`"));
                }
            }
        }
        drift
    }

    /// What is there behind the transaction.
    fn outcome(&self) -> Option<Outcome<'_>> {
        let mut outcome: Option<Outcome<'_>> = None;
        for command in self.commands() {
            match (&command.0, &mut outcome) {
                (Change::AddTable(table), None) => outcome = Some((table, Vec::new())),
                (Change::AddTable(_), Some(_)) | (_, None) => (),
                (Change::DeleteTable { .. }, Some(_)) => outcome = None,
                (Change::AddChain { chain, .. }, Some((_, chains))) => {
                    if chains.iter().all(|(known, _)| known.name != chain.name) {
                        chains.push((chain, Vec::new()));
                    }
                }
                (Change::FlushChain { chain, .. }, Some((_, chains))) => {
                    chains
                        .iter_mut()
                        .filter(|(known, _)| known.name == *chain)
                        .for_each(|(_, rules)| rules.clear());
                }
                (Change::AddRule { chain, rule, .. }, Some((_, chains))) => {
                    chains
                        .iter_mut()
                        .filter(|(known, _)| known.name == *chain)
                        .for_each(|(_, rules)| rules.push(rule));
                }
            }
        }
        outcome
    }
}

impl FoundChain {
    fn is_at(&self, base: Option<Base>) -> bool {
        let accepts = self.policy.is_none_or(|policy| policy.cast_signed() == NF_ACCEPT);
        accepts
            && self.hook == base.map(|base| (base.hook.number(), base.priority))
            && self.kind == base.map(|base| base.kind.to_string())
    }
}

impl FoundRule {
    fn is(&self, rule: &NftRule) -> bool {
        let attrs = |bytes| Reader::new(bytes).attrs();
        let (theirs, ours) = (attrs(&self.expressions), attrs(rule.expressions()));
        let holds = |(theirs, ours)| match (theirs, ours) {
            (Ok(Attr { payload: theirs, .. }), Ok(Attr { payload: ours, .. })) => holds(theirs, ours, LEVELS),
            _ => false,
        };
        self.comment.as_deref() == rule.noted()
            && theirs.clone().count() == ours.clone().count()
            && theirs.zip(ours).all(holds)
    }
}

/// How deep expressions nest: data, value, verdict, code.
const LEVELS: u32 = 4;

/// Whether these attributes hold those that were sent. The kernel says more of an expression than it was told (counters, defaults), but
/// what it was told it says as it was.
fn holds(theirs: &[u8], sent: &[u8], levels: u32) -> bool {
    let Some(levels) = levels.checked_sub(1) else { return theirs == sent };
    let there = |attr: Attr<'_>| {
        let theirs = Reader::new(theirs).attrs().map_while(Result::ok);
        let mut same = theirs.filter(|theirs| theirs.ty == attr.ty).peekable();
        // They leave out what means nothing, and is sent as zero: the ICMP code of what resets TCP.
        let is_left_out = same.peek().is_none() && attr.payload.iter().all(|byte| *byte == 0);
        is_left_out || same.any(|theirs| holds(theirs.payload, attr.payload, levels))
    };
    theirs == sent || Reader::new(sent).attrs().all(|attr| attr.is_ok_and(there))
}

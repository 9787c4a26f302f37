//! The actions that stand by themselves, to be shared by filters: `tc actions`. `man 8 tc-actions`, `net/sched/act_api.c`

use super::{Action, ActionKind, Actions, Bits, Control};
use crate::request::{Asked, Object, Query, Spoken, Verb};
use crate::text::{WordError, Words};
use crate::units::{quoted, Name};
use crate::wire::{DecodeError, EncodeError, Fixed, Reader, Table, Text, Unknown, Value, Writer};
use std::fmt::{self, Formatter};

const TCA_ROOT_TAB: u16 = 1;
const TCA_ROOT_FLAGS: u16 = 2;
const TCA_ROOT_TIME_DELTA: u16 = 4;

/// TCA_ACT_FLAG_LARGE_DUMP_ON: more than 32 actions in a message.
const LARGE_DUMP: u32 = 1;
/// TCA_ACT_FLAG_TERSE_DUMP: no options.
const TERSE_DUMP: u32 = 2;

const NLM_F_ROOT: u16 = 0x100;

/// TCA_ROOT_ attribute table for the header checks.
pub(super) fn tables() -> Vec<Table> {
    vec![Table::of::<Root>(), Table::layout::<TcaMsg>()]
}

layout! {
    /// The header of action messages. `include/uapi/linux/rtnetlink.h`
    struct TcaMsg = "tcamsg" {
        family: u8,
        pad _pad: 3,
    }
}

/// One message of actions: `ActionTable::of([Gact::drop().index(8)])`.
///
/// Requests name up to 32 actions; a dump's messages carry as many as fit. The kernel carries out a request to add in
/// order and undoes it if one fails. To delete or get actions their kind and index are enough; deleting one without an
/// index deletes all of its kind that no filter uses (`tc actions flush`).
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
#[doc(alias = "RTM_NEWACTION")]
pub struct ActionTable {
    /// The actions in their order.
    #[doc(alias = "TCA_ROOT_TAB")]
    pub actions: Vec<Action>,
    /// How many actions the message carries. Kernels report it in dumps.
    #[doc(alias = "TCA_ROOT_COUNT")]
    pub count: Option<u32>,
    /// The kernel's words about a request that it carried out. Kernels report it.
    #[doc(alias = "TCA_ROOT_EXT_WARN_MSG")]
    pub warning: Option<String>,
    /// Attributes that the crate does not know: kept, and sent back unchanged.
    pub unknown: Unknown,
}

attrs! {
    wordless struct Root {
        1 "TCA_ROOT_TAB" => actions: Actions,
        2 "TCA_ROOT_FLAGS" => flags: Bits,
        3 "TCA_ROOT_COUNT" => count: u32,
        4 "TCA_ROOT_TIME_DELTA" => since: u32,
        5 "TCA_ROOT_EXT_WARN_MSG" => warning: Text,
    }
}

impl ActionTable {
    /// The table of these actions.
    pub fn of<A: Into<Action>>(actions: impl IntoIterator<Item = A>) -> Self {
        ActionTable { actions: actions.into_iter().map(Into::into).collect(), ..Self::default() }
    }

    /// Whether a request to delete means all actions of the kind, as `tc actions flush` does.
    pub fn flushes(&self, verb: Verb) -> bool {
        verb == Verb::Delete && self.actions.first().is_some_and(|first| first.named_index() == 0)
    }
}

impl Object for ActionTable {
    const NOUN: &'static str = "actions";
    const NEW: u16 = 48;
    const HEADER: usize = TcaMsg::SIZE;

    /// The kernel creates what is not there whatever the verb; only whether it may put one in another's place is asked.
    fn flags(&self, verb: Verb) -> u16 {
        match verb {
            Verb::Change => Verb::Replace.flags(),
            Verb::Delete if self.flushes(verb) => NLM_F_ROOT,
            _ => verb.flags(),
        }
    }

    fn encode(&self, verb: Verb, w: &mut Writer) -> Result<(), EncodeError> {
        let count = self.actions.len();
        if !(1..=Action::MOST).contains(&count) {
            return Err(EncodeError::out_of_range("number of actions in a request", count, "1 to 32"));
        }
        let brief = matches!(verb, Verb::Delete | Verb::Get);
        if verb == Verb::Get && self.actions.iter().any(|action| action.named_index() == 0) {
            return Err(EncodeError::Missing("the index of the action"));
        }
        if self.flushes(verb) && count > 1 {
            return Err(EncodeError::Invalid("a request deletes all actions of one kind only"));
        }
        w.fixed(&TcaMsg::default());
        w.attr_with(TCA_ROOT_TAB, |w| {
            // The kernel reads the numbers 1 to 32 and stops at the first that is missing.
            for (number, action) in (1..).zip(self.actions.iter()) {
                w.attr_with(number, |w| if brief { action.encode_name(w) } else { action.encode(w) });
            }
        });
        self.unknown.encode(w);
        Ok(())
    }

    fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(body);
        r.take(TcaMsg::SIZE).map_err(|e| e.inside("tcamsg"))?;
        let root = Root::decode(r.rest())?;
        Ok(ActionTable {
            actions: root
                .actions
                .into_iter()
                .flat_map(|actions| actions.0)
                .map(|(_, action)| action)
                .collect(),
            count: root.count,
            warning: root.warning.map(|text| text.0),
            unknown: root.unknown,
        })
    }

    fn attribute_at(body: &[u8], offset: usize) -> Option<&'static str> {
        crate::request::attribute_at(body, TcaMsg::SIZE, offset, Root::name_at)
    }

    fn command(&self, verb: Verb, f: &mut Formatter<'_>) -> fmt::Result {
        if self.flushes(verb) {
            f.write_str("tc actions flush")?;
            return self.actions.iter().try_for_each(|action| write!(f, " action {}", action.kind.name()));
        }
        write!(f, "tc actions {verb}")?;
        let brief = matches!(verb, Verb::Delete | Verb::Get);
        self.actions.iter().try_for_each(|action| match brief {
            true => write!(f, " action {} index {}", action.kind.name(), action.named_index()),
            false => write!(f, " action {action}"),
        })
    }
}

impl Spoken for ActionTable {
    fn hear(verb: Verb, words: &mut Words<'_>) -> Result<Self, WordError> {
        if !matches!(verb, Verb::Delete | Verb::Get) {
            return Action::hear_all(words).map(Self::of);
        }
        let mut table = ActionTable::default();
        while table.actions.is_empty() || !words.is_empty() {
            let kind = Self::hear_name(words)?;
            if !words.take_if_short("index") {
                return Err(words.error("index and the action's number"));
            }
            // Nothing is to be said of an action that is named but its number, wherever that stands in its options.
            table.actions.push(Action { index: Some(words.number(10)?), ..Action::new(kind) });
            if verb == Verb::Delete && table.flushes(verb) {
                return Err(words.error_before("the numbers of actions begin at 1: 0 would delete all"));
            }
        }
        Ok(table)
    }
}

impl ActionTable {
    /// Reads the words behind `tc actions flush`: a request to delete all actions of a kind that no filter uses.
    ///
    /// # Errors
    /// There is no such kind, or words are left over.
    pub fn hear_flush(words: &mut Words<'_>) -> Result<Self, WordError> {
        if words.peek() != Some("action") {
            return Err(words.error("action and the kind to flush"));
        }
        let kind = Self::hear_name(words)?;
        match words.is_empty() {
            true => Ok(ActionTable::of([Action::new(kind)])),
            false => Err(words.error("the end of the command")),
        }
    }

    /// Reads the name of a kind, for which a verdict may stand.
    fn hear_name(words: &mut Words<'_>) -> Result<ActionKind, WordError> {
        while words.take_if("action") {}
        let verdict = words.peek().is_some_and(|word| Control::of_word(word).is_some());
        let name = Action::hear_kind(words)?;
        if verdict {
            words.take("a verdict")?;
        }
        Ok(ActionKind::named(name))
    }
}

/// Which actions to list: all of one kind.
#[derive(Clone, Copy, Debug)]
pub struct ActionTables {
    kind: Name,
    since: Option<u32>,
    terse: bool,
}

impl Action {
    /// All actions of a kind, such as `police`. The kernel cannot list all kinds at once.
    ///
    /// Its answers have the message type RTM_GETACTION, that of the request. There are none if it does not know the kind.
    pub fn of_kind(kind: Name) -> ActionTables {
        ActionTables { kind, since: None, terse: false }
    }
}

impl ActionTables {
    /// Only those that were used within so many milliseconds.
    #[must_use]
    pub fn since(mut self, milliseconds: u32) -> Self {
        self.since = Some(milliseconds);
        self
    }

    /// Only what names and counts them, without options.
    #[must_use]
    pub fn terse(mut self) -> Self {
        self.terse = true;
        self
    }
}

/// `action gact since 1000`
impl Asked for ActionTables {
    fn hear(words: &mut Words<'_>) -> Result<Self, WordError> {
        if !words.take_if("action") {
            return Err(words.error("action and the kind to list"));
        }
        let mut tables = Action::of_kind(words.value()?);
        if words.take_if("since") {
            tables.since = Some(words.number(10)?);
        }
        match words.is_empty() {
            true => Ok(tables),
            false => Err(words.error("the end of the command, or since and a number of milliseconds")),
        }
    }
}

impl Query for ActionTables {
    type Object = ActionTable;

    fn encode(&self, w: &mut Writer) -> Result<(), EncodeError> {
        w.fixed(&TcaMsg::default());
        w.attr_with(TCA_ROOT_TAB, |w| w.attr_with(1, |w| Action::encode_kind(&self.kind, w)));
        let value = LARGE_DUMP | if self.terse { TERSE_DUMP } else { 0 };
        w.attr(TCA_ROOT_FLAGS, &Bits { value, selector: value });
        self.since.iter().for_each(|since| w.attr(TCA_ROOT_TIME_DELTA, since));
        Ok(())
    }

    fn command(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(if self.terse { "tc -br actions ls" } else { "tc actions ls" })?;
        write!(f, " action {}", quoted(&self.kind))?;
        self.since.iter().try_for_each(|since| write!(f, " since {since}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Request;
    use crate::tc::gact::Gact;

    fn body(verb: Verb, table: &ActionTable) -> Vec<u8> {
        let mut w = Writer::default();
        table.encode(verb, &mut w).unwrap();
        w.finish().unwrap();
        w.bytes().to_vec()
    }

    #[test]
    fn an_action_without_an_index_is_flushed_and_not_gotten() {
        let table = ActionTable::of([Gact::drop()]);
        assert_eq!(Request::new(Verb::Delete, &table).to_string(), "tc actions flush action gact");
        assert_eq!(table.flags(Verb::Delete), NLM_F_ROOT);
        assert!(table.encode(Verb::Get, &mut Writer::default()).is_err());
    }

    #[test]
    fn more_than_32_actions_are_read_and_not_sent() {
        let many = ActionTable::of((1..=40).map(|index| Gact::ok().index(index)));
        assert!(many.encode(Verb::Add, &mut Writer::default()).is_err());
        let mut w = Writer::default();
        w.fixed(&TcaMsg::default());
        let actions = crate::wire::Indexed((1..).zip(many.actions.clone()).collect());
        Root::new().actions(actions).encode(&mut w);
        assert_eq!(ActionTable::decode(w.bytes()).unwrap(), many);
    }

    #[test]
    fn the_attribute_an_error_points_to_is_named() {
        let body = body(Verb::Add, &ActionTable::of([Gact::drop()]));
        assert_eq!(ActionTable::attribute_at(&body, 4), Some("TCA_ROOT_TAB"));
        assert_eq!(ActionTable::attribute_at(&body, 12), Some("TCA_ACT_KIND"));
        assert_eq!(ActionTable::attribute_at(&body, 24), Some("TCA_ACT_OPTIONS"));
    }
}

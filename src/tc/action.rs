use super::attributes::{put_name, Noun};
use super::gact::Gact;
use super::police::Police;
use super::{ActionKind, ActionNumber, Control, Kind, Setting, Stats};
use crate::text::{Part, WordError, Words};
use crate::units::{Name, ParseError};
use crate::wire::{DecodeError, EncodeError, Indexed, Names, Reader, Table, Unknown, Value, Writer};
use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

mod show;

pub(super) use show::show_all;

const TCA_ACT_KIND: u16 = 1;
const TCA_ACT_OPTIONS: u16 = 2;
const TCA_ACT_INDEX: u16 = 3;
const TCA_ACT_STATS: u16 = 4;
const TCA_ACT_PAD: u16 = 5;
const TCA_ACT_COOKIE: u16 = 6;
const TCA_ACT_FLAGS: u16 = 7;
const TCA_ACT_HW_STATS: u16 = 8;
const TCA_ACT_USED_HW_STATS: u16 = 9;
const TCA_ACT_IN_HW_COUNT: u16 = 10;

/// The attributes of one action.
const NAMES: Names = &[
    (TCA_ACT_KIND, "TCA_ACT_KIND"),
    (TCA_ACT_OPTIONS, "TCA_ACT_OPTIONS"),
    (TCA_ACT_INDEX, "TCA_ACT_INDEX"),
    (TCA_ACT_STATS, "TCA_ACT_STATS"),
    (TCA_ACT_PAD, "TCA_ACT_PAD"),
    (TCA_ACT_COOKIE, "TCA_ACT_COOKIE"),
    (TCA_ACT_FLAGS, "TCA_ACT_FLAGS"),
    (TCA_ACT_HW_STATS, "TCA_ACT_HW_STATS"),
    (TCA_ACT_USED_HW_STATS, "TCA_ACT_USED_HW_STATS"),
    (TCA_ACT_IN_HW_COUNT, "TCA_ACT_IN_HW_COUNT"),
];

/// What is declared here, for the header checks.
pub(super) fn tables() -> Vec<Table> {
    vec![
        Table::named("action", NAMES),
        Table::layout::<Bits>(),
        Table::layout::<super::ActionParms>(),
        Table::layout::<super::Times>(),
    ]
}

/// The actions of a filter, in the order in which packets pass them: at most 32, numbered from 1.
pub type Actions = Indexed<Action>;

/// What is done with a packet that a filter matched. `man 8 tc-actions`, `net/sched/act_api.c`
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Action {
    /// Kind and options.
    pub kind: ActionKind,
    /// Up to 16 bytes that the kernel keeps with the action for its owner.
    #[doc(alias = "TCA_ACT_COOKIE")]
    pub cookie: Option<Vec<u8>>,
    /// TCA_ACT_FLAGS, a bit field: value and which bits count. 1 (no_percpu) saves memory and costs speed, 2 is skip_hw,
    /// 4 skip_sw.
    #[doc(alias = "TCA_ACT_FLAGS")]
    pub flags: Option<Bits>,
    /// Which statistics hardware shall keep (TCA_ACT_HW_STATS): 1 immediate, 2 delayed, 0 none.
    #[doc(alias = "TCA_ACT_HW_STATS")]
    pub hw_stats: Option<Bits>,
    /// Which statistics hardware keeps. Kernels report it.
    #[doc(alias = "TCA_ACT_USED_HW_STATS")]
    pub used_hw_stats: Option<Bits>,
    /// How many devices do it in hardware. Kernels report it.
    #[doc(alias = "TCA_ACT_IN_HW_COUNT")]
    pub in_hw_count: Option<u32>,
    /// The index where it stands outside the options: in requests that name an action.
    #[doc(alias = "TCA_ACT_INDEX")]
    pub index: Option<u32>,
    /// Statistics. Kernels report them.
    pub stats: Option<Stats>,
    /// Attributes that the crate does not know: kept, and sent back unchanged.
    pub unknown: Unknown,
}

layout! {
    /// Bits of which only some are said. `struct nla_bitfield32` of `include/uapi/linux/netlink.h`
    pub struct Bits = "nla_bitfield32" {
        /// The bits' values.
        pub value: u32,
        /// Which bits are said.
        pub selector: u32,
    }
}

/// Drops what only kernels say of what a filter does with packets.
pub(super) fn forget(police: &mut Option<Box<Police>>, actions: &mut Option<Actions>) {
    police.iter_mut().for_each(|police| police.forget());
    each(actions).for_each(Action::forget);
}

/// Makes of what a filter does with packets what the kernel makes of it: a policer of the filter's own comes before all actions, of
/// which those count that have the numbers from 1 on (`tcf_exts_validate`, `tcf_action_init`).
pub(super) fn settle(police: &mut Option<Box<Police>>, actions: &mut Option<Actions>, setting: &Setting) {
    if let Some(police) = police {
        police.forget();
        police.settle(setting);
        *actions = None;
    }
    let Some(given) = actions.take() else { return };
    let mut numbered: BTreeMap<u16, Action> = given.0.into_iter().collect();
    let all: Actions = (1..=Action::MOST as u16).map_while(|number| numbered.remove(&number)).collect();
    *actions = Some(all).filter(|all| !all.0.is_empty());
    each(actions).for_each(|action| action.settle(setting));
}

/// Shows the numbers of what a filter does with packets.
pub(super) fn number(
    police: &mut Option<Box<Police>>,
    actions: &mut Option<Actions>,
    see: &mut dyn FnMut(ActionNumber<'_>),
) {
    police.iter_mut().for_each(|police| police.number(see));
    each(actions).for_each(|action| action.kind.number(see));
}

/// Names the kinds of what a filter does with packets.
pub(super) fn kinds<'a>(
    police: &'a Option<Box<Police>>,
    actions: &'a Option<Actions>,
    see: &mut dyn FnMut(&'a str),
) {
    police.iter().for_each(|_| see(Police::NAME));
    actions.iter().flat_map(|actions| &actions.0).for_each(|(_, action)| see(action.kind.name()));
}

fn each(actions: &mut Option<Actions>) -> impl Iterator<Item = &mut Action> {
    actions.iter_mut().flat_map(|actions| &mut actions.0).map(|(_, action)| action)
}

/// Whether a filter can carry these actions: kernels drop those beyond the 32nd without a word.
pub(super) fn check(actions: Option<&Actions>) -> Result<(), EncodeError> {
    match actions.map_or(0, |actions| actions.0.len()) {
        0..=Action::MOST => Ok(()),
        count => Err(EncodeError::out_of_range("number of actions of a filter", count, "0 to 32")),
    }
}

impl Action {
    /// An action of this kind.
    pub fn new(kind: impl Into<ActionKind>) -> Self {
        Action {
            kind: kind.into(),
            cookie: None,
            flags: None,
            hw_stats: None,
            used_hw_stats: None,
            in_hw_count: None,
            index: None,
            stats: None,
            unknown: Unknown::new(),
        }
    }

    /// Keeps up to 16 bytes with the action.
    #[must_use]
    pub fn cookie(mut self, cookie: &[u8]) -> Self {
        self.cookie = Some(cookie.to_vec());
        self
    }
}

impl Action {
    /// Drops what only kernels say.
    pub(crate) fn forget(&mut self) {
        (self.stats, self.used_hw_stats, self.in_hw_count) = (None, None, None);
        self.kind.forget();
    }

    /// Makes of it what the kernel makes of it (`tcf_action_init_1`), but for its number: see [`Kind::number`].
    pub(crate) fn settle(&mut self, setting: &Setting) {
        self.forget();
        // Requests to add one name it in its options.
        (self.index, self.unknown) = (None, Unknown::new());
        let flags = self.flags.map_or(0, |flags| flags.value);
        self.flags = Some(Bits { value: flags, selector: flags }).filter(|flags| flags.value != 0);
        let hw_stats = self.hw_stats.map_or(ANY_STATS, |bits| bits.value);
        self.hw_stats =
            Some(Bits { value: hw_stats, selector: ANY_STATS }).filter(|bits| bits.value != ANY_STATS);
        self.kind.settle(setting);
    }

    /// The index by which requests name the action: that of the options, or the one beside them. 0 if there is none.
    pub(crate) fn named_index(&self) -> u32 {
        self.kind.handle().filter(|index| *index != 0).or(self.index).unwrap_or(0)
    }

    /// Writes what names the action, for requests to delete or get it.
    pub(super) fn encode_name(&self, w: &mut Writer) {
        self.kind.encode_name(TCA_ACT_KIND, w);
        match self.named_index() {
            0 => (),
            index => w.attr(TCA_ACT_INDEX, &index),
        }
    }

    /// Writes the name of a kind.
    pub(super) fn encode_kind(kind: &str, w: &mut Writer) {
        put_name(TCA_ACT_KIND, kind, w);
    }
}

impl Action {
    /// The most actions that the kernel looks at (TCA_ACT_MAX_PRIO).
    pub(super) const MOST: usize = 32;

    /// Reads the actions behind `action`, up to the end or to a word that belongs to the filter; there is at least one.
    /// The word `action` between them may be left out.
    pub(super) fn hear_all(words: &mut Words<'_>) -> Result<Vec<Self>, WordError> {
        let mut actions = Vec::new();
        while {
            while words.take_if("action") {}
            actions.is_empty() || !matches!(words.peek(), None | Some("flowid" | "classid"))
        } {
            if actions.len() == Self::MOST {
                return Err(words.error("the end of the actions, of which there are at most 32"));
            }
            actions.push(Self::hear(words)?);
        }
        Ok(actions)
    }

    /// Reads one action: its kind with its options, and what all actions have.
    fn hear(words: &mut Words<'_>) -> Result<Self, WordError> {
        let mut action = Action::new(ActionKind::hear(Self::hear_kind(words)?, words)?);
        action.hear_rest(words).map_err(|error| error.in_part(Part::Command))?;
        Ok(action)
    }

    /// Reads what all actions have behind the options of their kind.
    fn hear_rest(&mut self, words: &mut Words<'_>) -> Result<(), WordError> {
        if words.take_if_short("cookie") {
            let wrong = "a cookie: up to 16 bytes in hexadecimal";
            self.cookie = Some(words.read(wrong, |word| bytes(word).ok_or(ParseError::new(word, wrong)))?);
        }
        if words.take_if_short("hw_stats") {
            let known = [("immediate", 1), ("delayed", 2), ("disabled", 0), ("any", 3)];
            let bits = known.into_iter().find(|(word, _)| words.take_if_short(word)).map(|(_, bits)| bits);
            let bits =
                bits.ok_or_else(|| words.error("the statistics: immediate, delayed, disabled or any"))?;
            self.hw_stats = Some(Bits { value: bits, selector: bits });
        }
        while let Some((flag, _)) = FLAGS.into_iter().find(|(_, word)| words.take_if(word)) {
            let flags = self.flags.get_or_insert_default();
            *flags = Bits { value: flags.value | flag, selector: flags.selector | flag };
            if flags.value & SKIP_BOTH == SKIP_BOTH {
                return Err(
                    words.error_before("skip_hw and skip_sw exclude each other: nothing would be left")
                );
            }
        }
        Ok(())
    }

    /// Reads the name of a kind. A verdict is left, because it is the first option of the kind that it means.
    pub(super) fn hear_kind(words: &mut Words<'_>) -> Result<Name, WordError> {
        let error = words
            .error(&format!(
                "an action: expected a verdict such as drop, or one of {}",
                ActionKind::KNOWN.join(", ")
            ))
            .in_part(Part::Command);
        let name = match words.peek() {
            Some(word) if Control::of_word(word).is_some() => Gact::NAME,
            Some(word) if ActionKind::KNOWN.contains(&word) => words.take("an action")?,
            _ => return Err(error),
        };
        Name::new(name).map_err(|_| error)
    }
}

/// The bytes of an even number of hexadecimal digits.
fn bytes(word: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pair = |pair: &[u8]| match pair {
        [high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    };
    let fits = (1..=32).contains(&word.len());
    word.as_bytes().chunks(2).map(pair).collect::<Option<Vec<u8>>>().filter(|_| fits)
}

/// TCA_ACT_HW_STATS_ANY: what is kept where nothing is said.
const ANY_STATS: u32 = 3;

/// The flags and their words.
const FLAGS: [(u32, &str); 3] = [(1, "no_percpu"), (2, "skip_hw"), (4, "skip_sw")];
const SKIP_BOTH: u32 = 2 | 4;

impl<K: Into<ActionKind>> From<K> for Action {
    fn from(kind: K) -> Self {
        Action::new(kind)
    }
}

impl Value for Action {
    fn encode(&self, w: &mut Writer) {
        self.kind.encode_name(TCA_ACT_KIND, w);
        self.kind.encode(TCA_ACT_OPTIONS, w);
        self.index.iter().for_each(|index| w.attr(TCA_ACT_INDEX, index));
        if let Some(cookie) = &self.cookie {
            if !(1..=16).contains(&cookie.len()) {
                w.fail(EncodeError::out_of_range("length of the cookie", cookie.len(), "1 to 16 bytes"));
            }
            w.attr_with(TCA_ACT_COOKIE, |w| w.put(cookie));
        }
        self.flags.iter().for_each(|flags| w.attr(TCA_ACT_FLAGS, flags));
        self.hw_stats.iter().for_each(|bits| w.attr(TCA_ACT_HW_STATS, bits));
        self.unknown.encode(w);
    }

    fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        // The kind decides how the options are read, and the kernel does not promise an order.
        let find =
            |ty| Reader::new(payload).attrs().flatten().find(|attr| attr.ty == ty).map(|attr| attr.payload);
        let name = find(TCA_ACT_KIND);
        let mut kind = None;
        if let Some(name) = name {
            ActionKind::read(name, find(TCA_ACT_OPTIONS), &mut kind)?;
        }
        let mut action = Action::new(kind.ok_or_else(|| DecodeError::missing("TCA_ACT_KIND"))?);
        for attr in Reader::new(payload).attrs() {
            let attr = attr?;
            let payload = attr.payload;
            match attr.ty {
                TCA_ACT_KIND | TCA_ACT_OPTIONS | TCA_ACT_PAD => (),
                TCA_ACT_INDEX => action.index = Some(Value::decode(payload)?),
                TCA_ACT_STATS => {
                    action.stats.insert(Stats::default()).fill(Noun::Action, name, payload, None)?;
                }
                TCA_ACT_COOKIE => action.cookie = Some(payload.to_vec()),
                TCA_ACT_FLAGS => action.flags = Some(Value::decode(payload)?),
                TCA_ACT_HW_STATS => action.hw_stats = Some(Value::decode(payload)?),
                TCA_ACT_USED_HW_STATS => action.used_hw_stats = Some(Value::decode(payload)?),
                TCA_ACT_IN_HW_COUNT => action.in_hw_count = Some(Value::decode(payload)?),
                _ => action.unknown.push(attr.into()),
            }
        }
        Ok(action)
    }

    fn name_at(path: &[u16]) -> Option<&'static str> {
        let (first, _) = path.split_first()?;
        NAMES.iter().find(|(number, _)| number == first).map(|(_, name)| *name)
    }
}

/// The words behind `action` in a filter's command.
impl Display for Action {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)?;
        if let Some(cookie) = &self.cookie {
            f.write_str(" cookie ")?;
            cookie.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        }
        if let Some(bits) = self.hw_stats {
            f.write_str(match bits.value & bits.selector & 3 {
                0 => " hw_stats disabled",
                1 => " hw_stats immediate",
                2 => " hw_stats delayed",
                _ => " hw_stats any",
            })?;
        }
        let flags = self.flags.map_or(0, |flags| flags.value & flags.selector);
        for (flag, word) in FLAGS {
            if flags & flag != 0 {
                write!(f, " {word}")?;
            }
        }
        Ok(())
    }
}

#[cfg(any(test, feature = "generate"))]
impl crate::wire::generate::Generate for Action {
    fn generate(g: &mut crate::wire::generate::Source<'_>) -> Self {
        use crate::wire::generate::Generate;
        Action {
            cookie: Option::<[u8; 5]>::generate(g).map(Vec::from),
            flags: Generate::generate(g),
            unknown: g.list(1).into(),
            ..Action::new(ActionKind::generate(g))
        }
    }
}

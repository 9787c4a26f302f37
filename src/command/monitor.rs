use super::{Noun, Tool};
use crate::text::{WordError, Words};
use crate::units::Dev;
use std::fmt::{self, Display, Formatter};

/// What to watch: `tc monitor`, `ip monitor link route`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Monitor {
    /// Whose objects they are.
    pub tool: Tool,
    /// Which of them; all that the crate has if there are none here.
    pub objects: Vec<Noun>,
    /// Whether each event is shown with what it is about. iproute2 does so, too, when all are watched.
    pub label: bool,
    /// Only what happens to this device.
    pub dev: Option<Dev>,
}

/// The order in which `ip` asks for them; those that the crate has not are refused.
const IP: &[(&str, Option<Noun>)] = &[
    ("link", Some(Noun::Link)),
    ("address", Some(Noun::Address)),
    ("route", Some(Noun::Route)),
    ("mroute", None),
    ("prefix", None),
    ("neighbor", None),
    ("netconf", None),
    ("rule", Some(Noun::Rule)),
    ("nsid", None),
    ("nexthop", Some(Noun::Nexthop)),
    ("stats", None),
];

const NLM_F_ROOT: u16 = 0x100;
const NLM_F_REPLACE: u16 = 0x100;
const NLM_F_EXCL: u16 = 0x200;
const NLM_F_CREATE: u16 = 0x400;

impl Noun {
    /// What `tc monitor` and `ip monitor` say in front of an object that is gone, or new or replaced as far as the type and
    /// the NLM_F_ flags of the kernel's message say so: a field of JSON and words, for [`Page::happened`](crate::text::Page::happened).
    pub fn happened(self, ty: u16, flags: u16) -> Option<(&'static str, &'static str)> {
        let has = |flag: u16| flags & flag != 0;
        let (new, gone) = (ty == self.message_type(), ty == self.message_type() + 1);
        match (self.tool(), self) {
            (Tool::Ip, _) if gone => Some(("deleted", "Deleted ")),
            (Tool::Tc, Noun::Actions) if gone && has(NLM_F_ROOT) => Some(("flushed", "Flushed table ")),
            (Tool::Tc, Noun::Actions) if gone => Some(("deleted", "Deleted action ")),
            (Tool::Tc, Noun::Actions) if new && has(NLM_F_REPLACE) => Some(("replaced", "Replaced action ")),
            (Tool::Tc, Noun::Actions) if new => Some(("added", "Added action ")),
            (Tool::Tc, _) if gone => Some(("deleted", "deleted ")),
            (Tool::Tc, Noun::Qdisc | Noun::Filter | Noun::Chain) if new && has(NLM_F_CREATE) => match self {
                Noun::Qdisc if has(NLM_F_REPLACE) => Some(("replaced", "replaced ")),
                _ if has(NLM_F_EXCL) => Some(("added", "added ")),
                Noun::Qdisc => None,
                _ => Some(("replaced", "replaced ")),
            },
            _ => None,
        }
    }
}

impl Monitor {
    /// Everything of a tool.
    pub fn all(tool: Tool) -> Self {
        Monitor { tool, objects: Vec::new(), label: false, dev: None }
    }

    /// Whether it watches these.
    pub fn watches(&self, noun: Noun) -> bool {
        noun.tool() == self.tool && (self.objects.is_empty() || self.objects.contains(&noun))
    }

    /// Reads the words behind `monitor`.
    pub(super) fn hear(tool: Tool, words: &mut Words<'_>) -> Result<Self, WordError> {
        let mut monitor = Monitor::all(tool);
        let mut all = false;
        while let Some(word) = words.peek() {
            let found =
                IP.iter().find(|(name, _)| tool == Tool::Ip && !word.is_empty() && name.starts_with(word));
            match found {
                _ if tool == Tool::Ip && words.take_if_short("label") => monitor.label = true,
                _ if tool == Tool::Ip && words.take_if("dev") => monitor.dev = Some(words.dev()?),
                _ if tool == Tool::Ip && words.take_if("all") => (all, monitor.label) = (true, true),
                Some((_, Some(noun))) => {
                    words.take("an object")?;
                    if !monitor.objects.contains(noun) {
                        monitor.objects.push(*noun);
                    }
                }
                _ => return Err(words.error(Self::expected(tool))),
            }
        }
        if all {
            monitor.objects.clear();
        }
        Ok(monitor)
    }

    fn expected(tool: Tool) -> &'static str {
        match tool {
            Tool::Tc => "the end of the command",
            Tool::Ip => {
                "what can be watched here: expected link, address, route, rule, nexthop, all, label or dev"
            }
        }
    }
}

impl Display for Monitor {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} monitor", self.tool)?;
        if self.label {
            f.write_str(" label")?;
        }
        self.objects.iter().try_for_each(|noun| write!(f, " {}", noun.word()))?;
        self.dev.iter().try_for_each(|dev| write!(f, " dev {dev}"))
    }
}

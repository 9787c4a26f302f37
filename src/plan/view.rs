//! A plan as a tree.

use super::settle::parent;
use super::{Effect, Plan, Step, Tree};
use crate::command::AnyObject;
use crate::request::Verb;
use crate::tc::{Class, Filter, Place, Qdisc};
use crate::units::Handle;
use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

/// More levels than kernels allow: what nonsense may cost.
const DEEPEST: usize = 64;

/// The plan as a tree: what comes (+), changes (~) and goes (−), below what it stands in.
#[derive(Clone, Copy, Debug)]
pub struct View<'a>(&'a Plan);

impl Plan {
    /// The steps as a tree: each object that comes (`+`), changes or is made anew (`~`), or goes (`-`), with the effect and the
    /// reason, below the objects that it stands in. What stays as it is and has nothing to change below it is left out.
    pub fn tree(&self) -> View<'_> {
        View(self)
    }
}

/// Where an object stands, from the root on.
type Path = Vec<Name>;

/// What tells objects at one place apart. They are shown in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Name {
    /// A qdisc or a class.
    Queue(Handle),
    /// A shared block.
    Block(u32),
    /// A filter by its chain, prio and handle. Those whose handle the kernel will choose are told apart by their steps.
    Filter { chain: u32, prio: u16, handle: u32, step: Option<usize> },
    /// A chain.
    Chain(u32),
}

#[derive(Debug)]
struct Node<'a> {
    mark: char,
    text: String,
    step: Option<&'a Step>,
}

impl Display for View<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Plan { desired, before, steps, ends, .. } = self.0;
        let mut start = 0;
        for ((now, wanted), end) in before.devices.iter().zip(&desired.trees).zip(ends) {
            let steps = steps.get(start..*end).unwrap_or_default();
            start = *end;
            if steps.is_empty() {
                continue;
            }
            let places = Places::of(&now.tree, wanted);
            let mut nodes: BTreeMap<Path, Node<'_>> = BTreeMap::new();
            steps.iter().enumerate().for_each(|(index, step)| places.add(index, step, &mut nodes));
            writeln!(f, "  {}", wanted.dev())?;
            for (path, node) in &nodes {
                write!(f, "{} {:indent$}{}", node.mark, "", node.text, indent = 2 * path.len())?;
                match node.step {
                    Some(Step { effect: Effect::InPlace, reason, .. }) => writeln!(f, "  ({reason})")?,
                    Some(step) => writeln!(f, "  ({}: {})", step.effect, step.reason)?,
                    None => writeln!(f)?,
                }
            }
        }
        policy(steps.get(start..).unwrap_or_default(), f)
    }
}

/// The steps of the policy, in their order.
fn policy(steps: &[Step], f: &mut Formatter<'_>) -> fmt::Result {
    for (index, step) in steps.iter().enumerate() {
        if index == 0 {
            writeln!(f, "  policy")?;
        }
        // The words of the command without the program and the verb.
        let command = step.to_string();
        let words = command.strip_prefix("ip ").unwrap_or(&command);
        let words = words.replacen(&format!(" {} ", step.verb), " ", 1);
        write!(f, "{}   {words}  (", mark(step.verb))?;
        match step.effect {
            Effect::InPlace => writeln!(f, "{})", step.reason)?,
            effect => writeln!(f, "{effect}: {})", step.reason)?,
        }
    }
    Ok(())
}

fn mark(verb: Verb) -> char {
    match verb {
        Verb::Delete => '-',
        Verb::Add => '+',
        _ => '~',
    }
}

/// What stands where, of what is there and of what shall be.
struct Places<'a> {
    qdiscs: BTreeMap<Handle, &'a Qdisc>,
    classes: BTreeMap<Handle, &'a Class>,
    /// The qdiscs by place: those without a handle have no other name.
    at: BTreeMap<Handle, &'a Qdisc>,
}

impl<'a> Places<'a> {
    fn of(now: &'a Tree, wanted: &'a Tree) -> Self {
        let mut places = Places { qdiscs: BTreeMap::new(), classes: BTreeMap::new(), at: BTreeMap::new() };
        for tree in [now, wanted] {
            places.qdiscs.extend(tree.qdiscs().iter().map(|qdisc| (qdisc.handle, qdisc)));
            places.classes.extend(tree.classes().iter().map(|class| (class.id, class)));
            places.at.extend(tree.qdiscs().iter().map(|qdisc| (qdisc.parent, qdisc)));
        }
        places
    }

    fn add<'b>(&self, index: usize, step: &'b Step, nodes: &mut BTreeMap<Path, Node<'b>>) {
        let (path, text) = match &step.object {
            AnyObject::Qdisc(qdisc) => {
                let known = self.at.get(&qdisc.parent).filter(|_| qdisc.kind.is_none());
                (self.below(qdisc.parent), qdisc_text(known.copied().unwrap_or(qdisc)))
            }
            AnyObject::Class(class) => {
                let known = self.classes.get(&class.id).copied().unwrap_or(class);
                (self.path(class.id), class_text(known))
            }
            AnyObject::Filter(filter) => {
                let Filter { chain, prio, handle, .. } = *filter;
                let step = (handle == 0).then_some(index);
                let name = Name::Filter { chain: chain.unwrap_or(0), prio, handle, step };
                (self.at_place(filter.place, name), filter_text(filter))
            }
            AnyObject::Chain(chain) => {
                (self.at_place(chain.place, Name::Chain(chain.index)), format!("chain {}", chain.index))
            }
            _ => return,
        };
        for (length, text) in self.above(&path) {
            let above = path.get(..length).unwrap_or_default().to_vec();
            nodes.entry(above).or_insert(Node { mark: ' ', text, step: None });
        }
        let mark = mark(step.verb);
        nodes
            .entry(path)
            .and_modify(|node| {
                // What goes and comes again is made anew.
                node.mark = if node.step.is_some() { '~' } else { mark };
                (node.text, node.step) = (text.clone(), Some(step));
            })
            .or_insert(Node { mark, text, step: Some(step) });
    }

    /// The path of a class or a qdisc, by its handle.
    fn path(&self, handle: Handle) -> Path {
        let mut path = Path::new();
        let mut at = handle;
        for _ in 0..DEEPEST {
            path.push(Name::Queue(at));
            at = match (self.classes.get(&at), self.qdiscs.get(&at)) {
                (Some(class), _) => parent(class),
                (None, Some(qdisc)) => qdisc.parent,
                // A class that its qdisc made.
                (None, None) if at.minor() != 0 => Handle::qdisc(at.major()),
                (None, None) => break,
            };
            if matches!(at, Handle::ROOT | Handle::INGRESS | Handle::UNSPEC) {
                break;
            }
        }
        path.reverse();
        path
    }

    /// The path of the qdisc at a place.
    fn below(&self, place: Handle) -> Path {
        let mut path = match place {
            Handle::ROOT | Handle::INGRESS | Handle::UNSPEC => Path::new(),
            class => self.path(class),
        };
        path.push(Name::Queue(self.at.get(&place).map_or(Handle::UNSPEC, |qdisc| qdisc.handle)));
        path
    }

    fn at_place(&self, place: Place, name: Name) -> Path {
        let mut path = match place {
            Place::Dev { parent, .. } if parent.major() == 0xffff => self.below(Handle::INGRESS),
            Place::Dev { parent: Handle::UNSPEC, .. } => self.below(Handle::ROOT),
            Place::Dev { parent, .. } => self.path(parent),
            Place::Block(block) => vec![Name::Block(block)],
        };
        path.push(name);
        path
    }

    /// What an object stands in: the lengths of the paths, and how to call it.
    fn above<'b>(&'b self, path: &'b Path) -> impl Iterator<Item = (usize, String)> + 'b {
        (1..path.len()).filter_map(|length| {
            let text = match *path.get(length - 1)? {
                Name::Queue(handle) => match (self.classes.get(&handle), self.qdiscs.get(&handle)) {
                    (Some(class), _) => class_text(class),
                    (None, Some(qdisc)) => qdisc_text(qdisc),
                    (None, None) => format!("class {handle}"),
                },
                Name::Block(block) => format!("block {block}"),
                Name::Filter { .. } | Name::Chain(_) => return None,
            };
            Some((length, text))
        })
    }
}

fn qdisc_text(qdisc: &Qdisc) -> String {
    let kind = qdisc.kind.iter().map(|kind| format!(" {kind}"));
    match qdisc.handle {
        Handle::UNSPEC => format!("qdisc{}", kind.collect::<String>()),
        handle => format!("qdisc {handle}{}", kind.collect::<String>()),
    }
}

fn class_text(class: &Class) -> String {
    let kind = class.kind.iter().map(|kind| format!(" {kind}"));
    format!("class {}{}", class.id, kind.collect::<String>())
}

fn filter_text(filter: &Filter) -> String {
    // The words behind the place, as in the command.
    let whole = filter.to_string();
    let place = format!("tc filter add {} ", filter.place);
    format!("filter {}", whole.strip_prefix(&place).unwrap_or(&whole))
}

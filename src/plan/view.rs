//! A plan as a tree.

use super::settle::parent;
use super::{Effect, Plan, Step, Tree};
use crate::command::AnyObject;
use crate::request::Verb;
use crate::tc::{Class, Filter, Place, Qdisc};
use crate::units::{Dev, Handle};
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

/// Where an object stands: the handles from the root on, then what tells objects at one place apart.
type Path = Vec<(u32, u16, u32)>;

#[derive(Debug)]
struct Node<'a> {
    mark: char,
    text: String,
    step: Option<&'a Step>,
}

impl Display for View<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let devices = self.0.before.devices.iter().zip(&self.0.desired.trees);
        for (now, wanted) in devices {
            let places = Places::of(&now.tree, wanted);
            let mut nodes: BTreeMap<Path, Node<'_>> = BTreeMap::new();
            let steps = self.0.steps.iter().filter(|step| dev_of(&step.object) == Some(wanted.dev()));
            steps.for_each(|step| places.add(step, &mut nodes));
            if nodes.is_empty() {
                continue;
            }
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
        policy(&self.0.steps, f)
    }
}

/// The steps of the policy, in their order.
fn policy(steps: &[Step], f: &mut Formatter<'_>) -> fmt::Result {
    let is_of_policy = |step: &&Step| {
        use AnyObject::{Address, Nexthop, Route, Rule};
        matches!(step.object, Rule(_) | Route(_) | Nexthop(_) | Address(_))
    };
    for (index, step) in steps.iter().filter(is_of_policy).enumerate() {
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

    fn add<'b>(&self, step: &'b Step, nodes: &mut BTreeMap<Path, Node<'b>>) {
        let (path, text) = match &step.object {
            AnyObject::Qdisc(qdisc) => {
                let known = self.at.get(&qdisc.parent).filter(|_| qdisc.kind.is_none());
                (self.below(qdisc.parent, 0), qdisc_text(known.copied().unwrap_or(qdisc)))
            }
            AnyObject::Class(class) => {
                let known = self.classes.get(&class.id).copied().unwrap_or(class);
                (self.path(class.id), class_text(known))
            }
            AnyObject::Filter(filter) => {
                (self.at_place(filter.place, 1, filter.prio, filter.handle), filter_text(filter))
            }
            AnyObject::Chain(chain) => {
                (self.at_place(chain.place, 2, 0, chain.index), format!("chain {}", chain.index))
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
            path.push((at.raw(), 0, 0));
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
    fn below(&self, place: Handle, rest: u32) -> Path {
        let mut path = match place {
            Handle::ROOT | Handle::INGRESS | Handle::UNSPEC => Path::new(),
            class => self.path(class),
        };
        let handle = self.at.get(&place).map_or(0, |qdisc| qdisc.handle.raw());
        path.push((handle, 0, rest));
        path
    }

    fn at_place(&self, place: Place, what: u32, prio: u16, handle: u32) -> Path {
        let mut path = match place {
            Place::Dev { parent, .. } if parent.major() == 0xffff => self.below(Handle::INGRESS, 0),
            Place::Dev { parent: Handle::UNSPEC, .. } => self.below(Handle::ROOT, 0),
            Place::Dev { parent, .. } => self.path(parent),
            Place::Block(_) => Path::new(),
        };
        // Behind the classes of the same place.
        path.push((u32::MAX - 4 + what, prio, handle));
        path
    }

    /// What an object stands in: the lengths of the paths, and how to call it.
    fn above<'b>(&'b self, path: &'b Path) -> impl Iterator<Item = (usize, String)> + 'b {
        (1..path.len()).filter_map(|length| {
            let (raw, ..) = path.get(length - 1)?;
            let handle = Handle::from_raw(*raw);
            let text = match (self.classes.get(&handle), self.qdiscs.get(&handle)) {
                (Some(class), _) => class_text(class),
                (None, Some(qdisc)) => qdisc_text(qdisc),
                (None, None) => format!("class {handle}"),
            };
            Some((length, text))
        })
    }
}

fn dev_of(object: &AnyObject) -> Option<Dev> {
    match object {
        AnyObject::Qdisc(qdisc) => Some(qdisc.dev),
        AnyObject::Class(class) => Some(class.dev),
        AnyObject::Filter(Filter { place: Place::Dev { dev, .. }, .. }) => Some(*dev),
        AnyObject::Chain(chain) => match chain.place {
            Place::Dev { dev, .. } => Some(dev),
            Place::Block(_) => None,
        },
        _ => None,
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

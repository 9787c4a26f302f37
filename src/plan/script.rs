//! What a script leaves behind, as what is desired.

use super::{Desired, Policy, Tree};
use crate::command::{AnyObject, Command, Script, ScriptError};
use crate::request::Verb;
use crate::tc::{Chain, Class, Filter, Place, Qdisc};
use crate::units::{Dev, Handle, Name};

impl Desired {
    /// What the commands of a script leave behind if they are run on a machine where nothing of it is there: objects that are added,
    /// replaced and deleted again are not desired. Commands that only show something mean nothing here.
    ///
    /// The protocol of the policy is the first that is said of a rule, route or nexthop object; [`Policy::PROTOCOL`] if none is.
    ///
    /// `devices` knows the devices by name: filters and actions may name others than the one they stand at.
    ///
    /// # Errors
    /// The first line that changes or deletes what no line before it made (a qdisc may be deleted, as scripts do in the beginning),
    /// that is about an object which cannot be planned, such as a link, or that names a device which is not there.
    pub fn from_script(script: &Script, devices: &dyn Fn(Name) -> Option<Dev>) -> Result<Self, ScriptError> {
        let mut desired = Desired::new();
        for line in &script.lines {
            let mut line = line.clone();
            line.resolve(devices)?;
            if let Command::Do { verb, object } = &line.command {
                desired
                    .takes(*verb, object)
                    .map_err(|problem| ScriptError::new(line.number, format!("`{line}`: {problem}")))?;
            }
        }
        Ok(desired)
    }

    fn takes(&mut self, verb: Verb, object: &AnyObject) -> Result<(), &'static str> {
        match object {
            AnyObject::Qdisc(qdisc) => self.tree_of(qdisc.dev).ok_or(NO_TREE)?.take_qdisc(verb, qdisc),
            AnyObject::Class(class) => self.tree_of(class.dev).ok_or(NO_TREE)?.take_class(verb, class),
            AnyObject::Filter(filter) => self.tree_at(filter.place).ok_or(NO_TREE)?.take_filter(verb, filter),
            AnyObject::Chain(chain) => self.tree_at(chain.place).ok_or(NO_TREE)?.take_chain(verb, chain),
            AnyObject::Rule(_) | AnyObject::Route(_) | AnyObject::Nexthop(_) | AnyObject::Address(_) => {
                self.policy.get_or_insert_with(|| Policy::new(Policy::PROTOCOL)).take(verb, object)
            }
            _ => Err("this is not a part of what can be planned"),
        }
    }

    fn tree_of(&mut self, dev: Dev) -> Option<&mut Tree> {
        if !self.trees.iter().any(|tree| tree.dev == dev) {
            self.trees.push(Tree::new(dev));
        }
        self.trees.iter_mut().find(|tree| tree.dev == dev)
    }

    /// The tree that a filter belongs to; a block's is that of the first device that has it.
    fn tree_at(&mut self, place: Place) -> Option<&mut Tree> {
        let has = |qdisc: &Qdisc, block| [qdisc.ingress_block, qdisc.egress_block].contains(&Some(block));
        match place {
            Place::Dev { dev, .. } => self.tree_of(dev),
            Place::Block(block) => {
                self.trees.iter_mut().find(|tree| tree.qdiscs.iter().any(|qdisc| has(qdisc, block)))
            }
        }
    }
}

const NO_TREE: &str = "no qdisc has this block";
pub(super) const NOT_MADE: &str = "no line before it made this";
pub(super) const IS_MADE: &str = "a line before it made this already";

impl Tree {
    fn take_qdisc(&mut self, verb: Verb, qdisc: &Qdisc) -> Result<(), &'static str> {
        let parent = match qdisc.parent {
            Handle::UNSPEC => self
                .qdiscs
                .iter()
                .find(|there| there.handle == qdisc.handle)
                .map_or(Handle::UNSPEC, |there| there.parent),
            parent => parent,
        };
        let there = self.qdiscs.iter().position(|there| there.parent == parent);
        match (verb, there) {
            (Verb::Add, Some(_)) => return Err(IS_MADE),
            (Verb::Change | Verb::Link, None) => return Err(NOT_MADE),
            (Verb::Change, Some(index)) => {
                let mut changed = qdisc.clone();
                if let Some(there) = self.qdiscs.get_mut(index) {
                    (changed.parent, changed.handle) = (parent, there.handle);
                    *there = changed;
                }
                return Ok(());
            }
            (_, Some(index)) => {
                let gone = self.qdiscs.remove(index);
                self.without(gone.handle);
            }
            (_, None) => (),
        }
        if verb != Verb::Delete {
            self.qdiscs.push(Qdisc { parent, ..qdisc.clone() });
        }
        Ok(())
    }

    /// Drops what stands in a qdisc.
    fn without(&mut self, qdisc: Handle) {
        let mut gone = vec![qdisc];
        while let Some(qdisc) = gone.pop().filter(|qdisc| *qdisc != Handle::UNSPEC) {
            let is_in = |handle: Handle| handle.major() == qdisc.major();
            self.classes.retain(|class| !is_in(class.id));
            let at_it = |place: Place| matches!(place, Place::Dev { parent, .. } if is_in(parent));
            self.filters.retain(|filter| !at_it(filter.place));
            self.chains.retain(|chain| !at_it(chain.place));
            self.qdiscs.retain(|below| {
                let stands_in_it = is_in(below.parent) && below.parent != Handle::INGRESS;
                if stands_in_it {
                    gone.push(below.handle);
                }
                !stands_in_it
            });
        }
    }

    fn take_class(&mut self, verb: Verb, class: &Class) -> Result<(), &'static str> {
        let there = self.classes.iter_mut().find(|there| there.id == class.id);
        match (verb, there) {
            (Verb::Add, Some(_)) => return Err(IS_MADE),
            (Verb::Change, None) | (Verb::Delete, None) => return Err(NOT_MADE),
            (Verb::Delete, Some(_)) => {
                self.classes.retain(|there| there.id != class.id);
                if let Some(index) = self.qdiscs.iter().position(|qdisc| qdisc.parent == class.id) {
                    let gone = self.qdiscs.remove(index);
                    self.without(gone.handle);
                }
            }
            (_, Some(there)) => {
                let parent = if class.parent == Handle::UNSPEC { there.parent } else { class.parent };
                *there = Class { parent, ..class.clone() };
            }
            (_, None) => self.classes.push(class.clone()),
        }
        Ok(())
    }

    fn take_filter(&mut self, verb: Verb, filter: &Filter) -> Result<(), &'static str> {
        let is_it = |there: &Filter| {
            there.place == filter.place
                && there.chain.unwrap_or(0) == filter.chain.unwrap_or(0)
                && (filter.prio == 0 || there.prio == filter.prio)
                && (filter.handle == 0 || there.handle == filter.handle)
        };
        let named = filter.prio != 0 && filter.handle != 0;
        let there = self.filters.iter().position(is_it);
        match (verb, there) {
            (Verb::Add, Some(_)) if named => Err(IS_MADE),
            (Verb::Change, None) => Err(NOT_MADE),
            (Verb::Replace | Verb::Change, Some(index)) if named => {
                self.filters.get_mut(index).into_iter().for_each(|there| *there = filter.clone());
                Ok(())
            }
            (Verb::Change, _) => Err("it names no filter: prio and handle do"),
            (Verb::Delete, None) => Err(NOT_MADE),
            (Verb::Delete, Some(_)) => {
                self.filters.retain(|there| !is_it(there));
                Ok(())
            }
            _ => {
                self.filters.push(filter.clone());
                Ok(())
            }
        }
    }

    fn take_chain(&mut self, verb: Verb, chain: &Chain) -> Result<(), &'static str> {
        let is_it = |there: &Chain| there.place == chain.place && there.index == chain.index;
        let is_there = self.chains.iter().any(is_it);
        match verb {
            Verb::Delete if !is_there => return Err(NOT_MADE),
            Verb::Delete => self.chains.retain(|there| !is_it(there)),
            _ if is_there => return Err(IS_MADE),
            _ => self.chains.push(chain.clone()),
        }
        Ok(())
    }
}

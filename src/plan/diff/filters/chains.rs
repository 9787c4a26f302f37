//! Chains that stand without filters, and those that have a template.

use super::super::super::settle::Entry;
use super::super::super::step::{Effect, Step};
use super::super::super::Finding;
use super::requests::delete_chain;
use super::{Chained, Diff, NOT_THERE, NOT_WANTED, OUT_OF_SCOPE};
use crate::request::Verb;
use crate::tc::Chain;
use std::collections::BTreeMap;

impl<'a> Diff<'a> {
    pub(super) fn chains(&mut self) {
        let mut old: BTreeMap<Chained, &Entry<'_, Chain>> = BTreeMap::new();
        for chain in self.old_chains {
            if !self.ground.is_lost(chain.settled.place) {
                old.insert((chain.settled.place, chain.settled.index), chain);
            }
        }
        for new in self.new_chains {
            let place = self.ground.name(new.settled.place);
            let key = (place, new.settled.index);
            if !self.in_scope(key) {
                self.steps.findings.push(Finding::error(new.said, OUT_OF_SCOPE));
            } else if !self.ground.has(place) {
                self.steps.findings.push(Finding::error(new.said, super::NO_PLACE));
            } else {
                self.chain(old.remove(&key), new, key);
            }
        }
        for (key, chain) in old {
            if self.in_scope(key) && (key.1 != 0 || chain.settled.template.is_some()) {
                self.unwanted(chain, key);
            }
        }
    }

    fn chain(&mut self, old: Option<&Entry<'_, Chain>>, new: &Entry<'_, Chain>, key: Chained) {
        let add = |effect, reason: &'static str| Step::new(Verb::Add, new.said.clone(), effect, reason);
        let Some(old) = old else {
            // The kernel has one where packets enter, and lists it when it has filters.
            if key.1 != 0 || new.settled.template.is_some() {
                self.lists.chains.push(add(Effect::InPlace, NOT_THERE));
            }
            return;
        };
        let (effect, reason) = if old.settled.template != new.settled.template {
            (Effect::Disruptive, "its template differs, and the kernel cannot change it")
        } else if self.has_old(key) && !self.has_new(key) && key.1 != 0 {
            // Whether somebody made it, or its filters, is not known: it might go with them.
            (Effect::InPlace, "its filters are not wanted")
        } else {
            return;
        };
        if self.flush(old, key, true, effect, reason) {
            self.lists.chains.push(add(effect, reason));
        }
    }

    fn unwanted(&mut self, chain: &Entry<'_, Chain>, key: Chained) {
        match (self.has_new(key), &chain.settled.template) {
            // Filters make a chain when they come: there is no difference.
            (true, None) => (),
            (true, Some(_)) => {
                let reason = "its template is not wanted";
                self.flush(chain, key, true, Effect::Disruptive, reason);
            }
            // Others' filters keep it.
            (false, _) if self.has_foreign(key) => (),
            (false, _) => {
                self.flush(chain, key, false, Effect::InPlace, NOT_WANTED);
            }
        }
    }

    /// Deletes a chain with all its filters, unless some are others'.
    fn flush(
        &mut self,
        chain: &Entry<'_, Chain>,
        key: Chained,
        is_early: bool,
        effect: Effect,
        reason: &'static str,
    ) -> bool {
        if self.has_foreign(key) {
            let problem =
                "it would have to be made anew, and has filters that are outside of the tree's scope";
            self.steps.findings.push(Finding::error(chain.said, problem));
            return false;
        }
        let rows: Vec<_> = self.old.range(super::rows_of(key)).map(|(row, _)| *row).collect();
        let is_early = is_early || rows.iter().any(|row| self.makes_room(row));
        for row in rows {
            if let Some(group) = self.old.remove(&row) {
                self.wipe(row, &group, is_early);
            }
        }
        let step = delete_chain(chain.said, effect, reason);
        match is_early {
            true => self.lists.early_chains.push(step),
            false => self.lists.late_chains.push(step),
        }
        true
    }

    fn in_scope(&self, (place, index): Chained) -> bool {
        self.scope.has_filter((place, index, *self.scope.prios.start()))
    }

    fn has_old(&self, key: Chained) -> bool {
        self.old.range(super::rows_of(key)).next().is_some()
    }

    fn has_new(&self, key: Chained) -> bool {
        self.automatic.contains_key(&key) || self.new.range(super::rows_of(key)).next().is_some()
    }

    fn has_foreign(&self, key: Chained) -> bool {
        self.foreign.range(super::rows_of(key)).next().is_some()
    }
}

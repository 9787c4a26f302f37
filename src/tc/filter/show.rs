//! How filters and chains show themselves.

use super::Filter;
use crate::tc::{shown, Chain, FilterKind, Place};
use crate::text::{Page, Show};
use crate::units::Handle;

/// Shows what stands first: what became of it, what it is, and its place where the question has not said that.
fn show_head(noun: &str, place: Place, page: &mut Page) {
    page.text(format_args!("{noun} "));
    match place {
        Place::Block(_) if page.has_said("block") => (),
        Place::Block(block) => page.field("block", block, format_args!("block {block} ")),
        Place::Dev { dev, parent } => {
            shown::dev(dev, page);
            match parent {
                _ if page.has_said("parent") => (),
                Handle::MIN_INGRESS => page.field("ingress", true, "ingress "),
                Handle::MIN_EGRESS => page.field("egress", true, "egress "),
                parent => shown::parent(parent, page),
            }
        }
    }
}

impl Show for Filter {
    fn show(&self, page: &mut Page) {
        page.object(|page| {
            show_head("filter", self.place, page);
            if let Some(protocol) = self.protocol.filter(|_| !page.has_said("protocol")) {
                let protocol = protocol.shown(page.layout().numeric);
                page.field("protocol", protocol.as_str(), format_args!("protocol {protocol} "));
            }
            if self.prio != 0 && !page.has_said("pref") {
                page.field("pref", self.prio, format_args!("pref {} ", self.prio));
            }
            if let Some(kind) = &self.kind {
                page.field("kind", kind.name(), format_args!("{} ", kind.name()));
            }
            if let Some(chain) = self.chain.filter(|_| !page.has_said("chain")) {
                page.field("chain", chain, format_args!("chain {chain} "));
            }
            self.show_options(page);
            page.line();
            if let Some(stats) = self.stats.as_ref().filter(|_| page.layout().stats > 0) {
                stats.show_old(page);
                page.line();
            }
        });
    }
}

impl Filter {
    fn show_options(&self, page: &mut Page) {
        match &self.kind {
            None => (),
            Some(FilterKind::Other(other)) => {
                let Some(options) = &other.options else { return };
                page.object_in("options", |page| match options.len() {
                    0 => (),
                    len => page.text(format_args!("fh {:08x} [Unknown filter, optlen={len}] ", self.handle)),
                });
            }
            Some(kind) if kind.has_options() => {
                page.object_in("options", |page| kind.show_filter(self, page))
            }
            Some(_) => (),
        }
    }
}

impl Show for Chain {
    fn show(&self, page: &mut Page) {
        page.object(|page| {
            // As the kernel says it: by the handle of the qdisc, whichever side of it or class of it the chain is at.
            let place = match self.place {
                Place::Dev { dev, parent } if ![Handle::ROOT, Handle::UNSPEC].contains(&parent) => {
                    Place::Dev { dev, parent: Handle::new(parent.major(), 0) }
                }
                place => place,
            };
            show_head("chain", place, page);
            if let Some(template) = &self.template {
                page.field("kind", template.name(), format_args!("{} ", template.name()));
            }
            if !page.has_said("chain") {
                page.field("chain", self.index, format_args!("chain {} ", self.index));
            }
            page.line();
        });
    }
}

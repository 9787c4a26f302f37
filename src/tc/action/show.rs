//! How actions show themselves: by themselves and in filters.

use super::{Action, Actions, Bits, FLAGS, SKIP_BOTH};
use crate::tc::{ActionKind, ActionTable};
use crate::text::{Page, Show};

/// The bits of TCA_ACT_HW_STATS and their words.
const HW_STATS: [(u32, &str); 2] = [(1, "immediate"), (2, "delayed")];
const SKIP_HW: u32 = 2;

impl Action {
    /// Shows it with its place in the list. In filters iproute2 leaves out what hardware does.
    fn show(&self, order: u64, in_filter: bool, page: &mut Page) {
        page.line();
        page.object(|page| {
            page.field("order", order, format_args!("\taction order {order}: "));
            match (&self.kind, self.index) {
                // Only a terse answer has the index outside the options, which it leaves out.
                (kind, Some(index)) => {
                    page.field("kind", kind.name(), format_args!("{} ", kind.name()));
                    page.field("index", index, format_args!("\t index {index}"));
                    page.line();
                }
                (ActionKind::Other(other), None) => {
                    page.json("kind", &*other.name);
                    let len = other.options.as_ref().map_or(0, Vec::len);
                    page.text(format_args!("{} [Unknown action, optlen={len}] ", other.name));
                    page.line();
                }
                (kind, None) => kind.show(page),
            }
            if let Some(stats) = self.stats.as_ref().filter(|_| page.layout().stats > 0) {
                page.text("\tAction statistics:");
                page.line();
                page.object_in("stats", |page| stats.show_counters("\t", page));
                page.line();
            }
            if let Some(cookie) = &self.cookie {
                let hex: String = cookie.iter().map(|byte| format!("{byte:02x}")).collect();
                page.field("cookie", hex.as_str(), format_args!("\tcookie {hex}"));
                page.line();
            }
            self.show_flags(in_filter, page);
            show_hw_stats("hw_stats", self.hw_stats, page);
            show_hw_stats("used_hw_stats", self.used_hw_stats, page);
        });
    }

    fn show_flags(&self, in_filter: bool, page: &mut Page) {
        let Bits { value, selector } = self.flags.unwrap_or_default();
        let said = FLAGS
            .into_iter()
            .filter(|(flag, _)| selector & flag != 0 && !(in_filter && flag & SKIP_BOTH != 0));
        let count = self.in_hw_count.filter(|_| !in_filter && selector & value & SKIP_HW == 0);
        let any = said.clone().count() > 0 || count.is_some();
        for (flag, word) in said {
            page.field(word, value & flag != 0, format_args!("\t{word}"));
        }
        match count {
            None => (),
            Some(0) => page.field("not_in_hw", true, "\tnot_in_hw"),
            Some(count) => {
                page.field("in_hw", true, "\tin_hw");
                page.field("in_hw_count", count, format_args!(" in_hw_count {count}"));
            }
        }
        if any {
            page.line();
        }
    }
}

fn show_hw_stats(key: &str, bits: Option<Bits>, page: &mut Page) {
    let Some(bits) = bits else { return };
    let bits = bits.value & bits.selector;
    page.text(format_args!("\t{key}"));
    page.list(key, |page| {
        if bits == 0 {
            page.item("disabled", " disabled");
        }
        for (_, word) in HW_STATS.into_iter().filter(|(bit, _)| bits & bit != 0) {
            page.item(word, format_args!(" {word}"));
        }
    });
    page.line();
}

/// Shows the actions of a filter.
pub(in crate::tc) fn show_all(actions: Option<&Actions>, page: &mut Page) {
    let Some(actions) = actions else { return };
    page.list("actions", |page| {
        actions.0.iter().for_each(|(order, action)| action.show((*order).into(), true, page))
    });
}

/// Two objects in JSON: how many actions there are, and the actions. What happened to them stands between, in text only.
impl Show for ActionTable {
    fn show(&self, page: &mut Page) {
        let happened = page.take_happened();
        let count = self.count.unwrap_or_default();
        page.object(|page| {
            page.field("total acts", count, format_args!("total acts {count}"));
            page.line();
        });
        match happened {
            Some(("flushed", words)) => return self.show_flushed(words, page),
            Some((_, words)) => page.text(words),
            None => (),
        }
        // Lists count from 0, answers about actions that were named from 1.
        let first = if self.count.is_some() { 0 } else { 1 };
        page.object(|page| {
            page.list("actions", |page| {
                (first..).zip(&self.actions).for_each(|(order, action)| action.show(order, false, page));
            });
        });
    }
}

impl ActionTable {
    /// The kernel says the kind and how many there were: that number (TCA_FCNT) is the cookie's.
    fn show_flushed(&self, words: &str, page: &mut Page) {
        let Some(Action { kind, cookie, .. }) = self.actions.first() else { return };
        let count =
            cookie.as_deref().and_then(<[u8]>::first_chunk).map_or(0, |count| u32::from_ne_bytes(*count));
        page.object(|page| {
            page.json("flushed", true);
            page.field("kind", kind.name(), format_args!("{words} {}", kind.name()));
            // tc breaks the line here even where all is to stand on one.
            page.field("count", count, format_args!(" ({count} entries)\n"));
        });
    }
}

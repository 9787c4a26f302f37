use super::Class;
use crate::tc::{shown, ClassKind};
use crate::text::{Page, Show};
use crate::units::Handle;

/// As `tc class show` lays it out.
impl Show for Class {
    fn show(&self, page: &mut Page) {
        page.object(|page| {
            let kind = self.kind.as_ref().map_or("", ClassKind::name);
            page.field("class", kind, format_args!("class {kind} "));
            // Where the question says the qdisc, its half of the handles is left out.
            let brief = |handle: Handle, page: &Page| match page.has_said("qdisc") {
                true => Handle::new(0, handle.minor()),
                false => handle,
            };
            let id = match self.id {
                Handle::UNSPEC => String::new(),
                id => brief(id, page).to_string(),
            };
            page.field("handle", id.as_str(), format_args!("{id} "));
            shown::dev(self.dev, page);
            let parent = match self.parent {
                Handle::ROOT => Handle::ROOT,
                parent => brief(parent, page),
            };
            shown::parent(parent, page);
            if let Some(leaf) = self.leaf {
                let leaf = leaf.major();
                page.field("leaf", format!("{leaf:#x}"), format_args!("leaf {leaf:x}: "));
            }
            self.kind.iter().for_each(|kind| kind.show(page));
            page.line();
            if page.layout().stats > 0 {
                page.object_in("stats", |page| self.stats.iter().for_each(|stats| stats.show(page)));
            }
        });
    }
}

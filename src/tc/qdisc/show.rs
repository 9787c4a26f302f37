use super::Qdisc;
use crate::tc::{shown, Other, QdiscKind};
use crate::text::{Page, Show};
use crate::units::Handle;

/// As `tc qdisc show` lays it out.
impl Show for Qdisc {
    fn show(&self, page: &mut Page) {
        page.object(|page| {
            self.show_place(page);
            if self.references != 1 {
                page.field("refcnt", self.references, format_args!("refcnt {} ", self.references));
            }
            if self.offloaded {
                page.field("offloaded", true, "offloaded ");
            }
            for (word, block) in [("ingress_block", self.ingress_block), ("egress_block", self.egress_block)]
            {
                if let Some(block) = block.filter(|block| *block != 0) {
                    page.field(word, block, format_args!("{word} {block} "));
                }
            }
            page.object_in("options", |page| match &self.kind {
                Some(QdiscKind::Other(Other { options: Some(options), .. })) if !options.is_empty() => {
                    page.text(format_args!("[Unknown qdisc, optlen={}] ", options.len()));
                }
                kind => kind.iter().for_each(|kind| kind.show(page)),
            });
            page.line();
            if let Some(stab) = self.stab.as_ref().filter(|_| page.layout().details) {
                page.object_in("stab", |page| stab.show(page));
                page.line();
            }
            if let Some(stats) = self.stats.as_ref().filter(|_| page.layout().stats > 0) {
                stats.show(page);
            }
        });
    }
}

impl Qdisc {
    /// Kind, handle, device and parent.
    fn show_place(&self, page: &mut Page) {
        let kind = self.kind.as_ref().map_or("", QdiscKind::name);
        page.field("kind", kind, format_args!("qdisc {kind} "));
        let handle = format!("{:x}:", self.handle.major());
        page.field("handle", handle.as_str(), &handle);
        page.text(if page.layout().raw { format!("[{:08x}] ", self.handle.raw()) } else { " ".to_owned() });
        shown::dev(self.dev, page);
        if self.parent != Handle::UNSPEC {
            shown::parent(self.parent, page);
        }
    }
}

//! Nexthop objects as `ip nexthop show` has them.

use super::{Group, GroupType, Nexthop, Resilient};
use crate::route::show::{dev, flags, named, six_digits};
use crate::route::{RouteProtocol, Scope};
use crate::text::{Page, Scalar, Show};

impl Show for Nexthop {
    fn show(&self, page: &mut Page) {
        page.object(|page| {
            self.show_fields(page);
            page.text("\n");
        });
    }
}

impl Nexthop {
    /// Shows what stands in the object, which is a part of a route where details are asked for.
    pub(in crate::route) fn show_fields(&self, page: &mut Page) {
        let details = page.layout().details;
        page.field("id", self.id, format_args!("id {} ", self.id));
        self.group.iter().for_each(|group| group.show(page));
        self.encap.iter().for_each(|encap| encap.show(page));
        if let Some(gateway) = self.gateway {
            page.field("gateway", gateway.to_string(), format_args!("via {gateway} "));
        }
        if let Some(out) = self.dev {
            let name = dev(out, page);
            page.field("dev", name.as_str(), format_args!("dev {name} "));
        }
        if self.scope != Scope::GLOBAL || details {
            let name = named(self.scope, self.scope.0, page);
            page.field("scope", name.as_str(), format_args!("scope {name} "));
        }
        if self.blackhole {
            page.field("blackhole", Scalar::Null, "blackhole ");
        }
        if self.protocol != RouteProtocol::UNSPEC || details {
            let name = named(self.protocol, self.protocol.0, page);
            page.field("protocol", name.as_str(), format_args!("proto {name} "));
        }
        flags(self.flags, page);
        if self.fdb {
            page.field("fdb", Scalar::Null, "fdb");
        }
    }
}

impl Group {
    fn show(&self, page: &mut Page) {
        if !self.members.is_empty() {
            page.text("group ");
            page.list("group", |page| self.show_members(page));
            page.text(" ");
        }
        match self.kind {
            None | Some(GroupType::MPATH) => (),
            Some(GroupType::RESILIENT) => page.field("type", "resilient", "type resilient "),
            Some(_) => page.field("type", "<unknown type>", "type <unknown type> "),
        }
        if let Some(table) = &self.resilient {
            page.object_in("resilient_args", |page| table.show(page));
        }
    }

    fn show_members(&self, page: &mut Page) {
        for (index, member) in self.members.iter().enumerate() {
            page.object(|page| {
                page.text(if index == 0 { "" } else { "/" });
                page.field("id", member.id, member.id);
                if member.weight != 1 {
                    page.field("weight", member.weight, format_args!(",{}", member.weight));
                }
            });
        }
    }
}

impl Resilient {
    fn show(&self, page: &mut Page) {
        if let Some(buckets) = self.buckets {
            page.field("buckets", buckets, format_args!("buckets {buckets} "));
        }
        let times = [
            ("idle_timer", self.idle_timer.map(f64::from)),
            ("unbalanced_timer", self.unbalanced_timer.map(f64::from)),
            // It would have to last for millions of years to be rounded.
            ("unbalanced_time", self.unbalanced_time.map(|ticks| ticks as f64)),
        ];
        for (word, ticks) in times {
            if let Some(ticks) = ticks {
                let seconds = ticks / 100.0;
                page.field(word, seconds, format_args!("{word} {} ", six_digits(seconds)));
            }
        }
    }
}

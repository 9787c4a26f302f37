//! Routes as `ip route show` and `ip route get` have them.

use super::{Route, RouteCache, RouteFlags};
use crate::route::show::{dev, flags, gateway, named, realms, table, tos};
use crate::route::RouteProtocol;
use crate::route::{Family, Nexthop, Preference, Prefix, RouteType, Scope};
use crate::text::{Page, Show};

/// As `ip route show` prints it. What the question said, which [`Routes`](super::Routes) tells the page, is left out.
///
/// With details, `ip` also shows the nexthop object that a route uses: see [`Route::show_with`].
impl Show for Route {
    fn show(&self, page: &mut Page) {
        self.show_with(None, page);
    }
}

impl Route {
    /// Shows the route, and with details ([`Layout::details`](crate::text::Layout)) the nexthop object that it uses. `ip` reads
    /// the object for each route whose `nexthop_id` it meets, and shows none that is gone in the meantime.
    pub fn show_with(&self, nexthop: Option<&Nexthop>, page: &mut Page) {
        page.object(|page| {
            self.show_destination(page);
            self.show_way(page);
            self.show_header(page);
            flags(self.flags, page);
            self.show_packet(page);
            self.show_cache(page);
            self.metrics.show(page);
            if let Some(iif) = self.iif.filter(|_| !page.has_said("iif")) {
                let name = dev(iif, page);
                page.field("iif", name.as_str(), format_args!("iif {name} "));
            }
            if let Some(preference) = self.preference {
                let text = preference.to_string();
                // ip forgets the word, and the blank, in front of a number.
                let known = [Preference::LOW, Preference::MEDIUM, Preference::HIGH].contains(&preference);
                page.field("pref", text.as_str(), format_args!("{}{text}", if known { "pref " } else { "" }));
            }
            if let Some(on) = self.ttl_propagate {
                let text = if on { "enabled" } else { "disabled" };
                page.field("ttl-propogate", on, format_args!("ttl-propogate {text}"));
            }
            if let Some(nexthop) = nexthop.filter(|_| page.layout().details) {
                // A real line break even where each object stands on one line.
                page.text("\n\tnh_info ");
                page.object_in("nh_info", |page| nexthop.show_fields(page));
            }
            if !self.hops.is_empty() {
                page.list("nexthops", |page| self.hops.iter().for_each(|hop| hop.show(self.family(), page)));
            }
            page.text("\n");
        });
    }

    fn show_destination(&self, page: &mut Page) {
        if let Some(kind) = self.kind.filter(|kind| *kind != RouteType::UNICAST || page.layout().details) {
            let name = named(kind_name(kind), kind.0, page);
            page.field("type", name.as_str(), format_args!("{name} "));
        }
        let to = match self.to {
            Prefix::ANY_V4 | Prefix::ANY_V6 => "default".to_owned(),
            prefix => prefix.to_string(),
        };
        page.field("dst", to.as_str(), format_args!("{to} "));
        if let Some(from) = self.from {
            page.field("from", from.to_string(), format_args!("from {from} "));
        }
    }

    fn show_way(&self, page: &mut Page) {
        self.encap.iter().for_each(|encap| encap.show(page));
        if self.tos != 0 && !page.has_said("tos") {
            let name = tos(self.tos, page);
            page.field("tos", name.as_str(), format_args!("tos {name} "));
        }
        if let Some(id) = self.nexthop_id {
            page.field("nhid", id, format_args!("nhid {id} "));
        }
        let said = page.has_said("via");
        if let Some(via) = self.gateway.filter(|via| !said || Family::of(*via) != self.family()) {
            gateway(self.family(), via, page);
        }
        if let Some(out) = self.dev.filter(|_| !page.has_said("dev")) {
            let name = dev(out, page);
            page.field("dev", name.as_str(), format_args!("dev {name} "));
        }
    }

    fn show_header(&self, page: &mut Page) {
        let details = page.layout().details;
        if self.table != 0 && (self.table != Self::MAIN || details) && !page.has_said("table") {
            let name = table(self.table, page);
            page.field("table", name.as_str(), format_args!("table {name} "));
        }
        if !self.flags.contains(RouteFlags::CLONED) {
            let protocol = self.protocol.filter(|protocol| *protocol != RouteProtocol::BOOT || details);
            if let Some(protocol) = protocol.filter(|_| !page.has_said("protocol")) {
                let name = named(protocol, protocol.0, page);
                page.field("protocol", name.as_str(), format_args!("proto {name} "));
            }
            let scope = self.scope.filter(|scope| *scope != Scope::GLOBAL || details);
            if let Some(scope) = scope.filter(|_| !page.has_said("scope")) {
                let name = named(scope, scope.0, page);
                page.field("scope", name.as_str(), format_args!("scope {name} "));
            }
        }
        if let Some(source) = self.source.filter(|_| !page.has_said("src")) {
            page.field("prefsrc", source.to_string(), format_args!("src {source} "));
        }
        if let Some(metric) = self.metric.filter(|_| !page.has_said("metric")) {
            page.field("metric", metric, format_args!("metric {metric} "));
        }
    }

    /// What belongs to the packet that was looked up.
    fn show_packet(&self, page: &mut Page) {
        match self.mark {
            None | Some(0) => (),
            Some(mark @ 1..16) => page.field("mark", mark, format_args!("mark {mark} ")),
            Some(mark) => page.field("mark", mark, format_args!("mark {mark:#x} ")),
        }
        if let Some(pair) = self.realms.filter(|_| !page.has_said("realms")) {
            realms(pair, page);
        }
        if let Some(uid) = self.uid {
            page.field("uid", uid, format_args!("uid {uid} "));
        }
    }

    fn show_cache(&self, page: &mut Page) {
        if self.family() == Family::V4 && self.flags.contains(RouteFlags::CLONED) {
            page.line();
            page.text("    cache ");
            cache_flags(self.flags, page);
        }
        self.cache.iter().for_each(|cache| cache.show(page));
    }
}

/// `unspec` has no name in what `ip` shows.
fn kind_name(kind: RouteType) -> String {
    match kind {
        RouteType::UNSPEC => "none".to_owned(),
        kind => kind.to_string(),
    }
}

/// RTCF_ of `include/uapi/linux/in_route.h`, which stand in the high half of the flags.
fn cache_flags(flags: RouteFlags, page: &mut Page) {
    const WORDS: [(u32, &str); 14] = [
        (0x8000_0000, "local"),
        (0x4000_0000, "reject"),
        (0x2000_0000, "mc"),
        (0x1000_0000, "brd"),
        (0x0800_0000, "dst-nat"),
        (0x0080_0000, "src-nat"),
        (0x0040_0000, "masq"),
        (0x0002_0000, "dst-direct"),
        (0x0400_0000, "src-direct"),
        (0x0004_0000, "redirected"),
        (0x0100_0000, "redirect"),
        (0x0020_0000, "fastroute"),
        (0x0001_0000, "notify"),
        (0x0008_0000, "proxy"),
    ];
    let mut rest = flags.bits() & !0xffff;
    page.list("cache", |page| {
        if rest == 0 {
            return;
        }
        page.text("<");
        for (bit, word) in WORDS {
            if rest & bit != 0 {
                rest &= !bit;
                page.item(word, format_args!("{word}{}", if rest == 0 { "" } else { "," }));
            }
        }
        if rest != 0 {
            page.item(format!("{rest:#x}"), format_args!("{rest:x}"));
        }
        page.text("> ");
    });
}

impl RouteCache {
    fn show(&self, page: &mut Page) {
        if self.expires != 0 {
            let seconds = self.expires / 100;
            page.field("expires", seconds, format_args!("expires {seconds}sec "));
        }
        if self.error != 0 {
            // A negative number that ip shows without its sign.
            let error = self.error as u32;
            page.field("error", error, format_args!("error {error} "));
        }
        if page.layout().stats > 0 {
            for (key, value) in [("users", self.references), ("used", self.used)] {
                if value != 0 {
                    page.field(key, value, format_args!("{key} {value} "));
                }
            }
            if self.last_use != 0 {
                let age = self.last_use / 100;
                page.field("age", age, format_args!("age {age}sec "));
            }
        }
        if self.id != 0 {
            page.field("ipid", format!("{:#x}", self.id), format_args!("ipid {:#06x} ", self.id));
        }
        if self.ts != 0 || self.ts_age != 0 {
            page.field("ts", format!("{:#x}", self.ts), format_args!("ts {:#x}", self.ts));
            page.field("tsage", self.ts_age, format_args!("tsage {}sec ", self.ts_age));
        }
    }
}

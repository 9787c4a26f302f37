//! Rules as `ip rule show` has them.

use super::{PortRange, Rule, RuleAction, RuleFlags};
use crate::route::show::{dscp, group, ip_proto, named, realm, table, tos};
use crate::route::{Prefix, RouteProtocol, RouteType};
use crate::text::{Page, Scalar, Show};

impl Show for Rule {
    fn show(&self, page: &mut Page) {
        page.object(|page| {
            let priority = self.priority.unwrap_or(0);
            page.field("priority", priority, format_args!("{priority}:\t"));
            if self.flags.contains(RuleFlags::INVERT) {
                page.field("not", Scalar::Null, "not ");
            }
            self.show_addresses(page);
            self.show_marks(page);
            self.show_devices(page);
            self.show_sockets(page);
            self.show_table(page);
            self.show_action(page);
            let usual = [RouteProtocol::UNSPEC, RouteProtocol::KERNEL];
            if let Some(protocol) =
                self.protocol.filter(|protocol| page.layout().details || !usual.contains(protocol))
            {
                let name = named(protocol, protocol.0, page);
                page.field("protocol", name.as_str(), format_args!(" proto {name}"));
            }
            page.text("\n");
        });
    }
}

impl Rule {
    fn show_addresses(&self, page: &mut Page) {
        match self.from {
            None => page.field("src", "all", "from all"),
            Some(from) => selector(["src", "srclen", "from "], from, page),
        }
        if let Some(to) = self.to {
            selector(["dst", "dstlen", " to "], to, page);
        }
    }

    fn show_marks(&self, page: &mut Page) {
        if self.tos != 0 {
            let name = tos(self.tos, page);
            page.field("tos", name.as_str(), format_args!(" tos {name}"));
        }
        if let Some(point) = self.dscp {
            let name = dscp(point, page);
            page.field("dscp", name.as_str(), format_args!(" dscp {name}"));
            mask("dscp_mask", self.dscp_mask.filter(|mask| *mask != 0x3f), page);
        }
        if self.fwmark.is_some() || self.fwmask.is_some() {
            let mark = hex(self.fwmark.unwrap_or(0));
            page.field("fwmark", mark.as_str(), format_args!(" fwmark {mark}"));
            mask("fwmask", self.fwmask.filter(|mask| *mask != u32::MAX), page);
        }
    }

    fn show_devices(&self, page: &mut Page) {
        for (word, lost, name, detached) in [
            ("iif", "iif_detached", self.iif, RuleFlags::IIF_DETACHED),
            ("oif", "oif_detached", self.oif, RuleFlags::OIF_DETACHED),
        ] {
            let Some(name) = name else { continue };
            page.field(word, name.as_str(), format_args!(" {word} {name}"));
            if self.flags.contains(detached) {
                page.field(lost, Scalar::Null, " [detached]");
            }
        }
        if self.l3mdev {
            page.field("l3mdev", Scalar::Null, " lookup [l3mdev-table]");
        }
    }

    /// What the sender's socket and the packet's transport header are matched by.
    fn show_sockets(&self, page: &mut Page) {
        if let Some(uids) = self.uids {
            page.field("uid_start", uids.start, format_args!(" uidrange {}", uids.start));
            page.field("uid_end", uids.end, format_args!("-{}", uids.end));
        }
        if let Some(number) = self.ip_proto {
            let name = ip_proto(number, page);
            page.field("ipproto", name.as_str(), format_args!(" ipproto {name}"));
        }
        ports(["sport", "sport_start", "sport_end", "sport_mask"], self.sport, self.sport_mask, page);
        ports(["dport", "dport_start", "dport_end", "dport_mask"], self.dport, self.dport_mask, page);
        if let Some(id) = self.tun_id {
            page.field("tun_id", id, format_args!(" tun_id {id}"));
        }
        if let Some(label) = self.flowlabel {
            let label = format!("{label:#x}");
            page.field("flowlabel", label.as_str(), format_args!(" flowlabel {label}"));
            mask("flowlabel_mask", self.flowlabel_mask.filter(|mask| *mask != 0xf_ffff), page);
        }
    }

    /// Where it looks, whatever its action is.
    fn show_table(&self, page: &mut Page) {
        if let Some(number) = self.table {
            let name = table(number, page);
            page.field("table", name.as_str(), format_args!(" lookup {name}"));
            if let Some(len) = self.suppress_prefixlength {
                page.field("suppress_prefixlen", len, format_args!(" suppress_prefixlength {len}"));
            }
            if let Some(number) = self.suppress_ifgroup {
                let name = group(number, page);
                page.field("suppress_ifgroup", name.as_str(), format_args!(" suppress_ifgroup {name}"));
            }
        }
        if let Some(realms) = self.realms {
            page.text(" realms ");
            if realms.from != 0 {
                page.field("flow_from", realms.from.to_string(), format_args!("{}/", realms.from));
            }
            let to = realm(realms.to, page);
            page.field("flow_to", to.as_str(), &to);
        }
    }

    fn show_action(&self, page: &mut Page) {
        // They have the numbers, and in what is shown the names, of route types.
        let number = match self.action {
            None | Some(RuleAction::Lookup) => return,
            Some(RuleAction::Nop) => return page.field("nop", Scalar::Null, " nop"),
            Some(RuleAction::Goto(target)) => {
                page.field("goto", target, format_args!(" goto {target}"));
                if self.flags.contains(RuleFlags::UNRESOLVED) {
                    page.field("unresolved", Scalar::Null, " [unresolved]");
                }
                return;
            }
            Some(RuleAction::Unspec) => 0,
            Some(RuleAction::Blackhole) => 6,
            Some(RuleAction::Unreachable) => 7,
            Some(RuleAction::Prohibit) => 8,
            Some(RuleAction::Other(number)) => number,
        };
        let name = match RouteType(number) {
            RouteType::UNSPEC => "none".to_owned(),
            kind => kind.to_string(),
        };
        let name = named(name, number, page);
        page.field("action", name.as_str(), format_args!(" {name}"));
    }
}

fn selector([key, len, word]: [&str; 3], prefix: Prefix, page: &mut Page) {
    let address = prefix.addr().to_string();
    page.field(key, address.as_str(), format_args!("{word}{address}"));
    if prefix.len() != prefix.family().bits() {
        page.field(len, prefix.len(), format_args!("/{}", prefix.len()));
    }
}

fn mask(key: &str, mask: Option<impl Into<u32>>, page: &mut Page) {
    if let Some(mask) = mask.map(|mask| hex(mask.into())) {
        page.field(key, mask.as_str(), format_args!("/{mask}"));
    }
}

/// Hexadecimal as C prints it: 0 is `0`.
fn hex(number: u32) -> String {
    match number {
        0 => "0".to_owned(),
        number => format!("{number:#x}"),
    }
}

fn ports([key, start, end, masked]: [&str; 4], range: Option<PortRange>, bits: Option<u16>, page: &mut Page) {
    match range {
        None => (),
        Some(range) if range.start == range.end => {
            page.field(key, range.start, format_args!(" {key} {}", range.start));
            mask(masked, bits.filter(|bits| *bits != u16::MAX), page);
        }
        Some(range) => {
            page.field(start, range.start, format_args!(" {key} {}", range.start));
            page.field(end, range.end, format_args!("-{}", range.end));
        }
    }
}

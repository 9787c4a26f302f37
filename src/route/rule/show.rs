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
            self.show_newer(page);
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
        if self.fwmark.is_some() || self.fwmask.is_some() {
            let mark = hex(self.fwmark.unwrap_or(0));
            page.field("fwmark", mark.as_str(), format_args!(" fwmark {mark}"));
            if let Some(mask) = self.fwmask.filter(|mask| *mask != u32::MAX).map(hex) {
                page.field("fwmask", mask.as_str(), format_args!("/{mask}"));
            }
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
        ports("sport", self.sport, self.sport_mask, page);
        ports("dport", self.dport, self.dport_mask, page);
        if let Some(id) = self.tun_id {
            page.field("tun_id", id, format_args!(" tun_id {id}"));
        }
    }

    /// What kernels match by since 6.13; `ip` has put it behind all else.
    fn show_newer(&self, page: &mut Page) {
        if let Some(point) = self.dscp {
            let name = dscp(point, page);
            page.json("dscp", name.as_str());
            masked("dscp", &name, point.into(), self.dscp_mask.map(u32::from), 0x3f, page);
        }
        if let Some(label) = self.flowlabel {
            let name = hex(label);
            page.json("flowlabel", name.as_str());
            masked("flowlabel", &name, label, self.flowlabel_mask, 0xf_ffff, page);
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

/// A value of which only the bits of the mask count: in hexadecimal, unless all of them do. JSON has the mask whenever the kernel has.
fn masked(word: &str, name: &str, number: u32, mask: Option<u32>, full: u32, page: &mut Page) {
    match mask {
        Some(mask) if mask != full => page.text(format_args!(" {word} {}/{}", hex(number), hex(mask))),
        _ => page.text(format_args!(" {word} {name}")),
    }
    if let Some(mask) = mask {
        page.json(&format!("{word}_mask"), hex(mask));
    }
}

/// Hexadecimal as C prints it: 0 is `0`.
fn hex(number: u32) -> String {
    match number {
        0 => "0".to_owned(),
        number => format!("{number:#x}"),
    }
}

fn ports(word: &str, range: Option<PortRange>, mask: Option<u16>, page: &mut Page) {
    match range {
        None => (),
        Some(PortRange { start, end, .. }) if start == end => {
            page.json(word, start);
            masked(word, &start.to_string(), start.into(), mask.map(u32::from), u16::MAX.into(), page);
        }
        Some(range) => {
            page.field(&format!("{word}_start"), range.start, format_args!(" {word} {}", range.start));
            page.field(&format!("{word}_end"), range.end, format_args!("-{}", range.end));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Layout;

    /// With iproute2 6.15 on Linux 6.18.
    #[test]
    fn selectors_of_newer_kernels_are_shown_as_by_iproute2() {
        let dscp = |point, mask| Rule { dscp: Some(point), dscp_mask: Some(mask), ..Rule::v4() };
        let label = |label, mask| Rule { flowlabel: Some(label), flowlabel_mask: Some(mask), ..Rule::v6() };
        let port = |port: u16, mask| Rule { dport: Some(port.into()), dport_mask: Some(mask), ..Rule::v4() };
        for (rule, text, json) in [
            (dscp(16, 0x3f), "lookup 9 dscp CS2", r#""table":"9","dscp":"CS2","dscp_mask":"0x3f""#),
            (dscp(16, 0x30), "lookup 9 dscp 0x10/0x30", r#""table":"9","dscp":"CS2","dscp_mask":"0x30""#),
            (dscp(0, 0x30), "lookup 9 dscp 0/0x30", r#""table":"9","dscp":"default","dscp_mask":"0x30""#),
            (
                label(5, 0xf_ffff),
                "lookup 9 flowlabel 0x5",
                r#""table":"9","flowlabel":"0x5","flowlabel_mask":"0xfffff""#,
            ),
            (
                label(0, 15),
                "lookup 9 flowlabel 0/0xf",
                r#""table":"9","flowlabel":"0","flowlabel_mask":"0xf""#,
            ),
            (port(5, 0xffff), "dport 5 lookup 9", r#""dport":5,"dport_mask":"0xffff","table":"9""#),
            (port(7, 15), "dport 0x7/0xf lookup 9", r#""dport":7,"dport_mask":"0xf","table":"9""#),
        ] {
            let rule = rule.priority(70).table(9);
            let shown = |layout| {
                let mut page = Page::new(layout);
                page.begin();
                rule.show(&mut page);
                page.end();
                page.take()
            };
            assert_eq!(shown(Layout::default()), format!("70:\tfrom all {text}\n"));
            let json = format!(r#"[{{"priority":70,"src":"all",{json}}}]"#);
            assert_eq!(shown(Layout { json: true, ..Layout::default() }), json);
        }
    }
}

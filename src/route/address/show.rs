//! Addresses as `ip address show` has them.

use super::{Address, AddressFlags, Lifetime};
use crate::route::link::{show_link, Form};
use crate::route::Link;
use crate::text::{Page, Show};

/// A link and its addresses: what `ip address show` shows. [`Addresses::with_links`](super::Addresses::with_links) makes them.
///
/// Statistics follow the addresses. With [`Layout::one_line`](crate::text::Layout::one_line) there are only the addresses, a
/// line each.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkWithAddresses {
    /// The link.
    pub link: Link,
    /// Its addresses, or those of them that were asked for.
    pub addresses: Vec<Address>,
}

impl Show for LinkWithAddresses {
    fn show(&self, page: &mut Page) {
        let LinkWithAddresses { link, addresses } = self;
        let layout = page.layout();
        page.object(|page| {
            if layout.brief {
                show_link(link, Form::Address, page);
                page.list("addr_info", |page| {
                    addresses.iter().for_each(|address| page.object(|page| address.show_brief(page)));
                });
                return page.text("\n");
            }
            let lines = !layout.one_line && !page.has_said("label");
            if lines {
                show_link(link, Form::Address, page);
                page.text("\n");
            }
            page.list("addr_info", |page| {
                for address in addresses {
                    page.object(|page| {
                        if layout.one_line {
                            address.show_dev(page);
                        }
                        address.show_lines(page);
                    });
                }
            });
            if let Some(stats) = link.stats.as_ref().filter(|_| lines && layout.stats > 0) {
                stats.show(link.carrier_changes, page);
                page.text("\n");
            }
        });
    }
}

/// By itself, with its device, as `ip -o address show` and `ip monitor` have it.
impl Show for Address {
    fn show(&self, page: &mut Page) {
        page.object(|page| {
            self.show_dev(page);
            self.show_lines(page);
        });
    }
}

impl Address {
    fn show_dev(&self, page: &mut Page) {
        let name = page.dev(self.dev);
        page.field("index", self.dev.index, format_args!("{}: ", self.dev.index));
        page.field("dev", name.as_str(), &name);
    }

    fn show_lines(&self, page: &mut Page) {
        let numeric = page.layout().numeric;
        let family = if self.local.address().is_ipv4() { "inet" } else { "inet6" };
        page.field("family", family, format_args!("    {family} "));
        self.show_brief(page);
        if let Some(broadcast) = self.broadcast {
            page.field("broadcast", broadcast.to_string(), format_args!("brd {broadcast} "));
        }
        let scope = if numeric { self.scope.0.to_string() } else { self.scope.to_string() };
        page.field("scope", scope.as_str(), format_args!("scope {scope} "));
        self.show_flags(page);
        if let Some(protocol) = self.protocol.filter(|protocol| *protocol != 0 || page.is_json()) {
            let name = match protocol {
                0 if !numeric => "unspec".to_owned(),
                1 if !numeric => "kernel_lo".to_owned(),
                2 if !numeric => "kernel_ra".to_owned(),
                3 if !numeric => "kernel_ll".to_owned(),
                other => format!("{other:#x}"),
            };
            page.field("protocol", name.as_str(), format_args!("proto {name} "));
        }
        if let Some(label) = &self.label {
            page.field("label", label.as_str(), label);
        }
        if let Some(lifetime) = self.lifetime {
            page.line();
            let text = |lifetime| match lifetime {
                Lifetime::Forever => "forever".to_owned(),
                Lifetime::Seconds(seconds) => format!("{seconds}sec"),
            };
            let (valid, preferred) = (lifetime.valid, lifetime.preferred);
            page.field("valid_life_time", u32::from(valid), format_args!("       valid_lft {}", text(valid)));
            page.field(
                "preferred_life_time",
                u32::from(preferred),
                format_args!(" preferred_lft {}", text(preferred)),
            );
        }
        page.text("\n");
    }

    /// The address with its prefix and its metric.
    fn show_brief(&self, page: &mut Page) {
        let local = self.local.address();
        page.field("local", local.to_string(), local);
        if let Some(peer) = self.peer {
            page.field("address", peer.to_string(), format_args!(" peer {peer}"));
        }
        let len = self.local.prefix_len();
        page.field("prefixlen", len, format_args!("/{len} "));
        if let Some(metric) = self.metric {
            page.field("metric", metric, format_args!("metric {metric} "));
        }
    }

    fn show_flags(&self, page: &mut Page) {
        let v6 = self.local.address().is_ipv6();
        let mut rest = self.flags - AddressFlags::PERMANENT;
        for (flag, name) in FLAGS {
            // An address that is not permanent is dynamic.
            let on = self.flags.contains(flag) != (flag == AddressFlags::PERMANENT);
            let name = if v6 && flag == AddressFlags::SECONDARY { "temporary" } else { name };
            if on {
                page.field(name, true, format_args!("{name} "));
            }
            rest -= flag;
        }
        if !rest.is_empty() {
            let bits = format!("{:02x}", rest.bits());
            page.field("ifa_flags", bits.as_str(), format_args!("flags {bits} "));
        }
    }
}

/// In `ip`'s order.
const FLAGS: [(AddressFlags, &str); 12] = [
    (AddressFlags::SECONDARY, "secondary"),
    (AddressFlags::NODAD, "nodad"),
    (AddressFlags::OPTIMISTIC, "optimistic"),
    (AddressFlags::DADFAILED, "dadfailed"),
    (AddressFlags::HOMEADDRESS, "home"),
    (AddressFlags::DEPRECATED, "deprecated"),
    (AddressFlags::TENTATIVE, "tentative"),
    (AddressFlags::PERMANENT, "dynamic"),
    (AddressFlags::MANAGETEMPADDR, "mngtmpaddr"),
    (AddressFlags::NOPREFIXROUTE, "noprefixroute"),
    (AddressFlags::MCAUTOJOIN, "autojoin"),
    (AddressFlags::STABLE_PRIVACY, "stable-privacy"),
];

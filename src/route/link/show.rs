//! Links as `ip link show` and `ip address show` have them.

mod counters;
mod hardware;

use super::message::*;
use super::{HardwareAddress, Link, LinkFlags, LinkKind, OperState};
use crate::route::message::text;
use crate::text::{Page, Scalar, Show};
use crate::units::Dev;
use crate::wire::Value;

/// Who shows a link: they differ in what they say of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::route) enum Form {
    /// `ip link show`
    Link,
    /// `ip address show`: the addresses follow.
    Address,
    /// `ip monitor`.
    News,
}

/// As `ip link show` has it; a line of its table with [`Layout::brief`](crate::text::Layout::brief). On a page that was
/// [said](Page::say) to be "monitor" as `ip monitor` has it: without the mode, the alias and the length of its queue.
///
/// The page should know the [names](Page::with_links) of all links, and which are [down](Page::with_down).
impl Show for Link {
    fn show(&self, page: &mut Page) {
        let form = if page.has_said("monitor") { Form::News } else { Form::Link };
        page.object(|page| {
            show_link(self, form, page);
            page.text("\n");
        });
    }
}

/// Writes all that belongs to the link itself, without the last line break.
pub(in crate::route) fn show_link(link: &Link, form: Form, page: &mut Page) {
    if page.layout().brief {
        return link.brief(form, page);
    }
    let layout = page.layout();
    // Asked for IPv6 alone, kernels say less of links.
    let all = form != Form::Address || !page.has_said("-6");
    link.first_line(form, all, page);
    if form == Form::Link || layout.details || !page.has_said("inet") && !page.has_said("inet6") {
        link.hardware_line(all, page);
    }
    if !all {
        return;
    }
    if layout.details {
        link.details(form, page);
    }
    if form == Form::Link || layout.details {
        if let Some(alias) = &link.alias {
            page.line();
            page.field("ifalias", alias.as_str(), format_args!("    alias {alias}"));
        }
    }
    if let Some(stats) = link.stats.as_ref().filter(|_| form == Form::Link && layout.stats > 0) {
        page.line();
        stats.show(link.carrier_changes, page);
    }
    if !link.alternative_names.is_empty() {
        page.list("altnames", |page| {
            for name in &link.alternative_names {
                page.line();
                page.item(name.as_str(), format_args!("    altname {name}"));
            }
        });
    }
}

impl Link {
    /// From the index to the length of its queue.
    fn first_line(&self, form: Form, all: bool, page: &mut Page) {
        page.field("ifindex", self.dev.index, format_args!("{}: ", self.dev.index));
        let name = self.name(page);
        page.field("ifname", self.own_name(page), format_args!("{name}: "));
        self.show_flags(page);
        if let Some(mtu) = self.mtu {
            page.field("mtu", mtu, format_args!("mtu {mtu} "));
        }
        if let Some(qdisc) = self.qdisc.as_ref().filter(|_| all) {
            page.field("qdisc", qdisc.as_str(), format_args!("qdisc {qdisc} "));
        }
        if let Some(master) = self.master.filter(|_| all) {
            let name = page.dev(master);
            page.field("master", name.as_str(), format_args!("master {name} "));
        }
        if let Some(state) = self.operstate {
            match state {
                OperState::Other(number) => {
                    page.field("operstate_index", number, format_args!("state {state} "));
                }
                state => page.field("operstate", state.to_string(), format_args!("state {state} ")),
            }
        }
        if let Some(mode) = self.mode.filter(|_| form == Form::Link && !page.has_said("monitor")) {
            match mode.name() {
                Some(name) => page.field("linkmode", name, format_args!("mode {name} ")),
                None => page.field("linkmode_index", mode.0, format_args!("mode {mode} ")),
            }
        }
        if let Some(group) = self.group.filter(|_| all) {
            let group = match group {
                0 if !page.layout().numeric => "default".to_owned(),
                group => group.to_string(),
            };
            page.field("group", group.as_str(), format_args!("group {group} "));
        }
        if let Some(len) = self.txqueuelen.filter(|len| *len != 0 && form != Form::News) {
            page.field("txqlen", len, format_args!("qlen {len}"));
        }
        if let Some(event) = self.kept_number(IFLA_EVENT) {
            const EVENTS: [&str; 7] = [
                "NONE",
                "REBOOT",
                "FEATURE CHANGE",
                "BONDING FAILOVER",
                "NOTIFY PEERS",
                "RESEND IGMP",
                "BONDING OPTION",
            ];
            let name = usize::try_from(event).ok().and_then(|at| EVENTS.get(at));
            match name {
                Some(name) => page.field("event", *name, format_args!("event {name} ")),
                None => page.field("event", event, format_args!("event {event} ")),
            }
        }
    }

    /// What it is, and the link-layer addresses.
    fn hardware_line(&self, all: bool, page: &mut Page) {
        let name = hardware::name(self.hardware, page.layout().numeric);
        page.line();
        page.field("link_type", name.as_str(), format_args!("    link/{name} "));
        let address = |address: HardwareAddress| hardware::address(address, self.hardware);
        if let Some(own) = self.address.map(address) {
            page.field("address", own.as_str(), &own);
        }
        if !all {
            return;
        }
        if let Some(broadcast) = self.broadcast.map(address) {
            let peer = self.flags.contains(LinkFlags::POINTOPOINT);
            if peer {
                page.json("link_pointtopoint", true);
            }
            let word = if peer { "peer" } else { "brd" };
            page.field("broadcast", broadcast.as_str(), format_args!(" {word} {broadcast}"));
        }
        if let Some(first) = self.permanent_address.filter(|first| Some(*first) != self.address).map(address)
        {
            page.field("permaddr", first.as_str(), format_args!(" permaddr {first}"));
        }
        if let Some(id) = self.link_netnsid {
            let text = if id < 0 { "unknown".to_owned() } else { id.to_string() };
            page.field("link_netnsid", id, format_args!(" link-netnsid {text}"));
        }
        if let Some(id) = self.kept_number(IFLA_NEW_NETNSID) {
            page.text(format_args!(" new-netnsid {id}"));
        }
        if let Some(index) = self.kept_number(IFLA_NEW_IFINDEX) {
            page.text(format_args!(" new-ifindex {index}"));
        }
        if self.kept(IFLA_PROTO_DOWN).and_then(<[u8]>::first).is_some_and(|on| *on != 0) {
            page.field("proto_down", true, " protodown on ");
        }
    }

    fn details(&self, form: Form, page: &mut Page) {
        number(page, "promiscuity", " promiscuity", self.promiscuity);
        number(page, "allmulti", " allmulti", self.allmulti);
        number(page, "min_mtu", "minmtu", self.min_mtu);
        number(page, "max_mtu", "maxmtu", self.max_mtu);
        if self.kind.is_some() || !self.info.is_empty() {
            page.object_in("linkinfo", |page| self.kinds(page));
        }
        if let Some(mode) = self.addr_gen_mode().filter(|_| form == Form::Link) {
            let name = mode.name().map_or_else(|| format!("{:#.2x}", mode.0), str::to_owned);
            page.field("inet6_addr_gen_mode", name.as_str(), format_args!("addrgenmode {name} "));
        }
        number(page, "num_tx_queues", "numtxqueues", self.tx_queues);
        number(page, "num_rx_queues", "numrxqueues", self.rx_queues);
        for (name, limit) in [
            ("gso_max_size", self.gso_max_size),
            ("gso_max_segs", self.gso_max_segs),
            ("tso_max_size", self.tso_max_size),
            ("tso_max_segs", self.tso_max_segs),
            ("gro_max_size", self.gro_max_size),
            ("gso_ipv4_max_size", self.gso_ipv4_max_size),
            ("gro_ipv4_max_size", self.gro_ipv4_max_size),
        ] {
            number(page, name, name, limit);
        }
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        for (key, word, value) in [
            ("phys_port_name", "portname", self.kept(IFLA_PHYS_PORT_NAME).and_then(text)),
            ("phys_port_id", "portid", self.kept(IFLA_PHYS_PORT_ID).map(hex)),
            ("phys_switch_id", "switchid", self.kept(IFLA_PHYS_SWITCH_ID).map(hex)),
            ("parentbus", "parentbus", self.kept(IFLA_PARENT_DEV_BUS_NAME).and_then(text)),
            ("parentdev", "parentdev", self.kept(IFLA_PARENT_DEV_NAME).and_then(text)),
        ] {
            if let Some(value) = value {
                page.field(key, value.as_str(), format_args!("{word} {value} "));
            }
        }
    }

    /// What kind of link it is and what kind of port, each with its options where the crate knows them.
    fn kinds(&self, page: &mut Page) {
        if let Some(kind) = &self.kind {
            page.line();
            page.field("info_kind", kind.name(), format_args!("    {} ", kind.name()));
            if let LinkKind::Bridge(bridge) = kind {
                page.object_in("info_data", |page| bridge.show(page));
            }
        }
        if let Some(kind) = self.port_kind() {
            page.line();
            page.field("info_slave_kind", kind.as_str(), format_args!("    {kind}_slave "));
            if let Some(port) = self.bridge_port() {
                page.object_in("info_slave_data", |page| port.show(page));
            }
        }
    }

    fn brief(&self, form: Form, page: &mut Page) {
        let name = self.name(page);
        page.field("ifname", self.own_name(page), format_args!("{name:<16} "));
        if let Some(state) = self.operstate {
            page.field("operstate", state.to_string(), format_args!("{:<14} ", state.to_string()));
        }
        if form == Form::Link {
            if let Some(address) = self.address {
                let address = hardware::address(address, self.hardware);
                page.field("address", address.as_str(), format_args!("{address} "));
            }
            self.show_flags(page);
        }
    }

    fn own_name(&self, page: &Page) -> String {
        self.name.map_or_else(|| page.dev(self.dev), |name| name.to_string())
    }

    /// The name, with that of the link below or at the other end. In JSON that one is a field in front.
    fn name(&self, page: &mut Page) -> String {
        let name = self.own_name(page);
        let below = match self.link {
            None => return name,
            Some(Dev { index: 0, .. }) => {
                page.json("link", Scalar::Null);
                "NONE".to_owned()
            }
            Some(elsewhere) if self.link_netnsid.is_some() => {
                page.json("link_index", elsewhere.index);
                Dev::index(elsewhere.index).to_string()
            }
            Some(below) => {
                let below = page.dev(below);
                page.json("link", below.as_str());
                below
            }
        };
        format!("{name}@{below}")
    }

    fn show_flags(&self, page: &mut Page) {
        let mut rest = self.flags - LinkFlags::RUNNING;
        let mut words = Vec::new();
        if self.is_up() && !self.flags.contains(LinkFlags::RUNNING) {
            words.push("NO-CARRIER".to_owned());
        }
        for (flag, name) in FLAGS {
            if rest.contains(flag) {
                words.push(name.to_owned());
                rest -= flag;
            }
        }
        if !rest.is_empty() {
            words.push(format!("{:x}", rest.bits()));
        }
        let below = self.link.filter(|_| self.link_netnsid.is_none());
        if below.is_some_and(|below| page.is_down(below)) {
            words.push("M-DOWN".to_owned());
        }
        page.list("flags", |page| {
            page.text("<");
            for (at, word) in words.iter().enumerate() {
                page.item(word.as_str(), format_args!("{}{word}", if at == 0 { "" } else { "," }));
            }
            page.text("> ");
        });
    }

    /// The payload of an attribute that the link has no field for.
    fn kept(&self, ty: u16) -> Option<&[u8]> {
        self.unknown.iter().find(|attr| attr.ty == ty).map(|attr| attr.payload.as_slice())
    }

    fn kept_number(&self, ty: u16) -> Option<u32> {
        u32::decode(self.kept(ty)?).ok()
    }
}

/// In `ip`'s order.
const FLAGS: [(LinkFlags, &str); 18] = [
    (LinkFlags::LOOPBACK, "LOOPBACK"),
    (LinkFlags::BROADCAST, "BROADCAST"),
    (LinkFlags::POINTOPOINT, "POINTOPOINT"),
    (LinkFlags::MULTICAST, "MULTICAST"),
    (LinkFlags::NOARP, "NOARP"),
    (LinkFlags::ALLMULTI, "ALLMULTI"),
    (LinkFlags::PROMISC, "PROMISC"),
    (LinkFlags::MASTER, "MASTER"),
    (LinkFlags::SLAVE, "SLAVE"),
    (LinkFlags::DEBUG, "DEBUG"),
    (LinkFlags::DYNAMIC, "DYNAMIC"),
    (LinkFlags::AUTOMEDIA, "AUTOMEDIA"),
    (LinkFlags::PORTSEL, "PORTSEL"),
    (LinkFlags::NOTRAILERS, "NOTRAILERS"),
    (LinkFlags::UP, "UP"),
    (LinkFlags::LOWER_UP, "LOWER_UP"),
    (LinkFlags::DORMANT, "DORMANT"),
    (LinkFlags::ECHO, "ECHO"),
];

fn number(page: &mut Page, key: &str, word: &str, value: Option<u32>) {
    if let Some(value) = value {
        page.field(key, value, format_args!("{word} {value} "));
    }
}

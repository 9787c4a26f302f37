//! The gateway: all that makes two uplinks out of two cables, done with tcnl alone. Each request is printed as the command that
//! does the same, and then sent.

use crate::lab::Host;
use crate::traffic::{BULK, INTERACTIVE};
use crate::Result;
use std::net::Ipv4Addr;
use tcnl::netfilter::{Chain, ChainKind, Hook, Mark, NftRule, Table, Transaction};
use tcnl::netlink::{Capabilities, Connection, Feature, Protocol as Netlink};
use tcnl::request::{Object, Request, Verb};
use tcnl::route::{Hop, Route, Rule};
use tcnl::tc::fifo::Pfifo;
use tcnl::tc::fw::Fw;
use tcnl::tc::htb::{Htb, HtbClass};
use tcnl::tc::sfq::Sfq;
use tcnl::tc::u32::{Match, U32};
use tcnl::tc::{Class, Filter, FilterKind, Protocol, Qdisc, QdiscKind};
use tcnl::units::{Dev, Handle, Name, Packets, Percent, Rate, Size};

/// One uplink, as its provider describes it.
#[derive(Clone)]
pub struct Uplink {
    pub name: &'static str,
    pub device: &'static str,
    pub address: Ipv4Addr,
    pub gateway: Ipv4Addr,
    /// Its routing table.
    pub table: u32,
    /// What marks its connections, within [`UPLINK_BITS`].
    pub mark: u32,
    pub down: Rate,
    pub up: Rate,
}

/// The device of the LAN.
pub const LAN: &str = "lan";
/// The table that new connections of the LAN look into.
const NEW_CONNECTIONS: u32 = 100;
/// The bits of marks that say which uplink a connection uses. The others belong to others.
const UPLINK_BITS: u32 = 0x300;
/// The bits of marks that say which class a packet belongs to, and their value for bulk traffic.
const CLASS_BITS: u32 = 0xf0;
const BULK_MARK: u32 = 0x30;

/// A class of traffic: its guaranteed share of the uplink in percent. All may borrow up to the whole, the first one first.
pub struct Share {
    minor: u16,
    percent: f64,
    prio: u32,
}

pub const INTERACTIVE_SHARE: Share = Share { minor: 0x10, percent: 20.0, prio: 0 };
pub const NORMAL_SHARE: Share = Share { minor: 0x20, percent: 50.0, prio: 1 };
pub const BULK_SHARE: Share = Share { minor: 0x30, percent: 30.0, prio: 2 };

impl Share {
    pub fn class(&self) -> Handle {
        Handle::new(1, self.minor)
    }

    /// The rate guaranteed on an uplink.
    pub fn rate(&self, uplink: &Uplink) -> Rate {
        uplink.shaped().of_percent(Percent::new(self.percent))
    }
}

impl Uplink {
    /// The speed to send with: a little less than what the uplink carries, so that packets wait here, where they have classes, and
    /// not in the provider's queue.
    pub fn shaped(&self) -> Rate {
        self.up.of_percent(Percent::new(95.0))
    }

    pub fn dev(&self, nl: &mut Connection) -> Result<Dev> {
        Ok(nl.link(self.device)?.into())
    }

    fn default_route(&self, nl: &mut Connection, table: u32) -> Result<Route> {
        Ok(Route::default_v4().via(self.gateway).dev(self.dev(nl)?).table(table))
    }
}

/// Configures the gateway.
pub fn configure(host: &Host, uplinks: &[Uplink; 2], kernel: &Capabilities) -> Result<()> {
    let mut gateway = Gateway {
        nl: host.connection(Netlink::Route)?,
        firewall: host.connection(Netlink::Netfilter)?,
        leaf: leaf(kernel),
        bulk: bulk(kernel),
    };
    for (key, value) in [
        // Replies come in over the uplink they belong to, not over the one that the main table would choose.
        ("ipv4/conf/all/rp_filter", "2"),
        ("ipv4/conf/all/src_valid_mark", "1"),
        // Where both uplinks take new connections, ports count: hosts talk to one server over both.
        ("ipv4/fib_multipath_hash_policy", "1"),
    ] {
        println!("    sysctl -w net.{}={value}", key.replace('/', "."));
        host.sysctl(key, value)?;
    }
    gateway.route(uplinks)?;
    for uplink in uplinks {
        gateway.shape(uplink)?;
    }
    gateway.remember(uplinks)
}

/// The queue below a class: SFQ shares it between its connections, a kernel without it gets a short one.
fn leaf(kernel: &Capabilities) -> QdiscKind {
    if kernel.has_qdisc("sfq") {
        return Sfq::new().into();
    }
    println!("    # this kernel has no sfq: pfifo instead");
    Pfifo::new().limit(Packets(50)).into()
}

/// The filter for bulk packets. They have a mark; where the kernel cannot look at it, it looks at the port they have it for.
fn bulk(kernel: &Capabilities) -> FilterKind {
    let class = BULK_SHARE.class();
    if kernel.has_filter("fw") {
        return Fw::mark(BULK_MARK).mask(CLASS_BITS).class(class).into();
    }
    println!("    # this kernel has no fw: u32 mark match instead");
    let u32 = U32::default().class(class);
    if kernel.has(Feature::U32Mark) {
        return u32.matching(Match::any()).mark(BULK_MARK, CLASS_BITS).into();
    }
    println!("    # its u32 does not look at marks (CLS_U32_MARK): port match instead");
    u32.matching(Match::ip_protocol(6)).matching(Match::ip_dport(BULK)).into()
}

/// Sends new connections of the LAN over the uplinks in these proportions. What runs already stays where it is.
pub fn steer(nl: &mut Connection, uplinks: &[Uplink; 2], weights: [u8; 2]) -> Result<()> {
    let used: Vec<_> = uplinks.iter().zip(weights).filter(|(_, weight)| *weight != 0).collect();
    let route = match used.as_slice() {
        [(uplink, _)] => uplink.default_route(nl, NEW_CONNECTIONS)?,
        several => {
            let mut route = Route::default_v4().table(NEW_CONNECTIONS);
            for (uplink, weight) in several {
                route = route.hop(Hop::via(uplink.gateway).dev(uplink.dev(nl)?).weight(u16::from(*weight)));
            }
            route
        }
    };
    nl.replace(&route)?;
    Ok(())
}

struct Gateway {
    nl: Connection,
    firewall: Connection,
    leaf: QdiscKind,
    bulk: FilterKind,
}

impl Gateway {
    /// Tables and rules: a connection's mark comes first, then the address that a server of ours is bound to, then the choice for new
    /// connections of the LAN. The main table keeps what the gateway is directly connected to, and its own default route.
    fn route(&mut self, uplinks: &[Uplink; 2]) -> Result<()> {
        // In front of all: replies to the LAN carry the mark of their connection, too.
        self.add(&Rule::v4().priority(1000).table(Route::MAIN).suppress_prefixlength(0))?;
        for (n, uplink) in (0..).zip(uplinks) {
            let marked = Rule::v4().fwmark_mask(uplink.mark, UPLINK_BITS);
            let route = uplink.default_route(&mut self.nl, uplink.table)?;
            self.add(&route)?;
            self.add(&marked.clone().priority(1100 + n).table(uplink.table))?;
            // A connection whose uplink is gone must not leak out of the other one.
            self.add(&marked.priority(1110 + n).unreachable())?;
            self.add(&Rule::v4().priority(1200 + n).from(uplink.address)?.table(uplink.table))?;
        }
        self.add(&Rule::v4().priority(1300).iif(Name::new(LAN)?).table(NEW_CONNECTIONS))?;
        let [first, _] = uplinks;
        let route = first.default_route(&mut self.nl, NEW_CONNECTIONS)?;
        self.add(&route)
    }

    /// HTB on an uplink: three classes that lend each other what they do not need, and filters that say what belongs where.
    fn shape(&mut self, uplink: &Uplink) -> Result<()> {
        let dev = uplink.dev(&mut self.nl)?;
        let (root, top) = (Handle::qdisc(1), Handle::new(1, 1));
        let full = uplink.shaped();
        // What is sent at once when the kernel comes late to its timer: 20 ms, and no less than two packets.
        let burst = Size((full.as_bytes_per_second() / 50).max(3200));
        let class = |rate| HtbClass::rate(rate).ceil(full).burst(burst).cburst(burst);
        self.add(&Qdisc::root(dev).handle(root).kind(Htb::default().default_class(NORMAL_SHARE.minor)))?;
        self.add(&Class::under(dev, root).id(top).kind(class(full)))?;
        for share in [INTERACTIVE_SHARE, NORMAL_SHARE, BULK_SHARE] {
            let id = share.class();
            self.add(&Class::under(dev, top).id(id).kind(class(share.rate(uplink)).prio(share.prio)))?;
            let leaf = Qdisc::at(dev, id).handle(Handle::qdisc(share.minor)).kind(self.leaf.clone());
            self.add(&leaf)?;
        }
        let interactive = Match::ip_tos((INTERACTIVE, 0xfc));
        let interactive = U32::default().matching(interactive).class(INTERACTIVE_SHARE.class());
        let filter = Filter::on(dev, root).protocol(Protocol::Ip);
        self.add(&filter.clone().prio(1).kind(interactive))?;
        self.add(&filter.prio(2).kind(self.bulk.clone()))
    }

    /// nf_tables: connections remember their uplink, and what leaves has the uplink's address.
    fn remember(&mut self, uplinks: &[Uplink; 2]) -> Result<()> {
        let mut t = Transaction::new();
        t.add_table(&Table::inet("dual_uplink"));
        t.add_chain(&Chain::base("restore", ChainKind::Filter, Hook::Prerouting, -150));
        t.add_chain(&Chain::base("save", ChainKind::Filter, Hook::Postrouting, -150));
        t.add_chain(&Chain::base("hide", ChainKind::Nat, Hook::Postrouting, 100));
        for Uplink { device, mark, .. } in uplinks {
            let (rule, device) = (NftRule::new, Name::new(device)?);
            let restore = rule().mark_is(Mark::Connection, *mark, UPLINK_BITS);
            t.add_rule("restore", restore.set_mark(Mark::Packet, *mark, UPLINK_BITS));
            let save = rule().oifname(device).ct_state_new();
            t.add_rule("save", save.set_mark(Mark::Connection, *mark, UPLINK_BITS));
            t.add_rule("hide", rule().oifname(device).masquerade());
        }
        let bulk = NftRule::new().tcp_dport(BULK..=BULK);
        t.add_rule("save", bulk.set_mark(Mark::Packet, BULK_MARK, CLASS_BITS));
        t.commands().iter().for_each(|command| println!("    {command}"));
        Ok(self.firewall.commit(&t)?)
    }

    /// Prints the command that does the same, and sends the request.
    fn add<O: Object>(&mut self, object: &O) -> Result<()> {
        println!("    {}", Request::new(Verb::Add, object));
        for warning in self.nl.add(object)?.warnings {
            println!("    # {warning}");
        }
        Ok(())
    }
}

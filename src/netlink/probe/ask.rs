//! The questions. They are messages of their own, not typed objects: what is asked for must not depend on what kinds want as
//! options, and most kinds need not be created to be recognised.

use super::Feature;
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::netlink::{Connection, Protocol};
use crate::units::Handle;
use crate::wire::{Header, Reader, Writer, HEADER_LEN};
use nix::errno::Errno;

const NLM_F_ACK: u16 = 0x4;
const NLM_F_ECHO: u16 = 0x8;
const NLM_F_REPLACE: u16 = 0x100;
const NLM_F_EXCL: u16 = 0x200;
const NLM_F_CREATE: u16 = 0x400;
const ADD: u16 = NLM_F_CREATE | NLM_F_EXCL;

const RTM_NEWLINK: u16 = 16;
const RTM_NEWROUTE: u16 = 24;
const RTM_NEWRULE: u16 = 32;
const RTM_NEWQDISC: u16 = 36;
const RTM_NEWTFILTER: u16 = 44;
const RTM_NEWACTION: u16 = 48;
const RTM_GETNEXTHOP: u16 = 106;
/// NFNL_SUBSYS_NFTABLES and NFT_MSG_GETTABLE
const NFT_GETTABLE: u16 = 0x0a01;
/// NFNL_SUBSYS_CTNETLINK and IPCTNL_MSG_CT_GET
const CT_GET: u16 = 0x0101;

const TCA_KIND: u16 = 1;
const TCA_OPTIONS: u16 = 2;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;

/// `lo` is the first device of every namespace.
const LO: u32 = 1;

/// A connection to a namespace in which nothing matters.
pub(super) struct Prober {
    route: Connection,
    /// How many filters there are.
    filters: u32,
}

impl Prober {
    /// Must be called in that namespace.
    pub fn open() -> Result<Self> {
        Ok(Prober { route: Connection::builder().clock(Clock::KERNEL).open()?, filters: 0 })
    }

    /// A kind that exists refuses what does not suit it with other errors than one that does not.
    pub fn has_qdisc(&mut self, kind: &str) -> Result<bool> {
        // Without a handle it takes the place of whichever was there before.
        self.put_qdisc(ADD, kind, Handle::ROOT, Handle::UNSPEC).map(exists)
    }

    pub fn has_filter(&mut self, kind: &str) -> Result<bool> {
        let Some(header) = self.filter()? else { return Ok(false) };
        self.ask(RTM_NEWTFILTER, ADD, |w| {
            header(w);
            w.attr_with(TCA_KIND, |w| put_name(w, kind));
        })
        .map(exists_at_all)
    }

    /// Actions by themselves are for root in the first user namespace; filters bring theirs along wherever they are made.
    pub fn has_action(&mut self, kind: &str) -> Result<bool> {
        const TCA_ACT_TAB: u16 = 1;
        const TCA_U32_ACT: u16 = 7;
        let put_action = |w: &mut Writer| w.nest_with(1, |w| w.attr_with(TCA_KIND, |w| put_name(w, kind)));
        let alone = self.ask(RTM_NEWACTION, ADD, |w| {
            w.put(&[0; 4]);
            w.nest_with(TCA_ACT_TAB, put_action);
        })?;
        if alone != Some(Errno::EPERM as i32) {
            return Ok(exists_at_all(alone));
        }
        let Some(header) = self.filter()? else { return Ok(false) };
        self.ask(RTM_NEWTFILTER, ADD, |w| {
            header(w);
            put_u32(w, |w| w.nest_with(TCA_U32_ACT, put_action));
        })
        .map(exists_at_all)
    }

    pub fn has(&mut self, feature: Feature) -> Result<bool> {
        match feature {
            Feature::U32Mark => self.has_u32_mark(),
            Feature::Rules => {
                self.ask(RTM_NEWRULE, ADD, |w| put_rule(w, AF_INET)).map(|errno| errno.is_none())
            }
            Feature::RuleDscp => self.has_rule(AF_INET, 25, |w| w.attr(25, &46u8)),
            Feature::RuleDscpMask => self.has_rule(AF_INET, 30, |w| {
                w.attr(25, &0x2eu8);
                w.attr(30, &0x3eu8);
            }),
            Feature::RuleFlowLabel => self.has_rule(AF_INET6, 26, |w| {
                w.attr_with(26, |w| w.put(&[0, 0, 0, 1]));
                w.attr_with(27, |w| w.put(&[0, 0x0f, 0xff, 0xff]));
            }),
            Feature::RulePortMask => self.has_rule(AF_INET, 28, |w| {
                // Port 80 to port 80.
                w.attr(23, &0x0050_0050u32);
                w.attr(28, &0xfff0u16);
            }),
            Feature::Multipath => self.has_multipath(),
            Feature::Nexthops => self.has_nexthops(),
            Feature::NfTables => has_netfilter(NFT_GETTABLE),
            Feature::Conntrack => has_netfilter(CT_GET),
        }
    }

    /// A kernel without the match ignores its attribute: only what it says of the filter that it made shows it.
    fn has_u32_mark(&mut self) -> Result<bool> {
        const TCA_U32_MARK: u16 = 10;
        let Some(header) = self.filter()? else { return Ok(false) };
        self.echoes(RTM_NEWTFILTER, 20, &[TCA_OPTIONS, TCA_U32_MARK], |w| {
            header(w);
            // The mark 1/1.
            put_u32(w, |w| {
                w.attr_with(TCA_U32_MARK, |w| [1, 1, 0].into_iter().for_each(|word| w.put_u32(word)))
            });
        })
    }

    /// Rules too are made without the attributes that the kernel does not know.
    fn has_rule(&mut self, family: u8, attribute: u16, fill: impl FnOnce(&mut Writer)) -> Result<bool> {
        self.echoes(RTM_NEWRULE, 12, &[attribute], |w| {
            put_rule(w, family);
            fill(w);
        })
    }

    fn has_multipath(&mut self) -> Result<bool> {
        const RTA_DST: u16 = 1;
        const RTA_MULTIPATH: u16 = 9;
        self.ask(RTM_NEWLINK, 0, |w| {
            w.put(&[0; 4]);
            // IFF_UP, and the mask of the flags to change.
            [LO, 1, 1].into_iter().for_each(|word| w.put_u32(word));
        })?;
        self.ask(RTM_NEWROUTE, ADD, |w| {
            // A /32 in main, static, of scope link, unicast.
            w.put(&[AF_INET, 32, 0, 0, 254, 4, 253, 1, 0, 0, 0, 0]);
            w.attr_with(RTA_DST, |w| w.put(&[192, 0, 2, 1]));
            w.attr_with(RTA_MULTIPATH, |w| {
                for _ in 0..2 {
                    w.put(&8u16.to_ne_bytes());
                    w.put(&[0, 0]);
                    w.put_u32(LO);
                }
            });
        })
        .map(|errno| errno.is_none())
    }

    /// There is none yet: a kernel that knows what a nexthop is says so.
    fn has_nexthops(&mut self) -> Result<bool> {
        const NHA_ID: u16 = 1;
        self.ask(RTM_GETNEXTHOP, 0, |w| {
            w.put(&[0; 8]);
            w.attr(NHA_ID, &1u32);
        })
        .map(|errno| errno == Some(Errno::ENOENT as i32))
    }

    fn put_qdisc(&mut self, flags: u16, kind: &str, parent: Handle, handle: Handle) -> Result<Option<i32>> {
        self.ask(RTM_NEWQDISC, flags, |w| {
            put_tcmsg(w, handle, parent, 0);
            w.attr_with(TCA_KIND, |w| put_name(w, kind));
        })
    }

    /// The header of a filter for all protocols with a prio that no other has: kinds cannot be mixed within one. `None` if there
    /// is no qdisc that filters can be attached to.
    fn filter(&mut self) -> Result<Option<impl FnOnce(&mut Writer)>> {
        const ETH_P_ALL: u16 = 3;
        let places =
            [("ingress", Handle::INGRESS, 0xffff), ("prio", Handle::ROOT, 1), ("drr", Handle::ROOT, 1)];
        for (kind, parent, major) in places {
            let place = Handle::new(major, 0);
            if self.put_qdisc(NLM_F_CREATE | NLM_F_REPLACE, kind, parent, place)?.is_none() {
                self.filters += 1;
                let info = self.filters << 16 | u32::from(ETH_P_ALL.to_be());
                return Ok(Some(move |w: &mut Writer| put_tcmsg(w, Handle::UNSPEC, place, info)));
            }
        }
        Ok(None)
    }

    /// Sends a request; the errno if the kernel refused it.
    fn ask(&mut self, ty: u16, flags: u16, fill: impl FnOnce(&mut Writer)) -> Result<Option<i32>> {
        self.exchange(ty, flags, fill, |_| ())
    }

    /// Whether what the kernel made of a request has the attribute at `path`.
    fn echoes(
        &mut self,
        ty: u16,
        header: usize,
        path: &[u16],
        fill: impl FnOnce(&mut Writer),
    ) -> Result<bool> {
        let mut has = false;
        self.exchange(ty, ADD | NLM_F_ECHO, fill, |message| {
            let attributes = message.get(HEADER_LEN + header..).unwrap_or_default();
            has |= path.iter().try_fold(attributes, |within, &ty| find(within, ty)).is_some();
        })?;
        Ok(has)
    }

    fn exchange(
        &mut self,
        ty: u16,
        flags: u16,
        fill: impl FnOnce(&mut Writer),
        each: impl FnMut(&[u8]),
    ) -> Result<Option<i32>> {
        let message = message(ty, flags | NLM_F_ACK, fill)?;
        let refused = |result: Result<_>| match result {
            Err(Error::Refused(refusal)) => Ok(Some(refusal.errno)),
            Err(error) => Err(error),
            Ok(_) => Ok(None),
        };
        self.route.transact(&message, each)?.into_iter().next().map_or(Ok(None), refused)
    }
}

/// Whether the answer to a request for a kind is other than that there is none.
fn exists(errno: Option<i32>) -> bool {
    errno != Some(Errno::ENOENT as i32)
}

/// The same where the kernel may have no kinds at all. No filter and no action uses this errno for anything else.
fn exists_at_all(errno: Option<i32>) -> bool {
    exists(errno) && errno != Some(Errno::EOPNOTSUPP as i32)
}

/// A list is understood, even if it is empty, or the subsystem is not there.
fn has_netfilter(ty: u16) -> Result<bool> {
    let message = message(ty, 0, |w| w.put(&[AF_INET, 0, 0, 0]))?;
    let listed = Connection::builder()
        .clock(Clock::KERNEL)
        .protocol(Protocol::Netfilter)
        .open()
        .and_then(|mut netfilter| netfilter.dump(&message, |_| ()));
    match listed {
        Ok(()) => Ok(true),
        Err(Error::Refused(_)) => Ok(false),
        Err(error) if error.errno() == Some(Errno::EPROTONOSUPPORT as i32) => Ok(false),
        Err(error) => Err(error),
    }
}

fn message(ty: u16, flags: u16, fill: impl FnOnce(&mut Writer)) -> Result<Vec<u8>> {
    let mut w = Writer::default();
    w.message(Header { ty, flags, ..Header::default() }, fill)
        .map_err(|source| Error::encode(format!("a question of type {ty}"), source))?;
    Ok(w.bytes().to_vec())
}

fn put_tcmsg(w: &mut Writer, handle: Handle, parent: Handle, info: u32) {
    [0, LO, handle.raw(), parent.raw(), info].into_iter().for_each(|word| w.put_u32(word));
}

/// A u32 filter that matches everything, and what else `fill` writes.
fn put_u32(w: &mut Writer, fill: impl FnOnce(&mut Writer)) {
    const TCA_U32_SEL: u16 = 5;
    w.attr_with(TCA_KIND, |w| put_name(w, "u32"));
    w.attr_with(TCA_OPTIONS, |w| {
        w.attr_with(TCA_U32_SEL, |w| {
            // TC_U32_TERMINAL, no shift, one key, which compares nothing.
            w.put(&[1, 0, 1, 0]);
            w.put(&[0; 28]);
        });
        fill(w);
    });
}

/// `struct fib_rule_hdr`: look up the main table.
fn put_rule(w: &mut Writer, family: u8) {
    w.put(&[family, 0, 0, 0, 254, 0, 0, 1, 0, 0, 0, 0]);
}

fn put_name(w: &mut Writer, name: &str) {
    w.put(name.as_bytes());
    w.put(&[0]);
}

fn find(attributes: &[u8], ty: u16) -> Option<&[u8]> {
    Reader::new(attributes).attrs().map_while(Result::ok).find(|attr| attr.ty == ty).map(|attr| attr.payload)
}

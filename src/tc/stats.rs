//! Statistics as dumps carry them.

use super::attributes::Noun;
use super::AppStats;
use crate::text::{Page, Show};
use crate::units::{Rate, Size};
use crate::wire::{DecodeError, Names, Reader, Table, Value};
use std::fmt::{self, Display, Formatter};

const TCA_STATS_BASIC: u16 = 1;
const TCA_STATS_RATE_EST: u16 = 2;
const TCA_STATS_QUEUE: u16 = 3;
const TCA_STATS_APP: u16 = 4;
const TCA_STATS_RATE_EST64: u16 = 5;
const TCA_STATS_PAD: u16 = 6;
const TCA_STATS_BASIC_HW: u16 = 7;
const TCA_STATS_PKT64: u16 = 8;

/// The attributes of TCA_STATS2.
const NAMES: Names = &[
    (TCA_STATS_BASIC, "TCA_STATS_BASIC"),
    (TCA_STATS_RATE_EST, "TCA_STATS_RATE_EST"),
    (TCA_STATS_QUEUE, "TCA_STATS_QUEUE"),
    (TCA_STATS_APP, "TCA_STATS_APP"),
    (TCA_STATS_RATE_EST64, "TCA_STATS_RATE_EST64"),
    (TCA_STATS_PAD, "TCA_STATS_PAD"),
    (TCA_STATS_BASIC_HW, "TCA_STATS_BASIC_HW"),
    (TCA_STATS_PKT64, "TCA_STATS_PKT64"),
];

/// What is declared here, for the header checks.
pub(super) fn tables() -> Vec<Table> {
    vec![
        Table::named("statistics", NAMES),
        Table::layout::<QueueStats>(),
        Table::layout::<Basic>(),
        Table::layout::<RateEst>(),
        Table::layout::<RateEst64>(),
        Table::layout::<OldStats>(),
    ]
}

/// What an object has counted. What the kernel did not send is 0 or `None`.
///
/// `include/uapi/linux/gen_stats.h`, `net/core/gen_stats.c`
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Stats {
    /// Bytes seen (TCA_STATS_BASIC).
    pub bytes: u64,
    /// Packets seen, from the 64-bit counter where the kernel sent one (TCA_STATS_PKT64).
    pub packets: u64,
    /// Of these, the ones that hardware handled (TCA_STATS_BASIC_HW): bytes and packets.
    pub hardware: Option<(u64, u64)>,
    /// The queue (TCA_STATS_QUEUE).
    pub queue: QueueStats,
    /// The rate that an estimator measured, in bytes and packets a second; `None` where none was asked for.
    pub rate: Option<(u64, u64)>,
    /// What the kind adds: HTB's lends and tokens, SFQ's allotment.
    pub app: Option<AppStats>,
}

layout! {
    /// A queue's counters (TCA_STATS_QUEUE). `include/uapi/linux/gen_stats.h`
    pub struct QueueStats = "gnet_stats_queue" {
        /// Packets waiting now.
        pub qlen: u32,
        /// Bytes waiting now.
        pub backlog: u32,
        /// Packets dropped.
        pub drops: u32,
        /// Packets put back after a device could not take them.
        pub requeues: u32,
        /// Times the queue was over its limit and traffic had to wait.
        pub overlimits: u32,
    }
}

layout! {
    struct Basic = "gnet_stats_basic" {
        bytes: u64,
        packets: u32,
    }
}

layout! {
    struct RateEst = "gnet_stats_rate_est" {
        bps: u32,
        pps: u32,
    }
}

layout! {
    struct RateEst64 = "gnet_stats_rate_est64" {
        bps: u64,
        pps: u64,
    }
}

layout! {
    struct OldStats = "tc_stats" {
        bytes: u64,
        packets: u32,
        drops: u32,
        overlimits: u32,
        bps: u32,
        pps: u32,
        qlen: u32,
        backlog: u32,
    }
}

impl Stats {
    /// Reads TCA_STATS2; the kind's own statistics come from it or, where it has none, from TCA_XSTATS.
    #[inline(always)]
    pub(crate) fn fill(
        &mut self,
        noun: Noun,
        kind: Option<&[u8]>,
        payload: &[u8],
        xstats: Option<&[u8]>,
    ) -> Result<(), DecodeError> {
        let mut app = xstats;
        let mut hardware_is_last = false;
        for attr in Reader::new(payload).attrs() {
            let attr = attr?;
            match attr.ty {
                TCA_STATS_BASIC => {
                    let mut basic = Basic::default();
                    basic.fill(attr.payload)?;
                    (self.bytes, self.packets) = (basic.bytes, basic.packets.into());
                    hardware_is_last = false;
                }
                TCA_STATS_BASIC_HW => {
                    let basic = Basic::decode(attr.payload)?;
                    self.hardware = Some((basic.bytes, basic.packets.into()));
                    hardware_is_last = true;
                }
                // It stands once behind each of the two and belongs to the one in front of it.
                TCA_STATS_PKT64 => match (&mut self.hardware, hardware_is_last) {
                    (Some((_, packets)), true) => *packets = u64::decode(attr.payload)?,
                    _ => self.packets = u64::decode(attr.payload)?,
                },
                // The 64-bit one says the same without saturating, and comes behind it.
                TCA_STATS_RATE_EST => {
                    let rate = RateEst::decode(attr.payload)?;
                    self.rate = Some((rate.bps.into(), rate.pps.into()));
                }
                TCA_STATS_RATE_EST64 => {
                    let rate = RateEst64::decode(attr.payload)?;
                    self.rate = Some((rate.bps, rate.pps));
                }
                TCA_STATS_QUEUE => self.queue.fill(attr.payload)?,
                TCA_STATS_APP => app = Some(attr.payload),
                _ => (),
            }
        }
        match app {
            Some(app) => AppStats::read(noun, kind, app, &mut self.app),
            None => Ok(()),
        }
    }

    /// Reads TCA_STATS and TCA_XSTATS, which kernels send beside TCA_STATS2 for old programs.
    pub(crate) fn decode_old(
        noun: Noun,
        kind: Option<&[u8]>,
        payload: &[u8],
        xstats: Option<&[u8]>,
    ) -> Result<Self, DecodeError> {
        let old = OldStats::decode(payload)?;
        let mut app = None;
        if let Some(xstats) = xstats {
            AppStats::read(noun, kind, xstats, &mut app)?;
        }
        Ok(Stats {
            bytes: old.bytes,
            packets: old.packets.into(),
            hardware: None,
            queue: QueueStats {
                qlen: old.qlen,
                backlog: old.backlog,
                drops: old.drops,
                requeues: 0,
                overlimits: old.overlimits,
            },
            rate: (old.bps | old.pps != 0).then_some((old.bps.into(), old.pps.into())),
            app,
        })
    }
}

/// What `tc -s` shows below a qdisc and in a class: the counters, and what the kind adds. Each line ends with a break.
impl Show for Stats {
    fn show(&self, page: &mut Page) {
        self.show_counters(" ", page);
        page.line();
        match &self.app {
            None | Some(AppStats::Other(_)) => (),
            Some(app) => {
                app.show(page);
                page.line();
            }
        }
    }
}

impl Stats {
    /// Shows the counters that all kinds of objects have: lines that begin with `indent` (actions have a tab there), without
    /// a break behind the last one.
    pub(super) fn show_counters(&self, indent: &str, page: &mut Page) {
        let QueueStats { qlen, backlog, drops, requeues, overlimits } = self.queue;
        let (bytes, packets) = (self.bytes, self.packets);
        page.field("bytes", bytes, format_args!("{indent}Sent {bytes} bytes"));
        page.field("packets", packets, format_args!(" {packets} pkt"));
        page.field("drops", drops, format_args!(" (dropped {drops}"));
        page.field("overlimits", overlimits, format_args!(", overlimits {overlimits}"));
        page.field("requeues", requeues, format_args!(" requeues {requeues}) "));
        self.show_hardware(indent, page);
        match self.rate {
            None => page.line(),
            Some((bytes, packets)) => {
                // tc breaks the line here even where all is to stand on one.
                page.text("\n");
                let rate = page.rate(Rate::bytes_per_second(bytes));
                page.field("rate", bytes, format_args!("{indent}rate {rate}"));
                page.field("pps", packets, format_args!(" {packets}pps"));
            }
        }
        let waiting = page.size(Size::bytes(backlog.into()));
        page.field("backlog", backlog, format_args!("{indent}backlog {waiting}"));
        page.field("qlen", qlen, format_args!(" {qlen}p"));
        page.text(format_args!(" requeues {requeues}"));
    }

    /// Shows what hardware handled, if it did, and what that leaves for software.
    fn show_hardware(&self, indent: &str, page: &mut Page) {
        let Some((bytes, packets)) = self.hardware.filter(|counted| *counted != (0, 0)) else { return };
        if let Some((bytes, packets)) = self.bytes.checked_sub(bytes).zip(self.packets.checked_sub(packets)) {
            page.line();
            page.field("sw_bytes", bytes, format_args!("{indent}Sent software {bytes} bytes"));
            page.field("sw_packets", packets, format_args!(" {packets} pkt"));
        }
        page.line();
        page.field("hw_bytes", bytes, format_args!("{indent}Sent hardware {bytes} bytes"));
        page.field("hw_packets", packets, format_args!(" {packets} pkt"));
    }

    /// Shows the counters of old (TCA_STATS), which is what filters have.
    pub(super) fn show_old(&self, page: &mut Page) {
        let QueueStats { qlen, backlog, drops, overlimits, .. } = self.queue;
        page.field("bytes", self.bytes, format_args!(" Sent {} bytes", self.bytes));
        page.field("packets", self.packets, format_args!(" {} pkts", self.packets));
        page.field("dropped", drops, format_args!(" (dropped {drops}"));
        page.field("overlimits", overlimits, format_args!(", overlimits {overlimits}) "));
        let (bytes, packets) = self.rate.unwrap_or_default();
        if [bytes, packets, qlen.into(), backlog.into()] != [0; 4] {
            page.line();
            page.text(" ");
        }
        if (bytes, packets) != (0, 0) {
            page.text("rate ");
        }
        if bytes != 0 {
            let rate = page.rate(Rate::bytes_per_second(bytes));
            page.field("rate", bytes, format_args!("{rate} "));
        }
        if packets != 0 {
            page.field("pps", packets, format_args!("{packets}pps "));
        }
        if (qlen, backlog) != (0, 0) {
            page.text("backlog ");
        }
        if backlog != 0 {
            let size = page.size(Size::bytes(backlog.into()));
            page.field("backlog", backlog, format_args!("{size} "));
        }
        if qlen != 0 {
            page.field("qlen", qlen, format_args!("{qlen}p "));
        }
    }
}

/// The counters in one line, in the words of `tc -s`.
impl Display for Stats {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let QueueStats { qlen, backlog, drops, requeues, overlimits } = self.queue;
        write!(
            f,
            "sent {} bytes {} pkt (dropped {drops}, overlimits {overlimits} requeues {requeues})",
            self.bytes, self.packets
        )?;
        if let Some((bytes, packets)) = self.rate {
            write!(f, " rate {} {packets}pps", Rate::bytes_per_second(bytes))?;
        }
        write!(f, " backlog {backlog}b {qlen}p")
    }
}

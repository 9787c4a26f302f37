mod hear;
mod show;

use crate::wire::Text;
use netlink_packet_route::route::RouteMetric;
use std::fmt::{self, Display, Formatter};

attrs! {
    /// What TCP and IP assume of a path instead of learning it. `man 8 ip-route`, `include/uapi/linux/rtnetlink.h`
    pub wordless struct Metrics {
        /// Which of the others are fixed: bit `n` for the metric with number `n`. See [`Metrics::fix`].
        1 "RTAX_LOCK" => lock: u32,
        /// The path's MTU in bytes.
        2 "RTAX_MTU" => mtu: u32,
        /// The largest window to advertise, in bytes.
        3 "RTAX_WINDOW" => window: u32,
        /// The initial round-trip time in eighths of a millisecond.
        4 "RTAX_RTT" => rtt: u32,
        /// Its initial variance in quarters of a millisecond.
        5 "RTAX_RTTVAR" => rttvar: u32,
        /// The initial slow-start threshold in segments.
        6 "RTAX_SSTHRESH" => ssthresh: u32,
        /// The congestion window's clamp in segments; only if it is fixed.
        7 "RTAX_CWND" => cwnd: u32,
        /// The maximum segment size to advertise, in bytes.
        8 "RTAX_ADVMSS" => advmss: u32,
        /// How much reordering to expect, in segments.
        9 "RTAX_REORDERING" => reordering: u32,
        /// The hop limit (TTL), 1 to 255.
        10 "RTAX_HOPLIMIT" => hoplimit: u32,
        /// The initial congestion window in segments.
        11 "RTAX_INITCWND" => initcwnd: u32,
        /// Bits of features: 1 for ECN, 16 for microsecond timestamps.
        12 "RTAX_FEATURES" => features: u32,
        /// The least retransmission timeout in milliseconds.
        13 "RTAX_RTO_MIN" => rto_min: u32,
        /// The initial receive window in segments.
        14 "RTAX_INITRWND" => initrwnd: u32,
        /// Whether to acknowledge at once: 1 or 0.
        15 "RTAX_QUICKACK" => quickack: u32,
        /// The congestion control algorithm, such as `bbr`.
        16 "RTAX_CC_ALGO" => congctl: Text,
        /// Whether TCP fast open works without a cookie: 1 or 0.
        17 "RTAX_FASTOPEN_NO_COOKIE" => fastopen_no_cookie: u32,
    }
}

/// A metric that is a number: its RTAX_ number, its value, the word of ip, and what it is to `netlink-packet-route`.
type Number = (u32, Option<u32>, &'static str, fn(u32) -> RouteMetric);

impl Metrics {
    /// The number of the MTU among the metrics, for [`fix`](Metrics::fix).
    pub const MTU: u16 = 2;

    /// Fixes a metric by its RTAX_ number (1 to 31), such as [`Metrics::MTU`]: what the path teaches is ignored.
    #[must_use]
    pub fn fix(mut self, metric: u16) -> Self {
        let bit = 1u32.checked_shl(metric.into()).unwrap_or(0);
        self.lock = Some(self.lock.unwrap_or(0) | bit);
        self
    }

    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Metrics::default()
    }

    fn fixed(&self, metric: u32) -> &'static str {
        match self.lock.unwrap_or(0) >> metric & 1 {
            1 => "lock ",
            _ => "",
        }
    }

    fn numbers(&self) -> [Number; 14] {
        [
            (2, self.mtu, "mtu", RouteMetric::Mtu),
            (3, self.window, "window", RouteMetric::Window),
            (4, self.rtt, "rtt", RouteMetric::Rtt),
            (5, self.rttvar, "rttvar", RouteMetric::RttVar),
            (6, self.ssthresh, "ssthresh", RouteMetric::SsThresh),
            (7, self.cwnd, "cwnd", RouteMetric::Cwnd),
            (8, self.advmss, "advmss", RouteMetric::Advmss),
            (9, self.reordering, "reordering", RouteMetric::Reordering),
            (10, self.hoplimit, "hoplimit", RouteMetric::Hoplimit),
            (11, self.initcwnd, "initcwnd", RouteMetric::InitCwnd),
            (13, self.rto_min, "rto_min", RouteMetric::RtoMin),
            (14, self.initrwnd, "initrwnd", RouteMetric::InitRwnd),
            (15, self.quickack, "quickack", RouteMetric::QuickAck),
            (17, self.fastopen_no_cookie, "fastopen_no_cookie", RouteMetric::FastopenNoCookie),
        ]
    }
}

impl From<&Metrics> for Vec<RouteMetric> {
    fn from(metrics: &Metrics) -> Self {
        let mut out: Vec<_> = metrics.lock.map(RouteMetric::Lock).into_iter().collect();
        out.extend(metrics.numbers().into_iter().filter_map(|(_, value, _, make)| value.map(make)));
        out.extend(metrics.features.map(RouteMetric::Features));
        out.extend(metrics.congctl.as_ref().map(|name| RouteMetric::CcAlgo(name.0.clone())));
        out.extend(metrics.unknown.iter().map(|attr| RouteMetric::Other(super::message::other(attr))));
        out
    }
}

impl Display for Metrics {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (number, value, word, _) in self.numbers() {
            let Some(value) = value else { continue };
            // ip always fixes rto_min and has no word for it.
            let lock = if number == 13 { "" } else { self.fixed(number) };
            write!(f, " {word} {lock}{value}")?;
        }
        if let Some(features) = self.features {
            write!(f, " features {}{}", self.fixed(12), Features(features))?;
        }
        match &self.congctl {
            Some(name) => write!(f, " congctl {}{}", self.fixed(16), name.0),
            None => Ok(()),
        }
    }
}

/// The bits that ip has words for, and the others as a number, for which it has none.
struct Features(u32);

impl Display for Features {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let words = match self.0 & 0x11 {
            0x01 => "ecn",
            0x10 => "tcp_usec_ts",
            0x11 => "ecn tcp_usec_ts",
            _ => "",
        };
        match (self.0 & !0x11, words) {
            (0, words) if !words.is_empty() => f.write_str(words),
            (rest, words) => write!(f, "{rest:#x}{}{words}", if words.is_empty() { "" } else { " " }),
        }
    }
}

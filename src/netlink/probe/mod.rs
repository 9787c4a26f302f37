mod ask;

use self::ask::Prober;
use super::namespace::on_a_thread;
use crate::error::{Error, Result};
use crate::tc::{ActionKind, FilterKind, QdiscKind};
use nix::sched::{unshare, CloneFlags};
use std::fmt::{self, Display, Formatter};

/// What the running kernel has of the kinds and features that the crate can speak of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    qdiscs: Vec<&'static str>,
    filters: Vec<&'static str>,
    actions: Vec<&'static str>,
    features: Vec<Feature>,
}

impl Capabilities {
    /// Asks the kernel, by trying everything out in a network namespace that vanishes behind it.
    ///
    /// No device, qdisc or rule of any other namespace is touched. What a kernel has as modules is loaded by asking for it and
    /// stays loaded, as it does when `tc` asks.
    ///
    /// # Errors
    /// [`Error::Io`] if no network namespace can be made: that takes CAP_SYS_ADMIN, which an ordinary user has in a user
    /// namespace of his own (`unshare --user --map-root-user`). And whatever [`Connection`](super::Connection) fails with,
    /// other than refusals: those are answers.
    pub fn probe() -> Result<Self> {
        let cannot = "make a network namespace to try things out in";
        let leave = || {
            unshare(CloneFlags::CLONE_NEWNET).map_err(|error| Error::denied(cannot, error, "CAP_SYS_ADMIN"))
        };
        on_a_thread("a network namespace of its own", leave, || {
            let mut prober = Prober::open()?;
            Ok(Capabilities {
                qdiscs: keep(QdiscKind::KNOWN, |kind| prober.has_qdisc(kind))?,
                filters: keep(FilterKind::KNOWN, |kind| prober.has_filter(kind))?,
                actions: keep(ActionKind::KNOWN, |kind| prober.has_action(kind))?,
                features: keep(&Feature::ALL, |feature| prober.has(feature))?,
            })
        })
    }

    /// Whether there is this kind of qdisc, and of class if it has classes.
    pub fn has_qdisc(&self, kind: &str) -> bool {
        self.qdiscs.contains(&kind)
    }

    /// Whether there is this kind of filter.
    pub fn has_filter(&self, kind: &str) -> bool {
        self.filters.contains(&kind)
    }

    /// Whether there is this kind of action.
    pub fn has_action(&self, kind: &str) -> bool {
        self.actions.contains(&kind)
    }

    /// Whether there is this feature.
    pub fn has(&self, feature: Feature) -> bool {
        self.features.contains(&feature)
    }
}

/// What there is, one line for qdiscs, filters, actions and features each.
impl Display for Capabilities {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let features: Vec<String> = self.features.iter().map(Feature::to_string).collect();
        writeln!(f, "qdiscs: {}", self.qdiscs.join(" "))?;
        writeln!(f, "filters: {}", self.filters.join(" "))?;
        writeln!(f, "actions: {}", self.actions.join(" "))?;
        write!(f, "features: {}", features.join(", "))
    }
}

macro_rules! features {
    ($($(#[$meta:meta])* $name:ident = $words:literal,)*) => {
        /// What a kernel may lack beside whole kinds.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Feature {
            $($(#[$meta])* $name,)*
        }

        impl Feature {
            /// All of them.
            pub const ALL: [Feature; [$($words),*].len()] = [$(Feature::$name),*];
        }

        impl Display for Feature {
            fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $(Feature::$name => $words,)*
                })
            }
        }
    };
}

features! {
    /// u32 filters can match the firewall mark (CONFIG_CLS_U32_MARK). Kernels without it accept the match and ignore it.
    U32Mark = "u32 mark match",
    /// Policy routing: rules and more than one table (CONFIG_IP_MULTIPLE_TABLES).
    Rules = "rules",
    /// Rules can match the DSCP (Linux 6.12). Kernels without it accept the rule and ignore the match, here and below: a
    /// rule then matches everything.
    RuleDscp = "rules by dscp",
    /// Rules can match a part of the DSCP (Linux 6.15).
    RuleDscpMask = "rules by masked dscp",
    /// Rules can match the IPv6 flow label (Linux 6.14).
    RuleFlowLabel = "rules by flow label",
    /// Rules can match parts of ports (Linux 6.15).
    RulePortMask = "rules by masked ports",
    /// Routes with several next hops (CONFIG_IP_ROUTE_MULTIPATH).
    Multipath = "multipath routes",
    /// Nexthop objects (Linux 5.3).
    Nexthops = "nexthop objects",
    /// nf_tables (CONFIG_NF_TABLES).
    NfTables = "nf_tables",
    /// Connection tracking that can be read and changed (CONFIG_NF_CT_NETLINK).
    Conntrack = "conntrack over netlink",
}

fn keep<T: Copy>(all: &[T], mut has: impl FnMut(T) -> Result<bool>) -> Result<Vec<T>> {
    let mut kept = Vec::new();
    for &one in all {
        if has(one)? {
            kept.push(one);
        }
    }
    Ok(kept)
}

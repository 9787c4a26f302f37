//! The words of a bridge.

use super::Bridge;
use crate::route::link::HardwareAddress;
use crate::text::{WordError, Words};
use crate::wire::{Be, Raw};

/// Takes the next word's value into the field of the same name, if it is one of these words or its beginning.
macro_rules! take {
    ($bridge:ident, $words:ident: $($field:ident)*) => {
        match () {
            $(() if $words.take_if_short(stringify!($field)) => {
                $bridge.$field = Some($words.value()?);
                true
            })*
            () => false,
        }
    };
}

impl Bridge {
    /// Takes all options that follow. Words may be cut short; where one begins two, the first has it, in `ip`'s order.
    pub(in crate::route::link) fn hear(&mut self, words: &mut Words<'_>) -> Result<(), WordError> {
        while self.timer(words)? || self.irregular(words)? || self.multicast(words)? {}
        Ok(())
    }

    fn timer(&mut self, words: &mut Words<'_>) -> Result<bool, WordError> {
        Ok(take!(self, words: forward_delay hello_time max_age ageing_time stp_state priority vlan_filtering))
    }

    fn irregular(&mut self, words: &mut Words<'_>) -> Result<bool, WordError> {
        match () {
            () if words.take_if_short("vlan_protocol") => {
                const WHAT: &str = "a VLAN protocol: expected 802.1Q or 802.1ad";
                self.vlan_protocol = Some(words.read(WHAT, |word| match () {
                    () if word.eq_ignore_ascii_case("802.1Q") => Ok(Be(0x8100)),
                    () if word.eq_ignore_ascii_case("802.1ad") => Ok(Be(0x88a8)),
                    () => Err(format!("{word:?} is not {WHAT}")),
                })?);
            }
            () if words.take_if_short("group_fwd_mask") => self.group_fwd_mask = Some(words.value()?),
            () if words.take_if_short("group_address") => {
                const WHAT: &str = "a MAC address such as 01:80:c2:00:00:00";
                let address = |word: &str| {
                    let address =
                        word.parse::<HardwareAddress>().ok().filter(|address| address.as_bytes().len() == 6);
                    address.ok_or_else(|| format!("{word:?} is not {WHAT}"))
                };
                self.group_address = Some(Raw(words.read(WHAT, address)?.as_bytes().to_vec()));
            }
            () if words.take_if_short("fdb_flush") => self.fdb_flush = true,
            () => return Ok(false),
        }
        Ok(true)
    }

    fn multicast(&mut self, words: &mut Words<'_>) -> Result<bool, WordError> {
        Ok(take! { self, words:
            fdb_max_learned vlan_default_pvid vlan_stats_enabled vlan_stats_per_port mcast_router mcast_snooping
            mcast_query_use_ifaddr mcast_querier mcast_hash_elasticity mcast_hash_max mcast_last_member_count
            mcast_startup_query_count mcast_last_member_interval mcast_membership_interval mcast_querier_interval
            mcast_query_interval mcast_query_response_interval mcast_startup_query_interval mcast_stats_enabled
            mcast_igmp_version mcast_mld_version nf_call_iptables nf_call_ip6tables nf_call_arptables
        })
    }
}

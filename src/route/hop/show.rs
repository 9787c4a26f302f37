//! Ways and lightweight tunnels as `ip route show` has them.

use super::{Encap, Hop};
use crate::route::show::{dev, flags, gateway, realms};
use crate::route::Family;
use crate::text::Page;
use crate::units::Dev;
use crate::wire::{Be, DecodeError, Reader, Value};

impl Hop {
    /// Shows a way of a route of this family.
    pub(in crate::route) fn show(&self, family: Family, page: &mut Page) {
        page.object(|page| {
            page.line();
            page.text("\tnexthop ");
            self.encap.iter().for_each(|encap| encap.show(page));
            self.gateway.iter().for_each(|&via| gateway(family, via, page));
            self.realms.iter().for_each(|&pair| realms(pair, page));
            let name = dev(self.dev.unwrap_or(Dev::index(0)), page);
            page.field("dev", name.as_str(), format_args!("dev {name} "));
            page.field("weight", self.weight, format_args!("weight {} ", self.weight));
            flags(self.flags, page);
        });
    }
}

/// LWTUNNEL_ENCAP_ of `include/uapi/linux/lwtunnel.h`, from 1.
const KINDS: [&str; 10] = ["mpls", "ip", "ila", "ip6", "seg6", "bpf", "seg6local", "rpl", "ioam6", "xfrm"];
const MPLS: u16 = 1;
const IP: u16 = 2;
const IP6: u16 = 4;
const XFRM: u16 = 10;

impl Encap {
    /// Shows the tunnel: its type, and of those that route by IP, MPLS or XFRM the parameters as well.
    pub(in crate::route) fn show(&self, page: &mut Page) {
        let kind = usize::from(self.kind).checked_sub(1).and_then(|index| KINDS.get(index));
        let kind = *kind.unwrap_or(&"unknown");
        page.field("encap", kind, format_args!(" encap {kind} "));
        let shown = match self.kind {
            MPLS => self.show_mpls(page),
            IP => self.show_ip(Family::V4, ["ttl", "tos"], page),
            IP6 => self.show_ip(Family::V6, ["hoplimit", "tc"], page),
            XFRM => self.show_xfrm(page),
            _ => Ok(()),
        };
        // What makes no sense is not shown.
        shown.unwrap_or_default();
    }

    fn attribute(&self, ty: u16) -> Option<&[u8]> {
        Reader::new(&self.payload).attrs().flatten().find(|attr| attr.ty == ty).map(|attr| attr.payload)
    }

    fn value<T: Value>(&self, ty: u16) -> Result<Option<T>, DecodeError> {
        self.attribute(ty).map(T::decode).transpose()
    }

    /// MPLS_IPTUNNEL_ of `include/uapi/linux/mpls_iptunnel.h`
    fn show_mpls(&self, page: &mut Page) -> Result<(), DecodeError> {
        if let Some(stack) = self.attribute(1) {
            let labels =
                stack.chunks_exact(4).filter_map(|entry| Some(Be::<u32>::decode(entry).ok()?.0 >> 12));
            let labels = labels.map(|label| label.to_string()).collect::<Vec<_>>().join("/");
            page.field("dst", labels.as_str(), format_args!(" {labels} "));
        }
        if let Some(ttl) = self.value::<u8>(2)? {
            page.field("ttl", ttl, format_args!("ttl {ttl} "));
        }
        Ok(())
    }

    /// LWTUNNEL_IP_ and LWTUNNEL_IP6_ of `include/uapi/linux/lwtunnel.h`, which differ in what they call their bytes.
    fn show_ip(&self, family: Family, bytes: [&str; 2], page: &mut Page) -> Result<(), DecodeError> {
        if let Some(Be(id)) = self.value::<Be<u64>>(1)? {
            page.field("id", id, format_args!("id {id} "));
        }
        for (ty, word) in [(3, "src"), (2, "dst")] {
            if let Some(payload) = self.attribute(ty) {
                let address = family.address(payload)?.to_string();
                page.field(word, address.as_str(), format_args!("{word} {address} "));
            }
        }
        for (ty, word) in (4..).zip(bytes) {
            if let Some(byte) = self.value::<u8>(ty)? {
                page.field(word, byte, format_args!("{word} {byte} "));
            }
        }
        let flags = self.value::<Be<u16>>(6)?.unwrap_or_default().0;
        for (bit, word) in [(4, "key"), (1, "csum"), (8, "seq")] {
            if flags & bit != 0 {
                page.field(word, true, format_args!("{word} "));
            }
        }
        Ok(())
    }

    /// LWT_XFRM_ of `include/uapi/linux/lwtunnel.h`
    fn show_xfrm(&self, page: &mut Page) -> Result<(), DecodeError> {
        if let Some(id) = self.value::<u32>(1)? {
            page.field("if_id", id, format_args!("if_id {id} "));
        }
        if let Some(link) = self.value::<u32>(2)? {
            let name = dev(Dev::index(link), page);
            page.field("link_dev", name.as_str(), format_args!("link_dev {name} "));
        }
        Ok(())
    }
}

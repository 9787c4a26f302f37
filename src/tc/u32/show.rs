//! How u32 filters show themselves.

use super::{Counters, Key, Selector, SelectorFlags, U32Handle, U32};
use crate::tc::{action, shown, Filter, FilterFlags, Kind, Protocol};
use crate::text::Page;
use std::net::Ipv4Addr;

/// The flags in their order, and their words.
const FLAGS: [(FilterFlags, &str); 4] = [
    (FilterFlags::SKIP_HW, "skip_hw"),
    (FilterFlags::SKIP_SW, "skip_sw"),
    (FilterFlags::IN_HW, "in_hw"),
    (FilterFlags::NOT_IN_HW, "not_in_hw"),
];

/// Shows table or filter. In JSON all keys have the name `match`, and all counters the name `success`, as in iproute2: of
/// values with the same name, most readers take the last.
pub(super) fn show(u32: &U32, filter: &Filter, page: &mut Page) {
    let handle = U32Handle::from_raw(filter.handle);
    if filter.handle != 0 {
        let shown = handle_shown(handle, page);
        page.field("fh", shown.as_str(), format_args!("fh {shown} "));
    }
    if handle.node() != 0 {
        page.field("order", handle.node(), format_args!("order {} ", handle.node()));
    }
    let selector = u32.selector.as_ref();
    let terminal = selector.is_some_and(|selector| selector.flags.contains(SelectorFlags::TERMINAL));
    if let Some(divisor) = u32.divisor {
        page.field("ht_divisor", divisor.0, format_args!("ht divisor {} ", divisor.0));
    } else if let Some(ht) = u32.ht {
        let (table, bucket) = (format!("{:x}", ht.table()), format!("{:x}", ht.bucket()));
        page.field("key_ht", table.as_str(), format_args!("key ht {table} "));
        page.field("bkt", bucket.as_str(), format_args!("bkt {bucket} "));
    }
    match u32.class {
        Some(class) => {
            // Only a filter that decides sets the class.
            let star = if terminal { "" } else { "*" };
            page.field("flowid", class.to_string(), format_args!("{star}flowid {class} "));
        }
        None if terminal => page.text("terminal flowid "),
        None => (),
    }
    if let Some(link) = u32.link {
        let link = handle_shown(link, page);
        page.field("link", link.as_str(), format_args!("link {link} "));
    }
    let flags = u32.flags.unwrap_or_default();
    for (_, word) in FLAGS.into_iter().filter(|(flag, _)| flags.contains(*flag)) {
        page.field(word, true, format_args!("{word} "));
    }
    let counters = u32.counters.as_ref().filter(|_| page.layout().stats > 0);
    if let Some(Counters { tried, hit, .. }) = counters {
        page.field("rule_hit", *tried, format_args!("(rule hit {tried} "));
        page.field("success", *hit, format_args!("success {hit})"));
    }
    if let Some(mark) = u32.mark {
        page.line();
        page.field("fwmark_value", shown::hex(mark.value), format_args!("  mark {:#06x}", mark.value));
        page.field("fwmark_mask", shown::hex(mark.mask), format_args!(" {:#06x}", mark.mask));
        page.field("fwmark_success", mark.success, format_args!(" (success {})", mark.success));
    }
    if let Some(selector) = selector {
        show_selector(selector, counters, filter.protocol, page);
    }
    if let Some(police) = &u32.police {
        page.line();
        police.show(page);
    }
    if let Some(indev) = &u32.indev {
        page.line();
        page.field("input_dev", &**indev, format_args!("  input dev {indev}"));
        page.line();
    }
    action::show_all(u32.actions.as_ref(), page);
}

/// Unlike what is printed for commands, table 0 and the end of a bucket's handle are left out.
fn handle_shown(handle: U32Handle, page: &Page) -> String {
    let part = |there: bool, text: String| if there { text } else { String::new() };
    if handle.raw() == 0 {
        return "none".to_owned();
    }
    [
        part(handle.table() != 0, format!("{:x}:", handle.table())),
        part(handle.bucket() != 0, format!("{:x}", handle.bucket())),
        part(handle.node() != 0, format!(":{:x}", handle.node())),
        part(page.layout().raw, format!("[{:08x}]", handle.raw())),
    ]
    .concat()
}

fn show_selector(
    selector: &Selector,
    counters: Option<&Counters>,
    protocol: Option<Protocol>,
    page: &mut Page,
) {
    for (at, key) in selector.keys.iter().enumerate() {
        let pretty = protocol.filter(|_| page.layout().pretty);
        match pretty {
            Some(Protocol::Ip) => show_ip_key(key, ["sport", "dport"], page),
            Some(Protocol::Ipv6) => show_ip_key(key, ["dport", "sport"], page),
            _ => show_key(key, page),
        }
        if let Some(success) = counters.and_then(|counters| counters.keys.get(at)) {
            page.field("success", *success, format_args!(" (success {success} ) "));
        }
    }
    let flags = selector.flags;
    if flags.intersects(SelectorFlags::OFFSET | SelectorFlags::VAROFFSET) {
        page.line();
        page.text("    offset ");
        if flags.contains(SelectorFlags::VAROFFSET) {
            let Selector { offset_mask: mask, shift, offset_at: at, .. } = selector;
            page.field("offset_mask", format!("{mask:x}"), format_args!("{mask:04x}"));
            page.field("offset_shift", *shift, format_args!(">>{shift} "));
            page.field("offset_off", i32::from(*at), format_args!("at {at} "));
        }
        if selector.plus != 0 {
            page.field("plus", selector.plus, format_args!("plus {} ", selector.plus));
        }
    }
    if flags.contains(SelectorFlags::EAT) {
        page.text(" eat ");
    }
    if selector.hash_mask != 0 {
        page.line();
        let (mask, at) = (selector.hash_mask, selector.hash_at);
        page.field("hash_mask", format!("{mask:x}"), format_args!("    hash mask {mask:08x} "));
        page.field("hash_off", i32::from(at), format_args!("at {at} "));
    }
}

fn show_key(key: &Key, page: &mut Page) {
    let (value, mask) = (key.val.0, key.mask.0);
    let next = if key.offmask == 0 { "" } else { "nexthdr+" };
    page.line();
    page.object_in("match", |page| {
        page.field("value", format!("{value:x}"), format_args!("  match {value:08x}"));
        page.field("mask", format!("{mask:x}"), format_args!("/{mask:08x} "));
        page.field("offmask", next, format_args!("at {next}"));
        page.field("off", key.off, key.off);
    });
}

/// Shows a key of an IPv4 filter in words (`-p`), as iproute2 does: a key for which there are none is not shown, and what
/// stands in an IPv6 header is taken for IPv4, but for the ports, which change places. The names are those of the port in
/// the high bytes and of that in the low ones.
fn show_ip_key(key: &Key, [of_high, of_low]: [&str; 2], page: &mut Page) {
    let (value, mask) = (key.val.0, key.mask.0);
    let [high, low] = [value >> 16, value & 0xffff];
    page.object_in("match", |page| match (key.off, mask) {
        (0, 0x0f00_0000) => {
            page.line();
            page.field("ip_ihl", value >> 24, format_args!("  match IP ihl {}", value >> 24));
        }
        (0, 0x00ff_0000) => {
            page.line();
            let field = shown::hex(high);
            page.field("ip_dsfield", field.as_str(), format_args!("  match IP dsfield {field}"));
        }
        (8, 0x00ff_0000) => {
            page.line();
            page.field("ip_protocol", high, format_args!("  match IP protocol {high}"));
        }
        (12 | 16, _) if mask.leading_ones() + mask.trailing_zeros() == 32 => {
            let (side, address) = (if key.off == 12 { "src" } else { "dst" }, Ipv4Addr::from_bits(value));
            page.line();
            page.text(format_args!("  match IP {side} "));
            page.object_in(side, |page| {
                page.field("address", address.to_string(), address);
                page.field("prefixlen", mask.leading_ones(), format_args!("/{}", mask.leading_ones()));
            });
        }
        (20, 0xffff_0000) => show_port(of_high, high, page),
        (20, 0x0000_ffff) => show_port(of_low, low, page),
        (20, 0xffff_ffff) => {
            page.line();
            page.field(of_low, low, format_args!("  match {of_low} {low}, "));
            page.field(of_high, high, format_args!("match {of_high} {high}"));
        }
        _ => (),
    });
}

/// iproute2 begins no line for a destination port.
fn show_port(name: &str, port: u32, page: &mut Page) {
    if name == "sport" {
        page.line();
        page.text("  ");
    }
    page.field(name, port, format_args!("match {name} {port}"));
}

//! How policers show themselves, in filters and as actions.

use super::{Police, Times};
use crate::tc::parms::show_holders;
use crate::tc::{Burst, Control, LinkLayer};
use crate::text::Page;
use crate::units::{Size, Ticks};

/// Shows it. iproute2 has rates, burst and mtu in text only.
pub(super) fn show(police: &Police, page: &mut Page) {
    let clock = page.clock();
    page.json("kind", "police");
    page.field("index", police.index, format_args!(" police {:#x} ", police.index));
    let rate = police.rate.unwrap_or_default();
    page.text(format_args!("rate {} ", page.rate(rate)));
    let burst = police.burst.unwrap_or(Burst::Time(Ticks(0)));
    page.text(format_args!("burst {} ", page.size(burst.size(&clock, rate))));
    page.text(format_args!("mtu {} ", page.size(Size::bytes(police.mtu.into()))));
    if page.layout().raw {
        page.text(format_args!("[{:08x}] ", burst.ticks(&clock, rate).0));
    }
    if let Some(peak) = police.peak {
        page.text(format_args!("peakrate {} ", page.rate(peak)));
    }
    if let Some(avrate) = police.avrate {
        page.text(format_args!("avrate {} ", page.rate(avrate)));
    }
    if let Some((rate, burst)) = police.packet_rate {
        let burst = burst.packets(&clock, rate);
        page.field("pkts_rate", rate, format_args!("pkts_rate {rate} "));
        page.field("pkts_burst", burst, format_args!("pkts_burst {burst} "));
    }
    police.exceed.show("action ", "", page);
    // Both verdicts have one name in JSON. What conforms just passes where nothing is said.
    match police.conform {
        Control::Ok => page.text(" "),
        conform => conform.show("/", " ", page),
    }
    let framing = police.framing;
    page.field("overhead", framing.overhead, format_args!("overhead {}b ", framing.overhead));
    // Without a rate there is no framing either.
    police.rate.map_or(LinkLayer::Unaware, |_| framing.linklayer).show(page);
    page.line();
    page.text("\t");
    show_holders(police.references, police.bindings, page);
    page.text(" ");
    Times::show(police.times.as_ref(), page);
    page.line();
}

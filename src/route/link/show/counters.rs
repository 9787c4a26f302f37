//! What a link has sent and received, as `ip -s` shows it.

use crate::route::LinkStats;
use crate::text::Page;

/// The widths of the columns: of what stands in front, and of those of numbers.
type Widths = [usize; 8];

impl LinkStats {
    /// Writes the table, without the last line break. The number of changes of the carrier stands in it, too.
    pub(in crate::route) fn show(&self, carrier_changes: Option<u32>, page: &mut Page) {
        let more = page.layout().stats > 1;
        if page.is_json() {
            page.object_in("stats64", |page| {
                page.object_in("rx", |page| self.received(more, page));
                page.object_in("tx", |page| self.sent(more, carrier_changes, page));
            });
        } else {
            self.table(more, carrier_changes, page);
        }
    }

    fn received(&self, more: bool, page: &mut Page) {
        page.json("bytes", self.rx_bytes);
        page.json("packets", self.rx_packets);
        page.json("errors", self.rx_errors);
        page.json("dropped", self.rx_dropped);
        page.json("over_errors", self.rx_over_errors);
        page.json("multicast", self.multicast);
        unless_zero(page, "compressed", self.rx_compressed);
        if more {
            page.json("length_errors", self.rx_length_errors);
            page.json("crc_errors", self.rx_crc_errors);
            page.json("frame_errors", self.rx_frame_errors);
            page.json("fifo_errors", self.rx_fifo_errors);
            page.json("missed_errors", self.rx_missed_errors);
            unless_zero(page, "nohandler", self.rx_nohandler);
            unless_zero(page, "otherhost", self.rx_otherhost_dropped);
        }
    }

    fn sent(&self, more: bool, carrier_changes: Option<u32>, page: &mut Page) {
        page.json("bytes", self.tx_bytes);
        page.json("packets", self.tx_packets);
        page.json("errors", self.tx_errors);
        page.json("dropped", self.tx_dropped);
        page.json("carrier_errors", self.tx_carrier_errors);
        page.json("collisions", self.collisions);
        unless_zero(page, "compressed", self.tx_compressed);
        if more {
            page.json("aborted_errors", self.tx_aborted_errors);
            page.json("fifo_errors", self.tx_fifo_errors);
            page.json("window_errors", self.tx_window_errors);
            page.json("heartbeat_errors", self.tx_heartbeat_errors);
            if let Some(changes) = carrier_changes {
                page.json("carrier_changes", changes);
            }
        }
    }

    fn table(&self, more: bool, carrier_changes: Option<u32>, page: &mut Page) {
        let changes = carrier_changes.unwrap_or(0).into();
        let received = [
            ("bytes", self.rx_bytes),
            ("packets", self.rx_packets),
            ("errors", self.rx_errors),
            ("dropped", self.rx_dropped),
            ("missed", self.rx_missed_errors),
            ("mcast", self.multicast),
            ("compressed", self.rx_compressed),
        ];
        let bad = [
            ("length", self.rx_length_errors),
            ("crc", self.rx_crc_errors),
            ("frame", self.rx_frame_errors),
            ("fifo", self.rx_fifo_errors),
            ("overrun", self.rx_over_errors),
            ("nohandler", self.rx_nohandler),
            ("otherhost", self.rx_otherhost_dropped),
        ];
        let sent = [
            ("bytes", self.tx_bytes),
            ("packets", self.tx_packets),
            ("errors", self.tx_errors),
            ("dropped", self.tx_dropped),
            ("carrier", self.tx_carrier_errors),
            ("collsns", self.collisions),
            ("compressed", self.tx_compressed),
        ];
        let failed = [
            ("aborted", self.tx_aborted_errors),
            ("fifo", self.tx_fifo_errors),
            ("window", self.tx_window_errors),
            ("heartbt", self.tx_heartbeat_errors),
            ("transns", changes),
        ];
        let mut widths: Widths = [10, 7, 6, 7, 7, 7, 10, 9];
        let mut widen = |from: usize, row: &[(&str, u64)]| {
            for (width, (_, number)) in widths.iter_mut().skip(from).zip(row) {
                *width = (*width).max(number.to_string().len());
            }
        };
        widen(0, &received);
        widen(0, &sent);
        if more {
            widen(1, &bad);
            widen(1, &failed);
        }
        traffic("RX", &received, &widths, page);
        if more {
            page.line();
            errors("RX", &bad, &widths, page);
        }
        page.line();
        traffic("TX", &sent, &widths, page);
        if more {
            page.line();
            errors("TX", &failed, &widths, page);
        }
    }
}

fn unless_zero(page: &mut Page, key: &str, number: u64) {
    if number != 0 {
        page.json(key, number);
    }
}

/// A heading and the numbers below it. The heading ends with a column that is left empty where nothing was compressed.
fn traffic(way: &str, row: &[(&str, u64); 7], widths: &Widths, page: &mut Page) {
    let shown = |(name, number): &(&str, u64)| *name != "compressed" || *number != 0;
    page.text(format_args!("    {way}:"));
    for (at, (column, width)) in row.iter().zip(widths).enumerate() {
        // The first column begins where "RX: " does.
        let width = if at == 0 { width.saturating_sub(4) } else { *width };
        page.text(format_args!(" {:>width$}", if shown(column) { column.0 } else { "" }));
    }
    page.line();
    page.text("    ");
    for ((_, number), width) in row.iter().zip(widths).filter(|(column, _)| shown(column)) {
        page.text(format_args!("{number:>width$} "));
    }
}

/// The same for what went wrong. Columns that few kernels fill are left out while they are empty.
fn errors(way: &str, row: &[(&str, u64)], widths: &Widths, page: &mut Page) {
    let [first, widths @ ..] = widths;
    let rare = ["nohandler", "otherhost"];
    let columns =
        || row.iter().zip(widths).filter(|((name, number), _)| *number != 0 || !rare.contains(name));
    page.text(format_args!("    {way} errors:{:1$}", "", first.saturating_sub(10)));
    columns().for_each(|((name, _), width)| page.text(format_args!(" {name:>width$}")));
    page.line();
    page.text(format_args!("    {:first$} ", ""));
    columns().for_each(|((_, number), width)| page.text(format_args!("{number:>width$} ")));
}

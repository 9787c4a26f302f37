//! What qdiscs, classes and filters have in common where they are shown.

use crate::text::Page;
use crate::units::{Dev, Handle};

/// Shows the device, unless the question has said it.
pub(super) fn dev(dev: Dev, page: &mut Page) {
    if !page.has_said("dev") {
        let name = page.dev(dev);
        page.field("dev", name.as_str(), format_args!("dev {name} "));
    }
}

/// A number in the hexadecimal of C's `%#x`: `0x1f`, and `0`.
pub(super) fn hex(number: u32) -> String {
    match number {
        0 => "0".to_owned(),
        number => format!("{number:#x}"),
    }
}

/// Shows the place of a qdisc or a class.
pub(super) fn parent(parent: Handle, page: &mut Page) {
    match parent {
        Handle::ROOT => page.field("root", true, "root "),
        parent => page.field("parent", parent.to_string(), format_args!("parent {parent} ")),
    }
}

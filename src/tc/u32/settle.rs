use super::{U32Handle, U32};
use crate::tc::{action, FilterFlags, Setting};
use crate::units::Handle;
use crate::wire::Be;

/// The bits of a bucket's handle that say the bucket.
const BUCKET: u32 = 0xffff_f000;

pub(super) fn forget(u32: &mut U32) {
    u32.counters = None;
    u32.mark.iter_mut().for_each(|mark| mark.success = 0);
    u32.flags.iter_mut().for_each(|flags| *flags -= FilterFlags::REPORTED);
    action::forget(&mut u32.police, &mut u32.actions);
}

/// `u32_change` and `u32_dump`
pub(super) fn settle(u32: &mut U32, setting: &Setting) {
    u32.unknown.clear();
    if let Some(divisor) = u32.divisor {
        // Nothing else is looked at.
        *u32 = U32::table(divisor.0);
        return;
    }
    action::settle(&mut u32.police, &mut u32.actions, setting);
    u32.class = u32.class.filter(|class| *class != Handle::UNSPEC);
    u32.link = u32.link.filter(|link| link.raw() != 0);
    u32.flags = u32.flags.filter(|flags| !flags.is_empty());
    u32.mark = u32.mark.filter(|mark| (mark.value, mark.mask) != (0, 0));
    // Table 800 is in requests what packets of this prio enter first, whatever its number. It has one bucket.
    let ht = u32.ht.map(|ht| U32Handle::from_raw(ht.raw() & BUCKET));
    u32.ht = ht.filter(|ht| ht.table() != U32Handle::ROOT.table());
    for key in u32.selector.iter_mut().flat_map(|selector| &mut selector.keys) {
        key.val = Be(key.val.0 & key.mask.0);
    }
}

/// Kernels take the class, the link, the device and the actions of a change, and keep a link or a device that it does not say
/// (`u32_init_knode`, `u32_set_parms`).
pub(super) fn can_become(now: &U32, wanted: &U32) -> bool {
    let loses = now.link.is_some() && wanted.link.is_none() || now.indev.is_some() && wanted.indev.is_none();
    let kept = |u32: &U32| (u32.divisor, u32.ht, u32.mark, u32.flags, u32.selector.clone());
    now.divisor.is_none() && !loses && kept(now) == kept(wanted)
}

//! Tables of u32 that the kernel has not let go of yet.
//!
//! A filter that led to a table is freed some time after the request that deleted it was answered (`u32_delete_key_freepf_work` in
//! `net/sched/cls_u32.c`), and until then the table is refused to be deleted. It is asked for again and again, for a while.

use super::push;
use crate::command::AnyObject;
use crate::error::Result;
use crate::netlink::Connection;
use crate::plan::Step;
use crate::request::Verb;
use crate::tc::u32::U32Handle;
use std::thread;
use std::time::Duration;

const EBUSY: i32 = 16;
/// How often it is tried again, and the pause before: a link is let go within milliseconds, on a busy machine within a second.
const TRIES: u32 = 300;
const PAUSE: Duration = Duration::from_millis(10);

/// Whether the step deletes a table of u32.
pub(super) fn may_wait(step: &Step) -> bool {
    match &step.object {
        AnyObject::Filter(filter) if step.verb == Verb::Delete => {
            filter.u32().is_some() && filter.handle != 0 && U32Handle::from_raw(filter.handle).node() == 0
        }
        _ => false,
    }
}

/// What became of the step, if it was not refused for being too early; otherwise what becomes of it in the end.
pub(super) fn wait(nl: &mut Connection, step: &Step, first: Result<()>) -> Result<()> {
    let is_busy = |result: &Result<()>| matches!(result, Err(error) if error.errno() == Some(EBUSY));
    let mut result = first;
    if !may_wait(step) || !is_busy(&result) {
        return result;
    }
    let mut batch = nl.batch();
    push(&mut batch, step)?;
    for _ in 0..TRIES {
        thread::sleep(PAUSE);
        result = nl.run(&batch).into_iter().try_for_each(|answer| answer.map(drop));
        if !is_busy(&result) {
            break;
        }
    }
    result
}

//! The grammar of u32's options. Some mean something else depending on what else is said, so they are read in one go.

use super::fields::Integer;
use super::{Divisor, Mark, Match, SelectorFlags, U32Handle, U32};
use crate::tc::police::Police;
use crate::tc::{Action, FilterFlags};
use crate::text::{Hear, WordError, Words};

/// What was heard so far.
#[derive(Default)]
struct Hearing {
    u32: U32,
    /// Without a `match` no selector is sent: kernels refuse a new filter that has none.
    matched: bool,
    /// The bucket comes from a sample, and `ht` gives the table only.
    sampled: bool,
    ht: u32,
    /// The node of the filter's handle: `order`.
    node: u16,
}

impl Hearing {
    /// Reads the next option; `false` if the next word is none.
    fn option(&mut self, words: &mut Words<'_>) -> Result<bool, WordError> {
        if words.take_if_short("match") {
            self.matching(words)?;
        } else if words.take_if_short("offset") {
            while self.offset(words)? {}
        } else if words.take_if_short("hashkey") {
            while self.hashkey(words)? {}
        } else if words.take_if_short("classid") || words.take_if("flowid") {
            self.u32.class = Some(words.value()?);
            self.decides();
        } else if words.take_if_short("divisor") {
            self.u32.divisor = Some(divisor(words)?);
        } else if words.take_if_short("order") {
            self.order(words)?;
        } else if words.take_if("link") {
            let link: U32Handle = words.read("a u32 handle such as 1:", str::parse)?;
            if link.node() != 0 {
                return Err(
                    words.error_before(format!("{link} is a filter: a link leads to a table such as 1:"))
                );
            }
            self.u32.link = Some(link);
        } else if words.take_if("ht") {
            let ht: U32Handle = words.read("a u32 handle such as 1: or 1:2:", str::parse)?;
            self.ht = match self.sampled {
                true => self.ht & 0xf_f000 | ht.raw() & 0xfff0_0000,
                false => ht.raw() & 0xffff_f000,
            };
        } else if words.take_if("sample") {
            self.sample(words)?;
        } else if words.take_if_short("action") {
            self.u32.actions = Some(Action::hear_all(words)?.into_iter().collect());
            self.decides();
        } else if words.take_if_short("police") {
            self.u32.police = Some(Box::new(Police::hear_all(words)?));
            self.decides();
        } else if words.take_if("indev") {
            self.u32.indev = Some(words.value()?);
        } else if words.take_if("skip_hw") {
            self.flag(FilterFlags::SKIP_HW, words)?;
        } else if words.take_if("skip_sw") {
            self.flag(FilterFlags::SKIP_SW, words)?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// What was heard, all in all.
    fn finish(self) -> U32 {
        let mut u32 = self.u32;
        u32.ht = Some(U32Handle::from_raw(self.ht)).filter(|_| self.ht != 0);
        u32.selector = u32.selector.filter(|_| self.matched);
        u32
    }

    fn decides(&mut self) {
        self.u32.selector().flags |= SelectorFlags::TERMINAL;
    }

    fn matching(&mut self, words: &mut Words<'_>) -> Result<(), WordError> {
        self.matched = true;
        let selector = self.u32.selector();
        if words.take_if_short("mark") {
            let (value, mask): (u32, u32) = (words.value()?, words.value()?);
            if value & !mask != 0 {
                return Err(
                    words.error_before("the mask leaves out bits of the mark: no packet could have it")
                );
            }
            self.u32.mark = Some(Mark { value, mask, success: 0 });
            return Ok(());
        }
        for key in Match::hear(words)?.keys() {
            if !selector.agrees(key) {
                return Err(words.error_before("no packet could match this and what was said before"));
            }
            selector.push(*key);
        }
        Ok(())
    }

    fn order(&mut self, words: &mut Words<'_>) -> Result<(), WordError> {
        let order: u16 = words.value()?;
        if order > 0xfff {
            return Err(words.error_before("an order is the node of a handle: expected 0 to 4095"));
        }
        if order != 0 && self.node != 0 && self.node != order {
            return Err(words.error_before(format!("the handle's node is another: {:#x}", self.node)));
        }
        self.node |= order;
        Ok(())
    }

    fn sample(&mut self, words: &mut Words<'_>) -> Result<(), WordError> {
        let sample = Match::hear(words)?;
        let last = *words;
        let divisor = if words.take_if("divisor") { divisor(words)?.0 } else { 256 };
        let ht = U32Handle::from_raw(self.ht).sample(&sample, divisor);
        self.ht = ht.map_err(|error| last.error_before(error.to_string()))?.raw();
        self.sampled = true;
        Ok(())
    }

    fn offset(&mut self, words: &mut Words<'_>) -> Result<bool, WordError> {
        let selector = self.u32.selector();
        if words.take_if_short("plus") {
            selector.plus = words.value()?;
            selector.flags |= SelectorFlags::OFFSET;
            return Ok(true);
        }
        if words.take_if_short("eat") {
            selector.flags |= SelectorFlags::EAT;
            return Ok(true);
        }
        if words.take_if_short("at") {
            selector.offset_at = at(words, 2)?;
        } else if words.take_if_short("mask") {
            selector.offset_mask = words.number(16)?;
        } else if words.take_if_short("shift") {
            selector.shift = words.value()?;
            if selector.shift > 15 {
                return Err(words.error_before("a field of two bytes can be shifted by 0 to 15 bits"));
            }
        } else {
            return Ok(false);
        }
        selector.flags |= SelectorFlags::VAROFFSET;
        Ok(true)
    }

    fn hashkey(&mut self, words: &mut Words<'_>) -> Result<bool, WordError> {
        let selector = self.u32.selector();
        if words.take_if_short("mask") {
            selector.hash_mask = words.number(16)?;
        } else if words.take_if_short("at") {
            selector.hash_at = at(words, 4)?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn flag(&mut self, flag: FilterFlags, words: &Words<'_>) -> Result<(), WordError> {
        let flags = self.u32.flags.get_or_insert_default();
        flags.insert(flag);
        match flags.contains(FilterFlags::SKIP_HW | FilterFlags::SKIP_SW) {
            true => Err(words.error_before("skip_hw and skip_sw exclude each other: nothing would be left")),
            false => Ok(()),
        }
    }
}

/// A place in the packet: a multiple of `width`.
fn at(words: &mut Words<'_>, width: i16) -> Result<i16, WordError> {
    let Integer(at) = words.value()?;
    i16::try_from(at)
        .ok()
        .filter(|at| at % width == 0)
        .ok_or_else(|| words.error_before(format!("expected a multiple of {width} from -32768 to 32767")))
}

fn divisor(words: &mut Words<'_>) -> Result<Divisor, WordError> {
    let divisor: u32 = words.value()?;
    match divisor.is_power_of_two() && divisor <= 256 {
        true => Ok(Divisor(divisor)),
        false => Err(words.error_before(Divisor::ALLOWED)),
    }
}

/// Reads a filter with this handle. The order becomes a part of it.
pub(super) fn hear_filter(handle: U32Handle, words: &mut Words<'_>) -> Result<(U32, u32), WordError> {
    let mut hearing = Hearing { node: handle.node(), ..Hearing::default() };
    while hearing.option(words)? {}
    let handle = handle.raw() | u32::from(hearing.node);
    Ok((hearing.finish(), handle))
}

/// All options at once.
impl Hear for U32 {
    fn hear(&mut self, words: &mut Words<'_>) -> Result<bool, WordError> {
        let first = *words;
        let mut hearing = Hearing::default();
        let mut any = false;
        while hearing.option(words)? {
            any = true;
        }
        if hearing.node != 0 {
            return Err(first.error("without order, which is a part of a filter's handle"));
        }
        if any {
            *self = hearing.finish();
        }
        Ok(any)
    }
}

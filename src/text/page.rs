use super::json::{Json, Scalar};
use crate::clock::Clock;
use crate::units::{Dev, Name};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Display, Write};

/// How much is shown, and in which form: the options of `tc` and `ip`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Layout {
    /// JSON in place of text (`-j`).
    pub json: bool,
    /// Lines and indents in JSON; what a filter matches in words (`-p`).
    pub pretty: bool,
    /// Statistics, more of them from 2 on (`-s`).
    pub stats: u8,
    /// Details (`-d`).
    pub details: bool,
    /// Raw hexadecimal values for handles (`-r`).
    pub raw: bool,
    /// Rates in powers of 1024 (`-iec`).
    pub iec: bool,
    /// Numbers where there are names for them (`-N`).
    pub numeric: bool,
    /// One line for each object; `\` where a line would break (`-o`).
    pub one_line: bool,
    /// A table of links or addresses, a line each (`-br`).
    pub brief: bool,
}

/// Something that shows itself on a [`Page`], in the layout of `tc` and `ip`.
pub trait Show {
    /// Writes it.
    fn show(&self, page: &mut Page);
}

/// Where objects show themselves: text or JSON, whichever the layout says, from one walk through the object.
///
/// An object in a list is opened with [`object`](Page::object), whatever the form; its fields are said with
/// [`field`](Page::field), which takes both the name and value for JSON and the words for text.
#[derive(Clone, Debug)]
pub struct Page {
    layout: Layout,
    text: String,
    json: Option<Json>,
    clock: Clock,
    links: BTreeMap<u32, Name>,
    down: BTreeSet<u32>,
    said: BTreeSet<&'static str>,
    happened: Option<(&'static str, &'static str)>,
}

impl Page {
    /// An empty page.
    pub fn new(layout: Layout) -> Self {
        Page {
            layout,
            text: String::new(),
            json: layout.json.then(|| Json::new(layout.pretty)),
            clock: Clock::default(),
            links: BTreeMap::new(),
            down: BTreeSet::new(),
            said: BTreeSet::new(),
            happened: None,
        }
    }

    /// Tells the packet scheduler's clock, by which ticks become bytes.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Page { clock, ..self }
    }

    /// Tells the names of devices.
    #[must_use]
    pub fn with_links(self, links: impl IntoIterator<Item = (u32, Name)>) -> Self {
        Page { links: links.into_iter().collect(), ..self }
    }

    /// Tells which devices, by index, are not up: `ip` says so of the links above them.
    #[must_use]
    pub fn with_down(self, down: impl IntoIterator<Item = u32>) -> Self {
        Page { down: down.into_iter().collect(), ..self }
    }

    /// The packet scheduler's clock.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// How much is shown, and in which form.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Whether it is JSON that is written.
    pub fn is_json(&self) -> bool {
        self.json.is_some()
    }

    /// Remembers that the question has said this ("dev", "parent", "table"): answers do not repeat it.
    pub fn say(&mut self, what: &'static str) {
        self.said.insert(what);
    }

    /// Whether the question has said this.
    pub fn has_said(&self, what: &str) -> bool {
        self.said.contains(what)
    }

    /// Has the next object begin with what happened to it, as monitors show it: a field of JSON that is `true`, and words.
    pub fn happened(&mut self, key: &'static str, text: &'static str) {
        self.happened = Some((key, text));
    }

    /// Takes what happened to the object that comes next, for objects that say it elsewhere.
    pub fn take_happened(&mut self) -> Option<(&'static str, &'static str)> {
        self.happened.take()
    }

    /// The name of a device, or `if<index>`; `*` where there is none.
    pub fn dev(&self, dev: Dev) -> String {
        if dev == Dev::default() {
            return "*".to_owned();
        }
        self.links.get(&dev.index).or(dev.name.as_ref()).map_or_else(|| dev.to_string(), Name::to_string)
    }

    /// Whether a device is known not to be up.
    pub fn is_down(&self, dev: Dev) -> bool {
        self.down.contains(&dev.index)
    }

    /// A field in both forms: as `key` with `value`, and as the words of `text`, which bring their own blanks.
    pub fn field(&mut self, key: &str, value: impl Into<Scalar>, text: impl Display) {
        match &mut self.json {
            Some(json) => json.value(Some(key), &value.into()),
            None => self.text(text),
        }
    }

    /// A field of JSON for which text has no words.
    pub fn json(&mut self, key: &str, value: impl Into<Scalar>) {
        if let Some(json) = &mut self.json {
            json.value(Some(key), &value.into());
        }
    }

    /// Words that JSON does not have.
    pub fn text(&mut self, text: impl Display) {
        if self.json.is_none() {
            write!(self.text, "{text}").unwrap_or_default();
        }
    }

    /// A value in a list, in both forms.
    pub fn item(&mut self, value: impl Into<Scalar>, text: impl Display) {
        match &mut self.json {
            Some(json) => json.value(None, &value.into()),
            None => self.text(text),
        }
    }

    /// A line break in text, which becomes `\` where each object stands on one line.
    pub fn line(&mut self) {
        self.text(if self.layout.one_line { "\\" } else { "\n" });
    }

    /// An object in a list.
    pub fn object(&mut self, fields: impl FnOnce(&mut Self)) {
        let happened = self.take_happened();
        self.nest(None, ['{', '}'], |page| {
            if let Some((key, text)) = happened {
                page.field(key, true, text);
            }
            fields(page);
        });
    }

    /// An object in a field of this name.
    pub fn object_in(&mut self, key: &str, fields: impl FnOnce(&mut Self)) {
        self.nest(Some(key), ['{', '}'], fields);
    }

    /// A list in a field of this name. `fields` says its values with [`item`](Page::item) and [`object`](Page::object).
    pub fn list(&mut self, key: &str, fields: impl FnOnce(&mut Self)) {
        self.nest(Some(key), ['[', ']'], fields);
    }

    /// The list that all objects stand in: iproute2's JSON always is one.
    pub fn begin(&mut self) {
        self.json.iter_mut().for_each(|json| json.open(None, '['));
    }

    /// The end of what [`begin`](Page::begin) began.
    pub fn end(&mut self) {
        self.json.iter_mut().for_each(|json| json.close(']'));
    }

    fn nest(&mut self, key: Option<&str>, [open, close]: [char; 2], fields: impl FnOnce(&mut Self)) {
        self.json.iter_mut().for_each(|json| json.open(key, open));
        fields(self);
        self.json.iter_mut().for_each(|json| json.close(close));
    }

    /// Takes what has been written so far, so that long lists need not be kept.
    pub fn take(&mut self) -> String {
        match &mut self.json {
            Some(json) => json.take(),
            None => std::mem::take(&mut self.text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(layout: Layout) -> String {
        let mut page = Page::new(layout).with_links([(7, Name::new("eth0").unwrap())]);
        page.say("parent");
        page.begin();
        page.object(|page| {
            let dev = page.dev(Dev::index(7));
            page.field("dev", dev.as_str(), format_args!("dev {dev} "));
            if !page.has_said("parent") {
                page.field("parent", "1:", "parent 1: ");
            }
            page.list("flags", |page| page.item("up", "up "));
            page.line();
        });
        page.end();
        page.take()
    }

    #[test]
    fn one_walk_writes_text_and_json() {
        assert_eq!(page(Layout::default()), "dev eth0 up \n");
        assert_eq!(page(Layout { one_line: true, ..Layout::default() }), "dev eth0 up \\");
        assert_eq!(page(Layout { json: true, ..Layout::default() }), r#"[{"dev":"eth0","flags":["up"]}]"#);
    }
}

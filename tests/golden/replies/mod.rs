//! Every recorded reply decodes to what iproute2's JSON shows for it, field by field.
//!
//! What each object shows of itself in JSON is compared with what iproute2 printed for it.

mod actions;
mod addresses;
mod classes;
mod filters;
mod links;
mod qdiscs;
mod routes;

use super::data::{body, kind, readable_here, replies, Reply};
use super::meaning::Meaning;
use super::objects::{message, with_object};
use super::requests::NOT_YET;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::{Debug, Write};
use tcnl::request::{Asked, Object, Query, Verb};
use tcnl::route::{Nexthops, Routes, Rules};
use tcnl::text::{Layout, Page, Show};
use tcnl::units::Name;

#[test]
fn every_recorded_reply_decodes_to_what_iproute2_shows() {
    if !readable_here("every_recorded_reply_decodes_to_what_iproute2_shows") {
        return;
    }
    let mut all = Shown::default();
    let recorded = replies();
    for (at, reply) in recorded.iter().enumerate() {
        let Some(json) = &reply.json else { continue };
        let ours = match reply.messages.first().map(|message| kind(message)) {
            Some(16) => links::shown(&mut all, reply),
            Some(20) => addresses::shown(&mut all, &recorded[at - 1], reply),
            // RTM_GETACTION: the kernel answers with the type of the question.
            Some(50) => actions::shown(&mut all, reply),
            Some(44) => filters::shown(&mut all, reply),
            Some(24) => routes::shown::<Routes>(&mut all, reply),
            Some(32) => routes::shown::<Rules>(&mut all, reply),
            Some(104) if reply.show.contains(" route ") => routes::shown_with_nexthops(&mut all, reply),
            Some(104) => routes::shown::<Nexthops>(&mut all, reply),
            Some(36) => qdiscs::shown(&mut all, reply),
            Some(40) => classes::shown(&mut all, reply),
            _ => continue,
        };
        all.compare(reply, &Value::Array(ours), json);
    }
    all.finish();
}

#[test]
fn every_object_in_a_recorded_reply_decodes_and_kinds_not_known_keep_their_options() {
    if !readable_here("every_object_in_a_recorded_reply_decodes_and_kinds_not_known_keep_their_options") {
        return;
    }
    let mut wrong = String::new();
    for reply in replies() {
        for recorded in &reply.messages {
            with_object!(kind(recorded), keeps(&mut wrong, &reply, recorded));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

fn keeps<O: Object>(wrong: &mut String, reply: &Reply, recorded: &[u8]) {
    let mut say = |what: &dyn std::fmt::Display| {
        writeln!(wrong, "{} {}: {what}", reply.id, reply.show).expect("a string takes everything");
    };
    let object = match O::decode(body(recorded)) {
        Ok(object) => object,
        Err(error) => return say(&error),
    };
    let theirs = Meaning::of(recorded);
    if !theirs.kinds().any(|kind| NOT_YET.contains(&kind.as_str())) {
        return;
    }
    match message(Verb::Add, &object) {
        Ok(ours) => {
            let ours = Meaning::of(&ours);
            let (ours, theirs) = (options(&ours), options(&theirs));
            if ours != theirs {
                say(&format!("options {ours:?} were {theirs:?}"));
            }
        }
        Err(error) => say(&error),
    }
}

/// The options of the object and of its actions: what follows TCA_OPTIONS, IFLA_LINKINFO and TCA_ACT_OPTIONS.
fn options(meaning: &Meaning) -> Vec<(&str, &[u8])> {
    let of_a_kind = |path: &str| {
        matches!(path.split('/').collect::<Vec<_>>()[..], ["2"] | ["18", ..] | ["2", _, _, "2", ..])
    };
    let fields = meaning.fields.iter().filter(|(path, _)| of_a_kind(path));
    fields.map(|(path, value)| (path.as_str(), value.as_slice())).collect()
}

/// Stands in an object of a kind that the crate does not have yet: what iproute2 shows of it there is not compared.
const NOT_YET_BELOW: &str = "*";

/// Collects what is wrong, so that one run shows all of it.
#[derive(Default)]
struct Shown {
    wrong: String,
    objects: usize,
}

impl Shown {
    /// The objects of the reply that the query asks for.
    fn objects<Q: Query>(&mut self, reply: &Reply, query: &Q) -> Vec<Q::Object>
    where
        Q::Object: Debug,
    {
        let mut objects = Vec::new();
        for message in &reply.messages {
            match Q::Object::decode(body(message)) {
                Ok(mut object) => {
                    if query.take(&mut object) {
                        objects.push(object);
                    }
                }
                Err(error) => self.wrong(reply, format!("does not decode: {error}")),
            }
        }
        self.objects += objects.len();
        objects
    }

    /// What the objects of the reply that the query asks for show of themselves in JSON, with the options of the command.
    fn json<Q: Asked>(&mut self, reply: &Reply, query: &Q) -> Vec<Value>
    where
        Q::Object: Debug + Show,
    {
        let mut layout = Layout { json: true, ..Layout::default() };
        for word in reply.show.split(' ') {
            layout.stats += u8::from(word == "-s");
            layout.details |= word == "-d";
        }
        let links = [1, 10, 11, 20, 21, 30].map(|index| (index, Name::new(device(index)).expect("a name")));
        let mut page = Page::new(layout).with_links(links);
        query.said(&mut page);
        page.begin();
        self.objects(reply, query).iter().for_each(|object| object.show(&mut page));
        page.end();
        let mut shown: Vec<Value> = serde_json::from_str(&page.take()).expect("JSON");
        shown.iter_mut().for_each(not_yet_below);
        shown
    }

    fn wrong(&mut self, reply: &Reply, what: impl std::fmt::Display) {
        writeln!(self.wrong, "{} `{}`: {what}", reply.id, reply.show).expect("a string takes everything");
    }

    fn compare(&mut self, reply: &Reply, ours: &Value, theirs: &Value) {
        let (all_ours, all_theirs) = (flat(ours), flat(theirs));
        let paths: std::collections::BTreeSet<_> = all_ours.keys().chain(all_theirs.keys()).collect();
        for path in paths {
            let (ours, theirs) = (all_ours.get(path), all_theirs.get(path));
            if ours == theirs || path.ends_with(NOT_YET_BELOW) {
                continue;
            }
            let unknown =
                |(at, _): (usize, &str)| all_ours.contains_key(&format!("{}/{NOT_YET_BELOW}", &path[..at]));
            if ours.is_none() && path.match_indices('/').any(unknown) {
                continue;
            }
            let shown = |value: Option<&Value>| value.map_or("nothing".to_owned(), Value::to_string);
            self.wrong(reply, format!("{path}: ours {}, theirs {}", shown(ours), shown(theirs)));
        }
    }

    fn finish(self) {
        assert!(self.wrong.is_empty(), "{} objects\n{}", self.objects, self.wrong);
    }
}

/// The values by their paths. Empty lists and objects are values, too.
fn flat(value: &Value) -> BTreeMap<String, Value> {
    fn walk(path: String, value: &Value, out: &mut BTreeMap<String, Value>) {
        let below = |name: &dyn std::fmt::Display| {
            if path.is_empty() {
                name.to_string()
            } else {
                format!("{path}/{name}")
            }
        };
        match value {
            Value::Array(list) if !list.is_empty() => {
                list.iter().enumerate().for_each(|(i, value)| walk(below(&i), value, out));
            }
            Value::Object(map) if !map.is_empty() => {
                map.iter().for_each(|(name, value)| walk(below(name), value, out));
            }
            value => drop(out.insert(path, value.clone())),
        }
    }
    let mut out = BTreeMap::new();
    walk(String::new(), value, &mut out);
    out
}

/// Marks the objects of kinds that the crate does not have yet.
fn not_yet_below(value: &mut Value) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(not_yet_below),
        Value::Object(map) => {
            map.values_mut().for_each(not_yet_below);
            if map.get("kind").and_then(Value::as_str).is_some_and(|kind| NOT_YET.contains(&kind)) {
                map.remove("options");
                if map.contains_key("order") {
                    // Not every action says its kind in iproute2.
                    map.remove("kind");
                }
                map.insert(NOT_YET_BELOW.to_owned(), true.into());
            }
        }
        _ => (),
    }
}

/// The name that iproute2 shows for a device of the recordings.
fn device(index: u32) -> &'static str {
    match index {
        1 => "lo",
        10 => "v0",
        11 => "v1",
        20 => "ifb0",
        21 => "ifb1",
        30 => "d0",
        other => panic!("no device of the recordings has the index {other}"),
    }
}

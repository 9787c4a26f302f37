//! Words as texts, lists and maps.

use crate::command::AnyObject;
use crate::tc::Place;
use crate::units::Dev;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt::{self, Formatter};

/// How deep maps and lists may stand in each other.
const DEEPEST: usize = 8;

/// The words that hexadecimal digits follow. Formats have numbers with a base of their own, such as TOML's `0x20`, so that what was
/// meant by one is not to be seen.
const HEXADECIMAL: [&str; 4] = ["parent", "classid", "flowid", "default"];

/// Something that says words.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Flag(bool),
    Text(String),
    /// As it is written in decimal.
    Number(String),
    List(Vec<Node>),
    /// In its order.
    Map(Vec<(String, Node)>),
}

/// Words, and the path to each.
#[derive(Debug, Default)]
pub(super) struct Said(Vec<(String, String)>);

impl Said {
    pub fn push(&mut self, word: &str, path: &str) {
        self.0.push((word.to_owned(), path.to_owned()));
    }

    pub fn insert(&mut self, at: usize, words: &[&str], path: &str) {
        let rest = self.0.split_off(at.min(self.0.len()));
        words.iter().for_each(|word| self.push(word, path));
        self.0.extend(rest);
    }

    /// Says what another one says, but for its first words.
    pub fn append(&mut self, mut other: Said, but: usize) {
        self.0.extend(other.0.split_off(but.min(other.0.len())));
    }

    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(word, _)| word.as_str())
    }

    /// The path to a word; behind the last one, that to the last.
    pub fn path(&self, at: usize) -> Option<&str> {
        self.0.get(at).or(self.0.last()).map(|(_, path)| path.as_str())
    }
}

impl Node {
    /// Says its words. `path` leads to it.
    pub fn say(&self, path: &str, said: &mut Said) -> Result<(), String> {
        self.say_at(path, said, DEEPEST)
    }

    fn say_at(&self, path: &str, said: &mut Said, levels: usize) -> Result<(), String> {
        let Some(levels) = levels.checked_sub(1) else {
            return Err(format!("{path}: too many levels"));
        };
        match self {
            Node::Flag(_) => (),
            Node::Text(text) => {
                let words =
                    crate::command::split(text).map_err(|error| format!("{path}: {}", error.problem()))?;
                words.iter().for_each(|word| said.push(word, path));
            }
            Node::Number(number) => said.push(number, path),
            Node::List(list) => {
                for (index, node) in list.iter().enumerate() {
                    node.say_at(&format!("{path}[{index}]"), said, levels)?;
                }
            }
            Node::Map(map) => {
                // What a kind is told stands behind everything else.
                let (kinds, words): (Vec<_>, Vec<_>) =
                    map.iter().partition(|(_, node)| matches!(node, Node::Map(_)));
                for (key, node) in words.into_iter().chain(kinds) {
                    let path = format!("{path}.{key}");
                    match node {
                        Node::Flag(false) => (),
                        Node::Number(number) if HEXADECIMAL.contains(&key.as_str()) => {
                            return Err(format!(
                                "{path}: the number {number} has to be a text: the digits of handles are hexadecimal"
                            ));
                        }
                        Node::List(list) => {
                            for (index, node) in list.iter().enumerate() {
                                said.push(key, &path);
                                node.say_at(&format!("{path}[{index}]"), said, levels)?;
                            }
                        }
                        node => {
                            said.push(key, &path);
                            node.say_at(&path, said, levels)?;
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

/// Takes away a device that only stood in for the tree's.
pub(super) fn forget_dev(object: &mut AnyObject, name: &str) {
    let forget = |dev: &mut Dev| {
        if dev.name.is_some_and(|known| known.as_str() == name) {
            *dev = Dev::default();
        }
    };
    match object {
        AnyObject::Qdisc(qdisc) => forget(&mut qdisc.dev),
        AnyObject::Class(class) => forget(&mut class.dev),
        AnyObject::Filter(filter) => {
            if let Place::Dev { dev, .. } = &mut filter.place {
                forget(dev);
            }
        }
        AnyObject::Chain(chain) => {
            if let Place::Dev { dev, .. } = &mut chain.place {
                forget(dev);
            }
        }
        _ => (),
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Words;

        impl<'de> Visitor<'de> for Words {
            type Value = Node;

            fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
                f.write_str("words, a number, true or false, a list or a map of these")
            }

            fn visit_bool<E>(self, flag: bool) -> Result<Node, E> {
                Ok(Node::Flag(flag))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Node, E> {
                Ok(Node::Number(number.to_string()))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Node, E> {
                Ok(Node::Number(number.to_string()))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Node, E> {
                Ok(Node::Number(number.to_string()))
            }

            fn visit_str<E>(self, text: &str) -> Result<Node, E> {
                Ok(Node::Text(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
                let mut list = Vec::new();
                while let Some(node) = seq.next_element()? {
                    list.push(node);
                }
                Ok(Node::List(list))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
                let mut all = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    all.push(entry);
                }
                Ok(Node::Map(all))
            }
        }

        deserializer.deserialize_any(Words)
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Node::Flag(flag) => serializer.serialize_bool(*flag),
            Node::Text(text) | Node::Number(text) => serializer.serialize_str(text),
            Node::List(list) => serializer.collect_seq(list),
            Node::Map(map) => serializer.collect_map(map.iter().map(|(key, node)| (key, node))),
        }
    }
}

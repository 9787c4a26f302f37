//! What is desired, from and to JSON, TOML, YAML and whatever else serde knows. Feature `serde`.
//!
//! An object is said in the words of `tc`, as one text or as keys and values; words behind a kind stand in a map of their own:
//!
//! ```yaml
//! trees:
//! - dev: eth1
//!   qdiscs:
//!   - { root: true, handle: "1:", htb: { default: "20" } }
//!   classes:
//!   - { parent: "1:", classid: "1:10", htb: { rate: 30mbit, ceil: 100mbit } }
//!   - "parent 1: classid 1:20 htb rate 70mbit ceil 100mbit"
//!   filters:
//!   - { parent: "1:", prio: 1, protocol: ip, u32: { match: ip dst 192.0.2.1/32, classid: "1:10" } }
//! ```
//!
//! A key is a word and its value the words behind it; `true` is none. A list says the key again for each of its elements. Kinds
//! come last wherever they stand. A word that `tc` does not know is an error that names the path to it, and so is a key that is
//! not known here.

mod node;

use self::node::Node;
use super::{Desired, Scope, Tree};
use crate::command::{AnyObject, Command, Tool};
use crate::request::{Request, Verb};
use crate::text::Words;
use crate::units::{Dev, Name};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::ops::RangeInclusive;

/// A device that is not looked up: the tree's, whichever it is.
const ITS_DEV: &str = "if0";

#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct DesiredSpec {
    #[serde(default)]
    trees: Vec<TreeSpec>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct TreeSpec {
    dev: String,
    #[serde(default, skip_serializing_if = "ScopeSpec::is_all")]
    scope: ScopeSpec,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    qdiscs: Vec<Node>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    classes: Vec<Node>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    chains: Vec<Node>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    filters: Vec<Node>,
}

/// Ranges are two numbers, both included.
#[derive(Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
struct ScopeSpec {
    root: bool,
    ingress: bool,
    handles: (u16, u16),
    prios: (u16, u16),
    chains: (u32, u32),
}

impl Default for ScopeSpec {
    fn default() -> Self {
        ScopeSpec::from(&Scope::default())
    }
}

impl ScopeSpec {
    fn is_all(&self) -> bool {
        *self == Self::default()
    }
}

impl From<&Scope> for ScopeSpec {
    fn from(scope: &Scope) -> Self {
        fn ends<T: Copy>(range: &RangeInclusive<T>) -> (T, T) {
            (*range.start(), *range.end())
        }
        ScopeSpec {
            root: scope.root,
            ingress: scope.ingress,
            handles: ends(&scope.handles),
            prios: ends(&scope.prios),
            chains: ends(&scope.chains),
        }
    }
}

impl From<ScopeSpec> for Scope {
    fn from(spec: ScopeSpec) -> Self {
        Scope {
            root: spec.root,
            ingress: spec.ingress,
            handles: spec.handles.0..=spec.handles.1,
            prios: spec.prios.0..=spec.prios.1,
            chains: spec.chains.0..=spec.chains.1,
        }
    }
}

impl TreeSpec {
    fn tree(self, path: &str) -> Result<Tree, String> {
        let name = Name::new(&self.dev).map_err(|error| format!("{path}.dev: {error}"))?;
        let mut tree = Tree::new(Dev { index: 0, name: Some(name) }).scope(self.scope.into());
        let parts = [
            ("qdisc", "qdiscs", self.qdiscs),
            ("class", "classes", self.classes),
            ("chain", "chains", self.chains),
        ];
        for (noun, key, nodes) in parts.into_iter().chain([("filter", "filters", self.filters)]) {
            for (index, node) in nodes.into_iter().enumerate() {
                tree.push(object(noun, &node, &format!("{path}.{key}[{index}]"))?);
            }
        }
        Ok(tree)
    }

    fn of(tree: &Tree) -> Self {
        TreeSpec {
            dev: tree.dev.name.map_or_else(|| tree.dev.to_string(), |name| name.as_str().to_owned()),
            scope: ScopeSpec::from(&tree.scope),
            qdiscs: tree.qdiscs.iter().map(|qdisc| said(Request::new(Verb::Add, qdisc))).collect(),
            classes: tree.classes.iter().map(|class| said(Request::new(Verb::Add, class))).collect(),
            chains: tree.chains.iter().map(|chain| said(Request::new(Verb::Add, chain))).collect(),
            filters: tree.filters.iter().map(|filter| said(Request::new(Verb::Add, filter))).collect(),
        }
    }
}

/// The object that a node says in the words of `tc … add`.
fn object(noun: &'static str, node: &Node, path: &str) -> Result<AnyObject, String> {
    let mut said = node::Said::default();
    for word in [noun, "add"] {
        said.push(word, path);
    }
    node.say(path, &mut said)?;
    // A place that is a block, or a device of its own, was said.
    if !said.words().any(|word| matches!(word, "dev" | "block")) {
        said.insert(2, &["dev", ITS_DEV], path);
    }
    let all: Vec<&str> = said.words().collect();
    let mut words = Words::new(&all);
    match Command::hear(Tool::Tc, &mut words) {
        Ok(Command::Do { mut object, .. }) => {
            node::forget_dev(&mut object, ITS_DEV);
            Ok(object)
        }
        Ok(_) => Err(format!("{path}: this is no {noun}")),
        Err(error) => Err(format!("{}: {}", said.path(error.at()).unwrap_or(path), error.problem())),
    }
}

/// The words behind `tc … add dev …`.
fn said(command: impl ToString) -> Node {
    let command = command.to_string();
    let mut words = command.splitn(4, ' ').skip(3);
    let rest = words.next().unwrap_or_default();
    // The device is the tree's; it may stand in quotes, and then has no blank in it.
    let rest = match rest.strip_prefix("dev ") {
        Some(rest) => rest.split_once(' ').map_or("", |(_, rest)| rest),
        None => rest,
    };
    Node::Text(rest.to_owned())
}

impl<'de> Deserialize<'de> for Desired {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spec = DesiredSpec::deserialize(deserializer)?;
        let trees = spec.trees.into_iter().enumerate();
        let trees = trees.map(|(index, tree)| tree.tree(&format!("trees[{index}]")));
        Ok(Desired { trees: trees.collect::<Result<_, _>>().map_err(D::Error::custom)? })
    }
}

impl Serialize for Desired {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        DesiredSpec { trees: self.trees.iter().map(TreeSpec::of).collect() }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        TreeSpec::deserialize(deserializer)?.tree("tree").map_err(D::Error::custom)
    }
}

impl Serialize for Tree {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        TreeSpec::of(self).serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &str = r#"{"trees": [{"dev": "eth1",
        "qdiscs": [{"htb": {"default": 20}, "root": true, "handle": "1:"}, "parent 1:10 handle 10: pfifo limit 50"],
        "classes": [{"parent": "1:", "classid": "1:10", "htb": {"rate": "30mbit", "ceil": "100mbit"}}],
        "filters": [{"parent": "1:", "prio": 1, "protocol": "ip",
            "u32": {"match": ["ip dst 192.0.2.1/32", "ip protocol 6 0xff"], "classid": "1:10"}}]}]}"#;

    #[test]
    fn a_tree_is_read_from_maps_and_texts_and_reads_as_it_was_written() {
        let desired: Desired = serde_json::from_str(JSON).unwrap();
        let tree = &desired.trees[0];
        assert_eq!(tree.dev().to_string(), "eth1");
        let qdiscs: Vec<String> = tree.qdiscs().iter().map(ToString::to_string).collect();
        assert_eq!(
            qdiscs,
            [
                "tc qdisc add dev eth1 root handle 1: htb default 0x20",
                "tc qdisc add dev eth1 parent 1:10 handle 10: pfifo limit 50"
            ]
        );
        assert_eq!(
            tree.classes()[0].to_string(),
            "tc class add dev eth1 parent 1: classid 1:10 htb rate 30Mbit ceil 100Mbit"
        );
        assert!(tree.filters()[0].to_string().contains("match"), "{}", tree.filters()[0]);
        let written = serde_json::to_string(&desired).unwrap();
        let again: Desired = serde_json::from_str(&written).unwrap();
        assert_eq!(again.trees[0].filters(), tree.filters());
        assert_eq!(again.trees[0].qdiscs(), tree.qdiscs());
        assert_eq!(serde_json::to_string(&again).unwrap(), written);
    }

    #[test]
    fn errors_name_the_path() {
        for (from, to, path) in [
            ("30mbit", "30mbitt", "trees[0].classes[0].htb.rate: "),
            (r#""ceil""#, r#""ceiling""#, "trees[0].classes[0].htb.ceiling: "),
            (r#""prio": 1"#, r#""prio": [1, 2]"#, "trees[0].filters[0]"),
            (r#""prio": 1"#, r#""prio": null"#, "null"),
            (r#""dev": "eth1""#, r#""dev": "a name that is too long""#, "trees[0].dev: "),
            (r#""classes""#, r#""klasses""#, "unknown field `klasses`"),
            ("limit 50", "limit many", "trees[0].qdiscs[1]: "),
        ] {
            let error = serde_json::from_str::<Desired>(&JSON.replace(from, to)).unwrap_err().to_string();
            assert!(error.contains(path), "{error}");
        }
    }
}

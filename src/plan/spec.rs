//! What is desired, from and to JSON, TOML, YAML and whatever else serde knows. Feature `serde`.
//!
//! The format stands in the documentation of [`plan`](super).

mod node;
mod policy;

use self::node::{Node, Said};
use self::policy::PolicySpec;
use super::{Desired, Scope, Tree};
use crate::command::{AnyObject, Command, Tool};
use crate::request::{Object, Request, Verb};
use crate::text::Words;
use crate::units::{Dev, Family, Name};
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    policy: Option<PolicySpec>,
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

/// A range as it is written: both numbers are included.
fn ends<T: Copy>(range: &RangeInclusive<T>) -> (T, T) {
    (*range.start(), *range.end())
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
            qdiscs: tree.qdiscs.iter().map(node).collect(),
            classes: tree.classes.iter().map(node).collect(),
            chains: tree.chains.iter().map(node).collect(),
            filters: tree.filters.iter().map(node).collect(),
        }
    }
}

/// The object that a node says in the words of `tc … add`.
fn object(noun: &'static str, node: &Node, path: &str) -> Result<AnyObject, String> {
    let mut said = Said::default();
    for word in [noun, "add"] {
        said.push(word, path);
    }
    node.say(path, &mut said)?;
    // A place that is a block, or a device of its own, was said.
    if !said.words().any(|word| matches!(word, "dev" | "block")) {
        said.insert(2, &["dev", ITS_DEV], path);
    }
    let mut object = hear(Tool::Tc, None, noun, &said, path)?;
    node::forget_dev(&mut object, ITS_DEV);
    Ok(object)
}

/// The object that the words of a command make.
fn hear(
    tool: Tool,
    family: Option<Family>,
    noun: &str,
    said: &Said,
    path: &str,
) -> Result<AnyObject, String> {
    let all: Vec<&str> = said.words().collect();
    let mut words = Words::new(&all);
    if let Some(family) = family {
        words = words.with_family(family);
    }
    match Command::hear(tool, &mut words) {
        Ok(Command::Do { object, .. }) => Ok(object),
        Ok(_) => Err(format!("{path}: this is no {noun}")),
        Err(error) => Err(format!("{}: {}", said.path(error.at()).unwrap_or(path), error.problem())),
    }
}

/// The words behind `tc qdisc add` and the like.
fn said(command: &str) -> &str {
    command.splitn(4, ' ').nth(3).unwrap_or_default()
}

/// The words behind `tc … add dev …`. The device is the tree's; it may stand in quotes, and then has no blank in it.
fn node<O: Object>(object: &O) -> Node {
    let command = Request::new(Verb::Add, object).to_string();
    let rest = said(&command);
    Node::Text(match rest.strip_prefix("dev ") {
        Some(rest) => rest.split_once(' ').map_or("", |(_, rest)| rest).to_owned(),
        None => rest.to_owned(),
    })
}

impl<'de> Deserialize<'de> for Desired {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spec = DesiredSpec::deserialize(deserializer)?;
        let trees = spec.trees.into_iter().enumerate();
        let trees = trees.map(|(index, tree)| tree.tree(&format!("trees[{index}]")));
        Ok(Desired {
            trees: trees.collect::<Result<_, _>>().map_err(D::Error::custom)?,
            policy: spec.policy.map(PolicySpec::policy).transpose().map_err(D::Error::custom)?,
        })
    }
}

impl Serialize for Desired {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        DesiredSpec {
            trees: self.trees.iter().map(TreeSpec::of).collect(),
            policy: self.policy.as_ref().map(PolicySpec::of),
        }
        .serialize(serializer)
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
mod tests;

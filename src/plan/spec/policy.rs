//! Rules, routes, nexthop objects and addresses, in the words of `ip`.

use super::node::{Node, Said};
use super::{ends, hear, said};
use crate::command::{AnyObject, Tool};
use crate::plan::Policy;
use crate::request::{Object, Request, Verb};
use crate::route::RouteProtocol;
use crate::units::{Dev, Family, Name};
use serde::{Deserialize, Serialize};

/// Ranges are two numbers, both included. The family of an object whose words do not show it stands in front: `-6`.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PolicySpec {
    #[serde(default = "protocol")]
    protocol: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tables: Option<(u32, u32)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    priorities: Option<(u32, u32)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nexthop_ids: Option<(u32, u32)>,
    /// Devices by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    addresses_of: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    addresses: Vec<Node>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    nexthops: Vec<Node>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    routes: Vec<Node>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    rules: Vec<Node>,
}

fn protocol() -> u8 {
    Policy::PROTOCOL.0
}

impl PolicySpec {
    pub fn policy(self) -> Result<Policy, String> {
        let mut policy = Policy::new(RouteProtocol(self.protocol));
        let ranges = [
            (self.tables, &mut policy.tables),
            (self.priorities, &mut policy.priorities),
            (self.nexthop_ids, &mut policy.nexthop_ids),
        ];
        for (said, range) in ranges {
            said.into_iter().for_each(|(first, last)| *range = first..=last);
        }
        for (index, name) in self.addresses_of.iter().enumerate() {
            let name = Name::new(name).map_err(|error| format!("policy.addresses_of[{index}]: {error}"))?;
            policy.address_devs.push(Dev { index: 0, name: Some(name) });
        }
        let parts = [
            ("address", "addresses", self.addresses),
            ("nexthop", "nexthops", self.nexthops),
            ("route", "routes", self.routes),
            ("rule", "rules", self.rules),
        ];
        for (noun, key, nodes) in parts {
            for (index, node) in nodes.iter().enumerate() {
                policy.push(object(noun, node, &format!("policy.{key}[{index}]"))?);
            }
        }
        Ok(policy)
    }

    pub fn of(policy: &Policy) -> Self {
        PolicySpec {
            protocol: policy.protocol.0,
            tables: Some(ends(&policy.tables)),
            priorities: Some(ends(&policy.priorities)),
            nexthop_ids: Some(ends(&policy.nexthop_ids)),
            addresses_of: policy.address_devs.iter().map(|dev| plain(*dev)).collect(),
            addresses: policy.addresses.iter().map(node).collect(),
            nexthops: policy.nexthops.iter().map(node).collect(),
            routes: policy.routes.iter().map(node).collect(),
            rules: policy.rules.iter().map(node).collect(),
        }
    }
}

fn plain(dev: Dev) -> String {
    dev.name.map_or_else(|| dev.to_string(), |name| name.as_str().to_owned())
}

/// The words behind `ip … add`, with the family in front if the command says it.
fn node<O: Object>(object: &O) -> Node {
    let command = Request::new(Verb::Add, object).to_string();
    match command.strip_prefix("ip -6 ") {
        Some(rest) => Node::Text(format!("-6 {}", rest.splitn(3, ' ').nth(2).unwrap_or_default())),
        None => Node::Text(said(&command).to_owned()),
    }
}

fn object(noun: &'static str, node: &Node, path: &str) -> Result<AnyObject, String> {
    let mut rest = Said::default();
    node.say(path, &mut rest)?;
    let family = match rest.words().next() {
        Some("-4") => Some(Family::V4),
        Some("-6") => Some(Family::V6),
        _ => None,
    };
    let mut said = Said::default();
    [noun, "add"].iter().for_each(|word| said.push(word, path));
    said.append(rest, usize::from(family.is_some()));
    hear(Tool::Ip, family, noun, &said, path)
}

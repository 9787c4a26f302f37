use super::{Policy, Tree};

/// What shall be: the trees of any number of devices, and a policy.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Desired {
    /// What the qdiscs, classes, chains and filters of devices shall be. Devices without a tree are not looked at.
    pub trees: Vec<Tree>,
    /// What rules, routes, nexthop objects and addresses shall be. Without one they are not looked at.
    pub policy: Option<Policy>,
}

impl Desired {
    /// Nothing is desired, so nothing is looked at.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the tree of a device.
    #[must_use]
    pub fn tree(mut self, tree: Tree) -> Self {
        self.trees.push(tree);
        self
    }

    /// Says what rules, routes, nexthop objects and addresses shall be.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = Some(policy);
        self
    }
}

impl From<Tree> for Desired {
    fn from(tree: Tree) -> Self {
        Desired::new().tree(tree)
    }
}

impl From<Policy> for Desired {
    fn from(policy: Policy) -> Self {
        Desired::new().policy(policy)
    }
}

use super::Tree;

/// What shall be: the trees of any number of devices.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Desired {
    /// What the qdiscs, classes, chains and filters of devices shall be. Devices without a tree are not looked at.
    pub trees: Vec<Tree>,
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
}

impl From<Tree> for Desired {
    fn from(tree: Tree) -> Self {
        Desired::new().tree(tree)
    }
}

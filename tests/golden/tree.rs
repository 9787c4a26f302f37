//! A message's body as a tree of attributes, to be changed and written again.

use super::data::{body, kind};
use super::meaning::{attributes, layout, Header, Set, Shape, LINK};

/// A set of attributes, and the header in front of it.
#[derive(Clone, Debug)]
pub struct Tree {
    pub set: Set,
    pub header: Vec<u8>,
    pub nodes: Vec<Node>,
}

/// An attribute.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its number with the flag bits.
    pub ty: u16,
    pub inner: Inner,
    /// The length that it says of itself is so much more than the true one.
    pub lie: i16,
}

#[derive(Clone, Debug)]
pub enum Inner {
    Bytes(Vec<u8>),
    Nest(Tree),
}

impl Tree {
    /// Of a whole message, netlink header included.
    pub fn of(message: &[u8]) -> Self {
        let (header, set) = layout(kind(message));
        Tree::read(header, set, body(message))
    }

    fn read(header: Header, set: Set, bytes: &[u8]) -> Self {
        let len = header.iter().map(|(_, len)| len).sum::<usize>().min(bytes.len());
        let (header, rest) = bytes.split_at(len);
        let kind = set.kind(rest);
        let inner = |ty, payload: &[u8]| match set.shape(&kind, ty) {
            Shape::Nest(inner) => Inner::Nest(Tree::read(&[], inner, payload)),
            Shape::Peer => Inner::Nest(Tree::read(LINK, Set::Link, payload)),
            Shape::Bytes | Shape::Text | Shape::Hops => Inner::Bytes(payload.to_vec()),
        };
        let nodes = attributes(rest).map(|(ty, payload)| Node::new(ty, inner(ty, payload))).collect();
        Tree { set, header: header.to_vec(), nodes }
    }

    /// The bytes.
    pub fn write(&self) -> Vec<u8> {
        let mut bytes = self.header.clone();
        for node in &self.nodes {
            let payload = node.payload();
            let len = ((payload.len() + 4) as u16).wrapping_add_signed(node.lie);
            bytes.extend(len.to_ne_bytes());
            bytes.extend(node.ty.to_ne_bytes());
            bytes.extend(&payload);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
        bytes
    }

    /// Does something with each set in the tree, this one first.
    pub fn each(&mut self, act: &mut impl FnMut(&mut Tree)) {
        act(self);
        for node in &mut self.nodes {
            if let Inner::Nest(tree) = &mut node.inner {
                tree.each(act);
            }
        }
    }

    /// How many sets there are.
    pub fn sets(&mut self) -> usize {
        let mut count = 0;
        self.each(&mut |_| count += 1);
        count
    }

    /// Does something with the set of this number.
    pub fn nth(&mut self, number: usize, act: impl FnOnce(&mut Tree)) {
        let (mut count, mut act) = (0, Some(act));
        self.each(&mut |tree| {
            if count == number {
                if let Some(act) = act.take() {
                    act(tree);
                }
            }
            count += 1;
        });
    }
}

impl Node {
    pub fn new(ty: u16, inner: Inner) -> Self {
        Node { ty, inner, lie: 0 }
    }

    /// The bytes in it.
    pub fn payload(&self) -> Vec<u8> {
        match &self.inner {
            Inner::Bytes(bytes) => bytes.clone(),
            Inner::Nest(tree) => tree.write(),
        }
    }

    /// Puts it into an attribute of this number.
    pub fn nest(&mut self, ty: u16) {
        let inner = std::mem::replace(self, Node::new(ty, Inner::Bytes(Vec::new())));
        self.inner = Inner::Nest(Tree { set: Set::Flat, header: Vec::new(), nodes: vec![inner] });
    }
}

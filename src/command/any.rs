use crate::request::{Asked, Object, Query, Spoken, Verb};
use crate::text::{Page, Show, WordError, Words};
use crate::wire::{DecodeError, EncodeError, Writer};
use crate::{route, tc};
use std::fmt::{self, Formatter};

/// What to do with an object whose type is only known at run time.
pub trait VisitObject {
    /// What comes of it.
    type Out;

    /// Does it.
    fn object<O: Spoken + Show>(self, object: &O) -> Self::Out;
}

/// What to do with a query whose type is only known at run time.
pub trait VisitQuery {
    /// What comes of it.
    type Out;

    /// Does it.
    fn query<Q: Asked>(self, query: &Q) -> Self::Out
    where
        Q::Object: Spoken + Show + Into<AnyObject>;
}

macro_rules! objects {
    ($($variant:ident($object:ty) $query:ty,)*) => {
        /// Any object of the kernel that the crate knows.
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        #[allow(clippy::large_enum_variant, reason = "they are moved rarely; a box for each would be in every user's way")]
        pub enum AnyObject {
            $(#[doc = concat!("[`", stringify!($object), "`]")] $variant($object),)*
        }

        /// Any query for objects that the crate knows.
        #[derive(Clone, Debug)]
        #[non_exhaustive]
        pub enum AnyQuery {
            $(#[doc = concat!("[`", stringify!($query), "`]")] $variant($query),)*
        }

        /// What commands are about: the objects that the crate knows.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Noun {
            $(#[doc = concat!("[`", stringify!($object), "`]")] $variant,)*
        }

        impl Noun {
            /// All of them.
            pub const ALL: &'static [Noun] = &[$(Noun::$variant,)*];

            /// The RTM_NEW message type; RTM_DEL and RTM_GET follow it.
            pub fn message_type(self) -> u16 {
                match self {
                    $(Noun::$variant => <$object>::NEW,)*
                }
            }

            /// Hears the words behind the verb, all of them.
            pub(super) fn hear(self, verb: Verb, words: &mut Words<'_>) -> Result<AnyObject, WordError> {
                match self {
                    $(Noun::$variant => <$object>::hear(verb, words).map(AnyObject::$variant),)*
                }
            }

            /// Hears the words behind `show`, all of them.
            pub(super) fn hear_query(self, words: &mut Words<'_>) -> Result<AnyQuery, WordError> {
                match self {
                    $(Noun::$variant => <$query>::hear(words).map(AnyQuery::$variant),)*
                }
            }
        }

        impl AnyObject {
            /// The RTM_NEW message types of all objects.
            pub const TYPES: &'static [u16] = &[$(<$object>::NEW,)*];

            /// What it is.
            pub fn noun(&self) -> Noun {
                match self {
                    $(AnyObject::$variant(_) => Noun::$variant,)*
                }
            }

            /// Does something with the object.
            pub fn visit<V: VisitObject>(&self, visitor: V) -> V::Out {
                match self {
                    $(AnyObject::$variant(object) => visitor.object(object),)*
                }
            }

            /// Reads the body of a message of this RTM_NEW type; `None` if it is that of no object the crate knows.
            ///
            /// # Errors
            /// The message makes no sense.
            pub fn decode(ty: u16, body: &[u8]) -> Option<Result<Self, DecodeError>> {
                match ty {
                    $(<$object>::NEW => Some(<$object>::decode(body).map(AnyObject::$variant)),)*
                    _ => None,
                }
            }

        }

        impl AnyQuery {
            /// What it asks for.
            pub fn noun(&self) -> Noun {
                match self {
                    $(AnyQuery::$variant(_) => Noun::$variant,)*
                }
            }

            /// Does something with the query.
            pub fn visit<V: VisitQuery>(&self, visitor: V) -> V::Out {
                match self {
                    $(AnyQuery::$variant(query) => visitor.query(query),)*
                }
            }

        }

        $(
            impl From<$object> for AnyObject {
                fn from(object: $object) -> Self {
                    AnyObject::$variant(object)
                }
            }

            impl From<$query> for AnyQuery {
                fn from(query: $query) -> Self {
                    AnyQuery::$variant(query)
                }
            }
        )*
    };
}

objects! {
    Qdisc(tc::Qdisc) tc::Qdiscs,
    Class(tc::Class) tc::Classes,
    Filter(tc::Filter) tc::Filters,
    Chain(tc::Chain) tc::Chains,
    Actions(tc::ActionTable) tc::ActionTables,
    Link(route::Link) route::Links,
    Address(route::Address) route::Addresses,
    Route(route::Route) route::Routes,
    Rule(route::Rule) route::Rules,
    Nexthop(route::Nexthop) route::Nexthops,
}

impl AnyObject {
    /// The RTM_NEW message type of the object.
    pub fn message_type(&self) -> u16 {
        self.noun().message_type()
    }

    /// The NLM_F_ flags that the verb needs for this object.
    pub fn flags(&self, verb: Verb) -> u16 {
        struct Flags(Verb);
        impl VisitObject for Flags {
            type Out = u16;
            fn object<O: Object>(self, object: &O) -> u16 {
                object.flags(self.0)
            }
        }
        self.visit(Flags(verb))
    }

    /// Appends the body of the request; see [`Object::encode`].
    ///
    /// # Errors
    /// Whatever makes the request meaningless.
    pub fn encode(&self, verb: Verb, w: &mut Writer) -> Result<(), EncodeError> {
        struct Encode<'a>(Verb, &'a mut Writer);
        impl VisitObject for Encode<'_> {
            type Out = Result<(), EncodeError>;
            fn object<O: Object>(self, object: &O) -> Self::Out {
                object.encode(self.0, self.1)
            }
        }
        self.visit(Encode(verb, w))
    }

    /// Writes the command that does `verb` with it; see [`Object::command`].
    pub fn command(&self, verb: Verb, f: &mut Formatter<'_>) -> fmt::Result {
        struct Say<'a, 'b>(Verb, &'a mut Formatter<'b>);
        impl VisitObject for Say<'_, '_> {
            type Out = fmt::Result;
            fn object<O: Object>(self, object: &O) -> fmt::Result {
                object.command(self.0, self.1)
            }
        }
        self.visit(Say(verb, f))
    }
}

impl Show for AnyObject {
    fn show(&self, page: &mut Page) {
        struct On<'a>(&'a mut Page);
        impl VisitObject for On<'_> {
            type Out = ();
            fn object<O: Spoken + Show>(self, object: &O) {
                object.show(self.0);
            }
        }
        self.visit(On(page));
    }
}

impl AnyQuery {
    /// Appends the body of the dump request; see [`Query::encode`].
    ///
    /// # Errors
    /// Whatever makes the request meaningless.
    pub fn encode(&self, w: &mut Writer) -> Result<(), EncodeError> {
        struct Encode<'a>(&'a mut Writer);
        impl VisitQuery for Encode<'_> {
            type Out = Result<(), EncodeError>;
            fn query<Q: Query>(self, query: &Q) -> Self::Out {
                query.encode(self.0)
            }
        }
        self.visit(Encode(w))
    }

    /// The one object that is asked for, if it is one; see [`Asked::one`].
    pub fn one(&self) -> Option<AnyObject> {
        struct One;
        impl VisitQuery for One {
            type Out = Option<AnyObject>;
            fn query<Q: Asked>(self, query: &Q) -> Self::Out
            where
                Q::Object: Into<AnyObject>,
            {
                query.one().map(Into::into)
            }
        }
        self.visit(One)
    }

    /// Writes the command that shows the same; see [`Query::command`].
    pub fn command(&self, f: &mut Formatter<'_>) -> fmt::Result {
        struct Say<'a, 'b>(&'a mut Formatter<'b>);
        impl VisitQuery for Say<'_, '_> {
            type Out = fmt::Result;
            fn query<Q: Query>(self, query: &Q) -> fmt::Result {
                query.command(self.0)
            }
        }
        self.visit(Say(f))
    }
}

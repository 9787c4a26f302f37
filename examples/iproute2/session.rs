//! Commands meet the kernel.

use super::failure::{sentence, Failed, Failure};
use super::{monitor, print, usage};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use tcnl::command::{AnyObject, AnyQuery, Command, Noun, Options, Tool, VisitObject, VisitQuery};
use tcnl::netlink::{Builder, Connection, Namespace};
use tcnl::request::{Asked, Query, Spoken, Verb};
use tcnl::route::{Addresses, Link, LinkFlags, Links, Nexthop, Route, Routes};
use tcnl::text::{Layout, Page, Show};
use tcnl::units::{Dev, Name};
use tcnl::Error;

const ENODEV: i32 = 19;

/// A connection, and what is known of the devices.
pub struct Session {
    tool: Tool,
    options: Options,
    connection: Connection,
    devices: BTreeMap<Name, Dev>,
}

impl Session {
    pub fn open(tool: Tool, options: Options) -> Result<Self, Failure> {
        let connection =
            in_namespace(&options, Connection::builder(), |builder| builder.open(), Builder::open_in)?;
        Ok(Session { tool, options, connection, devices: BTreeMap::new() })
    }

    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Carries out one command.
    pub fn carry_out(&mut self, command: Command) -> Result<(), Failure> {
        match command {
            Command::Do { verb, object } => {
                // Whatever became of the link, its name may be another's now.
                if let (AnyObject::Link(_), true) = (&object, verb != Verb::Get) {
                    self.devices.clear();
                }
                let link = match &object {
                    AnyObject::Link(link) => link.name,
                    _ => None,
                };
                let flushes = matches!(&object, AnyObject::Actions(actions) if actions.flushes(verb));
                object.visit(Doing { session: self, verb, noun: object.noun(), link, flushes })
            }
            Command::Show(AnyQuery::Address(query)) => self.show_addresses(&query),
            Command::Show(AnyQuery::Route(query)) if self.options.layout.details => self.show_routes(&query),
            Command::Show(query) => query.visit(Showing { noun: query.noun(), session: self }),
            Command::Flush(query) => query.visit(Flushing { session: self, noun: query.noun() }),
            Command::Monitor(what) => monitor::run(self, &what),
            Command::Help(tool, noun) => usage::help(tool, noun),
            other => Err(Failure::new(255, format!("`{other}` is nothing that this program does"))),
        }
    }

    /// Has `hear` read a command with a way to look up devices; these are its words, and `head` others stand in front of them.
    pub fn hear<T>(
        &mut self,
        head: usize,
        words: &[&str],
        hear: impl FnOnce(&dyn Fn(Name) -> Option<Dev>) -> Result<T, Failed>,
    ) -> Result<T, Failure> {
        let missing = Cell::new(None);
        let known = RefCell::new((&mut self.connection, &mut self.devices));
        let look_up = |name: Name| {
            let (connection, devices) = &mut *known.borrow_mut();
            let dev = devices.get(&name).copied().or_else(|| {
                let dev = Dev::named(connection.link(&name).ok()?.dev.index, name);
                devices.insert(name, dev);
                Some(dev)
            });
            if dev.is_none() {
                missing.set(Some(name));
            }
            dev
        };
        hear(&look_up).map_err(|failed| match missing.get() {
            Some(name) => Failure::missing(self.tool, words, &name),
            None => Failure::words(self.tool, head, &failed),
        })
    }

    /// All devices: what is shown calls them by their names.
    pub fn links(&mut self) -> Result<Vec<Link>, Failure> {
        self.connection.snapshot(Links::default()).map_err(|error| Failure::list(self.tool, &error))
    }

    /// An empty page that knows these devices.
    pub fn page(&self, links: &[Link]) -> Page {
        let names = links.iter().filter_map(|link| Some((link.dev.index, link.name?)));
        let down = links.iter().filter(|link| !link.flags.contains(LinkFlags::UP));
        let layout = Layout { brief: self.options.brief, ..self.options.layout };
        Page::new(layout)
            .with_clock(self.connection.clock())
            .with_links(names)
            .with_down(down.map(|link| link.dev.index))
    }

    /// Shows links with their addresses, which are two lists of the kernel's.
    fn show_addresses(&mut self, query: &Addresses) -> Result<(), Failure> {
        let all = self.links()?;
        let failed = |error| Failure::list(self.tool, &error);
        let links = self.connection.snapshot(query.links()).map_err(failed)?;
        let addresses = self.connection.snapshot(query.unfiltered()).map_err(failed)?;
        let mut page = self.page(&all);
        query.said(&mut page);
        page.begin();
        query.with_links(links, addresses).iter().for_each(|link| link.show(&mut page));
        finish(page)
    }

    /// Shows routes with the nexthop objects that they use, each of which is asked for once.
    fn show_routes(&mut self, query: &Routes) -> Result<(), Failure> {
        let links = self.links()?;
        let mut routes: Vec<Route> = Vec::new();
        self.each(query, |route| {
            routes.push(route);
            Ok(())
        })?;
        let mut nexthops = BTreeMap::new();
        let mut page = self.page(&links);
        query.said(&mut page);
        page.begin();
        for route in routes {
            let nexthop = route.nexthop_id.and_then(|id| {
                let read = || self.connection.get(&Nexthop::id(id)).ok();
                nexthops.entry(id).or_insert_with(read).as_ref()
            });
            route.show_with(nexthop, &mut page);
        }
        finish(page)
    }

    /// Does something with each object of a list.
    fn each<Q: Query>(
        &mut self,
        query: Q,
        mut act: impl FnMut(Q::Object) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let tool = self.tool;
        for object in self.connection.list(query).map_err(|error| Failure::list(tool, &error))? {
            match object {
                Ok(object) => act(object)?,
                Err(Error::Interrupted { .. }) => eprintln!("Dump was interrupted and may be inconsistent."),
                // The others still come.
                Err(error @ Error::Decode { .. }) => eprintln!("{error}"),
                Err(error) => return Err(Failure::list(tool, &error)),
            }
        }
        Ok(())
    }
}

/// Opens something in the namespace that the options name.
pub fn in_namespace<B, T>(
    options: &Options,
    builder: B,
    here: impl FnOnce(&B) -> tcnl::Result<T>,
    there: impl FnOnce(&B, Namespace<'_>) -> tcnl::Result<T>,
) -> Result<T, Failure> {
    let Some(name) = &options.netns else {
        return here(&builder).map_err(|error| Failure::new(1, error.to_string()));
    };
    there(&builder, Namespace::Name(name)).map_err(|error| {
        let why = match &error {
            Error::Io { source, .. } => super::failure::system(source),
            other => other.to_string(),
        };
        Failure::new(255, format!("Cannot open network namespace \"{name}\": {why}"))
    })
}

/// Does something with one object.
struct Doing<'a> {
    session: &'a mut Session,
    verb: Verb,
    noun: Noun,
    /// The name of the link that it is.
    link: Option<Name>,
    /// Whether it stands for all actions of its kind.
    flushes: bool,
}

impl VisitObject for Doing<'_> {
    type Out = Result<(), Failure>;

    fn object<O: Spoken + Show>(self, object: &O) -> Self::Out {
        let Doing { session, verb, noun, link, flushes } = self;
        let failed = |error: Error| match link {
            Some(name) if error.errno() == Some(ENODEV) && verb == Verb::Get => Failure::no_link(&name),
            Some(name) if error.errno() == Some(ENODEV) && verb != Verb::Add => Failure::no_device(&name),
            _ if flushes => Failure::flush_one(noun, &error),
            _ => Failure::request(noun, &error),
        };
        if verb != Verb::Get {
            let ack = session.connection.request(verb, object).map_err(failed)?;
            for warning in ack.warnings {
                eprintln!("{}", sentence("Warning", &warning.message));
            }
            return Ok(());
        }
        let found = session.connection.get(object).map_err(failed)?;
        let links = session.links()?;
        let mut page = session.page(&links);
        if matches!(noun, Noun::Filter | Noun::Chain) {
            page.say("dev");
        }
        page.begin();
        found.show(&mut page);
        finish(page)
    }
}

/// Shows a list.
struct Showing<'a> {
    session: &'a mut Session,
    noun: Noun,
}

impl VisitQuery for Showing<'_> {
    type Out = Result<(), Failure>;

    fn query<Q: Asked>(self, query: &Q) -> Self::Out
    where
        Q::Object: Spoken + Show + Into<AnyObject>,
    {
        let Showing { session, noun } = self;
        let links = session.links()?;
        let mut page = session.page(&links);
        query.said(&mut page);
        page.begin();
        if let Some(one) = query.one() {
            let mut found = session.connection.get(&one).map_err(|error| Failure::request(noun, &error))?;
            if query.take(&mut found) {
                found.show(&mut page);
            }
            return finish(page);
        }
        session.each(query, |object| {
            object.show(&mut page);
            print(&page.take())
        })?;
        finish(page)
    }
}

/// Ends the page. iproute2 ends its JSON with a line break.
fn finish(mut page: Page) -> Result<(), Failure> {
    page.end();
    let end = if page.is_json() { "\n" } else { "" };
    print(&(page.take() + end))
}

/// Deletes all that a query lists.
struct Flushing<'a> {
    session: &'a mut Session,
    noun: Noun,
}

/// What is gone already: the kernel deletes some objects together with others.
const GONE: [i32; 4] = [2, 3, 99, 19];

impl VisitQuery for Flushing<'_> {
    type Out = Result<(), Failure>;

    fn query<Q: Asked>(self, query: &Q) -> Self::Out
    where
        Q::Object: Spoken + Show + Into<AnyObject>,
    {
        let Flushing { session: Session { connection, options, .. }, noun } = self;
        if let Some(one) = query.one() {
            return connection.delete(&one).map(drop).map_err(|error| Failure::flush_one(noun, &error));
        }
        let all = connection.snapshot(query).map_err(|error| Failure::flush(&error))?;
        let mut batch = connection.batch();
        for object in all {
            // As iproute2 does: the rule that finds local addresses stays.
            let stays = |object: &AnyObject| matches!(object, AnyObject::Rule(rule) if rule.priority.unwrap_or(0) == 0);
            let object = object.into();
            if !stays(&object) {
                object.visit(Pushing(&mut batch)).map_err(|error| Failure::request(noun, &error))?;
            }
        }
        if batch.is_empty() {
            return match noun {
                Noun::Nexthop => print("Nothing to flush\n"),
                _ if options.layout.stats > 0 => print("Nothing to flush.\n"),
                _ => Ok(()),
            };
        }
        for result in connection.run(&batch) {
            match result {
                Err(error) if !error.errno().is_some_and(|errno| GONE.contains(&errno)) => {
                    return Err(Failure::request(noun, &error))
                }
                _ => (),
            }
        }
        if noun == Noun::Nexthop {
            print(&format!("Flushed {} nexthops\n", batch.len()))?;
        } else if options.layout.stats > 0 {
            let what = if noun == Noun::Address { "addresses" } else { "entries" };
            print(&format!(
                "\n*** Round 1, deleting {} {what} ***\n*** Flush is complete after 1 round ***\n",
                batch.len()
            ))?;
        }
        Ok(())
    }
}

struct Pushing<'a>(&'a mut tcnl::netlink::Batch);

impl VisitObject for Pushing<'_> {
    type Out = tcnl::Result<()>;

    fn object<O: Spoken + Show>(self, object: &O) -> Self::Out {
        self.0.push(Verb::Delete, object).map(drop)
    }
}

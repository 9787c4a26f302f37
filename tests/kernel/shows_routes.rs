//! What the crate shows of routes, rules and nexthops, side by side with `ip` on the same kernel: text and JSON, to the byte.

use std::fs;

use libtest_mimic::Trial;
use tcnl::netlink::Connection;
use tcnl::request::{Asked, Object, Spoken, Verb};
use tcnl::route::{Nexthop, Nexthops, Route, Routes, Rule, Rules};
use tcnl::text::{Layout, Page, Show, Words};
use tcnl::units::{Dev, Family, Name};

use crate::common::{has_program, ip, is_slow, trial, trial_on_fast_machines, Outcome, Stop};

mod messages;
mod states;

use states::{State, LINKS, LOOKUPS, NEXTHOPS, ROUTES_V4, ROUTES_V6, RULES, TUNNELS};

pub fn trials() -> Vec<Trial> {
    vec![
        trial_on_fast_machines("IPv4 routes are shown as ip shows them", || shown(ROUTES_V4)),
        trial_on_fast_machines("IPv6 routes are shown as ip shows them", || shown(ROUTES_V6)),
        trial("answers to look-ups are shown as ip shows them", || shown(LOOKUPS)),
        trial_on_fast_machines("routes over nexthop objects are shown as ip shows them", || shown(NEXTHOPS)),
        trial("routes through IP tunnels are shown as ip shows them", || {
            shown(TUNNELS).map_err(|stop| stop.skip_if("encapsulation type not supported"))
        }),
        trial_on_fast_machines("rules are shown as ip shows them", || shown(RULES)),
        trial("routes, rules and nexthops of any kernel are shown as ip shows them", monitored),
    ]
}

/// Where the crate shows something else than `ip` 6.1, and why.
const OTHERWISE: &[(&str, &str)] = &[
    ("rule show proto static", "ip hears the protocol and does not look at it, except to flush"),
    ("nexthop show fdb", "ip asks the kernel for them alone, which does not look at it and sends all"),
];

const OPTIONS: [&str; 11] =
    ["", "-d", "-s -d", "-N", "-N -d", "-o", "-o -d", "-j", "-j -d -s", "-j -N -d", "-j -p -d"];

fn shown(state: State) -> Outcome {
    for words in LINKS.iter().chain(state.setup) {
        ip(words)?;
    }
    let mut wrong = String::new();
    // Where programs start slowly, each question is asked in some of the ways, the next one in others.
    let (skipped, step) = if is_slow() { (1, 8) } else { (0, 1) };
    for (number, &asked) in state.asked.iter().enumerate() {
        let otherwise = OTHERWISE.iter().any(|(known, _)| *known == asked);
        let mut same = true;
        for options in OPTIONS.iter().skip(number * skipped % step).step_by(step) {
            let command = format!("{options} {asked}");
            let (mut ours, mut theirs) = (ours(&command)?, ip(&command)?);
            // A time that runs may have been read in two different seconds.
            for _ in 0..10 {
                if ours != theirs && !otherwise && !ours.contains("port_mask") {
                    (ours, theirs) = (self::ours(&command)?, ip(&command)?);
                }
            }
            if !theirs.contains("port_mask") {
                ours = without_port_masks(ours);
            }
            same &= ours == theirs;
            if ours != theirs && !otherwise {
                wrong += &format!("`ip {command}`\n{theirs}\nis shown as\n{ours}\n");
            }
        }
        if same && otherwise && !is_slow() {
            wrong += &format!("`ip {asked}` is shown the same, and need not be in the list\n");
        }
    }
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(Stop::Fail(wrong)),
    }
}

/// Newer kernels have a mask for every port, and `ip` shows it since 6.15.
fn without_port_masks(mut json: String) -> String {
    for port in ["sport", "dport"] {
        json = json.replace(&format!(",\"{port}_mask\":\"0xffff\""), "");
        json = json.replace(&format!(",\n        \"{port}_mask\": \"0xffff\""), "");
    }
    json
}

/// The device names of this namespace.
fn links(nl: &mut Connection) -> Result<Vec<(u32, Name)>, Stop> {
    let links = nl.snapshot(tcnl::route::Links::default())?;
    Ok(links.iter().filter_map(|link| Some((link.dev.index, link.name?))).collect())
}

/// What the crate says to this `ip` command.
fn ours(command: &str) -> Result<String, Stop> {
    let mut nl = Connection::open()?;
    let links = links(&mut nl)?;
    let words: Vec<&str> = command.split_whitespace().collect();
    let options = words.iter().take_while(|word| word.starts_with('-')).count();
    let (options, words) = words.split_at(options);
    let device = |name: Name| {
        links.iter().find(|(_, known)| *known == name).map(|&(index, name)| Dev::named(index, name))
    };
    let mut asked = Words::new(&words[2..]).with_devices(&device);
    if options.contains(&"-6") {
        asked = asked.with_family(Family::V6);
    } else if options.contains(&"-4") {
        asked = asked.with_family(Family::V4);
    }
    let mut page = Page::new(layout(options)).with_links(links.iter().copied());
    let get = words[1] == "get" || words.starts_with(&["nexthop", "show", "id"]);
    match (words[0], get) {
        ("route", false) => list::<Routes>(&mut nl, &mut asked, &mut page)?,
        ("route", true) => get_one::<Route>(&mut nl, &mut asked, &mut page)?,
        ("rule", _) => list::<Rules>(&mut nl, &mut asked, &mut page)?,
        ("nexthop", false) => list::<Nexthops>(&mut nl, &mut asked, &mut page)?,
        _ => get_one::<Nexthop>(&mut nl, &mut asked, &mut page)?,
    }
    Ok(match page.take() {
        text if text.ends_with('\n') || text.is_empty() => text,
        json => json + "\n",
    })
}

fn layout(options: &[&str]) -> Layout {
    let has = |option: &str| options.contains(&option);
    Layout {
        json: has("-j"),
        pretty: has("-p"),
        stats: u8::from(has("-s")),
        details: has("-d"),
        numeric: has("-N"),
        one_line: has("-o"),
        ..Layout::default()
    }
}

fn list<Q: Asked>(nl: &mut Connection, words: &mut Words<'_>, page: &mut Page) -> Outcome
where
    Q::Object: Show + 'static,
{
    let query = Q::hear(words)?;
    query.said(page);
    let objects = nl.snapshot(&query)?;
    page.begin();
    for object in &objects {
        show(nl, object, page)?;
    }
    page.end();
    Ok(())
}

fn get_one<O: Spoken + Show + 'static>(
    nl: &mut Connection,
    words: &mut Words<'_>,
    page: &mut Page,
) -> Outcome {
    let object = O::hear(Verb::Get, words)?;
    let answer = nl.get(&object)?;
    page.begin();
    show(nl, &answer, page)?;
    page.end();
    Ok(())
}

/// As `ip` does, asks for the nexthop objects of routes where details are shown.
fn show<O: Show + 'static>(nl: &mut Connection, object: &O, page: &mut Page) -> Outcome {
    let route = (object as &dyn std::any::Any).downcast_ref::<Route>();
    match (route, route.and_then(|route| route.nexthop_id)) {
        (Some(route), Some(id)) if page.layout().details => {
            route.show_with(Some(&nl.get(&Nexthop::id(id))?), page);
        }
        _ => object.show(page),
    }
    Ok(())
}

/// `ip` shows messages from a file without asking where they come from.
fn monitored() -> Outcome {
    if !has_program("ip") {
        return Err(Stop::Skip("`ip` is not installed".to_owned()));
    }
    let mut nl = Connection::open()?;
    let links = links(&mut nl)?;
    // Who runs the tests need not be the one who built them.
    let file = std::env::temp_dir().join(format!("tcnl-shows-routes-{}", std::process::id()));
    let messages = messages::all();
    fs::write(&file, messages.iter().flat_map(|(_, message)| message.clone()).collect::<Vec<u8>>())?;
    let mut wrong = String::new();
    for options in ["", "-d -s", "-N -d", "-o -d"] {
        let theirs = ip(&format!("{options} monitor file {}", file.display()))?;
        let options: Vec<&str> = options.split_whitespace().collect();
        let mut rest = theirs.as_str();
        for (what, message) in &messages {
            let object: Box<dyn Show> = match *what {
                messages::ROUTE => Box::new(Route::decode(&message[16..])?),
                messages::RULE => Box::new(Rule::decode(&message[16..])?),
                _ => Box::new(Nexthop::decode(&message[16..])?),
            };
            let mut page = Page::new(layout(&options)).with_links(links.iter().copied());
            object.show(&mut page);
            let ours = page.take();
            match rest.strip_prefix(ours.as_str()) {
                Some(behind) => rest = behind,
                None => {
                    wrong += &format!("{options:?}\n{ours}\nis shown where ip shows\n{rest}");
                    break;
                }
            }
        }
        if wrong.is_empty() && !rest.is_empty() {
            wrong += &format!("{options:?}\nip shows more: {rest}");
        }
    }
    fs::remove_file(&file)?;
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(Stop::Fail(wrong)),
    }
}

//! Configuration files of the example `dual_uplink`: what is wrong is named with its line, and the annotated one is true.

use crate::common::{trial, Outcome};
use crate::program::{call, Place};
use libtest_mimic::Trial;
use std::collections::BTreeSet;

#[path = "../../examples/dual_uplink/operate/config/mod.rs"]
#[allow(dead_code, reason = "the program uses the rest of it")]
mod config;

use config::Config;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("what is wrong with a configuration is said with file, line and key", wrong),
        trial("a file that cannot be read is said so", unreadable),
        trial("all that makes no sense is said at once", all_at_once),
        trial("the annotated configuration makes sense, and what it calls defaults is that", annotated),
        trial("the annotated configuration has all keys", complete),
        trial("the README's configuration makes sense", readme),
    ]
}

const ANNOTATED: &str = include_str!("../../examples/dual_uplink/gateway.toml");

/// A good configuration; what is wrong with it takes the place of one of its lines.
const GOOD: [&str; 14] = [
    "lans = ['lan']",
    "selector = 'overflow'",
    "[[uplink]]",
    "name = 'a'",
    "dev = 'w1'",
    "down = '50mbit'",
    "up = '10mbit'",
    "v4 = { via = '192.0.2.1' }",
    "targets = [",
    "  'icmp 192.0.2.9',",
    "  'tcp 192.0.2.9:443',",
    "]",
    "[probing]",
    "interval = '500ms'",
];

/// A line from 1, what stands there instead, where the error is found, and words of it.
const WRONG: [(usize, &str, &str, &str); 25] = [
    (1, "lans = 'lan'", ":1: ", "lans: invalid type"),
    (1, "", ": ", "missing key `lans`"),
    (1, "lans = ['a device with a long name']", ":1: ", "lans[0]: "),
    (1, "lans = ['w1']", ":1: ", "lans[0]: w1 is the device of the uplink a"),
    (2, "selector = 'random'", ":2: ", "selector: unknown variant `random`, expected one of `emptier`"),
    (2, "overflow_at = '120%'", ":2: ", "overflow_at: \"120%\" is not a percentage"),
    (2, "failover_hold = '1e9s'", ":2: ", "failover_hold: \"1e9s\" is no time"),
    (2, "selector = overflow", ":2: ", "selector: string values must be quoted"),
    (2, "lans = []", ":2: ", "lans: duplicate key"),
    (3, "[[uplnk]]", ":3: ", "uplnk: unknown key `uplnk`"),
    (4, "weigth = 7", ":4: ", "uplink[0].weigth: unknown key `weigth`, expected one of `name`"),
    (4, "", ":3: ", "uplink[0]: missing key `name`"),
    (4, "name = 'ä b'", ":4: ", "uplink[0].name: \"ä b\" is no name of an uplink"),
    (6, "down = 'fast'", ":6: ", "uplink[0].down: \"fast\" is not a rate"),
    (6, "down = 50", ":6: ", "uplink[0].down: invalid type: integer `50`, expected a text in quotes"),
    (6, "down = '0mbit'", ":6: ", "uplink[0].down: a carries nothing"),
    (8, "v4 = { via = '192.0.2.400' }", ":8: ", "uplink[0].v4.via: \"192.0.2.400\" is neither"),
    (8, "v4 = { via = '192.0.2.1', address = '192.0.2.2' }", ":8: ", "uplink[0].v4.address: unknown key"),
    (8, "v6 = { via = 'fe80::1' }", ":10: ", "uplink[0].targets[0]: icmp 192.0.2.9 is of IPv4"),
    (8, "", ":3: ", "uplink[0]: a has neither IPv4 nor IPv6"),
    (11, "  'http 192.0.2.9',", ":11: ", "uplink[0].targets[1]: \"http 192.0.2.9\" is neither"),
    (11, "  'tcp 192.0.2.9:0',", ":11: ", "uplink[0].targets[1]: tcp 192.0.2.9:0: a port is missing"),
    (14, "interval = '1ms'", ":14: ", "probing.interval: 1ms from one round to the next: 10 ms"),
    (14, "interval = 'soon'", ":14: ", "probing.interval: \"soon\" is no time such as 500ms"),
    (14, "[[force]]\nuplink = 'b'\nports = '9-3'", ":16: ", "force[0].ports: \"9-3\" is neither a port"),
];

fn wrong() -> Outcome {
    let place = Place::new()?;
    let good: String = GOOD.iter().map(|line| format!("{line}\n")).collect();
    assert!(Config::parse(&good).is_ok(), "{:?}", Config::parse(&good));
    let file = place.path("wrong.toml");
    for (line, instead, at, words) in WRONG {
        let mut lines = GOOD;
        *lines.get_mut(line - 1).ok_or("there is no such line")? = instead;
        std::fs::write(&file, lines.join("\n"))?;
        let ended = call(&["plan", "--config", &file])?;
        assert_eq!((ended.status, ended.stdout.as_str()), (2, ""), "{instead}: {}", ended.stderr);
        let said = format!("dual_uplink: {file}{at}");
        let (place, what) = ended.stderr.split_at_checked(said.len()).unwrap_or_default();
        assert!(place == said && what.starts_with(words), "{instead}: {}", ended.stderr);
    }
    Ok(())
}

fn unreadable() -> Outcome {
    let place = Place::new()?;
    let file = place.path("gateway.toml");
    let said = |words: &str| -> Outcome {
        let ended = call(&["audit", "--config", &file])?;
        assert_eq!(ended.status, 2, "{}", ended.stderr);
        assert!(
            ended.stderr.contains(&format!("{file}: ")) && ended.stderr.contains(words),
            "{}",
            ended.stderr
        );
        Ok(())
    };
    said("No such file")?;
    std::fs::write(&file, b"lans = [\xff]")?;
    said("UTF-8")?;
    std::fs::write(&file, "#".repeat(2 << 20))?;
    said("longer than")?;
    for words in
        [vec!["plan"], vec!["run", "--config"], vec!["plan", "--json", "--config", "x"], vec!["audit", "x"]]
    {
        let ended = call(&words)?;
        assert_eq!((ended.status, ended.stdout.as_str()), (2, ""), "{words:?}");
        assert!(ended.stderr.contains("usage: dual_uplink"), "{words:?}: {}", ended.stderr);
    }
    let ended = call(&["run", "--help"])?;
    assert!(ended.status == 0 && ended.stdout.contains("SIGHUP"), "{}", ended.stdout);
    Ok(())
}

fn all_at_once() -> Outcome {
    let text =
        GOOD.join("\n").replace("50mbit", "0mbit").replace("'lan'", "'lan', 'lan'").replace("500ms", "0s");
    let found = Config::parse(&format!("{text}\n[[force]]\nuplink = 'x'")).err().ok_or("it was accepted")?;
    let lines: Vec<_> = found.iter().map(|wrong| wrong.line).collect();
    assert_eq!(lines, [Some(6), Some(1), Some(16), Some(14)], "{found:?}");
    Ok(())
}

/// The lines that show defaults become those that say them.
fn uncommented() -> String {
    let shows = |line: &&str| {
        let said = line.strip_prefix("# ").unwrap_or_default();
        said.starts_with('[') || said.split_once(" = ").is_some_and(|(key, _)| !key.contains(' '))
    };
    let line =
        |line: &str| if shows(&line) { line.replacen("# ", "", 1) + "\n" } else { format!("{line}\n") };
    ANNOTATED.lines().map(line).collect()
}

fn annotated() -> Outcome {
    let parsed = |text: &str| Config::parse(text).map_err(|wrong| format!("{wrong:?}"));
    let all = uncommented();
    assert!(all.len() + 60 < ANNOTATED.len(), "{all}");
    assert_eq!(parsed(&all)?, parsed(ANNOTATED)?);
    Ok(())
}

fn readme() -> Outcome {
    let readme = include_str!("../../README.md");
    let mut blocks = readme.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let text = blocks.find(|text| text.contains("[[uplink]]")).ok_or("there is none")?;
    Config::parse(text).map_err(|wrong| format!("{wrong:?}"))?;
    Ok(())
}

fn complete() -> Outcome {
    let (all, mut keys) = (uncommented(), BTreeSet::new());
    let uplink = "lans = []\n[[uplink]]\nname = 'a'\ndev = 'a'\ndown = '1mbit'\nup = '1mbit'\n";
    for table in ["", "[[uplink]]\n", "[probing]\n", "[[force]]\nuplink = 'a'\n", "[owned]\n"] {
        keys.extend(known(&format!("lans = []\n{table}nothing = 1"))?);
    }
    for table in ["[uplink.shaping]\n", "[[uplink.shaping.share]]\n", "[uplink.v4]\n"] {
        keys.extend(known(&format!("{uplink}{table}nothing = 1"))?);
    }
    assert!(keys.len() > 40, "{keys:?}");
    for key in keys {
        let says = |line: &str| line.contains(&format!("{key} = ")) || line.contains(&format!("{key}]"));
        assert!(all.lines().any(says), "{key} is not in gateway.toml");
    }
    Ok(())
}

/// The keys that could stand in the place of `nothing`.
fn known(text: &str) -> Result<Vec<String>, String> {
    let wrong = Config::parse(text).err().unwrap_or_default().pop().ok_or("it was accepted")?;
    let (_, known) = wrong.what.split_once("expected ").ok_or(wrong.what.clone())?;
    Ok(known.split('`').skip(1).step_by(2).map(str::to_owned).collect())
}

//! What systemd-networkd does to what others have added. Source: `man 5 networkd.conf`.

use crate::uplink::audit::name_of;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

/// Whether it keeps rules, routes and nexthops (since version 256) that others have added. It does not unless told.
pub(in crate::uplink) const MANAGED: [&str; 3] =
    ["ManageForeignRoutingPolicyRules", "ManageForeignRoutes", "ManageForeignNextHops"];
/// Where its files are, the most important first.
const PLACES: [&str; 4] = ["etc/systemd", "run/systemd", "usr/local/lib/systemd", "usr/lib/systemd"];
/// So many processes, files in a place, and bytes in a file are looked at.
const PROCESSES: usize = 100_000;
const FILES: usize = 1000;
const BYTES: u64 = 1 << 20;

/// The settings that have it delete what others have added; none if it does not run.
pub(super) fn settings(root: &Path) -> Vec<&'static str> {
    if !is_running(root) {
        return Vec::new();
    }
    let mut manages = [true; MANAGED.len()];
    for file in files(root) {
        read(&text(&file), &mut manages);
    }
    MANAGED.into_iter().zip(manages).filter_map(|(setting, manages)| manages.then_some(setting)).collect()
}

fn is_running(root: &Path) -> bool {
    let processes = fs::read_dir(root.join("proc")).into_iter().flatten().flatten().take(PROCESSES);
    // The kernel cuts names off after 15 bytes.
    processes
        .filter(|process| {
            process.file_name().to_string_lossy().starts_with(|first: char| first.is_ascii_digit())
        })
        .any(|process| name_of(&process.path()) == "systemd-network")
}

/// Its files, the one that counts last behind: the first of the main files, then the drop-ins by name, where one hides those
/// of its name in less important places.
fn files(root: &Path) -> impl Iterator<Item = PathBuf> {
    let places = || PLACES.iter().map(|place| root.join(place));
    let main = places().map(|place| place.join("networkd.conf")).find(|file| file.exists());
    let mut drop_ins = BTreeMap::new();
    for place in places() {
        for file in fs::read_dir(place.join("networkd.conf.d")).into_iter().flatten().flatten().take(FILES) {
            if file.path().extension().is_some_and(|extension| extension == "conf") {
                drop_ins.entry(file.file_name()).or_insert_with(|| file.path());
            }
        }
    }
    main.into_iter().chain(drop_ins.into_values())
}

fn text(file: &Path) -> String {
    let mut bytes = Vec::new();
    match File::open(file).and_then(|file| file.take(BYTES).read_to_end(&mut bytes)) {
        Ok(_) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(_) => String::new(),
    }
}

pub(in crate::uplink) fn read(text: &str, manages: &mut [bool; MANAGED.len()]) {
    let mut is_network = false;
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';'])) {
        if line.starts_with('[') {
            is_network = line == "[Network]";
        } else if let Some((key, value)) = line.split_once('=').filter(|_| is_network) {
            let setting = MANAGED.iter().zip(&mut *manages).find(|(setting, _)| **setting == key.trim_end());
            if let (Some((_, manages)), Some(value)) = (setting, boolean(value.trim_start())) {
                *manages = value;
            }
        }
    }
}

/// Its words for yes and no. What is neither is passed over.
fn boolean(word: &str) -> Option<bool> {
    match word.to_ascii_lowercase().as_str() {
        "1" | "yes" | "y" | "true" | "t" | "on" => Some(true),
        "0" | "no" | "n" | "false" | "f" | "off" => Some(false),
        _ => None,
    }
}

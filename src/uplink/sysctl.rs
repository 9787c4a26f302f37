//! System settings that a gateway with several uplinks needs, and how they were before.

#[cfg(test)]
mod tests;

use super::{Gateway, Via};
use crate::units::{quoted, Family, Name, ParseError};
use crate::{Error, Result};
use std::fmt::{self, Display, Formatter};
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// A system setting that is ours to change. Prints and parses as its path below `/proc/sys`, in which a device's name may have dots.
///
/// Source: `Documentation/networking/ip-sysctl.rst` of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Key {
    /// `net/ipv4/conf/NAME/rp_filter`: 1 drops what comes in by another device than its answers would leave by; 2 what could not be answered at all.
    /// The greater of this and that of `all` counts.
    ReversePath(Name),
    /// `net/ipv4/conf/all/src_valid_mark`: 1 lets that check see the packet's mark.
    MarkedReverse,
    /// `net/ipv4/fib_multipath_hash_policy`, or that of IPv6: 1 spreads connections over the ways of a route, 0 pairs of hosts.
    HashPolicy(Family),
    /// `net/ipv6/conf/NAME/accept_ra`: 1 takes router advertisements while the device does not forward, 2 always.
    Advertisements(Name),
}

/// A system setting that a gateway needs. Prints as the command that makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Setting {
    /// Which one.
    pub key: Key,
    /// What it must be where it is what does not do. Other values of it are left alone, because somebody chose them.
    pub wanted: u32,
}

/// A system setting that was changed, or is to be. Prints and parses as a line of at most 120 bytes: `net/ipv4/conf/wan/rp_filter 1 2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Changed {
    /// Which one.
    pub key: Key,
    /// What it was before.
    pub was: u32,
    /// What we made of it.
    pub now: u32,
}

/// The system settings of the calling thread's network namespace.
#[derive(Clone, Debug)]
pub struct Sysctls {
    root: PathBuf,
}

/// What this gateway needs: no strict check of the reverse path on uplinks of IPv4, and marks in that check; connections
/// and not pairs of hosts spread over multipath routes; router advertisements on forwarding uplinks of IPv6 that learn their router.
///
/// The check is changed for the uplinks only, not for `all`: of both the greater value counts, so 2 at the device is enough. Forwarding is not
/// among them: whether a machine is a router is not for us to say ([`warnings`](fn@super::warnings) tells if it is not).
pub fn settings(gateway: &Gateway) -> Vec<Setting> {
    let mut settings = Vec::new();
    let mut want = |key, wanted| {
        let setting = Setting { key, wanted };
        if !settings.contains(&setting) {
            settings.push(setting);
        }
    };
    // A name that came from the kernel's bytes unchecked is no path.
    let devices = || gateway.uplinks.iter().filter_map(|uplink| Some((uplink, Name::new(&uplink.dev).ok()?)));
    for (_, dev) in devices().filter(|(uplink, _)| uplink.v4.is_some()) {
        want(Key::ReversePath(dev), 2);
    }
    for family in gateway.families() {
        if family == Family::V4 {
            want(Key::MarkedReverse, 1);
        }
        want(Key::HashPolicy(family), 1);
    }
    for (uplink, dev) in devices() {
        if uplink.v6.as_ref().is_some_and(|leg| leg.via == Via::Learned) {
            want(Key::Advertisements(dev), 2);
        }
    }
    settings
}

impl Sysctls {
    /// Those below `/proc/sys`. What is read and written there belongs to the namespace of the thread that does it.
    pub fn here() -> Self {
        Self::under(Path::new("/"))
    }

    /// Those below `proc/sys` in this directory.
    pub fn under(root: &Path) -> Self {
        Sysctls { root: root.join("proc/sys") }
    }

    /// What would have to be changed, with the values of now. What is as it must be, and what this kernel does not have (IPv6, a
    /// device that is not there now), is left out. To be able to restore after a crash, remember this before [`make`](Sysctls::make).
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if a setting cannot be read, [`Error::Invalid`] if it is not a number.
    pub fn changes(&self, settings: &[Setting]) -> Result<Vec<Changed>> {
        let change = |setting: &Setting| self.change(setting).transpose();
        settings.iter().filter_map(change).collect()
    }

    /// Changes a setting.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if it cannot be written: that takes CAP_NET_ADMIN in the namespace.
    pub fn make(&self, changed: &Changed) -> Result<()> {
        self.write(changed.key, changed.now)
    }

    /// Makes a setting what it was before, and says whether it did. One that is no longer what we made of it, or is gone
    /// with its device, is left alone.
    ///
    /// # Errors
    ///
    /// As those of [`changes`](Sysctls::changes) and [`make`](Sysctls::make).
    pub fn restore(&self, changed: &Changed) -> Result<bool> {
        if self.read(changed.key)? != Some(changed.now) {
            return Ok(false);
        }
        self.write(changed.key, changed.was).map(|()| true)
    }

    fn change(&self, setting: &Setting) -> Result<Option<Changed>> {
        let Some(was) = self.read(setting.key)? else { return Ok(None) };
        let must = match setting.key {
            Key::ReversePath(dev) => self.is_strict(&dev)?,
            Key::MarkedReverse | Key::HashPolicy(_) => was == 0,
            // The kernel looks at the device's own forwarding.
            Key::Advertisements(dev) => {
                was == 1 && self.number(&format!("net/ipv6/conf/{dev}/forwarding"))? == Some(1)
            }
        };
        Ok((must && was != setting.wanted).then_some(Changed { key: setting.key, was, now: setting.wanted }))
    }

    /// Whether the reverse path of what comes in by this device is checked strictly.
    pub(super) fn is_strict(&self, dev: &str) -> Result<bool> {
        Ok(self.number_of("rp_filter", dev)? == 1)
    }

    /// The greater one of a device's number of this name in IPv4 and that of all devices. 0 if there is none.
    pub(super) fn number_of(&self, what: &str, dev: &str) -> Result<u32> {
        let [all, own] = ["all", dev].map(|dev| self.number(&format!("net/ipv4/conf/{dev}/{what}")));
        Ok(all?.max(own?).unwrap_or(0))
    }

    fn read(&self, key: Key) -> Result<Option<u32>> {
        self.number(&key.to_string())
    }

    /// The number at this path; `None` if there is no such setting.
    pub(super) fn number(&self, path: &str) -> Result<Option<u32>> {
        let mut text = String::new();
        match File::open(self.root.join(path)).and_then(|file| file.take(64).read_to_string(&mut text)) {
            Ok(_) => {
                text.trim().parse().map(Some).map_err(|_| Error::invalid(path, "the setting is not a number"))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io(format!("read {path}"), error)),
        }
    }

    fn write(&self, key: Key, value: u32) -> Result<()> {
        fs::write(self.root.join(key.to_string()), value.to_string())
            .map_err(|error| Error::denied(format!("set {key} to {value}"), error, "CAP_NET_ADMIN"))
    }
}

/// As a command of sysctl(8), with slashes, because names of devices may have dots.
impl Display for Setting {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&command(self.key, self.wanted))
    }
}

/// The command that makes it.
pub(super) fn command(key: Key, value: u32) -> String {
    format!("sysctl -w {}", quoted(&format!("{key}={value}")))
}

impl Display for Key {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Key::ReversePath(dev) => write!(f, "net/ipv4/conf/{dev}/rp_filter"),
            Key::MarkedReverse => f.write_str("net/ipv4/conf/all/src_valid_mark"),
            Key::HashPolicy(Family::V4) => f.write_str("net/ipv4/fib_multipath_hash_policy"),
            Key::HashPolicy(Family::V6) => f.write_str("net/ipv6/fib_multipath_hash_policy"),
            Key::Advertisements(dev) => write!(f, "net/ipv6/conf/{dev}/accept_ra"),
        }
    }
}

/// No other path is a key, so that a line of a file never makes us write elsewhere.
impl FromStr for Key {
    type Err = ParseError;

    fn from_str(path: &str) -> Result<Self, ParseError> {
        let of_device =
            |before: &str, behind: &str| Name::new(path.strip_prefix(before)?.strip_suffix(behind)?).ok();
        let plain = [Key::MarkedReverse, Key::HashPolicy(Family::V4), Key::HashPolicy(Family::V6)];
        let plain = plain.into_iter().find(|key| key.to_string() == path);
        let reverse = || of_device("net/ipv4/conf/", "/rp_filter").map(Key::ReversePath);
        let advertisements = || of_device("net/ipv6/conf/", "/accept_ra").map(Key::Advertisements);
        plain.or_else(reverse).or_else(advertisements).ok_or_else(|| {
            ParseError::new(path, "a setting of ours: expected one such as net/ipv4/conf/wan/rp_filter")
        })
    }
}

impl Display for Changed {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.key, self.was, self.now)
    }
}

impl FromStr for Changed {
    type Err = ParseError;

    fn from_str(line: &str) -> Result<Self, ParseError> {
        let wrong =
            || ParseError::new(line, "a changed setting: expected its path, what it was and what it is now");
        // Not any white space: some of it may stand in names.
        let mut words = line.split(' ');
        let (Some(key), Some(was), Some(now), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(wrong());
        };
        let number = |word: &str| word.parse().map_err(|_| wrong());
        Ok(Changed { key: key.parse()?, was: number(was)?, now: number(now)? })
    }
}

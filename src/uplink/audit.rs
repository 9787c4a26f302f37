//! Servers that would answer from the wrong uplink.

#[cfg(test)]
mod tests;

use super::Gateway;
use crate::units::Family;
use crate::{Error, Result};
use std::collections::HashMap;
use std::fmt::{self, Display, Formatter};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

/// Of so many sockets at most it is told, and so many descriptors of processes are looked at.
const SOCKETS: usize = 65_536;
const DESCRIPTORS: usize = 1_000_000;

/// A UDP socket that is bound to no address and connected to nobody.
///
/// The kernel gives each packet from such a socket the address that its route has, not the one that was asked: a query that came in by one
/// uplink is answered from another one's address. TCP has no such trouble. Whether the program takes care itself, with `IP_PKTINFO`,
/// cannot be seen from outside, nor whether the socket is bound to a device.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exposed {
    /// `0.0.0.0` or `::`; the latter may serve both families.
    pub address: IpAddr,
    /// Its port.
    pub port: u16,
    /// The user that it belongs to.
    pub uid: u32,
    /// Its number in the file system of sockets; 0 for some of the kernel.
    pub inode: u64,
    /// Who has it open; `None` if that is the kernel, or cannot be seen without more privileges.
    pub process: Option<Process>,
}

/// A process.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// Its name, of up to 15 bytes.
    pub name: String,
}

/// Lists the UDP sockets in the calling thread's network namespace that would answer from the wrong uplink, those of IPv4 first. None if
/// no family has two uplinks. Lines that cannot be read are left out; who has a socket open is found as far as this process may look.
///
/// Source: `man 5 proc_pid_net`, `udp4_format_sock` in the kernel's `net/ipv4/udp.c`.
///
/// # Errors
///
/// [`Error::Io`] if the kernel's list cannot be read. A kernel without IPv6 is none.
pub fn audit(gateway: &Gateway) -> Result<Vec<Exposed>> {
    audit_below(Path::new("/proc"), gateway)
}

fn audit_below(proc: &Path, gateway: &Gateway) -> Result<Vec<Exposed>> {
    let several = |family| gateway.uplinks.iter().filter(|uplink| uplink.leg(family).is_some()).count() > 1;
    let (v4, v6) = (several(Family::V4), several(Family::V6));
    // Those of the thread: /proc/net are those of the process's first.
    let lists = [("thread-self/net/udp", v4), ("thread-self/net/udp6", v4 || v6)];
    let mut exposed = Vec::new();
    for (list, _) in lists.into_iter().filter(|(_, counts)| *counts) {
        match File::open(proc.join(list)) {
            Ok(file) => read_sockets(file, &mut exposed)
                .map_err(|error| Error::io(format!("read the list of UDP sockets {list}"), error))?,
            Err(error) if error.kind() == ErrorKind::NotFound && list.ends_with('6') => (),
            Err(error) => return Err(Error::io(format!("open the list of UDP sockets {list}"), error)),
        }
    }
    find_processes(proc, &mut exposed);
    Ok(exposed)
}

pub(super) fn read_sockets(file: impl Read, exposed: &mut Vec<Exposed>) -> std::io::Result<()> {
    let mut file = BufReader::new(file);
    let mut line = Vec::new();
    while exposed.len() < SOCKETS {
        line.clear();
        // The kernel's lines have less than 200 bytes; what is longer is read in parts that make no sense.
        if file.by_ref().take(512).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        exposed.extend(std::str::from_utf8(&line).ok().and_then(read_socket));
    }
    Ok(())
}

/// `sl local remote st tx:rx tr:when retrnsmt uid timeout inode …`: a socket, if it is one that counts.
fn read_socket(line: &str) -> Option<Exposed> {
    let mut words = line.split_ascii_whitespace();
    let (local, port) = endpoint(words.nth(1)?)?;
    let (remote, remote_port) = endpoint(words.next()?)?;
    let uid = words.nth(4)?.parse().ok()?;
    let inode = words.nth(1)?.parse().ok()?;
    let counts = local.is_unspecified() && remote.is_unspecified() && port != 0 && remote_port == 0;
    counts.then_some(Exposed { address: local, port, uid, inode, process: None })
}

/// `00000000:0035`. What the address is does not matter unless it is none: words of it are in the machine's byte order.
fn endpoint(word: &str) -> Option<(IpAddr, u16)> {
    let (address, port) = word.split_once(':')?;
    let address = match address.len() {
        8 => Ipv4Addr::from_bits(u32::from_str_radix(address, 16).ok()?).into(),
        32 => Ipv6Addr::from_bits(u128::from_str_radix(address, 16).ok()?).into(),
        _ => return None,
    };
    Some((address, u16::from_str_radix(port, 16).ok()?))
}

/// Looks for the sockets among the descriptors of all processes.
fn find_processes(proc: &Path, exposed: &mut [Exposed]) {
    let mut wanted: HashMap<String, &mut Exposed> = HashMap::new();
    for socket in exposed.iter_mut().filter(|socket| socket.inode != 0) {
        wanted.insert(format!("socket:[{}]", socket.inode), socket);
    }
    let mut looks = DESCRIPTORS;
    for directory in fs::read_dir(proc).into_iter().flatten().flatten() {
        let pid = directory.file_name().to_str().and_then(|name| name.parse().ok());
        let Some(pid) = pid.filter(|_| !wanted.is_empty()) else { continue };
        for descriptor in fs::read_dir(directory.path().join("fd")).into_iter().flatten().flatten() {
            looks = looks.saturating_sub(1);
            if looks == 0 {
                return;
            }
            let link = fs::read_link(descriptor.path()).ok();
            let found = link.as_deref().and_then(Path::to_str).and_then(|link| wanted.remove(link));
            if let Some(socket) = found {
                socket.process = Some(Process { pid, name: name_of(&directory.path()) });
            }
        }
    }
}

/// The name of the process in this directory of /proc; `?` if it has gone.
pub(super) fn name_of(directory: &Path) -> String {
    let mut name = Vec::new();
    match File::open(directory.join("comm")).and_then(|file| file.take(64).read_to_end(&mut name)) {
        Ok(_) => String::from_utf8_lossy(&name).trim_end().to_owned(),
        Err(_) => "?".into(),
    }
}

/// In a line: what it is, and what to do.
impl Display for Exposed {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (address, port, uid) = (self.address, self.port, self.uid);
        match address {
            IpAddr::V4(_) => write!(f, "udp {address}:{port}")?,
            IpAddr::V6(_) => write!(f, "udp [{address}]:{port}")?,
        }
        match &self.process {
            Some(Process { pid, name }) => write!(f, " of {} (pid {pid}, uid {uid})", name.escape_debug())?,
            None => write!(f, " of uid {uid}")?,
        }
        f.write_str(": what comes in by one uplink may be answered from another one's address; ")?;
        f.write_str("bind it to each address by itself, unless the program uses IP_PKTINFO")?;
        if matches!(port, 68 | 546) {
            f.write_str(" (clients of DHCP ask, and answer nobody: they may stay)")?;
        }
        Ok(())
    }
}

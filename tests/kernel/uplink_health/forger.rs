//! Somebody who answers echo requests himself, nearly right.

use super::providers::V4;
use crate::common::{ip, Stop};
use nix::sys::socket::{
    bind, sendto, socket, AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrIn,
};
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddrV4, UdpSocket};
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What is wrong with the replies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Forgery {
    None,
    /// They come from another address.
    Address,
    Id,
    Sequence,
    Payload,
    /// They are requests.
    Request,
}

pub struct Forger {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<usize, String>>,
}

impl Forger {
    /// Ends it. Gives how many replies it sent.
    pub fn stop(self) -> Result<usize, Stop> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| "the forger panicked")?.map_err(Stop::Fail)
    }
}

/// Starts one in this namespace, which must not answer itself.
pub fn start(forgery: Forgery) -> Result<Forger, Stop> {
    const OTHER: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 10);
    let mine = if forgery == Forgery::Address { OTHER } else { V4 };
    ip(&format!("address replace {OTHER}/32 dev lo"))?;
    let raw = || socket(AddressFamily::Inet, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::Icmp);
    let (heard, said): (OwnedFd, OwnedFd) = (raw()?, raw()?);
    bind(said.as_raw_fd(), &SockaddrIn::from(SocketAddrV4::new(mine, 0)))?;
    // It is none of UDP, but is read like one.
    let heard = UdpSocket::from(heard);
    heard.set_read_timeout(Some(Duration::from_millis(20)))?;
    let stop = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&stop);
    let work = move || {
        let mut sent = 0;
        while !asked.load(Ordering::Relaxed) {
            let mut packet = [0; 128];
            match heard.recv_from(&mut packet) {
                Ok((length, from)) => {
                    let request = &packet[usize::from(packet[0] & 0xf) * 4..length];
                    if let (8, IpAddr::V4(customer)) = (request[0], from.ip()) {
                        let to = SockaddrIn::from(SocketAddrV4::new(customer, 0));
                        let reply = forgery.answer(request);
                        sendto(said.as_raw_fd(), &reply, &to, MsgFlags::empty())
                            .map_err(|e| e.to_string())?;
                        sent += 1;
                    }
                }
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => (),
                Err(error) => return Err(error.to_string()),
            }
        }
        Ok(sent)
    };
    Ok(Forger { stop, thread: thread::spawn(work) })
}

impl Forgery {
    fn answer(self, request: &[u8]) -> Vec<u8> {
        let mut reply = request.to_vec();
        reply[0] = 0;
        match self {
            Forgery::None | Forgery::Address => (),
            Forgery::Id => reply[5] ^= 1,
            Forgery::Sequence => reply[6] ^= 1,
            Forgery::Payload => reply[15] ^= 1,
            Forgery::Request => reply[0] = 8,
        }
        (reply[2], reply[3]) = (0, 0);
        let sum: u32 = reply.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1])).sum();
        let [high, low] = (!((sum & 0xffff) + (sum >> 16)) as u16).to_be_bytes();
        (reply[2], reply[3]) = (high, low);
        reply
    }
}

use super::core::{Awaited, Core, Found, Told, KERNEL};
use super::failure::Failure;
use netlink_sys::{Socket as Sys, SocketAddr};
use nix::errno::Errno;
use nix::poll::{poll, PollFd, PollFlags, PollTimeout};
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

/// `recv` then says how long a datagram was that did not fit. `include/linux/socket.h`
const MSG_TRUNC: i32 = 0x20;
/// What a datagram takes of the receive buffer at least: the kernel counts its own structures, too.
const LEAST: usize = 256;
const ENOBUFS: i32 = Errno::ENOBUFS as i32;
const ENOPROTOOPT: i32 = Errno::ENOPROTOOPT as i32;

/// The blocking driver of the core. It owns the one descriptor: netlink-sys's socket closes it on drop although it can be
/// cloned, so nothing here clones it.
#[derive(Debug)]
pub(super) struct Socket {
    sys: Sys,
    timeout: Option<Duration>,
    /// Answers in the kernel's place.
    #[cfg(test)]
    pub peer: Option<super::faults::Peer>,
}

impl Socket {
    /// Opens a socket in the calling thread's network namespace.
    pub fn open(protocol: isize, timeout: Option<Duration>, receive_buffer: u32) -> io::Result<Self> {
        let sys = Sys::new(protocol)?;
        sys.set_non_blocking(true)?;
        sys.set_rx_buf_sz(receive_buffer)?;
        for option in [Sys::set_ext_ack, Sys::set_cap_ack, Sys::set_netlink_get_strict_chk] {
            // Kernels before 4.20 lack one or the other and work without.
            option(&sys, true).or_else(|error| match error.raw_os_error() {
                Some(ENOPROTOOPT) => Ok(()),
                _ => Err(error),
            })?;
        }
        Ok(Socket {
            sys,
            timeout,
            #[cfg(test)]
            peer: None,
        })
    }

    /// The port that the kernel chose for the socket.
    pub fn bind(&mut self) -> io::Result<u32> {
        self.sys.bind_auto().map(|address| address.port_number())
    }

    /// Hears of the events of a multicast group as well.
    pub fn join(&self, group: u32) -> io::Result<()> {
        self.sys.add_membership(group)
    }

    /// How many bytes of messages, with their overhead, can wait in the socket.
    pub fn receive_buffer(&self) -> usize {
        self.sys.get_rx_buf_sz().unwrap_or(0)
    }

    /// Sends what is framed, in one datagram.
    pub fn send(&self, core: &Core) -> Result<(), Failure> {
        loop {
            match self.try_send(core.outgoing()) {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => (),
                Err(source) => return Err(Failure::Io { doing: "send", source }),
            }
        }
    }

    /// Waits for the next reply to what is awaited, for as long as the timeout says. Messages that do not belong to it cannot
    /// prolong the wait.
    #[inline]
    pub fn answer(&self, core: &mut Core, awaited: Awaited) -> Result<Found, Failure> {
        match core.seek(awaited)? {
            Some(found) => Ok(found),
            None => self.next_answer(core, awaited),
        }
    }

    /// The same where all that came before has been read.
    #[inline(never)]
    fn next_answer(&self, core: &mut Core, awaited: Awaited) -> Result<Found, Failure> {
        let deadline = Deadline::after(self.timeout);
        loop {
            self.receive(core, &deadline)?;
            if let Some(found) = core.seek(awaited)? {
                return Ok(found);
            }
            deadline.check()?;
        }
    }

    /// Waits for the next event, for as long as the timeout says; `None` if nothing came.
    ///
    /// Of an overflow the kernel says at once, in front of the events that wait, and what happens until all of those have been read it
    /// drops in silence (NETLINK_S_CONGESTED in `net/netlink/af_netlink.c`). So the overflow is told behind them: whoever lists the objects
    /// then has missed nothing. `gap` is how many datagrams may be left in front of one that has yet to be told.
    pub fn event(&self, core: &mut Core, gap: &mut Option<usize>) -> Result<Option<Told>, Failure> {
        if let Some(told) = core.seek_event()? {
            return Ok(Some(told));
        }
        let deadline = Deadline::after(self.timeout);
        loop {
            if *gap == Some(0) {
                *gap = None;
                return Err(Failure::Overrun);
            }
            match self.try_receive(core) {
                Ok(()) => *gap = gap.map(|left| left - 1),
                Err(error) if error.kind() == ErrorKind::WouldBlock => match gap.take() {
                    Some(_) => return Err(Failure::Overrun),
                    None => match self.wait(&deadline) {
                        Err(Failure::Timeout(_)) => return Ok(None),
                        waited => waited?,
                    },
                },
                Err(error) if error.kind() == ErrorKind::Interrupted => (),
                Err(error) if error.raw_os_error() == Some(ENOBUFS) => {
                    // Of two, the first one has to be told before the second one is waited for: they might never end.
                    match gap.replace(self.receive_buffer() / LEAST + 1) {
                        Some(_) => return Err(Failure::Overrun),
                        None => continue,
                    }
                }
                Err(source) => return Err(Failure::Io { doing: "receive", source }),
            }
            if let Some(told) = core.seek_event()? {
                return Ok(Some(told));
            }
            if deadline.check().is_err() {
                return Ok(None);
            }
        }
    }

    /// Reads away the rest of a dump that was given up. The kernel goes on with it while it is read: when nothing is there,
    /// nothing is under way.
    pub fn settle(&self, core: &mut Core) -> Result<(), Failure> {
        let deadline = Deadline::after(self.timeout);
        core.discard();
        while core.is_dumping() {
            match self.try_receive(core) {
                Ok(()) => core.discard(),
                Err(error) if error.kind() == ErrorKind::WouldBlock => core.dump_ends(),
                Err(error) if error.kind() == ErrorKind::Interrupted => (),
                // What was lost was not wanted.
                Err(error) if error.raw_os_error() == Some(ENOBUFS) => (),
                Err(source) => return Err(Failure::Io { doing: "receive", source }),
            }
            deadline.check()?;
        }
        Ok(())
    }

    fn receive(&self, core: &mut Core, deadline: &Deadline) -> Result<(), Failure> {
        loop {
            match self.try_receive(core) {
                Ok(()) => return Ok(()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.wait(deadline)?,
                Err(error) if error.kind() == ErrorKind::Interrupted => (),
                Err(error) if error.raw_os_error() == Some(ENOBUFS) => {
                    self.drain(core, deadline);
                    return Err(Failure::Overrun);
                }
                Err(source) => return Err(Failure::Io { doing: "receive", source }),
            }
        }
    }

    /// Reads away what is left behind an overflow. Until nothing is, the kernel drops what it has to say to a socket, and
    /// says so only once: the answer to the next request would not come. `net/netlink/af_netlink.c`, NETLINK_S_CONGESTED
    fn drain(&self, core: &mut Core, deadline: &Deadline) {
        core.discard();
        while deadline.check().is_ok() {
            match self.try_receive(core) {
                Ok(()) => core.discard(),
                Err(error) if error.kind() == ErrorKind::Interrupted => (),
                Err(error) if error.raw_os_error() == Some(ENOBUFS) => (),
                Err(_) => return,
            }
        }
    }

    fn try_send(&self, bytes: &[u8]) -> io::Result<usize> {
        #[cfg(test)]
        if let Some(peer) = &self.peer {
            return peer.hear(bytes);
        }
        self.sys.send_to(bytes, &SocketAddr::new(KERNEL, 0), 0)
    }

    fn try_receive(&self, core: &mut Core) -> io::Result<()> {
        let mut space = core.space();
        #[cfg(test)]
        if let Some(peer) = &self.peer {
            return peer.say(space).map(|(len, sender)| core.received(len, sender));
        }
        let (len, sender) = self.sys.recv_from(&mut space, MSG_TRUNC)?;
        core.received(len, sender.port_number());
        Ok(())
    }

    /// Waits until there is something to receive. A signal ends the wait early, and so may the end of the longest wait
    /// that `poll` knows: the caller tries again.
    fn wait(&self, deadline: &Deadline) -> Result<(), Failure> {
        deadline.check()?;
        #[cfg(test)]
        if let Some(peer) = &self.peer {
            return if peer.is_silent() { Err(Failure::Timeout(deadline.timeout)) } else { Ok(()) };
        }
        match poll(&mut [PollFd::new(self.as_fd(), PollFlags::POLLIN)], deadline.remaining()) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(errno) => Err(Failure::Io { doing: "wait for an answer", source: errno.into() }),
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.sys.as_fd()
    }
}

struct Deadline {
    timeout: Duration,
    end: Option<Instant>,
}

impl Deadline {
    /// None, and one too far away to be counted, never come.
    fn after(timeout: Option<Duration>) -> Self {
        let timeout = timeout.unwrap_or(Duration::MAX);
        Deadline { timeout, end: Instant::now().checked_add(timeout) }
    }

    fn check(&self) -> Result<(), Failure> {
        match self.end {
            Some(end) if Instant::now() >= end => Err(Failure::Timeout(self.timeout)),
            _ => Ok(()),
        }
    }

    /// What is left, rounded up: a wait that ends just before its deadline would spin.
    fn remaining(&self) -> PollTimeout {
        let Some(end) = self.end else { return PollTimeout::NONE };
        let left = end.saturating_duration_since(Instant::now()).as_micros().div_ceil(1000);
        PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use std::sync::atomic::{AtomicBool, Ordering};

    /// Anybody may send to anybody's socket of this protocol.
    const NETLINK_USERSOCK: isize = 2;

    #[test]
    fn a_flood_of_foreign_messages_cannot_hold_a_request_beyond_its_timeout() {
        let timeout = Duration::from_millis(100);
        let mut socket = Socket::open(NETLINK_USERSOCK, Some(timeout), 4096).unwrap();
        let port = socket.bind().unwrap();
        let mut core = Core::new(port, Clock::KERNEL, 4096);
        let awaited = core.begin(1);
        let mut forged = vec![20, 0, 0, 0, 2, 0, 0, 0];
        forged.extend(awaited.seq(0).to_ne_bytes());
        forged.extend([0; 8]);
        let (stop, sent) = (AtomicBool::new(false), AtomicBool::new(false));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let flood = Sys::new(NETLINK_USERSOCK).unwrap();
                while !stop.load(Ordering::Relaxed) {
                    // The last one may find nobody.
                    let _ = flood.send_to(&forged, &SocketAddr::new(port, 0), 0);
                    sent.store(true, Ordering::Relaxed);
                }
            });
            while !sent.load(Ordering::Relaxed) {
                std::thread::yield_now();
            }
            let start = Instant::now();
            let failure = socket.answer(&mut core, awaited).unwrap_err();
            let took = start.elapsed();
            stop.store(true, Ordering::Relaxed);
            // The flood may be waiting for room.
            drop(socket);
            assert!(matches!(failure, Failure::Timeout(after) if after == timeout), "{failure:?}");
            assert!(took >= timeout && took < timeout * 20, "{took:?}");
        });
    }

    #[test]
    fn without_a_timeout_the_deadline_never_comes() {
        for timeout in [None, Some(Duration::MAX)] {
            let deadline = Deadline::after(timeout);
            assert!(deadline.check().is_ok());
            assert_eq!(deadline.remaining(), PollTimeout::NONE);
        }
    }
}

//! Servers that say how they see their clients.

use super::{written, DOWNLOAD, ECHO, STANDSTILL, UPLOAD};
use crate::lab::{Host, Result};
use std::io::{self, Read, Write};
use std::net::{IpAddr, TcpListener, TcpStream, UdpSocket};
use std::thread;
use std::time::Duration;

/// Serves TCP at all ports and UDP at `ECHO` of this address, until the process ends.
pub fn serve(host: &Host, address: IpAddr) -> Result<()> {
    for port in [ECHO, UPLOAD, DOWNLOAD] {
        let listener = host.run(|| Ok(TcpListener::bind((address, port))?))?;
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                thread::spawn(move || answer(connection, port));
            }
        });
    }
    let socket = host.run(|| Ok(UdpSocket::bind((address, ECHO))?))?;
    thread::spawn(move || {
        while let Ok((_, from)) = socket.recv_from(&mut [0; 1500]) {
            let _ = socket.send_to(&written(from.ip()), from);
        }
    });
    Ok(())
}

/// One connection: first the client's address, which tells the uplink, then what the port is for.
fn answer(mut stream: TcpStream, port: u16) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    stream.set_write_timeout(Some(STANDSTILL))?;
    stream.write_all(&written(stream.peer_addr()?.ip()))?;
    let mut buffer = [0; 16 << 10];
    loop {
        let length = if port == DOWNLOAD { buffer.len() } else { stream.read(&mut buffer)? };
        if length == 0 {
            return Ok(());
        }
        if port != UPLOAD {
            stream.write_all(buffer.get(..length).unwrap_or_default())?;
        }
    }
}

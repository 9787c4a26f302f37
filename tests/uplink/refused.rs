//! What is forced to an uplink that does not work, and may not use another, is refused at once.

use crate::common::{trial, Outcome};
use crate::lab::{Host, Lab, Result, SERVER};
use crate::running::Running;
use crate::traffic::{serve, tcp_seen_as, until, Talk, DOWNLOAD, ECHO, PATIENCE};
use libtest_mimic::Trial;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;
use tcnl::route::Link;
use tcnl::units::Rate;
use tcnl::uplink::{Forced, Probing, Target, Transport, Weighted};

pub fn trials() -> Vec<Trial> {
    vec![
        trial(
            "what is forced to a silent uplink is refused, TCP and UDP, IPv4 and IPv6, of LAN and gateway",
            || dead(|lab| lab.routers[0].silence(true)),
        ),
        trial("what is forced to an uplink without a carrier is refused as well", || {
            dead(|lab| {
                let mut provider = lab.routers[0].connection()?;
                let wan = Link::of(provider.link("wan")?);
                provider.change(&wan.down())?;
                Ok(())
            })
        }),
    ]
}

const FAST: (Rate, Rate) = (Rate::mbit(100), Rate::mbit(100));
/// UDP that is forced, and may not fall back.
const STRICT: u16 = 5;
/// The gateway and the LAN's host, as each other's.
const NEAR: [[IpAddr; 2]; 2] = [
    [IpAddr::V4(Ipv4Addr::new(192, 168, 7, 1)), IpAddr::V6(Ipv6Addr::new(0xfd00, 7, 0, 0, 0, 0, 0, 1))],
    [IpAddr::V4(Ipv4Addr::new(192, 168, 7, 2)), IpAddr::V6(Ipv6Addr::new(0xfd00, 7, 0, 0, 0, 0, 0, 2))],
];

/// How an attempt to connect ends.
fn connect(from: &Host, to: SocketAddr) -> Result<ErrorKind> {
    from.run(|| match TcpStream::connect_timeout(&to, PATIENCE) {
        Ok(_) => Err(format!("{to} was reached").into()),
        Err(error) => Ok(error.kind()),
    })
}

/// Whether a UDP socket is told that what it sends does not arrive.
fn is_told(from: &Host, to: SocketAddr) -> Result<bool> {
    from.run(|| {
        let any: IpAddr =
            if to.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        let socket = UdpSocket::bind((any, 0))?;
        socket.connect(to)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let told = socket.send(b"?").and_then(|_| socket.recv(&mut [0; 16])).map_err(|error| error.kind());
        Ok(!matches!(told, Ok(_) | Err(ErrorKind::WouldBlock | ErrorKind::TimedOut)))
    })
}

fn dead(kill: impl FnOnce(&Lab) -> Result<()>) -> Outcome {
    let lab = Lab::build(&[FAST; 2])?;
    SERVER.into_iter().try_for_each(|address| serve(&lab.internet, address))?;
    // Hosts nearby serve the same port.
    for (host, addresses) in [&lab.gateway, &lab.lan].into_iter().zip(NEAR) {
        addresses.into_iter().try_for_each(|address| serve(host, address))?;
    }
    let mut probing = Probing::default();
    probing.targets = SERVER.into_iter().map(Target::Icmp).collect();
    let gateway = lab
        .model(&[FAST; 2])
        .probing(probing)
        .force(Forced::by("isp-1").ports(Transport::Tcp, ECHO..=ECHO))
        .force(Forced::by("isp-1").ports(Transport::Udp, STRICT..=STRICT))
        .force(Forced::by("isp-1").ports(Transport::Tcp, DOWNLOAD..=DOWNLOAD).fallback());
    let selector = Box::new(Weighted::new(&gateway.uplinks));
    let running = Running::start(&lab, gateway, selector)?;
    for (family, server) in SERVER.into_iter().enumerate() {
        for host in [&lab.lan, &lab.gateway] {
            assert_eq!(tcp_seen_as(host, server)?, lab.lines[0].address[family], "while it works");
        }
    }
    kill(&lab)?;
    let is_out = || running.statuses().is_ok_and(|statuses| !statuses[0].usable && statuses[1].usable);
    until(Duration::from_secs(10), is_out).map_err(|_| format!("{:#?}", running.told()))?;
    std::thread::sleep(Duration::from_millis(100));
    for (family, server) in SERVER.into_iter().enumerate() {
        for (who, host) in [("LAN", &lab.lan), ("gateway", &lab.gateway)] {
            // More than ICMP errors would be told of.
            for _ in 0..10 {
                let kind = connect(host, (server, ECHO).into())?;
                assert_ne!(kind, ErrorKind::TimedOut, "{who}, {server}: {:#?}", running.told());
            }
            assert!(is_told(host, (server, STRICT).into())?, "{who}, UDP to {server}: {:#?}", running.told());
            let fallen_back = Talk::download(host, server)?.seen_as;
            assert_eq!(fallen_back, lab.lines[1].address[family], "{who}: what may fall back");
        }
        // Those nearby are not meant.
        assert_eq!(tcp_seen_as(&lab.lan, NEAR[0][family])?, NEAR[1][family], "the LAN reaches the gateway");
        assert_eq!(
            tcp_seen_as(&lab.gateway, NEAR[1][family])?,
            NEAR[0][family],
            "the gateway reaches the LAN"
        );
    }
    Ok(())
}

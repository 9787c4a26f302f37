use super::Address;
use crate::request::Query;
use crate::units::Dev;
use crate::wire::{EncodeError, Writer};
use netlink_packet_route::address::AddressMessage;
use netlink_packet_route::AddressFamily;
use std::fmt::{self, Formatter};

/// Which addresses to list.
#[derive(Clone, Copy, Debug, Default)]
pub struct Addresses {
    dev: Option<Dev>,
    v4: Option<bool>,
}

impl Addresses {
    pub(super) fn of(dev: Dev) -> Self {
        Addresses { dev: Some(dev), v4: None }
    }

    /// Only those of IPv4.
    #[must_use]
    pub fn v4(mut self) -> Self {
        self.v4 = Some(true);
        self
    }

    /// Only those of IPv6.
    #[must_use]
    pub fn v6(mut self) -> Self {
        self.v4 = Some(false);
        self
    }
}

impl Query for Addresses {
    type Object = Address;

    fn encode(&self, w: &mut Writer) -> Result<(), EncodeError> {
        let mut message = AddressMessage::default();
        message.header.family = match self.v4 {
            None => AddressFamily::Unspec,
            Some(true) => AddressFamily::Inet,
            Some(false) => AddressFamily::Inet6,
        };
        message.header.index = self.dev.map_or(0, |dev| dev.index);
        crate::route::message::put(w, &message, &message.attributes)
    }

    /// The kernel filters too, but only with strict checking.
    fn take(&self, address: &mut Address) -> bool {
        if self.v4.is_some_and(|v4| v4 != address.local.address().is_ipv4()) {
            return false;
        }
        match self.dev {
            Some(dev) if dev != address.dev => false,
            Some(dev) => {
                address.dev = dev;
                true
            }
            None => true,
        }
    }

    fn command(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self.v4 {
            None => "ip address show",
            Some(true) => "ip -4 address show",
            Some(false) => "ip -6 address show",
        })?;
        crate::route::message::say(f, "dev", self.dev)
    }
}

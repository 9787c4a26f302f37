use super::{Json, Reply, Shown};
use serde_json::Value;
use tcnl::route::{Address, AddressFlags};

/// The addresses by link, as `ip address` shows them.
pub fn shown(all: &mut Shown, reply: &Reply) -> Vec<Value> {
    let addresses = all.objects(reply, &Address::all());
    let mut links: Vec<(u32, Vec<Value>)> = Vec::new();
    for address in &addresses {
        match links.iter_mut().find(|(link, _)| *link == address.dev.index) {
            Some((_, list)) => list.push(shown_one(address)),
            None => links.push((address.dev.index, vec![shown_one(address)])),
        }
    }
    let link = |(index, list): (u32, Vec<Value>)| {
        let mut json = Json::default();
        json.put("ifindex", index);
        json.put("addr_info", list);
        json.done()
    };
    links.into_iter().map(link).collect()
}

/// What `ip address` shows of addresses; what it shows of links comes from other messages.
pub fn of_addresses(json: &Value) -> Value {
    let links = json.as_array().expect("a list of links").iter();
    let has = |link: &&Value| link["addr_info"].as_array().is_some_and(|list| !list.is_empty());
    let only = |link: &Value| {
        let mut json = Json::default();
        json.put("ifindex", link["ifindex"].clone());
        json.put("addr_info", link["addr_info"].clone());
        json.done()
    };
    links.filter(has).map(only).collect()
}

fn shown_one(address: &Address) -> Value {
    let mut json = Json::default();
    let local = address.local.address();
    json.put("family", if local.is_ipv4() { "inet" } else { "inet6" });
    json.put("local", local.to_string());
    json.some("address", address.peer.map(|peer| peer.to_string()));
    json.put("prefixlen", address.local.prefix_len());
    json.some("metric", address.metric);
    json.some("broadcast", address.broadcast.map(|broadcast| broadcast.to_string()));
    json.put("scope", address.scope.to_string());
    for (flag, word) in [
        (AddressFlags::SECONDARY, "secondary"),
        (AddressFlags::TENTATIVE, "tentative"),
        (AddressFlags::NODAD, "nodad"),
        (AddressFlags::HOMEADDRESS, "home"),
        (AddressFlags::MANAGETEMPADDR, "mngtmpaddr"),
        (AddressFlags::NOPREFIXROUTE, "noprefixroute"),
    ] {
        json.flag(word, address.flags.contains(flag));
    }
    json.flag("dynamic", !address.flags.contains(AddressFlags::PERMANENT));
    json.some("protocol", address.protocol.map(protocol));
    json.some("label", address.label.clone());
    if let Some(lifetime) = address.lifetime {
        json.put("valid_life_time", u32::from(lifetime.valid));
        json.put("preferred_life_time", u32::from(lifetime.preferred));
    }
    json.done()
}

/// The names of /etc/iproute2/rt_addrprotos.
fn protocol(number: u8) -> String {
    match number {
        1 => "kernel_lo".to_owned(),
        2 => "kernel_ra".to_owned(),
        3 => "kernel_ll".to_owned(),
        number => format!("{number:#x}"),
    }
}
